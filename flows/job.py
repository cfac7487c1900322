"""One run of a build: what it knows, the batches that it keeps until it publishes, and what it tells the ledger."""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from expectations.data_docs import build_data_docs
from flows.build_batch import BatchPlan, BuiltBatch
from flows.collector import collect_rarely
from flows.corrections import ReleaseCorrections
from flows.report import BuildReport
from flows.runners import Runner
from flows.settings import Settings
from tasks.annotation.annotator import choose_model, describe_model
from tasks.ingest import RAW_SIGHTINGS_SCHEMA, REJECTED_SCHEMA, ScannedSources
from tasks.load import keep_batch
from tasks.publish import Publication
from tasks.reading.authority import ReadAuthority, read_authority
from tasks.reading.corrections import Correction, ReadCorrections, read_corrections, select_relabels
from tasks.reading.metadata import SkippedEntry
from tasks.reading.raw_store import RawStore
from tasks.rules import RulesVersions, find_versions
from tasks.text.repeated import find_version
from tasks.validate import ValidatedBatch
from warehouse.connection import connect_read_only
from warehouse.keys import make_id
from warehouse.ledger import LedgerRows, LedgerTables, finish_run, ledger_path, record_tables, recover_runs, start_run
from warehouse.releases import find_current_release
from warehouse.spool import Spool
from warehouse.tables import (
    EXPECTATION_RESULTS,
    OUTLET_LINES,
    QUARANTINED_ROWS,
    REJECTED_DOCUMENTS,
    SOURCE_DOCUMENTS,
    SOURCE_SIGHTINGS,
    SOURCE_STATES,
    WEB_PAGES,
    Table,
    tables_of,
)

_LISTS = {
    "new": RAW_SIGHTINGS_SCHEMA,
    "batched": {**RAW_SIGHTINGS_SCHEMA, "batch_no": pl.Int64(), "is_first": pl.Boolean()},
    "judged": {**RAW_SIGHTINGS_SCHEMA, "outcome": pl.String()},
    **{table.name: table.schema for table in tables_of("ledger")},
}
"""What waits in the spool of a run: the new sightings, those by batch, what became of them, and the rows for the ledger."""


@dataclass
class Job:
    """One run.

    All that grows with its sources waits on the disk until it ends: sightings and rows for the ledger in the spool,
    validated batches in Parquet files. `is_corrected`: other corrections hold than in the release before. `outdated` names the parts (`link`, `stories`,
    `publish`) of that release that other rules made; `made_by` are the versions of the rules of the one to come, by part.
    """

    settings: Settings
    run: Runner
    model: str
    versions: RulesVersions
    started_at: datetime
    report: BuildReport
    spool: Spool
    corrections: ReadCorrections = field(default_factory=ReadCorrections)
    authority: ReadAuthority = field(default_factory=ReadAuthority)
    is_corrected: bool = False
    outdated: frozenset[str] = frozenset()
    made_by: Mapping[str, str | None] = field(default_factory=dict)
    learned: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTLET_LINES.schema))
    batch_count: int = 0
    kept_count: int = 0
    article_count: int = 0

    @property
    def ledger(self) -> Path:
        """The ledger beside the warehouse."""
        return ledger_path(self.settings.warehouse)

    @property
    def store(self) -> RawStore:
        """The store of raw bytes."""
        return RawStore(self.settings.raw_dir)

    @property
    def relabels(self) -> tuple[Correction, ...]:
        """The corrections that say what a kind of line of an outlet is."""
        return select_relabels(self.corrections.corrections)

    @property
    def corrections_version(self) -> str | None:
        """The hash of the corrections and of the authority file; null when there are neither."""
        given = (self.corrections.corrections, self.authority.rows)
        return make_id(repr(given)) if any(given) else None

    @property
    def rules(self) -> str:
        """The version of the rules that judge a source: those of the facts, and the learned lines that bodies leave out."""
        version = find_version(self.learned)
        return make_id(self.versions.facts, version) if version else self.versions.facts

    @property
    def plan(self) -> BatchPlan:
        """What the batches are built by."""
        return BatchPlan(self.store, self.learned, self.relabels, self.started_at.date())

    @property
    def noted(self) -> LedgerRows:
        """What the run has to tell the ledger so far."""
        return _NotedRows(self)

    @property
    def new_count(self) -> int:
        """How many new sightings there are."""
        return self.spool.count("new")

    @property
    def withdrawn(self) -> pl.Series:
        """The articles that did not pass: where an earlier release holds them, by other rules, they leave it."""
        return self.spool.read("judged", "outcome <> 'loaded'").get_column("article_id")

    def add_new(self, sightings: pl.DataFrame) -> None:
        """Add sightings (RAW_SIGHTINGS_SCHEMA) that the run must work on."""
        self.spool.add("new", sightings)

    def plan_batches(self) -> None:
        """Part the new articles into batches, in the order in which they were seen; one that was seen in two places counts once."""
        self.spool.con.execute(
            """
            insert into batched by name
            with firsts as (select article_id, min(rowid) as first from new group by article_id),
            numbered as (select *, (row_number() over (order by first) - 1) // ? as batch_no from firsts)
            select new.*, batch_no, new.rowid = first as is_first
            from new inner join numbered using (article_id) order by batch_no, new.rowid
            """,
            [self.settings.batch_size],
        )
        [(count,)] = self.spool.con.execute("select coalesce(max(batch_no) + 1, 0) from batched").fetchall()
        self.batch_count = int(count)

    @property
    def has_work(self) -> bool:
        """Whether there is anything to publish: new facts, facts to withdraw, other corrections, or parts to make anew."""
        return bool(self.article_count or len(self.withdrawn) or self.is_corrected or self.outdated)

    def count_missing(self, documents: pl.DataFrame) -> int:
        """Count the documents (`document_id`) that are not among the new ones."""
        self.spool.con.register("wanted_documents", documents.select("document_id").unique())
        [(count,)] = self.spool.con.execute(
            "select count(*) from wanted_documents anti join new using (document_id)"
        ).fetchall()
        self.spool.con.unregister("wanted_documents")
        return int(count)

    def iterate_batches(self) -> Iterator[pl.DataFrame]:
        """Yield the sightings of each batch, one an article (RAW_SIGHTINGS_SCHEMA)."""
        for batch_no in range(self.batch_count):
            yield self._find_places(batch_no).filter("is_first").select(list(RAW_SIGHTINGS_SCHEMA))

    @property
    def seen_now(self) -> dict[str, datetime]:
        """The times of a sighting of this run."""
        return {"first_seen_at": self.started_at, "last_seen_at": self.started_at}

    def fill_rows(self, table: Table, frame: pl.DataFrame, **columns: Any) -> pl.DataFrame:
        """Return rows of a ledger table: `run_id`, `rules_version` and `columns` are filled in where it has them."""
        filled = {"run_id": self.report.run_id, "rules_version": self.rules, **columns}
        values = {name: pl.lit(value) for name, value in filled.items() if name in table.schema}
        return frame.with_columns(**values).select(table.column_names).cast(table.schema)

    def note(self, table: Table, frame: pl.DataFrame, **columns: Any) -> None:
        """Note rows for a ledger table, filled in as `fill_rows` does."""
        self.spool.add(table.name, self.fill_rows(table, frame, **columns))

    def note_seen(self, sightings: pl.DataFrame) -> None:
        """Note where documents were seen again, with the `outcome` that they had before."""
        self.note(SOURCE_SIGHTINGS, sightings, **self.seen_now)

    def note_scan(self, scan: ScannedSources) -> None:
        """Note what a scan rejected, what it found unchanged without reading it, and what the next scan goes by."""
        for rejected in scan.spool.iterate("rejected"):
            self.note_rejected(rejected)
        for unchanged in scan.spool.iterate("unchanged"):
            self.note_seen(unchanged)
        self.note(SOURCE_STATES, scan.states)
        self.note(WEB_PAGES, scan.pages)

    def _find_places(self, batch_no: int) -> pl.DataFrame:
        """Return all new sightings of the articles of a batch: an article may be seen in several places."""
        return self.spool.read("batched", f"batch_no = {batch_no}")

    def note_rejected(self, rejected: pl.DataFrame) -> None:
        """Note what did not get in, also in the report."""
        self.note(REJECTED_DOCUMENTS, rejected, rejected_at=self.started_at)
        self.report.note_rejected(rejected)

    def note_skipped(self, kind: str, skipped: tuple[SkippedEntry, ...]) -> None:
        """Note the corrections or rows of the authority (`kind`) that could not be used, each with file and line."""
        given = {"stage": kind, "reject_reason": f"malformed_{kind}"}
        rows = [{"source_uri": entry.metadata_uri, "detail": entry.detail, **given} for entry in skipped]
        frame = pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row")
        self.report.skipped += [f"{entry.metadata_uri}: {entry.detail}" for entry in skipped]
        self.note_rejected(frame.unique(["source_uri", "stage"], keep="first", maintain_order=True))

    def note_before(self, before: ReleaseCorrections, versions: Mapping[str, str | None]) -> None:
        """Note what the release before obeys and which rules made it (`versions`, empty without a release).

        So the run knows whether other corrections hold now, how many of that release's are gone, and what to make anew.
        """
        gone = set(before.outcomes["correction_id"]) - {one.correction_id for one in self.corrections.corrections}
        self.is_corrected = before.is_released and before.version != self.corrections_version
        self.outdated = frozenset(part for part, version in versions.items() if getattr(self.versions, part) != version)
        self.report.corrections = before.outcomes
        self.report.counts.update(corrections_undone=len(gone))

    def note_results(self, results: pl.DataFrame) -> None:
        """Note what the expectations found."""
        self.note(EXPECTATION_RESULTS, results)
        failed = results.filter(~pl.col("is_success"))
        self.report.counts["failed_expectations"] += failed.height

    def note_checks(self, built: BuiltBatch) -> None:
        """Note what cleaning rejected of a batch, what the expectations found, and the rows that went to quarantine."""
        self.report.add(built.report)
        self.note_rejected(built.rejected)
        self.note_results(built.validated.results)
        self.note(QUARANTINED_ROWS, built.validated.quarantined)
        self.report.counts["quarantined"] += built.validated.quarantined.height

    def keep_batch(self, built: BuiltBatch) -> None:
        """Keep the next validated batch until the run publishes, and note what became of its documents."""
        batch = built.validated
        places = self._find_places(self.kept_count).with_columns(outcome=_find_outcome(batch))
        self.note_checks(built)
        self.spool.add("judged", places)
        made_by = {"run_id": pl.lit(self.report.run_id), "rules_version": pl.lit(self.rules)}
        times = {name: pl.lit(at) for name, at in self.seen_now.items()}
        frames = {
            **batch.frames,
            "fact_articles": batch.frames["fact_articles"].with_columns(**made_by),
            SOURCE_DOCUMENTS.name: places.filter(pl.col("outcome") == "loaded").with_columns(
                **times, run_id=made_by["run_id"]
            ),
        }
        keep_batch(self._kept / f"{self.kept_count:06d}", frames)
        self.kept_count += 1
        self.article_count += frames["fact_articles"].height
        self.report.count_rows(batch.frames)

    @property
    def _kept(self) -> Path:
        return self.settings.staging / "batches"

    @property
    def kept_batches(self) -> list[Path]:
        """The folders of the kept batches, in order; there is none when only corrections changed."""
        return sorted(self._kept.iterdir()) if self._kept.is_dir() else []

    def stop_at_batch(self, built: BuiltBatch) -> BuildReport:
        """End the run because the next batch failed: its documents are not tried again until something changes.

        The documents of the other batches were neither published nor found wanting, so the next run takes them up.
        """
        self.note_checks(built)
        outcome = _find_outcome(built.validated)
        kept_out = pl.when(outcome == "rejected").then(outcome).otherwise(pl.lit("stopped"))
        self.spool.clear("judged")
        self.spool.add("judged", self._find_places(self.kept_count).with_columns(outcome=kept_out))
        return self._stop(built.validated.failures)

    def stop_at_audit(self, failures: tuple[str, ...]) -> BuildReport:
        """End the run because the staged release failed: no new document is tried again until something changes."""
        self.spool.con.execute("update judged set outcome = 'stopped'")
        return self._stop(failures)

    def _stop(self, failures: tuple[str, ...]) -> BuildReport:
        return self.finish("stopped", detail="failed " + ", ".join(failures))

    def finish(self, status: str, *, detail: str | None = None) -> BuildReport:
        """End the run and tell the ledger all about it."""
        self.report.status, self.report.detail = status, detail
        self._build_docs()
        record_tables(self.ledger, self.noted)
        finish_run(self.ledger, self.report.run_id, status=status, finished_at=datetime.now(UTC), **self.describe_end())
        return self.report

    def _build_docs(self) -> None:
        if not self.spool.count(EXPECTATION_RESULTS.name):
            return  # nothing was validated, and the pages of the last run that did stay
        with self.report.time_stage("docs"):
            results, quarantined = (self.spool.read(table.name) for table in (EXPECTATION_RESULTS, QUARANTINED_ROWS))
            self.report.docs = build_data_docs(
                results, quarantined, self.settings.docs_dir, self.report.run_id, self.started_at
            )

    def describe_publication(self) -> Publication:
        """Return what the release is told beside the facts: the ledger, with what becomes true by publishing."""
        return Publication(
            run_id=self.report.run_id,
            rules_version=self.rules,
            versions=self.made_by,
            onrecord_version=_find_version(),
            published_at=datetime.now(UTC),
            lines_version=find_version(self.learned),
            ledger=LedgerTables(self.ledger),
            pending=self.noted,
            run=self.describe_end(),
            corrections_version=self.corrections_version,
        )

    def describe_end(self) -> dict[str, Any]:
        """Return the columns of `pipeline_runs` that are known when a run ends."""
        counts = self.report.counts
        return {
            "found_count": counts["found"],
            "unchanged_count": counts["unchanged"],
            "article_count": counts["fact_articles"],
            "quote_count": counts["fact_quotes"],
            "rejected_count": self.report.rejected_count,
            "quarantined_count": counts["quarantined"],
            "release_id": self.report.release_id,
            "stage_seconds": json.dumps({name: round(value, 3) for name, value in self.report.stage_seconds.items()}),
            "detail": self.report.detail,
        }


@dataclass(frozen=True)
class _NotedRows:
    """The rows for the ledger that a run has noted so far, read from its spool whenever they are iterated."""

    job: Job

    def __iter__(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield (name of a ledger table, frame of some of its rows)."""
        for table in tables_of("ledger"):
            for rows in self.job.spool.iterate(table.name):
                yield table.name, rows
        for rows in self.job.spool.iterate("judged"):
            yield SOURCE_SIGHTINGS.name, self.job.fill_rows(SOURCE_SIGHTINGS, rows, **self.job.seen_now)


def _find_outcome(batch: ValidatedBatch) -> pl.Expr:
    """What became of a document: loaded, in quarantine, or rejected by the cleaning."""
    quarantined = batch.quarantined.filter(pl.col("table_name") == "fact_articles")["row_key"]
    return (
        pl.when(pl.col("article_id").is_in(batch.frames["fact_articles"]["article_id"].implode()))
        .then(pl.lit("loaded"))
        .when(pl.col("article_id").is_in(quarantined.implode()))
        .then(pl.lit("quarantined"))
        .otherwise(pl.lit("rejected"))
    )


def _find_version() -> str:
    try:
        return version("onrecord")
    except PackageNotFoundError:
        return "0+checkout"  # run from a checkout that nobody installed


@contextmanager
def open_job(settings: Settings, run: Runner, flow_name: str = "build-warehouse") -> Iterator[Job]:
    """Start a run under the lock of the warehouse; one that ends by an error is closed as failed in the ledger.

    What a killed run left behind, in the ledger and in the staging folder, is put right first.
    """
    now = datetime.now(UTC)
    model = choose_model(settings.engine, settings.spacy_model, settings.fast_model)
    versions = find_versions(describe_model(model))
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    corrections, authority = read_corrections(settings.corrections), read_authority(settings.authority)
    report = BuildReport(run_id=run_id, warehouse=settings.warehouse, started_at=now)
    _recover(settings, now)
    spool = Spool(_LISTS, settings.staging / "run.duckdb")
    job = Job(settings, run, model, versions, now, report, spool, corrections, authority, made_by=versions.of_corpus)
    start_run(
        job.ledger, run_id=run_id, flow_name=flow_name, started_at=now, sources=list(settings.sources),
        batch_size=settings.batch_size, rules_version=job.rules,
    )  # fmt: skip
    try:
        job.note_skipped("correction", corrections.skipped)
        job.note_skipped("authority", authority.skipped)
        with collect_rarely():
            yield job
    except BaseException as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        finish_run(job.ledger, run_id, status="failed", finished_at=datetime.now(UTC), detail=detail)
        raise
    finally:
        spool.close()
        shutil.rmtree(settings.staging, ignore_errors=True)


def _recover(settings: Settings, now: datetime) -> None:
    shutil.rmtree(settings.staging, ignore_errors=True)
    is_released = find_current_release(settings.warehouse) is not None
    release = connect_read_only(settings.warehouse) if is_released else None
    try:
        recover_runs(ledger_path(settings.warehouse), release, now)
    finally:
        if release is not None:
            release.close()
