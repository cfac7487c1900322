"""Scores as ratios of sums over documents, with the noise that another draw of documents would bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Counts = Mapping[str, float]
"""What was counted in one document: gold, predicted, matched, …"""

_SEED, _DRAWS = 20_240_501, 1_000


@dataclass(frozen=True)
class Score:
    """A value from 0 to 1, its 95 % interval over documents where there is one, and the cases that it is over."""

    value: float
    cases: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Error:
    """One case that went wrong, for a reader: what the text says, what was expected, what came, and the likely cause."""

    kind: str
    cause: str
    context: str
    gold: str = ""
    ours: str = ""
    gold_speaker: str = ""
    our_speaker: str = ""
    rule: str = ""
    document: str = ""


@dataclass(frozen=True)
class Result:
    """The scores of one system in one measure on one set of documents."""

    measure: str
    data: str
    system: str
    scores: Mapping[str, Score]
    errors: Sequence[Error] = field(default=(), repr=False)

    @property
    def is_ours(self) -> bool:
        """Whether a floor may hold it."""
        return self.system in {OURS, OURS_FAST}


OURS = "On Record"
OURS_FAST = "On Record, fast engine"


def score_ratio(documents: Sequence[Counts], top: Mapping[str, float], bottom: Mapping[str, float]) -> Score:
    """Return the ratio of two weighted sums of counts over documents.

    Args:
        documents: The counts of each document.
        top: Weight of each count above the line, such as `{"matched": 2}` for an F1.
        bottom: Weight of each count below it, such as `{"gold": 1, "predicted": 1}`.

    Returns:
        The ratio (0 when there is nothing below the line) with the interval of 1,000 seeded bootstrap draws of documents.
    """
    above, below = _weigh(documents, top), _weigh(documents, bottom)
    cases = round(sum(document.get(next(iter(bottom)), 0) for document in documents))
    if not below.sum():
        return Score(0.0, cases)
    draws = np.random.default_rng(_SEED).multinomial(len(above), np.full(len(above), 1 / len(above)), _DRAWS)
    bottoms = draws @ below
    drawn = (draws @ above)[bottoms > 0] / bottoms[bottoms > 0]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Score(float(above.sum() / below.sum()), cases, float(low), float(high))


def score_f1(
    documents: Sequence[Counts], matched: str = "matched", gold: str = "gold", predicted: str = "predicted"
) -> Score:
    """Return the F1 of matched units, over the documents together."""
    return score_ratio(documents, {matched: 2}, {gold: 1, predicted: 1})


def _weigh(documents: Sequence[Counts], weights: Mapping[str, float]) -> np.ndarray:
    return np.array([sum(w * document.get(name, 0) for name, w in weights.items()) for document in documents], float)
