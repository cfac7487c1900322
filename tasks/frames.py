"""The frames that stages hand to each other and that are not stored: each declared once, like the tables."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from warehouse.tables import Column, Table

RAW_DOCUMENTS = Table(
    name="raw_documents",
    grain="one source as found",
    key=("article_id",),
    columns=(
        Column("document_id", pl.String, "Hash of the canonical URL, else of the source URI."),
        Column("article_id", pl.String, "Hash of document_id and raw_sha256."),
        Column("source_uri", pl.String, "Path of the source relative to its source root."),
        Column("reader", pl.String, "The reader that opened the source."),
        Column("raw", pl.Binary, "The bytes as found."),
        Column("raw_sha256", pl.String, "SHA-256 of the bytes."),
        Column("size_bytes", pl.UInt64, "Number of bytes."),
        Column("metadata_sha256", pl.String, "SHA-256 of the metadata beside the text.", nullable=True),
        Column("metadata_uri", pl.String, "Where the metadata was found.", nullable=True),
        Column("metadata_outlet", pl.String, "Outlet, as the metadata says.", nullable=True),
        Column("metadata_url", pl.String, "Address, as the metadata says.", nullable=True),
        Column("metadata_title", pl.String, "Headline, as the metadata says.", nullable=True),
        Column("metadata_published_on", pl.Date, "Date of publication, as the metadata says.", nullable=True),
        Column("metadata_authors", pl.List(pl.String), "Authors, as the metadata says.", nullable=True),
        Column("media_type", pl.String, "Content-Type that the bytes came with, charset included.", nullable=True),
        Column("http_headers", pl.String, "Response headers that say something of the text, as JSON.", nullable=True),
    ),
)

PARAGRAPHS = Table(
    name="paragraphs",
    grain="one paragraph of one article's body",
    key=("article_id", "paragraph_no"),
    columns=(
        Column("article_id", pl.String, "The article."),
        Column("paragraph_no", pl.UInt32, "Paragraph of the body, counted from 0."),
        Column("start_char", pl.UInt32, "First character of the paragraph in the body."),
        Column("text", pl.String, "The paragraph as printed."),
        Column("label", pl.String, "body or heading."),
        Column("paragraph_key", pl.String, "Hash of the text: the key of its annotation."),
    ),
)

ANNOTATIONS = Table(
    name="annotations",
    grain="one distinct paragraph; token lists run in parallel, offsets are characters of the paragraph",
    key=("paragraph_key",),
    columns=(
        Column("paragraph_key", pl.String, "Hash of the paragraph's text."),
        Column("token_start", pl.List(pl.UInt32), "First character of each token."),
        Column("token_end", pl.List(pl.UInt32), "Character after each token."),
        Column("token_tag", pl.List(pl.String), "Penn Treebank tag of each token."),
        Column("token_pos", pl.List(pl.String), "Universal part of speech of each token."),
        Column("token_dep", pl.List(pl.String), "Dependency label (ClearNLP) of each token to its head."),
        Column(
            "token_head", pl.List(pl.UInt32), "Index of each token's head in the paragraph; a root is its own head."
        ),
        Column("token_lemma", pl.List(pl.String), "Lemma of each token."),
        Column("sentence_start", pl.List(pl.UInt32), "Index of each sentence's first token."),
        Column("entity_start", pl.List(pl.UInt32), "First character of each named entity."),
        Column("entity_end", pl.List(pl.UInt32), "Character after each named entity."),
        Column("entity_label", pl.List(pl.String), "OntoNotes label of each named entity."),
    ),
)


def stack_rows(table: Table, rows: Sequence[tuple[Any, ...]], names: Sequence[str] | None = None) -> pl.DataFrame:
    """Build the frame of a table from rows in the order of its columns, column by column.

    Lists go through Arrow, which reads a column of them in one go: Polars makes a series of every single one, ten times slower.

    Args:
        table: The table.
        rows: Its rows.
        names: The columns that the rows hold, when these are not all; the others are null.
    """
    schema = table.schema
    names = schema.names() if names is None else names
    columns = zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)
    held = {name: _build_series(name, values, schema[name]) for name, values in columns}
    return pl.DataFrame(
        [held[name] if name in held else _build_nulls(name, len(rows), dtype) for name, dtype in schema.items()]
    )


def _build_nulls(name: str, size: int, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(None, size, dtype=dtype, eager=True).alias(name)


def _build_series(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    if not dtype.is_nested():
        return pl.Series(name, values, dtype)
    return pl.Series(name, pa.array(values, pl.Series(dtype=dtype).to_arrow().type), dtype)
