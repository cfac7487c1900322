"""What must be true of the chain of relays of a statement, beyond the declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite, slices_back
from expectations.statement_speakers import OF_THE_STATEMENT, join_statements
from warehouse.tables import STATEMENT_RELAYS


def add_context(rows: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the article's body, the statement's article, and the place of the row in its chain."""
    return join_statements(rows, frames, "relay_no")


SUITE = Suite(
    table=STATEMENT_RELAYS,
    checks=(
        Check(
            "relay_text_is_in_body",
            "body[relay_start_char:relay_end_char] is relay_text.",
            slices_back("relay_text", "relay_start_char", "relay_end_char"),
        ),
        Check(
            "relay_no_is_dense",
            "The links of a chain are counted 0, 1, 2 without a gap.",
            pl.col("relay_no") == pl.col("place_in_statement"),
        ),
        OF_THE_STATEMENT,
    ),
    add_context=add_context,
)
