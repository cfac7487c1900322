"""Many batches, built side by side: one process a core, each with its own engine."""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.build_batch import BatchPlan, BuiltBatch, build_batch
from flows.collector import collect_rarely
from flows.libraries import preload_libraries
from flows.report import StageReport
from flows.runners import Runner, run_directly
from flows.settings import limit_threads
from tasks.annotation.annotator import Annotator, open_annotator

MIN_ARTICLES = 4_000
"""Fewer are built in one process: starting another costs some 15 s of CPU (Prefect, Great Expectations, the model)."""


class WorkerError(Exception):
    """A process that builds batches died."""


@dataclass(frozen=True)
class EngineChoice:
    """What a process that builds batches reads sentences with, and where it keeps what it read."""

    model: str
    cache_dir: Path


def build_in_processes(
    plan: BatchPlan, run: Runner, engine: EngineChoice, batches: Iterable[pl.DataFrame], *, process_count: int
) -> Iterator[BuiltBatch]:
    """Yield the built batches in their order; at most two a process wait, so that memory does not grow with their number.

    Raises:
        WorkerError: If a process died.
    """
    waiting: deque[tuple[int, Future[BuiltBatch]]] = deque()
    with limit_threads(), _open_pool(plan, engine, process_count) as pool:
        for batch_no, sightings in enumerate(batches):
            waiting.append((batch_no, pool.submit(_build_in_worker, sightings, batch_no)))
            if len(waiting) > 2 * process_count:
                yield _await(run, *waiting.popleft())
        while waiting:
            yield _await(run, *waiting.popleft())


def _await(run: Runner, batch_no: int, future: "Future[BuiltBatch]") -> BuiltBatch:
    try:
        return run(await_batch, batch_no, future)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a process that builds batches died, most likely for want of memory; use fewer (ONRECORD_WORKERS) or smaller batches"
        ) from error


@task(name="build-batch", cache_policy=NO_CACHE, persist_result=False)
def await_batch(batch_no: int, future: "Future[BuiltBatch]") -> BuiltBatch:
    """Wait for a batch that another process builds: its run shows how far a large build is."""
    return future.result()


@contextmanager
def _open_pool(plan: BatchPlan, engine: EngineChoice, process_count: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        process_count, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(plan, engine)
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Worker:
    """What one worker process has since its start; `start` is what the start took, told with its first batch."""

    plan: BatchPlan
    annotator: Annotator
    start: StageReport


_worker: _Worker | None = None
_open = ExitStack()


def _start_worker(plan: BatchPlan, engine: EngineChoice) -> None:
    global _worker
    wall = perf_counter()
    _open.enter_context(collect_rarely())
    preload_libraries().result()  # not in the midst of the stages that need them
    annotator = _open.enter_context(open_annotator(engine.model, cache_dir=engine.cache_dir, process_count=1))
    start = StageReport(stage_seconds={"libraries": perf_counter() - wall}, cpu_seconds={"libraries": process_time()})
    _worker = _Worker(plan, annotator, start)


def _build_in_worker(sightings: pl.DataFrame, batch_no: int) -> BuiltBatch:
    assert _worker is not None
    built = build_batch(_worker.plan, run_directly, sightings, _worker.annotator, batch_no)
    built.report.add(_worker.start)
    _worker.start = StageReport()
    return built
