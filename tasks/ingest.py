"""Sources -> raw documents: find the files, keep their bytes as found, leave out what was judged before."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.frames import RAW_DOCUMENTS
from tasks.reading.containers import describe_error, read_file
from tasks.reading.feeds import PAGES_SCHEMA
from tasks.reading.known import (
    STATES_SCHEMA,
    KnownSources,
    KnownState,
    SourceState,
    count_states,
    describe_file,
    hash_file,
)
from tasks.reading.metadata import FIELDS, Metadata, MetadataError, canonicalize_url, parse_entry
from tasks.reading.network import WebAccess, fetch_source, open_feeds
from tasks.reading.options import Reading
from tasks.reading.raw_store import RawStore
from tasks.reading.records import BadRecord, Record
from tasks.reading.remote import KEPT_HEADERS, open_web
from tasks.reading.sources import FoundSources, Rejection, RemoteSource, SourceFile
from warehouse.keys import hash_bytes, make_id
from warehouse.spool import Spool
from warehouse.tables import REJECTED_DOCUMENTS, SOURCE_SIGHTINGS

RAW_SIGHTINGS_SCHEMA = {name: dtype for name, dtype in RAW_DOCUMENTS.schema.items() if name != "raw"}
"""RAW_DOCUMENTS without the bytes, which wait in the raw store until their batch comes."""
REJECTED_SCHEMA = {
    name: dtype
    for name, dtype in REJECTED_DOCUMENTS.schema.items()
    if name not in ("run_id", "rejected_at", "rules_version")
}
COULD_NOT_READ = (
    "unreadable", "truncated", "damaged", "limit_exceeded", "http_status", "malformed_metadata", "malformed_correction",
    "malformed_authority",
)  # fmt: skip
"""Reasons that make a build end with exit code 4: something was there and nobody could read it."""


_PLACE = {"place": pl.UInt32(), "root": pl.String()}
"""Where a sighting comes in the order of the sources, and what to call its root."""
_SPOOLED = {
    "sightings": {**RAW_SIGHTINGS_SCHEMA, **_PLACE},
    "unchanged": {**SOURCE_SIGHTINGS.schema, "place": pl.UInt32()},
    "rejected": REJECTED_SCHEMA,
}


@dataclass(frozen=True)
class ScannedSources:
    """All documents of the sources found: their bytes are in the raw store, a row of each waits in the spool.

    Lists of the spool: `sightings` (RAW_SIGHTINGS_SCHEMA, a row a document and place, in the order of the sources);
    `unchanged` (SOURCE_SIGHTINGS of sources of many documents that nobody had to read, because they are as they were);
    `rejected` (REJECTED_SCHEMA, a row a source and stage). `states` and `pages` (STATES_SCHEMA, PAGES_SCHEMA) are what
    the next scan goes by; `unread_count` counts the sources that were there and could not be read.
    """

    spool: Spool
    waiting_count: int = 0
    unread_count: int = 0
    states: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STATES_SCHEMA))
    pages: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAGES_SCHEMA))

    @property
    def sightings(self) -> pl.DataFrame:
        """All sightings at once, for sources that are known to be few."""
        return self.spool.read("sightings").drop(list(_PLACE))

    @property
    def unchanged(self) -> pl.DataFrame:
        """All unchanged sightings at once."""
        return self.spool.read("unchanged").drop("place")

    @property
    def rejected(self) -> pl.DataFrame:
        """All rejected sources at once."""
        return self.spool.read("rejected")


@dataclass(frozen=True)
class SelectedSources:
    """The sightings of a scan that a run must work on, and those whose outcome is known already."""

    new: pl.DataFrame
    known: pl.DataFrame
    stopped: pl.DataFrame


def scan_sources(
    found: FoundSources,
    store: RawStore,
    reading: Reading | None = None,
    *,
    known: KnownSources | None = None,
    web: WebAccess | None = None,
    spool_path: Path | None = None,
) -> ScannedSources:
    """Read every source once, a document at a time, keep the bytes and note which documents there are.

    What is noted waits in a file at `spool_path`, so that any number of documents can be scanned; without one, in memory.

    One document cannot have two states in one run: where one id comes with different bytes, those whose source
    comes first are its state, and the others are rejected as `duplicate_document`. Where the bytes are the same, both
    places are sightings. A source of many documents that is as `known` says is not read.
    """
    spool = Spool(_SPOOLED, spool_path)
    scan = _Scan(store, reading or Reading(), known or KnownSources(), web or WebAccess(), spool)
    scan.reject(*found.rejected)
    for place, file in enumerate(found.files):
        scan.scan_file(file, place)
    scan.scan_remote(found.remote, len(found.files))
    return scan.finish(found)


_ROWS_A_FRAME = 5_000


@dataclass
class _Scan:
    """Notes what the sources hold: of each document a row of hashes and metadata, its bytes go to the store at once."""

    store: RawStore
    reading: Reading
    known: KnownSources
    web: WebAccess
    spool: Spool
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    unread_count: int = 0
    states: list[dict[str, Any]] = field(default_factory=list)
    pages: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAGES_SCHEMA))

    def scan_file(self, file: SourceFile, place: int) -> None:
        """Scan a file on the disk; a container that is as it was is looked up."""
        if not file.holds_many:
            self._note(file, _read_records(file, self.reading), place)
            return
        try:
            state = describe_file(file, self.reading)
            before = self.known.find(state, self.reading)
            if before is not None and (state.fingerprint is None or before.fingerprint != state.fingerprint):
                state = replace(state, source_sha256=hash_file(file))
                before = before if before.source_sha256 == state.source_sha256 else None
            if before is not None:
                self._note_unchanged(state, before, place)
                return
            if state.source_sha256 is None:
                state = replace(state, source_sha256=hash_file(file))
            status = file.path.stat()
            is_whole = self._note(file, _read_records(file, self.reading), place)
            if is_whole and file.path.stat().st_mtime_ns == status.st_mtime_ns:  # nobody wrote to it meanwhile
                self.states.append(asdict(state))
        except OSError as error:
            self.reject(Rejection(file.source_uri, "unreadable", describe_error(error)))

    def reject(self, *rejected: Rejection) -> None:
        """Note what did not get in."""
        self.unread_count += sum(rejection.reject_reason in COULD_NOT_READ for rejection in rejected)
        self.rejected += rejected
        if len(self.rejected) >= _ROWS_A_FRAME:
            self._write()

    def scan_remote(self, sources: Sequence[RemoteSource], place: int) -> None:
        """Scan what is on the network; the client is opened once for all of them."""
        if not sources:
            return
        with open_web(self.reading.limits, self.web.user_agent) as client:
            for number, source in enumerate(source for source in sources if source.kind != "feed"):
                self._scan_address(client, source, place + number)
        feeds = [source for source in sources if source.kind == "feed"]
        with open_feeds(self.web, self.reading, self.store, self.known) as reader:
            for number, source in enumerate(feeds, start=len(sources)):
                self._note(source, reader.read_feed(source.url), place + number)
            self.pages = reader.list_pages()

    def _scan_address(self, client: httpx.Client, source: RemoteSource, place: int) -> None:
        state = SourceState(source.location, source.source_uri, source.fingerprint, self.reading.version)
        before = self.known.find(state, self.reading)
        if before is not None and source.fingerprint is not None and before.fingerprint == source.fingerprint:
            self._note_unchanged(state, before, place)
            return
        with fetch_source(client, source, self.reading, before) as fetched:
            if isinstance(fetched, BadRecord):
                self._note(source, iter([fetched]), place)
            elif fetched.is_unchanged and before is not None:
                self._note_unchanged(state, before, place)
            else:
                state = replace(
                    state,
                    etag=fetched.response.headers.get("etag"),
                    last_modified=fetched.response.headers.get("last-modified"),
                )
                is_whole = self._note(source, fetched.read_records(self.reading), place)
                if is_whole and fetched.holds_many and (state.fingerprint or state.etag or state.last_modified):
                    self.states.append(asdict(state))

    def _note(self, source: SourceFile | RemoteSource, documents: Iterator[Record | BadRecord], place: int) -> bool:
        """Note the documents of a source; return whether all of it could be read and used."""
        unread_before = self.unread_count
        try:
            for document in documents:
                if isinstance(document, BadRecord):
                    uri = _join_part(source, document.part)
                    self.reject(Rejection(uri, document.reject_reason, document.detail))
                else:
                    self._note_record(source, document, place)
        except OSError as error:
            self.reject(Rejection(source.source_uri, "unreadable", describe_error(error)))
        return self.unread_count == unread_before

    def _note_record(self, source: SourceFile | RemoteSource, record: Record, place: int) -> None:
        sighting, flaws = _sight_record(source, record)
        self.reject(*flaws)
        size = len(record.raw)
        if not record.raw:
            self.reject(_reject_document(sighting, "empty", "0 bytes"))
        elif size > self.reading.limits.max_bytes:
            detail = f"{size:,} bytes; the limit is {self.reading.limits.max_bytes:,}"
            self.reject(_reject_document(sighting, "too_large", detail))
        else:
            self.store.keep(record.raw, sighting["raw_sha256"])
            root = str(source.root) if isinstance(source, SourceFile) else source.source_uri
            self.rows.append({**sighting, "place": place, "root": root})
            if len(self.rows) >= _ROWS_A_FRAME:
                self._write()

    def _note_unchanged(self, state: SourceState, before: KnownState, place: int) -> None:
        for seen in before.sightings:
            self.spool.add("unchanged", seen.with_columns(place=pl.lit(place, dtype=pl.UInt32)))
        kept = {name: getattr(before, name) for name in ("source_sha256", "etag", "last_modified")}
        self.states.append(
            asdict(
                SourceState(
                    state.location,
                    state.source_uri,
                    state.fingerprint or before.fingerprint,
                    state.reading_version,
                    **kept,
                )
            )
        )

    def _write(self) -> None:
        """Write what was noted to the spool."""
        self.spool.add("sightings", pl.DataFrame(self.rows, schema=_SPOOLED["sightings"], orient="row"))
        self.rows = []
        rejected = [asdict(rejection) for rejection in self.rejected]
        self.spool.add("rejected", pl.DataFrame(rejected, schema=REJECTED_SCHEMA, orient="row"))
        self.rejected = []

    def finish(self, found: FoundSources) -> ScannedSources:
        """Return all that was noted, with one state a document."""
        self._write()
        duplicates = _reject_duplicates(self.spool)
        _unite_rejections(self.spool)
        is_only = Counter([file.source_uri for file in found.files] + [source.source_uri for source in found.remote])
        counts = Counter(_count_by_source(self.spool, "sightings"))
        counts.update(_count_by_source(self.spool, "unchanged"))
        return ScannedSources(
            self.spool,
            waiting_count=found.waiting_count,
            unread_count=self.unread_count,
            states=count_states(
                [state for state in self.states if is_only[state["source_uri"]] == 1],
                counts,
                {uri.partition("#")[0] for uri in duplicates.get_column("source_uri")},
                self.known.now,
            ),
            pages=self.pages,
        )


_CONFLICTING = """
    select document_id from (
        select document_id, raw_sha256 from sightings
        union all by name
        select document_id, raw_sha256 from unchanged
    )
    group by document_id having count(distinct raw_sha256) > 1
"""


def _reject_duplicates(spool: Spool) -> pl.DataFrame:
    """Reject the sightings of documents that come with other bytes before; return them as `_find_duplicates` does.

    A document that one source has twice is one sighting.
    """
    lists = {name: spool.read(name, f"document_id in ({_CONFLICTING})") for name in ("sightings", "unchanged")}
    duplicates = _find_duplicates(lists["sightings"], lists["unchanged"])
    key = ["document_id", "source_uri", "raw_sha256"]
    for name, frame in lists.items():
        lost = frame.join(duplicates, on=key, how="inner", maintain_order="left").select(
            *[pl.col(column) for column in ("source_uri", "detail", "raw_sha256", "metadata_sha256")],
            stage=pl.lit("ingest"),
            reject_reason=pl.lit("duplicate_document"),
        )
        spool.add("rejected", lost)
        spool.con.register("lost_documents", duplicates)
        spool.con.execute(f"delete from {name} using lost_documents as l where {_match(name, key)}")
        spool.con.unregister("lost_documents")
    spool.con.execute(
        "delete from sightings where rowid not in (select min(rowid) from sightings group by document_id, source_uri)"
    )
    return duplicates


def _match(name: str, key: Sequence[str]) -> str:
    return " and ".join(f"{name}.{column} = l.{column}" for column in key)


def _unite_rejections(spool: Spool) -> None:
    """Make the rejected a row a source and stage; the details of one that was rejected under two roots are joined."""
    repeated = "select source_uri, stage from rejected group by all having count(*) > 1"
    rows = spool.read("rejected", f"(source_uri, stage) in ({repeated})")
    spool.con.execute(f"delete from rejected where (source_uri, stage) in ({repeated})")
    spool.add("rejected", join_rejections(rows))


def _count_by_source(spool: Spool, name: str) -> dict[str, int]:
    """Count documents by the part of `source_uri` before its first `#`."""
    counts = spool.con.execute(f"select split_part(source_uri, '#', 1), count(*) from {name} group by all").fetchall()
    return dict(counts)


def _find_duplicates(sightings: pl.DataFrame, unchanged: pl.DataFrame) -> pl.DataFrame:
    """Return the sightings of documents that another source has with other bytes and before: their place and `detail`."""
    columns = ["document_id", "source_uri", "raw_sha256", "place"]
    every = pl.concat(
        [
            sightings.select(*columns, "root"),
            unchanged.select(*columns, root=pl.lit("an unchanged source")),
        ]
    ).sort("place", maintain_order=True)
    owned = every.with_columns(
        owner=pl.col("source_uri").first().over("document_id"),
        owner_root=pl.col("root").first().over("document_id"),
        owner_sha256=pl.col("raw_sha256").first().over("document_id"),
    )
    return owned.filter(pl.col("raw_sha256") != pl.col("owner_sha256")).select(
        "document_id", "source_uri", "raw_sha256",
        detail=pl.format("{} in {} is the same document with other bytes", "owner", "owner_root"),
    ).unique(["document_id", "source_uri", "raw_sha256"], maintain_order=True)  # fmt: skip


def _read_records(file: SourceFile, reading: Reading) -> Iterator[Record | BadRecord]:
    with file.path.open("rb") as stream:
        yield from read_file(stream, file.path.name, reading)


def _join_part(source: SourceFile | RemoteSource, part: str) -> str:
    """Return the source URI of a part: a text in one spelling, that tables and terminals can hold."""
    clean = part.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"{source.source_uri}#{clean}" if part else source.source_uri


def _sight_record(source: SourceFile | RemoteSource, record: Record) -> tuple[dict[str, Any], list[Rejection]]:
    """Return the row of a record in RAW_SIGHTINGS_SCHEMA, and what of its metadata could not be used."""
    source_uri = _join_part(source, record.part)
    metadata, flaws = _find_metadata(source, record, source_uri)
    said = {} if metadata is None else asdict(metadata)
    url = said.get("url")
    document_id = make_id("url", canonicalize_url(url)) if url else make_id("uri", source_uri)
    raw_sha256 = hash_bytes(record.raw)
    kept = {name: value for name, value in (record.headers or {}).items() if name in KEPT_HEADERS}
    sighting = {
        "document_id": document_id,
        "article_id": make_id(document_id, raw_sha256),
        "source_uri": source_uri,
        "reader": record.reader or (source.reader if isinstance(source, SourceFile) else "text"),
        "raw_sha256": raw_sha256,
        "size_bytes": len(record.raw),
        "metadata_sha256": said.get("metadata_sha256"),
        "metadata_uri": said.get("metadata_uri"),
        **{f"metadata_{name}": said.get(name) for name in FIELDS},
        "media_type": record.media_type,
        "http_headers": json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None,
    }
    return sighting, flaws


def _find_metadata(
    source: SourceFile | RemoteSource, record: Record, source_uri: str
) -> tuple[Metadata | None, list[Rejection]]:
    """Return what the record says of itself, else what is beside its file; of a file of many that is the outlet alone."""
    beside = source.metadata if isinstance(source, SourceFile) else None
    flaws = [Rejection(source_uri, "malformed_metadata", flaw, stage="metadata") for flaw in record.flaws]
    if record.metadata is None and not record.part:
        return beside, flaws
    entry = dict(record.metadata or {})
    if beside is not None and beside.outlet:
        entry.setdefault("outlet", beside.outlet)
    try:
        return parse_entry(entry, source_uri) if entry else None, flaws
    except MetadataError as error:
        return beside, [*flaws, Rejection(source_uri, "malformed_metadata", str(error), stage="metadata")]


def _reject_document(sighting: dict[str, Any], reason: str, detail: str) -> Rejection:
    hashes = {name: sighting[name] for name in ("raw_sha256", "metadata_sha256")}
    return Rejection(sighting["source_uri"], reason, detail, **hashes)


def join_rejections(frame: pl.DataFrame) -> pl.DataFrame:
    """Return REJECTED_SCHEMA, a row a source and stage; the details of one rejected under two roots are joined."""
    others = [name for name in REJECTED_SCHEMA if name not in ("source_uri", "stage", "detail")]
    return (
        frame.group_by("source_uri", "stage", maintain_order=True)
        .agg(*[pl.col(name).first() for name in others], pl.col("detail").unique(maintain_order=True).str.join("; "))
        .select(list(REJECTED_SCHEMA))
    )


def select_new(
    sightings: pl.DataFrame,
    known: pl.DataFrame,
    rules: str,
    *,
    is_released: bool = True,
    retry_stopped: bool = False,
    anew: Collection[str] = (),
) -> SelectedSources:
    """Part the sightings into those to work on and those whose bytes, metadata and rules were judged before.

    Args:
        sightings: RAW_SIGHTINGS_SCHEMA.
        known: SOURCE_SIGHTINGS of the ledger.
        rules: The version of the rules of this run.
        is_released: Whether there is a release; without one, all but what was stopped is new again.
        retry_stopped: Whether sources of a run that validation stopped are tried again.
        anew: Documents that are worked on again all the same, unless validation stopped them.
    """
    place = ["document_id", "source_uri"]
    state = ["raw_sha256", "metadata_sha256"]
    # what validation stopped was never part of a release: that there is none is no reason to try it again
    counts = (pl.col("outcome") == "stopped") | is_released
    judged = known.filter((pl.col("rules_version") == rules) & counts).select(*place, *state, "outcome")
    if anew:
        is_anew = pl.col("document_id").is_in(pl.Series(sorted(anew), dtype=pl.String).implode())
        judged = judged.filter((pl.col("outcome") == "stopped") | ~is_anew)
    if retry_stopped:
        judged = judged.filter(pl.col("outcome") != "stopped")
    joined = sightings.join(judged, on=[*place, *state], how="left", nulls_equal=True, maintain_order="left")
    stopped, fresh = pl.col("outcome") == "stopped", pl.col("outcome").is_null()
    return SelectedSources(
        new=joined.filter(fresh).drop("outcome"),
        known=joined.filter(~fresh & ~stopped),
        stopped=joined.filter(stopped),
    )


def split_batches(sightings: pl.DataFrame, batch_size: int) -> list[pl.DataFrame]:
    """Split sightings into batches of `batch_size` articles, in order; an article seen in two places counts once."""
    articles = sightings.unique("article_id", keep="first", maintain_order=True)
    return [articles.slice(start, batch_size) for start in range(0, articles.height, batch_size)]


def read_documents(sightings: pl.DataFrame, store: RawStore) -> pl.DataFrame:
    """Return RAW_DOCUMENTS: the sightings, one an article, with their bytes from the store; raises `RawStoreError`."""
    raw = pl.Series("raw", [store.fetch(sha) for sha in sightings["raw_sha256"]], dtype=pl.Binary)
    return sightings.with_columns(raw).select(RAW_DOCUMENTS.column_names).cast(RAW_DOCUMENTS.schema)


@task(cache_policy=NO_CACHE, persist_result=False)
def ingest_batch(sightings: pl.DataFrame, store: RawStore) -> pl.DataFrame:
    """Read the raw documents of one batch."""
    return read_documents(sightings, store)
