"""The links of a staged release brought up to date: only names that share a block with what changed are compared again.

The tables are those that `link_entities` gives for all document entities; what is read grows with the change.
"""

import duckdb
import polars as pl

from tasks.identity.linking.clusters import CLUSTERED, cluster_names
from tasks.identity.linking.contexts import drop_bare, link_short_names, read_contexts
from tasks.identity.linking.names import NAMED_ROWS, NAMES, collect_names, merge_names, read_names
from tasks.identity.links import build_links
from tasks.identity.organizations import is_bare_institution, is_open_institution
from warehouse.ddl import read_matching
from warehouse.tables import DOCUMENT_ENTITIES, ENTITY_LINK_NAMES, ENTITY_LINKS, ENTITY_NAMES, Table

_KEY = ["entity_type", "name_key"]
_OPEN = "(n.entity_type = 'organization' or not n.is_full)"


def find_changed_articles(con: duckdb.DuckDBPyConnection, run_id: str) -> pl.DataFrame:
    """Return `article_id` of the articles that this run wrote, and of those whose document entities are not linked."""
    return con.execute(
        """
        with printed as (
            select article_id, count(*) as row_count, bit_xor(hash(document_entity_id)) as ids from document_entities group by all
        ),
        linked as (
            select article_id, count(*) as row_count, bit_xor(hash(document_entity_id)) as ids from entity_link_names group by all
        )
        select article_id from fact_articles where run_id = ?
        union
        select article_id from printed full join linked using (article_id)
        where (printed.row_count, printed.ids) is distinct from (linked.row_count, linked.ids)
        """,
        [run_id],
    ).pl()


def update_links(con: duckdb.DuckDBPyConnection, changed_articles: pl.DataFrame) -> pl.DataFrame:
    """Bring `entity_links` and `entity_names` up to date with `document_entities`.

    Args:
        con: The staged release; `entity_links`, `entity_link_names` and `entity_names` are those of the release before it.
        changed_articles: `article_id` of articles that are new, other than before, or gone.

    Returns:
        What `compare_links` does, of every document entity that was linked anew or is gone.
    """
    old_sql = (
        "from entity_link_names semi join given using (article_id) inner join entity_links using (document_entity_id)"
    )
    old_links = _query(con, old_sql, changed_articles)
    entities = _query(con, "from document_entities semi join given using (article_id)", changed_articles)
    rows = read_names(entities.select(DOCUMENT_ENTITIES.column_names))
    _query(
        con, "delete from entity_links where document_entity_id in (select document_entity_id from given)", old_links
    )
    _query(con, "delete from entity_link_names where article_id in (select article_id from given)", changed_articles)
    changed = _renew_names(con, rows, old_links.select(_KEY).unique())
    other, blocks = _renew_clusters(con, changed)
    others = _load_rows(con, other, blocks, old_links, rows)
    every = pl.concat([rows, others])
    is_open = ~pl.col("is_full") | (pl.col("entity_type") == "organization")
    short = _link_open_rows(con, every.filter(is_open), rows)
    links = build_links(every, _load_clusters(con, every), short)
    insert_rows(con, ENTITY_LINK_NAMES, rows)
    return _store_links(con, links, old_links)


def _query(con: duckdb.DuckDBPyConnection, sql: str, given: pl.DataFrame) -> pl.DataFrame:
    con.register("given", given)
    try:
        return con.sql(sql).pl() if not sql.startswith("delete") else con.execute(sql).pl()
    finally:
        con.unregister("given")


def insert_rows(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> None:
    """Insert rows that are not there; unlike a merge, it does not look for them."""
    con.register("inserted_rows", rows.select(table.column_names).cast(table.schema))
    con.execute(f"insert into {table.name} from inserted_rows")
    con.unregister("inserted_rows")


def _replace(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> None:
    key = ", ".join(table.key)
    _query(con, f"delete from {table.name} where ({key}) in (select ({key}) from given)", rows.select(table.key))
    insert_rows(con, table, rows)


def _renew_names(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Bring `entity_names` up to date but for the clusters.

    Returns:
        The names that are new, gone, said other things of than before, or whose articles changed: `block_keys` of then
        and now, the `canonical_key` of then, and `is_regrouped`, whether what changed has a bearing on clusters.
    """
    keys = pl.concat([lost, rows.select(_KEY)]).unique()
    before = read_matching(con, ENTITY_NAMES, keys)
    kept = before.join(lost, on=_KEY, how="anti").select(list(NAMES)).cast(NAMES)
    # a name that lost an article is read anew from all the others that have it
    sql = """
        select d.* from document_entities as d inner join entity_link_names as l using (document_entity_id)
        semi join given on l.entity_type = given.entity_type and l.name_key = given.name_key
    """
    reread = read_names(_query(con, sql, lost).select(DOCUMENT_ENTITIES.column_names))
    now = merge_names(kept, collect_names(pl.concat([rows, reread])))
    both = before.join(now, on=_KEY, how="full", coalesce=True, suffix="_now")
    both = both.join(lost.with_columns(is_lost=True), on=_KEY, how="left").with_columns(
        pl.col("is_lost").fill_null(False)
    )
    said = [name for name in NAMES if name not in _KEY]
    is_other = {name: pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in said}
    is_person = (pl.col("entity_type") == "person") & (pl.col("is_full") | pl.col("is_full_now"))
    changed = both.filter(pl.any_horizontal(*is_other.values()) | pl.col("is_lost")).select(
        *_KEY, "canonical_key", "rule",
        block_keys=pl.concat_list(pl.col("block_keys", "block_keys_now").fill_null([])).list.unique(),
        is_gone=pl.col("is_full_now").is_null(),
        is_regrouped=is_other["is_full"] | is_other["alias_keys"] | is_other["block_keys"]
        | (is_person & (is_other["title_words"] | is_other["article_ids"] | pl.col("is_lost"))),
    )  # fmt: skip
    gone = "delete from entity_names where (entity_type, name_key) in (select (entity_type, name_key) from given)"
    _query(con, gone, changed.select(_KEY))
    fresh = changed.filter(~pl.col("is_gone")).select(*_KEY, "canonical_key", "rule").join(now, on=_KEY)
    insert_rows(con, ENTITY_NAMES, fresh)
    return changed


def _renew_clusters(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cluster again the names that changes have a bearing on, and store what comes out.

    Returns:
        The full names that are in another cluster, or by another rule, than before; and the blocks of all clusters of
        which anything changed: short names are linked to them.
    """
    regrouped = changed.filter("is_regrouped")
    moved = _load_moved(con, regrouped, _list_clusters(regrouped))
    loaded = _load_in_blocks(con, _list_blocks(moved))
    full = pl.concat([loaded, moved]).unique(_KEY, keep="any").filter("is_full").select(list(NAMES)).cast(NAMES)
    clusters = cluster_names(full).join(moved, on=_KEY, how="semi")
    was = moved.rename({"canonical_key": "old_key", "rule": "old_rule"})
    now = was.join(clusters, on=_KEY, how="left")
    is_other = pl.col("old_key").ne_missing(pl.col("canonical_key")) | pl.col("old_rule").ne_missing(pl.col("rule"))
    other = now.filter(is_other)
    _replace(con, ENTITY_NAMES, other)
    touched = pl.concat(
        [
            _list_clusters(changed),
            _list_clusters(other),
            _list_clusters(other.select("entity_type", canonical_key="old_key")),
            _list_clusters(read_matching(con, ENTITY_NAMES, changed.select(_KEY))),
        ]
    ).unique()
    members = read_matching(con, ENTITY_NAMES, touched)
    blocks = pl.concat([_list_blocks(frame) for frame in (changed, other, members)]).unique()
    return other.filter("is_full"), blocks


def _list_clusters(names: pl.DataFrame) -> pl.DataFrame:
    return names.select("entity_type", "canonical_key").drop_nulls().unique()


def _list_blocks(names: pl.DataFrame) -> pl.DataFrame:
    return names.select(block_key="block_keys").explode("block_key").drop_nulls().unique()


def _load_in_blocks(con: duckdb.DuckDBPyConnection, blocks: pl.DataFrame) -> pl.DataFrame:
    sql = """
        from entity_names semi join (
            select distinct entity_type, name_key
            from (select entity_type, name_key, unnest(block_keys) as block_key from entity_names)
            semi join given using (block_key)
        ) using (entity_type, name_key)
    """
    return _query(con, sql, blocks).select(ENTITY_NAMES.column_names).cast(ENTITY_NAMES.schema)


def _load_moved(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """Return the names whose cluster may be another now: those in a block with a change, and those of their clusters."""
    near = _load_in_blocks(con, _list_blocks(changed))
    beside = read_matching(con, ENTITY_NAMES, pl.concat([_list_clusters(near), touched]).unique())
    return pl.concat([near, beside]).unique(_KEY, keep="any")


def _load_rows(
    con: duckdb.DuckDBPyConnection,
    other: pl.DataFrame,
    blocks: pl.DataFrame,
    old_links: pl.DataFrame,
    rows: pl.DataFrame,
) -> pl.DataFrame:
    """Return NAMED_ROWS of the articles that did not change, whose link may be another now.

    These are the rows of names that moved, and of short names and organizations in a block of a cluster that changed.
    Short names of the same form may be linked to one another, so all rows of one are read.
    """
    sql = f"""
        select distinct n.entity_type, n.name_key
        from (select *, unnest(block_keys) as block_key from entity_names) as n semi join given using (block_key)
        where {_OPEN} and (n.entity_type <> 'organization' or n.block_key = 'organization:' || n.name_key)
    """
    opened = _query(con, sql, blocks).cast(dict.fromkeys(_KEY, pl.String))
    people = old_links.select(_KEY).filter(pl.col("entity_type") == "person")
    institutions = [
        key
        for kind, key in old_links.select(_KEY).iter_rows()
        if kind == "organization" and is_open_institution(key) and not is_bare_institution(key)
    ]
    gone = pl.DataFrame({"entity_type": "organization", "name_key": institutions}, schema=people.schema)
    short = drop_bare(rows.filter(~pl.col("is_full"))).select(_KEY)
    wanted = pl.concat([other.select(_KEY), opened, people, gone, short]).unique()
    sql = """
        select d.* from document_entities as d inner join entity_link_names as l using (document_entity_id)
        semi join given on l.entity_type = given.entity_type and l.name_key = given.name_key
    """
    return read_names(_query(con, sql, wanted).select(DOCUMENT_ENTITIES.column_names))


def _load_clusters(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    sql = """
        select entity_type, name_key, canonical_key, rule from entity_names
        semi join given using (entity_type, name_key) where is_full
    """
    return _query(con, sql, rows.select(_KEY).unique()).cast(CLUSTERED)


def _link_open_rows(con: duckdb.DuckDBPyConnection, open_rows: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Link short names and organizations, reading the names that can be meant and the articles around both."""
    keys = open_rows.select(_KEY).unique()
    own = _query(con, "select block_keys from entity_names semi join given using (entity_type, name_key) where entity_type = 'person'", keys)  # fmt: skip
    exact = keys.filter(pl.col("entity_type") == "organization").select(
        block_key=pl.lit("organization:") + pl.col("name_key")
    )
    near = _load_in_blocks(con, pl.concat([_list_blocks(own), exact]).unique()).filter("is_full")
    sql = "from entity_names semi join given using (entity_type, canonical_key)"
    members = _query(con, sql, near.select("entity_type", "canonical_key").unique())
    articles = pl.concat(
        [members.select(article_id="article_ids").explode("article_id").drop_nulls(), open_rows.select("article_id")]
    ).unique()
    sql = """
        select l.document_entity_id, l.article_id, l.entity_type, l.name_key, n.is_full
        from entity_link_names as l semi join given using (article_id)
        inner join entity_names as n using (entity_type, name_key)
    """
    stored = _query(con, sql, articles)
    fresh = rows.select(stored.columns).join(articles, on="article_id", how="semi")
    contexts = read_contexts(pl.concat([stored.cast(fresh.schema), fresh]))
    return link_short_names(
        open_rows.cast(NAMED_ROWS), members.select(list(NAMES)).cast(NAMES), members.select(list(CLUSTERED)), contexts
    )


def _store_links(con: duckdb.DuckDBPyConnection, links: pl.DataFrame, old_links: pl.DataFrame) -> pl.DataFrame:
    ids = links.select("document_entity_id").join(old_links, on="document_entity_id", how="anti")
    before = pl.concat([old_links.select(ENTITY_LINKS.column_names), read_matching(con, ENTITY_LINKS, ids)])
    changed = links.join(before, on=ENTITY_LINKS.column_names, how="anti")
    _replace(
        con, ENTITY_LINKS, pl.concat([changed, links.join(old_links, on="document_entity_id", how="semi")]).unique()
    )
    return compare_links(before, links)


def compare_links(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Compare two states of the same document entities.

    Returns:
        `document_entity_id`, `old_id`, `old_rule`, `old_score`, `new_id`, `new_rule` and `new_score`: entity, rule and
        score of then and now, null where there was none, ordered by document entity.
    """
    old, new = (
        frame.select("document_entity_id", pl.col("entity_id").alias(f"{state}_id"), pl.col("rule").alias(f"{state}_rule"), pl.col("score").alias(f"{state}_score"))
        for frame, state in ((before, "old"), (now, "new"))
    )  # fmt: skip
    return old.join(new, on="document_entity_id", how="full", coalesce=True).sort("document_entity_id")
