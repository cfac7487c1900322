"""The entities of one document: names brought together, a document at a time, in the order of the text.

What a short name means depends on the full names beside it, so this is Python; every step is linear in the mentions.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tasks.identity.mentions import Mention
from tasks.identity.names import (
    PersonName,
    could_stand_for,
    courtesy_titles,
    fold_name,
    fold_organization,
    given_name_groups,
    guess_gender,
    is_acronym,
    name_skeleton,
    parse_person,
)
from tasks.identity.organizations import is_open_institution, read_institution
from tasks.identity.places import fold_place, people_codes, place_codes


class Role(NamedTuple):
    """What somebody is said to be: the head noun, the words around it, the places and organizations named with it."""

    head: str
    words: frozenset[str]
    places: frozenset[str]
    organizations: frozenset[str]


@dataclass(eq=False, slots=True)
class Entity:
    """One entity of one document."""

    entity_type: str
    mentions: list["Link"] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    titles: dict[str, None] = field(default_factory=dict)
    roles: set[Role] = field(default_factory=set)
    gender: str | None = None

    @property
    def start(self) -> int:
        """The first character of its first mention: names are added in order, roles and pronouns only after them."""
        return self.mentions[0].start

    @property
    def name(self) -> str:
        """Its fullest name: no acronym where there is another, of the longest the most frequent."""
        if len(self.names) == 1:
            return next(iter(self.names))
        return max(
            self.names, key=lambda name: (not is_acronym(name), len(name.split()), self.names[name], len(name), name)
        )


class Link(NamedTuple):
    """One mention tied to its entity, as the mention table has it."""

    start: int
    end: int
    text: str
    mention_type: str
    title: str | None
    rule: str


TiedMention = tuple[Mention, Entity, str]
"""A named mention, the entity it was tied to, and the rule that tied it."""


def group_mentions(mentions: Sequence[Mention]) -> list[TiedMention]:
    """Tie every named mention of one document to an entity.

    Returns:
        Mention, entity and the rule that tied them, in the order of the text.
    """
    by_type: dict[str, list[Mention]] = {"person": [], "organization": [], "": []}
    for mention in mentions:
        by_type[mention.entity_type if mention.entity_type in by_type else ""].append(mention)
    tied = [
        *_group_persons(by_type["person"]),
        *_group_organizations(by_type["organization"]),
        *_group_others(by_type[""]),
    ]
    for mention, entity, rule in tied:
        entity.mentions.append(Link(mention.start, mention.end, mention.text, "name", mention.title, rule))
        entity.names[mention.text] = entity.names.get(mention.text, 0) + 1
        if mention.title:
            entity.titles[mention.title] = None
    return sorted(tied, key=lambda row: row[0].start)


@dataclass(eq=False, slots=True)
class _Bearer:
    """A full name of the document while short forms are tied to it."""

    entity: Entity
    names: list[PersonName]
    genders: set[str]
    title_words: set[str]
    last_seen: tuple[int, int] = (-1, -1)  # paragraph and character

    @property
    def gender(self) -> str | None:
        return guess_gender(self.names, ()) if len(self.genders) != 1 else next(iter(self.genders))


def _group_persons(mentions: Sequence[Mention]) -> list[TiedMention]:
    bearers = _find_bearers(mentions)
    by_word: dict[str, list[_Bearer]] = defaultdict(list)
    for known in dict.fromkeys(bearers.values()):
        for word in {word for name in known.names for word in name.words if len(word) > 1}:
            by_word[word].append(known)
    alone: dict[tuple[str, ...], Entity] = {}
    tied = []
    for mention in mentions:
        name = parse_person(mention.text)
        bearer: _Bearer | None = bearers.get(name.words) if name.is_full else None
        rule = "full_name"
        if bearer is None:
            bearer, rule = _choose_bearer(name, mention, by_word.get(name.words[-1], ()))
        if bearer is None:
            key = rule, name_skeleton(name.key)
            entity = alone.get(key) or alone.setdefault(key, Entity("person"))
        else:
            entity = bearer.entity
            bearer.last_seen = (mention.paragraph, mention.start)
        tied.append((mention, entity, rule))
    return tied


def _find_bearers(mentions: Sequence[Mention]) -> dict[tuple[str, ...], _Bearer]:
    """Return, for the words of every full name, its bearer: names that differ by initials, spelling or a middle name share one."""
    full: dict[tuple[str, ...], PersonName] = {}
    titles: dict[tuple[str, ...], set[str]] = {}
    for mention in mentions:
        name = parse_person(mention.text)
        if name.is_full:
            full[name.words] = name
            own = titles.setdefault(name.words, set())
            if mention.title:
                own.add(mention.title)
    bearers: dict[tuple[str, ...], _Bearer] = {}
    by_end: dict[str, list[PersonName]] = defaultdict(list)
    for words in sorted(full, key=lambda words: (-len(words), words)):
        name = full[words]
        last, first = by_end[name_skeleton(words[-1])], by_end["first " + words[0]]
        same = next((other for other in last[:64] if _are_spellings(name, other)), None) if last else None
        if same is None and first:
            same = next((other for other in first[:64] if _is_part(words, other.words)), None)
        bearer = bearers[same.words] if same else _Bearer(Entity("person"), [], set(), set())
        bearers[words] = bearer
        bearer.names.append(name)
        last.append(name)
        first.append(name)
        for title in titles[words]:
            gender = guess_gender((), [title])
            if gender:
                bearer.genders.add(gender)
            bearer.title_words.update(fold_name(title).split())
    for bearer in dict.fromkeys(bearers.values()):
        bearer.entity.gender = bearer.gender
    return bearers


def _are_spellings(name: PersonName, other: PersonName) -> bool:
    """Whether two full names with one surname can be one person's: equal, initial or variant given names, or a part."""
    first, second = name.given, other.given
    if name.surname != other.surname and name_skeleton(name.surname) != name_skeleton(other.surname):
        return False
    if first == second or name_skeleton(first) == name_skeleton(second):
        return True
    if len(first) == 1 or len(second) == 1:
        return first[0] == second[0]
    groups = given_name_groups("transliteration", "nickname", "cognate")
    return bool(groups.get(first, frozenset()) & groups.get(second, frozenset())) or _is_part(name.words, other.words)


def _is_part(part: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words of `part` stand in `words` in their order."""
    rest = iter(words)
    return all(word in rest for word in part)


def _choose_bearer(name: PersonName, mention: Mention, bearers: Sequence[_Bearer]) -> tuple[_Bearer | None, str]:
    """Return whom a short name means and why; None when nobody, or nobody more than another, can be meant."""
    places = (("surname", -len(name.words), None), ("first_name", 0, len(name.words)))
    for rule, start, end in places:
        fitting = [b for b in bearers if any(other.words[start:end] == name.words for other in b.names)]
        if not fitting:
            continue
        if len(fitting) == 1:
            return fitting[0], rule
        gender = guess_gender((), [mention.title] if mention.title else ())
        told = [b for b in fitting if gender and b.gender in (gender, None)]
        told = [b for b in told if b.gender == gender] or told
        said = set(fold_name(mention.title or "").split()) - set(courtesy_titles())
        told = told or [b for b in fitting if said & b.title_words]
        if len(told) == 1:
            return told[0], f"{rule}_and_title"
        recent = sorted(told or fitting, key=lambda b: b.last_seen, reverse=True)
        if recent[0].last_seen[0] >= mention.paragraph - 6 and recent[0].last_seen[0] > recent[1].last_seen[0]:
            return recent[0], f"{rule}_most_recent"
        return None, f"{rule}_ambiguous"
    inside = [b for b in bearers if any(_is_part(name.words, other.words) for other in b.names)]
    return (inside[0], "name_part") if len(inside) == 1 and len(name.words[-1]) > 2 else (None, "name")


def _group_organizations(mentions: Sequence[Mention]) -> list[TiedMention]:
    keys = {mention.text: fold_organization(mention.text) for mention in mentions}
    names = sorted({key for key in keys.values() if " " in key and not any(char.isdigit() for char in key)})
    by_first: dict[str, list[str]] = defaultdict(list)
    by_initial: dict[str, list[str]] = defaultdict(list)
    by_end: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_first[name.split()[0]].append(name)
        by_initial[name[0]].append(name)
        words = name.split()[:12]
        for count in range(1, len(words) - 1):
            by_end[" ".join(words[count:])].append(name)
    first: dict[str, int] = {}
    for mention in sorted(mentions, key=lambda mention: mention.start):
        first.setdefault(keys[mention.text], mention.paragraph)
    # what is printed with its legal form (Acme Inc.) is no short form of another name (Acme Museum)
    whole = {key for text, key in keys.items() if " " in text}
    owned: dict[str, set[str]] = defaultdict(set)
    for text, key in keys.items():
        if (own := read_institution(text)) and own[0]:
            owned[own[1]].add(key)
    entities: dict[str, Entity] = {}
    tied = []
    for mention in mentions:
        key, rule = keys[mention.text], "name"
        institution = read_institution(mention.text)
        if institution and not institution[0] and len(owned[institution[1]]) == 1:
            key, rule = next(iter(owned[institution[1]])), "institution"
        elif is_acronym(mention.text):
            spelled = [name for name in by_initial[key[:1]] if could_stand_for(mention.text, name)]
            key, rule = (spelled[0], "acronym") if len(spelled) == 1 else (key, rule)
        elif key not in whole and len(by_first[key]) == 1 and key not in place_codes() and key not in people_codes():
            # a name is shortened after it was printed in full, or in a headline or lead just before that
            is_after = first[by_first[key][0]] <= first[key] + 2
            key, rule = (by_first[key][0], "short_name") if is_after else (key, rule)
        elif len(by_end[key]) == 1 and (institution is None or is_open_institution(mention.text)):
            # the Works Council of the Harbour Works Council; the Supreme Court beside a state's is another
            is_after = first[by_end[key][0]] <= first[key] + 2
            key, rule = (by_end[key][0], "short_name") if is_after else (key, rule)
        entity = entities.get(key) or entities.setdefault(key, Entity("organization"))
        tied.append((mention, entity, rule))
    return tied


def _group_others(mentions: Sequence[Mention]) -> list[TiedMention]:
    entities: dict[tuple[str, str], Entity] = {}
    tied = []
    for mention in mentions:
        key = mention.entity_type, fold_place(mention.text, mention.entity_type)
        entity = entities.get(key) or entities.setdefault(key, Entity(mention.entity_type))
        tied.append((mention, entity, "name"))
    return tied
