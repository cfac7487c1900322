"""`python -m bench [samples|corpus|stages|all]` measures; `all` writes docs/benchmarks.md, the others print their part."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import read_text_size, unpack_corpus
from bench.page import (
    Cell,
    describe_machine,
    find_cpu,
    find_overhead,
    memory_rows,
    parse_seconds,
    render_goals,
    render_table,
)
from bench.probe import END, ENGINE, SERVER, START
from bench.processes import Run, run_measured
from flows.report import STAGES
from tasks.annotator import DEFAULT_MODEL, describe_model

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "data" / "raw.bbc.jsonl.gz"
COMMAND_LINE = (sys.executable, "-c", "from flows.cli import app; app()")
QUERY = "from mart_speakers order by quote_count desc, speaker limit 8"  # what `make run` asks
LOAD_MODEL = (
    "import time, spacy; from tasks.annotator import DEFAULT_MODEL, load_model; start = time.perf_counter(); "
    "load_model(DEFAULT_MODEL); print(time.perf_counter() - start)"
)


@dataclass(frozen=True)
class Place:
    """A warehouse and the data of its builds, in a folder of their own that no setting of the user reaches."""

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

    def take_annotations(self, other: "Place") -> None:
        """Start with the annotation cache of another place, and with nothing else."""
        shutil.copytree(other.data / "cache", self.data / "cache")

    def forget_warehouse(self) -> None:
        """Keep the caches and Prefect's database; the warehouse, its releases and its ledger go."""
        for path in self.folder.glob("news.duckdb*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@dataclass(frozen=True)
class Build:
    """A build of the corpus: `run` from the outside, the rest from the inside, in seconds without start and end."""

    run: Run
    documents: int
    wall: float
    stages: dict[str, float]
    cpu: dict[str, float]


def build_corpus(place: Place, texts: Path, *flags: str) -> Build:
    """Build the texts in a process of its own; `flags` are those of `bench.probe`."""
    run = place.run(sys.executable, "-m", "bench.probe", str(texts), str(place.warehouse), str(place.data), *flags)
    told = json.loads(run.output.splitlines()[-1])
    return Build(run, told["counts"]["new"], told["wall"], told["stages"], told["cpu"])


def measure_samples(work: Path) -> str:
    """Measure what `make run` runs, three times over."""
    place, builds, queries = Place(work / "samples"), [], []
    for is_warehouse_new in (True, True, False):
        if is_warehouse_new:
            place.forget_warehouse()
        builds.append(place.run(*COMMAND_LINE, "build", "samples"))
        queries.append(place.run(*COMMAND_LINE, "query", QUERY))
    model_seconds = float(place.run(sys.executable, "-c", LOAD_MODEL).output)
    seconds = [parse_seconds(build.output) for build in builds]
    totals = [build.wall + query.wall for build, query in zip(builds, queries, strict=True)]
    others = [build.wall - sum(parts.values()) for build, parts in zip(builds, seconds, strict=True)]
    rows: list[list[Cell]] = [
        *[[f"{name}: {gives}", *[parts.get(name) for parts in seconds]] for name, gives in STAGES.items()],
        ["the rest: start of Python, checks, artifacts, end of the server", *others],
        ["**the build**", *[build.wall for build in builds]],
        ["the query after it", *[query.wall for query in queries]],
        ["**both: rows are on the screen**", *totals],
        ["CPU of the build", *[build.cpu for build in builds]],
        *memory_rows(builds),
    ]
    return "\n\n".join([
        "## `make run`: samples/",
        "Seconds of wall time of the two commands of `make run` after set-up. *First*: no annotation is known, Prefect "
        "has no database. *Caches*: both are there, the warehouse is new. *Unchanged*: the same once more. All rows "
        "appear at once, when the release is published: the first comes with the last. Loading the model is a part of "
        f"`annotate` in the first run; alone it took {model_seconds:.1f} s.",
        render_table(("part", "first", "caches", "unchanged"), rows),
        render_goals([("time to the first row", 30.0, totals[0], "s"), ("all of samples/", 60.0, totals[0], "s")]),
    ])  # fmt: skip


def measure_corpus(work: Path, texts: Path) -> str:
    """Measure builds of the corpus: anew, without the model, unchanged, and with one text changed."""
    place, known_place = Place(work / "corpus"), Place(work / "known")
    first = build_corpus(place, texts)
    known_place.take_annotations(place)
    known = build_corpus(known_place, texts)
    unchanged = build_corpus(place, texts)
    text = min(texts.iterdir())
    before = text.read_bytes()
    text.write_bytes(before + b"\n\nThe council will meet again on Tuesday.\n")
    changed = build_corpus(place, texts)
    text.write_bytes(before)

    builds = (first, known, unchanged, changed)
    work_cpu = [find_cpu(build.cpu) for build in builds]
    stage_walls = [sum(build.stages.values()) for build in builds]
    speeds = [
        (build.documents / build.wall, build.documents / cpu) for build, cpu in zip(builds, work_cpu, strict=True)
    ]
    labels = (*STAGES, SERVER, ENGINE)
    rows: list[list[Cell]] = [
        ["articles built", *[build.documents for build in builds]],
        ["wall of the command (s)", *[build.run.wall for build in builds]],
        ["of it, start and end (s)", *[build.run.wall - build.wall for build in builds]],
        ["wall of the run (s)", *[build.wall for build in builds]],
        ["of it, in stages (s)", *stage_walls],
        ["CPU of start and end (s)", *[build.run.cpu - cpu for build, cpu in zip(builds, work_cpu, strict=True)]],
        ["CPU of the run (s)", *work_cpu],
        ["articles/s", *[speed for speed, _ in speeds[:2]], None, None],
        ["articles/s/core", *[speed for _, speed in speeds[:2]], None, None],
        ["CPU of orchestration, validation and publishing (%)", *[find_overhead(build.cpu) for build in builds]],
        *memory_rows([build.run for build in builds]),
    ]
    cpu_rows: list[list[Cell]] = [
        [label, *[cell for build in (first, known) for cell in (build.cpu.get(label), _share(build.cpu, label))]]
        for label in labels
        if label in first.cpu
    ]
    return "\n\n".join([
        f"## A corpus of {first.documents:,} articles, {read_text_size(texts):.1f} MB of text",
        "*First*: an empty folder, every paragraph goes through the model. *Annotations known*: an empty folder, but "
        "for the annotation cache of the first build; what is left is the cost of everything except the model, with "
        "reading the cache. *Unchanged*: the second build of the same files. *One changed*: one text has a sentence "
        "more. Start and end are the one-off cost of a command: imports, start and end of a temporary Prefect server. "
        "The run is the rest. CPU is user and system time of all processes, those that annotate and the server among "
        "them; articles/s/core are articles by seconds of CPU of the run.",
        render_table(("", "first", "annotations known", "unchanged", "one changed"), rows),
        "Seconds of CPU of the run by part. "
        f"`{SERVER}` is the Prefect server after its start; `{ENGINE}` is what the flow does between the stages: "
        "Prefect's tasks and artifacts, the ledger, the staging files, the copy of the release.",
        render_table(("part", "first (s)", "%", "annotations known (s)", "%"), cpu_rows),
        render_goals([
            ("CPU of orchestration, validation and publishing", 10.0, find_overhead(first.cpu), "% of the run"),
            ("second build of the same files, in stages", 5.0, 100 * stage_walls[2] / stage_walls[0], "% of the first"),
            ("peak memory, all processes together", 2_000.0, first.run.total_mib * 2**20 / 1e6, "MB"),
        ]),
    ])  # fmt: skip


def _share(cpu: dict[str, float], label: str) -> float | None:
    return 100 * cpu[label] / find_cpu(cpu) if label in cpu else None


def measure_stages(work: Path, texts: Path) -> str:
    """Measure the stages without Prefect and without the model."""
    place, annotated = Place(work / "stages"), Place(work / "corpus")
    if not annotated.data.exists():
        build_corpus(annotated, texts)
    place.take_annotations(annotated)
    build = build_corpus(place, texts, "--direct")
    rows: list[list[Cell]] = [
        [label, build.stages.get(label), cpu, build.documents / cpu if cpu else None]
        for label, cpu in build.cpu.items()
        if label not in (START, END, SERVER)
    ]
    return "\n\n".join([
        "## The stages alone",
        "The same corpus in one process, without Prefect (`--engine-free`) and with its annotations known: "
        "`annotate` only reads the cache, `quotes` and `entities` are the rules alone.",
        render_table(("stage", "wall (s)", "CPU (s)", "articles/s/core"), rows),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=("samples", "corpus", "stages", "all"))
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="JSON Lines with id and text, may be gzipped")
    parser.add_argument("--limit", type=int, help="the first articles of the corpus only")
    given = parser.parse_args()
    parts = ("samples", "corpus", "stages") if given.part == "all" else (given.part,)
    sections = [f"# Benchmarks\n\nWritten by `make bench`. {describe_machine(describe_model(DEFAULT_MODEL))}"]
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        work, texts = Path(folder), Path(folder, "texts")
        if "samples" in parts:
            sections.append(measure_samples(work))
        if given.corpus.is_file():
            unpack_corpus(given.corpus, texts, given.limit)
            sections += [measure_corpus(work, texts)] if "corpus" in parts else []
            sections += [measure_stages(work, texts)] if "stages" in parts else []
        else:
            sections.append("The corpus was not there: only samples/ was measured (`python -m bench --corpus FILE`).")
    page = "\n\n".join(sections) + "\n"
    if given.part == "all":
        (ROOT / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
