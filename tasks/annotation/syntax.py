"""The tokens and the tree of one paragraph, as Python objects: attribution walks trees, which frames cannot."""

import weakref
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj"})
_PREMODIFIERS = frozenset(
    {"det", "amod", "compound", "poss", "nummod", "nmod", "quantmod", "predet", "case", "advmod", "punct", "npadvmod"}
)
_POSTMODIFIERS = frozenset({"case", "conj", "cc", "nummod", "amod"})
_CLAUSES = frozenset({"relcl", "acl", "appos", "advcl", "ccomp"})
_TIMES = frozenset({"DATE", "TIME"})
_VERBS = frozenset({"VERB", "AUX"})
_NAME_TAGS = frozenset({"NNP", "NNPS"})


_T = TypeVar("_T")


class kept(Generic[_T]):  # noqa: N801 (a decorator, named like `property`)
    """A property that is made when it is first asked for, and kept: `cached_property` without its lock, which takes longer than most of these."""

    def __init__(self, make: Callable[[Any], _T]) -> None:
        """Take the name and the words of the method."""
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, owner: Any, _: type) -> _T:
        """Make the value; from then on the attribute of the same name is found first."""
        value = owner.__dict__[self._name] = self._make(owner)
        return value


@dataclass(eq=False)  # not frozen, as tens of thousands are made: that would double the time
class Tree:
    """One annotated paragraph. Tokens are counted from 0; offsets are characters of the paragraph.

    What is derived from the columns is made in one pass for all tokens, when it is first asked for, and kept.
    """

    text: str
    start: Sequence[int]
    end: Sequence[int]
    tag: Sequence[str]
    pos: Sequence[str]
    dep: Sequence[str]
    head: Sequence[int]
    lemma: Sequence[str]
    sentence_start: Sequence[int]
    entities: Sequence[tuple[int, int, str]]
    forest: "_Forest | None" = None
    first: int = 0
    """The first token of the tree in its forest; a tree without a forest is one of its own."""

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.start)

    def children(self, token: int) -> Sequence[int]:
        """Return the tokens that `token` governs, in order."""
        below, ends = self._own_forest.children
        at = self.first + token
        return below[ends[at] : ends[at + 1]]

    @kept
    def _own_forest(self) -> "_Forest":
        return self.forest or _Forest(np.array(self.head, dtype=np.int64), [0, len(self)])

    def edges(self, token: int) -> tuple[int, int]:
        """Return the first token of the subtree of `token` and the token after its last."""
        lows, highs = self._own_forest.edges
        at = self.first + token
        return lows[at], highs[at]

    def find_tokens(self, is_wanted: Callable[[str, str], bool]) -> list[int]:
        """Return the tokens whose part of speech and lemma are wanted, in order.

        Trees of one batch ask once for every distinct pair of both: `is_wanted` is a function of a module, and depends on nothing else.
        """
        if self.forest is not None:
            return self.forest.cut_tokens(is_wanted, self.first, len(self))
        return [token for token, pair in enumerate(zip(self.pos, self.lemma, strict=True)) if is_wanted(*pair)]

    @kept
    def capitals(self) -> list[int]:
        """The tokens that begin with a capital."""
        text = self.text
        return [token for token, start in enumerate(self.start) if text[start].isupper()]

    @kept
    def in_entities(self) -> frozenset[int]:
        """The tokens that the model's entities cover."""
        return frozenset(token for start, end, _ in self.entities for token in self.tokens_in(start, end))

    def word(self, token: int) -> str:
        """Return the token as printed."""
        return self.text[self.start[token] : self.end[token]]

    def lower(self, token: int) -> str:
        """Return the token in lower case."""
        return self.text[self.start[token] : self.end[token]].lower()

    def token_at(self, char: int) -> int:
        """Return the first token that ends after `char`; the number of tokens when there is none."""
        return bisect_right(self.end, char)

    def tokens_in(self, start: int, end: int) -> range:
        """Return the tokens that overlap the characters from `start` to `end`."""
        first = bisect_right(self.end, start)
        return range(first, bisect_left(self.start, end, first))

    def child(self, token: int, *labels: str) -> int | None:
        """Return the first child of `token` with one of the dependency labels, or None."""
        for child in self.children(token):
            if self.dep[child] in labels:
                return child
        return None

    def has_that(self, clause: int) -> bool:
        """Whether the clause is introduced by "that"."""
        return any(self.dep[c] == "mark" and self.lower(c) == "that" for c in self.children(clause))

    def ancestors(self, token: int) -> Iterator[int]:
        """Yield the governors of `token`, nearest first."""
        while self.head[token] != token:
            token = self.head[token]
            yield token

    @kept
    def subjects(self) -> dict[int, int]:
        """The first subject of every token that has one, subjects that are clauses aside."""
        if self.forest is not None:
            tokens = self.forest.cut_subjects(self.first, len(self))
        else:
            tokens = [token for token, pair in enumerate(zip(self.pos, self.dep, strict=True)) if _is_subject(*pair)]
        head = self.head
        return {head[token]: token for token in reversed(tokens)}

    @kept
    def _entity_edges(self) -> tuple[list[int], list[int]]:
        return [entity[0] for entity in self.entities], [entity[1] for entity in self.entities]

    def labels_in(self, start: int, end: int) -> list[str]:
        """Return the labels of the named entities that overlap the characters from `start` to `end`, in order."""
        starts, ends = self._entity_edges
        return [label for _, _, label in self.entities[bisect_right(ends, start) : bisect_left(starts, end)]]

    def is_name(self, token: int) -> bool:
        """Whether the token is tagged as part of a proper name."""
        return self.tag[token] in _NAME_TAGS

    def sentence_of(self, token: int) -> tuple[int, int]:
        """Return the first token of the model's sentence around `token` and the token after its last."""
        starts = self.sentence_start
        after = max(bisect_right(starts, token), 1)
        return starts[after - 1], starts[after] if after < len(starts) else len(self)

    def noun_phrase(self, head: int, *, blocked: Sequence[bool] | None = None) -> tuple[int, int]:
        """Return the tokens (first, after last) of the noun phrase headed by `head`: its name with titles, no appositions or clauses.

        Premodifiers to the left that touch each other belong to it; to the right a proper name or a common noun takes prepositional
        phrases ("the president of X", "analysts at the institute") and coordinated nouns. `blocked` tokens (quoted ones) end it.
        """
        return self._noun_phrase(head, blocked, 32)

    def _noun_phrase(self, head: int, blocked: Sequence[bool] | None, steps: int) -> tuple[int, int]:
        """Return the phrase. Longer modifiers and lists of more than `steps` long members are no phrase: so odd trees stay linear."""
        first = last = head
        dep = self.dep
        for child in self.children(head):
            label = dep[child]
            low, high = self.edges(child)
            if child < head:
                if label in _PREMODIFIERS and high - low <= 64:
                    first = min(first, low)
                continue
            joins = label in _POSTMODIFIERS or (
                label == "prep" and (not self.is_name(head) or self.lower(child) == "of") and not self._is_time(child)
            )
            if not joins and not (label == "punct" and self.word(child) in {",", "/", "&"}):
                break
            if high - low > 12 or not _CLAUSES.isdisjoint(dep[low:high]):
                if label == "conj" and steps:
                    last = max(last, self._noun_phrase(child, blocked, steps - 1)[1] - 1)
                break
            last = max(last, high - 1)
        while last > head and self.tag[last] in {",", "CC", "IN", ":", "HYPH"}:
            last -= 1
        while first < head and (self.pos[first] == "PUNCT" or self.tag[first] in {"CC", "RB"}):
            first += 1
        if blocked is not None:
            before = blocked[first:head]
            if True in before:
                first = head - before[::-1].index(True)
            if True in blocked[head : last + 1]:
                last = blocked.index(True, head) - 1
        return first, max(last, head) + 1

    def _is_time(self, preposition: int) -> bool:
        """Whether the preposition tells when: "the two leaders in September" are the two leaders."""
        noun = self.child(preposition, "pobj")
        if noun is None:
            return False
        return not _TIMES.isdisjoint(self.labels_in(self.start[noun], self.end[noun]))

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return the characters (start, end) of the tokens from `first` to before `after`."""
        return self.start[first], self.end[after - 1]


def _is_subject(pos: str, label: str) -> bool:
    return label in SUBJECTS and pos not in _VERBS


@dataclass(eq=False)  # as with Tree
class Paragraph:
    """One paragraph of one article: where it starts in the body, its text, label and tree (None when it was not annotated)."""

    paragraph_no: int
    start_char: int
    text: str
    label: str
    tree: Tree | None


class _Forest:
    """The heads of many trees in one array; what is derived from them is made for all trees at once, when it is first asked for.

    Tokens are counted from the first one of their tree; `ends` says where the trees begin and end. The labels of the tokens are only
    needed to find tokens by them.
    """

    def __init__(self, heads: NDArray[Any], ends: Sequence[int], labels: "Mapping[str, _Labels] | None" = None) -> None:
        self._labels = labels or {}
        self._found: dict[Callable[[str, str], bool], list[int]] = {}
        self._first = np.repeat(ends[:-1], np.diff(ends))  # of the tree of every token
        self._heads = heads + self._first  # counted from the first token of the forest
        self._is_root = self._heads == np.arange(len(heads))

    def cut_tokens(self, is_wanted: Callable[[str, str], bool], first: int, size: int) -> list[int]:
        """Return the tokens of one tree whose part of speech and lemma are wanted."""
        found = self._found.get(is_wanted)
        if found is None:
            found = self._found[is_wanted] = _find_pairs(self._labels["pos"], self._labels["lemma"], is_wanted)
        return _cut_tokens(found, first, size)

    def cut_subjects(self, first: int, size: int) -> list[int]:
        """Return the tokens of one tree that are subjects, those that are clauses aside."""
        return _cut_tokens(self._subjects, first, size)

    @cached_property
    def _subjects(self) -> list[int]:
        return _find_pairs(self._labels["pos"], self._labels["dep"], _is_subject)

    @cached_property
    def children(self) -> tuple[list[int], list[int]]:
        """The governed tokens in the order of their heads, and for every token of the forest where its own begin among them."""
        governed = np.flatnonzero(~self._is_root)
        heads = self._heads[governed]
        below = governed[np.argsort(heads, kind="stable")]
        counts = np.bincount(heads, minlength=len(self._heads))
        return (below - self._first[below]).tolist(), [0, *np.cumsum(counts).tolist()]

    @cached_property
    def edges(self) -> tuple[list[int], list[int]]:
        """For every token of the forest the first token of its subtree and the token after the last."""
        lows = np.arange(len(self._heads))
        highs = lows + 1
        for tokens in self._levels():
            above = self._heads[tokens]
            np.minimum.at(lows, above, lows[tokens])
            np.maximum.at(highs, above, highs[tokens])
        return (lows - self._first).tolist(), (highs - self._first).tolist()

    def _levels(self) -> Iterator[NDArray[Any]]:
        """Yield the tokens with as many governors above them, those with the most first; roots are left out.

        The ways up double in each round, so there are as many rounds as the number of the deepest level has bits.
        """
        depths, above = (~self._is_root).astype(np.int64), self._heads
        for _ in range(len(above).bit_length()):
            more = depths[above]
            if not more.any():
                break
            depths, above = depths + more, above[above]
        order = np.argsort(-depths, kind="stable")
        yield from np.split(order, np.cumsum(np.bincount(depths)[::-1]))[: depths.max(initial=0)]


class _Labels(NamedTuple):
    """One label a token, as numbers of the distinct labels."""

    codes: NDArray[Any]
    distinct: list[str]

    def spell(self) -> list[str]:
        """Return the label of every token; equal ones are one object."""
        texts: list[str] = np.array(self.distinct, dtype=object)[self.codes].tolist()
        return texts


def _find_pairs(one: _Labels, other: _Labels, is_wanted: Callable[[str, str], bool]) -> list[int]:
    """Return the tokens of whose two labels `is_wanted` holds; it is asked once for every pair that occurs."""
    size = len(other.distinct)
    pairs = one.codes.astype(np.int64) * size + other.codes
    occurs = np.zeros(len(one.distinct) * size, dtype=np.bool_)
    occurs[pairs] = True
    for pair in np.flatnonzero(occurs).tolist():
        occurs[pair] = is_wanted(one.distinct[pair // size], other.distinct[pair % size])
    return np.flatnonzero(occurs[pairs]).tolist()


def _cut_tokens(tokens: list[int], first: int, size: int) -> list[int]:
    low = bisect_left(tokens, first)
    return [token - first for token in tokens[low : bisect_left(tokens, first + size, low)]]


class _TreeColumns:
    """The columns of ANNOTATIONS as lists of all their tokens, which trees are cut from."""

    def __init__(self, annotations: pl.DataFrame) -> None:
        self._rows = {key: number for number, key in enumerate(annotations["paragraph_key"])}
        ends = (_read_ends(annotations[name]) for name in ("token_start", "sentence_start", "entity_start"))
        self._token_ends, self._sentence_ends, self._entity_ends = ends
        self._sentences: list[int] = _explode(annotations["sentence_start"]).to_list()
        entities = (_explode(annotations[f"entity_{name}"]).to_list() for name in ("start", "end", "label"))
        self._entities: list[tuple[int, int, str]] = list(zip(*entities, strict=True))
        heads = _explode(annotations["token_head"]).to_numpy()
        labels = {name: _read_labels(annotations[f"token_{name}"]) for name in ("tag", "pos", "dep", "lemma")}
        self._start, self._end = (_explode(annotations[f"token_{name}"]).to_list() for name in ("start", "end"))
        self._head = heads.tolist()
        self._tag, self._pos, self._dep, self._lemma = (own.spell() for own in labels.values())
        self._forest = _Forest(heads.astype(np.int64), self._token_ends, labels)
        self._trees: dict[str, Tree] = {}

    def cut_tree(self, key: str, text: str) -> Tree | None:
        """Return the tree of one paragraph, with all that was derived from it before; None when it was not annotated."""
        tree = self._trees.get(key)
        if tree is None and (row := self._rows.get(key)) is not None:
            tree = self._trees[key] = self._make_tree(row, text)
        return tree

    def _make_tree(self, row: int, text: str) -> Tree:
        first = self._token_ends[row]
        own = slice(first, self._token_ends[row + 1])
        return Tree(
            text,
            self._start[own],
            self._end[own],
            self._tag[own],
            self._pos[own],
            self._dep[own],
            self._head[own],
            self._lemma[own],
            self._sentences[self._sentence_ends[row] : self._sentence_ends[row + 1]],
            self._entities[self._entity_ends[row] : self._entity_ends[row + 1]],
            self._forest,
            first,
        )


class _LastRead:
    """The columns of the frame of annotations that was read last, while the frame lives: the stages of one batch walk the same trees."""

    def __init__(self) -> None:
        self._last: tuple[weakref.ref[pl.DataFrame], _TreeColumns] | None = None

    def read(self, annotations: pl.DataFrame) -> _TreeColumns:
        """Return the columns of the frame, which must not be changed in place afterwards."""
        last = self._last  # another thread may set it meanwhile; each goes on with what it got
        if last is not None and last[0]() is annotations:
            return last[1]
        columns = _TreeColumns(annotations)
        self._last = weakref.ref(annotations, self._forget), columns
        return columns

    def _forget(self, dead: "weakref.ref[pl.DataFrame]") -> None:
        last = self._last
        if last is not None and last[0] is dead:
            self._last = None


_LAST_READ = _LastRead()


def _explode(column: pl.Series) -> pl.Series:
    return column.explode(empty_as_null=False)


def _read_labels(column: pl.Series) -> _Labels:
    encoded = _explode(column).to_arrow().dictionary_encode()
    return _Labels(encoded.indices.to_numpy(), encoded.dictionary.to_pylist())


def _read_ends(column: pl.Series) -> list[int]:
    return [0, *column.list.len().cum_sum().to_list()]


def iterate_documents(
    paragraphs: pl.DataFrame, annotations: pl.DataFrame, wanted: Container[str] | None = None
) -> Iterator[tuple[str, list[Paragraph]]]:
    """Yield (article_id, its paragraphs in order), article by article in the order of the ids.

    Args:
        paragraphs: PARAGRAPHS.
        annotations: ANNOTATIONS; paragraphs without one get no tree. What walks the trees of one frame again gets the same trees.
        wanted: `paragraph_key` of the paragraphs that get a tree; all when None.
    """
    rows = paragraphs.sort("article_id", "paragraph_no").select(
        "article_id", "paragraph_key", "paragraph_no", "start_char", "text", "label"
    )
    trees = _LAST_READ.read(annotations)
    for article_id, own in groupby(rows.iter_rows(), key=itemgetter(0)):
        yield (
            article_id,
            [
                Paragraph(
                    number, start, text, label, trees.cut_tree(key, text) if wanted is None or key in wanted else None
                )
                for _, key, number, start, text, label in own
            ],
        )
