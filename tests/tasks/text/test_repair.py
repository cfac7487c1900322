"""Repair of encoding and markup in a line, and the edits that record it."""

import pytest

from tasks.text.decode import decode_documents
from tasks.text.lines import split_lines
from tasks.text.repair import repair_lines
from tests.builders import raw_documents, rows


def repair(raw: str | bytes) -> tuple[str, list[tuple[str, bytes, str]]]:
    """Return the repaired text of one line, and for each edit its new text, its raw bytes and its kind."""
    documents = raw_documents(raw)
    [(text, edits)] = rows(
        documents.pipe(lambda d: decode_documents(d)[0]).pipe(split_lines).pipe(repair_lines), "text", "edits"
    )
    data = documents["raw"].item()
    return text, [(text[e["start"] : e["end"]], data[e["raw_start"] : e["raw_end"]], e["kind"]) for e in edits]


@pytest.mark.parametrize(
    ("raw", "text", "edits"),
    [
        ("Café – “yes” & no; 3 < 4", "Café – “yes” & no; 3 < 4", []),
        ("a&nbsp;b\xa0c", "a\xa0b\xa0c", [("\xa0", b"&nbsp;", "entity")]),
        ("Brandt &amp; Falk", "Brandt & Falk", [("&", b"&amp;", "entity")]),
        ("I don&amp;#8217;t", "I don’t", [("’", b"&amp;#8217;", "entity")]),
        ("R&D; AT&T", "R&D; AT&T", []),
        ("<p>One<br/>two</p>", "One two", [("", b"<p>", "tag"), (" ", b"<br/>", "tag"), ("", b"</p>", "tag")]),
        ("a <em class='x'>b</em>", "a b", [("", b"<em class='x'>", "tag"), ("", b"</em>", "tag")]),
        ("sea\u00adport\u200b", "seaport", [("", "\u00ad".encode(), "control"), ("", "\u200b".encode(), "control")]),
        ("BrÃ¢nzaru", "Brânzaru", [("â", "Ã¢".encode(), "encoding")]),
        ("â€œYes,â€\x9d", "“Yes,”", [("“", "â€œ".encode(), "encoding"), ("”", "â€\x9d".encode(), "encoding")]),
        ("été “x” ".encode() + b"caf\xe9 \x93", "été “x” café “", [("é", b"\xe9", "encoding"), ("“", b"\x93", "encoding")]),
        ("été ".encode() + b"\xed\xa0\x80 x", "été \ufffd x", [("\ufffd", b"\xed\xa0\x80", "encoding")]),
        ("&nbsp;Late", "Late", [("", b"&nbsp;", "entity")]),
    ],
)  # fmt: skip
def test_only_what_is_faulty_is_changed(raw: str | bytes, text: str, edits: list[tuple[str, bytes, str]]) -> None:
    assert repair(raw) == (text, edits)


def test_lines_without_a_fault_pass_through_beside_faulty_ones() -> None:
    documents, _ = decode_documents(raw_documents("One.\nTwo &amp; three.\n\nFour."))
    lines = documents.pipe(split_lines).pipe(repair_lines)
    assert rows(lines, "line_no", "text") == [(0, "One."), (1, "Two & three."), (3, "Four.")]
    assert lines["edits"].list.len().to_list() == [0, 1, 0]
