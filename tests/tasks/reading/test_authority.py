"""An authority file as a newsroom brings it."""

from pathlib import Path

import pytest

from tasks.identity.constraints import AuthorityRow
from tasks.reading.authority import read_authority

HEADER = "name,type,aliases,external_id,scheme\n"


def write(tmp_path: Path, text: str, name: str = "people.csv") -> Path:
    tmp_path.joinpath(name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_row_has_a_name_a_type_aliases_and_an_id_of_a_scheme(tmp_path: Path) -> None:
    text = HEADER + 'Ann Lee,person,"A. Lee; Lee, Ann",Q42,Wikidata\nHarbour Board,organization,,B-7,\nDover,place,,,\n'
    assert read_authority(write(tmp_path, "\ufeff" + text)).rows == (
        AuthorityRow("Ann Lee", "person", "Q42", "wikidata", ("A. Lee", "Lee, Ann"), "people.csv:2"),
        AuthorityRow("Harbour Board", "organization", "B-7", "own", (), "people.csv:3"),
        AuthorityRow("Dover", "place", None, None, (), "people.csv:4"),
    )


def test_columns_may_be_fewer_or_others_and_in_any_order(tmp_path: Path) -> None:
    assert read_authority(write(tmp_path, "Desk,Type,NAME\nx,person,李小红\n")).rows == (
        AuthorityRow("李小红", "person", None, None, (), "people.csv:2"),
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",person,,,", "it has no name"),
        ("Ann Lee,spirit,,,", "type 'spirit' is none of"),
        ("Ann Lee,person,,42,wikidata", "has not the form of an id of wikidata"),
        ("Ann Lee,person,,Q42,viaf", "has not the form of an id of viaf"),
        ("Ann Lee,person,,,viaf", "it has the scheme viaf and no external_id"),
        ("Ann Lee,person", "more or fewer fields"),
        ("Ann Lee,person,,,,,", "more or fewer fields"),
        ('Ann "Lee,person,"x"y,,', "expected after"),
    ],
)
def test_a_malformed_row_is_skipped_with_its_line_and_the_rest_is_read(tmp_path: Path, row: str, message: str) -> None:
    read = read_authority(write(tmp_path, f"{HEADER}One,person,,,\n{row}\nTwo,person,,,\n"))
    [skipped] = read.skipped
    assert skipped.metadata_uri == "people.csv:3" and message in skipped.detail
    assert [one.name for one in read.rows] == ["One", "Two"]


def test_a_file_without_its_columns_or_that_is_no_text_is_named(tmp_path: Path) -> None:
    write(tmp_path, "who,what\na,b\n")
    tmp_path.joinpath("z.csv").write_bytes(b"\xff\xfe")
    assert [(one.metadata_uri, one.detail) for one in read_authority(tmp_path).skipped] == [
        ("people.csv:1", "line 1: the header has not the columns name and type, each once"),
        ("z.csv:1", "line 1: the file is not UTF-8 text"),
    ]
    assert read_authority(None).rows == ()


def test_a_name_of_ten_thousand_characters_is_read_whole(tmp_path: Path) -> None:
    [row] = read_authority(write(tmp_path, f"{HEADER}{'Ж' * 10_000},person,,,\n")).rows
    assert len(row.name) == 10_000
