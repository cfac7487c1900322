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
    -- Numbers in the order of the ids: pairs of numbers take a fifth of the memory that pairs of texts take.
    select
        entity_id,
        entity_name,
        row_number() over (order by entity_id)::uinteger as entity_no
    from dim_entities
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

foremost as (
    select
        article_no,
        outlet_no,
        (4294967295 - rank_key % 4294967296)::uinteger as entity_no
    from ranked
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
