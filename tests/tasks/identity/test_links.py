import polars as pl
import pytest

from tasks.identity.links import LinkedEntities, link_entities
from tests.builders import build_table, rows
from warehouse.keys import make_id
from warehouse.tables import DIM_ENTITIES, DOCUMENT_ENTITIES, ENTITY_LINKS


def entities(*given: tuple[object, ...], entity_type: str = "person") -> pl.DataFrame:
    """Build DOCUMENT_ENTITIES of (article, names) or (article, names, titles), the first name the fullest."""
    return build_table(
        DOCUMENT_ENTITIES,
        *(
            {
                "document_entity_id": f"d{number}",
                "article_id": row[0],
                "entity_type": entity_type,
                "document_entity_name": row[1][0],
                "names": row[1],
                "titles": row[2] if len(row) > 2 else [],
                "mention_count": 2,
            }
            for number, row in enumerate(given)
        ),
    )


def groups(linked: LinkedEntities) -> list[list[str]]:
    """List which document entities are one entity."""
    joined = linked.entity_links.group_by("entity_id").agg(pl.col("document_entity_id").sort())
    return sorted(joined.get_column("document_entity_id").to_list())


@pytest.mark.parametrize(
    "names",
    [
        ("Teodor Halvik", "Teodor Halvik"),
        ("Teodor G. Halvik", "Teodor Halvik"),
        ("TEODOR HÁLVIK", "Teodor Halvik"),
        ("Anne-Marie Halvik", "Anne Marie Halvik"),
        ("Teodor Halenskyy", "Teodor Halensky"),
        ("Yuri Talmaciu", "Iurii Talmaciu"),
        ("Aleksandr Halvikov", "Alexander Halvikov"),
    ],
)
def test_spellings_of_one_full_name_are_one_person(names):
    assert groups(link_entities(entities(*((f"a{n}", [name]) for n, name in enumerate(names))))) == [["d0", "d1"]]


@pytest.mark.parametrize(
    "names",
    [
        ("Teodor Halvik", "Marta Halvik"),
        ("Teodor Halvik", "Teodor Lind"),
        ("Li Na", "Lee Na"),
        ("Jan Peter Halvik", "Jan Willem Halvik"),
    ],
)
def test_different_names_stay_different_persons(names):
    assert groups(link_entities(entities(*((f"a{n}", [name]) for n, name in enumerate(names))))) == [["d0"], ["d1"]]


def test_cognate_given_names_are_one_person_only_when_titles_agree():
    spellings = [("a0", ["Vladimir Halvikov"]), ("a1", ["Volodymyr Halvikov"])]
    assert groups(link_entities(entities(*spellings))) == [["d0"], ["d1"]]
    titled = [(*row, ["harbour engineer"]) for row in spellings]
    assert groups(link_entities(entities(*titled))) == [["d0", "d1"]]


def test_a_surname_joins_the_only_bearer_with_the_same_title():
    frame = entities(
        ("a0", ["Teodor Halvik", "Halvik"], ["Portuguese President"]),
        ("a1", ["Halvik"], ["President"]),
        ("a2", ["Halvik"], ["Mr."]),
    )
    linked = link_entities(frame)
    assert groups(linked) == [["d0", "d1"], ["d2"]]
    assert rows(linked.entity_links, "document_entity_id", "rule") == [
        ("d0", "full_name"),
        ("d1", "surname_and_title"),
        ("d2", "unresolved"),
    ]


def test_a_surname_joins_the_only_bearer_in_the_same_company():
    frame = entities(
        ("a0", ["Teodor Halvik"]), ("a0", ["Marta Lind"]),
        ("a1", ["Halvik"]), ("a1", ["Marta Lind"]),
        ("a2", ["Halvik"]), ("a2", ["Nuno Serra"]),
    )  # fmt: skip
    assert groups(link_entities(frame)) == [["d0", "d2"], ["d1", "d3"], ["d4"], ["d5"]]


def test_a_surname_of_two_bearers_stays_unresolved():
    frame = entities(
        ("a0", ["Teodor Halvik"], ["President"]),
        ("a1", ["Marta Halvik"], ["President"]),
        ("a2", ["Halvik"], ["President"]),
    )
    assert groups(link_entities(frame)) == [["d0"], ["d1"], ["d2"]]


def test_a_surname_that_its_article_kept_apart_from_the_bearer_stays_apart():
    frame = entities(("a0", ["Teodor Halvik"], ["President"]), ("a0", ["Halvik"], ["President"]))
    assert groups(link_entities(frame)) == [["d0"], ["d1"]]


def test_an_initial_joins_the_only_bearer_of_the_surname():
    frame = entities(("a0", ["T. Halvik"]), ("a1", ["Teodor Halvik"]))
    assert groups(link_entities(frame)) == [["d0", "d1"]]
    assert groups(
        link_entities(
            pl.concat([frame, entities(("a2", ["Tomas Halvik"])).with_columns(document_entity_id=pl.lit("d2"))])
        )
    ) == [["d0"], ["d1"], ["d2"]]
    assert groups(link_entities(entities(("a0", ["M. Halvik"]), ("a1", ["Teodor Halvik"])))) == [["d0"], ["d1"]]


def test_a_family_name_printed_first_is_joined_by_the_short_form_its_articles_use():
    frame = entities(("a0", ["Han Seojun", "Han"], ["Premier"]), ("a1", ["Han"], ["Premier"]))
    assert groups(link_entities(frame)) == [["d0", "d1"]]


def test_names_of_one_word_without_a_bearer_are_one_when_titles_agree():
    frame = entities(("a0", ["Halvora"], ["Queen"]), ("a1", ["Halvora"], ["Queen"]), ("a2", ["Halvora"]))
    assert groups(link_entities(frame)) == [["d0", "d1"], ["d2"]]


def test_an_acronym_joins_the_name_that_articles_tie_it_to():
    frame = entities(("a0", ["Harbour Works Council", "HWC"]), ("a1", ["HWC"]), entity_type="organization")
    assert groups(link_entities(frame)) == [["d0", "d1"]]


def test_an_acronym_of_two_names_joins_neither():
    frame = entities(
        ("a0", ["Harbour Works Council", "HWC"]),
        ("a1", ["Highland Water Company", "HWC"]),
        ("a2", ["HWC"]),
        entity_type="organization",
    )
    assert groups(link_entities(frame)) == [["d0"], ["d1"], ["d2"]]


def test_organizations_are_one_without_article_and_legal_form():
    frame = entities(("a0", ["The Halvik Works"]), ("a1", ["Halvik Works Ltd."]), entity_type="organization")
    assert groups(link_entities(frame)) == [["d0", "d1"]]


def test_a_country_is_one_under_all_its_names():
    frame = entities(("a0", ["U.S."]), ("a1", ["the United States"]), ("a2", ["US"]), entity_type="place")
    linked = link_entities(frame)
    assert groups(linked) == [["d0", "d1", "d2"]]
    assert rows(linked.dim_entities, "entity_id", "entity_name") == [(make_id("place", "US"), "the United States")]


def test_a_place_and_a_person_of_one_name_are_two_entities():
    frame = pl.concat(
        [
            entities(("a0", ["Halvik"]), entity_type="place"),
            entities(("a0", ["Halvik"])).with_columns(document_entity_id=pl.lit("p")),
        ]
    )
    assert groups(link_entities(frame)) == [["d0"], ["p"]]


def test_an_entity_is_named_by_its_most_frequent_full_name():
    frame = entities(
        ("a0", ["Teodor G. Halvik", "Halvik"]),
        ("a1", ["Teodor Halvik", "Halvik"]),
        ("a2", ["Teodor Halvik", "Halvik"]),
    )
    linked = link_entities(frame)
    assert rows(linked.dim_entities, "entity_name", "aliases", "article_count", "mention_count") == [
        ("Teodor Halvik", ["Halvik", "Teodor Halvik", "Teodor G. Halvik"], 3, 6)
    ]
    assert linked.dim_entities.get_column("entity_id").item() == make_id("person", "teodor halvik")


def test_the_order_of_the_rows_changes_nothing():
    frame = entities(
        ("a0", ["Aleksandr G. Halvikov", "Halvikov"], ["President"]),
        ("a1", ["Alexander Halvikov"], ["President"]),
        ("a2", ["Halvikov"], ["President"]),
        ("a3", ["Alyaksandr Halvikow"], ["President"]),
        ("a4", ["Marta Lind", "Lind"]),
        ("a5", ["Lind"]),
    )
    expected = link_entities(frame)
    for seed in range(5):
        linked = link_entities(frame.sample(fraction=1, shuffle=True, seed=seed))
        assert linked.entity_links.equals(expected.entity_links)
        assert linked.dim_entities.equals(expected.dim_entities)


def test_a_name_with_many_bearers_is_linked_in_linear_time():
    many = [(f"a{number}", ["Marta Lind"] if number % 3 else ["Lind"]) for number in range(30_000)]
    linked = link_entities(entities(*many))
    assert linked.entity_links.height == 30_000
    assert (
        linked.dim_entities.filter(pl.col("entity_name") == "Marta Lind").get_column("article_count").item() == 20_000
    )


def test_a_corpus_without_entities_has_none():
    linked = link_entities(build_table(DOCUMENT_ENTITIES))
    assert dict(linked.entity_links.schema) == ENTITY_LINKS.schema
    assert dict(linked.dim_entities.schema) == DIM_ENTITIES.schema
    assert linked.entity_links.is_empty()
    assert linked.dim_entities.is_empty()
