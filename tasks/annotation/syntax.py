"""The tokens and the tree of one paragraph, as Python objects: attribution walks trees, which frames cannot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj"})
_PREMODIFIERS = frozenset(
    {"det", "amod", "compound", "poss", "nummod", "nmod", "quantmod", "predet", "case", "advmod", "punct", "npadvmod"}
)
_NAME_TAGS = frozenset({"NNP", "NNPS"})


@dataclass(frozen=True)
class Tree:
    """One annotated paragraph. Tokens are counted from 0; offsets are characters of the paragraph."""

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

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.start)

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        children: dict[int, list[int]] = {}
        for token, head in enumerate(self.head):
            if head != token:
                children.setdefault(head, []).append(token)
        return children

    def children(self, token: int) -> Sequence[int]:
        """Return the tokens that `token` governs, in order."""
        return self._children.get(token, ())

    @cached_property
    def _edges(self) -> dict[int, tuple[int, int]]:
        return {}

    def edges(self, token: int) -> tuple[int, int]:
        """Return the first token of the subtree of `token` and the token after its last; every subtree is walked once."""
        known = self._edges
        if token not in known:
            order = [token]
            for seen in order:
                order.extend(child for child in self.children(seen) if child not in known)
            for seen in reversed(order):
                inner = [known[child] for child in self.children(seen)]
                known[seen] = min([seen, *(low for low, _ in inner)]), max([seen + 1, *(high for _, high in inner)])
        return known[token]

    def word(self, token: int) -> str:
        """Return the token as printed."""
        return self.text[self.start[token] : self.end[token]]

    def lower(self, token: int) -> str:
        """Return the token in lower case."""
        return self.word(token).lower()

    def token_at(self, char: int) -> int:
        """Return the first token that ends after `char`; the number of tokens when there is none."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.end[middle] <= char:
                low = middle + 1
            else:
                high = middle
        return low

    def tokens_in(self, start: int, end: int) -> range:
        """Return the tokens that overlap the characters from `start` to `end`."""
        first = self.token_at(start)
        last = first
        while last < len(self) and self.start[last] < end:
            last += 1
        return range(first, last)

    def child(self, token: int, *labels: str) -> int | None:
        """Return the first child of `token` with one of the dependency labels, or None."""
        return next((c for c in self.children(token) if self.dep[c] in labels), None)

    def ancestors(self, token: int) -> Iterator[int]:
        """Yield the governors of `token`, nearest first."""
        while self.head[token] != token:
            token = self.head[token]
            yield token

    def is_name(self, token: int) -> bool:
        """Whether the token is tagged as part of a proper name."""
        return self.tag[token] in _NAME_TAGS

    def sentence_of(self, token: int) -> tuple[int, int]:
        """Return the first token of the model's sentence around `token` and the token after its last."""
        starts = [*self.sentence_start, len(self)]
        low, high = 0, len(starts) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if starts[middle] <= token else (low, middle)
        return starts[low], starts[low + 1]

    def noun_phrase(self, head: int, *, blocked: Sequence[bool] | None = None) -> tuple[int, int]:
        """Return the tokens (first, after last) of the noun phrase headed by `head`: its name with titles, no appositions or clauses.

        Premodifiers to the left that touch each other belong to it; to the right a proper name or a common noun takes prepositional
        phrases ("the president of X", "analysts at the institute") and coordinated nouns. `blocked` tokens (quoted ones) end it.
        """
        first = last = head
        lefts = [c for c in self.children(head) if c < head and self.dep[c] in _PREMODIFIERS]
        if lefts:
            first = min(self.edges(c)[0] for c in lefts)
        for child in (c for c in self.children(head) if c > head):
            low, high = self.edges(child)
            joins = self.dep[child] in {"case", "conj", "cc"} or (self.dep[child] == "prep" and not self.is_name(head))
            joins = (
                joins
                or (self.dep[child] == "prep" and self.lower(child) == "of")
                or self.dep[child] in {"nummod", "amod"}
            )
            joins = joins and not (self.dep[child] == "prep" and self._is_time(child))
            if not joins and not (self.dep[child] == "punct" and self.word(child) in {",", "/", "&"}):
                break
            if high - low > 12 or any(
                self.dep[t] in {"relcl", "acl", "appos", "advcl", "ccomp"} for t in range(low, high)
            ):
                if self.dep[child] == "conj":
                    last = max(last, self.noun_phrase(child, blocked=blocked)[1] - 1)
                break
            last = max(last, high - 1)
        while last > head and self.tag[last] in {",", "CC", "IN", ":", "HYPH"}:
            last -= 1
        while first < head and (self.pos[first] == "PUNCT" or self.tag[first] in {"CC", "RB"}):
            first += 1
        if blocked is not None:
            while first < head and any(blocked[t] for t in range(first, head)):
                first += 1
            last = next((t - 1 for t in range(head, last + 1) if blocked[t]), last)
        return first, max(last, head) + 1

    def _is_time(self, preposition: int) -> bool:
        """Whether the preposition tells when: "the two leaders in September" are the two leaders."""
        noun = self.child(preposition, "pobj")
        if noun is None:
            return False
        start, end = self.start[noun], self.end[noun]
        return any(label in {"DATE", "TIME"} and s < end and e > start for s, e, label in self.entities)

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return the characters (start, end) of the tokens from `first` to before `after`."""
        return self.start[first], self.end[after - 1]


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of one article: where it starts in the body, its text, label and tree (None when it was not annotated)."""

    paragraph_no: int
    start_char: int
    text: str
    label: str
    tree: Tree | None


def build_tree(text: str, row: dict[str, Any]) -> Tree:
    """Make the tree of one row of ANNOTATIONS for the paragraph `text`."""
    entities = list(zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True))
    return Tree(
        text=text,
        start=row["token_start"],
        end=row["token_end"],
        tag=row["token_tag"],
        pos=row["token_pos"],
        dep=row["token_dep"],
        head=row["token_head"],
        lemma=row["token_lemma"],
        sentence_start=row["sentence_start"],
        entities=entities,
    )


def iterate_documents(paragraphs: pl.DataFrame, annotations: pl.DataFrame) -> Iterator[tuple[str, list[Paragraph]]]:
    """Yield (article_id, its paragraphs in order), article by article in the order of the ids.

    Args:
        paragraphs: PARAGRAPHS.
        annotations: ANNOTATIONS; paragraphs without one get no tree.
    """
    trees: dict[str, dict[str, Any]] = {row["paragraph_key"]: row for row in annotations.iter_rows(named=True)}
    current: str | None = None
    document: list[Paragraph] = []
    for row in paragraphs.sort("article_id", "paragraph_no").iter_rows(named=True):
        if row["article_id"] != current:
            if current is not None:
                yield current, document
            current, document = row["article_id"], []
        annotation = trees.get(row["paragraph_key"])
        tree = build_tree(row["text"], annotation) if annotation else None
        document.append(Paragraph(row["paragraph_no"], row["start_char"], row["text"], row["label"], tree))
    if current is not None:
        yield current, document
