"""Declarations -> DuckDB tables, and rows merged into them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from tests.builders import build_table
from warehouse.ddl import create_schema, create_table_sql, duckdb_type, merge_rows, transaction
from warehouse.tables import TABLES, UTC_TIMESTAMP, Column, Table

PLAYS = Table(
    name="plays",
    grain="one play, it's said",
    key=("play_id",),
    columns=(
        Column("play_id", pl.String, "Its id."),
        Column("acts", pl.List(pl.Struct({"no": pl.UInt16, "scene": pl.String})), "Its acts."),
        Column("shown_at", UTC_TIMESTAMP, "When it was shown.", nullable=True),
        Column("run_id", pl.String, "Who wrote the row."),
    ),
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        con.execute("set timezone = 'UTC'")
        create_schema(con, [PLAYS])
        yield con


def play(play_id: str, act_count: int = 1, run_id: str = "run-1") -> dict[str, object]:
    acts = [{"no": number, "scene": "a wood"} for number in range(act_count)]
    return {"play_id": play_id, "acts": acts, "shown_at": datetime(2024, 5, 14, 19, 30, tzinfo=UTC), "run_id": run_id}


def merge(con: duckdb.DuckDBPyConnection, *plays: dict[str, object], **options: object) -> int:
    return merge_rows(con, PLAYS, pl.DataFrame(list(plays), schema=PLAYS.schema), **options)  # type: ignore[arg-type]


def read_plays(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str]]:
    return con.execute("select play_id, len(acts)::int, run_id from plays order by play_id").fetchall()


def test_a_table_has_its_columns_in_order_and_only_nullable_ones_admit_null() -> None:
    assert create_table_sql(PLAYS) == (
        'create table if not exists "plays" (\n'
        '    "play_id" varchar not null,\n'
        '    "acts" struct("no" usmallint, "scene" varchar)[] not null,\n'
        '    "shown_at" timestamptz,\n'
        '    "run_id" varchar not null\n)'
    )


def test_the_comments_are_the_grain_and_the_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("select comment from duckdb_tables()").fetchall() == [("one play, it's said",)]
    comments = con.execute("select column_name, comment from duckdb_columns() where table_name = 'plays'").fetchall()
    assert comments[:2] == [("play_id", "Its id."), ("acts", "Its acts.")]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_declared_table_gives_back_the_rows_and_types_it_was_given(table: Table) -> None:
    frame = build_table(table, {}, {})
    with duckdb.connect(":memory:") as con:
        con.execute("set timezone = 'UTC'")
        create_schema(con, [table])
        assert merge_rows(con, table, frame) == 2
        stored = con.sql(f"select * from {table.name} order by rowid").pl()
    assert stored.schema == frame.schema
    assert stored.equals(frame)


def test_a_type_that_no_table_may_use_is_refused() -> None:
    with pytest.raises(TypeError, match="Duration"):
        duckdb_type(pl.Duration("us"))
    assert duckdb_type(pl.List(pl.List(pl.Date))) == "date[][]"


def test_merging_the_same_rows_again_changes_none(con: duckdb.DuckDBPyConnection) -> None:
    assert merge(con, play("a"), play("b")) == 2
    assert merge(con, play("b"), play("a")) == 0
    assert read_plays(con) == [("a", 1, "run-1"), ("b", 1, "run-1")]


def test_merging_updates_a_row_that_differs_also_inside_a_list(con: duckdb.DuckDBPyConnection) -> None:
    merge(con, play("a"), play("b"))
    assert merge(con, play("a", act_count=5), play("c")) == 2
    assert read_plays(con) == [("a", 5, "run-1"), ("b", 1, "run-1"), ("c", 1, "run-1")]


def test_a_column_that_is_not_compared_is_written_with_other_changes_only(con: duckdb.DuckDBPyConnection) -> None:
    merge(con, play("a"), play("b"))
    assert merge(con, play("a", run_id="run-2"), play("b", 3, run_id="run-2"), not_compared=["run_id"]) == 1
    assert read_plays(con) == [("a", 1, "run-1"), ("b", 3, "run-2")]


def test_a_stored_row_without_a_new_state_is_deleted_where_it_is_asked(con: duckdb.DuckDBPyConnection) -> None:
    merge(con, play("a"), play("b"), play("c"))
    assert merge(con, play("a"), delete_where="old.play_id <> 'c'") == 1
    assert read_plays(con) == [("a", 1, "run-1"), ("c", 1, "run-1")]


def test_a_column_can_be_updated_by_a_rule(con: duckdb.DuckDBPyConnection) -> None:
    merge(con, play("a", run_id="run-1"))
    merge(con, play("a", 2, run_id="run-2"), updates={"run_id": "concat(old.run_id, '+', new.run_id)"})
    assert read_plays(con) == [("a", 2, "run-1+run-2")]


def test_a_null_in_a_column_that_must_be_filled_is_refused_and_nothing_is_written(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        merge(con, play("a"), {**play("b"), "run_id": None})
    assert read_plays(con) == []


def test_a_transaction_that_raises_writes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ZeroDivisionError), transaction(con):
        merge(con, play("a"))
        raise ZeroDivisionError
    assert read_plays(con) == []


def test_dates_and_times_come_back_in_utc(con: duckdb.DuckDBPyConnection) -> None:
    merge(con, play("a"))
    assert con.sql("select shown_at, shown_at::date as shown_on from plays").pl().row(0) == (
        datetime(2024, 5, 14, 19, 30, tzinfo=UTC),
        date(2024, 5, 14),
    )
