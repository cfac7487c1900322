"""Rows that wait on the disk while a run is under way: what a run keeps in memory does not grow with what it reads."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import polars as pl

from warehouse.connection import connect_private
from warehouse.ddl import duckdb_type, quote_name
from warehouse.tables import Dtype

ROWS_AT_ONCE = 50_000
"""Rows of one frame that is read back: some tens of megabytes of the widest rows."""


class Spool:
    """Named lists of rows in a private DuckDB file, in the order in which they were added; in memory without a path.

    Lists are declared when the spool is made: name -> schema. Any SQL may be asked with `con`; `rowid` tells the order.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Dtype]], path: Path | None = None) -> None:
        """Make empty lists of these schemas."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.con: duckdb.DuckDBPyConnection = connect_private(path or Path(":memory:"), max_memory="200MB")
        self._schemas: dict[str, pl.Schema] = {}
        for name, schema in schemas.items():
            self.declare(name, schema)

    def declare(self, name: str, schema: Mapping[str, Dtype]) -> None:
        """Make one more empty list."""
        self._schemas[name] = pl.Schema(schema)
        columns = ", ".join(f"{quote_name(column)} {duckdb_type(dtype)}" for column, dtype in schema.items())
        self.con.execute(f"create table {quote_name(name)} ({columns})")

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to the end of a list; the columns are taken by name and cast as declared."""
        if frame.is_empty():
            return
        schema = self._schemas[name]
        self.con.register("added_rows", frame.select(schema.names()).cast(schema))
        self.con.execute(f"insert into {quote_name(name)} by name from added_rows")
        self.con.unregister("added_rows")

    def fill(self, name: str, sql: str, *, like: str) -> None:
        """Make one more list, of the columns of another one, with the rows that `sql` finds."""
        self.declare(name, self._schemas[like])
        self.con.execute(f"insert into {quote_name(name)} by name {sql}")

    def count(self, name: str) -> int:
        """Return how many rows a list has."""
        [(count,)] = self.con.execute(f"select count(*) from {quote_name(name)}").fetchall()
        return int(count)

    def read(self, name: str, where: str = "true") -> pl.DataFrame:
        """Return the rows of a list for which a condition holds, in their order."""
        rows = self.con.sql(f"from {quote_name(name)} where {where} order by rowid").pl()
        return rows.cast(self._schemas[name])

    def iterate(self, name: str, *, rows: int = ROWS_AT_ONCE) -> Iterator[pl.DataFrame]:
        """Yield a list in frames of at most so many rows; rows that are added meanwhile are not met, none may be removed."""
        [(last,)] = self.con.execute(f"select max(rowid) from {quote_name(name)}").fetchall()
        for start in range(0, 0 if last is None else last + 1, rows):
            part = self.read(name, f"rowid between {start} and {min(start + rows - 1, last)}")
            if not part.is_empty():
                yield part

    def clear(self, name: str) -> None:
        """Remove all rows of a list."""
        self.con.execute(f"delete from {quote_name(name)}")

    def close(self) -> None:
        """Close the file; it stays where it is."""
        self.con.close()
