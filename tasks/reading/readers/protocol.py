"""What every reader of a format offers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Record:
    """One document of a file: its bytes as found, never repaired.

    `part` names it inside its file (a line, a record's own key) and is empty where the file is the document; `metadata`
    is what the file itself says beside the text, with the keys of `tasks.reading.metadata.FIELDS`.
    """

    raw: bytes
    part: str = ""
    metadata: Mapping[str, Any] | None = None


class Reader(Protocol):
    """Opens the files of one format."""

    @property
    def name(self) -> str:
        """What `source_documents.reader` says."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The ends of the names of its files, in lower case."""
        ...

    def read_records(self, path: Path) -> Iterator[Record]:
        """Yield the documents of the file in order, holding one at a time; raises `OSError` when it cannot be read."""
        ...
