-- grain: one speaker in one outlet in one month
-- stored: yes
-- month_on: First day of the month of publication; null for articles without a date.
-- speaker: Name of the entity that speaks.
-- speaker_entity_id: The entity in the corpus.
-- rank_no: Place by quotes among the speakers of the outlet in the month, from 1; equals share one.
-- quote_count: Quotes of the speaker, direct, mixed and indirect.
-- statement_count: Statements of the speaker that hold these quotes.
-- article_count: Articles with a quote of the speaker.
-- quoted_word_count: Words inside quotation marks, in quotes that stand inside no other.
-- quote_share: Share of the quotes with a known speaker in the outlet and month, 0 to 1.
with quotes as (
    select * from fact_quotes
    where speaker_entity_id is not null
),

articles as (
    select
        article_id,
        outlet,
        date_trunc('month', published_on)::date as month_on
    from fact_articles
),

entities as (
    select * from dim_entities
),

counts as (
    select
        articles.outlet,
        articles.month_on,
        quotes.speaker_entity_id,
        count(*) as quote_count,
        count(distinct quotes.statement_id) as statement_count,
        count(distinct quotes.article_id) as article_count,
        coalesce(
            sum(len(string_split(trim(quotes.quote_text), ' ')))
            filter (where quotes.quote_type <> 'indirect' and quotes.parent_quote_id is null),
            0
        )::bigint as quoted_word_count
    from quotes
    inner join articles on quotes.article_id = articles.article_id
    group by articles.outlet, articles.month_on, quotes.speaker_entity_id
),

final as (
    select
        counts.outlet,
        counts.month_on,
        entities.entity_name as speaker,
        counts.speaker_entity_id,
        entities.entity_type,
        counts.quote_count,
        counts.statement_count,
        counts.article_count,
        counts.quoted_word_count,
        rank() over (
            partition by counts.outlet, counts.month_on
            order by counts.quote_count desc
        ) as rank_no,
        counts.quote_count / sum(counts.quote_count) over (
            partition by counts.outlet, counts.month_on
        ) as quote_share
    from counts
    inner join entities on counts.speaker_entity_id = entities.entity_id
)

select * from final
order by outlet, month_on, rank_no, speaker_entity_id
