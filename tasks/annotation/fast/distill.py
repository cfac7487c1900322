"""Annotated texts -> a model of the fast engine with its card, scored on texts that it has not seen."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tasks.annotation.fast.engine import FastEngine
from tasks.annotation.fast.learn import Example, Plan, Sizes, Types, learn_weights
from tasks.annotation.fast.lemmas import LemmaRules
from tasks.annotation.fast.model import FastModel
from tasks.annotation.fast.network import Floats
from tasks.annotation.fast.tokens import list_features, read_rules

if TYPE_CHECKING:
    from spacy.language import Language

Row = Mapping[str, Any]
_LEAST_COUNT = 2  # of a feature, over all tokens


def is_held_out(key: str) -> bool:
    """Whether a text is for scoring and not for learning: every sixteenth, by its key."""
    return key.endswith("0")


def distill_model(
    nlp: "Language",
    texts: pl.DataFrame,
    annotations: pl.DataFrame,
    plan: Plan,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[FastModel, dict[str, float]]:
    """Learn a model from what an accurate engine says of texts.

    Args:
        nlp: The accurate engine's pipeline: its rules for tokens and lemmas and its word vectors are taken over.
        texts: Distinct `paragraph_key` and `text`, with plain spaces.
        annotations: ANNOTATIONS of these texts.
        plan: How long to learn.
        tell: Called with a line of progress after every epoch.

    Returns:
        The model, with an empty card, and its scores on the texts of `is_held_out`.

    Raises:
        ValueError: If there is nothing to learn from.
    """
    rows = list(annotations.join(texts, on="paragraph_key").sort("paragraph_key").iter_rows(named=True))
    seen = [row for row in rows if not is_held_out(row["paragraph_key"]) and row["token_start"]]
    if not seen:
        raise ValueError("there is no text to learn from")
    learner = _Learner(nlp, seen)
    weights: Mapping[str, Floats] = {}
    for number, (learned, loss) in enumerate(learn_weights(learner.examples, learner.types, learner.sizes, plan), 1):
        weights = learned
        tell(f"epoch {number} of {plan.epochs}: loss {loss:.4f}")
    model = learner.make_model(weights)
    return model, score_model(model, [row for row in rows if is_held_out(row["paragraph_key"])])


class _Learner:
    """What is learned from, as numbers."""

    def __init__(self, nlp: "Language", rows: Sequence[Row]) -> None:
        self.nlp, self.rows = nlp, rows
        self.vocabulary = read_vocabulary(nlp)
        words = [[row["text"][s:e] for s, e in zip(row["token_start"], row["token_end"], strict=True)] for row in rows]
        counts = Counter(word for own in words for word in own)
        self.words = sorted(counts)
        numbers = {word: number for number, word in enumerate(self.words)}
        features: Counter[str] = Counter()
        for word, count in counts.items():
            for name in list_features(word):
                features[name] += count
        self.features = sorted(name for name, count in features.items() if count >= _LEAST_COUNT)
        self.tags = sorted(
            {f"{t}|{p}" for row in rows for t, p in zip(row["token_tag"], row["token_pos"], strict=True)}
        )
        self.deps = sorted({dep for row in rows for dep in row["token_dep"]} | {"ROOT"})
        labels = sorted({label for row in rows for label in row["entity_label"]})
        self.names = ["O", *(f"{part}-{label}" for label in labels for part in "BI")]
        self.examples = [
            self._count(row, [numbers[word] for word in own]) for row, own in zip(rows, words, strict=True)
        ]
        self.types = self._describe_types()
        vector = self.types.vectors.shape[1]
        self.sizes = Sizes(len(self.features), len(self.tags), len(self.names), len(self.deps), vector)

    def _count(self, row: Row, types: Sequence[int]) -> Example:
        tag_of, dep_of, name_of = (
            {v: n for n, v in enumerate(values)} for values in (self.tags, self.deps, self.names)
        )
        starts = np.zeros(len(types), dtype=np.int64)
        starts[row["sentence_start"]] = 1
        return Example(
            np.array(types),
            np.array([tag_of[f"{t}|{p}"] for t, p in zip(row["token_tag"], row["token_pos"], strict=True)]),
            np.array([name_of[name] for name in list_names(row)]),
            starts,
            np.array(row["token_head"], dtype=np.int64),
            np.array([dep_of[dep] for dep in row["token_dep"]]),
        )

    def _describe_types(self) -> Types:
        row_of = {name: row for row, name in enumerate(self.features)}
        nothing = len(self.features)
        features = np.array([[row_of.get(name, nothing) for name in list_features(word)] for word in self.words])
        words, rows, vectors = self.vocabulary
        row_of_word = dict(zip(words, rows.tolist(), strict=True))
        found = np.zeros((len(self.words), vectors.shape[1]), dtype=np.float32)
        for number, word in enumerate(self.words):
            if word.lower() in row_of_word:
                found[number] = vectors[row_of_word[word.lower()]]
        return Types(features, found)

    def make_model(self, weights: Mapping[str, Floats]) -> FastModel:
        words, rows, vectors = self.vocabulary
        own = {name: values.copy() for name, values in weights.items() if name not in {"feature_table", "projection"}}
        own["feature_table"] = weights["feature_table"][:-1].copy()
        own["vector_table"] = vectors @ weights["projection"]
        return FastModel(
            read_rules(self.nlp.tokenizer), self._read_lemmas(), self.features, words, rows, self.tags, self.deps,
            self.names, own, {},
        )  # fmt: skip

    def _read_lemmas(self) -> LemmaRules:
        """Take over the pipeline's tables, and note what it does otherwise."""
        rules = LemmaRules({}, *read_lemma_tables(self.nlp))
        seen: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for row in self.rows:
            columns = zip(*(row[f"token_{name}"] for name in ("start", "end", "tag", "pos", "lemma")), strict=True)
            for start, end, tag, pos, lemma in columns:
                seen[row["text"][start:end], tag, pos][lemma] += 1
        learned: dict[str, str] = {}
        for (word, tag, pos), lemmas in sorted(seen.items()):
            [(lemma, count)] = lemmas.most_common(1)
            if lemma != rules.find_lemma(word, tag, pos) and count > 1:
                learned[f"{word.lower()}|{tag}"] = lemma
        return LemmaRules(learned, rules.endings, rules.irregular, rules.known)


def read_vocabulary(nlp: "Language") -> tuple[list[str], NDArray[np.uint16], Floats]:
    """Return the words of letters in lower case that a pipeline has vectors of, their rows, and the vectors by row."""
    table, strings = nlp.vocab.vectors, nlp.vocab.strings
    words = ((strings[key], row) for key, row in table.key2row.items())
    found = sorted((word, row) for word, row in words if word.isalpha() and word == word.lower() and len(word) <= 16)
    data = np.asarray(table.data, dtype=np.float32)
    if not found:
        data = np.zeros((1, 1), dtype=np.float32)
    scale = float(np.sqrt((data**2).sum(axis=1).mean())) or 1.0
    rows = np.array([row for _, row in found], dtype=np.uint16)
    return [word for word, _ in found], rows, data / scale * np.float32(data.shape[1] ** 0.5)


def read_lemma_tables(nlp: "Language") -> tuple[dict[str, Any], dict[str, Any], dict[str, frozenset[str]]]:
    """Return the endings, irregular forms and known words of a pipeline's rules for lemmas; empty when it has none."""
    if "lemmatizer" not in nlp.pipe_names:
        return {}, {}, {}
    lookups: Any = getattr(nlp.get_pipe("lemmatizer"), "lookups")  # noqa: B009  # spaCy types a pipe as a function
    tables = {name: lookups.get_table(name, {}) for name in ("lemma_rules", "lemma_exc", "lemma_index")}

    def name_keys(table: Any) -> dict[str, Any]:
        return {nlp.vocab.strings[key] if isinstance(key, int) else key: value for key, value in table.items()}

    endings = {kind: [list(pair) for pair in pairs] for kind, pairs in name_keys(tables["lemma_rules"]).items()}
    irregular = {
        kind: {w: list(f) for w, f in name_keys(forms).items()}
        for kind, forms in name_keys(tables["lemma_exc"]).items()
    }
    known = {
        kind: frozenset(w for w in words if w.isalpha()) for kind, words in name_keys(tables["lemma_index"]).items()
    }
    return endings, irregular, known


def list_names(row: Row) -> list[str]:
    """Return `O`, `B-label` or `I-label` for every token of an annotation."""
    names = ["O"] * len(row["token_start"])
    token_at = {start: token for token, start in enumerate(row["token_start"])}
    for start, end, label in zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True):
        token, part = token_at.get(start, len(names)), "B"
        while token < len(names) and row["token_start"][token] < end:
            names[token], part, token = f"{part}-{label}", "I", token + 1
    return names


def score_model(model: FastModel, rows: Sequence[Row]) -> dict[str, float]:
    """Score a model against annotations.

    Returns:
        F1 of tokens, sentences and names (span and label); of the tokens that both have, the share with the same tag,
        lemma, head (`uas`), and head with label (`las`).
    """
    texts = pl.DataFrame(
        {"paragraph_key": [row["paragraph_key"] for row in rows], "text": [row["text"] for row in rows]}
    )
    counts: Counter[str] = Counter()
    for gold, found in zip(rows, FastEngine(model).annotate(texts).iter_rows(named=True), strict=True):
        for name, spans in (("tokens", _list_tokens), ("sentences", _list_sentences), ("names", _list_entities)):
            right, ours = spans(gold), spans(found)
            counts.update({f"{name}.gold": len(right), f"{name}.found": len(ours), f"{name}.both": len(right & ours)})
        right_tokens, own_tokens = _describe_tokens(gold), _describe_tokens(found)
        for span in right_tokens.keys() & own_tokens.keys():
            tag, lemma, head, dep = (a == b for a, b in zip(right_tokens[span], own_tokens[span], strict=True))
            counts.update({"all": 1, "tag": tag, "lemma": lemma, "uas": head, "las": head and dep})
    scores = {
        f"{n}_f1": 2 * counts[f"{n}.both"] / max(1, counts[f"{n}.gold"] + counts[f"{n}.found"])
        for n in ("tokens", "sentences", "names")
    }
    return {
        name: round(v, 4)
        for name, v in (scores | {n: counts[n] / max(1, counts["all"]) for n in ("tag", "lemma", "uas", "las")}).items()
    }


def _list_tokens(row: Row) -> set[tuple[int, int]]:
    return set(zip(row["token_start"], row["token_end"], strict=True))


def _list_sentences(row: Row) -> set[int]:
    return {row["token_start"][token] for token in row["sentence_start"]}


def _list_entities(row: Row) -> set[tuple[int, int, str]]:
    return set(zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True))


def _describe_tokens(row: Row) -> dict[tuple[int, int], tuple[Any, ...]]:
    starts = row["token_start"]
    columns = (row[f"token_{name}"] for name in ("end", "tag", "lemma", "head", "dep"))
    return {
        (s, e): (tag, lemma, starts[head], dep) for s, e, tag, lemma, head, dep in zip(starts, *columns, strict=True)
    }
