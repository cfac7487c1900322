"""Sources -> a new release of the warehouse. `build` reads from top to bottom like the list of the stages."""

import time

import polars as pl
from prefect import flow

from flows.artifacts import publish_artifacts
from flows.corrections import find_anew, read_release_corrections
from flows.job import Job, Runner, open_job, run_directly, run_tracked
from flows.learn_lines import read_learned_lines
from flows.libraries import preload_libraries
from flows.progress import tell_progress
from flows.report import BuildReport, StoppedByValidation
from flows.settings import Settings, create_default_inbox, load_settings
from tasks.annotate import annotate_batch
from tasks.annotation.annotator import Annotator, open_annotator
from tasks.clean import clean_batch
from tasks.entities import resolve_entities_batch
from tasks.ingest import COULD_NOT_READ, ingest_batch, scan_sources, select_new, split_batches
from tasks.link import link_warehouse
from tasks.load import delete_articles, load_batch
from tasks.occasions import find_occasions_batch
from tasks.publish import publish_warehouse, store_lines
from tasks.quotes import extract_quotes_batch
from tasks.reading.known import KnownSources, select_settled
from tasks.reading.sources import find_sources
from tasks.stories import relate_warehouse
from tasks.text.repeated import LINES_SCHEMA, collect_lines, learn_lines
from tasks.validate import ValidatedBatch, validate_batch
from warehouse.ledger import read_ledger
from warehouse.releases import lock_warehouse, stage_release
from warehouse.tables import SOURCE_STATES, WEB_PAGES


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
        engine: What reads sentences, `accurate` or `fast`; by default `ONRECORD_ENGINE`, else `accurate`.

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
    if report.status == "stopped":
        raise StoppedByValidation(report)
    return report


def build_directly(settings: Settings) -> BuildReport:
    """Run the same stages without Prefect; raises as `build_warehouse` does."""
    report = build(settings, run_directly)
    if report.status == "stopped":
        raise StoppedByValidation(report)
    return report


def build(settings: Settings, run: Runner) -> BuildReport:
    """Run all stages under the lock of the warehouse; whatever happens, the ledger knows how the run ended."""
    with lock_warehouse(settings.warehouse), open_job(settings, run) as job:
        find_documents(job)
        batches = split_batches(job.new, settings.batch_size)
        if batches:
            with job.report.time_stage("libraries"):
                preload_libraries().result()
        with open_annotator(job.model, cache_dir=settings.cache_dir, process_count=settings.workers) as annotator:
            for batch_no, sightings in enumerate(batches):
                tell_progress("batches", batch_no, len(batches))
                validated = build_batch(job, sightings, annotator, batch_no)
                if validated.is_stopped:
                    return job.stop_at_batch(sightings, validated)
                job.keep_batch(sightings, validated)
        tell_progress("batches", len(batches), len(batches))
        return publish(job) if job.article_count or job.withdrawn or job.is_corrected else job.finish("unchanged")


def find_documents(job: Job) -> None:
    """Find and read all sources; the new ones are for the job, what was judged before is only noted as seen again."""
    settings, report = job.settings, job.report
    with report.time_stage("find"):
        found = find_sources(
            settings.sources, max_bytes=settings.max_bytes, min_age_seconds=settings.min_age_seconds, now=time.time()
        )
        known = read_ledger(job.ledger, "from source_sightings")
    before = read_release_corrections(settings.warehouse, job.relabels)
    anew = find_anew(before, known, job.relabels)
    job.note_corrections(before)
    if before.is_released:
        with report.time_stage("lines"):
            job.use_lines(read_learned_lines(settings.warehouse))
    with report.time_stage("find"):
        settled = select_settled(known, job.rules, anew=anew) if before.is_released else known.clear()
        scan = scan_sources(found, job.store, settings.reading, known=read_known(job, settled), web=settings.web)
    if not before.is_released:
        with report.time_stage("lines"):
            job.use_lines(learn_from(job, scan.sightings))
    with report.time_stage("find"):
        selected = select_new(
            scan.sightings, known, job.rules, is_released=before.is_released, retry_stopped=settings.retry_stopped,
            anew=anew,
        )  # fmt: skip
    job.new = selected.new
    job.note_scan(scan)
    job.note_seen(pl.concat([selected.known, selected.stopped]))
    waiting = before.outdated.join(selected.new, on="document_id", how="anti")
    report.counts.update(
        relabels_waiting=waiting.height,
        found=scan.sightings.height + scan.unchanged.height, new=selected.new.height,
        unchanged=selected.known.height + scan.unchanged.height,
        stopped_before=selected.stopped.height, waiting=scan.waiting_count,
        unread=scan.rejected.filter(pl.col("reject_reason").is_in(COULD_NOT_READ)).height,
    )  # fmt: skip


def read_known(job: Job, settled: pl.DataFrame) -> KnownSources:
    """Return what the ledger knows of sources, with the sightings that are `settled`."""
    states, pages = (read_ledger(job.ledger, f"from {table.name}") for table in (SOURCE_STATES, WEB_PAGES))
    return KnownSources(states, settled, pages, job.started_at)


def learn_from(job: Job, sightings: pl.DataFrame) -> pl.DataFrame:
    """Learn the lines that outlets repeat from all documents of a first build, before any of them is labelled."""
    lines = [pl.DataFrame(schema=LINES_SCHEMA)]
    for batch in split_batches(sightings, job.settings.batch_size):
        cleaned = job.run(clean_batch, job.run(ingest_batch, batch, job.store))
        lines.append(collect_lines(cleaned.articles, cleaned.segments))
    return learn_lines(pl.concat(lines))


def build_batch(job: Job, sightings: pl.DataFrame, annotator: Annotator, batch_no: int) -> ValidatedBatch:
    """Take one batch of documents from raw bytes to validated rows."""
    run, report = job.run, job.report
    with report.time_stage("ingest"):
        documents = run(ingest_batch, sightings, job.store)
    with report.time_stage("clean"):
        cleaned = run(clean_batch, documents, job.learned, job.relabels)
    with report.time_stage("annotate"):
        annotated = run(annotate_batch, cleaned.articles, cleaned.segments, annotator)
        paragraphs, annotations = annotated.paragraphs, annotated.annotations
    with report.time_stage("quotes"):
        quoted = run(extract_quotes_batch, cleaned.articles, paragraphs, annotations)
    with report.time_stage("entities"):
        resolved = run(
            resolve_entities_batch, cleaned.articles, paragraphs, annotations, quoted.quotes, quoted.statements
        )
    with report.time_stage("occasions"):
        told = run(
            find_occasions_batch, cleaned.articles, paragraphs, annotations,
            resolved.quotes, resolved.statements, resolved.mentions, resolved.document_entities,
        )  # fmt: skip
    frames = {
        "fact_articles": cleaned.articles,
        "article_attributes": cleaned.attributes,
        "article_segments": cleaned.segments,
        "fact_quotes": told.quotes,
        "fact_statements": told.statements,
        "document_entities": told.document_entities,
        "fact_entity_mentions": told.mentions,
        "quote_mentions": told.quote_mentions,
        "statement_speakers": told.statement_speakers,
        "statement_relays": told.statement_relays,
    }
    with report.time_stage("validate"):
        validated = run(validate_batch, frames, job.started_at.date(), batch_no)
    job.note_rejected(cleaned.rejected)
    report.count_stages(
        {
            "ingest": {"documents": documents},
            "clean": {"articles": cleaned.articles, "segments": cleaned.segments, "rejected": cleaned.rejected},
            "annotate": {"paragraphs": paragraphs, "distinct": annotations},
            "quotes": {"quotes": quoted.quotes, "statements": quoted.statements},
            "entities": {"mentions": resolved.mentions, "document_entities": resolved.document_entities},
            "occasions": {"quote_mentions": told.quote_mentions, "relays": told.statement_relays},
            "validate": {"quarantined": validated.quarantined},
        }
    )
    return validated


def publish(job: Job) -> BuildReport:
    """Load the kept batches into a private copy of the current release, and make it the new one, if it is sound."""
    report = job.report
    with stage_release(job.settings.warehouse) as staged:
        changed_count = delete_articles(staged.con, pl.Series(job.withdrawn, dtype=pl.String))
        changed_count += store_lines(staged.con, job.learned)
        for batch_no, frames in enumerate(job.read_batches()):
            tell_progress("load", batch_no, job.batch_count)
            with report.time_stage("load"):
                counts = job.run(load_batch, staged.con, frames, report.run_id, job.started_at)
            report.count_loaded(counts)
            changed_count += sum(counts.values())
        tell_progress("load", job.batch_count, job.batch_count)
        with report.time_stage("link"):
            linked = job.run(
                link_warehouse, staged, report.run_id, job.rules, job.corrections.corrections, job.authority.rows
            )
        with report.time_stage("stories"):
            changed_count += linked.changed_count + job.run(relate_warehouse, staged, linked.articles)
        with report.time_stage("publish"):
            published = job.run(publish_warehouse, staged, job.describe_publication(), changed_count)
    job.note_results(published.results)
    report.counts["entities"] = linked.entity_count
    report.release_id = published.release_id
    report.corrections = linked.outcomes
    if published.status == "stopped":
        return job.stop_at_audit(published.failures)
    return job.finish(published.status)
