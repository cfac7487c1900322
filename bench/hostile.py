"""The cost of texts made to be slow: four times the text, and how many times longer it takes."""

import time
from collections.abc import Callable, Sequence

from bench.page import Cell, render_table
from tasks.attribution.marks import find_marked_spans
from tasks.clean import clean_documents
from tests.builders import raw_documents

_MARKS = ('"', "“", "”", "’", "“a ", "a” . ", "“a” ", "‘ “a” ’ ", "“a ‘b “c” d’ e” ")
_LINES = ("a\n", "By Ann Lee\n", "Ann Lee said. ", "&amp;", "“We sail.\n\n", " \n\n", "Share this story | ")
_ROUNDS = 3


def measure_hostile(sizes: Sequence[int] = (250_000, 1_000_000)) -> str:
    """Return the section on hostile texts: seconds for each size in characters, the shortest of three, and their ratio."""
    steps: list[tuple[str, Callable[[str], object], tuple[str, ...]]] = [
        ("marks", lambda text: find_marked_spans([text]), _MARKS),
        ("clean", lambda text: clean_documents(raw_documents(text)), _LINES),
    ]
    rows: list[list[Cell]] = []
    for step, run, units in steps:
        for unit in units:
            small, large = (min(_time(run, unit, size) for _ in range(_ROUNDS)) for size in sizes)
            rows.append([step, repr(unit), small, large, large / small])
    header = ("step", "repeated", *[f"{size:,} characters (s)" for size in sizes], "times longer")
    return f"""## Hostile texts

One paragraph or page that repeats a few characters. {sizes[1] / sizes[0]:.0f} times the text takes {sizes[1] / sizes[0]:.0f} times as long where the work
is linear, and {(sizes[1] / sizes[0]) ** 2:.0f} times where it is quadratic; the tests count the lines of code that run instead.

{render_table(header, rows)}
"""


def _time(run: Callable[[str], object], unit: str, size: int) -> float:
    text = unit * (size // len(unit))
    begun = time.process_time()
    run(text)
    return time.process_time() - begun
