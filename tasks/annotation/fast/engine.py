"""Texts -> ANNOTATIONS with the fast engine: whole batches as arrays, Python only for words that were not seen before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from tasks.annotation.fast.model import FastModel
from tasks.annotation.fast.network import (
    DISTANCE_COUNT,
    GAP,
    WIDTH,
    Floats,
    Ints,
    class_distances,
    count_distances,
    encode,
    rectify,
)
from tasks.annotation.fast.trees import choose_heads
from tasks.frames import ANNOTATIONS

_MAX_SENTENCE = 160
_MAX_CHUNKS = 300_000
_MAX_WORDS = 150_000  # each takes a kilobyte
_MAX_CHUNK_CHARS = 300
_BLOCK_TOKENS = 6_000


@dataclass
class FastEngine:
    """A model, and what it has found out about the words that it has read: forgotten when they are too many."""

    model: FastModel
    _chunks: dict[str, int] = field(default_factory=dict, repr=False)
    _types: dict[str, int] = field(default_factory=dict, repr=False)
    _chunk_tokens: list[tuple[int, ...]] = field(default_factory=list, repr=False)
    _words: list[str] = field(default_factory=list, repr=False)
    _first: Floats = field(default_factory=lambda: np.zeros((0, 3 * WIDTH), dtype=np.float32), repr=False)
    _lengths: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)
    _looked_up: int = field(default=0, repr=False)
    _lemmas: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)

    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Annotate texts.

        Args:
            texts: Distinct `paragraph_key` and `text`; every kind of space in them is a plain space.

        Returns:
            ANNOTATIONS, a row a text, in the order of `texts`. How texts are batched does not change a row, but for ties
            of scores in the last digit.
        """
        if len(self._chunks) > _MAX_CHUNKS or len(self._words) > _MAX_WORDS:
            self._forget()
        tokens = self._split(texts.get_column("text").to_list())
        read = _Reading.join([self._read(tokens, first, after) for first, after in tokens.cut_blocks()])
        return self._describe(texts.get_column("paragraph_key"), tokens, read)

    def _forget(self) -> None:
        for memory in (self._chunks, self._types, self._lemmas):
            memory.clear()
        self._chunk_tokens, self._words = [], []
        self._first, self._lengths, self._looked_up = self._first[:0].copy(), self._lengths[:0].copy(), 0

    def _split(self, texts: Sequence[str]) -> "_Tokens":
        """Cut texts into tokens: at spaces, and every distinct chunk between them by the rules, once."""
        chunked = [text.split(" ") for text in texts]
        for chunks in chunked:
            if not chunks[-1]:  # after a last space, or of an empty text
                chunks.pop()
        known = self._chunks
        flat = list(chain.from_iterable(chunked))
        numbers = [known[chunk] if chunk in known else self._learn_chunk(chunk) for chunk in flat]
        self._learn_words()
        chunk_counts = np.fromiter(map(len, chunked), np.int64, len(chunked))
        chars = np.fromiter(map(len, flat), np.int64, len(flat))
        first_chunks = np.concatenate([[0], np.cumsum(chunk_counts)])
        chunk_starts = np.concatenate([[0], np.cumsum(chars + 1)])
        chunk_starts = chunk_starts[:-1] - np.repeat(chunk_starts[first_chunks[:-1]], chunk_counts)
        parts = [self._chunk_tokens[number] for number in numbers]
        token_counts = np.fromiter(map(len, parts), np.int64, len(parts))
        types = np.fromiter(chain.from_iterable(parts), np.int64, int(token_counts.sum()))
        lengths = self._lengths[types]
        ends = np.cumsum(lengths)
        before = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(token_counts)])[:-1]]
        starts = ends - lengths + np.repeat(chunk_starts - before, token_counts)
        token_edges = np.concatenate([[0], np.cumsum(token_counts)])[first_chunks]
        return _Tokens(types, starts, starts + lengths, token_edges)

    def _learn_chunk(self, chunk: str) -> int:
        split, types = self.model.tokens.split_chunk, []
        if len(chunk) <= _MAX_CHUNK_CHARS:
            words = split(chunk)
        else:
            pieces = [chunk[at : at + _MAX_CHUNK_CHARS] for at in range(0, len(chunk), _MAX_CHUNK_CHARS)]
            words = [word for piece in pieces for word in split(piece)]
        for word in words or (" ",):
            number = self._types.get(word)
            if number is None:
                number = self._types[word] = len(self._words)
                self._words.append(word)
            types.append(number)
        chunk_number = self._chunks[chunk] = len(self._chunks)
        self._chunk_tokens.append(tuple(types))
        return chunk_number

    def _learn_words(self) -> None:
        """Look up the vectors of new words, as the first layer of the network wants them."""
        known, count = self._looked_up, len(self._words)
        if known == count:
            return
        if count > len(self._first):  # grows by half at least, so that what is known is seldom copied
            room = max(count, len(self._first) * 3 // 2)
            self._first = np.concatenate([self._first[:known], np.zeros((room - known, 3 * WIDTH), dtype=np.float32)])
            self._lengths = np.concatenate([self._lengths[:known], np.zeros(room - known, dtype=np.int64)])
        new = self._words[known:]
        self._first[known:count] = self.model.embed_words(new) @ self.model.weights["conv0"]
        self._lengths[known:count] = np.fromiter(map(len, new), np.int64, len(new))
        self._looked_up = count

    def _read(self, tokens: "_Tokens", first: int, after: int) -> "_Reading":
        """Let the network read the texts from `first` to before `after`."""
        weights, model = self.model.weights, self.model
        edges = tokens.edges[first : after + 1]
        offset = int(edges[0])
        types = tokens.types[offset : edges[-1]]
        counts = np.diff(edges)
        places = np.arange(len(types)) + np.repeat(np.arange(len(counts)) * GAP, counts)
        is_token = np.zeros(len(types) + len(counts) * GAP, dtype=bool)
        is_token[places] = True
        words = np.zeros((len(is_token), 3 * WIDTH), dtype=np.float32)
        words[places] = self._first[types]
        hidden = encode(weights, words, is_token)[places]
        tags = (hidden @ weights["tag"] + weights["tag_bias"]).argmax(axis=1)
        names = (hidden @ weights["name"] + weights["name_bias"]).argmax(axis=1)
        starts = hidden @ weights["start"] + weights["start_bias"]
        is_start = starts[:, 1] > starts[:, 0]
        is_start[(edges[:-1] - offset)[counts > 0]] = True
        sentences = _cut_long(np.flatnonzero(is_start), len(types))
        heads = self._find_heads(hidden, sentences)
        labels = hidden @ weights["label_own"]
        labels += (hidden @ weights["label_head"])[heads]
        labels += weights["label_distance"][class_distances(heads - np.arange(len(heads)))]
        labels += weights["label_own_bias"]
        scores = rectify(labels) @ weights["label"] + weights["label_bias"]
        root = model.deps.index("ROOT")
        scores[:, root] = -np.inf
        deps = scores.argmax(axis=1)
        deps[heads == np.arange(len(heads))] = root
        text_starts = np.repeat(edges[:-1] - offset, counts)
        return _Reading(tags, names, deps, heads - text_starts, sentences + offset)

    def _find_heads(self, hidden: Floats, sentences: Ints) -> Ints:
        """Return the head of every token: sentences of like length are scored together."""
        weights = self.model.weights
        own = rectify(hidden @ weights["dependent"] + weights["dependent_bias"])
        over = rectify(hidden @ weights["governor"] + weights["governor_bias"])
        by_distance = own @ weights["distance"]
        to_root = (own @ weights["root"])[:, 0]
        own *= 1 / WIDTH**0.5
        heads = np.arange(len(hidden))
        lengths = np.diff(np.append(sentences, len(hidden)))
        order = np.argsort(lengths, kind="stable")
        for group in _group_lengths(lengths[order]):
            chosen = order[group]
            size = int(lengths[chosen].max())
            if size < 2:
                continue
            inside = np.arange(size)[None, :] < lengths[chosen][:, None]
            places = np.where(inside, sentences[chosen][:, None] + np.arange(size)[None, :], 0)
            scores = own[places] @ over[places].transpose(0, 2, 1)
            scores += by_distance.ravel()[places[:, :, None] * DISTANCE_COUNT + count_distances(size)]
            found = choose_heads(scores, to_root[places], lengths[chosen])
            heads[places[inside]] = (found + sentences[chosen][:, None])[inside]
        return heads

    def _describe(self, keys: pl.Series, tokens: "_Tokens", read: "_Reading") -> pl.DataFrame:
        """Return the annotations as a frame."""
        model, edges = self.model, tokens.edges
        pairs = [tag.split("|") for tag in model.tags]
        sentence_edges = np.searchsorted(read.sentences, edges)
        text_of_sentence = np.repeat(np.arange(len(keys)), np.diff(sentence_edges))
        entities = _find_entities(read.names, model.names, edges)
        entity_edges = np.searchsorted(entities.first, edges)
        columns: dict[str, tuple[Any, Ints]] = {
            "token_start": (tokens.starts, edges),
            "token_end": (tokens.ends, edges),
            "token_tag": (_name_codes(read.tags, [tag for tag, _ in pairs]), edges),
            "token_pos": (_name_codes(read.tags, [pos for _, pos in pairs]), edges),
            "token_dep": (_name_codes(read.deps, model.deps), edges),
            "token_head": (read.heads, edges),
            "token_lemma": (self._find_lemmas(tokens.types, read.tags, pairs), edges),
            "sentence_start": (read.sentences - edges[text_of_sentence], sentence_edges),
            "entity_start": (tokens.starts[entities.first], entity_edges),
            "entity_end": (tokens.ends[entities.last], entity_edges),
            "entity_label": (_name_codes(entities.labels, entities.label_names), entity_edges),
        }
        lists = {name: _make_lists(values, ends) for name, (values, ends) in columns.items()}
        return pl.DataFrame({"paragraph_key": keys, **lists}).cast(ANNOTATIONS.schema)

    def _find_lemmas(self, types: Ints, tags: Ints, pairs: Sequence[Sequence[str]]) -> pa.Array:
        codes, inverse = np.unique(types * len(pairs) + tags, return_inverse=True)
        known, find = self._lemmas, self.model.lemmas.find_lemma
        lemmas = []
        for number, tag in zip(*(part.tolist() for part in np.divmod(codes, len(pairs))), strict=True):
            lemma = known.get((number, tag))
            if lemma is None:
                lemma = known[number, tag] = find(self._words[number], *pairs[tag])
            lemmas.append(lemma)
        return _name_codes(inverse, lemmas)


@dataclass(frozen=True)
class _Tokens:
    """The tokens of texts, one after the other: word type, first character and character after the last; `edges` of texts."""

    types: Ints
    starts: Ints
    ends: Ints
    edges: Ints

    def cut_blocks(self) -> list[tuple[int, int]]:
        """Return the texts (first, after last) that are read together: what fits into the caches of the processor."""
        numbers = self.edges[1:] // _BLOCK_TOKENS
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
        return [(first, after) for first, after in pairwise(cuts) if first < after]


@dataclass(frozen=True)
class _Reading:
    """What the network says of every token, heads counted in the text; `sentences` are first tokens, counted over all texts."""

    tags: Ints
    names: Ints
    deps: Ints
    heads: Ints
    sentences: Ints

    @staticmethod
    def join(parts: Sequence["_Reading"]) -> "_Reading":
        """Return the readings of blocks as one."""
        empty = np.zeros(0, dtype=np.int64)
        names = ("tags", "names", "deps", "heads", "sentences")
        return _Reading(*(np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in names))


@dataclass(frozen=True)
class _Entities:
    first: Ints
    last: Ints
    labels: Ints
    label_names: Sequence[str]


def _find_entities(codes: Ints, names: Sequence[str], edges: Ints) -> _Entities:
    """Return first and last tokens of names: one begins at `B`, and at an `I` that continues nothing of its label."""
    label_names = sorted({name[2:] for name in names if name != "O"})
    label_of = np.array([label_names.index(name[2:]) if name != "O" else -1 for name in names])
    begins = np.array([name.startswith("B") for name in names])
    labels = label_of[codes]
    before = np.concatenate([[-1], labels[:-1]]) if len(labels) else labels
    is_text_start = np.zeros(len(labels), dtype=bool)
    is_text_start[edges[:-1][np.diff(edges) > 0]] = True
    is_first = (labels >= 0) & (begins[codes] | (before != labels) | is_text_start)
    first = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    inside = labels >= 0
    last = np.zeros(len(first), dtype=np.int64)
    last[group[inside]] = np.flatnonzero(inside)  # of several the last one stays
    return _Entities(first, last, labels[first], label_names)


def _cut_long(sentences: Ints, count: int) -> Ints:
    """Return the first tokens of sentences, none longer than `_MAX_SENTENCE`: scores of heads grow with the square."""
    lengths = np.diff(np.append(sentences, count))
    if not (lengths > _MAX_SENTENCE).any():
        return sentences
    starts = zip(sentences.tolist(), lengths.tolist(), strict=True)
    return np.array([start + cut for start, length in starts for cut in range(0, length, _MAX_SENTENCE)])


def _group_lengths(lengths: Ints, *, cells: int = 60_000) -> list[slice]:
    """Cut lengths in ascending order into groups of about as many scores, none with more than a fifth of padding and 3 tokens."""
    groups, first = [], 0
    values = lengths.tolist()
    for place, length in enumerate(values):
        if (place - first + 1) * length * length > cells or length > 1.2 * values[first] + 3:
            groups.append(slice(first, place))
            first = place
    return [group for group in (*groups, slice(first, len(values))) if group.start < group.stop]


def _name_codes(codes: NDArray[Any], names: Sequence[str]) -> pa.Array:
    values = pl.Series(names, dtype=pl.String).to_arrow()
    return pa.DictionaryArray.from_arrays(_to_arrow(codes.astype(np.int32)), values).dictionary_decode()


def _make_lists(values: Any, edges: Ints) -> pl.Series:
    array = values if isinstance(values, pa.Array) else _to_arrow(values.astype(np.uint32))
    series = pl.from_arrow(pa.LargeListArray.from_arrays(_to_arrow(edges), array))
    assert isinstance(series, pl.Series)
    return series


def _to_arrow(values: NDArray[Any]) -> pa.Array:
    return pl.Series(values).to_arrow()  # `pa.array` would import pandas
