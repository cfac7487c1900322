"""Data Docs: a page a table, readable with no network."""

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from expectations.data_docs import build_data_docs, merge_results
from tests.builders import build_table, rows
from warehouse.tables import EXPECTATION_RESULTS, QUARANTINED_ROWS

BUILT_AT = datetime(2024, 5, 2, 6, 30, tzinfo=UTC)
BAD = {"table_name": "fact_quotes", "expectation": "quote_text_is_in_body", "checked_count": 200}
RESULTS = build_table(
    EXPECTATION_RESULTS,
    {"table_name": "fact_articles", "expectation": "columns_are_as_declared", "severity": "stop", "is_success": True},
    {"table_name": "fact_articles", "expectation": "layout_is_in_vocabulary", "is_success": True, "checked_count": 9},
    {**BAD, "failed_count": 2, "batch_no": 0},
    {**BAD, "failed_count": 0, "batch_no": 1, "is_success": True},
    {**BAD, "expectation": "quotes_have_speakers", "severity": "warn", "detail": "share 0.700, at most 0.600"},
    {**BAD, "severity": "stop", "is_success": True, "batch_no": -1},
    {
        "table_name": "dim_entities",
        "expectation": "entity_is_linked",
        "severity": "stop",
        "is_success": True,
        "batch_no": -1,
    },
)
QUARANTINED = build_table(
    QUARANTINED_ROWS, {"table_name": "fact_quotes", "row_key": "q<7>", "expectation": "quote_text_is_in_body"}
)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "runs" / "run-1"
    assert build_data_docs(RESULTS, QUARANTINED, folder, "run-1", BUILT_AT) == folder / "index.html"
    return folder


def read_text(page: Path) -> str:
    """Return the words of a page, without its tags and styles."""
    html = re.sub(r"<style>.*?</style>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_results_of_batches_are_added_up_and_the_release_stands_apart() -> None:
    merged = merge_results(RESULTS).filter(pl.col("expectation") == "quote_text_is_in_body")
    columns = ("is_release", "severity", "is_success", "checked_count", "failed_count")
    assert rows(merged, *columns) == [(False, "quarantine", False, 400, 2), (True, "stop", True, 200, 0)]


def test_there_is_a_page_for_every_table_with_results(docs: Path) -> None:
    assert sorted(page.name for page in docs.iterdir()) == [
        "dim_entities.html",
        "fact_articles.html",
        "fact_quotes.html",
        "index.html",
    ]


def test_the_first_page_says_what_failed_where(docs: Path) -> None:
    text = read_text(docs / "index.html")
    assert "Run run-1, validated 2024-05-02 06:30:00 UTC." in text
    assert "fact_articles 2 0 fact_quotes 3 2 quote_text_is_in_body, quotes_have_speakers dim_entities 1 0" in text


def test_a_page_says_what_was_expected_and_what_was_found(docs: Path) -> None:
    text = read_text(docs / "fact_quotes.html")
    assert "quote_text_is_in_body (batches, quarantine): body[start_char:end_char] is quote_text." in text
    assert "2 unexpected values found. 0.5% of 400 total rows." in text
    assert "share 0.700, at most 0.600" in text
    assert "layout is one of blank_lines, line_per_paragraph, hard_wrapped." in read_text(docs / "fact_articles.html")


def test_the_keys_of_quarantined_rows_are_shown_as_text(docs: Path) -> None:
    html = (docs / "fact_quotes.html").read_text("utf-8")
    assert "q&lt;7&gt;" in html
    assert "q<7>" not in html


def test_no_page_needs_another_host_or_a_script(docs: Path) -> None:
    for page in docs.iterdir():
        html = page.read_text("utf-8")
        assert re.findall(r"""(?:src|href|action)\s*=\s*["']?\s*(?:[a-z]+:)?//[^"'>\s]*""", html, re.IGNORECASE) == []
        assert re.findall(r"<script\b|@import|url\(", html, re.IGNORECASE) == []


def test_every_link_leads_to_a_page_or_a_section_that_is_there(docs: Path) -> None:
    for page in docs.iterdir():
        html = page.read_text("utf-8")
        anchors = set(re.findall(r"""\bid\s*=\s*["']?([^"'>\s]+)""", html))
        for target in re.findall(r"""\bhref\s*=\s*["']([^"']*)["']""", html):
            name, _, anchor = target.partition("#")
            assert (docs / (name or page.name)).exists()
            assert not anchor or name or anchor in anchors
