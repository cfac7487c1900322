"""Texts -> tokens, sentences, syntax and named entities with a spaCy pipeline: the accurate engine."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.annotation.shortcuts import Name, Word, memoize_words, read_words, shorten_names

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Description = dict[str, list[Any]]
"""The columns of ANNOTATIONS of one text, without its key."""


class AccurateEngine:
    """A pipeline, and what is known of its words. What a component finds is found on a shorter way where there is one."""

    def __init__(self, nlp: "Language", *, is_shortened: bool = True, max_lexemes: int = 200_000) -> None:
        """Look for shorter ways.

        Args:
            nlp: A pipeline with a parser and a recognizer of named entities.
            is_shortened: False lets the components do it all, for comparison.
            max_lexemes: What the vocabulary learns from texts is freed when it is more than this.
        """
        self.nlp = nlp
        self._words = memoize_words(nlp) if is_shortened else None
        self._names = shorten_names(nlp) if is_shortened else None
        self._max_lexemes = max_lexemes
        self._zone = ExitStack()
        self._zone_start: int | None = None  # the lexemes that had been made before the zone

    def describe(self, texts: Sequence[str], *, batch_size: int = 64) -> Iterator[Description]:
        """Yield the annotations of texts, in their order. How they are batched changes nothing, but for ties in the last digit."""
        replaced = [pipe for way in (self._words, self._names) if way for pipe in way.component_names]
        self._free_lexemes()
        docs = self.nlp.pipe(texts, batch_size=batch_size, disable=replaced)
        while batch := list(islice(docs, batch_size)):
            words = self._words.describe(batch) if self._words else map(read_words, batch)
            names = self._names.find(batch) if self._names else map(_read_names, batch)
            yield from map(_describe_doc, batch, words, names)

    def _free_lexemes(self) -> None:
        """Open the zone of memory that the vocabulary learns in; another one when it has learned much, which frees the last."""
        made = len(self.nlp.vocab)  # those that were freed are counted, too
        if self._zone_start is not None and made - self._zone_start <= self._max_lexemes:
            return
        self._zone.close()
        self._zone.enter_context(self.nlp.memory_zone())
        self._zone_start = made


def _describe_doc(doc: "Doc", words: list[Word], names: list[Name]) -> Description:
    read = doc.to_array(["LENGTH", "SPACY", "HEAD", "SENT_START"]).astype(np.int64)  # heads count from the token
    after = np.cumsum(read[:, 0] + read[:, 1])
    starts = (after - read[:, 0] - read[:, 1]).tolist()
    ends = (after - read[:, 1]).tolist()
    is_start = read[:, 3] == 1
    is_start[:1] = True
    tags, poses, deps, lemmas = map(list, zip(*words, strict=True)) if words else ([], [], [], [])
    return {
        "token_start": starts,
        "token_end": ends,
        "token_tag": tags,
        "token_pos": poses,
        "token_dep": deps,
        "token_head": (read[:, 2] + np.arange(len(read))).tolist(),
        "token_lemma": lemmas,
        "sentence_start": np.flatnonzero(is_start).tolist(),
        "entity_start": [starts[first] for first, _, _ in names],
        "entity_end": [ends[after - 1] for _, after, _ in names],
        "entity_label": [label for _, _, label in names],
    }


def join_descriptions(pieces: list[Description], lengths: list[int]) -> Description:
    """Return the annotations of a text that was read in pieces of these lengths."""
    joined = {name: list(values) for name, values in pieces[0].items()}
    first_char = first_token = 0
    for piece, before, length in zip(pieces[1:], pieces, lengths, strict=False):
        first_char += length
        first_token += len(before["token_start"])
        added = dict.fromkeys(("token_start", "token_end", "entity_start", "entity_end"), first_char)
        added |= {"token_head": first_token, "sentence_start": first_token}
        for name, values in piece.items():
            joined[name] += [value + added[name] for value in values] if name in added else values
    return joined


def _read_names(doc: "Doc") -> list[Name]:
    return [(name.start, name.end, name.label_) for name in doc.ents]
