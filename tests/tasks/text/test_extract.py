"""HTML -> visible lines that lead back to their bytes."""

import re

import polars as pl
import pytest

from tasks.clean import clean_documents
from tasks.text.extract import find_lines
from tasks.text.trace import read_span
from tests.builders import raw_documents

PAGE = """<!DOCTYPE html><html><head><title>Bridge to close | The Gazette</title>
<style>p { color: red }</style><script>var a = "<p>not this</p>";</script></head>
<body><h1>Bridge to close for
   repairs</h1><!-- <p>nor this</p> --><noscript><p>nor that</p></noscript>
<p>The old bridge will close in May, the council said on&nbsp;Monday.</p>
<p>“We have <em>waited</em> for ten years,” said
<a href="/m?a=1&amp;b='>'">Marta   Lindqvist</a>, the mayor of <b>Östby</b>.<br>“It is time,” she said<br/><br>again.</p></body></html>"""


def visible(html: str) -> list[str]:
    documents = raw_documents(html, reader="html")
    return clean_documents(documents).segments["text"].to_list()


def test_a_page_gives_the_lines_that_are_seen() -> None:
    assert visible(PAGE) == [
        "Bridge to close for repairs",
        "The old bridge will close in May, the council said on\xa0Monday.",
        "“We have waited for ten years,” said Marta Lindqvist, the mayor of Östby.",
        "“It is time,” she said",
        "again.",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_character_of_a_body_leads_back_to_its_bytes(encoding: str) -> None:
    documents = raw_documents(PAGE.encode(encoding), reader="html")
    cleaned = clean_documents(documents)
    [article] = cleaned.articles.to_dicts()
    body = article["body"]
    segments = cleaned.segments
    words = [match.span() for match in re.finditer(r"\S+", body)]
    for (start, _), (_, end) in zip(words, words[3:], strict=False):
        assert read_span(documents["raw"][0], article["encoding"], segments, start, end) == body[start:end]
    for row in segments.iter_rows(named=True):
        source = documents["raw"][0][row["raw_start"] : row["raw_end"]].decode(
            encoding.replace("-sig", "") if encoding != "utf-16" else "utf-16-le"
        )
        assert source.split()[0].startswith(row["text"].split()[0][:3])


def test_a_page_and_a_text_in_one_batch_keep_their_places() -> None:
    text = "Rain in March\n\nRain has kept the fields wet since March, farmers said on Friday.\n"
    documents = raw_documents(text, PAGE, text, reader=["text", "html", "text"])
    bodies = clean_documents(documents).articles["body"].to_list()
    assert bodies[0] == bodies[2] and "Rain has kept" in bodies[0] and "Marta Lindqvist" in bodies[1]


@pytest.mark.parametrize(
    "part", ["<", "<a ", '<a "', "<!--", "<script>", "<p", "<svg>", "</p", "<![CDATA[", "&lt", " <b> "]
)
def test_what_has_no_end_is_read_once(part: str) -> None:
    lines, _ = find_lines("<p>Seen.</p>" + part * 20_000)
    assert lines and lines[0].start == 3


def test_nothing_of_a_page_without_text_is_an_article() -> None:
    cleaned = clean_documents(raw_documents("<html><script>var a;</script></html>", reader="html"))
    assert cleaned.articles.is_empty()
    assert cleaned.rejected.select("reject_reason").rows() == [("no_body",)]
    assert isinstance(cleaned.segments, pl.DataFrame)
