"""Who made a statement together, and through whom it came to the article."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import role_kind
from tasks.lexicons import load_lexicon
from tasks.occasion.clause import QUOTED, Clause
from tasks.occasion.details import Span, plain_phrase

_MEMBERS = frozenset({"NOUN", "PROPN", "PRON"})
_PAIRS = frozenset({"both", "two"})
_CITES = frozenset({"cite", "quote"})
_REPORTS = frozenset({"according", "report"})
_BY_AGENTS = _CITES | {"report", "hear", "record"}
_FAR = 64


class Relay(NamedTuple):
    """One link of a chain: its tokens and the token that makes it one, None for the relay that the cue names."""

    span: Span
    cue: int | None


def split_speakers(tree: Tree, tokens: range) -> list[Span]:
    """Return the tokens of each of those who speak together: "X and Y" are two; one phrase is one.

    Only what is coordinated with the head of the phrase is a speaker of its own: "the ministry of trade and industry" is one.
    """
    if "conj" not in tree.dep[tokens.start : tokens.stop]:
        return [(tokens[0], tokens[-1] + 1)]
    head = next((t for t in tokens if tree.head[t] not in tokens or tree.head[t] == t), tokens[0])
    members, token = [head], head
    while (
        following := next(
            (c for c in tree.children(token) if tree.dep[c] == "conj" and c in tokens and c > token), None
        )
    ) is not None:
        members.append(following)
        token = following
    is_list = len(members) > 1 and all(tree.pos[m] in _MEMBERS for m in members) and not _is_one_name(tree, members)
    if not is_list or _is_one_bearer(tree, members) or any(tree.tag[t] == "WP" for t in tokens):
        return [(tokens[0], tokens[-1] + 1)]
    spans = []
    for number, member in enumerate(members):
        first = tree.edges(member)[0] if number else tokens[0]
        after = tree.edges(members[number + 1])[0] if number + 1 < len(members) else tokens[-1] + 1
        while after - 1 > member and tree.dep[after - 1] in {"cc", "punct", "preconj"}:
            after -= 1
        while first < member and tree.dep[first] in {"preconj", "cc", "punct"}:
            first += 1
        spans.append((max(first, tokens[0]), after))
    return spans


def _is_one_name(tree: Tree, members: Sequence[int]) -> bool:
    """Whether the coordination stands inside one name that the model sees: Brook & Dale."""
    start, end = tree.start[members[0]], tree.end[members[-1]]
    return any(low <= start and end <= high for low, high, _ in tree.entities)


def _is_one_bearer(tree: Tree, members: Sequence[int]) -> bool:
    """Whether common nouns in the singular share one determiner: "the delegate and activist" is one person."""
    others = (m for m in members[1:])
    return all(tree.tag[m] == "NN" for m in members) and not any(tree.child(m, "det", "poss") for m in others)


def names_pair(tree: Tree, tokens: range) -> str | None:
    """Return the lemma of the noun that means two persons told of before ("both leaders", "the two presidents"), or None."""
    if "NNS" not in tree.tag[tokens.start : tokens.stop]:
        return None
    head = next((t for t in tokens if tree.head[t] not in tokens or tree.head[t] == t), tokens[0])
    if tree.tag[head] != "NNS" or not _PAIRS & {tree.lower(t) for t in tokens if t < head}:
        return None
    is_plain = len(tokens) <= 4 and not any(tree.is_name(t) for t in tokens)
    return tree.lemma[head].lower() if is_plain and role_kind(tree.lemma[head]) == "person" else None


def find_relays(clause: Clause, via: Span | None) -> list[Relay]:
    """Return the relays of a statement, the nearest to the speaker first.

    "According to Y, which cited Z": Z told Y. "X was quoted by Y as saying", "Y reported, citing Z", and what the sentence
    names as the relay itself (`via`).
    """
    tree, found = clause.tree, []
    if via is not None:
        below = [t for t in _edges(tree, via) if tree.lemma[t].lower() in _CITES and tree.dep[t] in {"relcl", "acl"}]
        found += [Relay(span, verb) for verb in below[:1] for span in _object(clause, verb)]
        found.append(Relay(via, None))
    taken = {t for relay in found for t in range(*relay.span)}
    for verb in _citing(clause):
        found = [Relay(span, verb) for span in _object(clause, verb) if span[0] not in taken] + found
    for verb in clause.verbs:
        agent = tree.child(verb, "agent") if tree.lemma[verb].lower() in _BY_AGENTS else None
        noun = tree.child(agent, "pobj") if agent is not None else None
        if noun is not None and not clause.blocked[noun] and noun not in clause.speaker and noun not in taken:
            found.append(Relay(plain_phrase(tree, noun), verb))
    return found


def _edges(tree: Tree, span: Span) -> range:
    low, high = tree.edges(next((t for t in range(*span) if not span[0] <= tree.head[t] < span[1]), span[0]))
    return range(low, min(high, low + _FAR))


def _citing(clause: Clause) -> Iterator[int]:
    tree = clause.tree
    for token in clause.gerunds:
        if tree.lemma[token].lower() != "cite" or clause.blocked[token] == QUOTED:
            continue
        if token not in clause.verbs and (tree.head[token] in clause.verbs or clause.belongs(token)):
            yield token


def _object(clause: Clause, verb: int) -> list[Span]:
    tree, noun = clause.tree, clause.tree.child(verb, "dobj")
    if noun is None or clause.blocked[noun] == QUOTED:
        return []
    is_source = tree.is_name(noun) or role_kind(tree.lemma[noun]) is not None
    return [] if not is_source else [plain_phrase(clause.tree, noun)]


@functools.cache
def _press_words() -> tuple[frozenset[str], frozenset[str]]:
    lexicon = load_lexicon("press_words")
    nouns, names = (frozenset(lexicon.filter(lexicon["kind"] == kind)["form"]) for kind in ("noun", "name"))
    agencies = load_lexicon("agencies")
    known = {*agencies["name"], *(alias for aliases in agencies["aliases"] for alias in aliases)}
    return nouns, names | {name.lower() for name in known}


def is_press(tree: Tree, span: Span) -> bool:
    """Whether the phrase names a newspaper, a broadcaster or an agency: the broadcaster X, the Y Times, an agency's name."""
    nouns, names = _press_words()
    words = [tree.lower(t) for t in range(*span)]
    has_name = any(tree.is_name(t) for t in range(*span))
    text = tree.text[slice(*tree.span(*span))].lower().removeprefix("the ")
    is_known = text in names or bool(nouns.intersection(words)) or bool(names.intersection((words[0], words[-1])))
    return has_name and is_known
