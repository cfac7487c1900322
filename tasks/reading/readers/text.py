"""Plain text: one file, one document."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.reading.readers.protocol import Record


@dataclass(frozen=True)
class TextReader:
    """Reads `.txt` files whole; what the bytes mean is for the cleaning to find out."""

    name: str = "text"
    suffixes: tuple[str, ...] = (".txt",)

    def read_records(self, path: Path) -> Iterator[Record]:
        """Yield the file as one document."""
        yield Record(path.read_bytes())
