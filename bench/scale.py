"""Builds of made news by the hundred thousand: articles a second and core, memory, and what a second build costs."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import make_corpus, write_jsonl
from bench.page import Cell, find_cpu, find_overhead, render_goals, render_table
from bench.picture import draw_curve
from bench.probe import DOCUMENT_STAGES, ENGINE, SERVER
from bench.processes import Run, run_measured

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SMALL = 10_000
LARGE = {"none": 500_000, "fast": 100_000}
"""Articles of the large build with each engine."""
CEILING_MB = 4_000
CORPUS_STAGES = ("load", "link", "stories", "publish")


@dataclass(frozen=True)
class Volume:
    """One build of a made corpus: `run` from the outside, `cpu` and `stages` in seconds from the inside."""

    engine: str
    articles: int
    run: Run
    wall: float
    cpu: dict[str, float]
    stages: dict[str, float]

    @property
    def cost(self) -> float:
        """CPU milliseconds an article, without start and end."""
        return 1000 * find_cpu(self.cpu) / self.articles

    @property
    def peak_mb(self) -> float:
        """Peak of all processes together, in megabytes."""
        return self.run.total_mib * 2**20 / 1e6


def build_volume(work: Path, engine: str, corpus: Path, articles: int) -> Volume:
    """Build a file of records in a process of its own, with as many workers as there are cores."""
    work.mkdir(parents=True, exist_ok=True)
    dropped = ("PREFECT_", "ONRECORD_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    env |= {"HOME": str(work), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.probe", str(corpus), str(work / "news.duckdb"), str(work / "data")]
    run = run_measured([*command, "--engine", engine], cwd=ROOT, env=env)
    told = json.loads(run.output.splitlines()[-1])
    return Volume(engine, articles, run, told["wall"], told["cpu"], told["stages"])


def make_file(work: Path, articles: int) -> Path:
    """Write a corpus of made news as a file of records."""
    file = work / f"made-{articles}.jsonl.gz"
    if not file.exists():
        work.mkdir(parents=True, exist_ok=True)
        write_jsonl(make_corpus(articles), file)
    return file


def describe_volumes(volumes: list[Volume]) -> str:
    """Return the table of builds."""
    rows: list[list[Cell]] = [
        [
            f"{volume.engine}, {volume.articles:,}", volume.wall, find_cpu(volume.cpu), volume.cost, 1000 / volume.cost,
            find_overhead(volume.cpu), volume.peak_mb,
        ]
        for volume in volumes
    ]  # fmt: skip
    header = (
        "engine, articles", "wall (s)", "CPU (s)", "CPU an article (ms)", "articles/s/core",
        "CPU of orchestration, validation, publishing (%)", "peak memory (MB)",
    )  # fmt: skip
    return render_table(header, rows)


def describe_stages(volumes: list[Volume]) -> str:
    """Return what each stage took of an article, in milliseconds of CPU of all processes."""
    names = [name for name in (*DOCUMENT_STAGES, *CORPUS_STAGES) if any(volume.cpu.get(name) for volume in volumes)]
    rows: list[list[Cell]] = [
        [name, *[1000 * volume.cpu.get(name, 0.0) / volume.articles for volume in volumes]]
        for name in ("find", "lines", *names, "docs", ENGINE, SERVER)
    ]
    return render_table(("stage", *[f"{volume.engine}, {volume.articles:,}" for volume in volumes]), rows)


def measure_scale(work: Path, most: int = max(LARGE.values())) -> str:
    """Measure a small and a large build (of up to `most` articles) without an engine and with the fast one, and the small one once more."""
    folder = work / "scale"
    volumes = {
        (engine, size): build_volume(folder / f"{engine}-{size}", engine, make_file(folder, size), size)
        for engine, large in LARGE.items()
        for size in (SMALL, min(large, most))
    }
    again = build_volume(folder / f"fast-{SMALL}", "fast", make_file(folder, SMALL), SMALL)
    return describe_scale(volumes, again)


def describe_scale(volumes: dict[tuple[str, int], Volume], again: Volume, docs: Path = DOCS) -> str:
    """Return the section on volume, and draw the memory of the large builds.

    Args:
        volumes: The builds, by engine and size: `SMALL` and a larger one of each engine.
        again: The second build of the small corpus with the fast engine.
        docs: Where the pictures go.
    """
    sizes = {engine: max(size for own, size in volumes if own == engine) for engine in LARGE}
    small = {engine: volumes[engine, SMALL] for engine in sizes}
    large = {engine: volumes[engine, size] for engine, size in sizes.items()}
    for engine, volume in large.items():
        picture = draw_curve(volume.run.curve, CEILING_MB * 1e6 / 2**20)
        (docs / f"memory-{engine}.svg").write_text(picture, encoding="utf-8")
    second = sum(again.stages.values()) / sum(small["fast"].stages.values())
    goals = [
        ("CPU of an article without an engine, 2,000 articles/s/core", 0.5, large["none"].cost, "ms"),
        ("CPU of an article with the fast engine, 100 articles/s/core", 10, large["fast"].cost, "ms"),
        ("stages of a second build with nothing changed", 5, 100 * second, "% of the first"),
        *[
            (f"cost of an article, {engine}, {sizes[engine]:,} by {SMALL:,}", 1.15, large[engine].cost / small[engine].cost, "times")
            for engine in sizes if sizes[engine] > SMALL
        ],
        *[(f"peak memory of all processes, {engine}, {size:,}", CEILING_MB, large[engine].peak_mb, "MB") for engine, size in sizes.items()],
        (f"CPU of orchestration, validation, publishing, fast, {sizes['fast']:,}", 10, find_overhead(large["fast"].cpu), "%"),
    ]  # fmt: skip
    pictures = "\n\n".join(
        f"Memory of all processes together while {size:,} articles are built with engine {engine} (shared pages count once):\n\n"
        f"![Memory of a build of {size:,} articles](memory-{engine}.svg)"
        for engine, size in sizes.items()
    )
    return f"""## Volume

Made news (`bench/corpus.py`, seed 1: 10 % copies, up to 5 % of the paragraphs repeated, about 325 words an article) in one
compressed file of records, into an empty folder, with one process a core. CPU and wall are without start and end of the command (imports, the
Prefect server), CPU also without the start of the processes that build batches. *none* is the engine that reads nothing: articles, labelled lines, marked stretches, copies and stories.

{describe_volumes(list(volumes.values()))}

Milliseconds of CPU an article of each stage, in all processes; *{ENGINE}* is Prefect in the flow's own process, the ledger, what goes from
process to process.

{describe_stages(list(volumes.values()))}

{pictures}

{render_goals(goals)}
"""
