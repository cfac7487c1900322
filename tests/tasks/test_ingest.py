"""Sources -> raw documents: what is found, what is left out and said so, and what is skipped as known."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tasks import ingest
from tasks.errors import UsageError
from tasks.ingest import ScannedSources, read_documents, scan_sources, select_new, split_batches
from tasks.reading.metadata import MetadataError, canonicalize_url, parse_entry, read_manifest
from tasks.reading.options import Reading
from tasks.reading.raw_store import RawStore, RawStoreError
from tasks.reading.records import Record
from tasks.reading.sources import FoundSources, SourceFile, check_sources, find_sources
from tests.builders import build_table, rows
from warehouse.keys import hash_bytes, make_id
from warehouse.tables import SOURCE_SIGHTINGS

LIMIT = 1_000


def write_files(folder: Path, **texts: str | bytes) -> Path:
    """Write files; two underscores in a name stand for a slash, one for a dot."""
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def find(*sources: Path | str, **options: Any) -> FoundSources:
    return find_sources([str(source) for source in sources], **{"max_bytes": LIMIT, **options})


def scan(store: Path, *sources: Path | str) -> ScannedSources:
    return scan_sources(find(*sources), RawStore(store / "raw"))


def uris(found: FoundSources) -> list[str]:
    return [file.source_uri for file in found.files]


def reasons(found: FoundSources) -> list[tuple[str, str]]:
    return [(rejection.source_uri, rejection.reject_reason) for rejection in found.rejected]


def test_a_folder_is_searched_with_all_that_is_in_it_in_the_order_of_the_names(tmp_path: Path) -> None:
    write_files(tmp_path, b_txt="B", a__d_txt="D", a__c_TXT="C")
    assert uris(find(tmp_path)) == ["a/c.TXT", "a/d.txt", "b.txt"]


def test_a_source_uri_does_not_tell_where_the_root_lies(tmp_path: Path) -> None:
    one, other = write_files(tmp_path / "one", a_txt="A"), write_files(tmp_path / "two", a_txt="A")
    assert uris(find(one)) == uris(find(other)) == uris(find(one / "a.txt")) == ["a.txt"]


def test_the_root_of_a_pattern_is_the_part_before_its_first_wildcard(tmp_path: Path) -> None:
    write_files(tmp_path, x__one__a_txt="A", x__two__b_txt="B", y__c_txt="C")
    assert uris(find(tmp_path / "x" / "*" / "*.txt")) == ["one/a.txt", "two/b.txt"]


def test_a_file_in_two_sources_belongs_to_the_outermost_root(tmp_path: Path) -> None:
    write_files(tmp_path, x__a_txt="A")
    assert uris(find(tmp_path / "x", tmp_path)) == uris(find(tmp_path, tmp_path / "x")) == ["x/a.txt"]


def test_hidden_files_sidecars_and_manifests_are_no_sources(tmp_path: Path) -> None:
    write_files(tmp_path, a_txt="A", a_json="{}", _hidden__b_txt="B", manifest_csv="path\na.txt\n")
    found = find(tmp_path)
    assert (uris(found), reasons(found)) == (["a.txt"], [])


def test_a_json_file_without_a_text_and_other_formats_are_unsupported(tmp_path: Path) -> None:
    write_files(tmp_path, lonely_json="{}", page_pdf="%PDF", noend="x")
    expected = [(name, "unsupported_format") for name in ("lonely.json", "noend", "page.pdf")]
    assert reasons(find(tmp_path)) == expected


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert reasons(find(tmp_path)) == [("a.txt", "unsupported_format")]


@pytest.mark.parametrize("source", ["missing.txt", "missing/*.txt", ""])
def test_a_source_that_does_not_exist_is_wrong_usage(tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match=r"missing|an empty name"):
        check_sources([str(tmp_path / source) if source else ""])


def test_a_loop_of_links_and_a_broken_link_are_unreadable(tmp_path: Path) -> None:
    write_files(tmp_path, x__a_txt="A")
    (tmp_path / "x" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "broken.txt").symlink_to(tmp_path / "nothing")
    found = find(tmp_path)
    assert uris(found) == ["x/a.txt"]
    assert sorted(reasons(found)) == [("broken.txt", "unreadable"), ("x/up", "unreadable")]


def test_a_file_that_cannot_be_opened_is_unreadable_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: SourceFile, reading: Reading) -> Iterator[Record]:
        if file.source_uri == "a.txt":
            raise PermissionError(13, "Permission denied")
        yield Record(file.path.read_bytes())

    monkeypatch.setattr(ingest, "_read_records", refuse)
    scanned = scan(tmp_path, write_files(tmp_path / "in", a_txt="A", b_txt="B"))
    assert rows(scanned.sightings, "source_uri") == [("b.txt",)]
    assert rows(scanned.rejected, "source_uri", "stage", "reject_reason", "detail") == [
        ("a.txt", "ingest", "unreadable", "permission denied")
    ]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, big_txt=b"x" * (LIMIT + 1), fits_txt=b"x" * LIMIT)
    found = find(tmp_path)
    assert (uris(found), reasons(found)) == (["fits.txt"], [("big.txt", "too_large")])
    assert found.rejected[0].detail == "1,001 bytes; the limit is 1,000"


def test_a_file_or_a_sidecar_that_was_just_written_waits(tmp_path: Path) -> None:
    write_files(tmp_path, old_txt="A", young_txt="B", told_txt="C", told_json="{}")
    for name, age in (("old.txt", 60), ("young.txt", 5), ("told.txt", 60), ("told.json", 5)):
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    found = find(tmp_path, min_age_seconds=10, now=1_000_000)
    assert (uris(found), found.waiting_count) == (["old.txt"], 2)


def test_bytes_are_kept_as_found_and_named_by_their_hash(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbfcaf\xe9\r\n\x00"
    scanned = scan(tmp_path, write_files(tmp_path / "in", a_txt=raw))
    store = RawStore(tmp_path / "raw")
    assert read_documents(scanned.sightings, store)["raw"].to_list() == [raw]
    kept = store.locate(hash_bytes(raw))
    assert kept.relative_to(tmp_path / "raw").as_posix() == f"{hash_bytes(raw)[:2]}/{hash_bytes(raw)}.gz"


def test_damaged_bytes_are_an_error_and_are_kept_anew_by_the_next_scan(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", a_txt="A text.")
    sightings, store = scan(tmp_path, source).sightings, RawStore(tmp_path / "raw")
    store.locate(hash_bytes(b"A text.")).write_bytes(b"not gzip")
    with pytest.raises(RawStoreError, match="damaged"):
        read_documents(sightings, store)
    assert read_documents(scan(tmp_path, source).sightings, store)["raw"].to_list() == [b"A text."]


def test_ids_are_the_hash_of_the_address_or_the_uri_and_of_the_bytes(tmp_path: Path) -> None:
    entry = json.dumps({"url": "HTTP://News.example/a/?utm_source=x#top"})
    sightings = scan(tmp_path, write_files(tmp_path / "in", a_txt="A", a_json=entry, b_txt="B")).sightings
    by_url, by_uri = make_id("url", "https://news.example/a"), make_id("uri", "b.txt")
    assert rows(sightings, "document_id", "article_id") == [
        (by_url, make_id(by_url, hash_bytes(b"A"))),
        (by_uri, make_id(by_uri, hash_bytes(b"B"))),
    ]


def test_an_empty_file_is_rejected_with_its_hash(tmp_path: Path) -> None:
    scanned = scan(tmp_path, write_files(tmp_path / "in", a_txt=""))
    assert scanned.sightings.is_empty()
    assert rows(scanned.rejected, "reject_reason", "raw_sha256") == [("empty", hash_bytes(b""))]


def test_one_document_with_two_states_in_one_run_has_the_state_that_sorts_first(tmp_path: Path) -> None:
    entry = json.dumps({"url": "https://news.example/a"})
    write_files(tmp_path / "in", b_txt="B", b_json=entry, a_txt="A", a_json=entry, c_txt="A", c_json=entry)
    scanned = scan(tmp_path, tmp_path / "in")
    assert rows(scanned.sightings, "source_uri") == [("a.txt",), ("c.txt",)]
    assert scanned.sightings["article_id"].n_unique() == 1
    assert [frame.height for frame in split_batches(scanned.sightings, 10)] == [1]
    assert rows(scanned.rejected, "source_uri", "reject_reason") == [("b.txt", "duplicate_document")]


def test_one_path_under_two_roots_with_two_texts_is_one_document_with_two_states(tmp_path: Path) -> None:
    write_files(tmp_path, two__a_txt="B", one__a_txt="A")
    scanned = scan(tmp_path, tmp_path / "two", tmp_path / "one")
    assert rows(scanned.sightings, "source_uri", "raw_sha256") == [("a.txt", hash_bytes(b"A"))]
    assert rows(scanned.rejected, "reject_reason", "detail") == [
        ("duplicate_document", f"a.txt in {tmp_path / 'one'} is the same document with other bytes")
    ]


def test_metadata_comes_from_the_sidecar_before_the_manifest(tmp_path: Path) -> None:
    manifest = "path,outlet,published_on,authors\na.txt,The Manifest,2024-05-31,Ann Lee; Bo Ek\nb.txt,The Manifest,,\n"
    write_files(tmp_path / "in", a_txt="A", b_txt="B", b_json='{"outlet": "The Sidecar"}', manifest_csv=manifest)
    sightings = scan(tmp_path, tmp_path / "in").sightings
    columns = ("metadata_outlet", "metadata_published_on", "metadata_authors", "metadata_uri")
    assert rows(sightings, *columns) == [
        ("The Manifest", date(2024, 5, 31), ["Ann Lee", "Bo Ek"], "manifest.csv"),
        ("The Sidecar", None, None, "b.json"),
    ]


@pytest.mark.parametrize(
    ("sidecar", "detail"),
    [
        ('{"title": \n', "line 2: it is not JSON (expecting value)"),
        ("[]", "it is not an object with fields"),
        ('{"title": 7}', "title is not a text"),
        ('{"published_on": "May"}', "published_on 'May' is not a date like 2024-05-31"),
        ('{"authors": [1]}', "authors is neither a list of names nor names separated by semicolons"),
        ('{"url": "news.example"}', "url 'news.example' is not an http address"),
        ('{"title": "\\ud800"}', "'\\ud800' holds half a character (a lone surrogate)"),
        ("[" * 100_000, "it is nested too deeply"),
        (b"\xff\xfe\xff", "it is not UTF-8 text"),
    ],
)
def test_a_malformed_sidecar_is_named_and_the_article_stays(tmp_path: Path, sidecar: str | bytes, detail: str) -> None:
    scanned = scan(tmp_path, write_files(tmp_path / "in", a_txt="A", a_json=sidecar))
    assert rows(scanned.sightings, "source_uri", "metadata_sha256") == [("a.txt", None)]
    assert rows(scanned.rejected, "source_uri", "stage", "reject_reason", "detail") == [
        ("a.json", "metadata", "malformed_metadata", detail)
    ]


def test_malformed_rows_of_a_manifest_are_named_by_line_and_the_others_are_used(tmp_path: Path) -> None:
    lines = ("path,title", "a.txt,A", "a.txt,Again", "b.txt", "../c.txt,C", "missing.txt,M", "d.txt,D")
    write_files(tmp_path, a_txt="A", b_txt="B", d_txt="D", manifest_csv="\n".join(lines))
    manifest = read_manifest(tmp_path / "manifest.csv", "manifest.csv")
    assert {name: entry.title for name, entry in manifest.entries.items()} == {"a.txt": "A", "d.txt": "D"}
    assert [(entry.metadata_uri, entry.detail.split(": ", 1)[1]) for entry in manifest.skipped] == [
        ("manifest.csv:3", "a.txt has a row already"),
        ("manifest.csv:4", "it has more or fewer fields than the header"),
        ("manifest.csv:5", "path '../c.txt' is not the name of a file in the folder of the manifest"),
        ("manifest.csv:6", "there is no file missing.txt"),
    ]


@pytest.mark.parametrize(
    ("text", "place"), [("file\na.txt\n", "line 1"), ("", "line 1"), (b"path\n\xff\n", "it is not")]
)
def test_a_manifest_without_a_path_column_is_skipped_whole(tmp_path: Path, text: str | bytes, place: str) -> None:
    write_files(tmp_path, a_txt="A", manifest_csv=text)
    manifest = read_manifest(tmp_path / "manifest.csv", "manifest.csv")
    assert (dict(manifest.entries), [entry.detail.startswith(place) for entry in manifest.skipped]) == ({}, [True])


def test_a_hash_of_metadata_depends_on_what_it_says_and_not_on_how_it_is_laid_out() -> None:
    first = parse_entry({"title": "A", "note": "x"}, "a.json")
    assert first.metadata_sha256 == parse_entry({"note": "x", "title": "A"}, "b.json").metadata_sha256
    assert first.metadata_sha256 != parse_entry({"title": "A", "note": "y"}, "a.json").metadata_sha256


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://WWW.News.Example/A/b/", "https://www.news.example/A/b"),
        ("https://news.example:443/?id=7&utm_medium=mail&fbclid=1", "https://news.example?id=7"),
        ("https://news.example:8080/a#part", "https://news.example:8080/a"),
        ("https://news.example/a?b=2&a=1&c=", "https://news.example/a?b=2&a=1&c="),
    ],
)
def test_all_spellings_of_an_address_have_one_form(url: str, canonical: str) -> None:
    assert canonicalize_url(url) == canonical


@pytest.mark.parametrize("url", ["ftp://news.example/a", "https://", "https://[x/", "https://news.example:x/"])
def test_what_is_not_an_http_address_is_malformed(url: str) -> None:
    with pytest.raises(MetadataError):
        canonicalize_url(url)


KNOWN = {
    "document_id": make_id("uri", "a.txt"),
    "source_uri": "a.txt",
    "raw_sha256": hash_bytes(b"A"),
    "rules_version": "r1",
}


@pytest.mark.parametrize(
    ("known", "options", "expected"),
    [
        ({"outcome": "loaded"}, {}, "known"),
        ({"outcome": "rejected"}, {}, "known"),
        ({"outcome": "quarantined"}, {}, "known"),
        ({"outcome": "stopped"}, {}, "stopped"),
        ({"outcome": "stopped"}, {"retry_stopped": True}, "new"),
        ({"outcome": "loaded"}, {"is_released": False}, "new"),
        ({"outcome": "stopped"}, {"is_released": False}, "stopped"),
        ({"outcome": "loaded", "rules_version": "r0"}, {}, "new"),
        ({"outcome": "loaded", "raw_sha256": hash_bytes(b"B")}, {}, "new"),
        ({"outcome": "loaded", "metadata_sha256": "m"}, {}, "new"),
        ({"outcome": "loaded", "source_uri": "b.txt"}, {}, "new"),
    ],
)
def test_what_was_judged_before_is_skipped_until_something_changes(
    tmp_path: Path, known: dict[str, str], options: dict[str, bool], expected: str
) -> None:
    sightings = scan(tmp_path, write_files(tmp_path / "in", a_txt="A")).sightings
    ledger = build_table(SOURCE_SIGHTINGS, {**KNOWN, "metadata_sha256": None, **known})
    selected = select_new(sightings, ledger, "r1", **options)
    counts = {"new": selected.new.height, "known": selected.known.height, "stopped": selected.stopped.height}
    assert counts == {"new": 0, "known": 0, "stopped": 0, expected: 1}
    assert selected.known.columns == selected.stopped.columns == [*selected.new.columns, "outcome"]


def test_batches_hold_all_articles_once_in_order(tmp_path: Path) -> None:
    sightings = scan(tmp_path, write_files(tmp_path / "in", a_txt="A", b_txt="B", c_txt="C")).sightings
    assert [rows(batch, "source_uri") for batch in split_batches(sightings, 2)] == [
        [("a.txt",), ("b.txt",)],
        [("c.txt",)],
    ]
    assert split_batches(sightings.clear(), 2) == []


def test_times_are_no_part_of_what_was_seen(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", a_txt="A")
    first = scan(tmp_path, source).sightings
    os.utime(source / "a.txt", (0, datetime(2024, 1, 1, tzinfo=UTC).timestamp()))
    assert first.equals(scan(tmp_path, source).sightings)
    assert isinstance(first, pl.DataFrame)
