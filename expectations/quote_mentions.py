"""What must be true of those mentioned in quotes, beyond the declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite
from warehouse.tables import QUOTE_MENTIONS


def add_context(rows: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add article and span of the quote (`quote_`) and of the mention (`mention_`) to every row."""
    for name, key, prefix in (("fact_quotes", "quote_id", "quote"), ("fact_entity_mentions", "mention_id", "mention")):
        spans = frames[name].select(
            key,
            pl.col("article_id").alias(f"{prefix}_article_id"),
            pl.col("start_char").alias(f"{prefix}_start"),
            pl.col("end_char").alias(f"{prefix}_end"),
        )
        rows = rows.join(spans.unique(key, keep="first"), on=key, how="left", maintain_order="left")
    return rows


_IS_INSIDE = (pl.col("quote_start") <= pl.col("mention_start")) & (pl.col("mention_end") <= pl.col("quote_end"))
_IS_APART = (pl.col("mention_end") <= pl.col("quote_start")) | (pl.col("quote_end") <= pl.col("mention_start"))

SUITE = Suite(
    table=QUOTE_MENTIONS,
    checks=(
        Check(
            "quote_and_mention_are_of_the_article",
            "The quote and the mention belong to the article.",
            (pl.col("quote_article_id") == pl.col("article_id"))
            & (pl.col("mention_article_id") == pl.col("article_id")),
        ),
        Check(
            "role_is_where_the_mention_stands",
            "A mention inside lies in the span of the quote, one around it lies outside of it.",
            pl.when(pl.col("role") == "inside").then(_IS_INSIDE).when(pl.col("role") == "around").then(_IS_APART),
        ),
    ),
    add_context=add_context,
)
