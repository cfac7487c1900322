"""Which lines of an HTML page are its article: the look of each and its place in the structure of the page, judged by trees."""

import re
from collections.abc import Iterable, Iterator

import polars as pl

from tasks.text.extract import REGIONS
from tasks.text.labels import take_near
from tasks.text.page import AROUND, average_near, is_html, load_trees, look_first
from warehouse.tables import BODY_LABELS

_LOOKS = (
    "first_look", "likely", "likely_words", "length", "is_prose", "is_terminal", "is_strong", "prose_words", "copies",
    "capitals", "small", "commas",
)  # fmt: skip
_AROUND = {
    name: AROUND[name]
    for name in (
        "prose_share_above", "prose_share_below", "prose_of_page", "likely_of_page", "lines_of_page", "place_in_page",
        "is_in_stretch", "lines_before_stretch", "lines_after_stretch", "closings_above", "closings_below",
        "likely_1_above", "likely_1_below", "likely_near_above", "likely_near_below",
    )
}  # fmt: skip
_TAGS = {
    "paragraph": ("p",), "list_item": ("li",), "division": ("div",), "cell": ("td",), "quotation": ("blockquote",),
    "heading": ("h1", "h2", "h3", "h4", "h5", "h6"), "main_heading": ("h1",),
}  # fmt: skip
_MOST_WORDS = 80
"""A paragraph of more words says no more about its container."""


def score_pages(blocks: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Give the lines of HTML pages their `score`, the log-odds of being part of the article; all such documents are pages.

    Blocks come with `score` (null on these pages) and what `find_pages` adds; documents have `doc` and `page_body`.
    """
    pages = blocks.filter(is_html(blocks))
    if pages.is_empty():
        return blocks
    measured = measure_structure(pages, documents)
    trees = load_trees("page_model.json", STRUCTURE_MEASURES)
    scored = pages.select("place", page_score=pl.Series(trees.score(measured.select(STRUCTURE_MEASURES).to_numpy())))
    return blocks.join(scored, on="place", how="left", maintain_order="left").with_columns(
        score=pl.coalesce("page_score", "score"), is_page=pl.col("is_page") | pl.col("tag").is_not_null()
    )


def measure_structure(pages: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Add the STRUCTURE_MEASURES of every line of HTML pages, rounded to three decimals as those of `page.py` are."""
    return (
        pages.join(_find_told(pages, documents), on="place", how="left", maintain_order="left")
        .pipe(look_first)
        .pipe(_weigh_containers)
        .with_columns(**_AROUND, **_MEASURES)
        .with_columns(pl.col(STRUCTURE_MEASURES).cast(pl.Float64).round(3))
    )


def _weigh_containers(pages: pl.DataFrame) -> pl.DataFrame:
    """Add the words of prose in sentences of the page, and in the container of the line, beside it, in it: see _MEASURES.

    Links and regions that are known not to be the article count nothing.
    """
    is_own = pl.col("is_prose") & (pl.col("link_share") < 0.5) & pl.col("region").is_null()
    pages = pages.with_columns(
        own=pl.when(is_own).then(pl.col("long").clip(0, _MOST_WORDS)).otherwise(0).cast(pl.Float64)
    )
    own = pl.col("own")
    in_parts = pages.group_by("doc", container="outer").agg(in_parts=own.sum())
    return (
        pages.join(in_parts, on=("doc", "container"), how="left", maintain_order="left")
        .with_columns(
            in_page=own.sum().over("doc"),
            in_container=own.sum().over("doc", "container"),
            in_outer=own.sum().over("doc", "outer"),
            until_here=own.cum_sum().over("doc", "container"),
            in_articles=own.filter("is_in_article").sum().over("doc"),
            in_named_bodies=own.filter("is_in_named_body").sum().over("doc"),
        )
        .with_columns(
            substance=(1 - pl.col("link_share")) * pl.col("region").is_null() * pl.col("is_prose")
            * pl.col("in_container") / (pl.col("in_page") + 1)
        )
    )  # fmt: skip


def _share_of_page(column: str) -> pl.Expr:
    return pl.col(column).fill_null(0.0) / (pl.col("in_page") + 1)


def _share_where(column: str, condition: str) -> pl.Expr:
    """The share of the page's prose in such elements for a line inside of one, its negative for one outside."""
    return pl.when(condition).then(_share_of_page(column)).otherwise(-_share_of_page(column))


def _is_like(column: str, offset: int) -> pl.Expr:
    return (pl.col(column) == take_near(column, -offset)).fill_null(False)


_MEASURES = {  # measure: its meaning is in docs/pages.md
    **{f"is_in_{region}": pl.col("region").eq_missing(region) for region in REGIONS},
    "is_in_region": pl.col("region").is_not_null(),
    **{f"is_{name}": pl.col("tag").is_in(tags) for name, tags in _TAGS.items()},
    "links": pl.col("link_share"),
    "share_of_container": _share_of_page("in_container"),
    "share_of_outer": _share_of_page("in_outer"),
    "share_of_parts": _share_of_page("in_parts"),
    "is_in_main_container": (pl.col("in_container") == pl.col("in_container").max().over("doc")) & (pl.col("in_container") > 0),
    "share_of_articles": _share_where("in_articles", "is_in_article"),
    "share_of_named_bodies": _share_where("in_named_bodies", "is_in_named_body"),
    "share_above_in_container": (pl.col("until_here") - pl.col("own")) / (pl.col("in_container") + 1),
    "share_below_in_container": (pl.col("in_container") - pl.col("until_here")) / (pl.col("in_container") + 1),
    **{
        f"{column}_{name}_{side}": average_near(column, half_life, below=side == "below")
        for column in ("substance", "link_share")
        for name, half_life in (("next", 1), ("around", 4))
        for side in ("above", "below")
    },
    "is_with_one_above": _is_like("container", 1),
    "is_with_one_below": _is_like("container", -1),
    "is_below_region": take_near(pl.col("region").is_not_null(), -1).fill_null(True),
    "is_above_region": take_near(pl.col("region").is_not_null(), 1).fill_null(True),
    "is_in_told_body": pl.col("in_told_body").fill_null(0),
}  # fmt: skip
STRUCTURE_MEASURES = (*_LOOKS, *_AROUND, *_MEASURES)
"""What the trees look at, in the order of their numbers in the model."""


def label_captions(blocks: pl.DataFrame) -> pl.DataFrame:
    """Label what a page itself marks as the caption of a figure or a table, where nothing else is known of the line."""
    is_caption = is_html(blocks) & blocks["alone_label"].is_null()
    if not is_caption.any():
        return blocks
    says_so = is_caption & pl.col("tag").is_in(("figcaption", "caption")).fill_null(False)
    return blocks.with_columns(
        alone_label=pl.when(says_so).then(pl.lit("caption")).otherwise("alone_label"),
        alone_reason=pl.when(says_so).then(pl.lit("caption_element")).otherwise("alone_reason"),
    )


def label_structure(blocks: pl.DataFrame) -> pl.DataFrame:
    """Say of the labelled lines of HTML pages what their structure tells.

    A heading of the body is one; what else of the body is in a list, a table or a quotation says so in its reason; what is
    outside of the article has the label of its region.
    """
    if not is_html(blocks).any():
        return blocks
    is_body, is_outside = pl.col("label") == "body", pl.col("reason").is_in(_OUTSIDE)
    is_heading = pl.col("label").is_in(BODY_LABELS) & pl.col("tag").is_in(_TAGS["heading"]).fill_null(False)
    rules = [("heading", "heading_element", is_heading)]
    rules += [("body", why, is_body & pl.col("tag").is_in(tags).fill_null(False)) for tags, why in _PLACES_IN_BODY]
    rules += [
        (name, f"in_{region}", is_outside & (pl.col("region") == region).fill_null(False))
        for region, name in _LABELS_OF_REGIONS.items()
    ]
    label, reason = pl.col("label"), pl.col("reason")
    for name, why, holds in reversed(rules):
        label = pl.when(holds).then(pl.lit(name)).otherwise(label)
        reason = pl.when(holds).then(pl.lit(why)).otherwise(reason)
    return blocks.with_columns(label=label, reason=reason)


_OUTSIDE = ("before_article", "after_article", "unlike_article")
_PLACES_IN_BODY = ((("li", "dt", "dd"), "in_list"), (("td", "th"), "in_table"), (("blockquote",), "in_blockquote"))
_LABELS_OF_REGIONS = {
    "navigation": "navigation", "aside": "navigation", "footer": "navigation", "related": "navigation", "form": "promotion",
    "caption": "caption", "comments": "comment_form",
}  # fmt: skip


def _find_told(pages: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Return `in_told_body` by `place`: 1 for a line that the page's JSON-LD has in the body of the article, -1 for another one.

    Lines of less than four words, and pages without such a body, have no row. A line is in the body when four in five of its
    runs of four words are.
    """
    told = dict(documents.drop_nulls("page_body").select("doc", "page_body").iter_rows())
    lines = pages.filter(pl.col("doc").is_in(list(told))) if told else pages.clear()
    # Python a line: only few pages print their body as data.
    runs = {doc: set(_list_runs(body)) for doc, body in told.items()}
    rows = [
        (place, 1 if sum(run in runs[doc] for run in own) * 5 >= len(own) * 4 else -1)
        for place, doc, text in lines.select("place", "doc", "text").iter_rows()
        if (own := list(_list_runs(text)))
    ]
    return pl.DataFrame(rows, schema={"place": pages.schema["place"], "in_told_body": pl.Int8}, orient="row")


def _list_runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return zip(*_shift(words), strict=False)


def _shift(words: list[str]) -> Iterable[list[str]]:
    return (words[offset:] for offset in range(4))
