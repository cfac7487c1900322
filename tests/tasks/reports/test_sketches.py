"""Which bodies are worth comparing."""

import polars as pl

from tasks.reports.sketches import find_candidates


def sketches(*hashes: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"number": range(len(hashes)), "sketch": hashes}, schema={"number": pl.UInt32, "sketch": pl.List(pl.UInt64)}
    )


def list_pairs(frame: pl.DataFrame, touched: list[int] | None = None, **options: int) -> list[tuple[int, int]]:
    pairs, _ = find_candidates(frame, None if touched is None else pl.Series(touched, dtype=pl.UInt64), **options)
    return sorted(pairs.rows())


def test_bodies_with_three_hashes_in_common_are_a_pair_the_earlier_first() -> None:
    assert list_pairs(sketches([1, 2, 3, 4], [5, 6], [2, 3, 4, 5], [1, 2])) == [(0, 2)]


def test_a_crowd_is_paired_with_its_first_two_only() -> None:
    assert list_pairs(sketches(*[[1, 2, 3]] * 4), crowd=3) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert len(list_pairs(sketches(*[[1, 2, 3]] * 4), crowd=4)) == 6


def test_a_hundred_thousand_equal_sketches_make_two_pairs_each() -> None:
    pairs, _ = find_candidates(sketches(*[[1, 2, 3]] * 100_000))
    assert pairs.height == 2 * 100_000 - 3


def test_ten_thousand_bodies_with_one_hash_in_common_make_no_pair() -> None:
    pairs, _ = find_candidates(sketches(*([1, 10 + number, 20_000 + number] for number in range(10_000))))
    assert pairs.is_empty()


def test_touched_hashes_lead_to_all_pairs_among_those_that_have_them() -> None:
    frame = sketches([1, 2, 3], [1, 2, 3], [7, 8, 9], [7, 8, 9], [3, 7, 8, 9])
    pairs, members = find_candidates(frame, pl.Series([3], dtype=pl.UInt64))
    assert sorted(members) == [0, 1, 4]
    assert pairs.rows() == [(0, 1)]
    assert list_pairs(frame, [9]) == [(2, 3), (2, 4), (3, 4)]


def test_no_sketches_make_no_pairs() -> None:
    assert list_pairs(sketches()) == list_pairs(sketches([], [])) == list_pairs(sketches([1]), []) == []
