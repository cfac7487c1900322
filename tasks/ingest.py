"""Sources -> raw documents: find the files, keep their bytes as found, leave out what was judged before."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.frames import RAW_DOCUMENTS
from tasks.reading.metadata import FIELDS, MetadataError, canonicalize_url, parse_entry
from tasks.reading.raw_store import RawStore
from tasks.reading.readers import READERS, Record
from tasks.reading.sources import FoundSources, Rejection, SourceFile, describe_error
from warehouse.keys import hash_bytes, make_id
from warehouse.tables import REJECTED_DOCUMENTS

RAW_SIGHTINGS_SCHEMA = {name: dtype for name, dtype in RAW_DOCUMENTS.schema.items() if name != "raw"}
"""RAW_DOCUMENTS without the bytes, which wait in the raw store until their batch comes."""
REJECTED_SCHEMA = {
    name: dtype
    for name, dtype in REJECTED_DOCUMENTS.schema.items()
    if name not in ("run_id", "rejected_at", "rules_version")
}
COULD_NOT_READ = ("unreadable", "malformed_metadata", "malformed_correction", "malformed_authority")
"""Reasons that make a build end with exit code 4: something was there and nobody could read it."""


@dataclass(frozen=True)
class ScannedSources:
    """All documents of the files found, their bytes kept in the raw store.

    `sightings`: RAW_SIGHTINGS_SCHEMA, a row a document and place, ordered by source URI. `rejected`: REJECTED_SCHEMA.
    """

    sightings: pl.DataFrame
    rejected: pl.DataFrame
    waiting_count: int = 0


@dataclass(frozen=True)
class SelectedSources:
    """The sightings of a scan that a run must work on, and those whose outcome is known already."""

    new: pl.DataFrame
    known: pl.DataFrame
    stopped: pl.DataFrame


def scan_sources(found: FoundSources, store: RawStore) -> ScannedSources:
    """Read every file once, keep its bytes and note which documents it holds.

    One document cannot have two states in one run: where one id comes with different bytes, those whose source
    URI (then root) sorts first are its state, and the others are rejected as `duplicate_document`. Where the bytes are
    the same, both places are sightings.
    """
    sightings: list[dict[str, Any]] = []
    rejected = list(found.rejected)
    owners: dict[str, tuple[str, SourceFile]] = {}
    for file in found.files:
        try:
            for record in _read_records(file):
                sighting = _sight_record(file, record, rejected)
                if not record.raw:
                    rejected.append(_reject_document(sighting, "empty", "0 bytes"))
                    continue
                raw_sha256, owner = owners.setdefault(sighting["document_id"], (sighting["raw_sha256"], file))
                if raw_sha256 != sighting["raw_sha256"]:
                    detail = f"{owner.source_uri} in {owner.root} is the same document with other bytes"
                    rejected.append(_reject_document(sighting, "duplicate_document", detail))
                    continue
                store.keep(record.raw, sighting["raw_sha256"])
                sightings.append(sighting)
        except OSError as error:
            rejected.append(Rejection(file.source_uri, "unreadable", describe_error(error)))
    frame = pl.DataFrame(sightings, schema=RAW_SIGHTINGS_SCHEMA, orient="row")
    return ScannedSources(
        sightings=frame.unique(["document_id", "source_uri"], keep="first", maintain_order=True),
        rejected=join_rejections(rejected),
        waiting_count=found.waiting_count,
    )


def _read_records(file: SourceFile) -> Iterator[Record]:
    reader = next(reader for reader in READERS if reader.name == file.reader)
    return reader.read_records(file.path)


def _sight_record(file: SourceFile, record: Record, rejected: list[Rejection]) -> dict[str, Any]:
    source_uri = f"{file.source_uri}#{record.part}" if record.part else file.source_uri
    metadata = file.metadata
    if record.metadata is not None:
        try:
            metadata = parse_entry(record.metadata, source_uri)
        except MetadataError as error:
            rejected.append(Rejection(source_uri, "malformed_metadata", str(error), stage="metadata"))
    said = {} if metadata is None else asdict(metadata)
    url = said.get("url")
    document_id = make_id("url", canonicalize_url(url)) if url else make_id("uri", source_uri)
    raw_sha256 = hash_bytes(record.raw)
    return {
        "document_id": document_id,
        "article_id": make_id(document_id, raw_sha256),
        "source_uri": source_uri,
        "reader": file.reader,
        "raw_sha256": raw_sha256,
        "size_bytes": len(record.raw),
        "metadata_sha256": said.get("metadata_sha256"),
        "metadata_uri": said.get("metadata_uri"),
        **{f"metadata_{name}": said.get(name) for name in FIELDS},
    }


def _reject_document(sighting: dict[str, Any], reason: str, detail: str) -> Rejection:
    hashes = {name: sighting[name] for name in ("raw_sha256", "metadata_sha256")}
    return Rejection(sighting["source_uri"], reason, detail, **hashes)


def join_rejections(rejected: Iterable[Rejection]) -> pl.DataFrame:
    """Return REJECTED_SCHEMA, a row a source and stage; the details of one rejected under two roots are joined."""
    frame = pl.DataFrame([asdict(rejection) for rejection in rejected], schema=REJECTED_SCHEMA, orient="row")
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
