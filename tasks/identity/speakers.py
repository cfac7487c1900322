"""Whom the speakers of a document mean: names, roles and pronouns are tied to entities, or stay open."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from operator import attrgetter, itemgetter
from typing import NamedTuple

from tasks.annotation.syntax import SUBJECTS, Paragraph, Tree
from tasks.identity.document_entities import Entity, Link, TiedMention
from tasks.identity.name_types import role_kinds
from tasks.identity.organizations import is_bare_institution
from tasks.identity.roles import guess_gender_of_roles, head_of, span_around
from tasks.lexicons import load_lexicon

_HE, _SHE = frozenset({"he", "him", "himself"}), frozenset({"she", "her", "herself"})
_IT, _FIRST = frozenset({"it", "itself"}), frozenset({"i", "me", "myself"})
_THEY, _WE = frozenset({"they", "them", "themselves"}), frozenset({"we", "us", "ourselves"})
_PRONOUNS = (_HE, _SHE, _IT, _FIRST, _THEY, _WE)
_OWNERS = frozenset({"its", "their"})
_PLURALS = frozenset({"NNS", "NNPS"})
_THINGS = frozenset({"organization", "document"})
_SPEAKING_NOUNS = frozenset({"organization", "group", "document"})
_LAW_PARTS = frozenset({"article", "chapter", "clause", "paragraph", "section"})
_RELATIVE = frozenset({"who", "whom", "that", "which"})
_GROUPS = {word: group for group in (*_PRONOUNS, _RELATIVE) for word in group}
"""Pronoun -> those that mean the same."""
_MAIN_VERBS = frozenset({"ROOT", "conj"})
_SPEAKING_TYPES = frozenset({"person", "organization", "place", "group", "law", "work"})


class _Reference(NamedTuple):
    """One place outside of quotations that refers to an entity: what pronouns look back to."""

    start: int
    paragraph: int
    sentence: tuple[int, int]
    prominence: float  # of a sentence's subject 1, of a clause's less, else 0
    entity: Entity


class Speaker(NamedTuple):
    """Whom a speaker span means: the entity, if there is one, the kind of source, and the link if it is a pronoun."""

    entity: Entity | None
    kind: str | None
    link: Link | None = None


class SpeakerResolver:
    """Ties speaker spans of one document to entities; spans must be given in the order of the text."""

    def __init__(
        self,
        document: Sequence[Paragraph],
        tied: Sequence[TiedMention],
        roles: Sequence[tuple[int, Link, Entity]],
        beside: Mapping[int, Entity],
        quoted: Sequence[tuple[int, int]],
    ) -> None:
        """Read what pronouns can look back to.

        Args:
            document: The paragraphs with trees.
            tied: Named mentions and their entities.
            roles: Role mentions and their entities.
            beside: Whom nouns in apposition mean, as `add_roles` returns it.
            quoted: Spans of the marked quotations, in order; what they mention is no antecedent of a pronoun outside.
        """
        self._document = document
        self._beside = beside
        self._starts = [paragraph.start_char for paragraph in document]
        self._spans: dict[int, list[tuple[int, int, Entity]]] = defaultdict(list)
        for mention, entity, _ in tied:
            self._spans[mention.paragraph].append((mention.start, mention.end, entity))
        for number, link, entity in roles:
            self._spans[number].append((link.start, link.end, entity))
        for spans in self._spans.values():
            spans.sort(key=itemgetter(0, 1))
        self._quoted = quoted
        self._spoken: list[tuple[int, int, int, Entity]] = []  # speakers that are no references yet
        self._genders: dict[Entity, str | None] = {}
        self._last: tuple[int, Entity | None] | None = None  # paragraph and entity of the last speaker

    def resolve(self, start: int, end: int, *, holder: Entity | None = None, is_embedded: bool = False) -> Speaker:
        """Return whom the characters from `start` to `end` of the body mean.

        Args:
            start: First character of the speaker.
            end: Character after the speaker.
            holder: Who speaks the quotation around the speaker, for `I`.
            is_embedded: Whether somebody else reports that the speaker says so: he is not who goes on speaking.
        """
        number = max(bisect_right(self._starts, start) - 1, 0)
        paragraph = self._document[number]
        tree, offset = paragraph.tree, paragraph.start_char
        if tree is None or not (tokens := tree.tokens_in(start - offset, end - offset)):
            return Speaker(None, None)
        pronoun = _GROUPS.get(tree.lower(tokens[0])) if len(tokens) == 1 else None
        if pronoun is None:
            speaker = self._resolve_phrase(tree, tokens, number)
        else:
            entity = self._resolve_pronoun(pronoun, tree, tokens[0], number, start, holder)
            kind = "person" if pronoun in (_HE, _SHE, _FIRST) else None
            link = (
                Link(start, end, tree.text[start - offset : end - offset], "pronoun", None, "pronoun")
                if entity
                else None
            )
            speaker = Speaker(entity, _kind_of(entity) or kind, link)
        if speaker.entity is not None or speaker.kind in _THINGS:
            self._last = self._last if is_embedded else (number, speaker.entity)
        if speaker.entity is not None:
            self._spoken.append((number, start, end, speaker.entity))
            if pronoun in (_HE, _SHE):
                self._genders[speaker.entity] = "m" if pronoun is _HE else "f"
        return speaker

    @cached_property
    def _references(self) -> list[_Reference]:
        """What is named outside of quotations, in order; made when the first pronoun asks for it."""
        references = [
            self._refer(number, start, end, entity)
            for number, spans in self._spans.items()
            for start, end, entity in spans
            if span_around(start, self._quoted) is None
        ]
        return sorted(references, key=_start_of)

    def _gender_of(self, entity: Entity) -> str | None:
        if entity not in self._genders:
            self._genders[entity] = entity.gender or guess_gender_of_roles(entity)
        return self._genders[entity]

    def _refer(self, number: int, start: int, end: int, entity: Entity) -> _Reference:
        tree, offset = self._document[number].tree, self._document[number].start_char
        assert tree is not None
        tokens = tree.tokens_in(start - offset, end - offset)
        if not tokens:
            return _Reference(start, number, (0, 0), 0.0, entity)
        head = head_of(tree, tokens)
        while tree.dep[head] in {"appos", "conj"} and tree.pos[tree.head[head]] in {
            "NOUN",
            "PROPN",
        }:  # all are the subject
            head = tree.head[head]
        prominence = 0.0 if tree.dep[head] not in SUBJECTS else 1.0 if tree.dep[tree.head[head]] in _MAIN_VERBS else 0.4
        return _Reference(start, number, tree.sentence_of(head), prominence, entity)

    def _resolve_phrase(self, tree: Tree, tokens: range, number: int) -> Speaker:
        offset = self._starts[number]
        head = head_of(tree, tokens)
        if self._is_coordination(tree, tokens, head, number):
            return Speaker(None, "group")
        char = offset + tree.start[head]
        named = self._entity_at(number, char) or self._beside.get(char)
        if named is None and tree.lower(head) in _LAW_PARTS:
            named = next((self._entity_at(number, offset + tree.start[t]) for t in reversed(tokens)), None)
        if named is not None:
            self._add_owner(named, tree, head, number)
            return Speaker(named, _kind_of(named))
        kinds = role_kinds()
        if tree.lower(head) not in kinds and tree.lemma[head].lower() not in kinds:
            inside = {
                entity
                for start, end, entity in self._spans[number]
                if entity.entity_type == "person"
                and start < offset + tree.end[tokens[-1]]
                and end > offset + tree.start[tokens[0]]
            }
            if len(inside) == 1:
                return Speaker(inside.pop(), "person")
        kind = kinds.get(tree.lower(head)) or kinds.get(tree.lemma[head].lower())
        return Speaker(None, "group" if kind == "person" and tree.tag[head] == "NNS" else kind)

    def _is_coordination(self, tree: Tree, tokens: range, head: int, number: int) -> bool:
        """Whether several speak: nouns joined by `and` that each name somebody, or have an article of their own.

        Of `the founder and president` there is one, of `the founder and the president` there are two.
        """
        offset = self._starts[number]
        others = [child for child in tree.children(head) if tree.dep[child] == "conj" and child in tokens]
        own = self._entity_at(number, offset + tree.start[head]) if others else None
        for other in others:
            entity = self._entity_at(number, offset + tree.start[other])
            if entity is None or entity is not own:
                return _stands_alone(tree, head, own) and _stands_alone(tree, other, entity)
        return False

    def _add_owner(self, named: Entity, tree: Tree, head: int, number: int) -> None:
        """Tell the institution that `its Foreign Ministry` names from those of other countries."""
        if named.entity_type != "organization" or named.titles or not any(map(is_bare_institution, named.names)):
            return
        owning = tree.child(head, "poss")
        if owning is None or tree.lower(owning) not in _OWNERS:
            return
        owner = self._find_thing(tree, owning, number, self._starts[number] + tree.start[owning])
        if owner is not None and owner.entity_type == "place":
            named.titles[owner.name] = None

    def _entity_at(self, number: int, char: int) -> Entity | None:
        spans = self._spans[number]
        after = bisect_right(spans, (char, _NO_END))
        near = spans[max(after - 4, 0) : after]  # a role mention may hold a people's name, more do not nest
        for _, end, entity in reversed(near):
            if char < end and entity.entity_type in _SPEAKING_TYPES:
                return entity
        return None

    def _resolve_pronoun(
        self, pronoun: frozenset[str], tree: Tree, token: int, number: int, start: int, holder: Entity | None
    ) -> Entity | None:
        if pronoun is _FIRST:
            return holder if holder is not None and holder.entity_type == "person" else None
        if pronoun is _RELATIVE:
            verb = next((t for t in tree.ancestors(token) if tree.dep[t] == "relcl"), None)
            return None if verb is None else self._entity_at(number, self._starts[number] + tree.start[tree.head[verb]])
        if pronoun is _IT:
            return self._find_thing(tree, token, number, start)
        if pronoun is _WE:
            return holder if holder is not None and holder.entity_type in ("organization", "group") else None
        if pronoun is _THEY:
            return self._find_several(number, start)
        return self._find_person("m" if pronoun is _HE else "f", tree.sentence_of(token), number, start)

    def _find_person(
        self, gender: str, sentence: tuple[int, int], number: int, start: int, *, reach: int = 4
    ) -> Entity | None:
        """Return the person that stands out before a pronoun (near, subject, last speaker, often named), or None."""
        scores: dict[Entity, float] = {}
        for reference in reversed(self._before(start)):
            entity = reference.entity
            if reference.paragraph < number - reach:
                break
            if entity.entity_type != "person" or self._gender_of(entity) not in (gender, None):
                continue
            is_near = reference.paragraph == number and reference.sentence == sentence
            distance = number - reference.paragraph
            score = 4.0 - 1.0 * distance - 1.5 * (distance > 0) + 0.8 * is_near + 2.5 * reference.prominence
            scores[entity] = max(scores.get(entity, 0.0), score)
        is_new_topic = any(r.paragraph == number and r.entity in scores for r in self._before(start))
        for entity in scores:
            scores[entity] += 0.1 * min(len(entity.mentions), 6) + (0.4 if self._gender_of(entity) == gender else 0.0)
            if self._last and self._last[1] is entity and self._last[0] >= number - 2:
                scores[entity] += 2.5 if self._last[0] == number or not is_new_topic else 0.5
        ranked = sorted(scores, key=lambda entity: (-scores[entity], entity.start))
        if not ranked or (len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] < 0.5):
            return None
        return ranked[0]

    def _find_thing(self, tree: Tree, token: int, number: int, start: int) -> Entity | None:
        """Return the organization or place that `it` means: the last speaker, the subject just before, the only organization."""
        if self._last and self._last[0] >= number - 1:
            last = self._last[1]
            if last is None or last.entity_type in ("organization", "place"):
                return last  # a report that nobody knows more of keeps `it` open
        for reference in reversed(self._before(start)):
            if reference.paragraph < number - 1:
                break
            if reference.prominence == 1.0:
                if reference.entity.entity_type in ("organization", "place"):
                    return reference.entity
                break
        verb = tree.lemma[tree.head[token]].lower() if tree.dep[token] in SUBJECTS else ""
        return self._find_only_organization(number, start) if verb in _verbs_of_words() else None

    def _find_only_organization(self, number: int, start: int) -> Entity | None:
        """Return the only organization that was named in this paragraph or the one before, if no other thing can be meant."""
        near = {r.entity for r in self._before(start) if r.paragraph >= number - 1}
        found = [entity for entity in near if entity.entity_type == "organization"]
        if len(found) != 1:
            return None
        for tree, token, char in self._look_back(number, start):
            kind = role_kinds().get(tree.lower(token))
            if tree.dep[token] in SUBJECTS and tree.tag[token] == "NN":
                if kind in _SPEAKING_NOUNS and self._entity_at_char(char) is not found[0]:
                    return None
                if kind is None:  # the bridge is wide: it is the bridge
                    return None
        return found[0]

    def _find_several(self, number: int, start: int) -> Entity | None:
        """Return the group or organization that `they` means: what is the nearest plural noun, or the nearest subject."""
        for tree, token, char in self._look_back(number, start):
            entity = self._entity_at_char(char)
            is_several = entity is not None and entity.entity_type in ("organization", "group")
            is_named = entity is not None and entity.entity_type == "organization"  # the Court of Appeals is one
            if tree.tag[token] in _PLURALS and not is_named and not _is_time(tree, token):
                return entity if is_several else None
            if tree.dep[token] in SUBJECTS:
                if tree.child(token, "conj") is not None:
                    return None
                if is_several and tree.is_name(token):
                    return entity
        return None

    def _look_back(self, number: int, start: int) -> Iterator[tuple[Tree, int, int]]:
        """Yield the nouns before `start` in this paragraph and the one before, from near to far, quotations left out."""
        for near in range(number, max(number - 2, -1), -1):
            tree, offset = self._document[near].tree, self._starts[near]
            if tree is None:
                continue
            for token in range(min(tree.token_at(max(start - offset, 0)), len(tree)) - 1, -1, -1):
                char = offset + tree.start[token]
                if tree.pos[token] in _NOUNS and char < start and span_around(char, self._quoted) is None:
                    yield tree, token, char

    def _entity_at_char(self, char: int) -> Entity | None:
        return self._entity_at(max(bisect_right(self._starts, char) - 1, 0), char)

    def _before(self, start: int, *, count: int = 60) -> list[_Reference]:
        for spoken in self._spoken:
            insort(self._references, self._refer(*spoken), key=_start_of)
        self._spoken.clear()
        end = bisect_left(self._references, start, key=_start_of)
        return self._references[max(end - count, 0) : end]


_NOUNS = frozenset({"NOUN", "PROPN"})
_NO_END = 1 << 62
_start_of = attrgetter("start")


@cache
def _verbs_of_words() -> frozenset[str]:
    """The verbs that mostly report words; figures and films show things as well."""
    verbs = load_lexicon("reporting_verbs")
    return frozenset(verbs.filter((verbs["strength"] == "2") & (verbs["class"] != "show"))["lemma"])


def _stands_alone(tree: Tree, noun: int, entity: Entity | None) -> bool:
    """Whether a noun refers by itself: to somebody named, with an article or an owner, or as a plural."""
    return (
        entity is not None
        or tree.tag[noun] in _PLURALS
        or any(tree.tag[child] in {"DT", "PRP$"} or tree.dep[child] == "poss" for child in tree.children(noun))
    )


def _is_time(tree: Tree, noun: int) -> bool:
    return not {"DATE", "TIME"}.isdisjoint(tree.labels_in(tree.start[noun], tree.end[noun]))


def _kind_of(entity: Entity | None) -> str | None:
    if entity is None:
        return None
    return "document" if entity.entity_type in {"law", "work"} else entity.entity_type
