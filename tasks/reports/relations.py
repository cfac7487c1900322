"""Bodies that were compared -> which is a copy of which, what kind of copy, and why that way round.

The thresholds were read off pairs of news articles, where copies share most of their runs of four words or of three names and
numbers, and reports by different reporters few (docs/copies.md; `python -m tests.eval copies` measures it).
"""

import polars as pl

NEAR, PART, PARTLY, LEAST_TEXT, LEAST_SHARE = 0.5, 0.8, 0.5, 15, 0.1
REWRITTEN_NAMES, REWRITTEN_LIKENESS, LEAST_NAMES, REWRITTEN_QUOTES, LEAST_QUOTED = 0.7, 0.4, 10, 0.6, 8
MOST_OF_PARTS = 1.2  # parts of one text that are longer than it together lie one over the other
_MOST_ROOTS, _ROUNDS = 8, 16
EDGES = pl.Schema({"later": pl.UInt32, "earlier": pl.UInt32})


def relate_bodies(overlaps: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Add what kind of copy the later of two bodies is, as far as the words tell, and the measure; others are left out.

    Args:
        overlaps: `later`, `earlier` (numbers of bodies), `text_shared`, `quoted_shared`, `name_shared`.
        bodies: `number`, `text_count`, `quoted_count`, `name_count`.

    Returns:
        The overlaps with `kind` (near, truncated, contained, rewritten), `measure_name`, `measure`, `copied_share`, `origin_share`
        (of the shingles of the earlier) and the counts of both bodies (`later_text`, `earlier_text`, …).
    """
    sizes = {"text_count": "text", "quoted_count": "quoted", "name_count": "names"}
    pairs = overlaps
    for side in ("later", "earlier"):
        own = bodies.select(
            pl.col("number").alias(side), *(pl.col(name).alias(f"{side}_{short}") for name, short in sizes.items())
        )
        pairs = pairs.join(own, on=side)
    shared, names, quoted = pl.col("text_shared"), pl.col("name_shared"), pl.col("quoted_shared")
    fewer_names = pl.min_horizontal("later_names", "earlier_names").clip(1)
    fewer_quoted = pl.min_horizontal("later_quoted", "earlier_quoted")
    return (
        pairs.with_columns(
            copied_share=shared / pl.col("later_text").clip(1),
            origin_share=shared / pl.col("earlier_text").clip(1),
            resemblance=shared / (pl.col("later_text") + pl.col("earlier_text") - shared).clip(1),
            same_names=names / fewer_names,
            likeness=names / (pl.col("later_names") + pl.col("earlier_names") - names).clip(1),
        )
        .with_columns(containment=pl.max_horizontal("copied_share", "origin_share"))
        .with_columns(
            kind=pl.when(shared >= LEAST_TEXT, pl.col("resemblance") >= NEAR).then(pl.lit("near"))
            .when(shared >= LEAST_TEXT, pl.col("copied_share") >= PART).then(pl.lit("truncated"))
            .when(shared >= LEAST_TEXT, pl.col("origin_share") >= PART, pl.col("copied_share") >= LEAST_SHARE)
            .then(pl.lit("contained"))
            .when(
                names >= LEAST_NAMES,
                pl.col("same_names") >= REWRITTEN_NAMES,
                pl.col("likeness") >= REWRITTEN_LIKENESS,
                (fewer_quoted < LEAST_QUOTED) | (quoted >= REWRITTEN_QUOTES * fewer_quoted),
            ).then(pl.lit("rewritten"))
            .when(shared >= LEAST_TEXT, pl.col("copied_share") >= PARTLY).then(pl.lit("contained"))
        )
        .filter(pl.col("kind").is_not_null())
        .with_columns(
            measure_name=pl.col("kind").replace_strict(
                {"near": "resemblance", "truncated": "containment", "contained": "containment", "rewritten": "names and numbers"}
            ),
            measure=pl.when(kind="near").then("resemblance").when(kind="rewritten").then("same_names").otherwise("containment"),
        )
    )  # fmt: skip


def place_joined(relations: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Find the bodies that come first only because they are longer, and are made of whole others: they come after these.

    Args:
        relations: What `relate_bodies` returns, where `earlier` has the smaller number.
        bodies: `number`, `first_on`.

    Returns:
        `number` and `place` of such bodies, the place between two numbers.
    """
    days = bodies.select("number", "first_on")
    tied = (
        relations.join(days.rename({"number": "later", "first_on": "day"}), on="later")
        .join(days.rename({"number": "earlier", "first_on": "other_day"}), on="earlier")
        .filter((pl.col("day") == pl.col("other_day")) | pl.any_horizontal(pl.col("day", "other_day").is_null()))
    )
    parts = tied.filter(pl.col("copied_share") >= PART, pl.col("origin_share") < PART)
    both = parts.select("earlier", one="later").join(parts.select("earlier", other="later"), on="earlier")
    alike = both.join(relations.select(one="later", other="earlier"), on=["one", "other"])  # they tell nothing
    alike = pl.concat([alike.select("earlier", later="one"), alike.select("earlier", later="other")])
    joined = parts.join(alike, on=["earlier", "later"], how="anti").group_by(number="earlier")
    found = joined.agg(pl.len(), pl.col("later").max(), share=pl.col("origin_share").sum())
    return found.filter(pl.col("len") > 1, pl.col("share").is_between(PART, MOST_OF_PARTS)).select(
        "number", place=pl.col("later") + 0.5
    )


def find_roots(edges: pl.DataFrame) -> pl.DataFrame:
    """Follow copies of copies to the bodies that are copies of none.

    Args:
        edges: `later` is a copy of `earlier`; no circles.

    Returns:
        `later` and `earlier`, where `earlier` is a root: up to 8 for each copy, the first ones.
    """
    ways, roots = edges.select(*EDGES).unique(), []
    for _ in range(_ROUNDS):
        is_copy = pl.col("earlier").is_in(edges["later"].unique().implode())
        roots.append(ways.filter(~is_copy))
        ways = ways.filter(is_copy)
        if ways.is_empty():
            break
        onward = ways.rename({"earlier": "through"}).join(
            edges.select(through="later", earlier="earlier"), on="through"
        )
        ways = onward.select(*EDGES).unique().filter(pl.col("earlier").rank("ordinal").over("later") <= _MOST_ROOTS)
    found = pl.concat(roots).unique()
    return found.filter(pl.col("earlier").rank("ordinal").over("later") <= _MOST_ROOTS)
