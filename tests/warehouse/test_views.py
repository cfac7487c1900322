"""The marts: what they answer, over literal rows."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.builders import build_table
from warehouse.connection import connect_private
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import TABLES
from warehouse.views import create_marts, list_columns, parse_mart, read_marts

SHE = {"article_id": "a1", "statement_id": "s1", "speaker_text": "she", "speaker_entity_id": "e1"}
REYES = {"article_id": "a2", "statement_id": "s2", "speaker_text": "Anna Reyes", "speaker_entity_id": "e1"}
ROWS = {
    "fact_articles": [
        {"article_id": "a1", "outlet": "Gazette", "title": "Ferries", "published_on": date(2024, 5, 14)},
        {"article_id": "a2", "outlet": "Post", "title": "Ferries again", "published_on": date(2024, 5, 16)},
        {"article_id": "a3", "outlet": None, "title": "Weather", "body": "Rain all day"},
    ],
    "fact_quotes": [
        {"quote_id": "q1", **SHE, "quote_text": "We sail"},
        {"quote_id": "q2", **SHE, "quote_text": "at noon", "part_no": 1},
        {"quote_id": "q3", **REYES, "quote_text": "We sail"},
        {"quote_id": "q4", "article_id": "a2", "statement_id": "s3", "quote_text": "Never", "speaker_text": "a docker"},
        {"quote_id": "q5", "article_id": "a2", "statement_id": "s4", "quote_text": "strike"},
    ],
    "fact_statements": [
        {"statement_id": "s1", "article_id": "a1"},
        {"statement_id": "s2", "article_id": "a2"},
        {"statement_id": "s3", "article_id": "a2"},
        {"statement_id": "s4", "article_id": "a2"},
    ],
    "fact_entity_mentions": [
        {"mention_id": "m1", "article_id": "a1", "entity_id": "e1"},
        {"mention_id": "m2", "article_id": "a1", "entity_id": "e1"},
        {"mention_id": "m3", "article_id": "a1", "entity_id": "e2"},
    ],
    "dim_entities": [
        {"entity_id": "e1", "entity_name": "Anna Reyes", "aliases": ["Anna Reyes", "Reyes"]},
        {"entity_id": "e2", "entity_name": "Port Board"},
    ],
    "article_segments": [
        {"article_id": "a1", "line_no": 0, "label": "title"},
        {"article_id": "a1", "line_no": 1, "label": "body", "body_start": 0},
        {"article_id": "a1", "line_no": 2, "label": "promotion"},
    ],
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_private(Path(":memory:")) as con:
        create_schema(con, TABLES)
        for table in TABLES:
            merge_rows(con, table, build_table(table, *ROWS.get(table.name, [])))
        create_marts(con)
        yield con


def test_a_quote_comes_with_its_article_and_the_name_of_its_speaker(con: duckdb.DuckDBPyConnection) -> None:
    columns = "quote_id, outlet, title, published_on, speaker, speaker_text, quote_text"
    assert con.execute(f"select {columns} from mart_quotes order by quote_id").fetchall() == [
        ("q1", "Gazette", "Ferries", date(2024, 5, 14), "Anna Reyes", "she", "We sail"),
        ("q2", "Gazette", "Ferries", date(2024, 5, 14), "Anna Reyes", "she", "at noon"),
        ("q3", "Post", "Ferries again", date(2024, 5, 16), "Anna Reyes", "Anna Reyes", "We sail"),
        ("q4", "Post", "Ferries again", date(2024, 5, 16), None, "a docker", "Never"),
        ("q5", "Post", "Ferries again", date(2024, 5, 16), None, None, "strike"),
    ]


def test_an_article_comes_with_its_counts_also_when_nothing_was_found_in_it(con: duckdb.DuckDBPyConnection) -> None:
    columns = """article_id, word_count, quote_count, attributed_quote_count, statement_count, speaker_count,
        entity_count, left_out_count"""
    assert con.execute(f"select {columns} from mart_articles order by article_id").fetchall() == [
        ("a1", 0, 2, 2, 1, 1, 2, 2),
        ("a2", 0, 3, 2, 3, 1, 0, 0),
        ("a3", 3, 0, 0, 0, 0, 0, 0),
    ]


def test_a_speaker_is_counted_over_articles_and_outlets(con: duckdb.DuckDBPyConnection) -> None:
    columns = """speaker, aliases, quote_count, statement_count, article_count, outlet_count, first_published_on,
        last_published_on"""
    assert con.execute(f"select {columns} from mart_speakers").fetchall() == [
        ("Anna Reyes", ["Anna Reyes", "Reyes"], 3, 2, 2, 2, date(2024, 5, 14), date(2024, 5, 16))
    ]


def test_every_mart_and_every_column_of_it_is_described_in_the_database(con: duckdb.DuckDBPyConnection) -> None:
    marts = {mart.name: mart for mart in read_marts()}
    assert sorted(marts) == ["mart_articles", "mart_quotes", "mart_speakers"]
    views = con.execute("select view_name, comment from duckdb_views() where not internal order by 1").fetchall()
    assert views == [(name, mart.grain) for name, mart in marts.items()]
    uncommented = "select table_name, column_name from duckdb_columns() where not internal and comment is null"
    assert con.execute(uncommented).fetchall() == []
    for name, mart in marts.items():
        assert mart.described.keys() <= list_columns(con, name).keys()


def test_marts_are_made_anew_and_those_of_an_earlier_version_go(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create view mart_old as select 1 as one")
    create_marts(con)
    assert con.execute("select view_name from duckdb_views() where not internal order by 1").fetchall() == [
        ("mart_articles",),
        ("mart_quotes",),
        ("mart_speakers",),
    ]


def test_a_mart_without_a_grain_or_with_a_column_that_nobody_describes_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"mart_x\.sql does not begin with its grain"):
        parse_mart("mart_x", "select 1 as one")
    mart = parse_mart("mart_x", "-- grain: one number\n-- one: The number.\nselect 1 as one, 2 as two\n")
    assert (mart.grain, mart.sql, mart.describe("one")) == ("one number", "select 1 as one, 2 as two", "The number.")
    with pytest.raises(KeyError, match="does not describe its column two"):
        mart.describe("two")
