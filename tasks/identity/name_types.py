"""The type of every name of one document: votes of the model, of the words around, and of what is known of the name."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from tasks.annotation.syntax import SUBJECTS, Paragraph, Tree
from tasks.identity.names import (
    count_title_words,
    ends_title,
    fold_name,
    is_acronym,
    is_given_name,
    is_particle,
    parse_person,
)
from tasks.identity.organizations import known_organizations, organization_words
from tasks.identity.places import people_codes, people_names, place_codes, town_weights
from tasks.lexicons import load_lexicon

PLACE_NAME_ENDS = frozenset(
    {
        "airbase", "airport", "archipelago", "arena", "avenue", "basin", "bay", "beach", "boulevard", "bridge", "canal", "canyon",
        "cape", "city", "coast", "county", "creek", "delta", "desert", "district", "dam", "falls", "fjord",
        "forest", "gulf", "harbor", "harbour", "heights", "highway", "hill", "hills", "island", "islands",
        "isle", "isles", "lake", "lakes", "lane", "mountain", "mountains", "ocean", "park", "peak", "peninsula",
        "plaza", "prefecture", "province", "range", "region", "reservoir", "river", "road", "sea", "square",
        "stadium", "station", "strait", "street", "territory", "town", "valley", "village", "volcano", "ward", "wharf",
        "aerodrome", "cathedral", "cemetery", "crossing", "drive", "hospital", "interchange", "jail", "mine", "monastery", "mosque", "museum", "palace", "pier", "port", "prison", "roundabout", "shrine", "shipyard", "temple", "terminal", "tower", "tunnel",
    }
)  # fmt: skip
_PLACE_START = frozenset(
    {
        "cape", "fort", "gulf", "lake", "mount", "mt", "river", "isle", "port", "san", "santa", "saint", "st",
    }
)  # fmt: skip
_PLACE_NOUNS = (PLACE_NAME_ENDS | {"capital", "cities", "islands", "municipality", "neighborhood", "neighbourhood", "outskirts", "suburb"}) - {
    "desert", "park", "peak", "range", "square", "station", "street",
}  # fmt: skip
_KIN = frozenset(
    {"brother", "daughter", "father", "husband", "lawyer", "mother", "parents", "sister", "son", "widow", "wife"}
)
_LAW_END = frozenset(
    {
        "accord", "accords", "act", "agreement", "amendment", "bill", "charter", "code", "constitution",
        "convention", "law", "pact", "protocol", "treaty",
    }
)  # fmt: skip
_EVENT_END = frozenset(
    {
        "championship", "championships", "cup", "derby", "election", "elections", "festival", "final", "finals",
        "games", "marathon", "olympics", "open", "prix", "revolution", "summit", "tournament", "trophy", "war",
    }
)  # fmt: skip
_PLACE_PREPOSITIONS = frozenset(
    {"in", "near", "outside", "across", "throughout", "around", "toward", "towards", "into"}
)


_Votes = dict[str, int]
"""How many votes every type has; for so few, a `Counter` spends its time on asking what it was given."""


class Span(NamedTuple):
    """A candidate in one paragraph, characters counted in the paragraph."""

    paragraph: int
    start: int
    end: int
    label: str
    rule: str


def vote_types(document: Sequence[Paragraph], spans: Sequence[Span]) -> dict[str, str]:
    """Return the type of every folded name by the votes of its mentions, their contexts and the lexicons."""
    votes: dict[str, _Votes] = {}
    printed: dict[str, dict[str, int]] = {}
    labels = {(span.paragraph, span.start): span.label for span in spans}
    for span in spans:
        paragraph = document[span.paragraph]
        text = paragraph.text[span.start : span.end]
        key = fold_name(text)
        own = votes.setdefault(key, {})
        texts = printed.setdefault(key, {})
        texts[text] = texts.get(text, 0) + 1
        own[span.label] = own.get(span.label, 0) + 1 + (" " in text)  # the model knows a name of one word less well
        _read_context(paragraph, span, text, own)
        if paragraph.text.startswith(_LIST_MARKS, span.end):
            _read_coordinated(paragraph.text, span, labels, own)
    for key, texts in printed.items():
        own = votes[key] = _weaken(votes[key], sum(texts.values()))
        known = _known_type(max(texts, key=texts.__getitem__) if len(texts) > 1 else next(iter(texts)))
        _add_votes(own, known)
        if "group" in known:  # no surname is Portuguese in an article, whatever its mentions are labelled
            own["group"] += 2 * _FULL_MENTIONS
    for key, texts in printed.items():
        if key.count(" ") in (1, 2) and not any(map(_known_type, texts)):
            _add_votes(votes[key], votes.get(key.rpartition(" ")[2], {}))  # the surname alone votes for the full name
    _add_towns(votes)
    types = {key: _count_votes(own) for key, own in votes.items()}
    return _spread_types(types, votes)


def _count_votes(votes: _Votes) -> str:
    """Return the type with most votes, of several the last in the alphabet; most names have votes for one."""
    if len(votes) == 1:
        return next(iter(votes))
    most = max(votes.values())
    return max([label for label, count in votes.items() if count == most])


_FULL_MENTIONS = 4
"""So many mentions count in full: the model repeats its error on one name, which the lexicons must be able to outvote."""


def _weaken(votes: _Votes, mention_count: int) -> _Votes:
    """Return the votes of many mentions as if there were at most `_FULL_MENTIONS`."""
    if mention_count <= _FULL_MENTIONS:
        return votes
    return {label: count * _FULL_MENTIONS // mention_count for label, count in votes.items()}


def _add_towns(votes: Mapping[str, _Votes]) -> None:
    """Add the votes of towns and provinces to the names that are no part of a person's."""
    weights = town_weights()
    towns = weights.keys() & votes.keys()
    if not towns:
        return
    parts = {
        part
        for key, own in votes.items()
        if " " in key and key not in weights and own.get("person", 0) == max(own.values())
        for part in key.split()
    }
    for key in towns - parts:
        _add_vote(votes[key], "place", 1 if is_given_name(key) else weights[key])


def _add_vote(votes: _Votes, label: str, count: int) -> None:
    votes[label] = votes.get(label, 0) + count


def _add_votes(votes: _Votes, more: Mapping[str, int]) -> None:
    for label, count in more.items():
        votes[label] = votes.get(label, 0) + count


def _read_context(paragraph: Paragraph, span: Span, text: str, votes: _Votes) -> None:
    """Add votes from the words around a mention."""
    tree = paragraph.tree
    if tree is None:
        return
    first = bisect_right(tree.end, span.start)
    after = bisect_left(tree.start, span.end, first)
    size = after - first
    if size < 1:
        return
    label, dep, heads = span.label, tree.dep, tree.head
    if label != "organization" and has_title_before(paragraph.text, span.start):
        _add_vote(votes, "person", 4)
    if span.rule == "after_title":
        _add_vote(votes, "person", 4)
    head = first if size == 1 else next((t for t in range(first, after) if not first <= heads[t] < after), after - 1)
    role = dep[head]
    # who says something under an acronym is an organization as often as a person
    if role in SUBJECTS and size < 4 and not is_acronym(text) and tree.lemma[heads[head]].lower() in _speech_verbs():
        _add_vote(votes, label if label == "organization" and size > 1 else "person", 2)
    if first and role == "pobj":
        preposition = tree.lower(first - 1)
        if preposition in _PLACE_PREPOSITIONS:
            _add_vote(votes, "place", 4 if size == 1 else 2)
        elif preposition in {"at", "from"}:
            _add_vote(votes, "place", 2 if size == 1 else 1)
    if _has_article(paragraph.text, span.start) and role not in _MODIFIERS:
        _add_vote(votes, "person", -4)  # no name of one person has an article
        if label in ("person", "organization"):
            _add_vote(votes, "organization", 1)
    _read_neighbours(paragraph.text, span, votes)
    children = tree.children(head)
    nouns = _nouns_beside(tree, first, head, children)
    kinds = {kind for noun in nouns if (kind := role_kinds().get(tree.lower(noun)))} if nouns else set()
    for child in children:
        if dep[child] == "relcl" and _has_subject_who(tree, child):
            kinds = {"person"}
    if kinds and len(kinds & {"person", "organization"}) == 1:
        _add_vote(votes, "person" if "person" in kinds else "organization", 4)


def has_title_before(text: str, start: int) -> bool:
    """Whether the words before `start` end with a title."""
    if not start or text[start - 1] != " ":
        return False
    low = max(0, start - 80)
    last = text[max(low, text.rfind(" ", low, start - 1) + 1) : start - 1]
    if not _ends_with_title(last if last.strip() else text[low:start]):  # of two blanks, the word stands before both
        return False
    return count_title_words(text[low:start].split()[-5:]) > 0


@lru_cache(maxsize=2**16)
def _ends_with_title(printed: str) -> bool:
    """Whether what is printed between two blanks ends with the last word of a title."""
    words = printed.split()
    return bool(words) and ends_title(words[-1])


_MODIFIERS = frozenset({"compound", "nmod", "amod", "poss"})
_ARTICLE = re.compile(r"\b[Tt]he $")


def _has_article(text: str, start: int) -> bool:
    return text.endswith("he ", 0, start) and _ARTICLE.search(text, max(0, start - 5), start) is not None


def _has_subject_who(tree: Tree, verb: int) -> bool:
    return any(tree.dep[child] in SUBJECTS and tree.lower(child) == "who" for child in tree.children(verb))


_LIST_MARKS = (", ", " and ", ", and ", " or ")


def _read_coordinated(text: str, span: Span, labels: Mapping[tuple[int, int], str], votes: _Votes) -> None:
    """Add a vote for the type of the next neighbour in a list of names: Lisbon, Porto and Faro."""
    for mark in _LIST_MARKS:
        label = labels.get((span.paragraph, span.end + len(mark)))
        if label and text.startswith(mark, span.end) and "A" <= text[span.end + len(mark)] <= "Z":
            _add_vote(votes, label, 2)


_NOUN_OF = re.compile(r"([^\W_]+) of $")
_BEFORE_NOUNS = (" ", ", ", "'s ", "’s ")
_NOUN_AFTER = re.compile(r"(, (?:aged )?\d{1,2},)|['’]s ([a-z]+)| ([a-z]+)")


def _read_neighbours(text: str, span: Span, votes: _Votes) -> None:
    """Add votes from what is printed right before and after a name: an age, a noun of places or organizations."""
    start, end = span.start, span.end
    if text.endswith(" of ", max(0, start - 40), start):
        before = _NOUN_OF.search(text, max(0, start - 40), start)
        if before and before[1].lower() in _PLACE_NOUNS:
            _add_vote(votes, "place", 4)
    if not text.startswith(_BEFORE_NOUNS, end):
        return
    after = _NOUN_AFTER.match(text, end, end + 40)
    if after is None:
        return
    age, owned, noun = after.groups()
    if age:
        _add_vote(votes, "person", 6)
    elif noun in _PLACE_NOUNS:
        _add_vote(votes, "place", 4)
    elif noun in _EVENT_END:
        _add_vote(votes, "event", 3)
    elif owned in _KIN:
        _add_vote(votes, "person", 4)


def nouns_beside(tree: Tree, tokens: range, head: int) -> list[int]:
    """Return the common nouns that say what a name is: in apposition, or right before it (the company Acme)."""
    return _nouns_beside(tree, tokens[0], head, tree.children(head))


def _nouns_beside(tree: Tree, first: int, head: int, children: Sequence[int]) -> list[int]:
    dep, tag = tree.dep, tree.tag
    nouns = [child for child in children if dep[child] == "appos" and tag[child] == "NN"] if children else []
    if dep[head] == "appos" and tag[tree.head[head]] == "NN":
        nouns.append(tree.head[head])
    before = first - 1
    if before >= 0 and tag[before] == "NN" and tree.text[tree.end[before] : tree.start[first]] == " ":
        nouns.append(before)
    return nouns


@cache
def role_kinds() -> dict[str, str]:
    """For every noun that names a source by role, its kind (person, organization, group, document, anonymous)."""
    roles = load_lexicon("roles")
    return dict(zip(roles["lemma"], roles["kind"], strict=True))


@cache
def _speech_verbs() -> frozenset[str]:
    verbs = load_lexicon("reporting_verbs")
    return frozenset(verbs.filter(verbs["strength"] == "2")["lemma"])


_PLACE_OF = re.compile(r"(?:State|Republic|Kingdom|Sultanate|Emirate|Commonwealth|Province|City|Town) of ")


def _names_place(text: str, key: str) -> bool:
    """Whether a name says what kind of place it is, as in the State of Portugal."""
    return _PLACE_OF.match(text) is not None and key.partition(" of ")[2].removeprefix("the ") in place_codes()


_AFTER_HEADS = frozenset({"of", "for", "on", "against", "about"})


def _head_word(words: Sequence[str]) -> str:
    """Return the noun that says what a name is: the last one before a preposition (an Institute for … is an institute)."""
    after = next((number for number, word in enumerate(words) if number and word in _AFTER_HEADS), len(words))
    return words[after - 1]


@lru_cache(maxsize=2**16)
def _known_type(text: str) -> _Votes:
    """Return votes from the lexicons and the words of a name; nobody changes them, as they are kept."""
    key, words = fold_name(text), text.split()
    lower = [fold_name(word) for word in words]
    if text in known_organizations():
        return {"organization": 8}
    if key in place_codes() or _names_place(text, key):
        return {"place": 6}
    if key in people_codes() and text[:1].isupper():
        return {"group": 6}
    head = _head_word(lower)
    if len(words) > 1 and head in _LAW_END:
        return {"law": 5}
    if len(words) > 1 and head in _EVENT_END:
        return {"event": 5}
    if has_organization_word(text):
        return {"organization": 6}
    if len(words) > 1 and (lower[-1] in PLACE_NAME_ENDS or (lower[0] in _PLACE_START and not is_given_name(words[0]))):
        return {"place": 5}
    if (
        1 < len(words) < 5
        and is_given_name(words[0])
        and not is_acronym(words[0])
        and all(word[:1].isupper() or is_particle(word) for word in words)
    ):
        return {"person": 4}
    if key in people_names() and not is_given_name(text):
        return {"group": 4}
    if len(words) == 1 and is_acronym(text) and len(text) > 1:
        return {"organization": 4}
    if len(words) == 1 and is_given_name(text):
        return {"person": 2}
    if len(words) == 1 and role_kinds().get(lower[0]) == "organization":
        return {"organization": 3}
    return {}


@lru_cache(maxsize=2**16)
def has_organization_word(text: str) -> bool:
    """Whether a name of several words has one that marks organizations in the place where it does."""
    words = text.split()
    if len(words) < 2:
        return False
    plain = [word.strip(".,") for word in words]
    if plain[-1].lower() in PLACE_NAME_ENDS:
        return False  # a police station is a place
    if plain[-1].istitle() and role_kinds().get(plain[-1].lower()) == "organization":
        return True  # the Foreign Ministry
    return (
        any(word in organization_words("any") for word in plain)
        or plain[-1] in organization_words("end")
        or " ".join(plain[:2]) in organization_words("start")
        or (len(plain[0]) > 4 and plain[0] in organization_words("start"))
    )


def _spread_types(types: dict[str, str], votes: Mapping[str, _Votes]) -> dict[str, str]:
    """Give the parts of a person's full name the type person, unless they are known as a place or a people."""
    for key in [key for key, label in types.items() if label == "person" and " " in key]:
        name = parse_person(key)
        for part in {name.surname, name.words[0], name.words[-1]}:
            if part not in types or len(part) < 2:
                continue
            own = votes[part]
            known = part in place_codes() or part in people_codes()
            against = own.get("place", 0) + own.get("group", 0) - (6 if known else 3)
            if own.get("person", 0) >= (against + 1 if known else against):
                types[part] = "person"
    return types
