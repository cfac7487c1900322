"""The data dictionary says what the declarations say."""

from pathlib import Path

from warehouse.dictionary import render_dictionary
from warehouse.tables import TABLES

DICTIONARY = Path(__file__).parents[2] / "docs" / "dictionary.md"


def test_the_dictionary_in_the_docs_is_the_generated_one() -> None:
    assert DICTIONARY.read_text("utf-8") == render_dictionary(), "run: python -m warehouse.dictionary"


def test_the_dictionary_names_every_table_with_its_grain_key_and_columns() -> None:
    text = render_dictionary()
    for table in TABLES:
        section = text.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
        assert section.startswith(f"\nOne row: {table.grain}. Key: {', '.join(f'`{name}`' for name in table.key)}.")
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == table.column_names
    for part in (
        "| `article_id` | varchar |  | One state of one document: hash of document_id and raw_sha256. Refers to `fact_",
        "| `published_on` | date | yes | ",
        " One of `direct`, `mixed`, `term`, `indirect`. |",
    ):
        assert part in text
