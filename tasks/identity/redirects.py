"""Ids that were released and are no more -> the ids that stand for them now."""

import duckdb
import polars as pl

from warehouse.ddl import merge_rows
from warehouse.tables import ID_REDIRECTS


def find_successors(moved_rows: pl.DataFrame) -> pl.DataFrame:
    """Return where the document entities of each entity went.

    Args:
        moved_rows: `old_id` and `new_id`, entities, of the document entities whose link changed; either may be null.

    Returns:
        `old_id` and `new_id`: the entity that most of them went to, of several the smallest id; null when all are gone.
    """
    counted = moved_rows.drop_nulls("old_id").group_by("old_id", "new_id").agg(row_count=pl.len())
    return (
        counted.sort(pl.col("new_id").is_null(), pl.col("row_count"), "new_id", descending=[False, True, False])
        .unique("old_id", keep="first", maintain_order=True)
        .select("old_id", "new_id")
        .sort("old_id")
    )


def find_namesakes(gone: pl.DataFrame, entities: pl.DataFrame) -> pl.DataFrame:
    """Return the entities that bear the names of those that have no document entity left.

    A rule that moves the first mention gives a document entity another id, so names are what lasts.

    Args:
        gone: DIM_ENTITIES that are no more.
        entities: DIM_ENTITIES as they are now.

    Returns:
        `old_id` and `new_id`: the only entity of the same type that has the old one's name; no row where there is none
        or more than one.
    """
    names = entities.select("entity_type", new_id="entity_id", entity_name="aliases").explode("entity_name").unique()
    found = gone.select("entity_type", "entity_name", old_id="entity_id").join(names, on=["entity_type", "entity_name"])
    return found.filter(pl.len().over("old_id") == 1).select("old_id", "new_id").sort("old_id")


def store_redirects(con: duckdb.DuckDBPyConnection, successors: pl.DataFrame, gone: pl.DataFrame) -> int:
    """Bring `id_redirects` up to date; return the number of changed rows.

    Every id that any release had is an id of `dim_entities` or has a row here; a row leads to an id that is there now,
    never to another redirect. An id that is there again has no row. Replaced articles lead to the current state of their
    document.

    Args:
        con: The staged release, with `dim_entities` as it is now.
        successors: `old_id` and `new_id` of entities, as `find_successors` returns it.
        gone: `entity_id` of the entities that the release before had and this one has not.
    """
    fresh = gone.select(old_id="entity_id").join(successors, on="old_id", how="left")
    fresh = fresh.select(pl.lit("entity").alias("kind"), "old_id", "new_id")
    articles = con.sql(
        "select 'article' as kind, article_id as old_id, max_by(replaced_by_article_id, replaced_at) as new_id "
        "from article_versions group by article_id"
    ).pl()
    stored = con.sql("from id_redirects").pl().cast(ID_REDIRECTS.schema)
    every = pl.concat([frame.cast(ID_REDIRECTS.schema) for frame in (fresh, articles, stored)])
    every = every.unique(["kind", "old_id"], keep="first", maintain_order=True)
    live = _read_live(con)
    dead = every.join(live, left_on=["kind", "old_id"], right_on=["kind", "id"], how="anti")
    return merge_rows(con, ID_REDIRECTS, _collapse(dead, live), delete_where="true")


def redirect_kind(con: duckdb.DuckDBPyConnection, kind: str, successors: pl.DataFrame) -> int:
    """Bring the redirects of one kind up to date; return the number of changed rows.

    Args:
        con: The staged release, with the rows of that kind as they are now.
        kind: `story` or `utterance`.
        successors: `old_id` and `new_id` of those that may be gone, as `find_successors` returns it.
    """
    fresh = successors.select(pl.lit(kind).alias("kind"), "old_id", "new_id")
    stored = con.execute("from id_redirects where kind = ?", [kind]).pl()
    every = pl.concat([frame.cast(ID_REDIRECTS.schema) for frame in (fresh, stored)])
    every = every.unique(["kind", "old_id"], keep="first", maintain_order=True)
    live = _read_live(con).filter(pl.col("kind") == kind)
    dead = every.join(live, left_on=["kind", "old_id"], right_on=["kind", "id"], how="anti")
    return merge_rows(con, ID_REDIRECTS, _collapse(dead, live), delete_where=f"old.kind = '{kind}'")


def _read_live(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return con.sql(
        """
        select 'entity' as kind, entity_id as id from dim_entities
        union all select 'article', article_id from fact_articles
        union all select 'story', story_id from dim_stories
        union all select 'utterance', utterance_id from dim_utterances
        """
    ).pl()


def _collapse(redirects: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    """Let every redirect lead to an id that is there; one that leads nowhere has null."""
    following = {(kind, old): new for kind, old, new in redirects.iter_rows()}
    known = set(live.iter_rows())
    rows = []
    for kind, old in following:
        new, seen = following[kind, old], {old}
        while new is not None and (kind, new) not in known and new not in seen:
            seen.add(new)
            new = following.get((kind, new))
        rows.append((kind, old, new if new is not None and (kind, new) in known else None))
    return pl.DataFrame(rows, schema=ID_REDIRECTS.schema, orient="row").sort("kind", "old_id")
