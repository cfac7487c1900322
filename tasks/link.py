"""Document entities of a staged release -> the entities of the corpus, what people say obeyed, and their ids in all facts."""

from dataclasses import dataclass

import duckdb
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.identity.constraints import AuthorityRow
from tasks.identity.linking.release import link_release
from tasks.identity.people import PeopleSay
from tasks.load import columns_joined_at_publish
from tasks.reading.corrections import Correction
from warehouse.releases import StagedRelease
from warehouse.tables import tables_of


@dataclass(frozen=True)
class LinkedWarehouse:
    """How linking went.

    `changed_count` counts rows; `articles` has `article_id` of those whose facts or entity ids are other than before, None means
    all. `outcomes` conforms to CORRECTIONS: what became of every correction.
    """

    changed_count: int
    entity_count: int
    articles: pl.DataFrame | None
    outcomes: pl.DataFrame


def link_staged(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    corrections: tuple[Correction, ...] = (),
    authority: tuple[AuthorityRow, ...] = (),
    *,
    anew: bool = False,
) -> LinkedWarehouse:
    """Link the entities of the staged release, let people correct the links, and join all ids into the facts.

    Only what the run changed is linked and joined again, unless all is linked anew.

    Args:
        con: The staged release.
        run_id: The run that wrote the changed articles.
        corrections: What people say is wrong.
        authority: Whom people know, with names and ids of their own.
        anew: Link everything: other rules linked the release before.
    """
    people = PeopleSay(con, corrections, authority)
    linked = link_release(con, run_id, people if people.have_said else None, anew=anew)
    articles = linked.articles if linked.articles is None else pl.concat([linked.articles, people.articles]).unique()
    join_entity_ids(con, articles)
    join_corrected_speakers(con)
    return LinkedWarehouse(linked.changed_count + people.changed_count, linked.entity_count, articles, people.outcomes)


def join_corrected_speakers(con: duckdb.DuckDBPyConnection) -> None:
    """Let `speaker_entity_id` of quotes, statements and the speakers of statements follow `quote_speaker_corrections`.

    Who spoke together stays as printed: a correction names one speaker.
    """
    con.execute(
        """
        update fact_quotes set speaker_entity_id = new.speaker_entity_id
        from quote_speaker_corrections as new where fact_quotes.quote_id = new.quote_id
        """
    )
    alone = "statement_id not in (select statement_id from statement_speakers where speaker_no > 0)"
    for table, condition in (("fact_statements", "true"), ("statement_speakers", alone)):
        con.execute(
            f"""
            update {table} set speaker_entity_id = new.speaker_entity_id
            from (
                select distinct statement_id, speaker_entity_id from quote_speaker_corrections
                where is_whole_statement and {condition}
            ) as new
            where {table}.statement_id = new.statement_id
            """
        )


def join_entity_ids(con: duckdb.DuckDBPyConnection, articles: pl.DataFrame | None = None) -> None:
    """Fill `entity_id` of mentions, and those of speakers, places and relays, from `entity_links`.

    Args:
        con: The staged release.
        articles: `article_id` of those whose facts or links changed; all articles when None.
    """
    semi_join = "" if articles is None else "semi join joined_articles as j on f.article_id = j.article_id"
    if articles is not None:
        con.register("joined_articles", articles)
    for table in tables_of("article"):
        for column in columns_joined_at_publish(table):
            # by the number of the row: matched by keys, rows come in any order, and writing them costs 20 times as much
            con.execute(
                f"""
                update {table.name} set {column} = new.entity_id
                from (
                    select f.rowid as row_no, l.entity_id
                    from {table.name} as f
                    left join entity_links as l on f.{column.removesuffix("entity_id")}document_entity_id = l.document_entity_id
                    {semi_join}
                    where f.{column} is distinct from l.entity_id
                ) as new
                where {table.name}.rowid = new.row_no
                """
            )
    if articles is not None:
        con.unregister("joined_articles")


@task(cache_policy=NO_CACHE, persist_result=False)
def link_warehouse(
    staged: StagedRelease,
    run_id: str,
    corrections: tuple[Correction, ...] = (),
    authority: tuple[AuthorityRow, ...] = (),
    *,
    anew: bool = False,
) -> LinkedWarehouse:
    """Link a staged release with the facts of all batches loaded."""
    return link_staged(staged.con, run_id, corrections, authority, anew=anew)
