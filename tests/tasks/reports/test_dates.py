"""Days told in an article without a date, counted from the date of its story."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.reports.dates import date_occasions
from tests.builders import build_table
from warehouse.connection import connect_private
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import DIM_STORIES, FACT_ARTICLES, FACT_QUOTES, FACT_STATEMENTS, STORY_ARTICLES, TABLES

WEDNESDAY = date(2024, 5, 15)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_private(Path(":memory:")) as con:
        create_schema(con, TABLES)
        yield con


def fill(
    con: duckdb.DuckDBPyConnection, text: str, *, first_on: date | None, last_on: date | None, **said: Any
) -> None:
    story = {"story_id": "y1", "first_on": first_on, "last_on": last_on}
    merge_rows(con, DIM_STORIES, build_table(DIM_STORIES, story), delete_where="true")
    merge_rows(con, STORY_ARTICLES, build_table(STORY_ARTICLES, {"story_id": "y1", "article_id": "a1"}))
    merge_rows(con, FACT_ARTICLES, build_table(FACT_ARTICLES, {"article_id": "a1"}))
    quote = {"quote_id": "q1", "article_id": "a1", "said_on_text": text, **said}
    merge_rows(con, FACT_QUOTES, build_table(FACT_QUOTES, quote))
    merge_rows(
        con,
        FACT_STATEMENTS,
        build_table(FACT_STATEMENTS, {"statement_id": "s1", "article_id": "a1", "said_on_text": text}),
    )


def read(con: duckdb.DuckDBPyConnection, table: str = "fact_quotes") -> list[tuple[Any, ...]]:
    return con.execute(f"select said_on, said_on_precision, said_on_reference from {table}").fetchall()


def test_a_weekday_is_the_last_such_day_before_the_story_was_published(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "on Wednesday", first_on=date(2024, 5, 16), last_on=date(2024, 5, 17))
    assert date_occasions(con, None) == 2
    assert read(con) == read(con, "fact_statements") == [(WEDNESDAY, "day", "story")]
    assert date_occasions(con, None) == 0


def test_a_story_of_many_days_tells_no_day_and_takes_back_what_it_told(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "on Wednesday", first_on=date(2024, 5, 16), last_on=date(2024, 5, 17))
    date_occasions(con, None)
    fill(
        con,
        "on Wednesday",
        first_on=date(2024, 5, 10),
        last_on=date(2024, 5, 17),
        said_on=WEDNESDAY,
        said_on_reference="story",
    )
    assert date_occasions(con, None) == 1  # the quote: the statement was written anew
    assert read(con) == [(None, None, None)]


def test_words_without_a_day_and_what_the_article_dates_stay_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    own = {"said_on": date(2019, 1, 2), "said_on_precision": "day", "said_on_reference": "article"}
    fill(con, "on January 2, 2019", first_on=date(2024, 5, 17), last_on=date(2024, 5, 17), **own)
    date_occasions(con, None)
    assert read(con) == [(date(2019, 1, 2), "day", "article")]
    fill(con, "in a recent interview", first_on=WEDNESDAY, last_on=WEDNESDAY, said_on=None, said_on_reference=None)
    date_occasions(con, None)
    assert read(con, "fact_statements") == [(None, None, None)]
