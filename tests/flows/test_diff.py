"""Two releases compared: what was gained, lost and changed, and why."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.diff import diff_releases
from tests.builders import build_table, rows
from warehouse.ddl import merge_rows
from warehouse.errors import WarehouseError
from warehouse.releases import make_release_id, publish_release, stage_release
from warehouse.tables import DIM_ENTITIES, FACT_ARTICLES, FACT_QUOTES, ID_REDIRECTS

REYES, LIND = {"entity_id": "e1", "entity_name": "Anna Reyes"}, {"entity_id": "e2", "entity_name": "Marta Lind"}


def article(document: str, state: int = 1, **columns: Any) -> dict[str, Any]:
    return {"document_id": document, "article_id": f"{document}-{state}", "source_uri": f"{document}.txt", **columns}


def quote(
    document: str, start: int, words: str, speaker: str | None = None, state: int = 1, **columns: Any
) -> dict[str, Any]:
    return {
        "quote_id": f"{document}-{state}-{start}-{words}", "article_id": f"{document}-{state}", "start_char": start, "quote_text": words,
        "quote_text_normalized": words.lower(), "speaker_entity_id": speaker, **columns,
    }  # fmt: skip


def publish(
    warehouse: Path,
    day: int,
    articles: Sequence[Mapping[str, Any]],
    quotes: Sequence[Mapping[str, Any]],
    redirects: Sequence[Mapping[str, Any]] = (),
) -> str:
    release_id = make_release_id(datetime(2024, 5, day, tzinfo=UTC), f"run-{day}")
    tables = (
        (FACT_ARTICLES, articles),
        (FACT_QUOTES, quotes),
        (DIM_ENTITIES, (REYES, LIND)),
        (ID_REDIRECTS, redirects),
    )
    with stage_release(warehouse) as staged:
        for table, given in tables:
            merge_rows(staged.con, table, build_table(table, *given), delete_where="true")
        publish_release(staged, release_id)
    return release_id


def test_quotes_are_gained_lost_and_changed_and_the_cause_is_told(tmp_path: Path) -> None:
    warehouse = tmp_path / "news.duckdb"
    old = publish(
        warehouse,
        1,
        [article("a", outlet="Gazette"), article("b"), article("c")],
        [
            quote("a", 5, "We sail", "e1"),
            quote("a", 40, "at noon", "e1"),
            quote("a", 80, "and never later", "e1"),
            quote("b", 5, "No", None),
            quote("c", 5, "Gone"),
        ],
    )
    publish(
        warehouse,
        2,
        [article("a", outlet="Gazette"), article("b", 2), article("d")],
        [
            quote("a", 9, "We sail", "e1"),  # moved: the same
            quote("a", 44, "at noon", "e2"),
            quote("a", 84, "And never later, if at all", "e1"),
            quote("b", 5, "Yes", None, 2),
            quote("d", 5, "New", None),
        ],
    )
    compared = diff_releases(warehouse, old)
    assert (compared.old_count, compared.new_count) == (5, 5)
    columns = ("change", "cause", "outlet", "old_speaker", "new_speaker", "old_text", "new_text")
    assert rows(compared.changes, *columns) == [
        (
            "reworded",
            "rules or corrections",
            "Gazette",
            "Anna Reyes",
            "Anna Reyes",
            "and never later",
            "And never later, if at all",
        ),
        ("reattributed", "rules or corrections", "Gazette", "Anna Reyes", "Marta Lind", "at noon", "at noon"),
        ("lost", "article changed", None, None, None, "No", None),
        ("gained", "article changed", None, None, None, None, "Yes"),
        ("lost", "article removed", None, None, None, "Gone", None),
        ("gained", "article added", None, None, None, None, "New"),
    ]
    assert rows(compared.count_by()) == [(2, 2, 1, 1, 0)]
    assert compared.count_by("speaker")["speaker"].to_list() == [None, "Anna Reyes", "Marta Lind"]
    assert rows(compared.count_by("outlet")) == [(None, 2, 2, 0, 0, 0), ("Gazette", 0, 0, 1, 1, 0)]


def test_a_merged_speaker_is_the_same_speaker(tmp_path: Path) -> None:
    warehouse = tmp_path / "news.duckdb"
    old = publish(warehouse, 1, [article("a")], [quote("a", 5, "We sail", "e0")])
    redirect = {"kind": "entity", "old_id": "e0", "new_id": "e1"}
    new = publish(warehouse, 2, [article("a")], [quote("a", 5, "We sail", "e1")], [redirect])
    assert diff_releases(warehouse, old, new).changes.is_empty()


def test_a_word_printed_twice_and_lost_once_is_one_loss(tmp_path: Path) -> None:
    warehouse = tmp_path / "news.duckdb"
    old = publish(warehouse, 1, [article("a")], [quote("a", 5, "No"), quote("a", 50, "No")])
    publish(warehouse, 2, [article("a")], [quote("a", 50, "No")])
    assert rows(diff_releases(warehouse, old).changes, "change", "old_text") == [("lost", "No")]


def test_a_release_is_named_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    warehouse = tmp_path / "news.duckdb"
    publish(warehouse, 1, [article("a")], [])
    publish(warehouse, 2, [article("a")], [])
    assert diff_releases(warehouse, "20240501").changes.is_empty()
    with pytest.raises(WarehouseError, match="keeps 2 releases that begin with 202405"):
        diff_releases(warehouse, "202405")
    with pytest.raises(WarehouseError, match="keeps no release 2023"):
        diff_releases(warehouse, "2023")
