"""Plain text and HTML: one file, one document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record


@dataclass(frozen=True)
class WholeFileReader:
    """Reads files whole, up to the limit of one document; what the bytes mean is for the cleaning to find out."""

    name: str
    suffixes: tuple[str, ...]
    holds_many: bool = False

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield the file as one document."""
        limit = reading.limits.max_bytes
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            yield BadRecord("", "too_large", f"more than {limit:,} bytes")
        else:
            yield Record(raw)
