"""Reports go back to relays, copies, credits and outlets; those that go back to the same are one origin."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tasks.reports.origins import find_credit, fold_source, update_origins
from tests.builders import build_table
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import TABLES


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_schema(connection, TABLES)
        yield connection


def load(con: duckdb.DuckDBPyConnection, *articles: dict[str, Any], copies: tuple[dict[str, Any], ...] = ()) -> None:
    """Load one utterance of one story: a report in each article; `via_text` goes to its quote."""
    names = [f"a{number}" for number in range(len(articles))]
    given = {
        "fact_articles": [
            {"article_id": name, "document_id": name, **{k: v for k, v in row.items() if k != "via_text"}}
            for name, row in zip(names, articles, strict=True)
        ],
        "fact_quotes": [
            {"quote_id": f"q{name}", "article_id": name, "via_text": row.get("via_text")}
            for name, row in zip(names, articles, strict=True)
        ],
        "utterance_wordings": [{"quote_id": f"q{name}", "utterance_id": "u", "article_id": name} for name in names],
        "dim_utterances": [{"utterance_id": "u"}],
        "story_articles": [{"story_id": "s", "article_id": name} for name in names],
        "dim_stories": [{"story_id": "s"}],
        "article_copies": [{"origin_no": 0, **row} for row in copies],
    }
    for table in TABLES:
        if table.name in given:
            merge_rows(con, table, build_table(table, *given[table.name]))


def read(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("select origin_text, quote_ids, evidence from utterance_origins order by origin_no").fetchall()


def test_a_paper_and_those_that_relay_it_are_one_origin(con):
    load(
        con,
        {"outlet": "Quay Times"},
        {"outlet": "Harbour Post", "via_text": "the Quay Times"},
        {"outlet": "Isle Radio"},
    )
    update_origins(con, None)
    assert read(con) == [
        ("Quay Times", ["qa0", "qa1"], "1 × printed by Quay Times; 1 × relays the Quay Times"),
        ("Isle Radio", ["qa2"], "1 × printed by Isle Radio"),
    ]
    assert con.execute("select origin_count from dim_utterances").fetchall() == [(2,)]


def test_copies_are_followed_to_the_end_of_their_chain(con):
    copies = (
        {
            "article_id": "a2",
            "origin_article_id": "a1",
            "copy_kind": "near",
            "measure_name": "resemblance",
            "measure": 0.9,
        },
        {
            "article_id": "a1",
            "origin_article_id": "a0",
            "copy_kind": "rewritten",
            "measure_name": "shared quotations",
            "measure": 0.8,
        },
    )
    load(con, {"outlet": "Quay Times"}, {"outlet": "Harbour Post"}, {"outlet": "Isle Radio"}, copies=copies)
    update_origins(con, None)
    assert [row[:2] for row in read(con)] == [("Quay Times", ["qa0", "qa1", "qa2"])]
    assert con.execute("select article_ids, evidence from story_origins").fetchall() == [
        (
            ["a0", "a1", "a2"],
            "1 × near copy (resemblance 0.90) of article a0; 1 × printed by Quay Times; "
            "1 × rewritten copy (shared quotations 0.80) of article a0",
        )
    ]


def test_copies_of_each_other_and_of_an_agency_are_one_origin(con):
    ring = [
        {"article_id": one, "origin_article_id": other, "copy_kind": "exact"}
        for one, other in (("a0", "a1"), ("a1", "a0"))
    ]
    wire = {"article_id": "a2", "origin_article_id": None, "origin_text": "Reuters", "copy_kind": "syndicated"}
    load(con, {}, {}, {}, {"dateline": "LONDON (Reuters)", "dateline_place": "LONDON"}, copies=(*ring, wire))
    update_origins(con, None)
    assert sorted(row[:2] for row in read(con)) == [("Reuters", ["qa2", "qa3"]), ("article a0", ["qa0", "qa1"])]


def test_nothing_changes_twice_and_a_report_that_goes_takes_its_origin_along(con):
    load(con, {"outlet": "Quay Times"}, {"outlet": "Isle Radio"})
    assert update_origins(con, None) > 0
    assert update_origins(con, None) == 0
    con.execute("delete from utterance_wordings where article_id = 'a1'")
    update_origins(con, con.sql("select article_id from fact_articles limit 0").pl())
    assert [row[:2] for row in read(con)] == [("Quay Times", ["qa0"])]


def test_a_dateline_credits_a_news_organization_and_no_place():
    assert find_credit("Porto CNP", "Porto", None) == "CNP"
    assert find_credit("Porto CNP", "Porto", "CNP") is None
    assert find_credit("PORTO, March 3 (Reuters)", "PORTO", "Quay Times") == "Reuters"
    assert find_credit("PORTLAND, ORE", "PORTLAND", None) is None
    assert find_credit(None, None, None) is None


def test_an_article_before_a_name_makes_no_other_source():
    assert fold_source("the Quay Times") == fold_source("Quay Times")
