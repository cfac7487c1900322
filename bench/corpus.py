"""News made up by the thousand, and corpora in JSON Lines -> folders of text files."""

import csv
import gzip
import json
import random
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from bench.planting import cut_paragraphs, edit_words, join_texts
from bench.sentences import expand
from tasks.lexicons import load_lexicon
from tasks.reading.metadata import MANIFEST_NAME

FIRST_DAY, DAYS = date(2022, 1, 3), 730
COPY_KINDS = ("exact", "near", "truncated", "stitched", "syndicated")
REPORTS_OF_AN_EVENT = 4
_RECENT = 500  # a copy follows its origin within so many articles
_STANDING = 400  # background paragraphs that outlets print again and again


@dataclass(frozen=True)
class Article:
    """One made article. `quotes` are pairs of the speaker's full name and the words, without marks."""

    number: int
    event: int
    outlet: str
    title: str
    author: str
    place: str
    published_on: date
    paragraphs: list[str]
    quotes: list[tuple[str, str]] = field(default_factory=list)
    agency: str | None = None
    copy_of: tuple[int, ...] = ()
    copy_kind: str | None = None

    @property
    def text(self) -> str:
        credit = f" ({self.agency})" if self.agency else ""
        first, *others = self.paragraphs
        dated = f"{self.published_on:%B} {self.published_on.day}, {self.published_on.year}"
        lines = [self.title, f"By {self.author}", dated, f"{self.place.upper()}{credit} — {first}", *others]
        return "\n\n".join(lines) + "\n"

    def describe(self) -> dict[str, Any]:
        """Return the article as a record: what a source knows of it, and the truth about it."""
        slug = "-".join(re.findall(r"[a-z0-9]+", self.outlet.lower()))
        return {
            "id": _name(self.number),
            "text": self.text,
            "outlet": self.outlet,
            "url": f"https://www.{slug}.example/{_name(self.number)}",
            "title": self.title,
            "published_on": self.published_on.isoformat(),
            "authors": self.author,
            "event": self.event,
            "quotes": [{"speaker": speaker, "text": text} for speaker, text in self.quotes],
            "copy_of": [_name(number) for number in self.copy_of],
            "copy_kind": self.copy_kind,
            "agency": self.agency,
        }


def make_corpus(
    count: int, seed: int = 1, *, copies: float = 0.10, repeated: float = 0.05, first: int = 0
) -> Iterator[dict[str, Any]]:
    """Make news articles with people, quotes, datelines and dates, one after the other, all invented.

    Article `n` depends on the seed and on its number alone: the corpus of 1,000 begins with that of 100, and time and
    memory are linear. Events have four reports on average, by several outlets, with the same people, numbers and
    quotations and with sentences of their own.

    Args:
        count: Number of the article after the last one.
        seed: Other seeds make other news.
        copies: Share of articles that are copies of one (a stitched one: of two) of the 500 before them.
        repeated: Share of the paragraphs of the others that also stand in other articles, at most.
        first: Number of the first article.

    Yields:
        Records with `id`, `text`, `outlet`, `url`, `title`, `published_on` and `authors`, and with the truth: `event`,
        `quotes` (speaker and text), `copy_of` (ids), `copy_kind` (of COPY_KINDS) and the `agency` credited; `agency`,
        `copy_kind` are null and `copy_of` is empty for what is no copy.
    """
    for number in range(first, count):
        yield _make_any(number, seed, copies, repeated).describe()


def write_texts(records: Iterable[dict[str, Any]], folder: Path) -> int:
    """Write each record as a text file in the folder of its thousand, with a manifest; return how many."""
    written = 0
    for number, record in enumerate(records):
        part = folder / f"{number // 1000:05d}"
        if number % 1000 == 0:
            part.mkdir(parents=True)
            _write_row(part / MANIFEST_NAME, ["path", "outlet", "url", "title", "published_on", "authors"])
        (part / f"{record['id']}.txt").write_text(record["text"], encoding="utf-8")
        told = [record[name] for name in ("outlet", "url", "title", "published_on", "authors")]
        _write_row(part / MANIFEST_NAME, [f"{record['id']}.txt", *told])
        written += 1
    return written


def write_jsonl(records: Iterable[dict[str, Any]], file: Path) -> int:
    """Write each record as a line of JSON, gzipped when the name ends in `.gz`; return how many."""
    written = 0
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "wt", encoding="utf-8") as lines:
        for record in records:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
            written += 1
    return written


def unpack_corpus(corpus: Path, folder: Path, limit: int | None = None) -> int:
    """Write the `text` of each line of a (gzipped) JSON Lines file to `folder`, named by its `id`; return how many.

    Raises:
        FileExistsError: If two lines have the same id.
    """
    folder.mkdir(parents=True)
    opener = gzip.open if corpus.suffix == ".gz" else open
    with opener(corpus, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, limit)]
    for record in records:
        name = re.sub(r"[^\w.-]+", "-", str(record["id"])).removesuffix(".txt")
        with (folder / f"{name}.txt").open("x", encoding="utf-8", newline="") as file:
            file.write(record["text"])
    return len(records)


def read_text_size(folder: Path) -> float:
    """Return the size of all texts in `folder`, in MB."""
    return sum(path.stat().st_size for path in folder.glob("*.txt")) / 1e6


def _write_row(file: Path, cells: list[str]) -> None:
    with file.open("a", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerow(cells)


def _name(number: int) -> str:
    return f"article-{number:07d}"


def _make_any(number: int, seed: int, copies: float, repeated: float) -> Article:
    if not _is_copy(number, seed, copies):
        return _make_original(number, seed, repeated)
    chance = random.Random(f"{seed}/copy/{number}")
    chance.random()  # the one that made it a copy
    origins = [_find_original(number, seed, copies, chance) for _ in range(2)]
    one, two = (_make_original(origin, seed, repeated) for origin in origins)
    kind = chance.choice(COPY_KINDS) if one.number != two.number else chance.choice(("exact", "near", "truncated"))
    made = replace(
        one,
        number=number,
        outlet=_choose_outlet(chance),
        published_on=one.published_on + timedelta(chance.randrange(4)),
        copy_of=(one.number, two.number) if kind == "stitched" else (one.number,),
        copy_kind=kind,
    )
    if kind == "near":
        return replace(made, paragraphs=edit_words(one.paragraphs, chance, chance.randint(1, 12)))
    if kind == "truncated":
        return replace(made, paragraphs=cut_paragraphs(one.paragraphs, chance))
    if kind == "stitched":
        days = max(one.published_on, two.published_on)
        paragraphs = join_texts(one.paragraphs, two.paragraphs)
        return replace(made, paragraphs=paragraphs, published_on=days, quotes=[*one.quotes, *two.quotes])
    if kind == "syndicated":
        return replace(made, agency=chance.choice(_list_agencies()), author="Staff and agencies")
    # an exact copy is the same text, so its date and dateline are those of the origin
    return replace(made, published_on=one.published_on)


def _is_copy(number: int, seed: int, copies: float) -> bool:
    return number > 1 and random.Random(f"{seed}/copy/{number}").random() < copies


def _find_original(number: int, seed: int, copies: float, chance: random.Random) -> int:
    origin = chance.randrange(max(0, number - _RECENT), number)
    while _is_copy(origin, seed, copies):
        origin -= 1
    return origin


@dataclass(frozen=True)
class _Person:
    role: str
    full: str
    last: str


@dataclass(frozen=True)
class _Event:
    topic: dict[str, list[str]]
    day: date
    place: str
    country: str
    people: list[_Person]
    body: str
    rival: str
    numbers: dict[str, str]
    quotes: list[tuple[int, str]]  # the number of the speaker, and the words


@cache
def _read_templates() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("templates.toml").read_text(encoding="utf-8"))


@cache
def _list_places() -> list[tuple[str, str]]:
    countries = load_lexicon("countries").select("code", country="name")
    cities = load_lexicon("cities").filter(
        pl.col("thousands").cast(pl.Int64) >= 100, pl.col("name").str.contains(r"^\p{Lu}\p{Ll}+$")
    )
    placed = cities.with_columns(code=pl.col("countries").list.first()).join(
        countries, on="code", maintain_order="left"
    )
    return placed.select("name", "country").rows()


@cache
def _list_agencies() -> list[str]:
    agencies = load_lexicon("agencies")
    return agencies.filter(pl.col("kind") == "news", pl.col("name").str.len_chars() > 2)["name"].to_list()


_GIVEN = (
    "Anna", "Boris", "Clara", "Daniel", "Elena", "Farid", "Greta", "Hugo", "Irena", "Jonas", "Karim", "Leila", "Marta",
    "Nadia", "Oskar", "Paula", "Rosa", "Samir", "Teresa", "Viktor", "Wanda", "Yusuf", "Zofia", "Amara", "Bruno", "Chiara",
    "Dmitri", "Esther", "Felix", "Hana", "Ivo", "Judith", "Kofi", "Lucia", "Mirjam", "Noah", "Olga", "Pavel", "Ruth", "Tomas",
)  # fmt: skip
_SYLLABLES = (
    "ba", "dor", "fen", "gal", "hel", "jor", "kas", "lun", "mar", "nov", "or", "pel", "quin", "ros", "tal", "ver", "bru", "cam",
    "del", "est", "fir", "gor", "hav", "ill", "ken", "lor", "mun", "ner", "ost", "par", "rin", "sol", "tor", "ulm", "vas", "wel",
)  # fmt: skip
_ROLES = (
    "Mayor", "Governor", "Judge", "Professor", "Dr.", "Senator", "Minister", "Captain", "Ambassador", "Commissioner",
)  # fmt: skip
_BODIES = (
    "Council",
    "Port Authority",
    "Union",
    "Institute",
    "Holdings",
    "Federation",
    "Party",
    "Agency",
    "Works",
    "Trust",
)
_PAPERS = (
    ("Morning", "Evening", "Northern", "Coastal", "Valley", "Free", "Daily", "Weekly", "Old", "Island", "Highland", "Lakeside"),
    ("Courier", "Lantern", "Observer", "Ledger", "Signal", "Beacon", "Chronicle", "Dispatch", "Mirror", "Standard"),
)  # fmt: skip


def _choose_outlet(chance: random.Random) -> str:
    first, last = _PAPERS
    rank = int((len(first) * len(last)) ** chance.random()) - 1  # Zipf's law: a few outlets print most
    return f"{first[rank % len(first)]} {last[(rank * 7) % len(last)]}"


def _make_name(chance: random.Random, size: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(size)).capitalize()


def _make_person(chance: random.Random) -> _Person:
    return _make_known_person(int(2e5 ** chance.random()))  # Zipf's law: some people are in the news every day


@lru_cache(100_000)
def _make_known_person(rank: int) -> _Person:
    known = random.Random(rank)
    last = _make_name(known, 3)
    return _Person(known.choice(_ROLES), f"{known.choice(_GIVEN)} {last}", last)


@lru_cache(1_000)
def _make_event(number: int, seed: int) -> _Event:
    chance = random.Random(f"{seed}/event/{number}")
    place, country = chance.choice(_list_places())
    event = _Event(
        topic=chance.choice(_read_templates()["topics"]),
        day=FIRST_DAY + timedelta(chance.randrange(DAYS)),
        place=place,
        country=country,
        people=[_make_person(chance) for _ in range(4)],
        body=f"{place} {chance.choice(_BODIES)}",
        rival=f"{_make_name(chance, 3)} {chance.choice(_BODIES)}",
        numbers={
            "n": f"{chance.randint(2, 9_999):,}",
            "m": str(chance.randint(2, 28)),
            "percent": str(chance.randint(3, 94)),
            "money": f"${chance.randint(2, 990)} {chance.choice(('million', 'million', 'billion'))}",
        },
        quotes=[],
    )
    slots = _fill_slots(event, chance, "")
    templates = chance.sample(_read_templates()["quotes"], 6)
    event.quotes.extend((chance.randrange(3), expand(template, chance, slots)) for template in templates)
    return event


def _fill_slots(event: _Event, chance: random.Random, paper: str) -> dict[str, Callable[[], str]]:
    known: set[_Person] = set()

    def name(person: _Person) -> str:
        if person in known:
            return person.last
        known.add(person)
        return f"{person.role} {person.full}"

    def count() -> str:
        return str(chance.randint(2, 99))

    def capitalize(slot: str) -> Callable[[], str]:
        def make() -> str:
            text = chance.choice(event.topic[slot])
            return text[0].upper() + text[1:]

        return make

    topics = {slot: (lambda slot=slot: chance.choice(event.topic[slot])) for slot in event.topic}
    capitals = {f"{slot}.cap": capitalize(slot) for slot in event.topic}
    numbers = {slot: (lambda value=value: value) for slot, value in event.numbers.items()}
    fixed = {"place": event.place, "country": event.country, "body": event.body, "rival": event.rival, "paper": paper}
    return {
        **topics, **capitals, **numbers, **{slot: (lambda value=value: value) for slot, value in fixed.items()},
        "who": lambda: name(event.people[0]), "who.last": lambda: event.people[0].last,
        "other": lambda: name(event.people[1]), "person": lambda: _make_person(chance).full,
        "speaker": lambda: name(event.people[0]), "x": count, "y": count,
        "x.th": lambda: f"{chance.randint(4, 20)}th", "y.th": lambda: f"{chance.randint(4, 20)}th",
        "year": lambda: str(chance.randint(1950, 2021)), "weekday": lambda: f"{event.day:%A}",
        "month": lambda: f"{date(2022, chance.randint(1, 12), 1):%B}",
    }  # fmt: skip


def _make_original(number: int, seed: int, repeated: float) -> Article:
    chance = random.Random(f"{seed}/article/{number}")
    event_number = max(0, number // REPORTS_OF_AN_EVENT - int(20 * chance.random() ** 2))
    event = _make_event(event_number, seed)
    outlet, templates = _choose_outlet(chance), _read_templates()
    slots = _fill_slots(event, chance, outlet.split()[-1])
    title = expand(chance.choice(templates["headlines"]), chance, slots)
    reported = chance.sample(event.quotes, chance.randint(2, 5))
    narrated = chance.sample(templates["narration"], chance.randint(9, 16))
    paragraphs = [expand(chance.choice(templates["leads"]), chance, slots)]
    quotes = []
    while narrated or reported:
        if reported and chance.random() < 0.4:
            paragraph, quote = _report_quote(reported.pop(), event, chance, slots)
            quotes.append(quote)
            own = [narrated.pop()] if narrated else []
        else:
            paragraph, own = "", [narrated.pop() for _ in range(min(len(narrated), 2))]
        sentences = [paragraph, *(expand(template, chance, slots) for template in own)]
        paragraphs.extend([" ".join(filter(None, sentences))] if any(sentences) else [])
    for _ in range(sum(chance.random() < 0.8 * repeated for _ in paragraphs)):
        standing = _make_standing(chance.randrange(_STANDING), seed)
        paragraphs.insert(chance.randint(1, len(paragraphs)), standing)
    return Article(
        number=number,
        event=event_number,
        outlet=outlet,
        title=title,
        author=_make_person(chance).full,
        place=event.place,
        published_on=event.day + timedelta(chance.randrange(3)),
        paragraphs=paragraphs,
        quotes=quotes,
    )


def _report_quote(
    said: tuple[int, str], event: _Event, chance: random.Random, slots: dict[str, Callable[[], str]]
) -> tuple[str, tuple[str, str]]:
    speaker_number, words = said
    speaker = event.people[speaker_number]
    own = slots | {"speaker": lambda: slots["who"]() if speaker_number == 0 else _name_speaker(speaker, chance)}
    templates = _read_templates()
    if chance.random() < 0.2:  # a few of the words, inside a sentence of the reporter
        all_words = words.split()
        start = chance.randrange(max(1, len(all_words) - 8))
        part = " ".join(all_words[start : start + chance.randint(3, 8)]).rstrip(".,:")
        return expand(chance.choice(templates["told"]), chance, own | {"part": lambda: part}), (speaker.full, part)
    part = words.split(". ")[0] if chance.random() < 0.3 else words
    quote = part.rstrip(".")
    template = chance.choice(templates["said"])
    return expand(template, chance, own | {"quote": lambda: quote}), (speaker.full, quote)


def _name_speaker(speaker: _Person, chance: random.Random) -> str:
    return f"{speaker.role} {speaker.full}" if chance.random() < 0.5 else speaker.full


@lru_cache(_STANDING)
def _make_standing(number: int, seed: int) -> str:
    chance = random.Random(f"{seed}/standing/{number}")
    event = _make_event(-1 - number, seed)
    return expand(chance.choice(_read_templates()["background"]), chance, _fill_slots(event, chance, "paper"))
