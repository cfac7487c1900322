-- grain: one speaker in one story
-- stored: yes
-- speaker: Name of the entity that speaks.
-- speaker_entity_id: The entity in the corpus.
-- quote_count: Quotes of the speaker in the articles of the story.
-- utterance_count: Different things the speaker said in the story, however many report them.
-- article_count: Articles of the story with a quote of the speaker.
-- outlet_count: Outlets with such an article.
-- quoted_word_count: Words inside quotation marks, in quotes that stand inside no other.
-- word_share: Share of the quoted words with a known speaker in the story, 0 to 1; null when there are none.
with quotes as (
    select * from fact_quotes
    where speaker_entity_id is not null
),

placed as (
    select
        story_articles.story_id,
        story_articles.article_id,
        fact_articles.outlet
    from story_articles
    inner join fact_articles on story_articles.article_id = fact_articles.article_id
),

wordings as (
    select
        quote_id,
        utterance_id
    from utterance_wordings
),

stories as (
    select * from dim_stories
),

entities as (
    select * from dim_entities
),

counts as (
    select
        placed.story_id,
        quotes.speaker_entity_id,
        count(*) as quote_count,
        count(distinct wordings.utterance_id) as utterance_count,
        count(distinct quotes.article_id) as article_count,
        count(distinct placed.outlet) as outlet_count,
        coalesce(
            sum(len(string_split(trim(quotes.quote_text), ' ')))
            filter (where quotes.quote_type <> 'indirect' and quotes.parent_quote_id is null),
            0
        )::bigint as quoted_word_count
    from quotes
    inner join placed on quotes.article_id = placed.article_id
    left join wordings on quotes.quote_id = wordings.quote_id
    group by placed.story_id, quotes.speaker_entity_id
),

final as (
    select
        counts.story_id,
        stories.story_title,
        entities.entity_name as speaker,
        counts.speaker_entity_id,
        entities.entity_type,
        counts.quote_count,
        counts.utterance_count,
        counts.article_count,
        counts.outlet_count,
        counts.quoted_word_count,
        counts.quoted_word_count / nullif(
            sum(counts.quoted_word_count) over (partition by counts.story_id), 0
        ) as word_share
    from counts
    inner join stories on counts.story_id = stories.story_id
    inner join entities on counts.speaker_entity_id = entities.entity_id
)

select * from final
order by story_id asc, quoted_word_count desc, speaker_entity_id asc
