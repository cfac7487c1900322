"""Table declarations -> DuckDB tables with comments, and the statements that write to them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import duckdb
import polars as pl

from warehouse.tables import Dtype, Table

_DUCKDB_TYPES: dict[Dtype, str] = {
    pl.String: "varchar", pl.Binary: "blob", pl.Boolean: "boolean", pl.Date: "date",
    pl.Datetime("us", "UTC"): "timestamptz", pl.Float64: "double", pl.Int32: "integer", pl.Int64: "bigint",
    pl.UInt8: "utinyint", pl.UInt16: "usmallint", pl.UInt32: "uinteger", pl.UInt64: "ubigint",
}  # fmt: skip


def duckdb_type(dtype: Dtype) -> str:
    """Return the DuckDB type that holds `dtype` without loss; raises `TypeError` for one that no table may use."""
    if isinstance(dtype, pl.List):
        return f"{duckdb_type(_as_dtype(dtype.inner))}[]"
    if isinstance(dtype, pl.Struct):
        fields = (f"{quote_name(field.name)} {duckdb_type(_as_dtype(field.dtype))}" for field in dtype.fields)
        return f"struct({', '.join(fields)})"
    if dtype not in _DUCKDB_TYPES:
        raise TypeError(f"no DuckDB type is declared for {dtype}")
    return _DUCKDB_TYPES[dtype]


def create_table_sql(table: Table) -> str:
    """Return the `create table` statement of `table`.

    Nulls are checked by the database. Keys and references are not declared: an index on a hashed text key made a merge
    of 10,000 rows into 1,000,000 ten times slower and the file five times larger; nor are closed vocabularies, which
    could not be widened in place. The audit of the staged release checks all three before anything is published.
    """
    columns = ",\n".join(
        f"    {quote_name(column.name)} {duckdb_type(column.dtype)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    )
    return f"create table if not exists {quote_name(table.name)} (\n{columns}\n)"


def comment_table_sql(table: Table) -> list[str]:
    """Return the statements that comment `table` with its grain and every column with its description."""
    name = quote_name(table.name)
    comments = [f"comment on table {name} is {quote_text(table.grain)}"]
    comments += [
        f"comment on column {name}.{quote_name(column.name)} is {quote_text(column.description)}"
        for column in table.columns
    ]
    return comments


def create_schema(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Create those of `tables` that `con` does not have yet, and write the comments of all of them."""
    for table in tables:
        con.execute(create_table_sql(table))
        for statement in comment_table_sql(table):
            con.execute(statement)


def insert_rows(con: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame) -> int:
    """Insert rows whose keys `table` does not hold yet, cast to its declaration; return how many there are."""
    if not frame.is_empty():
        con.register("inserted_rows", frame.select(table.column_names).cast(table.schema))
        try:
            con.execute(f"insert into {quote_name(table.name)} by name from inserted_rows")
        finally:
            con.unregister("inserted_rows")
    return frame.height


def merge_rows(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    frame: pl.DataFrame,
    *,
    delete_where: str | None = None,
    updates: dict[str, str] | None = None,
    not_compared: Sequence[str] = (),
) -> int:
    """Merge `frame` into `table` by its key, and return the number of rows inserted, updated or deleted.

    A stored row that is equal to its new state is not touched, so that merging twice changes nothing.

    Args:
        con: A connection that may write.
        table: The declaration of the table: key and order of columns.
        frame: The new rows; keys must be unique in it. Columns are cast to the declaration.
        delete_where: A condition on the stored row `old`; a stored row that fulfils it and has no new state is deleted.
        updates: Column -> SQL over `old` and `new`, for columns that are not simply replaced.
        not_compared: Columns that make no row a changed one (a run id, say); written with other changes only.
    """
    con.register("merged_rows", frame.select(table.column_names).cast(table.schema))
    try:
        [(count,)] = con.execute(_merge_sql(table, delete_where, updates or {}, not_compared)).fetchall()
    finally:
        con.unregister("merged_rows")
    return int(count)


def merge_query(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    *,
    delete_where: str | None = None,
    updates: dict[str, str] | None = None,
) -> int:
    """Merge the rows of a query into `table` as `merge_rows` does with a frame, without reading them into memory."""
    names = ", ".join(
        f"{quote_name(column.name)}::{duckdb_type(column.dtype)} as {quote_name(column.name)}"
        for column in table.columns
    )
    con.execute(f"create or replace temp table merged_table as select {names} from ({query})")
    [(count,)] = con.execute(_merge_sql(table, delete_where, updates or {}, (), "merged_table")).fetchall()
    con.execute("drop table merged_table")
    return int(count)


def read_matching(
    con: duckdb.DuckDBPyConnection, table: Table, keys: pl.DataFrame, wanted: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of `table` that agree with a row of `keys` in all its columns, or their `wanted` columns; in no order."""
    names = table.column_names if wanted is None else wanted
    con.register("wanted_keys", keys)
    try:
        columns, selected = (", ".join(quote_name(name) for name in group) for group in (keys.columns, names))
        rows = con.sql(f"select {selected} from {quote_name(table.name)} semi join wanted_keys using ({columns})").pl()
    finally:
        con.unregister("wanted_keys")
    return rows.cast({name: table.schema[name] for name in names})


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit all that the block writes, or nothing of it when it raises."""
    con.begin()
    try:
        yield
        con.commit()
    except BaseException:
        con.rollback()
        raise


def quote_name(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _merge_sql(
    table: Table,
    delete_where: str | None,
    updates: dict[str, str],
    not_compared: Sequence[str],
    source: str = "merged_rows",
) -> str:
    others = [name for name in table.column_names if name not in table.key]
    values = {name: updates.get(name, f"new.{quote_name(name)}") for name in others}
    compared = [name for name in others if name not in not_compared]
    clauses = ["when not matched then insert by name"]
    if compared:
        old = ", ".join(f"old.{quote_name(name)}" for name in compared)
        new = ", ".join(values[name] for name in compared)
        assignments = ", ".join(f"{quote_name(name)} = {value}" for name, value in values.items())
        clauses.append(f"when matched and row({old}) is distinct from row({new}) then update set {assignments}")
    if delete_where:
        clauses.append(f"when not matched by source and {delete_where} then delete")
    on = " and ".join(f"old.{quote_name(name)} = new.{quote_name(name)}" for name in table.key)
    return f"merge into {quote_name(table.name)} as old using {source} as new on {on}\n" + "\n".join(clauses)


def _as_dtype(dtype: object) -> Dtype:
    if isinstance(dtype, pl.DataType) or (isinstance(dtype, type) and issubclass(dtype, pl.DataType)):
        return dtype
    raise TypeError(f"{dtype!r} is not a Polars type")
