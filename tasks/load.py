"""Validated rows of batches -> the staged release. Loading the same rows twice changes nothing."""

import glob
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

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
_LOADED = (*_ARTICLE_TABLES, SOURCE_DOCUMENTS)
_IDENTITIES = (
    (FACT_ARTICLES, ("article_id",)),
    (FACT_ARTICLES, ("document_id",)),
    (SOURCE_DOCUMENTS, SOURCE_DOCUMENTS.key),
)
"""What two batches, or a batch and the release, can have in common."""
_MERGED = 10
"""Batches that are merged into the release together."""
_RUN_COLUMNS = ("run_id", "first_seen_at", "last_seen_at")
"""Columns that tell when a row was written: a difference in them alone makes no row a changed one."""


def keep_batch(folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write the rows of a batch into a new folder, a Parquet file a table, for `load_kept_batches`; every column must be there."""
    folder.mkdir(parents=True)
    for table in _LOADED:
        if table.name in frames:
            rows = frames[table.name].select(table.column_names).cast(table.schema)
            rows.write_parquet(_file_of(folder, table), compression="lz4")  # read once, and soon


def load_kept_batches(
    con: duckdb.DuckDBPyConnection, batches: Sequence[Path], run_id: str, now: datetime
) -> dict[str, int]:
    """Load batches that `keep_batch` wrote; return how many rows of each table were written or deleted.

    Batches that have to do with nothing in the release, nor with each other, are added all at once, a table after another: DuckDB
    then writes whole row groups to the disk as they fill, where batch after batch it would write the last ones again and
    again. What the release has already is merged `_MERGED` batches at a time, as every merge reads the whole release; batches that
    have something in common are loaded one at a time, in their order, so that the later one holds.
    """
    known, twins = find_known(con, batches), find_twins(con, batches)
    counts = Counter(_add_batches(con, [batch for batch in batches if batch not in known | twins]))
    for group in _group_batches([batch for batch in batches if batch in known | twins], twins):
        frames = {}
        for table in _LOADED:
            files = [file for batch in group if (file := _file_of(batch, table)).exists()]
            if files:
                frames[table.name] = pl.read_parquet(files, glob=False)
        counts.update(load_articles(con, frames, run_id, now))
    return counts


def find_known(con: duckdb.DuckDBPyConnection, batches: Iterable[Path]) -> set[Path]:
    """Return the batches with an article, a document or a sighting that the release has too."""
    return _find_sharing(
        con, batches, lambda table, names: f"select filename from arriving semi join {table.name} using ({names})"
    )


def find_twins(con: duckdb.DuckDBPyConnection, batches: Iterable[Path]) -> set[Path]:
    """Return the batches with an article, a document or a sighting that another one of them has too, or the same one twice."""
    return _find_sharing(
        con, batches, lambda _, names: f"select filename from arriving qualify count(*) over (partition by {names}) > 1"
    )


def _find_sharing(
    con: duckdb.DuckDBPyConnection, batches: Iterable[Path], write_query: Callable[[Table, str], str]
) -> set[Path]:
    shared: set[Path] = set()
    for table, keys in _IDENTITIES:
        places = {str(file): batch for batch in batches if (file := _file_of(batch, table)).exists()}
        if places:
            names = ", ".join(keys)
            arriving = f"with arriving as (select {names}, filename from read_parquet(?, filename = true))"
            rows = con.execute(f"{arriving} {write_query(table, names)}", [_as_patterns(places)]).fetchall()
            shared |= {places[file] for (file,) in rows}
    return shared


def _group_batches(batches: Sequence[Path], alone: Container[Path]) -> Iterator[list[Path]]:
    """Yield the batches in their order, up to `_MERGED` together; each of `alone` by itself."""
    group: list[Path] = []
    for batch in batches:
        if group and (len(group) == _MERGED or batch in alone or group[-1] in alone):
            yield group
            group = []
        group.append(batch)
    if group:
        yield group


def _add_batches(con: duckdb.DuckDBPyConnection, batches: Sequence[Path]) -> dict[str, int]:
    counts = {}
    for table in _LOADED:
        files = _as_patterns(str(file) for batch in batches if (file := _file_of(batch, table)).exists())
        if files:
            query = f"insert into {table.name} by name from read_parquet(?)"
            [(counts[table.name],)] = con.execute(query, [files]).fetchall()
    return counts


def _as_patterns(files: Iterable[str]) -> list[str]:
    """Return what names these files to DuckDB, which takes every name for a pattern: folders may be called "news [1]"."""
    return [glob.escape(file) for file in files]


def _file_of(batch: Path, table: Table) -> Path:
    return batch / f"{table.name}.parquet"


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
    complete = {table.name: _complete_frame(table, frames.get(table.name), run_id, now) for table in _LOADED}
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
def load_batches(con: duckdb.DuckDBPyConnection, batches: Sequence[Path], run_id: str, now: datetime) -> dict[str, int]:
    """Load the kept batches of a run into the staged release; return the number of changed rows by table."""
    return load_kept_batches(con, batches, run_id, now)
