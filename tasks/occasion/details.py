"""When, where and to whom: the words of an attributing clause that say so."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tasks.annotation.syntax import Tree
from tasks.occasion.calendar import Days, TimeWords
from tasks.occasion.clause import QUOTED, SIDELINES, TELLING, TOLD, Clause, occasion_kind

_BOUNDS = frozenset({"after", "before", "since", "until", "till", "by", "from", "between", "ahead"})
LOCATIVE = frozenset({"in", "at", "from", "outside", "inside", "near", "aboard", "on", "before"})
_IN = LOCATIVE - {"on", "before"}
_AT = LOCATIVE - {"before"}
_BELOW = LOCATIVE | {"to"}
_DURING = frozenset({"in", "at", "during", "on", "after", "before", "following", "for", "amid", "to"})
_PLACING = LOCATIVE | _DURING
_TO = frozenset({"to", "with", "at", "before", "for"})
_TALKS_TO = {
    "to": frozenset({"say", "speak", "talk", "write", "reply", "respond", "explain", "confirm", "tell", "read", "testify", "repeat",
                     "announce", "complain", "admit", "comment", "insist", "declare", "whisper", "state", "report", "disclose",
                     "reveal", "suggest", "describe", "remark", "shout", "boast", "vow", "promise", "apologize", "appeal", "express"}),
    "with": frozenset({"speak", "talk", "chat"}),
    "at": frozenset({"tweet", "shout", "yell", "scream", "snap"}),
    "before": frozenset({"testify", "speak", "appear"}),
}  # fmt: skip
"""Preposition -> the verbs that it brings the addressee of."""
_TALKS = {
    "with": frozenset({"interview", "conversation", "call", "talk", "chat", "meeting", "discussion", "session", "briefing", "telephone"}),
    "to": frozenset({"speech", "letter", "address", "remark", "comment", "statement", "email", "e-mail", "message", "lecture", "memo",
                     "appeal", "testimony", "briefing", "note", "presentation", "report", "complaint", "tweet", "text"}),
    "before": frozenset({"testimony", "speech", "appearance", "hearing"}),
    "for": frozenset({"interview", "briefing"}),
}  # fmt: skip
"""Preposition -> the nouns of speaking that it brings the addressee of."""
_NO_ADDRESSEES = frozenset(
    {
        "story",
        "truth",
        "lie",
        "joke",
        "tale",
        "question",
        "way",
        "lot",
        "thing",
        "time",
        "what",
        "that",
        "this",
        "it",
        "which",
    }
)
_SURELY_PLACED = frozenset(
    {
        "court",
        "church",
        "parliament",
        "congress",
        "prison",
        "jail",
        "hospital",
        "school",
        "home",
        "town",
        "headquarters",
    }
)
"""Places that need no determiner: outside court, in parliament."""
_WITHOUT_PLACE = frozenset({"case", "addition", "response", "office", "place", "court"})
_PREMODIFIERS = frozenset(
    {"det", "amod", "compound", "poss", "nummod", "nmod", "quantmod", "predet", "case", "advmod", "punct"}
)

Span = tuple[int, int]
"""The first token and the one after the last."""
PlaceAt = Callable[[int], Span | None]
"""Token -> the tokens of the name of a place that it is part of."""


class Told(NamedTuple):
    """A time as printed, in characters of the paragraph, and the days it means where the calendar says so."""

    start: int
    end: int
    days: Days | None


def find_time(clause: Clause, times: Sequence[TimeWords], resolve: Callable[[TimeWords], Days | None]) -> Told | None:
    """Return when the clause says that it was said.

    Of several times the exactest counts, then the one nearest to the cue. "In a recent interview" is a time that no
    calendar knows: its words are kept.
    """
    tree, found = clause.tree, []
    for words in times:
        token = tree.token_at(words.anchor)
        if not clause.first <= token < clause.end:
            continue
        if _follows_cue(clause, words) or (clause.belongs(token) and not _is_bound(clause, token)):
            found.append((words, resolve(words), abs(token - clause.cue)))
    if found:
        words, days, _ = min(found, key=lambda row: (_rank(row[1]), row[2]))
        return Told(words.start, words.end, days)
    for preposition, noun in clause.prepositions:
        recent = next((c for c in tree.children(noun) if tree.lower(c) == "recent"), None)
        if recent is not None and occasion_kind(tree, noun) and clause.belongs(preposition):
            return Told(tree.start[preposition], tree.end[noun], None)
    return None


def _is_bound(clause: Clause, token: int) -> bool:
    """Whether the time only bounds the time of saying: after Monday, since March, before Sunday's vote."""
    tree = clause.tree
    chain = islice(tree.ancestors(token), 3)
    above = next((t for t in chain if tree.pos[t] in {"ADP", "SCONJ"} and tree.dep[t] in {"prep", "mark"}), None)
    return above is not None and tree.lower(above) in _BOUNDS and tree.child(above, "pobj") is not None


def _rank(days: Days | None) -> int:
    return 4 if days is None else ("day", "range", "month", "year").index(days.precision)


def _follows_cue(clause: Clause, words: TimeWords) -> bool:
    """Whether the time stands right behind the cue, its addressee or speaker between them: said Tuesday that …."""
    tree = clause.tree
    first, last = tree.token_at(words.start), tree.token_at(words.anchor)
    if (
        words.kind in {"year", "month", "vague"}
        or first < clause.after
        or tree.dep[last] in {"nsubj", "nsubjpass", "poss", "compound"}
    ):
        return False
    behind = clause.after
    if clause.speaker and clause.speaker[0] == clause.after:
        behind = clause.speaker[-1] + 1
    if first != behind or any(clause.blocked[t] == QUOTED for t in range(clause.after, last + 1)):
        return False
    after = tree.token_at(
        words.end
    )  # said Tuesday that; said Tuesday the bank would; no comma: "said, on Tuesday we …"
    return not (after < len(tree) and tree.tag[after] in {"VBD", "VBZ", "MD", "POS"})


def find_place(clause: Clause, place_at: PlaceAt) -> Span | None:
    """Return the tokens of the place where it was said: a name, a noun of place, or "here"."""
    tree = clause.tree
    found: list[tuple[int, Span]] = []
    for preposition, noun in clause.prepositions:
        word = tree.lower(preposition)
        if word not in _PLACING or noun in clause.speaker or not clause.belongs(preposition, of_occasion=True):
            continue
        place = _read_place(clause, word, noun, place_at)
        if place is not None:
            found.append((_depth(clause, preposition), place))
    if found:
        return min(found)[1]
    last = min(clause.end, clause.after + 12)
    if clause.after < last and "here" in tree.text[tree.start[clause.after] : tree.end[last - 1]].lower():
        for token in range(clause.after, last):
            if tree.lower(token) == "here" and clause.belongs(token):
                return token, token + 1
    return None


def _depth(clause: Clause, token: int) -> int:
    return next((n for n, above in enumerate(clause.tree.ancestors(token)) if above in clause.verbs), 99)


def _read_place(clause: Clause, preposition: str, noun: int, place_at: PlaceAt) -> Span | None:
    tree, named = clause.tree, place_at(noun)
    if named is not None:
        return named if preposition in _IN else None
    kind = occasion_kind(tree, noun)
    if kind == "place" and preposition in _AT:
        span = plain_phrase(tree, noun)
        return span if _is_definite(tree, span, noun) else None
    if tree.lemma[noun].lower() in SIDELINES:
        of = next((tree.child(c, "pobj") for c in tree.children(noun) if tree.lower(c) == "of"), None)
        return None if of is None else _read_place(clause, "at", of, place_at) or _place_below(clause, of, place_at)
    if kind in {"event", "talk"} or (place_at(noun) is None and tree.is_name(noun)):
        return _place_below(clause, noun, place_at)
    return None


def _place_below(clause: Clause, noun: int, place_at: PlaceAt) -> Span | None:
    """Return the place in the phrase of an event: a visit to X, a rally in X."""
    tree = clause.tree
    for child in tree.children(noun):
        if child > noun and tree.dep[child] == "prep" and tree.lower(child) in _BELOW and not clause.blocked[child]:
            inner = tree.child(child, "pobj")
            if inner is None:
                continue
            is_going = tree.lower(child) == "to" and occasion_kind(tree, noun) != "event"
            named = place_at(inner)
            if named is not None and not is_going:
                return named
            if tree.lower(child) != "to" and occasion_kind(tree, inner) == "place":
                span = plain_phrase(tree, inner)
                if _is_definite(tree, span, inner):
                    return span
    return None


def _is_definite(tree: Tree, span: Span, noun: int) -> bool:
    first = tree.lower(span[0])
    return first not in {"a", "an", "any", "some", "no", "every"} and (
        span[1] - span[0] > 1 or tree.lower(noun) in _SURELY_PLACED
    )


def find_addressee(clause: Clause) -> Span | None:
    """Return the tokens of the one spoken to: told X, said to X, in an interview with X, in a letter to X."""
    tree = clause.tree
    for head in _candidates(clause):
        if head in clause.speaker or clause.blocked[head] == QUOTED or tree.lower(head) in _NO_ADDRESSEES:
            continue
        if tree.pos[head] in {"NOUN", "PROPN", "PRON", "NUM"} and tree.lower(head) not in {
            "himself",
            "herself",
            "themselves",
            "itself",
        }:
            return _with_name(tree, head, plain_phrase(tree, head))
    return None


def _with_name(tree: Tree, head: int, span: Span) -> Span:
    """Return the phrase with the name behind it that models read as a second object: told the broadcaster X."""
    first, after = span
    if tree.pos[head] != "NOUN" or after >= len(tree) or not tree.is_name(after):
        return span
    name = next((c for c in tree.children(tree.head[head]) if c >= after and tree.dep[c] in {"dobj", "appos"}), None)
    if name is None or tree.edges(name)[0] != after:
        return span
    return first, plain_phrase(tree, name)[1]


def _candidates(clause: Clause) -> Iterator[int]:
    tree = clause.tree
    for verb in clause.verbs:
        lemma = tree.lemma[verb].lower()
        if lemma in TELLING and not any(tree.dep[c] in {"nsubjpass", "auxpass"} for c in tree.children(verb)):
            for child in tree.children(verb):
                is_told = clause.blocked[child] != QUOTED and verb < child < clause.end
                if is_told and tree.dep[child] in {"dobj", "dative"} and tree.pos[child] != "ADP":
                    yield child
            # "told reporters X would": models take the addressee for the subject of what is told
            yield from _subject_beside(clause, verb)
    for preposition, noun in clause.prepositions:
        word = tree.lower(preposition)
        if word not in _TO or preposition in clause.speaker:
            continue
        above = tree.head[preposition]
        lemma = tree.lemma[above].lower()
        is_verb = tree.pos[above] in {"VERB", "AUX"}
        if is_verb and lemma in _TALKS_TO.get(word, ()) and (above in clause.verbs or clause.belongs(preposition)):
            if not _is_thing(tree, noun):
                yield noun
        elif not is_verb and lemma in _TALKS.get(word, ()) and clause.belongs(preposition):
            yield noun
    for token in clause.gerunds:
        if tree.lemma[token].lower() == "address" and not clause.blocked[token]:
            addressed = tree.child(token, "dobj")
            if addressed is not None and clause.belongs(addressed):
                yield addressed


def _subject_beside(clause: Clause, verb: int) -> Iterator[int]:
    tree, after = clause.tree, clause.after
    if verb != clause.cue or after >= len(tree):
        return
    subject = next(
        (t for t in range(after, min(after + 6, len(tree))) if tree.dep[t] == "nsubj" and tree.edges(t)[0] == after),
        None,
    )
    if subject is not None and clause.blocked[subject] == TOLD:
        following = tree.edges(subject)[1]
        if (
            following < len(tree)
            and tree.dep[following] in {"nsubj", "mark", "det"}
            and tree.lower(following) in {"that", "he", "she", "they", "it"}
        ):
            yield subject


def _is_thing(tree: Tree, noun: int) -> bool:
    """Whether the noun behind "to" is what is talked about, not who is spoken to: replied to the question."""
    return (
        occasion_kind(tree, noun) == "talk"
        or tree.tag[noun] == "VBG"
        or tree.lower(noun)
        in {
            "question",
            "questions",
            "criticism",
            "charge",
            "charges",
            "claim",
            "claims",
            "news",
            "idea",
            "plan",
            "report",
            "reports",
        }
    )


def plain_phrase(tree: Tree, head: int) -> Span:
    """Return the noun with what stands before it, what it is "of", and what it is coordinated with; no other phrases."""
    first, after = head, head + 1
    for child in tree.children(head):
        label = tree.dep[child]
        low, high = tree.edges(child)
        if child < head and label in _PREMODIFIERS and high - low <= 16:
            first = min(first, low)
        elif child > head and high - low <= 8 and after >= low - 1:
            is_of = label == "prep" and tree.lower(child) == "of"
            is_joined = label in {"cc", "conj"} and not {"nsubj", "relcl"} & set(tree.dep[low:high])
            is_named = label == "appos" and low == after and tree.is_name(child)  # the broadcaster X
            if is_of or is_joined or is_named or (label in {"case", "nummod"} and low == after):
                after = high
    while after - 1 > head and (tree.pos[after - 1] in {"PUNCT", "CCONJ", "ADP"}):
        after -= 1
    while first < head and tree.pos[first] == "PUNCT":
        first += 1
    return first, after
