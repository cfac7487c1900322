"""Trees cut from the columns of a batch, beside trees that stand alone."""

import gc

import polars as pl
import pytest

from tasks.annotation import syntax
from tasks.annotation.syntax import Tree, iterate_documents
from tasks.frames import ANNOTATIONS, PARAGRAPHS

_TEXTS = ("Berg said the harbour was lost .", "Silence .", "It was Berg who asked .")
_HEADS = ((1, 1, 3, 5, 5, 1, 1), (0, 0), (1, 1, 1, 4, 2, 1))
_DEPS = (("nsubj", "ROOT", "det", "nsubjpass", "auxpass", "ccomp", "punct"), ("ROOT", "punct"), ("nsubj", "ROOT", "attr", "nsubj", "relcl", "punct"))  # fmt: skip
_POS = (("PROPN", "VERB", "DET", "NOUN", "AUX", "VERB", "PUNCT"), ("NOUN", "PUNCT"), ("PRON", "AUX", "PROPN", "PRON", "VERB", "PUNCT"))  # fmt: skip
_LEMMAS = {"said": "say", "was": "be", "lost": "lose", "asked": "ask"}


def annotate() -> pl.DataFrame:
    rows = []
    for number, (text, heads, deps, pos) in enumerate(zip(_TEXTS, _HEADS, _DEPS, _POS, strict=True)):
        words = text.split()
        starts = [len(" ".join([*words[:n], ""])) for n in range(len(words))]
        ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
        lemmas = [_LEMMAS.get(word, word) for word in words]
        name = text.find("Berg")
        entities = [[], [], []] if name < 0 else [[name], [name + 4], ["PERSON"]]
        rows.append((f"k{number}", starts, ends, pos, pos, deps, heads, lemmas, [0], *entities))
    return pl.DataFrame(rows, ANNOTATIONS.schema, orient="row")


def read_trees(annotations: pl.DataFrame) -> list[Tree]:
    rows = [("a", n, 0, text, "body", f"k{n}") for n, text in enumerate(_TEXTS)]
    [(_, document)] = iterate_documents(pl.DataFrame(rows, PARAGRAPHS.schema, orient="row"), annotations)
    return [paragraph.tree for paragraph in document if paragraph.tree is not None]


def is_verb_of_words(pos: str, lemma: str) -> bool:
    return pos == "VERB" and lemma in {"say", "ask"}


@pytest.mark.parametrize("number", range(len(_TEXTS)))
def test_a_tree_of_a_batch_tells_what_it_tells_alone(number):
    tree = read_trees(annotate())[number]
    alone = Tree(
        tree.text, tree.start, tree.end, tree.tag, tree.pos, tree.dep, tree.head, tree.lemma, tree.sentence_start, tree.entities
    )  # fmt: skip
    assert tree.forest is not None and alone.forest is None
    for token in range(len(tree)):
        assert tree.children(token) == alone.children(token)
        assert tree.edges(token) == alone.edges(token)
    assert tree.subjects == alone.subjects
    assert tree.find_tokens(is_verb_of_words) == alone.find_tokens(is_verb_of_words)


def test_trees_are_cut_at_their_own_tokens_and_names():
    first, second, third = read_trees(annotate())
    assert [first.word(token) for token in first.children(5)] == ["harbour", "was"]
    assert (first.subjects, second.subjects, third.subjects) == ({1: 0, 5: 3}, {}, {1: 0, 4: 3})
    assert [tree.find_tokens(is_verb_of_words) for tree in (first, second, third)] == [[1], [], [4]]
    assert [list(tree.entities) for tree in (first, second, third)] == [[(0, 4, "PERSON")], [], [(7, 11, "PERSON")]]
    assert third.edges(2) == (2, 5)


def test_the_columns_of_a_frame_are_read_once_and_kept_no_longer_than_the_frame():
    annotations = annotate()
    once, again = read_trees(annotations)[0], read_trees(annotations)[0]
    assert once.forest is again.forest
    other = annotations.with_columns(pl.col("token_lemma").list.eval(pl.lit("be")))
    assert [tree.find_tokens(is_verb_of_words) for tree in read_trees(other)] == [[], [], []]
    assert [tree.find_tokens(is_verb_of_words) for tree in read_trees(annotations)] == [[1], [], [4]]
    del annotations
    gc.collect()
    assert syntax._LAST_READ._last is None


def test_a_paragraph_without_an_annotation_has_no_tree():
    assert len(read_trees(annotate().head(2))) == 2
    assert read_trees(annotate().clear()) == []
