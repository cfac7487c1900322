-- grain: one report of an utterance that several articles carry, beside its fullest wording
-- speaker: Name of the entity that said it; null where no report names one.
-- utterance_text: The fullest wording of the utterance.
-- fullest_outlet: The outlet with the fullest wording.
-- quote_text: The wording of this report.
-- via_text: Who relayed the words to this report, as printed.
-- origin_text: The agency, the relay or the outlet that this report goes back to.
-- origin_count: Independent origins of the utterance over all reports.
with utterances as (
    select * from dim_utterances
    where article_count > 1
),

wordings as (
    select * from utterance_wordings
),

quotes as (
    select * from fact_quotes
),

articles as (
    select * from fact_articles
),

entities as (
    select * from dim_entities
),

origins as (
    select
        utterance_id,
        origin_no,
        origin_text,
        unnest(quote_ids) as quote_id
    from utterance_origins
),

final as (
    select
        utterances.utterance_id,
        utterances.story_id,
        entities.entity_name as speaker,
        utterances.speaker_entity_id,
        fullest_articles.outlet as fullest_outlet,
        utterances.utterance_text,
        articles.outlet,
        quotes.quote_text,
        wordings.wording_kind,
        wordings.similarity,
        wordings.kept,
        wordings.deleted,
        wordings.inserted,
        quotes.speaker_text,
        quotes.via_text,
        origins.origin_no,
        origins.origin_text,
        utterances.origin_count,
        utterances.has_speaker_conflict,
        articles.published_on,
        articles.title,
        articles.url,
        wordings.quote_id,
        wordings.article_id
    from wordings
    inner join utterances on wordings.utterance_id = utterances.utterance_id
    inner join quotes on wordings.quote_id = quotes.quote_id
    inner join articles on wordings.article_id = articles.article_id
    inner join quotes as fullest on utterances.reference_quote_id = fullest.quote_id
    inner join articles as fullest_articles on fullest.article_id = fullest_articles.article_id
    left join origins
        on
            wordings.utterance_id = origins.utterance_id
            and wordings.quote_id = origins.quote_id
    left join entities on utterances.speaker_entity_id = entities.entity_id
)

select * from final
