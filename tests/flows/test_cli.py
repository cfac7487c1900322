"""The command line as a person meets it: what it prints, its exit codes, and errors of one line."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app, make_printable
from flows.explain import mark_body
from tests.builders import build_table
from tests.flows.test_build_warehouse import BRIDGE, HARVEST
from warehouse.releases import lock_warehouse
from warehouse.tables import FACT_QUOTES

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder, with two texts, an empty file and the warehouse built from them."""
    folder = tmp_path_factory.mktemp("cli")
    inbox = folder / "inbox"
    inbox.mkdir()
    for name, text in (("bridge.txt", BRIDGE), ("harvest.txt", HARVEST), ("empty.txt", "")):
        inbox.joinpath(name).write_text(text, encoding="utf-8")
    saved, before = dict(os.environ), Path.cwd()
    os.chdir(folder)
    os.environ["ONRECORD_WORKERS"] = "1"
    result = run("build", "inbox", "--engine-free")
    assert result.exit_code == 0, result.output
    folder.joinpath("summary.out").write_text(result.stdout)
    yield folder
    os.chdir(before)
    os.environ.clear()
    os.environ.update(saved)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_a_build_ends_with_a_summary(folder: Path) -> None:
    lines = dict(line.split(maxsplit=1) for line in folder.joinpath("summary.out").read_text().splitlines())
    assert lines["articles"].strip() == "2"
    assert lines["rejected"].strip() == "1: 1 empty"
    assert lines["quotes"].strip().endswith("with a speaker")
    assert lines["result"].startswith("published, release ")
    assert {"find", "clean", "annotate", "publish"} <= set(lines["seconds"].replace(",", " ").split())


def test_a_query_prints_its_rows_in_four_formats(folder: Path) -> None:
    sql = "select 'é|\"' as text, 1.5 as number, null as nothing, [1, 2] as list, date '2024-05-31' as day"
    expected = {"text": 'é|"', "number": 1.5, "nothing": None, "list": [1, 2], "day": "2024-05-31"}
    assert json.loads(run("query", sql, "--format", "json").stdout) == [expected]
    assert [json.loads(line) for line in run("query", sql, "--format", "jsonl").stdout.splitlines()] == [expected]
    assert list(csv.reader(io.StringIO(run("query", sql, "--format", "csv").stdout))) == [
        list(expected),
        ['é|"', "1.5", "", "[1, 2]", "2024-05-31"],
    ]
    header, row, count = run("query", sql).stdout.splitlines()
    assert (header.split(), row.split(), count.strip()) == (
        list(expected),
        ['é|"', "1.5", "[1,", "2]", "2024-05-31"],
        "1 row",
    )
    assert json.loads(run("query", "select 1 where false", "--format", "json").stdout) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select x from nowhere", "Table with name nowhere does not exist"),
        ("selec 1", "syntax error"),
        ("", "the statement has no result"),
        ("drop table fact_quotes", "read-only"),
        ("from read_text('inbox/bridge.txt')", "file system operations are disabled"),
        ("copy (select 1) to 'out.csv'", "file system operations are disabled"),
        ("set lock_configuration = false", "locked"),
    ],
)
def test_what_a_query_may_not_is_one_line_and_exit_code_2(folder: Path, sql: str, message: str) -> None:
    result = run("query", sql)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and message in result.stderr


def test_rejected_lists_what_did_not_get_in_and_why(folder: Path) -> None:
    [row] = json.loads(run("rejected", "--format", "json").stdout)
    assert [row[name] for name in ("what", "stage", "reason", "detail")] == ["empty.txt", "ingest", "empty", "0 bytes"]


def test_releases_lists_the_release(folder: Path) -> None:
    [row] = json.loads(run("releases", "--format", "json").stdout)
    assert (row["article_count"], row["is_current"], row["is_kept"]) == (2, True, True)


def test_explain_shows_an_article_by_the_beginning_of_its_id(folder: Path) -> None:
    sql = "select article_id from fact_articles where source_uri = 'bridge.txt'"
    [row] = json.loads(run("query", sql, "--format", "json").stdout)
    result = run("explain", row["article_id"][:8])
    assert result.exit_code == 0
    assert "bridge.txt" in result.stdout and "Marta Lindqvist" in result.stdout
    assert "“[1]We have waited for ten years" in result.stdout or "“[2]We have waited for ten years" in result.stdout


def test_the_marks_of_a_body_stand_where_the_quotes_stand() -> None:
    spans = [{"start_char": 1, "end_char": 5, "speaker_text": "Ann", "speaker_start_char": 12, "speaker_end_char": 15}]
    marked = mark_body("“Yes,” said Ann. “No.”", build_table(FACT_QUOTES, *spans, {"start_char": 18, "end_char": 21}))
    assert marked.plain == "“[1]Yes,” said Ann. “[2]No.”"
    styled = {marked.plain[span.start : span.end] for span in marked.spans if "yellow" in str(span.style)}
    assert styled == {"Ann"}


def test_nothing_in_a_text_commands_the_terminal() -> None:
    assert make_printable("a\x1b[31mb\x07\x9bc\n\td") == "a\ufffd[31mb\ufffd\ufffdc\n\td"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "nowhere"), "no such file or folder"),
        (("build", "inbox", "--warehouse", "inbox/bridge.txt"), "is not an On Record warehouse"),
        (("query", "select 1", "--warehouse", "none.duckdb"), "does not exist"),
        (("rejected", "--warehouse", "none.duckdb"), "build it first"),
        (("releases", "--warehouse", "none.duckdb"), "does not exist"),
        (("explain", "zzz"), "no article has an id"),
        (("explain", ""), "no article has an id"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and message in result.stderr


def test_a_missing_language_model_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_SPACY_MODEL", "no_such_model")
    result = run("build", "inbox", "--engine-free")
    assert result.exit_code == 2
    assert "no_such_model" in result.stderr and "install" in result.stderr


def test_a_warehouse_that_is_being_built_says_by_whom(folder: Path) -> None:
    with lock_warehouse(folder / "data" / "news.duckdb"):
        result = run("build", "inbox", "--engine-free")
    assert result.exit_code == 2
    assert f"is being built by process {os.getpid()}" in result.stderr


def test_an_entry_of_metadata_that_was_skipped_is_exit_code_4(folder: Path) -> None:
    inbox = folder / "odd"
    inbox.mkdir()
    inbox.joinpath("bridge.json").write_text("[]")
    inbox.joinpath("bridge.txt").write_text(BRIDGE, encoding="utf-8")
    result = run("build", "odd", "--engine-free", "--warehouse", "odd.duckdb")
    assert result.exit_code == 4
    assert "1 malformed_metadata" in result.stdout


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys; from flows.cli import app; app(['--help'], standalone_mode=False);"
        "print(sorted({'prefect', 'polars', 'duckdb', 'spacy', 'great_expectations', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "explain" in done.stdout
