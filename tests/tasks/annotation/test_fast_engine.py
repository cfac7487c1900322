from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.annotate import annotate_paragraphs
from tasks.annotation.annotator import FAST_MODEL, Annotator, ModelError, choose_model, describe_model, open_annotator
from tasks.annotation.fast.engine import FastEngine
from tasks.annotation.fast.model import FastModel, ModelFileError, load_model, read_card, save_model
from tasks.annotation.fast.tokens import TokenRules, list_features, read_rules
from tasks.annotation.syntax import iterate_documents
from tasks.frames import ANNOTATIONS, PARAGRAPHS
from tests.builders import build_table
from warehouse.keys import make_id

FAST = str(FAST_MODEL)


@pytest.fixture(scope="module")
def model() -> FastModel:
    return load_model(FAST_MODEL.read_bytes())


@pytest.fixture(scope="module")
def annotator():
    with open_annotator(FAST, process_count=1) as opened:
        yield opened


def texts(*values: str) -> pl.DataFrame:
    return build_table(PARAGRAPHS, *({"text": value, "paragraph_no": number} for number, value in enumerate(values)))


def annotate(annotator: Annotator, text: str) -> dict:
    return annotate_paragraphs(texts(text), annotator).row(0, named=True)


def test_tokens_slice_back_and_sentences_names_and_subjects_are_found(annotator):
    text = "Marta\u00a0Lindqvist spoke in Lisbon. “It rained,” she said."
    row = annotate(annotator, text)
    tokens = [text[start:end] for start, end in zip(row["token_start"], row["token_end"], strict=True)]
    assert tokens == [
        "Marta",
        "Lindqvist",
        "spoke",
        "in",
        "Lisbon",
        ".",
        "“",
        "It",
        "rained",
        ",",
        "”",
        "she",
        "said",
        ".",
    ]
    assert row["sentence_start"] == [0, 6]
    names = zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True)
    assert [(text[start:end], label) for start, end, label in names] == [
        ("Marta\u00a0Lindqvist", "PERSON"),
        ("Lisbon", "GPE"),
    ]
    assert (row["token_head"][11], row["token_dep"][11]) == (12, "nsubj")
    assert (row["token_tag"][12], row["token_pos"][12], row["token_lemma"][12]) == ("VBD", "VERB", "say")


def test_a_paragraph_read_by_the_fast_engine_is_a_tree(annotator):
    text = "The council of the harbour will, she wrote on Monday, be asked to vote again."
    paragraphs = texts(text)
    [(_, [paragraph])] = iterate_documents(paragraphs, annotate_paragraphs(paragraphs, annotator))
    assert paragraph.tree is not None
    roots = [token for token, head in enumerate(paragraph.tree.head) if head == token]
    assert len(roots) == 1
    assert paragraph.tree.edges(roots[0]) == (0, len(paragraph.tree))


def test_a_text_is_annotated_alike_in_any_company(annotator):
    sentence = "Marta Lindqvist, the harbour master, told the Lisbon port authority that ferries would sail."
    others = [f"{sentence} Ship number {number} followed." for number in range(150)]
    together = annotate_paragraphs(texts(*others, sentence), annotator)
    alone = annotate_paragraphs(texts(sentence), annotator)
    assert together.filter(pl.col("paragraph_key") == make_id(sentence)).equals(alone)


def test_what_was_forgotten_is_read_alike_again(model, monkeypatch):
    engine, frame = (
        FastEngine(model),
        texts("It rained in Lisbon.", "“Well,” she said.").select("paragraph_key", "text"),
    )
    first = engine.annotate(frame)
    monkeypatch.setattr("tasks.annotation.fast.engine._MAX_CHUNKS", 1)
    assert engine.annotate(frame).equals(first)


@pytest.mark.parametrize(
    "text", ["x" * 60_000, "He left. " * 4_000, "  ", "\u00a0", "“" * 5_000, "a" + " a" * 3_000, "-" * 9_000]
)
def test_hostile_paragraphs_are_annotated_without_a_crash(annotator, text):
    row = annotate(annotator, text)
    count = len(row["token_start"])
    assert count
    assert all(0 <= head < count for head in row["token_head"])
    assert all(end <= len(text) for end in row["token_end"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80))
def test_the_tokens_of_any_text_are_inside_it_in_order_and_leave_out_only_spaces(annotator, text):
    row = annotate(annotator, text)
    spans = list(zip(row["token_start"], row["token_end"], strict=True))
    assert spans == sorted(spans)
    assert all(start < end <= len(text) for start, end in spans)
    covered = {place for start, end in spans for place in range(start, end)}
    assert all(not char.isprintable() or char.isspace() for place, char in enumerate(text) if place not in covered)
    assert len({len(row[f"token_{name}"]) for name in ("start", "end", "tag", "pos", "dep", "head", "lemma")}) == 1


def test_chunks_are_cut_as_the_accurate_engine_cuts_them(model):
    chunks = [
        "don't",
        "U.S.",
        "(U.S.),",
        "“Well-known”",
        "$5.3m",
        "he’s",
        "e.g.",
        "12,500",
        "a/b",
        "http://x.org/a?b=1,",
        "—no",
        "O'Hara's",
        "...",
    ]
    spacy = pytest.importorskip("spacy")
    tokenizer = spacy.blank("en").tokenizer
    assert [model.tokens.split_chunk(chunk) for chunk in chunks] == [
        [token for _, token in tokenizer.explain(chunk)] for chunk in chunks
    ]
    assert read_rules(tokenizer) == model.tokens


def test_a_word_is_told_by_its_letters_ending_beginning_and_shape():
    assert list_features("McGrath-12") == ["w=mcgrath-00", "e=-00", "f=00", "b=mcg", "h=XxXxx-00"]


def test_a_chunk_without_rules_stays_whole():
    assert TokenRules("(?!)", "(?!)", "(?!)", "(?!)", {}).split_chunk("(a-b)") == ["(a-b)"]


def test_a_model_comes_back_from_its_file_and_the_same_model_gives_the_same_bytes(model, tmp_path: Path):
    files = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for file in files:
        save_model(model, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    again = load_model(files[0].read_bytes())
    assert all(np.array_equal(again.weights[name], values) for name, values in model.weights.items())
    assert (again.tokens, again.lemmas, again.tags, again.card) == (model.tokens, model.lemmas, model.tags, model.card)


def test_the_model_that_ships_says_what_it_was_made_of():
    card = read_card(FAST_MODEL.read_bytes())
    assert {source["licence"] for source in card["texts"]} == {"CC BY 2.5", "CC BY 4.0", "Apache-2.0"}
    assert card["learned_from"].startswith("en_core_web_md-3.8.0-")
    assert set(card["agreement_on_held_out"]) == {"tokens_f1", "sentences_f1", "names_f1", "tag", "lemma", "uas", "las"}


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_a_file_that_is_no_model_is_an_error(content, tmp_path: Path):
    with pytest.raises(ModelFileError):
        load_model(content)
    file = tmp_path / "broken.npz"
    file.write_bytes(content)
    with open_annotator(str(file)) as opened, pytest.raises(ModelError, match="no model of the fast engine"):
        opened.annotate(texts("It rained."))


def test_a_model_file_that_is_missing_is_an_error_before_anything_is_annotated(tmp_path: Path):
    with pytest.raises(ModelError, match="onrecord distill"), open_annotator(str(tmp_path / "none.npz")):
        pass


def test_an_engine_has_its_own_version_and_its_own_cache(tmp_path: Path):
    assert describe_model(FAST).startswith("fast-")
    assert describe_model(FAST) != describe_model(choose_model("accurate"))
    for model in (FAST, choose_model("accurate")):
        with open_annotator(model, cache_dir=tmp_path):
            pass
    assert len(list(tmp_path.iterdir())) == 2


def test_what_the_fast_engine_found_comes_from_the_cache_the_second_time(tmp_path: Path, monkeypatch):
    with open_annotator(FAST, cache_dir=tmp_path, process_count=1) as opened:
        first = opened.annotate(texts("It rained in Lisbon."))
    monkeypatch.setattr(FastEngine, "annotate", None)
    with open_annotator(FAST, cache_dir=tmp_path, process_count=1) as opened:
        assert opened.annotate(texts("It rained in Lisbon.")).equals(first)


def test_no_texts_give_no_rows(model):
    assert FastEngine(model).annotate(texts().select("paragraph_key", "text")).schema == ANNOTATIONS.schema
