"""The cost of finding copies: near copies beside datasketch, and the whole stage on made news, from nothing and added to."""

import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bench.corpus import make_corpus
from bench.page import Cell, render_goals, render_table
from bench.processes import run_measured
from tasks.reports.copies import TEXT_BINS, update_copies
from tasks.reports.relations import NEAR
from tasks.reports.shingles import shingle_texts, sketch_shingles
from tasks.reports.sketches import find_candidates
from tests.builders import articles
from tests.eval.copies import compare_all
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import (
    ARTICLE_COPIES,
    ARTICLE_CREDITS,
    ARTICLE_SEGMENTS,
    BODY_OVERLAPS,
    BODY_SKETCHES,
    FACT_ARTICLES,
)

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10_000, 30_000, 100_000)
DATABASE_MEMORY = "512MiB"
COMPARED = 5_000
USED = (FACT_ARTICLES, ARTICLE_SEGMENTS, ARTICLE_COPIES, ARTICLE_CREDITS, BODY_SKETCHES, BODY_OVERLAPS)
Pairs = set[tuple[int, int]]


def read_body(record: dict[str, Any]) -> str:
    """Return the paragraphs of a made article after title, byline and date."""
    return "\n\n".join(record["text"].split("\n\n")[3:])


def find_near_pairs(texts: list[str]) -> Pairs:
    """Find the pairs of texts whose sketches meet, from the texts on: what this project does before it compares."""
    shingles = shingle_texts(pl.Series(texts))
    docs, hashes = sketch_shingles(shingles.text, TEXT_BINS)
    lists = pl.DataFrame({"number": docs, "sketch": hashes}).group_by("number").agg("sketch")
    pairs = find_candidates(lists.cast({"number": pl.UInt32}))
    return set(pairs.rows())


def find_datasketch_pairs(texts: list[str]) -> Pairs:
    """Find the pairs of texts that datasketch's MinHash and LSH give, with 128 permutations and the same shingles."""
    from datasketch import MinHash, MinHashLSH

    index, found = MinHashLSH(threshold=NEAR, num_perm=128), set()
    for number, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        sketch = MinHash(num_perm=128)
        sketch.update_batch([" ".join(words[place : place + 4]).encode() for place in range(len(words) - 3)])
        found |= {(other, number) for other in index.query(sketch)}
        index.insert(number, sketch)
    return found


def compare_speed(texts: list[str]) -> list[list[Cell]]:
    """Return for each way its CPU in milliseconds an article and its recall against comparing all."""
    alike = set(compare_all(shingle_texts(pl.Series(texts))).rows())
    ways: dict[str, Callable[[list[str]], Pairs]] = {"On Record": find_near_pairs}
    try:
        import datasketch  # noqa: F401

        ways["datasketch"] = find_datasketch_pairs
    except ImportError:
        pass  # the table says that it was not measured
    rows: list[list[Cell]] = []
    for name, find in ways.items():
        find(texts[:500])  # libraries and word lists are loaded once
        start = time.process_time()
        found = find(texts)
        spent = time.process_time() - start
        rows.append([name, 1000 * spent / len(texts), len(found & alike) / len(alike), len(found)])
    return rows


def store_corpus(con: duckdb.DuckDBPyConnection, first: int, last: int) -> pl.DataFrame:
    """Store the made articles of these numbers; return their `article_id`."""
    ids: list[str] = []
    for records in _cut(make_corpus(last, first=first), 5_000):
        own = [record["id"] for record in records]
        made = articles(
            *map(read_body, records),
            article_id=own,
            outlet=[record["outlet"] for record in records],
            published_on=[date.fromisoformat(record["published_on"]) for record in records],
        )
        merge_rows(con, FACT_ARTICLES, made)
        ids += own
    return pl.DataFrame({"article_id": ids})


def _cut(records: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for record in records:
        part.append(record)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def measure(size: int) -> dict[str, float]:
    """Find the copies among `size` articles from nothing, then of a hundredth more; CPU in seconds, peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/made.duckdb") as con:
        con.execute(f"set memory_limit = '{DATABASE_MEMORY}'")  # a build limits it, too; what is more lies on the disk
        create_schema(con, USED)
        store_corpus(con, 0, size)
        before = _read_peak()
        seconds = {"full": _time(con, None)}
        seconds["added"] = _time(con, store_corpus(con, size, size + size // 100))
        [(compared,)] = con.execute("select count(*) from body_overlaps").fetchall()
        [(copies,)] = con.execute("select count(distinct article_id) from article_copies").fetchall()
    told = {"before": before, "mib": _read_peak(), "size": size, "compared": compared, "copies": copies}
    return seconds | told


def _read_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _time(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> float:
    start = time.process_time()
    update_copies(con, changed)
    return time.process_time() - start


def measure_copies(work: Path, most: int = SIZES[-1]) -> str:
    """Measure near copies beside datasketch, and each size up to `most` in a process of its own."""
    sizes = [size for size in SIZES if size <= most]
    speeds = compare_speed([read_body(record) for record in make_corpus(COMPARED)])
    runs = [
        json.loads(run_measured([sys.executable, "-m", "bench.copies", str(size)], cwd=ROOT).output.splitlines()[-1])
        for size in sizes
    ]
    rows: list[list[Cell]] = [
        [
            f"{run['size']:,}",
            run["full"],
            1000 * run["full"] / run["size"],
            run["added"],
            run["compared"],
            run["copies"],
            run["mib"],
        ]
        for run in runs
    ]
    least, most = runs[0], runs[-1]
    growth = (most["full"] / most["size"]) / (least["full"] / least["size"])
    goals = [
        (f"cost of an article, {most['size']:,} by {least['size']:,}", 1.3, growth, "times"),
        ("adding 1 %", 5, 100 * most["added"] / most["full"], "% of the full run"),
    ]
    if len(speeds) == 2:
        goals.append(
            ("near copies, part of datasketch's CPU", 1 / 25, float(speeds[0][1]) / float(speeds[1][1]), "times")
        )  # type: ignore[arg-type]
    return f"""## Copies

Near copies among {COMPARED:,} made articles, from text to pairs, shingling included. Recall is against comparing every article
with every other (resemblance of {NEAR} of their runs of four words). datasketch, when it is installed, has 128 permutations and the
same shingles.

{render_table(("", "CPU (ms an article)", "recall", "pairs"), speeds)}

The whole stage (`tasks/reports/copies.py`), without the model: sketches, comparison of all that meet, decisions, credits. Then 1 % more.

{render_table(("articles", "CPU (s)", "ms an article", "CPU of 1 % more (s)", "pairs compared", "copies", "peak memory (MiB)"), rows)}

{render_goals(goals)}
"""


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
