"""A choice of the articles of a release -> a new release in which the rules of now made their facts. No source is asked for."""

from datetime import date

from prefect import flow

from flows.artifacts import publish_artifacts
from flows.build_warehouse import build_and_publish
from flows.corrections import read_release_corrections
from flows.job import Job, open_job
from flows.learn_lines import read_learned_lines
from flows.report import BuildReport, require_success
from flows.runners import Runner, run_directly, run_tracked
from flows.settings import Settings, load_settings
from tasks.backfill import Choice, find_documents, reject_missing
from tasks.errors import UsageError
from tasks.publish import read_release_versions
from warehouse.connection import connect_read_only
from warehouse.releases import lock_warehouse


@flow(name="backfill-warehouse", persist_result=False, validate_parameters=False)
def backfill_warehouse(
    since: str | None = None,
    until: str | None = None,
    outlet: str | None = None,
    ids: list[str] | None = None,
    everything: bool = False,
    warehouse: str | None = None,
    data_dir: str | None = None,
    engine: str | None = None,
) -> BuildReport:
    """Make the facts of the chosen articles anew, from their kept bytes and by the rules of now; the other articles stay.

    Args:
        since: First day of publication, like `2023-01-31`.
        until: Last day of publication.
        outlet: One outlet, by its name.
        ids: Articles or documents.
        everything: All articles, where nothing else is given.
        warehouse: The warehouse file; by default `ONRECORD_WAREHOUSE`, else `data/news.duckdb`.
        data_dir: Where raw bytes and caches are kept; by default `ONRECORD_DATA_DIR`, else `data`.
        engine: What reads sentences, `accurate`, `fast` or `none`; by default `ONRECORD_ENGINE`, else `accurate`.

    Returns:
        The report of the run, which is also published as artifacts.

    Raises:
        StoppedByValidation: If an expectation on a whole batch or on the release failed; the warehouse stays as it was.
        UsageError: If nothing is chosen, an id is unknown or a setting is wrong.
        ValueError: If a day is not written like `2023-01-31`.
        WarehouseError: If there is no release, or the warehouse is being built by another process or is not ours.
    """
    first, last = (date.fromisoformat(day) if day else None for day in (since, until))
    settings = load_settings(warehouse=warehouse, data_dir=data_dir, engine=engine)
    choice = Choice(first, last, outlet, tuple(ids or ()))
    if choice == Choice() and not everything:
        raise UsageError("choose the articles: since, until, outlet, ids, or everything")
    report = backfill(settings, choice, run_tracked)
    publish_artifacts(report)
    return require_success(report)


def backfill_directly(settings: Settings, choice: Choice) -> BuildReport:
    """Do the same without Prefect; raises as `backfill_warehouse` does."""
    return require_success(backfill(settings, choice, run_directly))


def backfill(settings: Settings, choice: Choice, run: Runner) -> BuildReport:
    """Run the stages of a build on the chosen articles, under the lock of the warehouse."""
    connect_read_only(settings.warehouse).close()  # says what is wrong before a run is begun
    with lock_warehouse(settings.warehouse), open_job(settings, run, "backfill-warehouse") as job:
        choose_documents(job, choice)
        return build_and_publish(job)


def choose_documents(job: Job, choice: Choice) -> None:
    """Find the chosen articles in the current release; those whose bytes are not kept any more stay as they are."""
    warehouse, report = job.settings.warehouse, job.report
    with report.time_stage("find"):
        job.note_before(read_release_corrections(warehouse, job.relabels), read_release_versions(warehouse))
        job.learned = read_learned_lines(warehouse)
        with connect_read_only(warehouse) as con:
            for found in find_documents(con, choice):
                kept, missing = reject_missing(found, job.store)
                job.add_new(kept)
                job.note_rejected(missing)
                report.counts.update(found=found.height, new=kept.height, unread=missing.height)
        job.plan_batches()
