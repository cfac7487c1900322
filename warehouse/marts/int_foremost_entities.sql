-- grain: one of the twelve foremost entities of an article
-- article_no: Number of the article.
-- outlet_no: Number of its outlet, null where none is known.
-- entity_no: Number of the entity, as in int_entity_numbers.
with entities as (
    select * from int_entity_numbers
),

outlets as (
    select
        outlet,
        row_number() over (order by outlet)::uinteger as outlet_no
    from fact_articles
    where outlet is not null
    group by outlet
),

articles as (
    select
        fact_articles.article_id,
        outlets.outlet_no,
        fact_articles.rowid as article_no
    from fact_articles
    left join outlets on fact_articles.outlet = outlets.outlet
),

mentioned as (
    select
        articles.article_no,
        entities.entity_no,
        any_value(articles.outlet_no) as outlet_no,
        sum(document_entities.mention_count) as mention_count
    from document_entities
    inner join entity_links on document_entities.document_entity_id = entity_links.document_entity_id
    inner join entities on entity_links.entity_id = entities.entity_id
    inner join articles on document_entities.article_id = articles.article_id
    group by articles.article_no, entities.entity_no
),

ranked as (
    -- The twelve greatest of one number each: many mentions first, then the smaller id.
    select
        article_no,
        any_value(outlet_no) as outlet_no,
        unnest(max(mention_count::ubigint * 4294967296 + (4294967295 - entity_no), 12)) as rank_key
    from mentioned
    group by article_no
),

final as (
    select
        article_no,
        outlet_no,
        (4294967295 - rank_key % 4294967296)::uinteger as entity_no
    from ranked
)

select * from final
