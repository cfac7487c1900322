"""`python -m bench [samples|corpus|stages|all]` measures; `all` writes docs/benchmarks.md, the others print their part."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.corpus import unpack_corpus
from bench.page import (
    LIMIT_MIB, OVERHEAD, describe_machine, find_share, memory_rows, parse_seconds, read_text_size, render_goals,
    render_table,
)  # fmt: skip
from bench.probe import END, ENGINE, SERVER, START
from bench.processes import Run, run_measured
from flows.report import STAGES
from tasks.annotator import DEFAULT_MODEL, describe_model

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "data" / "raw.bbc.jsonl.gz"
_COMMAND_LINE = (sys.executable, "-c", "from flows.cli import app; app()")
_QUERY = "from mart_speakers order by quote_count desc, speaker limit 8"
_LOAD_MODEL = (
    "import time, spacy; from tasks.annotator import DEFAULT_MODEL, load_model; start = time.perf_counter(); "
    "load_model(DEFAULT_MODEL); print(time.perf_counter() - start)"
)


@dataclass(frozen=True)
class Place:
    """A warehouse and the data of its builds, in a folder of their own; no setting of the user reaches them."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "news.duckdb"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, *command: str) -> Run:
        """Run a command with its home, its warehouse and its data here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ONRECORD_"))}
        own = {"HOME": self.folder, "ONRECORD_WAREHOUSE": self.warehouse, "ONRECORD_DATA_DIR": self.data}
        return run_measured(command, cwd=ROOT, env={**kept, **{name: str(path) for name, path in own.items()}})

    def forget_warehouse(self) -> None:
        """Keep the caches and Prefect's database; the warehouse, its releases and its ledger go."""
        for path in self.folder.glob("news.duckdb*"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@dataclass
class Build:
    """A build that was measured from the outside, and from the inside by `bench.probe`."""

    run: Run
    wall: float
    counts: dict[str, int]
    stages: dict[str, float]
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def documents(self) -> int:
        return self.counts["new"]

    @property
    def start_cpu(self) -> float:
        """CPU seconds of imports and server start, and of whatever comes after the run."""
        return self.cpu[START] + self.cpu[END]


def measure_samples(work: Path) -> str:
    """Measure what `make run` runs, three times."""
    place = Place(work / "samples")
    builds, queries = [], []
    for name in ("first", "caches", "unchanged"):
        if name == "caches":
            place.forget_warehouse()
        builds.append(place.run(*_COMMAND_LINE, "build", "samples"))
        queries.append(place.run(*_COMMAND_LINE, "query", _QUERY))
    model_load = float(place.run(sys.executable, "-c", _LOAD_MODEL).output)
    seconds = [parse_seconds(run.output) for run in builds]
    rows: list[list[Any]] = [[f"{name}: {STAGES[name]}", *[part.get(name) for part in seconds]] for name in STAGES]
    rows += [
        ["start of Python, checks, end of the server", *[b.wall - sum(s.values()) for b, s in zip(builds, seconds)]],
        ["**the build**", *[run.wall for run in builds]],
        ["the query after it: the first rows are on the screen", *[run.wall for run in queries]],
        ["**both**", *[b.wall + q.wall for b, q in zip(builds, queries)]],
        ["CPU seconds of the build", *[run.cpu for run in builds]],
        *memory_rows(builds),
    ]
    first = builds[0].wall + queries[0].wall
    return "\n\n".join([
        "## `make run`: samples/",
        f"Wall seconds of the two commands of `make run` after set-up. *First*: no annotation known, no database of "
        f"Prefect. *Caches*: both are there, the warehouse is new. *Unchanged*: the same again. Rows appear when a "
        f"release is published, so the first comes with the last. To load the model is part of `annotate` in the "
        f"first run; alone it took {model_load:.1f} s.",
        render_table(("part", "first", "caches", "unchanged"), rows),
        render_goals([("first row (s)", 30.0, first, "s"), ("the whole of samples/", 60.0, first, "s")]),
    ])  # fmt: skip
