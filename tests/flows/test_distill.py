"""A corpus is read by the accurate engine, the fast one learns from it, and a build uses what it has learned."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.distill import sample_texts
from tasks.annotation.fast.engine import FastEngine
from tasks.annotation.fast.model import load_model
from warehouse.connection import connect_read_only

pytestmark = pytest.mark.xdist_group("spacy")

PEOPLE = ("Marta Lindqvist", "Jo Field", "Teresa Holm", "Abel Okoro", "Rosa Quint", "Ivo Brandt")
PLACES = ("Lisbon", "Oslo", "Kampala", "Turin", "Lima")
VERBS = ("said", "added", "wrote", "warned")


def write_articles(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        paragraphs = [
            f"“The ferry to {place} will sail on day {number},” {person} {VERBS[(number + turn) % 4]} in the harbour."
            for turn, (person, place) in enumerate(zip(PEOPLE, PLACES * 2, strict=False))
        ]
        folder.joinpath(f"{number}.txt").write_text(
            "The ferries will sail\n\n" + "\n\n".join(paragraphs), encoding="utf-8"
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder, with a corpus and the model `own.npz` learned from it."""
    folder = tmp_path_factory.mktemp("distill")
    saved, before = dict(os.environ), Path.cwd()
    os.chdir(folder)
    os.environ["ONRECORD_WORKERS"] = "1"
    write_articles(folder / "corpus", 24)
    result = run("distill", "corpus", "--out", "own.npz", "--epochs", "25")
    assert result.exit_code == 0, result.output
    folder.joinpath("card.json").write_text(result.stdout)
    yield folder
    os.chdir(before)
    os.environ.clear()
    os.environ.update(saved)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_card_says_what_was_learned_from_and_how_well(folder: Path) -> None:
    card = json.loads(folder.joinpath("card.json").read_text())
    assert card["paragraphs"] == 144
    assert card["learned_from"].startswith("en_core_web_md-3.8.0-")
    assert card["agreement_on_held_out"]["tokens_f1"] == 1.0
    assert card["agreement_on_held_out"]["tag"] > 0.8


def test_what_was_learned_reads_a_sentence_like_those_of_the_corpus(folder: Path) -> None:
    text = "“The ferry to Oslo will sail on day 30,” Rosa Quint said in the harbour."
    engine = FastEngine(load_model(folder.joinpath("own.npz").read_bytes()))
    [row] = engine.annotate(pl.DataFrame({"paragraph_key": ["a"], "text": [text]})).iter_rows(named=True)
    said = [text[start:end] for start, end in zip(row["token_start"], row["token_end"], strict=True)].index("said")
    assert (row["token_tag"][said], row["token_lemma"][said]) == ("VBD", "say")


def test_a_build_with_the_fast_engine_names_who_said_what(folder: Path) -> None:
    result = run("build", "corpus", "--engine", "fast", "--engine-free", "--warehouse", "fast.duckdb")
    assert result.exit_code == 0, result.output
    con = connect_read_only(folder / "fast.duckdb")
    try:
        speakers = con.sql("select distinct speaker_text from fact_quotes where quote_type = 'direct'").fetchall()
    finally:
        con.close()
    assert {"Marta Lindqvist", "Teresa Holm"} <= {speaker for (speaker,) in speakers}


def test_another_engine_makes_every_source_new(folder: Path) -> None:
    again = run("build", "corpus", "--engine", "fast", "--engine-free", "--warehouse", "fast.duckdb")
    other = CliRunner().invoke(
        app,
        ("build", "corpus", "--engine", "fast", "--engine-free", "--warehouse", "fast.duckdb"),
        env={"ONRECORD_FAST_MODEL": "own.npz"},
    )
    assert "unchanged" in again.output
    assert "published" in other.output, other.output


def test_an_engine_that_is_not_there_is_wrong_usage(folder: Path) -> None:
    result = run("build", "corpus", "--engine", "instant")
    assert (result.exit_code, "accurate, fast or none" in result.output) == (2, True)


def test_a_model_file_has_its_suffix_and_a_corpus_enough_text(folder: Path) -> None:
    assert run("distill", "corpus", "--out", "own.bin").exit_code == 2
    write_articles(folder / "small", 1)
    result = run("distill", "small", "--out", "small.npz")
    assert (result.exit_code, "too few" in result.output) == (2, True)


def test_a_sample_is_the_same_in_any_order() -> None:
    texts = pl.DataFrame({"paragraph_key": ["b", "c", "a"], "text": ["two words", "three more words", "one"]})
    assert sample_texts(texts, 3)["paragraph_key"].to_list() == ["a", "b"]
    assert sample_texts(texts.reverse(), 3).equals(sample_texts(texts, 3))
