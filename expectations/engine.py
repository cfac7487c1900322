"""The one place that runs Great Expectations: suites and prepared frames in, one outcome per expectation out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
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
    return run_suites([(suite, prepared)])


def run_suites(prepared: Sequence[tuple[Suite, pl.DataFrame]]) -> list[Outcome]:
    """Check the frames made by `prepare_frame`; one outcome an expectation, in the order of the suites.

    Great Expectations takes 10 to 20 ms for an expectation, however few its rows are, and a batch has more than a
    hundred. So those of one kind are asked as one, with the values of all their columns below each other: a value
    that is judged by itself once, however many rows have it, and a key only where several rows have it. The others
    (the bounds on shares) are asked over all rows.

    Raises `ValidationCrashed` when an expectation could not be evaluated.
    """
    questions = [_Question(suite.table.name, e, frame) for suite, frame in prepared for e in suite.all_expectations]
    groups: dict[str, list[_Question]] = {}
    for question in questions:
        groups.setdefault(question.kind, []).append(question)
    columns = [pl.concat([question.values for question in group]).alias(kind) for kind, group in groups.items()]
    height = max((len(column) for column in columns), default=0)
    asked = pl.DataFrame([column.extend_constant(None, height - len(column)) for column in columns])
    stacks = [_stack_questions(kind, group) for kind, group in groups.items()]
    found: dict[str, Outcome] = {}
    for group, (failed, holds) in zip(groups.values(), _run(stacks, asked.with_row_index(ROW_NO)), strict=True):
        end = 0
        for question in group:
            start, end = end, end + len(question.values)
            bad = [position - start for position in failed if start <= position < end]
            found[question.name] = question.conclude(bad, holds)
    return [found[question.name] for question in questions]


def check_schemas(
    frames: Mapping[str, pl.DataFrame], tables: Sequence[Table], optional: frozenset[str]
) -> list[Outcome]:
    """Check that every frame has the columns of its table, in order and of the declared types; one outcome a table.

    `optional` columns may be missing. Failed rows are the positions of the columns. Great Expectations is not asked:
    it would see the types of pandas.
    """
    return [_compare_columns(frames[table.name], table, optional) for table in tables]


def _compare_columns(frame: pl.DataFrame, table: Table, optional: frozenset[str]) -> Outcome:
    schema = {name: dtype for name, dtype in table.schema.items() if name in frame.schema or name not in optional}
    pairs = list(zip_longest(pl.Schema(schema).items(), frame.schema.items()))
    bad = tuple(position for position, (declared, found) in enumerate(pairs) if declared != found)
    return Outcome(table.name, COLUMNS_AS_DECLARED, len(pairs), bad, not bad)


COLUMNS_AS_DECLARED = Expectation(
    "columns_are_as_declared",
    "The columns are those of the declaration: names, order and types.",
    "ExpectColumnPairValuesToBeEqual",
    {"column_A": "declared", "column_B": "found"},
    severity="stop",
)

_WORDS, _KEYS, _VALUE = "words", "keys", "value"
_JUDGED_BY_VALUE = frozenset(
    {"ExpectColumnValuesToBeInSet", "ExpectColumnValuesToMatchRegex", "ExpectColumnValuesToBeBetween"}
)


@dataclass(frozen=True)
class _Question:
    """One expectation on one frame, and the values that it is asked about."""

    table_name: str
    expectation: Expectation
    frame: pl.DataFrame

    @property
    def name(self) -> str:
        """A name that no other question of the batch has."""
        return f"{self.table_name}.{self.expectation.name}"

    @cached_property
    def kind(self) -> str:
        """What the questions that can be asked as one have in common."""
        asked = self.expectation.type
        if asked in ("ExpectColumnValuesToBeUnique", "ExpectCompoundColumnsToBeUnique"):
            return _KEYS
        if asked not in _JUDGED_BY_VALUE:
            raise ValueError(f"{self.name}: {asked} cannot be asked about values")
        others = {name: value for name, value in self.expectation.arguments.items() if name != "column"}
        dtype = self.frame.schema[self._columns[0]]
        if "mostly" in others:
            return self.name
        is_word = asked == "ExpectColumnValuesToBeInSet" and dtype in (pl.String, pl.Boolean)
        return _WORDS if is_word else f"{asked} {others} {dtype}"

    @cached_property
    def values(self) -> pl.Series:
        """What is asked about: distinct values, keys that several rows have, or what all rows have.

        Words and keys are labelled, because those of all tables are asked about at once.
        """
        if self.kind == self.name:
            return self._column.drop_nulls()
        if self.kind == _KEYS:
            return self.label(self._repeated.select(pl.struct(self._columns).struct.json_encode()).to_series())
        return self.label(self._distinct) if self.kind == _WORDS else self._distinct

    def label(self, values: pl.Series) -> pl.Series:
        """Return texts that say which question a value belongs to."""
        return f"{self.name}: " + values.cast(pl.String)

    def conclude(self, bad: list[int], holds: bool) -> Outcome:
        """Return the outcome for all rows, given the positions of the `values` that failed; `holds` is of the kind."""
        is_success = holds if self.kind == self.name else not bad
        failed = tuple(self._find_rows(bad)) if bad else ()
        return Outcome(self.table_name, self.expectation, self._count_present(), failed, is_success)

    @property
    def _columns(self) -> list[str]:
        arguments = self.expectation.arguments
        return list(arguments.get("column_list") or [arguments["column"]])

    @cached_property
    def _column(self) -> pl.Series:
        """The only column; what is no number is missing in it."""
        column = self.frame[self._columns[0]]
        return column.fill_nan(None) if column.dtype.is_float() else column

    @cached_property
    def _distinct(self) -> pl.Series:
        return self._column.unique(maintain_order=True).drop_nulls()

    @cached_property
    def _repeated(self) -> pl.DataFrame:
        """The rows whose key is that of another row, too; a key without any part is none."""
        keys = self.frame.select(self._columns)
        rows = self.frame.select(ROW_NO, *self._columns).filter(keys.is_duplicated())
        return rows.filter(pl.any_horizontal(pl.col(self._columns).is_not_null()))

    def _find_rows(self, bad: list[int]) -> pl.Series:
        if self.kind == _KEYS:
            return self._repeated[ROW_NO][bad]
        if self.kind == self.name:
            return self.frame[ROW_NO].filter(self._column.is_not_null())[bad]
        return self.frame[ROW_NO].filter(self._column.is_in(self._distinct[bad].implode()).fill_null(False))

    def _count_present(self) -> int:
        if len(self._columns) == 1:
            return len(self._column) - self._column.null_count()
        return len(self.frame) - int(self.frame.select(pl.all_horizontal(pl.col(self._columns).is_null()).sum()).item())


def _stack_questions(kind: str, questions: Sequence[_Question]) -> Expectation:
    """Return the expectation that asks all `questions` of one kind at once, of a column with the name of the kind."""
    first = questions[0].expectation
    name = ", ".join(question.name for question in questions)
    if kind == _KEYS:
        return Expectation(name, name, "ExpectColumnValuesToBeUnique", {"column": kind})
    arguments = {**first.arguments, "column": kind}
    if kind == _WORDS:
        sets = [(question, question.expectation.arguments["value_set"]) for question in questions]
        arguments["value_set"] = [word for question, words in sets for word in question.label(pl.Series(words))]
    return Expectation(name, first.description, first.type, arguments, first.severity)


def _run(expectations: Sequence[Expectation], asked: pl.DataFrame) -> list[tuple[list[int], bool]]:
    """Return for each expectation the rows that failed, in order, and whether it holds."""
    if asked.is_empty():  # Great Expectations has nothing to say about no rows, and takes long to say it
        return [([], True) for _ in expectations]
    result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW_NO]}
    frame = asked.to_pandas()
    with _ONE_AT_A_TIME:
        batch = _open_batches().get_batch({"dataframe": frame})
        results = batch.validate(_build_suite(expectations), result_format=result_format).results
    found = {result.expectation_config.meta["name"]: result for result in results}
    return [_read_result(expectation.name, found[expectation.name]) for expectation in expectations]


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


_BUILT: dict[str, Any] = {}


def _build_suite(expectations: Sequence[Expectation]) -> Any:
    """Build a suite of Great Expectations once a process: it is the same for every batch."""
    key = repr(expectations)
    if key not in _BUILT:
        built = [build_expectation(expectation) for expectation in expectations]
        _BUILT[key] = preload().ExpectationSuite(name="batch", expectations=built)
    return _BUILT[key]


def build_expectation(expectation: Expectation) -> Any:
    """Return the Great Expectations object of `expectation`; its `meta` carries the stable name."""
    build = getattr(preload().expectations, expectation.type)
    return build(**expectation.arguments, description=expectation.description, meta={"name": expectation.name})


def _read_result(name: str, result: Any) -> tuple[list[int], bool]:
    if not result.result or _find_exceptions(result.exception_info):
        raise ValidationCrashed(f"{name}: {_find_exceptions(result.exception_info) or 'no result'}")
    failed = sorted(int(row[ROW_NO]) for row in result.result.get("unexpected_index_list") or ())
    return failed, bool(result.success)


def _find_exceptions(info: Any) -> list[str]:
    """Return the messages of `exception_info`: one record, or one a metric."""
    records = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    return [str(record.get("exception_message")) for record in records if record.get("raised_exception")]
