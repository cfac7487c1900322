"""Scores of heads -> trees: every token one head, no cycles, one root a sentence."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def choose_heads(scores: Floats, root_scores: Floats, lengths: Ints) -> Ints:
    """Return the heads of sentences; a root is its own head.

    The best head of every token is taken, and the best root. A cycle is broken where that costs least: the token of it
    that loses least by a head which hangs from the root gets that head, until no cycle is left. This is not always the
    best tree, which the algorithm of Chu and Liu and Edmonds would find, but it works on all sentences at once.

    Args:
        scores: (sentences, tokens, tokens), of every token (second) with every possible head (third). Is changed.
        root_scores: (sentences, tokens), of every token as the root.
        lengths: The tokens of every sentence, at least one; the rest is padding, whose heads mean nothing.

    Returns:
        (sentences, tokens), heads counted from the first token of the sentence.
    """
    count, size = root_scores.shape
    places = np.arange(size)
    is_padding = places[None, :] >= lengths[:, None]
    scores[:, places, places] = -np.inf
    scores[np.broadcast_to(is_padding[:, None, :], scores.shape)] = -np.inf
    heads: Ints = scores.argmax(axis=2)
    best = scores.max(axis=2)
    roots = np.where(is_padding, -np.inf, root_scores - np.where(lengths[:, None] > 1, best, 0)).argmax(axis=1)
    rows = np.arange(count)
    heads[rows, roots] = roots
    heads[is_padding] = np.repeat(roots, size - lengths)
    while len(rows):
        reached = _follow(heads[rows])
        is_safe = reached == roots[rows, None]
        is_open = ~is_safe.all(axis=1)
        rows, reached, is_safe = rows[is_open], reached[is_open], is_safe[is_open]
        if len(rows):
            _break_cycles(heads, scores, rows, reached, is_safe & ~is_padding[rows])
    return heads


def _follow(heads: Ints) -> Ints:
    """Return where every token arrives on its way up: the root, or somewhere in a cycle, which all of its tokens are."""
    first: Ints = np.arange(len(heads))[:, None] * heads.shape[1]
    reached: Ints = heads + first  # counted over all sentences, so that one flat look-up is a step up
    for _ in range(heads.shape[1].bit_length()):
        reached = np.take(reached, reached)
    reached -= first
    return reached


def _break_cycles(heads: Ints, scores: Floats, rows: Ints, reached: Ints, is_safe: NDArray[np.bool_]) -> None:
    """Give one token of a cycle of every sentence in `rows` a head that hangs from the root."""
    number = np.arange(len(rows))
    in_cycle = np.zeros(reached.shape, dtype=bool)
    in_cycle[number[:, None], reached] = True
    in_cycle &= ~_is_root(heads[rows])
    own = scores[rows]
    allowed = np.where(is_safe[:, None, :], own, -np.inf)
    others = allowed.argmax(axis=2)
    now = np.take_along_axis(own, heads[rows][:, :, None], axis=2)[:, :, 0]
    then = np.take_along_axis(allowed, others[:, :, None], axis=2)[:, :, 0]
    token = (np.where(in_cycle, now, np.inf) - then).argmin(axis=1)
    heads[rows, token] = others[number, token]


def _is_root(heads: Ints) -> NDArray[np.bool_]:
    is_root: NDArray[np.bool_] = heads == np.arange(heads.shape[1])[None, :]
    return is_root
