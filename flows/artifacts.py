"""The report of a build as Prefect artifacts, which the UI shows on the page of the run."""

from typing import Any

import polars as pl
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.report import STAGES, BuildReport, describe_outcomes


def publish_artifacts(report: BuildReport) -> None:
    """Publish the counts and times per stage, the rejections with their reasons, a summary and a link to the Data Docs.

    Their keys stay the same over the runs, so that the UI shows how they developed.
    """
    create_table_artifact(key="build-stages", table=tabulate_stages(report), description="Rows and seconds per stage")
    rejected = report.rejected.select("source_uri", "stage", "reject_reason", "detail")
    create_table_artifact(
        key="build-rejections",
        table=rejected.to_dicts() or [{"source_uri": "nothing was rejected"}],
        description=f"{report.rejected_count} sources or metadata entries that did not get in",
    )
    create_markdown_artifact(key="build-summary", markdown=write_summary(report), description="The build in words")
    if report.docs is not None:
        create_link_artifact(key="build-data-docs", link=report.docs.as_uri(), link_text="Data Docs of this build")


def tabulate_stages(report: BuildReport) -> list[dict[str, Any]]:
    """Return a row a stage, in the order of the run: what it gives, how many rows, how many seconds."""
    return [
        {
            "stage": stage,
            "gives": gives,
            "rows": _count_stage(report, stage),
            "seconds": round(report.stage_seconds[stage], 2),
        }
        for stage, gives in STAGES.items()
        if stage in report.stage_seconds
    ]


def _count_stage(report: BuildReport, stage: str) -> str:
    prefix = f"{stage}."
    counts = {name.removeprefix(prefix): n for name, n in report.counts.items() if name.startswith(prefix)}
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())


def write_summary(report: BuildReport) -> str:
    """Return the build in Markdown: how it ended, what is new, what was left out."""
    counts = report.counts
    lines = [
        f"# Build {report.status}",
        *([f"**{report.detail}**", ""] if report.detail else []),
        f"- warehouse `{report.warehouse}`" + (f", release `{report.release_id}`" if report.release_id else ""),
        f"- {counts['found']:,} documents found: {counts['new']:,} new or changed, {counts['unchanged']:,} unchanged, "
        f"{counts['waiting']:,} too young, {counts['stopped_before']:,} stopped by an earlier run",
        f"- {counts['fact_articles']:,} articles, {counts['fact_quotes']:,} quotes "
        f"({counts['attributed_quotes']:,} with a speaker), {counts['document_entities']:,} entities in documents",
        f"- {report.rejected_count:,} rejected, {counts['quarantined']:,} rows in quarantine",
    ]
    if report.corrections.height:
        lines.append(f"- corrections: {describe_outcomes(report.corrections)}")
    told = report.corrections.filter(pl.col("outcome").is_in(["stale", "refused"]))
    lines += [
        f"  - `{row['file']}:{row['line_no']}` {row['outcome']}: {row['detail']}" for row in told.iter_rows(named=True)
    ]
    lines += [f"  - skipped `{skipped}`" for skipped in report.skipped]
    if report.docs is not None:
        lines.append(f"- [Data Docs]({report.docs.as_uri()}): `{report.docs}`")
    return "\n".join(lines)
