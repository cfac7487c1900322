"""What must be true of statements beyond their declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite, expect_probability, join_bodies
from expectations.fact_quotes import OCCASION_CHECKS, SPEAKER_CHECKS
from warehouse.tables import FACT_STATEMENTS


def add_context(statements: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the body, `fragments_are_ordered` and `fragments_text` (their words, joined by a space) to statements."""
    with_bodies = join_bodies(statements, frames)
    start, end = pl.col("fragment_start").cast(pl.Int64), pl.col("fragment_end").cast(pl.Int64)
    fragments = (
        with_bodies.select("row_no", "body", "body_chars", "fragments")
        .explode("fragments")
        .with_columns(
            fragment_start=pl.col("fragments").struct.field("start_char"),
            fragment_end=pl.col("fragments").struct.field("end_char"),
        )
        .group_by("row_no", maintain_order=True)
        .agg(
            fragments_are_ordered=(
                (start < end)
                & (end <= pl.col("body_chars"))
                & (start >= end.shift(1, fill_value=0)).fill_null(
                    pl.col("fragments").is_null() | pl.col("body").is_null()
                )
            ).all(ignore_nulls=False),
            fragments_text=pl.col("body").str.slice(start, (end - start).clip(0)).str.join(" ", ignore_nulls=False),
        )
    )
    return with_bodies.join(fragments, on="row_no", how="left", maintain_order="left")


SUITE = Suite(
    table=FACT_STATEMENTS,
    expectations=(expect_probability("confidence"),),
    checks=(
        Check(
            "fragments_are_given",
            "A statement has at least one stretch of the body.",
            pl.col("fragments").list.len() > 0,
        ),
        Check(
            "fragments_are_inside_body",
            "The fragments have at least one character each, follow one another and end inside the body.",
            pl.col("fragments_are_ordered"),
        ),
        Check(
            "content_text_is_its_fragments",
            "content_text is the words of the fragments, joined by a space.",
            pl.when(pl.col("fragments").list.len() > 0).then(pl.col("content_text") == pl.col("fragments_text")),
        ),
        *SPEAKER_CHECKS,
        *OCCASION_CHECKS,
    ),
    add_context=add_context,
)
