"""Words and their parts of speech -> lemmas, by spaCy's rules for English as data."""

from collections.abc import Mapping
from dataclasses import dataclass

_BASE_TAGS = frozenset({"NN", "VB", "VBP", "JJ"})  # what already is a base form


@dataclass(frozen=True)
class LemmaRules:
    """Lemmas by exceptions and by endings that are replaced.

    `learned` holds what the accurate engine does otherwise: `word|tag` to lemma. `endings`, `irregular` and `known` are
    by part of speech in lower case; of several forms the first that is `known` wins, as in `spacy.pipeline.Lemmatizer`.
    """

    learned: Mapping[str, str]
    endings: Mapping[str, list[list[str]]]
    irregular: Mapping[str, Mapping[str, list[str]]]
    known: Mapping[str, frozenset[str]]

    def find_lemma(self, word: str, tag: str, pos: str) -> str:
        """Return the lemma of a word as printed."""
        lower = word.lower()
        learned = self.learned.get(f"{lower}|{tag}")
        if learned is not None:
            return learned
        kind = pos.lower()
        if kind not in self.endings and kind not in self.irregular:
            return word if kind == "propn" else lower
        if tag in _BASE_TAGS:
            return lower
        return self._strip(lower, kind) or word

    def _strip(self, word: str, kind: str) -> str | None:
        irregular = self.irregular.get(kind, {}).get(word)
        if irregular:
            return irregular[-1]  # each is put before those found so far
        known = self.known.get(kind, frozenset())
        forms = [word.removesuffix(old) + new for old, new in self.endings.get(kind, ()) if word.endswith(old)]
        forms = [form for form in forms if form]
        in_order = (
            [form for form in forms if form in known][::-1] + [form for form in forms if not form.isalpha()] + forms
        )
        return in_order[0] if in_order else None
