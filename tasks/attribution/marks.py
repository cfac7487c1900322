"""Find every stretch between quotation marks, and repair marks that do not balance, paragraph by paragraph.

Marks are paired by their shape and by what stands beside them, because real text holds marks of the wrong direction. A quotation
never runs past the end of its paragraph: one that is still open there either goes on in the next paragraph (which then opens with a
mark of its own, the newspaper convention) or was never closed.
"""

import bisect
import re
import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

DOUBLE = {"“": 1, "„": 1, "‟": 1, "〝": 1, "«": 1, "”": -1, "〞": -1, "»": -1, '"': 0, "〟": -1, "＂": 0}
"""Double marks -> the direction of their shape: 1 opens, -1 closes, 0 does not tell."""
SINGLE = {"‘": 1, "‚": 1, "‛": 1, "‹": 1, "’": -1, "›": -1, "'": 0, "`": 1}

# one class of characters first: the search then skips from mark to mark
_MARK = re.compile("[" + "".join(map(re.escape, (*DOUBLE, *SINGLE))) + r"](?:(?<=`)`|(?<=')')?")
_OPENS_AFTER = frozenset(" \t\u00a0\u2009\u202f([{—–-/…:“‘\"'«„\u200b")
_CLOSES_BEFORE = frozenset(" \t\u00a0\u2009\u202f.,;:!?)]}—–-/…”’\"'»")
_SENTENCE_END = re.compile(r"[.!?…][)\]’']*(?=\s)")
_SAID = r"(?:said|says|added|adds|told|asked|replied|wrote|explained)"
_ATTRIBUTION_BEHIND = re.compile(
    rf"[,?!] (?={_SAID} (?:[A-Z]|an? |the |his |her )|(?:he|she|they|[A-Z]\w+(?: [A-Z]\w+){{0,2}}) {_SAID}\b)"
)
"""Where a quotation that is never closed ends all the same: before the words that attribute it."""
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")  # left-over markup: the marks in it hold the values of attributes
_FEET = re.compile(r"\d['’′]\s?\d{1,2}$")
_LOWER_WORD = re.compile(r"\s+[a-z]")
_ELISION = re.compile(r"(?:\d0s|em|til|tis|twas|cause|bout|n|round|cos)\b", re.IGNORECASE)


class Mark(NamedTuple):
    """One quotation mark: its place, whether it is double, and how well it can open and close."""

    start: int
    end: int
    is_double: bool
    direction: int
    can_open: bool
    can_close: bool


class MarkedSpan(NamedTuple):
    """One stretch between marks, in characters of its paragraph.

    `start` and `end` bound the words without the marks and without blanks, `outer_start` and `outer_end` take the marks in.
    `depth` is 0 for a quotation, 1 for one inside it. `repair` says how unbalanced marks were read.
    """

    start: int
    end: int
    outer_start: int
    outer_end: int
    is_double: bool
    depth: int = 0
    repair: str | None = None


def find_marks(text: str) -> list[Mark]:
    """Return the marks of one paragraph that may open or close a quotation, in order; apostrophes and inches are left out."""
    marks: list[Mark] = []
    matches = list(_MARK.finditer(text))
    if not matches:
        return marks
    closes_later = _straight_marks_close_later(text, matches) if '"' in text else ()
    is_straight_open = False
    tag_starts, tag_ends = (
        zip(*(m.span() for m in _TAG.finditer(text)), strict=True) if "=" in text and _TAG.search(text) else ((), ())
    )
    for number, match in enumerate(matches):
        sign = match.group()
        if tag_starts:
            tag = bisect.bisect_right(tag_starts, match.start()) - 1
            if tag >= 0 and match.start() < tag_ends[tag]:
                continue
        before, after = _beside(text, match)
        is_double = sign in DOUBLE or len(sign) == 2
        if not is_double and before.isalnum() and after.isalnum():
            continue
        direction = {"``": 1, "''": 0}.get(sign, DOUBLE.get(sign, SINGLE.get(sign, 0)))
        can_open = before in _OPENS_AFTER and not after.isspace()
        can_close = not before.isspace() and after in _CLOSES_BEFORE
        if not is_double and _is_elision(text, match, direction, can_open):
            continue
        if sign == '"':
            if before.isdigit() and (
                not is_straight_open or _FEET.search(text, max(0, match.start() - 6), match.start())
            ):
                continue
            if before.isdigit() and closes_later[number] and _LOWER_WORD.match(text, match.end()):
                continue
            is_straight_open = can_open if can_open != can_close else not is_straight_open
        marks.append(Mark(match.start(), match.end(), is_double, direction, can_open, can_close))
    return marks


def _beside(text: str, match: re.Match[str]) -> tuple[str, str]:
    start, end = match.span()
    return text[start - 1] if start else " ", text[end] if end < len(text) else " "


def _is_elision(text: str, match: re.Match[str], direction: int, can_open: bool) -> bool:
    """Whether the single mark stands for left-out characters: a decade ('90s), 'em, 'n'."""
    return can_open and direction <= 0 and _ELISION.match(text, match.end()) is not None


def _straight_marks_close_later(text: str, matches: Sequence[re.Match[str]]) -> list[bool]:
    """For every mark, whether a straight one that can only close follows before one that can only open."""
    flags, follows = [False] * len(matches), False
    for number in range(len(matches) - 1, -1, -1):
        flags[number] = follows
        if matches[number].group() == '"':
            before, after = _beside(text, matches[number])
            if before.isspace() != after.isspace() or matches[number].end() == len(text):
                follows = not before.isspace()
    return flags


def pair_marks(
    text: str, marks: Sequence[Mark], *, quotes_with_singles: bool, is_continuation: bool = False
) -> tuple[list[MarkedSpan], bool]:
    """Pair the marks of one paragraph.

    Args:
        text: The paragraph.
        marks: Its marks, as `find_marks` returns them.
        quotes_with_singles: Whether the article quotes with single marks, as British papers and headlines do; otherwise single marks
            count only inside double ones.
        is_continuation: Whether a quotation of the paragraph before was still open at its end.

    Returns:
        The spans in order of their start, and whether a quotation is still open at the end of the paragraph.
    """
    if not marks:
        return [], False
    outer = [mark for mark in marks if mark.is_double != quotes_with_singles]
    outer = _drop_possessives(text, outer) if quotes_with_singles else outer
    inner = [mark for mark in marks if mark.is_double == quotes_with_singles]
    spans, is_open = _pair_outer(text, outer, is_continuation)
    starts = [mark.start for mark in inner]
    nested = [child for span in spans for child in _pair_inner(text, inner, starts, span)]
    if quotes_with_singles:  # double marks outside of single ones are quotations all the same
        spans += _pair_outer(text, _leave_out_inside(inner, spans), False)[0]
    return _nest([*spans, *nested]), is_open


def _drop_possessives(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Leave out the mark of a plural possessive (the owners' names): a quotation that goes on is closed by a later mark."""
    kept: list[Mark] = []
    closes_later = False
    for mark in reversed(marks):
        is_possessive = (
            text[mark.start - 1 : mark.start] in {"s", "z", "x"} and _LOWER_WORD.match(text, mark.end) is not None
        )
        if mark.can_close and not mark.can_open:
            if is_possessive and closes_later:
                continue
            closes_later = True
        elif mark.can_open:
            closes_later = False
        kept.append(mark)
    return kept[::-1]


def _nest(spans: Sequence[MarkedSpan]) -> list[MarkedSpan]:
    """Order the spans and set their depth by containment; a span that crosses an earlier one is left out."""
    nested: list[MarkedSpan] = []
    stack: list[MarkedSpan] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        while stack and stack[-1].end <= span.start:
            stack.pop()
        if stack and (span.end > stack[-1].end or (span.start, span.end) == (stack[-1].start, stack[-1].end)):
            continue
        if span.depth != len(stack):
            span = span._replace(depth=len(stack))
        stack.append(span)
        nested.append(span)
    return nested


def _pair_outer(text: str, marks: Sequence[Mark], is_continuation: bool) -> tuple[list[MarkedSpan], bool]:
    spans: list[MarkedSpan] = []
    opened: list[Mark] = []
    closings_left = _count_closings(marks)
    for index, mark in enumerate(marks):
        if _reads_as_opening(mark, bool(opened)):
            if opened and closings_left[index] <= len(
                opened
            ):  # too few closings follow: the one before was never closed
                spans.append(_close(text, opened.pop(), None, mark.start, "unclosed", len(opened)))
            if len(opened) < 2:
                opened.append(mark)
        elif opened:
            opening = opened.pop()
            is_wrong_way = mark.direction == 1 and text[opening.start] != "„"  # „low-high“ marks close with “
            spans.append(_close(text, opening, mark, mark.start, "wrong_way" if is_wrong_way else None, len(opened)))
        elif is_continuation and not spans:  # the words before a closing mark go on from the paragraph before
            spans.append(_make_span(text, 0, mark.start, 0, mark.end, mark.is_double, "continued", 0))
        elif mark.can_close and mark.direction <= 0 and mark.is_double:  # a lone single one is an apostrophe
            start = spans[-1].outer_end if spans else 0
            ends = [m.end() for m in _SENTENCE_END.finditer(text, start, max(start, mark.start - 2))]
            begin = ends[-1] if ends else start
            spans.append(_make_span(text, begin, mark.start, begin, mark.end, mark.is_double, "unopened", 0))
    is_open = bool(opened)
    while opened:
        mark = opened.pop()
        behind = _ATTRIBUTION_BEHIND.search(text, mark.end)
        is_open = is_open and behind is None
        spans.append(_close(text, mark, None, behind.start() + 1 if behind else len(text), "unclosed", len(opened)))
    return [s for s in spans if s.start < s.end], is_open


def _count_closings(marks: Sequence[Mark]) -> list[int]:
    """For every mark, how many marks that read as closings follow before the next one that must open at depth 0."""
    counts, following = [0] * len(marks), 0
    for index in range(len(marks) - 1, -1, -1):
        counts[index] = following
        if marks[index].can_open and not marks[index].can_close and marks[index].direction >= 0:
            following = max(following - 1, 0)
        elif marks[index].can_close:
            following += 1
    return counts


def _reads_as_opening(mark: Mark, is_inside: bool) -> bool:
    if mark.direction == 1:
        return not (is_inside and mark.can_close and not mark.can_open)
    if mark.direction == -1:
        return mark.can_open and not mark.can_close and not is_inside
    if mark.can_open != mark.can_close:
        return mark.can_open
    return not is_inside


def _close(text: str, opening: Mark, closing: Mark | None, end: int, repair: str | None, depth: int) -> MarkedSpan:
    if (
        closing is None and end < len(text) and text[end - 1] not in ",?!"
    ):  # another one opens: it ends with its own sentence
        ends = [m.end() for m in _SENTENCE_END.finditer(text, opening.end, end)]
        end = ends[0] if ends else end
    outer_end = closing.end if closing else end
    return _make_span(text, opening.end, end, opening.start, outer_end, opening.is_double, repair, depth)


def _make_span(
    text: str, start: int, end: int, outer_start: int, outer_end: int, is_double: bool, repair: str | None, depth: int
) -> MarkedSpan:
    words = text[start:end]
    start, end = start + len(words) - len(words.lstrip()), end - len(words) + len(words.rstrip())
    return MarkedSpan(start, max(start, end), outer_start, outer_end, is_double, min(depth, 1), repair)


def _leave_out_inside(marks: Sequence[Mark], spans: Sequence[MarkedSpan]) -> list[Mark]:
    """Return the marks that stand outside of all the spans."""
    starts = sorted((span.outer_start, span.outer_end) for span in spans)
    ends = list(accumulate((end for _, end in starts), max, initial=0))
    return [mark for mark in marks if ends[bisect.bisect_right(starts, (mark.start, sys.maxsize))] <= mark.start]


def _pair_inner(text: str, marks: Sequence[Mark], starts: Sequence[int], span: MarkedSpan) -> list[MarkedSpan]:
    """Pair the marks of the other kind inside one quotation; unbalanced ones are apostrophes."""
    opened: Mark | None = None
    children = []
    for mark in marks[bisect.bisect_left(starts, span.start) : bisect.bisect_left(starts, span.end)]:
        if opened is None:
            opened = mark if mark.can_open and mark.direction >= 0 else None
        elif mark.can_close and mark.direction <= 0 and mark.start > opened.end:
            children.append(_make_span(text, opened.end, mark.start, opened.start, mark.end, mark.is_double, None, 1))
            opened = None
    return children


def find_marked_spans(paragraphs: Sequence[str], headings: Sequence[bool] | None = None) -> list[list[MarkedSpan]]:
    """Find the marked stretches of an article's paragraphs.

    A paragraph that opens with a mark while the one before was still open continues its quotation; the earlier stretch then carries
    no repair. The article quotes with single marks when these pair more often than double ones.

    Returns:
        A list of spans for every paragraph, offsets in characters of the paragraph. At depth 0 no two overlap.
    """
    marks = [find_marks(text) for text in paragraphs]
    uses_singles = quotes_with_singles(marks)
    found: list[list[MarkedSpan]] = []
    was_open = False
    for number, text in enumerate(paragraphs):
        is_heading = bool(headings and headings[number])
        singles = uses_singles or (is_heading and not any(m.is_double for m in marks[number]))
        spans, is_open = pair_marks(text, marks[number], quotes_with_singles=singles, is_continuation=was_open)
        if was_open and found and found[-1] and spans and spans[0].outer_start == 0:
            last = max((i for i, s in enumerate(found[-1]) if s.depth == 0), key=lambda i: found[-1][i].start)
            if found[-1][last].repair == "unclosed":
                found[-1][last] = found[-1][last]._replace(repair="continued")
        found.append(spans)
        was_open = is_open
    return found


def quotes_with_singles(paragraphs: Sequence[Sequence[Mark]]) -> bool:
    """Whether the article's quotations stand in single marks: more of them open and close than of the double ones."""
    doubles = singles = 0
    for marks in paragraphs:
        doubles += sum(m.is_double for m in marks) // 2
        if any(m.is_double for m in marks):
            continue
        opening = [m for m in marks if m.can_open and m.direction >= 0]
        closing = [m for m in marks if m.can_close and not m.can_open]
        singles += min(len(opening), len(closing))
    return singles > doubles
