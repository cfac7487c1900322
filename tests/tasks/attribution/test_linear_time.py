"""Hostile paragraphs: the work done grows with their length and not with its square, counted and not timed."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tasks.annotation.syntax import Paragraph, Tree
from tasks.attribution.document import read_document
from tasks.attribution.marks import find_marked_spans
from tasks.attribution.reported import _LONGEST
from tasks.quotes import _QUOTE_COLUMNS, _Body, _make_rows
from tests.work import count_lines_run

_TAGS = {"said": "VBD", "Berg": "NNP", "“": "``", "”": "''", ",": ",", ".": "."}
_POS = {"said": "VERB", "Berg": "PROPN", "“": "PUNCT", "”": "PUNCT", ",": "PUNCT", ".": "PUNCT"}


class CountingTree(Tree):
    """A tree that counts how often a token is read."""

    reads = 0

    def word(self, token: int) -> str:
        """Count, then read."""
        CountingTree.reads += 1
        return super().word(token)

    def children(self, token: int) -> Sequence[int]:
        """Count, then read."""
        CountingTree.reads += 1
        return super().children(token)


def chain(words: Sequence[str]) -> Tree:
    """Make the tree of words in which each governs the next: the deepest there is."""
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    return CountingTree(
        text=" ".join(words),
        start=starts,
        end=[start + len(word) for start, word in zip(starts, words, strict=True)],
        tag=[_TAGS.get(word, "NN") for word in words],
        pos=[_POS.get(word, "NOUN") for word in words],
        dep=["ROOT" if n == 0 else "nsubj" if word == "Berg" else "conj" for n, word in enumerate(words)],
        head=[max(n - 1, 0) for n in range(len(words))],
        lemma=["say" if word == "said" else word for word in words],
        sentence_start=[0],
        entities=[],
    )


def work(words: Sequence[str]) -> int:
    CountingTree.reads = 0
    tree = chain(words)
    read_document([Paragraph(0, 0, tree.text, "body", tree)])
    return CountingTree.reads


@pytest.mark.parametrize(
    "unit",
    [
        ["“", "sail", "”", ",", "Berg", "said"],
        ["“", "sail", "”"],
        ["Berg", "said", "“"],
        ["said", "sail"],
        ["“", "sail", "”", "sail", "Berg", "said", "."],
        ["“", "sail", "‘", "sail", "’", "said", "Berg", "”"],
    ],
)
def test_twice_the_words_are_about_twice_the_work(unit):
    assert work(unit * 800) < 2.5 * work(unit * 400)


def test_many_short_paragraphs_are_read_in_linear_time():
    def read(count: int) -> object:
        tree = chain(["“", "sail", ".", "”"])
        return read_document([Paragraph(n, n * 20, tree.text, "body", tree) for n in range(count)])

    assert growth(read, 200) < 5


def star(words: Sequence[str]) -> Tree:
    """Make the tree of words that all hang on the first: the broadest there is."""
    tree = chain(words)
    tree.head = [0] * len(words)
    tree.entities = [(s, e, "PERSON") for s, e in zip(tree.start, tree.end, strict=True) if tree.text[s:e] == "Berg"]
    return tree


def growth(run: Callable[[int], object], count: int) -> float:
    """Return how many times more lines of code four times the work runs through: 4 is linear, 16 is quadratic."""
    return count_lines_run(lambda: run(4 * count)) / count_lines_run(lambda: run(count))


def read_rows(tree: Tree) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    drafts = read_document([Paragraph(0, 0, tree.text, "body", tree)])
    return _make_rows("a", drafts, _Body([0], [tree.text]))


@pytest.mark.parametrize("shape", [chain, star])
@pytest.mark.parametrize(
    "unit",
    [
        "“ sail ” , Berg said",
        "“ sail ‘ sail ’ said Berg ”",
        "said sail",
        ", Berg said",
        ", Berg said sail",
        "according to Berg",
        "according to",
        "Berg said said",
        "said Berg Berg",
    ],
)
def test_four_times_the_words_take_about_four_times_the_work(shape, unit):
    words = unit.split()  # both sizes are beyond the longest frame that a cue between commas is read to tell
    assert growth(lambda count: read_rows(shape(words * (count // len(words)))), _LONGEST + 100) < 5


@pytest.mark.parametrize("unit", ['"', "“", "”", "’", "“a ", "a” . ", "“a” ", "‘ “a” ’ ", "“a ‘b “c” d’ e” "])
def test_four_times_the_marks_take_about_four_times_the_work(unit):
    assert growth(lambda count: find_marked_spans([unit * count]), 500) < 5


def test_a_list_of_thousands_of_names_is_read():
    names = ["Berg", *["and", "Berg"] * 3_000, "said", "“", "sail", "”"]
    assert [dict(zip(_QUOTE_COLUMNS, row, strict=True))["quote_text"] for row in read_rows(chain(names))[0]] == ["sail"]


def test_a_list_of_thousands_of_coordinated_names_has_an_end():
    size = 3_000
    words = [f"Berg{number}" for number in range(size)]
    tree = chain(words)
    tree.dep = ["ROOT", *["conj"] * (size - 1)]
    assert tree.noun_phrase(0) == (0, 33)  # the first, and the most that are followed
