-- grain: one entity that speaks in at least one quote
-- stored: yes
-- speaker: Name of the entity.
-- speaker_entity_id: The entity in the corpus.
-- quote_count: Quotes of the speaker.
-- statement_count: Statements of the speaker that hold these quotes.
-- article_count: Articles with a quote of the speaker.
-- outlet_count: Outlets with a quote of the speaker.
-- first_published_on: The earliest date of publication of such an article, as far as dates are known.
-- last_published_on: The latest one.
with quotes as (
    select * from fact_quotes
    where speaker_entity_id is not null
),

articles as (
    select * from fact_articles
),

entities as (
    select * from dim_entities
),

counts as (
    select
        quotes.speaker_entity_id,
        count(*) as quote_count,
        count(distinct quotes.statement_id) as statement_count,
        count(distinct quotes.article_id) as article_count,
        count(distinct articles.outlet) as outlet_count,
        min(articles.published_on) as first_published_on,
        max(articles.published_on) as last_published_on
    from quotes
    inner join articles on quotes.article_id = articles.article_id
    group by quotes.speaker_entity_id
),

final as (
    select
        counts.speaker_entity_id,
        entities.entity_name as speaker,
        entities.entity_type,
        entities.aliases,
        entities.external_id,
        entities.external_scheme,
        counts.quote_count,
        counts.statement_count,
        counts.article_count,
        counts.outlet_count,
        counts.first_published_on,
        counts.last_published_on
    from counts
    inner join entities on counts.speaker_entity_id = entities.entity_id
)

select * from final
order by quote_count desc, speaker_entity_id asc
