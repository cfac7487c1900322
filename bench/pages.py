"""HTML pages: how many a second of one processor, and how near their bodies are to those of people, beside trafilatura."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.page import Cell, render_goals, render_table
from tasks.clean import clean_documents
from tests.builders import raw_documents
from tests.eval.bodies import count_body, score_bodies
from training.pages import GOLD, Page, cross_validate, read_pages
from training.pages import measure_pages as measure_lines

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
ROUNDS = 3
TIMES = 5
OURS, UNSEEN, PEER, PEER_FAST = "On Record", "On Record, pages it never saw", "trafilatura", "trafilatura, fast"
Bodies = dict[int, str]
"""The body of each page, by its number."""


def clean_pages(pages: Sequence[Page]) -> Bodies:
    """Return the bodies that all of cleaning gives: segments, metadata, languages and hashes are made, too."""
    documents = raw_documents(*(page.raw for page in pages), reader="html")
    articles = clean_documents(documents).articles
    return {int(key.rpartition("-")[2]): body for key, body in articles.select("document_id", "body").iter_rows()}


def extract_pages(pages: Sequence[Page], *, fast: bool = False) -> Bodies:
    """Return the bodies that trafilatura finds; `fast` leaves out its fallbacks."""
    import trafilatura

    return {
        number: trafilatura.extract(page.raw, include_comments=False, include_tables=False, fast=fast) or ""
        for number, page in enumerate(pages)
    }


def time_systems(pages: Sequence[Page]) -> tuple[dict[str, float], dict[str, Bodies]]:
    """Run the systems in turns; return the pages of each in a second of processor time, of its best round, and its bodies."""
    systems: dict[str, Callable[[Sequence[Page]], Bodies]] = {OURS: clean_pages}
    try:
        import trafilatura  # noqa: F401

        systems |= {PEER: extract_pages, PEER_FAST: lambda some: extract_pages(some, fast=True)}
    except ImportError:
        pass  # the section says that it was not measured
    speeds = dict.fromkeys(systems, 0.0)
    bodies: dict[str, Bodies] = {}
    for take in systems.values():
        take(pages[:5])  # libraries and word lists are loaded once
    for _ in range(ROUNDS):
        for name, take in systems.items():
            start = time.process_time()
            bodies[name] = take(pages)
            speeds[name] = max(speeds[name], len(pages) / (time.process_time() - start))
    return speeds, bodies


def score_system(pages: Sequence[Page], bodies: Bodies) -> list[Cell]:
    """Return precision, recall and F1 of runs of four words, averaged over pages."""
    scores = score_bodies([count_body(page.body, bodies.get(number, "")) for number, page in enumerate(pages)])
    return [f"{scores[name].value:.3f}" for name in ("body.precision", "body.recall", "body.f1")]


def measure_pages(work: Path) -> str:
    """Measure the speed and the bodies of HTML pages, where the public set of pages is beside the project."""
    if not (DATA / GOLD).exists():
        return (
            "## HTML pages\n\nNot measured: the pages of the article extraction benchmark are not beside the project.\n"
        )
    pages = read_pages(DATA)
    speeds, bodies = time_systems(pages)
    bodies[UNSEEN] = cross_validate(measure_lines(pages))
    rows: list[list[Cell]] = [
        [name, speeds.get(name), *score_system(pages, bodies[name])]
        for name in (OURS, UNSEEN, PEER, PEER_FAST)
        if name in bodies
    ]
    size = sum(len(page.raw) for page in pages) / len(pages) / 1000
    told = f"{PEER} was not measured: it is not installed.\n" if PEER not in speeds else ""
    if not told:
        told = render_goals([(f"CPU of a page, part of {PEER}'s", 1 / TIMES, speeds[PEER] / speeds[OURS], "times")])
    return f"""## HTML pages

The {len(pages)} pages of the article extraction benchmark ({size:,.0f} kB each), from bytes to articles: for On Record that is all of
cleaning, every segment with its label and its bytes included. Each system's best of {ROUNDS} rounds, in turns. Precision, recall and F1 are of runs of
four words, averaged over pages. The trees of On Record learned from these pages: the second row is of trees that did not see the page.

{render_table(("", "pages/s of a core", "precision", "recall", "F1"), rows)}

{told}
"""
