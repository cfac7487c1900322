"""The keys that names are compared by over a corpus: parts of persons' names, folded organizations and places."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from tasks.identity.names import (
    courtesy_titles,
    fold_name,
    fold_organization,
    guess_gender,
    is_given_name,
    is_particle,
    name_skeleton,
    parse_person,
    split_title,
)
from tasks.identity.places import fold_place, people_codes, place_codes
from tasks.lexicons import load_lexicon

MAX_NAME_CHARS = 200
"""Longer printed names are keyed by their first characters: no name is longer, what is longer is left-over markup."""

SMALL_WORDS = frozenset(
    {
        "of", "the", "and", "for", "a", "an", "in", "on", "at", "to", "s", "his", "her", "its", "their", "de", "la",
        "del", "des", "du", "y", "e", "et",
    }
)  # fmt: skip
_GENERATIONS = {
    "jr": "jr", "jnr": "jr", "jun": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr",
    "ii": "ii", "2nd": "ii", "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv",
}  # fmt: skip
_GENERATION = re.compile(r"[,\s]+(" + "|".join(sorted(_GENERATIONS, key=len, reverse=True)) + r")\.?$", re.IGNORECASE)
_OWNER = re.compile(
    r"['’]s? (?=(?:own |central |federal )?(?:\S+ )?(?:\S+ and )?(?:\S+ )?(?:government|administration|ministry|cabinet|parliament|"
    r"military|army|police|office|campaign|camp|team|regime|media|department)$)",
    re.IGNORECASE,
)  # Portugal's health ministry is the Portuguese one
_WATERS = re.compile(r" (?:sea|ocean)$")  # the Mediterranean is the Mediterranean Sea
_SYLLABLES = re.compile(r"(?:(?:[bcdfghjklmnpqrstwxyz]|ch|sh|zh|ts|hs|ky|gy|hy)?[aeiouyw]{1,3}(?:ng|[nklmp])?)+")


_VIETNAMESE = re.compile(
    r"(?:ngh|ng|nh|th|tr|ph|kh|ch|gh|gi|qu|[bcdghklmnpqrstvxy])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?"
)


@dataclass(frozen=True)
class PersonKey:
    """One person's name as it is compared: folded words, and which of them are the surname.

    `surname` is the last word of the family name without particles; `given` the first given name or its initial;
    `middle` what stands between; `generation` tells father (sr) from son (jr, ii, iii). `is_full` is false for a name
    of one word. `other_surname` is the first word where it may be the family name as well.
    """

    key: str
    given: str
    middle: str
    surname: str
    generation: str
    is_full: bool
    other_surname: str | None

    @property
    def first_surname(self) -> str:
        """The word before the surname where it is no given name: of two surnames one is often left out; else empty."""
        word = self.middle.rpartition(" ")[2]
        return "" if len(word) < 4 or is_given_name(word) or len(self.given) == 1 else word

    @property
    def blocks(self) -> list[str]:
        """The surnames as they sound: names are compared with those of the same block only."""
        surnames = {self.surname, self.other_surname or self.surname, self.first_surname or self.surname}
        return sorted({surname_skeleton(surname) for surname in surnames})


def are_compatible(one: str, other: str) -> bool:
    """Whether two middle names can be one person's: one is missing, or one is the other or its initials in order."""
    if not one or not other:
        return True
    words = zip(one.split(), other.split(), strict=False)
    return all(
        a == b or (1 in (len(a), len(b)) and a[0] == b[0]) or name_skeleton(a) == name_skeleton(b) for a, b in words
    )


_SPELLED_OUT = re.compile(r"(?<=[bcdfghjklmnprstvwxz])([aou])e(?=[bcdfghklmnprstvwxz])")


@lru_cache(maxsize=2**15)
def surname_skeleton(surname: str) -> str:
    """Return what the spellings of a family name have in common: as `name_skeleton`, and Mueller as Müller."""
    return name_skeleton(_SPELLED_OUT.sub(r"\1", surname))


@lru_cache(maxsize=2**15)
def read_person(text: str) -> PersonKey:
    """Read the parts of a printed person's name, titles left out."""
    text = text[:MAX_NAME_CHARS]
    found = _GENERATION.search(text)
    generation = _GENERATIONS[found[1].lower()] if found and found.start() > 0 else ""
    printed = (text[: found.start()] if generation and found else text).split()
    name = parse_person(" ".join(printed[split_title(printed) :]))
    words = list(name.words)
    key = " ".join([*words, generation] if generation else words)
    if len(words) == 1 or (all(is_particle(word) for word in words[:-1]) and not is_given_name(words[0])):
        return PersonKey(key, "", "", words[-1], generation, False, None)
    if _prints_family_first(words):
        return PersonKey(key, "".join(words[1:]), "", words[0], generation, True, words[-1])
    # J. Edgar goes by Edgar; of J. K. nothing but initials is known
    first = next((n for n, word in enumerate(words[:-1]) if len(word) > 1 and not is_particle(word)), 0)
    middle = [word for word in words[first + 1 : -1] if not is_particle(word)]
    is_given_first = is_given_name(words[0]) or len(words[0]) == 1
    other = words[0] if len(words) == 2 and not is_given_first else None
    return PersonKey(key, words[first], " ".join(middle), words[-1], generation, True, other)


def _prints_family_first(words: list[str]) -> bool:
    """Whether the first word is the family name, as in Chinese, Korean and Vietnamese names."""
    first, *rest = words
    if first not in _family_first_names() or len(rest) > 3 or any(len(word) == 1 for word in rest):
        return False
    if len(rest) == 1 and rest[0] in _family_first_names() and is_given_name(first):
        return False
    syllables = _VIETNAMESE if first in _family_first_names("vietnamese") else _SYLLABLES
    is_marked = syllables is _VIETNAMESE and len(rest) > 1 and rest[0] in {"thi", "van"}  # of women, and of men
    return all(syllables.fullmatch(word) and len(word) < 10 for word in rest) and (
        is_marked or not is_given_name(first) or not is_given_name(rest[0])
    )


@cache
def _family_first_names(*languages: str) -> frozenset[str]:
    lexicon = load_lexicon("family_first_names")
    rows = lexicon.filter(lexicon["language"].is_in(languages)) if languages else lexicon
    return frozenset(fold_name(name) for names in rows["names"] for name in names)


@lru_cache(maxsize=2**15)
def read_organization(text: str) -> str:
    """Return an organization's key: folded, without legal form, countries and peoples as their code."""
    words = fold_organization(_OWNER.sub(" ", text[:MAX_NAME_CHARS])).split()
    coded: list[str] = []
    position = 0
    while position < len(words):
        length = next(
            (n for n in range(min(4, len(words) - position), 0, -1) if _code_of(words[position : position + n])), 0
        )
        own = words[position : position + length]
        coded.append(_code_of(own) if own and length < len(words) else words[position])
        position += length if own and length < len(words) else 1
    return " ".join(coded)


def _code_of(words: list[str]) -> str:
    name = " ".join(words)
    code = place_codes().get(name) or people_codes().get(name) or ""
    return code if len(code) == 2 else ""


@lru_cache(maxsize=2**15)
def sort_words(key: str) -> str:
    """Return the content words of an organization's key in one order: Ministry of Health and Health Ministry."""
    printed = key.split()
    skipped = SMALL_WORDS | ({"affairs"} if {"foreign", "ministry"} <= {*printed} else set())
    skipped |= {"news", "run", "owned", "controlled"} if {"state", "media"} <= {*printed} else set()
    words = sorted(_spell_word(word) for word in printed if word not in skipped)
    return " ".join(words) if len(words) > 1 else key


def _spell_word(word: str) -> str:
    """Return a word of an organization's name in one number and one English: Motors, Defence, Labour, Centre."""
    for british, american in (
        ("isation", "ization"),
        ("defence", "defense"),
        ("labour", "labor"),
        ("centre", "center"),
    ):
        word = word.replace(british, american)
    return word.removesuffix("s") if len(word) > 4 and not word.endswith("ss") else word


@lru_cache(maxsize=2**15)
def read_initials(key: str) -> tuple[str, ...]:
    """Return the acronyms that an organization's key gives: all initials, and those of its content words."""
    words = key.lower().split()
    if len(words) < 2:
        return ()
    content = [word for word in words if word not in SMALL_WORDS]
    # a country gives its code (USAF, UKHSA) or the initial of its name
    spelled = ["".join(w if w.upper() in _country_codes() and len(w) == 2 else w[0] for w in content)]
    every = {"".join(word[0] for word in words), "".join(word[0] for word in content), *spelled}
    return tuple(sorted(letters for letters in every if len(letters) > 2))


@cache
def _country_codes() -> frozenset[str]:
    return frozenset(load_lexicon("countries")["code"])


@lru_cache(maxsize=2**15)
def read_place(text: str, entity_type: str) -> str:
    """Return the key of a name that is no person's and no organization's; a people named as a place is its country."""
    text = text[:MAX_NAME_CHARS]
    key = fold_place(text, entity_type)
    if entity_type == "place" and len(rest := _WATERS.sub("", key)) > 5:
        key = rest
    return people_codes().get(key, key) if entity_type == "place" else key


@cache
def generic_words() -> frozenset[str]:
    """The words that name a kind of organization, and so no organization: ministry, university, police."""
    words = load_lexicon("organization_words")["form"]
    roles = load_lexicon("roles")
    nouns = roles.filter(roles["kind"].is_in(["organization", "group"]))["lemma"]
    return frozenset({fold_name(word) for word in (*words, *nouns)} | {"states", "university", "city"})


@lru_cache(maxsize=2**14)
def read_title(title: str) -> tuple[str, ...]:
    """Return what a printed title says: words of offices, codes of countries, and `=m` or `=f` for a gender."""
    words = fold_name(title[:MAX_NAME_CHARS]).split()
    codes = {people_codes().get(word) or place_codes().get(word) or word for word in words}
    gender = guess_gender((), [title])
    said = codes - courtesy_titles() - SMALL_WORDS
    return tuple(sorted(said | ({f"={gender}"} if gender else set())))


@cache
def style_words() -> frozenset[str]:
    """The titles that make a single name a full one: Queen, Pope, Prince."""
    titles = load_lexicon("honorifics")
    royal = {form for form in titles.filter(titles["kind"] == "royal")["form"] if " " not in form}
    return frozenset((royal | {"pope", "patriarch", "ayatollah"}) - {"lord", "count", "baron", "sheikh", "sheik"})


@cache
def agencies() -> frozenset[str]:
    """The keys of news agencies: that two articles credit one is no context that they share."""
    lexicon = load_lexicon("agencies")
    names = {name for own in lexicon["aliases"] for name in own} | set(lexicon["name"])
    return frozenset(read_organization(name) for name in names)


@lru_cache(maxsize=2**15)
def guess_person_gender(key: str) -> str | None:
    """Return `m` or `f` when the given name of a full name says so."""
    return guess_gender([parse_person(key)], ())


@lru_cache(maxsize=2**15)
def read_short_forms(key: str) -> tuple[str, ...]:
    """Return the short forms that an organization's key allows: its first words, or its last, that are not generic."""
    words = key.split()
    count = len(words)
    return _join_forms([words[:n] for n in range(1, min(count, 5))]) + read_last_words(key)


@lru_cache(maxsize=2**15)
def read_last_words(key: str) -> tuple[str, ...]:
    """Return the short forms of an organization's key that leave out its first words, often a place (a club's)."""
    words = key.split()
    return _join_forms([words[n:] for n in range(max(1, len(words) - 3), len(words))])


def _join_forms(cuts: list[list[str]]) -> tuple[str, ...]:
    forms = {" ".join(own) for own in cuts if len(content := set(own) - SMALL_WORDS) > 1 or content - generic_words()}
    return tuple(sorted(form for form in forms if len(form) > 2))


@lru_cache(maxsize=2**15)
def list_blocks(entity_type: str, key: str) -> tuple[str, ...]:
    """Return the blocks of a name: two names, or a short form and a name, are compared when they share one."""
    if entity_type == "person":
        return tuple(f"person:{block}" for block in read_person(key).blocks)
    if entity_type == "organization":
        forms = {key, sort_words(key), key.replace(" ", ""), *read_initials(key), *read_short_forms(key)}
        return tuple(sorted(f"organization:{form}" for form in forms))
    return (f"{entity_type}:{sound_place(entity_type, key)}",)


def sound_place(entity_type: str, key: str) -> str:
    """Return what the spellings of one place have in common; short names and codes are as they are."""
    return name_skeleton(key) if entity_type == "place" and len(key) > 5 and ":" not in key else key
