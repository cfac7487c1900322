"""The parts and keys of names: titles off, marks folded, spellings brought together. Text in, text out."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from tasks.lexicons import load_lexicon

_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "þ": "th",
        "ə": "e",
        "ħ": "h",
        "ŧ": "t",
    }
)  # letters that Unicode does not decompose
_WORD = re.compile(r"[^\W_]+(?:['’`´ʼʻ][^\W_]+)*")
_INITIAL = re.compile(r"(?:[^\W\d_]\.-?)+|[^\W\d_]")
_ACRONYM = re.compile(r"(?:[A-Z]\.?-?){2,7}s?\d?")
_DOTTED = re.compile(r"(?:[^\W\d_]\.){2,}")
_POSSESSIVE = re.compile(r"['’]s?$")
_SKELETON = (  # transliterations of one sound, longest first; applied to a key without diacritics
    ("shch", "sc"), ("sch", "s"), ("tch", "c"), ("tsch", "c"), ("cz", "c"), ("ch", "c"), ("sh", "s"), ("sz", "s"),
    ("zh", "z"),
    ("kh", "h"), ("gh", "g"), ("ph", "f"), ("th", "t"), ("ts", "c"), ("tz", "c"), ("ks", "x"), ("ck", "k"), ("q", "k"),
    ("w", "v"), ("ou", "u"), ("oo", "u"), ("yu", "u"), ("iu", "u"), ("ju", "u"), ("ya", "a"), ("ia", "a"), ("ja", "a"),
    ("ye", "e"), ("je", "e"), ("yo", "o"), ("jo", "o"), ("ee", "i"), ("j", "i"), ("y", "i"),
)  # fmt: skip


@dataclass(frozen=True)
class PersonName:
    """A person's name without titles: all its words, folded, and those that are more than an initial."""

    words: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """The full-name key: folded words without initials, unless nothing else stands beside the surname."""
        full = tuple(word for word in self.words if len(word) > 1)
        return " ".join(full if len(full) > 1 or len(self.words) < 2 else self.words)

    @cached_property
    def is_full(self) -> bool:
        """Whether a given name or an initial stands beside the surname."""
        return len(self.words) > 1 and self.surname != " ".join(self.words)

    @property
    def given(self) -> str:
        """The first word: a given name, or its initial."""
        return self.words[0]

    @cached_property
    def surname(self) -> str:
        """The last word with the particles before it."""
        start = len(self.words) - 1
        while start > 0 and self.words[start - 1] in _particles():
            start -= 1
        return " ".join(self.words[start:])


@lru_cache(maxsize=2**17)  # names come again and again
def fold_name(text: str) -> str:
    """Return a name as lower-case words: no diacritics, marks or possessive, dotted capitals joined.

    `Łukasz O’Neil-Novák's` -> `lukasz oneil novak`; `U.S.` -> `us`.
    """
    text = _POSSESSIVE.sub("", text.strip())
    if "." in text:
        text = _DOTTED.sub(lambda found: found.group().replace(".", "") + " ", text)
    if text.isascii():  # nothing to decompose
        return " ".join([word.replace("'", "").replace("`", "") for word in _WORD.findall(text.lower())])
    lower = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    decomposed = unicodedata.normalize("NFKD", lower)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.sub(r"['’`´ʼʻ]", "", word) for word in _WORD.findall(plain))


def split_title(words: Sequence[str]) -> int:
    """Return how many of the printed `words` before a name are titles; never all of them."""
    count = 0
    while count < len(words) - 1:
        if not _may_be_title(words[count], 0):
            break
        longest = max((n for n in range(1, 6) if _is_title(words[count : count + n])), default=0)
        if not longest or count + longest >= len(words):
            break
        count += longest
    return count


def count_title_words(words: Sequence[str]) -> int:
    """Return how many of the last of `words` are titles, as in `Portuguese Foreign Minister` before a name: 2."""
    count = 0
    while count < len(words):
        rest = words[: len(words) - count]
        if not ends_title(rest[-1]):
            break
        longest = max((n for n in range(1, min(5, len(rest)) + 1) if _is_title(rest[-n:])), default=0)
        if not longest:
            break
        count += longest
    return count


_PLACE_TITLES = frozenset({"san", "santa", "santo", "são", "sao", "saint", "st", "sri"})  # first of all parts of places


def _may_be_title(word: str, place: int) -> bool:
    """Whether any title has the word in this place (0 or -1): most words are in none, and need no joining."""
    edges, lower = _title_edges(place), word.lower()
    return lower in edges or lower.rstrip(".") in edges


@lru_cache(maxsize=2**16)
def ends_title(word: str) -> bool:
    """Whether a printed word is the last of a title: before most names stands one that is in none."""
    return _may_be_title(word, -1)


@cache
def _title_edges(place: int) -> frozenset[str]:
    return frozenset(form.split()[place] for form in titles())


def _is_title(words: Sequence[str]) -> bool:
    return " ".join(words).lower().rstrip(".") in titles() and words[0].lower().rstrip(".") not in _PLACE_TITLES


@lru_cache(maxsize=2**16)
def parse_person(text: str) -> PersonName:
    """Parse a printed person's name without its title; suffixes (Jr., PhD) are left out."""
    printed = text.replace(",", " ").split()
    while len(printed) > 1 and printed[-1].lower().rstrip(".").replace(".", "") in _suffixes():
        printed.pop()
    words = []
    for word in printed:
        parts = fold_name(word.replace(".", ". ")).split()
        words.extend(parts)
    return PersonName(tuple(words) or (fold_name(text) or text,))


def is_initial(word: str) -> bool:
    """Whether a printed word is one or more initials, as in `J.`, `G` or `J.-P.`."""
    return _INITIAL.fullmatch(word) is not None


@lru_cache(maxsize=2**17)
def name_skeleton(key: str) -> str:
    """Return what the transliterations of one name have in common: y, j, i, double letters and digraphs folded.

    `zelenskyy`, `zelensky` and `zelenskiy` -> one skeleton.
    """
    for printed, sound in _SKELETON:
        key = key.replace(printed, sound)
    return re.sub(r"(.)\1+", r"\1", key).rstrip("i") or key


@lru_cache(maxsize=2**16)
def fold_organization(text: str) -> str:
    """Return an organization's key: folded, without a leading article and without the legal form at the end."""
    words = fold_name(text.replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)


@lru_cache(maxsize=2**16)
def is_acronym(text: str) -> bool:
    """Whether a printed name is an acronym: two to seven capitals, perhaps with dots, digits or a plural s."""
    return _ACRONYM.fullmatch(text) is not None


def could_stand_for(acronym: str, name: str) -> bool:
    """Whether the letters of `acronym` are the initials of the words of `name`, small words left out or not."""
    letters = re.sub(r"[^a-z]", "", acronym.lower().removesuffix("s") if acronym.endswith("s") else acronym.lower())
    words = fold_name(name).split()
    initials = "".join(word[0] for word in words)
    content = "".join(word[0] for word in words if word not in _SMALL_WORDS)
    return len(letters) > 1 and len(words) > 1 and letters in (initials, content)


@cache
def titles() -> frozenset[str]:
    """Every form printed before a name as its title, lower case, without the final dot."""
    return frozenset(load_lexicon("honorifics").get_column("form"))


@cache
def courtesy_titles() -> frozenset[str]:
    """The titles that say nothing of a person's work: Mr, Ms, Dr, Sir."""
    honorifics = load_lexicon("honorifics")
    return frozenset(
        honorifics.filter(honorifics["kind"].is_in(["courtesy", "academic", "foreign"])).get_column("form")
    )


@cache
def _title_genders() -> dict[str, str]:
    honorifics = load_lexicon("honorifics").drop_nulls("gender")
    return dict(zip(honorifics["form"], honorifics["gender"], strict=True))


@cache
def _given_genders() -> dict[str, str]:
    names = load_lexicon("given_names")
    return {fold_name(name): gender for name, gender in zip(names["name"], names["gender"], strict=True)}


@cache
def _suffixes() -> frozenset[str]:
    return frozenset(form.replace(".", "") for form in load_lexicon("name_suffixes").get_column("form"))


@cache
def _particles() -> frozenset[str]:
    forms = load_lexicon("name_particles").get_column("form")
    words = {word for form in forms for word in fold_name(form).split() if len(word) > 1}
    return frozenset(words - {"of", "as", "at", "and", "the", "in", "on", "to", "an", "under", "bay"})


@cache
def given_name_groups(*kinds: str) -> dict[str, frozenset[int]]:
    """For every folded given name, the numbers of the groups of variants it belongs to, of the given kinds."""
    groups: dict[str, set[int]] = {}
    variants = load_lexicon("given_name_variants")
    for number, (kind, names) in enumerate(zip(variants["kind"], variants["names"], strict=True)):
        for name in names if kind in kinds else ():
            groups.setdefault(fold_name(name), set()).add(number)
    if "cognate" in kinds:  # whatever the transliteration, a name is a cognate of the others' cognates
        for names in variants.filter(variants["kind"] == "transliteration")["names"]:
            shared = {number for name in names for number in groups.get(fold_name(name), ())}
            for name in names:
                groups.setdefault(fold_name(name), set()).update(shared)
    return {name: frozenset(numbers) for name, numbers in groups.items()}


@lru_cache(maxsize=2**16)
def is_given_name(word: str) -> bool:
    """Whether a printed word is a known given name, or a hyphenated pair of them."""
    return bool(word) and all(part in _given_genders() for part in (fold_name(word).split() or [""]))


@lru_cache(maxsize=2**16)
def is_particle(word: str) -> bool:
    """Whether a printed word is a particle of family names (van, bin, al) and no word of English besides."""
    return fold_name(word) in _particles()


def guess_gender(names: Iterable[PersonName], printed_titles: Iterable[str]) -> str | None:
    """Return `m` or `f` when titles, else the given name, say so; None when they do not or disagree."""
    of_titles, of_names = _title_genders(), _given_genders()
    said = {of_titles.get(title.lower().rstrip(".")) for title in printed_titles} & _GENDERS
    if not said:
        said = {of_names.get(name.words[0]) for name in names if name.is_full} & _GENDERS
    return said.pop() if len(said) == 1 else None


_GENDERS = frozenset({"m", "f"})


_SMALL_WORDS = frozenset(
    {"of", "the", "and", "for", "in", "on", "to", "at", "de", "la", "del", "des", "du", "y", "e", "et"}
)
_LEGAL_FORMS = frozenset(
    {
        "inc", "incorporated", "ltd", "limited", "llc", "llp", "lp", "plc", "corp", "corporation", "co",
        "company", "gmbh", "ag", "sa", "spa", "nv", "bv", "ab", "asa", "as", "oyj", "oy", "kk", "kgaa", "kg",
        "se", "sarl", "srl", "pty", "pte", "pvt", "bhd", "jsc", "pjsc", "ojsc",
    }
)  # fmt: skip
