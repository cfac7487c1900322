"""The marts: they answer an analyst's questions without a join, one .sql file each in `warehouse/marts/`.

A mart is a view; one whose file says `-- stored: yes` is a table that is built anew at every publish: an aggregate over
the corpus, or rows that an analyst asks for by a name (a speaker, an outlet), which stand scattered over the facts of all
articles and next to each other in the mart. DuckDB then reads only the parts of the file that can hold the name.

A file `int_….sql` is a step to a mart, a temporary table that is gone when the marts are made (an intermediate model, as dbt
names it): a query keeps what its joins and aggregates hold until it ends, so one in two steps needs less memory.
"""

import re
from dataclasses import dataclass
from importlib.resources import files

import duckdb

from warehouse.ddl import quote_name, quote_text
from warehouse.tables import TABLES

_HEADER_LINE = re.compile(r"-- (?P<name>\w+): (?P<text>.+)")


@dataclass(frozen=True)
class Mart:
    """One mart: its name, what one row is, its query, what those of its columns mean that no table describes, and whether it is stored."""

    name: str
    grain: str
    sql: str
    described: dict[str, str]
    is_stored: bool = False

    def describe(self, column: str) -> str:
        """Return what a column means: as the file says, else as the first table with a column of that name does."""
        if column in self.described:
            return self.described[column]
        descriptions = [table.column(column).description for table in TABLES if column in table.column_names]
        if not descriptions:
            raise KeyError(f"{self.name}.sql does not describe its column {column}")
        return descriptions[0]


def parse_mart(name: str, text: str) -> Mart:
    """Read a mart: `-- grain: …`, `-- stored: yes` and `-- column: …` lines, then the query; raises `ValueError` without its grain."""
    lines = text.strip().splitlines()
    query_start = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = (_HEADER_LINE.fullmatch(line) for line in lines[:query_start])
    described = {match["name"]: match["text"] for match in header if match}
    if "grain" not in described:
        raise ValueError(f"{name}.sql does not begin with its grain")
    is_stored = described.pop("stored", "no") == "yes"
    return Mart(name, described.pop("grain"), "\n".join(lines[query_start:]), described, is_stored)


def read_marts(prefix: str = "mart_") -> list[Mart]:
    """Read all marts of this package, by name; with the prefix `int_`, the steps to them."""
    entries = sorted((files("warehouse") / "marts").iterdir(), key=lambda entry: entry.name)
    return [
        parse_mart(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in entries
        if entry.name.startswith(prefix) and entry.name.endswith(".sql")
    ]


def create_marts(con: duckdb.DuckDBPyConnection) -> None:
    """Create the marts of the database with their comments, and drop those that it has from an earlier version."""
    for (name,) in con.execute("select view_name from duckdb_views() where not internal").fetchall():
        con.execute(f"drop view {quote_name(name)}")
    for (name,) in con.execute(
        "select table_name from duckdb_tables() where starts_with(table_name, 'mart_')"
    ).fetchall():
        con.execute(f"drop table {quote_name(name)}")
    steps = read_marts("int_")
    for step in steps:
        con.execute(f"create or replace temp table {quote_name(step.name)} as {step.sql}")
    for mart in read_marts():
        own, kind = quote_name(mart.name), "table" if mart.is_stored else "view"
        con.execute(f"create {kind} {own} as {mart.sql}")
        con.execute(f"comment on {kind} {own} is {quote_text(mart.grain)}")
        for column in list_columns(con, mart.name):
            con.execute(f"comment on column {own}.{quote_name(column)} is {quote_text(mart.describe(column))}")
    for step in steps:
        con.execute(f"drop table {quote_name(step.name)}")


def list_columns(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """Return the columns of a table or view of `con`, in order: name -> DuckDB type."""
    return {row[0]: row[1] for row in con.execute(f"describe {quote_name(name)}").fetchall()}
