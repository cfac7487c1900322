"""The entities of a staged release: linked anew or brought up to date, stored, and redirected from what they were."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import polars as pl

from tasks.identity.linking.entities import name_entities
from tasks.identity.linking.increment import find_changed_articles, update_links
from tasks.identity.links import LinkedEntities, link_entities
from tasks.identity.redirects import find_namesakes, find_successors, store_redirects
from warehouse.ddl import merge_rows
from warehouse.tables import DIM_ENTITIES, ENTITY_LINK_NAMES, ENTITY_LINKS, ENTITY_NAMES

Correct = Callable[[LinkedEntities, pl.DataFrame], LinkedEntities]
"""What people say of the machine's links: LinkedEntities and DOCUMENT_ENTITIES -> LinkedEntities."""


@dataclass(frozen=True)
class LinkedRelease:
    """How linking went: rows that changed, entities there are, and the articles whose facts need their ids anew.

    `articles` has `article_id`; None means all articles.
    """

    changed_count: int
    entity_count: int
    articles: pl.DataFrame | None


def link_release(con: duckdb.DuckDBPyConnection, run_id: str, correct: Correct | None = None) -> LinkedRelease:
    """Make `entity_links`, `dim_entities` and `id_redirects` what the document entities say.

    Where the release before was linked by the same tables, only what the changed articles have a bearing on is linked
    again; with `correct` everything is.

    Args:
        con: The staged release, in a transaction.
        run_id: The run that wrote the changed articles.
        correct: Applied to the machine's links before they are stored.
    """
    [(known,)] = con.execute("select count(*) from entity_link_names").fetchall()
    before = con.sql("select entity_id, entity_type, entity_name from dim_entities").pl()
    if correct is not None or not known:
        changed_count, moved, articles = _link_all(con, correct)
    else:
        changed_count, moved, articles = _link_changed(con, run_id)
    [(entity_count,)] = con.execute("select count(*) from dim_entities").fetchall()
    if changed_count:
        changed_count += _redirect(con, before, moved)
    return LinkedRelease(changed_count, entity_count, articles)


def store_entities(con: duckdb.DuckDBPyConnection, linked: LinkedEntities) -> int:
    """Make `entity_links` and `dim_entities` equal to `linked`; return the number of changed rows.

    The names that an update starts from are stored with them, and not counted: they follow from the rest.
    """
    for table, frame in ((ENTITY_LINK_NAMES, linked.entity_link_names), (ENTITY_NAMES, linked.entity_names)):
        merge_rows(con, table, frame, delete_where="true")
    links = merge_rows(con, ENTITY_LINKS, linked.entity_links, delete_where="true")
    return links + merge_rows(con, DIM_ENTITIES, linked.dim_entities, delete_where="true")


def _link_all(con: duckdb.DuckDBPyConnection, correct: Correct | None) -> tuple[int, pl.DataFrame, None]:
    document_entities = con.sql("from document_entities order by document_entity_id").pl()
    linked = link_entities(document_entities)
    corrected = linked if correct is None else correct(linked, document_entities)
    old = con.sql("select document_entity_id, entity_id as old_id from entity_links").pl()
    new = corrected.entity_links.select("document_entity_id", new_id="entity_id")
    moved = old.join(new, on="document_entity_id", how="left").filter(pl.col("old_id").ne_missing(pl.col("new_id")))
    return store_entities(con, corrected), moved, None


def _link_changed(con: duckdb.DuckDBPyConnection, run_id: str) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    articles = find_changed_articles(con, run_id)
    if articles.is_empty():
        return 0, pl.DataFrame(schema={"old_id": pl.String, "new_id": pl.String}), articles
    update = update_links(con, articles)
    touched = pl.concat([update.rows.select(entity_id=name) for name in ("old_id", "new_id")]).drop_nulls().unique()
    changed_count = update.changed_count + _renew_entities(con, touched)
    moved = update.rows.filter(pl.col("old_id").ne_missing(pl.col("new_id")))
    con.register("moved_rows", moved)
    beside = con.sql(
        "select distinct article_id from entity_link_names semi join moved_rows using (document_entity_id)"
    ).pl()
    con.unregister("moved_rows")
    return changed_count, moved, pl.concat([articles, beside]).unique()  # fmt: skip


def _renew_entities(con: duckdb.DuckDBPyConnection, touched: pl.DataFrame) -> int:
    """Name and count the touched entities anew; those without a link are deleted."""
    con.register("touched_entities", touched)
    con.execute(
        """
        create or replace temp table touched_rows as
        select l.entity_id, d.entity_type, d.article_id, d.names, d.mention_count
        from entity_links as l semi join touched_entities using (entity_id)
        inner join document_entities as d using (document_entity_id)
        """
    )
    names = con.sql(
        "select entity_id, entity_type, name, count(*) as article_count "
        "from (select entity_id, entity_type, unnest(names) as name from touched_rows) group by all"
    ).pl()
    counts = con.sql(
        "select entity_id, count(distinct article_id) as article_count, sum(mention_count)::uinteger as mention_count "
        "from touched_rows group by entity_id"
    ).pl()
    con.execute("drop table touched_rows")
    is_touched = "old.entity_id in (select entity_id from touched_entities)"
    try:
        return merge_rows(con, DIM_ENTITIES, name_entities(names, counts), delete_where=is_touched)
    finally:
        con.unregister("touched_entities")


def _redirect(con: duckdb.DuckDBPyConnection, before: pl.DataFrame, moved: pl.DataFrame) -> int:
    con.register("entities_before", before)
    gone = con.sql("from entities_before anti join dim_entities using (entity_id)").pl()
    con.unregister("entities_before")
    lost = gone.join(moved.drop_nulls("new_id").select(entity_id="old_id"), on="entity_id", how="anti")
    successors = find_successors(moved.select("old_id", "new_id")).drop_nulls("new_id")
    if not lost.is_empty():
        namesakes = find_namesakes(lost, con.sql("select entity_id, entity_type, aliases from dim_entities").pl())
        successors = pl.concat([successors, namesakes])
    return store_redirects(con, successors, gone.select("entity_id"))
