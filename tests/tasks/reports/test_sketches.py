"""Which bodies are worth comparing."""

import random

import duckdb
import polars as pl
import pytest

from tasks.reports.sketches import find_candidates, judge_all_pairs, judge_changed_pairs


def sketches(*hashes: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"number": range(len(hashes)), "sketch": hashes}, schema={"number": pl.UInt32, "sketch": pl.List(pl.UInt64)}
    )


def list_pairs(frame: pl.DataFrame, **options: int) -> list[tuple[int, int]]:
    return sorted(find_candidates(frame, **options).rows())


def test_bodies_with_three_hashes_in_common_are_a_pair_the_earlier_first() -> None:
    assert list_pairs(sketches([1, 2, 3, 4], [5, 6], [2, 3, 4, 5], [1, 2])) == [(0, 2)]


def test_a_crowd_is_paired_with_its_first_two_only() -> None:
    assert list_pairs(sketches(*[[1, 2, 3]] * 4), crowd=3) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert len(list_pairs(sketches(*[[1, 2, 3]] * 4), crowd=4)) == 6


def test_a_hundred_thousand_equal_sketches_make_two_pairs_each() -> None:
    pairs = find_candidates(sketches(*[[1, 2, 3]] * 100_000))
    assert pairs.height == 2 * 100_000 - 3


def test_ten_thousand_bodies_with_one_hash_in_common_make_no_pair() -> None:
    pairs = find_candidates(sketches(*([1, 10 + number, 20_000 + number] for number in range(10_000))))
    assert pairs.is_empty()


def test_no_sketches_make_no_pairs() -> None:
    assert list_pairs(sketches()) == list_pairs(sketches([], [])) == list_pairs(sketches([1])) == []


def _store(con: duckdb.DuckDBPyConnection, bodies: dict[str, list[int]], order: list[str]) -> None:
    """Store sketches as a release has them, and the places of the bodies in their order."""
    con.execute("create or replace table body_sketches (body_sha256 varchar, sketch ubigint[])")
    con.execute("create or replace temp table numbered_bodies (number uinteger, body_sha256 varchar)")
    con.executemany("insert into body_sketches values (?, ?)", [[name, sketch] for name, sketch in bodies.items()])
    con.executemany("insert into numbered_bodies values (?, ?)", [[number, name] for number, name in enumerate(order)])


def _name_pairs(con: duckdb.DuckDBPyConnection, query: str) -> set[tuple[str, str]]:
    """Return the bodies of the pairs of a query, in the order of their names."""
    named = f"""
        select least(a.body_sha256, b.body_sha256), greatest(a.body_sha256, b.body_sha256) from ({query}) as pairs
        inner join numbered_bodies as a on earlier = a.number inner join numbered_bodies as b on later = b.number
    """
    return {(one, other) for one, other in con.execute(named).fetchall()}


@pytest.mark.parametrize("seed", range(24))
def test_pairs_judged_again_after_changes_are_those_of_all_bodies(seed: int) -> None:
    chance = random.Random(seed)

    def make_sketch() -> list[int]:  # some hashes are common, so that crowds come and go
        return [number for number in range(40) if chance.random() < (0.5 if number < 6 else 0.12)]

    bodies = {f"body{number:02}": make_sketch() for number in range(20)}
    order = chance.sample(sorted(bodies), len(bodies))
    with duckdb.connect() as con:
        _store(con, bodies, order)
        judge_all_pairs(con)
        before = _name_pairs(con, "from judged_pairs where is_pair")
        con.execute("create table body_overlaps (body_sha256 varchar, other_body_sha256 varchar, is_candidate boolean)")
        gone = chance.sample(order, seed % 4)
        moved = chance.sample([name for name in order if name not in gone], seed % 3)
        new = {f"new{number}": make_sketch() for number in range(seed % 5)}
        touched = [(hash_, None) for name in gone + moved for hash_ in bodies[name]]
        touched += [(hash_, name) for name, sketch in new.items() for hash_ in sketch]
        con.execute("create temp table touched_hashes (hash ubigint, body_sha256 varchar)")
        con.executemany("insert into touched_hashes values (?, ?)", touched or [(1_000, None)])
        kept = {pair for pair in before if not {*pair} & {*gone}}
        con.executemany("insert into body_overlaps values (?, ?, true)", sorted(kept) or [("none", "none")])
        after = [name for name in order if name not in gone + moved]
        for name in [*moved, *new]:
            after.insert(chance.randrange(len(after) + 1), name)
        _store(con, {name: (bodies | new)[name] for name in after}, after)
        judge_changed_pairs(con)
        parted, joined = (
            _name_pairs(con, f"from judged_pairs where {condition}") for condition in ("not is_pair", "is_pair")
        )
        judge_all_pairs(con)
        assert (kept - parted) | joined == _name_pairs(con, "from judged_pairs where is_pair")
