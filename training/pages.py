"""Learn which lines of an HTML page are the article, and say how well: `python -m training.pages DATA`."""

import argparse
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tasks.clean import join_blocks, look_alone, read_lines
from tasks.text.decode import decode_documents
from tasks.text.labels import LEAST_SCORE, find_stretch, find_title
from tasks.text.lines import find_layout, number_blocks
from tasks.text.page import Trees, find_pages
from tasks.text.page_metadata import read_page_metadata
from tasks.text.structure import STRUCTURE_MEASURES, measure_structure
from tests.builders import raw_documents
from tests.eval.bodies import count_body, count_shingles, list_words, score_bodies
from training.boosting import Plan, fit_trees, write_model

MODEL = Path(__file__).parent.parent / "tasks" / "text" / "page_model.json"
GOLD = "clean.aeb.jsonl.gz"
FOLDS = 5
PLAN = Plan(trees=80)


@dataclass(frozen=True)
class Page:
    """A page, and the body that people took from it."""

    raw: bytes
    body: str


def read_pages(folder: Path) -> list[Page]:
    """Read the pages with their bodies."""
    with gzip.open(folder / GOLD, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [Page(gzip.decompress((folder / record["html_path"]).read_bytes()), record["body"]) for record in records]


def measure_pages(pages: Sequence[Page]) -> pl.DataFrame:
    """Return the lines of all pages with STRUCTURE_MEASURES, `content` (whether the body has them) and `is_free`.

    `doc` is the number of the page; a line with a label of its own, or the headline, is not free.
    """
    documents, _ = decode_documents(raw_documents(*(page.raw for page in pages), reader="html"))
    documents = documents.with_columns(doc=pl.int_range(pl.len(), dtype=pl.UInt32))
    documents = documents.join(read_page_metadata(documents), on="doc", maintain_order="left")
    lines = read_lines(documents)
    blocks = lines.pipe(number_blocks, find_layout(lines)).pipe(join_blocks).pipe(look_alone).pipe(find_stretch)
    measured = blocks.pipe(find_pages).pipe(find_title, documents).pipe(measure_structure, documents)
    bodies = [_Body(page.body) for page in pages]
    content = [bodies[doc].has(text) for doc, text in measured.select("doc", "text").iter_rows()]
    return measured.with_columns(
        content=pl.Series(content), is_free=pl.col("alone_label").is_null() & ~pl.col("is_title")
    )


class _Body:
    """The words of a body: a line is of it when most of its runs of four words are; a shorter line, when it is one there."""

    def __init__(self, body: str) -> None:
        words = list_words(body.lower())
        self._runs = set(count_shingles(words))
        self._text = f" {' '.join(words)} "

    def has(self, line: str) -> bool:
        words = list_words(line.lower())
        if len(words) < 4:
            return len(words) > 1 and f" {' '.join(words)} " in self._text
        runs = count_shingles(words)
        return sum(count for run, count in runs.items() if run in self._runs) > 0.6 * runs.total()


def fit_pages(lines: pl.DataFrame) -> Trees:
    """Learn from the free lines; a line weighs like the root of its words."""
    free = lines.filter("is_free")
    weights = free["words"].cast(pl.Float64).sqrt().to_numpy()
    measures = free.select(STRUCTURE_MEASURES).to_numpy()
    return fit_trees(measures, free["content"].to_numpy().astype(float), weights / weights.mean(), PLAN)


def join_bodies(trees: Trees, lines: pl.DataFrame) -> dict[int, str]:
    """Return the body of every page that the trees leave lines of."""
    score = pl.Series(trees.score(lines.select(STRUCTURE_MEASURES).to_numpy()))
    kept = lines.filter(pl.col("is_free") & (score > LEAST_SCORE))
    return dict(kept.group_by("doc", maintain_order=True).agg(pl.col("text").str.join("\n\n")).iter_rows())


def cross_validate(lines: pl.DataFrame) -> dict[int, str]:
    """Return the body of every page by trees that did not see it: a fifth of the pages is left out each time."""
    fold = pl.col("doc") % FOLDS
    bodies: dict[int, str] = {}
    for number in range(FOLDS):
        bodies |= join_bodies(fit_pages(lines.filter(fold != number)), lines.filter(fold == number))
    return bodies


def tell_scores(name: str, pages: Sequence[Page], bodies: dict[int, str]) -> None:
    """Print precision, recall and F1 of runs of four words, and the share of bodies that are exact."""
    counts = [count_body(page.body, bodies.get(number, "")) for number, page in enumerate(pages)]
    scores = " · ".join(f"{key} {score.value:.4f}" for key, score in score_bodies(counts).items())
    print(f"{name:>16} {scores}")


def main() -> None:
    """Measure, cross-validate, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help=f"the folder with {GOLD} and its pages")
    given = parser.parse_args()
    pages = read_pages(given.data)
    lines = measure_pages(pages)
    print(f"{len(pages)} pages, {lines.height} lines, {lines['is_free'].sum()} to learn from")
    tell_scores("pages unseen", pages, cross_validate(lines))
    trees = fit_pages(lines)
    tell_scores("in sample", pages, join_bodies(trees, lines))
    write_model(trees, STRUCTURE_MEASURES, "docs/pages.md", MODEL)


if __name__ == "__main__":
    main()
