"""The network of the fast engine: what it computes, for one batch of tokens, in NumPy.

A dilated convolution over words (Strubell et al. 2017) gives every token a vector that knows its eight neighbours on either
side; from it linear layers read tag, name and sentence start, and a bilinear layer with a term for the distance scores heads
(Dozat and Manning 2017). Because a word's own vector is the sum of its features, the first layer is looked up, not computed.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Weights = Mapping[str, Floats]

DILATIONS = (1, 2, 4)
"""Of the layers after the first one, whose window is 3 tokens as well."""
GAP = max(DILATIONS)
"""Empty tokens between texts, so that none sees another."""
WIDTH = 64

_STEPS = (1, 2, 3, 4, 6, 8, 12, 18, 30)
DISTANCE_COUNT = 2 * len(_STEPS) + 1


@lru_cache(maxsize=256)
def count_distances(size: int) -> Ints:
    """Return the class of the distance of every token (first axis) to every head (second axis) in a sentence."""
    offsets = np.arange(size)[None, :] - np.arange(size)[:, None]
    return class_distances(offsets)


def class_distances(offsets: Ints) -> Ints:
    """Return the classes of distances to heads: 0 for none, then those to the right, then those to the left."""
    steps = np.searchsorted(_STEPS, np.abs(offsets), side="right")
    return np.where(offsets < 0, steps + len(_STEPS), steps).astype(np.int64)


def shift(rows: Floats, by: int) -> Floats:
    """Return rows moved down by `by` places (up when negative), with zeros where nothing is left."""
    moved = np.zeros_like(rows)
    _copy_shifted(rows, by, moved)
    return moved


def look_around(hidden: Floats, dilation: int) -> Floats:
    """Return every token's vector between those of its neighbours at a distance: (tokens, 3 * WIDTH)."""
    around = np.zeros((len(hidden), 3, hidden.shape[1]), dtype=hidden.dtype)
    for place, by in enumerate((dilation, 0, -dilation)):
        _copy_shifted(hidden, by, around[:, place])
    return around.reshape(len(hidden), -1)


def _copy_shifted(rows: Floats, by: int, into: Floats) -> None:
    if by > 0:
        into[by:] = rows[:-by]
    elif by < 0:
        into[:by] = rows[-by:]
    else:
        into[:] = rows


def encode(weights: Weights, first: Floats, is_token: NDArray[np.bool_]) -> Floats:
    """Return the vectors of tokens.

    Args:
        weights: The network.
        first: (tokens, 3 * WIDTH), what each word gives to the first layer of its right neighbour, itself, and its left one.
        is_token: False for the empty tokens between texts.
    """
    keep = is_token.astype(np.float32)[:, None]
    left, own, right = first[:, :WIDTH], first[:, WIDTH : 2 * WIDTH], first[:, 2 * WIDTH :]
    hidden = own.copy()
    hidden[1:] += left[:-1]
    hidden[:-1] += right[1:]
    hidden += weights["conv0_bias"]
    np.maximum(hidden, 0, out=hidden)
    hidden *= keep
    for dilation in DILATIONS:
        new = look_around(hidden, dilation) @ weights[f"conv{dilation}"]
        new += weights[f"conv{dilation}_bias"]
        np.maximum(new, 0, out=new)
        new *= keep
        hidden += new
    return hidden


def rectify(rows: Floats) -> Floats:
    """Return the rows with zeros for what is negative."""
    return np.maximum(rows, 0, out=rows)
