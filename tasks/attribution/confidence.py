"""How sure an attribution is: the share of right speakers among those like it."""

from functools import cache

from tasks.attribution.document import Draft
from tasks.lexicons import load_lexicon

LEAST_CONFIDENCE = 0.5
"""Below it nobody is named: a speaker that is more likely wrong than right is only kept as a candidate."""
_WEIGHT = 10
"""How many cases the wider cell counts for: a cell of few cases stays near the share of its rule."""
_UNSEEN = 0.6  # a rule that was never seen is taken to be right a little more often than not
_NESTED = 0.8  # words inside somebody's words are parsed less well; no annotated set counts them, the factor is set by judgement
Cell = tuple[str, str, str]


def cell_of(draft: Draft) -> Cell:
    """Return what the confidence of a draft depends on: its rule, its type, and the form of its speaker phrase."""
    return draft.rule, draft.quote_type, draft.speaker_form or "none"


def rate_confidence(draft: Draft) -> float:
    """Return the share of right speakers to expect of drafts like it, 0 when it names nobody.

    The share is that of the rule, the type and the form of the speaker in `speaker_shares`, each cell smoothed towards the wider
    one: (right + 10 × wider share) / (cases + 10), from the rule to the rule and type to the cell.
    """
    return 0.0 if draft.speaker is None else _share(cell_of(draft))


@cache
def _share(cell: Cell) -> float:
    counts = _counts()
    plain = cell[0].removeprefix("nested_")
    share = _UNSEEN if plain == cell[0] else _NESTED * _share((plain, *cell[1:]))
    known = (0, 0)
    for size in (1, 2, 3):
        right, cases = counts.get(cell[:size], (0, 0))
        if (right, cases) != known:  # the same cases say nothing new
            share = (right + _WEIGHT * share) / (cases + _WEIGHT)
        known = right, cases
    return round(share, 3)


@cache
def _counts() -> dict[tuple[str, ...], tuple[int, int]]:
    """Return (right, cases) of every cell and of the wider cells that it counts towards."""
    counts: dict[tuple[str, ...], tuple[int, int]] = {}
    for row in load_lexicon("speaker_shares").iter_rows(named=True):
        cell = (row["rule"], row["quote_type"], row["speaker_form"])
        for size in (1, 2, 3):
            right, cases = counts.get(cell[:size], (0, 0))
            counts[cell[:size]] = right + int(row["right"]), cases + int(row["cases"])
    return counts
