"""Pieces inside a line: a date, byline or dateline in front of the first sentence, a sign-off behind the last."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from tasks.text.labels import agency_names, date_pattern, look_where, month_names
from tasks.text.trace import find_byte

_UPPER = "".join(letter for letter in map(chr, range(0x41, 0x530)) if letter.isupper())
_PLACE = rf"(?:[{_UPPER}][{_UPPER}.'’/-]{{2,}}(?: [{_UPPER}.'’-]{{2,}}){{0,3}})"
_NAME = rf"[{_UPPER}][\w.'’-]+"
Piece = tuple[str, str, int, int]
"""Label, reason, first character and character after it in the text of the line."""


@cache
def _heads() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """What may stand in front of a first sentence: label, reason, and a pattern that ends where the next piece begins."""
    agencies = "|".join(map(re.escape, agency_names()))
    region = rf"(?:,? [{_UPPER}][\w.’'-]*){{0,3}}"
    day = rf"(?:,? (?:{month_names()})\.? [0-9]{{1,2}}(?:, [0-9]{{4}})?|,? [0-9]{{1,2}}\.? (?:{month_names()})\.?(?:,? [0-9]{{4}})?)"
    dash = rf"\s?(?:—|–|--|-)\s?(?=[{_UPPER}0-9“\"‘'«$€£])"
    source = rf"\((?:[{_UPPER}][^()]{{1,40}})\)"
    person = rf"{_NAME}(?: {_NAME}){{0,2}} [{_UPPER}][\w.'’-]*[^\W\d_{_UPPER}]"
    opener = rf"(?=(?:{_PLACE}[ ,(]|(?:The|A|An|In|On|At|After|As|For|When|While|It|He|She|They|This|There|More|Two|Three|Police|Some)\s[\w“‘]))"
    return (
        ("date", "date_label", re.compile(rf"^(?:(?:date|published|updated|posted)(?: on)?:?\s+)?{date_pattern()}(?:\s[0-9]{{1,2}}:[0-9]{{2}}\S*)?\s+[|–—-]?\s?(?=[{_UPPER}“\"‘'])")),
        ("byline", "byline_before_sentence", re.compile(rf"^By {person}(?:(?:, | and ){person})* {opener}")),
        ("dateline", "place_and_dash", re.compile(rf"^{_PLACE}{region}(?i:{day})?(?: {source})?{dash}")),
        ("dateline", "place_agency_and_dash", re.compile(rf"^(?!By ){_NAME}(?: {_NAME}){{0,3}}{region}(?i:{day})? {source}{dash}")),
        ("dateline", "agency_and_dash", re.compile(rf"^\((?:{agencies})\){dash}")),
        ("dateline", "place_agency", re.compile(rf"^{_PLACE}{region}(?i:{day})? \((?:{agencies})\)\.?\s+(?=[A-Z“])")),
    )  # fmt: skip


_TAILS = (
    ("notice", "agency_sign_off", re.compile(r"\s\((?:Additional )?(?:Reporting|Writing|Editing|Compiled) (?:and \w+ )?by [^()]{3,300}\)\.?$")),
    ("notice", "copyright", re.compile(r"\s(?:©|Copyright ©?|\(c\)) ?(?:19|20)[0-9]{2}\b.{0,120}$")),
)  # fmt: skip
_OF_PIECE = ("segment_no", "label", "reason", "text", "raw_start", "raw_end", "edits")
"""The columns of a line that each of its pieces has for itself."""
_CUT = ("row", "text", "edits", "encoding", "reason", "raw_start", "raw_end")
_TAIL_MARKS = ("©", "Copyright", "(c)")
_HEAD_MARKS = ("—", "–", "--", " -", "- ", ")")
_HEAD_CHARS = 75
_LABELLED = r"^(?:(?:date|published|updated|posted|Date|Published|Updated|Posted)\b|[0-9]|By \p{Lu})"
_TAIL_GATE = r"(?:(?:by [^()]{3,300}\)\.?)|(?:©|Copyright ©?|\(c\)) ?(?:19|20)[0-9]{2}\b.{0,120})$"


def split_pieces(lines: pl.DataFrame) -> pl.DataFrame:
    """Split labelled lines into segments: nearly all lines are one, numbered 0.

    Lines have `text`, `edits`, `raw_start`, `raw_end`, `label`, `reason`, `encoding` and `is_opening` (a line that begins one
    of the first blocks of a body). Only lines of the body are split.
    """
    head = look_where((pl.col("label") == "body") & pl.col("is_opening"), pl.col("text").str.head(_HEAD_CHARS))
    is_opening = (head.str.contains_any(list(_HEAD_MARKS)) & head.str.contains(r"^\p{Lu}")) | head.str.contains(
        _LABELLED
    )
    may_end = pl.col("text").str.contains_any(list(_TAIL_MARKS)) | pl.col("text").str.tail(2).str.contains(
        ")", literal=True
    )
    is_ending = look_where((pl.col("label") == "body") & may_end)
    is_suspect = is_opening.fill_null(False) | is_ending.str.contains(_TAIL_GATE).fill_null(False)
    lines = lines.with_columns(segment_no=pl.lit(0, pl.UInt16)).with_row_index("row")
    suspects = lines.filter(is_suspect)
    # Python a line: patterns here look ahead, and the bytes of a cut are counted through the line's edits.
    found = [find_pieces(text, is_opening) for text, is_opening in suspects.select("text", "is_opening").iter_rows()]
    suspects = suspects.select(_CUT).filter(pl.Series([len(pieces) > 1 for pieces in found], dtype=pl.Boolean))
    several = [pieces for pieces in found if len(pieces) > 1]
    has_edits = pl.col("edits").list.len() > 0
    no_edits = suspects.with_columns(edits=pl.when(has_edits).then("edits"))
    rows = [
        row for line, pieces in zip(no_edits.iter_rows(), several, strict=True) for row in _split_line(line, pieces)
    ]
    return _put_pieces(lines, rows) if rows else lines.drop("row")


def _put_pieces(lines: pl.DataFrame, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Put the pieces (rows of `row` and _OF_PIECE) in the place of their lines."""
    schema = {name: lines.schema[name] for name in ("row", *_OF_PIECE)}
    plain = pl.DataFrame([row[:-1] for row in rows if not row[-1]], schema=list(schema.items())[:-1], orient="row")
    edited = pl.DataFrame([row for row in rows if row[-1]], schema=schema, orient="row")
    pieces = pl.concat([plain.with_columns(edits=pl.lit([], dtype=schema["edits"])), edited])
    cut = lines.drop(_OF_PIECE).join(pieces, on="row", maintain_order="right").select(lines.columns)
    is_cut = pl.col("row").is_in(pieces["row"].unique().implode())
    return pl.concat([lines.filter(~is_cut), cut]).sort("row", "segment_no").drop("row")


def find_pieces(text: str, is_opening: bool) -> list[Piece]:
    """Return the pieces of one line of a body, in order; a line that is not split is one piece `body`.

    White space between two pieces belongs to neither.
    """
    pieces: list[Piece] = []
    start, end = 0, len(text)
    tails: list[Piece] = []
    for label, reason, pattern in _TAILS:
        if (match := pattern.search(text, start, end)) and match.start() > 0:
            tails.insert(0, (label, reason, match.start() + 1, end))
            end = len(text[: match.start()].rstrip())
    for label, reason, pattern in _heads() if is_opening else ():
        match = pattern.match(text[start:end])
        if match and len(text[start + match.end() : end].split()) >= 4:
            pieces.append((label, reason, start, start + len(match.group().rstrip())))
            start += match.end()
    return [*pieces, ("body", "in_article", start, end), *tails]


def _split_line(columns: tuple[Any, ...], pieces: list[Piece]) -> Iterator[tuple[Any, ...]]:
    """Yield the number of the line and what is _OF_PIECE of each of its pieces; nothing where a cut is inside of an edit."""
    row, text, edits, encoding, reason_of_line, raw_start, raw_end = columns  # _CUT
    line = {"text": text, "edits": edits or (), "raw_start": raw_start}
    starts = [start for _, _, start, _ in pieces] + [len(text)]
    if edits and any(edit["start"] < start < edit["end"] for edit in edits for start in starts):
        return
    for number, (label, reason, start, end) in enumerate(pieces):
        is_last = number + 1 == len(pieces)
        own: list[dict[str, Any]] = []
        if edits:
            after = [edit for edit in edits if start <= edit["start"]]
            if any(edit["end"] > end or edit["start"] >= end for edit in after if edit["start"] < starts[number + 1]):
                end = starts[
                    number + 1
                ]  # white space that was repaired keeps its raw bytes: they are of the piece before it
            own = [edit for edit in after if edit["start"] < end or is_last]
        yield (
            row,
            number,
            label,
            reason_of_line if label == "body" else reason,
            text[start:end],
            raw_start if start == 0 else find_byte(line, start, encoding, is_end=False),
            raw_end if is_last else find_byte(line, end, encoding, is_end=True),
            [{**edit, "start": edit["start"] - start, "end": edit["end"] - start} for edit in own],
        )
