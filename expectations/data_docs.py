"""Results of a run -> Great Expectations Data Docs: pages of HTML that need no network."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from expectations.base import Expectation
from expectations.engine import COLUMNS_AS_DECLARED, build_expectation, preload
from expectations.release import list_checks
from expectations.suites import SUITES
from warehouse.tables import TABLES

STYLESHEET = "data_docs.css"
SAMPLE_ROWS = 20

_OUTSIDE_TAGS = re.compile(
    r"""<(script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["'](?:https?:)?//[^>]*>(?:\s*</\1>)?""", re.IGNORECASE
)
_SCRIPTS = re.compile(r"<script\b.*?</script>", re.IGNORECASE | re.DOTALL)
_ANCHORS = re.compile(r"""<a\b[^>]*\bhref\s*=\s*["'](?:https?:)?//[^>]*>(.*?)</a>""", re.IGNORECASE | re.DOTALL)


def build_data_docs(
    results: pl.DataFrame, quarantined: pl.DataFrame, folder: Path, run_id: str, built_at: datetime
) -> Path:
    """Build the Data Docs of one run in `folder` and return the path of their first page.

    Args:
        results: EXPECTATION_RESULTS of the run, all batches and the release (`run_id` may be missing).
        quarantined: QUARANTINED_ROWS of the run, from which the pages show up to 20 keys an expectation.
        folder: Where the pages go; made when missing.
        run_id: The run, as the pages name it.
        built_at: When the run was validated.
    """
    gx = preload()
    context = _open_context(folder)
    for table in TABLES:
        own = results.filter(pl.col("table_name") == table.name)
        if own.height:
            _store_result(gx, context, table.name, merge_results(own), quarantined, run_id, built_at)
    context.build_data_docs(site_names=["local"])
    _make_pages_local(folder)
    return folder / "index.html"


def merge_results(results: pl.DataFrame) -> pl.DataFrame:
    """Add up the results of all batches: a row per (expectation, is_release), in the order of their first appearance.

    Columns: expectation, is_release, severity (the most severe), is_success, checked_count, failed_count, detail.
    """
    order = pl.Enum(["stop", "quarantine", "warn"])
    return (
        results.with_columns(is_release=pl.col("batch_no") < 0)
        .group_by("expectation", "is_release", maintain_order=True)
        .agg(
            pl.col("severity").cast(order).min().cast(pl.String),
            pl.col("is_success").all(),
            pl.col("checked_count").sum(),
            pl.col("failed_count").sum(),
            pl.col("detail").drop_nulls().last(),
        )
    )


def _open_context(folder: Path) -> Any:
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
    context = preload().get_context(mode="ephemeral", project_config=config)
    folder.mkdir(parents=True, exist_ok=True)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
    site = {"class_name": "SiteBuilder", "store_backend": store, "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}}
    context.add_data_docs_site("local", {**site, "show_how_to_buttons": False})
    return context


def _store_result(
    gx: Any, context: Any, table_name: str, merged: pl.DataFrame, quarantined: pl.DataFrame, run_id: str, built_at: datetime
) -> None:
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    outcomes = list(_make_results(table_name, merged, quarantined))
    context.suites.add(gx.ExpectationSuite(name=table_name, expectations=_build_expectations(table_name, merged)))
    run = RunIdentifier(run_name=run_id, run_time=built_at)
    good = sum(outcome.success for outcome in outcomes)
    statistics = {
        "evaluated_expectations": len(outcomes),
        "successful_expectations": good,
        "unsuccessful_expectations": len(outcomes) - good,
        "success_percent": 100 * good / len(outcomes),
    }
    result = ExpectationSuiteValidationResult(
        success=good == len(outcomes), results=outcomes, suite_name=table_name, statistics=statistics,
        meta={"run_id": run, "validation_time": built_at.isoformat(), "great_expectations_version": gx.__version__},
    )  # fmt: skip
    suite = ExpectationSuiteIdentifier(name=table_name)
    key = ValidationResultIdentifier(expectation_suite_identifier=suite, run_id=run, batch_identifier=table_name)
    context.validation_results_store.set(key, result)


def _find_declared(table_name: str) -> dict[str, Expectation]:
    own = {e.name: e for suite in SUITES if suite.table.name == table_name for e in suite.all_expectations}
    return {COLUMNS_AS_DECLARED.name: COLUMNS_AS_DECLARED, **own}


def _find_query(table_name: str) -> dict[str, tuple[str, str]]:
    checks = {check.name: check for table in TABLES if table.name == table_name for check in list_checks(table)}
    return {name: (check.description, f"select t.* from {check.source} where {check.failed}") for name, check in checks.items()}


def _build_expectations(table_name: str, merged: pl.DataFrame) -> list[Any]:
    """Return the Great Expectations object of every merged result, in order."""
    declared, queries = _find_declared(table_name), _find_query(table_name)
    return [
        build_expectation(_name_result(table_name, row, declared, queries)) for row in merged.iter_rows(named=True)
    ]


def _name_result(
    table_name: str, row: dict[str, Any], declared: dict[str, Expectation], queries: dict[str, tuple[str, str]]
) -> Expectation:
    """Return what one merged result says, as the pages print it: name, sentence, what a failure does."""
    name = row["expectation"]
    if not row["is_release"] and name in declared:
        known = declared[name]
        text = f"{name}: {known.description}"
        return Expectation(name, text, known.type, known.arguments, row["severity"])
    sentence, query = queries.get(name, ("", f"select t.* from {table_name} as t"))
    text = f"{name}{' (whole release)' if row['is_release'] else ''}: {sentence or row['detail'] or 'In SQL.'}"
    return Expectation(f"{name}/release", text, "UnexpectedRowsExpectation", {"unexpected_rows_query": query}, row["severity"])


def _make_results(table_name: str, merged: pl.DataFrame, quarantined: pl.DataFrame) -> Iterator[Any]:
    from great_expectations.core import ExpectationValidationResult

    own = quarantined.filter(pl.col("table_name") == table_name)
    for row, built in zip(merged.iter_rows(named=True), _build_expectations(table_name, merged), strict=True):
        keys = own.filter(pl.col("expectation") == row["expectation"])["row_key"].head(SAMPLE_ROWS).to_list()
        checked, failed = row["checked_count"], row["failed_count"]
        percent = 100 * failed / checked if checked else 0.0
        found = {
            "element_count": checked, "unexpected_count": failed, "unexpected_percent": percent,
            "unexpected_percent_total": percent, "partial_unexpected_list": keys if not row["is_release"] else [],
            "observed_value": row["detail"] or f"{failed} of {checked} rows failed",
        }  # fmt: skip
        config = built.configuration
        yield ExpectationValidationResult(success=row["is_success"], expectation_config=config, result=found)


def _make_pages_local(folder: Path) -> None:
    """Leave nothing in the pages that refers to another host, and give them the stylesheet of this package."""
    style = files("expectations").joinpath(STYLESHEET).read_text("utf-8")
    for page in folder.rglob("*.html"):
        html = _ANCHORS.sub(r"\1", _OUTSIDE_TAGS.sub("", _SCRIPTS.sub("", page.read_text("utf-8"))))
        page.write_text(html.replace("</head>", f"<style>{style}</style></head>", 1), "utf-8")
