"""The words of a quotation as they are compared: folded, stemmed, and told apart by what they do in a sentence.

A word is compared by its `key`: lower case, without accents of typography; contractions are taken apart (don't: do not), compounds
and numbers written as one (cease-fire, ceasefire; five, 5; 1,000, 1000). Its `stem` (Snowball English, Porter 2001, after irregular
forms) joins the forms of a word. Function words have no content; negations, numbers and names weigh more than others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import snowballstemmer

from tasks.lexicons import load_lexicon

MAX_WORDS = 600
"""Words of a quotation that are compared: an alignment of two grows with the product of their lengths."""

_TOKEN = re.compile(r"\d[\d.,]*\d|\d|[^\W\d_]+(?:[-'’][^\W_]+)*|%|(?<!\w)['’](?:s|d|m|re|ve|ll)\b")
_TITLE = re.compile(r"\b[A-Z][a-z]{0,2}\.$")  # Mr., Dr., U.S.
_CONTRACTION = re.compile(r"^(.+?)(n't|'s|'re|'ve|'ll|'d|'m)$")
_CONTRACTED = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'s": "'s", "'d": "'d"}
_IRREGULAR_CONTRACTIONS = {"can't": ("can",), "won't": ("will",), "shan't": ("shall",), "ain't": ("is",)}
_WRITTEN_APART = {"cannot": ("can", "not"), "gonna": ("going", "to"), "gotta": ("got", "to"), "wanna": ("want", "to")}
_JOINS = {("cease", "fire"): "ceasefire", ("per", "cent"): "percent"}
_FIRST_OF_JOINS = frozenset(first for first, _ in _JOINS)


class Word(NamedTuple):
    """One word: its key and stem, what it does, and its characters in the quotation.

    Of the parts of a contraction only the first has characters of its own; the others are empty at its end.
    """

    key: str
    stem: str
    start: int
    end: int
    is_content: bool
    is_negation: bool
    number: str | None
    is_name: bool


@dataclass(frozen=True)
class Wording:
    """One wording: the text and its words, the first `MAX_WORDS` of them."""

    text: str
    words: tuple[Word, ...]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of its words, in order."""
        return tuple(word.key for word in self.words)

    @cached_property
    def content(self) -> tuple[Word, ...]:
        """Its content words, in order."""
        return tuple(word for word in self.words if word.is_content)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset(word.stem for word in self.content)

    @cached_property
    def key_set(self) -> frozenset[str]:
        """The keys of its words."""
        return frozenset(self.keys)

    def cut(self, first: int, last: int) -> str:
        """Return the words from `first` to before `last` as printed."""
        return self.text[self.words[first].start : max(word.end for word in self.words[first:last])]


def read_wording(text: str) -> Wording:
    """Take a quotation apart into its words, at most `MAX_WORDS`."""
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        start, end = match.span()
        parts = _read_folded(token.casefold())
        key, stem, is_content, is_negation, number = parts[0]
        is_name = is_content and token[0].isupper() and not _begins_sentence(text, start)
        found.append(Word(key, stem, start, end, is_content, is_negation, number, is_name))
        for key, stem, is_content, is_negation, number in parts[1:]:
            found.append(Word(key, stem, end, end, is_content, is_negation, number, False))
        if len(found) > MAX_WORDS:
            break
    return Wording(text, tuple(_join_compounds(found)[:MAX_WORDS]))


@lru_cache(maxsize=2**15)
def stem_word(key: str) -> str:
    """Return the stem of a folded word, irregular forms led back to their lemma."""
    return str(_stemmer().stemWord(_irregular_forms().get(key, key)))


def are_synonyms(one: str, other: str) -> bool:
    """Tell whether two stems can stand for one another in some sense."""
    return other in _synonyms().get(one, ())


def have_opposites(some: Sequence[Word], others: Sequence[Word]) -> bool:
    """Tell whether a word of the one says the opposite of a word of the other."""
    keys, stems = {word.key for word in others}, {word.stem for word in others}
    return any(
        not keys.isdisjoint(_opposites().get(word.key, ())) or not stems.isdisjoint(_antonyms().get(word.stem, ()))
        for word in some
    )


def list_synonyms(stem: str) -> frozenset[str]:
    """Return the stems that can stand for this one in some sense."""
    return _synonyms().get(stem, frozenset())


@lru_cache(maxsize=2**15)
def _read_folded(token: str) -> tuple[tuple[str, str, bool, bool, str | None], ...]:
    """Return key, stem, whether it is content, whether it negates, and the number of each word of a folded token."""
    return tuple(_read_part(part) for part in _split_contraction(token.replace("’", "'")))


def _split_contraction(folded: str) -> tuple[str, ...]:
    if folded in _WRITTEN_APART:
        return _WRITTEN_APART[folded]
    match = _CONTRACTION.match(folded)
    if not match:
        return (folded,)
    before = _IRREGULAR_CONTRACTIONS.get(folded, (match[1],))
    return (*before, _CONTRACTED[match[2]])


def _read_part(part: str) -> tuple[str, str, bool, bool, str | None]:
    number = _number_words().get(part) or (part.replace(",", "").rstrip(".") if part[0].isdigit() else None)
    key = "percent" if part == "%" else number or part.replace("-", "").replace("'", "") or part
    word_class = _classes().get(part)
    is_content = word_class is None and part not in ("'s", "'d")
    return key, stem_word(key), is_content, word_class == "negation", number


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 6) : start].rstrip(" \t\n\"'“”‘’([—–-")
    return not before or (before[-1] in ".!?:…;" and not _TITLE.search(before))


def _join_compounds(words: list[Word]) -> list[Word]:
    if _FIRST_OF_JOINS.isdisjoint([word.key for word in words]):
        return words
    joined: list[Word] = []
    for word in words:
        key = _JOINS.get((joined[-1].key, word.key)) if joined else None
        if key:
            start = joined.pop().start
            joined.append(Word(key, stem_word(key), start, word.end, True, False, None, False))
        else:
            joined.append(word)
    return joined


@cache
def _stemmer() -> snowballstemmer.english_stemmer.EnglishStemmer:
    return snowballstemmer.stemmer("english")


@cache
def _irregular_forms() -> dict[str, str]:
    return dict(load_lexicon("irregular_forms").iter_rows())


@cache
def _classes() -> dict[str, str]:
    rows = load_lexicon("function_words").select("word", "class").iter_rows()
    return {word: word_class for word, word_class in rows if word_class != "number"}


@cache
def _number_words() -> dict[str, str]:
    return dict(load_lexicon("function_words").select("word", "value").drop_nulls().iter_rows())


@cache
def _opposites() -> dict[str, frozenset[str]]:
    rows = load_lexicon("function_words").select("word", "opposites").iter_rows()
    return {word: frozenset(others) for word, others in rows}


@cache
def _synonyms() -> dict[str, frozenset[str]]:
    return _read_relations("synonyms")


@cache
def _antonyms() -> dict[str, frozenset[str]]:
    return _read_relations("antonyms")


def _read_relations(kind: str) -> dict[str, frozenset[str]]:
    """Return stem -> the stems that it is paired with; both ways."""
    related: dict[str, set[str]] = {}
    for one, others in load_lexicon("stem_relations").select("stem", kind).iter_rows():
        for other in others:
            related.setdefault(one, set()).add(other)
            related.setdefault(other, set()).add(one)
    return {stem: frozenset(others) for stem, others in related.items()}
