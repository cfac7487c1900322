"""The one place that runs Great Expectations: suites and prepared frames in, one outcome per expectation out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from threading import Lock
from types import ModuleType
from typing import Any

import polars as pl

from expectations.base import RATIO_MIN_ROWS, ROW_NO, Expectation, Severity, Suite
from warehouse.tables import Table

_ONE_AT_A_TIME = Lock()  # a Great Expectations context belongs to the process, batches may run in threads


class ValidationCrashed(RuntimeError):  # noqa: N818  it is not the data that is in error
    """An expectation could not be evaluated: a fault of the software, never of the data."""


@dataclass(frozen=True)
class Outcome:
    """What one expectation found in one batch: rows checked (null ones left out), and the row numbers that failed."""

    table_name: str
    expectation: Expectation
    checked_count: int
    failed_rows: tuple[int, ...]
    is_success: bool

    @property
    def severity(self) -> Severity:
        """What a failure does; a ratio over too few rows only warns."""
        is_weak = self.expectation.severity == "stop" and self.checked_count < RATIO_MIN_ROWS
        return "warn" if is_weak and "mostly" in self.expectation.arguments else self.expectation.severity


@cache
def preload() -> ModuleType:
    """Import Great Expectations (6 to 16 s; nothing else imports it) and return it; may run in a thread of its own."""
    import great_expectations
    import great_expectations.expectations

    return great_expectations


def run_suite(suite: Suite, prepared: pl.DataFrame) -> list[Outcome]:
    """Check the frame made by `prepare_frame`; one outcome an expectation, in the order of the suite.

    Raises `ValidationCrashed` when an expectation could not be evaluated.
    """
    return _run(suite.table.name, suite.all_expectations, prepared)


def check_schemas(
    frames: Mapping[str, pl.DataFrame], tables: Sequence[Table], optional: frozenset[str]
) -> list[Outcome]:
    """Check that every frame has the columns of its table, in order and of the declared types; one outcome a table.

    `optional` columns may be missing. Failed rows are the positions of the columns.
    """
    columns = [_compare_columns(frames[table.name], table, optional) for table in tables]
    together = pl.concat(columns).with_row_index(ROW_NO)
    failed = set(_run("columns", (COLUMNS_AS_DECLARED,), together)[0].failed_rows)
    outcomes: list[Outcome] = []
    for table, own in zip(tables, columns, strict=True):
        start = sum(outcome.checked_count for outcome in outcomes)
        bad = tuple(position for position in range(len(own)) if start + position in failed)
        outcomes.append(Outcome(table.name, COLUMNS_AS_DECLARED, len(own), bad, not bad))
    return outcomes


def _compare_columns(frame: pl.DataFrame, table: Table, optional: frozenset[str]) -> pl.DataFrame:
    """Return the declared and the found columns side by side, in order."""
    schema = {name: dtype for name, dtype in table.schema.items() if name in frame.schema or name not in optional}
    declared = [f"{name}: {dtype}" for name, dtype in pl.Schema(schema).items()]
    found = [f"{name}: {dtype}" for name, dtype in frame.schema.items()]
    pairs = list(zip_longest(declared, found, fillvalue="nothing"))
    return pl.DataFrame(pairs, schema={"declared": pl.String, "found": pl.String}, orient="row")


COLUMNS_AS_DECLARED = Expectation(
    "columns_are_as_declared",
    "The columns are those of the declaration: names, order and types.",
    "ExpectColumnPairValuesToBeEqual",
    {"column_A": "declared", "column_B": "found"},
    severity="stop",
)


def _run(table_name: str, expectations: Sequence[Expectation], prepared: pl.DataFrame) -> list[Outcome]:
    if (
        prepared.is_empty()
    ):  # Great Expectations has nothing to say about no rows, and takes 10 ms an expectation to say it
        return [Outcome(table_name, expectation, 0, (), True) for expectation in expectations]
    result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW_NO]}
    frame = prepared.to_pandas()
    with _ONE_AT_A_TIME:
        batch = _open_batches().get_batch({"dataframe": frame})
        results = batch.validate(_build_suite(table_name, tuple(expectations)), result_format=result_format).results
    found = {result.expectation_config.meta["name"]: result for result in results}
    return [_read_result(table_name, expectation, found[expectation.name]) for expectation in expectations]


@cache
def _open_batches() -> Any:
    """Return the batch definition that every frame goes through: in memory, no progress bars, no reports home."""
    gx = preload()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


_BUILT: dict[tuple[str, tuple[str, ...]], Any] = {}


def _build_suite(table_name: str, expectations: tuple[Expectation, ...]) -> Any:
    """Build a suite of Great Expectations once a process: it is the same for every batch."""
    key = (table_name, tuple(expectation.name for expectation in expectations))
    if key not in _BUILT:
        gx = preload()
        built = [build_expectation(expectation) for expectation in expectations]
        _BUILT[key] = gx.ExpectationSuite(name=table_name, expectations=built)
    return _BUILT[key]


def build_expectation(expectation: Expectation) -> Any:
    """Return the Great Expectations object of `expectation`; its `meta` carries the stable name."""
    build = getattr(preload().expectations, expectation.type)
    return build(**expectation.arguments, description=expectation.description, meta={"name": expectation.name})


def _read_result(table_name: str, expectation: Expectation, result: Any) -> Outcome:
    if not result.result or _find_exceptions(result.exception_info):
        raise ValidationCrashed(
            f"{table_name}.{expectation.name}: {_find_exceptions(result.exception_info) or 'no result'}"
        )
    found = result.result
    failed = tuple(sorted(int(row[ROW_NO]) for row in found.get("unexpected_index_list") or ()))
    checked = int(found["element_count"]) - int(found.get("missing_count") or 0)
    return Outcome(table_name, expectation, checked, failed, bool(result.success))


def _find_exceptions(info: Any) -> list[str]:
    """Return the messages of `exception_info`: one record, or one a metric."""
    records = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    return [str(record.get("exception_message")) for record in records if record.get("raised_exception")]
