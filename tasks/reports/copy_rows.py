"""Bodies that were compared, and the articles that have them -> rows of `article_copies`, each with its evidence."""

import polars as pl

from tasks.reports.credits import is_agency
from tasks.reports.relations import MOST_OF_PARTS, NEAR, PART, find_roots, place_joined, relate_bodies
from tasks.reports.substitutions import LEAST_DIFFERENT, REWRITTEN_RATE
from warehouse.tables import ARTICLE_COPIES

_MINOR = 0.2  # share of an article's words that a further origin must have
_CHAINS = ("body_sha256", "other_body_sha256")


def number_bodies(bodies: pl.DataFrame) -> pl.DataFrame:
    """Add `number`, the place of each body in the order of origins: by day, agencies first, the longer first, then by id."""
    order = ("first_on", ~pl.col("is_agency"), -pl.col("word_count").cast(pl.Int64), "first_article_id")
    return bodies.sort(*order, nulls_last=True).with_row_index("number")


def decide_copies(
    articles: pl.DataFrame, bodies: pl.DataFrame, overlaps: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decide which articles are copies of what.

    Args:
        articles: `article_id`, `raw_sha256`, `body_sha256`, `outlet`, `published_on`, `credited` (an agency, or null).
        bodies: BODY_SKETCHES without the sketch.
        overlaps: BODY_OVERLAPS.

    Returns:
        ARTICLE_COPIES, and the pairs of a copy and its root that were not compared yet (`body_sha256`, `other_body_sha256`).
    """
    ordered = number_bodies(bodies).with_columns(is_joined=pl.lit(False))
    relations = relate_bodies(_number_pairs(overlaps.filter("is_candidate"), ordered), ordered)
    joined = place_joined(relations, ordered)
    if joined.height:
        moved = ordered.join(joined, on="number", how="left").with_columns(
            is_joined=pl.col("place").is_not_null(), place=pl.coalesce("place", pl.col("number").cast(pl.Float64))
        )
        ordered = moved.sort("place", "number").drop("number", "place").with_row_index("number")
        relations = relate_bodies(_number_pairs(overlaps.filter("is_candidate"), ordered), ordered)
    roots = find_roots(relations)
    compared = _number_pairs(overlaps, ordered)
    found = relate_bodies(compared.join(roots, on=["later", "earlier"], how="semi"), ordered)
    direct = relations.filter(~pl.col("later").is_in(found["later"].unique().implode()))
    direct = direct.sort("measure", "earlier", descending=[True, False]).unique(
        "later", keep="first", maintain_order=True
    )
    chosen = tell_directions(choose_origins(pl.concat([found, direct.select(found.columns)])), ordered)
    return (
        describe_copies(articles, ordered, chosen),
        _name_chains(roots.join(compared, on=["later", "earlier"], how="anti"), ordered),
    )


def _number_pairs(overlaps: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    numbers = ordered.select("number", "body_sha256")
    one = overlaps.join(numbers.rename({"number": "one"}), on="body_sha256")
    both = one.join(numbers.rename({"number": "other", "body_sha256": "other_body_sha256"}), on="other_body_sha256")
    return both.with_columns(later=pl.max_horizontal("one", "other"), earlier=pl.min_horizontal("one", "other")).drop(
        "one", "other"
    )


def _name_chains(pairs: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    names = ordered.select("number", "body_sha256")
    both = pairs.join(names.rename({"number": "later", "body_sha256": "one"}), on="later").join(
        names.rename({"number": "earlier", "body_sha256": "other"}), on="earlier"
    )
    return both.select(
        body_sha256=pl.min_horizontal("one", "other"), other_body_sha256=pl.max_horizontal("one", "other")
    ).cast(dict.fromkeys(_CHAINS, pl.String))


def choose_origins(relations: pl.DataFrame) -> pl.DataFrame:
    """Keep for each copy the origin with most of its words, and others that have a fifth of them or stand whole in it; number from 0.

    A copy whose origins have most of its words together, each of them much of itself, is `stitched`.
    """
    ranked = relations.sort("later", pl.col("kind") == "rewritten", -pl.col("copied_share"), "earlier").with_columns(
        origin_no=pl.int_range(pl.len()).over("later")
    )
    kept = ranked.filter(
        (pl.col("origin_no") == 0)
        | ((pl.col("kind") != "rewritten") & (pl.col("copied_share") >= _MINOR))
        | ((pl.col("kind") == "contained") & (pl.col("origin_share") >= PART))
    )
    is_whole = pl.col("origin_share").min().over("later") >= NEAR
    is_sum = pl.col("copied_share").sum().over("later").is_between(PART, MOST_OF_PARTS)
    return kept.with_columns(
        kind=pl.when((pl.len().over("later") > 1) & is_whole & is_sum).then(pl.lit("stitched")).otherwise("kind"),
        origin_no=pl.int_range(pl.len()).over("later"),
    )


def tell_directions(relations: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    """Add `direction_rule`: why the earlier body is the origin."""
    columns = ("first_on", "is_agency", "word_count", "is_joined")
    sides = relations.select("later", "earlier")
    for side in sides.columns:
        own = ordered.select(pl.col("number").alias(side), *(pl.col(name).alias(f"{side}_{name}") for name in columns))
        sides = sides.join(own, on=side, maintain_order="left")
    rule = (
        pl.when(pl.col("earlier_first_on") < pl.col("later_first_on")).then(pl.lit("earlier"))
        .when("later_is_joined").then(pl.lit("parts"))
        .when(pl.col("earlier_first_on").is_not_null() & pl.col("later_first_on").is_null()).then(pl.lit("dated"))
        .when(pl.col("earlier_is_agency") & ~pl.col("later_is_agency")).then(pl.lit("agency"))
        .when(pl.col("earlier_word_count") > pl.col("later_word_count")).then(pl.lit("longer"))
        .otherwise(pl.lit("smallest id"))
    )  # fmt: skip
    return relations.with_columns(sides.select(direction_rule=rule)["direction_rule"])


def describe_copies(articles: pl.DataFrame, ordered: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Return ARTICLE_COPIES: the articles of a body that is a copy, repeated bodies, credits, and paraphrases without an origin."""
    firsts = ordered.select("number", "body_sha256", "first_article_id", "word_count", "substitutions")
    placed = articles.join(firsts, on="body_sha256")
    origins = placed.filter(pl.col("article_id") == pl.col("first_article_id")).select(
        earlier="number", origin_article_id="article_id", origin_raw="raw_sha256", origin_on="published_on",
        origin_outlet="outlet", origin_credited="credited",
    )  # fmt: skip
    by_words = (
        placed.join(chosen, left_on="number", right_on="later")
        .join(origins, on="earlier")
        .with_columns(evidence=_EVIDENCE)
    )
    rest = placed.join(chosen, left_on="number", right_on="later", how="anti")
    repeated = rest.filter(pl.col("article_id") != pl.col("first_article_id")).join(
        origins, left_on="number", right_on="earlier"
    )
    rest = rest.join(repeated, on="article_id", how="anti")
    rows = [_name_agencies(by_words), _name_agencies(_describe_repeated(repeated)), _describe_alone(rest)]
    return (
        pl.concat([part.select(ARTICLE_COPIES.column_names).cast(ARTICLE_COPIES.schema) for part in rows])
        .sort("article_id", "origin_no")
    )  # fmt: skip


_EVIDENCE = (
    pl.when(pl.col("measure_name") == "names and numbers")
    .then(
        pl.format(
            "{} runs of 3 names and numbers of {} here and {} there; {} quoted runs of 4 words of {} and {}; {} of all of {} and {}",
            "name_shared", "later_names", "earlier_names", "quoted_shared", "later_quoted", "earlier_quoted",
            "text_shared", "later_text", "earlier_text",
        )
    )
    .otherwise(pl.format("{} runs of 4 words of {} here and {} there", "text_shared", "later_text", "earlier_text"))
)  # fmt: skip


def _describe_repeated(repeated: pl.DataFrame) -> pl.DataFrame:
    """Describe the articles whose body an earlier article has."""
    is_identical = pl.col("raw_sha256") == pl.col("origin_raw")
    is_earlier = pl.col("origin_on") < pl.col("published_on")
    is_dated = pl.col("origin_on").is_not_null() & pl.col("published_on").is_null()
    is_agencys = is_agency(pl.col("origin_outlet")) & ~is_agency(pl.col("outlet"))
    return repeated.with_columns(
        origin_no=pl.lit(0),
        kind=pl.when(is_identical).then(pl.lit("identical")).otherwise(pl.lit("exact")),
        measure_name=pl.when(is_identical).then(pl.lit("bytes")).otherwise(pl.lit("body")),
        measure=pl.lit(1.0),
        copied_share=pl.lit(1.0),
        evidence=pl.when(is_identical)
        .then(pl.format("raw_sha256 {}", "raw_sha256"))
        .otherwise(pl.format("body_sha256 {}", "body_sha256")),
        direction_rule=pl.when(is_earlier)
        .then(pl.lit("earlier"))
        .when(is_dated)
        .then(pl.lit("dated"))
        .when(is_agencys)
        .then(pl.lit("agency"))
        .otherwise(pl.lit("smallest id")),
    )


def _name_agencies(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the agency that the copy credits, or that its origin is or credits; its text is `syndicated` then."""
    own_agency = pl.when(is_agency(pl.col("origin_outlet"))).then("origin_outlet")
    agency = pl.coalesce("credited", own_agency, "origin_credited")
    is_syndicated = pl.col("credited").is_not_null() & pl.col("kind").is_in(["exact", "near", "truncated", "contained"])
    is_syndicated |= agency.is_not_null() & pl.col("kind").is_in(["near", "truncated", "contained"])
    return rows.with_columns(
        origin_text=agency,
        copy_kind=pl.when(is_syndicated).then(pl.lit("syndicated")).otherwise("kind"),
        evidence=pl.when(pl.col("credited").is_not_null())
        .then(pl.format("{}; credits {}", "evidence", "credited"))
        .otherwise("evidence"),
    )


def _describe_alone(rest: pl.DataFrame) -> pl.DataFrame:
    """Describe the articles without an origin at hand that credit an agency or show that they are a paraphrase."""
    rate = 100 * pl.col("substitutions").list.len() / pl.col("word_count").clip(1)
    is_rewritten = (rate >= REWRITTEN_RATE) & (pl.col("substitutions").list.n_unique() >= LEAST_DIFFERENT)
    first = pl.col("substitutions").list.unique(maintain_order=True).list.head(12).list.join(", ")
    return rest.filter(is_rewritten | pl.col("credited").is_not_null()).with_columns(
        origin_no=pl.lit(0),
        origin_article_id=pl.lit(None, pl.String),
        origin_text="credited",
        copy_kind=pl.when(is_rewritten).then(pl.lit("rewritten")).otherwise(pl.lit("syndicated")),
        measure_name=pl.when(is_rewritten).then(pl.lit("substitutions")).otherwise(pl.lit("credit")),
        measure=pl.when(is_rewritten).then(rate / 100).otherwise(1.0),
        copied_share=pl.lit(None, pl.Float64),
        evidence=pl.when(is_rewritten)
        .then(pl.format("{} substitutions in {} words: {}", pl.col("substitutions").list.len(), "word_count", first))
        .otherwise(pl.format("credits {}", "credited")),
        direction_rule=pl.when(is_rewritten).then(pl.lit("wording")).otherwise(pl.lit("credit")),
    )
