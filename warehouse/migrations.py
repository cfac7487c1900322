"""The version of the declarations that a database file was made with, and the way from an older one to this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.ddl import create_schema, transaction
from warehouse.errors import WarehouseError
from warehouse.tables import SCHEMA_MIGRATIONS, SCHEMA_VERSION, TABLES, Table, tables_of


@dataclass(frozen=True)
class Database:
    """A kind of database file: what to call it, the tables it must have, and the table that tells it from others.

    `migrations` maps a version to the statements that bring a file of the version before to it. New tables and comments
    need none: they are created from the declarations after the last migration.
    """

    name: str
    tables: tuple[Table, ...]
    landmark: str
    migrations: Mapping[int, Sequence[str]] = field(default_factory=dict)


_WAREHOUSE_MIGRATIONS = {
    2: (
        "alter table fact_articles add column relabels_version varchar",
        "alter table article_versions add column relabels_version varchar",
        "alter table dim_entities add column alias_article_counts uinteger[]",  # filled by the next build, which links anew
        "alter table dim_entities add column external_id varchar",
        "alter table dim_entities add column external_scheme varchar",
        "alter table releases add column corrections_version varchar",
        "alter table releases add column lines_version varchar",
    ),
    3: tuple(
        f"alter table {table} add column {column}"
        for table in ("fact_quotes", "fact_statements")
        for column in (
            "said_on date",
            "said_until date",
            "said_on_precision varchar",
            "said_on_reference varchar",
            "said_on_text varchar",
            "said_on_start_char uinteger",
            "said_on_end_char uinteger",
            "said_place_text varchar",
            "said_place_start_char uinteger",
            "said_place_end_char uinteger",
            "said_place_document_entity_id varchar",
            "said_place_entity_id varchar",
            "said_to_text varchar",
            "said_to_start_char uinteger",
            "said_to_end_char uinteger",
        )
    ),
    4: (
        "alter table source_documents add column media_type varchar",
        "alter table source_documents add column http_headers varchar",
        "alter table releases add column link_version varchar",
        "alter table releases add column stories_version varchar",
        "alter table releases add column publish_version varchar",
    ),
}
WAREHOUSE = Database("warehouse", TABLES, "fact_articles", _WAREHOUSE_MIGRATIONS)
LEDGER = Database("ledger", (SCHEMA_MIGRATIONS, *tables_of("ledger")), "pipeline_runs")


def read_schema_version(con: duckdb.DuckDBPyConnection, path: Path, database: Database) -> int:
    """Return the version of the declarations that the file open in `con` was last written with.

    Raises `WarehouseError`, which names `path`, when the file is not such a database or newer than this software.
    """
    known = con.execute(
        "select count(*) from duckdb_tables() where not internal and table_name in (?, ?)",
        [database.landmark, SCHEMA_MIGRATIONS.name],
    ).fetchall()
    [(version,)] = (
        con.execute(f"select max(schema_version) from {SCHEMA_MIGRATIONS.name}").fetchall()
        if known == [(2,)]
        else [(None,)]
    )
    if version is None:
        raise WarehouseError(f"{path} is not an On Record {database.name}")
    if version > SCHEMA_VERSION:
        raise WarehouseError(
            f"{path} was written by a newer On Record (schema {version}; this one knows {SCHEMA_VERSION})"
        )
    return int(version)


def create_database(con: duckdb.DuckDBPyConnection, database: Database, now: datetime) -> None:
    """Create all tables of `database` in an empty file."""
    with transaction(con):
        create_schema(con, database.tables)
        _record_version(con, SCHEMA_VERSION, now)


def migrate_database(con: duckdb.DuckDBPyConnection, path: Path, database: Database, now: datetime) -> None:
    """Bring the file open in `con` to this software's declarations; raises as `read_schema_version` does."""
    version = read_schema_version(con, path, database)
    if version == SCHEMA_VERSION:
        return
    with transaction(con):
        for step in range(version + 1, SCHEMA_VERSION + 1):
            for statement in database.migrations.get(step, ()):
                con.execute(statement)
            _record_version(con, step, now)
        create_schema(con, database.tables)


def _record_version(con: duckdb.DuckDBPyConnection, version: int, now: datetime) -> None:
    con.execute(f"insert into {SCHEMA_MIGRATIONS.name} values (?, ?)", [version, now])
