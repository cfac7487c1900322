"""Articles on one event are one story, whatever the order in which they come; nothing swallows the corpus."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.reports import stories
from tasks.reports.features import extract_features
from tasks.reports.stories import update_stories
from tests.builders import articles
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import FACT_ARTICLES, TABLES

FERRY = (
    "Ferry crews at Quillport walked out on Tuesday. Captain Oda Brenner said the Tarn Line had broken its pledge on pensions.",
    "The Tarn Line cancelled forty sailings after ferry crews at Quillport walked out over pensions, Captain Oda Brenner said.",
    "Quillport ferry crews, led by Captain Oda Brenner, began a walkout over pensions that the Tarn Line calls unlawful.",
)
LIBRARY = (
    "Thieves took a Merovingian psalter from the abbey library of Sankt Wendelin, abbot Ruprecht Zoll told police.",
    "A Merovingian psalter is missing from the abbey library of Sankt Wendelin; abbot Ruprecht Zoll blames thieves.",
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        create_schema(con, TABLES)
        yield con


def load(
    con: duckdb.DuckDBPyConnection, bodies: Sequence[str], names: Sequence[str] | None = None, **columns: Any
) -> int:
    """Add articles, named by their bodies unless they have names, and bring the stories up to date."""
    ids = list(names or [f"a{body[:60]}" for body in bodies])
    made = articles(*bodies, article_id=ids, document_id=ids, source_uri=ids, **columns)
    merge_rows(con, FACT_ARTICLES, made)
    return update_stories(con, made.select("article_id"))


def remove(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> int:
    con.execute("delete from fact_articles where article_id in (select unnest(?))", [list(names)])
    return update_stories(con, pl.DataFrame(schema={"article_id": pl.String}))


def read_stories(con: duckdb.DuckDBPyConnection) -> set[frozenset[str]]:
    members = defaultdict(set)
    for article_id, story_id in con.execute("select article_id, story_id from story_articles").fetchall():
        members[story_id].add(article_id)
    return {frozenset(own) for own in members.values()}


def read_story_id(con: duckdb.DuckDBPyConnection, name: str) -> str:
    [(story_id,)] = con.execute("select story_id from story_articles where article_id = ?", [name]).fetchall()
    return str(story_id)


def make_corpus(seed: int, events: int = 8) -> dict[str, str]:
    """Make short articles of made-up words: several on each event, some words of events in common."""
    chance = random.Random(seed)
    words = ["".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(3)) for _ in range(400)]
    common = words[:60]
    texts = {}
    for event in range(events):
        own = chance.sample(words[60:], 14) + chance.sample(common, 6)
        for number in range(chance.randint(1, 5)):
            said = [chance.choice(own) if chance.random() < 0.7 else chance.choice(words) for _ in range(45)]
            texts[f"{chance.random():.9f}-{event}-{number}"] = " ".join(said)
    return texts


def test_reports_of_one_event_are_one_story_and_another_event_is_another(con: duckdb.DuckDBPyConnection) -> None:
    load(
        con,
        [*FERRY, *LIBRARY],
        ["f0", "f1", "f2", "l0", "l1"],
        title=["Crews walk out", None, None, None, "Psalter gone"],
    )
    assert read_stories(con) == {frozenset({"f0", "f1", "f2"}), frozenset({"l0", "l1"})}
    told = con.execute("select article_count, key_terms from dim_stories order by article_count desc").fetchall()
    assert [count for count, _ in told] == [3, 2]
    assert {"quillport", "brenner", "pensions"} <= set(told[0][1])
    assert {"psalter", "merovingian"} <= set(told[1][1])
    [(evidence, score)] = con.execute("select evidence, score from story_articles where article_id = 'l0'").fetchall()
    assert "psalter" in evidence and 0.15 <= score <= 1


def test_the_title_and_the_days_are_those_of_the_articles(con: duckdb.DuckDBPyConnection) -> None:
    days = [date(2024, 5, 14), None, date(2024, 5, 12)]
    load(
        con,
        FERRY,
        ["f0", "f1", "f2"],
        title=[None, "Sailings cancelled", None],
        published_on=days,
        outlet=["A", "B", "B"],
    )
    told = con.execute("select story_title, first_on, last_on, outlet_count from dim_stories").fetchall()
    assert told == [("Sailings cancelled", days[2], days[0], 2)]


def test_nothing_changes_when_nothing_came(con: duckdb.DuckDBPyConnection) -> None:
    assert load(con, FERRY) > 0
    assert update_stories(con, None) == 0
    assert update_stories(con, pl.DataFrame(schema={"article_id": pl.String})) == 0


def test_exact_copies_are_compared_once_and_share_their_story(con: duckdb.DuckDBPyConnection) -> None:
    load(con, [FERRY[0]] * 300 + [FERRY[1]], [f"c{number:03}" for number in range(301)])
    assert [len(story) for story in read_stories(con)] == [301]
    assert con.execute("select count(*) from story_texts").fetchall() == [(2,)]
    assert con.execute("select evidence[1] from story_articles where article_id = 'c007'").fetchall() == [
        ("the same text",)
    ]
    remove(con, ["c000"])  # the body is read from another copy
    assert [len(story) for story in read_stories(con)] == [300]


def test_a_published_day_that_is_corrected_reaches_the_story(con: duckdb.DuckDBPyConnection) -> None:
    load(con, FERRY[:1], ["f0"], published_on=[None])
    load(con, FERRY[:1], ["f0"], published_on=[date(2024, 5, 14)])
    assert con.execute("select first_on from dim_stories").fetchall() == [(date(2024, 5, 14),)]


@pytest.mark.parametrize("seed", range(6))
def test_increments_in_any_order_give_the_stories_of_a_build_from_nothing(
    con: duckdb.DuckDBPyConnection, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stories, "MOST_BEARERS", 6)  # so that features cross the limit, both ways
    chance = random.Random(seed)
    texts = make_corpus(seed)
    load(con, list(texts.values()), list(texts))
    at_once = read_stories(con)
    assert 1 < len(at_once) < len(texts)
    ids = con.execute("select article_id, story_id from story_articles order by 1").fetchall()
    others = make_corpus(seed + 100, events=3)
    names = [*texts, *others]
    chance.shuffle(names)
    with duckdb.connect() as grown:
        create_schema(grown, TABLES)
        while names:
            count = chance.randint(1, 6)
            part, names = names[:count], names[count:]
            load(grown, [(texts | others)[name] for name in part], part)
        for name in chance.sample(list(others), len(others)):
            remove(grown, [name])
        assert read_stories(grown) == at_once
        pairs = "select count(*), sum(similarity) from story_pairs"
        assert grown.execute(pairs).fetchall() == con.execute(pairs).fetchall()
        live = {row[0] for row in grown.execute("select story_id from dim_stories").fetchall()}
        led = grown.execute("select new_id from id_redirects where kind = 'story'").fetchall()
        assert all(new_id is None or new_id in live for (new_id,) in led)
    with duckdb.connect() as shuffled:
        create_schema(shuffled, TABLES)
        backwards = list(texts)[::-1]
        load(shuffled, [texts[name] for name in backwards], backwards)
        assert shuffled.execute("select article_id, story_id from story_articles order by 1").fetchall() == ids


def test_a_story_keeps_its_id_with_most_of_its_articles_and_a_lost_id_leads_on(con: duckdb.DuckDBPyConnection) -> None:
    load(con, FERRY[:2], ["f5", "f6"])
    kept = read_story_id(con, "f5")
    load(con, FERRY[2:], ["f0"])  # a smaller id than those it began with
    assert read_story_id(con, "f0") == kept
    half = " ".join(LIBRARY[0].split()[:9])
    load(con, [half], ["l9"])
    lonely = read_story_id(con, "l9")
    load(con, LIBRARY, ["l0", "l1"])
    if read_story_id(con, "l9") != lonely:
        found = con.execute("select new_id from id_redirects where old_id = ?", [lonely]).fetchall()
        assert found == [(read_story_id(con, "l9"),)]
    remove(con, ["f0", "f5", "f6"])
    assert con.execute("select new_id from id_redirects where kind = 'story' and old_id = ?", [kept]).fetchall() == [
        (None,)
    ]


def test_two_stories_that_become_one_leave_a_redirect(con: duckdb.DuckDBPyConnection) -> None:
    one, other = FERRY[0].split(". ")
    load(con, [one, other], ["a", "b"])
    before = {read_story_id(con, "a"), read_story_id(con, "b")}
    assert len(before) == 2
    load(con, FERRY, ["f0", "f1", "f2"])
    now = {read_story_id(con, name) for name in ("a", "b", "f0", "f1", "f2")}
    gone = before - now
    redirects = con.execute("select old_id, new_id from id_redirects where kind = 'story'").fetchall()
    assert redirects == [(old, read_story_id(con, "f0")) for old in sorted(gone)]


def test_one_sentence_in_common_makes_no_story(con: duckdb.DuckDBPyConnection) -> None:
    chance = random.Random(3)
    sentence = "Kolvar Brintesk denounced the Ostrami zeppelin tribunal."
    letters = "bdfgklmnprstvz"

    def word() -> str:
        return "".join(chance.choice(letters) + chance.choice("aeiou") for _ in range(4))

    load(
        con,
        [f"{sentence} {' '.join(word() for _ in range(40))}." for _ in range(300)],
        [f"h{n:03}" for n in range(300)],
    )
    assert max(len(story) for story in read_stories(con)) == 1
    assert con.execute("select count(*) from story_pairs").fetchall() == [(0,)]


def test_candidates_are_bounded_whatever_the_texts_share(con: duckdb.DuckDBPyConnection) -> None:
    chance = random.Random(4)
    words = [f"{first}{second}rn{third}k" for first in "bdfgk" for second in "aeiou" for third in "aeiou"]
    load(con, [" ".join(chance.sample(words, 60 % len(words))) for _ in range(400)], [f"h{n:03}" for n in range(400)])
    [(most,)] = con.execute("select count(*) from story_pairs").fetchall()
    assert most <= 400 * 128 * stories.MOST_BEARERS / 2
    [(compared,)] = con.execute(
        f"select coalesce(sum(n * (n - 1) / 2), 0) from (select count(*) as n from story_features group by feature having n <= {stories.MOST_BEARERS})"
    ).fetchall()
    assert compared <= 400 * 128 * stories.MOST_BEARERS / 2


def test_a_text_of_a_few_words_or_none_is_a_story_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    load(con, ["", "Photo gallery", "Photo gallery follows", "…"], ["e0", "e1", "e2", "e3"])
    assert len(read_stories(con)) == 4


def test_features_are_weighed_by_rarity_and_count_and_know_no_other_article() -> None:
    both = articles(*FERRY[:2], article_id=["a", "b"])
    alone = extract_features(both.filter(pl.col("article_id") == "a"))
    assert extract_features(both).filter(pl.col("article_id") == "a").equals(alone)
    weights = dict(alone.select("feature", "weight").iter_rows())
    assert weights["quillport"] > weights["pensions"] > weights["captain"] and "the" not in weights
    assert "captain oda" in weights
    assert sum((weight / 10_000) ** 2 for weight in weights.values()) <= 1.001
