"""Gold files, gzipped or plain JSON Lines -> documents."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Document:
    """One annotated text: `record` is its line of the file, with the annotations."""

    id: str
    text: str
    record: Mapping[str, Any]


def read_documents(path: Path, limit: int | None = None) -> list[Document]:
    """Read a gold file. A text given as tokens is joined by blanks, one given as lines by line breaks."""
    return [Document(str(record["id"]), _read_text(record), record) for record in read_records(path, limit)]


def read_records(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """Read the first `limit` lines of a file of JSON Lines, all by default."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(filter(str.strip, lines), limit)]


def _read_text(record: Mapping[str, Any]) -> str:
    if "lines" in record:
        return "\n".join(line["text"] for line in record["lines"])
    return str(record["text"]) if "text" in record else " ".join(record["tokens"])
