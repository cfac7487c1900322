"""Readers of source files: one module a format, found by the suffix. A new format is one module and one line here."""

from tasks.reading.readers.protocol import Reader, Record
from tasks.reading.readers.text import TextReader

__all__ = ["READERS", "Reader", "Record", "find_reader"]

READERS: tuple[Reader, ...] = (TextReader(),)


def find_reader(file_name: str) -> Reader | None:
    """Return the reader for a file called `file_name`, by its suffix in any case; None when no reader knows it."""
    name = file_name.lower()
    return next((reader for reader in READERS if name.endswith(reader.suffixes)), None)
