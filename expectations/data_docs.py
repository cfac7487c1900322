"""Results of a run -> Great Expectations Data Docs: pages of HTML that need no network."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from expectations.base import SMALL_QUARANTINE, Expectation
from expectations.engine import COLUMNS_AS_DECLARED, build_expectation, preload
from expectations.release import list_checks
from expectations.suites import SUITES
from warehouse.tables import TABLES

STYLESHEET = "data_docs.css"
SAMPLE_ROWS = 20

_SCRIPT_OR_STYLE = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_OUTSIDE_TAG = re.compile(
    r"""<(?:link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["'](?:(?:https?:)?//|(?:\.\./)+static/)[^>]*>""",
    re.IGNORECASE,
)
_OUTSIDE_ANCHOR = re.compile(
    r"""<a\b[^>]*\bhref\s*=\s*["'](?:(?:https?:)?//|(?:\.\./)+expectations/)[^>]*>(.*?)</a>""",
    re.IGNORECASE | re.DOTALL,
)
_UP = re.compile(r"(?:\.\./)+index\.html")


def build_data_docs(
    results: pl.DataFrame, quarantined: pl.DataFrame, folder: Path, run_id: str, built_at: datetime
) -> Path:
    """Build the Data Docs of one run in `folder`: a page a table, and `index.html`, whose path is returned.

    Args:
        results: EXPECTATION_RESULTS of the run, all batches and the release (`run_id` may be missing).
        quarantined: QUARANTINED_ROWS of the run, from which the pages show up to 20 keys an expectation.
        folder: Where the pages go; made when missing.
        run_id: The run, as the pages name it.
        built_at: When the run was validated, in UTC.
    """
    folder.mkdir(parents=True, exist_ok=True)
    merged = merge_results(results)
    for (table_name,), own in merged.group_by("table_name", maintain_order=True):
        page = _render_page(str(table_name), own, quarantined, run_id, built_at)
        (folder / f"{table_name}.html").write_text(page, "utf-8")
    index = folder / "index.html"
    index.write_text(_render_index(merged, run_id, built_at), "utf-8")
    return index


def merge_results(results: pl.DataFrame) -> pl.DataFrame:
    """Add up the results of all batches: a row per (table_name, expectation, is_release), tables as declared.

    Columns besides: severity (the gravest), is_success (everywhere), checked_count, failed_count, detail (the last).
    """
    severities, tables = pl.Enum(["stop", "quarantine", "warn"]), pl.Enum([table.name for table in TABLES])
    return (
        results.with_columns(is_release=pl.col("batch_no") < 0)
        .group_by("table_name", "expectation", "is_release", maintain_order=True)
        .agg(
            pl.col("severity").cast(severities).min().cast(pl.String),
            pl.col("is_success").all(),
            pl.col("checked_count").sum(),
            pl.col("failed_count").sum(),
            pl.col("detail").drop_nulls().last(),
        )
        .sort(pl.col("table_name").cast(tables), maintain_order=True)
    )


def _render_page(
    table_name: str, merged: pl.DataFrame, quarantined: pl.DataFrame, run_id: str, built_at: datetime
) -> str:
    """Return the page of one table, as Great Expectations renders the result of a validation."""
    gx = preload()
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    outcomes = list(_make_results(table_name, merged, quarantined))
    good = sum(outcome.success for outcome in outcomes)
    statistics = {
        "evaluated_expectations": len(outcomes), "successful_expectations": good,
        "unsuccessful_expectations": len(outcomes) - good, "success_percent": 100 * good / len(outcomes),
    }  # fmt: skip
    meta = {
        "run_id": RunIdentifier(run_name=run_id, run_time=built_at),
        "great_expectations_version": gx.__version__,
        "batch_spec": {"data_asset_name": table_name},
    }
    validation = ExpectationSuiteValidationResult(
        success=good == len(outcomes),
        results=outcomes,
        suite_name=table_name,
        statistics=statistics,
        meta=meta,
    )
    content = ValidationResultsPageRenderer(run_info_at_end=True).render(validation)
    page: str = _open_view().render(content)
    return _make_local(page)


@cache
def _open_view() -> Any:
    """Return the view that renders every page: it compiles its templates once, which takes longer than all rendering."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _make_results(table_name: str, merged: pl.DataFrame, quarantined: pl.DataFrame) -> Iterator[Any]:
    from great_expectations.core import ExpectationValidationResult

    own = quarantined.filter(pl.col("table_name") == table_name)
    declared, queries = _find_declared(table_name), _find_queries(table_name)
    for row in merged.iter_rows(named=True):
        is_sampled = not row["is_release"]
        # Great Expectations prints values as they are, and they come from texts of strangers.
        failed_rows = own.filter(pl.col("expectation") == row["expectation"])
        keys = [escape(key) for key in failed_rows["row_key"].head(SAMPLE_ROWS)]
        checked, failed = row["checked_count"], row["failed_count"]
        percent = 100 * failed / checked if checked else 0.0
        found = {
            "element_count": checked, "unexpected_count": failed, "unexpected_percent": percent,
            "unexpected_percent_total": percent, "partial_unexpected_list": keys if is_sampled else [],
            "observed_value": f"{failed} of {checked} failed" if not row["detail"] else row["detail"],
        }  # fmt: skip
        built = build_expectation(_describe_result(table_name, row, declared, queries))
        yield ExpectationValidationResult(
            success=row["is_success"], expectation_config=built.configuration, result=found,
            exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        )  # fmt: skip


def _find_declared(table_name: str) -> dict[str, Expectation]:
    own = {e.name: e for suite in SUITES if suite.table.name == table_name for e in suite.all_expectations}
    return {COLUMNS_AS_DECLARED.name: COLUMNS_AS_DECLARED, **own}


def _find_queries(table_name: str) -> dict[str, tuple[str, str]]:
    """Return sentence and query of the checks in SQL, by name."""
    checks = [check for table in TABLES if table.name == table_name for check in list_checks(table)]
    queries = {check.name: (check.description, f"{check.source} where {check.failed}") for check in checks}
    return {SMALL_QUARANTINE: ("Few rows went to quarantine.", f"{table_name} as t"), **queries}


def _describe_result(
    table_name: str,
    row: Mapping[str, Any],
    declared: Mapping[str, Expectation],
    queries: Mapping[str, tuple[str, str]],
) -> Expectation:
    """Return the expectation of a result as the pages print it; checks by query stand with the whole table."""
    name, scope = row["expectation"], "release" if row["is_release"] else "batches"
    known = declared.get(name)
    if known is not None and not row["is_release"] and known.arguments.get("column", name) != name:
        return Expectation(name, f"{name}: {known.description}", known.type, known.arguments, row["severity"])
    sentence, query = queries.get(name, ("", f"{table_name} as t"))
    sentence = (known.description if known is not None else "") or sentence
    text = f"{name} ({scope}, {row['severity']}): {sentence}".rstrip(": ")
    placed = re.sub(rf'"?\b{table_name}\b"?', "{batch}", query)
    # Great Expectations wants the table of a query to be named by this placeholder.
    asked = f"select t.* from {placed}"
    return Expectation(
        f"{name}/{scope}",
        text,
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": asked},
        row["severity"],
    )


def _make_local(page: str) -> str:
    """Return the page without anything that another host would have to send, in the style of this package."""
    page = _SCRIPT_OR_STYLE.sub("", page)
    page = _OUTSIDE_ANCHOR.sub(r"\1", _OUTSIDE_TAG.sub("", page))
    page = _UP.sub("index.html", page)
    return page.replace("</head>", f"<style>{_read_style()}</style></head>", 1)


def _read_style() -> str:
    return files("expectations").joinpath(STYLESHEET).read_text("utf-8")


def _render_index(merged: pl.DataFrame, run_id: str, built_at: datetime) -> str:
    """Return the first page: a line a table, with what failed."""
    tables = merged.group_by("table_name", maintain_order=True).agg(
        expectations=pl.len(),
        failed=(~pl.col("is_success")).sum(),
        names=pl.col("expectation").filter(~pl.col("is_success")).unique(maintain_order=True),
    )
    lines = [_render_line(row) for row in tables.iter_rows(named=True)]
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data Docs of {escape(run_id)}</title><style>{_read_style()}</style></head>
<body><div class="container-fluid">
<h4>Data Docs</h4>
<p>Run {escape(run_id)}, validated {built_at:%Y-%m-%d %H:%M:%S} UTC. A page a table: what was expected,
and what was found.</p>
<table class="table">
<thead><tr><th>Status</th><th>Table</th><th>Expectations</th><th>Failed</th><th>Which</th></tr></thead>
<tbody>
{"".join(lines)}</tbody>
</table>
</div></body>
</html>
"""


def _render_line(row: Mapping[str, Any]) -> str:
    icon = "fa-times text-danger" if row["failed"] else "fa-check-circle text-success"
    name = escape(row["table_name"])
    cells = [
        f'<i class="fas {icon}"></i>',
        f'<a href="{name}.html">{name}</a>',
        row["expectations"],
        row["failed"],
    ]
    cells.append(escape(", ".join(row["names"])))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"
