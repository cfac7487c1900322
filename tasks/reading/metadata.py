"""What stands beside a text: a `.json` sidecar of the same name, or a row of `manifest.csv` in the same folder."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from warehouse.keys import hash_bytes

MANIFEST_NAME = "manifest.csv"
SIDECAR_SUFFIX = ".json"
FIELDS = ("outlet", "url", "title", "published_on", "authors")

_TRACKING_PREFIXES = ("utm_", "hsa_")
_TRACKING_PARAMETERS = frozenset(
    {
        "_ga", "_gl", "at_campaign", "at_campaign_type", "at_format", "at_link_id", "at_link_origin",
        "at_link_type", "at_medium", "at_ptr_name", "cmpid", "dclid", "fbclid", "ftag", "gbraid", "gclid",
        "guccounter", "guce_referrer", "guce_referrer_sig", "igsh", "igshid", "ito", "mc_cid", "mc_eid",
        "mkt_tok", "msclkid", "ncid", "ns_campaign", "ns_fee", "ns_linkname", "ns_mchannel", "ns_source",
        "ocid", "pk_campaign", "pk_kwd", "pk_medium", "pk_source", "ref_src", "s_cid", "smid", "smtyp",
        "soc_src", "soc_trk", "spm", "sr_share", "ttclid", "twclid", "vero_conv", "vero_id", "wbraid", "wt_mc",
        "xtor", "yclid",
    }
)  # fmt: skip
"""Query parameters that say how a reader came to the page and never which page it is."""


class MetadataError(Exception):
    """An entry that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True)
class Metadata:
    """One valid entry: where it was found, the hash of all that it says, and its fields (null where it is silent)."""

    metadata_uri: str
    metadata_sha256: str
    outlet: str | None = None
    url: str | None = None
    title: str | None = None
    published_on: date | None = None
    authors: list[str] | None = None


@dataclass(frozen=True)
class SkippedEntry:
    """An entry that was skipped: its place (file, and line of a manifest) and why."""

    metadata_uri: str
    detail: str


@dataclass(frozen=True)
class Manifest:
    """The rows of one `manifest.csv` by file name, and those that were skipped."""

    entries: Mapping[str, Metadata] = field(default_factory=dict)
    skipped: tuple[SkippedEntry, ...] = ()


def parse_entry(entry: object, metadata_uri: str) -> Metadata:
    """Return the entry as `Metadata`; fields with other names are kept out, but count in its hash.

    Raises:
        MetadataError: If it is not an object, or a field is not of its kind.
    """
    if not isinstance(entry, Mapping):
        raise MetadataError("it is not an object with fields")
    canonical = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Metadata(
        metadata_uri=metadata_uri,
        metadata_sha256=hash_bytes(canonical.encode("utf-8", "surrogatepass")),
        outlet=_parse_text(entry, "outlet"),
        url=_parse_url(entry),
        title=_parse_text(entry, "title"),
        published_on=_parse_date(entry),
        authors=_parse_authors(entry),
    )


def read_sidecar(path: Path, metadata_uri: str) -> Metadata:
    """Read a `.json` sidecar; raises `MetadataError`, with the line where the JSON breaks, or `OSError`."""
    try:
        return parse_entry(json.loads(path.read_bytes()), metadata_uri)
    except json.JSONDecodeError as error:
        raise MetadataError(f"line {error.lineno}: it is not JSON ({error.msg.lower()})") from error
    except UnicodeDecodeError as error:
        raise MetadataError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise MetadataError("it is nested too deeply") from error


def read_manifest(path: Path, metadata_uri: str) -> Manifest:
    """Read a `manifest.csv`: a header with `path` and any of `FIELDS`, authors separated by semicolons.

    A row that is malformed, that names no file of the folder or names one a second time is skipped, with its line.
    Raises `OSError` when the file cannot be read.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        if "path" not in (reader.fieldnames or ()):
            return Manifest(skipped=(SkippedEntry(metadata_uri, "line 1: the header has no column path"),))
    except UnicodeDecodeError:
        return Manifest(skipped=(SkippedEntry(metadata_uri, "it is not UTF-8 text"),))
    except csv.Error as error:
        return Manifest(skipped=(SkippedEntry(metadata_uri, f"line 1: {error}"),))
    return _read_rows(reader, path.parent, metadata_uri)


def _read_rows(reader: "csv.DictReader[str]", folder: Path, metadata_uri: str) -> Manifest:
    entries: dict[str, Metadata] = {}
    skipped: list[SkippedEntry] = []
    while True:
        try:
            row = next(reader)
            name = _check_row(row, folder, entries)
            entries[name] = parse_entry({key: value for key, value in row.items() if key != "path"}, metadata_uri)
        except StopIteration:
            return Manifest(entries, tuple(skipped))
        except (MetadataError, csv.Error) as error:
            skipped.append(SkippedEntry(f"{metadata_uri}:{reader.line_num}", f"line {reader.line_num}: {error}"))


def _check_row(row: Mapping[str | None, Any], folder: Path, entries: Mapping[str, Metadata]) -> str:
    if None in row or None in row.values():
        raise MetadataError("it has more or fewer fields than the header")
    name = str(row["path"]).strip()
    if not name or Path(name).name != name:
        raise MetadataError(f"path {name!r} is not the name of a file in the folder of the manifest")
    if name in entries:
        raise MetadataError(f"{name} has a row already")
    if not folder.joinpath(name).is_file():
        raise MetadataError(f"there is no file {name}")
    return name


def _parse_text(entry: Mapping[Any, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise MetadataError(f"{name} is not a text")
    return _fold_spaces(value) or None


def _fold_spaces(value: str) -> str:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise MetadataError(f"{value!r} holds half a character (a lone surrogate)")
    return " ".join(value.split())


def _parse_url(entry: Mapping[Any, Any]) -> str | None:
    url = _parse_text(entry, "url")
    if url is not None:
        canonicalize_url(url)
    return url


def _parse_date(entry: Mapping[Any, Any]) -> date | None:
    text = _parse_text(entry, "published_on")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).date()  # the day as printed, whatever the offset beside it
    except ValueError as error:
        raise MetadataError(f"published_on {text!r} is not a date like 2024-05-31") from error


def _parse_authors(entry: Mapping[Any, Any]) -> list[str] | None:
    value = entry.get("authors")
    names = value.split(";") if isinstance(value, str) else value
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MetadataError("authors is neither a list of names nor names separated by semicolons")
    return [name for name in map(_fold_spaces, names) if name] or None


def canonicalize_url(url: str) -> str:
    """Return the one form of an address that all its spellings share: the name of a document on the web.

    Scheme and host in lower case, https for http, no default port, no fragment, no tracking parameters, the other
    parameters in their order, no trailing slash. Raises `MetadataError` for what is not an http address.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise MetadataError(f"url {url!r} is not an address ({error})") from error
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise MetadataError(f"url {url!r} is not an http address")
    parameters = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _is_tracking(pair[0])]
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    return urlunsplit(("https", netloc, parts.path.rstrip("/"), urlencode(parameters), ""))


def _is_tracking(parameter: str) -> bool:
    name = parameter.lower()
    return name in _TRACKING_PARAMETERS or name.startswith(_TRACKING_PREFIXES)
