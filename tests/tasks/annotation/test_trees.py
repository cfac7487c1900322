import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.annotation.fast.trees import choose_heads


def choose(scores, roots, lengths):
    return choose_heads(
        np.array(scores, dtype=np.float32), np.array(roots, dtype=np.float32), np.array(lengths)
    ).tolist()


def test_every_token_gets_its_best_head_and_the_best_root_is_its_own():
    assert choose([[[0, 9, 1], [1, 0, 2], [1, 9, 0]]], [[0, 9, 0]], [3]) == [[1, 1, 1]]


def test_a_cycle_is_broken_where_it_costs_least():
    # 0 and 1 want each other; 0 would lose 8 by the head 2, 1 only 3
    assert choose([[[0, 9, 1], [9, 0, 6], [1, 2, 0]]], [[0, 0, 9]], [3]) == [[1, 2, 2]]


def test_a_sentence_of_one_token_is_its_root_beside_longer_ones():
    heads = choose([[[0, 5], [5, 0]], [[0, 5], [5, 0]]], [[3, 1], [-9, 1]], [2, 1])
    assert heads[0] == [0, 0]
    assert heads[1][0] == 0


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_whatever_the_scores_all_tokens_hang_from_one_root(seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 13, 5)
    size = int(lengths.max())
    heads = choose_heads(random.standard_normal((5, size, size)), random.standard_normal((5, size)), lengths)
    for row, length in zip(heads, lengths, strict=True):
        own = row[:length]
        assert (own < length).all()
        [root] = np.flatnonzero(own == np.arange(length))
        for token in range(length):
            for _ in range(length):
                token = own[token]
            assert token == root
