"""Releases: every state of the warehouse is one immutable file, and `<warehouse>` is a symlink to the current one.

    news.duckdb -> news.duckdb.releases/20240514T080000Z-1f0c9a3e.duckdb

A build works on a private copy, gives it a second name, that of the release, and makes it current by one replacement of
the symlink; only then the private name goes. A reader keeps the file that it opened. What a killed build leaves has its
private name still: the next build removes it, and the release of the same file unless that became current.
"""

import fcntl
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from warehouse.connection import WarehouseError, connect_private, connect_read_only
from warehouse.keys import make_id
from warehouse.migrations import WAREHOUSE, create_database, migrate_database

RESERVED_BYTES = 64 * 1024 * 1024
"""Free space, beyond the copy itself, without which a build does not start."""

_FICLONE = 0x40049409  # ioctl of linux/fs.h: make the target share the blocks of the source
_RELEASE_FILE = re.compile(r"(?P<release_id>(?P<published_at>\d{8}T\d{6}Z)-[0-9a-f]{8})\.duckdb")
_STAGING_PREFIX = ".staging-"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass
class StagedRelease:
    """A private copy of the current release, open for writing; `parent_release_id` is null for the first one."""

    warehouse: Path
    path: Path
    con: duckdb.DuckDBPyConnection
    parent_release_id: str | None


@dataclass(frozen=True)
class Release:
    """One published release that is still kept."""

    release_id: str
    path: Path
    published_at: datetime
    size_bytes: int
    is_current: bool
    is_pinned: bool


def releases_folder(warehouse: Path) -> Path:
    """Return the folder that holds the releases of `warehouse`."""
    return warehouse.with_name(f"{warehouse.name}.releases")


def make_release_id(published_at: datetime, run_id: str) -> str:
    """Return the id of a release: UTC time of publishing to the second, and 8 hexadecimal digits that tell the run."""
    return f"{published_at.astimezone(UTC):{_STAMP}}-{make_id(published_at.isoformat(), run_id)[:8]}"


@contextmanager
def lock_warehouse(warehouse: Path) -> Iterator[None]:
    """Hold the right to build `warehouse`, for this process only; the system gives it back when the process dies.

    Raises `WarehouseError`, which names the holder, when another process has it.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with warehouse.with_name(f"{warehouse.name}.lock").open("a+b", buffering=0) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().decode(errors="replace").strip() or "another process"
            raise WarehouseError(f"{warehouse} is being built by {holder}") from error
        # a forked worker would share the lock and keep it after this process is killed
        os.register_at_fork(after_in_child=handle.close)
        handle.truncate(0)
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        handle.write(f"process {os.getpid()} on {socket.gethostname()} since {since}\n".encode())
        try:
            yield
        finally:
            handle.truncate(0)
            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def stage_release(warehouse: Path) -> Iterator[StagedRelease]:
    """Open a private copy of the current release, an empty one when there is none; drop it unless published.

    What works on it needs no transaction of its own: nobody reads it before it is complete, and what a transaction has not
    committed yet stays in memory, whatever the limit of the database.

    Call it with `lock_warehouse` held: it removes what killed builds left behind. The copy shares its blocks with the
    release where the file system can. Raises `WarehouseError` when there is too little space for it, or when the
    warehouse is not ours or newer than this software.
    """
    current = find_current_release(warehouse)
    folder = releases_folder(warehouse)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(warehouse)
    path = folder / f"{_STAGING_PREFIX}{os.getpid()}.duckdb"
    try:
        if current is not None:
            _copy_file(current, path)
        _require_space(folder, RESERVED_BYTES)
        con = connect_private(path)
        try:
            _prepare_schema(con, warehouse, is_new=current is None)
            staged = StagedRelease(warehouse, path, con, current.stem if current else None)
            yield staged
        finally:
            con.close()
    finally:
        _remove_files(folder, path.name)


def publish_release(staged: StagedRelease, release_id: str) -> Path:
    """Make the staged file the release `release_id` and the current one; return its path.

    The connection is closed. Whatever moment the machine stops at, the warehouse is a whole release, the old or the
    new. Raises `WarehouseError` when the release exists already or the file is not complete in itself.
    """
    folder = releases_folder(staged.warehouse)
    path = folder / f"{release_id}.duckdb"
    if not _RELEASE_FILE.fullmatch(path.name) or path.exists():
        raise WarehouseError(f"{path} cannot be the name of a new release")
    staged.con.execute("checkpoint")
    staged.con.close()
    if staged.path.with_name(f"{staged.path.name}.wal").exists():
        raise WarehouseError(f"{staged.path} was not written out completely: its write-ahead log is still there")
    staged.path.chmod(0o444)
    _sync(staged.path)
    path.hardlink_to(staged.path)
    _sync(folder)
    _point_to(staged.warehouse, path)
    staged.path.unlink()
    return path


def find_current_release(warehouse: Path) -> Path | None:
    """Return the file of the current release, or null when nothing was published yet.

    Raises `WarehouseError` when `warehouse` is anything but a symlink to one of its releases.
    """
    if not warehouse.is_symlink():
        if not warehouse.exists():
            return None
        raise WarehouseError(f"{warehouse} is not an On Record warehouse: it is not a link to a release")
    folder, link = releases_folder(warehouse), warehouse.readlink()
    target = folder / link.name
    if link != Path(folder.name, link.name) or not _RELEASE_FILE.fullmatch(link.name):
        raise WarehouseError(f"{warehouse} is not an On Record warehouse: it links to {link}")
    if not target.exists():
        raise WarehouseError(f"{warehouse} links to {target}, which does not exist")
    return target


def list_releases(warehouse: Path) -> list[Release]:
    """List the releases that are kept, the oldest first."""
    current = find_current_release(warehouse)
    unpublished = _find_unpublished(warehouse)
    return [
        Release(
            release_id=path.stem,
            path=path,
            published_at=_read_stamp(path.stem),
            size_bytes=path.stat().st_size,
            is_current=path == current,
            is_pinned=_pin_path(path).exists(),
        )
        for path in _release_files(warehouse)
        if path not in unpublished
    ]


def find_release(warehouse: Path, release_id: str) -> Release:
    """Return the kept release whose id is, or alone begins with, `release_id`; raises `WarehouseError` when there is none or several."""
    found = [release for release in list_releases(warehouse) if release.release_id.startswith(release_id)]
    exact = [release for release in found if release.release_id == release_id]
    if not found or not release_id:
        raise WarehouseError(f"{warehouse} keeps no release {release_id}")
    if len(found) > 1 and not exact:
        raise WarehouseError(
            f"{warehouse} keeps {len(found)} releases that begin with {release_id}: give more of the id"
        )
    return (exact or found)[0]


def pin_release(warehouse: Path, release_id: str) -> None:
    """Keep a release whatever its age; raises `WarehouseError` when it does not exist."""
    _pin_path(find_release(warehouse, release_id).path).touch()


def unpin_release(warehouse: Path, release_id: str) -> None:
    """Let a pinned release expire like any other; raises `WarehouseError` when it does not exist."""
    _pin_path(find_release(warehouse, release_id).path).unlink(missing_ok=True)


def select_expired(release_ids: Iterable[str], kept: Iterable[str], now: datetime) -> list[str]:
    """Return the ids of the releases to remove: not in the last 3, not the last one of one of 7 days, not `kept`.

    Days are UTC days; the 7 days end with that of `now`.
    """
    newest_first = sorted(release_ids, reverse=True)
    last_of_day: dict[object, str] = {}
    for release_id in newest_first:
        last_of_day.setdefault(_read_stamp(release_id).date(), release_id)
    first_day = (now.astimezone(UTC) - timedelta(days=6)).date()
    daily = {release_id for release_id in last_of_day.values() if _read_stamp(release_id).date() >= first_day}
    spared = {*newest_first[:3], *daily, *kept}
    return sorted(release_id for release_id in newest_first if release_id not in spared)


def remove_expired(warehouse: Path, now: datetime) -> list[str]:
    """Remove the releases that `select_expired` names, never the current or a pinned one; return their ids.

    Readers that have a removed release open keep reading it.
    """
    releases = list_releases(warehouse)
    kept = [release.release_id for release in releases if release.is_current or release.is_pinned]
    expired = select_expired((release.release_id for release in releases), kept, now)
    for release_id in expired:
        (releases_folder(warehouse) / f"{release_id}.duckdb").unlink()
    return expired


def read_releases(warehouse: Path) -> pl.DataFrame:
    """Read what the current release says of all releases, with `is_kept`, `is_current`, `is_pinned`, `size_bytes`.

    Grain: one published release, the oldest first; one that is not kept has no size. Raises `WarehouseError` without a
    warehouse.
    """
    con = connect_read_only(warehouse)
    try:
        published = con.sql("select * from releases").pl()
    finally:
        con.close()
    kept = pl.DataFrame(
        [(item.release_id, item.size_bytes, item.is_current, item.is_pinned) for item in list_releases(warehouse)],
        schema={"release_id": pl.String, "size_bytes": pl.UInt64, "is_current": pl.Boolean, "is_pinned": pl.Boolean},
        orient="row",
    )
    return (
        published.join(kept, on="release_id", how="left", maintain_order="left")
        .with_columns(pl.col("is_current", "is_pinned").fill_null(False), is_kept=pl.col("size_bytes").is_not_null())
        .sort("published_at", "release_id")
    )


def _prepare_schema(con: duckdb.DuckDBPyConnection, warehouse: Path, *, is_new: bool) -> None:
    now = datetime.now(UTC)
    if is_new:
        create_database(con, WAREHOUSE, now)
    else:
        migrate_database(con, warehouse, WAREHOUSE, now)


def _remove_leftovers(warehouse: Path) -> None:
    """Remove private files of killed builds, and releases that they never made current."""
    for path in _find_unpublished(warehouse):
        path.unlink()
    _remove_files(releases_folder(warehouse), _STAGING_PREFIX)
    _temporary_link(warehouse).unlink(missing_ok=True)


def _remove_files(folder: Path, prefix: str) -> None:
    for path in folder.iterdir():
        if path.name.startswith(prefix):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _find_unpublished(warehouse: Path) -> list[Path]:
    """Return the releases that still have their private name too and did not become current."""
    folder, current = releases_folder(warehouse), find_current_release(warehouse)
    private = [path for path in folder.glob(f"{_STAGING_PREFIX}*") if path.is_file()]
    return [
        path for path in _release_files(warehouse) if path != current and any(path.samefile(other) for other in private)
    ]


def _release_files(warehouse: Path) -> list[Path]:
    folder = releases_folder(warehouse)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _RELEASE_FILE.fullmatch(path.name))


def _pin_path(release: Path) -> Path:
    return release.with_suffix(".pin")


def _read_stamp(release_id: str) -> datetime:
    return datetime.strptime(release_id.split("-")[0], _STAMP).replace(tzinfo=UTC)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file, sharing its blocks where the file system can; the space for a real copy is checked before it."""
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:  # the file system cannot share blocks: each has its own error number for that
            _require_space(target.parent, os.fstat(reader.fileno()).st_size + RESERVED_BYTES)
            shutil.copyfileobj(reader, writer, 8 * 1024 * 1024)


def _require_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise WarehouseError(
            f"{folder} has {free_bytes / 1e6:,.0f} MB free, a new release needs {needed_bytes / 1e6:,.0f} MB"
        )


def _temporary_link(warehouse: Path) -> Path:
    return warehouse.with_name(f".{warehouse.name}.link")


def _point_to(warehouse: Path, release: Path) -> None:
    temporary_link = _temporary_link(warehouse)
    temporary_link.symlink_to(Path(release.parent.name, release.name))
    temporary_link.replace(warehouse)
    _sync(warehouse.parent)


def _sync(path: Path) -> None:
    """Wait until the file, or the list of names of the folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
