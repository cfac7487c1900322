"""Frames of one batch -> the rows that may be loaded, the rows in quarantine, and what every expectation found."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.base import (
    RATIO_MIN_ROWS,
    ROW_NO,
    SMALL_QUARANTINE,
    Severity,
    find_references,
    prepare_frame,
)
from expectations.engine import Outcome, check_schemas, run_suites
from expectations.release import judge_release
from expectations.suites import SUITES
from warehouse.tables import EXPECTATION_RESULTS, QUARANTINED_ROWS, WRITTEN_AT_LOAD, Table, tables_of

MAX_QUARANTINED_SHARE = 0.1
"""A row in ten that breaks a rule itself is no longer a bad document here and there: the rules or the input changed."""

DEPENDS_ON = "depends_on:"
"""Begins what `quarantined_rows.expectation` says of a row that went with another: table and key of that one follow."""

RELEASE_BATCH_NO = -1
_KEY_SEPARATOR = "|"
_RESULTS = {name: dtype for name, dtype in EXPECTATION_RESULTS.schema.items() if name != "run_id"}
_QUARANTINED = {name: dtype for name, dtype in QUARANTINED_ROWS.schema.items() if name != "run_id"}


@dataclass(frozen=True)
class ValidatedBatch:
    """What validation made of one batch.

    `frames` holds the good rows by table name; `quarantined` conforms to QUARANTINED_ROWS and `results` to
    EXPECTATION_RESULTS, both without `run_id`. When `is_stopped`, nothing of the batch may be loaded; `failures`
    names the expectations that stopped it, as `table.expectation`.
    """

    frames: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame
    results: pl.DataFrame
    is_stopped: bool
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Dependency:
    """A row of `child` goes with a row of `parent` when their columns are equal."""

    child: str
    column: str
    parent: str
    parent_column: str


def find_dependencies(tables: Sequence[Table]) -> tuple[Dependency, ...]:
    """Return which rows depend on which: on the row they name, and a statement on all of its quotes.

    A statement with a part missing would say something else than its source, so it is whole or absent. Whom a speaker
    or a relay means, and which place is meant, is no dependency: where that entity goes, the words stay unresolved.
    """
    named = [
        Dependency(table.name, column, target.name, target.key[0])
        for table in tables
        for column, target in find_references(table).items()
        if column not in MEANT_COLUMNS
    ]
    return (*named, Dependency("fact_statements", "statement_id", "fact_quotes", "statement_id"))


MEANT_COLUMNS = ("speaker_document_entity_id", "said_place_document_entity_id", "relay_document_entity_id")
TABLES = tables_of("article")
DEPENDENCIES = find_dependencies(TABLES)


def complete_frames(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return a frame for every table of a batch, empty where none is given; raises `KeyError` for another name."""
    unknown = frames.keys() - {table.name for table in TABLES}
    if unknown:
        raise KeyError(f"not a table of a batch: {', '.join(sorted(unknown))}")
    return {table.name: frames.get(table.name, pl.DataFrame(schema=table.schema)) for table in TABLES}


def check_frames(frames: Mapping[str, pl.DataFrame], as_of: date) -> list[Outcome]:
    """Check every frame against its suite; against the declarations only when a frame is not as declared."""
    schemas = check_schemas(frames, TABLES, WRITTEN_AT_LOAD)
    if not all(outcome.is_success for outcome in schemas):
        return schemas
    return schemas + run_suites([(suite, prepare_frame(suite, frames, as_of)) for suite in SUITES])


def find_bad_rows(frames: Mapping[str, pl.DataFrame], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Return the rows that go to quarantine and those that go with them, by table_name, row_no and expectation."""
    failed = [
        (outcome.table_name, row_no, outcome.expectation.name)
        for outcome in outcomes
        if outcome.severity == "quarantine"
        for row_no in outcome.failed_rows
    ]
    schema = {"table_name": pl.String, ROW_NO: pl.UInt32, "expectation": pl.String}
    bad = pl.DataFrame(failed, schema=schema, orient="row")
    numbered = {name: frame.with_row_index(ROW_NO) for name, frame in frames.items()}
    while True:
        found = [_find_dependants(numbered, bad, dependency) for dependency in DEPENDENCIES]
        dependants = pl.concat([*found, _find_unmentioned(numbered, bad)])
        dependants = dependants.join(bad, on=["table_name", ROW_NO], how="anti")
        if dependants.is_empty():
            return bad.sort("table_name", ROW_NO, "expectation")
        bad = pl.concat([bad, dependants.unique(["table_name", ROW_NO], keep="first", maintain_order=True)])


def _find_dependants(numbered: Mapping[str, pl.DataFrame], bad: pl.DataFrame, dependency: Dependency) -> pl.DataFrame:
    gone = (
        _select_rows(numbered, bad, dependency.parent)
        .select(value=pl.col(dependency.parent_column))
        .drop_nulls()
        .unique()
    )
    return (
        numbered[dependency.child]
        .join(gone, left_on=dependency.column, right_on="value", how="semi", maintain_order="left")
        .select(
            table_name=pl.lit(dependency.child),
            row_no=pl.col(ROW_NO),
            expectation=pl.format(DEPENDS_ON + "{}:{}", pl.lit(dependency.parent), pl.col(dependency.column)),
        )
    )


def _find_unmentioned(numbered: Mapping[str, pl.DataFrame], bad: pl.DataFrame) -> pl.DataFrame:
    """Return the document entities all of whose mentions are gone."""
    mentions, gone = numbered["fact_entity_mentions"], _select_rows(numbered, bad, "fact_entity_mentions")
    left = mentions.join(gone, on=ROW_NO, how="anti")
    entities = numbered["document_entities"].join(gone, on="document_entity_id", how="semi", maintain_order="left")
    return entities.join(left, on="document_entity_id", how="anti", maintain_order="left").select(
        table_name=pl.lit("document_entities"),
        row_no=pl.col(ROW_NO),
        expectation=pl.format(DEPENDS_ON + "mentions_of:{}", pl.col("document_entity_id")),
    )


def _select_rows(numbered: Mapping[str, pl.DataFrame], bad: pl.DataFrame, table_name: str) -> pl.DataFrame:
    rows = bad.filter(pl.col("table_name") == table_name).select(ROW_NO).unique()
    return numbered[table_name].join(rows, on=ROW_NO, how="semi", maintain_order="left")


def keep_good_rows(frames: Mapping[str, pl.DataFrame], bad: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the frames without their bad rows.

    What counted on a bad row follows: mentions are counted again, and what meant an entity that is gone is unresolved.
    """
    if bad.is_empty():
        return dict(frames)
    numbered = {name: frame.with_row_index(ROW_NO) for name, frame in frames.items()}
    good = {
        name: frame.join(_select_rows(numbered, bad, name), on=ROW_NO, how="anti", maintain_order="left").drop(ROW_NO)
        for name, frame in numbered.items()
    }
    kept_entities = good["document_entities"]["document_entity_id"].implode()
    for name in ("fact_quotes", "fact_statements", "statement_speakers", "statement_relays"):
        meant = [pl.col(column) for column in MEANT_COLUMNS if column in good[name].columns]
        good[name] = good[name].with_columns(pl.when(column.is_in(kept_entities)).then(column) for column in meant)
    counts = good["fact_entity_mentions"].group_by("document_entity_id").agg(mention_count=pl.len())
    good["document_entities"] = good["document_entities"].update(counts, on="document_entity_id", how="left")
    return good


def describe_bad_rows(frames: Mapping[str, pl.DataFrame], bad: pl.DataFrame) -> pl.DataFrame:
    """Return QUARANTINED_ROWS without run_id. Of several rows with one key, the later ones have `#2`, `#3` after it."""
    described = [row for table in TABLES for row in _describe_rows(table, frames[table.name], bad)]
    rows = pl.DataFrame(described, schema=_QUARANTINED, orient="row")
    repeat = pl.int_range(1, pl.len() + 1).over("table_name", "row_key", "expectation")
    return rows.with_columns(
        row_key=pl.when(repeat > 1).then(pl.format("{}#{}", "row_key", repeat)).otherwise(pl.col("row_key"))
    )


def _describe_rows(table: Table, frame: pl.DataFrame, bad: pl.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    failed = bad.filter(pl.col("table_name") == table.name)
    for row_no, expectation in failed.select(ROW_NO, "expectation").iter_rows():
        row = frame.row(row_no, named=True)
        key = _KEY_SEPARATOR.join("" if row[name] is None else str(row[name]) for name in table.key)
        yield table.name, key, expectation, json.dumps(row, ensure_ascii=False, default=str)


def describe_results(
    frames: Mapping[str, pl.DataFrame], outcomes: Sequence[Outcome], bad: pl.DataFrame, batch_no: int
) -> pl.DataFrame:
    """Return EXPECTATION_RESULTS without run_id: a row an outcome, and the share in quarantine a table with rows."""
    rows = [
        (
            outcome.table_name,
            outcome.expectation.name,
            batch_no,
            outcome.severity,
            outcome.is_success and (outcome.severity != "quarantine" or not outcome.failed_rows),
            outcome.checked_count,
            len(outcome.failed_rows),
            _describe_outcome(outcome),
        )
        for outcome in outcomes
    ]
    # Only rows that fail themselves: of five articles one bad one would take a fifth of all mentions along.
    own = bad.filter(~pl.col("expectation").str.starts_with(DEPENDS_ON))
    lost = dict(own.group_by("table_name").agg(pl.col(ROW_NO).n_unique()).iter_rows())
    shares = [
        _judge_quarantine(name, len(frame), lost.get(name, 0), batch_no) for name, frame in frames.items() if len(frame)
    ]
    return pl.DataFrame(rows + shares, schema=_RESULTS, orient="row")


def _describe_outcome(outcome: Outcome) -> str | None:
    if not outcome.checked_count:
        return None
    share = len(outcome.failed_rows) / outcome.checked_count
    if "mostly" in outcome.expectation.arguments:
        return f"share {share:.3f}, at most {1 - outcome.expectation.arguments['mostly']:.3f}"
    return f"share {share:.3f}" if outcome.failed_rows else None


def _judge_quarantine(
    table_name: str, row_count: int, lost_count: int, batch_no: int
) -> tuple[str, str, int, Severity, bool, int, int, str]:
    share = lost_count / row_count
    severity: Severity = "stop" if row_count >= RATIO_MIN_ROWS else "warn"
    detail = f"share {share:.3f}, at most {MAX_QUARANTINED_SHARE:.3f}"
    is_success = share <= MAX_QUARANTINED_SHARE
    return (
        table_name,
        SMALL_QUARANTINE,
        batch_no,
        severity,
        is_success,
        row_count,
        lost_count,
        detail,
    )


def find_failures(results: pl.DataFrame) -> tuple[str, ...]:
    """Return the failed expectations that stop a batch or a release, as `table.expectation`."""
    stopping = results.filter((pl.col("severity") == "stop") & ~pl.col("is_success"))
    return tuple(stopping.select(pl.concat_str("table_name", "expectation", separator=".")).to_series())


def audit_release(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Audit a staged release: EXPECTATION_RESULTS without run_id, `batch_no` -1.

    Keys, references, spans and ratios are checked in SQL over all rows; `find_failures` tells what forbids to publish.
    """
    judged = [
        (j.table_name, j.name, RELEASE_BATCH_NO, j.severity, j.is_success, j.checked, j.failed, j.detail)
        for j in judge_release(con)
    ]
    return pl.DataFrame(judged, schema=_RESULTS, orient="row")


@task(cache_policy=NO_CACHE)
def validate_batch(frames: Mapping[str, pl.DataFrame], as_of: date, batch_no: int = 0) -> ValidatedBatch:
    """Validate the frames of one batch, by table name; `as_of` is the day of the build (UTC)."""
    complete = complete_frames(frames)
    outcomes = check_frames(complete, as_of)
    bad = find_bad_rows(complete, outcomes)
    results = describe_results(complete, outcomes, bad, batch_no)
    failures = find_failures(results)
    return ValidatedBatch(
        keep_good_rows(complete, bad), describe_bad_rows(complete, bad), results, bool(failures), failures
    )
