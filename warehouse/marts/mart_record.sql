-- grain: one report of one utterance
-- stored: yes
-- speaker: Name of the entity that said it; null where no report names one.
-- utterance_text: The fullest wording of the utterance.
-- printed_speaker: Name of the entity that this report gives the words to; not `speaker` where they disagree.
-- origin_count: Independent origins of the utterance over all reports.
with utterances as (
    select * from dim_utterances
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

final as (
    select
        entities.entity_name as speaker,
        utterances.speaker_entity_id,
        utterances.utterance_id,
        utterances.story_id,
        utterances.said_on,
        utterances.utterance_text,
        utterances.origin_count,
        wordings.wording_kind,
        quotes.quote_text,
        wordings.deleted,
        wordings.inserted,
        printed.entity_name as printed_speaker,
        quotes.speaker_text,
        quotes.via_text,
        articles.outlet,
        articles.published_on,
        articles.title,
        articles.url,
        wordings.quote_id,
        wordings.article_id
    from wordings
    inner join utterances on wordings.utterance_id = utterances.utterance_id
    inner join quotes on wordings.quote_id = quotes.quote_id
    inner join articles on wordings.article_id = articles.article_id
    left join entities on utterances.speaker_entity_id = entities.entity_id
    left join entities as printed on quotes.speaker_entity_id = printed.entity_id
)

select * from final
order by speaker, published_on, quote_id
