"""The entities of a staged release: linked anew or brought up to date, stored, and redirected from what they were."""

from dataclasses import dataclass
from typing import Protocol

import duckdb
import polars as pl

from tasks.identity.linking.corpus import link_corpus
from tasks.identity.linking.entities import name_entities
from tasks.identity.linking.increment import compare_links, find_changed_articles, update_links
from tasks.identity.links import LinkedEntities
from tasks.identity.redirects import find_namesakes, find_successors, store_redirects
from warehouse.ddl import merge_rows, read_matching
from warehouse.tables import DIM_ENTITIES, DOCUMENT_ENTITIES, ENTITY_LINK_NAMES, ENTITY_LINKS, ENTITY_NAMES, Table


class People(Protocol):
    """What people say of the entities of a release."""

    def correct(self, linked: LinkedEntities, document_entities: pl.DataFrame) -> LinkedEntities:
        """Obey them; what they have no bearing on may be missing from the frames."""
        ...

    def find_corrected(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return ENTITY_LINKS that are corrected now as the machine made them, and `entity_id` of corrected entities."""
        ...

    def find_borne(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return `entity_id` of those that they bear on, and of those of which they may move document entities."""
        ...


@dataclass(frozen=True)
class LinkedRelease:
    """How linking went: rows that changed, entities there are, and the articles whose facts need their ids anew.

    `articles` has `article_id`; None means all articles.
    """

    changed_count: int
    entity_count: int
    articles: pl.DataFrame | None


@dataclass(frozen=True)
class _Linked:
    """Rows that changed; `old_id` and `new_id` of the document entities that moved; the entities that are gone."""

    changed_count: int
    moved: pl.DataFrame
    gone: pl.DataFrame
    articles: pl.DataFrame | None


def link_release(
    con: duckdb.DuckDBPyConnection, run_id: str, people: People | None = None, *, anew: bool = False
) -> LinkedRelease:
    """Make `entity_links`, `dim_entities` and `id_redirects` what the document entities and people say.

    Where the release before was linked by the same tables, only what the changed articles have a bearing on is linked
    again, and corrected where corrections bear on it.

    Args:
        con: The staged release.
        run_id: The run that wrote the changed articles.
        people: What they say of the machine's links; None where they say nothing, and said nothing in the release before.
        anew: Link everything, because the rules are others than those of the release before.
    """
    [(known,)] = con.execute("select count(*) from entity_link_names").fetchall()
    done = _link_all(con, people) if anew or not known else _link_changed(con, run_id, people)
    changed_count = done.changed_count + _redirect(con, done)
    [(entity_count,)] = con.execute("select count(*) from dim_entities").fetchall()
    return LinkedRelease(changed_count, entity_count, done.articles)


def store_entities(con: duckdb.DuckDBPyConnection, linked: LinkedEntities) -> int:
    """Make `entity_links` and `dim_entities` equal to `linked`; return the number of changed rows.

    The names that an update starts from are stored with them, and not counted: they follow from the rest.
    """
    for table, frame in ((ENTITY_LINK_NAMES, linked.entity_link_names), (ENTITY_NAMES, linked.entity_names)):
        merge_rows(con, table, frame, delete_where="true")
    links = merge_rows(con, ENTITY_LINKS, linked.entity_links, delete_where="true")
    return links + merge_rows(con, DIM_ENTITIES, linked.dim_entities, delete_where="true")


def _link_all(con: duckdb.DuckDBPyConnection, people: People | None) -> _Linked:
    for table in (ENTITY_LINKS, DIM_ENTITIES):
        con.execute(f"create or replace temp table old_{table.name} as from {table.name}")
    for table in (ENTITY_LINKS, DIM_ENTITIES, ENTITY_LINK_NAMES, ENTITY_NAMES):
        con.execute(f"delete from {table.name}")
    link_corpus(con)
    if people is not None:
        _obey(con, people, *people.find_borne())
    changed_count = sum(_count_changes(con, table) for table in (ENTITY_LINKS, DIM_ENTITIES))
    moved = con.sql(
        """
        select document_entity_id, old.entity_id as old_id, new.entity_id as new_id
        from old_entity_links as old left join entity_links as new using (document_entity_id)
        where old_id is distinct from new_id
        """
    ).pl()
    gone = con.sql(f"select {_OF_ENTITY} from old_dim_entities anti join dim_entities using (entity_id)").pl()
    for table in (ENTITY_LINKS, DIM_ENTITIES):
        con.execute(f"drop table old_{table.name}")
    return _Linked(changed_count, moved, gone, None)


_OF_ENTITY = "entity_id, entity_type, entity_name"


def _count_changes(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Count the rows that are new, gone or other than in the copy of the table that was made before."""
    [key] = table.key
    [(count,)] = con.execute(
        f"select count(*) from old_{table.name} as old full join {table.name} as new using ({key}) where old is distinct from new"
    ).fetchall()
    return int(count)


def _link_changed(con: duckdb.DuckDBPyConnection, run_id: str, people: People | None) -> _Linked:
    articles = find_changed_articles(con, run_id)
    steps, renewed = [], [pl.DataFrame(schema={"entity_id": pl.String})]
    if people is not None:
        machine, corrected = people.find_corrected()
        steps.append(_write_links(con, machine))
        renewed.append(corrected)
    if not articles.is_empty():
        steps.append(update_links(con, articles))
    renewed += [step.select(entity_id=name) for step in steps for name in ("old_id", "new_id")]
    touched = pl.concat(renewed).drop_nulls().unique()
    before = read_matching(con, DIM_ENTITIES, touched)
    changed_count = _renew_entities(con, touched)
    if people is not None:
        borne, moving = people.find_borne()
        others = borne.join(touched, on="entity_id", how="anti")
        before = pl.concat([before, read_matching(con, DIM_ENTITIES, others)])
        steps.append(_obey(con, people, borne, moving))
    return _sum_up(con, articles, steps, before, changed_count if people is None else None)


def _obey(con: duckdb.DuckDBPyConnection, people: People, borne: pl.DataFrame, moving: pl.DataFrame) -> pl.DataFrame:
    """Let people correct what they bear on; return what `_write_links` does."""
    links = read_matching(con, ENTITY_LINKS, moving).sort("document_entity_id")
    entities = read_matching(con, DIM_ENTITIES, borne).sort("entity_id")
    document_entities = read_matching(con, DOCUMENT_ENTITIES, links.select("document_entity_id"))
    machine = LinkedEntities(links, entities)
    corrected = people.correct(machine, document_entities.sort("document_entity_id"))
    con.register("borne_entities", borne)
    is_borne = "old.entity_id in (select entity_id from borne_entities)"
    merge_rows(con, DIM_ENTITIES, corrected.dim_entities, delete_where=is_borne)
    con.unregister("borne_entities")
    return _write_links(con, corrected.entity_links.join(links, on=ENTITY_LINKS.column_names, how="anti"))


def _write_links(con: duckdb.DuckDBPyConnection, links: pl.DataFrame) -> pl.DataFrame:
    """Replace links that are there; return `document_entity_id` with old and new entity, rule and score of each."""
    before = read_matching(con, ENTITY_LINKS, links.select("document_entity_id"))
    now = links.join(before, on="document_entity_id", how="semi")
    merge_rows(con, ENTITY_LINKS, now)
    return compare_links(before, now)


def _sum_up(
    con: duckdb.DuckDBPyConnection,
    articles: pl.DataFrame,
    steps: list[pl.DataFrame],
    before: pl.DataFrame,
    renewed_count: int | None,
) -> _Linked:
    """Tell what all steps together changed: a link that one step changed and another restored is none of it."""
    every = pl.concat(steps) if steps else compare_links(ENTITY_LINKS.schema.to_frame(), ENTITY_LINKS.schema.to_frame())
    net = every.group_by("document_entity_id", maintain_order=True).agg(
        pl.col("^old_.*$").first(), pl.col("^new_.*$").last()
    )
    is_other = (pl.col(f"old_{name}").ne_missing(pl.col(f"new_{name}")) for name in ("id", "rule", "score"))
    changed = net.filter(pl.any_horizontal(*is_other))
    moved = changed.filter(pl.col("old_id").ne_missing(pl.col("new_id")))
    ids = pl.concat([before.select("entity_id"), changed.select(entity_id="new_id").drop_nulls()]).unique()
    now = read_matching(con, DIM_ENTITIES, ids)
    gone = before.join(now, on="entity_id", how="anti")
    if renewed_count is None:
        keys = DIM_ENTITIES.column_names
        renewed_count = gone.height + now.join(before, on=keys, how="anti", nulls_equal=True).height
    beside = read_matching(con, ENTITY_LINK_NAMES, moved.select("document_entity_id")).select("article_id")
    return _Linked(changed.height + renewed_count, moved, gone, pl.concat([articles, beside]).unique())


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


def _redirect(con: duckdb.DuckDBPyConnection, done: _Linked) -> int:
    lost = done.gone.join(done.moved.drop_nulls("new_id").select(entity_id="old_id"), on="entity_id", how="anti")
    successors = find_successors(done.moved.select("old_id", "new_id")).drop_nulls("new_id")
    if not lost.is_empty():
        namesakes = find_namesakes(lost, con.sql("select entity_id, entity_type, aliases from dim_entities").pl())
        successors = pl.concat([successors, namesakes])
    return store_redirects(con, successors, done.gone.select("entity_id"))
