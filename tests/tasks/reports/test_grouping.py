"""Groups hold what is alike on the average; they do not chain, and the order of rows means nothing."""

import random

import polars as pl

from tasks.reports.grouping import find_components, group_pairs
from tests.builders import rows

PAIRS = {"one": pl.String, "other": pl.String, "similarity": pl.Int64}


def pairs(*given: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(given, schema=PAIRS, orient="row")


def test_a_bridge_does_not_chain_two_groups() -> None:
    two = [("a", "b", 50), ("a", "c", 50), ("b", "c", 50), ("x", "y", 50), ("x", "z", 50), ("y", "z", 50)]
    found = group_pairs(pairs(*two, ("c", "x", 40)), least=20)
    assert rows(found, "group", "member") == [("a", "a"), ("a", "b"), ("a", "c"), ("x", "x"), ("x", "y"), ("x", "z")]


def test_the_nearest_go_first() -> None:
    found = group_pairs(pairs(("a", "b", 30), ("b", "c", 60)), least=20)
    assert rows(found, "group", "member") == [("b", "b"), ("b", "c")]


def test_a_pair_that_is_not_alike_enough_is_no_group() -> None:
    assert group_pairs(pairs(("a", "b", 19)), least=20).is_empty()


def test_no_pairs_are_no_groups() -> None:
    assert group_pairs(pairs(), least=20).is_empty()


def test_groups_are_the_same_in_any_order_of_rows_and_with_equal_similarities() -> None:
    chance = random.Random(7)
    names = [f"n{number:02}" for number in range(40)]
    given = [(one, other, chance.choice((20, 30, 40))) for one in names for other in names if one < other]
    given = chance.sample(given, 200)
    expected = group_pairs(pairs(*given), least=8)
    assert expected.height > 10
    for _ in range(5):
        chance.shuffle(given)
        turned = [(b, a, n) if chance.random() < 0.5 else (a, b, n) for a, b, n in given]
        assert group_pairs(pairs(*turned), least=8).equals(expected)


def test_a_long_chain_is_one_component_and_others_are_left_out() -> None:
    chain = [(f"{number:05}", f"{number + 1:05}", 1) for number in range(20_000)]
    found = find_components(pairs(*chain, ("x", "y", 1)), pl.DataFrame({"member": ["10000"]}))
    assert found.height == 20_001
    assert "x" not in found.get_column("member")


def test_a_seed_without_pairs_is_its_own_component() -> None:
    assert rows(find_components(pairs(), pl.DataFrame({"member": ["a"]})), "member") == [("a",)]
