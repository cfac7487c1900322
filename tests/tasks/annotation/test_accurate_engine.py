from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.annotation.accurate import AccurateEngine, join_descriptions
from tasks.annotation.annotator import DEFAULT_MODEL, load_model, load_spacy
from tasks.annotation.shortcuts import memoize_words, shorten_names

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once

TEXTS = [
    "Marta Lindqvist, the harbour master of Ostrava, told Reuters on Monday that 45 ferries would sail.",
    "There is no deal. There's none, and there were never any: it ain't so, they ain't sailing.",
    "“I'm gonna wait, we've gotta go, let's see,” he said. “Y'all come on, c'm on!”",
    "Let's talk about what they’d done. She'd gone; it's his. That's all there is.",
    "The Bank of Lisbon, New York's Central Harbour Authority and U.N. envoy Jean-Paul de la Croix met in May 2024.",
    "  Two  spaces   and a trailing one ",
    "$5.3m was paid. Over 40 per cent left the European Union on 3 March. Nobody",
    "“",
    "",
    "UNITED NATIONS (AP) - The Security Council",
    "the the the the",
    "Mr. Smith\u2019s lawyer, who had been told to leave, left him the better ones.",
]


@pytest.fixture(scope="module")
def shortened() -> AccurateEngine:
    return AccurateEngine(load_model(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def plain() -> AccurateEngine:
    return AccurateEngine(load_spacy(DEFAULT_MODEL, exclude=["senter"]), is_shortened=False)


@pytest.fixture
def nlp() -> Iterator[Any]:
    pipeline = load_spacy(DEFAULT_MODEL, exclude=["senter"])
    yield pipeline


def test_the_pipeline_that_ships_is_shortened(shortened):
    assert shortened._words is not None
    assert shortened._names is not None


def test_what_is_found_on_the_shorter_way_is_what_spacy_finds(shortened, plain):
    for _ in range(2):  # what was met before is remembered
        assert list(shortened.describe(TEXTS)) == list(plain.describe(TEXTS))


WORDS = [
    "there",
    "is",
    "'s",
    "are",
    "ain't",
    "n't",
    "let",
    "gon",
    "na",
    "got",
    "ta",
    "y'",
    "all",
    "c'm",
    "on",
    "he",
    "they",
    "“",
    "”",
    ",",
    ".",
    "!",
    "-",
    "$",
    "5",
    "1,200",
    "per",
    "cent",
    "said",
    "told",
    "Monday",
    "of",
    "the",
    "\u00a0",
    "Marta",
    "Lindqvist",
    "New",
    "York",
    "Bank",
    "U.N.",
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_words_are_read_as_spacy_reads_them(shortened, plain, words):
    text = [" ".join(words)]
    assert list(shortened.describe(text)) == list(plain.describe(text))


def test_patterns_of_several_tokens_are_seen_in_their_place(shortened):
    [row] = shortened.describe(["There is hope, and he is there."])
    words = list(zip(row["token_tag"], row["token_pos"], strict=True))
    assert [pos for tag, pos in words if tag == "VBZ"] == ["VERB", "AUX"]


def test_what_was_forgotten_is_found_again(shortened, monkeypatch):
    before = list(shortened.describe(TEXTS))
    monkeypatch.setattr("tasks.annotation.shortcuts._MAX_WORDS", 0)
    assert list(shortened.describe(TEXTS)) == before


def test_what_a_vocabulary_has_learned_is_freed_when_it_is_much():
    engine = AccurateEngine(load_model(DEFAULT_MODEL), max_lexemes=20)
    first = list(engine.describe(["Zyxgard came.", "It rained in Lisbon."]))
    assert list(engine.describe(["It rained in Lisbon."])) == first[1:]
    assert "Zyxgard" in engine.nlp.vocab.strings
    list(engine.describe([f"Qwumble{number}n" for number in range(30)]))
    assert list(engine.describe(["It rained in Lisbon.", "Zyx"])) == [first[1], *engine.describe(["Zyx"])]
    assert "Zyxgard" not in engine.nlp.vocab.strings


def test_a_ruler_that_looks_at_more_than_single_words_stays_spacys(nlp):
    nlp.get_pipe("attribute_ruler").add([[{"LOWER": "un", "OP": "+"}]], {"LEMMA": "UN"})
    assert memoize_words(nlp) is None


@pytest.mark.parametrize("component", ["entity_ruler", "merge_entities"])
def test_names_that_another_component_sets_or_changes_are_found_by_spacy(nlp, component):
    nlp.add_pipe(component, before="ner" if component == "entity_ruler" else None)
    assert shorten_names(nlp) is None
    assert memoize_words(nlp) is None


def test_a_pipeline_without_shorter_ways_gives_the_same(nlp, plain):
    nlp.get_pipe("attribute_ruler").add([[{"LOWER": "zyx", "OP": "+"}]], {"LEMMA": "Z"})
    assert list(AccurateEngine(nlp).describe(TEXTS)) == list(plain.describe(TEXTS))


def test_pieces_of_a_text_are_joined_with_their_places(plain):
    pieces = ["It rained. ", "Marta left Lisbon."]
    joined = join_descriptions(list(plain.describe(pieces)), [len(piece) for piece in pieces])
    assert joined["token_start"] == [0, 3, 9, 11, 17, 22, 28]
    assert joined["token_head"] == [1, 1, 1, 4, 4, 4, 4]
    assert joined["sentence_start"] == [0, 3]
    assert list(zip(joined["entity_start"], joined["entity_end"], strict=True)) == [(11, 16), (22, 28)]
