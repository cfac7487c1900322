"""Document entities of a staged release -> its links from nothing, a part of the rows or of the names in memory at a time.

The tables are those that `link_entities` gives for all document entities at once: every step asks for what has one name, one block
or one entity only, so parts that keep these together give the same. What is between the steps lies in temporary tables,
which the database writes to disk where its memory is short.
"""

from collections.abc import Iterator

import duckdb
import polars as pl

from tasks.identity.linking.clusters import CLUSTERED, cluster_joined, join_blocks, list_forms
from tasks.identity.linking.contexts import (
    MAX_CANDIDATES,
    MAX_KEYS,
    Contexts,
    add_context_keys,
    link_short_names,
    list_bearer_forms,
    list_own_forms,
    weigh_contexts,
)
from tasks.identity.linking.entities import name_entities
from tasks.identity.linking.increment import insert_rows
from tasks.identity.linking.names import NAMED_ROWS, NAMES, collect_names, read_names
from tasks.identity.links import build_links
from warehouse.tables import DIM_ENTITIES, DOCUMENT_ENTITIES, ENTITY_LINKS, ENTITY_NAMES

ROWS_AT_ONCE = 100_000
"""Rows, or names, that are in memory together; all rows of one name are."""

_TABLES = (
    "read_rows", "read_names", "name_forms", "name_blocks", "bearer_forms", "context_names", "context_keys",
    "context_articles", "context_entries", "printed_names", "entity_counts",
)  # fmt: skip


def link_corpus(con: duckdb.DuckDBPyConnection, at_once: int = ROWS_AT_ONCE) -> None:
    """Fill `entity_link_names`, `entity_names`, `entity_links` and `dim_entities`, which must be empty.

    Args:
        con: The staged release.
        at_once: How many rows are in memory together.
    """
    parts = 1 + _count(con, "document_entities") // at_once
    _read_rows(con, parts)
    _read_names(con, parts)
    _cluster_names(con, at_once)
    _number_contexts(con)
    for part in range(parts):
        _link_names(con, f"hash(name_key) % {parts} = {part}")
    _describe_entities(con, at_once)
    for table in _TABLES:
        con.execute(f"drop table {table}")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    [(count,)] = con.execute(f"select count(*) from {table}").fetchall()
    return int(count)


def _keep(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a temporary table, which is made of the first one."""
    con.register("kept_rows", frame)
    con.execute(f"create temp table if not exists {table} as from kept_rows limit 0")
    con.execute(f"insert into {table} from kept_rows")
    con.unregister("kept_rows")


def _ask(con: duckdb.DuckDBPyConnection, sql: str, **given: pl.DataFrame) -> pl.DataFrame:
    """Return what a query finds that names frames."""
    for name, frame in given.items():
        con.register(name, frame)
    found = con.execute(sql).pl()
    for name in given:
        con.unregister(name)
    return found


def _read_rows(con: duckdb.DuckDBPyConnection, parts: int) -> None:
    """Make `read_rows`: NAMED_ROWS."""
    for part in range(parts):
        rows = con.execute(f"from document_entities where hash(article_id) % {parts} = {part}").pl()
        _keep(con, "read_rows", read_names(rows.select(DOCUMENT_ENTITIES.column_names)))
    con.execute(
        "insert into entity_link_names select document_entity_id, article_id, entity_type, name_key from read_rows"
    )


def _read_names(con: duckdb.DuckDBPyConnection, parts: int) -> None:
    """Make `read_names` (NAMES) and what names are found by: their forms, their blocks, and themselves as context."""
    for part in range(parts):
        rows = con.execute(f"from read_rows where hash(name_key) % {parts} = {part}").pl()
        names = collect_names(rows.cast(NAMED_ROWS))
        full = names.filter("is_full")
        forms, blocks = list_forms(full)
        _keep(con, "read_names", names)
        _keep(con, "name_forms", forms)
        _keep(con, "name_blocks", blocks)
        _keep(con, "bearer_forms", list_bearer_forms(full))
        _keep(con, "context_names", weigh_contexts(rows.filter("is_full")))


def _cluster_names(con: duckdb.DuckDBPyConnection, at_once: int) -> None:
    """Fill `entity_names`: names that nothing joins stand for themselves."""
    pairs = [
        con.execute(_SAME_FORM).pl(),
        con.execute(_CLAIMED).pl(),
        con.execute(_TIED).pl(),
        *_join_persons(con, at_once),
    ]
    joined = cluster_joined(pl.concat([frame.select("entity_type", "one", "other") for frame in pairs]))
    _ask(
        con,
        """
        insert into entity_names by name
        select r.*, coalesce(j.canonical_key, case when r.is_full then r.name_key end) as canonical_key,
            coalesce(j.rule, case when r.is_full then if(r.entity_type = 'person', 'full_name', 'same_name') end) as rule
        from read_names as r left join joined as j on r.is_full and r.entity_type = j.entity_type and r.name_key = j.name_key
        """,
        joined=joined,
    )


_SAME_FORM = """
select entity_type, name_key as one, first_key as other
from (select *, min(name_key) over (partition by entity_type, kind, form) as first_key from name_forms)
where name_key <> first_key
"""
"""Organizations of the same words or letters, and places of the same sound."""
_CLAIMED = """
with claims as (
    select unnest(n.alias_keys) as alias, f.form, n.name_key
    from read_names as n inner join name_forms as f
        on f.entity_type = n.entity_type and f.name_key = n.name_key and f.kind = 'words'
    where n.is_full and n.entity_type = 'organization'
),
known as (select name_key from read_names where is_full and entity_type = 'organization'),
single as (select alias from claims semi join known on alias = known.name_key group by alias having count(distinct form) = 1)
select 'organization' as entity_type, alias as one, name_key as other from claims semi join single using (alias)
"""
"""The name of an organization that articles tie to one other name only."""
_TIED = """
with tied as (select name_key as one, unnest(alias_keys) as other from read_names where is_full and entity_type = 'person')
select 'person' as entity_type, one, other
from tied semi join (select name_key from read_names where is_full and entity_type = 'person') as known on other = known.name_key
"""
"""Two full names that one article gives one person."""


def _join_persons(con: duckdb.DuckDBPyConnection, at_once: int) -> Iterator[pl.DataFrame]:
    """Yield the pairs of full names that are one person's by what the names of a block say."""
    shared = "select block_key from name_blocks group by block_key having count(*) > 1"
    con.execute(f"create temp table shared_blocks as from name_blocks semi join ({shared}) using (block_key)")
    parts = 1 + _count(con, "shared_blocks") // at_once
    for part in range(parts):
        own = f"from shared_blocks where hash(block_key) % {parts} = {part}"
        names = con.execute(
            f"from read_names semi join ({own}) using (name_key) where is_full and entity_type = 'person' order by name_key"
        ).pl()
        blocks = con.execute(f"select distinct block_key {own}").pl()
        yield join_blocks(names.select(list(NAMES)).cast(NAMES), set(blocks.get_column("block_key")))
    con.execute("drop table shared_blocks")


def _number_contexts(con: duckdb.DuckDBPyConnection) -> None:
    """Make `context_articles`, `context_keys` and `context_entries`: what `read_contexts` returns for all rows."""
    for sql in (
        "create temp table context_articles as select article_id, (row_number() over ())::uinteger as article_no "
        "from (select distinct article_id from read_rows)",
        "create temp table context_keys as select context_key, (row_number() over (order by context_key))::uinteger as context_no "
        "from (select distinct context_key from context_names)",
        f"""
        create temp table context_entries as
        with numbered as (select entity_type, name_key, context_no, weight from context_names inner join context_keys using (context_key)),
        entries as (
            select distinct article_no, context_no, weight
            from read_rows inner join numbered using (entity_type, name_key) inner join context_articles using (article_id)
            where is_full
        )
        from entries qualify row_number() over (partition by article_no order by weight desc, context_no) <= {MAX_KEYS}
        """,
        f"""
        create temp table usable_forms as
        select b.entity_type, b.form from bearer_forms as b inner join entity_names as n using (entity_type, name_key)
        group by all having count(distinct n.canonical_key) <= {MAX_CANDIDATES}
        """,
        "create or replace temp table bearer_forms as from bearer_forms semi join usable_forms using (entity_type, form)",
        "drop table usable_forms",
    ):
        con.execute(sql)


def _link_names(con: duckdb.DuckDBPyConnection, is_own: str) -> None:
    """Write the links of the rows of some names."""
    rows = con.execute(f"from read_rows where {is_own}").pl().cast(NAMED_ROWS)
    clusters = con.execute(f"select {', '.join(CLUSTERED)} from entity_names where is_full and {is_own}").pl()
    opened = rows.filter(~pl.col("is_full") | (pl.col("entity_type") == "organization"))
    forms = list_own_forms(opened)
    # a form of too many is nobody's, whichever of its bearers are there for another form
    usable = _ask(
        con,
        "select distinct entity_type, form from own_forms semi join bearer_forms using (entity_type, form)",
        own_forms=forms,
    )
    members = _load_bearers(con, forms)
    contexts = _load_contexts(con, opened, members)
    named = (members.select(list(NAMES)).cast(NAMES), members.select(list(CLUSTERED)))
    short = link_short_names(opened, *named, contexts, usable)
    insert_rows(con, ENTITY_LINKS, build_links(rows, clusters.cast(CLUSTERED), short))


def _load_bearers(con: duckdb.DuckDBPyConnection, forms: pl.DataFrame) -> pl.DataFrame:
    """Return ENTITY_NAMES of the clusters that names of these forms can mean, and of the names themselves that can be short for another."""
    members = _ask(
        con,
        """
        with hit as (select o.entity_type, o.name_key as own_key, b.name_key from own_forms as o inner join bearer_forms as b using (entity_type, form)),
        found as (select entity_type, own_key as name_key from hit union select entity_type, name_key from hit),
        clusters as (select distinct entity_type, canonical_key from entity_names semi join found using (entity_type, name_key) where is_full)
        from entity_names semi join clusters using (entity_type, canonical_key) where is_full order by entity_type, name_key
        """,
        own_forms=forms,
    )
    return members.select(ENTITY_NAMES.column_names).cast(ENTITY_NAMES.schema)


def _load_contexts(con: duckdb.DuckDBPyConnection, opened: pl.DataFrame, members: pl.DataFrame) -> Contexts:
    """Return the contexts of the articles of these rows, and of the sample articles of these names."""
    sampled = members.select(article_id="article_ids").explode("article_id").drop_nulls()
    wanted = pl.concat([opened.select("article_id"), sampled]).unique()
    articles = _ask(con, "from context_articles semi join wanted using (article_id)", wanted=wanted)
    entries = _ask(
        con, "from context_entries semi join numbers using (article_no)", numbers=articles.select("article_no")
    )
    names = pl.concat([frame.select("entity_type", "name_key") for frame in (opened, members)]).unique()
    own = add_context_keys(names).select("context_key").unique()
    keys = _ask(con, "from context_keys semi join own using (context_key)", own=own)
    return Contexts(entries.sort("article_no", "weight", "context_no", descending=[False, True, False]), articles, keys)


def _describe_entities(con: duckdb.DuckDBPyConnection, at_once: int) -> None:
    """Fill `dim_entities`."""
    con.execute(
        """
        create temp table printed_names as
        select entity_id, entity_type, name, count(*) as article_count
        from (
            select l.entity_id, d.entity_type, unnest(d.names) as name
            from document_entities as d inner join entity_links as l using (document_entity_id)
        )
        group by all
        """
    )
    con.execute(
        """
        create temp table entity_counts as
        select entity_id, count(*)::uinteger as article_count, sum(mention_count)::uinteger as mention_count
        from (
            select l.entity_id, d.article_id, sum(d.mention_count) as mention_count
            from document_entities as d inner join entity_links as l using (document_entity_id) group by all
        )
        group by entity_id
        """
    )
    parts = 1 + _count(con, "printed_names") // at_once
    for part in range(parts):
        names, counts = (
            con.execute(f"from {table} where hash(entity_id) % {parts} = {part}").pl()
            for table in ("printed_names", "entity_counts")
        )
        insert_rows(con, DIM_ENTITIES, name_entities(names, counts))
