"""What the ledger knows of sources of many documents: one that is as it was is looked up, not read."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tasks.reading.options import Reading
from tasks.reading.sources import SourceFile
from warehouse.ledger import iterate_ledger
from warehouse.tables import SOURCE_SIGHTINGS, SOURCE_STATES, WEB_PAGES

STATES_SCHEMA = {name: dtype for name, dtype in SOURCE_STATES.schema.items() if name != "run_id"}
_SETTLED_SECONDS = 2.0
"""A file that was changed while it was read could look the same afterwards: younger ones are known by their hash alone."""


@dataclass(frozen=True)
class SourceState:
    """What tells one state of a source from another."""

    location: str
    source_uri: str
    fingerprint: str | None
    reading_version: str
    source_sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class KnownState(SourceState):
    """A state that a run has read, with the frames of its sightings (SOURCE_SIGHTINGS)."""

    sightings: Iterable[pl.DataFrame] = ()


@dataclass(frozen=True)
class KnownSources:
    """The rows of the ledger that a scan goes by: SOURCE_STATES, WEB_PAGES, and the SOURCE_SIGHTINGS that still hold.

    `LedgerSources` looks the sightings up in the ledger instead: there may be millions.
    """

    states: pl.DataFrame = field(default_factory=SOURCE_STATES.schema.to_frame)
    sightings: pl.DataFrame = field(default_factory=SOURCE_SIGHTINGS.schema.to_frame)
    pages: pl.DataFrame = field(default_factory=WEB_PAGES.schema.to_frame)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def find(self, state: SourceState, reading: Reading) -> KnownState | None:
        """Return what is known of a source, if every document of it that was seen then needs no more work."""
        rows = self.states.filter(
            (pl.col("location") == state.location) & (pl.col("reading_version") == reading.version)
        )
        if rows.is_empty():
            return None
        [row] = rows.to_dicts()
        seen_count, seen = self.find_sightings(row["run_id"], state.source_uri)
        if seen_count != row["document_count"]:
            return None
        names = ("location", "source_uri", "fingerprint", "reading_version", "source_sha256", "etag", "last_modified")
        return KnownState(**{name: row[name] for name in names}, sightings=seen)

    def find_sightings(self, run_id: str, source_uri: str) -> tuple[int, Iterable[pl.DataFrame]]:
        """Return how many documents of a source a run saw that need no more work, and their sightings."""
        is_inside = (pl.col("source_uri") == source_uri) | pl.col("source_uri").str.starts_with(f"{source_uri}#")
        seen = self.sightings.filter((pl.col("run_id") == run_id) & is_inside)
        return seen.height, [seen]

    @property
    def pages_by_address(self) -> Mapping[str, Mapping[str, Any]]:
        """The pages that feeds led to, by address."""
        return {row["address"]: row for row in self.pages.iter_rows(named=True)}


@dataclass(frozen=True, kw_only=True)
class LedgerSources(KnownSources):
    """Known sources whose sightings stay in the ledger until they are asked for.

    Those count that were judged by `rules`, are none of `anew` and were not stopped; none at all without a release.
    """

    ledger: Path
    rules: str
    anew: Collection[str] = ()
    is_released: bool = True

    def find_sightings(self, run_id: str, source_uri: str) -> tuple[int, Iterable[pl.DataFrame]]:
        """Return how many documents of a source a run saw that need no more work, and their sightings."""
        if not self.is_released:
            return 0, ()
        condition = "where run_id = ? and (source_uri = ? or starts_with(source_uri, ? || '#'))"
        asked = [run_id, source_uri, source_uri]
        count = 0
        for rows in iterate_ledger(self.ledger, f"from source_sightings {condition}", asked):
            count += select_settled(rows, self.rules, anew=self.anew).height
        return count, iterate_ledger(self.ledger, f"from source_sightings {condition} order by source_uri", asked)


def select_settled(sightings: pl.DataFrame, rules: str, *, anew: Collection[str] = ()) -> pl.DataFrame:
    """Return the sightings (SOURCE_SIGHTINGS) that need no more work: judged by these rules, and not to be tried again."""
    is_anew = pl.col("document_id").is_in(pl.Series(sorted(anew), dtype=pl.String).implode())
    is_stopped = (
        pl.col("outcome") == "stopped"
    )  # a lookup would not tell a stopped document from one that is in the release
    return sightings.filter((pl.col("rules_version") == rules) & ~is_anew & ~is_stopped)


def describe_file(file: SourceFile, reading: Reading) -> SourceState:
    """Return the state of a file by what the file system says of it; raises `OSError`.

    Size, times of change (of the content, and of the entry, which nobody can set) and number tell whether it is the same
    file with the same bytes; one that has just been changed has no fingerprint.
    """
    status = file.path.stat()
    is_settled = abs(datetime.now(UTC).timestamp() - max(status.st_mtime, status.st_ctime)) > _SETTLED_SECONDS
    marks = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    fingerprint = ":".join(map(str, marks)) if is_settled else None
    beside = f":{file.metadata.metadata_sha256}" if file.metadata is not None and fingerprint else ""
    return SourceState(file.location, file.source_uri, fingerprint and fingerprint + beside, reading.version)


def hash_file(file: SourceFile) -> str:
    """Return the SHA-256 of a file and of the metadata beside it, in hexadecimal digits; raises `OSError`."""
    with file.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    if file.metadata is not None:
        digest.update(file.metadata.metadata_sha256.encode())
    return digest.hexdigest()


def count_states(
    states: Iterable[Mapping[str, Any]], counts: Mapping[str, int], lost: Collection[str], now: datetime
) -> pl.DataFrame:
    """Return STATES_SCHEMA: the states with the number of documents in each.

    Args:
        states: The fields of `SourceState`.
        counts: Documents that were seen, by the URI of their source.
        lost: The sources that lost a document to another one: when that one is gone, they must be read again, so they are left out.
        now: When they were read.
    """
    rows = [
        {**state, "document_count": counts.get(state["source_uri"], 0), "read_at": now}
        for state in states
        if state["source_uri"] not in lost
    ]
    return pl.DataFrame(rows, schema=STATES_SCHEMA, orient="row")
