"""Measurements -> Markdown."""

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping, Sequence

from bench.probe import END, ENGINE, IMPORTS, SERVER, START

LIBRARIES = ("prefect", "polars", "duckdb", "great-expectations", "spacy")
OVERHEAD = (SERVER, ENGINE, "validate", "publish", "docs")
"""The parts of a run that are no extraction: orchestration, validation, publishing."""

Cell = str | float | int | None


def parse_seconds(summary: str) -> dict[str, float]:
    """Return the seconds of each stage from the closing summary of a build."""
    line = re.search(r"^\s*seconds\s+(.+)$", summary, re.MULTILINE)
    if line is None:
        raise ValueError("the summary of the build names no seconds")
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", line[1])}


def find_cpu(cpu: Mapping[str, float]) -> float:
    """Return the CPU seconds of a run without its start and end, and without the start of its processes."""
    return sum(seconds for label, seconds in cpu.items() if label not in (START, IMPORTS, END))


def find_overhead(cpu: Mapping[str, float]) -> float:
    """Return the percentage of the CPU seconds of a run that is no extraction."""
    return 100 * sum(cpu.get(label, 0.0) for label in OVERHEAD) / find_cpu(cpu)


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


def render_goals(goals: Sequence[tuple[str, float, float, str]]) -> str:
    """Return a table of what was aimed at and what was measured; a goal is (what, at most, measured, unit)."""
    rows = [
        (what, f"{limit:,g} {unit}", f"{_format(measured)} {unit}", "yes" if measured <= limit else "**no**")
        for what, limit, measured, unit in goals
    ]
    return render_table(("goal", "at most", "measured", "met"), rows)


_PART = "<!-- part: {} -->\n"


def render_page(machine: str, sections: Mapping[str, str]) -> str:
    """Return the page: all goals in one table, then the sections, each behind a comment that names its part."""
    goals = [line for section in sections.values() for line in _GOAL.findall(section)]
    table = "\n".join(["| goal | at most | measured | met |", "| --- | ---: | ---: | ---: |", *goals])
    body = "\n".join(_PART.format(name) + section.strip() + "\n" for name, section in sections.items())
    return f"# Benchmarks\n\nWritten by `python -m bench`, each part when it was last measured. {machine}\n\n## All goals\n\n{table}\n\n{body}"


def read_sections(page: str) -> dict[str, str]:
    """Return the sections of a page by the names of their parts."""
    parts = re.split(r"^<!-- part: (\w+) -->\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


_GOAL = re.compile(r"^\|.*\| (?:yes|\*\*no\*\*) \|$", re.MULTILINE)


def describe_machine(model: str) -> str:
    """Return the machine and the versions in a sentence, without a name or a path."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"Measured on {len(os.sched_getaffinity(0))} cores with {memory:.0f} GiB of memory, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {versions}, model {model}."
    )
