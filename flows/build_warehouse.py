"""Sources -> a new release of the warehouse. `build` reads from top to bottom like the list of the stages."""

import time
from collections import Counter
from collections.abc import Iterator

import polars as pl
from prefect import flow

from flows.artifacts import publish_artifacts
from flows.build_batch import BuiltBatch, build_batch
from flows.corrections import find_anew, read_release_corrections
from flows.job import Job, open_job
from flows.learn_lines import learn_from_sample, read_learned_lines
from flows.libraries import preload_libraries
from flows.progress import tell_progress
from flows.report import BuildReport, require_success
from flows.runners import Runner, run_directly, run_tracked
from flows.settings import Settings, create_default_inbox, load_settings
from flows.workers import MIN_ARTICLES, EngineChoice, build_in_processes
from tasks.annotation.annotator import open_annotator
from tasks.ingest import RAW_SIGHTINGS_SCHEMA, scan_sources, select_new
from tasks.link import link_warehouse
from tasks.load import delete_articles, load_batches
from tasks.publish import publish_warehouse, read_release_versions, store_lines
from tasks.reading.known import LedgerSources
from tasks.reading.sources import find_sources
from tasks.stories import relate_warehouse
from warehouse.ledger import read_known_sightings, read_ledger
from warehouse.releases import lock_warehouse, stage_release

REJECTED_BEFORE = "from source_sightings where outcome = 'rejected'"


@flow(name="build-warehouse", persist_result=False, validate_parameters=False)
def build_warehouse(
    sources: list[str] | None = None,
    warehouse: str | None = None,
    batch_size: int | None = None,
    retry_stopped: bool = False,
    data_dir: str | None = None,
    min_age_seconds: float | None = None,
    corrections: str | None = None,
    authority: str | None = None,
    fields: dict[str, str] | str | None = None,
    engine: str | None = None,
) -> BuildReport:
    """Read news texts and publish a new release of the warehouse; what was built before and has not changed is skipped.

    Args:
        sources: Files, folders, patterns and addresses; by default `ONRECORD_SOURCES`, else `data/inbox`.
        warehouse: The warehouse file; by default `ONRECORD_WAREHOUSE`, else `data/news.duckdb`.
        batch_size: Articles in a batch.
        retry_stopped: Try again the sources that validation stopped in an earlier run.
        data_dir: Where raw bytes and caches are kept; by default `ONRECORD_DATA_DIR`, else `data`.
        min_age_seconds: Files changed within this time wait for the next run; by default 10.
        corrections: The folder of corrections; by default `ONRECORD_CORRECTIONS`, else `corrections` when it is there.
        authority: The folder of the authority file; by default `ONRECORD_AUTHORITY`, else `authority` when it is there.
        fields: Role -> field of records, or the TOML file that says so; by default `ONRECORD_FIELDS`, else common names.
        engine: What reads sentences, `accurate`, `fast` or `none`; by default `ONRECORD_ENGINE`, else `accurate`.

    Returns:
        The report of the run, which is also published as artifacts.

    Raises:
        StoppedByValidation: If an expectation on a whole batch or on the release failed; the warehouse stays as it was.
        UsageError: If a source does not exist or a setting is wrong.
        WarehouseError: If the warehouse is being built by another process, is not ours or is newer than this software.
    """
    settings = load_settings(
        sources=sources, warehouse=warehouse, batch_size=batch_size, retry_stopped=retry_stopped, data_dir=data_dir,
        min_age_seconds=min_age_seconds, corrections=corrections, authority=authority, fields=fields, engine=engine,
    )  # fmt: skip
    create_default_inbox(settings)
    report = build(settings, run_tracked)
    publish_artifacts(report)
    return require_success(report)


def build_directly(settings: Settings) -> BuildReport:
    """Run the same stages without Prefect; raises as `build_warehouse` does."""
    return require_success(build(settings, run_directly))


def build(settings: Settings, run: Runner) -> BuildReport:
    """Run all stages under the lock of the warehouse; whatever happens, the ledger knows how the run ended."""
    with lock_warehouse(settings.warehouse), open_job(settings, run) as job:
        find_documents(job)
        return build_and_publish(job)


def build_and_publish(job: Job) -> BuildReport:
    """Build the new documents of a job batch by batch, and publish a release with them; end the run."""
    for batch_no, built in enumerate(build_batches(job)):
        tell_progress("batches", batch_no, job.batch_count)
        if built.validated.is_stopped:
            return job.stop_at_batch(built)
        job.keep_batch(built)
    tell_progress("batches", job.batch_count, job.batch_count)
    return publish(job) if job.has_work else job.finish("unchanged")


def find_documents(job: Job) -> None:
    """Find and read all sources; the new ones are for the job, what was judged before is only noted as seen again."""
    settings, report = job.settings, job.report
    with report.time_stage("find"):
        found = find_sources(
            settings.sources, max_bytes=settings.max_bytes, min_age_seconds=settings.min_age_seconds, now=time.time()
        )
        before = read_release_corrections(settings.warehouse, job.relabels)
        anew = find_anew(before, read_ledger(job.ledger, REJECTED_BEFORE), job.relabels)
        job.note_before(before, read_release_versions(settings.warehouse))
    if before.is_released:
        with report.time_stage("lines"):
            job.learned = read_learned_lines(settings.warehouse)
    with report.time_stage("find"):
        known = LedgerSources(
            states=read_ledger(job.ledger, "from source_states"), pages=read_ledger(job.ledger, "from web_pages"),
            now=job.started_at, ledger=job.ledger, rules=job.rules, anew=anew, is_released=before.is_released,
        )  # fmt: skip
        scan = scan_sources(
            found,
            job.store,
            settings.reading,
            known=known,
            web=settings.web,
            spool_path=settings.staging / "scan.duckdb",
        )
    if not before.is_released:
        with report.time_stage("lines"):
            job.learned = learn_from_sample(job, scan.spool)
    with report.time_stage("find"):
        counts = Counter(found=scan.spool.count("unchanged"), unchanged=scan.spool.count("unchanged"))
        for sightings in scan.spool.iterate("sightings"):
            selected = select_new(
                sightings.select(list(RAW_SIGHTINGS_SCHEMA)), read_known_sightings(job.ledger, sightings), job.rules,
                is_released=before.is_released, retry_stopped=settings.retry_stopped, anew=anew,
            )  # fmt: skip
            job.add_new(selected.new)
            job.note_seen(pl.concat([selected.known, selected.stopped]))
            counts.update(
                found=sightings.height, new=selected.new.height, unchanged=selected.known.height,
                stopped_before=selected.stopped.height,
            )  # fmt: skip
        job.note_scan(scan)
        job.plan_batches()
    report.counts.update(
        {"new": 0, "stopped_before": 0, **counts},
        relabels_waiting=job.count_missing(before.outdated), waiting=scan.waiting_count, unread=scan.unread_count,
    )  # fmt: skip
    scan.spool.close()


def build_batches(job: Job) -> Iterator[BuiltBatch]:
    """Build the new documents batch by batch: many of them side by side in processes of their own."""
    settings = job.settings
    if not job.batch_count:
        return
    if settings.workers > 1 and job.new_count >= MIN_ARTICLES:
        engine = EngineChoice(job.model, settings.cache_dir)
        yield from build_in_processes(job.plan, job.run, engine, job.iterate_batches(), process_count=settings.workers)
        return
    with job.report.time_stage("libraries"):
        preload_libraries().result()
    with open_annotator(job.model, cache_dir=settings.cache_dir, process_count=settings.workers) as annotator:
        for batch_no, sightings in enumerate(job.iterate_batches()):
            yield build_batch(job.plan, job.run, sightings, annotator, batch_no)


def publish(job: Job) -> BuildReport:
    """Load the kept batches into a private copy of the current release, and make it the new one, if it is sound."""
    report = job.report
    with stage_release(job.settings.warehouse) as staged:
        changed_count = delete_articles(staged.con, job.withdrawn)
        changed_count += store_lines(staged.con, job.learned) + len(job.outdated)
        tell_progress("load", 0, job.batch_count)
        with report.time_stage("load"):
            counts = job.run(load_batches, staged.con, job.kept_batches, report.run_id, job.started_at)
        report.count_loaded(counts)
        changed_count += sum(counts.values())
        tell_progress("load", job.batch_count, job.batch_count)
        with report.time_stage("link"):
            linked = job.run(
                link_warehouse, staged, report.run_id, job.corrections.corrections, job.authority.rows,
                anew="link" in job.outdated,
            )  # fmt: skip
        with report.time_stage("stories"):
            changed = None if "stories" in job.outdated else linked.articles
            changed_count += linked.changed_count + job.run(relate_warehouse, staged, changed)
        with report.time_stage("publish"):
            published = job.run(publish_warehouse, staged, job.describe_publication(), changed_count)
    job.note_results(published.results)
    report.counts["entities"] = linked.entity_count
    report.release_id = published.release_id
    report.corrections = linked.outcomes
    if published.status == "stopped":
        return job.stop_at_audit(published.failures)
    return job.finish(published.status)
