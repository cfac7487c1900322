"""Scores of coreference by their definitions: B³, MUC, CEAF-e, and their mean, the CoNLL score.

B³: Bagga and Baldwin (1998); MUC: Vilain et al. (1995); CEAF with φ4: Luo (2005); the mean of their F1: Pradhan et al.
(2012). A mention that the response lacks counts against recall; one that the key lacks is not given to these functions.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

Clusters = Mapping[Hashable, Hashable]
"""Mention -> its cluster."""


def score_clusters(key: Clusters, response: Clusters) -> dict[str, float]:
    """Return precision, recall and F1 of B³, the F1 of MUC and CEAF-e, and the CoNLL score, each from 0 to 1.

    Args:
        key: The annotated cluster of every mention.
        response: Our cluster of the mentions of the key, or of some of them.
    """
    precision, recall = _score_b_cubed(key, response)
    b_cubed, muc, ceaf = _f1(precision, recall), _score_muc(key, response), _score_ceaf(key, response)
    return {
        "b3.precision": precision, "b3.recall": recall, "b3.f1": b_cubed, "muc.f1": muc, "ceaf_e.f1": ceaf,
        "conll.f1": (b_cubed + muc + ceaf) / 3,
    }  # fmt: skip


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _score_b_cubed(key: Clusters, response: Clusters) -> tuple[float, float]:
    common = Counter((key[mention], response[mention]) for mention in response)
    ours, theirs = Counter(response.values()), Counter(key.values())
    precision = sum(n * n / ours[own] for (_, own), n in common.items()) / max(len(response), 1)
    recall = sum(n * n / theirs[gold] for (gold, _), n in common.items()) / max(len(key), 1)
    return precision, recall


def _score_muc(key: Clusters, response: Clusters) -> float:
    return _f1(_count_links(response, key), _count_links(key, response))


def _count_links(clusters: Clusters, other: Clusters) -> float:
    """Return the share of the links of `clusters` that are not cut by `other`."""
    parts: dict[Hashable, set[Hashable]] = defaultdict(set)
    for mention, cluster in clusters.items():
        parts[cluster].add(("cluster", other[mention]) if mention in other else ("alone", mention))
    sizes = Counter(clusters.values())
    links = sum(size - 1 for size in sizes.values())
    return sum(sizes[cluster] - len(cut) for cluster, cut in parts.items()) / links if links else 0.0


def _score_ceaf(key: Clusters, response: Clusters) -> float:
    gold, ours = Counter(key.values()), Counter(response.values())
    if not ours:
        return 0.0
    rows, columns = {c: n for n, c in enumerate(gold)}, {c: n for n, c in enumerate(ours)}
    alike = np.zeros((len(rows), len(columns)))
    for (one, other), count in Counter((key[mention], response[mention]) for mention in response).items():
        alike[rows[one], columns[other]] = 2 * count / (gold[one] + ours[other])
    best = alike[linear_sum_assignment(alike, maximize=True)].sum()
    return _f1(best / len(ours), best / len(gold))
