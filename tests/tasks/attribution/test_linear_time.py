"""Hostile paragraphs: the work done grows with their length and not with its square, counted by the words that are read."""

from collections.abc import Sequence

import pytest

from tasks.annotation.syntax import Paragraph, Tree
from tasks.attribution.document import read_document

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
    def read(count: int) -> int:
        CountingTree.reads = 0
        tree = chain(["“", "sail", ".", "”"])
        read_document([Paragraph(n, n * 20, tree.text, "body", tree) for n in range(count)])
        return CountingTree.reads

    assert read(800) < 2.5 * read(400)
