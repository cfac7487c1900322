"""Quotes of one story become utterances: whatever the order, in increments, and without work that grows with the square."""

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.reports import utterances
from tasks.reports.utterances import REPORTS, compare_reports, count_utterances, update_utterances
from tests.builders import build_table, rows
from tests.work import count_lines_run
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import (
    DIM_STORIES,
    DIM_UTTERANCES,
    FACT_ARTICLES,
    FACT_QUOTES,
    STORY_ARTICLES,
    TABLES,
    UTTERANCE_WORDINGS,
)

PUMPS = "The harbour wall held, but the pumps on the east quay did not."
MAYOR, OWNER = "e-mayor", "e-owner"


def reports(*given: dict[str, Any] | str) -> pl.DataFrame:
    """Build REPORTS of one story: the mayor says each text in an article of its own, unless a row says otherwise."""
    made = []
    for number, row in enumerate({"quote_text": row} if isinstance(row, str) else row for row in given):
        own = {"quote_id": f"q{number}", "article_id": f"a{number}", "quote_type": "direct", "speaker_entity_id": MAYOR}
        also = {
            "story_id": "s1",
            "scope": "story:s1",
            "speaker_kind": "person",
            "speaker_text": "the mayor",
            "cue": "said",
        }
        made.append({**dict.fromkeys(REPORTS), **own, **also, **row})
    return pl.DataFrame(made, schema=REPORTS)


def group(frame: pl.DataFrame) -> list[list[str]]:
    """Return the quote ids of each utterance with more than one report."""
    members = compare_reports(frame).group_by("utterance_id").agg(pl.col("quote_id").sort())["quote_id"].to_list()
    return sorted(own for own in members if len(own) > 1)


def test_reports_of_one_thing_said_are_one_utterance_compared_with_the_fullest():
    frame = reports("the pumps on the east quay did not", PUMPS, "We will sell the mill.", PUMPS.upper())
    wordings = compare_reports(frame).sort("quote_id")
    assert rows(wordings, "quote_id", "wording_kind", "deleted", "rule") == [
        ("q0", "truncated", ["The harbour wall held, but"], "contained"),
        ("q1", "verbatim", [], "fullest"),
        ("q2", "verbatim", [], "fullest"),
        ("q3", "verbatim", [], "fullest"),
    ]
    [counted] = count_utterances(wordings, frame).filter(pl.col("quote_count") > 1).to_dicts()
    assert counted["utterance_text"] == PUMPS
    assert (counted["quote_count"], counted["article_count"], counted["wording_count"]) == (3, 3, 2)
    assert counted["speaker_entity_id"] == MAYOR


def test_a_short_wording_does_not_tie_two_long_ones_together():
    frame = reports(
        "We saw zero interest in the old mill last year.",
        "zero interest",
        "There is zero interest here, said my neighbour.",
    )
    assert [len(own) for own in group(frame)] == [2]


def test_generic_words_on_other_days_are_other_utterances():
    days = [date(2024, 3, day) for day in (4, 4, 9)]
    frame = reports(*[{"quote_text": "No comment.", "published_on": day} for day in days])
    assert group(frame) == [["q0", "q1"]]


def test_other_stories_and_other_speakers_keep_short_words_apart():
    elsewhere = {"quote_text": "Enough is enough.", "story_id": "s2", "scope": "story:s2"}
    assert group(reports("Enough is enough.", elsewhere)) == []
    assert group(reports("Enough is enough.", {"quote_text": "Enough is enough.", "speaker_entity_id": OWNER})) == []


def test_a_conflict_of_attribution_is_kept_and_told():
    frame = reports(PUMPS, PUMPS, {"quote_text": PUMPS, "speaker_entity_id": OWNER})
    wordings = compare_reports(frame)
    assert rows(count_utterances(wordings, frame), "speaker_entity_id", "has_speaker_conflict", "quote_count") == [
        (MAYOR, True, 3)
    ]


def test_an_organization_that_reported_the_words_is_no_other_speaker():
    relay = {"quote_text": PUMPS, "speaker_entity_id": "e-channel", "speaker_kind": "organization", "cue": "reported"}
    frame = reports(PUMPS, relay)
    assert rows(count_utterances(compare_reports(frame), frame), "speaker_entity_id", "has_speaker_conflict") == [
        (MAYOR, False)
    ]


def test_a_quotation_inside_another_is_not_a_report_of_it():
    inner = {
        "quote_text": "the pumps on the east quay",
        "parent_quote_id": "q0",
        "article_id": "a0",
        "speaker_entity_id": OWNER,
    }
    assert group(reports(PUMPS, inner)) == []


def test_indirect_speech_joins_a_quotation_of_another_article_and_begins_no_utterance():
    told = {"quote_text": "that the harbour wall had held but not the pumps on the east quay", "quote_type": "indirect"}
    wordings = compare_reports(reports(PUMPS, told, {"quote_text": "that the mill was old", "quote_type": "indirect"}))
    assert rows(wordings.sort("quote_id"), "quote_id", "wording_kind", "rule") == [
        ("q0", "verbatim", "fullest"),
        ("q1", "reported", "told_content"),
    ]
    own = {**told, "article_id": "a0"}
    assert compare_reports(reports(PUMPS, own))["quote_id"].to_list() == ["q0"]


def test_the_order_of_the_reports_changes_nothing():
    frame = reports(
        PUMPS, "the pumps on the east quay did not", "No comment.", PUMPS, "The harbour wall held", "No comment."
    )
    expected = compare_reports(frame).sort("quote_id")
    for seed in range(5):
        assert compare_reports(frame.sample(fraction=1, shuffle=True, seed=seed)).sort("quote_id").equals(expected)


def spread(count: int) -> pl.DataFrame:
    """Make `count` articles of one story with one sentence in common and one quotation of their own."""
    words = [f"w{random.Random(number).randrange(10**6)}" for number in range(count)]
    return reports(
        *[
            {"quote_text": text}
            for word in words
            for text in (PUMPS, f"Nobody told {word} that the quay was under water.")
        ]
    )


def test_work_grows_with_the_reports_and_not_with_their_square():
    small, large = (count_lines_run(lambda count=count: compare_reports(spread(count))) for count in (200, 800))
    assert large < 5 * small


def test_one_word_said_by_everybody_is_compared_with_a_bounded_number_of_others(monkeypatch):
    calls = []
    judge = utterances.find_evidence
    monkeypatch.setattr(utterances, "find_evidence", lambda *given: calls.append(1) or judge(*given))
    frame = reports(*[{"quote_text": "Yes.", "speaker_entity_id": f"e{number}"} for number in range(1_000)])
    assert group(frame) == []
    assert len(calls) <= 1_000 * (utterances.POSTINGS + utterances.CANDIDATES)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_schema(connection, TABLES)
        yield connection


def load(con: duckdb.DuckDBPyConnection, *given: tuple[str, str, str]) -> pl.DataFrame:
    """Load articles of one quote each: article, story and words; return their ids."""
    articles = [{"article_id": article, "document_id": article, "body": text} for article, _, text in given]
    quotes = [
        {"quote_id": f"q-{article}", "article_id": article, "quote_text": text, "speaker_text": "the mayor", "speaker_entity_id": MAYOR, "speaker_kind": "person"}
        for article, _, text in given
    ]  # fmt: skip
    merge_rows(con, FACT_ARTICLES, build_table(FACT_ARTICLES, *articles))
    merge_rows(con, FACT_QUOTES, build_table(FACT_QUOTES, *quotes))
    merge_rows(
        con, STORY_ARTICLES, build_table(STORY_ARTICLES, *[{"article_id": a, "story_id": s} for a, s, _ in given])
    )
    merge_rows(con, DIM_STORIES, build_table(DIM_STORIES, *[{"story_id": s} for s in sorted({s for _, s, _ in given})]))
    return pl.DataFrame({"article_id": [article for article, _, _ in given]})


def read(con: duckdb.DuckDBPyConnection) -> list[pl.DataFrame]:
    return [con.sql(f"from {table.name} order by all").pl() for table in (DIM_UTTERANCES, UTTERANCE_WORDINGS)]


CORPUS = [
    ("a3", "s1", "the pumps on the east quay did not"),
    ("a4", "s1", "We will sell the mill."),
    ("a1", "s1", PUMPS),
    ("a5", "s2", PUMPS),
    ("a2", "s2", "the harbour wall held"),
]


def test_increments_give_what_a_build_from_nothing_gives(con):
    load(con, *CORPUS)
    assert update_utterances(con, None) > 0
    expected = read(con)
    for size in (1, 2, 3):
        with duckdb.connect() as other:
            create_schema(other, TABLES)
            for first in range(0, len(CORPUS), size):
                update_utterances(other, load(other, *CORPUS[first : first + size]))
            assert all(one.equals(same) for one, same in zip(read(other), expected, strict=True))


def test_nothing_changes_where_nothing_changed(con):
    articles = load(con, *CORPUS)
    update_utterances(con, None)
    assert update_utterances(con, None) == 0
    assert update_utterances(con, articles.clear()) == 0


def test_an_id_that_is_gone_leads_on(con):
    update_utterances(con, load(con, CORPUS[0]))
    [(old,)] = con.execute("select utterance_id from dim_utterances").fetchall()
    update_utterances(con, load(con, CORPUS[2]))
    [(new,)] = con.execute("select utterance_id from dim_utterances").fetchall()
    assert con.execute("select old_id, new_id from id_redirects where kind = 'utterance'").fetchall() == [(old, new)]
    for table in ("fact_quotes", "fact_articles", "story_articles"):
        con.execute(f"delete from {table}")
    update_utterances(con, pl.DataFrame(schema={"article_id": pl.String}))
    assert con.execute("select count(*) from utterance_wordings").fetchall() == [(0,)]
    redirects = con.execute("select old_id, new_id from id_redirects where kind = 'utterance' order by 1").fetchall()
    assert redirects == sorted([(old, None), (new, None)])


def test_a_quote_whose_article_moves_to_another_story_moves_with_it(con):
    load(con, *CORPUS)
    update_utterances(con, None)
    con.execute("update story_articles set story_id = 's1' where story_id = 's2'")
    update_utterances(con, pl.DataFrame(schema={"article_id": pl.String}))
    found = con.execute("select quote_count from dim_utterances order by 1").fetchall()
    assert found == [(1,), (4,)]
