"""Whatever came in which order, and whatever people said before: a release is what one build from nothing gives."""

import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date

import duckdb
import polars as pl
import pytest

from tasks.identity.authority import find_candidates
from tasks.identity.constraints import AuthorityRow
from tasks.link import link_staged
from tasks.reading.corrections import Correction, EntityReference, Passage
from tests.builders import build_table
from tests.tasks.identity.test_increment import make_article
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import (
    ARTICLE_VERSIONS,
    CORRECTIONS,
    DIM_ENTITIES,
    DOCUMENT_ENTITIES,
    ENTITY_AUTHORITIES,
    ENTITY_CORRECTIONS,
    ENTITY_LINK_CORRECTIONS,
    ENTITY_LINK_NAMES,
    ENTITY_LINKS,
    ENTITY_NAMES,
    FACT_ARTICLES,
    FACT_ENTITY_MENTIONS,
    FACT_QUOTES,
    TABLES,
)

LINKED = (
    CORRECTIONS, DIM_ENTITIES, ENTITY_AUTHORITIES, ENTITY_CORRECTIONS, ENTITY_LINK_CORRECTIONS, ENTITY_LINK_NAMES,
    ENTITY_LINKS, ENTITY_NAMES,
)  # fmt: skip
JOINED = {"fact_entity_mentions": "mention_id, entity_id", "fact_quotes": "quote_id, speaker_entity_id"}
AUTHORITY = (
    AuthorityRow("Alexander Halvikov", "person", "Q1", "wikidata", ("Anna Halvikow",), "a.csv:2"),
    AuthorityRow("Mara Lind", "person", "Q2", "wikidata", ("Lind",), "a.csv:3"),
    AuthorityRow("Harbour Works Council", "organization", "Q3", "wikidata", ("Pellworth Institute",), "a.csv:4"),
    AuthorityRow("HWC", "organization", "7", "own", (), "a.csv:5"),
)

FACTS = (FACT_ARTICLES, FACT_ENTITY_MENTIONS, FACT_QUOTES)
Texts = dict[int, pl.DataFrame]


@pytest.fixture
def open_release() -> Iterator[object]:
    with ExitStack() as stack:

        def _open() -> duckdb.DuckDBPyConnection:
            con = stack.enter_context(duckdb.connect())
            create_schema(con, TABLES)
            return con

        yield _open


def make_facts(entities: pl.DataFrame, run_id: str) -> tuple[pl.DataFrame, ...]:
    """Make the text, the mentions and the quotes of an article that names every entity by all of its names."""
    body, mentions, quotes = "", [], []
    article = entities["article_id"][0]
    for row in entities.iter_rows(named=True):
        for place, name in enumerate(row["names"]):
            span = {"article_id": article, "start_char": len(body), "end_char": len(body) + len(name)}
            key = f"{row['document_entity_id']}-{place}"
            given = {"document_entity_id": row["document_entity_id"], "entity_type": row["entity_type"]}
            mentions.append({"mention_id": key, "mention_text": name, **given, **span})
            body += name + " spoke. "
        said = f"We are {row['document_entity_id']}"
        span = {"article_id": article, "start_char": len(body), "end_char": len(body) + len(said)}
        by = {"quote_id": said, "statement_id": said, "speaker_document_entity_id": row["document_entity_id"]}
        quotes.append({**by, "quote_text": said, **span})
        body += said + ". "
    row = {
        "article_id": article,
        "document_id": article,
        "raw_sha256": f"sha-{article}",
        "body": body,
        "run_id": run_id,
    }
    given = zip(FACTS, ((row,), mentions, quotes), strict=True)
    return (*(build_table(table, *rows_of_it) for table, rows_of_it in given), entities)


def load(con: duckdb.DuckDBPyConnection, texts: Texts, added: Iterable[int], removed: set[int], run_id: str) -> None:
    tables = (*FACTS, DOCUMENT_ENTITIES)
    for number in sorted(removed):
        for table in tables:
            con.execute(f"delete from {table.name} where article_id = ?", [texts[number]["article_id"][0]])
    made = [make_facts(texts[number], run_id) for number in added]
    for table, frames in zip(tables, zip(*made, strict=True), strict=True):
        merge_rows(con, table, pl.concat(frames))


def link(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    corrections: tuple[Correction, ...],
    authority: tuple[AuthorityRow, ...],
    *,
    anew: bool = False,
) -> int:
    return link_staged(con, run_id, corrections, authority, anew=anew).changed_count


def dump(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: con.execute(f"select {', '.join(table.column_names)} from {table.name} order by all").fetchall()
        for table in LINKED
    } | {name: con.execute(f"select {columns} from {name} order by all").fetchall() for name, columns in JOINED.items()}


def refer(entities: pl.DataFrame, chance: random.Random, *, kind: str = "person") -> EntityReference | None:
    found = entities.filter(pl.col("entity_type") == kind).to_dicts()
    if not found:
        return None
    row = chance.choice(found)
    name = chance.choice(row["names"])
    return EntityReference(row["names"][0], kind, Passage(name, 1, row["article_id"]))


def make_correction(texts: Texts, number: int) -> Correction | None:
    """Make a correction of some of the articles; many are stale or contradict others, which is to be the same too."""
    chance = random.Random(f"correction-{number}")
    one, other = (refer(texts[chance.choice(sorted(texts))], chance) for _ in range(2))
    if one is None or other is None:
        return None
    action = ("merge", "split", "rename", "not_same", "retype", "set_speaker", "clear_speaker")[number % 7]
    entities, passages, value = (one, other), (), None
    if action == "split":
        entities, passages, value = (one,), (other.mention,), "Somebody Else"
    elif action in ("rename", "retype"):
        entities, value = (one,), "organization" if action == "retype" else f"{one.name} of Tarn"
    elif action.endswith("speaker"):
        text = texts[chance.choice(sorted(texts))]
        quoted = Passage(f"We are {text['document_entity_id'][0]}", 1, text["article_id"][0])
        entities, passages = (one,) if action == "set_speaker" else (), (quoted,)
    said = date(2024, 5, 20)
    return Correction(f"c{number}", "desk.yml", number, action, "M. Editor", said, "so", entities, passages, value)


@pytest.mark.parametrize("seed", range(3))
def test_a_release_brought_up_to_date_is_that_of_a_build_from_nothing_whatever_people_say(
    open_release: object, seed: int
) -> None:
    assert callable(open_release)
    chance = random.Random(seed)
    texts = {number: make_article(5000 * seed + number) for number in range(40)}
    pool = [made for number in range(1, 71) if (made := make_correction(texts, number)) is not None]
    con, present, released = open_release(), set[int](), set[str]()
    actions = set()
    for step in range(6):
        added = set(chance.sample(sorted(set(texts) - present), min(9, len(texts) - len(present))))
        removed = set(chance.sample(sorted(present), min(3, len(present))))
        present = present - removed | added
        said = tuple(sorted(chance.sample(pool, 24), key=lambda one: one.line_no)) if step not in (0, 4) else ()
        authority = tuple(chance.sample(AUTHORITY, 3)) if step % 3 else ()
        load(con, texts, added, removed, f"run-{step}")
        link(con, f"run-{step}", said, authority)
        fresh = open_release()
        order = sorted(present)
        chance.shuffle(order)
        load(fresh, texts, order, set(), "run")
        link(fresh, "run", said, authority)
        now = dump(con)
        for name, expected in dump(fresh).items():
            assert now[name] == expected, name
        actions |= {row[3] for row in now["corrections"] if row[8] == "applied"}
        entities = {entity_id for (entity_id,) in con.execute("select entity_id from dim_entities").fetchall()}
        released |= entities
        leads = dict(con.execute("select old_id, new_id from id_redirects where kind = 'entity'").fetchall())
        assert released - entities == leads.keys()
        assert set(leads.values()) <= entities | {None}
        assert link(con, "no-run", said, authority) == 0
        assert dump(con) == now
    assert {"merge", "retype", "set_speaker"} <= actions


def test_what_other_rules_linked_is_linked_anew(open_release: object) -> None:
    assert callable(open_release)
    con, texts = open_release(), {number: make_article(number) for number in range(9)}
    load(con, texts, texts, set(), "run-1")
    link(con, "run-1", (), ())
    expected = dump(con)
    con.execute("update entity_links set rule = 'unresolved'")
    assert link(con, "run-2", (), ()) == 0
    assert link(con, "run-3", (), (), anew=True) > 0
    assert dump(con) == expected


def test_an_article_that_named_nobody_leads_to_the_one_that_replaced_it(open_release: object) -> None:
    assert callable(open_release)
    con, texts = open_release(), {1: make_article(1)}
    load(con, texts, texts, set(), "run-1")
    link(con, "run-1", (), ())
    row = {"article_id": "old", "replaced_by_article_id": texts[1]["article_id"][0]}
    merge_rows(con, ARTICLE_VERSIONS, build_table(ARTICLE_VERSIONS, row))
    assert link(con, "run-2", (), ()) == 1
    assert con.execute("select kind, old_id, new_id from id_redirects").fetchall() == [
        ("article", "old", texts[1]["article_id"][0])
    ]


def test_entities_that_no_word_of_the_authority_names_need_not_be_looked_at(open_release: object) -> None:
    assert callable(open_release)
    con = open_release()
    names = {
        "person": ["J.Lind", "O'Lind", "Lind's", "Líndt", "Mara Pell", "LIND, Jr."],
        "organization": ["A&B Works", "Pell Co."],
    }
    entities = [
        {"entity_id": name, "entity_type": kind, "entity_name": name, "aliases": [name]} for kind in names for name in names[kind]
    ]  # fmt: skip
    merge_rows(con, DIM_ENTITIES, build_table(DIM_ENTITIES, *entities))
    authority = [
        AuthorityRow("Mara Lind", "person", "1"), AuthorityRow("Olind", "person", "2"),
        AuthorityRow("A and B Works Ltd", "organization", "3"),
    ]  # fmt: skip
    found = set(find_candidates(con, authority)["entity_id"])
    assert found == {"J.Lind", "O'Lind", "Lind's", "Líndt", "Mara Pell", "LIND, Jr.", "A&B Works"}
