"""The type of every name of one document: votes of the model, of the words around, and of what is known of the name."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from tasks.annotation.syntax import SUBJECTS, Paragraph, Tree
from tasks.identity.names import count_title_words, fold_name, is_acronym, is_given_name, is_particle, parse_person
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


@dataclass(frozen=True)
class Span:
    """A candidate in one paragraph, characters counted in the paragraph."""

    paragraph: int
    start: int
    end: int
    label: str
    rule: str


def vote_types(document: Sequence[Paragraph], spans: Sequence[Span]) -> dict[str, str]:
    """Return the type of every folded name by the votes of its mentions, their contexts and the lexicons."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    printed: dict[str, Counter[str]] = defaultdict(Counter)
    labels = {(span.paragraph, span.start): span.label for span in spans}
    for span in spans:
        paragraph = document[span.paragraph]
        text = paragraph.text[span.start : span.end]
        key = fold_name(text)
        printed[key][text] += 1
        votes[key][span.label] += 1 + (" " in text)  # the model knows a name of one word less well
        _add_votes(votes[key], _read_context(paragraph, span))
        _add_votes(votes[key], _read_coordinated(paragraph, span, labels))
    for key in votes:
        votes[key] = _weaken(votes[key], printed[key].total())
        known = _known_type(printed[key].most_common(1)[0][0])
        votes[key].update(known)
        if known["group"]:  # no surname is Portuguese in an article, whatever its mentions are labelled
            votes[key]["group"] += 2 * _FULL_MENTIONS
    for key in [
        key for key in votes if key.count(" ") in (1, 2) and not any(_known_type(text) for text in printed[key])
    ]:
        votes[key].update(votes.get(key.split()[-1], Counter()))  # the surname alone votes for the full name
    _add_towns(votes)
    types = {key: max(count, key=lambda label: (count[label], label)) for key, count in votes.items()}
    return _spread_types(types, votes)


_FULL_MENTIONS = 4
"""So many mentions count in full: the model repeats its error on one name, which the lexicons must be able to outvote."""


def _weaken(votes: Counter[str], mention_count: int) -> Counter[str]:
    """Return the votes of many mentions as if there were at most `_FULL_MENTIONS`."""
    if mention_count <= _FULL_MENTIONS:
        return votes
    return Counter({label: count * _FULL_MENTIONS // mention_count for label, count in votes.items()})


def _add_towns(votes: dict[str, Counter[str]]) -> None:
    """Add the votes of towns and provinces to the names that are no part of a person's."""
    weights = town_weights()
    parts = {
        part
        for key, count in votes.items()
        if " " in key and key not in weights and count["person"] == max(count.values())
        for part in key.split()
    }
    for key in votes:
        if key in weights and key not in parts:
            votes[key]["place"] += 1 if is_given_name(key) else weights[key]


def _add_votes(votes: Counter[str], more: Mapping[str, int]) -> None:
    """Add a handful of votes: for so few, `Counter.update` spends its time on asking what it was given."""
    for label, count in more.items():
        votes[label] += count


def _read_context(paragraph: Paragraph, span: Span) -> Counter[str]:
    """Return votes from the words around a mention."""
    tree = paragraph.tree
    votes: Counter[str] = Counter()
    tokens = tree.tokens_in(span.start, span.end) if tree else range(0)
    if tree is None or not tokens:
        return votes
    first, last = tokens[0], tokens[-1]
    before = paragraph.text[max(0, span.start - 80) : span.start].rsplit(None, 5)[-5:]
    if (
        before
        and paragraph.text.endswith(" ", 0, span.start)
        and count_title_words(before)
        and span.label != "organization"
    ):
        votes["person"] += 4
    if span.rule == "after_title":
        votes["person"] += 4
    head = next((t for t in tokens if tree.head[t] not in tokens), last)
    if is_acronym(paragraph.text[span.start : span.end]):
        pass  # who says something under an acronym is an organization as often as a person
    elif tree.dep[head] in SUBJECTS and tree.lemma[tree.head[head]].lower() in _speech_verbs() and len(tokens) < 4:
        votes[span.label if span.label == "organization" and len(tokens) > 1 else "person"] += 2
    if first and tree.lower(first - 1) in _PLACE_PREPOSITIONS and tree.dep[head] == "pobj":
        votes["place"] += 4 if len(tokens) == 1 else 2
    if first and tree.dep[head] == "pobj" and tree.lower(first - 1) in {"at", "from"}:
        votes["place"] += 2 if len(tokens) == 1 else 1
    if _has_article(paragraph.text, span.start) and tree.dep[head] not in _MODIFIERS:
        votes["person"] -= 4  # no name of one person has an article
        if span.label in ("person", "organization"):
            votes["organization"] += 1
    _add_votes(votes, _read_neighbours(paragraph.text, span))
    kinds = {kind for noun in nouns_beside(tree, tokens, head) if (kind := role_kinds().get(tree.lower(noun)))}
    if any(tree.dep[child] == "relcl" and _has_subject_who(tree, child) for child in tree.children(head)):
        kinds = {"person"}
    if len(kinds & {"person", "organization"}) == 1:
        votes["person" if "person" in kinds else "organization"] += 4
    return votes


_MODIFIERS = frozenset({"compound", "nmod", "amod", "poss"})
_ARTICLE = re.compile(r"\b[Tt]he $")


def _has_article(text: str, start: int) -> bool:
    return _ARTICLE.search(text, max(0, start - 5), start) is not None


def _has_subject_who(tree: Tree, verb: int) -> bool:
    return any(tree.dep[child] in SUBJECTS and tree.lower(child) == "who" for child in tree.children(verb))


_LIST_MARK = re.compile(r"(?:,| and|, and| or) (?=[A-Z])")


def _read_coordinated(paragraph: Paragraph, span: Span, labels: Mapping[tuple[int, int], str]) -> Counter[str]:
    """Return a vote for the type of each neighbour in a list of names: Lisbon, Porto and Faro."""
    text = paragraph.text
    votes: Counter[str] = Counter()
    after = _LIST_MARK.match(text, span.end)
    if after and (label := labels.get((span.paragraph, after.end()))):
        votes[label] += 2
    return votes


_NOUN_OF = re.compile(r"([^\W_]+) of $")
_NOUN_AFTER = re.compile(r"(, (?:aged )?\d{1,2},)|['’]s ([a-z]+)| ([a-z]+)")


def _read_neighbours(text: str, span: Span) -> Counter[str]:
    """Return votes from what is printed right before and after a name: an age, a noun of places or organizations."""
    is_after_of = text.endswith(" of ", max(0, span.start - 40), span.start)
    before = _NOUN_OF.search(text, max(0, span.start - 40), span.start) if is_after_of else None
    after = _NOUN_AFTER.match(text, span.end, span.end + 40)
    votes: Counter[str] = Counter()
    if before and before[1].lower() in _PLACE_NOUNS:
        votes["place"] += 4
    if after and after[1]:
        votes["person"] += 6
    elif after and after[3] and after[3] in _PLACE_NOUNS:
        votes["place"] += 4
    elif after and after[3] and after[3] in _EVENT_END:
        votes["event"] += 3
    elif after and after[2] and after[2] in _KIN:
        votes["person"] += 4
    return votes


def nouns_beside(tree: Tree, tokens: range, head: int) -> list[int]:
    """Return the common nouns that say what a name is: in apposition, or right before it (the company Acme)."""
    dep = tree.dep
    nouns = [child for child in tree.children(head) if dep[child] == "appos"]
    nouns += [tree.head[head]] if dep[head] == "appos" else []
    before = tokens[0] - 1
    if before >= 0 and tree.text[tree.end[before] : tree.start[tokens[0]]] == " ":
        nouns.append(before)
    return [noun for noun in nouns if tree.tag[noun] == "NN"]


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


@lru_cache(maxsize=2**16)
def _known_type(text: str) -> Counter[str]:
    """Return votes from the lexicons and the words of a name; nobody changes them, as they are kept."""
    key, words = fold_name(text), text.split()
    lower = [fold_name(word) for word in words]
    votes: Counter[str] = Counter()
    if text in known_organizations():
        votes["organization"] += 8
    elif key in place_codes() or _names_place(text, key):
        votes["place"] += 6
    elif key in people_codes() and text[:1].isupper():
        votes["group"] += 6
    elif len(words) > 1 and lower[-1] in _LAW_END:
        votes["law"] += 5
    elif len(words) > 1 and lower[-1] in _EVENT_END:
        votes["event"] += 5
    elif has_organization_word(text):
        votes["organization"] += 6
    elif len(words) > 1 and (
        lower[-1] in PLACE_NAME_ENDS or (lower[0] in _PLACE_START and not is_given_name(words[0]))
    ):
        votes["place"] += 5
    elif (
        1 < len(words) < 5
        and is_given_name(words[0])
        and not is_acronym(words[0])
        and all(word[:1].isupper() or is_particle(word) for word in words)
    ):
        votes["person"] += 4
    elif key in people_names() and not is_given_name(text):
        votes["group"] += 4
    elif len(words) == 1 and is_acronym(text) and len(text) > 1:
        votes["organization"] += 4
    elif len(words) == 1 and is_given_name(text):
        votes["person"] += 2
    elif len(words) == 1 and role_kinds().get(lower[0]) == "organization":
        votes["organization"] += 3
    return votes


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


def _spread_types(types: dict[str, str], votes: dict[str, Counter[str]]) -> dict[str, str]:
    """Give the parts of a person's full name the type person, unless they are known as a place or a people."""
    for key in [key for key, label in types.items() if label == "person" and " " in key]:
        name = parse_person(key)
        for part in {name.surname, name.words[0], name.words[-1]}:
            known = part in place_codes() or part in people_codes()
            against = votes[part]["place"] + votes[part]["group"] - (6 if known else 3)
            if (
                part in types
                and len(part) > 1
                and (votes[part]["person"] > against if known else votes[part]["person"] >= against)
            ):
                types[part] = "person"
    return types
