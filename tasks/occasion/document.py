"""Read the statements of one document, in order: when, where and to whom each was made, by whom, through whom, about whom."""

import functools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

from tasks.annotation.syntax import Paragraph
from tasks.attribution.kinds import speaker_kind
from tasks.identity.names import fold_name
from tasks.lexicons import load_lexicon
from tasks.occasion.about import Named, People, Pronoun, Spoken, resolve_pronouns
from tasks.occasion.calendar import Days, TimeWords, find_times, resolve_time
from tasks.occasion.chains import find_relays, is_press, names_pair, split_speakers
from tasks.occasion.clause import QUOTED, Clause, occasion_kind, read_clause
from tasks.occasion.details import LOCATIVE, Told, find_addressee, find_place, find_time
from tasks.occasion.page import CharSpan, Page, open_page

_FUTURE = frozenset({"will", "shall", "’ll", "'ll"})
_SPEAKERS = frozenset({"person", "organization", "place", "group", "law", "work"})


class Quote(NamedTuple):
    """One quote: its place in the body and its statement."""

    quote_id: str
    statement_id: str | None
    start: int
    end: int
    is_marked: bool
    is_nested: bool


class Statement(NamedTuple):
    """One statement: its cue, speaker and relay as characters of the body, None where there is none, and whom they mean."""

    statement_id: str
    is_direct: bool
    fragments: Sequence[CharSpan]
    cue: CharSpan | None
    speaker: CharSpan | None
    via: CharSpan | None
    speaker_entity: str | None
    speaker_kind: str | None


class Occasion(NamedTuple):
    """When, where and to whom: characters of the body, the days of the time, and the entity of the place."""

    time: Told | None = None
    place: CharSpan | None = None
    place_entity: str | None = None
    addressee: CharSpan | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the text says nothing of it."""
        return self.time is None and self.place is None and self.addressee is None


_NO_OCCASION = Occasion()


@dataclass(frozen=True)
class Article:
    """What of an article its statements are read with: the day of writing, its outlet, where it was written."""

    today: date | None
    outlet: str | None
    dateline_place: str | None
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Reading:
    """What was read of a document: an occasion a statement, and the rows of speakers, relays, mentions and pronouns.

    Attributes:
        occasions: Statement -> its occasion.
        speakers: Statement, number, characters, entity, kind.
        relays: Statement, number, characters, cue as printed, entity.
        about: Quote, mention, role.
        pronouns: The pronouns inside quotations that were resolved.
    """

    occasions: dict[str, Occasion] = field(default_factory=dict)
    speakers: list[tuple[str, int, CharSpan, str | None, str | None]] = field(default_factory=list)
    relays: list[tuple[str, int, CharSpan, str | None, str | None]] = field(default_factory=list)
    about: list[tuple[str, str, str]] = field(default_factory=list)
    pronouns: list[Pronoun] = field(default_factory=list)


@functools.cache
def _classes() -> dict[str, str]:
    nouns = load_lexicon("reporting_nouns").select("lemma", "verb_class").iter_rows()
    verbs = load_lexicon("reporting_verbs").select("lemma", "class").iter_rows()
    return {**dict(nouns), **dict(verbs)}


class DocumentReader:
    """Reads one document; statements must be given in the order of the text."""

    def __init__(
        self,
        article: Article,
        document: Sequence[Paragraph],
        quotes: Sequence[Quote],
        statements: Sequence[Statement],
        people: People,
    ) -> None:
        """Note where quotations and told words stand; paragraphs are opened when a statement asks for them."""
        self._article, self._document, self._people = article, document, people
        self._quotes = sorted(quotes, key=lambda q: q.start)
        self._statements = statements
        self._starts = [paragraph.start_char for paragraph in document]
        self._marked = [(q.start, q.end) for q in self._quotes if q.is_marked and not q.is_nested]
        self._told = sorted(fragment for s in statements for fragment in s.fragments)
        self._pages: dict[int, Page | None] = {}
        self._by_statement: dict[str, list[Quote]] = defaultdict(list)
        for quote in self._quotes:
            if quote.statement_id is not None:
                self._by_statement[quote.statement_id].append(quote)

    def read(self, new_mention_id: Callable[[int, int], str]) -> Reading:
        """Read all statements, then who is mentioned in and around their quotes."""
        reading = Reading()
        around: dict[str, list[Named]] = {}
        previous: tuple[Statement, int] | None = None
        for statement in self._statements:
            number, page = self._page_of(statement)
            if page is None:
                continue
            clause = self._read_clause(statement, page)
            occasion = self._find_occasion(statement, page, clause)
            before = previous[0] if previous is not None and number - previous[1] <= 1 else None
            if occasion.is_empty and before and clause and _continues(clause, statement, before):
                occasion = reading.occasions[before.statement_id]
            reading.occasions[statement.statement_id] = occasion
            previous = statement, number
            speakers = self._list_speakers(statement)
            relays = self._list_relays(statement, page, clause, occasion)
            reading.speakers += [(statement.statement_id, n, *row) for n, row in enumerate(speakers)]
            reading.relays += [(statement.statement_id, n, *row) for n, row in enumerate(relays)]
            spans = [s for s in (occasion.place, occasion.addressee) if s is not None] + [row[0] for row in relays]
            own = {row[1] for row in speakers} - {None}
            around[statement.statement_id] = self._list_around(statement, page, clause, spans, own)
            self._resolve_pronouns(statement, occasion, around[statement.statement_id], reading, new_mention_id)
        self._list_about(around, reading)
        return reading

    def _page_of(self, statement: Statement) -> tuple[int, Page | None]:
        at = statement.cue or statement.fragments[0]
        return self._page_at(at[0])

    def _page_at(self, char: int) -> tuple[int, Page | None]:
        number = max(bisect_right(self._starts, char) - 1, 0)
        pages = self._pages
        if number not in pages:
            paragraph = self._document[number]
            first, after = (paragraph.start_char, 0), (paragraph.start_char + len(paragraph.text), 0)
            marked = self._marked[bisect_left(self._marked, first) : bisect_left(self._marked, after)]
            told = self._told[bisect_left(self._told, first) : bisect_left(self._told, after)]
            pages[number] = open_page(paragraph, marked, told)
        return number, pages[number]

    def _read_clause(self, statement: Statement, page: Page) -> Clause | None:
        """Return the attributing clause; None without a cue, or with one inside somebody's quotation."""
        if statement.cue is None:
            return None
        tokens = page.tokens(*statement.cue)
        if not tokens or page.blocked[tokens[0]] == QUOTED:
            return None
        speaker = page.tokens(*statement.speaker) if statement.speaker else range(0)
        return read_clause(page.tree, (tokens[0], tokens[-1] + 1), speaker, page.blocked, page.frame_around(tokens[0]))

    def _find_occasion(self, statement: Statement, page: Page, clause: Clause | None) -> Occasion:
        if clause is None or not _is_said(clause, statement):
            return _NO_OCCASION
        time = None
        if page.times or "recent" in page.tree.text:
            is_future = any(clause.tree.lower(c) in _FUTURE for c in clause.tree.children(clause.cue))
            time = find_time(clause, page.times, functools.partial(self._resolve, page, is_future=is_future))
        if time is not None:
            time = Told(time.start + page.offset, time.end + page.offset, time.days)
        addressee = find_addressee(clause)
        place = find_place(clause, functools.partial(self._place_at, page))
        if place is not None and addressee is not None and place[0] < addressee[1] and addressee[0] < place[1]:
            addressee = (addressee[0], place[0]) if addressee[0] < place[0] else addressee
            place = None if addressee[0] >= place[0] else place
        return Occasion(
            time,
            page.span(place) if place else None,
            self._meant_place(page, place) if place else None,
            page.span(addressee) if addressee else None,
        )

    def _resolve(self, page: Page, words: TimeWords, *, is_future: bool) -> Days | None:
        told = self._told_before(page.offset + words.start) if words.is_anaphoric else None
        return resolve_time(words, self._article.today, told, is_future=is_future)

    def _told_before(self, char: int) -> Days | None:
        """Return the last day that the narration told before the character."""
        last = max(bisect_right(self._starts, char) - 1, 0)
        for number in range(last, max(last - 6, -1), -1):
            paragraph = self._document[number]
            for words in reversed(find_times(paragraph.text)):
                at = paragraph.start_char + words.start
                if at >= char or words.is_anaphoric or self._is_marked(at):
                    continue
                days = resolve_time(words, self._article.today, None)
                if days is not None and days.precision == "day":
                    return days
        return None

    def _is_marked(self, char: int) -> bool:
        after = bisect_right(self._marked, (char, 1 << 40))
        return after > 0 and char < self._marked[after - 1][1]

    def _place_at(self, page: Page, token: int) -> tuple[int, int] | None:
        mention = self._people.covering(page.offset + page.tree.start[token])
        if mention is None or mention.entity_type != "place" or mention.mention_type != "name":
            return None
        tokens = page.tokens(mention.start, mention.end)
        return tokens[0], tokens[-1] + 1

    def _meant_place(self, page: Page, place: tuple[int, int]) -> str | None:
        start, end = page.span(place)
        if page.read((start, end)).lower() == "here":
            return self._article.places.get(fold_name(self._article.dateline_place or ""))
        mention = self._people.covering(end - 1)
        return mention.document_entity_id if mention is not None and mention.entity_type == "place" else None

    def _list_speakers(self, statement: Statement) -> list[tuple[CharSpan, str | None, str | None]]:
        if statement.speaker is None:
            return []
        whole = (statement.speaker, statement.speaker_entity, statement.speaker_kind)
        page = self._page_at(statement.speaker[0])[1]
        tokens = page.tokens(*statement.speaker) if page is not None else range(0)
        if page is None or len(tokens) < 2:
            return [whole]
        spans = split_speakers(page.tree, tokens)
        if len(spans) > 1:
            return [self._read_speaker(page, span) for span in spans]
        noun = names_pair(page.tree, tokens)
        pair = self._find_pair(statement.speaker[0]) if noun is not None and statement.speaker_entity is None else ()
        return [(statement.speaker, entity, "person") for entity in pair] or [whole]

    def _read_speaker(self, page: Page, tokens: tuple[int, int]) -> tuple[CharSpan, str | None, str | None]:
        span = page.span(tokens)
        kind = speaker_kind(page.tree, span[0] - page.offset, span[1] - page.offset)
        head = next((t for t in range(*tokens) if not tokens[0] <= page.tree.head[t] < tokens[1]), tokens[0])
        mention = self._people.covering(page.offset + page.tree.start[head])
        if mention is None or mention.entity_type not in _SPEAKERS:
            return span, None, kind
        return span, mention.document_entity_id, "person" if mention.entity_type == "person" else kind

    def _find_pair(self, char: int) -> Sequence[str]:
        """Return the two persons last told of, where there are exactly two in the nearest text that has any two."""
        number, end = max(bisect_right(self._starts, char) - 1, 0), char
        found: dict[str, None] = {}
        for start in reversed(self._starts[max(number - 2, 0) : number + 1]):
            near = [
                m
                for m in self._people.between(start, end)
                if m.entity_type == "person" and not self._is_marked(m.start)
            ]
            found |= dict.fromkeys(m.document_entity_id for m in near)
            if len(found) >= 2:
                return list(found) if len(found) == QUOTED else ()
            end = start
        return ()

    def _list_relays(
        self, statement: Statement, page: Page, clause: Clause | None, occasion: Occasion
    ) -> list[tuple[CharSpan, str | None, str | None]]:
        rows: list[tuple[CharSpan, str | None, str | None]] = []
        via = statement.via
        if clause is not None:
            tokens = page.tokens(*via) if via is not None else range(0)
            for relay in find_relays(clause, (tokens[0], tokens[-1] + 1) if tokens else None):
                cue = page.tree.word(relay.cue) if relay.cue is not None else self._cue_before(page, relay.span[0])
                span = page.span(relay.span) if relay.cue is not None else via
                if span is not None:
                    rows.append((span, cue, self._entity_in(span)))
            if occasion.addressee is not None and page.offset <= occasion.addressee[0] < page.offset + len(
                page.tree.text
            ):
                rows = self._add_press(page, occasion.addressee, clause) + rows
        elif via is not None:
            rows.append((via, None, self._entity_in(via)))
        distinct = {row[0]: row for row in rows}
        return list(distinct.values())

    def _add_press(
        self, page: Page, addressee: CharSpan, clause: Clause
    ) -> list[tuple[CharSpan, str | None, str | None]]:
        """Return the addressee as a relay, when it is another outlet: what was told to a newspaper was read there."""
        tokens = page.tokens(*addressee)
        printed, own = fold_name(page.read(addressee)).removeprefix("the "), fold_name(self._article.outlet or "")
        if not is_press(page.tree, (tokens[0], tokens[-1] + 1)) or (own and (own in printed or printed in own)):
            return []
        above = next(
            (t for t in page.tree.ancestors(tokens[-1]) if t not in tokens and page.tree.pos[t] != "ADP"), clause.cue
        )
        return [(addressee, page.tree.word(above), self._entity_in(addressee))]

    def _cue_before(self, page: Page, token: int) -> str | None:
        words = [page.tree.word(t) for t in range(max(token - 2, 0), token)]
        return " ".join(words) if [word.lower() for word in words] == ["according", "to"] else None

    def _entity_in(self, span: CharSpan) -> str | None:
        entities = {m.document_entity_id for m in self._people.between(*span) if m.entity_type in _SPEAKERS}
        return entities.pop() if len(entities) == 1 else None

    def _list_around(
        self, statement: Statement, page: Page, clause: Clause | None, apart: Sequence[CharSpan], own: set[str | None]
    ) -> list[Named]:
        """Return the mentions in the attributing clause without those who speak, hear and relay, and where it is said."""
        if clause is not None:
            first, end = clause.first, clause.end
        else:
            tokens = page.tokens(*statement.fragments[0])
            if not tokens:
                return []
            first, end = page.frame_around(tokens[0])
        speaker = (
            clause.speaker if clause is not None else page.tokens(*statement.speaker) if statement.speaker else range(0)
        )
        found = []
        for mention in self._people.between(*page.span((first, end))):
            tokens = page.tokens(mention.start, mention.end)
            if (
                not tokens
                or page.blocked[tokens[0]] == QUOTED
                or mention.document_entity_id in own
                or tokens[0] in speaker
            ):
                continue
            if any(low < mention.end and mention.start < high for low, high in apart):
                continue
            if clause is not None and _tells_occasion(clause, tokens[-1], mention.entity_type):
                continue
            if page.blocked[tokens[0]] and not any(low <= mention.start < high for low, high in statement.fragments):
                continue
            found.append(mention)
        return found

    def _resolve_pronouns(
        self,
        statement: Statement,
        occasion: Occasion,
        around: Sequence[Named],
        reading: Reading,
        new_mention_id: Callable[[int, int], str],
    ) -> None:
        addressee = None
        if occasion.addressee is not None:
            meant = self._people.covering(occasion.addressee[1] - 1)
            addressee = meant.document_entity_id if meant is not None and meant.entity_type == "person" else None
        is_known = statement.speaker_entity is not None or statement.speaker_kind in {
            "group",
            "organization",
            "document",
        }
        for quote in self._by_statement[statement.statement_id]:
            number, page = self._page_at(quote.start)
            if quote.is_nested or page is None:
                continue
            paragraphs = self._starts[max(number - 2, 0) : number + 1][::-1]
            spoken = Spoken(quote.start, quote.end, quote.is_marked, statement.speaker_entity, is_known, addressee, around, statement.fragments, paragraphs)  # fmt: skip
            for pronoun in resolve_pronouns(page.tree, page.offset, spoken, self._people):
                mention_id = new_mention_id(pronoun.start, pronoun.end)
                named = Named(pronoun.start, pronoun.end, mention_id, pronoun.document_entity_id, "person", "pronoun")
                self._people.add(named)
                reading.pronouns.append(pronoun)

    def _list_about(self, around: Mapping[str, Sequence[Named]], reading: Reading) -> None:
        speakers = {s.statement_id: s.speaker_entity for s in self._statements}
        for quote in self._quotes:
            speaker = speakers.get(quote.statement_id or "")
            for mention in self._people.between(quote.start, quote.end):
                if mention.mention_type != "pronoun" or mention.document_entity_id != speaker:
                    reading.about.append((quote.quote_id, mention.mention_id, "inside"))
            for mention in around.get(quote.statement_id or "", ()):
                if mention.end <= quote.start or quote.end <= mention.start:
                    reading.about.append((quote.quote_id, mention.mention_id, "around"))


def _is_said(clause: Clause, statement: Statement) -> bool:
    """Whether the cue tells of an act of speaking or writing: thoughts and plans have no occasion."""
    lemma = clause.tree.lemma[clause.cue].lower()
    if lemma.startswith("accord"):
        return True
    joined = f"{lemma} {clause.tree.lower(clause.cue + 1)}" if clause.cue + 1 < len(clause.tree) else lemma
    classes = _classes()
    kind = classes.get(joined) or classes.get(lemma)
    return kind != "think" if kind is not None else statement.is_direct


def _tells_occasion(clause: Clause, token: int, entity_type: str) -> bool:
    """Whether a name tells where or on what occasion something was said, not whom it is about: in X, in an interview on Y."""
    tree, above = clause.tree, clause.tree.head[token]
    if clause.blocked[token] or tree.dep[token] not in {"pobj", "compound", "poss"}:
        return False
    if entity_type == "place" and tree.dep[token] == "pobj" and tree.lower(above) in LOCATIVE:
        return True
    return any(
        occasion_kind(tree, t) in {"event", "talk"} and tree.dep[t] == "pobj" for t in islice(tree.ancestors(token), 3)
    )


def _continues(clause: Clause, statement: Statement, before: Statement) -> bool:
    """Whether the cue says that the same speaker goes on: "…," he added."""
    is_same = statement.speaker_entity is not None and statement.speaker_entity == before.speaker_entity
    return is_same and _classes().get(clause.tree.lemma[clause.cue].lower()) == "add"
