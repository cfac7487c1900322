"""The cost of linking entities: articles by the thousand, made of invented names, linked from nothing and added to."""

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

from bench.page import Cell, render_goals, render_table
from bench.processes import run_measured
from tasks.identity.linking.release import link_release
from tasks.link import join_entity_ids
from warehouse.ddl import create_schema, merge_rows
from warehouse.keys import make_id
from warehouse.tables import DOCUMENT_ENTITIES, FACT_ARTICLES, TABLES

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10_000, 30_000, 100_000)
DATABASE_MEMORY = "512MiB"
_SYLLABLES = (
    "ba",
    "dor",
    "fen",
    "gal",
    "hel",
    "jor",
    "kas",
    "lun",
    "mar",
    "nov",
    "or",
    "pel",
    "quin",
    "ros",
    "tal",
    "ver",
)
_GIVEN = (
    "Anna",
    "Boris",
    "Clara",
    "David",
    "Elena",
    "Frank",
    "Greta",
    "Hugo",
    "Irena",
    "John",
    "Karl",
    "Maria",
    "Peter",
)
_TITLES = ("President", "Sen.", "Mr.", "Foreign Minister", "Judge")


def make_entities(first: int, last: int) -> pl.DataFrame:
    """Make DOCUMENT_ENTITIES of the articles with these numbers: persons, organizations and places, a few very frequent.

    An article has 22 of them. Names follow Zipf's law over a million of each kind, surnames over fifty thousand, so that
    the first is in every second article and new ones keep coming.
    """
    rows = []
    for number in range(first, last):
        chance = random.Random(number)
        article = make_id("article", number)
        for place in range(22):
            kind = ("person", "person", "organization", "place")[place % 4]
            rank = int(1e6 ** chance.random())
            names = _name(kind, rank, chance.random())
            titles = [_TITLES[rank % 5]] if kind == "person" and chance.random() < 0.3 else []
            rows.append((make_id(article, place), article, kind, names[0], names, titles, 2))
    return pl.DataFrame(rows, schema=DOCUMENT_ENTITIES.schema, orient="row").unique("document_entity_id")


def _name(kind: str, rank: int, chance: float) -> list[str]:
    chosen = random.Random(f"{kind}{rank}")
    word = "".join(chosen.choice(_SYLLABLES) for _ in range(4)).capitalize()
    if kind == "place":
        return [word]
    if kind == "organization":
        full = f"{word} {chosen.choice(('Council', 'Works', 'Party', 'Institute'))}"
        return [full] if chance < 0.8 else [word]
    family = random.Random(int(5e4 ** chosen.random()))
    surname = "".join(family.choice(_SYLLABLES) for _ in range(4)).capitalize()
    return [surname] if chance < 0.08 else [f"{chosen.choice(_GIVEN)} {surname}", surname]


def _store(con: duckdb.DuckDBPyConnection, entities: pl.DataFrame, run_id: str) -> None:
    merge_rows(con, DOCUMENT_ENTITIES, entities)
    articles = entities.select("article_id").unique()
    con.register("made", articles)
    con.execute(f"insert into made_articles select article_id, '{run_id}' as run_id from made")
    con.unregister("made")


def measure(size: int) -> dict[str, float]:
    """Link `size` articles from nothing, then a hundredth more; return seconds of CPU and the peak of memory in MiB."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/made.duckdb") as con:
        con.execute(f"set memory_limit = '{DATABASE_MEMORY}'")  # a build limits it, too; what is more lies on the disk
        create_schema(con, [table for table in TABLES if table is not FACT_ARTICLES])
        con.execute("create table made_articles (article_id varchar, run_id varchar)")
        con.execute("create view fact_articles as from made_articles")
        for first in range(0, size, 10_000):
            _store(con, make_entities(first, min(first + 10_000, size)), "run-1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = {"full": _time(con, "run-1")}
        _store(con, make_entities(size, size + size // 100), "run-2")
        seconds["added"] = _time(con, "run-2")
    return seconds | {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "size": size, "before": before}


def _time(con: duckdb.DuckDBPyConnection, run_id: str) -> float:
    start = time.process_time()
    linked = link_release(con, run_id)
    join_entity_ids(con, linked.articles)
    return time.process_time() - start


def measure_links(work: Path) -> str:
    """Measure each size in a process of its own."""
    told = []
    for size in SIZES:
        run = run_measured((sys.executable, "-m", "bench.links", str(size)), cwd=ROOT, env={"HOME": str(work)})
        told.append(json.loads(run.output.splitlines()[-1]))
    rows: list[list[Cell]] = [
        [f"{one['size']:,}", one["full"], 1e6 * one["full"] / one["size"], one["added"], 100 * one["added"] / one["full"],
         one["mib"], 1024 * one["mib"] / one["size"]]
        for one in told
    ]  # fmt: skip
    titles = (
        "articles",
        "CPU (s)",
        "µs an article",
        "CPU of 1 % more (s)",
        "% of full",
        "peak memory (MiB)",
        "KiB an article",
    )
    share = 100 * told[-1]["added"] / told[-1]["full"]
    return f"""## Linking entities

Articles of 22 document entities with invented names, linked and stored from nothing, then a hundredth more added.

{render_table(titles, rows)}

{render_goals([("linking 1 % more articles at 100,000", 5, share, "% of the full stage")])}
"""


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
