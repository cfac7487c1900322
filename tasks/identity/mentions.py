"""The named mentions of one document: the model's spans, mended by what the whole document and the lexicons say.

The model reads one paragraph and forgets it. A document is more: a name printed in full once tells what its short forms
are, a title before one mention types all of them. The rules hang on the order of tokens, so they run in Python.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from tasks.annotation.syntax import Paragraph, Tree
from tasks.identity.name_types import PLACE_NAME_ENDS, Span, has_organization_word, role_kinds, vote_types
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
_QUOTE_MARKS = frozenset('"“”„«»‹›')
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
    """One named mention: its paragraph (place in the document), its characters in the body, its type and its title."""

    paragraph: int
    start: int
    end: int
    text: str
    entity_type: str
    rule: str
    title: str | None = None

    @property
    def key(self) -> str:
        """The folded text."""
        return fold_name(self.text)


def find_mentions(document: Sequence[Paragraph]) -> list[Mention]:
    """Return the named mentions of one document in order: no two overlap, and body[start:end] is the text."""
    spans = [span for number in range(len(document)) for span in _read_spans(document, number)]
    spans += [span for number in range(len(document)) for span in _find_titled(document, number)]
    spans += [span for number in range(len(document)) for span in _find_known_places(document, number)]
    spans = [part for span in spans for part in _split_office(document, span)]
    spans = _drop_overlaps(_mend_edges(document, spans))
    types = vote_types(document, spans)
    spans += _find_acronyms(document, spans, types)
    spans += _find_known_names(document, spans, types)
    spans = _drop_named(document, spans, _find_plain_acronyms(document))
    mentions = (_build_mention(document, span, types) for span in _drop_overlaps(spans))
    return sorted((mention for mention in mentions if mention), key=lambda mention: mention.start)


def _read_spans(document: Sequence[Paragraph], number: int) -> Iterator[Span]:
    """Yield the model's spans without articles, titles, possessives and what lies over a quotation mark or bracket."""
    paragraph = document[number]
    for start, end, label in paragraph.tree.entities if paragraph.tree else ():
        if label not in LABEL_TYPES:
            continue
        for first, last in _cut_span(paragraph.text, start, end, label):
            yield Span(number, first, last, LABEL_TYPES[label], "model")


def _cut_span(text: str, start: int, end: int, label: str) -> Iterator[tuple[int, int]]:
    pieces, position = [], start
    for cut in _CUT.finditer(text, start, end):
        pieces.append((position, cut.start()))
        position = cut.end()
    pieces.append((position, end))
    if label == "PERSON":
        pieces = [
            part for first, last in pieces for part in _split_at_and(text, first, _before_slash(text, first, last))
        ]
    for first, last in pieces:
        owner = _OWNER.search(text, first, last)  # Ana Vieira’s ministry
        last = owner.start() if owner else last
        article = _ARTICLE_OF.match(text, first, last)  # Article 9 of the Charter: the charter is the law
        first, last = _trim(text, article.end() if article else first, last)
        if first < last and _LETTER.search(text, first, last):
            yield first, last


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


def _find_titled(document: Sequence[Paragraph], number: int) -> Iterator[Span]:
    """Yield names after a title that the model may have missed: `Deputy Prime Minister S. Amar`, `Ms. Xi`."""
    tree = document[number].tree
    if tree is None or _strong_titles().isdisjoint([word.rstrip(".") for word in tree.lowers]):
        return
    token = 0
    while token < len(tree):
        if (
            tree.tag[token] in _NAMED_TAGS
            and token
            and _is_title_token(tree, token - 1)
            and not _is_title_token(tree, token)
            and tree.word(token) not in organization_words("any")
        ):
            last = token
            while last + 1 < len(tree) and _continues_name(tree, last, last + 1):
                last += 1
            yield Span(number, *_trim(tree.text, tree.start[token], tree.end[last]), "person", "after_title")
            token = last
        token += 1


def _is_title_token(tree: Tree, token: int) -> bool:
    word = tree.word(token)
    return word[:1].isupper() and tree.end[token] < len(tree.text) and word.lower().rstrip(".") in _strong_titles()


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


def _split_office(document: Sequence[Paragraph], span: Span) -> list[Span]:
    """Return the organization and the person that follows it without a comma, as in `Harbour Council Marta Lind`."""
    text = document[span.paragraph].text[span.start : span.end]
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
                replace(span, end=span.start + words[count - 1].end(), label="organization"),
                replace(span, start=span.start + words[count].start(), label="person"),
            ]
    return [span]


def _ends_organization(word: str) -> bool:
    return (
        word in organization_words("any")
        or word in organization_words("end")
        or role_kinds().get(word.lower()) == "organization"
    )


def _mend_edges(document: Sequence[Paragraph], spans: Sequence[Span]) -> list[Span]:
    """Take titles off, and take in the neighbouring words of a person's name that the model left outside."""
    mended = []
    covered: dict[int, set[int]] = {}
    for span in spans:
        text = document[span.paragraph].text
        tree = document[span.paragraph].tree
        assert tree is not None
        words = list(re.finditer(r"\S+", text[span.start : span.end]))
        printed = [word.group() for word in words]
        count = split_title(printed)
        # Although Mr Vieira
        count = max([count, *(n for n, word in enumerate(printed[:-1], 1) if word.rstrip(".") in _COURTESY)])
        if count < len(words) - 2 and span.label in ("person", "organization"):
            count += _is_nationality(printed[count]) and is_given_name(printed[count + 1])
        if count and fold_name(text[span.start : span.end]) not in place_codes():
            strong = words[count - 1].group().lower().rstrip(".") in _strong_titles()
            if span.label == "person" or strong:
                # a title, and then a name: a person, whatever the model said, unless an institution follows it
                label = span.label if has_organization_word(text[span.start : span.end]) else "person"
                span = replace(span, start=span.start + words[count].start(), label=label)
        if span.paragraph not in covered:
            covered[span.paragraph] = {t for first, last, _ in tree.entities for t in tree.tokens_in(first, last)}
        mended.append(_grow(tree, span, covered[span.paragraph]))
    return mended


def _is_nationality(word: str) -> bool:
    key = fold_name(word)
    return key in people_codes() and key not in place_codes() and not is_given_name(word)


def _grow(tree: Tree, span: Span, covered: set[int]) -> Span:
    tokens = tree.tokens_in(span.start, span.end)
    if not tokens:
        return span
    if span.end == tree.end[tokens[-1]]:
        last = _grow_organization(tree, tokens[-1], covered)
        if last > tokens[-1]:
            return replace(span, end=tree.end[last], label="organization")
        last = _grow_place(tree, tokens[-1], covered)
        if last > tokens[-1]:
            return replace(span, end=tree.end[last], label="place")
    if span.label == "person":
        start, end = _grow_person(tree, tokens[0], tokens[-1], span, covered)
        return replace(span, start=start, end=end)
    return span


def _grow_person(tree: Tree, first: int, last: int, span: Span, covered: set[int]) -> tuple[int, int]:
    start, end = span.start, span.end
    if end == tree.end[last]:
        while (after := _next_of_name(tree, last, covered)) is not None:
            last, end = after, tree.end[after]
    while first and first - 1 not in covered and tree.text[tree.end[first - 1] : tree.start[first]] == " ":
        word = tree.word(first - 1)
        if (
            not (
                word[:1].isupper()
                and not _is_title_token(tree, first - 1)
                and word.lower() not in titles()
                and (is_given_name(word) or is_initial(word))
                and tree.tag[first - 1] in _NAMED_TAGS
            )
            or tree.is_name(first) is False
        ):
            break
        first -= 1
        start = tree.start[first]
    return start, end


def _next_of_name(tree: Tree, last: int, covered: set[int]) -> int | None:
    """Return the token up to which a person's name goes on: the next word of it, after particles (dos Santos)."""
    token = last + 1
    while token < len(tree) and is_particle(tree.word(token)) and tree.word(token).islower():
        token += 1
    if (
        token >= len(tree)
        or (token in covered and token == last + 1)
        or tree.tag[token] not in _NAMED_TAGS
        or token - last > 3
    ):
        return None
    if any(tree.text[tree.end[t] : tree.start[t + 1]] != " " for t in range(last, token)):
        return None
    return token if token > last + 1 or _are_joined(tree, last, token) else None


def _grow_organization(tree: Tree, last: int, covered: set[int]) -> int:
    """Return the last token of an organization's name that begins with a name: Lisbon Baptist University."""
    token = last
    while token + 1 < len(tree) and token - last < 4 and token + 1 not in covered and tree.is_name(token + 1):
        if tree.text[tree.end[token] : tree.start[token + 1]] != " ":
            break
        token += 1
        if tree.word(token) in organization_words("any"):
            last = token
    return last


def _grow_place(tree: Tree, last: int, covered: set[int]) -> int:
    """Return the last token of a place's name that the model cut: Halvik National Park."""
    token = last
    while token + 1 < len(tree) and token - last < 2 and token + 1 not in covered and tree.is_name(token + 1):
        if tree.text[tree.end[token] : tree.start[token + 1]] != " ":
            break
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


def _drop_overlaps(spans: Sequence[Span]) -> list[Span]:
    """Keep of spans that overlap the one that was found first among the longest."""
    kept: list[Span] = []
    taken = {number: bytearray(end) for number, end in sorted((span.paragraph, span.end) for span in spans)}
    for span in sorted(spans, key=lambda span: (span.paragraph, -(span.end - span.start), span.start)):
        own = taken[span.paragraph]
        if span.start < span.end and not any(own[span.start : span.end]):
            own[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: (span.paragraph, span.start))


def _find_acronyms(document: Sequence[Paragraph], spans: Sequence[Span], types: dict[str, str]) -> list[Span]:
    """Return acronyms in brackets and the names before them: both have one type, an organization if none is known."""
    ends = {(span.paragraph, span.end): span for span in spans}
    found = []
    for number, paragraph in enumerate(document):
        for match in _BRACKETED.finditer(paragraph.text):
            name = ends.get((number, len(paragraph.text[: match.start()].rstrip())))
            if name is None:
                start = _find_expansion(paragraph.text, match.start(), match[1])
                if start is None:
                    continue
                name = Span(number, start, len(paragraph.text[: match.start()].rstrip()), "organization", "acronym")
                types.setdefault(fold_name(paragraph.text[name.start : name.end]), "organization")
                found.append(name)
            label = types[fold_name(paragraph.text[name.start : name.end])]
            spelled = paragraph.text[name.start : name.end]
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


def _find_plain_acronyms(document: Sequence[Paragraph]) -> set[str]:
    """Return the acronyms that the document explains by common nouns: closed-circuit television (CCTV)."""
    plain = set()
    for paragraph in document:
        for match in _BRACKETED.finditer(paragraph.text):
            words = re.findall(r"[^\W_]+", paragraph.text[max(0, match.start() - 120) : match.start()])
            for count in range(2, 7):
                said = words[-count:]
                is_plain = len(said) == count and not any(word[0].isupper() for word in said[1:])
                if is_plain and could_stand_for(match[1], " ".join(said)):
                    plain.add(match[1])
    return plain


def _drop_named(document: Sequence[Paragraph], spans: list[Span], texts: set[str]) -> list[Span]:
    return [span for span in spans if document[span.paragraph].text[span.start : span.end] not in texts]


_NameIndex = Mapping[str, Mapping[int, set[str]]]
"""Names by their first word (up to a hyphen, as tokens are cut) and by their length in characters."""


def _index_names(names: Iterable[str]) -> _NameIndex:
    index: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in names:
        index[re.split(r"[\s-]", name)[0]][len(name)].add(name)
    return index


def _find_known_names(document: Sequence[Paragraph], spans: Sequence[Span], types: dict[str, str]) -> list[Span]:
    """Return the places where names of the document are printed again and were missed."""
    names = set()
    for span in spans:
        text = document[span.paragraph].text[span.start : span.end]
        label = types.get(fold_name(text), span.label)
        if label not in ("person", "organization", "place") or fold_name(text) in _NEVER_NAMES:
            continue
        names.add(text)
        if " " in text:
            names.add(text.upper())
        surname = text.split()[-1]
        if label == "person" and surname != text and len(surname) > 2 and surname[0].isupper():
            names.add(surname)
            types.setdefault(fold_name(surname), "person")
    index = _index_names(names)
    return [
        Span(number, start, end, types[fold_name(paragraph.text[start:end])], "known_name")
        for number, paragraph in enumerate(document)
        if paragraph.tree is not None
        for start, end in _find_printed(paragraph.tree, index)
    ]


def _find_known_places(document: Sequence[Paragraph], number: int) -> Iterator[Span]:
    """Yield the places of more than one word that the lexicons know: models cut Trinidad and Tobago in two."""
    tree = document[number].tree
    for start, end in _find_printed(tree, _long_places()) if tree else ():
        yield Span(number, start, end, "place", "known_place")


@cache
def _long_places() -> _NameIndex:
    countries, regions = load_lexicon("countries"), load_lexicon("regions")
    lists = [*countries["aliases"], *countries["capitals"], *regions["aliases"], countries["name"], regions["name"]]
    names = {name for own in lists for name in own}
    return _index_names(name for name in names if name[0].isupper() and "," not in name and re.search(r"[\s-]", name))


def _find_printed(tree: Tree, names: _NameIndex) -> Iterator[tuple[int, int]]:
    """Yield where one of `names` is printed whole, as a name."""
    text = tree.text
    for token, word in enumerate(tree.words):
        if word not in names:
            continue
        start = tree.start[token]
        for length, own in names[word].items():
            end = start + length
            if text[start:end] not in own or text[end : end + 1].isalnum():
                continue
            is_second_part = text[start - 1 : start] == "-" and _FIRST_PART.search(text, max(0, start - 30), start)
            if not is_second_part and _is_name(tree, token, end):
                yield start, end


def _is_name(tree: Tree, token: int, end: int) -> bool:
    """Whether one of the tokens from `token` to the character `end` is tagged as a name."""
    while token < len(tree.start) and tree.start[token] < end:
        if tree.tag[token] in _NAMED_TAGS:
            return True
        token += 1
    return False


def _build_mention(document: Sequence[Paragraph], span: Span, types: dict[str, str]) -> Mention | None:
    paragraph = document[span.paragraph]
    text = paragraph.text[span.start : span.end]
    key = fold_name(text)
    label = types.get(key, span.label)
    if _is_no_name(text, key) or _is_office(paragraph, span, key):
        return None
    if (
        label in ("person", "organization", "place", "law", "work")
        and not any(char.isupper() for char in text)
        and span.rule == "model"
    ):
        return None
    if label == "person" and set(text.split()) & {"of", "for", "the", "and"}:
        return None
    if text.lower().rstrip(".") in titles() and label in ("person", "organization"):
        return None
    if label in ("person", "organization") and _is_role_noun(text, label, types):
        return None
    if "://" in text or "www." in text or paragraph.text[span.end : span.end + 3] == "://":
        return None
    start = paragraph.start_char + span.start
    title = _read_title(paragraph.text, span.start) if label == "person" else None
    return Mention(span.paragraph, start, start + len(text), text, label, span.rule, title)


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
    if " " in text or is_given_name(text):
        return False
    key = fold_name(text)
    kinds = (role_kinds().get(word) for word in (key, key.removesuffix("s"), key.removesuffix("es")))
    if label == "organization":
        return any(kinds) and key not in _STANDS_ALONE
    return any(kinds) and not any(name.endswith(" " + key) for name, known in types.items() if known == "person")


def _is_office(paragraph: Paragraph, span: Span, key: str) -> bool:
    """Whether the words are part of an office: State in Secretary of State, Interior in Minister of the Interior."""
    if key in place_codes() or key in people_codes() or is_acronym(paragraph.text[span.start : span.end]):
        return False
    before = _OFFICE_BEFORE.search(paragraph.text, max(0, span.start - 40), span.start)
    after = _OFFICE_AFTER.match(paragraph.text, span.end, span.end + 40)
    is_before = before is not None and before[1].lower() in _OFFICE_HEADS
    return is_before or (after is not None and after[1] in {"Minister", "Secretary", "Undersecretary"})


def _read_title(text: str, start: int) -> str | None:
    before = text[max(0, start - 80) : start]
    if not before.endswith(" "):
        return None
    clean = before.split()[-6:]
    for position in range(len(clean) - 1, -1, -1):
        if clean[position][-1] in ',;:!?”"’)' or (
            clean[position][-1] == "." and clean[position].lower().rstrip(".") not in titles()
        ):
            clean = clean[position + 1 :]
            break
    count = count_title_words(clean)
    return " ".join(clean[-count:]) if count else None
