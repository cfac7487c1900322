"""Whether a confidence means what it says: the share of right speakers among attributions as sure as that."""

from collections.abc import Sequence

from tests.eval.quotes import Pairing
from tests.eval.scores import Score

Judged = tuple[float, bool]
"""A confidence, and whether the speaker is right."""


def list_judged(pairing: Pairing) -> list[Judged]:
    """Return what is judged in one document: units that were found and whose annotation names a speaker.

    Where nobody is named the confidence is 0 and the speaker not right.
    """
    judged = []
    for number, predicted in pairing.pairs.items():
        ours = pairing.predicted[predicted].attribution
        if pairing.gold[number].attribution.has_speaker:
            judged.append((ours.confidence if ours.has_speaker else 0.0, pairing.is_right(number)))
    return judged


def score_calibration(documents: Sequence[Sequence[Judged]], share: float = 0.6) -> dict[str, Score]:
    """Return the expected calibration error of what names somebody, and the precision of the surest `share` of all judged."""
    judged = [one for document in documents for one in document]
    named = [one for one in judged if one[0] > 0]
    return {
        "calibration_error": Score(find_calibration_error(named), len(named)),
        f"precision_of_surest_{share * 100:.0f}": Score(find_precision(judged, share), round(share * len(judged))),
    }


def find_calibration_error(judged: Sequence[Judged], bins: int = 10) -> float:
    """Return the mean distance of confidence and share of right ones over equal bins of confidence, weighted by cases.

    Source: Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    sums = [[0.0, 0] for _ in range(bins)]
    for confidence, is_right in judged:
        bin_sums = sums[min(int(confidence * bins), bins - 1)]
        bin_sums[0] += confidence
        bin_sums[1] += is_right
    return sum(abs(confidence - right) for confidence, right in sums) / max(len(judged), 1)


def find_precision(judged: Sequence[Judged], share: float) -> float:
    """Return the share of right ones among the surest; of those as sure as the last one, in the proportion of all of these."""
    wanted = share * len(judged)
    taken = right = 0.0
    for confidence in sorted({confidence for confidence, _ in judged}, reverse=True):
        tied = [is_right for other, is_right in judged if other == confidence]
        part = min(1.0, (wanted - taken) / len(tied))
        taken += part * len(tied)
        right += part * sum(tied)
        if taken >= wanted - 1e-9:
            break
    return right / taken if taken else 0.0
