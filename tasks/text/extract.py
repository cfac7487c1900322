"""HTML -> the lines that a reader of the page sees, with their places in the raw bytes and in the structure of the page."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from tasks.text.repair import Change, count_bytes, repair_lines

PAGE_READER = "html"
"""Documents with this reader are pages."""

STRUCTURE = {
    "tag": pl.String, "region": pl.String, "link_share": pl.Float64, "container": pl.UInt32, "outer": pl.UInt32,
    "is_in_article": pl.Boolean, "is_in_named_body": pl.Boolean,
}  # fmt: skip
"""Where a line stands in its page: the nearest element shown as a block; one of REGIONS; the share of its characters that are
links; the number of the nearest element that holds blocks, and of the one around that; whether an `article` is around it,
and an element that calls itself the body of one."""
REGIONS = ("navigation", "aside", "footer", "form", "caption", "comments", "related")
"""Parts of a page that are known by the element around them, or by what its class, id, role or label says."""
_PLACES = {
    "doc": pl.UInt32, "line_no": pl.UInt32, "line": pl.String, "encoding": pl.String, "byte_unit": pl.String,
    "raw_start": pl.UInt64, "raw_end": pl.UInt64, "indent": pl.UInt32, "blank_lines": pl.UInt32,
}  # fmt: skip

ATTRIBUTES = r"""(?:[^"'>]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+(?:>|\Z)"""
"""A pattern of what follows the name of an element up to the end of its tag."""
# The tokens of https://html.spec.whatwg.org/multipage/parsing.html#tokenization; what has no end goes on to the end of the
# page, as there, and every repetition is possessive, so that no character is looked at twice.
_TOKEN = re.compile(
    rf"""<(?:(?P<raw>(?i:script|style|textarea|title|iframe|noembed|noframes|xmp))(?=[\s/>]){ATTRIBUTES}
      (?:[^<]++|<(?!/(?i:(?P=raw))[\s/>]))*+(?:</[^>]*+(?:>|\Z)|\Z)
    |(?P<name>/?[a-zA-Z][^\s/>]*+){ATTRIBUTES}
    |!--(?:[^-]++|-(?!->))*+(?:-->|\Z)
    |[!?/][^>]*+(?:>|\Z))""",
    re.VERBOSE,
)
_UNSEEN = frozenset({"head", "noscript", "template", "svg", "math", "select", "object", "canvas", "audio", "video"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr",
        "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody",
        "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements that the standard's style sheet shows as blocks, rows or cells (15.3 of the HTML standard)."""
_LEAVES = frozenset(
    {"blockquote", "caption", "dd", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p", "pre", "summary", "td", "th"}
)  # fmt: skip
"""Blocks that hold the text of a container."""
_ENDED_BY_THEIR_LIKE = frozenset({"dd", "dt", "li", "td", "th", "tr"})
_BLANKS = " \t\n\r\f"
_BLANK_RUN = re.compile(r"[\t\n\r\f][ \t\n\r\f]*+| [ \t\n\r\f]++")


def extract_html(documents: pl.DataFrame) -> pl.DataFrame:
    """Return the visible lines of decoded pages, repaired, as `read_lines` has them, with STRUCTURE; in the order of the page.

    A line is the text of a block, or of a block up to a `<br>`. Its white space is collapsed and its markup is gone, each
    as an edit, so that every character leads back to its bytes. `doc` is taken over from the documents.
    """
    # Python a page: parsers that are faster (lexbor, libxml2) do not tell where in the source a text stands.
    rows: list[tuple[Any, ...]] = []
    changes: dict[int, list[Change]] = {}
    for page in documents.select("doc", "text", "text_start", "encoding", "byte_unit").iter_rows():
        for row, line_changes in _read_page(*page):
            if line_changes:
                changes[len(rows)] = line_changes
            rows.append(row)
    return repair_lines(pl.DataFrame(rows, schema=_PLACES | STRUCTURE, orient="row"), changes)


def _read_page(
    doc: int, html: str, text_start: int, encoding: str, unit: str
) -> Iterator[tuple[tuple[Any, ...], list[Change]]]:
    """Yield the row of each line, and the changes that make it what is seen."""
    lines, regions = find_lines(html)
    counted_as = "one byte" if unit == "utf-8" and html.isascii() else unit
    region_of = _settle_regions(lines, regions)
    done, done_bytes = 0, text_start
    for number, line in enumerate(lines):
        raw_start = done_bytes + count_bytes(html[done : line.start], counted_as)
        source = html[line.start : line.end]
        done, done_bytes = line.end, raw_start + count_bytes(source, counted_as)
        place = line.place
        row = (
            doc, number, source, encoding, unit, raw_start, done_bytes, 0, line.blank_lines if number else 0,
            place.tag, region_of[place.region_no], line.link_chars / line.chars, place.container, place.outer, place.is_in_article,
            place.is_in_named_body,
        )  # fmt: skip
        yield row, _find_changes(html, line)


@dataclass(slots=True)
class Place:
    """An open element: its name, the block that its text stands in, and what is around."""

    name: str = ""
    tag: str = ""
    container: int = 0
    outer: int = 0
    region_no: int = 0
    is_in_article: bool = False
    is_in_named_body: bool = False


@dataclass(slots=True)
class VisibleLine:
    """One line: its first character in the page and the one after it, the stretches of text inside, its place, its length."""

    start: int
    end: int
    blank_lines: int
    place: Place
    stretches: list[tuple[int, int]]
    chars: int
    link_chars: int


@dataclass(slots=True)
class Region:
    """An element that is one of REGIONS, and the number of the one around it."""

    name: str | None
    outer: int


def find_lines(html: str) -> tuple[list[VisibleLine], list[Region]]:
    """Return the visible lines of a page, in order, from the first to the last character seen of each, and its regions.

    Region 0 is none.
    """
    lines: list[VisibleLine] = []
    opened = _Opened()
    line: VisibleLine | None = None
    breaks, position, unseen, depth, is_link = 2, 0, "", 0, False
    for token in itertools.chain(_TOKEN.finditer(html), (None,)):
        start, after = token.span() if token else (len(html), len(html))
        if start > position and not unseen and (text := html[position:start].lstrip(_BLANKS)):
            first, end = start - len(text), start - len(text) + len(text.rstrip(_BLANKS))
            if line is None:
                line = VisibleLine(first, end, int(breaks > 1), opened.place, [(first, end)], 0, 0)
                lines.append(line)
            else:
                line.end = end
                line.stretches.append((first, end))
            line.chars += end - first
            line.link_chars += end - first if is_link else 0
            breaks = 0
        position = after
        name = token[2] if token else None
        if token is None or name is None or not (unseen or (kind := _KINDS.get(name) or _KINDS.get(name.lower()))):
            continue
        if unseen:
            name = name.lower()
            depth += _change_depth(token, name, unseen)
            if depth > 0 and not (unseen == "head" and name in _BLOCKS):
                continue
            unseen, depth, kind = "", 0, _KINDS.get(name)
        if kind == "block":
            line = None
            breaks = 2
            opened.see(name.lower(), token[0])
        elif kind == "link":
            is_link = name[0] != "/"
        elif kind == "break":
            line = None
            breaks += 1
        elif kind == "unseen" and not token[0].endswith("/>"):
            unseen, depth = name.lower(), 1
    return lines, opened.regions


_KINDS = {
    **dict.fromkeys(_UNSEEN, "unseen"), **dict.fromkeys(_BLOCKS, "block"), **{f"/{name}": "block" for name in _BLOCKS},
    "a": "link", "/a": "link", "br": "break", "/br": "break",
}  # fmt: skip


def _change_depth(token: re.Match[str], name: str, unseen: str) -> int:
    if name == unseen:
        return 0 if token[0].endswith("/>") else 1
    return -1 if name[0] == "/" and name[1:] == unseen else 0


class _Opened:
    """The blocks that are open: a stack, as a browser keeps it where end tags may be missing, but of bounded depth."""

    _DEEPEST, _FARTHEST_END = 512, 64

    def __init__(self) -> None:
        self.place = Place()
        self.regions = [Region(None, 0)]
        self._stack = [self.place]
        self._count = 0

    def see(self, name: str, markup: str) -> None:
        """Open or close a block; `markup` is its whole tag."""
        stack = self._stack
        if name[0] == "/":
            name = name[1:]
            if stack[-1].name == name:
                stack.pop()
            else:
                self._close_far(name)
        elif name != "hr":
            if stack[-1].name == "p" or (stack[-1].name == name and name in _ENDED_BY_THEIR_LIKE):
                stack.pop()  # a paragraph ends where another block begins
            stack.append(self._enter(stack[-1], name, markup))
            if len(stack) > self._DEEPEST:
                del stack[1]
        self.place = stack[-1]

    def _close_far(self, name: str) -> None:
        """Close the nearest element of a name, with all inside that has no end; an end of nothing closes nothing."""
        for back in range(2, min(len(self._stack), self._FARTHEST_END)):
            if self._stack[-back].name == name:
                del self._stack[-back:]
                return

    def _enter(self, outer: Place, name: str, markup: str) -> Place:
        region, is_named_body = _know(name, markup)
        region_no = outer.region_no
        if region and region != self.regions[region_no].name:
            self.regions.append(Region(region, region_no))
            region_no = len(self.regions) - 1
        container, around = outer.container, outer.outer
        if name not in _LEAVES:
            self._count += 1
            container, around = self._count, outer.container
        return Place(
            name, name, container, around, region_no, outer.is_in_article or name == "article",
            outer.is_in_named_body or is_named_body,
        )  # fmt: skip


_WHOLE = frozenset({"html", "body", "main"})
_REGION_OF = {
    "nav": "navigation", "menu": "navigation", "aside": "aside", "footer": "footer", "form": "form", "search": "form",
    "dialog": "form", "figcaption": "caption", "figure": "caption", "caption": "caption",
}  # fmt: skip
_NAMING = re.compile(
    r"""\s(?:class|id|role|aria-label|itemprop)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE
)
# Words of the trade, in English as code is; whole words of a class such as `article__related-links` or `sideBar`.
_NAMED_REGIONS = {  # the surest first
    "comments": "comment comments commentlist disqus reply replies respond",
    "caption": "caption figcaption credit credits gallery slideshow carousel",
    "navigation": "nav navbar navigation breadcrumb breadcrumbs menu menubar pagination pager skip toolbar tabs",
    "footer": "footer colophon copyright legal contentinfo",
    "form": "newsletter newsletters subscribe subscription signup paywall cookie cookies consent gdpr login popup modal banner alert",
    "related": "related recommended recommendation recommendations recirc trending popular promo promotion teaser teasers share "
    "sharing social sponsored advert advertisement ad ads outbrain taboola widget widgets sidebar latest tags",
}  # fmt: skip
_REGION_OF_WORD = {word: region for region, words in reversed(_NAMED_REGIONS.items()) for word in words.split()}
_RANKS = {region: rank for rank, region in enumerate(_NAMED_REGIONS)}
_RELATED_PHRASES = re.compile(r"\b(?:author bio|more stories|read more|most read|see also)\b")
_NAMED_BODY = re.compile(
    r"\b(?:article|story|entry|post|news|content|single) (?:main )?(?:body|content|text)\b|\bbody (?:text|content|copy)\b"
)
_WORD_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST_NAME_CHARS = 1_000


@lru_cache(maxsize=10_000)
def _know(name: str, markup: str) -> tuple[str | None, bool]:
    """Return the region that an element is, if any, and whether it is the body of an article: by its name or what it is called."""
    if name in _WHOLE:
        return None, False
    region, is_named_body = _know_names(_read_names(markup))
    return _REGION_OF.get(name) or region, is_named_body


def _read_names(markup: str) -> str:
    """Return what the class, id, role, label or property of an element call it, as the attributes have it."""
    return " ".join(["".join(names) for names in _NAMING.findall(markup[:_MOST_NAME_CHARS])])


@lru_cache(maxsize=10_000)
def _know_names(names: str) -> tuple[str | None, bool]:
    words = [word.lower() for word in _WORD_OF_NAME.findall(names)]
    regions = {_REGION_OF_WORD[word] for word in words if word in _REGION_OF_WORD}
    phrase = " ".join(words)
    if not regions and _RELATED_PHRASES.search(phrase):
        regions = {"related"}
    return min(regions, key=_RANKS.__getitem__, default=None), bool(_NAMED_BODY.search(phrase))


_LONG_LINE = 80


def _settle_regions(lines: list[VisibleLine], regions: list[Region]) -> list[str | None]:
    """Return the name of every region, that of the outermost; one that holds much of the page's prose is none.

    A page whose sheet of styles calls all of it `has-sidebar` is no sidebar. A thread of comments may be longer than the
    article: it does not count as prose of the page, and is none only where it holds nearly all.
    """
    prose = [0] * len(regions)
    for line in lines:
        if (own := line.chars - line.link_chars) >= _LONG_LINE:
            prose[line.place.region_no] += own
    all_prose = sum(prose)
    without_comments = sum(own for own, region in zip(prose, regions, strict=True) if region.name != "comments")
    for number in range(len(regions) - 1, 0, -1):  # a region has a higher number than those around it
        prose[regions[number].outer] += prose[number]
    names: list[str | None] = [None]
    for region, inside in zip(regions[1:], prose[1:], strict=True):
        is_comments = region.name == "comments"
        most = _MOST_PROSE_OF_COMMENTS * all_prose if is_comments else _MOST_PROSE * without_comments
        names.append(names[region.outer] or (region.name if inside <= most else None))
    return names


_MOST_PROSE, _MOST_PROSE_OF_COMMENTS = 0.4, 0.9


def _find_changes(html: str, line: VisibleLine) -> list[Change]:
    """Return what is to change in the source of a line: white space to one space, markup to nothing or to a space."""
    changes: list[Change] = []
    done = line.start
    for start, end in line.stretches:
        if done < start:
            between = _TOKEN.sub("", html[done:start])
            kind = "tag" if len(between) < start - done else "blank"
            changes.append(
                (done - line.start, start - line.start, " " if any(map(between.__contains__, _BLANKS)) else "", kind)
            )
        changes.extend(
            (match.start() - line.start, match.end() - line.start, " ", "blank")
            for match in _BLANK_RUN.finditer(html, start, end)
        )
        done = end
    return changes
