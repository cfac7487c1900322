"""Lines of whole pages: which of them are the article, against labels of people.

A line is kept when at least half of its characters are in the body. Words weigh a line by its words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.eval.pipeline import Facts
from tests.eval.scores import Counts, Score, score_f1, score_ratio
from tests.eval.spans import Span, count_common

_WORD = re.compile(r"\w+")


def keep_lines(lines: Sequence[str], facts: Facts) -> list[bool]:
    """Tell for every line of a page, which were joined by line breaks, whether it was kept."""
    body = [segment["place"] for segment in facts.segments if segment["body_start"] is not None]
    kept, start = [], 0
    for line in lines:
        span: Span = (start, start + len(line))
        kept.append(bool(line) and 2 * count_common([span], body) >= len(line))
        start += len(line) + 1
    return kept


def count_lines(lines: Sequence[Mapping[str, Any]], kept: Sequence[bool]) -> Counts:
    """Count the lines of one page and their words: gold, predicted, matched.

    Args:
        lines: `text`, and `content`: 1 for a line of the article, else 0.
        kept: Whether each was kept.
    """
    counts = dict.fromkeys(("gold", "predicted", "matched", "gold_words", "predicted_words", "matched_words"), 0)
    for line, is_kept in zip(lines, kept, strict=True):
        is_gold, words = bool(line["content"]), len(_WORD.findall(line["text"]))
        for name, counted in (("gold", is_gold), ("predicted", is_kept), ("matched", is_gold and is_kept)):
            counts[name] += counted
            counts[f"{name}_words"] += counted * words
    return counts


def score_lines(pages: Sequence[Counts]) -> dict[str, Score]:
    """Return precision, recall and F1 of lines and of words, over the pages together."""
    return {
        "lines.precision": score_ratio(pages, {"matched": 1}, {"predicted": 1}),
        "lines.recall": score_ratio(pages, {"matched": 1}, {"gold": 1}),
        "lines.f1": score_f1(pages),
        "words.precision": score_ratio(pages, {"matched_words": 1}, {"predicted_words": 1}),
        "words.recall": score_ratio(pages, {"matched_words": 1}, {"gold_words": 1}),
        "words.f1": score_f1(pages, "matched_words", "gold_words", "predicted_words"),
    }


def find_line_errors(
    lines: Sequence[Mapping[str, Any]], kept: Sequence[bool], facts: Facts
) -> Iterator[tuple[str, int]]:
    """Yield the cause and the number of every line that was kept or left out against its label."""
    start = 0
    for number, (line, is_kept) in enumerate(zip(lines, kept, strict=True)):
        span = (start, start + len(line["text"]))
        start = span[1] + 1
        if bool(line["content"]) == is_kept:
            continue
        pieces = [s for s in facts.segments if count_common([span], [s["place"]])]
        rules = f"{pieces[0]['label']} ({pieces[0]['reason']})" if pieces else "no article"
        yield f"line: {'kept as' if is_kept else 'of the article, left out as'} {rules}", number
