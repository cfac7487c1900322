"""Rows that wait on the disk: they come back as they were, in their order and in parts."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from warehouse.spool import Spool

SCHEMA = {"name": pl.String, "size": pl.UInt64, "seen_at": pl.Datetime("us", "UTC"), "authors": pl.List(pl.String)}
ROWS = [
    ("b", 2, datetime(2024, 5, 1, tzinfo=UTC), ["x", "y"]),
    ("a", None, None, []),
    (None, 2**63, datetime(2024, 5, 2, tzinfo=UTC), None),
]


@pytest.fixture(params=["memory", "disk"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    return Spool({"rows": SCHEMA}, tmp_path / "deep" / "spool.duckdb" if request.param == "disk" else None)


def test_rows_come_back_as_they_were_added_and_in_their_order(spool: Spool) -> None:
    frame = pl.DataFrame(ROWS, schema=SCHEMA, orient="row")
    spool.add("rows", frame.head(1))
    spool.add("rows", frame.tail(2).select(reversed(frame.columns)))
    spool.add("rows", frame.clear())
    assert spool.read("rows").equals(frame)
    assert spool.count("rows") == 3


def test_rows_come_in_parts_without_those_that_were_removed(spool: Spool) -> None:
    spool.add("rows", pl.DataFrame(ROWS, schema=SCHEMA, orient="row"))
    spool.con.execute("delete from rows where name = 'a'")
    parts = [part["name"].to_list() for part in spool.iterate("rows", rows=1)]
    assert parts == [["b"], [None]]
    spool.clear("rows")
    assert list(spool.iterate("rows")) == []


def test_a_list_has_the_columns_that_it_was_declared_with(spool: Spool) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="size"):
        spool.add("rows", pl.DataFrame({"name": ["a"]}))
