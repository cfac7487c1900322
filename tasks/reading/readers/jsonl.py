"""JSON lines: an object a line, a document an object."""

import codecs
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from tasks.reading.fields import FieldMapping, shape_record
from tasks.reading.limits import SourceError
from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record

_MAX_ESCAPED = 6
"""A character is at most 6 bytes as an escape of JSON."""


@dataclass(frozen=True)
class JsonLinesReader:
    """Reads `.jsonl` and `.ndjson` line by line."""

    name: str = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    holds_many: bool = True

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield a record a line; a line that is not a JSON object with a text is a bad one, and the next is read."""
        position = 0
        for number, (line, size) in enumerate(_read_lines(stream, _MAX_ESCAPED * reading.limits.max_bytes), start=1):
            place = f"line {number:,}, byte {position:,}"
            if line is None:
                yield BadRecord(str(number), "too_large", f"{place}: a line of {size:,} bytes")
            elif line.strip():
                yield _read_line(line, reading.fields, number, place)
            position += size


def _read_lines(stream: BinaryIO, max_bytes: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line and its size; None for a line over the limit, of which no more than the limit is ever held."""
    is_first = True
    while line := stream.readline(max_bytes):
        size = len(line)
        if is_first and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SourceError("unreadable", "byte 0: it is UTF-16; JSON lines are UTF-8")
        kept: bytes | None = line.removeprefix(codecs.BOM_UTF8) if is_first else line
        is_first = False
        while not line.endswith(b"\n") and (line := stream.readline(max_bytes)):
            kept, size = None, size + len(line)
        yield kept, size


def _read_line(line: bytes, fields: FieldMapping, number: int, place: str) -> Record | BadRecord:
    try:
        row: Any = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRecord(str(number), "not_utf8", f"{place}: byte {error.start:,} of the line is not UTF-8")
    except json.JSONDecodeError as error:
        return BadRecord(
            str(number), "not_json", f"{place}: {error.msg.lower()} at character {error.pos:,} of the line"
        )
    except (RecursionError, ValueError) as error:  # nested too deeply; a number of more than 4,300 digits
        return BadRecord(str(number), "not_json", f"{place}: {error}")
    if not isinstance(row, Mapping):
        return BadRecord(str(number), "not_json", f"{place}: it is not an object")
    return shape_record(row, fields.find_columns(row), number, place)
