"""HTML -> the lines that a reader of the page sees, with their places in the raw bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tasks.text.repair import EDITS, count_bytes, repair_line

PAGE_READER = "html"
"""Documents with this reader are pages."""

LINES_SCHEMA = {
    "doc": pl.UInt32, "line_no": pl.UInt32, "line": pl.String, "encoding": pl.String, "byte_unit": pl.String,
    "raw_start": pl.UInt64, "raw_end": pl.UInt64, "indent": pl.UInt32, "blank_lines": pl.UInt32, "text": pl.String,
    "edits": EDITS,
}  # fmt: skip
_RAW_TEXT = "script|style|textarea|title|iframe|noembed|noframes|xmp"
# The tokens of https://html.spec.whatwg.org/multipage/parsing.html#tokenization; what has no end goes on to the end of the
# page, as there, so that no character is looked at twice.
_TOKEN = re.compile(
    rf"""<!--.*?(?:-->|\Z)
    |<(?P<raw>{_RAW_TEXT})(?=[\s/>])(?:[^"'>]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+(?:>|\Z).*?(?:</(?P=raw)(?=[\s/>])[^>]*(?:>|\Z)|\Z)
    |<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)(?:[^"'>]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+(?:>|\Z)
    |<[!?/][^>]*+(?:>|\Z)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_UNSEEN = frozenset({"head", "noscript", "template", "svg", "math", "select", "object", "canvas", "audio", "video"})
_BREAK = "br"
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr",
        "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody",
        "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements that the standard's style sheet shows as blocks, rows or cells (15.3 of the HTML standard)."""
_SPACE = re.compile(r"[ \t\n\r\f]+")


def extract_html(documents: pl.DataFrame) -> pl.DataFrame:
    """Return the visible lines of decoded pages, repaired: LINES_SCHEMA, a row a line, in the order of the page.

    A line is the text of a block, or of a block up to a `<br>`. Its white space is collapsed and its markup is gone, each
    as an edit, so that every character leads back to its bytes. `doc` is taken over from the documents.
    """
    # Python a page: parsers that are faster (lexbor, libxml2) do not tell where in the source a text stands.
    rows = [
        row
        for page in documents.select("doc", "text", "text_start", "encoding", "byte_unit").iter_rows(named=True)
        for row in _read_page(page)
    ]
    return pl.DataFrame(rows, schema=LINES_SCHEMA, orient="row")


def _read_page(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    html, unit = page["text"], page["byte_unit"]
    done, done_bytes = 0, page["text_start"]
    for number, line in enumerate(find_lines(html)):
        raw_start = done_bytes + count_bytes(html[done : line.start], unit)
        source = html[line.start : line.end]
        done, done_bytes = line.end, raw_start + count_bytes(source, unit)
        changes = [(start - line.start, end - line.start, new, kind) for start, end, new, kind in line.changes]
        text, edits = repair_line(source, unit, raw_start, changes)
        names = ("start", "end", "raw_start", "raw_end", "kind")
        yield {
            "doc": page["doc"], "line_no": number, "line": source, "encoding": page["encoding"], "byte_unit": unit,
            "raw_start": raw_start, "raw_end": done_bytes, "indent": 0,
            "blank_lines": line.blank_lines if number else 0, "text": text,
            "edits": [dict(zip(names, edit, strict=True)) for edit in edits],
        }  # fmt: skip


@dataclass
class VisibleLine:
    """One line: its first character in the page and the one after it, and what is to change between them."""

    start: int
    end: int
    blank_lines: int
    changes: list[tuple[int, int, str, str]] = field(default_factory=list)


def find_lines(html: str) -> Iterator[VisibleLine]:
    """Yield the visible lines of a page, in order: from the first to the last character that is seen of each."""
    line: VisibleLine | None = None
    breaks = 2
    for start, end, kind in _find_stretches(html):
        if kind == "text":
            if line is None:
                line = VisibleLine(start, end, int(breaks > 1))
            else:
                if change := _join(html, line.end, start):
                    line.changes.append(change)
                line.end = end
            breaks = 0
        elif kind in ("block", "break"):
            if line is not None:
                yield line
                line = None
            breaks += 2 if kind == "block" else 1
    if line is not None:
        yield line


def _join(html: str, start: int, end: int) -> tuple[int, int, str, str] | None:
    """Return the change that brings what stands between two words to a space, or to nothing where no white space is."""
    between = html[start:end]
    if between in ("", " "):
        return None
    without_markup = _TOKEN.sub("", between)
    new = " " if _SPACE.search(without_markup) else ""
    return start, end, new, "tag" if len(without_markup) < len(between) else "blank"


def _find_stretches(html: str) -> Iterator[tuple[int, int, str]]:
    """Yield words (`text`), `block` boundaries and line `break`s; inline markup and white space lie between them."""
    position, unseen, depth = 0, "", 0
    for token in _TOKEN.finditer(html):
        if not unseen:
            yield from _find_words(html, position, token.start())
        position = token.end()
        name = (token["name"] or "").lower()
        if unseen:
            is_same, is_end = name == unseen, bool(token["end"])
            depth += is_same and (-1 if is_end else 0 if token.group().endswith("/>") else 1)
            if depth > 0 and not (unseen == "head" and name == "body"):
                continue
            unseen, depth = "", 0
        elif name in _UNSEEN and not token["end"] and not token.group().endswith("/>"):
            unseen, depth = name, 1
        if name == _BREAK:
            yield token.start(), token.end(), "break"
        elif name in _BLOCKS:
            yield token.start(), token.end(), "block"
    if not unseen:
        yield from _find_words(html, position, len(html))


def _find_words(html: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches between white space."""
    for match in _WORD.finditer(html, start, end):
        yield match.start(), match.end(), "text"


_WORD = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")
