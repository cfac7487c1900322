"""Opening a warehouse: what works, and the one clear line where it does not."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.releasing import publish_articles
from warehouse.connection import WarehouseError, connect_private, connect_read_only
from warehouse.migrations import WAREHOUSE, create_database
from warehouse.tables import SCHEMA_VERSION


def test_a_warehouse_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"news\.duckdb does not exist: build it first$"):
        connect_read_only(tmp_path / "news.duckdb")


def test_a_file_that_is_no_database_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "news.duckdb"
    path.write_text("The mayor spoke.\n" * 1000)
    with pytest.raises(WarehouseError, match=r"news\.duckdb is not an On Record warehouse \(") as caught:
        connect_read_only(path)
    assert "\n" not in str(caught.value)


def test_another_database_is_not_ours_and_can_be_opened_again_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "news.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table fact_articles (article_id varchar)")
    with pytest.raises(WarehouseError, match=r"is not an On Record warehouse$"):
        connect_read_only(path)
    with duckdb.connect(str(path)) as con:
        assert con.execute("select count(*) from fact_articles").fetchall() == [(0,)]


def test_a_warehouse_of_a_newer_software_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.duckdb"
    with connect_private(path) as con:
        create_database(con, WAREHOUSE, datetime(2024, 5, 14, tzinfo=UTC))
        con.execute("insert into schema_migrations values (?, ?)", [SCHEMA_VERSION + 1, datetime.now(UTC)])
    with pytest.raises(WarehouseError, match=f"written by a newer On Record .schema {SCHEMA_VERSION + 1}; "):
        connect_read_only(path)


def test_a_warehouse_is_read_in_utc_and_cannot_be_written(tmp_path: Path) -> None:
    warehouse = tmp_path / "news.duckdb"
    publish_articles(warehouse, "article-1")
    with connect_read_only(warehouse) as con:
        assert con.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("delete from fact_articles")
