"""A release -> the next one, with the lines that its outlets repeat learned anew. The next build judges its sources by them."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from prefect import flow

from flows.job import Job, open_job
from flows.report import BuildReport, require_success
from flows.runners import Runner, run_directly, run_tracked
from flows.settings import Settings, load_settings
from tasks.clean import clean_batch
from tasks.ingest import RAW_SIGHTINGS_SCHEMA, ingest_batch
from tasks.publish import publish_warehouse, read_lines, read_release_versions, store_lines
from tasks.text.repeated import LINES_SCHEMA, collect_lines, find_version, learn_lines, version_lines
from warehouse.connection import connect_read_only
from warehouse.ddl import read_matching
from warehouse.releases import lock_warehouse, stage_release
from warehouse.spool import Spool
from warehouse.tables import ARTICLE_SEGMENTS, OUTLET_LINES


@dataclass(frozen=True)
class LearnedLines:
    """What was learned: OUTLET_LINES of one version, and the report of the run."""

    lines: pl.DataFrame
    report: BuildReport


@flow(name="learn-lines", persist_result=False, validate_parameters=False)
def learn_outlet_lines(warehouse: str | None = None, data_dir: str | None = None) -> LearnedLines:
    """Learn the lines that outlets print with any article from the current release, and publish a release that names them.

    Bodies stay as they are until a build sees their sources again: it judges them by the new lines.

    Args:
        warehouse: The warehouse file; by default `ONRECORD_WAREHOUSE`, else `data/news.duckdb`.
        data_dir: Where Data Docs are kept; by default `ONRECORD_DATA_DIR`, else `data`.

    Returns:
        The lines, and the report of the run: `unchanged` when the release names them already.

    Raises:
        StoppedByValidation: If an expectation on the release failed; the warehouse stays as it was.
        WarehouseError: If there is no release, or the warehouse is being built by another process or is not ours.
    """
    return learn(load_settings(warehouse=warehouse, data_dir=data_dir), run_tracked)


def learn_directly(settings: Settings) -> LearnedLines:
    """Do the same without Prefect; raises as `learn_outlet_lines` does."""
    return learn(settings, run_directly)


def learn(settings: Settings, run: Runner) -> LearnedLines:
    """Learn under the lock of the warehouse; whatever happens, the ledger knows how the run ended."""
    connect_read_only(settings.warehouse).close()  # says what is wrong before a run is begun
    with lock_warehouse(settings.warehouse), open_job(settings, run, "learn-lines") as job:
        before = find_version(read_learned_lines(settings.warehouse))
        job.learned = learn_from_release(settings.warehouse)
        # nothing is linked
        job.made_by = {**read_release_versions(settings.warehouse), "publish": job.versions.publish}
        report = job.finish("unchanged") if find_version(job.learned) == before else publish(job)
    return LearnedLines(job.learned, require_success(report))


def read_learned_lines(warehouse: Path) -> pl.DataFrame:
    """Return OUTLET_LINES that the current release of `warehouse` names; none for a release that is older than the table."""
    con = connect_read_only(warehouse)
    try:
        return read_lines(con)
    finally:
        con.close()


def learn_from_release(warehouse: Path, *, most: int = 5_000) -> pl.DataFrame:
    """Learn OUTLET_LINES from the segments of the articles of each outlet of the current release.

    Of an outlet with more than `most` articles those with the smallest ids are read, which are hashes: a sample.
    """
    learned = [pl.DataFrame(schema=OUTLET_LINES.schema)]
    columns = ["article_id", "label", "reason", "text"]
    con = connect_read_only(warehouse)
    try:
        outlets = con.execute(
            "select distinct outlet from fact_articles where outlet is not null order by all"
        ).fetchall()
        for (outlet,) in outlets:
            articles = con.sql(
                "select article_id, outlet, body_sha256 from fact_articles where outlet = ? order by article_id limit ?",
                params=[outlet, most],
            ).pl()
            segments = read_matching(con, ARTICLE_SEGMENTS, articles.select("article_id")).select(columns).sort(columns)
            learned.append(learn_lines(collect_lines(articles, segments)))
    finally:
        con.close()
    return version_lines(pl.concat(learned))


def learn_from_sample(job: Job, scanned: Spool, *, most: int = 20_000) -> pl.DataFrame:
    """Learn OUTLET_LINES from the documents of a first build, before any of them is labelled.

    From all that were scanned, or the `most` with the smallest ids: a sample that does not depend on their order.
    """
    scanned.fill("sample", f"from sightings order by article_id, rowid limit {most}", like="sightings")
    lines = [pl.DataFrame(schema=LINES_SCHEMA)]
    for sightings in scanned.iterate("sample", rows=job.settings.batch_size):
        batch = sightings.select(list(RAW_SIGHTINGS_SCHEMA)).unique("article_id", keep="first", maintain_order=True)
        cleaned = job.run(clean_batch, job.run(ingest_batch, batch, job.store))
        lines.append(collect_lines(cleaned.articles, cleaned.segments))
    return learn_lines(pl.concat(lines))


def publish(job: Job) -> BuildReport:
    """Publish a release that has the learned lines and names their version."""
    with stage_release(job.settings.warehouse) as staged:
        store_lines(staged.con, job.learned)
        published = job.run(publish_warehouse, staged, job.describe_publication(), 1)
    job.note_results(published.results)
    job.report.release_id = published.release_id
    if published.status == "stopped":
        return job.stop_at_audit(published.failures)
    return job.finish(published.status)
