"""What persons and organizations are said to be, and where a document prints only that: the foreign minister."""

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from tasks.annotation.syntax import Paragraph, Tree
from tasks.identity.document_entities import Entity, Link, Role, TiedMention
from tasks.identity.mentions import Mention
from tasks.identity.name_types import nouns_beside, role_kinds
from tasks.identity.names import courtesy_titles, fold_name, fold_organization, titles
from tasks.identity.places import fold_place, people_codes, place_codes
from tasks.lexicons import load_lexicon

_LEADERS = frozenset(
    {"president", "premier", "minister", "chancellor", "king", "queen", "emir", "sultan", "leader", "taoiseach", "head"}
)
_DEPUTIES = frozenset({"vice", "deputy", "prime", "assistant", "former", "ex", "acting", "vice-president"})
_FUNCTION_WORDS = frozenset(
    {
        "the", "a", "an", "of", "for", "and", "at", "in", "his", "her", "its", "their", "s",
    }
)  # fmt: skip
_DETERMINER = re.compile(r"^(?:the|a|an|its|his|her|their|whose)\s+", re.I)
_RELATED = frozenset({"colleague", "counterpart", "namesake"})
_PHRASE_TAGS = frozenset({"NN", "NNP", "NNPS", "NNS", "JJ", "POS", "DT", "IN", "HYPH", "PRP$"})
_FEW = 24
_ROLE_TAGS = frozenset({"NN", "NNP"})
_LEADING_VERBS = frozenset({"lead", "head", "run", "chair", "direct"})


@cache
def _person_nouns() -> dict[str, str | None]:
    """The nouns that name one person by role, and the gender that they say."""
    roles = load_lexicon("roles")
    persons = roles.filter(roles["kind"] == "person")
    forms = dict(zip(persons["lemma"], persons["gender"], strict=True))
    honorifics = load_lexicon("honorifics")
    offices = honorifics.filter(honorifics["kind"].is_in(["office", "royal", "military"]))
    return dict(zip(offices["form"], offices["gender"], strict=True)) | forms


def add_roles(document: Sequence[Paragraph], tied: Sequence[TiedMention]) -> dict[int, Entity]:
    """Read what persons and organizations are said to be: before the name, in apposition, after `of`, and by `is`.

    Returns:
        Whom a noun that stands in apposition to a name means, by the first character of the noun in the body.
    """
    beside: dict[int, Entity] = {}
    for number, rows in _group_by_paragraph(tied).items():
        tree, offset = document[number].tree, document[number].start_char
        assert tree is not None
        for mention, entity, _ in rows:
            kinds = _KINDS.get(mention.entity_type)
            tokens = mention.tokens
            if kinds is None or not tokens:
                continue
            head = head_of(tree, tokens)
            near = nouns_beside(tree, tokens, head)
            nouns = [noun for noun in near if role_kinds().get(tree.lower(noun)) in kinds]
            if mention.entity_type == "organization":
                entity.roles |= _read_organization_roles(tree, near, mention)
            else:
                start = _start_of_phrase(tree, tokens[0])
                before = _phrase_before_comma(tree, start)
                nouns += before[:1]
                phrases = [*_role_phrases(tree, tokens, head, start), *([before] if before else [])]
                _add_person_roles(tree, phrases, entity, rows, offset)
                entity.roles |= _read_leading(tree, tokens, head, rows)
            for noun in nouns:
                beside[offset + tree.start[noun]] = entity
    return beside


_KINDS = {"person": ("person", "anonymous"), "organization": ("organization", "group")}


def _group_by_paragraph(tied: Sequence[TiedMention]) -> dict[int, list[TiedMention]]:
    rows: dict[int, list[TiedMention]] = defaultdict(list)
    for row in tied:
        rows[row[0].paragraph].append(row)
    return rows


def _add_person_roles(
    tree: Tree, phrases: Iterable[Sequence[int]], entity: Entity, rows: Sequence[TiedMention], offset: int
) -> None:
    for phrase in phrases:
        role = _read_role(tree, phrase, rows, offset)
        if role is None or (role.head not in _person_nouns() and role.head not in titles()):
            continue
        entity.roles.add(role)
        text = _DETERMINER.sub("", _join_tokens(tree, phrase))
        if not set(fold_name(text).split()) <= courtesy_titles():
            entity.titles[text] = None


def _start_of_phrase(tree: Tree, first: int) -> int:
    """Return the first token of the premodifiers and the article before a name."""
    start = first
    while start and first - start < 9 and _is_premodifier(tree, start - 1):
        start -= 1
    return start - 1 if start and tree.tag[start - 1] == "DT" else start


def _role_phrases(tree: Tree, tokens: range, head: int, start: int) -> list[list[int]]:
    """Return the phrases that say what the person named by `tokens` is, without the name.

    Args:
        tree: The paragraph.
        tokens: The name.
        head: The token of the name that the others hang on.
        start: The first token of the words before the name that belong to it.
    """
    first, last = tokens[0], tokens[-1]
    phrases = []
    dep, label = tree.dep, tree.dep[head]
    while start < first and tree.tag[start] in {"DT", "PRP$", "IN", "POS", "CC"}:
        start += 1
    if start < first:
        phrases.append([*range(start, first), *_of_phrase(tree, last)])
    nouns = [child for child in tree.children(head) if dep[child] == "appos"]
    if label == "appos":
        nouns.append(tree.head[head])
    verb = tree.head[head]
    if label == "nsubj" and tree.lemma[verb] == "be":
        nouns += [noun for noun in tree.children(verb) if tree.dep[noun] == "attr" and tree.pos[noun] == "NOUN"]
    for noun in nouns:
        if noun not in tokens and tree.pos[noun] in {"NOUN", "PROPN"}:
            low, high = tree.noun_phrase(noun)
            phrases.append([token for token in range(max(low, noun - 8), min(high, noun + 8)) if token not in tokens])
    return phrases


def _phrase_before_comma(tree: Tree, first: int) -> list[int]:
    """Return `spokeswoman for the line Acme` of `the spokeswoman for the line Acme, Ana Vieira, said`; else nothing.

    Parsers tie the name to the nearest noun there, so the words between are checked instead: a definite singular role
    noun, then no verb and no other comma.
    """
    if first < 3 or tree.word(first - 1) != ",":
        return []
    for token in range(first - 2, max(first - 14, 0), -1):
        if tree.tag[token] not in _PHRASE_TAGS:
            break
        is_noun = tree.lower(token) in _person_nouns() or tree.lower(token) in _RELATED
        if tree.tag[token] == "NN" and is_noun and tree.tag[token + 1] == "IN":
            left = [child for child in tree.children(token) if child < token]
            is_definite = any(tree.tag[child] in {"DT", "PRP$"} or tree.dep[child] == "poss" for child in left)
            return [*range(token, first - 1)] if is_definite else []
    return []


def _read_organization_roles(tree: Tree, nouns: Iterable[int], mention: Mention) -> set[Role]:
    """Return what an organization is: the last noun of its name, an apposition, the noun before its name."""
    words = fold_organization(mention.text).split()[-1:] if " " in mention.text else []
    words += [tree.lower(noun) for noun in nouns]
    none: frozenset[str] = frozenset()
    return {Role(word, none, none, none) for word in words if role_kinds().get(word) in ("organization", "group")}


def _read_leading(tree: Tree, tokens: range, head: int, rows: Iterable[TiedMention]) -> set[Role]:
    """Return the roles that are told without a noun: `Ana Vieira, who leads the union`, `Ana Vieira of Portugal`."""
    roles: set[Role] = set()
    verbs = [t for t in tree.children(head) if tree.dep[t] == "relcl" and tree.lemma[t] in _LEADING_VERBS]
    of_phrase = _of_phrase(tree, tokens[-1])
    if not verbs and not of_phrase:
        return roles
    reach = range(tokens[0], max([of_phrase.stop, *(tree.edges(verb)[1] for verb in verbs)]))
    named = [(mention, set(mention.tokens)) for mention, _, _ in rows if mention.tokens and mention.tokens[0] in reach]
    places = {place for mention, own in named if own & set(of_phrase) and (place := _place_of(mention))}
    if places:
        roles.add(Role("", frozenset(), frozenset(places), frozenset()))
    for verb in verbs:
        object_tokens = set(range(verb + 1, tree.edges(verb)[1]))
        led = {
            fold_organization(m.text) for m, own in named if own <= object_tokens and m.entity_type == "organization"
        }
        words = {tree.lower(token) for token in tree.children(verb) if tree.dep[token] == "dobj"}
        roles.add(Role("leader", frozenset(words), frozenset(), frozenset(led)))
    return roles


def _join_tokens(tree: Tree, tokens: Sequence[int]) -> str:
    """Return the text of tokens; what stands between two that are apart is left out."""
    text = ""
    for index, token in enumerate(tokens):
        is_next = index > 0 and tokens[index - 1] == token - 1
        text += (tree.text[tree.end[token - 1] : tree.start[token]] if is_next else " " * (index > 0)) + tree.word(
            token
        )
    return text


def _is_premodifier(tree: Tree, token: int) -> bool:
    if tree.tag[token] in {"NNP", "NNPS", "NN", "NNS", "JJ", "POS", "HYPH"}:
        return True
    return (
        tree.lower(token) == "of"
        and token > 0
        and tree.lower(token - 1) in {"secretary", "minister", "chief", "head", "speaker", "director"}
    )


def _of_phrase(tree: Tree, last: int) -> range:
    """Return the tokens of `of X` right after a name, as in President Ana Vieira of Portugal."""
    end = last + 2
    if end < len(tree) and tree.lower(last + 1) == "of":
        while end < len(tree) and tree.is_name(end):
            end += 1
    return range(last + 1, end) if end > last + 2 else range(0)


def _read_role(tree: Tree, tokens: Sequence[int], rows: Iterable[TiedMention], offset: int) -> Role | None:
    """Return the role that the tokens name; None when they name none."""
    words = [tree.lower(token).rstrip(".") for token in tokens]
    known = _role_heads()
    heads = [index for index, word in enumerate(words) if word in known]
    if not heads:
        return None
    low, high, among = tree.start[tokens[0]] + offset, tree.end[tokens[-1]] + offset, set(tokens)
    inside = [
        mention
        for mention, _, _ in rows
        if mention.start < high
        and low < mention.end
        and mention.entity_type != "person"
        and mention.tokens
        and among.issuperset(mention.tokens)
    ]
    covered = {token for mention in inside for token in mention.tokens}
    heads = [index for index in heads if tokens[index] not in covered]
    if not heads:
        return None
    head = next((index for index in heads if index + 1 < len(words) and words[index + 1] == "of"), heads[-1])
    codes = {
        word: code
        for word in words
        if (code := people_codes().get(fold_name(word)) or place_codes().get(fold_name(word)))
    }
    places = {code for mention in inside if (code := _place_of(mention))} | set(codes.values())
    organizations = {fold_organization(mention.text) for mention in inside if mention.entity_type == "organization"}
    plain = {
        word
        for index, word in enumerate(words)
        if index != head
        and word.isalpha()
        and tokens[index] not in covered
        and word not in codes
        and word not in _FUNCTION_WORDS
    }
    return Role(words[head], frozenset(plain), frozenset(places), frozenset(organizations))


@cache
def _role_heads() -> frozenset[str]:
    """The nouns that name a role; a courtesy title is none."""
    kinds = {noun for noun, kind in role_kinds().items() if kind in ("organization", "group")}
    return frozenset((_person_nouns().keys() | titles() | kinds) - courtesy_titles())


def _place_of(mention: Mention) -> str | None:
    if mention.entity_type not in ("place", "group"):
        return None
    return fold_place(mention.text, mention.entity_type)


def find_role_mentions(
    document: Sequence[Paragraph], tied: Sequence[TiedMention], quoted: Sequence[tuple[int, int]]
) -> list[tuple[int, Link, Entity]]:
    """Return the places outside of quotations where a person of the document is named by role: paragraph, link, entity.

    `the foreign minister`, `the Portuguese minister`, `Portugal's leader`: the noun must be one that the person was
    given earlier, no nationality or organization may disagree, and the most recent of several must stand out.
    """
    holders = [entity for entity in dict.fromkeys(entity for _, entity, _ in tied) if entity.roles]
    by_head = _group_by_head(holders)
    nouns = by_head.keys() | (_person_nouns().keys() if "" in by_head else ())
    seen: dict[Entity, list[tuple[int, int]]] = {entity: [] for entity in holders}
    for mention, entity, _ in tied:
        if entity in seen:
            seen[entity].append((mention.start, mention.paragraph))
    by_paragraph = _group_by_paragraph(tied)
    found: list[tuple[int, Link, Entity]] = []
    if not nouns:
        return found
    is_few = len(nouns) < _FEW  # most paragraphs print none of a few nouns, and need no look at their tokens
    for number, paragraph in enumerate(document):
        tree, offset = paragraph.tree, paragraph.start_char
        if tree is None:
            continue
        folded = tree.text.lower()
        if is_few and not any(noun in folded for noun in nouns):
            continue
        is_aligned = len(folded) == len(tree.text)  # a capital may be two letters in lower case
        starts, ends = tree.start, tree.end
        for token in [token for token, tag in enumerate(tree.tag) if tag in _ROLE_TAGS]:
            word = folded[starts[token] : ends[token]] if is_aligned else tree.lower(token)
            if word not in nouns:
                continue
            candidates = by_head.get(word, []) + (by_head.get("", []) if word in _person_nouns() else [])
            if not _is_definite(tree, token) or span_around(offset + tree.start[token], quoted):
                continue
            span = _plain_phrase(tree, token)
            start, end = offset + tree.start[span[0]], offset + tree.end[span[1] - 1]
            if any(m.start < end and start < m.end and m.entity_type in _KINDS for m, _, _ in by_paragraph[number]):
                continue
            role = _read_role(tree, range(*span), by_paragraph[number], offset)
            chosen = _choose_by_role(role, candidates, start, number, seen) if role else None
            if chosen is not None:
                found.append(
                    (number, Link(start, end, tree.text[start - offset : end - offset], "role", None, "role"), chosen)
                )
                insort(seen[chosen], (start, number))
    return found


def _group_by_head(holders: Sequence[Entity]) -> dict[str, list[Entity]]:
    """Return who can be meant by a noun; under the empty word, those of whom only a place is known."""
    by_head: dict[str, list[Entity]] = defaultdict(list)
    for entity in holders:
        heads = {role.head for role in entity.roles}
        for head in heads - {""}:
            by_head[head].append(entity)
        if heads & _LEADERS - {"leader"}:
            by_head["leader"].append(entity)
        if heads == {""}:
            by_head[""].append(entity)
        if any(role.places for role in entity.roles):
            for head in _RELATED:
                by_head[head].append(entity)
    return by_head


def _is_definite(tree: Tree, token: int) -> bool:
    """Whether a singular noun heads a definite phrase that is not itself part of, or beside, a name."""
    if token + 1 < len(tree) and tree.is_name(token + 1) and tree.head[token] > token:
        return False
    if tree.dep[token] in {"compound", "appos", "attr"} or tree.child(token, "appos") is not None:
        return False
    left = [child for child in tree.children(token) if child < token]
    owners = [child for child in left if tree.dep[child] == "poss"]
    is_owned = any(tree.is_name(child) or tree.lower(token) in _RELATED for child in owners)
    return is_owned or any(tree.lower(child) == "the" for child in left)


def _plain_phrase(tree: Tree, token: int) -> tuple[int, int]:
    first, after = tree.noun_phrase(token)
    while first < token and tree.tag[first] in {"DT", "PRP$"}:
        first += 1
    return first, after if after - token < 7 else token + 1


def _choose_by_role(
    role: Role, candidates: Sequence[Entity], start: int, paragraph: int, seen: dict[Entity, list[tuple[int, int]]]
) -> Entity | None:
    fitting = []
    for entity in dict.fromkeys(candidates):
        count = bisect_left(seen[entity], (start, 0))
        if count and any(_is_same_role(role, other) for other in entity.roles):
            fitting.append((seen[entity][count - 1], entity))
    fitting.sort(key=lambda row: row[0], reverse=True)
    if len(fitting) > 1 and fitting[0][0][1] == fitting[1][0][1]:  # both named in one paragraph
        return None
    return fitting[0][1] if fitting and (role.places or role.words or fitting[0][0][1] >= paragraph - 4) else None


def _is_same_role(said: Role, known: Role) -> bool:
    if not known.head or said.head in _RELATED:
        return bool(said.places & known.places)
    is_generic = said.head in {"leader"} and known.head in _LEADERS and said.head != known.head
    if said.head != known.head and not (is_generic and said.places):
        return False
    if (said.words | known.words) & _DEPUTIES and said.words & _DEPUTIES != known.words & _DEPUTIES and not is_generic:
        return False
    known_words = known.words | {word for name in known.organizations for word in name.split()}
    if not said.words <= known_words | {"top", "longtime", "veteran", "then"} and not is_generic:
        return False
    if said.places and not said.places & known.places:
        return False
    return not (said.organizations and known.organizations and not said.organizations & known.organizations)


def span_around(char: int, spans: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the last of the sorted `spans` that begins at or before `char` and holds it, or None.

    Only the last eight that begin before it are looked at: spans that nest are few, and a document may have thousands.
    """
    after = bisect_right(spans, (char, 1 << 62))
    for span in reversed(spans[max(after - 8, 0) : after]):
        if char < span[1]:
            return span
    return None


def head_of(tree: Tree, tokens: range) -> int:
    """Return the token of `tokens` that the others hang on."""
    heads = tree.head
    for token in tokens:
        if heads[token] not in tokens or heads[token] == token:
            return token
    return tokens[-1]


def guess_gender_of_roles(entity: Entity) -> str | None:
    """Return `m` or `f` when the nouns of the roles say so (chairwoman), else None."""
    said = {_person_nouns().get(role.head) for role in entity.roles} & {"m", "f"}
    return said.pop() if len(said) == 1 else None
