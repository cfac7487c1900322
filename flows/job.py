"""One run of a build: what it knows, the batches that it keeps until it publishes, and what it tells the ledger."""

import json
import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

import polars as pl
from prefect import Task

from expectations.data_docs import build_data_docs
from flows.corrections import ReleaseCorrections
from flows.report import BuildReport
from flows.settings import Settings
from tasks.annotation.annotator import choose_model, describe_model
from tasks.ingest import REJECTED_SCHEMA, ScannedSources
from tasks.publish import Publication
from tasks.reading.authority import ReadAuthority, read_authority
from tasks.reading.corrections import Correction, ReadCorrections, read_corrections, select_relabels
from tasks.reading.metadata import SkippedEntry
from tasks.reading.raw_store import RawStore
from tasks.rules import rules_version
from tasks.text.repeated import find_version
from tasks.validate import ValidatedBatch
from warehouse.connection import connect_read_only
from warehouse.keys import make_id
from warehouse.ledger import finish_run, ledger_path, read_ledger_tables, record_tables, recover_runs, start_run
from warehouse.releases import find_current_release
from warehouse.tables import (
    EXPECTATION_RESULTS,
    OUTLET_LINES,
    QUARANTINED_ROWS,
    REJECTED_DOCUMENTS,
    SOURCE_DOCUMENTS,
    SOURCE_SIGHTINGS,
    SOURCE_STATES,
    TABLES,
    WEB_PAGES,
    Table,
)

P = ParamSpec("P")
R = TypeVar("R")

_TABLES = {table.name: table for table in TABLES}


class Runner(Protocol):
    """Runs a task on its arguments."""

    def __call__(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the task returns."""
        ...


def run_tracked(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run the task with Prefect, which tracks it as a task run of the flow."""
    return task(*args, **kwargs)


def run_directly(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run the function under the task, without Prefect."""
    return task.fn(*args, **kwargs)


@dataclass
class Job:
    """One run. Rows for the ledger are collected and written when it ends; validated batches wait in Parquet files.

    `is_corrected`: other corrections hold than in the release before. `withdrawn` are the articles that did not pass: where an earlier release holds them, by other rules, they leave it.
    """

    settings: Settings
    run: Runner
    model: str
    rules: str
    started_at: datetime
    report: BuildReport
    corrections: ReadCorrections = field(default_factory=ReadCorrections)
    authority: ReadAuthority = field(default_factory=ReadAuthority)
    is_corrected: bool = False
    new: pl.DataFrame = field(default_factory=pl.DataFrame)
    learned: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTLET_LINES.schema))
    batch_count: int = 0
    article_count: int = 0
    withdrawn: list[str] = field(default_factory=list)
    _judged: list[pl.DataFrame] = field(default_factory=list)
    _ledger_rows: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))

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
    def ledger_frames(self) -> dict[str, pl.DataFrame]:
        """What the run has to tell the ledger so far, by table."""
        return {name: pl.concat(frames) for name, frames in self._ledger_rows.items()}

    def use_lines(self, learned: pl.DataFrame) -> None:
        """Leave the learned lines (OUTLET_LINES) out of bodies; their version is part of the rules that judge a source."""
        self.learned = learned
        if version := find_version(learned):
            self.rules = make_id(self.rules, version)

    def note(self, table: Table, frame: pl.DataFrame, **columns: Any) -> None:
        """Collect rows for a ledger table; `run_id`, `rules_version` and `columns` are filled in where it has them."""
        filled = {"run_id": self.report.run_id, "rules_version": self.rules, **columns}
        values = {name: pl.lit(value) for name, value in filled.items() if name in table.schema}
        rows = frame.with_columns(**values).select(table.column_names).cast(table.schema)
        self._ledger_rows[table.name].append(rows)

    def note_seen(self, sightings: pl.DataFrame) -> None:
        """Note where documents were seen again, with the `outcome` that they had before."""
        self.note(SOURCE_SIGHTINGS, sightings, first_seen_at=self.started_at, last_seen_at=self.started_at)

    def note_scan(self, scan: ScannedSources) -> None:
        """Note what a scan rejected, what it found unchanged without reading it, and what the next scan goes by."""
        self.note_rejected(scan.rejected)
        self.note_seen(scan.unchanged)
        self.note(SOURCE_STATES, scan.states)
        self.note(WEB_PAGES, scan.pages)

    def _find_places(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return all new sightings of the articles of a batch: an article may be seen in several places."""
        return self.new.join(batch.select("article_id"), on="article_id", how="semi", maintain_order="left")

    def note_rejected(self, rejected: pl.DataFrame) -> None:
        """Note what did not get in, also in the report."""
        self.note(REJECTED_DOCUMENTS, rejected, rejected_at=self.started_at)
        self.report.rejected = pl.concat([self.report.rejected, rejected]) if self.report.rejected.width else rejected

    def note_skipped(self, kind: str, skipped: tuple[SkippedEntry, ...]) -> None:
        """Note the corrections or rows of the authority (`kind`) that could not be used, each with file and line."""
        given = {"stage": kind, "reject_reason": f"malformed_{kind}"}
        rows = [{"source_uri": entry.metadata_uri, "detail": entry.detail, **given} for entry in skipped]
        frame = pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row")
        self.report.skipped += [f"{entry.metadata_uri}: {entry.detail}" for entry in skipped]
        self.note_rejected(frame.unique(["source_uri", "stage"], keep="first", maintain_order=True))

    def note_corrections(self, before: ReleaseCorrections) -> None:
        """Note what the release before obeys: whether other corrections hold now, and how many of its are gone."""
        gone = set(before.outcomes["correction_id"]) - {one.correction_id for one in self.corrections.corrections}
        self.is_corrected = before.is_released and before.version != self.corrections_version
        self.report.corrections = before.outcomes
        self.report.counts.update(corrections_undone=len(gone))

    def note_results(self, results: pl.DataFrame) -> None:
        """Note what the expectations found."""
        self.note(EXPECTATION_RESULTS, results)
        failed = results.filter(~pl.col("is_success"))
        self.report.counts["failed_expectations"] += failed.height

    def note_checks(self, batch: ValidatedBatch) -> None:
        """Note what the expectations found in a batch, and the rows that went to quarantine."""
        self.note_results(batch.results)
        self.note(QUARANTINED_ROWS, batch.quarantined)
        self.report.counts["quarantined"] += batch.quarantined.height

    def keep_batch(self, sightings: pl.DataFrame, batch: ValidatedBatch) -> None:
        """Keep a validated batch until the run publishes, and note what became of its documents."""
        outcome = _find_outcome(batch)
        places = self._find_places(sightings).with_columns(outcome=outcome)
        self.note_checks(batch)
        self._judged.append(places)
        self.withdrawn += places.filter(pl.col("outcome") != "loaded").get_column("article_id").to_list()
        made_by = {"run_id": pl.lit(self.report.run_id), "rules_version": pl.lit(self.rules)}
        times = {name: pl.lit(self.started_at) for name in ("first_seen_at", "last_seen_at")}
        frames = {
            **batch.frames,
            "fact_articles": batch.frames["fact_articles"].with_columns(**made_by),
            SOURCE_DOCUMENTS.name: places.filter(pl.col("outcome") == "loaded").with_columns(
                **times, run_id=made_by["run_id"]
            ),
        }
        folder = self.settings.staging / f"{self.batch_count:06d}"
        folder.mkdir(parents=True)
        for name, frame in frames.items():
            table = _TABLES[name]
            rows = frame.select(table.column_names).cast(table.schema)
            rows.write_parquet(folder / f"{name}.parquet")
        self.batch_count += 1
        self.article_count += frames["fact_articles"].height
        self.report.count_rows(batch.frames)

    def read_batches(self) -> Iterator[dict[str, pl.DataFrame]]:
        """Yield the kept batches, one at a time: table name -> rows."""
        staging = self.settings.staging
        for folder in (
            sorted(staging.iterdir()) if staging.is_dir() else ()
        ):  # there is none when only corrections changed
            yield {path.stem: pl.read_parquet(path) for path in sorted(folder.iterdir())}

    def stop_at_batch(self, sightings: pl.DataFrame, batch: ValidatedBatch) -> BuildReport:
        """End the run because a batch failed: its documents are not tried again until something changes.

        The documents of the other batches were neither published nor found wanting, so the next run takes them up.
        """
        self.note_checks(batch)
        outcome = _find_outcome(batch)
        kept_out = pl.when(outcome == "rejected").then(outcome).otherwise(pl.lit("stopped"))
        return self._stop(self._find_places(sightings).with_columns(outcome=kept_out), batch.failures)

    def stop_at_audit(self, failures: tuple[str, ...]) -> BuildReport:
        """End the run because the staged release failed: no new document is tried again until something changes."""
        return self._stop(self.new.with_columns(outcome=pl.lit("stopped")), failures)

    def _stop(self, judged: pl.DataFrame, failures: tuple[str, ...]) -> BuildReport:
        new = self.new.select("document_id", "source_uri")
        noted = self._ledger_rows[SOURCE_SIGHTINGS.name]
        self._ledger_rows[SOURCE_SIGHTINGS.name] = [
            rows.join(new, on=new.columns, how="anti", maintain_order="left") for rows in noted
        ]
        self._judged = [judged]
        return self.finish("stopped", detail="failed " + ", ".join(failures))

    def finish(self, status: str, *, detail: str | None = None) -> BuildReport:
        """End the run and tell the ledger all about it."""
        self.report.status, self.report.detail = status, detail
        self.note_judged()
        self._build_docs()
        record_tables(self.ledger, self.ledger_frames)
        finish_run(self.ledger, self.report.run_id, status=status, finished_at=datetime.now(UTC), **self.describe_end())
        return self.report

    def _build_docs(self) -> None:
        frames = self.ledger_frames
        if EXPECTATION_RESULTS.name not in frames:
            return  # nothing was validated, and the pages of the last run that did stay
        with self.report.time_stage("docs"):
            results = frames[EXPECTATION_RESULTS.name]
            quarantined = frames.get(QUARANTINED_ROWS.name, QUARANTINED_ROWS.schema.to_frame())
            self.report.docs = build_data_docs(
                results, quarantined, self.settings.docs_dir, self.report.run_id, self.started_at
            )

    def note_judged(self) -> None:
        """Note the outcomes of the documents that the run judged; once, when no later batch can take them back."""
        for places in self._judged:
            self.note_seen(places)
        self._judged = []

    def describe_publication(self) -> Publication:
        """Return what the release is told beside the facts: the ledger, with what becomes true by publishing."""
        self.note_judged()
        return Publication(
            run_id=self.report.run_id,
            rules_version=self.rules,
            onrecord_version=_find_version(),
            published_at=datetime.now(UTC),
            lines_version=find_version(self.learned),
            ledger=read_ledger_tables(self.ledger),
            pending=self.ledger_frames,
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
            "rejected_count": self.report.rejected.height,
            "quarantined_count": counts["quarantined"],
            "release_id": self.report.release_id,
            "stage_seconds": json.dumps({name: round(value, 3) for name, value in self.report.stage_seconds.items()}),
            "detail": self.report.detail,
        }


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
    rules = rules_version(describe_model(model))
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    corrections, authority = read_corrections(settings.corrections), read_authority(settings.authority)
    report = BuildReport(run_id, settings.warehouse, now)
    job = Job(settings, run, model, rules, now, report, corrections, authority)
    _recover(settings, now)
    start_run(
        job.ledger, run_id=run_id, flow_name=flow_name, started_at=now, sources=list(settings.sources),
        batch_size=settings.batch_size, rules_version=rules,
    )  # fmt: skip
    try:
        job.note_skipped("correction", corrections.skipped)
        job.note_skipped("authority", authority.skipped)
        yield job
    except BaseException as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        finish_run(job.ledger, run_id, status="failed", finished_at=datetime.now(UTC), detail=detail)
        raise
    finally:
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
