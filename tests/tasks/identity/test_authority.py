"""An authority file meets the entities of a corpus."""

import polars as pl
import pytest

from tasks.identity.authority import MatchedAuthority, add_external_ids, follow_corrections, match_authority
from tasks.identity.constraints import AuthorityRow
from tasks.identity.links import link_entities
from tests.builders import build_table, rows
from warehouse.tables import DIM_ENTITIES, DOCUMENT_ENTITIES, ENTITY_AUTHORITIES, ENTITY_LINK_CORRECTIONS


def match(authority: list[AuthorityRow], *names: str, entity_type: str = "person") -> MatchedAuthority:
    """Match an authority with a corpus of one article a name; of `A/B` both are names of one."""
    entities = build_table(
        DOCUMENT_ENTITIES,
        *(
            {"document_entity_id": f"d{n}", "article_id": f"a{n}", "entity_type": entity_type, "mention_count": 1,
             "document_entity_name": name.split("/")[0], "names": name.split("/")}
            for n, name in enumerate(names)
        ),
    )  # fmt: skip
    return match_authority(link_entities(entities), entities, authority)


def known(matched: MatchedAuthority) -> dict[str, str]:
    """Return the ids that entities were given, by name."""
    entities = add_external_ids(matched.linked.dim_entities, matched.authorities)
    return dict(entities.drop_nulls("external_id").select("entity_name", "external_id").iter_rows())


HALVIK = AuthorityRow("Teodor Halvik", "person", "Q1", "wikidata", ("Fyodor Chalwick", "Halvik"))


def test_an_entity_is_known_by_its_name_or_an_alias_whatever_case_and_marks() -> None:
    assert known(match([HALVIK], "TEODOR HÁLVIK", "Ann Lee")) == {"TEODOR HÁLVIK": "Q1"}
    assert known(match([HALVIK], "Fyodor Chalwick")) == {"Fyodor Chalwick": "Q1"}


def test_entities_that_one_row_names_are_one() -> None:
    matched = match([HALVIK], "Teodor Halvik", "Fyodor Chalwick", "Teodor Halvik")
    assert rows(matched.linked.entity_links, "rule") == [("full_name",), ("authority",), ("full_name",)]
    assert rows(matched.linked.dim_entities, "entity_name", "article_count") == [("Teodor Halvik", 3)]


def test_a_surname_counts_for_nobody_who_has_a_full_name_and_not_beside_a_bearer() -> None:
    assert known(match([HALVIK], "Halvik")) == {"Halvik": "Q1"}
    assert known(match([HALVIK], "Marta Halvik/Halvik")) == {}
    assert known(match([HALVIK], "Marta Halvik", "Halvik")) == {}


@pytest.mark.parametrize(
    "other",
    [
        AuthorityRow("Teodor Halvik", "person", "Q2", "wikidata"),
        AuthorityRow("Ted Halvik", "person", "Q2", "wikidata", ("Teodor Halvik",)),
    ],
)
def test_of_two_namesakes_in_the_file_neither_is_taken(other: AuthorityRow) -> None:
    assert known(match([HALVIK, other], "Teodor Halvik")) == {}


def test_a_row_is_about_its_type_alone() -> None:
    place = AuthorityRow("Halvik", "place", "Q7", "wikidata")
    assert known(match([place], "Halvik")) == {}
    assert known(match([place], "Halvik", entity_type="place")) == {"Halvik": "Q7"}
    board = AuthorityRow("Harbour Board", "organization", "B1", "own")
    assert known(match([board], "The Harbour Board", entity_type="organization")) == {"The Harbour Board": "B1"}


def test_an_entity_with_several_ids_shows_wikidatas_and_lists_all() -> None:
    rows_of_one = [
        AuthorityRow("Ann Lee", "person", "77", "own"),
        AuthorityRow("Ann Lee", "person", "123", "viaf"),
        AuthorityRow("Ann Lee", "person", "Q5", "wikidata"),
    ]
    matched = match(rows_of_one, "Ann Lee")
    assert known(matched) == {"Ann Lee": "Q5"}
    assert rows(matched.authorities, "external_scheme", "external_id") == [
        ("own", "77"),
        ("viaf", "123"),
        ("wikidata", "Q5"),
    ]
    assert known(match(rows_of_one[:2], "Ann Lee")) == {"Ann Lee": "123"}


def test_names_in_any_script_and_of_any_length_are_matched() -> None:
    long = "Ж" * 10_000
    authority = [AuthorityRow("李 小红", "person", "1", "own"), AuthorityRow(f"Иван {long}", "person", "2", "own")]
    assert known(match(authority, "李 小红", f"Иван {long}")) == {"李 小红": "1", f"Иван {long}": "2"}


def test_no_authority_changes_nothing() -> None:
    matched = match([], "Ann Lee")
    assert matched.authorities.is_empty() and matched.authorities.schema == ENTITY_AUTHORITIES.schema
    assert rows(matched.linked.entity_links, "rule") == [("full_name",)]


def test_an_entity_that_a_correction_joins_to_another_brings_its_id_unless_that_has_one() -> None:
    given = [("e1", "wikidata", "Q1"), ("e2", "wikidata", "Q2"), ("e2", "viaf", "9")]
    names = ("entity_id", "external_scheme", "external_id")
    authorities = build_table(ENTITY_AUTHORITIES, *(dict(zip(names, row, strict=True)) for row in given))
    moved = build_table(ENTITY_LINK_CORRECTIONS, {"entity_id": "e1", "machine_entity_id": "e2"})
    entities = build_table(DIM_ENTITIES, {"entity_id": "e1"})
    followed = follow_corrections(authorities, moved, entities)
    assert rows(followed, *names) == [("e1", "viaf", "9"), ("e1", "wikidata", "Q1")]
    assert isinstance(followed, pl.DataFrame)
