import numpy as np

from training.boosting import Plan, fit_trees

RANDOM = np.random.default_rng(1)
MEASURES = RANDOM.integers(0, 20, size=(400, 3)).astype(float)
ANSWERS = ((MEASURES[:, 0] >= 12) & (MEASURES[:, 2] < 5)).astype(float)
PLAN = Plan(trees=40, depth=2, step=0.3, shrink=1.0, row_share=1.0, column_share=1.0)


def test_trees_learn_a_rule_of_two_measures() -> None:
    trees = fit_trees(MEASURES, ANSWERS, np.ones(400), PLAN)
    assert ((trees.score(MEASURES) > 0) == (ANSWERS > 0)).all()


def test_the_same_seed_grows_the_same_trees() -> None:
    plan = Plan(trees=5, depth=2, row_share=0.5, column_share=0.7)
    first, second = (fit_trees(MEASURES, ANSWERS, np.ones(400), plan) for _ in range(2))
    assert (first.feature == second.feature).all()
    assert (first.value == second.value).all()


def test_a_weight_counts_like_so_many_rows() -> None:
    doubled = np.concatenate([MEASURES, MEASURES[ANSWERS > 0]]), np.concatenate([ANSWERS, ANSWERS[ANSWERS > 0]])
    weighted = fit_trees(MEASURES, ANSWERS, 1 + ANSWERS, PLAN)
    repeated = fit_trees(*doubled, np.ones(len(doubled[0])), PLAN)
    assert abs(weighted.base - repeated.base) < 1e-9
