"""Gradient boosting of decision trees for a yes-or-no question, in numpy, repeatable to the digit from one seed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.text.page import Trees, find_leaves

_NEVER = 1e9


@dataclass(frozen=True)
class Plan:
    """How much to learn: number and depth of trees, the step of each, the weight that shrinks leaves, shares looked at."""

    trees: int = 150
    depth: int = 4
    step: float = 0.1
    shrink: float = 10.0
    row_share: float = 0.5
    column_share: float = 0.4
    bins: int = 32
    seed: int = 0


def fit_trees(measures: np.ndarray, answers: np.ndarray, weights: np.ndarray, plan: Plan) -> Trees:
    """Learn trees that give the log-odds of `answers` (0 or 1), one row of `measures` each.

    Newton boosting on histograms of quantiles with shares of rows and columns drawn for each tree: T. Chen and C. Guestrin,
    XGBoost: A Scalable Tree Boosting System (KDD 2016), with complete trees.
    """
    random = np.random.default_rng(plan.seed)
    edges = [_find_edges(column, plan.bins) for column in measures.T]
    binned = np.stack([np.searchsorted(edge, column, side="right") for edge, column in zip(edges, measures.T, strict=True)], 1)  # fmt: skip
    base = round(float(np.log(weights @ answers / (weights @ (1 - answers)))), 4)
    score, grown = np.full(len(answers), base), []
    for _ in range(plan.trees):
        odds = 1 / (1 + np.exp(-score))
        slope, bend = weights * (answers - odds), weights * odds * (1 - odds)
        rows = np.flatnonzero(random.random(len(answers)) < plan.row_share)
        columns = np.sort(random.choice(measures.shape[1], int(measures.shape[1] * plan.column_share), replace=False))
        feature, cut = _grow(binned[np.ix_(rows, columns)], slope[rows], bend[rows], plan)
        feature = columns[feature]
        at = np.array([edges[name][place - 1] if place else _NEVER for name, place in zip(feature, cut, strict=True)])
        leaf = find_leaves(measures, feature, at)
        slopes = np.bincount(leaf[rows], slope[rows], 1 << plan.depth)
        bends = np.bincount(leaf[rows], bend[rows], 1 << plan.depth)
        value = np.round(plan.step * slopes / (bends + plan.shrink), 4)
        score += value[leaf]
        grown.append((feature, at, value))
    feature, at, value = (np.array(part) for part in zip(*grown, strict=True))
    return Trees(base, feature, at, value)


def _find_edges(column: np.ndarray, bins: int) -> np.ndarray:
    """The values that begin a bin, each half a thousandth lower: measures have three decimals, and no tie decides."""
    values = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1], method="nearest"))
    return np.round(values[values > column.min()] - 0.0005, 4)


def _grow(binned: np.ndarray, slope: np.ndarray, bend: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return column and first bin on the right of every split, level by level; bin 0 where no split gains anything."""
    rows, width = binned.shape
    cells = binned + np.arange(width) * plan.bins
    slopes, bends = np.repeat(slope, width), np.repeat(bend, width)
    leaf, columns, cuts = np.zeros(rows, np.int64), [], []
    for level in range(plan.depth):
        shape, index = (1 << level, width, plan.bins), (cells + (leaf * width * plan.bins)[:, None]).ravel()
        sums = (np.bincount(index, part, int(np.prod(shape))).reshape(shape) for part in (slopes, bends))
        right_slope, right_bend = (part[:, :, ::-1].cumsum(2)[:, :, ::-1] for part in sums)
        gain = _weigh_split(right_slope, right_bend, plan.shrink)
        gain[:, :, 0] = 0
        column, cut = np.divmod(gain.reshape(1 << level, -1).argmax(1), plan.bins)
        columns.append(column)
        cuts.append(cut)
        leaf = leaf * 2 + (binned[np.arange(rows), column[leaf]] >= np.where(cut > 0, cut, plan.bins + 1)[leaf])
    return np.concatenate(columns), np.concatenate(cuts)


def _weigh_split(slope: np.ndarray, bend: np.ndarray, shrink: float) -> np.ndarray:
    all_slope, all_bend = slope[:, :, :1], bend[:, :, :1]
    right, left = slope**2 / (bend + shrink), (all_slope - slope) ** 2 / (all_bend - bend + shrink)
    return right + left - all_slope**2 / (all_bend + shrink)


def write_model(trees: Trees, measures: Sequence[str], card: str, path: Path) -> None:
    """Write the trees as JSON, a line a tree, with the names of what they look at and where they are described."""
    grown = ",\n".join(
        json.dumps({"feature": feature.tolist(), "at": at.tolist(), "value": value.tolist()})
        for feature, at, value in zip(trees.feature, trees.at, trees.value, strict=True)
    )
    head = json.dumps({"card": card, "measures": list(measures), "base": trees.base})
    path.write_text(f'{head[:-1]}, "trees": [\n{grown}\n]}}\n', encoding="utf-8")
