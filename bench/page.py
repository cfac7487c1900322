"""Measurements -> Markdown."""

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.probe import ENGINE, SERVER
from bench.processes import Run

LIBRARIES = ("prefect", "polars", "duckdb", "great-expectations", "spacy")
OVERHEAD = (SERVER, ENGINE, "validate", "publish", "docs")
"""What is not extraction: orchestration, validation, publishing, and the pages about them."""
LIMIT_MIB = 2_000

Cell = str | float | int | None


def parse_seconds(summary: str) -> dict[str, float]:
    """Return the seconds of each stage from the closing summary of a build."""
    line = re.search(r"^\s*seconds\s+(.+)$", summary, re.MULTILINE)
    if line is None:
        raise ValueError("the summary of the build names no seconds")
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", line[1])}


def render_table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a Markdown table, the first column as text, the others as numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *([_format(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _format(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:,.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def render_goals(rows: Sequence[tuple[str, float, float, str]]) -> str:
    """Return what was aimed at beside what was measured: (goal, limit, measured, unit) each; less is better."""
    cells = [
        (goal, f"{_format(limit)} {unit}", f"{_format(measured)} {unit}", "yes" if measured <= limit else "**no**")
        for goal, limit, measured, unit in rows
    ]
    return render_table(("goal", "at most", "measured", "met"), cells)


def find_share(cpu: Mapping[str, float], start_cpu: float) -> tuple[float, float]:
    """Return the CPU time of a run without its start, and the percentage of it that is not extraction."""
    total = sum(cpu.values()) - start_cpu
    return total, 100 * sum(cpu.get(label, 0.0) for label in OVERHEAD) / total


def describe_machine(model: str) -> str:
    """Return the machine and the versions in one line, without a name or a path."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores, {memory:.0f} GiB of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {versions}; {model}."
    )


def memory_rows(runs: Sequence[Run]) -> list[list[Cell]]:
    """Return the rows of a table that tell the peaks of memory, a column a run."""
    return [
        ["peak memory, the build itself (MiB)", *[run.main_mib for run in runs]],
        ["peak memory, the largest process it started (MiB)", *[run.child_mib for run in runs]],
        ["peak memory, all processes together (MiB)", *[run.total_mib for run in runs]],
    ]


def read_text_size(folder: Path) -> float:
    """Return the size of all texts under `folder`, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*.txt")) / 1e6
