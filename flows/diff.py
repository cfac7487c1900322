"""What became of the quotes between two releases, as `onrecord diff` prints it: gained, lost and changed, and why."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from warehouse.connection import connect_read_only, open_database
from warehouse.ddl import quote_text
from warehouse.releases import find_release, list_releases

CHANGES = ("gained", "lost", "reattributed", "reworded", "retyped")
"""reattributed: the same words are somebody else's now, or nobody's. reworded: the stretch is longer or shorter. retyped: another quote_type."""
_MOST_LOOSE_QUOTES = 500  # of one document: each of them is compared with each for words that grew or shrank

_QUOTES_SQL = """
    select
        a.document_id, a.article_id, a.source_uri, coalesce(a.outlet, '') as outlet, q.quote_id, q.quote_type, q.quote_text,
        q.quote_text_normalized as words, q.start_char, q.speaker_text, q.speaker_entity_id, e.entity_name as speaker,
        row_number() over (partition by a.document_id, q.quote_text_normalized order by q.start_char, q.quote_type) as place
    from {release}.fact_quotes as q
    inner join {release}.fact_articles as a using (article_id)
    left join {release}.dim_entities as e on q.speaker_entity_id = e.entity_id
"""
_PAIRS_SQL = """
    create temp table pairs as
    with matched as (
        select o.quote_id as old_id, n.quote_id as new_id
        from old_quotes as o full join new_quotes as n using (document_id, words, place)
    ),
    loose_old as (select * from old_quotes semi join (from matched where new_id is null) as m on quote_id = m.old_id),
    loose_new as (select * from new_quotes semi join (from matched where old_id is null) as m on quote_id = m.new_id),
    crowded as (
        select document_id from (from loose_old union all from loose_new) group by document_id having count(*) > $most
    ),
    near as (
        select o.quote_id as old_id, n.quote_id as new_id, least(length(o.words), length(n.words)) as shared, o.start_char, n.start_char as start
        from loose_old as o inner join loose_new as n using (document_id)
        where document_id not in (from crowded) and (contains(o.words, n.words) or contains(n.words, o.words))
    ),
    nearest as (
        select old_id, new_id, shared, start_char, start from near
        qualify row_number() over (partition by old_id order by shared desc, abs(start_char::bigint - start), new_id) = 1
    ),
    grown as (
        select old_id, new_id from nearest
        qualify row_number() over (partition by new_id order by shared desc, abs(start_char::bigint - start), old_id) = 1
    )
    select old_id, new_id, false as is_grown from matched
    where coalesce(old_id, '') not in (select old_id from grown) and coalesce(new_id, '') not in (select new_id from grown)
    union all select old_id, new_id, true from grown
"""
_CHANGES_SQL = """
    with compared as (
        select
            p.is_grown, o.quote_id as old_quote_id, n.quote_id as new_quote_id,
            coalesce(n.document_id, o.document_id) as document_id, coalesce(n.source_uri, o.source_uri) as source_uri,
            nullif(coalesce(n.outlet, o.outlet), '') as outlet,
            o.quote_type as old_type, n.quote_type as new_type, o.quote_text as old_text, n.quote_text as new_text,
            coalesce(o.speaker, o.speaker_text) as old_speaker, coalesce(n.speaker, n.speaker_text) as new_speaker,
            coalesce(r.new_id, o.speaker_entity_id, o.speaker_text) as old_who,
            coalesce(n.speaker_entity_id, n.speaker_text) as new_who,
            case
                when was.document_id is null then 'article added'
                when now.document_id is null then 'article removed'
                when was.article_id <> now.article_id then 'article changed'
                else 'rules or corrections'
            end as cause
        from pairs as p
        left join old_quotes as o on p.old_id = o.quote_id
        left join new_quotes as n on p.new_id = n.quote_id
        left join redirects as r on o.speaker_entity_id = r.old_id
        left join old_release.fact_articles as was on was.document_id = coalesce(o.document_id, n.document_id)
        left join new_release.fact_articles as now on now.document_id = coalesce(o.document_id, n.document_id)
    ),
    judged as (
        select *, case
            when old_quote_id is null then 'gained'
            when new_quote_id is null then 'lost'
            when old_who is distinct from new_who then 'reattributed'
            when is_grown then 'reworded'
            when old_type <> new_type then 'retyped'
        end as change
        from compared
    )
    select
        change, cause, outlet, old_speaker, new_speaker, old_type, new_type, old_text, new_text, source_uri, document_id,
        old_quote_id, new_quote_id
    from judged where change is not null
    order by source_uri, document_id, coalesce(new_text, old_text), change
"""


@dataclass(frozen=True)
class ReleaseDiff:
    """The quotes of two releases compared.

    `changes` has a row a quote that is other than before: change (CHANGES), cause (article added, removed or changed, else rules or
    corrections), outlet, speakers, types and words of then and now (null where there is none), source and ids.
    """

    old_release_id: str
    new_release_id: str
    old_count: int
    new_count: int
    changes: pl.DataFrame

    def count_by(self, *columns: str) -> pl.DataFrame:
        """Return the number of quotes of each change, a row for each value of `columns` and the most changed first."""
        named = self.changes.with_columns(speaker=pl.coalesce("new_speaker", "old_speaker"))
        counts = [(pl.col("change") == change).sum().alias(change) for change in CHANGES]
        grouped = named.group_by(*columns).agg(*counts) if columns else named.select(*counts)
        return grouped.sort(
            pl.sum_horizontal(CHANGES), *columns, descending=[True, *[False] * len(columns)], nulls_last=True
        )


def diff_releases(warehouse: Path, old_release: str, new_release: str | None = None) -> ReleaseDiff:
    """Compare the quotes of two releases of a warehouse.

    A quote is the same where the same words stand for the same time in the same document, wherever they moved; what is left is
    paired where the one contains the other. An entity that was merged or renamed is followed through `id_redirects`.

    Args:
        warehouse: The warehouse file.
        old_release: The id of a release that is kept, or its first characters.
        new_release: The other; the current release when None.

    Raises:
        WarehouseError: If a release is not kept, its name is not of one release only, or it is not ours.
    """
    old = find_release(warehouse, old_release)
    new = (
        find_release(warehouse, new_release)
        if new_release
        else next(r for r in list_releases(warehouse) if r.is_current)
    )
    connect_read_only(old.path).close()  # says what is wrong with a file that is not ours
    connect_read_only(new.path).close()
    with open_database(":memory:", read_only=False) as con:
        for name, release in (("old", old), ("new", new)):
            con.execute(f"attach {quote_text(str(release.path))} as {name}_release (read_only)")
            con.execute(f"create temp table {name}_quotes as {_QUOTES_SQL.format(release=f'{name}_release')}")
        has_redirects = con.execute(
            "select 1 from duckdb_tables() where database_name = 'new_release' and table_name = 'id_redirects'"
        ).fetchone()
        redirects = "select old_id, new_id from new_release.id_redirects where kind = 'entity'"
        con.execute(
            f"create temp table redirects as {redirects if has_redirects else 'select null as old_id, null as new_id limit 0'}"
        )
        con.execute(_PAIRS_SQL, {"most": _MOST_LOOSE_QUOTES})
        [counts] = con.execute("select (select count(*) from old_quotes), (select count(*) from new_quotes)").fetchall()
        return ReleaseDiff(old.release_id, new.release_id, counts[0], counts[1], con.sql(_CHANGES_SQL).pl())
