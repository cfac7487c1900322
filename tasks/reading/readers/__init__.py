"""Readers of source files: one module a format, found by the suffix. A new format is one module and one line here."""

from tasks.reading.readers.delimited import DelimitedReader
from tasks.reading.readers.jsonl import JsonLinesReader
from tasks.reading.readers.parquet import ParquetReader
from tasks.reading.readers.protocol import Reader
from tasks.reading.readers.text import WholeFileReader
from tasks.reading.readers.warc import WarcReader

__all__ = ["READERS", "Reader", "find_reader"]

READERS: tuple[Reader, ...] = (
    WholeFileReader("text", (".txt",)),
    WholeFileReader("html", (".html", ".htm", ".xhtml")),
    JsonLinesReader(),
    DelimitedReader(),
    ParquetReader(),
    WarcReader(),
)


def find_reader(file_name: str) -> Reader | None:
    """Return the reader for a file called `file_name`, by its suffix in any case; None when no reader knows it."""
    name = file_name.lower()
    return next((reader for reader in READERS if name.endswith(reader.suffixes)), None)
