"""What must be true of articles beyond their declaration."""

from datetime import date, timedelta

import polars as pl

from expectations.base import Check, Frames, Ratio, Suite, expect_pattern, expect_probability
from warehouse.tables import FACT_ARTICLES

FIRST_NEWSPAPERS_ON = date(1600, 1, 1)
"""The oldest printed newspaper, the Strasbourg Relation, is of 1605: an earlier date is a misreading."""


def add_context(articles: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add `last_plausible_on` and `has_quotes` to every article."""
    return articles.with_columns(
        last_plausible_on=pl.lit(as_of + timedelta(days=1)),  # it may be tomorrow already where the outlet is
        has_quotes=pl.col("article_id").is_in(frames["fact_quotes"]["article_id"].implode()),
    )


SUITE = Suite(
    table=FACT_ARTICLES,
    expectations=(
        expect_pattern("raw_sha256", "hash", r"^[0-9a-f]{64}$"),
        expect_pattern("body_sha256", "hash", r"^[0-9a-f]{64}$"),
        expect_pattern("language", "code", r"^[a-z]{2,3}$"),  # three letters where ISO 639-1 has no code, and for und
        expect_probability("language_score"),
    ),
    checks=(
        Check("body_has_words", "The body has at least one word.", pl.col("body").str.contains(r"\w")),
        Check(
            "word_count_is_that_of_the_body",
            "word_count counts the words of the body, separated by white space.",
            pl.col("word_count") == pl.col("body").str.count_matches(r"\S+"),
        ),
        Check(
            "paragraph_count_is_that_of_the_body",
            "paragraph_count counts the blocks of the body, separated by blank lines.",
            pl.col("paragraph_count") == pl.col("body").str.strip_chars().str.count_matches(r"\n{2,}") + 1,
        ),
        Check(
            "published_on_is_plausible",
            "published_on lies between the first newspapers and the day after the build.",
            pl.col("published_on").is_between(FIRST_NEWSPAPERS_ON, pl.col("last_plausible_on")),
        ),
        Check(
            "title_is_not_blank",
            "A title has at least one printed character.",
            pl.col("title").str.contains(r"\S"),
        ),
        Check(
            "authors_are_named",
            "No author is an empty text.",
            pl.col("authors").list.eval(pl.element().str.contains(r"\S").fill_null(False)).list.all(),
        ),
    ),
    ratios=(
        Ratio(
            "articles_have_quotes",
            "English articles of 200 words or more mostly quote somebody.",
            pl.when((pl.col("language") == "en") & (pl.col("word_count") >= 200)).then(pl.col("has_quotes")),
            """case when t.language = 'en' and t.word_count >= 200
               then exists (select 1 from fact_quotes as q where q.article_id = t.article_id) end""",
            max_share=0.95,
            reason="A report of that length without quoted or reported words is rare; nearly all without is a fault.",
        ),
        Ratio(
            "language_is_known",
            "The language of articles of 50 words or more is mostly known.",
            pl.when(pl.col("word_count") >= 50).then(pl.col("language") != "und"),
            "case when t.word_count >= 50 then t.language <> 'und' end",
            max_share=0.5,
            reason="50 words are enough to tell a language; when they are not, the text was decoded wrongly.",
        ),
    ),
    add_context=add_context,
)
