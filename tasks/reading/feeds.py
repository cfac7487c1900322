"""RSS and Atom feeds with the pages that they link to: robots.txt, a pause between requests, and no page fetched twice in vain."""

import calendar
import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import httpx
import polars as pl
from protego import Protego

from tasks.reading.addresses import FEED_PREFIX, WEB_SCHEMES
from tasks.reading.limits import Limits, SourceError
from tasks.reading.raw_store import RawStore, RawStoreError
from tasks.reading.records import BadRecord, Record
from tasks.reading.remote import Response, download
from warehouse.keys import hash_bytes, make_id
from warehouse.tables import WEB_PAGES

PAGES_SCHEMA = {name: dtype for name, dtype in WEB_PAGES.schema.items() if name != "run_id"}
_ROBOTS_BYTES = 512_000
"""RFC 9309 asks for 500 kibibytes at least."""
_LONGEST_PAUSE = 60.0


@dataclass
class Manners:
    """When a host may be asked, and what: its robots.txt (RFC 9309) is read once a run, requests to it keep their distance."""

    user_agent: str
    limits: Limits
    pause_seconds: float = 1.0
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _robots: dict[str, Protego | str] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def check(self, client: httpx.Client, request: httpx.Request) -> None:
        """Wait until the host may be asked again; raises `SourceError` when its robots.txt forbids the address."""
        host = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        if request.url.path == "/robots.txt":
            return self._keep_distance(host, self.pause_seconds)
        robots = self._read_robots(client, host)
        if isinstance(robots, str):
            raise SourceError("robots", f"robots.txt of the host cannot be read ({robots})")
        if not robots.can_fetch(str(request.url), self.user_agent):
            raise SourceError("robots", "robots.txt of the host forbids it")
        asked = robots.crawl_delay(self.user_agent) or 0.0
        return self._keep_distance(host, max(self.pause_seconds, min(asked, _LONGEST_PAUSE)))

    def _read_robots(self, client: httpx.Client, host: str) -> Protego | str:
        """Return the rules; no file (4xx) allows everything, no answer forbids it, which the returned text explains."""
        if host not in self._robots:
            file = io.BytesIO()
            try:
                download(client, f"{host}/robots.txt", file, self.limits, max_bytes=_ROBOTS_BYTES)
                self._robots[host] = Protego.parse(file.getvalue().decode("utf-8", "replace"))
            except SourceError as error:
                is_absent = error.reason == "http_status" and " 4" in str(error)
                is_long = error.reason == "too_large"
                known = Protego.parse(file.getvalue().decode("utf-8", "replace")) if is_long else Protego.parse("")
                self._robots[host] = known if is_absent or is_long else str(error)
        return self._robots[host]

    def _keep_distance(self, host: str, seconds: float) -> None:
        wait = self._last.get(host, -seconds - 1.0) + seconds - self.clock()
        if wait > 0:
            self.pause(wait)
        self._last[host] = self.clock()


@dataclass
class FeedReader:
    """Reads feeds, and remembers in `fetched` (by address) what it may ask for conditionally the next time.

    `known` are rows of WEB_PAGES by address. A page is asked for again when its feed says something new of it, or after
    `recheck`; else, and when the server says that it is as before, its bytes come from the store.
    """

    client: httpx.Client
    manners: Manners
    store: RawStore
    limits: Limits
    known: Mapping[str, Mapping[str, Any]]
    now: datetime
    recheck: timedelta = timedelta(hours=24)
    fetched: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read_feed(self, source: str) -> Iterator[Record | BadRecord]:
        """Yield the pages of a feed, one at a time; `source` is its address, with `feed+` before it."""
        url = source.removeprefix(FEED_PREFIX)
        try:
            raw, response = self._fetch(url, None)
        except SourceError as error:
            yield BadRecord("", error.reason, str(error))
            return
        feed = feedparser.parse(io.BytesIO(raw), response_headers={"content-type": response.media_type or "text/xml"})
        entries = [dict(entry) for entry in feed.get("entries", ())]  # its own mapping warns of names that it replaces
        if not entries and (feed.get("bozo") or not feed.get("version")):
            yield BadRecord("", "unreadable", f"it is not a feed ({feed.get('bozo_exception', 'of no known form')})")
            return
        links: set[str] = set()
        for entry in entries:
            link = urljoin(response.url, entry.get("link", ""))
            if link in links:
                continue
            links.add(link)
            yield self._read_page(entry, link)

    def _read_page(self, entry: Mapping[str, Any], link: str) -> Record | BadRecord:
        if urlsplit(link).scheme not in WEB_SCHEMES or not entry.get("link"):
            return BadRecord(link, "unsupported_format", "the entry links to no page")
        metadata = _read_entry(entry, link)
        version = make_id(repr(sorted(metadata.items())), str(entry.get("updated", "")))
        try:
            raw, response = self._fetch(link, version)
        except SourceError as error:
            return BadRecord(link, error.reason, str(error))
        media_type = (response.media_type or "text/html").partition(";")[0].strip().lower()
        if media_type not in ("text/html", "application/xhtml+xml", "text/plain"):
            return BadRecord(link, "unsupported_format", f"no reader for {media_type}")
        reader = "text" if media_type == "text/plain" else "html"
        return Record(raw, link, metadata, reader, response.media_type, response.headers)

    def _fetch(self, url: str, entry_version: str | None) -> tuple[bytes, Response]:
        """Return bytes and response of an address, from the store where nothing new can be expected."""
        before = self.fetched.get(url) or self.known.get(url)
        kept = self._find_kept(before)
        if before is not None and kept is not None and entry_version is not None:
            is_recent = self.now - before["fetched_at"] < self.recheck
            if before["entry_version"] == entry_version and is_recent:
                self.fetched[url] = dict(before)
                return kept, _make_response(url, before)
        validators = _make_validators(before) if kept is not None else {}
        file = io.BytesIO()
        response = download(self.client, url, file, self.limits, max_bytes=self.limits.max_bytes, headers=validators)
        if response.is_unchanged and before is not None and kept is not None:
            self._remember(url, {**before, "fetched_at": self.now, "entry_version": entry_version})
            return kept, replace(_make_response(url, before), url=response.url)
        raw = file.getvalue()
        raw_sha256 = hash_bytes(raw)
        self.store.keep(raw, raw_sha256)
        headers = response.headers
        self._remember(
            url,
            {
                "address": url, "etag": headers.get("etag"), "last_modified": headers.get("last-modified"),
                "media_type": response.media_type, "raw_sha256": raw_sha256, "entry_version": entry_version,
                "fetched_at": self.now,
            },
        )  # fmt: skip
        return raw, response

    def _find_kept(self, before: Mapping[str, Any] | None) -> bytes | None:
        try:
            return None if before is None else self.store.fetch(before["raw_sha256"])
        except RawStoreError:
            return None  # it is fetched anew

    def _remember(self, url: str, row: Mapping[str, Any]) -> None:
        self.fetched[url] = {name: row[name] for name in PAGES_SCHEMA}

    def list_pages(self) -> pl.DataFrame:
        """Return what is to be remembered: PAGES_SCHEMA, a row an address."""
        return pl.DataFrame(list(self.fetched.values()), schema=PAGES_SCHEMA, orient="row")


def _make_validators(before: Mapping[str, Any] | None) -> dict[str, str]:
    named = {"If-None-Match": "etag", "If-Modified-Since": "last_modified"}
    return {header: before[name] for header, name in named.items() if before is not None and before[name]}


def _make_response(url: str, row: Mapping[str, Any]) -> Response:
    headers = {"content-type": row["media_type"], "last-modified": row["last_modified"]}
    return Response(url, {name: value for name, value in headers.items() if value})


def _read_entry(entry: Mapping[str, Any], link: str) -> dict[str, Any]:
    """Return what the feed says of a page, as metadata."""
    metadata: dict[str, Any] = {"url": link}
    if title := entry.get("title"):
        metadata["title"] = title
    if moment := entry.get("published_parsed") or entry.get("updated_parsed"):
        metadata["published_on"] = datetime.fromtimestamp(calendar.timegm(moment), UTC).date().isoformat()
    if names := [author["name"] for author in entry.get("authors", ()) if author.get("name")]:
        metadata["authors"] = names
    return metadata
