"""Publishing: entities, outlets and the ledger join the facts, and the release becomes the current one, or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.identity.linking.release import store_entities
from tasks.identity.links import LinkedEntities
from tasks.link import join_corrected_speakers, join_entity_ids, link_warehouse
from tasks.load import load_articles
from tasks.outlets import Outlet
from tasks.publish import (
    Publication,
    PublishedWarehouse,
    build_outlets,
    publish_warehouse,
)
from tasks.rules import RulesVersions
from tasks.stories import relate_warehouse
from tests.builders import build_table, rows
from warehouse.connection import connect_private, connect_read_only
from warehouse.ddl import create_schema, merge_rows
from warehouse.ledger import LedgerTables, ledger_path, read_ledger, record_rows, recover_runs, start_run
from warehouse.releases import StagedRelease, find_current_release, lock_warehouse, read_releases, stage_release
from warehouse.tables import (
    DIM_ENTITIES,
    DOCUMENT_ENTITIES,
    ENTITY_LINKS,
    FACT_ARTICLES,
    FACT_ENTITY_MENTIONS,
    FACT_QUOTES,
    FACT_STATEMENTS,
    QUOTE_SPEAKER_CORRECTIONS,
    REJECTED_DOCUMENTS,
    SOURCE_DOCUMENTS,
    SOURCE_SIGHTINGS,
    STATEMENT_SPEAKERS,
    TABLES,
)

NOON = datetime(2024, 5, 14, 12, tzinfo=UTC)
BODY = 'Anna Reyes said: "We sail."'


def one_article(title: str = "Ferries", quote_text: str = "We sail.") -> dict[str, pl.DataFrame]:
    """Build the frames of an article in which one person says one thing."""
    said = {"article_id": "a1", "statement_id": "s1", "speaker_document_entity_id": "e1"}
    article = {"article_id": "a1", "document_id": "d1", "body": BODY, "title": title, "outlet": "Port Herald"}
    entity = {"article_id": "a1", "document_entity_id": "e1", "document_entity_name": "Anna Reyes", "mention_count": 1}
    mention = {"article_id": "a1", "document_entity_id": "e1", "mention_text": "Anna Reyes", "start_char": 0}
    sighting = {"article_id": "a1", "document_id": "d1", "source_uri": "a.txt", "raw_sha256": "1"}
    return {
        "fact_articles": build_table(FACT_ARTICLES, article),
        "fact_quotes": build_table(FACT_QUOTES, {**said, "quote_text": quote_text, "start_char": 18}),
        "fact_statements": build_table(FACT_STATEMENTS, said),
        "document_entities": build_table(DOCUMENT_ENTITIES, {**entity, "names": ["Anna Reyes"]}),
        "fact_entity_mentions": build_table(FACT_ENTITY_MENTIONS, mention),
        "source_documents": build_table(SOURCE_DOCUMENTS, sighting),
    }


VERSIONS = RulesVersions("rules-1", "link-1", "stories-1", "publish-1")


def describe(ledger: Path, run_id: str, published_at: datetime) -> Publication:
    sighting = {"source_uri": "a.txt", "document_id": "d1", "raw_sha256": "1", "outcome": "loaded", "run_id": run_id}
    times = {"first_seen_at": published_at, "last_seen_at": published_at}
    return Publication(
        run_id=run_id,
        rules_version="rules-1",
        versions=VERSIONS.of_corpus,
        onrecord_version="1.2.3",
        published_at=published_at,
        ledger=LedgerTables(ledger),
        pending=[("source_sightings", build_table(SOURCE_SIGHTINGS, {**sighting, **times}))],
        run={"article_count": 1},
    )


@contextmanager
def stage_run(warehouse: Path, run_id: str) -> Iterator[StagedRelease]:
    with lock_warehouse(warehouse):
        start_run(
            ledger_path(warehouse), run_id=run_id, flow_name="build", started_at=NOON, sources=["inbox"],
            batch_size=10, rules_version="rules-1",
        )  # fmt: skip
        with stage_release(warehouse) as staged:
            yield staged


def build(warehouse: Path, run_id: str, frames: dict[str, pl.DataFrame], hour: int = 12) -> PublishedWarehouse:
    """Run one build of these frames, without the ledger's last word."""
    published_at = NOON.replace(hour=hour)
    with stage_run(warehouse, run_id) as staged:
        counts = load_articles(staged.con, frames, run_id, published_at)
        publication = describe(ledger_path(warehouse), run_id, published_at)
        linked = link_warehouse.fn(staged, run_id)
        changed_count = sum(counts.values()) + linked.changed_count + relate_warehouse.fn(staged, linked.articles)
        return publish_warehouse.fn(staged, publication, changed_count)


def query(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect_read_only(warehouse) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "news.duckdb"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_private(Path(":memory:")) as con:
        create_schema(con, TABLES)
        yield con


def link(*links: tuple[str, str]) -> LinkedEntities:
    """Build links from document entities to entities."""
    entity_links = [{"document_entity_id": source, "entity_id": target} for source, target in links]
    entities = [{"entity_id": target} for target in sorted({target for _, target in links})]
    return LinkedEntities(build_table(ENTITY_LINKS, *entity_links), build_table(DIM_ENTITIES, *entities))


def test_links_and_entities_become_those_of_the_corpus_and_only_changes_count(con: duckdb.DuckDBPyConnection) -> None:
    assert store_entities(con, link(("e1", "anna"), ("e2", "ben"))) == 4
    assert store_entities(con, link(("e2", "ben"), ("e1", "anna"))) == 0
    assert store_entities(con, link(("e1", "anna"), ("e2", "anna"))) == 2
    assert con.execute("select document_entity_id, entity_id from entity_links order by 1").fetchall() == [
        ("e1", "anna"),
        ("e2", "anna"),
    ]
    assert con.execute("select entity_id from dim_entities").fetchall() == [("anna",)]


def test_entity_ids_are_joined_into_facts_and_taken_out_with_their_link(con: duckdb.DuckDBPyConnection) -> None:
    merge_rows(con, FACT_ENTITY_MENTIONS, build_table(FACT_ENTITY_MENTIONS, {"document_entity_id": "e1"}))
    for table in (FACT_QUOTES, FACT_STATEMENTS):
        merge_rows(con, table, build_table(table, {"speaker_document_entity_id": "e1"}, {}))
    facts = """
        select entity_id from fact_entity_mentions union all
        (select speaker_entity_id from fact_quotes order by quote_id) union all
        (select speaker_entity_id from fact_statements order by statement_id)
    """
    store_entities(con, link(("e1", "anna")))
    join_entity_ids(con)
    assert con.execute(facts).fetchall() == [("anna",), ("anna",), (None,), ("anna",), (None,)]
    store_entities(con, link(("e2", "ben")))
    join_entity_ids(con)
    assert con.execute(facts).fetchall() == [(None,)] * 5


def test_a_corrected_speaker_speaks_in_every_table_but_among_several_who_spoke_together(
    con: duckdb.DuckDBPyConnection,
) -> None:
    statements = (
        {"statement_id": "s1", "speaker_entity_id": "ben"},
        {"statement_id": "s2", "speaker_entity_id": "ben"},
    )
    together = [*statements, {"statement_id": "s2", "speaker_no": 1, "speaker_entity_id": "cleo"}]
    said = [{"quote_id": f"q{n}", "statement_id": f"s{n}", "speaker_entity_id": "ben"} for n in (1, 2)]
    corrected = {"speaker_entity_id": "anna", "is_whole_statement": True}
    corrections = [{"quote_id": f"q{n}", "statement_id": f"s{n}", **corrected} for n in (1, 2)]
    for table, given in (
        (FACT_STATEMENTS, statements),
        (STATEMENT_SPEAKERS, together),
        (FACT_QUOTES, said),
        (QUOTE_SPEAKER_CORRECTIONS, corrections),
    ):
        merge_rows(con, table, build_table(table, *given))
    join_corrected_speakers(con)
    assert con.execute("select speaker_entity_id from fact_quotes").fetchall() == [("anna",)] * 2
    assert con.execute("select speaker_entity_id from fact_statements").fetchall() == [("anna",)] * 2
    assert con.execute(
        "select speaker_entity_id from statement_speakers order by statement_id, speaker_no"
    ).fetchall() == [
        ("anna",),
        ("ben",),
        ("cleo",),
    ]


def test_an_outlet_has_the_names_and_domains_that_are_known_and_the_articles_that_are_there() -> None:
    articles = pl.DataFrame(
        [
            ("Port Herald", "https://www.portherald.example/1"),
            ("Port Herald", "https://live.portherald.example:8080/2"),
            ("Port Herald", None),
            ("Quay News", None),
            (None, "https://nobody.example/3"),
        ],
        schema=["outlet", "url"],
        orient="row",
    )
    configured = [Outlet("Port Herald", ("The Port Herald",), ("portherald.example",)), Outlet("Unseen Times")]
    assert rows(build_outlets(articles, configured)) == [
        ("Port Herald", ["The Port Herald"], ["live.portherald.example", "portherald.example"], True, 3),
        ("Quay News", [], [], False, 1),
    ]
    assert rows(build_outlets(articles.clear(), configured)) == []


def test_a_release_has_facts_entities_outlets_marts_and_its_own_row(warehouse: Path) -> None:
    published = build(warehouse, "run-1", one_article())
    assert (published.status, published.failures) == ("published", ())
    assert query(warehouse, "select speaker, outlet, quote_text from mart_quotes") == [
        ("Anna Reyes", "Port Herald", "We sail.")
    ]
    assert query(warehouse, "select outlet, article_count from dim_outlets") == [("Port Herald", 1)]
    columns = (
        "release_id, published_at, onrecord_version, rules_version, link_version, article_count, quote_count, run_id"
    )
    assert query(warehouse, f"select {columns} from releases") == [
        (published.release_id, NOON, "1.2.3", "rules-1", "link-1", 1, 1, "run-1")
    ]


def test_a_release_has_the_ledger_as_it_is_once_the_run_has_ended(warehouse: Path) -> None:
    rejected = build_table(REJECTED_DOCUMENTS, {"source_uri": "empty.txt"})
    record_rows(ledger_path(warehouse), REJECTED_DOCUMENTS, rejected)
    published = build(warehouse, "run-1", one_article())
    assert query(warehouse, "select run_id, status, finished_at, release_id, article_count from pipeline_runs") == [
        ("run-1", "published", NOON, published.release_id, 1)
    ]
    assert query(warehouse, "select source_uri from rejected_documents") == [("empty.txt",)]
    assert query(warehouse, "select source_uri, outcome from source_sightings") == [("a.txt", "loaded")]
    assert query(warehouse, "select count(*), any_value(run_id) from expectation_results where batch_no = -1") == [
        (published.results.height, "run-1")
    ]


def test_a_run_killed_after_it_published_is_recovered_with_what_it_loaded(warehouse: Path) -> None:
    published = build(warehouse, "run-1", one_article())
    ledger = ledger_path(warehouse)
    assert rows(read_ledger(ledger, "select status from pipeline_runs")) == [("running",)]
    with connect_read_only(warehouse) as release:
        recover_runs(ledger, release, NOON)
    assert rows(read_ledger(ledger, "select status, release_id from pipeline_runs")) == [
        ("published", published.release_id)
    ]
    assert rows(read_ledger(ledger, "select source_uri, outcome from source_sightings")) == [("a.txt", "loaded")]


def test_a_build_that_changes_no_data_publishes_nothing(warehouse: Path) -> None:
    first = build(warehouse, "run-1", one_article())
    again = build(warehouse, "run-2", one_article(), hour=13)
    assert (again.status, again.release_id) == ("unchanged", None)
    assert query(warehouse, "select release_id from releases") == [(first.release_id,)]


def test_a_build_that_changes_data_publishes_a_release_with_its_parent(warehouse: Path) -> None:
    first = build(warehouse, "run-1", one_article())
    second = build(warehouse, "run-2", one_article(title="Ferries sail"), hour=13)
    assert read_releases(warehouse).select("release_id", "parent_release_id", "is_current").rows() == [
        (first.release_id, None, False),
        (second.release_id, first.release_id, True),
    ]
    assert query(
        warehouse, "select title, last_seen_at from fact_articles inner join source_documents using (article_id)"
    ) == [("Ferries sail", NOON.replace(hour=13))]


def test_a_release_that_fails_its_audit_is_not_published(warehouse: Path) -> None:
    first = build(warehouse, "run-1", one_article())
    current = find_current_release(warehouse)
    stopped = build(warehouse, "run-2", one_article(quote_text="We stay."), hour=13)
    assert (stopped.status, stopped.release_id) == ("stopped", None)
    assert stopped.failures == ("fact_quotes.quote_text_is_in_body",)
    failed = stopped.results.filter((pl.col("severity") == "stop") & ~pl.col("is_success"))
    assert rows(failed, "table_name", "failed_count") == [("fact_quotes", 1)]
    assert find_current_release(warehouse) == current
    assert query(warehouse, "select quote_text, release_id from fact_quotes, releases") == [
        ("We sail.", first.release_id)
    ]


def test_older_releases_are_removed_as_new_ones_come(warehouse: Path) -> None:
    ids = [
        build(warehouse, f"run-{hour}", one_article(title=f"Ferries {hour}"), hour).release_id for hour in range(8, 12)
    ]
    releases = read_releases(warehouse)
    assert releases["release_id"].to_list() == ids
    assert releases["is_kept"].to_list() == [False, True, True, True]
