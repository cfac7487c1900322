"""What must be true of quotes beyond their declaration."""

from datetime import date

import polars as pl

from expectations.base import (
    Check,
    Frames,
    Ratio,
    Suite,
    expect_probability,
    join_bodies,
    slices_back,
    slices_back_if_any,
    span_is_inside,
)
from warehouse.tables import FACT_QUOTES

SPEAKER_CHECKS = (
    Check(
        "speaker_text_is_in_body",
        "speaker_text stands at its place in the body, or text and place are both missing.",
        slices_back_if_any("speaker_text", "speaker_start_char", "speaker_end_char"),
    ),
    Check(
        "cue_is_in_body",
        "The cue stands at its place in the body, or cue and place are both missing.",
        slices_back_if_any("cue", "cue_start_char", "cue_end_char"),
    ),
    Check(
        "via_text_is_in_body",
        "via_text stands at its place in the body, or text and place are both missing.",
        slices_back_if_any("via_text", "via_start_char", "via_end_char"),
    ),
)
"""Of quotes and statements alike: speaker, cue and relay are words of the article."""

OCCASION_CHECKS = (
    *(
        Check(
            f"{name}_text_is_in_body",
            f"{name}_text stands at its place in the body, or text and place are both missing.",
            slices_back_if_any(f"{name}_text", f"{name}_start_char", f"{name}_end_char"),
        )
        for name in ("said_on", "said_place", "said_to")
    ),
    Check(
        "said_on_is_a_time",
        "said_on comes with its precision and with said_until, which is no earlier; for a day both are equal.",
        pl.when(pl.any_horizontal(pl.col("said_on", "said_until", "said_on_precision").is_not_null())).then(
            (
                (pl.col("said_on_precision").is_not_null() & (pl.col("said_on") <= pl.col("said_until")))
                & ((pl.col("said_on_precision") != "day") | (pl.col("said_on") == pl.col("said_until")))
            ).fill_null(False)
        ),
    ),
)
"""Of quotes and statements alike: time, place and addressee are words of the article, and the time is one."""


def add_context(quotes: pl.DataFrame, frames: Frames, as_of: date) -> pl.DataFrame:
    """Add the article's body, the parent's span, and the end of the quote before at the same depth to every quote."""
    parents = quotes.select(
        parent_quote_id="quote_id",
        parent_article_id="article_id",
        parent_start="start_char",
        parent_end="end_char",
    ).unique("parent_quote_id", keep="first")
    ends_before = pl.col("end_char").cum_max().shift(1)
    return (
        join_bodies(quotes, frames)
        .join(parents, on="parent_quote_id", how="left", maintain_order="left")
        .with_columns(
            previous_end=ends_before.over("article_id", "parent_quote_id", order_by=["start_char", "end_char"]),
            place_in_statement=pl.col("part_no").rank("ordinal").over("statement_id") - 1,
        )
    )


SUITE = Suite(
    table=FACT_QUOTES,
    expectations=(expect_probability("confidence"),),
    checks=(
        Check(
            "span_is_inside_body",
            "A quote has at least one character and ends inside the body.",
            span_is_inside(),
        ),
        Check("quote_text_is_in_body", "body[start_char:end_char] is quote_text.", slices_back("quote_text")),
        Check(
            "paragraph_exists",
            "paragraph_no counts a paragraph of the body.",
            pl.col("paragraph_no") < pl.col("paragraph_count"),
        ),
        Check(
            "parent_encloses",
            "A quotation inside a quotation lies inside its parent, in the same article.",
            (pl.col("parent_article_id") == pl.col("article_id"))
            & (pl.col("parent_start") <= pl.col("start_char"))
            & (pl.col("end_char") <= pl.col("parent_end"))
            & (pl.col("parent_quote_id") != pl.col("quote_id")),
        ),
        Check(
            "quotes_do_not_overlap",
            "At one depth a quote begins where the one before has ended, or later.",
            pl.col("start_char") >= pl.col("previous_end"),
        ),
        Check(
            "part_no_is_dense",
            "The parts of a statement are counted 0, 1, 2 without a gap.",
            pl.when(pl.col("statement_id").is_not_null()).then(pl.col("part_no") == pl.col("place_in_statement")),
        ),
        *SPEAKER_CHECKS,
        *OCCASION_CHECKS,
    ),
    ratios=(
        Ratio(
            "quotes_have_speakers",
            "Direct and mixed quotes that an engine has read mostly have a speaker.",
            pl.when(
                pl.col("quote_type").is_in(["direct", "mixed"]) & pl.col("attribution_rule").ne_missing("unread")
            ).then(pl.col("speaker_text").is_not_null()),
            "case when t.quote_type in ('direct', 'mixed') and t.attribution_rule is distinct from 'unread' then t.speaker_text is not null end",
            max_share=0.6,
            reason="News names the speaker beside the words or a sentence away; when most have none, the layout broke.",
        ),
    ),
    add_context=add_context,
)
