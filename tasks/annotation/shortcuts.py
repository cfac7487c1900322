"""Shorter ways to what a spaCy pipeline computes: the same annotations for less work.

What is computed is spaCy's: the weights, patterns, rules and tables of the pipeline. Each way is for pipelines that it can be
shown to be right for, by their components, models and patterns; in any other pipeline spaCy's own component runs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Hashes = NDArray[np.uint64]
Word = tuple[str, str, str, str]
"""Tag, part of speech, dependency label and lemma of a token."""
Key = tuple[int, int, int]
"""Hashes of a token's letters, tag and dependency label, as the networks gave them."""
Name = tuple[int, int, str]
"""First token, token after the last, and label of a named entity."""

_MAX_WORDS: Final = 200_000


def shorten_models(nlp: "Language") -> None:
    """Let the networks of a pipeline multiply with NumPy, and embed every distinct word of a batch once.

    thinc multiplies with cython-blis by default, whose wheels have no kernel for many a processor; NumPy's BLAS has one for
    all of them. It is always NumPy's, and not what is faster in a trial at the start, so that one machine has one result
    (the last digit differs between processors with either). The models can be read with afterwards, but not trained.
    """
    from spacy.attrs import IDS  # type: ignore[import-not-found]
    from thinc.api import Model, NumpyOps

    for _, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        if not isinstance(model, Model):
            continue
        nodes = list(model.walk())
        for node in nodes:
            if type(node.ops) is NumpyOps:
                node.ops.use_blis = False  # type: ignore[attr-defined]
        for node in nodes:
            embed = node.get_ref("embed") if node.has_ref("embed") is True and node.has_ref("encode") is True else None
            if embed is not None and set(re.findall(r"[\w-]+", embed.name)) <= _WORD_LAYERS:
                columns = [one.attrs["columns"] for one in embed.walk() if one.name == "extract_features"]
                attributes = [nlp.vocab.vectors.attr, *(IDS.get(name, name) for part in columns for name in part)]
                model.replace_node(embed, _embed_once(embed, list(dict.fromkeys(attributes))))


_WORD_LAYERS = frozenset(
    {"extract_features", "list2ragged", "with_array", "ints-getitem", "hashembed", "static_vectors", "maxout"}
) | {"layernorm", "dropout", "ragged2list"}
"""Layers that look at every token alone."""


def _embed_once(embed: Any, attributes: list[int | str]) -> Any:
    """Return a layer that gives what `embed` gives, which depends on the attributes of a token alone."""
    from thinc.api import Model

    def forward(model: Any, docs: "Sequence[Doc]", is_train: bool) -> tuple[list[Floats], Any]:
        if is_train:
            raise NotImplementedError("a shortened model cannot be trained")
        if not any(map(len, docs)):
            return model.layers[0].predict(docs), None
        rows = np.concatenate([doc.to_array(attributes).reshape(len(doc), len(attributes)) for doc in docs])
        # rows are compared as bytes: much faster than column by column
        whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
        _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
        [vectors] = model.layers[0].predict([_DistinctTokens(docs[0].vocab, attributes, rows[first])])
        ends = accumulate(map(len, docs))
        return [vectors[inverse[end - len(doc) : end]] for doc, end in zip(docs, ends, strict=True)], None

    return Model("embed_once", forward, layers=[embed], dims={"nO": embed.maybe_get_dim("nO")})


@dataclass(frozen=True)
class _DistinctTokens:
    """Tokens in the place of a `Doc`, for layers that read nothing but attributes."""

    vocab: Any
    attributes: list[int | str]
    rows: Hashes

    def __len__(self) -> int:
        return len(self.rows)

    def to_array(self, attributes: Any) -> Hashes:
        """Return the values of attributes, as `Doc.to_array` does."""
        from spacy.attrs import IDS

        names = attributes if isinstance(attributes, list) else [attributes]
        places = [self.attributes.index(IDS.get(name, name)) for name in names]
        return np.ascontiguousarray(self.rows[:, places if isinstance(attributes, list) else places[0]])


@dataclass
class WordMemo:
    """What the attribute ruler and the lemmatizer make of words: found out once for every distinct letters, tag and label.

    Patterns of several tokens are looked for by what each token matches alone; what matches as a whole is read together.
    Made by `memoize_words`.
    """

    nlp: "Language"
    component_names: list[str]
    """Of the ruler and the lemmatizer: those that need not run."""
    matcher: Any
    """Finds tokens that match one place of a pattern of several; its labels are `pattern:place`."""
    lengths: list[int]
    """How many tokens each of these patterns has."""
    filler: Key
    """A token that matches no place of any of them."""
    _known: dict[Key, Word] = field(default_factory=dict)
    _parts: dict[Key, frozenset[tuple[int, int]]] = field(default_factory=dict)
    _runs: dict[tuple[Key, ...], list[Word]] = field(default_factory=dict)

    def describe(self, docs: "Sequence[Doc]") -> list[list[Word]]:
        """Return what is made of the tokens of texts, which have tags and dependency labels."""
        keys: list[list[Key]] = [list(map(tuple, doc.to_array(["ORTH", "TAG", "DEP"]).tolist())) for doc in docs]
        self._learn({key for own in keys for key in own})
        known, described = self._known, []
        for own in keys:
            words = [known[key] for key in own]
            for start, end in self._find_runs(own):
                words[start:end] = self._describe_run(tuple(own[start:end]))
            described.append(words)
        return described

    def _learn(self, keys: set[Key]) -> None:
        if len(self._known) > _MAX_WORDS:
            for memory in (self._known, self._parts, self._runs):
                memory.clear()
        new = list(keys - self._known.keys())
        if not new:
            return
        parts = self._match_parts(new)
        self._parts.update(parts)
        # what matches a place of a pattern is kept from its neighbours
        spread = [one for key in new for one in ((key, self.filler) if key in parts else (key,))]
        self._known.update(zip(spread, self._run(spread), strict=True))

    def _match_parts(self, keys: list[Key]) -> dict[Key, frozenset[tuple[int, int]]]:
        parts: dict[Key, set[tuple[int, int]]] = {}
        for label, token, _ in self.matcher(self._make_doc(keys), allow_missing=True):
            pattern, place = self.nlp.vocab.strings[label].split(":")
            parts.setdefault(keys[token], set()).add((int(pattern), int(place)))
        return {key: frozenset(own) for key, own in parts.items()}

    def _find_runs(self, keys: list[Key]) -> list[tuple[int, int]]:
        """Return the stretches (first token, after the last) that patterns of several tokens match, overlapping ones as one."""
        parts = self._parts
        runs: list[tuple[int, int]] = []
        if parts.keys().isdisjoint(keys):
            return runs
        for token, key in enumerate(keys):
            for pattern, place in parts.get(key, ()):
                end = token + self.lengths[pattern]
                if place or end > len(keys):
                    continue
                if all((pattern, at) in parts.get(other, ()) for at, other in enumerate(keys[token + 1 : end], 1)):
                    is_apart = not runs or runs[-1][1] <= token
                    start, last = (token, end) if is_apart else (runs[-1][0], max(end, runs.pop()[1]))
                    runs.append((start, last))
        return runs

    def _describe_run(self, keys: tuple[Key, ...]) -> list[Word]:
        words = self._runs.get(keys)
        if words is None:
            words = self._runs[keys] = self._run(list(keys))
        return words

    def _run(self, keys: list[Key]) -> list[Word]:
        """Let the components read tokens, as if they stood beside each other in a text."""
        doc = self._make_doc(keys)
        for name in self.component_names:
            component: Any = self.nlp.get_pipe(name)
            component(doc)
            if len(getattr(component, "cache", ())) > _MAX_WORDS:  # of the lemmatizer, which forgets nothing by itself
                component.cache.clear()
        return read_words(doc)

    def _make_doc(self, keys: list[Key]) -> "Doc":
        from spacy.tokens import Doc

        doc = Doc(self.nlp.vocab, words=[self.nlp.vocab.strings[orth] for orth, _, _ in keys])
        values: Any = np.array([key[1:] for key in keys], dtype=np.uint64)
        return doc.from_array(["TAG", "DEP"], values)


_TOKEN_ATTRIBUTES = frozenset(
    {"ORTH", "TEXT", "LOWER", "LENGTH", "SHAPE", "TAG", "DEP", "IS_SPACE", "IS_PUNCT", "IS_ALPHA"}
)
"""What a key says of a token."""


def memoize_words(nlp: "Language") -> WordMemo | None:
    """Return the memo of a pipeline's words; None if they could depend on more than what is memoized, or be read by another component."""
    from spacy.lang.en.lemmatizer import EnglishLemmatizer
    from spacy.matcher import Matcher
    from spacy.pipeline import AttributeRuler, DependencyParser, EntityRecognizer, Lemmatizer, Tagger, Tok2Vec

    kinds = [type(pipe) for _, pipe in nlp.pipeline]
    after = kinds[kinds.index(AttributeRuler) :] if AttributeRuler in kinds else []
    before = kinds[: len(kinds) - len(after)]
    if not set(before) <= {Tok2Vec, Tagger, DependencyParser} or after[1:2] not in ([Lemmatizer], [EnglishLemmatizer]):
        return None
    (ruler_name, ruler), (lemmatizer_name, lemmatizer) = nlp.pipeline[len(before) : len(before) + 2]
    assert isinstance(ruler, AttributeRuler) and isinstance(lemmatizer, Lemmatizer)
    rules: Any = ruler.patterns
    patterns: list[list[dict[str, Any]]] = [pattern for rule in rules for pattern in rule["patterns"]]
    if (
        not set(after[2:]) <= {EntityRecognizer}
        or any(_read_attributes(pipe) - _LETTERS for _, pipe in nlp.pipeline[len(before) + 2 :])
        or lemmatizer.mode not in ("rule", "lookup")
        or any(not set(token) <= _TOKEN_ATTRIBUTES for pattern in patterns for token in pattern)
    ):
        return None
    several = [pattern for pattern in patterns if len(pattern) > 1]
    matcher = Matcher(nlp.vocab)
    for number, pattern in enumerate(several):
        for place, token in enumerate(pattern):
            matcher.add(f"{number}:{place}", [[token]])
    memo = WordMemo(
        nlp,
        [ruler_name, lemmatizer_name],
        matcher,
        list(map(len, several)),
        (nlp.vocab.strings.add("x"), nlp.vocab.strings.add("NN"), 0),
    )
    return None if memo._match_parts([memo.filler]) else memo


_LETTERS = frozenset({"NORM", "ORTH", "LOWER", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE"})


def _read_attributes(pipe: Any) -> set[str]:
    """Return the attributes of tokens that the network of a component reads; `?` if it reads what another one has read."""
    nodes = list(pipe.model.walk())
    names = {name for node in nodes if node.name == "extract_features" for name in node.attrs["columns"]}
    return names | {"?" for node in nodes if "listener" in node.name}


def read_words(doc: "Doc") -> list[Word]:
    """Return what a text says of its tokens, when all components have run."""
    return [(token.tag_, token.pos_, token.dep_, token.lemma_) for token in doc]


@dataclass(frozen=True)
class NameFinder:
    """The named entities that a transition-based recognizer finds, for many tokens at once. Made by `shorten_names`.

    The recognizer goes from token to token and knows besides the token only the entity that is open. So what it would do at a token outside
    of entities is computed for all tokens at once, then what each entity that could begin becomes, all of them in step;
    and of these the ones are taken that begin where the one before has ended.
    """

    component_names: list[str]
    """Of the recognizer, which need not run."""
    recognizer: Any
    labels: list[str]
    """Of the entities."""
    places: dict[str, Ints]
    """The rows of the scores by kind of move (`B`, `I`, `L`, `U`), one a label; `O` has one."""

    def find(self, docs: "Sequence[Doc]") -> list[list[Name]]:
        """Return the entities of texts, whose sentences are known."""
        lengths = np.array([len(doc) for doc in docs], dtype=np.int64)
        if not lengths.sum():
            return [[] for _ in docs]
        model = self.recognizer.model
        vectors = model.get_ref("tok2vec").predict(docs)
        own, first, last = np.moveaxis(model.get_ref("lower").predict(vectors), 1, 0)  # row 0 stands for no token
        read = np.concatenate([doc.to_array(["IS_SPACE", "SENT_START"]) for doc in docs]).astype(np.int64)
        can_continue = np.append(read[1:, 1] != 1, False)  # no entity goes over the end of a sentence
        can_continue[np.cumsum(lengths)[lengths > 0] - 1] = False
        scores = self._score(own[1:] + first[0] + last[0])
        groups = [self.places["O"], self.places["B"], self.places["U"]]
        best = np.stack([scores[:, group].max(axis=1) for group in groups], axis=1)
        best[read[:, 0] == 1, 1:] = -np.inf
        best[~can_continue, 1] = -np.inf
        # of equal scores the first move is taken, as by the recognizer
        order = np.argsort([group[0] for group in groups], kind="stable")
        kinds = order[best[:, order].argmax(axis=1)]
        begins, units = np.flatnonzero(kinds == 1), np.flatnonzero(kinds == 2)
        ends = np.arange(1, len(read) + 1)
        labels = np.full(len(read), -1)
        labels[units] = scores[units][:, self.places["U"]].argmax(axis=1)
        labels[begins] = scores[begins][:, self.places["B"]].argmax(axis=1)
        ends[begins] = self._find_ends(own, first, last, begins, labels[begins], can_continue)
        return self._choose(labels, ends, lengths)

    def _find_ends(
        self, own: Floats, first: Floats, last: Floats, begins: Ints, labels: Ints, can_continue: NDArray[np.bool_]
    ) -> Ints:
        """Return the token after the last of each entity that begins."""
        ends = begins + 1
        open_ones = np.arange(len(begins))
        while len(open_ones):
            token = ends[open_ones]
            scores = self._score(own[token + 1] + first[begins[open_ones] + 1] + last[token])
            rows = np.arange(len(token))
            inside, close = (scores[rows, self.places[move][labels[open_ones]]] for move in "IL")
            goes_on = can_continue[token] & (
                inside >= close if self.places["I"][0] < self.places["L"][0] else inside > close
            )
            ends[open_ones] += 1
            open_ones = open_ones[goes_on]
        return ends

    def _choose(self, labels: Ints, ends: Ints, lengths: Ints) -> list[list[Name]]:
        """Return the entities that begin where no other is open, by text."""
        found: list[list[Name]] = []
        candidates = np.flatnonzero(labels >= 0)
        edges = np.cumsum(lengths)
        cuts = np.searchsorted(candidates, edges)
        rows = list(zip(candidates.tolist(), ends[candidates].tolist(), labels[candidates].tolist(), strict=True))
        at = 0
        for cut, before in zip(cuts.tolist(), (edges - lengths).tolist(), strict=True):
            names, free = [], before
            for start, end, label in rows[at:cut]:
                if start >= free:
                    names.append((start - before, end - before, self.labels[label]))
                    free = end
            found.append(names)
            at = cut
        return found

    def _score(self, sums: Floats) -> Floats:
        model = self.recognizer.model
        hidden = (sums + model.get_ref("lower").get_param("b")).max(axis=2)
        upper = model.get_ref("upper")
        scores: Floats = hidden @ upper.get_param("W").T
        scores += upper.get_param("b")
        return scores


def shorten_names(nlp: "Language") -> NameFinder | None:
    """Return the finder of a pipeline's named entities; None if it has not one recognizer, its last component, of the usual kind."""
    from spacy.pipeline import AttributeRuler, DependencyParser, EntityRecognizer, Lemmatizer, Tagger, Tok2Vec
    from thinc.api import NumpyOps

    kinds = [type(pipe) for _, pipe in nlp.pipeline]
    if kinds.count(EntityRecognizer) != 1 or kinds[-1] is not EntityRecognizer:
        return None
    makes_no_names = (Tok2Vec, Tagger, DependencyParser, AttributeRuler, Lemmatizer)
    if not all(issubclass(kind, makes_no_names) and kind.__module__.startswith("spacy.") for kind in kinds[:-1]):
        return None
    recognizer: Any = nlp.pipeline[-1][1]
    model = recognizer.model
    moves = [recognizer.moves.get_class_name(number) for number in range(recognizer.moves.n_moves)]
    labels = sorted({move[2:] for move in moves if move not in ("O", "U-")})  # `U-` is for what is set before
    if (
        sorted(set(moves) - {"U-"}) != sorted(["O", *(f"{kind}-{label}" for kind in "BILU" for label in labels)])
        or not labels
        or "?" in _read_attributes(recognizer)
        or type(model.ops) is not NumpyOps
        or recognizer.cfg["beam_width"] != 1
        or recognizer.postprocesses
        or not model.attrs["has_upper"]
        or model.attrs["unseen_classes"]
        or model.get_ref("lower").get_dim("nF") != 3
        or model.get_ref("lower").get_dim("nP") < 2
    ):
        return None
    labels = [move[2:] for move in moves if move.startswith("B-")]
    places = {kind: np.array([moves.index(f"{kind}-{label}") for label in labels]) for kind in "BILU"}
    return NameFinder([nlp.pipe_names[-1]], recognizer, labels, {**places, "O": np.array([moves.index("O")])})
