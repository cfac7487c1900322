-- grain: one entity
-- entity_no: Number in the order of the ids: pairs of numbers take a fifth of the memory of pairs of ids.
select
    entity_id,
    entity_name,
    row_number() over (order by entity_id)::uinteger as entity_no
from dim_entities
