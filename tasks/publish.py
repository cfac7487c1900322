"""A staged release with all its facts -> the current release: outlets, marts, audit, ledger copy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.load import raise_last_seen
from tasks.outlets import Outlet, load_outlets
from tasks.rules import CORPUS_PARTS
from tasks.validate import audit_release, find_failures
from warehouse.connection import PUBLISH_MEMORY, connect_read_only
from warehouse.ddl import merge_rows
from warehouse.ledger import LedgerRows, finish_run_row, merge_ledger_rows
from warehouse.releases import (
    StagedRelease,
    find_current_release,
    make_release_id,
    publish_release,
    remove_expired,
)
from warehouse.tables import (
    DIM_OUTLETS,
    EXPECTATION_RESULTS,
    OUTLET_LINES,
    PIPELINE_RUNS,
    RELEASES,
    SCHEMA_VERSION,
    SOURCE_SIGHTINGS,
    tables_of,
)
from warehouse.views import create_marts


@dataclass(frozen=True)
class Publication:
    """What a run brings to publishing beside the facts. `versions` are the rules that made the parts of the release (CORPUS_PARTS).

    `lines_version` names the learned lines (OUTLET_LINES) that builds of the release leave out. `ledger` is the ledger as it is; `pending` holds the rows of this run that become true by publishing (the
    sightings of what was loaded), which the caller writes to the ledger after it; `run` has values for columns of
    `pipeline_runs` (counts). A process killed in between loses neither: `recover_runs` reads them in the release.
    `corrections_version` is the hash of what people say: corrections and authority file.
    """

    run_id: str
    rules_version: str
    versions: Mapping[str, str | None]
    onrecord_version: str
    published_at: datetime
    ledger: LedgerRows
    pending: LedgerRows = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    lines_version: str | None = None
    corrections_version: str | None = None


@dataclass(frozen=True)
class PublishedWarehouse:
    """How publishing went.

    `status` is `published`, `unchanged` (no data changed, nothing was published) or `stopped` (`failures` names the
    expectations of the audit that failed). `release_id` is null unless published. `results` conforms to
    EXPECTATION_RESULTS without run_id.
    """

    status: str
    release_id: str | None
    results: pl.DataFrame
    failures: tuple[str, ...]
    removed_release_ids: tuple[str, ...] = ()


def store_lines(con: duckdb.DuckDBPyConnection, learned: pl.DataFrame) -> int:
    """Add a version of `outlet_lines`; those of earlier releases stay. Return the number of changed rows."""
    return merge_rows(con, OUTLET_LINES, learned)


def read_lines(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return OUTLET_LINES of the version that the latest release names; none in a file that is older than the table."""
    if con.execute(f"select 1 from duckdb_tables() where table_name = '{OUTLET_LINES.name}'").fetchone() is None:
        return pl.DataFrame(schema=OUTLET_LINES.schema)
    return con.sql(
        "from outlet_lines where lines_version = (select lines_version from releases order by published_at desc limit 1)"
    ).pl()


def read_release_versions(warehouse: Path) -> dict[str, str | None]:
    """Return the rules that made the parts of the current release over the corpus (CORPUS_PARTS); nothing without a release.

    A part has null in a release of older tables, which did not keep them.
    """
    if find_current_release(warehouse) is None:
        return {}
    with connect_read_only(warehouse) as con:
        last = con.sql("from releases order by published_at desc limit 1").pl().to_dicts()
    return {part: last[0].get(f"{part}_version") for part in CORPUS_PARTS} if last else {}


def build_outlets(articles: pl.DataFrame, configured: Iterable[Outlet]) -> pl.DataFrame:
    """Build DIM_OUTLETS: the outlets that have an article, ordered by name.

    Domains are the configured ones and those of the articles' addresses, without `www.`.

    Args:
        articles: `outlet` and `url` of the current articles.
        configured: The outlets that a file describes.
    """
    seen = (
        articles.drop_nulls("outlet")
        .with_columns(domain=pl.col("url").map_elements(_find_domain, return_dtype=pl.String))
        .group_by("outlet")
        .agg(pl.col("domain").drop_nulls().unique(), article_count=pl.len())
    )
    known = pl.DataFrame(
        [(outlet.name, list(outlet.names), list(outlet.domains), True) for outlet in configured],
        schema={name: dtype for name, dtype in DIM_OUTLETS.schema.items() if name != "article_count"},
        orient="row",
    )
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return (
        seen.join(known, on="outlet", how="left")
        .with_columns(
            pl.col("names").fill_null(nothing),
            pl.concat_list(pl.col("domains").fill_null(nothing), "domain").list.unique().list.sort().alias("domains"),
            pl.col("is_configured").fill_null(False),
        )
        .select(DIM_OUTLETS.column_names)
        .cast(DIM_OUTLETS.schema)
        .sort("outlet")
    )


def store_outlets(con: duckdb.DuckDBPyConnection, configured: Iterable[Outlet]) -> int:
    """Make `dim_outlets` what the articles and the configured outlets say; return the number of changed rows."""
    articles = con.sql("select outlet, url from fact_articles").pl()
    return merge_rows(con, DIM_OUTLETS, build_outlets(articles, configured), delete_where="true")


def copy_ledger(
    con: duckdb.DuckDBPyConnection, publication: Publication, results: pl.DataFrame, release_id: str
) -> None:
    """Copy the ledger into the release, with what is pending, the audit, and this run as it will have ended.

    What was seen again raises `source_documents.last_seen_at` on the way.
    """
    tables = {table.name: table for table in tables_of("ledger")}
    runs = [PIPELINE_RUNS.schema.to_frame()]
    for name, rows in chain(publication.ledger, publication.pending):
        merge_ledger_rows(con, tables[name], rows)
        if name == SOURCE_SIGHTINGS.name:
            raise_last_seen(con, rows)
        elif name == PIPELINE_RUNS.name:
            runs.append(rows.cast(PIPELINE_RUNS.schema))
    run = pl.concat(runs).filter(pl.col("run_id") == publication.run_id)
    end = {"status": "published", "finished_at": publication.published_at, "release_id": release_id}
    merge_ledger_rows(con, PIPELINE_RUNS, finish_run_row(run, **{**publication.run, **end}))
    merge_ledger_rows(con, EXPECTATION_RESULTS, results.with_columns(run_id=pl.lit(publication.run_id)))


def record_release(staged: StagedRelease, publication: Publication, release_id: str) -> None:
    """Write the row of `releases` that tells what this release is."""
    con = staged.con
    [(article_count, quote_count)] = con.execute(
        "select (select count(*) from fact_articles), (select count(*) from fact_quotes)"
    ).fetchall()
    row = {
        "release_id": release_id,
        "parent_release_id": staged.parent_release_id,
        "published_at": publication.published_at,
        "schema_version": SCHEMA_VERSION,
        "onrecord_version": publication.onrecord_version,
        "rules_version": publication.rules_version,
        "lines_version": publication.lines_version,
        **{f"{part}_version": publication.versions.get(part) for part in CORPUS_PARTS},
        "article_count": article_count,
        "quote_count": quote_count,
        "corrections_version": publication.corrections_version,
        "run_id": publication.run_id,
    }
    merge_rows(con, RELEASES, pl.DataFrame([row], schema=RELEASES.schema))


def _find_domain(url: str) -> str | None:
    host = urlsplit(url).hostname
    return host.removeprefix("www.") if host else None


@task(cache_policy=NO_CACHE, persist_result=False)
def publish_warehouse(staged: StagedRelease, publication: Publication, changed_count: int) -> PublishedWarehouse:
    """Complete the staged release and make it the current one, unless the audit fails or no data changed.

    Args:
        staged: The staged release with the facts of all batches loaded, linked and related.
        publication: What the run brings beside the facts.
        changed_count: Rows that this changed.
    """
    con = staged.con
    con.execute("set memory_limit = ?", [PUBLISH_MEMORY])
    changed_count += store_outlets(con, load_outlets())
    create_marts(con)
    results = audit_release(con)
    failures = find_failures(results)
    if failures or not changed_count:
        return PublishedWarehouse("stopped" if failures else "unchanged", None, results, failures)
    release_id = make_release_id(publication.published_at, publication.run_id)
    copy_ledger(con, publication, results, release_id)
    record_release(staged, publication, release_id)
    publish_release(staged, release_id)
    removed = remove_expired(staged.warehouse, publication.published_at)
    return PublishedWarehouse("published", release_id, results, failures, tuple(removed))
