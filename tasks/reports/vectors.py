"""Sparse vectors of bodies -> the pairs that are alike, block by block, so that memory is that of two blocks."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from scipy.sparse import coo_array, csr_array

ALIKE = pl.Schema({"one": pl.Int64, "other": pl.Int64, "product": pl.Int64})
_BLOCK, _ROWS = 32_768, 256


def find_alike(
    read_postings: Callable[[int, int], pl.DataFrame], compared: int, count: int, features: int, least: int
) -> Iterator[pl.DataFrame]:
    """Yield the pairs of vectors whose dot product is `least` or more: ALIKE, `one` the smaller number.

    Every product of two blocks is one of sparse matrices, by Gustavson's algorithm (1978): only features that two
    vectors have in common cost anything.

    Args:
        read_postings: Returns `text_no`, `feature_no` and `weight` (whole numbers) of the vectors from one number on, before another.
        compared: The vectors with numbers under this are compared with all.
        count: How many vectors there are, numbered from 0.
        features: How many features there are, numbered from 0.
        least: The smallest product; the largest possible one must be below 2³¹.
    """
    for first in range(0, compared, _BLOCK):
        own = _read_block(read_postings, first, min(first + _BLOCK, compared), features)
        for start in range(first, count, _BLOCK):
            others = _read_block(read_postings, start, min(start + _BLOCK, count), features).T.tocsr()
            for row in range(0, own.shape[0], _ROWS):
                yield _multiply(own[row : row + _ROWS], others, first + row, start, least)


def _read_block(read_postings: Callable[[int, int], pl.DataFrame], first: int, last: int, features: int) -> csr_array:
    read = read_postings(first, last)
    places = (read["text_no"].to_numpy() - first, read["feature_no"].to_numpy())
    weights = read["weight"].to_numpy().astype(np.int32)
    return coo_array((weights, places), shape=(last - first, features)).tocsr()


def _multiply(own: csr_array, others: csr_array, first: int, start: int, least: int) -> pl.DataFrame:
    products = (own @ others).tocoo()
    is_alike = products.data >= least
    one, other = products.row[is_alike].astype(np.int64) + first, products.col[is_alike].astype(np.int64) + start
    found = pl.DataFrame({"one": one, "other": other, "product": products.data[is_alike]}).cast(ALIKE)
    return found.filter(pl.col("one") < pl.col("other"))
