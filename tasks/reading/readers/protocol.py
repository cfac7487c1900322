"""What every reader of a format offers."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record


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

    @property
    def holds_many(self) -> bool:
        """Whether one file holds many documents: its size is no document's then."""
        ...

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield the documents of the stream in order, holding one at a time.

        Raises what the libraries under it raise, or `SourceError`, when the rest cannot be read.
        """
        ...
