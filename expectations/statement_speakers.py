"""What must be true of those who made a statement together, beyond the declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite, join_bodies, slices_back
from warehouse.tables import STATEMENT_SPEAKERS


def add_context(rows: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the article's body, the statement's article, and the place of the row in its statement."""
    return join_statements(rows, frames, "speaker_no")


def join_statements(rows: pl.DataFrame, frames: Frames, number: str) -> pl.DataFrame:
    """Add `body`, `statement_article_id`, and `place_in_statement`, the rank of `number` among the statement's rows."""
    statements = frames["fact_statements"].select("statement_id", statement_article_id="article_id")
    return (
        join_bodies(rows, frames)
        .join(
            statements.unique("statement_id", keep="first"),
            on="statement_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(place_in_statement=pl.col(number).rank("dense").over("statement_id") - 1)
    )


OF_THE_STATEMENT = Check(
    "statement_is_of_the_article",
    "The statement belongs to the same article.",
    pl.col("statement_article_id") == pl.col("article_id"),
)

SUITE = Suite(
    table=STATEMENT_SPEAKERS,
    checks=(
        Check(
            "speaker_text_is_in_body",
            "body[speaker_start_char:speaker_end_char] is speaker_text.",
            slices_back("speaker_text", "speaker_start_char", "speaker_end_char"),
        ),
        Check(
            "speaker_no_is_dense",
            "The speakers of a statement are counted 0, 1, 2 without a gap.",
            pl.col("speaker_no") == pl.col("place_in_statement"),
        ),
        OF_THE_STATEMENT,
    ),
    add_context=add_context,
)
