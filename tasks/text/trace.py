"""The way back: a span of a body -> the raw bytes that it came from."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

_Segment = Mapping[str, Any]


def trace_span(segments: pl.DataFrame, start_char: int, end_char: int, encoding: str) -> list[tuple[int, int]]:
    """Return the stretches of raw bytes (first byte, byte after) behind `body[start_char:end_char]`, in order.

    `segments` are the rows of article_segments of one article, `encoding` is its fact_articles.encoding. A span that begins
    or ends within a repaired stretch has all the raw bytes of that stretch. What joins two segments has no bytes.
    """
    return [
        (find_byte(segment, start, encoding, is_end=False), find_byte(segment, end, encoding, is_end=True))
        for segment, start, end in _cut_segments(segments, start_char, end_char)
    ]


def read_span(raw: bytes, encoding: str, segments: pl.DataFrame, start_char: int, end_char: int) -> str:
    """Read `body[start_char:end_char]` back from the raw bytes of its document.

    Stretches outside of edits are decoded from the raw bytes, edited ones are taken from their segment; between two segments
    stands what joined them in the body: a blank line, a space, or nothing where a wrapped line ended in a hyphen.

    Raises:
        UnicodeDecodeError: The bytes are not those that the segments were made from.
    """
    parts: list[str] = []
    position = start_char
    for segment, start, end in _cut_segments(segments, start_char, end_char):
        gap = segment["body_start"] + start - position
        parts.append(" " if gap == 1 else "\n" * gap)
        parts += _read_parts(raw, encoding, segment, start, end)
        position = segment["body_start"] + end
    gap = end_char - position
    return "".join(parts) + (" " if gap == 1 and position > start_char else "\n" * gap)


def _cut_segments(segments: pl.DataFrame, start_char: int, end_char: int) -> Iterator[tuple[_Segment, int, int]]:
    """Yield every body segment that the span touches, with the span's first character and the one after it in its text."""
    touched = segments.filter((pl.col("body_start") < end_char) & (pl.col("body_end") > start_char))
    for segment in touched.sort("body_start").iter_rows(named=True):
        start = max(0, start_char - segment["body_start"])
        yield segment, start, min(len(segment["text"]), end_char - segment["body_start"])


def find_byte(segment: _Segment, char: int, encoding: str, *, is_end: bool) -> int:
    """Return the raw byte at a character of the segment's text; within an edit its first byte, for an end the byte after it."""
    position, byte = 0, int(segment["raw_start"])
    for edit in segment["edits"]:
        if char < edit["start"] or (char == edit["start"] and is_end):
            break
        if char < edit["end"] or (char == edit["end"] and not is_end and edit["start"] == edit["end"]):
            return int(edit["raw_end"] if is_end else edit["raw_start"])
        position, byte = edit["end"], int(edit["raw_end"])
    return byte + len(segment["text"][position:char].encode(_codec(encoding)))


def _read_parts(raw: bytes, encoding: str, segment: _Segment, start: int, end: int) -> Iterator[str]:
    position, byte = 0, int(segment["raw_start"])
    edits = [*segment["edits"], {"start": len(segment["text"]), "raw_start": segment["raw_end"], "end": None}]
    for edit in edits:
        plain = raw[byte : edit["raw_start"]].decode(_codec(encoding))
        yield plain[max(0, start - position) : max(0, end - position)]
        if edit["end"] is not None:
            yield segment["text"][max(start, edit["start"]) : min(end, edit["end"])]
            position, byte = edit["end"], edit["raw_end"]


def _codec(encoding: str) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding
