"""The ledger: short transactions that survive a killed run and wait for each other."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.builders import build_table, rows
from warehouse.connection import WarehouseError, connect_private
from warehouse.ddl import create_schema, merge_rows
from warehouse.ledger import (
    LedgerTables,
    finish_run,
    finish_run_row,
    iterate_ledger,
    ledger_path,
    read_ledger,
    record_rows,
    record_tables,
    recover_runs,
    start_run,
    write_ledger,
)
from warehouse.migrations import WAREHOUSE, create_database
from warehouse.tables import (
    PIPELINE_RUNS,
    QUARANTINED_ROWS,
    REJECTED_DOCUMENTS,
    SCHEMA_VERSION,
    SOURCE_SIGHTINGS,
    tables_of,
)

EIGHT = datetime(2024, 5, 14, 8, tzinfo=UTC)
NINE = datetime(2024, 5, 14, 9, tzinfo=UTC)
TEN = datetime(2024, 5, 14, 10, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return ledger_path(tmp_path / "news.duckdb")


def start(ledger: Path, run_id: str) -> None:
    start_run(
        ledger, run_id=run_id, flow_name="build", started_at=EIGHT, sources=["inbox"], batch_size=100, rules_version="1"
    )


def sighting(**columns: object) -> pl.DataFrame:
    row = {"source_uri": "a.txt", "document_id": "document-1", "raw_sha256": "1", "outcome": "loaded", **columns}
    return build_table(SOURCE_SIGHTINGS, row)


@contextmanager
def hold_in_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Keep the database open for writing in another process until its standard input is closed."""
    code = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        yield holder


def test_before_the_first_run_the_tables_are_there_and_empty_and_no_file_is_made(ledger: Path) -> None:
    assert read_ledger(ledger, "from rejected_documents").schema == pl.Schema(REJECTED_DOCUMENTS.schema)
    assert list(LedgerTables(ledger)) == []
    assert not ledger.exists()


def test_rows_are_recorded_once_and_read_back_as_declared(ledger: Path) -> None:
    rejected = build_table(REJECTED_DOCUMENTS, {"source_uri": "a.txt"}, {"source_uri": "b.txt"})
    assert record_rows(ledger, REJECTED_DOCUMENTS, rejected) == 2
    assert record_rows(ledger, REJECTED_DOCUMENTS, rejected) == 0
    [(name, frame)] = LedgerTables(ledger)
    assert name == "rejected_documents" and frame.cast(REJECTED_DOCUMENTS.schema).equals(rejected)
    parts = [
        part["source_uri"].to_list() for part in iterate_ledger(ledger, "from rejected_documents order by all", rows=1)
    ]
    assert parts == [["a.txt"], ["b.txt"]]
    assert [path.name for path in ledger.parent.iterdir()] == ["news.duckdb.ledger.duckdb"]


def test_tables_are_recorded_all_or_none(ledger: Path) -> None:
    frames = {
        "rejected_documents": build_table(REJECTED_DOCUMENTS, {}),
        "quarantined_rows": build_table(QUARANTINED_ROWS, {}).with_columns(row_json=pl.lit(None, pl.String)),
    }
    with pytest.raises(duckdb.ConstraintException):
        record_tables(ledger, frames.items())
    assert read_ledger(ledger, "from rejected_documents").is_empty()


def test_the_first_sighting_of_the_same_bytes_stays_and_the_last_is_raised(ledger: Path) -> None:
    record_rows(ledger, SOURCE_SIGHTINGS, sighting(first_seen_at=NINE, last_seen_at=NINE))
    record_rows(ledger, SOURCE_SIGHTINGS, sighting(first_seen_at=TEN, last_seen_at=TEN))
    times = "select raw_sha256, first_seen_at, last_seen_at from source_sightings"
    assert rows(read_ledger(ledger, times)) == [("1", NINE, TEN)]
    record_rows(ledger, SOURCE_SIGHTINGS, sighting(raw_sha256="2", first_seen_at=TEN, last_seen_at=TEN))
    assert rows(read_ledger(ledger, times)) == [("2", TEN, TEN)]


def test_a_run_is_recorded_from_start_to_end(ledger: Path) -> None:
    start(ledger, "run-1")
    query = "select run_id, status, sources, batch_size, finished_at, article_count from pipeline_runs"
    assert rows(read_ledger(ledger, query)) == [("run-1", "running", ["inbox"], 100, None, None)]
    finish_run(ledger, "run-1", status="published", finished_at=NINE, article_count=5)
    assert rows(read_ledger(ledger, query)) == [("run-1", "published", ["inbox"], 100, NINE, 5)]


def test_a_run_that_never_started_cannot_end_nor_end_in_a_word_that_is_not_declared(ledger: Path) -> None:
    with pytest.raises(WarehouseError, match="has no run run-1"):
        finish_run(ledger, "run-1", status="failed", finished_at=NINE)
    with pytest.raises(ValueError, match="exploded is not a status"):
        finish_run_row(build_table(PIPELINE_RUNS, {}), status="exploded", finished_at=NINE)


def test_a_run_that_was_killed_is_closed_as_failed(ledger: Path) -> None:
    start(ledger, "run-1")
    start(ledger, "run-2")
    finish_run(ledger, "run-1", status="unchanged", finished_at=EIGHT)
    assert rows(recover_runs(ledger, None, NINE), "run_id", "status") == [("run-2", "failed")]
    query = "select run_id, status, finished_at, detail from pipeline_runs order by run_id"
    assert rows(read_ledger(ledger, query)) == [
        ("run-1", "unchanged", EIGHT, None),
        ("run-2", "failed", NINE, "the process was killed before the run ended"),
    ]
    assert recover_runs(ledger, None, TEN).is_empty()


def test_a_run_that_was_killed_after_it_published_is_completed_from_its_release(ledger: Path) -> None:
    start(ledger, "run-1")
    start(ledger, "run-2")
    with connect_private(Path(":memory:")) as release:
        create_schema(release, tables_of("ledger"))
        ended = finish_run_row(
            read_ledger(ledger, "from pipeline_runs where run_id = 'run-1'"),
            status="published", finished_at=NINE, release_id="20240514T090000Z-00000000",
        )  # fmt: skip
        merge_rows(release, PIPELINE_RUNS, ended)
        merge_rows(release, SOURCE_SIGHTINGS, sighting(run_id="run-1"))
        recover_runs(ledger, release, TEN)
    assert rows(read_ledger(ledger, "select run_id, status, finished_at from pipeline_runs order by 1")) == [
        ("run-1", "published", NINE),
        ("run-2", "failed", TEN),
    ]
    assert rows(read_ledger(ledger, "select source_uri, run_id from source_sightings")) == [("a.txt", "run-1")]


def test_a_reader_and_a_writer_wait_until_another_process_is_done(ledger: Path) -> None:
    start(ledger, "run-1")
    with hold_in_another_process(ledger) as holder:
        assert holder.stdin is not None
        timer = threading.Timer(0.5, holder.stdin.close)
        timer.start()
        assert read_ledger(ledger, "select run_id from pipeline_runs", wait_seconds=30).height == 1
        timer.join()
    with hold_in_another_process(ledger) as holder:
        assert holder.stdin is not None
        timer = threading.Timer(0.5, holder.stdin.close)
        timer.start()
        finish_run(ledger, "run-1", status="failed", finished_at=NINE)
        timer.join()
    assert rows(read_ledger(ledger, "select status from pipeline_runs")) == [("failed",)]


def test_waiting_ends_with_an_error_that_names_the_process(ledger: Path) -> None:
    start(ledger, "run-1")
    with hold_in_another_process(ledger) as holder:
        with pytest.raises(WarehouseError, match=rf"ledger\.duckdb was busy for 0 s: .+\(PID {holder.pid}\)"):
            read_ledger(ledger, "from pipeline_runs", wait_seconds=0.2)
        assert holder.stdin is not None
        holder.stdin.close()


def test_threads_of_one_process_read_and_write_at_once(ledger: Path) -> None:
    start(ledger, "run-0")
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            start(ledger, f"run-{number}")
            read_ledger(ledger, "from pipeline_runs")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert read_ledger(ledger, "from pipeline_runs").height == 7


KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from tests.builders import build_table
from warehouse.ddl import merge_rows
from warehouse.ledger import write_ledger
from warehouse.tables import REJECTED_DOCUMENTS

with write_ledger(Path(sys.argv[1])) as con:
    merge_rows(con, REJECTED_DOCUMENTS, build_table(REJECTED_DOCUMENTS, {}))
    if sys.argv[2] == "after":
        con.commit()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "count"), [("before", 0), ("after", 1)])
def test_a_writer_killed_before_or_after_its_commit_leaves_a_ledger_that_works(
    ledger: Path, moment: str, count: int
) -> None:
    start(ledger, "run-1")
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(ledger), moment], cwd=root, check=False)
    assert killed.returncode == -9
    assert read_ledger(ledger, "from rejected_documents").height == count
    assert rows(recover_runs(ledger, None, NINE), "status") == [("failed",)]


def test_a_ledger_that_is_not_ours_or_newer_is_refused(ledger: Path) -> None:
    with connect_private(ledger) as con:
        create_database(con, WAREHOUSE, EIGHT)
        con.execute("drop table pipeline_runs")
    with pytest.raises(WarehouseError, match="is not an On Record ledger"):
        start(ledger, "run-1")
    ledger.unlink()
    start(ledger, "run-1")
    with write_ledger(ledger) as con:
        con.execute("insert into schema_migrations values (?, ?)", [SCHEMA_VERSION + 1, NINE])
    with pytest.raises(WarehouseError, match="newer On Record"):
        read_ledger(ledger, "from pipeline_runs")
