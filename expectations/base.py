"""Suites as data: what an expectation is, the baseline that a declaration gives, and the frame that is checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl

from warehouse.tables import TABLES, WRITTEN_AT_LOAD, Table

Severity = Literal["quarantine", "stop", "warn"]
Frames = Mapping[str, pl.DataFrame]
"""Frames of one batch by table name."""

ROW_NO = "row_no"
"""Names a row to Great Expectations: a key cannot, because a row may fail for its key."""

RATIO_MIN_ROWS = 200
"""A ratio over fewer rows only warns: at 200 rows a share of 10 % still has a 95 % interval of 6 to 15 %."""

FILLED = "required_columns_are_filled"
SMALL_QUARANTINE = "quarantined_share_is_small"

_TABLES = {table.name: table for table in TABLES}


@dataclass(frozen=True)
class Expectation:
    """One expectation: a stable name, what it says, and the Great Expectations class and arguments that check it.

    `severity` says what a failure does: the row goes to quarantine, the batch stops, or a person is warned.
    """

    name: str
    description: str
    type: str
    arguments: Mapping[str, Any]
    severity: Severity = "quarantine"


@dataclass(frozen=True)
class Check:
    """What no expectation on a column can say: a condition on a row and its context, null where it does not apply."""

    name: str
    description: str
    holds: pl.Expr


@dataclass(frozen=True)
class Ratio:
    """A bound on the share of rows that lack something.

    `holds` is true for a row that has it, false for one that lacks it, null for one that does not count; `sql` says the
    same of a row `t` of the released table. `max_share` is the largest share of false that is plausible, `reason` why.
    """

    name: str
    description: str
    holds: pl.Expr
    sql: str
    max_share: float
    reason: str


def keep_context(frame: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Return `frame` as it is: the context of a table whose rows can be judged alone."""
    return frame


@dataclass(frozen=True)
class Suite:
    """All that must be true of the rows of a table; `add_context` joins what `checks` and `ratios` read elsewhere."""

    table: Table
    expectations: tuple[Expectation, ...] = ()
    checks: tuple[Check, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    add_context: Callable[[pl.DataFrame, Frames, date], pl.DataFrame] = field(default=keep_context)

    @property
    def all_expectations(self) -> tuple[Expectation, ...]:
        """All that is checked, in one form: the baseline of the declaration, then the table's own expectations."""
        return (
            *derive_baseline(self.table),
            *self.expectations,
            *(_expect_true(check.name, check.description) for check in self.checks),
            *(_expect_share(ratio) for ratio in self.ratios),
        )


def derive_baseline(table: Table) -> tuple[Expectation, ...]:
    """Return what a declaration promises: filled columns, closed vocabularies, a unique key, references."""
    return (_expect_filled(table), *_expect_words(table), _expect_unique(table), *_expect_references(table))


def find_references(table: Table) -> dict[str, Table]:
    """Return the referring columns of `table` whose other table is part of every batch: column -> other table."""
    targets = {column: _TABLES[target] for column, target in table.references.items()}
    return {column: target for column, target in targets.items() if target.scope == "article"}


def find_required(table: Table) -> list[str]:
    """Return the columns of `table` that may not be null in a batch."""
    return [column.name for column in table.columns if not column.nullable and column.name not in WRITTEN_AT_LOAD]


def prepare_frame(suite: Suite, frames: Frames, as_of: date) -> pl.DataFrame:
    """Return what the suite reads, and no more: row number, the columns named by its expectations, a boolean a check.

    Grain: one row a row of the suite's table, in the same order.
    """
    table = suite.table
    frame = frames[table.name]
    filled = pl.all_horizontal(pl.col(name).is_not_null() for name in find_required(table))
    references = {
        f"{column}_exists": pl.col(column).is_in(frames[target.name][target.key[0]].implode())
        for column, target in find_references(table).items()
    }
    checks = {check.name: check.holds for check in suite.checks}
    ratios = {ratio.name: ratio.holds for ratio in suite.ratios}
    return (
        suite.add_context(frame.with_row_index(ROW_NO), frames, as_of)
        .with_columns(filled.alias(FILLED), **references, **checks, **ratios)
        .select(ROW_NO, *_find_columns(suite))
    )


def slices_back(text: str, start: str = "start_char", end: str = "end_char") -> pl.Expr:
    """Return whether `body[start:end]` is `text`; null when there is no body to look in or nothing to look for."""
    first, last = pl.col(start).cast(pl.Int64), pl.col(end).cast(pl.Int64)
    found = pl.col("body").str.slice(first, (last - first).clip(0)) == pl.col(text)
    return pl.when(last.is_not_null()).then(found)  # a slice without a length would run to the end of the body


def slices_back_if_any(text: str, start: str, end: str) -> pl.Expr:
    """Return whether an optional span slices back: null when text and offsets all are missing, false when some are."""
    parts = [pl.col(name).is_null() for name in (text, start, end)]
    does_not_apply = pl.all_horizontal(parts) | pl.col("body").is_null()
    return pl.when(~does_not_apply).then(slices_back(text, start, end).fill_null(False))


def span_is_inside() -> pl.Expr:
    """Return whether a span holds at least one character and ends inside the body."""
    return (pl.col("start_char") < pl.col("end_char")) & (pl.col("end_char") <= pl.col("body_chars"))


def join_bodies(frame: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Add `body`, `body_chars` (characters) and `paragraph_count` of the article; null when it is missing."""
    articles = frames["fact_articles"].select(
        "article_id", "body", "paragraph_count", body_chars=pl.col("body").str.len_chars()
    )
    return frame.join(articles.unique("article_id", keep="first"), on="article_id", how="left", maintain_order="left")


def expect_probability(column: str) -> Expectation:
    """Return the expectation that `column` lies between 0 and 1."""
    return Expectation(
        f"{column}_is_a_probability",
        f"{column} lies between 0 and 1.",
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": 0, "max_value": 1},
    )


def expect_pattern(column: str, kind: str, pattern: str) -> Expectation:
    """Return the expectation that `column` has the form of a `kind`."""
    return Expectation(
        f"{column}_is_a_{kind}",
        f"{column} has the form of a {kind}.",
        "ExpectColumnValuesToMatchRegex",
        {"column": column, "regex": pattern},
    )


def _expect_filled(table: Table) -> Expectation:
    # One for all columns: an expectation costs Great Expectations 10 to 15 ms however few its rows are.
    return _expect_true(FILLED, f"None of {', '.join(find_required(table))} is null.")


def _expect_words(table: Table) -> list[Expectation]:
    return [
        Expectation(
            f"{column.name}_is_in_vocabulary",
            f"{column.name} is one of {', '.join(column.values)}.",
            "ExpectColumnValuesToBeInSet",
            {"column": column.name, "value_set": list(column.values)},
        )
        for column in table.columns
        if column.values
    ]


def _expect_unique(table: Table) -> Expectation:
    description = f"No two rows have the same {', '.join(table.key)}."
    if len(table.key) == 1:
        return Expectation("key_is_unique", description, "ExpectColumnValuesToBeUnique", {"column": table.key[0]})
    return Expectation(
        "key_is_unique", description, "ExpectCompoundColumnsToBeUnique", {"column_list": list(table.key)}
    )


def _expect_references(table: Table) -> list[Expectation]:
    return [
        _expect_true(f"{column}_exists", f"{column} names a row of {target.name}, or nothing where it may be null.")
        for column, target in find_references(table).items()
    ]


def _expect_true(name: str, description: str) -> Expectation:
    return Expectation(name, description, "ExpectColumnValuesToBeInSet", {"column": name, "value_set": [True]})


def _expect_share(ratio: Ratio) -> Expectation:
    arguments = {"column": ratio.name, "value_set": [True], "mostly": round(1 - ratio.max_share, 6)}
    return Expectation(ratio.name, ratio.description, "ExpectColumnValuesToBeInSet", arguments, severity="stop")


def _find_columns(suite: Suite) -> list[str]:
    arguments = [expectation.arguments for expectation in suite.all_expectations]
    return sorted({name for given in arguments for name in (given.get("column_list") or [given["column"]])})
