"""Learn which lines of a page are the article, from the public line labels, and say how well: `python -m training DATA`."""

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tasks.clean import look_alone
from tasks.text.labels import LEAST_SCORE, find_stretch
from tasks.text.page import MEASURES, Trees, find_pages, measure_lines
from training.boosting import Plan, fit_trees, write_model

MODEL = Path(__file__).parent.parent / "tasks" / "text" / "line_model.json"
COLLECTIONS = ("lines.aeb", "lines.fundus-tests")
FOLDS = 5


def read_lines(folder: Path) -> pl.DataFrame:
    """Read the labelled lines: one row per line, with `doc`, `text`, `content` (0 or 1), `collection` and `publisher`.

    The publisher of a page of the first collection is not known: every page counts as one.
    """
    rows = (
        (collection, page["id"], page["id"].split("_")[0], line["text"], line["content"])
        for collection in COLLECTIONS
        for page in _read_pages(folder / f"{collection}.jsonl.gz")
        for line in page["lines"]
    )
    schema = dict.fromkeys(("collection", "page", "publisher", "text"), pl.String) | {"content": pl.Int8}
    lines = pl.DataFrame(list(rows), schema=schema, orient="row")
    return lines.with_columns(doc=(pl.col("page") != pl.col("page").shift(1)).fill_null(True).cum_sum())


def _read_pages(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def measure_pages(lines: pl.DataFrame) -> pl.DataFrame:
    """Add the MEASURES to the lines of whole pages; the lines that have a label of their own are there with `is_free` false."""
    blocks = lines.pipe(look_alone).pipe(find_stretch).pipe(find_pages)
    return measure_lines(blocks.filter("is_page")).with_columns(is_free=pl.col("alone_label").is_null())


def fit_lines(lines: pl.DataFrame) -> Trees:
    """Learn from the lines without a label of their own; a line weighs like the root of its words."""
    free = lines.filter("is_free")
    weights = free["words"].cast(pl.Float64).sqrt().to_numpy()
    return fit_trees(
        free.select(MEASURES).to_numpy(), free["content"].to_numpy().astype(float), weights / weights.mean(), Plan()
    )


def predict_lines(trees: Trees, lines: pl.DataFrame) -> pl.DataFrame:
    """Add `kept`: whether the trees keep the line."""
    score = pl.Series(trees.score(lines.select(MEASURES).to_numpy()))
    return lines.with_columns(kept=pl.col("is_free") & (score > LEAST_SCORE))


def cross_validate(lines: pl.DataFrame) -> pl.DataFrame:
    """Predict every line by trees that saw no page of its publisher."""
    groups = lines["publisher"].unique().sort().sample(fraction=1, shuffle=True, seed=0).to_list()
    fold = lines["publisher"].replace_strict({name: number % FOLDS for number, name in enumerate(groups)})
    return pl.concat(
        predict_lines(fit_lines(lines.filter(fold != number)), lines.filter(fold == number)) for number in range(FOLDS)
    )


def cross_collections(lines: pl.DataFrame) -> pl.DataFrame:
    """Predict every collection by trees that saw only the other one."""
    is_first = pl.col("collection") == COLLECTIONS[0]
    first, second = lines.filter(is_first), lines.filter(~is_first)
    return pl.concat([predict_lines(fit_lines(second), first), predict_lines(fit_lines(first), second)])


def tell_scores(name: str, predicted: pl.DataFrame) -> None:
    """Print precision, recall and F1 of the lines and of the words kept, for each collection and for both."""
    for collection in (*COLLECTIONS, None):
        part = predicted if collection is None else predicted.filter(pl.col("collection") == collection)
        scores = " · ".join(f"{unit} {_score(part, weight)}" for unit, weight in (("lines", pl.lit(1)), ("words", pl.col("text").str.count_matches(r"\w+"))))  # fmt: skip
        print(f"{name:>18} {collection or 'both':<18} {scores}")


def _score(lines: pl.DataFrame, weight: pl.Expr) -> str:
    is_content = pl.col("content") == 1
    right, kept, there = lines.select(
        right=(weight * (is_content & pl.col("kept"))).sum(), kept=(weight * pl.col("kept")).sum(), there=(weight * is_content).sum()
    ).row(0)  # fmt: skip
    return f"p {right / kept:.3f} r {right / there:.3f} f1 {2 * right / (kept + there):.3f}"


def main() -> None:
    """Measure, learn, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with " + " and ".join(f"{name}.jsonl.gz" for name in COLLECTIONS))  # fmt: skip
    parser.add_argument("--fast", action="store_true", help="learn and write only")
    given = parser.parse_args()
    lines = measure_pages(read_lines(given.data))
    print(f"{lines['doc'].n_unique()} pages, {lines.height} lines, {lines['is_free'].sum()} to learn from")
    if not given.fast:
        tell_scores("other publishers", cross_validate(lines))
        tell_scores("other collection", cross_collections(lines))
    trees = fit_lines(lines)
    tell_scores("in sample", predict_lines(trees, lines))
    write_model(trees, MEASURES, "docs/line_model.md", MODEL)


if __name__ == "__main__":
    main()
