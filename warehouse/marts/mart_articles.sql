-- grain: one current article with the number of things found in it
-- stored: yes
-- quote_count: Quotes in the article.
-- attributed_quote_count: Quotes whose speaker is printed next to them.
-- statement_count: Statements in the article.
-- speaker_count: Different entities that speak in the article.
-- entity_count: Different entities that the article mentions.
-- left_out_count: Pieces of the raw text that are not part of the body.
with articles as (
    select * from fact_articles
),

quotes as (
    select
        article_id,
        count(*) as quote_count,
        count(speaker_text) as attributed_quote_count,
        count(distinct speaker_entity_id) as speaker_count
    from fact_quotes
    group by article_id
),

statements as (
    select
        article_id,
        count(*) as statement_count
    from fact_statements
    group by article_id
),

entities as (
    select
        article_id,
        count(distinct entity_id) as entity_count
    from fact_entity_mentions
    group by article_id
),

left_out as (
    select
        article_id,
        count(*) as left_out_count
    from article_segments
    where body_start is null
    group by article_id
),

final as (
    select
        articles.article_id,
        articles.published_on,
        articles.outlet,
        articles.title,
        articles.authors,
        articles.dateline,
        articles.dateline_place,
        articles.language,
        articles.url,
        articles.source_uri,
        articles.word_count,
        coalesce(quotes.quote_count, 0) as quote_count,
        coalesce(quotes.attributed_quote_count, 0) as attributed_quote_count,
        coalesce(statements.statement_count, 0) as statement_count,
        coalesce(quotes.speaker_count, 0) as speaker_count,
        coalesce(entities.entity_count, 0) as entity_count,
        coalesce(left_out.left_out_count, 0) as left_out_count
    from articles
    left join quotes on articles.article_id = quotes.article_id
    left join statements on articles.article_id = statements.article_id
    left join entities on articles.article_id = entities.article_id
    left join left_out on articles.article_id = left_out.article_id
)

select * from final
order by article_id
