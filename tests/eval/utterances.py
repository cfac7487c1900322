"""Whether two quotations are the same thing said, and how they differ: hand-labelled pairs, and wordings that were planted."""

import csv
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path

import polars as pl

from tasks.reports.utterances import REPORTS
from tasks.reports.wordings import Bond, describe_difference, find_evidence
from tasks.reports.words import read_wording
from tests.eval.gold import Document
from tests.eval.scores import Error, Score, score_f1, score_ratio

PAIRS = Path(__file__).with_name("fixtures") / "utterance_pairs.csv"
PARAPHRASES = Path(__file__).with_name("fixtures") / "paraphrases.csv"
PLANTED_KINDS = ("verbatim", "truncated", "spliced", "substituted", "retranslated")


@dataclass(frozen=True)
class Pair:
    """Two quotations, whether they are the same utterance, and the kind of their difference."""

    number: int
    half: str
    is_same: bool
    kind: str
    why: str
    left: str
    right: str
    bond: Bond
    is_one_story: bool


def read_pairs(path: Path = PAIRS) -> list[Pair]:
    """Read the hand-labelled pairs: in each half as many that are the same utterance as not."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_read_pair(row) for row in csv.DictReader(file)]


def _read_pair(row: dict[str, str]) -> Pair:
    speakers = (row["left_speaker"], row["right_speaker"])
    speaker = "open" if "" in speakers else "same" if speakers[0] == speakers[1] else "other"
    gap = abs((date.fromisoformat(row["left_on"]) - date.fromisoformat(row["right_on"])).days)
    is_one_story = row["left_story"] == row["right_story"]
    bond = Bond(speaker, is_same_article=False, day_gap=gap, is_same_story=is_one_story)
    number, is_same = int(row["pair"]), row["is_same"] == "1"
    return Pair(number, row["half"], is_same, row["kind"], row["why"], row["left"], row["right"], bond, is_one_story)


def judge_pair(pair: Pair) -> tuple[str | None, str]:
    """Return the evidence that both are one utterance, None when they are not, and the kind of their difference."""
    wordings = [read_wording(text) for text in (pair.left, pair.right)]
    reference, report = sorted(wordings, key=lambda wording: -len(wording.words))
    evidence = find_evidence(report, reference, pair.bond) if pair.is_one_story else None
    return evidence, describe_difference(report, reference).kind


@dataclass(frozen=True)
class Planted:
    """Quotations with planted other wordings: REPORTS, each in an article of its own, and what was planted where.

    `planted` maps the quote id of a wording to that of its original and the kind that was planted.
    """

    reports: pl.DataFrame
    planted: dict[str, tuple[str, str]]


def list_spoken(document: Document) -> list[tuple[str, str, str]]:
    """Return document, speaker and words, without marks, of the annotated direct quotations; a speaker by the last word."""
    spoken = [
        record for record in document.record["quotes"] if record["type"] == "direct" and record.get("speaker_text")
    ]
    return [
        (document.id, record["speaker_text"].casefold().split()[-1], re.sub(r"[“”\"]", "", record["text"]).strip())
        for record in spoken
    ]


def plant_wordings(quotes: Sequence[tuple[str, str, str]], seed: int = 20_240_501) -> Planted:
    """Give every quotation of at least 8 words another wording, of each kind in turn.

    Args:
        quotes: Story, speaker and words of each quotation.
        seed: Of the random choices.

    Returns:
        The originals and their other wordings. Where no phrase of the table stands in a quotation often enough for the
        kind in turn, it gets none.
    """
    chance = random.Random(seed)
    rows, planted = [], {}
    for number, (story, speaker, text) in enumerate(quotes):
        own = f"original {number:05}"
        rows.append(_make_report(own, story, speaker, text))
        kind = PLANTED_KINDS[number % len(PLANTED_KINDS)]
        other = _CHANGES[kind](text, chance) if len(text.split()) >= 8 else None
        if other is not None:
            rows.append(_make_report(f"planted {number:05}", story, speaker, other))
            planted[f"planted {number:05}"] = (own, kind)
    return Planted(pl.DataFrame(rows, schema=REPORTS, orient="row"), planted)


def score_planted(planted: Planted, wordings: pl.DataFrame) -> tuple[dict[str, Score], list[Error]]:
    """Score UTTERANCE_WORDINGS of planted wordings: recall and kinds by kind, precision over all pairs of one utterance.

    A pair of quotations in one utterance is right when one was planted from the other, or when both print the same
    stretch of eight words, as originals do that an article repeats.
    """
    found = dict(wordings.select("quote_id", "utterance_id").iter_rows())
    texts = dict(planted.reports.select("quote_id", "quote_text").iter_rows())
    scores, errors = {}, []
    for kind in PLANTED_KINDS:
        own = [(quote, original) for quote, (original, planted_kind) in planted.planted.items() if planted_kind == kind]
        missed = [(quote, original) for quote, original in own if found[quote] != found[original]]
        errors += [
            Error("utterances", f"{kind} missed", "", texts[original], texts[quote]) for quote, original in missed
        ]
        named = [_name_pair(texts[quote], texts[original]) == kind for quote, original in own]
        scores[f"{kind}.recall"] = score_ratio(
            [{"hit": (q, o) not in missed, "all": 1} for q, o in own], {"hit": 1}, {"all": 1}
        )
        if kind == "retranslated":  # a long quotation with three phrases replaced is one with substituted words
            continue
        scores[f"{kind}.kind"] = score_ratio(
            [{"hit": is_right, "all": 1} for is_right in named], {"hit": 1}, {"all": 1}
        )
    pairs = list(_list_pairs(wordings, planted, texts))
    wrong = [pair for pair, is_right in pairs if not is_right]
    scores["precision"] = score_ratio([{"hit": is_right, "all": 1} for _, is_right in pairs], {"hit": 1}, {"all": 1})
    errors += [Error("utterances", "two originals joined", "", texts[one], texts[other]) for one, other in wrong]
    return scores, errors


def _list_pairs(
    wordings: pl.DataFrame, planted: Planted, texts: dict[str, str]
) -> Iterator[tuple[tuple[str, str], bool]]:
    for members in wordings.group_by("utterance_id").agg(pl.col("quote_id").sort())["quote_id"].to_list():
        for one, other in combinations(members, 2):
            families = {planted.planted.get(quote, (quote, ""))[0] for quote in (one, other)}
            stretches = [_list_stretches(texts[family]) for family in sorted(families)]
            yield (one, other), len(families) == 1 or not stretches[0].isdisjoint(stretches[1])


def _list_stretches(text: str, words: int = 8) -> set[tuple[str, ...]]:
    keys = read_wording(text).keys
    words = min(words, len(keys))
    return {keys[first : first + words] for first in range(len(keys) - words + 1)}


def _name_pair(one: str, other: str) -> str:
    reference, report = sorted((read_wording(other), read_wording(one)), key=lambda wording: -len(wording.words))
    return describe_difference(report, reference).kind


def _make_report(name: str, story: str, speaker: str, text: str) -> dict[str, object]:
    return {
        "quote_id": name, "article_id": f"article of {name}", "quote_text": text, "quote_type": "direct", "scope": story,
        "story_id": story, "speaker_entity_id": speaker, "speaker_text": speaker, "speaker_kind": "person", "cue": "said",
    }  # fmt: skip


def _repeat(text: str, chance: random.Random) -> str:
    return text.upper() if chance.random() < 0.2 else text.replace("’", "'").rstrip(".,") + chance.choice(".,")


def _truncate(text: str, chance: random.Random) -> str:
    words = text.split()
    length = chance.randint(4, max(4, len(words) - 2))
    first = chance.randint(0, len(words) - length)
    return " ".join(words[first : first + length])


def _splice(text: str, chance: random.Random) -> str | None:
    words = text.split()
    if len(words) < 12:
        return None
    first = chance.randint(4, len(words) - 6)
    last = chance.randint(first + 1, len(words) - 4)
    return " ".join([*words[:first], *words[last:]])


def _substitute(text: str, chance: random.Random) -> str | None:
    return _replace_phrases(text, chance, least=1, most=1)


def _retranslate(text: str, chance: random.Random) -> str | None:
    return _replace_phrases(text, chance, least=3, most=40)


def _replace_phrases(text: str, chance: random.Random, least: int, most: int) -> str | None:
    """Replace phrases of the table; None when fewer than `least` of them stand in the text."""
    found = [(phrase, other) for phrase, other in _read_paraphrases() if re.search(rf"\b{phrase}\b", text)]
    if len(found) < least:
        return None
    for phrase, other in chance.sample(found, min(most, len(found))):
        text = re.sub(rf"\b{phrase}\b", other, text, count=1)
    return text


@cache
def _read_paraphrases() -> list[tuple[str, str]]:
    with PARAPHRASES.open(encoding="utf-8", newline="") as file:
        return [(row["phrase"], row["other"]) for row in csv.DictReader(file)]


_CHANGES: dict[str, Callable[[str, random.Random], str | None]] = {
    "verbatim": _repeat, "truncated": _truncate, "spliced": _splice, "substituted": _substitute, "retranslated": _retranslate,
}  # fmt: skip


def score_pairs(pairs: Sequence[Pair]) -> tuple[dict[str, Score], list[Error]]:
    """Score hand-labelled pairs: precision and recall of "the same utterance", and the kinds of those that were found."""
    counts, errors = [], []
    for pair in pairs:
        evidence, kind = judge_pair(pair)
        is_found, is_hit = evidence is not None, evidence is not None and pair.is_same
        counts.append(
            {"gold": pair.is_same, "predicted": is_found, "matched": is_hit, "kind": is_hit and kind == pair.kind}
        )
        if is_found != pair.is_same or (is_hit and kind != pair.kind):
            cause = "joined" if is_found > pair.is_same else "missed" if is_found < pair.is_same else f"called {kind}"
            errors.append(Error("utterances", cause, pair.why, pair.left, pair.right, rule=evidence or ""))
    scores = {
        "precision": score_ratio(counts, {"matched": 1}, {"predicted": 1}),
        "recall": score_ratio(counts, {"matched": 1}, {"gold": 1}),
        "f1": score_f1(counts),
        "kind": score_ratio(counts, {"kind": 1}, {"matched": 1}),
    }
    return scores, errors
