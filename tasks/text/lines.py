"""Text -> lines with their place in the raw bytes, the layout of the text, and blocks of lines that belong together."""

import polars as pl

from tasks.text.decode import byte_length
from tasks.text.labels import look_where, take_near

_BREAKS = r"\n\r\x0b\x0c\x{85}\x{2028}\x{2029}"
# U+0085 after an accented letter is the second byte of a letter in mojibake (Å is C3 85), not a line end.
_LINE = rf"(?:[Â-ô]\x{{85}}|[^{_BREAKS}])*(?:\r\n|[{_BREAKS}])|[^{_BREAKS}]+"
_OTHER_BREAK = rf"[{_BREAKS[2:]}]"
_ENDS_SENTENCE = r"""[.!?…:;。！？]["'”’»“)\]]*$"""


def split_lines(documents: pl.DataFrame) -> pl.DataFrame:
    """Split the `text` of decoded documents into lines; blank lines are counted but left out.

    Grain: one row per (`doc`, `line_no`), both from 0: `doc` is the row of `documents`. `line` has no white space around;
    `raw_start` and `raw_end` are its bytes in the raw document; `indent` counts the characters before it, `blank_lines`
    the blank lines.
    """
    units = set(documents["byte_unit"].unique())
    whole = documents.select(
        "encoding", "byte_unit", "text_start",
        doc=pl.int_range(pl.len(), dtype=pl.UInt32),
        line=pl.coalesce(
            look_where(pl.col("text").str.contains(_OTHER_BREAK)).str.extract_all(_LINE),
            pl.col("text").str.split("\n", inclusive=True),
        ),
    )  # fmt: skip
    lines = (
        whole.with_columns(line_no=pl.int_ranges(pl.col("line").list.len(), dtype=pl.UInt32))
        .explode("line", "line_no")
        .with_columns(line_bytes=byte_length("line", units), left=pl.col("line").str.strip_chars_start())
        .with_columns(left_bytes=byte_length("left", units), raw_next=pl.col("line_bytes").cum_sum())
        .with_columns(raw_line=pl.col("raw_next") - pl.col("line_bytes"))
    )
    first_of_document = pl.col("raw_line").first().over("doc")
    return (
        lines.with_columns(raw_end_of_line=pl.col("raw_next") - first_of_document + pl.col("text_start"))
        .filter(pl.col("left") != "")
        .with_columns(
            indent=pl.col("line").str.len_chars() - pl.col("left").str.len_chars(),
            raw_start=pl.col("raw_end_of_line") - pl.col("left_bytes"),
            line=pl.col("left").str.strip_chars_end(),
        )
        .with_columns(raw_end=pl.col("raw_start") + byte_length("line", units))
        .select(
            "doc", "line_no", "line", "encoding", "byte_unit",
            pl.col("raw_start", "raw_end").cast(pl.UInt64),
            "indent",
            blank_lines=(pl.col("line_no") - take_near("line_no", -1) - 1).fill_null(0).cast(pl.UInt32),
        )
    )  # fmt: skip


def find_layout(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row per `doc`: `layout` (`blank_lines`, `line_per_paragraph` or `hard_wrapped`) and `width` in characters.

    A text is hard-wrapped when its lines are at most 100 characters long and, of the lines with another right below, not
    indented, most are full (the first word below had no room) and do not end a sentence; or two in five go on in lower case.
    """
    length = pl.col("text").str.len_chars() + pl.col("indent")
    placed = lines.select(
        "doc", "text", "indent", "blank_lines", width=length.quantile(0.95, "higher").over("doc"), is_joined=_is_below()
    )
    is_joined = pl.col("is_joined")
    measured = placed.select(
        "doc", "blank_lines", "width", "is_joined",
        is_full=is_joined & _had_no_room(is_joined, pl.col("width")),
        goes_on=is_joined & ~look_where(is_joined, pl.col("text").shift(1)).str.contains(_ENDS_SENTENCE),
        is_lower=is_joined & look_where(is_joined).str.contains(r"^\p{Ll}"),
    )  # fmt: skip
    joined, full, lower = (pl.col(name).sum() for name in ("is_joined", "is_full", "is_lower"))
    return (
        measured.group_by("doc", maintain_order=True)
        .agg(
            width=pl.col("width").first(),
            is_wrapped=pl.col("width").first().is_between(30, 100)
            & (joined > 0)
            & (
                ((joined >= 2) & (full * 10 >= joined * 6) & (pl.col("goes_on").sum() * 2 >= joined))
                | (lower * 5 >= joined * 2)
            ),
            is_spaced=((pl.col("blank_lines") > 0).sum() * 2 >= pl.len() - 1) & (pl.len() > 1),
        )
        .select(
            "doc",
            "width",
            layout=pl.when("is_wrapped")
            .then(pl.lit("hard_wrapped"))
            .when("is_spaced")
            .then(pl.lit("blank_lines"))
            .otherwise(pl.lit("line_per_paragraph")),
        )
    )


def number_blocks(lines: pl.DataFrame, layouts: pl.DataFrame) -> pl.DataFrame:
    """Add `layout` and `block` (running number over the frame) to lines; a wrapped line shares the block of the line above.

    A line continues the one above when it stands right below it, without an indent, and its first word had no room there or
    begins in lower case; a line in capitals is not continued by one that is not. In the other layouts every line is a block.
    """
    lines = lines.join(layouts, on="doc", maintain_order="left").with_columns(
        is_joined=(pl.col("layout") == "hard_wrapped") & _is_below()
    )
    is_joined = pl.col("is_joined")
    text, above = look_where(is_joined), look_where(is_joined, pl.col("text").shift(1))
    is_under_capitals = ~above.str.contains(r"\p{Ll}") & text.str.contains(r"\p{Ll}")
    continues = (
        is_joined & (_had_no_room(is_joined, pl.col("width")) | text.str.contains(r"^\p{Ll}")) & ~is_under_capitals
    )
    return lines.with_columns(block=(~continues.fill_null(False)).cum_sum()).drop("width", "is_joined")


def _is_below() -> pl.Expr:
    """Whether the line stands right below another of its document, and is not indented more."""
    is_below = (pl.col("blank_lines") == 0) & (pl.col("indent") <= take_near("indent", -1))
    return is_below.fill_null(False)


def _had_no_room(is_joined: pl.Expr, width: pl.Expr) -> pl.Expr:
    """Whether the first word of a joined line did not fit behind the line above; 15 % short of the width counts as full."""
    above = (pl.col("text").str.len_chars() + pl.col("indent")).shift(1)
    first_word = look_where(is_joined).str.extract(r"^(\S+)").str.len_chars()
    return (above + 1 + first_word > width * 0.85).fill_null(False)
