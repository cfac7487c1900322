"""Sources of many documents that are as they were are looked up; what they are known by, and when that does not hold."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks import ingest
from tasks.ingest import ScannedSources, scan_sources
from tasks.reading.fields import FieldMapping
from tasks.reading.known import KnownSources, select_settled
from tasks.reading.options import Reading
from tasks.reading.raw_store import RawStore
from tasks.reading.sources import find_sources
from tests.builders import build_table, rows
from tests.tasks.reading.test_remote import NOW, remember
from warehouse.tables import SOURCE_SIGHTINGS

ROWS = [{"id": "a", "url": "https://example.org/a", "text": "One."}, {"id": "b", "text": "Two."}]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    read = ingest.read_file

    def note(stream: Any, name: str, reading: Reading) -> Any:
        names.append(name)
        return read(stream, name, reading)

    monkeypatch.setattr(ingest, "read_file", note)
    return names


def write(path: Path, given: list[dict[str, str]], age: float = 3_600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in given), "utf-8")
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    return path


def scan(folder: Path, known: KnownSources | None = None, **reading: Any) -> ScannedSources:
    found = find_sources([str(folder / "in")], max_bytes=1_000)
    return scan_sources(found, RawStore(folder / "raw"), Reading(**reading), known=known or KnownSources(now=NOW))


def test_a_container_with_the_same_bytes_is_not_read_and_its_documents_are_seen(
    tmp_path: Path, reads: list[str]
) -> None:
    path = write(tmp_path / "in" / "n.jsonl", ROWS)
    first = scan(tmp_path)
    for _ in range(2):
        path.touch()  # other times, the same bytes
        second = scan(tmp_path, remember(first))
        assert second.sightings.is_empty()
        assert rows(second.unchanged, "source_uri", "run_id") == [("n.jsonl#a", "r1"), ("n.jsonl#b", "r1")]
        first = second
    assert reads == ["n.jsonl"]


def test_other_bytes_another_mapping_and_other_metadata_beside_it_read_it_again(
    tmp_path: Path, reads: list[str]
) -> None:
    path = write(tmp_path / "in" / "n.jsonl", ROWS)
    known = remember(scan(tmp_path))
    scan(tmp_path, known, fields=FieldMapping({"text": "id"}))
    write(path.with_suffix(".json"), [{"outlet": "The Gazette"}])
    assert set(scan(tmp_path, known).sightings["metadata_outlet"]) == {"The Gazette"}
    path.with_suffix(".json").unlink()
    write(path, ROWS[:1])
    assert rows(scan(tmp_path, known).sightings, "source_uri") == [("n.jsonl#a",)]
    assert len(reads) == 4


def test_a_container_of_which_a_document_needs_work_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    write(tmp_path / "in" / "n.jsonl", ROWS)
    known = remember(scan(tmp_path))
    missing = KnownSources(known.states, known.sightings.head(1), known.pages, NOW + timedelta(hours=1))
    assert scan(tmp_path, missing).sightings.height == 2


def test_only_what_was_judged_by_these_rules_and_not_stopped_is_settled() -> None:
    judged = [
        ("a", "v1", "loaded"),
        ("b", "v0", "loaded"),
        ("c", "v1", "stopped"),
        ("d", "v1", "rejected"),
        ("e", "v1", "loaded"),
    ]
    names = ("document_id", "rules_version", "outcome")
    sightings = build_table(SOURCE_SIGHTINGS, *(dict(zip(names, row, strict=True)) for row in judged))
    assert rows(select_settled(sightings, "v1", anew=["e"]), "document_id") == [("a",), ("d",)]


def test_a_container_with_a_flaw_that_could_be_mended_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    write(tmp_path / "in" / "n.jsonl", [*ROWS, {"text": "Three.", "date": "soon"}])
    first = scan(tmp_path)
    assert rows(first.rejected, "source_uri", "reject_reason") == [("n.jsonl#3", "malformed_metadata")]
    assert first.states.is_empty() and scan(tmp_path, remember(first)).sightings.height == 3


def test_a_document_that_another_source_has_with_other_bytes_is_taken_from_the_first(
    tmp_path: Path, reads: list[str]
) -> None:
    write(tmp_path / "in" / "b.jsonl", ROWS)
    known = remember(scan(tmp_path))
    other = write(tmp_path / "in" / "a.jsonl", [{**ROWS[0], "text": "One, corrected."}])
    second = scan(tmp_path, known)
    assert rows(second.sightings, "source_uri") == [("a.jsonl#a",)]
    assert rows(second.unchanged, "source_uri") == [("b.jsonl#b",)]
    assert rows(second.rejected, "source_uri", "reject_reason") == [("b.jsonl#a", "duplicate_document")]
    assert second.rejected["detail"][0].startswith("a.jsonl#a in ")
    other.unlink()  # b.jsonl lost a document to it: it must be read again
    assert rows(scan(tmp_path, remember(second)).sightings, "source_uri") == [("b.jsonl#a",), ("b.jsonl#b",)]
    assert reads == ["b.jsonl", "a.jsonl", "b.jsonl"]
