"""What must be true of segments beyond their declaration; only what is cheap, for there are many."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite, join_bodies
from warehouse.tables import ARTICLE_SEGMENTS, BODY_LABELS


def add_context(segments: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the length of the article's body to every segment."""
    return join_bodies(segments, frames).drop("body")


SUITE = Suite(
    table=ARTICLE_SEGMENTS,
    checks=(
        Check(
            "raw_span_is_ordered",
            "A segment does not end before it starts.",
            pl.col("raw_start") <= pl.col("raw_end"),
        ),
        Check(
            "body_span_is_inside_body",
            "A segment's place in the body has a start and an end, in order, inside the body.",
            pl.when(pl.col("body_start").is_not_null() | pl.col("body_end").is_not_null()).then(
                ((pl.col("body_start") <= pl.col("body_end")) & (pl.col("body_end") <= pl.col("body_chars"))).fill_null(
                    pl.when(pl.col("body_chars").is_not_null()).then(False)
                )
            ),
        ),
        Check(
            "only_body_is_in_body",
            "A segment with a place in the body is labelled as body or heading.",
            pl.when(pl.col("body_start").is_not_null()).then(pl.col("label").is_in(BODY_LABELS)),
        ),
    ),
    add_context=add_context,
)
