"""The README is tested like code: its queries give the answers that it prints, and its snippet becomes the rows that it shows."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.build_warehouse import build_directly
from flows.cli import app
from flows.settings import Settings

pytestmark = pytest.mark.xdist_group("samples")

README = Path(__file__).parents[1] / "README.md"
QUERIES = re.findall(r"```sql\n(.*?)```\n```text\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
SNIPPET = re.search(r"```text\n(.*?)```\n\nand these rows.*?```text\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
SNIPPET_QUERY = (
    "select quote_text, quote_type, cue, speaker_text, speaker, via_text from mart_quotes order by start_char"
)


def ask(warehouse: Path, sql: str) -> str:
    result = CliRunner().invoke(app, ["query", sql, "--warehouse", str(warehouse)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.splitlines()).strip()


@pytest.mark.parametrize(("sql", "answer"), QUERIES)
def test_a_query_of_the_readme_gives_the_answer_printed_there(samples_warehouse, sql, answer):
    assert ask(samples_warehouse, sql) == answer.strip()


def test_the_snippet_of_the_readme_becomes_the_rows_printed_there(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ferry.txt").write_text(SNIPPET.group(1), "utf-8")
    warehouse = tmp_path / "news.duckdb"
    build_directly(
        Settings(sources=(str(tmp_path / "in"),), warehouse=warehouse, data_dir=tmp_path, min_age_seconds=0.0)
    )
    assert ask(warehouse, SNIPPET_QUERY) == SNIPPET.group(2).strip()
