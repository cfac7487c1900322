"""A file of an older version is brought to this one as a whole, or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse import migrations
from warehouse.connection import WarehouseError, connect_private
from warehouse.migrations import WAREHOUSE, Database, create_database, migrate_database, read_schema_version
from warehouse.tables import OCCASION_COLUMNS, SCHEMA_VERSION, TABLES
from warehouse.views import list_columns

PATH = Path("news.duckdb")
CREATED = datetime(2024, 5, 14, tzinfo=UTC)
LATER = datetime(2024, 6, 1, tzinfo=UTC)


def upgrade(monkeypatch: pytest.MonkeyPatch, *statements: str) -> Database:
    """Pretend that this software is one version further, with these statements to get there."""
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    return Database("warehouse", TABLES, "fact_articles", {SCHEMA_VERSION + 1: statements})


def test_a_new_file_has_every_table_and_its_version() -> None:
    with connect_private(Path(":memory:")) as con:
        create_database(con, WAREHOUSE, CREATED)
        names = con.execute("select table_name from duckdb_tables() order by 1").fetchall()
        assert names == sorted((table.name,) for table in TABLES)
        assert con.execute("from schema_migrations").fetchall() == [(SCHEMA_VERSION, CREATED)]


def test_a_file_of_this_version_is_left_as_it_is() -> None:
    with connect_private(Path(":memory:")) as con:
        create_database(con, WAREHOUSE, CREATED)
        migrate_database(con, PATH, WAREHOUSE, LATER)
        assert con.execute("from schema_migrations").fetchall() == [(SCHEMA_VERSION, CREATED)]


def test_an_older_file_is_migrated_and_gets_the_tables_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with connect_private(Path(":memory:")) as con:
        create_database(con, WAREHOUSE, CREATED)
        con.execute("drop table dim_outlets")
        database = upgrade(monkeypatch, "alter table releases add column note varchar")
        migrate_database(con, PATH, database, LATER)
        assert con.execute("from schema_migrations order by 1").fetchall() == [
            (SCHEMA_VERSION, CREATED),
            (SCHEMA_VERSION + 1, LATER),
        ]
        assert con.execute("select note from releases").fetchall() == []
        assert con.execute("from dim_outlets").fetchall() == []
        assert read_schema_version(con, PATH, WAREHOUSE) == SCHEMA_VERSION + 1


def test_a_migration_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with connect_private(Path(":memory:")) as con:
        create_database(con, WAREHOUSE, CREATED)
        database = upgrade(monkeypatch, "alter table releases add column note varchar", "select no_such_column")
        with pytest.raises(duckdb.BinderException):
            migrate_database(con, PATH, database, LATER)
        assert con.execute("from schema_migrations").fetchall() == [(SCHEMA_VERSION, CREATED)]
        with pytest.raises(duckdb.BinderException, match="note"):
            con.execute("select note from releases")


def test_a_warehouse_of_version_1_gets_all_that_is_declared_since() -> None:
    added = {"fact_articles": ["relabels_version"], "article_versions": ["relabels_version"],
             "dim_entities": ["alias_article_counts", "external_id", "external_scheme"], "releases": ["corrections_version", "lines_version", "link_version", "stories_version", "publish_version"],
             "source_documents": ["media_type", "http_headers"],
             "fact_quotes": OCCASION_COLUMNS, "fact_statements": OCCASION_COLUMNS}  # fmt: skip
    with connect_private(Path(":memory:")) as con:
        create_database(con, WAREHOUSE, CREATED)
        for table, columns in added.items():
            for column in columns:
                con.execute(f"alter table {table} drop column {column}")
        con.execute("drop table corrections")
        con.execute("drop table outlet_lines")
        con.execute("drop table dim_stories")
        con.execute("update schema_migrations set schema_version = 1")
        migrate_database(con, PATH, WAREHOUSE, LATER)
        for table in TABLES:
            assert set(list_columns(con, table.name)) == set(table.column_names), table.name


def test_an_empty_database_is_not_ours() -> None:
    with connect_private(Path(":memory:")) as con, pytest.raises(WarehouseError, match="not an On Record warehouse"):
        migrate_database(con, PATH, WAREHOUSE, LATER)
