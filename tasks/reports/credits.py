"""Segments and authors of articles -> the agencies and outlets that they credit for their text; credits of pictures are left out."""

import duckdb
import polars as pl

from tasks.lexicons import load_lexicon
from warehouse.tables import ARTICLE_CREDITS

_PHOTO = "photo"
_NAME = r"\(([^()]+)\)"  # LISBON (Agency) -
_BYLINE = r"^(?i:written by|by|from|text|staff and|staff, with)\s*:?\s+"
_BETWEEN = r"\s*(?:/|,|;|&|\||\band\b|\bvia\b|\bwith\b)\s*"


def read_credits(con: duckdb.DuckDBPyConnection, articles: pl.DataFrame) -> pl.DataFrame:
    """Read ARTICLE_CREDITS of `articles` (`article_id`): what their datelines, bylines, credit lines and authors name.

    A name counts when it is that of a news agency of the lexicon or of another outlet of the corpus, as a whole.
    """
    con.register("credited_articles", articles.select("article_id"))
    try:
        printed = con.sql(_PRINTED).pl()
        outlets = con.sql("select distinct outlet from fact_articles where outlet is not null").pl()
    finally:
        con.unregister("credited_articles")
    return match_credits(printed, outlets["outlet"])


_PRINTED = """
    select article_id, any_value(outlet) as outlet, label as credit_place, text as credit_text
    from article_segments semi join credited_articles using (article_id) join fact_articles using (article_id)
    where label in ('dateline', 'byline') or (label = 'credit' and reason = 'agency_name')
    group by all
    union all
    select article_id, outlet, 'authors', unnest(authors) from fact_articles semi join credited_articles using (article_id)
"""


def match_credits(printed: pl.DataFrame, outlets: pl.Series) -> pl.DataFrame:
    """Match printed credits (`article_id`, `outlet`, `credit_place`, `credit_text`) with agencies and `outlets`."""
    text = pl.col("credit_text").str.strip_chars()
    inside = text.str.extract_all(_NAME).list.eval(pl.element().str.strip_chars("()"))
    alone = (
        text.str.replace(_BYLINE, "")
        .str.replace(r"\s*[—–-]\s*$", "")
        .str.replace_all(_BETWEEN, "\x1f")
        .str.split("\x1f")
    )
    named = printed.with_columns(
        key=pl.when(credit_place="dateline").then(pl.concat_list(inside, alone)).otherwise(alone)
    ).explode("key")
    folded = pl.col("key").str.strip_chars(" .").str.to_lowercase()
    return (
        named.with_columns(key=folded)
        .join(list_credited(outlets), on="key")
        .filter(pl.col("credited").ne_missing(pl.col("outlet")))
        .sort(
            "article_id",
            "credited",
            pl.col("credit_place").replace_strict({"dateline": 0, "byline": 1, "credit": 2, "authors": 3}),
            "credit_text",  # of two in one place the first by letter: the order of rows tells nothing
        )
        .unique(["article_id", "credited"], keep="first", maintain_order=True)
        .select(ARTICLE_CREDITS.column_names)
    )


def list_credited(outlets: pl.Series) -> pl.DataFrame:
    """Return `key` (a name in lower case) and `credited` (what it is called here): agencies first, then outlets."""
    agencies = load_lexicon("agencies").filter(pl.col("kind") != _PHOTO)
    names = pl.concat(
        [
            agencies.select(key="name", credited="name"),
            agencies.select(key="aliases", credited="name").explode("key").drop_nulls(),
            pl.DataFrame({"key": outlets, "credited": outlets}, schema={"key": pl.String, "credited": pl.String}),
        ]
    )
    return names.with_columns(pl.col("key").str.to_lowercase()).unique("key", keep="first", maintain_order=True)


def is_agency(outlet: pl.Expr) -> pl.Expr:
    """Return whether an outlet is a news agency of the lexicon."""
    names = list_credited(pl.Series([], dtype=pl.String))["key"]
    return outlet.str.to_lowercase().is_in(names.implode()).fill_null(False)
