"""Loading: what a batch writes, what it replaces, and that loading it again changes nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.load import (
    delete_articles,
    find_known,
    find_replaced,
    find_twins,
    keep_batch,
    load_articles,
    load_batches,
    load_kept_batches,
    raise_last_seen,
)
from tests.builders import build_table, rows
from warehouse.connection import connect_private
from warehouse.ddl import create_schema
from warehouse.tables import (
    ARTICLE_SEGMENTS,
    FACT_ARTICLES,
    FACT_QUOTES,
    SOURCE_DOCUMENTS,
    SOURCE_SIGHTINGS,
    TABLES,
    tables_of,
)

MONDAY = datetime(2024, 5, 13, 8, tzinfo=UTC)
TUESDAY = datetime(2024, 5, 14, 8, tzinfo=UTC)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_private(Path(":memory:")) as con:
        create_schema(con, TABLES)
        yield con


def batch(
    article_id: str = "a1", *, document_id: str = "d1", title: str = "Ferries", quotes: int = 1
) -> dict[str, Any]:
    """Build the frames of one article: itself, its quotes, a segment and a sighting."""
    article = {"article_id": article_id, "document_id": document_id, "title": title, "rules_version": "rules-1"}
    said = [{"quote_id": f"{article_id}-q{number}", "article_id": article_id} for number in range(quotes)]
    sighting = {"article_id": article_id, "document_id": document_id, "raw_sha256": article_id, "source_uri": "a.txt"}
    return {
        "fact_articles": build_table(FACT_ARTICLES, article).drop("run_id"),
        "fact_quotes": build_table(FACT_QUOTES, *said),
        "article_segments": build_table(ARTICLE_SEGMENTS, {"article_id": article_id}),
        "source_documents": build_table(SOURCE_DOCUMENTS, sighting).drop("run_id", "first_seen_at", "last_seen_at"),
    }


def join_batches(*batches: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat([frames[name] for frames in batches]) for name in batches[0]}


def read_all(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, ordered."""
    return {table.name: con.execute(f"select * from {table.name} order by all").fetchall() for table in TABLES}


def count_rows(con: duckdb.DuckDBPyConnection, article_id: str) -> dict[str, int]:
    """Return how many rows each table has of an article; tables without any are left out."""
    counts = {
        table.name: con.execute(f"select count(*) from {table.name} where article_id = ?", [article_id]).fetchall()[0][
            0
        ]
        for table in (*tables_of("article"), SOURCE_DOCUMENTS)
    }
    return {name: count for name, count in counts.items() if count}


def test_a_batch_is_loaded_with_its_run_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    counts = load_articles(con, join_batches(batch("a1"), batch("a2", document_id="d2", quotes=3)), "run-1", MONDAY)
    assert {name: count for name, count in counts.items() if count} == {
        "fact_articles": 2,
        "fact_quotes": 4,
        "article_segments": 2,
        "source_documents": 2,
    }
    assert con.execute("select article_id, run_id from fact_articles order by 1").fetchall() == [
        ("a1", "run-1"),
        ("a2", "run-1"),
    ]
    assert con.execute("select distinct first_seen_at, last_seen_at from source_documents").fetchall() == [
        (MONDAY, MONDAY)
    ]


def test_loading_the_same_batch_twice_changes_no_row(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, batch(quotes=3), "run-1", MONDAY)
    before = read_all(con)
    assert set(load_articles(con, batch(quotes=3), "run-1", MONDAY).values()) == {0}
    assert read_all(con) == before


def test_loading_the_same_batch_in_a_later_run_only_raises_the_time_it_was_seen(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, batch(quotes=3), "run-1", MONDAY)
    before = read_all(con)
    assert set(load_articles(con, batch(quotes=3), "run-2", TUESDAY).values()) == {0}
    after = read_all(con)
    assert con.execute("select first_seen_at, last_seen_at, run_id from source_documents").fetchall() == [
        (MONDAY, TUESDAY, "run-1")
    ]
    assert {**after, "source_documents": []} == {**before, "source_documents": []}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_and_size_of_batches_make_no_difference(
    con: duckdb.DuckDBPyConnection, order: tuple[int, ...]
) -> None:
    batches = [batch(f"a{number}", document_id=f"d{number}", quotes=number) for number in range(3)]
    for number in order:
        load_articles(con, batches[number], "run-1", MONDAY)
    with connect_private(Path(":memory:")) as other:
        create_schema(other, TABLES)
        load_articles(other, join_batches(*batches), "run-1", MONDAY)
        assert read_all(con) == read_all(other)


def test_an_article_that_is_loaded_again_with_other_rules_keeps_no_row_of_before(
    con: duckdb.DuckDBPyConnection,
) -> None:
    load_articles(con, join_batches(batch(quotes=3), batch("b1", document_id="d2")), "run-1", MONDAY)
    counts = load_articles(con, {**batch(title="Ferries sail", quotes=1), "article_segments": None}, "run-2", TUESDAY)
    assert (counts["fact_articles"], counts["fact_quotes"], counts["article_segments"]) == (1, 2, 1)
    assert count_rows(con, "a1") == {"fact_articles": 1, "fact_quotes": 1, "source_documents": 1}
    assert count_rows(con, "b1") == dict.fromkeys(batch(), 1)
    assert con.execute("select title, run_id from fact_articles where article_id = 'a1'").fetchall() == [
        ("Ferries sail", "run-2")
    ]


def test_new_bytes_of_a_document_replace_its_article_which_becomes_a_version(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, join_batches(batch("a1", quotes=3), batch("b1", document_id="d2")), "run-1", MONDAY)
    counts = load_articles(con, batch("a2", title="Ferries sail"), "run-2", TUESDAY)
    assert counts["article_versions"] == 1
    assert count_rows(con, "a1") == {"source_documents": 1}
    assert count_rows(con, "a2") == count_rows(con, "b1") == dict.fromkeys(batch(), 1)
    assert con.execute(
        "select article_id, document_id, title, run_id, replaced_at, replaced_by_article_id from article_versions"
    ).fetchall() == [("a1", "d1", "Ferries", "run-1", TUESDAY, "a2")]
    before = read_all(con)
    assert set(load_articles(con, batch("a2", title="Ferries sail"), "run-2", TUESDAY).values()) == {0}
    assert read_all(con) == before


def test_old_bytes_that_come_back_are_the_current_article_again(con: duckdb.DuckDBPyConnection) -> None:
    for day, article_id in enumerate(("a1", "a2", "a1")):
        load_articles(con, batch(article_id), f"run-{day}", MONDAY.replace(day=13 + day))
    assert con.execute("select article_id from fact_articles").fetchall() == [("a1",)]
    assert con.execute("select article_id from article_versions order by replaced_at").fetchall() == [("a1",), ("a2",)]
    assert con.execute("select article_id, first_seen_at from source_documents order by 1").fetchall() == [
        ("a1", MONDAY),
        ("a2", TUESDAY),
    ]


def test_entities_that_were_joined_in_at_publish_are_no_change(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, batch(), "run-1", MONDAY)
    con.execute("update fact_quotes set speaker_entity_id = 'e1'")
    assert load_articles(con, batch(), "run-2", TUESDAY)["fact_quotes"] == 0
    assert con.execute("select speaker_entity_id from fact_quotes").fetchall() == [("e1",)]


def test_a_batch_that_cannot_be_loaded_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, batch("a1"), "run-1", MONDAY)
    before = read_all(con)
    broken = batch("a2")
    broken["fact_quotes"] = broken["fact_quotes"].with_columns(quote_text=pl.lit(None, pl.String))
    with pytest.raises(duckdb.ConstraintException, match="quote_text"):
        load_articles(con, broken, "run-2", TUESDAY)
    assert read_all(con) == before
    assert load_articles(con, batch("a2"), "run-2", TUESDAY)["fact_quotes"] == 1


def test_replaced_articles_are_found_by_their_document(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, join_batches(batch("a1"), batch("b1", document_id="d2")), "run-1", MONDAY)
    new = join_batches(batch("a2"), batch("b1", document_id="d2"), batch("c1", document_id="d3"))["fact_articles"]
    assert rows(find_replaced(con, new)) == [("a1", "a2")]


def test_deleting_articles_takes_all_their_rows_but_the_sightings(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, join_batches(batch("a1"), batch("b1", document_id="d2")), "run-1", MONDAY)
    assert delete_articles(con, pl.Series(["a1", "nobody"])) == 1
    assert count_rows(con, "a1") == {"source_documents": 1}
    assert count_rows(con, "b1") == dict.fromkeys(batch(), 1)


def test_a_sighting_raises_the_time_of_the_same_bytes_only_and_never_lowers_it(con: duckdb.DuckDBPyConnection) -> None:
    load_articles(con, batch("a1"), "run-1", MONDAY)
    seen = {"document_id": "d1", "source_uri": "a.txt"}
    for raw_sha256, last_seen_at, expected in [
        ("other", TUESDAY, MONDAY),
        ("a1", TUESDAY, TUESDAY),
        ("a1", MONDAY, TUESDAY),
    ]:
        raise_last_seen(
            con, build_table(SOURCE_SIGHTINGS, {**seen, "raw_sha256": raw_sha256, "last_seen_at": last_seen_at})
        )
        assert con.execute("select last_seen_at from source_documents").fetchall() == [(expected,)]


def keep_batches(folder: Path, *batches: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Keep batches as a run does, with all their columns; return their folders."""
    folders = [folder / f"{number:06d}" for number in range(len(batches))]
    seen = {"first_seen_at": MONDAY, "last_seen_at": MONDAY, "run_id": "run-1"}
    for own, frames in zip(folders, batches, strict=True):
        sightings = frames["source_documents"].with_columns(
            pl.lit(value, dtype=SOURCE_DOCUMENTS.schema[name]).alias(name) for name, value in seen.items()
        )
        articles = frames["fact_articles"].with_columns(run_id=pl.lit("run-1"))
        keep_batch(own, {**frames, "fact_articles": articles, "source_documents": sightings})
    return folders


def test_kept_batches_are_loaded_as_one_after_the_other(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    given = [
        batch("a1", quotes=3),
        batch("b1", document_id="d2"),
        batch("a2", title="Ferries sail"),  # the document of the first batch with other bytes
        batch("c1", document_id="d3", quotes=2),
    ]
    kept = keep_batches(tmp_path, *given)
    assert (find_known(con, kept), find_twins(con, kept)) == (set(), {kept[0], kept[2]})
    counts = load_kept_batches(con, kept, "run-1", MONDAY)
    with connect_private(Path(":memory:")) as other:
        create_schema(other, TABLES)
        one_by_one = [load_articles(other, frames, "run-1", MONDAY) for frames in given]
        assert read_all(con) == read_all(other)
    assert {name: count for name, count in counts.items() if count} == {
        name: total for name in one_by_one[0] if (total := sum(counted[name] for counted in one_by_one))
    }
    assert counts["fact_quotes"] == 7
    assert count_rows(con, "a1") == {"source_documents": 1}


def test_kept_batches_that_are_there_change_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept = keep_batches(tmp_path, batch(quotes=3), batch("b1", document_id="d2"))
    assert find_known(con, kept) == set()
    load_kept_batches(con, kept, "run-1", MONDAY)
    before = read_all(con)
    assert (find_known(con, kept), find_twins(con, kept)) == (set(kept), set())
    assert set(load_batches.fn(con, kept, "run-2", TUESDAY).values()) == {0}
    assert read_all(con) == before


def test_a_sighting_of_an_article_that_left_is_not_added_twice(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    load_articles(con, batch(), "run-1", MONDAY)
    delete_articles(con, pl.Series(["a1"]))
    kept = keep_batches(tmp_path, batch())
    assert (find_known(con, kept), find_twins(con, kept)) == (set(kept), set())
    load_kept_batches(con, kept, "run-2", TUESDAY)
    assert count_rows(con, "a1") == {
        "fact_articles": 1, "fact_quotes": 1, "article_segments": 1, "source_documents": 1,
    }  # fmt: skip


def test_folders_may_have_the_names_of_patterns(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    keep_batches(tmp_path / "news 1", batch("b1"))  # what the pattern below would find
    kept = keep_batches(tmp_path / "news [1]*", batch("a1"))
    for run in ("run-1", "run-2"):
        load_kept_batches(con, kept, run, MONDAY)
        assert con.execute("select article_id from fact_articles").fetchall() == [("a1",)]
    assert find_known(con, kept) == set(kept)


def test_no_batches_load_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert load_kept_batches(con, [], "run-1", MONDAY) == {}
    nothing = {name: frame.clear() for name, frame in batch().items()}
    assert set(load_kept_batches(con, keep_batches(tmp_path, nothing), "run-1", MONDAY).values()) == {0}


def test_many_kept_batches_bring_what_is_there_to_their_rows(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    names = [f"{number:02d}" for number in range(14)]
    load_kept_batches(
        con, keep_batches(tmp_path / "1", *(batch(f"a{n}", document_id=n) for n in names)), "run-1", MONDAY
    )
    again = [batch(f"a{n}", document_id=n, quotes=2) for n in names]
    again[3] = batch("b", document_id="03", title="Ferries sail")  # other bytes
    again[7] = batch("c", document_id="03", title="Ferries stop")  # and other bytes again
    kept = keep_batches(tmp_path / "2", *again)
    assert (find_known(con, kept), find_twins(con, kept)) == (set(kept), {kept[3], kept[7]})
    counts = load_kept_batches(con, kept, "run-2", TUESDAY)
    assert (counts["fact_quotes"], counts["article_versions"]) == (12 + 1 + 1, 2)
    assert con.execute("select count(*) from fact_quotes").fetchall() == [
        (12 * 2 + 1 + 1,)
    ]  # a07 was not asked for again
    assert con.execute("select article_id, title from fact_articles where document_id = '03'").fetchall() == [
        ("c", "Ferries stop")
    ]
