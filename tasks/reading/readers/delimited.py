"""Comma- and tab-separated values: a header, then a document a row."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from tasks.reading.fields import FieldMapping, shape_record
from tasks.reading.limits import SourceError
from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record

_DELIMITERS = "\t,;|"
_SINGLE_BYTE = "latin-1"
"""Every byte is one character of it: rows are split without a guess at the encoding, and the bytes of a text come back."""


@dataclass(frozen=True)
class DelimitedReader:
    """Reads `.csv` and `.tsv` row by row; the delimiter is the one that the header has most of."""

    name: str = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv")
    holds_many: bool = True

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield a record a row; a row with another number of fields or broken quotes is a bad one, and the next is read.

        Raises `SourceError` when the header names no text.
        """
        # Python a row: Polars reads a file whole or not at all when a row is broken, and says no place.
        buffered = io.BufferedReader(cast(io.RawIOBase, stream))
        encoding = "utf-16" if buffered.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else _SINGLE_BYTE
        csv.field_size_limit(reading.limits.max_bytes)
        lines = _Lines(io.TextIOWrapper(buffered, encoding=encoding, newline=""), reading.limits.max_bytes)
        try:
            yield from _read_rows(lines, encoding, reading.fields)
        finally:
            lines.stream.detach()
            buffered.detach()  # the caller's stream stays open


@dataclass
class _Lines:
    """The lines of a text stream; of one over the limit, nothing is handed on, and its number is noted."""

    stream: io.TextIOWrapper
    max_chars: int
    number: int = 0
    too_long: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        while line := self.stream.readline(self.max_chars):
            self.number += 1
            if len(line) < self.max_chars:
                yield line
                continue
            self.too_long.append(self.number)
            while line and not line.endswith(("\n", "\r")):
                line = self.stream.readline(self.max_chars)


def _read_rows(lines: _Lines, encoding: str, fields: FieldMapping) -> Iterator[Record | BadRecord]:
    iterator = iter(lines)
    first = next(iterator, "").removeprefix(codecs.BOM_UTF8.decode(_SINGLE_BYTE))
    if not first:
        return
    delimiter = max(_DELIMITERS, key=first.count)
    header = [_decode(name, encoding) for name in next(csv.reader([first], delimiter=delimiter))]
    columns = fields.find_columns(header)
    if not columns.keys() & {"text", "html"}:
        raise SourceError("no_text", f"line 1: none of the columns {', '.join(header)[:500]} is known for a text")
    reader = csv.reader(iterator, delimiter=delimiter, strict=True)
    number = 0
    while True:
        start = lines.number + 1
        try:
            row = next(reader, None)
            if row == []:
                continue
            number += 1
            if row is not None:
                yield _read_row(row, header, columns, number, f"line {start:,}", encoding)
        except csv.Error as error:
            number += 1
            yield BadRecord(str(number), "malformed_row", f"line {start:,}: {error}")
            row = []
        for long in lines.too_long:
            yield BadRecord(str(number), "too_large", f"line {long:,}: a line of more than {lines.max_chars:,} bytes")
        lines.too_long.clear()
        if row is None:
            return


def _read_row(
    row: Sequence[str], header: Sequence[str], columns: dict[str, str], number: int, place: str, encoding: str
) -> Record | BadRecord:
    if len(row) != len(header):
        detail = f"{place}: {len(row)} fields; the header has {len(header)}"
        return BadRecord(str(number), "malformed_row", detail)
    texts = {columns[role] for role in ("text", "html") if role in columns}
    values = {
        name: _to_bytes(value, encoding) if name in texts else _decode(value, encoding)
        for name, value in zip(header, row, strict=True)
    }
    return shape_record(values, columns, number, place)


def _to_bytes(value: str, encoding: str) -> bytes:
    return value.encode(_SINGLE_BYTE if encoding == _SINGLE_BYTE else "utf-8", "surrogatepass")


def _decode(value: str, encoding: str) -> str:
    """Return a value of the metadata: UTF-8, else the encoding that spreadsheets write."""
    if encoding != _SINGLE_BYTE or value.isascii():
        return value.strip()
    raw = value.encode(_SINGLE_BYTE)
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace").strip()
