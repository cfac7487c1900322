"""Copies planted among real news, the copies that are found, and how the two agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl

from bench.planting import PLANTED_KINDS, Planted, plant_copies
from tasks.clean import clean_documents
from tasks.reports.copies import update_copies
from tasks.reports.relations import NEAR
from tasks.reports.shingles import HASH_BITS, Shingles, count_shared, count_shingles, shingle_texts
from tests.builders import raw_documents
from tests.eval.scores import Score, score_ratio
from warehouse.ddl import create_schema, merge_rows
from warehouse.tables import ARTICLE_SEGMENTS, FACT_ARTICLES, TABLES

EACH = 100
"""Copies of every kind."""
_SEED, _FIRST_DAY = 5, date(2005, 1, 3)
_FOUND_AS = {
    "exact": ("identical", "exact"), "near": ("near",), "truncated": ("truncated", "near"), "stitched": ("stitched",),
    "syndicated": ("syndicated",), "reworded": ("rewritten",),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """Texts, the copies planted behind them, and the rows of `article_copies` with the numbers of the texts.

    `rows` has `article` and `origin` (null for none), `copy_kind`; `alike` the pairs of texts (`left`, `right`) that share at least
    half of their runs of four words, found by comparing all.
    """

    originals: int
    planted: Sequence[Planted]
    rows: pl.DataFrame
    alike: pl.DataFrame


def try_copies(texts: Sequence[str], each: int = EACH, *, is_dated: bool = True) -> Trial:
    """Plant copies among the texts, clean all, look for copies, and compare every text with every other."""
    planted = list(plant_copies(texts, _SEED, each))
    everything = [*texts, *(copy.text for copy in planted)]
    days = [_FIRST_DAY + timedelta(number % 365) for number in range(len(texts))]
    days += [max(days[origin] for origin in copy.origins) + timedelta(1) for copy in planted]
    with duckdb.connect() as con:
        create_schema(con, TABLES)
        numbers = _store_articles(con, everything, days if is_dated else [None] * len(everything))
        update_copies(con, None)
        copies = con.sql("select article_id, origin_article_id, copy_kind from article_copies").pl()
        bodies = (
            con.sql("select article_id, body from fact_articles").pl().join(numbers, on="article_id").sort("number")
        )
    named = copies.join(numbers.rename({"number": "article"}), on="article_id").join(
        numbers.rename({"article_id": "origin_article_id", "number": "origin"}), on="origin_article_id", how="left"
    )
    alike = compare_all(shingle_texts(bodies["body"])).with_columns(
        pl.col("left", "right").replace_strict(dict(enumerate(bodies["number"])))
    )
    return Trial(len(texts), planted, named.select("article", "origin", "copy_kind"), alike)


def _store_articles(con: duckdb.DuckDBPyConnection, texts: Sequence[str], days: Sequence[date | None]) -> pl.DataFrame:
    """Clean the texts and store articles and segments; return the number of each `article_id`."""
    documents = raw_documents(
        *texts, metadata_published_on=list(days), document_id=[f"document-{number}" for number in range(len(texts))]
    ).with_columns(article_id=pl.format("article-{}", pl.int_range(pl.len())))
    cleaned = clean_documents(documents)
    articles = cleaned.articles.with_columns(rules_version=pl.lit("eval"), run_id=pl.lit("eval"))
    merge_rows(con, FACT_ARTICLES, articles)
    merge_rows(con, ARTICLE_SEGMENTS, cleaned.segments)
    return articles.select("article_id", number=pl.col("article_id").str.strip_prefix("article-").cast(pl.Int64))


def compare_all(shingles: Shingles, least: float = NEAR) -> pl.DataFrame:
    """Return `left`, `right` of all pairs of texts whose runs of four words resemble each other this much, without sketches.

    Exact: such a pair has one of the rarest runs of each in common, of a set of n the n - least · n + 1 rarest (prefix filtering,
    Chaudhuri, Ganti and Kaushik 2006); every pair that has is compared in full.
    """
    mask = np.uint64((1 << HASH_BITS) - 1)
    frame = pl.DataFrame({"left": shingles.text >> np.uint64(HASH_BITS), "hash": shingles.text & mask})
    rarest = (
        frame.with_columns(pl.col("left").cast(pl.Int64), count=pl.len().over("hash"))
        .sort("left", "count", "hash")
        .filter(pl.int_range(pl.len()).over("left") <= pl.len().over("left") * (1 - least))
        .filter(pl.col("count") > 1)
    )
    joined = (
        rarest.lazy()
        .join(rarest.lazy().select("hash", right="left"), on="hash")
        .filter(pl.col("left") < pl.col("right"))
    )
    pairs = joined.select("left", "right").unique().collect().sort("left", "right")
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    shared = np.concatenate(
        [
            count_shared(shingles.text, shingles.count, left[n : n + 50_000], right[n : n + 50_000])
            for n in range(0, len(left), 50_000)
        ]
        or [np.zeros(0, np.int64)]
    )
    sizes = count_shingles(shingles.text, shingles.count)
    return pairs.filter(pl.Series(shared / (sizes[left] + sizes[right] - shared) >= least))


def score_copies(trial: Trial) -> Mapping[str, Score]:
    """Score a trial.

    Returns:
        `KIND.recall`: planted copies with a row for every text they were made from (or one that is alike). `KIND.kind`: those
        whose row says the kind. `KIND.precision`: rows of planted copies of that kind whose origin is right. `alike.recall`: pairs of
        texts that are alike whose copies are traced to one root. `distinct.false`: rows among the given texts, of those alike to no
        other, that call one an exact or near copy, by number of texts; `distinct.rewritten` that call one rewritten.
    """
    groups = _group_alike(trial)
    rows: dict[int, list[tuple[int | None, str]]] = {}
    for article, origin, kind in trial.rows.iter_rows():
        rows.setdefault(article, []).append((origin, kind))
    scores: dict[str, Score] = {}
    for kind in PLANTED_KINDS:
        own = [(trial.originals + number, copy) for number, copy in enumerate(trial.planted) if copy.kind == kind]
        counts = [_count_copy(copy, rows.get(number, []), groups) for number, copy in own]
        scores[f"{kind}.recall"] = score_ratio(counts, {"found": 1}, {"all": 1})
        scores[f"{kind}.precision"] = score_ratio(counts, {"right": 1}, {"rows": 1})
        scores[f"{kind}.kind"] = score_ratio(counts, {"named": 1}, {"all": 1})
    root = {
        article: min(origin for origin, _ in own if origin is not None)
        for article, own in rows.items()
        if own[0][0] is not None
    }
    joined = [
        {
            "joined": float(
                _trace(left, root) == _trace(right, root) or bool({left, right} & _list_origins(left, right, rows))
            ),
            "all": 1.0,
        }
        for left, right in trial.alike.iter_rows()
    ]
    scores["alike.recall"] = score_ratio(joined, {"joined": 1}, {"all": 1})
    distinct = [number for number in range(trial.originals) if groups[number] == {number}]
    claimed = [
        {name: float(any(is_claimed(kind) for _, kind in rows.get(number, []))) for name, is_claimed in _CLAIMS.items()}
        | {"all": 1.0}
        for number in distinct
    ]
    for name in _CLAIMS:
        scores[f"distinct.{name}"] = score_ratio(claimed, {name: 1}, {"all": 1})
    return scores


_CLAIMS = {"false": lambda kind: kind in ("identical", "exact", "near"), "rewritten": lambda kind: kind == "rewritten"}


def _list_origins(left: int, right: int, rows: Mapping[int, list[tuple[int | None, str]]]) -> set[int | None]:
    return {origin for number in (left, right) for origin, _ in rows.get(number, [])}


def _trace(article: int, root: Mapping[int, int]) -> int:
    while article in root:
        article = root[article]
    return article


def _group_alike(trial: Trial) -> list[set[int]]:
    """Return for each given text the given texts that it is alike to, itself among them."""
    groups = [{number} for number in range(trial.originals)]
    for left, right in trial.alike.iter_rows():
        if max(left, right) < trial.originals:
            groups[left].add(right)
            groups[right].add(left)
    return groups


def _count_copy(copy: Planted, rows: list[tuple[int | None, str]], groups: list[set[int]]) -> dict[str, float]:
    wanted = [groups[origin] for origin in copy.origins]
    found = {origin for origin, _ in rows if origin is not None}
    right = sum(any(origin in group for group in wanted) for origin in found)
    is_found = all(group & found for group in wanted)
    is_named = is_found and all(kind in _FOUND_AS[copy.kind] for _, kind in rows)
    return {
        "all": 1.0,
        "found": float(is_found),
        "rows": float(len(found)),
        "right": float(right),
        "named": float(is_named),
    }


def list_missed(trial: Trial) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the beginning and what was found of every planted copy whose origins or kind were not found."""
    groups = _group_alike(trial)
    for number, copy in enumerate(trial.planted):
        rows = trial.rows.filter(pl.col("article") == trial.originals + number).select("origin", "copy_kind").rows()
        if not _count_copy(copy, rows, groups)["named"]:
            yield copy.kind, copy.text[:200], f"made from {copy.origins}, found {rows}"
