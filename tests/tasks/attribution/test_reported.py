"""Reported speech: what a cue governs, where it ends, whose it is, and that only the outermost attribution counts."""

from collections.abc import Iterator

import polars as pl
import pytest

from tasks.annotate import annotate_paragraphs, split_paragraphs
from tasks.annotation.annotator import Annotator, open_annotator
from tasks.quotes import extract_quotes
from tests.builders import articles, rows

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once


@pytest.fixture(scope="module")
def annotator() -> Iterator[Annotator]:
    with open_annotator(process_count=1) as opened:
        yield opened


def state(annotator: Annotator, body: str) -> pl.DataFrame:
    frame = articles(body)
    paragraphs = split_paragraphs(frame)
    return extract_quotes(frame, paragraphs, annotate_paragraphs(paragraphs, annotator)).statements


def told(annotator: Annotator, body: str) -> list[tuple[str, str, str | None]]:
    return rows(state(annotator, body), "attribution_rule", "content_text", "speaker_text")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Lindqvist said that the ferries would sail.", ("verb_clause", "that the ferries would sail", "Lindqvist")),
        ("Lindqvist believes the ferries will sail.", ("verb_clause", "the ferries will sail", "Lindqvist")),
        ("Lindqvist asked whether the ferries would sail.", ("verb_clause", "whether the ferries would sail", "Lindqvist")),
        ("Lindqvist vowed to fight the closure.", ("verb_infinitive", "to fight the closure", "Lindqvist")),
        ("The mayor urged the owners to sell the fleet.", ("verb_infinitive", "the owners to sell the fleet", "The mayor")),
        ("Lindqvist criticized the new timetable.", ("verb_object", "the new timetable", "Lindqvist")),
        ("Lindqvist criticized the timetable on Monday.", ("verb_object", "the timetable", "Lindqvist")),
        ("Lindqvist accused the owners of greed.", ("verb_object", "the owners of greed", "Lindqvist")),
        ("Lindqvist described the strike as a farce.", ("verb_object", "the strike as a farce", "Lindqvist")),
        ("Lindqvist complained about the noise.", ("verb_preposition", "the noise", "Lindqvist")),
        ("Lindqvist was confident that the ferries would sail.",
         ("adjective_clause", "that the ferries would sail", "Lindqvist")),
        ("Lindqvist was critical of the owners.", ("adjective_preposition", "the owners", "Lindqvist")),
        ("Her claim that the ferries were safe angered the union.",
         ("noun_clause", "that the ferries were safe", "Her")),
        ("The ferries will sail, according to Lindqvist.", ("according_to", "The ferries will sail", "Lindqvist")),
        ("The ferries will sail on Monday, Lindqvist said.",
         ("parenthetical", "The ferries will sail on Monday", "Lindqvist")),
    ],
)  # fmt: skip
def test_a_cue_governs_the_frame_that_its_word_licenses(annotator, body, expected):
    assert expected in told(annotator, body)


def test_what_everybody_expects_takes_its_subject_along_and_names_nobody(annotator):
    statements = state(annotator, "The ferries are expected to sail on Monday.")
    assert rows(statements, "attribution_rule", "statement_type", "content_text", "speaker_text") == [
        ("verb_raised", "indirect", "The ferries to sail on Monday", None)
    ]


def test_a_wish_inside_reported_words_is_part_of_them(annotator):
    assert told(annotator, "Lindqvist said that the owners wanted to sell the fleet.") == [
        ("verb_clause", "that the owners wanted to sell the fleet", "Lindqvist")
    ]


def test_a_claim_inside_quotation_marks_is_told_by_its_speaker_only(annotator):
    statements = state(annotator, "“The owners said that the ferries would sail,” Lindqvist recalled.")
    assert rows(statements, "statement_type", "speaker_text") == [("direct", "Lindqvist")]


def test_the_content_around_marked_words_belongs_to_their_statement(annotator):
    statements = state(annotator, "Lindqvist criticized the “shameful” timetable.")
    assert rows(statements, "statement_type", "content_text", "speaker_text") == [
        ("mixed", "the “shameful” timetable", "Lindqvist")
    ]


def test_a_word_without_a_licensed_frame_reports_nothing(annotator):
    assert told(annotator, "Lindqvist painted the old ferry in June.") == []
