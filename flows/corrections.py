"""What corrections do: to the release that is there, before a build (`find_anew`), and in a dry run (`check_corrections`)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import polars as pl

from tasks.identity.correct import CorrectedEntities, read_machine_links
from tasks.identity.linking.entities import build_entities
from tasks.identity.links import link_entities
from tasks.identity.people import correct_release
from tasks.reading.authority import read_authority
from tasks.reading.corrections import Correction, read_corrections, select_relabels
from tasks.text.relabels import find_outdated, match_relabel
from warehouse.connection import connect_read_only
from warehouse.migrations import WAREHOUSE, read_schema_version
from warehouse.releases import find_current_release
from warehouse.tables import CORRECTIONS, SCHEMA_VERSION

CHECK_COLUMNS = ("file", "line_no", "action", "target", "outcome", "changed_count", "detail")
"""What a dry run shows of every correction."""


@dataclass(frozen=True)
class ReleaseCorrections:
    """What the current release obeys: the version of its corrections and what became of each (CORRECTIONS).

    `outdated`: the documents (`document_id`, `outlet`) that were cleaned by other relabels than those of now.
    """

    is_released: bool
    version: str | None = None
    outcomes: pl.DataFrame = field(default_factory=CORRECTIONS.schema.to_frame)
    outdated: pl.DataFrame = field(default_factory=pl.Schema({"document_id": pl.String, "outlet": pl.String}).to_frame)


def read_release_corrections(warehouse: Path, relabels: Collection[Correction]) -> ReleaseCorrections:
    """Read what the current release obeys; one of an older version of the tables, whose facts are made anew, nothing."""
    if find_current_release(warehouse) is None:
        return ReleaseCorrections(is_released=False)
    con = connect_read_only(warehouse)
    try:
        if read_schema_version(con, warehouse, WAREHOUSE) < SCHEMA_VERSION:
            return ReleaseCorrections(is_released=True)
        last = "select corrections_version from releases order by published_at desc limit 1"
        [(version,)] = con.execute(last).fetchall()
        outcomes = con.sql("from corrections order by file, line_no").pl().cast(CORRECTIONS.schema)
        return ReleaseCorrections(True, version, outcomes, find_outdated(con, tuple(relabels)))
    finally:
        con.close()


def find_anew(before: ReleaseCorrections, known: pl.DataFrame, relabels: Collection[Correction]) -> frozenset[str]:
    """Return the documents to clean anew because other relabels hold now.

    When the relabels changed, these are also the rejected ones: what they lacked may have been a label.
    """
    obeyed = before.outcomes.filter(pl.col("action") == "relabel", pl.col("outcome") != "refused")
    rejected = known.filter(pl.col("outcome") == "rejected").get_column("document_id")
    is_changed = set(obeyed["correction_id"]) != {one.correction_id for one in relabels}
    return frozenset([*before.outdated["document_id"], *(rejected if is_changed else ())])


@dataclass(frozen=True)
class CheckedCorrections:
    """A dry run: `outcomes` (CORRECTIONS), `changes` (`table_name`, `before`, `after`, `changed_count`), what was skipped."""

    outcomes: pl.DataFrame
    changes: pl.DataFrame
    skipped: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """4 when a correction or a row of the authority was skipped or refused, else 0."""
        return 4 if self.skipped or "refused" in self.outcomes["outcome"] else 0


def check_corrections(warehouse: Path, corrections: Path | None, authority: Path | None) -> CheckedCorrections:
    """Find what a build would change in the current release by the corrections as they are now; writes nothing.

    Links are corrected from the machine's own, as the release keeps them beside the corrected ones.
    """
    read, known = read_corrections(corrections), read_authority(authority)
    skipped = (*read.skipped, *known.skipped)
    con = connect_read_only(warehouse)
    try:
        document_entities = con.sql("from document_entities order by document_entity_id").pl()
        links = read_machine_links(con)
        machine = replace(
            link_entities(document_entities.clear()),
            entity_links=links,
            dim_entities=build_entities(document_entities, links),
        )
        corrected, _ = correct_release(con, machine, document_entities, read.corrections, known.rows)
        outcomes = _count_relabels(con, corrected.outcomes, read.corrections)
        changes = _compare(con, corrected)
    finally:
        con.close()
    return CheckedCorrections(outcomes, changes, tuple(f"{one.metadata_uri}: {one.detail}" for one in skipped))


_LINES_SQL = """
-- grain: one line of an article, or, where lines are wrapped, one block of them
select
    a.article_id, any_value(a.outlet) as outlet, string_agg(s.text, ' ' order by s.line_no, s.segment_no) as text,
    list_distinct(list(s.label)) as labels
from (
    select *, line_no - dense_rank() over (partition by article_id order by line_no) as block_no from article_segments
) as s inner join fact_articles as a using (article_id)
where list_contains($outlets, lower(a.outlet))
group by a.article_id, case when a.layout = 'hard_wrapped' then s.block_no else s.line_no end
"""


def _count_relabels(
    con: duckdb.DuckDBPyConnection, outcomes: pl.DataFrame, corrections: tuple[Correction, ...]
) -> pl.DataFrame:
    """Count the lines that each relabel is about, as the release has them; cleaning is not done again."""
    relabels = select_relabels(corrections)
    outlets = sorted({(one.outlet or "").lower() for one in relabels})
    lines = con.sql(_LINES_SQL, params={"outlets": outlets}).pl() if relabels else None
    told: dict[str, tuple[int, int]] = {}
    for one in relabels if lines is not None else ():
        found = lines.filter(match_relabel(one)) if lines is not None else pl.DataFrame()
        is_same = pl.col("labels").list.eval(pl.element() == one.value).list.all()
        told[one.correction_id] = (found.height, found.filter(~is_same).height)
    rows = []
    for row in outcomes.iter_rows(named=True):
        if row["correction_id"] in told:
            count, changed = told[row["correction_id"]]
            row["changed_count"] = changed
            row["outcome"] = "applied" if count else "stale"
            row["detail"] = (
                f"{count} lines, {changed} of them with another label by now"
                if count
                else "no line of the outlet is like that"
            )
        rows.append(row)
    return pl.DataFrame(rows, CORRECTIONS.schema, orient="row")


def _compare(con: duckdb.DuckDBPyConnection, corrected: CorrectedEntities) -> pl.DataFrame:
    """Compare the release with its corrected state: rows before and after, and how many are new, gone or different."""
    frames = {
        "new_links": corrected.linked.entity_links.select("document_entity_id", "entity_id"),
        "new_entities": corrected.linked.dim_entities,
        "new_speakers": corrected.speaker_corrections,
    }
    for name, frame in frames.items():
        con.register(name, frame)
    rows = [(name, *con.execute(sql).fetchall()[0]) for name, sql in _COMPARISONS.items()]
    schema = {"table_name": pl.String, "before": pl.Int64, "after": pl.Int64, "changed_count": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row")


def _compare_speakers(table: str, key: str, speakers: str) -> str:
    return f"""
    select count(t.speaker_entity_id), count(now.speaker_entity_id),
        count(*) filter (t.speaker_entity_id is distinct from now.speaker_entity_id)
    from {table} as t inner join (
        select t.{key}, case when c.{key} is null then l.entity_id else c.speaker_entity_id end as speaker_entity_id
        from {table} as t
        left join new_links as l on t.speaker_document_entity_id = l.document_entity_id
        left join ({speakers}) as c on t.{key} = c.{key}
    ) as now using ({key})
    """


_COMPARISONS: Mapping[str, str] = {
    "dim_entities": """
    select count(old.entity_id), count(new.entity_id), count(*) filter (
        row(old.entity_id, old.entity_name, old.entity_type, old.external_id)
        is distinct from row(new.entity_id, new.entity_name, new.entity_type, new.external_id)
    )
    from dim_entities as old full join new_entities as new on old.entity_id = new.entity_id
    """,
    "entity_links": """
    select count(*), count(*), count(*) filter (old.entity_id is distinct from new.entity_id)
    from entity_links as old inner join new_links as new using (document_entity_id)
    """,
    "fact_entity_mentions": """
    select count(*), count(*), count(*) filter (old.entity_id is distinct from new.entity_id)
    from fact_entity_mentions as old inner join new_links as new using (document_entity_id)
    """,
    "fact_quotes": _compare_speakers("fact_quotes", "quote_id", "from new_speakers"),
    "fact_statements": _compare_speakers(
        "fact_statements", "statement_id",
        "select distinct statement_id, speaker_entity_id from new_speakers where is_whole_statement",
    ),
}  # fmt: skip
"""Table -> its rows before and after (of quotes and statements those with a speaker), and those that change."""
