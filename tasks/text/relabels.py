"""What corrections say about the lines of an outlet: their label, whatever the rules say, and who must be cleaned anew."""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from tasks.reading.corrections import Correction, hash_relabels

RELABEL_REASON = "correction:"
"""Begins the `reason` of a piece that a correction relabelled; the id of the correction follows."""


def relabel_blocks(blocks: pl.DataFrame, outlets: pl.DataFrame, relabels: Sequence[Correction]) -> pl.DataFrame:
    """Give blocks of text the label that a correction says, with its id as the reason; of several the first wins.

    Args:
        blocks: `doc`, `text`, `label` and `reason`, among others.
        outlets: `doc` and `outlet`.
        relabels: Corrections with an outlet, a label, and a line or a pattern.
    """
    known = blocks.join(outlets.select("doc", "outlet"), on="doc", how="left", maintain_order="left")
    label, reason = pl.col("label"), pl.col("reason")
    for relabel in reversed(relabels):
        matches = match_relabel(relabel)
        label = pl.when(matches).then(pl.lit(relabel.value)).otherwise(label)
        reason = pl.when(matches).then(pl.lit(RELABEL_REASON + relabel.correction_id)).otherwise(reason)
    return known.with_columns(label=label, reason=reason).drop("outlet")


def match_relabel(relabel: Correction) -> pl.Expr:
    """Return whether a relabel is about the line: `outlet` is its outlet, `text` its line or matched by its pattern."""
    is_outlet = (pl.col("outlet").str.to_lowercase() == (relabel.outlet or "").lower()).fill_null(False)
    if relabel.pattern is not None:
        return is_outlet & pl.col("text").str.contains(relabel.pattern)
    return is_outlet & (pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars() == relabel.line)


def version_relabels(outlet: pl.Expr, relabels: Sequence[Correction]) -> pl.Expr:
    """Return `relabels_version` of articles of an outlet: null where no correction is about it."""
    versions = hash_relabels(tuple(relabels))
    return outlet.str.to_lowercase().replace_strict(versions, default=None, return_dtype=pl.String)


def find_outdated(con: duckdb.DuckDBPyConnection, relabels: Sequence[Correction]) -> pl.DataFrame:
    """Find the articles of a release that were cleaned by other relabels than these: `document_id` and `outlet`."""
    versions = hash_relabels(tuple(relabels))
    articles = con.sql("select document_id, outlet, relabels_version from fact_articles").pl()
    is_current = pl.col("relabels_version").eq_missing(version_relabels(pl.col("outlet"), relabels))
    # an outlet that only a relabelled line told is known no more: it was cleaned by what is said of it
    is_kept = pl.col("outlet").is_null() & pl.col("relabels_version").is_in(list(versions.values()))
    return articles.filter(~is_current, ~is_kept.fill_null(False)).select("document_id", "outlet").sort("document_id")


def count_relabelled(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Count the pieces of text that each correction relabelled: `correction_id` and `piece_count`."""
    return con.execute(
        """
        select substring(reason, ? + 1) as correction_id, count(*) as piece_count
        from article_segments where starts_with(reason, ?) group by all order by all
        """,
        [len(RELABEL_REASON), RELABEL_REASON],
    ).pl()


def count_waiting(outdated: pl.DataFrame, relabels: Sequence[Correction]) -> Mapping[str, int]:
    """Count for each relabel the articles of its outlet that are not cleaned by it yet."""
    counts = dict(
        outdated.group_by(pl.col("outlet").str.to_lowercase()).agg(article_count=pl.len()).drop_nulls().iter_rows()
    )
    return {one.correction_id: counts.get((one.outlet or "").lower(), 0) for one in relabels}
