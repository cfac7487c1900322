"""Lines, layout and blocks."""

import pytest

from tasks.clean import join_blocks
from tasks.text.decode import decode_documents
from tasks.text.lines import find_layout, number_blocks, split_lines
from tasks.text.repair import repair_lines
from tests.builders import raw_documents, rows

WRAPPED = """\
Ferry talks adjourn with draft on the table

LISBON (Continental Wire) — Negotiators for the striking ferry crews
took home a written offer on Tuesday after an all-night meeting, the
first sign of movement in a nine-day dispute.

The offer would restore an eleven-hour rest between two night cross-
ings, the spokeswoman for the ferry line said.
"""
INDENTED = """\
COCOA REVIEW OF THE WEEK
    SALVADOR, Feb 26 - Showers continued throughout the week in
the cocoa zone, alleviating the drought since early January and
improving prospects for the coming crop.
    The dry period means the crop will be late this year, growers
said on Monday.
"""


def test_every_kind_of_line_end_splits_and_blank_lines_are_counted() -> None:
    documents, _ = decode_documents(raw_documents("a\r\nb\rc\n\n d \x0ce\x85f\u2028g"))
    lines = split_lines(documents)
    assert rows(lines, "line_no", "line", "raw_start", "raw_end", "indent", "blank_lines") == [
        (0, "a", 0, 1, 0, 0), (1, "b", 3, 4, 0, 0), (2, "c", 5, 6, 0, 0), (4, "d", 9, 10, 1, 1),
        (5, "e", 12, 13, 0, 0), (6, "f", 15, 16, 0, 0), (7, "g", 19, 20, 0, 0),
    ]  # fmt: skip


def test_bytes_are_counted_in_the_encoding_of_each_document() -> None:
    texts = ["é\n“a”".encode(), "é\n“a”".encode("cp1252"), "é\n“a”".encode("utf-16"), "\ufeffé\n“a”".encode()]
    documents, _ = decode_documents(raw_documents(*texts))
    places = rows(split_lines(documents), "doc", "raw_start", "raw_end")
    assert places == [(0, 0, 2), (0, 3, 10), (1, 0, 1), (1, 2, 5), (2, 2, 4), (2, 6, 12), (3, 3, 5), (3, 6, 13)]


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (WRAPPED, "hard_wrapped"),
        (INDENTED, "hard_wrapped"),
        ("One sentence stands here.\n\nAnother one stands here.\n\nA third.", "blank_lines"),
        ("One sentence stands here.\nAnother one stands here.\nA third.", "line_per_paragraph"),
        ("One sentence alone.", "line_per_paragraph"),
        ("Lisbon\nContinental Wire\n—\n" + "The crews of the ferries voted on Monday. " * 5, "line_per_paragraph"),
    ],
)
def test_the_layout_of_a_text_is_found(text: str, layout: str) -> None:
    lines = decode_documents(raw_documents(text))[0].pipe(split_lines).pipe(repair_lines)
    assert rows(find_layout(lines), "layout") == [(layout,)]


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (WRAPPED, ["Ferry talks", "LISBON (Con", "The offer w"]),
        (INDENTED, ["COCOA REVIE", "SALVADOR, F", "The dry per"]),
    ],
)
def test_wrapped_lines_are_joined_into_paragraphs(text: str, starts: list[str]) -> None:
    lines = decode_documents(raw_documents(text))[0].pipe(split_lines).pipe(repair_lines)
    blocks = join_blocks(number_blocks(lines, find_layout(lines)))
    assert [block[:11] for block in blocks["text"]] == starts


def test_a_line_that_ends_in_a_hyphen_is_joined_without_a_blank() -> None:
    lines = decode_documents(raw_documents(WRAPPED))[0].pipe(split_lines).pipe(repair_lines)
    blocks = join_blocks(number_blocks(lines, find_layout(lines)))
    assert (
        blocks["text"][-1]
        == "The offer would restore an eleven-hour rest between two night cross-ings, the spokeswoman for the ferry line said."
    )
