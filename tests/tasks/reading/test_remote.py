"""Sources on the network, against servers on loopback: what they give, and what a server may do that is given up."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import fsspec
import polars as pl
import pytest

from tasks.errors import UsageError
from tasks.ingest import ScannedSources, scan_sources
from tasks.reading.known import KnownSources
from tasks.reading.limits import Limits
from tasks.reading.network import WebAccess
from tasks.reading.options import Reading
from tasks.reading.raw_store import RawStore
from tasks.reading.sources import check_sources, find_sources
from tests.builders import rows
from tests.web import Web, redirect, send, serve
from warehouse.tables import SOURCE_SIGHTINGS, SOURCE_STATES, WEB_PAGES

NOW = datetime(2024, 5, 14, 12, tzinfo=UTC)
LIMITS = Limits(max_bytes=100_000, max_download_bytes=1_000_000, stall_seconds=0.4, max_redirects=5)
JSONL = b'{"id": "a", "text": "One."}\n{"id": "b", "text": "Two."}\n'


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as web:
        yield web


def scan(
    store: Path, *sources: str, known: KnownSources | None = None, waits: list[float] | None = None
) -> ScannedSources:
    check_sources(sources)
    found = find_sources(sources, max_bytes=LIMITS.max_bytes)
    access = WebAccess("onrecord/test", pause=(waits if waits is not None else []).append)
    return scan_sources(found, RawStore(store), Reading(LIMITS), known=known or KnownSources(now=NOW), web=access)


def remember(scanned: ScannedSources, now: datetime = NOW) -> KnownSources:
    """What the ledger knows after a run that loaded everything."""
    run = {"run_id": pl.lit("r1")}
    seen = scanned.sightings.with_columns(
        **run, outcome=pl.lit("loaded"), rules_version=pl.lit("v1"), first_seen_at=pl.lit(NOW), last_seen_at=pl.lit(NOW)
    )
    sightings = pl.concat(
        [seen.select(SOURCE_SIGHTINGS.column_names), scanned.unchanged.with_columns(**run)], how="vertical_relaxed"
    )
    return KnownSources(
        states=scanned.states.with_columns(**run).select(SOURCE_STATES.column_names),
        sightings=sightings.cast(dict(SOURCE_SIGHTINGS.schema)),
        pages=scanned.pages.with_columns(**run).select(WEB_PAGES.column_names),
        now=now,
    )


def uris(scanned: ScannedSources, web: Web | None = None) -> list[str]:
    names = scanned.sightings["source_uri"].to_list()
    return [name.replace(web.address, "") if web else name for name in names]


def test_a_page_of_the_web_comes_with_its_address_and_headers(tmp_path: Path, web: Web) -> None:
    web.pages["/news/1"] = send(b"<p>One.", "text/html; charset=iso-8859-1", Content_Language="en")
    [row] = scan(tmp_path, f"{web.address}/news/1").sightings.to_dicts()
    assert (row["reader"], row["metadata_url"]) == ("html", f"{web.address}/news/1")
    assert (row["media_type"], json.loads(row["http_headers"])) == (
        "text/html; charset=iso-8859-1",
        {"content-language": "en"},
    )
    assert RawStore(tmp_path).fetch(row["raw_sha256"]) == b"<p>One."
    assert web.requests[0][2]["user-agent"] == "onrecord/test"


def test_a_file_of_the_web_is_read_as_its_name_says_and_asked_for_conditionally(tmp_path: Path, web: Web) -> None:
    web.pages["/n.jsonl.gz"] = send(gzip.compress(JSONL), "application/gzip", ETag='"1"')
    source = f"{web.address}/n.jsonl.gz"
    first = scan(tmp_path, source)
    assert uris(first, web) == ["/n.jsonl.gz#a", "/n.jsonl.gz#b"]
    second = scan(tmp_path, source, known=remember(first))
    assert second.sightings.is_empty() and second.unchanged.height == 2
    assert web.requests[1][2]["if-none-match"] == '"1"'
    third = scan(tmp_path, source, known=remember(second))
    assert third.unchanged.height == 2
    web.pages["/n.jsonl.gz"] = send(gzip.compress(JSONL[:28]), "application/gzip", ETag='"2"')
    assert uris(scan(tmp_path, source, known=remember(third)), web) == ["/n.jsonl.gz#a"]


def test_a_format_may_be_told_by_the_media_type_alone(tmp_path: Path, web: Web) -> None:
    web.pages["/export?day=1"] = send(JSONL, "application/x-ndjson")
    assert len(uris(scan(tmp_path, f"{web.address}/export?day=1"))) == 2


def stall(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"<p>")
    handler.wfile.flush()
    handler.server.closing.wait(5)  # type: ignore[attr-defined]


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        handler.server.closing.wait(0.1)  # type: ignore[attr-defined]


def pour(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b"x" * 1_000_000)


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<p>One.")


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (stall, "unreadable", "no answer within 0.4 s"),
        (drip, "unreadable", "it sends too slowly"),
        (redirect("/a.html"), "unreadable", "more than 5 redirections"),
        (pour, "too_large", "more than 100,000 bytes"),
        (send(b"", Content_Length="10000000000"), "too_large", "10,000,000,000 bytes; the limit is 100,000"),
        (send(b"Gone.", status=410), "http_status", "it was answered with 410"),
        (cut_off, "truncated", "the connection broke"),
    ],
)  # fmt: skip
def test_a_server_that_does_wrong_is_given_up_and_the_next_source_is_read(
    tmp_path: Path, web: Web, answer: Any, reason: str, detail: str
) -> None:
    web.pages.update({"/a.html": answer, "/b.html": send(b"<p>One.")})
    scanned = scan(tmp_path, f"{web.address}/a.html", f"{web.address}/b.html")
    assert uris(scanned, web) == ["/b.html"]
    [(uri, found, told)] = rows(scanned.rejected, "source_uri", "reject_reason", "detail")
    assert (uri, found) == (f"{web.address}/a.html", reason)
    assert detail in told


def test_a_server_that_is_not_there_is_unreadable_and_passwords_stay_out_of_tables(tmp_path: Path) -> None:
    with serve() as gone:
        address = gone.address.replace("//", "//user:secret@")
    scanned = scan(tmp_path, f"{address}/n.jsonl")
    assert rows(scanned.rejected, "reject_reason") == [("unreadable",)]
    assert "secret" not in str(scanned.rejected.to_dicts())


@pytest.mark.parametrize(
    ("source", "message"), [("nosuch://x/a.txt", "nothing opens nosuch"), ("http:///a.txt", "names no host")]
)
def test_an_address_that_nothing_can_open_is_wrong_usage(source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_sources([source])


def test_a_store_is_listed_by_prefix_and_pattern_and_what_is_unchanged_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/news/x/a.txt": b"A", "/news/n.jsonl": JSONL, "/news/.hidden.txt": b"H"})
    try:
        first = scan(tmp_path, "memory://news")
        assert uris(first) == ["memory:///news/n.jsonl#a", "memory:///news/n.jsonl#b", "memory:///news/x/a.txt"]
        assert uris(scan(tmp_path, "memory://news/*.jsonl")) == uris(first)[:2]
        reads = []
        monkeypatch.setattr("tasks.reading.network.copy_stored", lambda url, file, limit: reads.append(url))
        second = scan(tmp_path, "memory://news/*.jsonl", known=remember(first))
        assert (second.unchanged.height, reads) == (2, [])
    finally:
        memory.rm("/news", recursive=True)
    assert rows(scan(tmp_path, "memory://news").rejected, "source_uri", "reject_reason") == [
        ("memory://news", "unreadable")
    ]


def test_s3_is_listed_and_read(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = {"news/a.txt": b"A", "news/n.jsonl": JSONL}
    listed = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2024-05-14T00:00:00.000Z</LastModified><ETag>&quot;{len(raw)}&quot;</ETag>"
        f"<Size>{len(raw)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, raw in objects.items()
    )
    xml = f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>'
    web.pages["/bucket"] = send(xml.encode(), "application/xml")
    for key, raw in objects.items():
        web.pages[f"/bucket/{key}"] = send(
            raw, "binary/octet-stream", ETag=f'"{len(raw)}"', Last_Modified="Tue, 14 May 2024 00:00:00 GMT"
        )
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": web.address,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    scanned = scan(tmp_path, "s3://bucket/news")
    assert rows(scanned.rejected) == []
    assert uris(scanned) == ["s3://bucket/news/a.txt", "s3://bucket/news/n.jsonl#a", "s3://bucket/news/n.jsonl#b"]


# Feeds


def make_feed(*links: str, title: str = "Bridge to close") -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>{escape(link)}</link><pubDate>Tue, 14 May 2024 08:00:00 GMT</pubDate>"
        "<dc:creator>Ana Ek</dc:creator></item>"
        for link in links
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Gazette</title>'
        f"{items}</channel></rss>"
    ).encode()


ROBOTS = b"User-agent: *\nDisallow: /private/\nCrawl-delay: 7\n"


@pytest.fixture
def feed(web: Web) -> str:
    web.pages.update(
        {
            "/robots.txt": send(ROBOTS, "text/plain"),
            "/feed.xml": send(make_feed("/1", "/private/2", "/3", "/1"), "application/rss+xml", ETag='"f1"'),
            "/1": send(b"<p>One.", ETag='"p1"'),
            "/3": send(b"Three.", "text/plain"),
        }
    )
    return f"feed+{web.address}/feed.xml"


def test_a_feed_gives_its_pages_with_what_it_says_of_them(tmp_path: Path, web: Web, feed: str) -> None:
    waits: list[float] = []
    scanned = scan(tmp_path, feed, waits=waits)
    assert uris(scanned) == [f"{feed}#{web.address}/1", f"{feed}#{web.address}/3"]
    columns = ("reader", "metadata_url", "metadata_title", "metadata_authors")
    assert rows(scanned.sightings, *columns)[0] == ("html", f"{web.address}/1", "Bridge to close", ["Ana Ek"])
    assert scanned.sightings["metadata_published_on"].cast(pl.String).to_list() == ["2024-05-14"] * 2
    assert scanned.sightings["reader"].to_list() == ["html", "text"]
    assert rows(scanned.rejected, "source_uri", "reject_reason") == [(f"{feed}#{web.address}/private/2", "robots")]
    assert web.asked() == ["/robots.txt", "/feed.xml", "/1", "/3"]
    assert len(waits) == 3 and waits[-1] > 6.5


def test_a_page_is_not_fetched_twice_in_a_day_and_then_conditionally(tmp_path: Path, web: Web, feed: str) -> None:
    first = scan(tmp_path, feed)
    web.requests.clear()
    second = scan(tmp_path, feed, known=remember(first, NOW + timedelta(hours=1)))
    assert second.sightings.equals(first.sightings)
    assert web.asked() == ["/robots.txt", "/feed.xml"]
    assert web.requests[1][2]["if-none-match"] == '"f1"'
    web.requests.clear()
    third = scan(tmp_path, feed, known=remember(second, NOW + timedelta(hours=30)))
    assert third.sightings.equals(first.sightings)
    assert web.asked() == ["/robots.txt", "/feed.xml", "/1", "/3"]
    assert web.requests[2][2]["if-none-match"] == '"p1"'


def test_a_page_of_which_the_feed_says_something_new_is_fetched_again(tmp_path: Path, web: Web, feed: str) -> None:
    first = scan(tmp_path, feed)
    web.pages["/feed.xml"] = send(make_feed("/1", title="Bridge closed"), "application/rss+xml", ETag='"f2"')
    web.pages["/1"] = send(b"<p>One, corrected.", ETag='"p2"')
    second = scan(tmp_path, feed, known=remember(first, NOW + timedelta(hours=1)))
    assert rows(second.sightings, "metadata_title") == [("Bridge closed",)]
    assert RawStore(tmp_path).fetch(second.sightings["raw_sha256"][0]) == b"<p>One, corrected."


def test_without_its_bytes_in_the_store_a_page_is_fetched_again(tmp_path: Path, web: Web, feed: str) -> None:
    first = scan(tmp_path / "one", feed)
    second = scan(tmp_path / "two", feed, known=remember(first))
    assert second.sightings.equals(first.sightings)
    assert "if-none-match" not in web.requests[-1][2]


def test_a_host_whose_robots_txt_cannot_be_read_is_left_alone_and_one_without_is_open(
    tmp_path: Path, web: Web, feed: str
) -> None:
    web.pages["/robots.txt"] = send(b"", status=503)
    assert rows(scan(tmp_path, feed).rejected, "source_uri", "reject_reason") == [(feed, "robots")]
    assert "/feed.xml" not in web.asked()
    del web.pages["/robots.txt"]
    web.pages["/private/2"] = send(b"<p>Two.")
    assert len(uris(scan(tmp_path, feed))) == 3


def test_a_redirection_keeps_to_the_robots_txt_too(tmp_path: Path, web: Web, feed: str) -> None:
    web.pages["/1"] = redirect("/private/2")
    scanned = scan(tmp_path, feed)
    assert f"{feed}#{web.address}/1" in scanned.rejected["source_uri"].to_list()
    assert "/private/2" not in web.asked()


def test_an_atom_feed_is_read_too_and_a_page_that_fails_leaves_the_others(tmp_path: Path, web: Web, feed: str) -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>G</title><entry><title>A</title><link href="/gone"/></entry>'
        '<entry><title>B</title><link href="/3"/><updated>2024-05-14T00:00:00Z</updated></entry><entry><title>C</title></entry></feed>'
    )
    web.pages["/feed.xml"] = send(atom.encode(), "application/atom+xml")
    scanned = scan(tmp_path, feed)
    assert uris(scanned) == [f"{feed}#{web.address}/3"]
    assert sorted(scanned.rejected["reject_reason"].to_list()) == ["http_status", "unsupported_format"]


@pytest.mark.parametrize("raw", [b"", b"<html><p>Not a feed.</p></html>", b"\x00\x01\x02", b"<rss><channel>"])
def test_what_is_not_a_feed_is_said_so(tmp_path: Path, web: Web, feed: str, raw: bytes) -> None:
    web.pages["/feed.xml"] = send(raw, "application/rss+xml")
    [(uri, reason)] = rows(scan(tmp_path, feed).rejected, "source_uri", "reject_reason")
    assert (uri, reason) == (feed, "unreadable")
