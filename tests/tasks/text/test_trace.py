"""The way back from a body to the raw bytes, for any text in any of the encodings."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.clean import CleanedBatch, clean_documents
from tasks.text.trace import read_span, trace_span
from tests.builders import raw_documents

SENTENCE = "The harbour master said on Monday that the ferry would leave at noon."
PIECES = st.sampled_from([
    SENTENCE, "“Nobody cuts a ribbon,” she said.", "&quot;Late&quot;", "Brandt &amp; Falk", "&nbsp;", "<p>", "</em>", "<br/>",
    "cafÃ© â€œnowâ€\x9d", "LISBON, May 14 (Continental Wire) — ", "date 2024-05-14 ", "By Jo Field ", "\x07", "\u200b", "\xad",
    "© 2024 The Gazette", "(Reporting by Jo Field)", "Leave a reply", "—", ".", "GET OUR MORNING NEWS", "Jo Field/AP", "sea-",
    " ", "\t", "\xa0", "\n", "\n\n", "\r\n", "\x0c", "\x85", "\u2028", "é", "中文句子。", "😀", "&#8217;", "Å\x85",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=20), max_size=40).map("".join)
BLANK = re.compile(r"\s+")


def check_segments(raw: bytes, batch: CleanedBatch) -> None:
    """Assert that segments tile the text of the one article in `batch`, decode to their texts, and slice the body."""
    [article] = batch.articles.to_dicts()
    codec = article["encoding"].replace("utf-8-sig", "utf-8")
    position = len(raw) - len(raw.removeprefix(b"\xef\xbb\xbf")) if article["encoding"] == "utf-8-sig" else 0
    position += 2 if codec.startswith("utf-16") else 0
    for segment in batch.segments.sort("line_no", "segment_no").to_dicts():
        assert not raw[position : segment["raw_start"]].decode(codec).strip()
        position = segment["raw_end"]
        start, byte = 0, segment["raw_start"]
        for edit in segment["edits"]:
            assert raw[byte : edit["raw_start"]].decode(codec) == segment["text"][start : edit["start"]]
            start, byte = edit["end"], edit["raw_end"]
        assert raw[byte : segment["raw_end"]].decode(codec) == segment["text"][start:]
        if segment["body_start"] is not None:
            assert article["body"][segment["body_start"] : segment["body_end"]] == segment["text"]
    assert not raw[position:].decode(codec).strip()


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_segments_hold_every_printed_character_once_and_decode_to_their_texts(text: str, encoding: str) -> None:
    raw = (text + "\n" + SENTENCE).encode(encoding, "replace")
    batch = clean_documents(raw_documents(raw))
    if batch.rejected.is_empty():
        check_segments(raw, batch)
    else:
        assert batch.rejected["reject_reason"].item() in ("binary", "undecodable", "no_body")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["“Été” – ", "naïve ", ""]), st.sampled_from(["cp1252", "utf-8"]))
def test_bytes_that_are_no_valid_text_become_an_article_or_a_rejection(noise: bytes, words: str, encoding: str) -> None:
    raw = (words + SENTENCE + " ").encode(encoding) + noise.replace(b"\0", b"") + b"\n" + SENTENCE.encode()
    batch = clean_documents(raw_documents(raw))
    assert len(batch.articles) + len(batch.rejected) == 1
    if batch.rejected.is_empty():
        check_segments(raw, batch)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.data())
def test_any_span_of_a_body_reads_back_from_the_raw_bytes(text: str, data: st.DataObject) -> None:
    raw = (text + "\n" + SENTENCE).encode("utf-8", "replace")
    batch = clean_documents(raw_documents(raw))
    if batch.articles.is_empty():
        return
    [article] = batch.articles.to_dicts()
    start = data.draw(st.integers(0, len(article["body"])))
    end = data.draw(st.integers(start, len(article["body"])))
    found = read_span(raw, article["encoding"], batch.segments, start, end)
    assert BLANK.sub(" ", found) == BLANK.sub(" ", article["body"][start:end])


def test_a_span_over_two_wrapped_lines_has_the_bytes_of_both() -> None:
    raw = (
        "The crews of the ferries that sail to the island said\n"
        "on Monday that “they would not sail before they had\n"
        "slept” and that the company knew it for many months.\n"
    ).encode()
    batch = clean_documents(raw_documents(raw))
    body = batch.articles["body"].item()
    start, end = body.index("they would"), body.index("” and")
    pieces = trace_span(batch.segments, start, end, "utf-8")
    assert [raw[first:last].decode() for first, last in pieces] == ["they would not sail before they had", "slept"]
    assert read_span(raw, "utf-8", batch.segments, start, end) == "they would not sail before they had slept"


def test_a_span_that_ends_in_a_repaired_token_has_all_its_bytes() -> None:
    raw = b"The maker Brandt &amp; Falk said that it knew nothing of the letters."
    segments = clean_documents(raw_documents(raw)).segments
    assert [raw[a:b] for a, b in trace_span(segments, 10, 23, "utf-8")] == [b"Brandt &amp; Falk"]
    assert [raw[a:b] for a, b in trace_span(segments, 17, 18, "utf-8")] == [b"&amp;"]


def test_bytes_of_another_document_are_an_error() -> None:
    segments = clean_documents(raw_documents("Éva said that she would come.")).segments
    with pytest.raises(UnicodeDecodeError):
        read_span(b"\xff" * 40, "utf-8", segments, 0, 5)


def test_a_span_in_no_segment_has_no_bytes() -> None:
    segments = clean_documents(raw_documents("Éva said that she would come.")).segments
    assert trace_span(segments.filter(pl.col("line_no") > 0), 0, 5, "utf-8") == []
