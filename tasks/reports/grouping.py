"""Pairs of similar things -> groups in which everything is similar to everything else on the average."""

import numpy as np
import polars as pl

GROUPS = pl.Schema({"member": pl.String, "group": pl.String})
"""One thing in a group, which is named after its smallest member."""

_MOST_ROUNDS = 64  # a round merges every pair of groups that are nearest to each other: most corpora need ten


def group_pairs(pairs: pl.DataFrame, least: int) -> pl.DataFrame:
    """Group things by the average of their similarities (UPGMA), and return GROUPS of those that have company.

    In every round all groups that are nearest to each other become one, as long as the average over all pairs of members is
    `least` or more; a pair that is not given counts as 0. So one bridge does not chain two groups, and a group grows
    only by what most of its members resemble. Rounds of mutual nearest neighbours give what merging the nearest
    pair again and again gives (Murtagh 1983); ties go to the pair with the smallest names, so the order of rows means
    nothing, and what happens in one connected part depends on that part alone.

    Args:
        pairs: `one`, `other`, `similarity` (whole numbers); each pair once, either way round.
        least: The smallest average that still makes one group.
    """
    members = pl.concat([pairs.select(member=name) for name in ("one", "other")]).unique().sort("member")
    groups = members.with_columns(group=pl.col("member"))
    links = _order_links(pairs.select("one", "other", total=pl.col("similarity").cast(pl.Int64)))
    for _ in range(_MOST_ROUNDS):
        sizes = groups.group_by("group").agg(size=pl.len().cast(pl.Int64))
        merged = _find_mutual(_average(links, sizes, least))
        if merged.is_empty():
            break
        groups = _rename(groups, "group", merged)
        links = _order_links(_rename(_rename(links, "one", merged), "other", merged))
    return groups.filter(pl.len().over("group") > 1).sort("group", "member")


def _order_links(links: pl.DataFrame) -> pl.DataFrame:
    """Let every link between two groups be one row, the smaller name first, with the total of its pairs."""
    ordered = links.filter(pl.col("one") != pl.col("other")).select(
        pl.min_horizontal("one", "other").alias("one"), pl.max_horizontal("one", "other").alias("other"), "total"
    )
    return ordered.group_by("one", "other").agg(pl.col("total").sum())


def _average(links: pl.DataFrame, sizes: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return the links with an average of `least` or more, the average in millionths of the unit of similarity."""
    sized = links
    for name in ("one", "other"):
        sized = sized.join(sizes.select(pl.col("group").alias(name), pl.col("size").alias(f"{name}_size")), on=name)
    pair_count = pl.col("one_size") * pl.col("other_size")
    return sized.filter(pl.col("total") >= least * pair_count).select(
        "one", "other", average=pl.col("total") * 1_000_000 // pair_count
    )


def _find_mutual(links: pl.DataFrame) -> pl.DataFrame:
    """Return `old` and `new`, the names of groups that are nearest to each other: the smaller name stays."""
    ranked = links.sort("average", "one", "other", descending=[True, False, False]).with_row_index("rank")
    ends = pl.concat([ranked.select(pl.col(name).alias("group"), "rank") for name in ("one", "other")])
    best = ends.group_by("group").agg(pl.col("rank").min())
    nearest = ranked
    for name in ("one", "other"):
        own = best.rename({"group": name, "rank": f"{name}_rank"})
        nearest = nearest.join(own, on=name)
    is_mutual = (pl.col("one_rank") == pl.col("rank")) & (pl.col("other_rank") == pl.col("rank"))
    return nearest.filter(is_mutual).select(old="other", new="one")


def _rename(frame: pl.DataFrame, column: str, renamed: pl.DataFrame) -> pl.DataFrame:
    joined = frame.join(renamed, left_on=column, right_on="old", how="left")
    return joined.with_columns(pl.coalesce("new", column).alias(column)).drop("new")


def find_components(pairs: pl.DataFrame, seeds: pl.DataFrame) -> pl.DataFrame:
    """Return `member` and `component` of everything that is connected with the seeds by pairs, the seeds too.

    Every thing takes the smallest number among its neighbours', and then the number of that number, until nothing
    changes: a chain of a million links takes some twenty rounds. What is connected has the same `component`, a number.

    Args:
        pairs: `one` and `other`.
        seeds: `member`.
    """
    ends = [pairs.select(member=name) for name in ("one", "other")]
    members = pl.concat([*ends, seeds.select("member")]).unique().sort("member").with_row_index("number")
    one, other = (
        end.join(members, on="member", how="left", maintain_order="left").get_column("number").to_numpy()
        for end in ends
    )
    label = np.arange(members.height)
    while True:
        least = np.minimum(label[one], label[other])
        lower = label.copy()
        np.minimum.at(lower, label[one], least)
        np.minimum.at(lower, label[other], least)
        while (lower[lower] != lower).any():
            lower = lower[lower]
        if (lower == label).all():
            break
        label = lower
    labelled = members.select("member", component=pl.Series(label))
    wanted = labelled.join(seeds.select("member"), on="member", how="semi").select("component").unique()
    return labelled.join(wanted, on="component", how="semi")
