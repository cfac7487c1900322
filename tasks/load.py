"""Validated rows of one batch -> the staged release. Loading the same rows twice changes nothing."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from warehouse.ddl import insert_rows, merge_rows, read_matching, transaction
from warehouse.ledger import FIRST_SEEN
from warehouse.tables import (
    ARTICLE_VERSIONS,
    FACT_ARTICLES,
    SOURCE_DOCUMENTS,
    UTC_TIMESTAMP,
    Table,
    tables_of,
)

_ARTICLE_TABLES = tables_of("article")
_RUN_COLUMNS = ("run_id", "first_seen_at", "last_seen_at")
"""Columns that tell when a row was written: a difference in them alone makes no row a changed one."""


def load_articles(
    con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame], run_id: str, now: datetime
) -> dict[str, int]:
    """Load the rows of one batch in one transaction; return how many rows of each table were written or deleted.

    An article that is loaded again is brought to exactly its new rows; one that is not there yet is only added, which costs
    the same however many there are. An article whose document came with other bytes
    leaves `fact_articles` for `article_versions`, and all its other rows are deleted. Sightings are added to.

    Args:
        con: The staged release.
        frames: Table name -> rows of the table; `run_id`, `first_seen_at` and `last_seen_at` may be missing.
        run_id: The run that loads them.
        now: The time of the run, the same for all its batches.
    """
    complete = {
        table.name: _complete_frame(table, frames.get(table.name), run_id, now)
        for table in (*_ARTICLE_TABLES, SOURCE_DOCUMENTS)
    }
    articles = complete[FACT_ARTICLES.name]
    with transaction(con):
        replaced = find_replaced(con, articles)
        counts = {ARTICLE_VERSIONS.name: _keep_versions(con, replaced, now)}
        delete_articles(con, replaced["article_id"])
        known = read_matching(con, FACT_ARTICLES, articles.select("article_id"), ["article_id"])["article_id"]
        for table in _ARTICLE_TABLES:
            is_known = pl.col("article_id").is_in(known.implode())
            rows = complete[table.name]
            counts[table.name] = insert_rows(con, table, rows.filter(~is_known))
            if len(known):
                counts[table.name] += _merge_articles(con, table, rows.filter(is_known), known)
        counts[SOURCE_DOCUMENTS.name] = _load_sightings(con, complete[SOURCE_DOCUMENTS.name])
    return counts


def _merge_articles(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame, article_ids: pl.Series) -> int:
    """Bring what `table` holds of these articles to exactly `rows`; return the number of changed rows."""
    con.register("loaded_articles", article_ids.to_frame("article_id"))
    try:
        return merge_rows(
            con,
            table,
            rows,
            delete_where="old.article_id in (select article_id from loaded_articles)",
            updates={column: f"old.{column}" for column in columns_joined_at_publish(table)},
            not_compared=_RUN_COLUMNS,
        )
    finally:
        con.unregister("loaded_articles")


def find_replaced(con: duckdb.DuckDBPyConnection, articles: pl.DataFrame) -> pl.DataFrame:
    """Return the stored articles whose document comes with other bytes in `articles`.

    Columns: article_id, replaced_by_article_id; ordered by article_id.
    """
    con.register("new_articles", articles.select("article_id", "document_id"))
    try:
        return con.sql(
            """
            select old.article_id, new.article_id as replaced_by_article_id
            from fact_articles as old
            inner join new_articles as new
                on old.document_id = new.document_id and old.article_id <> new.article_id
            order by old.article_id
            """
        ).pl()
    finally:
        con.unregister("new_articles")


def delete_articles(con: duckdb.DuckDBPyConnection, article_ids: pl.Series) -> int:
    """Delete all rows of the articles from the tables of scope `article`; return how many articles there were."""
    if article_ids.is_empty():
        return 0
    con.register("deleted_articles", article_ids.to_frame("article_id"))
    counts = {
        table.name: con.execute(
            f"delete from {table.name} where article_id in (select article_id from deleted_articles)"
        ).fetchall()[0][0]
        for table in _ARTICLE_TABLES
    }
    con.unregister("deleted_articles")
    return int(counts[FACT_ARTICLES.name])


def raise_last_seen(con: duckdb.DuckDBPyConnection, sightings: pl.DataFrame) -> None:
    """Raise `source_documents.last_seen_at` to that of the sightings of the same bytes of the same document there."""
    con.register("seen", sightings.select("document_id", "source_uri", "raw_sha256", "last_seen_at"))
    con.execute(
        """
        update source_documents set last_seen_at = seen.last_seen_at from seen
        where source_documents.document_id = seen.document_id and source_documents.source_uri = seen.source_uri
            and source_documents.raw_sha256 = seen.raw_sha256 and source_documents.last_seen_at < seen.last_seen_at
        """
    )
    con.unregister("seen")


def columns_joined_at_publish(table: Table) -> list[str]:
    """Return the columns of `table` that corpus-level work fills in: those that refer to `dim_entities`."""
    return [column for column, target in table.references.items() if target == "dim_entities"]


def _complete_frame(table: Table, frame: pl.DataFrame | None, run_id: str, now: datetime) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema=table.schema)
    written = {"run_id": pl.lit(run_id)}
    for name in ("first_seen_at", "last_seen_at"):
        if name not in frame.columns:
            written[name] = pl.lit(now, dtype=UTC_TIMESTAMP)
    return frame.with_columns(**written).select(table.column_names)


def _keep_versions(con: duckdb.DuckDBPyConnection, replaced: pl.DataFrame, now: datetime) -> int:
    if replaced.is_empty():
        return 0
    con.register("replaced", replaced)
    versions = con.sql("select * from fact_articles inner join replaced using (article_id)").pl()
    con.unregister("replaced")
    return merge_rows(con, ARTICLE_VERSIONS, versions.with_columns(replaced_at=pl.lit(now, dtype=UTC_TIMESTAMP)))


def _load_sightings(con: duckdb.DuckDBPyConnection, sightings: pl.DataFrame) -> int:
    keys = list(SOURCE_DOCUMENTS.key)
    known = read_matching(con, SOURCE_DOCUMENTS, sightings.select(keys), keys)
    count = insert_rows(con, SOURCE_DOCUMENTS, sightings.join(known, on=keys, how="anti", maintain_order="left"))
    seen = sightings.join(known, on=keys, how="semi", maintain_order="left")
    if seen.is_empty():
        return count
    count += merge_rows(con, SOURCE_DOCUMENTS, seen, updates=FIRST_SEEN, not_compared=_RUN_COLUMNS)
    raise_last_seen(con, seen)
    return count


@task(cache_policy=NO_CACHE, persist_result=False)
def load_batch(
    con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame], run_id: str, now: datetime
) -> dict[str, int]:
    """Load one validated batch into the staged release; return the number of changed rows by table."""
    return load_articles(con, frames, run_id, now)
