"""What must be true of mentions beyond their declaration."""

from datetime import date

import polars as pl

from expectations.base import Check, Frames, Suite, join_bodies, slices_back, span_is_inside
from warehouse.tables import FACT_ENTITY_MENTIONS


def add_context(mentions: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the article's body, and the article and type of the document entity to every mention."""
    entities = frames["document_entities"].select(
        "document_entity_id", entity_article_id="article_id", document_entity_type="entity_type"
    )
    return join_bodies(mentions, frames).join(
        entities.unique("document_entity_id", keep="first"),
        on="document_entity_id",
        how="left",
        maintain_order="left",
    )


SUITE = Suite(
    table=FACT_ENTITY_MENTIONS,
    checks=(
        Check(
            "span_is_inside_body",
            "A mention has at least one character and ends inside the body.",
            span_is_inside(),
        ),
        Check(
            "mention_text_is_in_body",
            "body[start_char:end_char] is mention_text.",
            slices_back("mention_text"),
        ),
        Check(
            "entity_is_of_the_article",
            "A mention and its document entity belong to the same article.",
            pl.col("entity_article_id") == pl.col("article_id"),
        ),
        Check(
            "entity_type_is_that_of_the_entity",
            "A mention and its document entity are of the same type.",
            pl.col("document_entity_type") == pl.col("entity_type"),
        ),
    ),
    add_context=add_context,
)
