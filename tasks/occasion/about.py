"""Whom pronouns inside quotations mean, where the words around them leave one answer."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tasks.annotation.syntax import SUBJECTS, Tree
from tasks.identity.names import guess_gender, parse_person

HE, SHE = frozenset({"he", "him", "his", "himself"}), frozenset({"she", "her", "hers", "herself"})
YOU = frozenset({"you", "your", "yours", "yourself"})
_THIRD = HE | SHE
_PRONOUNS = _THIRD | YOU
_PRONOUN_TAGS = frozenset({"PRP", "PRP$"})


class Named(NamedTuple):
    """One mention of an entity: its place in the body, its entity and what it is."""

    start: int
    end: int
    mention_id: str
    document_entity_id: str
    entity_type: str
    mention_type: str


@dataclass
class People:
    """The mentions of one document in order, and the genders of its persons."""

    mentions: list[Named]
    genders: dict[str, str | None]
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Note where the mentions begin."""
        self._starts = [mention.start for mention in self.mentions]

    def between(self, start: int, end: int) -> list[Named]:
        """Return the mentions that begin at `start` or later and end before or at `end`, in order."""
        low, high = bisect_left(self._starts, start), bisect_left(self._starts, end)
        return [mention for mention in self.mentions[low:high] if mention.end <= end]

    def add(self, mention: Named) -> None:
        """Take in one more mention."""
        after = bisect_right(self._starts, mention.start)
        self._starts.insert(after, mention.start)
        self.mentions.insert(after, mention)

    def covering(self, char: int) -> Named | None:
        """Return the last of the mentions that hold the character, or None; more than two never nest."""
        after = bisect_right(self._starts, char)
        for mention in reversed(self.mentions[max(after - 3, 0) : after]):
            if char < mention.end:
                return mention
        return None


def read_genders(
    entities: Sequence[tuple[str, Sequence[str], Sequence[str]]], pronouns: Sequence[tuple[str, str]]
) -> dict[str, str | None]:
    """Return the gender of persons, `m` or `f`; None where nothing tells it.

    Args:
        entities: Id, names and titles of every person.
        pronouns: Id and pronoun of what was resolved outside of quotations: it says more than a given name.
    """
    said: dict[str, set[str]] = defaultdict(set)
    for entity, word in pronouns:
        if word.lower() in _THIRD:
            said[entity].add("m" if word.lower() in HE else "f")
    genders = {}
    for entity, names, titles in entities:
        told = said[entity]
        genders[entity] = told.copy().pop() if len(told) == 1 else guess_gender(map(parse_person, names), titles)
    return genders


class Spoken(NamedTuple):
    """One quotation as its pronouns see it; all in characters of the body.

    Attributes:
        start: First character of the words.
        end: Character after the last.
        is_marked: Whether they are printed in marks: then "he" is hardly ever the speaker.
        speaker: The entity that speaks; None when unresolved.
        is_speaker_known: Whether it is known who speaks, or that it is no single person.
        addressee: The person that it is said to.
        around: Mentions in the attributing clause, without speaker and addressee.
        statement: First characters and ends of all stretches of the statement, in order.
        paragraphs: First characters of the paragraph of the quotation and of the two before, the nearest first.
    """

    start: int
    end: int
    is_marked: bool
    speaker: str | None
    is_speaker_known: bool
    addressee: str | None
    around: Sequence[Named]
    statement: Sequence[tuple[int, int]]
    paragraphs: Sequence[int]


class Pronoun(NamedTuple):
    """One pronoun inside a quotation with whom it means, and the evidence."""

    start: int
    end: int
    text: str
    document_entity_id: str
    rule: str


def resolve_pronouns(tree: Tree, offset: int, spoken: Spoken, people: People) -> list[Pronoun]:
    """Return the pronouns of a quotation whose antecedent is told by the evidence; the speaker's own are left out.

    "You" is the person spoken to. "He" and "she" mean a person of fitting gender, who is not the speaker: the last one
    named in the same statement; else the only one in the attributing clause; else the one whom the nearest text before
    tells of, its subject before others. Without marks "he" is the speaker, unless the gender forbids it. Where two
    persons fit alike, nobody is named.
    """
    found = []
    for token in _find_pronouns(tree, spoken.start - offset, spoken.end - offset):
        word, start = tree.lower(token), offset + tree.start[token]
        if people.covering(start) is not None:
            continue
        if word in YOU:
            # outside of marks "you" is the reader
            if spoken.is_marked and spoken.addressee is not None:
                found.append(Pronoun(start, start + len(word), tree.word(token), spoken.addressee, "pronoun_addressee"))
            continue
        gender = "m" if word in HE else "f"
        if not spoken.is_marked and people.genders.get(spoken.speaker or "", "?") in (gender, None):
            continue
        antecedent = _find_antecedent(tree, offset, spoken, people, start, gender, found)
        if antecedent is not None:
            found.append(Pronoun(start, start + len(word), tree.word(token), *antecedent))
    return found


def _find_pronouns(tree: Tree, start: int, end: int) -> Iterator[int]:
    tokens = tree.tokens_in(start, end)
    for token, tag in enumerate(tree.tag[tokens.start : tokens.stop], tokens.start):
        is_whole = tag in _PRONOUN_TAGS and start <= tree.start[token] and tree.end[token] <= end
        if is_whole and tree.lower(token) in _PRONOUNS:
            yield token


def _find_antecedent(
    tree: Tree, offset: int, spoken: Spoken, people: People, at: int, gender: str, found: Sequence[Pronoun]
) -> tuple[str, str] | None:
    def fits(entity: str) -> bool:
        return entity != spoken.speaker and people.genders.get(entity, "?") in (gender, None)

    earlier = [p for p in found if p.rule != "pronoun_addressee" and people.genders.get(p.document_entity_id) == gender]
    inside = [
        m for low, high in spoken.statement for m in people.between(low, min(high, at)) if m.entity_type == "person" and fits(m.document_entity_id)
    ]  # fmt: skip
    if inside:
        # of several named in the same words the last subject, else nobody
        last = inside[-1].document_entity_id
        if len({m.document_entity_id for m in inside}) == 1 or _is_subject(tree, offset, inside[-1]):
            return last, "pronoun_in_quote"
        return None
    if earlier:
        return earlier[-1].document_entity_id, "pronoun_in_quote"
    if not spoken.is_speaker_known:
        return None
    around = {m.document_entity_id for m in spoken.around if m.entity_type == "person" and fits(m.document_entity_id)}
    if len(around) == 1:
        return around.pop(), "pronoun_in_clause"
    if around:
        return None
    return _find_before(spoken, people, fits)


def _find_before(spoken: Spoken, people: People, fits: Callable[[str], bool]) -> tuple[str, str] | None:
    """Return the person of the nearest text before that has any: the same paragraph, then the two before it."""
    end = spoken.statement[0][0] if spoken.statement else spoken.start
    for start in spoken.paragraphs:
        near = [m.document_entity_id for m in people.between(start, end) if m.entity_type == "person"]
        fitting = [entity for entity in near if fits(entity)]
        end = start
        if not fitting:
            continue
        entities = list(dict.fromkeys(fitting))
        return (entities[0], "pronoun_before_quote") if len(entities) == 1 else None
    return None


def _is_subject(tree: Tree, offset: int, mention: Named) -> bool:
    tokens = tree.tokens_in(mention.start - offset, mention.end - offset)
    return any(tree.dep[t] in SUBJECTS for t in tokens)
