"""Articles -> paragraphs; distinct paragraphs -> tokens, sentences, syntax and named entities."""

from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.annotation.annotator import Annotator
from tasks.frames import ANNOTATIONS, PARAGRAPHS
from warehouse.keys import make_id

_BREAK = "\n\n"


@dataclass(frozen=True)
class AnnotatedBatch:
    """The paragraphs of the English articles of a batch, and the annotation of every distinct one."""

    paragraphs: pl.DataFrame
    annotations: pl.DataFrame


def split_paragraphs(articles: pl.DataFrame, segments: pl.DataFrame | None = None) -> pl.DataFrame:
    """Split bodies at their blank lines.

    Args:
        articles: FACT_ARTICLES; `article_id` and `body` are read.
        segments: ARTICLE_SEGMENTS; a paragraph that begins with a segment labelled `heading` is one. Without them
            all paragraphs are labelled `body`.

    Returns:
        PARAGRAPHS, ordered by article and number: body[start_char:start_char + len(text)] is `text`.
    """
    pieces = (
        articles.select("article_id", text=pl.col("body").str.split(_BREAK))
        .with_columns(length=pl.col("text").list.eval(pl.element().str.len_chars() + len(_BREAK)))
        .explode("text", "length")
        .with_columns(start_char=(pl.col("length").cum_sum() - pl.col("length")).over("article_id"))
        .filter(pl.col("text").str.strip_chars() != "")
        .with_columns(
            paragraph_no=pl.int_range(pl.len()).over("article_id"),
            label=pl.lit("body"),
            # the stored hash must not change with the version of Polars, so it is computed in Python
            paragraph_key=pl.col("text").map_elements(make_id, return_dtype=pl.String),
        )
        .select(PARAGRAPHS.column_names)
        .cast(PARAGRAPHS.schema)
    )
    if segments is not None:
        headings = segments.filter(pl.col("label") == "heading").select(
            "article_id", start_char="body_start", is_heading=True
        )
        pieces = pieces.join(
            headings.unique(), on=["article_id", "start_char"], how="left", maintain_order="left"
        ).select(
            *[column for column in PARAGRAPHS.column_names if column not in ("label", "paragraph_key")],
            pl.when("is_heading").then(pl.lit("heading")).otherwise("label").alias("label"),
            "paragraph_key",
        )
    return pieces.sort("article_id", "paragraph_no")


def select_english(articles: pl.DataFrame, paragraphs: pl.DataFrame) -> pl.DataFrame:
    """Return the paragraphs of English articles: the only ones that the models and rules after this can read."""
    return paragraphs.join(
        articles.filter(pl.col("language") == "en"), on="article_id", how="semi", maintain_order="left"
    )


def annotate_paragraphs(paragraphs: pl.DataFrame, annotator: Annotator) -> pl.DataFrame:
    """Annotate the distinct texts of `paragraphs`.

    Returns:
        ANNOTATIONS, one row a distinct `paragraph_key`, ordered by it.

    Raises:
        ModelError: If the spaCy pipeline is missing.
        AnnotationError: If an annotating process died.
    """
    return annotator.annotate(paragraphs).select(ANNOTATIONS.column_names).cast(ANNOTATIONS.schema)


@task(cache_policy=NO_CACHE, persist_result=False)
def annotate_batch(articles: pl.DataFrame, segments: pl.DataFrame, annotator: Annotator) -> AnnotatedBatch:
    """Split the English articles of one batch into paragraphs and annotate them.

    A paragraph of another language is left out even when an English article has the same one: what is found in an
    article must not depend on its batch.
    """
    paragraphs = select_english(articles, split_paragraphs(articles, segments))
    return AnnotatedBatch(paragraphs, annotate_paragraphs(paragraphs, annotator))
