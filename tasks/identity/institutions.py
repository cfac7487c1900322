"""Institutions that are described, not named: the government of a country, an administration, the police of a town.

Such a phrase means one institution where it says whose it is, so its entity is of one owner and one form; the same words
alone, elsewhere in the document, mean it as long as no other owner has one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tasks.annotation.syntax import Paragraph, Tree
from tasks.identity.document_entities import Entity, Link, Role, TiedMention
from tasks.identity.mentions import Mention
from tasks.identity.names import fold_name
from tasks.identity.organizations import after_owner, before_owner, fold_form, read_institution
from tasks.identity.places import fold_place, people_codes

_OTHERS = frozenset(
    {
        "a", "an", "another", "any", "each", "every", "ex", "former", "future", "incoming", "interim", "last", "new", "next",
        "no", "outgoing", "previous", "rival", "shadow", "some", "then",
    }
)  # fmt: skip
"""Words before the owner after which another institution than the one in office, or any of several, is meant."""
_NOUN_TAGS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_OF_MARKS = (" of ", " of the ")
_AFTER_MARKS = (" ", "' ", "’ ", "'s ", "’s ")
_OF = re.compile(r" of (?:the )?$")
_BEFORE = 80


class _Phrase(NamedTuple):
    """A phrase that describes an institution: characters of the paragraph, whose it is (None: not said), and its form."""

    start: int
    end: int
    owner: object | None
    form: str
    owner_text: str | None = None


def tie_institutions(document: Sequence[Paragraph], tied: Sequence[TiedMention]) -> list[TiedMention]:
    """Tie the phrases that describe an institution to entities, one for each owner and form.

    Args:
        document: The paragraphs.
        tied: The named mentions; the entities of those that name an institution by its form (the Foreign Ministry) change.

    Returns:
        `tied` with the phrases, in the order of the text.
    """
    by_paragraph: dict[int, list[TiedMention]] = defaultdict(list)
    for row in tied:
        by_paragraph[row[0].paragraph].append(row)
    phrases = [
        (number, phrase)
        for number, rows in by_paragraph.items()
        for phrase in sorted(set(_find_phrases(document[number], rows)), key=lambda phrase: phrase.start)
    ]
    owned = [(number, phrase) for number, phrase in phrases if phrase.owner is not None]
    if not owned:
        return list(tied)
    owners: dict[str, set[object]] = defaultdict(set)
    for _, phrase in owned:
        owners[phrase.form].add(phrase.owner)
    alone = {form: (next(iter(found)), form) for form, found in owners.items() if len(found) == 1}
    return _tie_phrases(document, tied, phrases, alone)


def _tie_phrases(
    document: Sequence[Paragraph],
    tied: Sequence[TiedMention],
    phrases: Iterable[tuple[int, _Phrase]],
    alone: dict[str, tuple[object, str]],
) -> list[TiedMention]:
    names = {(row[0].paragraph, row[0].start): row for row in tied if row[0].entity_type == "organization"}
    entities: dict[tuple[object, str], Entity] = {}
    moved: dict[Mention, TiedMention] = {}
    added: list[TiedMention] = []
    for number, phrase in sorted(phrases, key=lambda row: (row[0], row[1].start)):
        key = alone.get(phrase.form) if phrase.owner is None else (phrase.owner, phrase.form)
        if key is None:
            continue
        entity = entities.setdefault(key, Entity("organization"))
        entity.roles.add(_role_of(*key))
        paragraph = document[number]
        text = paragraph.text[phrase.start : phrase.end]
        row = _row_inside(names, number, paragraph.start_char + phrase.start, paragraph.start_char + phrase.end)
        if row is None:
            if phrase.owner is None:
                continue
            added.append(_describe(paragraph, number, phrase, entity))
        elif row[0] not in moved:
            moved[row[0]] = _move(row, entity)
        if phrase.owner is not None:
            entity.names[text] = entity.names.get(text, 0) + 1
    rows = [moved.get(row[0], row) for row in tied]
    return sorted([*rows, *added], key=lambda row: row[0].start)


def _role_of(owner: object, form: str) -> Role:
    """Return what the institution is, so that the foreign ministry, or the Portuguese ministry, leads to it."""
    words = form.split()
    places = frozenset({owner}) if isinstance(owner, str) else frozenset[str]()
    return Role(words[-1], frozenset(words[:-1]), places, frozenset())


def _row_inside(names: dict[tuple[int, int], TiedMention], number: int, start: int, end: int) -> TiedMention | None:
    return next((row for char in range(start, end) if (row := names.get((number, char))) and row[0].end <= end), None)


def _describe(paragraph: Paragraph, number: int, phrase: _Phrase, entity: Entity) -> TiedMention:
    assert paragraph.tree is not None
    start, end = paragraph.start_char + phrase.start, paragraph.start_char + phrase.end
    text = paragraph.text[phrase.start : phrase.end]
    entity.mentions.append(Link(start, end, text, "role", None, "institution"))
    tokens = paragraph.tree.tokens_in(phrase.start, phrase.end)
    return Mention(number, start, end, text, "organization", "institution", None, tokens), entity, "institution"


def _move(row: TiedMention, entity: Entity) -> TiedMention:
    """Tie a name to another entity than the one that it was tied to by its words alone."""
    mention, old, _ = row
    link = next(link for link in old.mentions if link.start == mention.start)
    old.mentions.remove(link)
    old.names[mention.text] -= 1
    if not old.names[mention.text]:
        del old.names[mention.text]
    entity.mentions.append(link._replace(rule="institution"))
    entity.names[mention.text] = entity.names.get(mention.text, 0) + 1
    return mention, entity, "institution"


def _find_phrases(paragraph: Paragraph, rows: Iterable[TiedMention]) -> Iterable[_Phrase]:
    """Yield the institutions of the owners that one paragraph names, and those that it names without an owner."""
    tree, text, offset = paragraph.tree, paragraph.text, paragraph.start_char
    if tree is None:
        return
    for mention, entity, _ in rows:
        start, end = mention.start - offset, mention.end - offset
        if mention.entity_type == "organization":
            if (own := read_institution(mention.text)) is not None:
                yield _Phrase(start, end, *own)
            continue
        kind, owner = _read_owner(mention, entity)
        if owner is None:
            continue
        first = start - len(mention.title) - 1 if mention.title else start
        is_before = text.endswith(_OF_MARKS, max(0, first - 8), first)
        found = after_owner(kind).match(text, end, end + _BEFORE) if text.startswith(_AFTER_MARKS, end) else None
        if not (found or is_before) or not _is_this_owner(text, start, mention):
            continue
        if found and _ends_phrase(tree, found.end()):
            yield _Phrase(start, found.end(), owner, fold_form(found["form"]), mention.text)
        of = _OF.search(text, max(0, first - 8), first) if is_before else None
        is_noun = mention.entity_type != "group"  # the government of the Portuguese president is his
        before = before_owner(kind).search(text, max(0, first - _BEFORE), of.start()) if of and is_noun else None
        if before and text[first - 1 : first] == " ":
            yield _Phrase(before.start("form"), end, owner, fold_form(before["form"]), mention.text)


def _read_owner(mention: Mention, entity: Entity) -> tuple[str, object | None]:
    if mention.entity_type == "person":
        return "person", entity
    code = None
    if mention.entity_type == "place":
        code = fold_place(mention.text, "place")
    if mention.entity_type == "group":
        code = people_codes().get(fold_name(mention.text))
    return "place", None if code is None or code.startswith(("continent:", "region:")) else code


def _is_this_owner(text: str, start: int, mention: Mention) -> bool:
    """Whether no word before the owner tells of another institution, or of any: a former one, another one."""
    before = text[max(0, start - _BEFORE) : start]
    if mention.title and before.rstrip().endswith(mention.title):
        before = before.rstrip().removesuffix(mention.title)
    if mention.title and not _OTHERS.isdisjoint(mention.title.lower().split()):
        return False
    words = before.split()
    return not before.endswith("-") and not (words and words[-1].lower().strip("“\"‘'(") in _OTHERS)


def _ends_phrase(tree: Tree, char: int) -> bool:
    """Whether the noun that ends at `char` heads its phrase: no official of the government follows."""
    head = tree.token_at(char - 1)
    if head >= len(tree) or tree.end[head] != char or (tree.dep[head] == "compound" and tree.head[head] > head):
        return False
    after = head + 1
    is_next = after < len(tree) and tree.text[char : tree.start[after]] == " "
    return not (is_next and tree.tag[after] in _NOUN_TAGS)
