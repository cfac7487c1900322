"""The ledger: what must survive a run that publishes nothing, in a DuckDB file of its own beside the warehouse.

Every function opens the file, does one short transaction and closes it, and waits when another process has it open.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from warehouse.connection import WarehouseError, is_locked, open_database
from warehouse.ddl import merge_rows, read_matching, transaction
from warehouse.migrations import LEDGER, create_database, migrate_database, read_schema_version
from warehouse.tables import PIPELINE_RUNS, SCHEMA_VERSION, SOURCE_SIGHTINGS, Table, tables_of

LedgerRows = Iterable[tuple[str, pl.DataFrame]]
"""Rows for the ledger: the name of their table, and a frame; a table may come several times."""
FIRST_SEEN = {
    "first_seen_at": "case when old.raw_sha256 = new.raw_sha256 then least(old.first_seen_at, new.first_seen_at)"
    " else new.first_seen_at end",
    "last_seen_at": "greatest(old.last_seen_at, new.last_seen_at)",
}
"""How a sighting is merged: the first time that these bytes were seen stays, the last time never goes back."""


def ledger_path(warehouse: Path) -> Path:
    """Return the ledger file of `warehouse`."""
    return warehouse.with_name(f"{warehouse.name}.ledger.duckdb")


def record_rows(ledger: Path, table: Table, frame: pl.DataFrame, *, wait_seconds: float = 30.0) -> int:
    """Merge `frame` into one ledger table by its key; return the number of rows that are new or changed."""
    return record_tables(ledger, [(table.name, frame)], wait_seconds=wait_seconds)


def record_tables(ledger: Path, frames: LedgerRows, *, wait_seconds: float = 30.0) -> int:
    """Merge frames into the ledger tables that they are named after, all or none; return the number of changed rows."""
    tables = {table.name: table for table in tables_of("ledger")}
    with write_ledger(ledger, wait_seconds=wait_seconds) as con:
        return sum(merge_ledger_rows(con, tables[name], frame) for name, frame in frames)


def merge_ledger_rows(con: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame) -> int:
    """Merge `frame` into a ledger table of `con` (the ledger, or a release's copy of it)."""
    return merge_rows(con, table, frame, updates=FIRST_SEEN if table == SOURCE_SIGHTINGS else None)


def read_ledger(
    ledger: Path, sql: str, parameters: list[Any] | None = None, *, wait_seconds: float = 30.0
) -> pl.DataFrame:
    """Return what `sql` finds in the ledger; before the first run its tables are there and empty.

    Raises `WarehouseError` when another process keeps the ledger for longer than `wait_seconds`.
    """
    with _open_reader(ledger, wait_seconds) as con:
        return con.sql(sql, params=parameters).pl()


def read_known_sightings(ledger: Path, sightings: pl.DataFrame, *, wait_seconds: float = 30.0) -> pl.DataFrame:
    """Return what the ledger knows of these documents in these places (`document_id`, `source_uri`): SOURCE_SIGHTINGS."""
    with _open_reader(ledger, wait_seconds) as con:
        return read_matching(con, SOURCE_SIGHTINGS, sightings.select("document_id", "source_uri"))


def iterate_ledger(
    ledger: Path, sql: str, parameters: list[Any] | None = None, *, rows: int = 50_000, wait_seconds: float = 30.0
) -> Iterator[pl.DataFrame]:
    """Yield what `sql` finds in the ledger, all of one moment, in frames of at most about so many rows.

    The ledger is open while the frames are taken. Raises as `read_ledger` does.
    """
    with _open_reader(ledger, wait_seconds) as con:
        yield from _iterate_rows(con, sql, parameters, rows=rows)


def _iterate_rows(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | None = None, *, rows: int = 50_000
) -> Iterator[pl.DataFrame]:
    for batch in con.execute(sql, parameters).to_arrow_reader(rows):
        yield pl.DataFrame(pl.from_arrow(batch))


@dataclass(frozen=True)
class LedgerTables:
    """All tables of a ledger, as (name, frame of some of its rows in the order of the key), read anew whenever it is iterated."""

    ledger: Path

    def __iter__(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the tables one after the other, all of one moment; the ledger is open while they are taken."""
        with _open_reader(self.ledger, wait_seconds=30.0) as con:
            for table in tables_of("ledger"):
                for rows in _iterate_rows(con, f"from {table.name} order by {', '.join(table.key)}"):
                    yield table.name, rows


def start_run(
    ledger: Path,
    *,
    run_id: str,
    flow_name: str,
    started_at: datetime,
    sources: list[str],
    batch_size: int,
    rules_version: str,
) -> None:
    """Record a run as running. Call it with the warehouse locked, after `recover_runs`."""
    row = {
        "run_id": run_id,
        "flow_name": flow_name,
        "started_at": started_at,
        "status": "running",
        "sources": sources,
        "batch_size": batch_size,
        "rules_version": rules_version,
    }
    record_rows(ledger, PIPELINE_RUNS, pl.DataFrame([row], schema=PIPELINE_RUNS.schema))


def finish_run(ledger: Path, run_id: str, *, status: str, finished_at: datetime, **columns: Any) -> None:
    """Record how a run ended, with any other columns of `pipeline_runs` (counts, release_id, detail).

    Raises `WarehouseError` when the ledger has no such run.
    """
    run = read_ledger(ledger, "select * from pipeline_runs where run_id = ?", [run_id])
    if run.is_empty():
        raise WarehouseError(f"{ledger} has no run {run_id}")
    record_rows(ledger, PIPELINE_RUNS, finish_run_row(run, status=status, finished_at=finished_at, **columns))


def finish_run_row(run: pl.DataFrame, *, status: str, finished_at: datetime, **columns: Any) -> pl.DataFrame:
    """Return the row of `pipeline_runs` with its end filled in; raises `ValueError` for an undeclared status."""
    if status not in PIPELINE_RUNS.column("status").values:
        raise ValueError(f"{status} is not a status of a run")
    values = {"status": status, "finished_at": finished_at, **columns}
    return run.with_columns(
        pl.lit(value, dtype=PIPELINE_RUNS.schema[name]).alias(name) for name, value in values.items()
    ).select(PIPELINE_RUNS.column_names)


def recover_runs(ledger: Path, release: duckdb.DuckDBPyConnection | None, now: datetime) -> pl.DataFrame:
    """Close the runs that a killed process left running, and return them as they are now.

    A run that was killed after it published has its end and its sightings in `release`, the current release (null when
    there is none): they are copied from there. Any other is closed as failed. Call it with the warehouse locked.
    """
    open_runs = read_ledger(ledger, "select * from pipeline_runs where status = 'running' order by run_id")
    if open_runs.is_empty():
        return open_runs
    run_ids = open_runs["run_id"].to_list()
    published = (
        {}
        if release is None
        else {
            table.name: release.sql(f"from {table.name} where list_contains(?, run_id)", params=[run_ids]).pl()
            for table in tables_of("ledger")
        }
    )
    ended = published.get(PIPELINE_RUNS.name, open_runs.clear())
    failed = finish_run_row(
        open_runs.join(ended, on="run_id", how="anti"),
        status="failed",
        finished_at=now,
        detail="the process was killed before the run ended",
    )
    runs = pl.concat([ended, failed]).sort("run_id")
    record_tables(ledger, {**published, PIPELINE_RUNS.name: runs}.items())
    return runs


@contextmanager
def write_ledger(ledger: Path, *, wait_seconds: float = 30.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the ledger (made when absent) for one transaction: committed at the end, rolled back after an error.

    Raises `WarehouseError` when another process keeps it for longer than `wait_seconds`.
    """
    if not ledger.exists():
        _create_ledger(ledger)
    con = _open_waiting(ledger, read_only=False, wait_seconds=wait_seconds)
    try:
        migrate_database(con, ledger, LEDGER, datetime.now(UTC))
        with transaction(con):
            yield con
    finally:
        con.close()


@contextmanager
def _open_reader(ledger: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    if ledger.exists():
        con = _open_waiting(ledger, read_only=True, wait_seconds=wait_seconds)
    else:
        con = open_database(":memory:", read_only=False)
        create_database(con, LEDGER, datetime.now(UTC))
    try:
        is_older = read_schema_version(con, ledger, LEDGER) < SCHEMA_VERSION
        if not is_older:
            yield con
    finally:
        con.close()
    if is_older:
        with write_ledger(ledger, wait_seconds=wait_seconds):
            pass
        with _open_reader(ledger, wait_seconds) as con:
            yield con


def _create_ledger(ledger: Path) -> None:
    """Make an empty ledger under a private name and link it into place, so that nobody meets half of one."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    private = ledger.with_name(f".{ledger.name}.{os.getpid()}-{threading.get_ident()}")
    private.unlink(missing_ok=True)
    try:
        with open_database(private, read_only=False) as con:
            create_database(con, LEDGER, datetime.now(UTC))
        with contextlib.suppress(FileExistsError):  # another process made it first, and both are empty
            os.link(private, ledger)
    finally:
        private.unlink(missing_ok=True)


def _open_waiting(ledger: Path, *, read_only: bool, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return open_database(ledger, read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            if not is_locked(error):
                raise
            if time.monotonic() >= deadline:
                holder = str(error).splitlines()[0]
                raise WarehouseError(f"{ledger} was busy for {wait_seconds:.0f} s: {holder}") from error
            time.sleep(0.05)
