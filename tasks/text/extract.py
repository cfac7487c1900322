"""HTML -> the lines that a reader of the page sees, with their places in the raw bytes and in the structure of the page."""

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

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
_AGAIN = "*+" if sys.version_info >= (3, 11, 7) else "*"
"""Repeats a group that looks ahead: early 3.11 does not go back to where the last, failed round of a possessive repetition began.
What follows always matches, so the other repetition is never taken back either; it only remembers every round."""
# The tokens of https://html.spec.whatwg.org/multipage/parsing.html#tokenization; what has no end goes on to the end of the
# page, as there, and every repetition is possessive, so that no character is looked at twice.
_TOKEN = re.compile(
    rf"""<(?:(?P<raw>(?=[sStTiInNxX])(?i:script|style|textarea|title|iframe|noembed|noframes|xmp))(?=[\s/>]){ATTRIBUTES}
      (?:[^<]++|<(?!/(?i:(?P=raw))[\s/>])){_AGAIN}(?:</[^>]*+(?:>|\Z)|\Z)
    |(?P<name>/?[a-zA-Z][^\s/>]*+){ATTRIBUTES}
    |!--(?:[^-]++|-(?!->)){_AGAIN}(?:-->|\Z)
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
    schema = _PLACES | STRUCTURE
    columns: list[list[Any]] = [
        [] for _ in schema
    ]  # values, not rows: tuples by the thousand keep the garbage collector busy
    changes: dict[int, list[Change]] = {}
    for page in documents.select("doc", "text", "text_start", "encoding", "byte_unit").iter_rows():
        count = len(columns[0])
        found = list(_read_page(*page))
        changes.update((count + number, own) for number, (_, own) in enumerate(found) if own)
        if found:
            for column, values in zip(columns, zip(*[row for row, _ in found], strict=True), strict=True):
                column.extend(values)
    return repair_lines(pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema), changes)


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
        _, tag, container, outer, region_no, is_in_article, is_in_named_body = line.place
        row = (
            doc, number, source, encoding, unit, raw_start, done_bytes, 0, line.blank_lines if number else 0,
            tag, region_of[region_no], line.link_chars / line.chars, container, outer, is_in_article, is_in_named_body,
        )  # fmt: skip
        yield row, _find_changes(html, line, source)


class Place(NamedTuple):
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
    line: VisibleLine | None = None
    opened = _Opened()
    place, kinds = opened.place, dict(_KINDS)
    breaks, position, unseen, depth, is_link = 2, 0, "", 0, False
    # the loop that all of a page goes through, tag by tag: what is common is done here, without a call
    for token in itertools.chain(_TOKEN.finditer(html), (None,)):
        start, after = token.span() if token else (len(html), len(html))
        if start > position and not unseen and (text := html[position:start].lstrip(_BLANKS)):
            chars = len(text)
            first, end = start - chars, start - chars + len(text.rstrip(_BLANKS))
            if line is None:
                line = VisibleLine(first, end, int(breaks > 1), place, [(first, end)], 0, 0)
                lines.append(line)
            else:
                line.end = end
                line.stretches.append((first, end))
            line.chars += end - first
            if is_link:
                line.link_chars += end - first
            breaks = 0
        position = after
        if token is None or (name := token[2]) is None:
            continue
        if (kind := kinds.get(name)) is None:
            kind = kinds[name] = _KINDS.get(name.lower(), _INLINE)
        if unseen:
            name = name.lower()
            depth += _change_depth(token, name, unseen)
            if depth > 0 and not (unseen == "head" and name in _BLOCKS):
                continue
            unseen, depth = "", 0
        if kind == _INLINE:
            continue
        if kind == _OPENS:
            line = None
            breaks = 2
            place = opened.open(token[0])
        elif kind == _CLOSES:
            line = None
            breaks = 2
            place = opened.close(name)
        elif kind == _LINK:
            is_link = name[0] != "/"
        elif kind == _BREAK:
            line = None
            breaks += 1
        elif not token[0].endswith("/>"):
            unseen, depth = name.lower(), 1
    return lines, opened.regions


_INLINE, _OPENS, _CLOSES, _LINK, _BREAK, _HIDES = range(6)
_KINDS = {
    **dict.fromkeys(_UNSEEN, _HIDES), **dict.fromkeys(_BLOCKS, _OPENS), **{f"/{name}": _CLOSES for name in _BLOCKS},
    "a": _LINK, "/a": _LINK, "br": _BREAK, "/br": _BREAK,
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

    def open(self, markup: str) -> Place:
        """Open a block, of which `markup` is the whole tag; return where the text in it stands."""
        stack = self._stack
        known = _know(markup)
        name = known.name
        if name == "hr":
            return stack[-1]
        if stack[-1].name == "p" or (stack[-1].name == name and name in _ENDED_BY_THEIR_LIKE):
            stack.pop()  # a paragraph ends where another block begins
        _, _, container, around, region_no, is_in_article, is_in_named_body = outer = stack[-1]
        if known.region and known.region != self.regions[region_no].name:
            self.regions.append(Region(known.region, region_no))
            region_no = len(self.regions) - 1
        if not known.is_leaf:
            self._count += 1
            container, around = self._count, outer.container
        place = Place(
            name, name, container, around, region_no, is_in_article or name == "article",
            is_in_named_body or known.is_named_body,
        )  # fmt: skip
        stack.append(place)
        if len(stack) > self._DEEPEST:
            del stack[1]
        return place

    def close(self, name: str) -> Place:
        """Close the nearest block that an end tag names, with all inside that has no end; an end of nothing closes nothing."""
        stack = self._stack
        name = name[1:].lower()
        if stack[-1].name == name:
            stack.pop()
            return stack[-1]
        for back in range(2, min(len(stack), self._FARTHEST_END)):
            if stack[-back].name == name:
                del stack[-back:]
                break
        return stack[-1]


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
_NAME_OF_TAG = re.compile(r"[^\s/>]+")
_WORD_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST_NAME_CHARS = 1_000


class _Known(NamedTuple):
    """What the tag of a block says: its name, the region that it is, whether it is the body of an article, and one of _LEAVES."""

    name: str
    region: str | None
    is_named_body: bool
    is_leaf: bool


@lru_cache(maxsize=10_000)
def _know(markup: str) -> _Known:
    name = _NAME_OF_TAG.match(markup, 1)[0].lower()  # type: ignore[index]  # a tag has one
    if name in _WHOLE:
        return _Known(name, None, False, name in _LEAVES)
    region, is_named_body = _know_names(_read_names(markup)) if "=" in markup else (None, False)
    return _Known(name, _REGION_OF.get(name) or region, is_named_body, name in _LEAVES)


def _read_names(markup: str) -> str:
    """Return what the class, id, role, label or property of an element call it, as the attributes have it."""
    return " ".join(["".join(names) for names in _NAMING.findall(markup[:_MOST_NAME_CHARS])])


@lru_cache(maxsize=10_000)
def _know_names(names: str) -> tuple[str | None, bool]:
    if not names:
        return None, False
    phrase = " ".join(_WORD_OF_NAME.findall(names)).lower()
    regions = {_REGION_OF_WORD[word] for word in phrase.split(" ") if word in _REGION_OF_WORD}
    if not regions and _RELATED_PHRASES.search(phrase):
        regions = {"related"}
    has_body = "body" in phrase or "content" in phrase or "text" in phrase
    return min(regions, key=_RANKS.__getitem__, default=None), has_body and bool(_NAMED_BODY.search(phrase))


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


def _find_changes(html: str, line: VisibleLine, source: str) -> list[Change]:
    """Return what is to change in the source of a line: white space to one space, markup to nothing or to a space."""
    if len(line.stretches) == 1:
        # white space other than a space is not printable: most lines have nothing to collapse
        if source.isprintable() and "  " not in source:
            return []
        return [(match.start(), match.end(), " ", "blank") for match in _BLANK_RUN.finditer(source)]
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
