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
from flows.settings import Settings, load_settings
from tasks import ingest
from tasks.errors import UsageError
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
QUOTES = (
    "select quote_text, quote_type, start_char, end_char, cue, speaker_text, speaker_start_char, confidence"
    " from fact_quotes order by all"
)

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "rules_version", lambda model: "rules-1")


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


def test_every_format_of_the_same_texts_gives_the_same_quotes(tmp_path: Path) -> None:
    found = {}
    for name, files in FORMATS.items():
        folder = tmp_path / name
        folder.mkdir()
        settings = make_settings(folder, files)
        report = build_directly(settings)
        assert (report.exit_code, report.rejected.height, report.counts["fact_articles"]) == (0, 0, 2), name
        found[name] = (ask(settings, QUOTES), ask(settings, "select title, body from fact_articles order by all"))
    assert [row[0] for row in found["text"][0] if row[1] == "direct"] == [
        "The wheat stands well, but it stands in water,",
        "We have waited for ten years, and we can wait no longer,",
    ]
    assert {name: given == found["text"] for name, given in found.items()} == dict.fromkeys(FORMATS, True)


def test_the_same_texts_from_the_web_and_from_a_feed_give_the_same_quotes(tmp_path: Path) -> None:
    items = "".join(f"<item><link>/{name}.html</link></item>" for name in TEXTS)
    rss = f'<rss version="2.0"><channel><title>G</title>{items}</channel></rss>'.encode()
    found = []
    with serve({f"/{name}.html": send(raw) for name, raw in PAGES.items()}) as web:
        web.pages["/feed.xml"] = send(rss, "application/rss+xml")
        for sources in ([f"{web.address}/{name}.html" for name in TEXTS], [f"feed+{web.address}/feed.xml"]):
            folder = tmp_path / str(len(found))
            folder.mkdir()
            settings = make_settings(folder, {}, sources=tuple(sources))
            assert build_directly(settings).exit_code == 0
            found.append(ask(settings, QUOTES))
            assert build_directly(settings).status == "unchanged"
    assert found[0] == found[1] and len(found[0]) >= 2


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
        report = build_directly(settings)
        assert (report.status, report.counts["unchanged"], reads) == ("unchanged", 2, [])
    os.utime(file)  # the same bytes, looked at anew
    assert (build_directly(settings).counts["unchanged"], reads) == (2, [])
    file.write_bytes(to_tar({"n.jsonl": to_jsonl(ROWS[:1])}))
    report = build_directly(settings)
    assert (report.counts["unchanged"] + report.counts["new"], reads) == (1, ["n.tar"])


def test_other_rules_and_another_mapping_read_an_unchanged_container_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path, FORMATS["csv"])
    build_directly(settings)
    monkeypatch.setattr(job_module, "rules_version", lambda model: "rules-2")
    assert build_directly(settings).counts["new"] == 2
    rows = [{**row, "story": row["text"], "text": "Nothing to read here, as the council said."} for row in ROWS]
    (tmp_path / "inbox" / "n.csv").write_bytes(to_csv(rows))
    assert build_directly(settings).counts["new"] == 2
    mapped = make_settings(tmp_path, {}, fields=load_settings(fields={"text": "story"}).fields)
    assert build_directly(mapped).counts["new"] == 2
    assert {row[1] for row in ask(mapped, "select url, title from fact_articles")} == {
        "Bridge to close for repairs", "Farmers expect a late harvest",
    }  # fmt: skip


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


def test_a_document_that_another_source_has_with_other_bytes_is_taken_from_the_first(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"b.jsonl": to_jsonl(ROWS)})
    build_directly(settings)
    changed = [{**ROWS[0], "text": TEXTS["bridge"].replace("May", "June")}]
    make_settings(tmp_path, {"a.jsonl": to_jsonl(changed)})
    report = build_directly(settings)
    assert report.rejected.select("source_uri", "reject_reason").rows() == [("b.jsonl#bridge", "duplicate_document")]
    assert any("June" in body for (body,) in ask(settings, "select body from fact_articles"))
    (tmp_path / "inbox" / "a.jsonl").unlink()
    build_directly(settings)
    assert not any("June" in body for (body,) in ask(settings, "select body from fact_articles"))


def test_a_list_of_feeds_is_read_and_what_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text("# ours\nhttps://example.org/rss # daily\n\nfeed+https://example.org/rss\n", "utf-8")
    assert read_list(path) == ("feed+https://example.org/rss",)
    path.write_text("/etc/passwd\n", "utf-8")
    with pytest.raises(UsageError, match=re.escape("feeds.txt:1: /etc/passwd")):
        read_list(path)
