import numpy as np
import pytest

from tasks.annotation.fast.learn import Example, Plan, Sizes, Types, compute_gradients, learn_weights, start_weights

SIZES = Sizes(features=6, tags=3, names=3, deps=3, vector=4)
TYPES = Types(
    features=np.array([[0, 1, 2, 3, 6], [1, 4, 5, 6, 6], [2, 3, 0, 5, 1]]),
    vectors=np.random.default_rng(3).standard_normal((3, 4)).astype(np.float32),
)
EXAMPLES = [
    Example(np.array([0, 1, 2, 1]), np.array([0, 1, 2, 1]), np.array([1, 2, 0, 0]), np.array([1, 0, 0, 1]),
            np.array([1, 1, 1, 3]), np.array([0, 1, 2, 1])),
    Example(np.array([2, 0]), np.array([2, 0]), np.array([0, 0]), np.array([1, 0]), np.array([0, 0]), np.array([1, 2])),
]  # fmt: skip


def compute(weights):
    return compute_gradients(weights, EXAMPLES, TYPES, Plan(word_dropout=0, dropout=0), np.random.default_rng(0))


@pytest.mark.parametrize("name", sorted(start_weights(SIZES, np.random.default_rng(1))))
def test_a_gradient_is_the_slope_of_the_loss(name):
    weights = {key: value.astype(np.float64) for key, value in start_weights(SIZES, np.random.default_rng(1)).items()}
    gradient = compute(weights)[1][name]
    largest = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    before = weights[name][largest]
    losses = []
    for by in (1e-4, -1e-4):
        weights[name][largest] = before + by
        losses.append(compute(weights)[0])
    assert (losses[0] - losses[1]) / 2e-4 == pytest.approx(gradient[largest], rel=0.02, abs=1e-4)


def test_the_same_seed_learns_the_same_weights_and_the_loss_falls():
    runs = [[loss for _, loss in learn_weights(EXAMPLES, TYPES, SIZES, Plan(epochs=40, rate=0.01))] for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0][-1] < runs[0][0] / 2
