"""What a build did: counts, rejections and times, for the ledger, the artifacts and the closing summary."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

import polars as pl

from warehouse.tables import CORRECTIONS, REJECTED_DOCUMENTS

MAX_SHOWN = 500
"""Rejected documents that a report keeps: they are for the eye, the whole list is in `rejected_documents`."""

STAGES = {
    "imports": "import of the flow and its stages",
    "server": "wait for the Prefect server, which starts beside the imports where there is no other",
    "find": "sources found, read and compared with the ledger",
    "lines": "lines that outlets repeat: those of the release, or learned by the first build",
    "libraries": "wait for spaCy and Great Expectations, which are imported while the server starts",
    "ingest": "raw documents",
    "clean": "articles, labelled segments",
    "annotate": "paragraphs, their syntax and names",
    "quotes": "quotes and statements",
    "entities": "mentions and the entities of each document",
    "occasions": "when, where and to whom, joint speakers, relays, those spoken about",
    "validate": "expectations on rows, quarantine",
    "load": "validated batches into the staged release",
    "link": "entities of the corpus, their ids in all facts",
    "stories": "copies, stories, utterances, origins",
    "publish": "marts, audit, release",
    "docs": "Data Docs of all expectations",
}
"""Stage -> what it gives, in the order of the run."""


@dataclass
class StageReport:
    """What stages did: rows by `stage.what`; wall time, and CPU time of the process that ran them, in seconds by stage."""

    counts: Counter[str] = field(default_factory=Counter)
    stage_seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time_stage(self, stage: str) -> Iterator[None]:
        """Add the time of the block to `stage`."""
        wall, cpu = perf_counter(), process_time()
        try:
            yield
        finally:
            self._add_time(stage, perf_counter() - wall, process_time() - cpu)

    def count_stages(self, frames: dict[str, dict[str, pl.DataFrame]]) -> None:
        """Add the rows that each stage gave, under `stage.what`, for the table of counts per stage."""
        for stage, given in frames.items():
            self.counts.update({f"{stage}.{name}": frame.height for name, frame in given.items()})

    def add(self, other: "StageReport") -> None:
        """Add what stages did elsewhere; the time of several processes is summed up."""
        self.counts.update(other.counts)
        for stage, seconds in other.stage_seconds.items():
            self._add_time(stage, seconds, other.cpu_seconds.get(stage, 0.0))

    def _add_time(self, stage: str, wall: float, cpu: float) -> None:
        self.stage_seconds[stage] = self.stage_seconds.get(stage, 0.0) + wall
        self.cpu_seconds[stage] = self.cpu_seconds.get(stage, 0.0) + cpu


@dataclass(kw_only=True)
class BuildReport(StageReport):
    """What one build did. Counts are of this run; `stage_seconds` has keys of `STAGES`.

    `rejected` (REJECTED_SCHEMA) are the first `MAX_SHOWN` that did not get in; all of them are in the ledger.
    """

    run_id: str
    warehouse: Path
    started_at: datetime
    status: str = "running"
    release_id: str | None = None
    detail: str | None = None
    docs: Path | None = None
    rejected: pl.DataFrame = field(default_factory=REJECTED_DOCUMENTS.schema.to_frame)
    rejected_by_reason: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    corrections: pl.DataFrame = field(default_factory=CORRECTIONS.schema.to_frame)

    def count_rows(self, frames: dict[str, pl.DataFrame]) -> None:
        """Add the rows of stored tables to the counts, by table, and how many quotes have a speaker."""
        self.counts.update({name: frame.height for name, frame in frames.items()})
        if "fact_quotes" in frames:
            self.counts["attributed_quotes"] += frames["fact_quotes"]["speaker_text"].drop_nulls().len()

    def count_loaded(self, counts: Mapping[str, int]) -> None:
        """Add the rows that loading wrote or deleted, by table."""
        self.counts.update({f"load.{name}": count for name, count in counts.items() if count})

    def note_rejected(self, rejected: pl.DataFrame) -> None:
        """Count what did not get in by reason, and keep the first ones to show."""
        self.rejected_by_reason.update(rejected["reject_reason"])
        names = [name for name in self.rejected.columns if name in rejected.columns]
        shown = rejected.head(MAX_SHOWN - self.rejected.height)
        self.rejected = pl.concat([self.rejected.select(names), shown.select(names)])

    @property
    def rejected_count(self) -> int:
        """How many did not get in: sources, entries of metadata, documents."""
        return self.rejected_by_reason.total()

    @property
    def refused(self) -> list[str]:
        """The corrections that contradict each other, each with file, line and why it was refused."""
        refused = self.corrections.filter(pl.col("outcome") == "refused")
        return [f"{file}:{line}: {why}" for file, line, why in refused.select("file", "line_no", "detail").iter_rows()]

    @property
    def exit_code(self) -> int:
        """0 done; 3 stopped by validation; 4 when something was skipped: a source, an entry of metadata, a correction."""
        if self.status == "stopped":
            return 3
        return 4 if self.counts["unread"] or self.skipped or self.refused else 0


class StoppedByValidation(Exception):  # noqa: N818
    """An expectation on a whole batch or release failed: nothing of the run was published. `report` says which."""

    def __init__(self, report: BuildReport) -> None:
        """Keep the report of the run that was stopped."""
        super().__init__(f"stopped by validation: {report.detail}")
        self.report = report


def require_success(report: BuildReport) -> BuildReport:
    """Return the report of a run; raises `StoppedByValidation` if validation stopped it."""
    if report.status == "stopped":
        raise StoppedByValidation(report)
    return report


def describe_outcomes(corrections: pl.DataFrame) -> str:
    """Return in words how many of the corrections (CORRECTIONS) had which outcome."""
    words = {
        "applied": "applied", "held": "change nothing", "stale": "no longer match anything", "refused": "refused",
    }  # fmt: skip
    counts = Counter(corrections["outcome"])
    return ", ".join(f"{counts[outcome]:,} {told}" for outcome, told in words.items() if counts[outcome])


def _summarize_corrections(report: BuildReport) -> list[tuple[str, str]]:
    stale = report.corrections.filter(pl.col("outcome") == "stale")
    lines = [("corrections", describe_outcomes(report.corrections))] if report.corrections.height else []
    if report.counts["corrections_undone"]:
        lines.append(("undone", f"{report.counts['corrections_undone']:,} corrections of the release before"))
    if report.counts["relabels_waiting"]:
        lines.append(
            ("to clean", f"{report.counts['relabels_waiting']:,} articles wait for a build with their sources")
        )
    lines += [
        ("stale", f"{file}:{line}: {why}") for file, line, why in stale.select("file", "line_no", "detail").iter_rows()
    ]
    lines += [("refused", told) for told in report.refused]
    return [*lines, *(("skipped", told) for told in report.skipped)]


def summarize_build(report: BuildReport) -> list[tuple[str, str]]:
    """Return the closing summary: a name and a value a line."""
    counts = report.counts
    quotes, attributed, stopped = counts["fact_quotes"], counts["attributed_quotes"], counts["stopped_before"]
    frequent = sorted(report.rejected_by_reason.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in frequent)
    lines = [
        ("warehouse", str(report.warehouse)),
        ("result", report.status + (f", release {report.release_id}" if report.release_id else "")),
        ("articles", f"{counts['fact_articles']:,}"),
        ("quotes", f"{quotes:,}" + (f", {attributed / quotes:.0%} with a speaker" if quotes else "")),
        ("entities", f"{counts['entities']:,} in the warehouse, {counts['fact_entity_mentions']:,} new mentions"),
        ("rejected", f"{report.rejected_count:,}" + (f": {reasons}" if reasons else "")),
        ("unchanged", f"{counts['unchanged']:,}"),
        *([("waiting", f"{counts['waiting']:,} changed in the last seconds")] if counts["waiting"] else []),
        *([("stopped", f"{stopped:,} by an earlier build (--retry-stopped)")] if stopped else []),
        ("quarantined", f"{counts['quarantined']:,} rows"),
        *_summarize_corrections(report),
    ]
    times = ", ".join(f"{stage} {report.stage_seconds[stage]:.1f}" for stage in STAGES if stage in report.stage_seconds)
    return [*lines, ("seconds", times)]
