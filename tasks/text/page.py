"""The visible text of a whole page: which of its lines are the article. A first look, what stands around, then the trees."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from tasks.text.labels import look_where, take_near

_HEAD_CHARS = 300
_GLUED = r"\p{Ll}{4}\p{Lu}(?:\p{Ll}{3,}|\s)|[.?!]\p{Lu}\p{Ll}"
_OF_COMMENT = r"\b(?:ago|antworten|reply|permalink|rating|upvote|likes?)\b"
_LIKELY = 0.6
"""From this probability of the first look on a line counts as one of the article for the lines around it."""


def is_near(condition: str, *offsets: int) -> pl.Expr:
    """Return of how many blocks, so many places below (above when negative) in the same document, `condition` is true."""
    near = (take_near(condition, offset).fill_null(False).cast(pl.Int32) for offset in offsets)
    return sum(near, pl.lit(0))


LINE_POINTS = (  # the first look: what speaks for (above 0) or against a line being part of the article, in log-odds
    ("one_or_two_words", "is_open", pl.col("long") <= 2, -2.5),
    ("three_or_four_words", "is_open", pl.col("long").is_between(3, 4), -1.5),
    ("up_to_nineteen_words", "is_open", pl.col("long").is_between(5, 19), -0.75),
    ("thirty_words_and_more", "is_open", pl.col("long") >= 30, 1.25),
    ("end_of_few_words", "is_terminal", pl.col("long") <= 4, -0.75),
    ("short_sentence", "is_terminal", pl.col("long").is_between(8, 11), 0.25),
    ("sentence", "is_terminal", pl.col("long").is_between(12, 19), 0.75),
    ("long_sentence", "is_terminal", pl.col("long").is_between(20, 29), 1.75),
    ("paragraph", "is_terminal", pl.col("long") >= 30, 2.25),
    ("ends_in_colon", "is_any", pl.col("tail").str.ends_with(":"), 1.25),
    ("has_quotation_marks", "is_any", pl.col("text").str.contains("[“”„«»\"]"), 1.0),
    ("number_in_few_words", "is_any", (pl.col("long") < 8) & pl.col("text").str.contains("[0-9]"), 1.0),
    ("has_separators", "is_any", (pl.col("long") < 20) & pl.col("text").str.contains("[|·•›»/]"), -1.0),
    ("headline_glued_to_teaser", "is_any", pl.col("is_glued"), -1.0),
    ("printed_twice", "is_any", pl.col("copies") > 1, -0.25),
    ("beside_a_paragraph", "is_any", is_near("is_strong", -1, 1), 0.75),
    ("among_short_lines", "is_any", is_near("is_short", -2, -1, 1, 2), -0.5),
    ("beside_a_known_form", "is_any", is_near("is_labelled", -1, 1), -0.25),
    ("among_comments", "is_any", pl.min_horizontal(is_near("is_of_comment", -3, -2, -1, 1, 2, 3), 3), -1.0),
    ("before_the_stretch", "is_any", pl.min_horizontal(pl.max_horizontal(pl.col("first") - pl.col("place"), 0), 20) / 20, -1.5),
    ("after_the_stretch", "is_any", pl.min_horizontal(pl.max_horizontal(pl.col("place") - pl.col("last"), 0), 20) / 20, -1.75),
    ("after_closing_forms", "is_any", pl.min_horizontal("closings", 3) / 3, -2.75),
    ("after_a_comment_form", "is_any", pl.col("is_below_comments"), -0.75),
)  # fmt: skip
"""Reason, the lines it holds for, the condition or measure, and points for each: a logistic regression on the public line
labels of 433 pages in 30 languages, rounded to quarters. The rest of the score is 0.9."""


def find_pages(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `is_page` (a document that is the visible text of a page, not only of an article) and what the first look needs."""
    is_short = ~pl.col("is_terminal") & (pl.col("long") <= 8)
    is_free = pl.col("alone_label").is_null()
    since_first = pl.col("place") >= pl.col("first")
    short, forms, length = is_short.sum().over("doc"), pl.col("form_label").count().over("doc"), pl.len().over("doc")
    return blocks.with_columns(
        is_any=pl.lit(True),
        is_open=~pl.col("is_terminal"),
        is_short=is_short,
        is_labelled=~is_free,
        is_strong=pl.col("is_prose") & is_free & (pl.col("long") >= 20) & (pl.col("copies") == 1),
        closings=(pl.col("is_closing") & since_first).cum_sum().over("doc"),
        is_below_comments=((pl.col("form_label") == "comment_form").fill_null(False) & since_first).cum_max().over("doc"),
        is_page=(short * 10 >= length * 4) & (short >= 15) & ((forms >= 2) | ((short * 2 >= length) & (short >= 25))),
    )  # fmt: skip


def is_html(blocks: pl.DataFrame) -> pl.Series:
    """Return which blocks are lines of a page whose structure is known."""
    return blocks["tag"].is_not_null() if "tag" in blocks.columns else pl.repeat(False, blocks.height, eager=True)


def score_lines(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `is_page`, and the `score` of every line of a page: the log-odds of its being part of the article, else null.

    Pages whose structure is known have none yet: `score_pages` gives it.
    """
    blocks = find_pages(blocks)
    pages = blocks.filter(pl.col("is_page") & ~is_html(blocks))
    if pages.is_empty():
        return blocks.with_columns(score=pl.lit(None, pl.Float64))
    scores = load_trees().score(measure_lines(pages).select(MEASURES).to_numpy())
    scored = pages.select("place", score=pl.Series(scores))
    return blocks.join(scored, on="place", how="left", maintain_order="left")


def measure_lines(pages: pl.DataFrame) -> pl.DataFrame:
    """Add the MEASURES of every line of pages, in their order: what it looks like at first, and what stands around it.

    All are rounded to three decimals, so that no tree depends on the last bits of a sum.
    """
    return (
        pages.pipe(look_first)
        .pipe(_measure_cohesion)
        .with_columns(**AROUND)
        .with_columns(pl.col(MEASURES).cast(pl.Float64).round(3))
    )


def look_first(pages: pl.DataFrame) -> pl.DataFrame:
    """Add what each line looks like by itself, with its `first_look` and how `likely` that makes it; and its `row` in its page."""
    points = (
        pl.col(where).cast(pl.Float64) * measure.cast(pl.Float64) * points for _, where, measure, points in LINE_POINTS
    )
    head, gaps = (
        pl.col("text").str.head(_HEAD_CHARS),
        pl.col("text").str.head(_HEAD_CHARS).str.count_matches(" ", literal=True) + 1,
    )
    free = pl.col("alone_label").is_null()
    pages = pages.with_columns(
        is_glued=look_where(pl.col("long") >= 6, head).str.contains(_GLUED).fill_null(False),
        is_of_comment=look_where(pl.col("long") <= 8, pl.col("folded")).str.contains(_OF_COMMENT).fill_null(False)
        | (pl.col("alone_reason") == "date_line").fill_null(False),
    )
    is_run = (pl.col("is_open") != take_near("is_open", -1)).fill_null(True)
    return (
        pages.with_columns(first_look=sum(points, pl.lit(0.9)), free=free)
        .with_columns(
            likely=pl.when("free").then(1 / (1 + (-pl.col("first_look")).exp())).otherwise(0.0),
            row=pl.int_range(pl.len()).over("doc"),
            row_count=pl.len().over("doc"),
            prose_words=pl.when(free & pl.col("is_prose")).then(pl.col("long")).otherwise(0),
            capitals=head.str.count_matches(r"(?:^|\s)[\"“‘(]?\p{Lu}") / gaps,
            small=head.str.count_matches(r"\s\p{Ll}") / gaps,
            commas=head.str.count_matches(",", literal=True) / gaps,
            length=pl.col("long").log1p(),
            form=pl.col("is_labelled").cast(pl.Float64),
            comment=pl.col("is_of_comment").cast(pl.Float64),
            run=is_run.cum_sum(),
        )
        .with_columns(likely_words=pl.col("likely") * pl.col("long").clip(1, 60))
    )  # fmt: skip


def _measure_cohesion(pages: pl.DataFrame) -> pl.DataFrame:
    """Add `cohesion`: the share of the longer words of a line that another long paragraph of the page has, too."""
    words = (
        pages.select("place", "doc", "is_strong", word=pl.col("text").str.head(600).str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]{4,}"))
        .explode("word")
        .drop_nulls("word")
        .unique(["place", "word"], maintain_order=True)
    )  # fmt: skip
    others = pl.col("is_strong").sum().over("doc", "word") - pl.col("is_strong")
    shared = words.with_columns(others=others).group_by("place").agg(cohesion=(pl.col("others") > 0).mean())
    return pages.join(shared, on="place", how="left", maintain_order="left").with_columns(
        pl.col("cohesion").fill_null(0.0)
    )


def average_near(column: str, half_life: int, *, below: bool) -> pl.Expr:
    """The mean of the lines above (or below), which counts one line half as much as the one `half_life` nearer."""
    ordered = pl.col(column).reverse() if below else pl.col(column)
    mean = ordered.shift(1).fill_null(0.0).ewm_mean(half_life=half_life)
    return (mean.reverse() if below else mean).over("doc")


def _distance(condition: pl.Expr, *, below: bool) -> pl.Expr:
    """Lines to the nearest one above (or below) for which the condition holds, 60 at most."""
    at = pl.when(condition).then(pl.col("row"))
    nearest = (at.backward_fill().shift(-1) if below else at.forward_fill().shift(1)).over("doc")
    return (nearest - pl.col("row")).abs().fill_null(60).clip(0, 60)


def _share(column: str, *, below: bool) -> pl.Expr:
    """The share of the page's sum of `column` that stands above (or below) the line."""
    total, until = pl.col(column).sum().over("doc"), pl.col(column).cum_sum().over("doc")
    return (total - until if below else until - pl.col(column)) / (total + 1)


_IS_LIKELY = pl.col("likely") > _LIKELY
AROUND = {  # measure: its meaning is in docs/line_model.md
    "likely_1_above": take_near("likely", -1).fill_null(0.0),
    "likely_2_above": take_near("likely", -2).fill_null(0.0),
    "likely_1_below": take_near("likely", 1).fill_null(0.0),
    "likely_2_below": take_near("likely", 2).fill_null(0.0),
    "likely_near_above": average_near("likely", 2, below=False),
    "likely_near_below": average_near("likely", 2, below=True),
    "likely_around_above": average_near("likely", 5, below=False),
    "likely_around_below": average_near("likely", 5, below=True),
    "likely_words_near_above": average_near("likely_words", 2, below=False),
    "likely_words_near_below": average_near("likely_words", 2, below=True),
    "likely_words_around_above": average_near("likely_words", 5, below=False),
    "likely_words_around_below": average_near("likely_words", 5, below=True),
    "lines_to_likely_above": _distance(_IS_LIKELY, below=False),
    "lines_to_likely_below": _distance(_IS_LIKELY, below=True),
    "prose_share_above": _share("prose_words", below=False),
    "prose_share_below": _share("prose_words", below=True),
    "prose_of_page": pl.col("prose_words").sum().over("doc").log1p(),
    "likely_of_page": pl.col("likely_words").sum().over("doc").log1p(),
    "lines_of_page": pl.col("row_count").log(),
    "place_in_page": pl.col("row") / pl.col("row_count"),
    "is_in_stretch": pl.col("place").is_between("first", "last"),
    "lines_of_stretch": (pl.col("last") - pl.col("first") + 1).log1p(),
    "lines_before_stretch": (pl.col("first") - pl.col("place")).clip(-40, 40),
    "lines_after_stretch": (pl.col("place") - pl.col("last")).clip(-40, 40),
    "cohesion_around_above": average_near("cohesion", 5, below=False),
    "cohesion_around_below": average_near("cohesion", 5, below=True),
    "cohesion_far_above": average_near("cohesion", 15, below=False),
    "cohesion_far_below": average_near("cohesion", 15, below=True),
    "comments_far_above": average_near("comment", 15, below=False),
    "comments_around_below": average_near("comment", 5, below=True),
    "forms_far_below": average_near("form", 15, below=True),
    "closings_above": pl.col("closings").clip(0, 6),
    "closings_below": (pl.col("is_closing").sum().over("doc") - pl.col("is_closing").cum_sum().over("doc")).clip(0, 6),
    "lines_to_closing_above": _distance(pl.col("is_closing"), below=False),
    "length_near_above": average_near("length", 2, below=False),
    "capitals_near_above": average_near("capitals", 2, below=False),
    "capitals_near_below": average_near("capitals", 2, below=True),
    "lines_of_run": pl.len().over("doc", "run").clip(0, 30),
}
MEASURES = (
    "first_look", "likely", "likely_words", "length", "is_prose", "is_terminal", "is_strong", "prose_words", "copies",
    "capitals", "small", "commas", "cohesion", *AROUND,
)  # fmt: skip
"""What the trees look at, in the order of their numbers in the model."""


@dataclass(frozen=True)
class Trees:
    """A sum of decision trees of one depth: `feature` and `at` of a tree are its splits level by level, `value` its leaves.

    A line goes right where its measure is at least `at`. The sum, with `base`, is a log-odds.
    """

    base: float
    feature: np.ndarray
    at: np.ndarray
    value: np.ndarray

    def score(self, measures: np.ndarray) -> np.ndarray:
        """Return the log-odds of every row of `measures`, whose columns are in the order of the features."""
        total, measures = np.full(len(measures), self.base), np.asfortranarray(measures)
        for feature, at, value in zip(self.feature, self.at, self.value, strict=True):
            total += value[find_leaves(measures, feature, at)]
        return total


def find_leaves(measures: np.ndarray, feature: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the number of the leaf that every row of `measures` falls into."""
    leaf = np.zeros(len(measures), np.int64)
    turns: list[np.ndarray] = []
    for level in range((len(feature) + 1).bit_length() - 1):
        # whole columns are compared, for every split of the level: many times as fast as to gather the one that each row asks for
        splits = range((1 << level) - 1, (2 << level) - 1)
        turns.append(_choose([measures[:, feature[split]] >= at[split] for split in splits], turns))
        leaf = leaf * 2 + turns[-1]
    return leaf


def _choose(options: list[np.ndarray], turns: list[np.ndarray]) -> np.ndarray:
    """Return of every row the option that its turns so far (to the right: true) lead to."""
    if not turns:
        return options[0]
    half = len(options) // 2
    return np.where(turns[0], _choose(options[half:], turns[1:]), _choose(options[:half], turns[1:]))


@cache
def load_trees(name: str = "line_model.json", measures: tuple[str, ...] = MEASURES) -> Trees:
    """Load trees that `training` made; what they learned from and how well they do: docs/line_model.md and docs/pages.md.

    Raises:
        ValueError: The measures of the model are not those given.
    """
    model = json.loads(files("tasks.text").joinpath(name).read_text(encoding="utf-8"))
    if tuple(model["measures"]) != measures:
        raise ValueError(f"tasks/text/{name} was made for other measures: run what its card says")
    feature, at, value = (np.array([tree[part] for tree in model["trees"]]) for part in ("feature", "at", "value"))
    return Trees(model["base"], feature, at, value)
