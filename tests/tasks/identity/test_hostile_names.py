"""Names that are long, frequent, alike or in other scripts: nothing is lost, and the work grows with the rows."""

import polars as pl
import pytest

from tasks.identity.linking.clusters import cluster_names
from tasks.identity.linking.contexts import MAX_CANDIDATES, link_short_names, read_contexts
from tasks.identity.linking.names import collect_names, read_names
from tasks.identity.links import LinkedEntities, link_entities
from tests.builders import build_table
from tests.work import count_lines_run
from warehouse.tables import DOCUMENT_ENTITIES


def make_entities(*named: tuple[str, list[str]], titles: list[str] | None = None) -> pl.DataFrame:
    """Make an article for each (type, names)."""
    return build_table(
        DOCUMENT_ENTITIES,
        *(
            {"document_entity_id": f"d{n:06}", "article_id": f"a{n:06}", "entity_type": kind, "mention_count": 1,
             "document_entity_name": names[0], "names": names, "titles": titles or []}
            for n, (kind, names) in enumerate(named)
        ),
    )  # fmt: skip


def count_work(*named: tuple[str, list[str]], titles: list[str] | None = None) -> int:
    """Link them, hold that nobody is lost, and return the lines of code that ran."""
    entities = make_entities(*named, titles=titles)
    done: list[LinkedEntities] = []
    lines = count_lines_run(lambda: done.append(link_entities(entities)))
    assert done[0].entity_links["document_entity_id"].to_list() == entities["document_entity_id"].to_list()
    known = set(done[0].dim_entities["aliases"].explode())
    assert known == {name for _, names in named for name in names}
    return lines


def test_a_name_that_a_hundred_thousand_articles_print_is_read_once() -> None:
    entities = make_entities(*[("person", ["Marta Lind", "Lind"])] * 100_000)
    linked = link_entities(entities)
    assert linked.entity_links.height == 100_000
    assert linked.dim_entities["article_count"].to_list() == [100_000]
    count_work(("person", ["Ann Lee"]))  # reads the lexicons
    few, many = (count_work(*[("person", ["Marta Lind", "Lind"])] * count) for count in (100, 10_000))
    assert many == few


def test_a_surname_that_nobody_bears_in_full_is_work_for_each_of_its_rows_and_not_for_their_pairs() -> None:
    def work(count: int) -> int:
        return count_work(*[("person", ["Lind"])] * count, titles=["Foreign Minister"])

    work(10)
    assert work(4000) < 2.1 * work(2000)


@pytest.mark.parametrize("kind", ["person", "organization", "place"])
@pytest.mark.parametrize("letters", ["x", "Ж", "ش", "李", "е́x"])
def test_names_of_ten_thousand_characters_are_no_more_work_than_others(kind: str, letters: str) -> None:
    def work(size: int) -> int:
        text = letters * (size // len(letters))
        return count_work((kind, [f"{text} {text}"]), (kind, [text]), (kind, [f"Marta {text}"]))

    work(20)
    shorter = work(400)
    assert work(10_000) <= shorter


def test_names_in_other_scripts_are_entities_of_their_own_and_one_in_all_their_articles() -> None:
    names = [
        ("person", "Марта Линд"), ("person", "مارتا ليند"), ("person", "林 美玉"), ("person", "Марта Lind"),
        ("organization", "Портовый совет"), ("organization", "مجلس الميناء"), ("organization", "港口委员会"),
        ("place", "Тарн"), ("place", "تارن"), ("place", "塔恩"),
    ]  # fmt: skip
    linked = link_entities(make_entities(*((kind, [name]) for kind, name in names * 3)))
    found = set(linked.dim_entities.select("entity_type", "entity_name", "article_count").iter_rows())
    assert found == {(kind, name, 3) for kind, name in names}


def test_a_block_of_names_that_sound_alike_is_work_for_each_and_not_for_their_pairs() -> None:
    def spell(number: int) -> str:
        return "".join("bdfgklmnprstvz"[number // 14**place % 14] + "a" for place in range(4))

    def work(first: int, last: int) -> int:  # other names each time: parts of names are kept when they were read
        return count_work(*(("person", [f"{spell(number).capitalize()} Lind"]) for number in range(first, last)))

    work(0, 10)
    fewer = work(10_000, 11_000)
    assert work(20_000, 22_000) < 2.2 * fewer


@pytest.mark.parametrize(("bearers", "is_compared"), [(MAX_CANDIDATES, True), (MAX_CANDIDATES + 1, False)])
def test_a_surname_is_compared_with_few_bearers_or_with_none(bearers: int, is_compared: bool) -> None:
    given = ("Bada", "Dafa", "Faga", "Gaka", "Kala", "Lama", "Mana", "Napa")
    full = [f"{one}{other.lower()} Lind" for one in given for other in given][:bearers]
    rows = read_names(make_entities(*(("person", [name]) for name in full), *[("person", ["Lind"])] * 50))
    names = collect_names(rows).filter("is_full")
    short = rows.filter(~pl.col("is_full")).with_columns(title_words=pl.lit(["minister"], dtype=pl.List(pl.String)))
    told = names.with_columns(
        title_words=pl.when(pl.col("name_key") == pl.col("name_key").min())
        .then(pl.lit(["minister"], dtype=pl.List(pl.String)))
        .otherwise("title_words")
    )
    linked = link_short_names(short, told, cluster_names(names), read_contexts(rows))
    assert linked.height == 50
    assert set(linked["rule"]) == ({"surname_and_title"} if is_compared else {"unresolved"})
