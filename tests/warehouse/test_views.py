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
        {
            "quote_id": "q6",
            "article_id": "a2",
            "statement_id": "s5",
            "quote_text": "We sail at noon",
            "speaker_entity_id": "e2",
        },
    ],
    "fact_statements": [
        {"statement_id": "s1", "article_id": "a1"},
        {"statement_id": "s2", "article_id": "a2"},
        {"statement_id": "s3", "article_id": "a2"},
        {"statement_id": "s4", "article_id": "a2"},
        {"statement_id": "s5", "article_id": "a2"},
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
    "document_entities": [
        {"document_entity_id": f"d{n}", "article_id": article, "mention_count": 1}
        for n, article in enumerate(("a1", "a1", "a2", "a2", "a3"))
    ],
    "entity_links": [
        {"document_entity_id": f"d{n}", "entity_id": entity} for n, entity in enumerate(("e1", "e2", "e2", "e1", "e2"))
    ],
    "dim_stories": [{"story_id": "y1", "story_title": "Ferries"}],
    "story_articles": [{"story_id": "y1", "article_id": "a1"}, {"story_id": "y1", "article_id": "a2"}],
    "dim_utterances": [
        {
            "utterance_id": "u1",
            "story_id": "y1",
            "speaker_entity_id": "e1",
            "utterance_text": "We sail at noon",
            "reference_quote_id": "q6",
            "has_speaker_conflict": True,
            "article_count": 2,
            "origin_count": 2,
        },
    ],
    "utterance_wordings": [
        {
            "quote_id": "q1",
            "utterance_id": "u1",
            "article_id": "a1",
            "wording_kind": "truncated",
            "deleted": ["at noon"],
        },
        {
            "quote_id": "q3",
            "utterance_id": "u1",
            "article_id": "a2",
            "wording_kind": "truncated",
            "deleted": ["at noon"],
        },
        {"quote_id": "q6", "utterance_id": "u1", "article_id": "a2", "wording_kind": "verbatim"},
    ],
    "utterance_origins": [
        {"utterance_id": "u1", "origin_no": 0, "origin_text": "Gazette", "quote_ids": ["q1"]},
        {"utterance_id": "u1", "origin_no": 1, "origin_text": "Post", "quote_ids": ["q3", "q6"]},
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
    assert con.execute(
        f"select {columns} from mart_quotes where quote_id in ('q1', 'q4', 'q5') order by 1"
    ).fetchall() == [
        ("q1", "Gazette", "Ferries", date(2024, 5, 14), "Anna Reyes", "she", "We sail"),
        ("q4", "Post", "Ferries again", date(2024, 5, 16), None, "a docker", "Never"),
        ("q5", "Post", "Ferries again", date(2024, 5, 16), None, None, "strike"),
    ]


def test_an_article_comes_with_its_counts_also_when_nothing_was_found_in_it(con: duckdb.DuckDBPyConnection) -> None:
    columns = """article_id, word_count, quote_count, attributed_quote_count, statement_count, speaker_count,
        entity_count, left_out_count"""
    assert con.execute(f"select {columns} from mart_articles order by article_id").fetchall() == [
        ("a1", 0, 2, 2, 1, 1, 2, 2),
        ("a2", 0, 4, 2, 4, 2, 0, 0),
        ("a3", 3, 0, 0, 0, 0, 0, 0),
    ]


def test_a_speaker_is_counted_over_articles_and_outlets(con: duckdb.DuckDBPyConnection) -> None:
    columns = """speaker, aliases, quote_count, statement_count, article_count, outlet_count, first_published_on,
        last_published_on"""
    assert con.execute(f"select {columns} from mart_speakers where speaker = 'Anna Reyes'").fetchall() == [
        ("Anna Reyes", ["Anna Reyes", "Reyes"], 3, 2, 2, 2, date(2024, 5, 14), date(2024, 5, 16))
    ]


def test_who_is_quoted_most_is_ranked_in_every_outlet_and_month(con: duckdb.DuckDBPyConnection) -> None:
    columns = "outlet, month_on, speaker, rank_no, quote_count, article_count, quoted_word_count, quote_share"
    assert con.execute(f"select {columns} from mart_most_quoted order by outlet, speaker").fetchall() == [
        ("Gazette", date(2024, 5, 1), "Anna Reyes", 1, 2, 1, 4, 1.0),
        ("Post", date(2024, 5, 1), "Anna Reyes", 1, 1, 1, 2, 0.5),
        ("Post", date(2024, 5, 1), "Port Board", 1, 1, 1, 4, 0.5),
    ]


def test_the_share_of_voice_counts_the_quoted_words_of_a_story(con: duckdb.DuckDBPyConnection) -> None:
    columns = "story_title, speaker, quote_count, utterance_count, outlet_count, quoted_word_count, word_share"
    assert con.execute(f"select {columns} from mart_share_of_voice").fetchall() == [
        ("Ferries", "Anna Reyes", 3, 1, 2, 6, 0.6),
        ("Ferries", "Port Board", 1, 1, 1, 4, 0.4),
    ]


def test_a_record_shows_every_report_of_an_utterance_beside_the_fullest_wording(con: duckdb.DuckDBPyConnection) -> None:
    columns = "speaker, printed_speaker, utterance_text, wording_kind, quote_text, outlet, origin_count"
    assert con.execute(f"select {columns} from mart_record order by quote_id").fetchall() == [
        ("Anna Reyes", "Anna Reyes", "We sail at noon", "truncated", "We sail", "Gazette", 2),
        ("Anna Reyes", "Anna Reyes", "We sail at noon", "truncated", "We sail", "Post", 2),
        ("Anna Reyes", "Port Board", "We sail at noon", "verbatim", "We sail at noon", "Post", 2),
    ]


def test_the_wordings_of_outlets_stand_side_by_side_with_their_differences(con: duckdb.DuckDBPyConnection) -> None:
    columns = "fullest_outlet, utterance_text, outlet, quote_text, wording_kind, deleted, origin_text"
    assert con.execute(f"select {columns} from mart_wordings order by quote_id").fetchall() == [
        ("Post", "We sail at noon", "Gazette", "We sail", "truncated", ["at noon"], "Gazette"),
        ("Post", "We sail at noon", "Post", "We sail", "truncated", ["at noon"], "Post"),
        ("Post", "We sail at noon", "Post", "We sail at noon", "verbatim", [], "Post"),
    ]


def test_what_an_outlet_left_out_comes_with_the_outlets_that_carry_it(con: duckdb.DuckDBPyConnection) -> None:
    columns = "outlet, speaker, left_out_text, quote_text, carried_by"
    assert con.execute(f"select {columns} from mart_left_out order by quote_id").fetchall() == [
        ("Gazette", "Anna Reyes", "at noon", "We sail", ["Post"]),
        ("Post", "Anna Reyes", "at noon", "We sail", ["Post"]),
    ]


def test_a_conflict_of_attribution_has_a_row_for_each_speaker(con: duckdb.DuckDBPyConnection) -> None:
    columns = "utterance_text, speaker, quote_count, outlets, quote_ids"
    assert con.execute(f"select {columns} from mart_speaker_conflicts order by speaker").fetchall() == [
        ("We sail at noon", "Anna Reyes", 2, ["Gazette", "Post"], ["q1", "q3"]),
        ("We sail at noon", "Port Board", 1, ["Post"], ["q6"]),
    ]


def test_entities_that_two_articles_mention_together_are_a_pair(con: duckdb.DuckDBPyConnection) -> None:
    columns = "entity, other_entity, article_count, outlet_count, lift"
    assert con.execute(f"select {columns} from mart_co_mentions").fetchall() == [
        ("Anna Reyes", "Port Board", 2, 2, 2 * 3 / (2 * 3))
    ]


def test_every_mart_and_every_column_of_it_is_described_in_the_database(con: duckdb.DuckDBPyConnection) -> None:
    marts = {mart.name: mart for mart in read_marts()}
    described = """
        select view_name as name, comment, false as is_stored from duckdb_views() where not internal
        union all select table_name, comment, true from duckdb_tables() where starts_with(table_name, 'mart_')
        order by name
    """
    assert con.execute(described).fetchall() == [(name, mart.grain, mart.is_stored) for name, mart in marts.items()]
    uncommented = "select table_name, column_name from duckdb_columns() where not internal and comment is null"
    assert con.execute(uncommented).fetchall() == []
    for name, mart in marts.items():
        assert mart.described.keys() <= list_columns(con, name).keys()


def test_marts_are_made_anew_and_those_of_an_earlier_version_go(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create view mart_old as select 1 as one")
    con.execute("create table mart_older as select 1 as one")
    create_marts(con)
    names = """
        select view_name from duckdb_views() where not internal
        union all select table_name from duckdb_tables() where starts_with(table_name, 'mart_') order by 1
    """
    assert con.execute(names).fetchall() == [(mart.name,) for mart in read_marts()]


def test_the_steps_to_marts_are_gone_when_the_marts_are_made(con: duckdb.DuckDBPyConnection) -> None:
    steps = read_marts("int_")
    used = " ".join(mart.sql for mart in [*read_marts(), *steps])
    assert [step.name for step in steps if step.name in used] == ["int_entity_numbers", "int_foremost_entities"]
    assert con.execute("select table_name from duckdb_tables() where starts_with(table_name, 'int_')").fetchall() == []


def test_a_mart_without_a_grain_or_with_a_column_that_nobody_describes_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"mart_x\.sql does not begin with its grain"):
        parse_mart("mart_x", "select 1 as one")
    mart = parse_mart("mart_x", "-- grain: one number\n-- one: The number.\nselect 1 as one, 2 as two\n")
    assert (mart.grain, mart.sql, mart.describe("one")) == ("one number", "select 1 as one, 2 as two", "The number.")
    with pytest.raises(KeyError, match="does not describe its column two"):
        mart.describe("two")
