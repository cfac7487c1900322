"""Lines that an outlet prints under article after article: learned from its own documents, left out of its bodies."""

import polars as pl

from tasks.text.labels import fold_text
from tasks.text.relabels import RELABEL_REASON
from warehouse.keys import make_id
from warehouse.tables import BODY_LABELS, OUTLET_LINES

Evidence = tuple[str, pl.Expr, int, float]
"""A kind of line, the lines of the kind, and in how many documents of an outlet, and in what share of them, it must stand."""
EVIDENCE: tuple[Evidence, ...] = (
    # words of somebody, or a paragraph: newsrooms print the background of a story again in every follow-up
    ("quotation_or_paragraph", pl.col("has_marks") | (pl.col("words") >= 40), 10, 0.2),
    ("sentence", pl.col("words") >= 12, 5, 0.1),
    ("short_line", pl.lit(True), 3, 0.05),
)
"""The first kind that a line is of counts. Three documents are the fewest that two articles of one story cannot make."""
_TEXT_CHARS = 200
_REASON = "repeated_by_outlet"
LINES_SCHEMA = pl.Schema({
    "outlet": pl.String, "body_sha256": pl.String, "line_hash": pl.String, "line_text": pl.String,
    "words": pl.UInt32, "has_marks": pl.Boolean, "is_body": pl.Boolean,
})  # fmt: skip


def collect_lines(articles: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Return LINES_SCHEMA: the distinct lines of the articles of known outlets, copies of one body counted once.

    `articles` has article_id, outlet and body_sha256; `segments` article_id, label, reason and text. A line that was left out
    as repeated counts as one of the body, so that learning again from cleaned articles learns the same.
    """
    known = articles.drop_nulls("outlet").unique(["outlet", "body_sha256"], keep="first", maintain_order=True)
    lines = (
        known.select("article_id", "outlet", "body_sha256")
        .join(segments.select("article_id", "label", "reason", "text"), on="article_id", maintain_order="left_right")
        .filter(pl.col("text").str.contains(r"\p{L}"))
        .with_columns(line_hash=hash_lines(pl.col("text")))
    )
    return (
        lines.group_by("outlet", "body_sha256", "line_hash", maintain_order=True)
        .agg(
            line_text=pl.col("text").first().str.head(_TEXT_CHARS),
            words=pl.col("text").first().str.count_matches(r"\S+"),
            has_marks=pl.col("text").first().str.contains('[“”„«»"]'),
            is_body=(pl.col("label").is_in(BODY_LABELS) | (pl.col("reason") == _REASON)).any(),
        )
        .cast(LINES_SCHEMA)
    )


def hash_lines(text: pl.Expr) -> pl.Expr:
    """Return the hash of lines: equal for lines that differ in case, marks or white space only."""
    folded = fold_text(text).str.replace_all(r"\s+", " ").str.strip_chars()
    # Python a line: the hash of Polars changes with its version
    return folded.map_elements(make_id, return_dtype=pl.String)


def learn_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Return OUTLET_LINES: the lines of which there is EVIDENCE that their outlet prints them with any article.

    Only original documents count: those that have at least half of the words of their body for themselves in their outlet. The
    states and copies of one article, which share most of theirs, are evidence of nothing.

    Args:
        lines: LINES_SCHEMA, of all documents to learn from; bodies that come twice count once.
    """
    lines = lines.unique(["outlet", "body_sha256", "line_hash"], keep="first", maintain_order=True)
    is_own = pl.len().over("outlet", "line_hash") == 1
    lines = lines.with_columns(is_own=is_own)
    own = pl.col("words").filter(pl.col("is_body") & pl.col("is_own")).sum()
    all_words = pl.col("words").filter("is_body").sum()
    original = lines.filter((own * 2 >= all_words).over("outlet", "body_sha256"))
    counted = (
        original.with_columns(documents=pl.col("body_sha256").n_unique().over("outlet"))
        .group_by("outlet", "line_hash", "documents")
        .agg(pl.col("line_text", "words", "has_marks").sort_by("line_text").first(), document_count=pl.len())
        .with_columns(share=pl.col("document_count") / pl.col("documents"))
    )
    is_enough = pl.lit(False)
    for _, of_kind, least_count, least_share in reversed(EVIDENCE):
        enough = (pl.col("document_count") >= least_count) & (pl.col("share") >= least_share)
        is_enough = pl.when(of_kind).then(enough).otherwise(is_enough)
    return version_lines(counted.filter(is_enough))


def version_lines(learned: pl.DataFrame) -> pl.DataFrame:
    """Return OUTLET_LINES of one version, which is the hash of all of its lines."""
    learned = learned.sort("outlet", "line_hash")
    version = make_id(*(f"{outlet}\t{line}" for outlet, line in learned.select("outlet", "line_hash").iter_rows()))
    return learned.with_columns(lines_version=pl.lit(version)).select(OUTLET_LINES.column_names).cast(OUTLET_LINES.schema)  # fmt: skip


def find_version(learned: pl.DataFrame) -> str | None:
    """Return the version of OUTLET_LINES rows of one version; None when nothing was learned."""
    return str(learned["lines_version"][0]) if learned.height else None


def label_repeated(segments: pl.DataFrame, outlets: pl.DataFrame, learned: pl.DataFrame) -> pl.DataFrame:
    """Make the segments of bodies that are learned lines of their outlet notices; a body that has no other line stays.

    Args:
        segments: `doc`, `label`, `reason` and `text`.
        outlets: `doc` and `outlet`.
        learned: OUTLET_LINES of one version.
    """
    known = outlets.filter(pl.col("outlet").is_in(learned["outlet"].unique().implode()))
    if known.is_empty():
        return segments
    is_body = pl.col("label").is_in(BODY_LABELS)
    numbered = segments.with_row_index("number")
    repeated = (
        numbered.filter(is_body)
        .join(known.select("doc", "outlet"), on="doc", maintain_order="left")
        .with_columns(line_hash=hash_lines(pl.col("text")))
        .join(learned.select("outlet", "line_hash", is_learned=pl.lit(True)), on=["outlet", "line_hash"], how="left", maintain_order="left")
        .filter(~pl.col("is_learned").fill_null(False).all().over("doc"))
        .drop_nulls("is_learned")
        .filter(~pl.col("reason").fill_null("").str.starts_with(RELABEL_REASON))  # what a person said stays
    )  # fmt: skip
    is_repeated = pl.col("number").is_in(repeated["number"].implode())
    return numbered.with_columns(
        label=pl.when(is_repeated).then(pl.lit("notice")).otherwise("label"),
        reason=pl.when(is_repeated).then(pl.lit(_REASON)).otherwise("reason"),
    ).drop("number")
