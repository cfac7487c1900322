-- grain: one quote with its article, its speaker's name and its outlet
-- stored: yes
-- speaker: Name of the entity that speaks; null when nobody is named, or the name could not be resolved.
-- speaker_text: The speaker as printed, a pronoun too; null where a correction names another or none.
-- confidence: Estimated probability, 0 to 1, that the speaker is right; 1 where a correction says so.
-- speaker_correction_id: The correction that set or cleared the speaker.
with quotes as (
    select * from fact_quotes
),

articles as (
    select * from fact_articles
),

entities as (
    select * from dim_entities
),

corrected as (
    select * from quote_speaker_corrections
),

final as (
    select  -- noqa: ST06, a reader finds the speaker before the words
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
        case when corrected.quote_id is null then quotes.speaker_text end as speaker_text,
        case
            when corrected.quote_id is null then quotes.speaker_kind
            else corrected.speaker_kind
        end as speaker_kind,
        quotes.quote_type,
        quotes.quote_text,
        quotes.quote_text_normalized,
        quotes.cue,
        quotes.via_text,
        case when corrected.quote_id is null then quotes.confidence else 1.0 end as confidence,
        quotes.start_char,
        quotes.end_char,
        corrected.correction_id as speaker_correction_id
    from quotes
    inner join articles on quotes.article_id = articles.article_id
    left join corrected on quotes.quote_id = corrected.quote_id
    left join entities on quotes.speaker_entity_id = entities.entity_id
)

select * from final
order by speaker, published_on, quote_id
