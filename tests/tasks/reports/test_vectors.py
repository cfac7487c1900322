"""Vectors that are alike are found in blocks, as comparing each with each finds them."""

import random

import polars as pl
import pytest

from tasks.reports import vectors
from tasks.reports.vectors import ALIKE, find_alike

FEATURES = 40


def make_vectors(count: int, seed: int) -> list[dict[int, int]]:
    chance = random.Random(seed)
    return [{chance.randrange(FEATURES): chance.randint(1, 9) for _ in range(6)} for _ in range(count)]


def find(made: list[dict[int, int]], compared: int, least: int) -> list[tuple[int, ...]]:
    rows = [(number, feature, weight) for number, own in enumerate(made) for feature, weight in own.items()]
    frame = pl.DataFrame(rows, schema=["text_no", "feature_no", "weight"], orient="row")
    parts = find_alike(
        lambda first, last: frame.filter(pl.col("text_no").is_between(first, last - 1)),
        compared,
        len(made),
        FEATURES,
        least,
    )
    return sorted(pl.concat([ALIKE.to_frame(), *parts]).rows())


def compare_each(made: list[dict[int, int]], compared: int, least: int) -> list[tuple[int, ...]]:
    products = [
        (one, other, sum(weight * made[other].get(feature, 0) for feature, weight in made[one].items()))
        for one in range(compared)
        for other in range(one + 1, len(made))
    ]
    return [row for row in products if row[2] >= least]


@pytest.mark.parametrize("compared", [0, 1, 9, 30])
@pytest.mark.parametrize("block", [4, 7, 1000])
def test_blocks_give_what_comparing_each_with_each_gives(
    compared: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_BLOCK", block)
    monkeypatch.setattr(vectors, "_ROWS", 3)
    made = make_vectors(30, seed=block)
    found = find(made, compared, 40)
    assert found == compare_each(made, compared, 40)
    assert found or compared < 9


def test_no_vectors_and_vectors_without_features_are_like_nothing() -> None:
    assert find([], 0, 1) == find([{}, {}], 2, 1) == []


def test_products_of_unit_vectors_fit_their_type() -> None:
    made = [dict.fromkeys(range(4), 5_000)] * 2
    assert find(made, 2, 1) == [(0, 1, 100_000_000)]
