"""The cost of utterances and their origins: articles by the thousand in stories, quotations in several wordings, added to."""

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bench.page import Cell, render_goals, render_table
from bench.processes import run_measured
from tasks.reports.origins import update_origins
from tasks.reports.utterances import REPORTS, compare_reports, update_utterances
from warehouse.ddl import create_schema, merge_rows
from warehouse.keys import make_id
from warehouse.tables import DIM_STORIES, FACT_ARTICLES, FACT_QUOTES, STORY_ARTICLES, TABLES, Table

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10_000, 30_000, 100_000)
DATABASE_MEMORY = "512MiB"
HOSTILE = (5_000, 10_000, 50_000)
_QUOTES = 6
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
_COMMON = ("the", "of", "and", "we", "to", "a", "in", "that", "is", "it", "not", "for", "they", "have", "will", "on")  # fmt: skip


def _word(rank: int) -> str:
    chosen = random.Random(rank)
    return "".join(chosen.choice(_SYLLABLES) for _ in range(chosen.randint(2, 4)))


def _say(seed: str) -> str:
    """Make a quotation of about 20 words, half of them function words, the others after Zipf's law over 20,000."""
    chance = random.Random(seed)
    length = int(chance.triangular(3, 45, 12))
    return " ".join(
        chance.choice(_COMMON) if chance.random() < 0.5 else _word(int(2e4 ** chance.random())) for _ in range(length)
    )


def _report(text: str, chance: random.Random) -> str:
    """Make a wording of a quotation: as it is, truncated, or with a word exchanged."""
    words = text.split()
    kind = chance.random()
    if kind < 0.5 or len(words) < 6:
        return text
    if kind < 0.8:
        first = chance.randrange(len(words) // 2)
        return " ".join(words[first : first + chance.randint(4, len(words))])
    words[chance.randrange(len(words))] = _word(int(2e4 ** chance.random()))
    return " ".join(words)


def make_reports(first: int, last: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Make the articles with these numbers, six quotes in each; stories follow Zipf's law and have 4 articles on average.

    Of the quotes of an article four are wordings of the eight things that were said in its story, two are its own.
    """
    for number in range(first, last):
        chance = random.Random(number)
        story, article = (
            f"story {int(chance.paretovariate(1.2) * (number // 4 + 1)) % (number // 4 + 1)}",
            make_id("article", number),
        )
        texts = [_report(_say(f"{story} {place}"), chance) for place in chance.sample(range(8), 4)]
        texts += [_say(f"{number} {place}") for place in range(_QUOTES - 4)]
        speakers = [make_id("entity", story, chance.randrange(3)) for _ in texts]
        row = {
            "article_id": article,
            "document_id": article,
            "outlet": f"Outlet {chance.randrange(200)}",
            "story_id": story,
        }
        yield row, [
            {"quote_id": make_id(article, place), "article_id": article, "quote_text": text, "speaker_entity_id": speaker, "speaker_kind": "person", "quote_type": "direct"}
            for place, (text, speaker) in enumerate(zip(texts, speakers, strict=True))
        ]  # fmt: skip


def _store(con: duckdb.DuckDBPyConnection, first: int, last: int) -> pl.DataFrame:
    made = list(make_reports(first, last))
    articles = pl.DataFrame([row for row, _ in made])
    quotes = pl.DataFrame([quote for _, own in made for quote in own])
    _insert(con, FACT_ARTICLES, articles)
    _insert(con, FACT_QUOTES, quotes)
    _insert(con, STORY_ARTICLES, articles)
    stories = articles.select("story_id").unique()
    merge_rows(con, DIM_STORIES, _complete(DIM_STORIES, stories))
    return articles.select("article_id")


def _insert(con: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame) -> None:
    con.register("made_rows", _complete(table, frame))
    con.execute(f"insert into {table.name} by name from made_rows")
    con.unregister("made_rows")


def _complete(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Fill in the columns that the frame has not: null, nothing, or zero."""
    missing = [column for column in table.columns if column.name not in frame.columns]
    fills = [
        pl.lit(None if column.nullable else [] if column.dtype.is_nested() else "" if column.dtype == pl.String else 0)
        .cast(column.dtype)
        .alias(column.name)
        for column in missing
    ]
    return frame.with_columns(fills).select(table.column_names).cast(table.schema)


def measure(size: int) -> dict[str, float]:
    """Compare the quotes of `size` articles from nothing, then of a hundredth more; return seconds and MiB at most."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/made.duckdb") as con:
        con.execute(f"set memory_limit = '{DATABASE_MEMORY}'")  # a build limits it, too; what is more lies on the disk
        create_schema(con, TABLES)
        for first in range(0, size, 10_000):
            _store(con, first, min(first + 10_000, size))
        seconds = {"full": _time(lambda: _update(con, None))}
        added = _store(con, size, size + size // 100)
        seconds["added"] = _time(lambda: _update(con, added))
        [(together,)] = con.execute("select count(*) from dim_utterances where quote_count > 1").fetchall()
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds | {"mib": mib, "size": size, "together": together}


def _update(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> None:
    update_utterances(con, changed)
    update_origins(con, changed)


def _time(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def measure_hostile_reports(size: int) -> list[float]:
    """Return the seconds for `size` reports in one story: one word by one speaker, by many, and one sentence with one more."""
    said = {
        "one": [("Yes.", "e")] * size,
        "many": [("Yes.", f"e{number}") for number in range(size)],
        "common": [(f"The quay was under water when {_word(number)} came.", "e") for number in range(size)],
    }
    return [_time(lambda texts=texts: compare_reports(_make_story(texts))) for texts in said.values()]


def _make_story(said: list[tuple[str, str]]) -> pl.DataFrame:
    rows = [
        {"quote_id": f"q{number}", "article_id": f"a{number}", "quote_text": text, "quote_type": "direct", "speaker_entity_id": speaker, "story_id": "s", "scope": "s"}
        for number, (text, speaker) in enumerate(said)
    ]  # fmt: skip
    return pl.DataFrame([{**dict.fromkeys(REPORTS), **row} for row in rows], schema=REPORTS)


def measure_utterances(work: Path) -> str:
    """Measure each size in a process of its own, and stories that are made to be slow."""
    told = []
    for size in SIZES:
        run = run_measured((sys.executable, "-m", "bench.utterances", str(size)), cwd=ROOT, env={"HOME": str(work)})
        told.append(json.loads(run.output.splitlines()[-1]))
    rows: list[list[Cell]] = [
        [f"{one['size']:,}", f"{one['together']:,}", one["full"], 1e6 * one["full"] / one["size"], one["added"], 100 * one["added"] / one["full"], one["mib"]]
        for one in told
    ]  # fmt: skip
    titles = ("articles", "utterances of several reports", "CPU (s)", "µs an article", "CPU of 1 % more (s)", "% of full", "peak memory (MiB)")  # fmt: skip
    hostile: list[list[Cell]] = [[f"{size:,}", *measure_hostile_reports(size)] for size in HOSTILE]
    share = 100 * told[-1]["added"] / told[-1]["full"]
    return f"""## Utterances and their origins

Articles of six quotes in stories, four of them wordings of what was said in the story; compared and stored from nothing,
then a hundredth more added.

{render_table(titles, rows)}

{render_goals([("utterances of 1 % more articles at 100,000", 5, share, "% of the full stage")])}

Seconds for stories that are made to be slow: one word said so often by one speaker, by as many speakers, and a sentence in
as many wordings.

{render_table(("reports in one story", "one word, one speaker", "one word, many speakers", "one sentence, many wordings"), hostile)}
"""


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
