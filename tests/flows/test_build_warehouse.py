"""The whole flow, without Prefect's engine: what a build publishes, skips, stops at and remembers."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pytest

from flows import build_batch as batch_module
from flows import build_warehouse as flow_module
from flows import job as job_module
from flows.build_warehouse import build_directly
from flows.report import BuildReport, StoppedByValidation, summarize_build
from flows.settings import Settings
from tasks.clean import CleanedBatch
from tasks.errors import UsageError
from tasks.rules import RulesVersions
from tasks.validate import ValidatedBatch, validate_batch
from warehouse.connection import connect_read_only
from warehouse.errors import WarehouseError
from warehouse.ledger import ledger_path, read_ledger
from warehouse.releases import list_releases, lock_warehouse
from warehouse.tables import tables_of

BRIDGE = (
    "Bridge to close for repairs\n\nThe old bridge will close in May, the council said on Monday.\n\n"
    "“We have waited for ten years, and we can wait no longer,” said Marta Lindqvist, the mayor of the town.\n"
)
HARVEST = (
    "Farmers expect a late harvest\n\nRain has kept the fields wet since the end of March.\n\n"
    "“The wheat stands well, but it stands in water,” Tomas Okafor, a farmer, told reporters on Friday.\n"
)
ROOT = Path(__file__).parents[2]
RUN_COLUMNS = ("run_id", "first_seen_at", "last_seen_at")

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the version of the rules, also while somebody edits them."""
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-1", "link-1", "stories-1", "publish-1")
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an inbox with two articles."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.joinpath("bridge.txt").write_text(BRIDGE, encoding="utf-8")
    inbox.joinpath("harvest.txt").write_text(HARVEST, encoding="utf-8")
    return make_settings(tmp_path)


def make_settings(folder: Path, **columns: Any) -> Settings:
    # one folder of data for all tests: an annotation depends on its paragraph alone, so no test can tell
    given = {
        "sources": (str(folder / "inbox"),),
        "warehouse": folder / "news.duckdb",
        "data_dir": folder.parent / "data",
    }
    return Settings(**{**given, "min_age_seconds": 0, **columns})


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    con = connect_read_only(settings.warehouse)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def outcomes(settings: Settings) -> dict[str, str]:
    sightings = read_ledger(ledger_path(settings.warehouse), "from source_sightings")
    return dict(sightings.select("source_uri", "outcome").sort("source_uri").iter_rows())


def stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let validation stop every batch."""

    def stop(frames: Mapping[str, pl.DataFrame], *arguments: Any) -> ValidatedBatch:
        good = validate_batch.fn(frames, *arguments)
        return ValidatedBatch(good.frames, good.quarantined, good.results, True, ("fact_quotes.share",))

    monkeypatch.setattr(batch_module, "validate_batch", SimpleNamespace(fn=stop))


def test_a_build_publishes_articles_quotes_and_their_speakers(settings: Settings) -> None:
    report = build_directly(settings)
    assert (report.status, report.exit_code, report.counts["fact_articles"]) == ("published", 0, 2)
    assert ask(settings, "select source_uri, language from fact_articles order by all") == [
        ("bridge.txt", "en"),
        ("harvest.txt", "en"),
    ]
    sql = "select speaker_text, quote_text from fact_quotes where quote_type = 'direct' order by all"
    assert ask(settings, sql) == [
        ("Marta Lindqvist", "We have waited for ten years, and we can wait no longer,"),
        ("Tomas Okafor", "The wheat stands well, but it stands in water,"),
    ]
    assert outcomes(settings) == {"bridge.txt": "loaded", "harvest.txt": "loaded"}
    assert not settings.staging.exists()
    assert dict(summarize_build(report))["articles"] == "2"
    assert report.docs is not None and "fact_quotes" in report.docs.read_text("utf-8")


def test_a_second_build_of_the_same_files_publishes_nothing_and_remembers_that_it_saw_them(settings: Settings) -> None:
    build_directly(settings)
    [before] = list_releases(settings.warehouse)
    report = build_directly(settings)
    assert (report.status, report.counts["unchanged"], report.counts["new"]) == ("unchanged", 2, 0)
    assert list_releases(settings.warehouse) == [before]
    seen = read_ledger(ledger_path(settings.warehouse), "from source_sightings")
    assert seen.select((pl.col("last_seen_at") > pl.col("first_seen_at")).all()).item()


def test_changed_bytes_replace_the_article_and_a_new_sidecar_is_a_change(settings: Settings, tmp_path: Path) -> None:
    build_directly(settings)
    (tmp_path / "inbox" / "bridge.txt").write_text(BRIDGE.replace("May", "June"), encoding="utf-8")
    (tmp_path / "inbox" / "harvest.json").write_text('{"outlet": "The Valley Times"}')
    report = build_directly(settings)
    assert (report.status, report.counts["new"]) == ("published", 2)
    assert ask(settings, "select outlet from fact_articles where outlet is not null") == [("The Valley Times",)]
    assert ask(settings, "select count(*) from fact_articles") == [(2,)]
    assert ask(settings, "select contains(body, 'in May') from article_versions") == [(True,)]


def test_other_rules_judge_everything_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_directly(settings)
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-2", "link-1", "stories-1", "publish-1")
    )
    assert build_directly(settings).counts["new"] == 2
    assert ask(settings, "select distinct rules_version from fact_articles") == [("rules-2",)]


def test_an_article_that_other_rules_reject_leaves_the_release(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_directly(settings)
    clean = batch_module.clean_batch.fn

    def reject_harvest(documents: pl.DataFrame, *others: Any) -> CleanedBatch:
        return clean(documents.filter(pl.col("source_uri") != "harvest.txt"), *others)

    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-2", "link-1", "stories-1", "publish-1")
    )
    monkeypatch.setattr(batch_module, "clean_batch", SimpleNamespace(fn=reject_harvest))
    assert build_directly(settings).status == "published"
    assert ask(settings, "select source_uri from fact_articles") == [("bridge.txt",)]
    assert ask(settings, "select count(*) from fact_quotes inner join fact_articles using (article_id)") == ask(
        settings, "select count(*) from fact_quotes"
    )


def test_without_the_warehouse_everything_is_loaded_again(settings: Settings) -> None:
    build_directly(settings)
    settings.warehouse.unlink()
    assert build_directly(settings).counts["fact_articles"] == 2


def test_batches_do_not_change_a_row(settings: Settings, tmp_path: Path) -> None:
    other = make_settings(tmp_path, warehouse=tmp_path / "other.duckdb", batch_size=1)
    build_directly(settings)
    build_directly(other)
    for table in (*tables_of("article"), *tables_of("corpus")):
        if table.name in ("releases", "schema_migrations"):  # when, not what
            continue
        columns = ", ".join(name for name in table.column_names if name not in RUN_COLUMNS)
        sql = f"select {columns} from {table.name} order by {', '.join(table.key)}"
        assert ask(settings, sql) == ask(other, sql), table.name


def test_what_validation_stops_is_not_published_not_tried_again_and_blocks_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stopping(patch)
        with pytest.raises(StoppedByValidation, match=r"fact_quotes\.share") as caught:
            build_directly(settings)
    assert (caught.value.report.exit_code, settings.warehouse.exists()) == (3, False)
    assert outcomes(settings) == {"bridge.txt": "stopped", "harvest.txt": "stopped"}
    (tmp_path / "inbox" / "late.txt").write_text(BRIDGE.replace("bridge", "tunnel"), encoding="utf-8")
    report = build_directly(settings)
    assert (report.status, report.counts["fact_articles"]) == ("published", 1)


def test_what_was_stopped_stays_out_until_it_is_retried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_directly(settings)
    (Path(settings.sources[0]) / "late.txt").write_text(BRIDGE.replace("bridge", "tunnel"), encoding="utf-8")
    with monkeypatch.context() as patch:
        stopping(patch)
        with pytest.raises(StoppedByValidation):
            build_directly(settings)
    assert ask(settings, "select count(*) from fact_articles") == [(2,)]
    skipped = build_directly(settings)
    assert (skipped.status, skipped.counts["stopped_before"]) == ("unchanged", 1)
    retried = build_directly(make_settings(settings.warehouse.parent, retry_stopped=True))
    assert (retried.status, retried.counts["fact_articles"]) == ("published", 1)
    assert set(outcomes(settings).values()) == {"loaded"}


def test_a_build_that_fails_is_closed_in_the_ledger_and_the_next_one_completes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(flow_module, "publish_warehouse", SimpleNamespace(fn=fail))
        with pytest.raises(MemoryError):
            build_directly(settings)
    runs = read_ledger(ledger_path(settings.warehouse), "from pipeline_runs")
    assert runs.select("status", "detail").rows() == [("failed", "MemoryError: no room")]
    assert not settings.warehouse.exists() and not settings.staging.exists()
    assert build_directly(settings).status == "published"


def test_rejections_have_a_stage_and_a_reason_and_are_told_apart_from_what_could_not_be_read(
    settings: Settings,
) -> None:
    inbox = Path(settings.sources[0])
    (inbox / "empty.txt").write_bytes(b"")
    (inbox / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    report = build_directly(settings)
    assert (report.exit_code, report.counts["fact_articles"]) == (0, 2)
    assert report.rejected_by_reason == {"binary": 1, "empty": 1}
    (inbox / "bridge.json").write_text("{")
    again = build_directly(settings)
    assert (again.exit_code, again.rejected_by_reason) == (4, {"empty": 1, "malformed_metadata": 1})
    assert outcomes(settings)["picture.txt"] == "rejected"


def test_two_builds_of_one_warehouse_do_not_run_at_once(settings: Settings) -> None:
    with lock_warehouse(settings.warehouse), pytest.raises(WarehouseError, match="is being built by process"):
        build_directly(settings)


def test_a_missing_source_is_wrong_usage_and_a_foreign_file_is_no_warehouse(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        build_directly(make_settings(tmp_path, sources=(str(tmp_path / "nowhere"),)))
    foreign = tmp_path / "foreign.duckdb"
    duckdb.connect(str(foreign)).close()
    with pytest.raises(WarehouseError, match="is not an On Record warehouse"):
        build_directly(make_settings(tmp_path, warehouse=foreign))


def test_files_that_are_too_young_are_counted(settings: Settings, tmp_path: Path) -> None:
    report: BuildReport = build_directly(make_settings(tmp_path, min_age_seconds=3_600))
    assert (report.status, report.counts["waiting"], report.counts["found"]) == ("unchanged", 2, 0)


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from flows import build_warehouse as flow_module
from tests.flows.test_build_warehouse import make_settings

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

flow_module.publish_warehouse = SimpleNamespace(fn=die)  # the facts are loaded, and nothing is published yet
flow_module.build_directly(make_settings(Path(sys.argv[1])))
"""


def test_a_build_that_is_killed_leaves_the_old_release_and_the_next_one_completes(settings: Settings) -> None:
    build_directly(settings)
    [before] = list_releases(settings.warehouse)
    inbox = Path(settings.sources[0])
    inbox.joinpath("late.txt").write_text(BRIDGE.replace("bridge", "tunnel"), encoding="utf-8")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BUILD, str(inbox.parent)], cwd=ROOT, timeout=180, stderr=subprocess.DEVNULL
    )
    assert killed.returncode == -signal.SIGKILL
    assert list_releases(settings.warehouse) == [before] and settings.staging.exists()
    reader = connect_read_only(settings.warehouse)
    assert build_directly(settings).status == "published"
    assert reader.execute("select count(*) from fact_articles").fetchall() == [(2,)]
    reader.close()
    assert ask(settings, "select count(*) from fact_articles") == [(3,)]
    runs = read_ledger(ledger_path(settings.warehouse), "select status from pipeline_runs order by started_at")
    assert runs["status"].to_list() == ["published", "failed", "published"]
    assert not settings.staging.exists()
