-- grain: one stretch of words of one utterance that one report leaves out and others carry
-- stored: yes
-- speaker: Name of the entity that said it.
-- left_out_text: The words that this report does not have.
-- utterance_text: The fullest wording of the utterance.
-- carried_by: Outlets with a report that leaves out nothing.
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

left_out as (
    select
        utterance_id,
        quote_id,
        article_id,
        wording_kind,
        unnest(deleted) as left_out_text
    from wordings
    where wording_kind in ('truncated', 'spliced')
),

carried as (
    select
        wordings.utterance_id,
        list_sort(list(distinct articles.outlet)) as carried_by
    from wordings
    semi join left_out on wordings.utterance_id = left_out.utterance_id
    inner join articles on wordings.article_id = articles.article_id
    where len(wordings.deleted) = 0
    group by wordings.utterance_id
),

final as (
    select
        articles.outlet,
        entities.entity_name as speaker,
        utterances.speaker_entity_id,
        left_out.left_out_text,
        left_out.wording_kind,
        quotes.quote_text,
        utterances.utterance_text,
        carried.carried_by,
        articles.published_on,
        articles.title,
        left_out.utterance_id,
        left_out.quote_id,
        left_out.article_id
    from left_out
    inner join utterances on left_out.utterance_id = utterances.utterance_id
    inner join carried on left_out.utterance_id = carried.utterance_id
    inner join quotes on left_out.quote_id = quotes.quote_id
    inner join articles on left_out.article_id = articles.article_id
    left join entities on utterances.speaker_entity_id = entities.entity_id
)

select * from final
order by outlet, published_on, quote_id, left_out_text
