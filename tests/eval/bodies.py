"""Bodies of pages against those that people took: runs of four words that both have, as the article extraction benchmark counts.

https://github.com/scrapinghub/article-extraction-benchmark: shares of each page's runs, averaged over the pages.
"""

import re
from collections import Counter
from collections.abc import Sequence

from tests.eval.scores import Counts, Score, score_ratio

_WORD = re.compile(r"\w+")
_RUN = 4


def list_words(text: str) -> list[str]:
    """Return the words of a text."""
    return _WORD.findall(text)


def count_shingles(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Return the runs of four words and how often each is there; the whole of what is shorter."""
    return Counter(tuple(words[start : start + _RUN]) for start in range(max(1, len(words) - _RUN + 1)) if words)


def count_body(gold: str, found: str) -> Counts:
    """Count one page: the share of what was found that is gold, of gold that was found, whether all words are equal."""
    gold_words, found_words = list_words(gold), list_words(found)
    gold_runs, found_runs = count_shingles(gold_words), count_shingles(found_words)
    common = (gold_runs & found_runs).total()
    return {
        "page": 1, "has_gold": bool(gold_runs), "has_found": bool(found_runs), "is_exact": gold_words == found_words,
        "precision": common / max(found_runs.total(), 1), "recall": common / max(gold_runs.total(), 1),
    }  # fmt: skip


def score_bodies(pages: Sequence[Counts]) -> dict[str, Score]:
    """Return mean precision and recall of runs of four words, their F1, and the share of exact bodies."""
    precision = score_ratio(pages, {"precision": 1}, {"has_found": 1})
    recall = score_ratio(pages, {"recall": 1}, {"has_gold": 1})
    both = precision.value + recall.value
    f1 = Score(2 * precision.value * recall.value / both if both else 0.0, len(pages))
    return {
        "body.precision": precision, "body.recall": recall, "body.f1": f1, "body.exact": score_ratio(pages, {"is_exact": 1}, {"page": 1}),
    }  # fmt: skip
