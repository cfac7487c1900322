"""Links that are brought up to date are those of a build from nothing, and ids that are gone lead on."""

import random
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from tasks.identity.linking.corpus import link_corpus
from tasks.identity.linking.increment import update_links
from tasks.identity.linking.release import link_release, store_entities
from tasks.identity.links import link_entities
from tests.builders import build_table, rows
from warehouse.ddl import create_schema, merge_rows
from warehouse.keys import make_id
from warehouse.tables import (
    DIM_ENTITIES,
    DOCUMENT_ENTITIES,
    ENTITY_LINK_NAMES,
    ENTITY_LINKS,
    ENTITY_NAMES,
    FACT_ARTICLES,
    TABLES,
)

GIVEN = ("Aleksandr", "Alexander", "Anna", "A.", "Bill", "William", "Mara")
FAMILY = ("Halvikov", "Halvikow", "Lind", "Pellworth", "Pellworth Jr.", "Vallejera Lind")
OTHERS = (
    "Harbour Works Council", "HWC", "Highland Water Company", "Lind Works", "Lind", "Pellworth Institute",
    "Foreign Ministry", "Danish Foreign Ministry", "Army", "Lind campaign",
)  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        create_schema(con, TABLES)
        yield con


def make_article(number: int) -> pl.DataFrame:
    """Make the document entities of an article of few names, which meet those of the others in every way."""
    chance = random.Random(number)
    entities = []
    for place in range(5):
        kind = chance.choice(("person", "person", "organization"))
        full = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
        names = [full, full.split(" ", 1)[1]][chance.randrange(2) :]
        names = names[: chance.randint(1, 2)] if kind == "person" else [chance.choice(OTHERS)]
        said = chance.choice(([], [], ["President"], ["Danish minister"], ["Mr."]))
        entities.append(
            {
                "document_entity_id": make_id(number, place), "article_id": make_id("a", number), "entity_type": kind,
                "document_entity_name": names[0], "names": names, "titles": said if kind == "person" else [],
                "mention_count": 1,
            }
        )  # fmt: skip
    return build_table(DOCUMENT_ENTITIES, *entities)


def read(con: duckdb.DuckDBPyConnection, table: object, key: str) -> pl.DataFrame:
    return con.sql(f"from {table.name} order by {key}").pl().select(table.column_names).cast(table.schema)


@pytest.mark.parametrize("seed", range(4))
def test_updated_links_are_those_of_one_build_from_nothing(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    chance = random.Random(seed)
    texts = {number: make_article(1000 * seed + number) for number in range(60)}
    present: set[int] = set()
    for _ in range(8):
        added = set(chance.sample(sorted(set(texts) - present), min(9, len(texts) - len(present))))
        removed = set(chance.sample(sorted(present), min(3, len(present))))
        present = present - removed | added
        now = pl.concat([texts[number] for number in sorted(present)])
        merge_rows(con, DOCUMENT_ENTITIES, now, delete_where="true")
        changed = [texts[number].get_column("article_id")[0] for number in sorted(added | removed)]
        update_links(con, pl.DataFrame({"article_id": changed}))
        expected = link_entities(now.sample(fraction=1, shuffle=True, seed=seed))
        assert rows(read(con, ENTITY_LINKS, "document_entity_id")) == rows(expected.entity_links)
        names = expected.entity_names.sort("entity_type", "name_key")
        assert rows(read(con, ENTITY_NAMES, "entity_type, name_key")) == rows(names)


def add_article(con: duckdb.DuckDBPyConnection, number: int, name: str, run_id: str) -> None:
    article, row = f"a{number}", f"d{number}"
    merge_rows(con, FACT_ARTICLES, build_table(FACT_ARTICLES, {"article_id": article, "run_id": run_id}))
    entity = {"document_entity_id": row, "article_id": article, "document_entity_name": name, "names": [name]}
    merge_rows(con, DOCUMENT_ENTITIES, build_table(DOCUMENT_ENTITIES, {**entity, "entity_type": "person"}))


def test_an_id_that_is_gone_leads_to_the_entity_that_stands_for_it(con: duckdb.DuckDBPyConnection) -> None:
    add_article(con, 1, "Alexander Halvikov", "run-1")
    link_release(con, "run-1")
    add_article(con, 2, "Aleksandr Halvikov", "run-2")
    link_release(con, "run-2")
    old, new = make_id("person", "alexander halvikov"), make_id("person", "aleksandr halvikov")
    assert con.execute("select kind, old_id, new_id from id_redirects").fetchall() == [("entity", old, new)]
    assert con.execute("select entity_id, article_count from dim_entities").fetchall() == [(new, 2)]


def test_redirects_never_lead_to_redirects_and_end_when_the_id_is_back(con: duckdb.DuckDBPyConnection) -> None:
    for number, name in enumerate(("Iskander Halvikov", "Alexander Halvikov", "Aleksandr Halvikov")):
        add_article(con, number, name, f"run-{number}")
        link_release(con, f"run-{number}")
    released = con.execute("select old_id from id_redirects").fetchall()
    leads = con.execute("select new_id in (select entity_id from dim_entities) from id_redirects").fetchall()
    assert set(leads) <= {(True,)}
    con.execute("delete from document_entities where document_entity_id in ('d1', 'd2')")
    con.execute("delete from fact_articles where article_id in ('a1', 'a2')")
    link_release(con, "run-9")
    assert con.execute("select entity_id from dim_entities").fetchall() == [(make_id("person", "iskander halvikov"),)]
    kept = con.execute("select old_id from id_redirects").fetchall()
    assert make_id("person", "iskander halvikov") not in {old for (old,) in kept}
    assert {old for (old,) in released} <= {old for (old,) in kept} | {make_id("person", "iskander halvikov")}


def test_entities_brought_up_to_date_are_those_of_a_build_from_nothing(con: duckdb.DuckDBPyConnection) -> None:
    everything = pl.concat([make_article(number) for number in range(40)])
    for first in (0, 15, 30):
        now = everything.head(5 * (first + 10))
        merge_rows(con, DOCUMENT_ENTITIES, now)
        link_release(con, "run")
    expected = link_entities(now)
    assert rows(read(con, DIM_ENTITIES, "entity_id")) == rows(expected.dim_entities)
    assert store_entities(con, expected) == 0


@pytest.mark.parametrize("at_once", [7, 40, 1000])
def test_links_made_a_part_at_a_time_are_those_of_all_at_once(con: duckdb.DuckDBPyConnection, at_once: int) -> None:
    everything = pl.concat([make_article(number) for number in range(60)])
    merge_rows(con, DOCUMENT_ENTITIES, everything)
    link_corpus(con, at_once)
    expected = link_entities(everything)
    names = expected.entity_names.sort("entity_type", "name_key")
    assert rows(read(con, ENTITY_LINKS, "document_entity_id")) == rows(expected.entity_links)
    assert rows(read(con, ENTITY_LINK_NAMES, "document_entity_id")) == rows(expected.entity_link_names)
    assert rows(read(con, ENTITY_NAMES, "entity_type, name_key")) == rows(names)
    assert rows(read(con, DIM_ENTITIES, "entity_id")) == rows(expected.dim_entities)


def test_linking_all_anew_counts_and_redirects_what_is_other_than_before(con: duckdb.DuckDBPyConnection) -> None:
    add_article(con, 1, "Alexander Halvikov", "run-1")
    link_release(con, "run-1")
    assert link_release(con, "run-1", anew=True).changed_count == 0
    add_article(con, 2, "Aleksandr Halvikov", "run-2")
    old, new = make_id("person", "alexander halvikov"), make_id("person", "aleksandr halvikov")
    # two links, the entity that is gone, the one that came, and the redirect
    assert link_release(con, "run-2", anew=True).changed_count == 5
    assert con.execute("select kind, old_id, new_id from id_redirects").fetchall() == [("entity", old, new)]
