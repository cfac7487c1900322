"""Quotes and their speakers, against news in which people annotated every attribution.

Levels: `marked` are stretches between quotation marks in a direct or mixed attribution, paired with predictions at an
intersection over union of .8. `all.3` and `all.8` are whole attributions, indirect ones too: each takes, in the order of
the text, the prediction with the largest share of it, over .3 or .8 (the definition of the Gender Gap Tracker's
evaluation). `exact` asks for the same first and last word. A speaker is right when the places overlap.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.eval.attributions import Attribution, is_same_speaker
from tests.eval.marked import Unit, list_gold_units, list_predicted_units
from tests.eval.scores import Counts, Score, score_f1, score_ratio
from tests.eval.spans import count_chars, count_common, count_overlap, find_iou, pair_best_first, trim_span

LEVELS = ("marked", "all.3", "all.8", "exact", "iou.8")
_LENGTHS = ("words 1-3", "words 4-9", "words 10+")


@dataclass(frozen=True)
class Pairing:
    """The units of one document on both sides, and which gold unit took which prediction (by their numbers)."""

    gold: Sequence[Unit]
    predicted: Sequence[Unit]
    pairs: dict[int, int]

    def is_right(self, number: int) -> bool:
        """Tell whether a gold unit was found with its speaker; a gold unit without speaker is not judged on it."""
        if number not in self.pairs:
            return False
        gold = self.gold[number].attribution
        return not gold.has_speaker or is_same_speaker(gold, self.predicted[self.pairs[number]].attribution)


def pair_document(
    text: str, gold: Sequence[Attribution], quotes: Sequence[Attribution], statements: Sequence[Attribution]
) -> dict[str, Pairing]:
    """Pair what was annotated with what was predicted, at every level.

    Args:
        text: The text that all spans are of.
        gold: All annotated attributions.
        quotes: The predictions for the marked level; indirect ones and terms are left out.
        statements: The predictions for the other levels.
    """
    spoken = [quote for quote in quotes if quote.kind not in ("indirect", "term")]
    annotated, marked = list_gold_units(text, gold), list_predicted_units(text, spoken)
    whole = [Unit(a.fragments, a) for a in gold], [Unit(a.fragments, a) for a in statements]
    trimmed = [_trim_unit(text, a) for a in gold], [_trim_unit(text, a) for a in statements]
    return {
        "marked": Pairing(annotated, marked, _pair_by_iou(annotated, marked, 0.8)),
        "all.3": Pairing(*whole, _pair_by_share(*whole, 0.3)),
        "all.8": Pairing(*whole, _pair_by_share(*whole, 0.8)),
        "exact": Pairing(*trimmed, _pair_by_iou(*trimmed, 1.0)),
        "iou.8": Pairing(*trimmed, _pair_by_iou(*trimmed, 0.8)),
    }


def _trim_unit(text: str, attribution: Attribution) -> Unit:
    return Unit((trim_span(text, attribution.span) or attribution.span,), attribution)


def _pair_by_iou(gold: Sequence[Unit], predicted: Sequence[Unit], least: float) -> dict[int, int]:
    """Pair one to one, the most alike first; a second reading of a gold unit's extent counts as well as the first."""

    def list_candidates() -> Iterator[tuple[float, int, int]]:
        for i, unit in enumerate(gold):
            for j, other in enumerate(predicted):
                [span], [found] = unit.spans, other.spans
                if count_overlap(span, found):
                    value = max(find_iou(span, found), find_iou(unit.other, found) if unit.other else 0.0)
                    if value >= least:
                        yield value, i, j

    return pair_best_first(list_candidates())


def _pair_by_share(gold: Sequence[Unit], predicted: Sequence[Unit], threshold: float) -> dict[int, int]:
    """Give every gold unit, in order, the free prediction with the largest share of it over the threshold."""
    pairs: dict[int, int] = {}
    free = dict.fromkeys(range(len(predicted)))
    for i, unit in enumerate(gold):
        size = count_chars(unit.spans)
        shares = ((count_common(unit.spans, predicted[j].spans) / size if size else 0.0, j) for j in free)
        share, best = max(shares, key=lambda pair: (pair[0], -pair[1]), default=(0.0, -1))
        if share > threshold:
            pairs[i] = best
            del free[best]
    return pairs


def count_pairing(pairing: Pairing) -> Counts:
    """Count the units of one document: gold, predicted, matched, judged and right speakers, right end to end."""
    judged = [i for i in pairing.pairs if pairing.gold[i].attribution.has_speaker]
    return {
        "gold": len(pairing.gold),
        "predicted": len(pairing.predicted),
        "matched": len(pairing.pairs),
        "judged": len(judged),
        "speaker": sum(pairing.is_right(i) for i in judged),
        "right": sum(pairing.is_right(i) for i in pairing.pairs),
    }


def score_level(documents: Sequence[Counts]) -> dict[str, Score]:
    """Return the scores of one level from the counts of its documents."""
    return {
        "precision": score_ratio(documents, {"matched": 1}, {"predicted": 1}),
        "recall": score_ratio(documents, {"matched": 1}, {"gold": 1}),
        "f1": score_f1(documents),
        "speaker": score_ratio(documents, {"speaker": 1}, {"judged": 1}),
        "end_to_end": score_f1(documents, "right"),
    }


def score_quotes(documents: Sequence[dict[str, Pairing]]) -> dict[str, Score]:
    """Return the scores of all levels, named `marked.f1` and so on."""
    scores = {}
    for level in LEVELS:
        counts = [count_pairing(document[level]) for document in documents]
        scores |= {f"{level}.{name}": score for name, score in score_level(counts).items()}
    return scores


def score_groups(texts: Sequence[str], documents: Sequence[dict[str, Pairing]]) -> dict[str, Score]:
    """Return recall, and recall with the right speaker, by the type of an attribution and the length of a quotation."""
    counts = [
        count_groups(document["all.3"], [unit.attribution.kind for unit in document["all.3"].gold])
        | count_groups(document["marked"], [_name_length(text, unit) for unit in document["marked"].gold])
        for text, document in zip(texts, documents, strict=True)
    ]
    groups = ("direct", "mixed", "indirect", *_LENGTHS)
    return {
        f"{group}.{name}": score_ratio(counts, {f"{group}.{what}": 1}, {f"{group}.gold": 1})
        for group in groups
        for name, what in (("recall", "matched"), ("recall_with_speaker", "right"))
    }


def count_groups(pairing: Pairing, groups: Sequence[str]) -> dict[str, float]:
    """Count gold, matched and right units of each group; `groups` names the group of every gold unit."""
    counts: Counter[str] = Counter()
    for number, group in enumerate(groups):
        counts[f"{group}.gold"] += 1
        counts[f"{group}.matched"] += number in pairing.pairs
        counts[f"{group}.right"] += pairing.is_right(number)
    return dict(counts)


def _name_length(text: str, unit: Unit) -> str:
    count = len(text[slice(*unit.spans[0])].split())
    return _LENGTHS[0] if count < 4 else _LENGTHS[1] if count < 10 else _LENGTHS[2]
