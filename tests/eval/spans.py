"""Spans of characters: a start and the character after the end, as everywhere in the warehouse."""

from collections.abc import Iterable, Sequence

Span = tuple[int, int]

MARKS = '“”"„«»‟〝〞'
_EDGES = frozenset(MARKS + "'‘’`,.;:!?…-–— \t\n\r\xa0[]()")


def count_overlap(one: Span, other: Span) -> int:
    """Return how many characters two spans share."""
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def count_common(ones: Iterable[Span], others: Sequence[Span]) -> int:
    """Return how many characters two lists of spans share, pair by pair."""
    return sum(count_overlap(one, other) for one in ones for other in others)


def count_chars(spans: Iterable[Span]) -> int:
    """Return the characters of all spans together."""
    return sum(end - start for start, end in spans)


def find_iou(one: Span, other: Span) -> float:
    """Return intersection over union of two spans, 0 to 1."""
    shared = count_overlap(one, other)
    return shared / (count_chars((one, other)) - shared) if shared else 0.0


def trim_span(text: str, span: Span) -> Span | None:
    """Cut quotation marks, brackets, blanks and end punctuation off both ends; None when nothing is left."""
    start, end = max(span[0], 0), min(span[1], len(text))
    while start < end and text[start] in _EDGES:
        start += 1
    while end > start and text[end - 1] in _EDGES:
        end -= 1
    return (start, end) if start < end else None


def pair_best_first(candidates: Iterable[tuple[float, int, int]]) -> dict[int, int]:
    """Pair gold with predictions one to one, the best values first.

    Args:
        candidates: Value, number of the gold unit, number of the prediction.
    """
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, gold, predicted in sorted(candidates, key=lambda c: (-c[0], c[1], c[2])):
        if gold not in pairs and predicted not in taken:
            pairs[gold] = predicted
            taken.add(predicted)
    return pairs
