"""How a scan reaches the network: who it says it is, what it fetches into temporary files, how it reads feeds."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import BinaryIO, cast
from urllib.parse import urlsplit

import httpx

from tasks.reading.containers import find_format, read_file
from tasks.reading.feeds import FeedReader, Manners
from tasks.reading.known import KnownSources, KnownState
from tasks.reading.limits import SourceError
from tasks.reading.options import Reading
from tasks.reading.raw_store import RawStore
from tasks.reading.records import BadRecord, Record
from tasks.reading.remote import Response, copy_stored, download, find_name, make_user_agent, open_web
from tasks.reading.sources import RemoteSource


@dataclass(frozen=True)
class WebAccess:
    """How the web is asked: the name in requests, the pause between two to one host, when a page is asked for again."""

    user_agent: str = field(default_factory=lambda: make_user_agent(None))
    pause_seconds: float = 1.0
    recheck: timedelta = timedelta(hours=24)
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class FetchedSource:
    """A source from the network in a temporary file, or the word that it is as before."""

    source: RemoteSource
    file: BinaryIO
    response: Response

    @property
    def is_unchanged(self) -> bool:
        """Whether the server said so."""
        return self.response.is_unchanged

    @property
    def name(self) -> str:
        """The file name, with a suffix that tells the format."""
        return find_name(self.source.url, self.response.media_type)

    @property
    def holds_many(self) -> bool:
        """Whether it is a source of many documents."""
        return find_format(self.name).holds_many

    def read_records(self, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield its documents; one that is a page of the web has its address and headers."""
        form = find_format(self.name)
        for document in read_file(self.file, self.name, reading):
            if isinstance(document, Record) and not document.part:
                document = replace(document, reader=form.kind)
                if self.source.kind == "web":
                    url = {"url": self.source.source_uri}
                    media_type, headers = self.response.media_type, self.response.headers
                    document = replace(document, metadata=url, media_type=media_type, headers=headers)
            elif isinstance(document, Record) and document.reader is None:
                document = replace(document, reader=form.kind)
            yield document


@contextmanager
def fetch_source(
    client: httpx.Client, source: RemoteSource, reading: Reading, before: KnownState | None
) -> Iterator[FetchedSource | BadRecord]:
    """Fetch a source into a temporary file, that is gone afterwards; what went wrong is a `BadRecord`."""
    with tempfile.TemporaryFile(dir=reading.temp_dir) as temporary:
        file = cast(BinaryIO, temporary)
        fetched: FetchedSource | BadRecord
        try:
            response = _fetch(client, source, reading, before, file)
            file.seek(0)
            fetched = FetchedSource(source, file, response)
        except SourceError as error:
            fetched = BadRecord("", error.reason, str(error))
        yield fetched


def _fetch(
    client: httpx.Client, source: RemoteSource, reading: Reading, before: KnownState | None, file: BinaryIO
) -> Response:
    limits = reading.limits
    form = find_format(PurePosixPath(urlsplit(source.url).path).name)
    is_one = form.kind is not None and not form.holds_many and not form.compressions
    max_bytes = limits.max_bytes if is_one else limits.max_download_bytes
    if source.kind == "file":
        copy_stored(source.url, file, max_bytes)
        return Response(source.url)
    validators: dict[str, str] = {}
    if before is not None and before.etag:
        validators["If-None-Match"] = before.etag
    if before is not None and before.last_modified:
        validators["If-Modified-Since"] = before.last_modified
    return download(client, source.url, file, limits, max_bytes=max_bytes, headers=validators)


@contextmanager
def open_feeds(web: WebAccess, reading: Reading, store: RawStore, known: KnownSources) -> Iterator[FeedReader]:
    """Open a reader of feeds: every request that it makes, also after a redirection, keeps to the manners."""
    manners = Manners(web.user_agent, reading.limits, web.pause_seconds, web.pause)
    with open_web(reading.limits, web.user_agent) as client:
        client.event_hooks = {"request": [lambda request: manners.check(client, request)], "response": []}
        yield FeedReader(client, manners, store, reading.limits, known.pages_by_address, known.now, web.recheck)
