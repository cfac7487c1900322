"""Connections to the database files of a warehouse."""

from pathlib import Path

import duckdb

from warehouse.errors import WarehouseError
from warehouse.migrations import WAREHOUSE, read_schema_version

__all__ = ["WarehouseError", "connect_private", "connect_read_only", "is_locked", "open_database"]

MAX_MEMORY = "1GB"
"""What a database that a build writes to may keep in memory: part of the ceiling that docs/scale.md states."""

PUBLISH_MEMORY = "2GB"
"""The same while marts are made and the release is audited: no other process and no batch needs the ceiling then."""


def connect_read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse at `path` (or one of its releases) for reading.

    The connection stays on the release that is current now, whatever is published while it is open.
    Raises `WarehouseError` when there is none, or when it is not ours or newer than this software.
    """
    if not path.exists():
        raise WarehouseError(f"{path} does not exist: build it first")
    con = open_database(path, read_only=True)
    try:
        read_schema_version(con, path, WAREHOUSE)
    except WarehouseError:
        con.close()
        raise
    return con


def connect_private(path: Path, max_memory: str = MAX_MEMORY) -> duckdb.DuckDBPyConnection:
    """Open the database file at `path`, which nobody else uses, for writing; an absent file is created.

    What does not fit in `max_memory` waits in a folder beside the file.
    """
    con = open_database(path, read_only=False)
    con.execute("set memory_limit = ?", [max_memory])
    return con


def open_database(path: Path | str, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a database file in UTC, without any download of extensions.

    Raises `WarehouseError` for a file that is not a DuckDB database or cannot be opened, and `duckdb.IOException` or
    `duckdb.ConnectionException` while another process or another mode of opening holds it.
    """
    try:
        con = duckdb.connect(str(path), read_only=read_only)
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        if is_locked(error):
            raise
        reason = str(error).splitlines()[0].removeprefix("IO Error: ")
        raise WarehouseError(f"{path} is not an On Record warehouse ({reason})") from error
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set timezone = 'UTC'")
    return con


def is_locked(error: duckdb.Error) -> bool:
    """Say whether `error` means that somebody else has the file open in a way that excludes us."""
    if isinstance(error, duckdb.ConnectionException):
        return "different configuration" in str(error)
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)
