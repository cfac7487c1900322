-- grain: one pair of entities that two or more articles mention, both among the twelve foremost of an article
-- stored: yes
-- entity: Name of the one, whose id is the smaller of the two.
-- entity_id: The one.
-- other_entity: Name of the other.
-- other_entity_id: The other.
-- article_count: Articles that mention both.
-- outlet_count: Outlets with such an article.
-- lift: How many times more often both stand in one article than if they were independent, over all articles.
with foremost as (
    select
        document_entities.article_id,
        entity_links.entity_id
    from document_entities
    inner join entity_links on document_entities.document_entity_id = entity_links.document_entity_id
    group by document_entities.article_id, entity_links.entity_id
    qualify row_number() over (
        partition by document_entities.article_id
        order by sum(document_entities.mention_count) desc, entity_links.entity_id
    ) <= 12
),

articles as (
    select
        article_id,
        outlet
    from fact_articles
),

entities as (
    select * from dim_entities
),

totals as (
    select
        entity_id,
        count(*) as article_count
    from foremost
    group by entity_id
),

pairs as (
    select
        one.entity_id,
        other.entity_id as other_entity_id,
        count(*) as article_count,
        count(distinct articles.outlet) as outlet_count
    from foremost as one
    inner join foremost as other on one.article_id = other.article_id and one.entity_id < other.entity_id
    inner join articles on one.article_id = articles.article_id
    group by one.entity_id, other.entity_id
    having count(*) >= 2
),

final as (
    select
        entities.entity_name as entity,
        pairs.entity_id,
        second_entities.entity_name as other_entity,
        pairs.other_entity_id,
        pairs.article_count,
        pairs.outlet_count,
        pairs.article_count * (select count(*) from articles)
        / (totals.article_count * other_totals.article_count) as lift
    from pairs
    inner join entities on pairs.entity_id = entities.entity_id
    inner join entities as second_entities on pairs.other_entity_id = second_entities.entity_id
    inner join totals on pairs.entity_id = totals.entity_id
    inner join totals as other_totals on pairs.other_entity_id = other_totals.entity_id
)

select * from final
order by article_count desc, entity_id asc, other_entity_id asc
