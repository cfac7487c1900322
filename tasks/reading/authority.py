"""An authority file that a newsroom brings: `authority/*.csv`, names with their aliases, type and external id."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.identity.constraints import AuthorityRow
from tasks.reading.metadata import SkippedEntry
from tasks.reading.text_files import read_text_file
from warehouse.tables import ENTITY_TYPES

_ID_FORMS = {"wikidata": r"Q[1-9][0-9]*", "viaf": r"[0-9]+"}


class AuthorityError(Exception):
    """A row that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True)
class ReadAuthority:
    """The rows of all authority files in the order of files and lines, and those that were skipped."""

    rows: tuple[AuthorityRow, ...] = ()
    skipped: tuple[SkippedEntry, ...] = ()


def read_authority(folder: Path | None) -> ReadAuthority:
    """Read every `.csv` file of a folder, by name; no folder has no rows.

    The header has `name` and `type`, and may have `aliases` (separated by semicolons), `external_id` and `scheme`
    (`wikidata`, `viaf` or a word of the newsroom's; of an id that says nothing, `own`). Other columns are left alone.
    An entity with several ids has a row for each. A malformed row is skipped with its file and line.
    """
    rows: list[AuthorityRow] = []
    skipped: list[SkippedEntry] = []
    for path in sorted(folder.glob("*.csv")) if folder is not None else ():
        for line_no, row in _read_rows(path):
            origin = f"{path.name}:{line_no}"
            try:
                if isinstance(row, AuthorityError):
                    raise row
                rows.append(parse_row(row, origin))
            except AuthorityError as error:
                skipped.append(SkippedEntry(origin, f"line {line_no}: {error}"))
    return ReadAuthority(tuple(rows), tuple(skipped))


def parse_row(row: Mapping[str | None, Any], origin: str) -> AuthorityRow:
    """Return one row of an authority file; raises `AuthorityError` when a field is missing or not of its kind."""
    if None in row or None in row.values():
        raise AuthorityError("it has more or fewer fields than the header")
    fields = {str(name).strip().lower(): " ".join(str(value).split()) for name, value in row.items()}
    if not fields["name"]:
        raise AuthorityError("it has no name")
    if fields["type"] not in ENTITY_TYPES:
        raise AuthorityError(f"type {fields['type'][:60]!r} is none of {', '.join(ENTITY_TYPES)}")
    aliases = tuple(filter(None, (alias.strip() for alias in fields.get("aliases", "").split(";"))))
    external_id, scheme = fields.get("external_id", ""), fields.get("scheme", "").lower()
    if scheme and not external_id:
        raise AuthorityError(f"it has the scheme {scheme[:60]} and no external_id")
    if not re.fullmatch(_ID_FORMS.get(scheme, ".*"), external_id):
        raise AuthorityError(f"external_id {external_id[:60]!r} has not the form of an id of {scheme}")
    return AuthorityRow(
        fields["name"], fields["type"], external_id or None, (scheme or "own") if external_id else None, aliases, origin
    )


def _read_rows(path: Path) -> Iterator[tuple[int, Mapping[str | None, Any] | AuthorityError]]:
    try:
        text = read_text_file(path, AuthorityError)
    except AuthorityError as error:
        yield 1, error
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line_no = 1
    while True:
        try:
            names = [name.strip().lower() for name in reader.fieldnames or ()]
            if not {"name", "type"} <= set(names) or len(set(names)) < len(names):
                yield 1, AuthorityError("the header has not the columns name and type, each once")
                return
            line_no = reader.reader.line_num + 1
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line_no, AuthorityError(str(error))
            if reader.reader.line_num < line_no:
                return
            continue
        yield line_no, row
