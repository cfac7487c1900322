"""What a reader gives: documents, and those that it could not read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """One document of a file: its bytes as found, never repaired.

    `part` names it inside its file (a member, a record's own key or number) and is empty where the file is the document;
    `metadata` is what the file itself says beside the text, with the keys of `tasks.reading.metadata.FIELDS`, and `flaws`
    what of it could not be used. `reader` is what opens the bytes, where that is not the reader of the file: `html` for a
    page. `media_type` and `headers` (names in lower case) are those of the response that the bytes came with.
    """

    raw: bytes
    part: str = ""
    metadata: Mapping[str, Any] | None = None
    reader: str | None = None
    media_type: str | None = None
    headers: Mapping[str, str] | None = None
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True)
class BadRecord:
    """One document, or the rest of a file, that could not be read: where, why as a closed word, and why in words."""

    part: str
    reject_reason: str
    detail: str
