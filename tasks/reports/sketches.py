"""Sketches of bodies -> the pairs that are worth comparing, a bounded number for each body however the texts are made."""

import polars as pl

PAIRS = pl.Schema({"earlier": pl.UInt32, "later": pl.UInt32})
LEAST_MEETINGS = 3
"""The hashes that two bodies must have in common to be compared."""


def find_candidates(
    sketches: pl.DataFrame, touched: pl.Series | None = None, *, crowd: int = 8, hubs: int = 2
) -> tuple[pl.DataFrame, pl.Series]:
    """Find the bodies that have at least `LEAST_MEETINGS` hashes of their sketches in common.

    Up to `crowd` bodies with one hash are paired each with each; of more, each is paired with the first `hubs` of them
    only, for a copy of many is a copy of the first. So a body with n hashes makes at most `crowd` / 2 · n pairs.

    Args:
        sketches: `number` (the place of the body in their order, the first first) and `sketch`, a list of hashes.
        touched: Hashes of the bodies that came, went or changed their place; all when None. Only pairs that these can have
            changed are found then.
        crowd: Bodies with one hash that are paired each with each.
        hubs: Bodies that all others are paired with where there are more.

    Returns:
        PAIRS, in no order, and the numbers of the bodies among which all pairs were found anew.
    """
    postings = sketches.explode("sketch", empty_as_null=False).rename({"sketch": "hash"})
    members = sketches["number"]
    if touched is not None:
        members = postings.filter(pl.col("hash").is_in(touched.implode()))["number"].unique()
        own = postings.filter(pl.col("number").is_in(members.implode())).select("hash").unique()
        postings = postings.join(own, on="hash", how="semi")
    meetings = count_meetings(postings, crowd=crowd, hubs=hubs)
    pairs = meetings.filter(pl.col("len") >= LEAST_MEETINGS).select(*PAIRS)
    if touched is not None:
        pairs = pairs.filter(pl.all_horizontal(pl.col("earlier", "later").is_in(members.implode())))
    return pairs, members


def count_meetings(postings: pl.DataFrame, *, crowd: int = 8, hubs: int = 2) -> pl.DataFrame:
    """Return PAIRS and `len`, in how many hashes they meet.

    Args:
        postings: `number` and `hash`: the bodies that have a hash, all of them together.
        crowd: Bodies with one hash that are paired each with each.
        hubs: Bodies that all others are paired with where there are more.
    """
    shared = postings.filter(pl.col("hash").is_duplicated()).with_columns(size=pl.len().over("hash"))
    few, many = shared.filter(pl.col("size") <= crowd), shared.filter(pl.col("size") > crowd)
    firsts = many.filter(pl.col("number").rank("ordinal").over("hash") <= hubs)
    return pl.concat([_pair(few, few), _pair(firsts, many)]).group_by("earlier", "later").len()


def _pair(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    one, other = earlier.select("hash", earlier="number"), later.select("hash", later="number")
    return one.join(other, on="hash").filter(pl.col("earlier") < pl.col("later")).select(*PAIRS)
