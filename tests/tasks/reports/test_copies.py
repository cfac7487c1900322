"""Which articles are copies of what, over the corpus."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from bench.corpus import make_corpus
from bench.planting import reword
from tasks.reports.copies import update_copies
from tasks.reports.substitutions import find_substitutions
from tests.builders import articles, build_table, rows
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import (
    ARTICLE_COPIES,
    ARTICLE_CREDITS,
    ARTICLE_SEGMENTS,
    BODY_OVERLAPS,
    BODY_SKETCHES,
    FACT_ARTICLES,
)

STORIES = [
    "\n\n".join(record["text"].split("\n\n")[3:]) for record in make_corpus(40, seed=8, copies=0.0, repeated=0.0)
][::5]
"""The bodies of eight articles on eight events."""
USED = (FACT_ARTICLES, ARTICLE_SEGMENTS, ARTICLE_COPIES, ARTICLE_CREDITS, BODY_SKETCHES, BODY_OVERLAPS)
ONE, TWO, THREE, *_ = STORIES
MAY_1, MAY_2 = date(2024, 5, 1), date(2024, 5, 2)


def open_warehouse() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    create_schema(con, USED)
    return con


def store(con: duckdb.DuckDBPyConnection, *bodies: str, **columns: Any) -> None:
    """Store an article for each body, called a, b, c… unless `article_id` says otherwise."""
    names = columns.pop("article_id", list("abcdefghijklmnopqrstuvwxyz"[: len(bodies)]))
    merge_rows(con, FACT_ARTICLES, articles(*bodies, article_id=names, **columns))


def find_copies(*bodies: str, **columns: Any) -> list[tuple[Any, ...]]:
    """Return article, origin, kind and direction of the copies among articles with these bodies."""
    with open_warehouse() as con:
        store(con, *bodies, **columns)
        update_copies(con, None)
        return rows(
            con.sql("from article_copies").pl(), "article_id", "origin_article_id", "copy_kind", "direction_rule"
        )


def drop_word(body: str, place: int = 40) -> str:
    words = body.split(" ")
    return " ".join([*words[:place], *words[place + 1 :]])


def test_different_articles_are_no_copies_of_each_other() -> None:
    assert find_copies(*STORIES) == []


def test_reports_of_one_event_with_the_same_quotations_are_no_copies() -> None:
    reports = ["\n\n".join(record["text"].split("\n\n")[3:]) for record in make_corpus(60, seed=2, copies=0.0)]
    assert find_copies(*reports, article_id=[f"report-{number:02}" for number in range(60)]) == []


def test_the_same_bytes_are_an_identical_copy_of_the_smallest_id() -> None:
    assert find_copies(ONE, TWO, ONE) == [("c", "a", "identical", "smallest id")]


def test_a_body_with_other_spaces_and_case_is_an_exact_copy() -> None:
    assert find_copies(ONE, ONE.replace(" the ", " THE  ")) == [("b", "a", "exact", "smallest id")]


def test_a_few_edited_words_are_a_near_copy_of_the_earlier() -> None:
    assert find_copies(drop_word(ONE), ONE, published_on=[MAY_2, MAY_1]) == [("a", "b", "near", "earlier")]
    assert find_copies(drop_word(ONE), ONE, published_on=[MAY_1, MAY_2]) == [("b", "a", "near", "earlier")]


def test_without_days_the_longer_is_the_origin() -> None:
    assert find_copies(drop_word(ONE), ONE) == [("a", "b", "near", "longer")]


def test_an_article_with_a_day_is_the_origin_of_one_without() -> None:
    assert find_copies(ONE, drop_word(ONE), published_on=[None, MAY_2]) == [("a", "b", "near", "dated")]


def test_on_one_day_the_agency_is_the_origin() -> None:
    copies = find_copies(ONE, drop_word(ONE), outlet=["Harbour Gazette", "Reuters"], published_on=MAY_1)
    assert copies == [("a", "b", "syndicated", "agency")]


def test_a_part_of_an_article_is_truncated() -> None:
    part = "\n\n".join(ONE.split("\n\n")[:3])
    assert find_copies(part, ONE) == [("a", "b", "truncated", "longer")]


def test_an_article_that_goes_on_after_the_whole_of_another_contains_it() -> None:
    part = "\n\n".join(ONE.split("\n\n")[:3])
    assert find_copies(part, f"{part}\n\n{TWO}", published_on=[MAY_1, MAY_2]) == [("b", "a", "contained", "earlier")]


def test_an_article_made_of_two_is_a_copy_of_both_with_days_and_without() -> None:
    joined = f"{ONE}\n\n{TWO}"
    with_days = find_copies(ONE, joined, TWO, published_on=[MAY_1, MAY_2, MAY_1])
    assert sorted(with_days) == [("b", "a", "stitched", "earlier"), ("b", "c", "stitched", "earlier")]
    assert sorted(find_copies(ONE, joined, TWO)) == [("b", "a", "stitched", "parts"), ("b", "c", "stitched", "parts")]


def test_a_reworded_article_with_the_same_names_numbers_and_quotations_is_rewritten() -> None:
    chance = random.Random(1)
    reworded = reword(reword(ONE, chance), chance)
    with open_warehouse() as con:
        store(con, ONE, reworded, TWO, published_on=[MAY_1, MAY_2, MAY_1])
        update_copies(con, None)
        [row] = con.sql("from article_copies").pl().to_dicts()
    assert (row["article_id"], row["origin_article_id"]) == ("b", "a")
    assert row["copy_kind"] in ("near", "rewritten")


def test_an_article_reworded_throughout_is_rewritten_and_its_row_says_why() -> None:
    sentence = (
        "On {day} the mayor, Ana {name}, told {number} sailors in {name}burg to come home before the {number}th of May."
    )
    other = "This {day} a leader, Ana {name}, asked some {number} seamen from {name}burg for their return until our {number}th of May."
    names = [f"Vieira{letter}" for letter in "abcdefgh"]
    one, two = (
        "\n\n".join(text.format(day="Monday", name=name, number=number) for number, name in enumerate(names, 10))
        for text in (sentence, other)
    )
    with open_warehouse() as con:
        store(con, one, two, published_on=[MAY_1, MAY_2])
        update_copies(con, None)
        [row] = con.sql("from article_copies").pl().to_dicts()
    assert (row["copy_kind"], row["measure_name"], row["measure"]) == ("rewritten", "names and numbers", 1.0)
    assert row["evidence"].startswith("48 runs of 3 names and numbers of 48 here and 48 there; 0 quoted runs")


def test_a_copy_of_a_copy_points_to_the_root() -> None:
    second = drop_word(ONE)
    third = drop_word(second, 90)
    days = [MAY_1, MAY_2, date(2024, 5, 3)]
    assert [row[:3] for row in find_copies(ONE, second, third, published_on=days)] == [
        ("b", "a", "near"),
        ("c", "a", "near"),
    ]


def test_a_repeated_copy_has_the_origin_of_its_body() -> None:
    copies = find_copies(ONE, drop_word(ONE), drop_word(ONE), published_on=[MAY_1, MAY_2, MAY_2])
    assert [row[:3] for row in copies] == [("b", "a", "near"), ("c", "a", "near")]


def credit(con: duckdb.DuckDBPyConnection, article_id: str, label: str, text: str, reason: str = "agency_name") -> None:
    row = {"article_id": article_id, "label": label, "text": text, "reason": reason}
    merge_rows(con, ARTICLE_SEGMENTS, build_table(ARTICLE_SEGMENTS, row))


@pytest.mark.parametrize(
    ("label", "text", "place"),
    [
        ("dateline", "LISBON (Reuters) —", "dateline"),
        ("dateline", "LISBON, May 3 (Reuters) -", "dateline"),
        ("byline", "By Ana Vieira, Reuters", "byline"),
        ("credit", "Reuters", "credit"),
    ],
)
def test_an_agency_is_credited_in_dateline_byline_or_a_line_of_its_own(label: str, text: str, place: str) -> None:
    with open_warehouse() as con:
        store(con, ONE, outlet="Harbour Gazette")
        credit(con, "a", label, text)
        update_copies(con, None)
        assert rows(con.sql("from article_credits").pl(), "credited", "credit_text", "credit_place") == [
            ("Reuters", text, place)
        ]
        [row] = con.sql("from article_copies").pl().to_dicts()
    assert (row["copy_kind"], row["origin_text"], row["origin_article_id"]) == ("syndicated", "Reuters", None)


def test_another_outlet_in_the_dateline_is_credited_and_the_own_one_is_not() -> None:
    with open_warehouse() as con:
        store(con, ONE, TWO, outlet=["Harbour Gazette", "Continental Wire"])
        credit(con, "a", "dateline", "ROTTERDAM (Continental Wire) —")
        credit(con, "b", "dateline", "ROTTERDAM (Continental Wire) —")
        update_copies(con, None)
        assert rows(con.sql("from article_credits").pl(), "article_id", "credited") == [("a", "Continental Wire")]


def test_the_credit_of_a_picture_is_none_of_the_text() -> None:
    with open_warehouse() as con:
        store(con, ONE, outlet="Harbour Gazette")
        credit(con, "a", "credit", "Ana Vieira/AP", reason="agency_alone")
        update_copies(con, None)
        assert con.sql("from article_copies").fetchall() == []


def test_a_credited_copy_is_syndicated_from_the_article_whose_words_it_has() -> None:
    with open_warehouse() as con:
        store(con, ONE, drop_word(ONE), outlet=["Reuters", "Harbour Gazette"], published_on=[MAY_1, MAY_2])
        credit(con, "b", "dateline", "LISBON (Reuters) —")
        update_copies(con, None)
        [row] = con.sql("from article_copies").pl().to_dicts()
    assert (row["article_id"], row["origin_article_id"], row["copy_kind"], row["origin_text"]) == (
        "b",
        "a",
        "syndicated",
        "Reuters",
    )
    assert row["evidence"].endswith("; credits Reuters")


def test_words_that_a_paraphrase_leaves_behind_are_found_outside_of_quotations() -> None:
    text = "He used to be a impartial judge in step with france. “It used to be america,” he said."
    assert find_substitutions(pl.Series([text])).to_list() == [["used to be", "in step with", "a impartial", "france"]]
    assert find_substitutions(pl.Series(["An hour in Jordan, a European and a one-off."])).to_list() == [[]]


def test_a_text_full_of_them_is_rewritten_without_an_origin() -> None:
    spun = "The mayor used to be heard by means of a inquiry. In step with spain he does now not lend a hand, prior to now or this 12 months."
    assert find_copies(ONE, f"{spun} {spun}") == [("b", None, "rewritten", "wording")]


def relate(con: duckdb.DuckDBPyConnection) -> tuple[list[Any], list[Any]]:
    """Return all copies and comparisons that are stored."""
    copies = con.sql("from article_copies order by all").fetchall()
    return copies, con.sql("from body_overlaps where is_candidate order by all").fetchall()


RECORDS = list(make_corpus(160, seed=6, copies=0.3, repeated=0.2))


def store_records(con: duckdb.DuckDBPyConnection, records: Sequence[dict[str, Any]]) -> pl.DataFrame:
    bodies = ["\n\n".join(record["text"].split("\n\n")[3:]) for record in records]
    days = [date.fromisoformat(record["published_on"]) + timedelta(len(record["copy_of"])) for record in records]
    store(
        con,
        *bodies,
        article_id=[record["id"] for record in records],
        published_on=days,
        outlet=[record["outlet"] for record in records],
    )
    return pl.DataFrame({"article_id": [record["id"] for record in records]})


def build_whole(records: Sequence[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    with open_warehouse() as con:
        store_records(con, records)
        update_copies(con, None)
        return relate(con)


def test_planted_copies_are_found_with_their_origins() -> None:
    copies, _ = build_whole(RECORDS)
    found: dict[str, set[str]] = {}
    for article_id, _, origin, *_ in copies:
        found.setdefault(article_id, set()).add(origin)
    planted = {record["id"]: set(record["copy_of"]) for record in RECORDS if record["copy_of"]}
    assert len(planted) > 30
    assert found == planted


def test_articles_added_in_any_order_give_what_a_build_of_all_gives() -> None:
    whole = build_whole(RECORDS)
    shuffled = random.Random(1).sample(RECORDS, len(RECORDS))
    with open_warehouse() as con:
        for first in range(0, len(shuffled), 40):
            update_copies(con, store_records(con, shuffled[first : first + 40]))
        assert relate(con) == whole
        assert update_copies(con, pl.DataFrame(schema={"article_id": pl.String})) == 0


def test_articles_that_go_leave_what_a_build_without_them_gives() -> None:
    with open_warehouse() as con:
        store_records(con, RECORDS)
        update_copies(con, None)
        con.execute("delete from fact_articles where article_id < 'article-0000060'")
        update_copies(con, pl.DataFrame(schema={"article_id": pl.String}))
        assert relate(con) == build_whole(RECORDS[60:])


def test_another_day_of_publication_turns_a_copy_round() -> None:
    with open_warehouse() as con:
        store(con, ONE, drop_word(ONE), published_on=[MAY_1, MAY_2])
        update_copies(con, None)
        store(con, ONE, drop_word(ONE), published_on=[MAY_2, MAY_1])
        update_copies(con, pl.DataFrame({"article_id": ["a", "b"]}))
        assert rows(con.sql("from article_copies").pl(), "article_id", "origin_article_id") == [("a", "b")]


def test_many_articles_with_the_same_shingles_are_compared_with_the_first_two_only() -> None:
    words = ONE.split(" ")
    bodies = [" ".join([*words, *["again"] * number]) for number in range(300)]
    with open_warehouse() as con:
        store(con, *bodies, article_id=[f"{number:03}" for number in range(300)], published_on=MAY_1)
        update_copies(con, None)
        [(pair_count,)] = con.execute("select count(*) from body_overlaps").fetchall()
        origins = con.sql("select distinct origin_article_id from article_copies").fetchall()
    assert pair_count <= 2 * 300
    assert origins == [("299",)]


def test_many_articles_with_one_sentence_in_common_are_no_copies() -> None:
    sentence = "Readers of this paper can write to the desk by letter or by telegram at any time of day."
    bodies = [" ".join([sentence, *(f"w{number}x{place}" for place in range(80))]) for number in range(300)]
    with open_warehouse() as con:
        store(con, *bodies, article_id=[f"{number:03}" for number in range(300)])
        update_copies(con, None)
        [(pair_count,)] = con.execute("select count(*) from body_overlaps").fetchall()
        assert con.sql("from article_copies").fetchall() == []
    assert pair_count <= 4 * 300
