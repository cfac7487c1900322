"""The named mentions of one document: the model's spans, mended by what the whole document and the lexicons say.

The model reads one paragraph and forgets it. A document is more: a name printed in full once tells what its short forms
are, a title before one mention types all of them. The rules hang on the order of tokens, so they run in Python.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from tasks.annotation.syntax import Paragraph, Tree
from tasks.identity.name_types import (
    PLACE_NAME_ENDS,
    Span,
    has_organization_word,
    has_title_before,
    role_kinds,
    vote_types,
)
from tasks.identity.names import (
    could_stand_for,
    count_title_words,
    fold_name,
    is_acronym,
    is_given_name,
    is_initial,
    is_particle,
    split_title,
    titles,
)
from tasks.identity.organizations import known_organizations, organization_words
from tasks.identity.places import people_codes, place_codes
from tasks.lexicons import load_lexicon

LABEL_TYPES = {
    "PERSON": "person", "ORG": "organization", "GPE": "place", "LOC": "place", "FAC": "place", "NORP": "group",
    "EVENT": "event", "WORK_OF_ART": "work", "PRODUCT": "product", "LAW": "law",
}  # fmt: skip
_NAMED_TAGS = frozenset({"NNP", "NNPS"})
_CUT = re.compile(r"[\"“”„«»‹›()\[\]|\n\r\t;*]+|\s[–—-]\s|—|[–-]$|,(?=\d)")
_LEADING = re.compile(r"(?:[^\w’'‘]+|[’'‘](?!\w)|(?:the|a|an|The|A|An|THE)\s+)+")
_PREFIX = re.compile(r"(?:non|pro|anti|post|pre|ex|mid)-(?=[A-Z])")
_TRAILING = re.compile(r"(?:['’`´]s?|[^\w.’')]+|[,;:!?]+|\s(?:and|or|of|in|at|to|for|from|IN|OF|AND|FOR|TO))+$")
_OWNER = re.compile(r"['’]s\s+(?=[^\W\d_A-Z])")
_JOINT = re.compile(r"\s(?:and|vs\.?|with)\s|,\s")
_LETTER = re.compile(r"[^\W\d_]")
_LAST_DOT = re.compile(r"(?:\b[^\W\d_]|[A-Z][a-z]{1,3})\.$")
_OFFICE_BEFORE = re.compile(r"([\w-]+) (?:of|for) (?:the )?$")
_OFFICE_MARKS = (" of ", " for ", " of the ", " for the ")
_OFFICE_AFTER = re.compile(r"(?: [A-Z][\w-]+)? (\w+)")
_FIRST_PART = re.compile(r"[A-Z][\w’']*-$")
_ARTICLE_OF = re.compile(r"(?:Article|Section|Chapter|Clause|Title|Paragraph)s?\s[\w.()–-]+\s(?:of|in)\s(?:the\s)?")
_COURTESY = frozenset({"Mr", "Mrs", "Ms", "Miss", "Dr", "Sir"})
_OFFICE_HEADS = frozenset(
    {"secretary", "minister", "undersecretary", "ministry", "department", "vice-minister", "chancellor"}
)
_NEVER_NAMES = frozenset(
    {
        "covid", "covid19", "coronavirus", "omicron", "sarscov2", "god", "internet", "monday", "tuesday",
        "wednesday", "thursday", "friday", "saturday", "sunday", "mr", "mrs", "ms", "dr", "am", "pm",
        "i", "state", "interior", "kingdom", "independence", "national", "royal", "executive",
        "north", "south", "east", "act", "bill", "amendment", "budget", "https", "http",
    }
)  # fmt: skip
_STANDS_ALONE = frozenset(
    {
        "army",
        "assembly",
        "cabinet",
        "congress",
        "government",
        "house",
        "kremlin",
        "navy",
        "parliament",
        "pentagon",
        "politburo",
        "senate",
        "treasury",
        "tribunal",
    }
)
"""Institutions that a state has one of: their noun alone, with a capital, is a name."""

_ALSO_INSTITUTIONS = frozenset(
    {"state", "defense", "defence", "army", "navy", "treasury", "force", "fleet", "house", "general", "republic"}
)
_ROMAN = re.compile(r"[XVI]{2,}")
_BRACKETED = re.compile(r"\(([A-Z][A-Za-z.]{1,7})\)")


class Mention(NamedTuple):
    """One named mention: its paragraph (place in the document) and tokens, its characters in the body, type and title."""

    paragraph: int
    start: int
    end: int
    text: str
    entity_type: str
    rule: str
    title: str | None = None
    tokens: range = range(0)


def find_mentions(document: Sequence[Paragraph]) -> list[Mention]:
    """Return the named mentions of one document in order: no two overlap, and body[start:end] is the text."""
    spans = [
        _grow(paragraph.tree, span)
        for number, paragraph in enumerate(document)
        if paragraph.tree is not None
        for span in _find_candidates(paragraph.tree, number)
    ]
    spans = _drop_overlaps(spans)
    types = vote_types(document, spans)
    bracketed = _find_bracketed(document)
    spans += _find_acronyms(document, bracketed, spans, types)
    spans += _find_known_names(document, spans, types)
    spans = _drop_overlaps(_drop_named(document, spans, _find_plain_acronyms(document, bracketed)))
    return [mention for span in spans if (mention := _build_mention(document[span.paragraph], span, types))]


def _find_candidates(tree: Tree, number: int) -> Iterator[Span]:
    """Yield the names of one paragraph: as the model reads them, after titles, and the places that models cut in two.

    What a name is cut into hangs on its text alone, and names come again and again: that is kept.
    """
    text = tree.text
    for start, end, label in tree.entities:
        if label in LABEL_TYPES:
            for first, last, own in _cut_span(text[start:end], label):
                yield Span(number, start + first, start + last, own, "model")
    titled, places, starts, ends = [], [], tree.start, tree.end
    for token in tree.capitals:
        is_title, is_place = _read_capital(text[starts[token] : ends[token]])
        if is_title:
            titled.append(token)
        if is_place:
            places.append(token)
    for start, end in _find_titled(tree, titled) if titled else ():
        for first, last, own in _take_apart(text[start:end], "person"):
            yield Span(number, start + first, start + last, own, "after_title")
    for start, end in _find_places(tree, places) if places else ():
        for first, last, own in _take_apart(text[start:end], "place"):
            yield Span(number, start + first, start + last, own, "known_place")


_Piece = tuple[int, int, str]
"""The first character, the one after the last, and the type of what a name is taken apart into."""


@lru_cache(maxsize=2**16)
def _cut_span(text: str, label: str) -> tuple[_Piece, ...]:
    """Return the model's span without articles, titles, possessives and what lies over a quotation mark or bracket."""
    pieces, position = [], 0
    for cut in _CUT.finditer(text):
        pieces.append((position, cut.start()))
        position = cut.end()
    pieces.append((position, len(text)))
    if label == "PERSON":
        pieces = [
            part for first, last in pieces for part in _split_at_and(text, first, _before_slash(text, first, last))
        ]
    found = []
    for first, last in pieces:
        owner = _OWNER.search(text, first, last)  # Ana Vieira’s ministry
        last = owner.start() if owner else last
        article = _ARTICLE_OF.match(text, first, last)  # Article 9 of the Charter: the charter is the law
        first, last = _trim(text, article.end() if article else first, last)
        if first < last and _LETTER.search(text, first, last):
            own = _take_apart(text[first:last], LABEL_TYPES[label])
            found += [(first + start, first + end, kind) for start, end, kind in own]
    return tuple(found)


@lru_cache(maxsize=2**16)
def _take_apart(text: str, label: str) -> tuple[_Piece, ...]:
    """Return an organization and the person after it apart, and each without the title before it."""
    return tuple(_drop_title(text, *piece) for piece in _split_office(text, label))


def _before_slash(text: str, start: int, end: int) -> int:
    """Return where a credited person's name ends: `Ana Vieira/Wire` names an agency after the slash."""
    slash = text.find("/", start, end)
    return end if slash < 0 else slash


def _split_at_and(text: str, start: int, end: int) -> list[tuple[int, int]]:
    joint = _JOINT.search(text, start, end)
    return [(start, joint.start()), *_split_at_and(text, joint.end(), end)] if joint else [(start, end)]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    prefix = _PREFIX.match(text, start, end)
    start = prefix.end() if prefix else start
    lead = _LEADING.match(text, start, end)
    if lead and lead.end() < end:
        start = lead.end()
    tail = _TRAILING.search(text, start, end)
    if tail and tail.start() > start:
        end = tail.start()
    if text[end - 1 : end] == "." and not _LAST_DOT.search(text[start:end]):
        end = start + len(text[start : end - 1].rstrip())
    return start, end


def _find_titled(tree: Tree, titled: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield names after a title that the model may have missed: `Deputy Prime Minister S. Amar`, `Ms. Xi`."""
    last = -1
    for title in titled:
        token = title + 1
        if (
            token > last
            and token < len(tree)
            and tree.is_name(token)
            and not _is_title_token(tree, token)
            and tree.word(token) not in organization_words("any")
        ):
            last = token
            while last + 1 < len(tree) and _continues_name(tree, last, last + 1):
                last += 1
            yield _trim(tree.text, tree.start[token], tree.end[last])


def _is_title_token(tree: Tree, token: int) -> bool:
    return tree.end[token] < len(tree.text) and _is_title_word(tree.word(token))


@lru_cache(maxsize=2**16)
def _is_title_word(word: str) -> bool:
    return word[:1].isupper() and word.lower().rstrip(".") in _strong_titles()


@lru_cache(maxsize=2**16)
def _read_capital(word: str) -> tuple[bool, bool]:
    """Return whether a word with a capital is a title, and whether the name of a place of several words begins with it."""
    return _is_title_word(word), word in _long_places()


def _continues_name(tree: Tree, last: int, token: int) -> bool:
    gap = tree.text[tree.end[last] : tree.start[token]]
    word = tree.word(token)
    if gap == " " and (tree.tag[token] in _NAMED_TAGS or is_particle(word)) and word[:1].isalpha():
        return (
            not _is_title_token(tree, token)
            and word not in organization_words("any")
            and (word[0].isupper() or token + 1 < len(tree))
        )
    return gap == "" and (word == "-" or tree.word(last) == "-") and tree.pos[token] != "SPACE"


@cache
def _strong_titles() -> frozenset[str]:
    """Titles of one word that only ever stand before a person's name when they are printed with a capital."""
    kinds = ("courtesy", "military", "office", "religious", "academic", "royal")
    forms = load_lexicon("honorifics").filter(load_lexicon("honorifics")["kind"].is_in(kinds))["form"]
    return (
        frozenset(form.split()[-1] for form in forms if not is_given_name(form) and len(form) > 1) - _ALSO_INSTITUTIONS
    )


def _split_office(text: str, label: str) -> list[_Piece]:
    """Return the organization and the person that follows it without a comma, as in `Harbour Council Marta Lind`."""
    words = list(re.finditer(r"[^\s,]+", text))
    printed = [word.group() for word in words]
    for count in range(max(1, len(words) - 4), len(words) - 1):
        rest = printed[count:]
        if (
            _ends_organization(printed[count - 1])
            and is_given_name(rest[0])
            and len(rest) > 1
            and printed[count - 1] != "International"
            and all(word[0].isupper() and not _ends_organization(word) and not is_acronym(word) for word in rest)
        ):
            return [
                (0, words[count - 1].end(), "organization"),
                (words[count].start(), len(text), "person"),
            ]
    return [(0, len(text), label)]


def _ends_organization(word: str) -> bool:
    return (
        word in organization_words("any")
        or word in organization_words("end")
        or role_kinds().get(word.lower()) == "organization"
    )


def _drop_title(text: str, start: int, end: int, label: str) -> _Piece:
    """Take the titles off the name that stands from `start` to `end`."""
    own = text[start:end]
    words = list(re.finditer(r"\S+", own))
    printed = [word.group() for word in words]
    count = split_title(printed)
    # Although Mr Vieira
    count = max([count, *(n for n, word in enumerate(printed[:-1], 1) if word.rstrip(".") in _COURTESY)])
    if count < len(words) - 2 and label in ("person", "organization"):
        count += _is_nationality(printed[count]) and is_given_name(printed[count + 1])
    if count and fold_name(own) not in place_codes():
        strong = printed[count - 1].lower().rstrip(".") in _strong_titles()
        if label == "person" or strong:
            # a title, and then a name: a person, whatever the model said, unless an institution follows it
            return start + words[count].start(), end, label if has_organization_word(own) else "person"
    return start, end, label


def _is_nationality(word: str) -> bool:
    key = fold_name(word)
    return key in people_codes() and key not in place_codes() and not is_given_name(word)


def _grow(tree: Tree, span: Span) -> Span:
    """Take in the neighbouring words of a name that the model left outside."""
    number, start, end, label, rule = span
    first = bisect_right(tree.end, start)
    last = bisect_left(tree.start, end, first) - 1
    if last < first:
        return span
    if end == tree.end[last] and tree.text.startswith(" ", end) and _goes_on(tree, last):
        grown = _grow_organization(tree, last)
        if grown > last:
            return Span(number, start, tree.end[grown], "organization", rule)
        grown = _grow_place(tree, last)
        if grown > last:
            return Span(number, start, tree.end[grown], "place", rule)
    if label == "person":
        own = _grow_person(tree, first, last, span)
        return span if own == (start, end) else Span(number, *own, label, rule)
    return span


def _goes_on(tree: Tree, token: int) -> bool:
    """Whether a word of a name follows after a blank, one that the model left outside of all entities."""
    after = token + 1
    return (
        after < len(tree)
        and tree.is_name(after)
        and tree.text[tree.end[token] : tree.start[after]] == " "
        and after not in tree.in_entities
    )


def _grow_person(tree: Tree, first: int, last: int, span: Span) -> tuple[int, int]:
    start, end = span.start, span.end
    if end == tree.end[last]:
        while (after := _next_of_name(tree, last)) is not None:
            last, end = after, tree.end[after]
    while (
        first
        and tree.is_name(first - 1)
        and tree.is_name(first)
        and tree.text[tree.end[first - 1] : tree.start[first]] == " "
        and first - 1 not in tree.in_entities
        and _is_forename(tree, first - 1)
    ):
        first -= 1
        start = tree.start[first]
    return start, end


def _is_forename(tree: Tree, token: int) -> bool:
    word = tree.word(token)
    return (
        word[:1].isupper()
        and not _is_title_token(tree, token)
        and word.lower() not in titles()
        and (is_given_name(word) or is_initial(word))
    )


def _next_of_name(tree: Tree, last: int) -> int | None:
    """Return the token up to which a person's name goes on: the next word of it, after particles (dos Santos)."""
    token = last + 1
    while token < len(tree) and is_particle(word := tree.word(token)) and word.islower():
        token += 1
    if (
        token >= len(tree)
        or not tree.is_name(token)
        or token - last > 3
        or (token == last + 1 and token in tree.in_entities)
    ):
        return None
    if any(tree.text[tree.end[t] : tree.start[t + 1]] != " " for t in range(last, token)):
        return None
    return token if token > last + 1 or _are_joined(tree, last, token) else None


def _grow_organization(tree: Tree, last: int) -> int:
    """Return the last token of an organization's name that begins with a name: Lisbon Baptist University."""
    token = last
    while token - last < 4 and _goes_on(tree, token):
        token += 1
        if tree.word(token) in organization_words("any"):
            last = token
    return last


def _grow_place(tree: Tree, last: int) -> int:
    """Return the last token of a place's name that the model cut: Halvik National Park."""
    token = last
    while token - last < 2 and _goes_on(tree, token):
        token += 1
        word = tree.word(token)
        if word.istitle() and word.lower() in PLACE_NAME_ENDS:
            return token
    return last


def _are_joined(tree: Tree, left: int, right: int) -> bool:
    word = tree.word(right)
    if word in organization_words("any") or word in organization_words("end") or word.lower() in PLACE_NAME_ENDS:
        return False
    return tree.head[left] == right or tree.head[right] == left or tree.head[left] == tree.head[right]


def _drop_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Keep of spans that overlap the one that was found first among the longest; in the order of the text."""
    kept: list[Span] = []
    together: list[Span] = []
    number, reach = -1, -1
    for span in sorted(spans, key=itemgetter(0, 1)):
        if span.start >= span.end:
            continue
        if span.paragraph != number or span.start >= reach:
            kept += _keep_longest(together) if len(together) > 1 else together
            together, number, reach = [span], span.paragraph, span.end
        else:
            together.append(span)
            reach = max(reach, span.end)
    return kept + _keep_longest(together)


def _keep_longest(spans: list[Span]) -> list[Span]:
    """Keep the longest of spans that hang together, then the longest that it leaves room for, and so on."""
    if len(spans) < 2:
        return spans
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=itemgetter(1))


_Bracketed = tuple[int, re.Match[str]]
"""The number of a paragraph, and something like an acronym in brackets there."""


def _find_bracketed(document: Sequence[Paragraph]) -> list[_Bracketed]:
    return [
        (number, match)
        for number, paragraph in enumerate(document)
        if "(" in paragraph.text
        for match in _BRACKETED.finditer(paragraph.text)
    ]


def _find_acronyms(
    document: Sequence[Paragraph], bracketed: Sequence[_Bracketed], spans: Sequence[Span], types: dict[str, str]
) -> list[Span]:
    """Return acronyms in brackets and the names before them: both have one type, an organization if none is known."""
    ends = {(span.paragraph, span.end): span for span in spans} if bracketed else {}
    found = []
    for number, match in bracketed:
        text = document[number].text
        end = len(text[: match.start()].rstrip())
        name = ends.get((number, end))
        if name is None:
            start = _find_expansion(text, match.start(), match[1])
            if start is None:
                continue
            name = Span(number, start, end, "organization", "acronym")
            types.setdefault(fold_name(text[name.start : name.end]), "organization")
            found.append(name)
        spelled = text[name.start : name.end]
        label = types[fold_name(spelled)]
        is_short = is_acronym(match[1]) or could_stand_for(match[1], spelled)
        label = "organization" if match[1] in known_organizations() else label
        if is_short and label in ("organization", "place", "law", "event"):
            found.append(Span(number, *match.span(1), label, "acronym"))
            types[fold_name(match[1])] = label
    return found


def _find_expansion(text: str, end: int, acronym: str) -> int | None:
    """Return where the capitalized words before `end` begin that `acronym` is the initials of."""
    words = list(re.finditer(r"[^\W_][\w'’.-]*", text[max(0, end - 120) : end]))
    for count in range(2, min(len(words), 9) + 1):
        said = [word.group() for word in words[-count:]]
        if could_stand_for(acronym, " ".join(said)) and said[0][0].isupper() and said[-1][0].isupper():
            return max(0, end - 120) + words[-count].start()
    return None


def _find_plain_acronyms(document: Sequence[Paragraph], bracketed: Sequence[_Bracketed]) -> set[str]:
    """Return the acronyms that the document explains by common nouns: closed-circuit television (CCTV)."""
    plain = set()
    for number, match in bracketed:
        words = re.findall(r"[^\W_]+", document[number].text[max(0, match.start() - 120) : match.start()])
        for count in range(2, 7):
            said = words[-count:]
            is_plain = len(said) == count and not any(word[0].isupper() for word in said[1:])
            if is_plain and could_stand_for(match[1], " ".join(said)):
                plain.add(match[1])
    return plain


def _drop_named(document: Sequence[Paragraph], spans: list[Span], texts: set[str]) -> list[Span]:
    if not texts:
        return spans
    return [span for span in spans if document[span.paragraph].text[span.start : span.end] not in texts]


def _find_known_names(document: Sequence[Paragraph], spans: Sequence[Span], types: dict[str, str]) -> list[Span]:
    """Return the places where names of the document are printed again and were missed."""
    found = {span[:3] for span in spans}
    counts = Counter([document[number].text[start:end] for number, start, end in found])
    names = set()
    for text in counts:
        key = fold_name(text)
        label = types[key]
        if label not in ("person", "organization", "place") or key in _NEVER_NAMES:
            continue
        names.add(text)
        if " " in text:
            names.add(text.upper())
        surname = text.split()[-1]
        if label == "person" and surname != text and len(surname) > 2 and surname[0].isupper():
            names.add(surname)
            types.setdefault(fold_name(surname), "person")
    printed = "\n".join([paragraph.text for paragraph in document])
    missed = [name for name in names if printed.count(name) != counts[name]]  # a quick look that most names pass
    if not missed:
        return []
    places = [0, *accumulate(len(paragraph.text) + 1 for paragraph in document)]
    return [
        Span(number, start, end, types[fold_name(name)], "known_name")
        for name in missed
        for number, start, end in _find_printed(document, printed, places, name, found)
    ]


def _find_printed(
    document: Sequence[Paragraph],
    printed: str,
    places: Sequence[int],
    name: str,
    found: set[tuple[int, int, int]],
) -> Iterator[tuple[int, int, int]]:
    """Yield where a name is printed whole, as a name, and was not found.

    Args:
        document: The paragraphs.
        printed: Their texts, a line each: one look through it is shorter than one through each.
        places: Where the paragraphs begin in it.
        name: The name.
        found: Paragraph, start and end of the names that were found.
    """
    at = printed.find(name)
    while at >= 0:
        number = bisect_right(places, at) - 1
        tree, start = document[number].tree, at - places[number]
        end = start + len(name)
        if tree is not None and (number, start, end) not in found and _is_printed(tree, name, start):
            yield number, start, end
        at = printed.find(name, at + 1)


def _is_printed(tree: Tree, name: str, start: int) -> bool:
    """Whether the name that stands at `start` begins and ends with a word, and is tagged as a name."""
    text, end = tree.text, start + len(name)
    if text[end : end + 1].isalnum():
        return False
    token = bisect_left(tree.start, start)
    if token == len(tree) or tree.start[token] != start or tree.word(token) != _first_word(name):
        return False
    is_second_part = text[start - 1 : start] == "-" and _FIRST_PART.search(text, max(0, start - 30), start)
    return not is_second_part and any(map(tree.is_name, tree.tokens_in(start, end)))


def _first_word(name: str) -> str:
    """Return a name up to its first blank or hyphen, as tokens are cut."""
    return re.split(r"[\s-]", name, maxsplit=1)[0]


def _find_places(tree: Tree, tokens: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the places of more than one word that the lexicons know: models cut Trinidad and Tobago in two."""
    for token in tokens:
        start = tree.start[token]
        for name in _long_places()[tree.word(token)]:
            if tree.text.startswith(name, start) and _is_printed(tree, name, start):
                yield start, start + len(name)


@cache
def _long_places() -> Mapping[str, Sequence[str]]:
    """Return the places of more than one word, by the first."""
    countries, regions = load_lexicon("countries"), load_lexicon("regions")
    lists = [*countries["aliases"], *countries["capitals"], *regions["aliases"], countries["name"], regions["name"]]
    names = {name for own in lists for name in own}
    by_first: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        if name[0].isupper() and "," not in name and re.search(r"[\s-]", name):
            by_first[_first_word(name)].append(name)
    return dict(by_first)


def _build_mention(paragraph: Paragraph, span: Span, types: Mapping[str, str]) -> Mention | None:
    printed, start, end = paragraph.text, span.start, span.end
    text = printed[start:end]
    label = types.get(fold_name(text), span.label)
    if (
        not _may_be_mention(text, label, is_guess=span.rule == "model")
        or (label in ("person", "organization") and _is_role_noun(text, label, types))
        or _is_office(printed, start, end, text)
        or printed.startswith("://", end)
    ):
        return None
    assert paragraph.tree is not None
    title = _read_title(printed, start) if label == "person" else None
    first, tokens = paragraph.start_char + start, paragraph.tree.tokens_in(start, end)
    return Mention(span.paragraph, first, first + len(text), text, label, span.rule, title, tokens)


@lru_cache(maxsize=2**16)
def _may_be_mention(text: str, label: str, *, is_guess: bool) -> bool:
    """Whether a name of the type may be printed so; `is_guess` when only the model says that it is one."""
    return not (
        _is_no_name(text, fold_name(text))
        or (is_guess and label in _NAMED_TYPES and not any(char.isupper() for char in text))
        or (label == "person" and not {"of", "for", "the", "and"}.isdisjoint(text.split()))
        or (label in ("person", "organization") and text.lower().rstrip(".") in titles())
        or "://" in text
        or "www." in text
    )


_NAMED_TYPES = frozenset({"person", "organization", "place", "law", "work"})


@cache
def _common_acronyms() -> frozenset[str]:
    return frozenset(load_lexicon("common_acronyms")["form"])


def _is_no_name(text: str, key: str) -> bool:
    return (
        len(key) < 2
        or (key in _NEVER_NAMES and not is_acronym(text))
        or text in _common_acronyms()
        or _ROMAN.fullmatch(text) is not None
        or not any(char.isalpha() for char in text)
    )


def _is_role_noun(text: str, label: str, types: Mapping[str, str]) -> bool:
    """Whether one word is no name but a role with a capital: the Opposition, the Commission; no surname of the document."""
    if not _names_role(text):
        return False
    key = fold_name(text)
    if label == "organization":
        return key not in _STANDS_ALONE
    return not any(name.endswith(" " + key) for name, known in types.items() if known == "person")


@lru_cache(maxsize=2**16)
def _names_role(text: str) -> bool:
    if " " in text or is_given_name(text):
        return False
    key = fold_name(text)
    return any(role_kinds().get(word) for word in (key, key.removesuffix("s"), key.removesuffix("es")))


def _is_office(printed: str, start: int, end: int, text: str) -> bool:
    """Whether the words are part of an office: State in Secretary of State, Interior in Minister of the Interior."""
    is_before = printed.endswith(_OFFICE_MARKS, max(0, start - 40), start)
    is_after = printed[end : end + 1] == " " and "A" <= printed[end + 1 : end + 2] <= "Z"
    if not (is_before or is_after) or _names_no_office(text):
        return False
    before = _OFFICE_BEFORE.search(printed, max(0, start - 40), start) if is_before else None
    if before is not None and before[1].lower() in _OFFICE_HEADS:
        return True
    after = _OFFICE_AFTER.match(printed, end, end + 40) if is_after else None
    return after is not None and after[1] in {"Minister", "Secretary", "Undersecretary"}


@lru_cache(maxsize=2**16)
def _names_no_office(text: str) -> bool:
    key = fold_name(text)
    return key in place_codes() or key in people_codes() or is_acronym(text)


def _read_title(text: str, start: int) -> str | None:
    if not has_title_before(text, start):
        return None
    clean = text[max(0, start - 80) : start].split()[-6:]
    for position in range(len(clean) - 1, -1, -1):
        if clean[position][-1] in ',;:!?”"’)' or (
            clean[position][-1] == "." and clean[position].lower().rstrip(".") not in titles()
        ):
            clean = clean[position + 1 :]
            break
    count = count_title_words(clean)
    return " ".join(clean[-count:]) if count else None
