from collections.abc import Iterator
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.annotate import annotate_paragraphs, select_english, split_paragraphs
from tasks.annotation.annotator import Annotator, open_annotator
from tasks.entities import resolve_entities
from tasks.quotes import QuotedBatch, extract_quotes, normalize_quote
from tests.builders import articles, rows

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once


@pytest.fixture(scope="module")
def annotator() -> Iterator[Annotator]:
    with open_annotator(process_count=1) as opened:
        yield opened


def quote(annotator: Annotator, *bodies: str) -> QuotedBatch:
    frame = articles(*bodies)
    paragraphs = split_paragraphs(frame)
    return extract_quotes(frame, paragraphs, annotate_paragraphs(paragraphs, annotator))


def said(batch: QuotedBatch) -> list[tuple[str, str | None]]:
    return rows(batch.quotes.filter(pl.col("quote_type") != "term"), "quote_text", "speaker_text")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("“We will sail,” Marta Lindqvist said.", [("We will sail,", "Marta Lindqvist")]),
        ("“We will sail,” said Marta Lindqvist, the harbour master.", [("We will sail,", "Marta Lindqvist")]),
        ("Marta Lindqvist told reporters: “We will sail.”", [("We will sail.", "Marta Lindqvist")]),
        ("According to the ministry, “the ferries will sail”.", [("the ferries will sail", "the ministry")]),
        ("“Will it sail?” Lindqvist asked reporters.", [("Will it sail?", "Lindqvist")]),
        ("“We will sail,” an angry Lindqvist retaliated.", [("We will sail,", "an angry Lindqvist")]),
        ("Lindqvist: “We will sail.”", [("We will sail.", "Lindqvist")]),
        ("“We will sail.” — Marta Lindqvist", [("We will sail.", "Marta Lindqvist")]),
        (
            "“We will sail,” Lindqvist said on Monday. “Nobody will stop us.”",
            [("We will sail,", "Lindqvist"), ("Nobody will stop us.", "Lindqvist")],
        ),
        (
            "Lindqvist, who called the strike “a farce”, left the hall.",
            [("a farce", "Lindqvist, who")],
        ),
    ],
)
def test_the_speaker_is_found_before_after_and_inside(annotator, body, expected):
    assert said(quote(annotator, body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "Lindqvist said the strike was “a farce” and welcomed the new timetable.",
            [("a farce", "Lindqvist")],
        ),
        (
            "Citing the owners and their “reveries of an empty harbour,” Lindqvist urged the crews to go home.",
            [("reveries of an empty harbour,", "Lindqvist")],
        ),
        ("Jonas Berg said he called the plan “a mistake”.", [("a mistake", "Jonas Berg")]),
        ("Berg told a packed hall, “We will sail.”", [("We will sail.", "Berg")]),
        (
            "Lindqvist complained that Berg is too timid, suggesting the harbour master sees the strike as “a storm in a teacup”.",
            [("a storm in a teacup", "Lindqvist")],
        ),
        (
            "Lindqvist said the vote was called by the owners and said, “Who are you going to trust?”",
            [("Who are you going to trust?", "Lindqvist")],
        ),
        (
            "Lindqvist said that nobody had slept on board. “They are all afraid.”",
            [("They are all afraid.", "Lindqvist")],
        ),
        (
            "“It is a duty to sail,” Lindqvist said. Instead, “the owners act like children.”",
            [("It is a duty to sail,", "Lindqvist"), ("the owners act like children.", "Lindqvist")],
        ),
        (
            "“We will sail.”\n\n- Marta Lindqvist.\n\nThe owners did not answer.",
            [("We will sail.", "Marta Lindqvist")],
        ),
        ("FERRIES SAIL AGAIN - Marta Lindqvist: “Nobody will stop us.”", [("Nobody will stop us.", "Marta Lindqvist")]),
        ("The owners sneered at her call for “free ferries” on Monday.", [("free ferries", "her")]),
    ],
)
def test_the_speaker_is_the_one_who_reports_and_not_who_stands_nearest(annotator, body, expected):
    named = [
        (text, speaker) for text, speaker in said(quote(annotator, body)) if speaker and not text.startswith("that ")
    ]
    marked = [pair for pair in named if f"“{pair[0]}”" in body]
    assert marked == expected


def test_a_programme_is_a_term_also_at_the_end_of_a_sentence(annotator):
    batch = quote(annotator, "“We will sail,” Lindqvist said on the network's “Morning Harbour.”")
    assert rows(batch.quotes, "quote_text", "quote_type") == [("We will sail,", "direct"), ("Morning Harbour.", "term")]


def test_the_relative_pronoun_belongs_to_the_speaker_and_he_is_still_known(annotator):
    frame = articles("Marta Lindqvist, who called the strike “a farce”, left the hall.")
    paragraphs = split_paragraphs(frame)
    annotations = annotate_paragraphs(paragraphs, annotator)
    batch = extract_quotes(frame, paragraphs, annotations)
    resolved = resolve_entities(frame, paragraphs, annotations, batch.quotes, batch.statements)
    names = dict(rows(resolved.document_entities, "document_entity_id", "document_entity_name"))
    ((speaker, entity, kind),) = rows(resolved.quotes, "speaker_text", "speaker_document_entity_id", "speaker_kind")
    assert (speaker, names[entity], kind) == ("Marta Lindqvist, who", "Marta Lindqvist", "person")


def test_a_quotation_broken_by_its_attribution_is_two_rows_of_one_statement(annotator):
    batch = quote(annotator, "“We will sail,” Lindqvist said. “Nobody will stop us.”")
    assert batch.quotes.get_column("statement_id").n_unique() == 1
    assert rows(batch.quotes, "part_no", "quote_type") == [(0, "direct"), (1, "direct")]
    assert rows(batch.statements, "statement_type", "content_text") == [
        ("direct", "We will sail, Nobody will stop us.")
    ]


def test_a_pronoun_stays_as_printed(annotator):
    assert said(quote(annotator, "“We will sail,” she added.")) == [("We will sail,", "she")]


def test_marked_words_inside_a_paraphrase_are_mixed(annotator):
    batch = quote(annotator, "Lindqvist said the strike was “a farce” and would end.")
    assert rows(batch.quotes, "quote_text", "quote_type", "speaker_text") == [("a farce", "mixed", "Lindqvist")]


def test_a_plan_inside_reported_speech_belongs_to_the_one_who_reports_it(annotator):
    assert said(quote(annotator, "Lindqvist said she would consider “every legal means”.")) == [
        ("every legal means", "Lindqvist")
    ]


def test_a_relay_is_kept_apart_from_the_speaker(annotator):
    batch = quote(annotator, "“We will sail,” Lindqvist said, according to the Baltic Courier.")
    assert rows(batch.quotes, "speaker_text", "via_text") == [("Lindqvist", "the Baltic Courier")]


def test_plain_reported_speech_is_an_indirect_quote(annotator):
    batch = quote(annotator, "Lindqvist said that the ferries would sail on Monday.")
    assert rows(batch.quotes, "quote_text", "quote_type", "cue", "speaker_text") == [
        ("that the ferries would sail on Monday", "indirect", "said", "Lindqvist")
    ]


def test_what_is_according_to_somebody_is_an_indirect_quote(annotator):
    batch = quote(annotator, "The ferries will sail on Monday, according to the harbour master.")
    assert rows(batch.quotes, "quote_text", "quote_type", "speaker_text") == [
        ("The ferries will sail on Monday", "indirect", "the harbour master")
    ]


def test_cues_and_speakers_are_never_taken_from_inside_quotation_marks(annotator):
    assert said(quote(annotator, "“He said no,” Lindqvist recalled.")) == [("He said no,", "Lindqvist")]


def test_a_quotation_inside_a_quotation_has_its_parent(annotator):
    batch = quote(annotator, "“He shouted ‘never again’ at us,” Lindqvist recalled.")
    (outer, inner) = rows(batch.quotes, "quote_id", "parent_quote_id", "quote_text")
    assert (outer[1], inner[1], inner[2]) == (None, outer[0], "never again")


def test_a_quotation_that_goes_on_in_the_next_paragraph_keeps_its_speaker(annotator):
    body = "“We will sail,” Lindqvist said. “Nobody will stop us.\n\n“We have waited long enough.”"
    assert [speaker for _, speaker in said(quote(annotator, body))] == ["Lindqvist"] * 3


def test_a_speaker_named_only_after_a_quotation_over_paragraphs_is_carried_back(annotator):
    body = "“We will sail today.\n\n“We have waited long enough,” Lindqvist said."
    assert [speaker for _, speaker in said(quote(annotator, body))] == ["Lindqvist"] * 2


def test_a_paragraph_ending_in_a_colon_introduces_the_next(annotator):
    body = "Lindqvist read from her letter to the owners:\n\n“We will sail today. Nobody will stop us.”"
    assert said(quote(annotator, body)) == [("We will sail today. Nobody will stop us.", "Lindqvist")]


def test_the_name_of_a_thing_is_a_term_without_a_speaker(annotator):
    batch = quote(annotator, "The so-called “night fleet” lay in the harbour.")
    assert rows(batch.quotes, "quote_text", "quote_type", "speaker_text") == [("night fleet", "term", None)]


def test_paragraphs_that_no_engine_has_read_give_their_marked_stretches_without_speakers():
    frame = articles("“We sail at dawn,” said the harbour master. The “Aurora” was late, he added.")
    batch = extract_quotes(frame, split_paragraphs(frame), annotate_nothing())
    assert rows(batch.quotes, "quote_text", "quote_type", "attribution_rule", "speaker_text") == [
        ("We sail at dawn,", "direct", "unread", None),
        ("Aurora", "term", "unread", None),
    ]


def test_an_article_in_another_language_has_no_quotes():
    frame = articles("«Zarpamos», dijo.", language="es")
    paragraphs = select_english(frame, split_paragraphs(frame))
    batch = extract_quotes(frame, paragraphs, annotate_nothing())
    assert (batch.quotes.height, batch.statements.height) == (0, 0)


def annotate_nothing() -> pl.DataFrame:
    from tasks.frames import ANNOTATIONS

    return pl.DataFrame(schema=ANNOTATIONS.schema)


def test_normalized_quotes_fold_case_marks_dashes_and_blanks():
    assert normalize_quote("We “can’t” –\u00a0sail…") == 'we "can\'t" - sail'


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(
        st.sampled_from(
            ["“", "”", '"', "said Lindqvist", "The ferry", ".", ",", " ", "\n\n", "‘", "’", "he added that", ":"]
        ),
        max_size=25,
    )
)
def test_for_any_text_quotes_slice_back_and_none_overlap_at_one_depth(annotator, body):
    text = "".join(body)
    batch = quote(annotator, text)
    by_id = {row["quote_id"]: row for row in batch.quotes.iter_rows(named=True)}
    for row in by_id.values():
        assert text[row["start_char"] : row["end_char"]] == row["quote_text"]
        for name in ("cue", "speaker_text", "via_text"):
            start = row[f"{name.removesuffix('_text')}_start_char"]
            end = row[f"{name.removesuffix('_text')}_end_char"]
            assert (row[name] is None) == (start is None)
            assert row[name] is None or text[start:end] == row[name]
    levels: dict[str | None, list[tuple[int, int]]] = {}
    for row in by_id.values():
        levels.setdefault(row["parent_quote_id"], []).append((row["start_char"], row["end_char"]))
    for spans in levels.values():
        ordered = sorted(spans)
        assert all(before[1] <= after[0] for before, after in pairwise(ordered))
