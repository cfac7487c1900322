"""The scores of clusters, by examples that were worked out by hand."""

import pytest

from tests.eval.clusters import score_clusters

KEY = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2}


def test_equal_clusters_score_one() -> None:
    assert set(score_clusters(KEY, {mention: f"x{cluster}" for mention, cluster in KEY.items()}).values()) == {1.0}


def test_a_cluster_cut_in_two() -> None:
    scores = score_clusters(KEY, {"a": 1, "b": 1, "c": 9, "d": 2, "e": 2})
    assert scores["b3.precision"] == 1.0
    assert scores["b3.recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert scores["muc.f1"] == pytest.approx(2 * 1.0 * (2 / 3) / (1.0 + 2 / 3))
    assert scores["ceaf_e.f1"] == pytest.approx(2 * (1.8 / 3) * (1.8 / 2) / (1.8 / 3 + 1.8 / 2))


def test_a_mention_that_was_not_found_counts_against_recall() -> None:
    scores = score_clusters(KEY, {"a": 1, "b": 1, "d": 2, "e": 2})
    assert (scores["b3.precision"], scores["b3.recall"]) == (1.0, pytest.approx((2 / 3 + 2 / 3 + 1 + 1) / 5))
