"""Backfills: chosen articles are made anew by the rules of now from what is kept, and nothing else is touched."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import job as job_module
from flows.backfill import backfill_directly, backfill_warehouse
from flows.build_warehouse import build_directly
from flows.cli import app
from flows.settings import Settings
from tasks.backfill import Choice, find_documents
from tasks.errors import UsageError
from tasks.ingest import RAW_SIGHTINGS_SCHEMA, scan_sources
from tasks.reading.raw_store import RawStore
from tasks.reading.sources import find_sources
from tasks.rules import RulesVersions
from tests.flows.test_build_warehouse import BRIDGE, HARVEST, ask, make_settings
from warehouse.connection import connect_read_only
from warehouse.keys import hash_bytes, make_id
from warehouse.ledger import ledger_path, read_ledger

pytestmark = pytest.mark.xdist_group("build")

MAY, JUNE = "2024-05-02", "2024-06-03"


def use_rules(monkeypatch: pytest.MonkeyPatch, number: int, *, link: int = 1) -> None:
    versions = RulesVersions(f"rules-{number}", f"link-{link}", "stories-1", "publish-1")
    monkeypatch.setattr(job_module, "find_versions", lambda model: versions)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A release of two articles with metadata beside them, whose sources are gone."""
    use_rules(monkeypatch, 1)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for name, text, day in (("bridge", BRIDGE, MAY), ("harvest", HARVEST, JUNE)):
        inbox.joinpath(f"{name}.txt").write_text(text, encoding="utf-8")
        told = f'{{"published_on": "{day}", "outlet": "The Valley Times", "authors": ["Ida Holm", "Per Lund"]}}'
        inbox.joinpath(f"{name}.json").write_text(told, encoding="utf-8")
    settings = make_settings(tmp_path)
    build_directly(settings)
    for path in inbox.iterdir():
        path.unlink()
    return settings


def list_rules(settings: Settings) -> list[tuple[Any, ...]]:
    return ask(settings, "select source_uri, rules_version from fact_articles order by all")


@pytest.mark.parametrize(
    ("choice", "anew"),
    [
        (Choice(since=date(2024, 6, 1)), ["harvest.txt"]),
        (Choice(until=date(2024, 5, 2)), ["bridge.txt"]),
        (Choice(since=date(2024, 5, 3), until=date(2024, 6, 2)), []),
        (Choice(outlet="the valley times"), ["bridge.txt", "harvest.txt"]),
        (Choice(outlet="The Hill Times"), []),
        (Choice(), ["bridge.txt", "harvest.txt"]),
    ],
)
def test_what_is_chosen_is_made_anew_and_the_rest_stays(
    settings: Settings, choice: Choice, anew: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(monkeypatch, 2)
    report = backfill_directly(settings, choice)
    assert (report.status, report.counts["new"]) == ("published" if anew else "unchanged", len(anew))
    assert [uri for uri, rules in list_rules(settings) if rules == "rules-2"] == anew
    assert len(list_rules(settings)) == 2


def test_articles_are_chosen_by_the_ids_of_articles_and_documents(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(monkeypatch, 2)
    [(article_id, _), (_, document_id)] = ask(
        settings, "select article_id, document_id from fact_articles order by source_uri"
    )
    assert backfill_directly(settings, Choice(ids=(article_id, document_id))).counts["new"] == 2
    with pytest.raises(UsageError, match="no article or document of the release: nobody"):
        backfill_directly(settings, Choice(ids=(article_id, "nobody")))


def test_the_same_rules_make_the_same_rows_with_the_metadata_that_stood_beside_the_texts(settings: Settings) -> None:
    report = backfill_directly(settings, Choice())
    assert (report.status, report.counts["new"]) == ("unchanged", 2)
    told = ask(settings, "select outlet, authors, published_on::varchar from fact_articles order by source_uri")
    assert told == [("The Valley Times", ["Ida Holm", "Per Lund"], day) for day in (MAY, JUNE)]


def test_a_document_is_chosen_as_ingestion_saw_it(settings: Settings) -> None:
    with connect_read_only(settings.warehouse) as con:
        found = pl.concat(find_documents(con, Choice(), rows=1)).sort("source_uri")
    seen = scan_sources(
        find_sources([str(settings.sources[0])], max_bytes=10_000), RawStore(settings.raw_dir)
    )  # the sources are gone
    assert found.columns == list(RAW_SIGHTINGS_SCHEMA) and seen.sightings.is_empty()
    assert found.row(0, named=True) == {
        "document_id": make_id("uri", "bridge.txt"),
        "article_id": make_id(make_id("uri", "bridge.txt"), hash_bytes(BRIDGE.encode())),
        "source_uri": "bridge.txt",
        "reader": "text",
        "raw_sha256": hash_bytes(BRIDGE.encode()),
        "size_bytes": len(BRIDGE.encode()),
        "metadata_sha256": found["metadata_sha256"][0],
        "metadata_uri": "bridge.json",
        "metadata_outlet": "The Valley Times",
        "metadata_url": None,
        "metadata_title": None,
        "metadata_published_on": date(2024, 5, 2),
        "metadata_authors": ["Ida Holm", "Per Lund"],
        "media_type": None,
        "http_headers": None,
    }


def test_an_article_whose_bytes_are_gone_stays_as_it_is_and_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(monkeypatch, 2)
    monkeypatch.setattr(RawStore, "locate", lambda store, sha: Path("nowhere"))
    report = backfill_directly(settings, Choice())
    assert (report.status, report.exit_code, report.counts["new"]) == ("unchanged", 4, 0)
    assert list_rules(settings) == [("bridge.txt", "rules-1"), ("harvest.txt", "rules-1")]
    rejected = read_ledger(ledger_path(settings.warehouse), "from rejected_documents order by source_uri")
    assert rejected["reject_reason"].to_list() == ["unreadable", "unreadable"]


def test_the_flow_does_not_take_an_empty_form_for_all_articles() -> None:
    with pytest.raises(UsageError, match="choose the articles"):
        backfill_warehouse.fn()


def test_the_command_wants_a_choice_and_takes_ids_from_a_file(settings: Settings, tmp_path: Path) -> None:
    given = ["backfill", "--warehouse", str(settings.warehouse)]
    ended = CliRunner().invoke(app, given)
    assert (ended.exit_code, "choose the articles" in ended.output) == (2, True)
    ids = tmp_path / "ids.txt"
    ids.write_text("0123\n")
    ended = CliRunner().invoke(app, [*given, "--ids", str(ids)])
    assert (ended.exit_code, "no article or document of the release: 0123" in ended.output) == (2, True)
    ended = CliRunner().invoke(app, [*given, "--since", "yesterday"])
    assert ended.exit_code == 2
