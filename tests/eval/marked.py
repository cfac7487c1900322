"""The marked stretches of a text, and the attributions that gold and predictions give them.

Written for the evaluation alone, so that no mistake of the product's own pairing of marks hides itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.eval.attributions import Attribution
from tests.eval.spans import MARKS, Span, count_chars, count_common, count_overlap, trim_span

_WORDS = re.compile(r"\w")
_OPENING, _CLOSING = "“„«〝", "”»〞‟"
_BEFORE_OPENING, _AFTER_CLOSING = "([{—–-/‘'", ".,;:!?)]}—–-/’'"
_DOUBLED = {"``": "“", "''": '"'}


@dataclass(frozen=True)
class Unit:
    """Words that count as one: their spans, whose they are, and a second reading of their extent."""

    spans: tuple[Span, ...]
    attribution: Attribution
    other: Span | None = None


def find_marked(text: str) -> list[Span]:
    """Return the words inside every pair of double quotation marks, without edges; a pair never leaves its line."""
    found: list[Span] = []
    start = 0
    for line in text.split("\n"):
        found += [(start + first, start + last) for first, last in _find_in_line(line)]
        start += len(line) + 1
    return [span for span in (trim_span(text, span) for span in found) if span]


def _find_in_line(line: str) -> Iterator[Span]:
    opened: int | None = None
    for place, mark, width in _find_marks(line):
        is_opening = _opens(line, place, mark, width, is_open=opened is not None)
        if opened is not None:
            yield opened, place
        opened = place + width if is_opening else None
    if opened is not None:
        yield opened, len(line)


def _find_marks(line: str) -> Iterator[tuple[int, str, int]]:
    place = 0
    while place < len(line):
        doubled = _DOUBLED.get(line[place : place + 2])
        if doubled or line[place] in MARKS:
            yield place, doubled or line[place], 2 if doubled else 1
        place += 2 if doubled else 1


def _opens(line: str, place: int, mark: str, width: int, *, is_open: bool) -> bool:
    before = line[place - 1] if place else " "
    after = line[place + width] if place + width < len(line) else " "
    can_open = (before.isspace() or before in _BEFORE_OPENING) and not after.isspace()
    can_close = not before.isspace() and (after.isspace() or after in _AFTER_CLOSING)
    if mark in _OPENING:
        return not (can_close and not can_open and is_open)
    if mark in _CLOSING:
        return can_open and not can_close and not is_open
    return can_open if can_open != can_close else not is_open


def list_gold_units(text: str, attributions: Sequence[Attribution]) -> list[Unit]:
    """Return the marked stretches that lie, by half at least, in a direct or mixed attribution.

    A stretch belongs to the smallest attribution that holds 80 % of it, else to the one that holds most.
    """
    quoted = [attribution for attribution in attributions if attribution.kind in ("direct", "mixed")]
    units = []
    for span in find_marked(text):
        owner = _find_owner(span, quoted)
        if owner is not None:
            inside = [_cut(span, part) for part in owner.fragments if count_overlap(span, part)]
            longest = max(inside, key=lambda part: part[1] - part[0])
            units.append(Unit((span,), owner, trim_span(text, longest) or span))
    return units


def _find_owner(span: Span, attributions: Sequence[Attribution]) -> Attribution | None:
    shares = [(count_common([span], a.fragments) / (span[1] - span[0]), a) for a in attributions]
    holding = [attribution for share, attribution in shares if share >= 0.8]
    if holding:
        return min(holding, key=lambda attribution: count_chars(attribution.fragments))
    share, best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return best if share >= 0.5 else None


def list_predicted_units(text: str, attributions: Sequence[Attribution]) -> list[Unit]:
    """Return the marked pieces that predictions other than indirect ones overlap.

    A prediction between two marks that is no marked stretch counts too: it is wrong. Sentences of one stretch that are
    predicted one by one are one piece.
    """
    marked = find_marked(text)
    pieces: dict[Span, Attribution] = {}
    for attribution in attributions:
        if attribution.kind == "indirect":
            continue
        for piece in _find_pieces(text, attribution, marked):
            known = pieces.get(piece)
            if known is None or count_chars(attribution.fragments) < count_chars(known.fragments):
                pieces[piece] = attribution
    return _join_pieces(text, pieces, marked)


def _find_pieces(text: str, attribution: Attribution, marked: Sequence[Span]) -> Iterator[Span]:
    for fragment in attribution.fragments:
        span = trim_span(text, fragment)
        if span is None:
            continue
        cut = [trim_span(text, _cut(span, stretch)) for stretch in marked if count_overlap(span, stretch)]
        inside = [piece for piece in cut if piece]
        before, after = text[max(0, span[0] - 3) : span[0]], text[span[1] : span[1] + 3]
        if not inside and set(before) & set(MARKS) and set(after) & set(MARKS):
            inside = [span]
        yield from inside


def _join_pieces(text: str, pieces: dict[Span, Attribution], marked: Sequence[Span]) -> list[Unit]:
    joined: list[tuple[Span, Attribution]] = []
    for piece, attribution in sorted(pieces.items(), key=lambda item: item[0]):
        if joined and _continues(text, joined[-1][0], piece, marked):
            before, first = joined[-1]
            joined[-1] = (before[0], max(before[1], piece[1])), first
        else:
            joined.append((piece, attribution))
    return [Unit((span,), attribution) for span, attribution in joined]


def _continues(text: str, before: Span, piece: Span, marked: Sequence[Span]) -> bool:
    is_next = piece[0] > before[0] and not _WORDS.search(text[before[1] : piece[0]])
    return is_next and any(start <= before[0] and piece[1] <= end for start, end in marked)


def _cut(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])
