-- grain: one quote with its article, its speaker's name and its outlet
-- speaker: Name of the entity that speaks; null when nobody is named, or the name could not be resolved.
with quotes as (
    select * from fact_quotes
),

articles as (
    select * from fact_articles
),

entities as (
    select * from dim_entities
),

final as (
    select
        quotes.quote_id,
        quotes.article_id,
        quotes.statement_id,
        quotes.part_no,
        articles.published_on,
        articles.outlet,
        articles.title,
        articles.url,
        articles.source_uri,
        articles.dateline,
        entities.entity_name as speaker,
        quotes.speaker_entity_id,
        quotes.speaker_text,
        quotes.speaker_kind,
        quotes.quote_type,
        quotes.quote_text,
        quotes.quote_text_normalized,
        quotes.cue,
        quotes.via_text,
        quotes.confidence,
        quotes.start_char,
        quotes.end_char
    from quotes
    inner join articles on quotes.article_id = articles.article_id
    left join entities on quotes.speaker_entity_id = entities.entity_id
)

select * from final
