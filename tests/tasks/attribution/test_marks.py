from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.attribution.marks import find_marked_spans


def words(*paragraphs: str) -> list[list[tuple[str, int, str | None]]]:
    found = find_marked_spans(paragraphs)
    return [
        [(text[s.start : s.end], s.depth, s.repair) for s in spans]
        for text, spans in zip(paragraphs, found, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“We will sail,” she said. “Today.”", ["We will sail,", "Today."]),
        ('"We will sail," she said. "Today."', ["We will sail,", "Today."]),
        ("«We will sail», she said.", ["We will sail"]),
        ("„We will sail“, she said.", ["We will sail"]),
        ("``We will sail,'' she said.", ["We will sail,"]),
        ("''We will sail,'' she said.", ["We will sail,"]),
        ("She called it “a start”—and left.", ["a start"]),
        ("(“Never”)", ["Never"]),
    ],
)
def test_every_kind_of_double_mark_is_found(text, expected):
    assert words(text) == [[(inner, 0, None) for inner in expected]]


def test_a_single_mark_inside_double_ones_is_a_quotation_inside_a_quotation():
    assert words("“He said ‘no’ twice,” she recalled.") == [[("He said ‘no’ twice,", 0, None), ("no", 1, None)]]


def test_an_article_that_quotes_with_single_marks_is_read_that_way():
    paragraph = "‘We don’t know the owners’ names,’ the clerk said. ‘Nobody does.’"
    assert words(paragraph) == [[("We don’t know the owners’ names,", 0, None), ("Nobody does.", 0, None)]]


@pytest.mark.parametrize(
    "text",
    [
        "The countries’ border and the clerk's desk.",
        'The board was 6\'2" long and the pipe 12" wide.',
        "Songs of the '90s and the ’80s.",
        "Rock ’n’ roll.",
        "It rose 5' in a day.",
    ],
)
def test_apostrophes_inches_and_decades_are_no_quotations(text):
    assert words(text) == [[]]


def test_a_closing_mark_drawn_as_an_opening_one_closes():
    assert words("The “first draft“ and the “second” one.") == [[("first draft", 0, "wrong_way"), ("second", 0, None)]]


def test_a_quotation_that_is_never_closed_ends_with_its_paragraph():
    assert words("She said: “We are done.", "The boats left.") == [[("We are done.", 0, "unclosed")], []]


def test_a_quotation_that_is_never_closed_does_not_swallow_the_next_one():
    found = words("She said: “We are done. He left. “It is over,” he said.")
    assert found == [[("We are done.", 0, "unclosed"), ("It is over,", 0, None)]]


def test_a_closing_mark_without_an_opening_one_quotes_its_sentence():
    assert words("The boats left. We are done,” she said.") == [[("We are done,", 0, "unopened")]]


def test_a_quotation_over_paragraphs_opens_each_and_closes_the_last():
    found = words("“We are done.", "“We go home,” she said.")
    assert found == [[("We are done.", 0, "continued")], [("We go home,", 0, None)]]


def test_double_marks_inside_double_marks_are_nested():
    assert words("“He called it “a gift” to me,” she said.") == [
        [("He called it “a gift” to me,", 0, None), ("a gift", 1, None)]
    ]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet="ab .,!?:\n'\"“”‘’«»„`´-—5s ", max_size=60), max_size=4))
def test_for_any_text_spans_slice_back_and_none_overlap_at_one_depth(paragraphs):
    for text, spans in zip(paragraphs, find_marked_spans(paragraphs), strict=True):
        for span in spans:
            assert 0 <= span.outer_start <= span.start < span.end <= span.outer_end <= len(text)
            assert text[span.start : span.end].strip() == text[span.start : span.end]
        for depth in (0, 1):
            level = sorted((s.start, s.end) for s in spans if s.depth == depth)
            assert all(before[1] <= after[0] for before, after in pairwise(level))


@pytest.mark.parametrize(
    "text",
    [
        '"' * 200_000,
        "“" * 200_000,
        "“a ” " * 100_000,
        "“a b. " * 100_000,
        "a.” " * 100_000,
        "' " * 200_000,
        '5" ' * 100_000,
    ],
)
def test_hostile_marks_take_linear_time(text):
    assert len(find_marked_spans([text])) == 1
