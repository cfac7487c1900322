"""A build from every format of the same texts, and what a second build of a container costs."""

import gzip
import os
import re
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from flows import job as job_module
from flows.build_warehouse import build_directly
from flows.read_feeds import read_list
from flows.settings import Settings
from tasks import ingest
from tasks.annotate import annotate_batch
from tasks.annotation.annotator import DEFAULT_MODEL, Annotator, open_annotator
from tasks.clean import clean_documents
from tasks.errors import UsageError
from tasks.ingest import read_documents, scan_sources
from tasks.quotes import extract_quotes_batch
from tasks.reading.network import WebAccess
from tasks.reading.raw_store import RawStore
from tasks.reading.sources import find_sources
from tasks.rules import RulesVersions
from tests.tasks.reading.test_formats import to_csv, to_jsonl, to_page, to_parquet, to_tar, to_zip
from tests.web import send, serve
from warehouse.connection import connect_read_only

TEXTS = {
    "bridge": "Bridge to close for repairs\n\nThe old bridge will close in May, the council said on Monday.\n\n"
    "“We have waited for ten years, and we can wait no longer,” said Marta Lindqvist, the mayor of the town.\n",
    "harvest": "Farmers expect a late harvest\n\nRain has kept the fields wet since the end of March.\n\n"
    "“The wheat stands well, but it stands in water,” Tomas Okafor, a farmer, told reporters on Friday.\n",
}
ROWS = [{"id": name, "url": f"https://example.org/{name}", "text": text} for name, text in TEXTS.items()]
PAGES = {
    name: "<!DOCTYPE html><html><head><title>x</title></head><body><h1>{}</h1>\n<p>{}</p>\n<p>{}</p></body></html>".format(
        *text.strip().split("\n\n")
    ).encode()
    for name, text in TEXTS.items()
}
FILES = {f"{name}.txt": text.encode() for name, text in TEXTS.items()}
FORMATS: dict[str, dict[str, bytes]] = {
    "text": FILES,
    "text.gz": {f"{name}.gz": gzip.compress(raw) for name, raw in FILES.items()},
    "text.zst": {f"{name}.zst": zstd.compress(raw) for name, raw in FILES.items()},
    "html": {f"{name}.html": raw for name, raw in PAGES.items()},
    "jsonl.gz": {"n.jsonl.gz": gzip.compress(to_jsonl(ROWS))},
    "csv": {"n.csv": to_csv(ROWS)},
    "tsv.zst": {"n.tsv.zst": zstd.compress(to_csv(ROWS, "\t"))},
    "parquet": {"n.parquet": to_parquet(ROWS)},
    "warc.gz": {"n.warc.gz": b"".join(gzip.compress(to_page(row)) for row in ROWS)},
    "html in warc": {
        "n.warc": b"".join(to_page({**row, "text": PAGES[row["id"]].decode()}, "text/html; charset=utf-8") for row in ROWS)
    },
    "zip": {"n.zip": to_zip(FILES)},
    "tar.gz": {"n.tar.gz": gzip.compress(to_tar(FILES))},
    "parquet in zip in tar": {"n.tar": to_tar({"n.zip": to_zip({"n.parquet": to_parquet(ROWS)})})},
}  # fmt: skip

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-1", "link-1", "stories-1", "publish-1")
    )


def make_settings(folder: Path, files: dict[str, bytes], **given: Any) -> Settings:
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    for name, raw in files.items():
        inbox.joinpath(name).write_bytes(raw)
    values = {"sources": (str(inbox),), "warehouse": folder / "news.duckdb", "data_dir": folder.parent / "data"}
    return Settings(**{**values, "min_age_seconds": 0, **given})


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    con = connect_read_only(settings.warehouse)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def read_quotes(folder: Path, annotator: Annotator, *sources: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The bodies of sources and the quotes in them, through the stages up to the quotes; nothing may be rejected."""
    store = RawStore(folder / "raw")
    scanned = scan_sources(find_sources(sources, max_bytes=1_000_000), store, web=WebAccess("test", pause_seconds=0.0))
    assert scanned.rejected.rows() == []
    cleaned = clean_documents(read_documents(scanned.sightings, store))
    annotated = annotate_batch.fn(cleaned.articles, cleaned.segments, annotator)
    quotes = extract_quotes_batch.fn(cleaned.articles, annotated.paragraphs, annotated.annotations).quotes
    columns = ["quote_text", "quote_type", "start_char", "end_char", "cue", "speaker_text", "speaker_start_char"]
    return sorted(cleaned.articles["body"]), sorted(quotes.select(columns).rows(), key=str)


def test_every_format_of_the_same_texts_gives_the_same_quotes(tmp_path: Path) -> None:
    found = {}
    items = "".join(f"<item><link>/{name}.html</link></item>" for name in TEXTS)
    rss = f'<rss version="2.0"><channel><title>G</title>{items}</channel></rss>'.encode()
    with open_annotator(DEFAULT_MODEL, cache_dir=tmp_path / "cache") as annotator:
        for name, files in FORMATS.items():
            folder = tmp_path / name
            folder.mkdir()
            [source] = make_settings(folder, files).sources
            found[name] = read_quotes(folder, annotator, source)
        with serve({f"/{name}.html": send(raw) for name, raw in PAGES.items()}) as web:
            web.pages["/feed.xml"] = send(rss, "application/rss+xml")
            found["web"] = read_quotes(tmp_path, annotator, *(f"{web.address}/{name}.html" for name in TEXTS))
            found["feed"] = read_quotes(tmp_path, annotator, f"feed+{web.address}/feed.xml")
    assert [row[0] for row in found["text"][1] if row[1] == "direct"] == [
        "The wheat stands well, but it stands in water,",
        "We have waited for ten years, and we can wait no longer,",
    ]
    assert {name: given == found["text"] for name, given in found.items()} == dict.fromkeys(found, True)


def test_an_unchanged_container_is_looked_up_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(tmp_path, FORMATS["parquet in zip in tar"])
    file = tmp_path / "inbox" / "n.tar"
    assert build_directly(settings).status == "published"
    reads: list[str] = []
    read = ingest.read_file

    def note(stream: Any, name: str, reading: Any) -> Any:
        reads.append(name)
        return read(stream, name, reading)

    monkeypatch.setattr(ingest, "read_file", note)
    for _ in range(2):
        os.utime(file)  # the same bytes, looked at anew
        report = build_directly(settings)
        assert (report.status, report.counts["unchanged"], reads) == ("unchanged", 2, [])
    file.write_bytes(to_tar({"n.jsonl": to_jsonl(ROWS[:1])}))
    report = build_directly(settings)
    assert (report.counts["unchanged"] + report.counts["new"], reads) == (1, ["n.tar"])


def test_bad_records_leave_the_others_and_a_container_that_is_cut_off_is_exit_code_4(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"n.jsonl": to_jsonl(ROWS) + b"not json\n"})
    report = build_directly(settings)
    assert (report.exit_code, report.rejected_by_reason, report.counts["fact_articles"]) == (0, {"not_json": 1}, 2)
    (tmp_path / "inbox" / "m.txt.gz").write_bytes(gzip.compress(b"A text that is cut off." * 50)[:40])
    (tmp_path / "inbox" / "x.gz").mkdir()
    (tmp_path / "inbox" / "x.gz" / "empty.jsonl").touch()
    report = build_directly(settings)
    assert (report.exit_code, report.rejected_by_reason) == (4, {"truncated": 1, "empty": 1})
    assert report.rejected["source_uri"].to_list() == ["m.txt.gz", "x.gz/empty.jsonl"]


def test_a_list_of_feeds_is_read_and_what_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text("# ours\nhttps://example.org/rss # daily\n\nfeed+https://example.org/rss\n", "utf-8")
    assert read_list(path) == ("feed+https://example.org/rss",)
    path.write_text("/etc/passwd\n", "utf-8")
    with pytest.raises(UsageError, match=re.escape("feeds.txt:1: /etc/passwd")):
        read_list(path)
