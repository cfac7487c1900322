import polars as pl
import pytest

from tasks.text.trace import read_span, trace_span
from tests.golden import (
    ARTICLES,
    KNOWN_MISSES,
    LABELLED_QUOTES,
    SAMPLES,
    SEGMENTS,
    find_misses,
    read_articles,
    read_segments,
)
from warehouse.connection import connect_read_only

pytestmark = pytest.mark.xdist_group("samples")  # one worker builds the samples once

HINT = "review the difference; `make golden` writes it anew"


def read_golden(path):
    return pl.read_csv(path, infer_schema=False).fill_null("")


def as_text(frame):
    return frame.select(pl.all().cast(pl.String).fill_null(""))


def test_the_labelled_quotations_are_found_with_their_speakers_but_for_the_known_misses(samples_warehouse):
    assert as_text(find_misses(samples_warehouse)).rows() == read_golden(KNOWN_MISSES).rows(), HINT


def test_at_least_seven_in_eight_labelled_quotations_are_right():
    labelled, missed = read_golden(LABELLED_QUOTES).height, read_golden(KNOWN_MISSES).height
    assert missed <= labelled / 8


def test_the_articles_are_as_reviewed(samples_warehouse):
    assert as_text(read_articles(samples_warehouse)).rows() == read_golden(ARTICLES).rows(), HINT


def test_the_pieces_left_out_of_the_bodies_are_as_reviewed(samples_warehouse):
    assert as_text(read_segments(samples_warehouse)).rows() == read_golden(SEGMENTS).rows(), HINT


def test_what_is_no_text_is_rejected_with_its_reason(samples_warehouse):
    with connect_read_only(samples_warehouse) as con:
        rejected = con.sql("select source_uri, stage, reject_reason from rejected_documents order by stage").fetchall()
    assert [(stage, reason) for _, stage, reason in rejected] == [("clean", "binary"), ("ingest", "empty")]


def test_an_article_in_another_language_has_its_language_and_no_quotes(samples_warehouse):
    with connect_read_only(samples_warehouse) as con:
        found = con.sql(
            """
            select language, count(quote_id) from fact_articles left join fact_quotes using (article_id)
            where language <> 'en' group by all
            """
        ).fetchall()
    assert found == [("pt", 0)]


def test_every_fact_slices_back_to_its_raw_bytes(samples_warehouse):
    checked = 0
    with connect_read_only(samples_warehouse) as con:
        articles = con.sql("from fact_articles").pl()
        segments = con.sql("from article_segments").pl()
        spans = con.sql(
            """
            select article_id, start_char, end_char, quote_text as text from fact_quotes
            union all select article_id, start_char, end_char, mention_text from fact_entity_mentions
            union all select article_id, speaker_start_char, speaker_end_char, speaker_text from fact_quotes
            where speaker_text is not null
            union all select article_id, 0, length(body), body from fact_articles
            """
        ).pl()
    for article in articles.iter_rows(named=True):
        raw = (SAMPLES / article["source_uri"]).read_bytes()
        own = segments.filter(pl.col("article_id") == article["article_id"])
        for span in spans.filter(pl.col("article_id") == article["article_id"]).iter_rows(named=True):
            start, end = span["start_char"], span["end_char"]
            assert read_span(raw, article["encoding"], own, start, end) == span["text"]
            pieces = trace_span(own, start, end, article["encoding"])
            assert pieces and all(0 <= first < after <= len(raw) for first, after in pieces)
            checked += 1
    assert checked > 500
