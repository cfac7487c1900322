"""Text -> lines with their place in the raw bytes, the layout of the text, and blocks of lines that belong together."""

import polars as pl

from tasks.decode import byte_length

_BREAKS = r"\n\r\x0b\x0c\x{85}\x{2028}\x{2029}"
# U+0085 after an accented letter is the second byte of a letter in mojibake (Å is C3 85), not a line end.
_LINE = rf"(?:[Â-ô]\x{{85}}|[^{_BREAKS}])*(?:\r\n|[{_BREAKS}])|[^{_BREAKS}]+"
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
        line=pl.col("text").str.extract_all(_LINE),
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
            blank_lines=(pl.col("line_no") - pl.col("line_no").shift(1).over("doc") - 1).fill_null(0).cast(pl.UInt32),
        )
    )  # fmt: skip


def find_layout(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row per `doc`: `layout` (`blank_lines`, `line_per_paragraph` or `hard_wrapped`) and `width` in characters.

    A text is hard-wrapped when its lines are at most 100 characters long and most lines with a line right below them are
    full: the first word of the line below had no room, and they end within a sentence.
    """
    length = pl.col("text").str.len_chars() + pl.col("indent")
    next_line = pl.col("text").shift(-1).over("doc")
    has_below = (pl.col("blank_lines").shift(-1).over("doc") == 0).fill_null(False)
    measured = lines.select(
        "doc",
        "blank_lines",
        "line_no",
        has_below=has_below,
        length=length,
        width=length.quantile(0.95, "higher").over("doc"),
        next_word=next_line.str.extract(r"^(\S+)").str.len_chars(),
        continues=has_below & ~pl.col("text").str.contains(_ENDS_SENTENCE),
    )
    is_full = pl.col("has_below") & (pl.col("length") + pl.col("next_word").fill_null(0) >= pl.col("width"))
    below = pl.col("has_below").sum()
    return (
        measured.group_by("doc", maintain_order=True)
        .agg(
            width=pl.col("width").first(),
            is_wrapped=pl.col("width").first().is_between(30, 100)
            & (below >= 2)
            & (is_full.sum() * 10 >= below * 6)
            & (pl.col("continues").sum() * 2 >= below),
            has_blanks=(pl.col("blank_lines") > 0).sum() * 2 >= pl.len() - 1,
            is_alone=pl.len() == 1,
        )
        .select(
            "doc",
            "width",
            layout=pl.when("is_wrapped")
            .then(pl.lit("hard_wrapped"))
            .when(pl.col("has_blanks") & ~pl.col("is_alone"))
            .then(pl.lit("blank_lines"))
            .otherwise(pl.lit("line_per_paragraph")),
        )
    )


def number_blocks(lines: pl.DataFrame, layouts: pl.DataFrame) -> pl.DataFrame:
    """Add `layout` and `block` (running number over the frame) to lines; a wrapped line shares the block of the line above.

    A line continues the one above when there is no blank line and no indent between them and its first word had no room
    there; in the other layouts every line is a block.
    """
    above = pl.col("text").shift(1).over("doc").str.len_chars() + pl.col("indent").shift(1).over("doc")
    has_no_room = above + pl.col("text").str.extract(r"^(\S+)").str.len_chars() + 2 > pl.col("width") * 0.9
    continues = (
        (pl.col("layout") == "hard_wrapped")
        & (pl.col("blank_lines") == 0)
        & (pl.col("indent") <= pl.col("indent").shift(1).over("doc"))
        & (pl.col("line_no") > pl.col("line_no").min().over("doc"))
        & (has_no_room | pl.col("text").str.contains(r"^\p{Ll}"))
    )
    return (
        lines.join(layouts, on="doc", maintain_order="left")
        .with_columns(block=(~continues.fill_null(False)).cum_sum())
        .drop("width")
    )
