"""Builders of literal frames: a test names the columns that it is about, the declaration fills in the rest."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from tasks.frames import RAW_DOCUMENTS
from warehouse.keys import hash_bytes, make_id
from warehouse.tables import FACT_ARTICLES, Column, Table

_SPANS = (  # text column, its first character, the character after it
    ("quote_text", "start_char", "end_char"),
    ("mention_text", "start_char", "end_char"),
    ("cue", "cue_start_char", "cue_end_char"),
    ("speaker_text", "speaker_start_char", "speaker_end_char"),
    ("via_text", "via_start_char", "via_end_char"),
    ("said_on_text", "said_on_start_char", "said_on_end_char"),
    ("said_place_text", "said_place_start_char", "said_place_end_char"),
    ("said_to_text", "said_to_start_char", "said_to_end_char"),
    ("relay_text", "relay_start_char", "relay_end_char"),
    ("text", "body_start", "body_end"),
    ("text", "raw_start", "raw_end"),
)
_NUMBERS = (pl.Int32, pl.UInt16, pl.UInt32, pl.UInt64)


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows of `frame` as tuples, of `columns` only when they are given."""
    return frame.select(columns or frame.columns).rows()


def build_table(table: Table, *partial_rows: Mapping[str, Any]) -> pl.DataFrame:
    """Build a frame that conforms to `table.schema`, one row for each of `partial_rows`; without any, an empty frame.

    What a row leaves out is filled in from the declaration: null where it may be; the first word of a closed
    vocabulary; `quote_id-0`, `quote_id-1`, … for the key of row 0, 1, …; `article_id-0` for every other id, so that
    rows refer to the first row of the other table; 0, false, an empty text or list. Then what follows
    from the given values: the end of a span from its start and its text, word counts, hashes. Raises `KeyError` for a
    column that the table does not have.
    """
    completed = [_complete_row(table, row, number) for number, row in enumerate(partial_rows)]
    return pl.DataFrame(completed, schema=table.schema, orient="row")


def raw_documents(*texts: str | bytes, **columns: Any) -> pl.DataFrame:
    """Build RAW_DOCUMENTS, a row a text (encoded as UTF-8) or bytes; a list in `columns` gives each row a value."""
    raws = [text.encode() if isinstance(text, str) else text for text in texts]
    partial_rows = [{"raw": raw, "reader": "text", **_name_document(number)} for number, raw in enumerate(raws)]
    return build_table(RAW_DOCUMENTS, *_spread_columns(RAW_DOCUMENTS, partial_rows, columns))


def articles(*bodies: str, **columns: Any) -> pl.DataFrame:
    """Build FACT_ARTICLES, an English article for each body; a list in `columns` gives a value to each row."""
    partial_rows = [{"body": body, **_name_document(number)} for number, body in enumerate(bodies)]
    return build_table(FACT_ARTICLES, *_spread_columns(FACT_ARTICLES, partial_rows, columns))


def _name_document(number: int) -> dict[str, str]:
    return {"document_id": f"document_id-{number}", "source_uri": f"document-{number}.txt"}


def _spread_columns(
    table: Table, partial_rows: list[dict[str, Any]], columns: Mapping[str, Any]
) -> list[dict[str, Any]]:
    for name, value in columns.items():
        is_one_each = isinstance(value, list) and not (_is_list(table.column(name)) and _is_flat(value))
        for number, row in enumerate(partial_rows):
            row[name] = value[number] if is_one_each else value
    return partial_rows


def _is_flat(values: list[Any]) -> bool:
    return not values or any(value is not None and not isinstance(value, list) for value in values)


def _complete_row(table: Table, given: Mapping[str, Any], number: int) -> dict[str, Any]:
    unknown = given.keys() - set(table.column_names)
    if unknown:
        raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    row = {column.name: _default_value(table, column, number) for column in table.columns}
    derived = {name: value for name, value in _derive_values({**row, **given}).items() if name in row}
    return {**row, **derived, **given}


def _default_value(table: Table, column: Column, number: int) -> Any:
    is_key = column.name in table.key
    dtype = column.dtype
    if column.nullable:
        return None
    if column.values:
        return column.values[0]
    if dtype == pl.String:
        if is_key and (len(table.key) == 1 or not column.name.endswith("_id")):
            return f"{column.name}-{number}"
        return f"{column.name}-0" if column.name.endswith("_id") else ""
    if dtype == pl.Date:
        return date(2024, 1, 1)
    if isinstance(dtype, pl.Datetime):
        return datetime(2024, 1, 1, hour=number if is_key else 0, tzinfo=UTC)
    if _is_list(column):
        return []
    number_keys = [name for name in table.key if table.column(name).dtype in _NUMBERS]
    empty_values: dict[Any, Any] = {pl.Boolean: False, pl.Binary: b"", pl.Float64: 0.0}
    return number if column.name in number_keys[:1] else empty_values.get(dtype, 0)


def _derive_values(row: Mapping[str, Any]) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    for text, start, end in _SPANS:
        if isinstance(row.get(text), str) and row.get(start) is not None:
            derived[end] = row[start] + len(row[text].encode() if start == "raw_start" else row[text])
    if "quote_text_normalized" in row and row["quote_text"] is not None:
        derived["quote_text_normalized"] = " ".join(row["quote_text"].casefold().split())
    if "raw" in row:
        derived |= {"raw_sha256": hash_bytes(row["raw"]), "size_bytes": len(row["raw"])}
    if "paragraph_key" in row and "text" in row:
        derived["paragraph_key"] = make_id(row["text"])
    if row.get("body") is not None:
        body = row["body"]
        derived |= {
            "word_count": len(body.split()),
            "paragraph_count": len([block for block in body.split("\n\n") if block.strip()]),
            "body_sha256": hash_bytes(" ".join(body.casefold().split()).encode()),
            "raw_sha256": hash_bytes(body.encode()),
            "encoding": "utf-8",
            "layout": "blank_lines",
            "language": "en",
            "language_score": 1.0,
        }
    return derived


def _is_list(column: Column) -> bool:
    return isinstance(column.dtype, pl.List)
