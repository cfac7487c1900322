"""Files on the web and in object storage -> a temporary file, within limits of size, patience and redirections."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import fsspec
import httpx

from tasks.errors import UsageError
from tasks.reading.addresses import FEED_PREFIX, WEB_SCHEMES, split_scheme
from tasks.reading.limits import Limits, SourceError

_DRIVERS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}
_LEAST_BYTES_PER_SECOND = 1000
_TYPE_SUFFIXES = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl", "application/x-jsonlines": ".jsonl", "text/csv": ".csv",
    "text/tab-separated-values": ".tsv", "application/vnd.apache.parquet": ".parquet", "application/warc": ".warc",
    "application/zip": ".zip", "application/x-tar": ".tar",
}  # fmt: skip
KEPT_HEADERS = ("content-language", "content-location", "last-modified", "link")
"""Response headers that say something of the text."""


@dataclass(frozen=True)
class Response:
    """What a server answered: the address after redirections, its headers (names in lower case), whether it is as before."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_unchanged: bool = False

    @property
    def media_type(self) -> str | None:
        """The Content-Type, charset included."""
        return self.headers.get("content-type")


def check_address(source: str) -> None:
    """Raise `UsageError` for an address that nothing here can open; nobody is asked over the network."""
    scheme = split_scheme(source) or ""
    web_scheme = scheme.removeprefix(FEED_PREFIX)
    if web_scheme in WEB_SCHEMES:
        if not urlsplit(source.removeprefix(FEED_PREFIX)).hostname:
            raise UsageError(f"{source} names no host")
        return
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError as error:
        raise UsageError(f"{source}: nothing opens {scheme}:// addresses") from error
    except ImportError as error:
        raise UsageError(f"{scheme}:// addresses need a package: pip install {_DRIVERS.get(scheme, scheme)}") from error


def find_name(url: str, media_type: str | None) -> str:
    """Return the file name of an address; where the address has no suffix that a media type has, one of that type."""
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    suffix = _TYPE_SUFFIXES.get((media_type or "").partition(";")[0].strip().lower(), "")
    return name + suffix if not PurePosixPath(name).suffix or suffix == ".html" else name


def make_user_agent(contact: str | None) -> str:
    """Return how requests introduce themselves; `contact` says whom a webmaster may write to."""
    try:
        number = version("onrecord")
    except PackageNotFoundError:  # a source tree that is not installed
        number = "0"
    return f"onrecord/{number}" + (f" ({contact})" if contact else "")


@contextmanager
def open_web(limits: Limits, user_agent: str) -> Iterator[httpx.Client]:
    """Open a client that gives up on silence and on redirections without end."""
    timeout = httpx.Timeout(limits.stall_seconds)
    # bytes as they are: a `.gz` that a server calls its encoding stays a `.gz`
    headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
    with httpx.Client(
        timeout=timeout, follow_redirects=True, max_redirects=limits.max_redirects, headers=headers
    ) as client:
        yield client


def download(
    client: httpx.Client,
    url: str,
    file: BinaryIO,
    limits: Limits,
    *,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """Write what an address answers to `file`, no more than `max_bytes`.

    Raises `SourceError`: `unreadable` (no answer, silence, redirections without end), `http_status`, `too_large`.
    """
    try:
        with client.stream("GET", url, headers=dict(headers or {})) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return Response(str(answer.url), answer.headers, is_unchanged=True)
            if answer.status_code != httpx.codes.OK:
                raise SourceError("http_status", f"it was answered with {answer.status_code}")
            declared = answer.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > max_bytes:
                raise SourceError("too_large", f"{int(declared):,} bytes; the limit is {max_bytes:,}")
            received = _receive(answer, file, limits, max_bytes, clock)
            if declared.isdecimal() and received < int(declared):
                raise SourceError("truncated", f"cut off after {received:,} of {int(declared):,} bytes")
            return Response(str(answer.url), answer.headers)
    except httpx.TooManyRedirects as error:
        raise SourceError("unreadable", f"more than {limits.max_redirects} redirections") from error
    except httpx.TimeoutException as error:
        raise SourceError("unreadable", f"no answer within {limits.stall_seconds:g} s") from error
    except httpx.RemoteProtocolError as error:
        raise SourceError("truncated", f"the connection broke: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError("unreadable", str(error) or type(error).__name__) from error


def _receive(answer: httpx.Response, file: BinaryIO, limits: Limits, max_bytes: int, clock: Callable[[], float]) -> int:
    started, received = clock(), 0
    for chunk in answer.iter_raw():
        received += len(chunk)
        if received > max_bytes:
            raise SourceError("too_large", f"more than {max_bytes:,} bytes")
        seconds = clock() - started
        if seconds > 2 * limits.stall_seconds and received < _LEAST_BYTES_PER_SECOND * seconds:
            raise SourceError("unreadable", f"it sends too slowly: {received:,} bytes in {seconds:.0f} s")
        file.write(chunk)
    return received


@dataclass(frozen=True)
class StoredFile:
    """One file of an object store: its address, and what the store says of its state."""

    url: str
    fingerprint: str


def list_stored(url: str) -> list[StoredFile]:
    """Return the files that an address of object storage names: one, those below it, or those that match its pattern.

    Raises `SourceError` when the store cannot be asked or has nothing there.
    """
    try:
        filesystem, path = fsspec.url_to_fs(url)
        found = filesystem.glob(path, detail=True) if _has_pattern(path) else filesystem.find(path, detail=True)
    except Exception as error:  # every driver has errors of its own
        raise SourceError("unreadable", _describe(error)) from error
    files = [
        StoredFile(filesystem.unstrip_protocol(name), _describe_state(info))
        for name, info in sorted(found.items())
        if info.get("type") == "file" and not any(part.startswith(".") for part in name.split("/")[1:])
    ]
    if not files:
        raise SourceError("unreadable", "there is no file")
    return files


def copy_stored(url: str, file: BinaryIO, max_bytes: int) -> None:
    """Write a file of object storage to `file`; raises `SourceError` as `list_stored`, and for more than `max_bytes`."""
    received = 0
    try:
        with fsspec.open(url, "rb") as stored:
            while chunk := stored.read(1 << 22):
                received += len(chunk)
                if received > max_bytes:
                    raise SourceError("too_large", f"more than {max_bytes:,} bytes")
                file.write(chunk)
    except SourceError:
        raise
    except Exception as error:
        raise SourceError("unreadable", f"{_describe(error)}, after {received:,} bytes") from error


def _has_pattern(path: str) -> bool:
    return any(character in path for character in "*?[")


def _describe_state(info: Mapping[str, Any]) -> str:
    state = [
        info.get(name)
        for name in ("size", "ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "created")
    ]
    return "|".join(str(value) for value in state)


def _describe(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__
