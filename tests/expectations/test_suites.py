"""Every expectation holds for a good batch, and every one can fail."""

from functools import cache

import polars as pl
import pytest

from expectations.base import FILLED, ROW_NO, Ratio, find_required, prepare_frame
from expectations.engine import Outcome, run_suite
from expectations.suites import SUITES
from tests.expectations.examples import AS_OF, build_bad_frames, build_frames, find_bad_rows
from warehouse.tables import tables_of

SUITE_BY_TABLE = {suite.table.name: suite for suite in SUITES}
EXPECTATIONS = [(suite.table.name, expectation.name) for suite in SUITES for expectation in suite.all_expectations]
RATIOS = {(suite.table.name, ratio.name): ratio for suite in SUITES for ratio in suite.ratios}
ROW_EXPECTATIONS = [expectation for expectation in EXPECTATIONS if expectation not in RATIOS]


def find_failed(outcomes: list[Outcome]) -> list[str]:
    return [outcome.expectation.name for outcome in outcomes if not outcome.is_success]


@cache
def find_failed_of_all_bad_rows(table_name: str) -> dict[str, list[str]]:
    """Return the failed expectations by example; all examples of a table are checked in one run, as one long batch."""
    suite = SUITE_BY_TABLE[table_name]
    examples = [name for table, name in ROW_EXPECTATIONS if table == table_name]
    keys = [column for column in suite.table.key if column.endswith("_id")]
    prepared = [
        prepare_frame(suite, build_bad_frames(table_name, example), AS_OF).with_columns(
            pl.format("{}/{}", pl.lit(example), column).alias(column) for column in keys
        )
        for example in examples
    ]
    origin = [example for example, frame in zip(examples, prepared, strict=True) for _ in range(len(frame))]
    outcomes = run_suite(suite, pl.concat(prepared).drop(ROW_NO).with_row_index(ROW_NO))
    return {
        example: [
            outcome.expectation.name
            for outcome in outcomes
            if outcome.severity == "quarantine" and any(origin[row_no] == example for row_no in outcome.failed_rows)
        ]
        for example in examples
    }


def test_every_table_of_a_batch_has_a_suite() -> None:
    assert [suite.table for suite in SUITES] == list(tables_of("article"))


@pytest.mark.parametrize("table_name", list(SUITE_BY_TABLE))
def test_names_of_expectations_are_unique_in_their_table(table_name: str) -> None:
    names = [expectation.name for expectation in SUITE_BY_TABLE[table_name].all_expectations]
    assert len(names) == len(set(names))


def test_every_expectation_has_a_bad_row() -> None:
    assert sorted(find_bad_rows()) == sorted(EXPECTATIONS)


@pytest.mark.parametrize("table_name", list(SUITE_BY_TABLE))
def test_a_good_batch_fails_nothing(table_name: str) -> None:
    suite = SUITE_BY_TABLE[table_name]
    outcomes = run_suite(suite, prepare_frame(suite, build_frames(), AS_OF))
    assert find_failed(outcomes) == []
    assert all(outcome.failed_rows == () for outcome in outcomes if outcome.severity == "quarantine")


@pytest.mark.parametrize(("table_name", "expectation"), ROW_EXPECTATIONS)
def test_a_bad_row_fails_its_expectation_and_no_other(table_name: str, expectation: str) -> None:
    assert find_failed_of_all_bad_rows(table_name)[expectation] == [expectation]


@pytest.mark.parametrize(("table_name", "expectation"), list(RATIOS))
def test_a_share_out_of_bounds_fails_its_expectation_and_no_other(table_name: str, expectation: str) -> None:
    suite = SUITE_BY_TABLE[table_name]
    outcomes = run_suite(suite, prepare_frame(suite, build_bad_frames(table_name, expectation), AS_OF))
    assert find_failed(outcomes) == [expectation]


@pytest.mark.parametrize(
    ("table_name", "column"),
    [(suite.table.name, name) for suite in SUITES for name in find_required(suite.table)],
)
def test_a_null_in_any_required_column_is_seen(table_name: str, column: str) -> None:
    frames = build_frames()
    frames[table_name] = frames[table_name].with_columns(
        pl.lit(None).cast(frames[table_name].schema[column]).alias(column)
    )
    prepared = prepare_frame(SUITE_BY_TABLE[table_name], frames, AS_OF)
    assert prepared[FILLED].to_list() == [False] * len(frames[table_name])


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=lambda ratio: str(ratio.name))
def test_a_ratio_has_a_reason_and_a_share_that_can_be_passed(ratio: Ratio) -> None:
    assert 0 < ratio.max_share < 1
    assert ratio.reason.endswith(".")
