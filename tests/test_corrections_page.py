"""The page on corrections shows what can be read: every example is a correction, and its documents are in samples/."""

import re
from pathlib import Path

import pytest

from flows.corrections import check_corrections
from tasks.reading.authority import read_authority
from tasks.reading.corrections import FIELDS, read_corrections
from warehouse.connection import connect_read_only

PAGE = Path(__file__).parents[1] / "docs" / "corrections.md"


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_every_action_has_an_example_that_can_be_read(tmp_path: Path) -> None:
    tmp_path.joinpath("page.yml").write_text("".join(find_blocks("yaml")), encoding="utf-8")
    read = read_corrections(tmp_path)
    assert read.skipped == ()
    assert {one.action for one in read.corrections} == set(FIELDS)


def test_the_example_of_an_authority_file_can_be_read(tmp_path: Path) -> None:
    [text] = find_blocks("csv")
    tmp_path.joinpath("page.csv").write_text(text, encoding="utf-8")
    read = read_authority(tmp_path)
    assert (len(read.rows), read.skipped) == (3, ())


@pytest.mark.xdist_group("samples")
def test_the_examples_are_about_documents_of_the_samples(samples_warehouse: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("page.yml").write_text("".join(find_blocks("yaml")), encoding="utf-8")
    outcomes = check_corrections(samples_warehouse, tmp_path, None).outcomes
    assert [detail for detail in outcomes["detail"].drop_nulls() if "stand" in detail or "document" in detail] == []
    [sql] = find_blocks("sql")
    with connect_read_only(samples_warehouse) as con:
        assert con.execute(sql).fetchall() == []
