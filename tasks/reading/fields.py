"""Which field of a record is its text, its address, its headline: by common names, or as a mapping says."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from tasks.errors import UsageError
from tasks.reading.metadata import MetadataError, canonicalize_url
from tasks.reading.records import BadRecord, Record

ROLES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "maintext", "article_text", "full_text", "fulltext", "articlebody", "body_text", "plain_text", "article", "story"),
    "html": ("html", "raw_html", "body_html", "content_html", "page_html"),
    "url": ("url", "canonical_url", "link", "web_url", "weburl", "source_url", "permalink", "uri", "href"),
    "title": ("title", "headline", "headline.main", "webtitle"),
    "published_on": ("published_on", "published_at", "publishedat", "date_published", "datepublished", "date_publish", "publish_date", "publication_date", "pub_date", "pubdate", "published", "webpublicationdate", "date"),
    "outlet": ("outlet", "source_name", "source.name", "publication", "publisher.name", "publisher", "newspaper", "site_name", "sitename", "site", "source", "source_domain", "domain"),
    "authors": ("authors", "author", "byline.original", "byline", "creator"),
    "id": ("id", "_id", "article_id", "document_id", "doc_id", "guid", "uuid", "key"),
}  # fmt: skip
"""Role -> the names that fields with it commonly have, the likeliest first; case does not count, a dot leads into an object."""
_EPOCH_SECONDS = range(100_000_000, 10_000_000_000)
_KEY_CHARS = 200
_REMEMBERED = 1_000
"""Rows mostly have the same fields: which role each has is found once for every set of them."""


@dataclass(frozen=True)
class FieldMapping:
    """Role -> the field that has it, where somebody said so; the other roles go by their common names."""

    given: Mapping[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def list_names(self, role: str) -> tuple[str, ...]:
        """Return the names that the field of a role may have."""
        return (self.given[role],) if role in self.given else ROLES[role]

    def find_columns(self, columns: Iterable[str]) -> dict[str, str]:
        """Return role -> the name in `columns` (as it is spelled there, with any path into it) that has the role."""
        key = tuple(columns)
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self._match_columns(key)
        return self._found[key]

    def _match_columns(self, columns: tuple[str, ...]) -> dict[str, str]:
        spelled = {name.casefold(): name for name in reversed(columns)}
        found: dict[str, str] = {}
        for role in ROLES:
            for name in self.list_names(role):
                column, *path = name.split(".")
                whole = spelled.get(name.casefold())
                top = spelled.get(column.casefold())
                if whole is not None or top is not None:
                    found.setdefault(role, whole if whole is not None else ".".join([str(top), *path]))
        return found


def parse_mapping(texts: Iterable[str]) -> FieldMapping:
    """Read `role=field` texts; raises `UsageError` for a role that there is not."""
    pairs = [text.partition("=") for text in texts]
    return check_mapping({role.strip(): name.strip() for role, _, name in pairs}, "--field")


def read_mapping(path: Path) -> FieldMapping:
    """Read a TOML file with a table `fields` of `role = "field"`; raises `UsageError` when it is not one."""
    try:
        fields = tomllib.loads(path.read_text("utf-8")).get("fields", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: no mapping of fields can be read ({error})") from error
    return check_mapping(fields, str(path))


def check_mapping(given: object, place: str) -> FieldMapping:
    """Return the mapping; raises `UsageError`, which names `place`, for what is not one."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name for name in given.values()):
        raise UsageError(f"{place}: a mapping is role=field, with the name of a field")
    if unknown := sorted(set(given) - ROLES.keys()):
        raise UsageError(f"{place}: no role {unknown[0]!r}; there are {', '.join(ROLES)}")
    return FieldMapping(dict(given))


def shape_record(row: Mapping[str, Any], columns: Mapping[str, str], number: int, place: str) -> Record | BadRecord:
    """Return the record of a row: its text, else its HTML, as bytes; what the other roles say is its metadata.

    `columns` maps roles to fields (`FieldMapping.find_columns`), `number` counts the rows from 1, `place` says where the
    row is. A value that cannot be used is left out of the metadata and named in `flaws`.
    """
    part = _make_key(_look_up(row, columns.get("id")), number)
    text = _encode_text(_look_up(row, columns.get("text")))
    html = b"" if text.strip() else _encode_text(_look_up(row, columns.get("html")))
    if not (text or html).strip():
        return BadRecord(part, "no_text", f"{place}: no text in {_name_fields(columns)}")
    metadata: dict[str, Any] = {}
    flaws: list[str] = []
    for role in ("outlet", "url", "title", "published_on", "authors"):
        value = _look_up(row, columns.get(role))
        try:
            if value not in (None, "", []):
                metadata[role] = _SHAPERS[role](value)
        except (MetadataError, ValueError, OverflowError) as error:
            flaws.append(f"{place}: {columns[role]} is left out ({error})")
    is_html = bool(html)
    return Record(
        html or text, part, metadata or None, reader="html" if is_html else None,
        media_type="text/html; charset=utf-8" if is_html else None, flaws=tuple(flaws),
    )  # fmt: skip


def _name_fields(columns: Mapping[str, str]) -> str:
    return " or ".join(columns[role] for role in ("text", "html") if role in columns) or "any field of a known name"


def _look_up(row: Mapping[str, Any], name: str | None) -> Any:
    if name is None:
        return None
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _make_key(value: Any, number: int) -> str:
    """Return the record's own key, else its number."""
    key = " ".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_printable = key.isprintable() and not any("\ud800" <= character <= "\udfff" for character in key)
    return key if key and is_printable and len(key) <= _KEY_CHARS else str(number)


def _encode_text(value: Any) -> bytes:
    """Return the bytes of a text; a list is one of paragraphs, and half a surrogate pair is left for cleaning to see."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list) and all(isinstance(paragraph, str) for paragraph in value):
        value = "\n\n".join(value)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


def _shape_text(value: Any) -> str:
    if not isinstance(value, str):
        raise MetadataError("it is not a text")
    return value


def _shape_url(value: Any) -> str:
    canonicalize_url(_shape_text(value))
    return str(value)


def _shape_authors(value: Any) -> str | list[str]:
    if isinstance(value, list):
        names = [name.get("name") if isinstance(name, Mapping) else name for name in value]
        return [_shape_text(name) for name in names]
    return _shape_text(value.get("name") if isinstance(value, Mapping) else value)


def _shape_date(value: Any) -> str:
    """Return a date as `2024-05-31`: from ISO 8601, RFC 5322, a date or time of the format, or seconds since 1970."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = int(value) if int(value) in _EPOCH_SECONDS else int(value) // 1000
        if seconds not in _EPOCH_SECONDS:
            raise MetadataError(f"{value} is no time in seconds since 1970")
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    text = _shape_text(value).strip()
    try:
        return datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError as error:
        raise MetadataError(f"{text!r} is not a date like 2024-05-31") from error


_SHAPERS = {
    "outlet": _shape_text, "url": _shape_url, "title": _shape_text, "published_on": _shape_date,
    "authors": _shape_authors,
}  # fmt: skip
