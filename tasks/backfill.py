"""A release and a choice of its articles -> the raw documents that they were made of, to be read again by the rules of now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from tasks.errors import UsageError
from tasks.ingest import RAW_SIGHTINGS_SCHEMA, REJECTED_SCHEMA
from tasks.reading.raw_store import RawStore


@dataclass(frozen=True)
class Choice:
    """Which articles to read again: published from `since` to `until` (inclusive), of one outlet, with these ids.

    Ids are those of articles or documents. What is not given chooses nothing away; an article without a date is in no range.
    """

    since: date | None = None
    until: date | None = None
    outlet: str | None = None
    ids: Sequence[str] = ()


_SIGHTINGS = """
-- grain: one current article, in the place whose metadata it carries, else in the first one
with told as (
    select
        article_id,
        any_value(evidence) filter (where evidence <> 'domain_of_url') as metadata_uri,
        any_value(value) filter (where attribute = 'title') as metadata_title,
        any_value(value) filter (where attribute = 'authors') as metadata_authors,
        any_value(value) filter (where attribute = 'outlet' and evidence <> 'domain_of_url') as metadata_outlet,
        any_value(value) filter (where attribute = 'url') as metadata_url,
        any_value(value) filter (where attribute = 'published_on') as metadata_published_on
    from article_attributes
    where origin = 'metadata' and article_id in (select article_id from chosen_articles)
    group by article_id
),

places as (
    select
        s.document_id, s.article_id, s.source_uri, s.reader, s.raw_sha256, s.size_bytes, s.metadata_sha256,
        s.metadata_uri, s.media_type, s.http_headers, t.metadata_title, t.metadata_outlet, t.metadata_url,
        string_split(t.metadata_authors, ';') as metadata_authors,
        cast(t.metadata_published_on as date) as metadata_published_on,
        row_number() over (
            partition by s.article_id
            order by s.metadata_uri is not distinct from t.metadata_uri desc, s.first_seen_at, s.source_uri
        ) as place_no
    from source_documents as s
    inner join chosen_articles using (article_id)
    left join told as t using (article_id)
)

from places where place_no = 1 order by article_id
"""


def find_documents(con: duckdb.DuckDBPyConnection, choice: Choice, *, rows: int = 50_000) -> Iterator[pl.DataFrame]:
    """Yield RAW_SIGHTINGS_SCHEMA of the chosen articles of a release, ordered by article, in frames of at most so many rows.

    Raises:
        UsageError: If an id is of no article of the release.
    """
    con.register("given_ids", pl.DataFrame({"id": list(dict.fromkeys(choice.ids))}, schema={"id": pl.String}))
    unknown = con.execute(
        """
        select id from given_ids
        where id not in (select article_id from fact_articles) and id not in (select document_id from fact_articles)
        """
    ).fetchall()
    if unknown:
        raise UsageError(f"no article or document of the release: {', '.join(sorted(str(id) for (id,) in unknown))}")
    conditions = ["true"]
    if choice.since is not None:
        conditions.append(f"published_on >= date '{choice.since}'")
    if choice.until is not None:
        conditions.append(f"published_on <= date '{choice.until}'")
    if choice.outlet is not None:
        conditions.append("lower(outlet) = lower($outlet)")
    if choice.ids:
        conditions.append("(article_id in (select id from given_ids) or document_id in (select id from given_ids))")
    parameters = {"outlet": choice.outlet} if choice.outlet is not None else {}
    con.execute(
        f"create or replace temp table chosen_articles as select article_id from fact_articles where {' and '.join(conditions)}",
        parameters,
    )
    for part in con.sql(_SIGHTINGS).to_arrow_reader(rows):
        yield pl.DataFrame(pl.from_arrow(part)).select(list(RAW_SIGHTINGS_SCHEMA)).cast(pl.Schema(RAW_SIGHTINGS_SCHEMA))


def reject_missing(sightings: pl.DataFrame, store: RawStore) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the sightings into those whose bytes are kept, and REJECTED_SCHEMA of the others, which stay as they are."""
    is_kept = pl.Series([store.locate(sha).is_file() for sha in sightings["raw_sha256"]], dtype=pl.Boolean)
    missing = sightings.filter(~is_kept).select(
        "source_uri", "raw_sha256", "metadata_sha256", stage=pl.lit("ingest"), reject_reason=pl.lit("unreadable"),
        detail=pl.lit("its raw bytes are not kept any more: build it from its source"),
    )  # fmt: skip
    return sightings.filter(is_kept), missing.select(list(REJECTED_SCHEMA)).cast(pl.Schema(REJECTED_SCHEMA))
