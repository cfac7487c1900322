"""When, where and to whom something was said, by how many and about whom, in literal sentences."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tasks.annotate import annotate_paragraphs, split_paragraphs
from tasks.annotation.annotator import Annotator, open_annotator
from tasks.entities import resolve_entities
from tasks.occasion.calendar import Days, find_times, resolve_time
from tasks.occasions import OccasionBatch, find_occasions
from tasks.quotes import extract_quotes
from tests.builders import articles, rows

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once
THURSDAY = date(2024, 3, 7)


@pytest.fixture(scope="module")
def annotator() -> Iterator[Annotator]:
    with open_annotator(process_count=1) as opened:
        yield opened


def read(annotator: Annotator, body: str, published_on: date | None = THURSDAY, **columns: Any) -> OccasionBatch:
    frame = articles(body, published_on=published_on, **columns)
    paragraphs = split_paragraphs(frame)
    annotations = annotate_paragraphs(paragraphs, annotator)
    quoted = extract_quotes(frame, paragraphs, annotations)
    found = resolve_entities(frame, paragraphs, annotations, quoted.quotes, quoted.statements)
    return find_occasions(
        frame, paragraphs, annotations, found.quotes, found.statements, found.mentions, found.document_entities
    )


def about(batch: OccasionBatch, role: str) -> list[tuple[str, str, str]]:
    """List quote, mention as printed and name of whom it means, of one role, in the order of the text."""
    joined = (
        batch.quote_mentions.join(batch.quotes.select("quote_id", "quote_text"), on="quote_id")
        .join(batch.mentions.select("mention_id", "mention_text", "document_entity_id", "start_char"), on="mention_id")
        .join(batch.document_entities.select("document_entity_id", "document_entity_name"), on="document_entity_id")
    )
    wanted = joined.sort("start_char").filter(role=role)
    return rows(wanted, "quote_text", "mention_text", "document_entity_name")


@pytest.mark.parametrize(
    ("words", "first", "last", "precision"),
    [
        ("on Wednesday", "2024-03-06", "2024-03-06", "day"),
        ("Thursday", "2024-03-07", "2024-03-07", "day"),
        ("last Thursday", "2024-02-29", "2024-02-29", "day"),
        ("late on Tuesday night", "2024-03-05", "2024-03-05", "day"),
        ("yesterday", "2024-03-06", "2024-03-06", "day"),
        ("two days ago", "2024-03-05", "2024-03-05", "day"),
        ("on March 1", "2024-03-01", "2024-03-01", "day"),
        ("on Dec. 31", "2023-12-31", "2023-12-31", "day"),
        ("on 6 March 2019", "2019-03-06", "2019-03-06", "day"),
        ("over the weekend", "2024-03-02", "2024-03-03", "range"),
        ("last week", "2024-02-26", "2024-03-03", "range"),
        ("earlier this month", "2024-03-01", "2024-03-07", "range"),
        ("last month", "2024-02-01", "2024-02-29", "month"),
        ("in October", "2023-10-01", "2023-10-31", "month"),
        ("in 2015", "2015-01-01", "2015-12-31", "year"),
    ],
)
def test_a_time_means_days_before_the_day_of_writing(words: str, first: str, last: str, precision: str) -> None:
    [found] = find_times(f"She spoke {words}, they said.")
    assert f"She spoke {words}, they said."[found.start : found.end] == words
    days = resolve_time(found, THURSDAY, None)
    assert days is not None
    assert (str(days.first), str(days.last), days.precision) == (first, last, precision)


@pytest.mark.parametrize("words", ["last summer", "recently", "on Wednesday of June 31", "hours later"])
def test_a_time_that_no_calendar_tells_stays_open(words: str) -> None:
    resolved = [resolve_time(found, None, None) for found in find_times(f"She spoke {words}.")]
    assert resolved
    assert not any(resolved)


def test_the_same_day_is_the_one_told_before() -> None:
    [found] = find_times("she said the next day.")
    told = Days(date(2024, 2, 29), date(2024, 2, 29), "day")
    assert resolve_time(found, THURSDAY, told) == Days(date(2024, 3, 1), date(2024, 3, 1), "day")


@pytest.mark.parametrize(
    "text", ["April Vance may march on.", "Jan Moor sat down.", "on ABC’s This Week", "it cost 2015 dollars"]
)
def test_names_and_verbs_are_no_times(text: str) -> None:
    assert list(find_times(text)) == []


@pytest.mark.parametrize(
    ("body", "said_on", "place", "addressee"),
    [
        ("“We will pay,” Ingrid Solvang told reporters in Paris on Tuesday.", date(2024, 3, 5), "Paris", "reporters"),
        ("“We will pay,” Ingrid Solvang said during a visit to Uganda.", None, "Uganda", None),
        ("“We will pay on Friday in Paris,” Ingrid Solvang said.", None, None, None),
        ("Ingrid Solvang said that the ferry would sail to Norway on Tuesday.", None, None, None),
        ("“We will pay,” said Ingrid Solvang, who was elected on Tuesday in Paris.", None, None, None),
        ("“We will pay,” Ingrid Solvang wrote in a letter to the council last month.", date(2024, 2, 1), None, "the council"),
    ],
)  # fmt: skip
def test_the_attributing_clause_tells_when_where_and_to_whom(
    annotator: Annotator, body: str, said_on: date | None, place: str | None, addressee: str | None
) -> None:
    batch = read(annotator, body)
    assert rows(batch.quotes, "said_on", "said_place_text", "said_to_text") == [(said_on, place, addressee)]


def test_a_recent_interview_is_a_time_without_a_date_and_goes_on_with_what_is_added(annotator: Annotator) -> None:
    body = "“We will pay,” Ingrid Solvang said in a recent interview with the Harbour Post. “Soon,” she added."
    batch = read(annotator, body)
    expected = ("in a recent interview", None, "the Harbour Post")
    assert rows(batch.quotes, "said_on_text", "said_on", "said_to_text") == [expected, expected]


def test_without_a_day_of_writing_a_weekday_keeps_its_words_only(annotator: Annotator) -> None:
    batch = read(annotator, "“We will pay,” Ingrid Solvang said on Tuesday.", published_on=None)
    assert rows(batch.quotes, "said_on_text", "said_on") == [("on Tuesday", None)]


def test_a_dateline_near_the_day_of_publication_is_the_day_of_writing(annotator: Annotator) -> None:
    body = "“We will pay,” Ingrid Solvang said on Thursday."
    near, far = (read(annotator, body, dateline=f"OSLO, {day}") for day in ("March 6", "June 5, 2019"))
    assert rows(near.quotes, "said_on") == [(date(2024, 2, 29),)]
    assert rows(far.quotes, "said_on") == [(date(2024, 3, 7),)]


def test_a_pronoun_inside_a_quotation_means_the_person_named_there_and_is_a_mention(annotator: Annotator) -> None:
    batch = read(annotator, "“Thomas Brandt lied, and he knew it,” Ingrid Solvang said.")
    assert [row[1:] for row in about(batch, "inside")] == [("Thomas Brandt", "Thomas Brandt"), ("he", "Thomas Brandt")]
    counts = dict(rows(batch.document_entities, "document_entity_name", "mention_count"))
    assert counts == {"Thomas Brandt": 2, "Ingrid Solvang": 1}


def test_a_pronoun_that_two_persons_fit_stays_open(annotator: Annotator) -> None:
    batch = read(annotator, "Thomas Brandt met Peter Vance.\n\n“He knew it,” Mary Solvang said.")
    assert about(batch, "inside") == []


def test_around_are_those_in_the_clause_without_speaker_and_addressee(annotator: Annotator) -> None:
    batch = read(annotator, "“He knew it,” Mary Solvang told the Harbour Post when asked about Thomas Brandt.")
    assert [row[1:] for row in about(batch, "around")] == [("Thomas Brandt", "Thomas Brandt")]
    assert [row[1:] for row in about(batch, "inside")] == [("He", "Thomas Brandt")]


def test_those_who_speak_together_have_a_row_each(annotator: Annotator) -> None:
    batch = read(annotator, "“We will pay,” Mary Solvang and Thomas Brandt said in a joint statement.")
    assert rows(batch.statement_speakers, "speaker_no", "speaker_text") == [(0, "Mary Solvang"), (1, "Thomas Brandt")]
    assert batch.statement_speakers["speaker_document_entity_id"].n_unique() == 2


def test_another_outlet_that_was_told_is_a_relay_and_the_own_one_is_not(annotator: Annotator) -> None:
    body = "“We will pay,” Mary Solvang told the Harbour Post."
    assert rows(read(annotator, body).statement_relays, "relay_text", "relay_cue") == [("the Harbour Post", "told")]
    assert read(annotator, body, outlet="Harbour Post").statement_relays.is_empty()


def test_according_to_names_a_relay(annotator: Annotator) -> None:
    batch = read(annotator, "“We will pay,” Mary Solvang said on Tuesday, according to the Harbour Post.")
    assert rows(batch.statement_relays, "relay_no", "relay_text", "relay_cue") == [
        (0, "the Harbour Post", "according to")
    ]


def test_articles_without_quotes_give_empty_tables(annotator: Annotator) -> None:
    batch = read(annotator, "The ferry is late.")
    frames = (batch.quotes, batch.quote_mentions, batch.statement_speakers, batch.statement_relays)
    assert all(frame.is_empty() for frame in frames)
