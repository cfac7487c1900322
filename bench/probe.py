"""One build in this process, with the CPU time of each of its parts.

`python -m bench.probe TEXTS WAREHOUSE DATA [--direct] [--engine NAME]`

What it measured goes to standard output as JSON.
"""

import argparse
import importlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

# Nothing of the product is imported up here: the processes that annotate import this module again, and would pay for it.
from bench.processes import list_tree

START, SERVER, ENGINE, END = "start", "Prefect server", "between stages", "end"
DOCUMENT_STAGES = ("ingest", "clean", "annotate", "quotes", "entities", "occasions", "validate")
IMPORTS = "libraries"  # what a process costs before it builds anything
_NO_TASKS = ("find", IMPORTS, "docs")


class CpuMeter:
    """Books the CPU time of this process and of those it started under the label that was set while it was used.

    After the start, what the Prefect server uses is booked under `SERVER`, whatever the label.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._label = START
        self._server, self._rest = 0.0, 0.0

    def switch(self, label: str) -> None:
        """Book what was used since the last switch, and set the label of what follows."""
        tree = list_tree(os.getpid())
        server = sum(process.cpu_seconds for process in tree if process.is_server)
        rest = sum(process.cpu_seconds for process in tree if not process.is_server)
        self.seconds[START if self._label == START else SERVER] += server - self._server
        self.seconds[self._label] += rest - self._rest
        self._label, self._server, self._rest = label, server, rest


def measure_stages(meter: CpuMeter) -> None:
    """Book what the body of a task uses under its stage, and all else that a run does under `ENGINE`."""
    from prefect import Task

    from flows.report import StageReport

    current = START
    time_stage = StageReport.time_stage

    @contextmanager
    def measure_stage(report: StageReport, stage: str) -> Iterator[None]:
        nonlocal current
        current = stage
        meter.switch(stage if stage in _NO_TASKS else ENGINE)
        with time_stage(report, stage):
            yield
        meter.switch(ENGINE)

    def measure_body(body: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(body)
        def run_body(*args: Any, **kwargs: Any) -> Any:
            meter.switch(current)
            try:
                return body(*args, **kwargs)
            finally:
                meter.switch(ENGINE)

        return run_body

    StageReport.time_stage = measure_stage  # type: ignore[method-assign, assignment]
    modules = (importlib.import_module(f"flows.{name}") for name in ("build_batch", "build_warehouse", "learn_lines"))
    tasks = {id(task): task for module in modules for task in vars(module).values() if isinstance(task, Task)}
    for task in tasks.values():
        task.fn = measure_body(task.fn)


def build(texts: Path, warehouse: Path, data: Path, *, is_direct: bool, engine: str | None = None) -> dict[str, Any]:
    """Build as the command line does; return status, counts, and the seconds of wall and CPU time."""
    from flows.server import start_server
    from flows.settings import load_settings, prepare_libraries, use_prefect_server

    meter = CpuMeter()
    given: dict[str, Any] = {"warehouse": str(warehouse), "data_dir": str(data), "min_age_seconds": 0, "engine": engine}
    home = prepare_libraries(data, is_quiet=True)
    server = start_server(home) if home is not None and not is_direct else None
    if server is not None:
        use_prefect_server(server.api_url)
    from flows.build_warehouse import build_directly, build_warehouse
    from flows.libraries import preload_libraries

    measure_stages(meter)
    preload_libraries().result()  # not beside the run: its CPU time would be booked under the stages
    if server is not None:
        server.wait_until_ready()
    report = (
        build_directly(load_settings(sources=[str(texts)], **given))
        if is_direct
        else build_warehouse(sources=[str(texts)], **given)
    )
    wall = time.time() - report.started_at.timestamp()
    meter.switch(END)
    if "clean" not in meter.seconds:  # batches were built in other processes, which know what their stages used
        for stage in (*DOCUMENT_STAGES, IMPORTS):
            meter.seconds[stage] += report.cpu_seconds.get(stage, 0.0)
            meter.seconds[ENGINE] -= report.cpu_seconds.get(stage, 0.0)
    return {
        "status": report.status, "counts": dict(report.counts), "wall": wall, "stages": report.stage_seconds,
        "cpu": dict(meter.seconds),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("texts", "warehouse", "data"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--direct", action="store_true", help="without Prefect")
    parser.add_argument("--engine", help="what reads sentences")
    asked = parser.parse_args()
    print(json.dumps(build(asked.texts, asked.warehouse, asked.data, is_direct=asked.direct, engine=asked.engine)))
