"""Names that are told apart or brought together, case by case; the people are invented."""

from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from tasks.identity.links import link_entities
from tests.builders import build_table
from warehouse.tables import DOCUMENT_ENTITIES

APART = pl.read_csv(Path(__file__).with_name("bearers_apart.csv"), infer_schema=False)
VARIANTS = pl.read_csv(Path(__file__).with_name("name_variants.csv"), infer_schema=False)


def list_cases(rows: pl.DataFrame) -> list[str]:
    return rows.get_column("case").unique(maintain_order=True).to_list()


def build_case(rows: pl.DataFrame) -> pl.DataFrame:
    """Build DOCUMENT_ENTITIES: every row of a case has an article of its own, with whoever is beside it."""
    entities = []
    for number, (_, _, entity_type, names, titles, beside) in enumerate(rows.iter_rows()):
        own = [(f"d{number}", entity_type, (names or "").split("|"), (titles or "").split("|") if titles else [])]
        others = [(one.split(":") for one in beside.split("|"))] if beside else []
        own += [(f"d{number}-{name}", kind, [name], []) for group in others for kind, name in group]
        entities += [
            {
                "document_entity_id": row, "article_id": f"a{number}", "entity_type": kind,
                "document_entity_name": printed[0], "names": printed, "titles": said,
            }
            for row, kind, printed, said in own
        ]  # fmt: skip
    return build_table(DOCUMENT_ENTITIES, *entities)


def link_case(rows: pl.DataFrame) -> dict[str, set[str]]:
    """Return, for every entity of ours, the labels of the rows that it holds."""
    links = dict(link_entities(build_case(rows)).entity_links.select("document_entity_id", "entity_id").iter_rows())
    found = defaultdict(set)
    for number, label in enumerate(rows.get_column("entity")):
        found[links[f"d{number}"]].add(label)
    return found


@pytest.mark.parametrize("case", list_cases(APART))
def test_bearers_of_one_name_are_told_apart(case: str) -> None:
    assert all(len(labels) == 1 for labels in link_case(APART.filter(pl.col("case") == case)).values())


@pytest.mark.parametrize("case", list_cases(VARIANTS))
def test_variants_of_a_name_are_brought_together(case: str) -> None:
    assert len(link_case(VARIANTS.filter(pl.col("case") == case))) == 1


def test_there_are_thirty_cases_of_either_kind() -> None:
    assert len(list_cases(APART)) >= 30
    assert len(list_cases(VARIANTS)) >= 30
