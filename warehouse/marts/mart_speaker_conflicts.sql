-- grain: one speaker named for one utterance that other reports give to somebody else
-- speaker: Name of the entity that these reports give the words to.
-- utterance_text: The fullest wording of the utterance.
-- outlets: Outlets that name this speaker.
-- quote_ids: The reports that name this speaker.
-- confidence: The highest confidence of these attributions.
with utterances as (
    select * from dim_utterances
    where has_speaker_conflict
),

wordings as (
    select * from utterance_wordings
),

quotes as (
    select * from fact_quotes
    where speaker_entity_id is not null
),

articles as (
    select * from fact_articles
),

entities as (
    select * from dim_entities
),

final as (
    select
        utterances.utterance_id,
        utterances.utterance_text,
        utterances.story_id,
        entities.entity_name as speaker,
        quotes.speaker_entity_id,
        count(*) as quote_count,
        max(quotes.confidence) as confidence,
        list_sort(list(distinct articles.outlet)) as outlets,
        list_sort(list(quotes.quote_id)) as quote_ids
    from utterances
    inner join wordings on utterances.utterance_id = wordings.utterance_id
    inner join quotes on wordings.quote_id = quotes.quote_id
    inner join articles on quotes.article_id = articles.article_id
    inner join entities on quotes.speaker_entity_id = entities.entity_id
    group by
        utterances.utterance_id,
        utterances.utterance_text,
        utterances.story_id,
        entities.entity_name,
        quotes.speaker_entity_id
)

select * from final
