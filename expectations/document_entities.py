"""What must be true of document entities beyond their declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite
from warehouse.tables import DOCUMENT_ENTITIES


def add_context(entities: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add `found_mention_count`, the mentions that refer to it, to every document entity."""
    counts = frames["fact_entity_mentions"].group_by("document_entity_id").agg(found_mention_count=pl.len())
    return entities.join(counts, on="document_entity_id", how="left", maintain_order="left").with_columns(
        pl.col("found_mention_count").fill_null(0)
    )


SUITE = Suite(
    table=DOCUMENT_ENTITIES,
    checks=(
        Check(
            "document_entity_has_a_name",
            "document_entity_name is not blank.",
            pl.col("document_entity_name").str.contains(r"\S"),
        ),
        Check(
            "document_entity_is_mentioned",
            "At least one mention refers to it.",
            pl.when(pl.col("document_entity_id").is_not_null()).then(pl.col("found_mention_count") > 0),
        ),
        Check(
            "mention_count_is_that_of_the_mentions",
            "mention_count counts the mentions that refer to it.",
            pl.when(pl.col("found_mention_count") > 0).then(pl.col("mention_count") == pl.col("found_mention_count")),
        ),
    ),
    add_context=add_context,
)
