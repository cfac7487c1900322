"""Copies planted among texts: each is made from one or two of them, in one way, and the truth is kept beside."""

import csv
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PLANTED_KINDS = ("exact", "near", "truncated", "stitched", "syndicated", "reworded")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|(?<!\w)‘[^’]*(?:’(?=\w)[^’]*)*’")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Planted:
    """A copy: its text, the numbers of the texts it was made from, and how (of PLANTED_KINDS)."""

    text: str
    origins: tuple[int, ...]
    kind: str


def plant_copies(
    texts: Sequence[str],
    seed: int,
    each: int,
    *,
    agency: str = "Associated Press",
    kinds: Sequence[str] = PLANTED_KINDS,
) -> Iterator[Planted]:
    """Make `each` copies of every kind from texts of at least 80 words, chosen by the seed; paragraphs end at blank lines.

    exact: other spaces. near: up to 12 words left out, doubled or swapped. truncated: the first 30 to 80 % of the sentences.
    stitched: two texts, one after the other. syndicated: the text under a dateline with the agency's credit. reworded: the
    narration word by word by `synonyms.csv`; quotations, numbers and names stay.
    """
    chance = random.Random(seed)
    usable = [number for number, text in enumerate(texts) if len(text.split()) >= 80]
    for kind in kinds:
        for _ in range(each):
            origins = tuple(chance.sample(usable, 2 if kind == "stitched" else 1))
            paragraphs = [split_paragraphs(texts[number]) for number in origins]
            made = {
                "exact": lambda own=paragraphs: [" ".join(part.split()) for part in own[0]],
                "near": lambda own=paragraphs: edit_words(own[0], chance, chance.randint(1, 12)),
                "truncated": lambda own=paragraphs: cut_paragraphs(own[0], chance),
                "stitched": lambda own=paragraphs: join_texts(*own),
                "syndicated": lambda own=paragraphs: [own[0][0], f"GENEVA ({agency}) — {own[0][1]}", *own[0][2:]],
                "reworded": lambda own=paragraphs: [reword(part, chance) for part in own[0]],
            }[kind]()
            yield Planted("\n\n".join(made) + "\n", origins, kind)


def split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which blank lines separate."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def edit_words(paragraphs: Sequence[str], chance: random.Random, count: int) -> list[str]:
    """Leave out, double or swap with the next `count` words of paragraphs with more than three words."""
    words = [part.split(" ") for part in paragraphs]
    editable = [part for part in words if len(part) > 3]
    for _ in range(count if editable else 0):
        part = editable[int(chance.random() * len(editable))]
        place = chance.randrange(1, max(2, len(part) - 2))
        change = chance.choice(("leave_out", "double", "swap"))
        if change == "leave_out" and len(part) > 3:
            del part[place]
        elif change == "double":
            part.insert(place, part[place])
        else:
            part[place : place + 2] = reversed(part[place : place + 2])
    return [" ".join(part) for part in words]


def cut_paragraphs(paragraphs: Sequence[str], chance: random.Random) -> list[str]:
    """Keep the first 30 to 80 % of the sentences, one at least."""
    sentences = [(number, text) for number, part in enumerate(paragraphs) for text in _SENTENCE_END.split(part)]
    kept = sentences[: max(1, round(len(sentences) * chance.uniform(0.3, 0.8)))]
    return [" ".join(text for own, text in kept if own == number) for number in range(kept[-1][0] + 1)]


def join_texts(one: Sequence[str], two: Sequence[str]) -> list[str]:
    """Print one text after the other as if they were one."""
    return [*one, *two]


def reword(text: str, chance: random.Random) -> str:
    """Replace the words of the narration that have synonyms in `synonyms.csv`; what stands in quotation marks stays."""
    parts, last = [], 0
    for quoted in _QUOTED.finditer(text):
        parts += [_reword_narration(text[last : quoted.start()], chance), quoted[0]]
        last = quoted.end()
    return "".join([*parts, _reword_narration(text[last:], chance)])


def _reword_narration(text: str, chance: random.Random) -> str:
    synonyms = read_synonyms()

    def replace(word: re.Match[str]) -> str:
        others = synonyms.get(word[0].lower())
        if others is None or (word[0][0].isupper() and not _opens_sentence(text, word.start())):
            return word[0]
        chosen = chance.choice(others)
        return chosen[0].upper() + chosen[1:] if word[0][0].isupper() else chosen

    return _WORD.sub(replace, text)


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip()
    return not before or before[-1] in ".!?"


@cache
def read_synonyms() -> dict[str, list[str]]:
    """Return the words that can be replaced, in lower case, and what by."""
    lines = Path(__file__).with_name("synonyms.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.reader(line for line in lines if line and not line.startswith("#"))
    next(rows)
    return {word: others.split("|") for word, others in rows}
