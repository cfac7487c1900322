-- grain: one pair of entities that two or more articles mention, both among the twelve foremost of an article
-- stored: yes
-- entity: Name of the one, whose id is the smaller of the two.
-- entity_id: The one.
-- other_entity: Name of the other.
-- other_entity_id: The other.
-- article_count: Articles that mention both.
-- outlet_count: Outlets with such an article.
-- lift: How many times more often both stand in one article than if they were independent, over all articles.
with entities as (
    select * from int_entity_numbers
),

foremost as (
    select * from int_foremost_entities
),

totals as (
    select
        entity_no,
        count(*) as article_count
    from foremost
    group by entity_no
),

repeated as (
    -- Who stands in one article only is in no pair.
    select foremost.*
    from foremost
    inner join totals on foremost.entity_no = totals.entity_no
    where totals.article_count >= 2
),

pairs as (
    select
        one.outlet_no,
        one.entity_no,
        other.entity_no as other_entity_no
    from repeated as one
    inner join repeated as other on one.article_no = other.article_no and one.entity_no < other.entity_no
),

counts as (
    select
        entity_no,
        other_entity_no,
        count(*) as article_count
    from pairs
    group by entity_no, other_entity_no
    having count(*) >= 2
),

outlet_counts as (
    select
        pairs.entity_no,
        pairs.other_entity_no,
        count(distinct pairs.outlet_no) as outlet_count
    from pairs
    semi join counts
        on
            pairs.entity_no = counts.entity_no
            and pairs.other_entity_no = counts.other_entity_no
    group by pairs.entity_no, pairs.other_entity_no
),

final as (
    select
        entities.entity_name as entity,
        entities.entity_id,
        second_entities.entity_name as other_entity,
        second_entities.entity_id as other_entity_id,
        counts.article_count,
        outlet_counts.outlet_count,
        counts.article_count * (select count(*) from fact_articles)
        / (totals.article_count * other_totals.article_count) as lift
    from counts
    inner join outlet_counts
        on
            counts.entity_no = outlet_counts.entity_no
            and counts.other_entity_no = outlet_counts.other_entity_no
    inner join entities on counts.entity_no = entities.entity_no
    inner join entities as second_entities on counts.other_entity_no = second_entities.entity_no
    inner join totals on counts.entity_no = totals.entity_no
    inner join totals as other_totals on counts.other_entity_no = other_totals.entity_no
)

select * from final
order by article_count desc, entity_id asc, other_entity_id asc
