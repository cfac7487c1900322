"""Raw documents -> articles and their labelled segments. Nothing is left out without a label and a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.outlets import load_outlets
from tasks.reading.corrections import Correction
from tasks.text.decode import decode_documents, reject
from tasks.text.extract import PAGE_READER, STRUCTURE, extract_html
from tasks.text.header import find_outlets, read_headers
from tasks.text.labels import (
    find_article,
    find_stretch,
    find_title,
    label_alone,
    label_blocks,
    label_datelines,
    label_slogans,
    match_known_forms,
    measure_blocks,
    take_near,
)
from tasks.text.language import detect_languages
from tasks.text.lines import find_layout, number_blocks, split_lines
from tasks.text.page import score_lines
from tasks.text.page_metadata import read_page_metadata
from tasks.text.pieces import split_pieces
from tasks.text.relabels import relabel_blocks, version_relabels
from tasks.text.repair import repair_lines
from tasks.text.repeated import label_repeated
from tasks.text.structure import label_captions, label_structure, score_pages
from warehouse.tables import ARTICLE_ATTRIBUTES, ARTICLE_SEGMENTS, BODY_LABELS, FACT_ARTICLES, WRITTEN_AT_LOAD

ARTICLE_COLUMNS = tuple(name for name in FACT_ARTICLES.column_names if name not in WRITTEN_AT_LOAD)
"""What cleaning knows of FACT_ARTICLES."""


@dataclass(frozen=True)
class CleanedBatch:
    """What becomes of one batch: articles (FACT_ARTICLES but for what is written at load), segments, attributes, rejected."""

    articles: pl.DataFrame
    segments: pl.DataFrame
    attributes: pl.DataFrame
    rejected: pl.DataFrame


def clean_documents(
    documents: pl.DataFrame, learned: pl.DataFrame | None = None, relabels: Sequence[Correction] = ()
) -> CleanedBatch:
    """Clean a batch of RAW_DOCUMENTS, thousands at a time.

    Every document is an article or a row of `rejected`; the rows of one do not depend on the others of the batch.
    The lines that its outlet repeats, `learned` (OUTLET_LINES of one version), stay outside of a body, unless `relabels`, the
    corrections that say what a kind of line of an outlet is, say otherwise.
    """
    decoded, unread = decode_documents(documents)
    decoded = decoded.with_columns(doc=pl.int_range(pl.len(), dtype=pl.UInt32))
    decoded = decoded.join(read_page_metadata(decoded), on="doc", maintain_order="left")
    decoded = decoded.join(find_outlets(decoded), on="doc", maintain_order="left")
    lines = read_lines(decoded)
    layouts = find_layout(lines)
    lines = number_blocks(lines, layouts)
    blocks = label_text(join_blocks(lines), decoded)
    segments = lines.pipe(label_lines, blocks).pipe(split_pieces)
    if relabels:  # an outlet that only the text tells is known by the labels of the rules
        blocks = relabel_blocks(blocks, read_outlets(decoded, segments), relabels)
        segments = lines.pipe(label_lines, blocks).pipe(split_pieces)
    if learned is not None and learned.height:
        segments = label_repeated(segments, read_outlets(decoded, segments), learned)
    segments = segments.pipe(place_in_body)
    articles = build_articles(decoded, segments, layouts)
    articles = articles.with_columns(relabels_version=version_relabels(pl.col("outlet"), relabels))
    empty = decoded.join(articles, on="doc", how="anti", maintain_order="left")
    return CleanedBatch(
        articles=articles.select(ARTICLE_COLUMNS).cast({name: FACT_ARTICLES.schema[name] for name in ARTICLE_COLUMNS}),
        segments=build_segments(articles, segments),
        attributes=build_attributes(articles),
        rejected=pl.concat(
            [unread, reject(empty.with_columns(reject_reason=pl.lit("no_body"), detail=_describe(segments, empty)))]
        ),
    )


def read_lines(documents: pl.DataFrame) -> pl.DataFrame:
    """Return the repaired lines of decoded documents with their places in the raw bytes; of pages, what a reader sees."""
    is_page = documents["reader"] == PAGE_READER
    texts = documents.filter(~is_page)
    lines = texts.pipe(split_lines).with_columns(doc=pl.col("doc").replace_strict(*_number(texts))).pipe(repair_lines)
    lines = lines.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in STRUCTURE.items())
    if not is_page.any():
        return lines
    pages = extract_html(documents.filter(is_page)).select(lines.columns)
    return pl.concat([lines, pages]).sort("doc", "line_no")


def _number(documents: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return the row numbers of some of the documents, and their numbers among all."""
    return pl.int_range(documents.height, dtype=pl.UInt32, eager=True), documents["doc"]


def join_blocks(lines: pl.DataFrame) -> pl.DataFrame:
    """Join the lines of each block by a space (by nothing after a hyphen).

    Grain: one row per `block`, in order, with `doc`, `text` and, where lines have it, the STRUCTURE of the first.
    """
    structure = [name for name in STRUCTURE if name in lines.columns]
    is_wrapped = pl.col("layout") == "hard_wrapped"
    whole = lines.filter(~is_wrapped).select("block", "doc", "text", *structure)
    wrapped = (
        lines.filter(is_wrapped)
        .group_by("block", maintain_order=True)
        .agg(pl.col("doc").first(), pl.col("text").str.join("\n"), pl.col(structure).first())
        .with_columns(
            pl.col("text").str.replace_all(r"([\p{L}\p{N}]-)\n", "$1").str.replace_all("\n", " ", literal=True)
        )
    )
    return pl.concat([whole, wrapped]).sort("block")


def label_text(blocks: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Label blocks: look at each alone, find the article and its headline, apply the rules."""
    return (
        blocks.pipe(look_alone)
        .pipe(find_stretch)
        .pipe(score_lines)
        .pipe(score_pages, documents)
        .pipe(find_article)
        .pipe(find_title, documents)
        .pipe(label_blocks)
        .pipe(label_structure)
        .pipe(label_outlet_forms, documents)
    )


def look_alone(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add what a block says without a look at the whole document: measures, its known form, the label it has alone."""
    return (
        blocks.pipe(measure_blocks)
        .pipe(match_known_forms)
        .pipe(label_alone)
        .pipe(label_datelines)
        .pipe(label_slogans)
        .pipe(label_captions)
    )


def label_outlet_forms(blocks: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Give the lines that an outlet's own file describes their label, in the documents of that outlet."""
    forms = [(outlet.name, line) for outlet in load_outlets() for line in outlet.lines]
    known = blocks.join(documents.select("doc", "known_outlet"), on="doc", maintain_order="left")
    for name, line in forms:
        matches = (pl.col("known_outlet") == name).fill_null(False) & pl.col("text").str.contains(line.pattern)
        known = known.with_columns(
            label=pl.when(matches).then(pl.lit(line.label)).otherwise("label"),
            reason=pl.when(matches).then(pl.lit("outlet_form")).otherwise("reason"),
        )
    return known


def read_outlets(documents: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Return `doc` and `outlet` of every document: the known one, else what the text says."""
    headers = read_headers(documents, segments).select("doc", "text_outlet")
    return documents.join(headers, on="doc", how="left", maintain_order="left").select(
        "doc", outlet=pl.coalesce("known_outlet", "text_outlet")
    )


def label_lines(lines: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """Give every line the label and reason of its block, and `is_opening`: it begins one of the first 3 blocks of a body."""
    is_body = pl.col("label") == "body"
    opening = blocks.with_columns(body_no=is_body.cum_sum().over("doc")).select(
        "block", "label", "reason", is_opening_block=is_body & (pl.col("body_no") <= 3)
    )
    is_first_line = pl.col("block").is_first_distinct()
    return lines.join(opening, on="block", maintain_order="left").with_columns(
        is_opening=pl.col("is_opening_block") & is_first_line
    )


def place_in_body(segments: pl.DataFrame) -> pl.DataFrame:
    """Add `glue` (what joins a body segment to the one before), `body_start` and `body_end`, null outside of the body."""
    inside = segments.filter(pl.col("label").is_in(BODY_LABELS))
    previous = take_near("text", -1)
    is_same_block = pl.col("block") == pl.col("block").shift(1)
    inside = inside.with_columns(
        glue=pl.when(previous.is_null())
        .then(pl.lit(""))
        .when(~is_same_block)
        .then(pl.lit("\n\n"))
        .when(previous.str.contains(r"[\p{L}\p{N}]-$"))
        .then(pl.lit(""))
        .otherwise(pl.lit(" ")),
    ).with_columns(used=pl.col("text").str.len_chars() + pl.col("glue").str.len_chars())
    inside = inside.with_columns(body_end=pl.col("used").cum_sum().over("doc")).with_columns(
        body_start=pl.col("body_end") - pl.col("text").str.len_chars()
    )
    return segments.join(
        inside.select("doc", "line_no", "segment_no", "glue", "body_start", "body_end"),
        on=("doc", "line_no", "segment_no"), how="left", maintain_order="left",
    )  # fmt: skip


def build_articles(documents: pl.DataFrame, segments: pl.DataFrame, layouts: pl.DataFrame) -> pl.DataFrame:
    """Build one article per document that has a body, with the columns of FACT_ARTICLES that cleaning knows, `doc` and the header."""
    bodies = (
        segments.filter(pl.col("glue").is_not_null())
        .group_by("doc", maintain_order=True)
        .agg(
            body=pl.concat_str("glue", "text").str.join(""),
            paragraph_count=pl.col("block").n_unique(),
        )
        .with_columns(word_count=pl.col("body").str.count_matches(r"\S+"))
    )
    return (
        documents.join(bodies, on="doc", maintain_order="left")
        .join(layouts, on="doc", maintain_order="left")
        .join(read_headers(documents, segments), on="doc", maintain_order="left", suffix="_of_header")
        .pipe(lambda frame: frame.with_columns(*detect_languages(frame["body"]), hash_bodies(frame["body"])))
        .with_columns(
            url=pl.coalesce("metadata_url", "page_url"),
            title=pl.coalesce("metadata_title", "page_title", "text_title"),
            outlet=pl.coalesce("known_outlet", "text_outlet"),
            authors=pl.coalesce("metadata_authors", "page_authors", "text_authors", pl.lit([], pl.List(pl.String))),
            published_on=pl.coalesce("metadata_published_on", "page_published_on", "text_published_on"),
        )
    )


def build_segments(articles: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Return ARTICLE_SEGMENTS of the documents that became articles."""
    kept = segments.join(articles.select("doc", "article_id"), on="doc", maintain_order="left")
    return kept.select(ARTICLE_SEGMENTS.column_names).cast(ARTICLE_SEGMENTS.schema)


def build_attributes(articles: pl.DataFrame) -> pl.DataFrame:
    """Return ARTICLE_ATTRIBUTES: every value that the metadata, the page or the text gave, and which of them the article carries."""
    authors = {name: pl.col(name).list.join(";") for name in ("metadata_authors", "page_authors", "text_authors")}
    told = pl.coalesce("metadata_uri", pl.lit("metadata"))
    known_outlet = pl.coalesce("metadata_outlet", "outlet_of_url")
    outlet_evidence = pl.coalesce("page_outlet_evidence", pl.lit("domain_of_url"))
    sources = (  # attribute, origin, value, evidence, the values that win over it
        ("title", "metadata", pl.col("metadata_title"), told, ()),
        ("title", "html", pl.col("page_title"), pl.col("page_title_evidence"), ("metadata_title",)),
        ("title", "text", pl.col("text_title"), pl.lit("headline"), ("metadata_title", "page_title")),
        ("authors", "metadata", authors["metadata_authors"], told, ()),
        ("authors", "html", authors["page_authors"], pl.col("page_authors_evidence"), ("metadata_authors",)),
        ("authors", "text", authors["text_authors"], pl.lit("byline"), ("metadata_authors", "page_authors")),
        ("outlet", "metadata", known_outlet, pl.when(pl.col("metadata_outlet").is_null()).then(pl.lit("domain_of_url")).otherwise(told), ()),
        ("outlet", "html", pl.col("outlet_of_page"), outlet_evidence, ("metadata_outlet", "outlet_of_url")),
        ("outlet", "text", pl.col("text_outlet"), pl.col("outlet_evidence"), ("known_outlet",)),
        ("url", "metadata", pl.col("metadata_url"), told, ()),
        ("url", "html", pl.col("page_url"), pl.col("page_url_evidence"), ("metadata_url",)),
        ("published_on", "metadata", pl.col("metadata_published_on").cast(pl.String), told, ()),
        ("published_on", "html", pl.col("page_published_on").cast(pl.String), pl.col("page_published_on_evidence"), ("metadata_published_on",)),
        ("published_on", "text", pl.col("text_published_on").cast(pl.String), pl.col("date_evidence"), ("metadata_published_on", "page_published_on")),
    )  # fmt: skip
    parts = [
        articles.select(
            "article_id",
            attribute=pl.lit(attribute),
            origin=pl.lit(origin),
            value=value,
            evidence=evidence,
            is_chosen=pl.all_horizontal(pl.lit(True), *(pl.col(winner).is_null() for winner in winners)),
        ).filter(pl.col("value").is_not_null())
        for attribute, origin, value, evidence, winners in sources
    ]
    return pl.concat(parts).select(ARTICLE_ATTRIBUTES.column_names).cast(ARTICLE_ATTRIBUTES.schema)


_FOLDED = {
    **dict.fromkeys("‘’‚‛`´", "'"), **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‐‑‒–—―", "-"), "…": "...",
}  # fmt: skip


def fold_body(body: str) -> str:
    """Return `body` with case, marks, dashes and white space folded: equal for exact copies in another typography."""
    body = body.lower()
    for printed, folded in _FOLDED.items() if not body.isascii() else ():
        body = body.replace(printed, folded)
    one_line = body.replace("\n\n", " ")
    # white space other than a space is not printable: without any, and without a run, there is nothing to fold
    if one_line.isprintable() and "  " not in one_line and one_line == one_line.strip(" "):
        return one_line
    return " ".join(body.split())


def hash_bodies(bodies: pl.Series) -> pl.Series:
    """Return `body_sha256`, the SHA-256 of each folded body in hexadecimal digits."""
    # Python a body: Polars has no SHA-256.
    return pl.Series("body_sha256", [sha256(fold_body(body).encode()).hexdigest() for body in bodies], pl.String)


def _describe(segments: pl.DataFrame, documents: pl.DataFrame) -> pl.Series:
    """Return for each document the labels of its lines and how many there are: why it has no body."""
    counts = (
        segments.group_by("doc", "label", maintain_order=True)
        .len()
        .group_by("doc", maintain_order=True)
        .agg(detail=pl.format("{} {}", "len", "label").str.join(", "))
    )
    return documents.select("doc").join(counts, on="doc", how="left", maintain_order="left")["detail"]


@task(cache_policy=NO_CACHE, persist_result=False)
def clean_batch(
    documents: pl.DataFrame, learned: pl.DataFrame | None = None, relabels: Sequence[Correction] = ()
) -> CleanedBatch:
    """Clean one batch of raw documents; the lines that its outlets are known to repeat stay outside of the bodies."""
    return clean_documents(documents, learned, relabels)
