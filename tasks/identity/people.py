"""What people say of the entities of a staged release, obeyed where it bears on anything, and stored beside the machine's."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import polars as pl

from tasks.identity.authority import (
    add_external_ids,
    find_candidates,
    find_joined,
    follow_corrections,
    match_authority,
)
from tasks.identity.constraints import AuthorityRow
from tasks.identity.correct import CorrectedEntities, correct_entities, count_relabels, list_addressed_rows
from tasks.identity.links import LinkedEntities
from tasks.identity.passages import Addressed, read_addressed
from tasks.reading.corrections import Correction, select_relabels
from tasks.text.relabels import count_relabelled, count_waiting, find_outdated
from warehouse.ddl import merge_rows, read_matching
from warehouse.tables import (
    CORRECTIONS,
    DIM_ENTITIES,
    ENTITY_AUTHORITIES,
    ENTITY_CORRECTIONS,
    ENTITY_LINK_CORRECTIONS,
    ENTITY_LINKS,
    QUOTE_SPEAKER_CORRECTIONS,
)


def correct_release(
    con: duckdb.DuckDBPyConnection,
    linked: LinkedEntities,
    document_entities: pl.DataFrame,
    corrections: tuple[Correction, ...],
    authority: tuple[AuthorityRow, ...],
    addressed: Addressed | None = None,
) -> tuple[CorrectedEntities, pl.DataFrame]:
    """Let the machine's links meet the authority file, then the corrections; writes nothing.

    Args:
        con: The release.
        linked: The machine's links and entities; what neither has a bearing on may be missing.
        document_entities: DOCUMENT_ENTITIES of the links.
        corrections: In the order of files and lines.
        authority: The rows of the authority file.
        addressed: The articles that the corrections speak of, where they have been read.

    Returns:
        The corrected entities with their external ids, and ENTITY_AUTHORITIES.
    """
    matched = match_authority(linked, document_entities, authority)
    addressed = addressed or read_addressed(con, corrections)
    corrected = correct_entities(matched.linked, document_entities, addressed, corrections, linked.entity_links)
    entities = corrected.linked.dim_entities
    authorities = follow_corrections(matched.authorities, corrected.link_corrections, entities)
    relabels = select_relabels(corrections)
    waiting = count_waiting(find_outdated(con, relabels), relabels)
    return (
        replace(
            corrected,
            linked=replace(corrected.linked, dim_entities=add_external_ids(entities, authorities)),
            outcomes=count_relabels(corrected.outcomes, count_relabelled(con), waiting),
        ),
        authorities,
    )


def store_corrections(con: duckdb.DuckDBPyConnection, corrected: CorrectedEntities, authorities: pl.DataFrame) -> int:
    """Make the tables of corrections and external ids equal to these; return the number of changed rows."""
    frames = (
        (ENTITY_AUTHORITIES, authorities),
        (CORRECTIONS, corrected.outcomes),
        (ENTITY_LINK_CORRECTIONS, corrected.link_corrections),
        (ENTITY_CORRECTIONS, corrected.entity_corrections),
        (QUOTE_SPEAKER_CORRECTIONS, corrected.speaker_corrections),
    )
    return sum(merge_rows(con, table, frame, delete_where="true") for table, frame in frames)


class PeopleSay:
    """What people say of the entities of a staged release: obeyed while it is linked, and stored beside.

    `changed_count` and `outcomes` (CORRECTIONS) tell how obeying went. `articles` has the `article_id` of the quotes
    whose speaker they set now or did before.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        corrections: tuple[Correction, ...],
        authority: tuple[AuthorityRow, ...],
    ) -> None:
        """Read whether they say anything, or said it in the release before and no longer do."""
        self._con, self._corrections, self._authority = con, corrections, authority
        stored = [f"exists (from {table.name})" for table in (CORRECTIONS, ENTITY_LINK_CORRECTIONS, ENTITY_AUTHORITIES)]
        [(has_said,)] = con.execute(f"select {' or '.join(stored)}").fetchall()
        self.have_said = bool(has_said or corrections or authority)
        self.changed_count = 0
        self.outcomes = CORRECTIONS.schema.to_frame()
        self.articles = self._list_articles()
        self._addressed: Addressed | None = None

    def find_corrected(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return ENTITY_LINKS that are corrected now as the machine made them, and `entity_id` of corrected entities."""
        machine = self._con.sql(
            """
            select document_entity_id, machine_entity_id as entity_id, machine_rule as rule, machine_score as score
            from entity_link_corrections semi join entity_links using (document_entity_id)
            """
        ).pl()
        corrected = self._con.sql("select entity_id from entity_corrections").pl()
        return machine.cast(ENTITY_LINKS.schema), corrected.cast({"entity_id": pl.String})

    def find_borne(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return `entity_id` of those that they bear on, and of those of which they may move document entities.

        The machine's links and entities are in the release. Among those that they bear on are all that had an external
        id, and all that share a word with a name in the authority file.
        """
        con = self._con
        self._addressed = read_addressed(con, self._corrections)
        spoken = list_addressed_rows(self._corrections, self._addressed)
        addressed = read_matching(con, ENTITY_LINKS, _to_frame("document_entity_id", spoken)).select("entity_id")
        candidates = find_candidates(con, self._authority)
        known = read_matching(con, DIM_ENTITIES, candidates)
        moving = pl.concat([addressed, _to_frame("entity_id", find_joined(known, self._authority))]).unique()
        had_ids = con.sql(
            "select distinct entity_id from entity_authorities semi join dim_entities using (entity_id)"
        ).pl()
        return pl.concat([moving, candidates, had_ids.cast({"entity_id": pl.String})]).unique(), moving

    def correct(self, linked: LinkedEntities, document_entities: pl.DataFrame) -> LinkedEntities:
        """Obey them, store what became of each and what the machine says beside, and return the corrected links."""
        corrected, authorities = correct_release(
            self._con, linked, document_entities, self._corrections, self._authority, self._addressed
        )
        self.changed_count = store_corrections(self._con, corrected, authorities)
        self.outcomes = corrected.outcomes
        self.articles = pl.concat([self.articles, self._list_articles()]).unique()
        # the names that an update of the links starts from are the machine's
        links, entities = corrected.linked.entity_links, corrected.linked.dim_entities
        return replace(linked, entity_links=links, dim_entities=entities)

    def _list_articles(self) -> pl.DataFrame:
        sql = "select distinct article_id from fact_quotes semi join quote_speaker_corrections using (quote_id)"
        return self._con.sql(sql).pl().cast({"article_id": pl.String})


def _to_frame(name: str, ids: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({name: ids}, schema={name: pl.String})
