"""Whether two quotations are the same thing said, and how they differ: hand-labelled pairs, and wordings that were planted."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.reports.wordings import Bond, describe_difference, find_evidence
from tasks.reports.words import read_wording

PAIRS = Path(__file__).with_name("fixtures") / "utterance_pairs.csv"


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
