"""Builds of made news by the hundred thousand: articles a second and core, memory, and what a second build costs."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import make_corpus, write_jsonl
from bench.page import Cell, find_cpu, find_overhead, render_goals, render_table
from bench.picture import draw_curve
from bench.processes import Run, run_measured

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "memory.svg"
SMALL, LARGE, CEILING = 10_000, 100_000, 200_000
CEILING_MB = 4_000
_DOCUMENT_STAGES = ("ingest", "clean", "annotate", "quotes", "entities", "occasions", "validate")
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
    """Return what each stage took of an article, in milliseconds of wall time of the process that ran it."""
    names = [name for name in (*_DOCUMENT_STAGES, *CORPUS_STAGES) if any(volume.stages.get(name) for volume in volumes)]
    rows: list[list[Cell]] = [
        [name, *[1000 * volume.stages.get(name, 0.0) / volume.articles for volume in volumes]]
        for name in ("find", "lines", *names)
    ]
    return render_table(("stage", *[f"{volume.engine}, {volume.articles:,}" for volume in volumes]), rows)


def measure_scale(
    work: Path, *, small: int = SMALL, large: int = LARGE, ceiling: int = CEILING, picture: Path = PICTURE
) -> str:
    """Measure builds without an engine and with the fast one, the second build of the small corpus, and the memory of a large one."""
    folder = work / "scale"
    first = folder / "none-small"
    volumes = [build_volume(first, "none", make_file(folder, small), small)]
    again = build_volume(first, "none", make_file(folder, small), small)
    volumes.append(build_volume(folder / "none-large", "none", make_file(folder, large), large))
    volumes.append(build_volume(folder / "fast-small", "fast", make_file(folder, small), small))
    volumes.append(build_volume(folder / "fast-ceiling", "fast", make_file(folder, ceiling), ceiling))
    none_small, none_large, fast_small, fast_large = volumes
    picture.write_text(draw_curve(fast_large.run.curve, CEILING_MB * 1e6 / 2**20), encoding="utf-8")
    second = sum(again.stages.values()) / sum(none_small.stages.values())
    goals = [
        ("CPU of an article without an engine, 2,000 articles/s/core", 0.5, none_large.cost, "ms"),
        ("CPU of an article with the fast engine, 100 articles/s/core", 10, fast_small.cost, "ms"),
        ("stages of a second build with nothing changed", 5, 100 * second, "% of the first"),
        (f"cost of an article, {large:,} by {small:,}", 1.15, none_large.cost / none_small.cost, "times"),
        (
            f"cost of an article with the fast engine, {ceiling:,} by {small:,}",
            1.15,
            fast_large.cost / fast_small.cost,
            "times",
        ),
        (f"peak memory of all processes at {ceiling:,}", CEILING_MB, fast_large.peak_mb, "MB"),
        ("CPU of orchestration, validation, publishing, fast engine", 10, find_overhead(fast_large.cpu), "%"),
    ]
    return f"""## Volume

Made news (`bench/corpus.py`, seed 1: 10 % copies, up to 5 % of the paragraphs repeated, about 325 words an article) in one
compressed file of records, into an empty folder, with one process a core. CPU and wall are without start and end of the command (imports, the
Prefect server). *none* is the engine that reads nothing: articles, labelled lines, marked stretches, copies and stories.

{describe_volumes(volumes)}

Milliseconds an article of each stage; where batches are built in several processes, those of all of them added up.

{describe_stages(volumes)}

Memory of all processes together while {ceiling:,} articles are built with the fast engine (shared pages count once):

![Memory of a build of {ceiling:,} articles]({picture.name})

{render_goals(goals)}
"""
