"""Attributions as the gold files, the peers' predictions and our releases tell them, in one form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.eval.pipeline import Facts, Row
from tests.eval.spans import Span, count_common

_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "sir",
        "president",
        "secretary",
        "senator",
        "sen",
        "rep",
        "gov",
        "governor",
        "minister",
        "prime",
        "the",
        "a",
        "an",
    ]
)
_POSSESSIVE = re.compile(r"[’']s?\b(?=\s|$)")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Attribution:
    """What somebody is said to have said: where the words stand, and where their speaker does."""

    span: Span
    kind: str
    fragments: tuple[Span, ...]
    speaker: tuple[Span, ...] = ()
    speaker_text: str | None = None
    cue: Span | None = None
    cue_text: str | None = None
    rule: str | None = None
    confidence: float = 0.0
    candidate: str | None = None
    via_text: str | None = None

    @property
    def has_speaker(self) -> bool:
        """Whether anybody is named."""
        return bool(self.speaker or self.speaker_text)


def read_attribution(record: Mapping[str, Any]) -> Attribution:
    """Read one entry of `quotes` of a gold file or of a file of predictions."""
    span = (record["start"], record["end"])
    first = record.get("speaker_start")
    printed = tuple((part[0], part[1]) for part in record.get("speaker_fragments") or [])
    cue = record.get("cue_fragments") or []
    return Attribution(
        span=span,
        kind=record["type"],
        fragments=tuple((part[0], part[1]) for part in record.get("fragments") or [] if part) or (span,),
        speaker=() if first is None else printed or ((first, record["speaker_end"]),),
        speaker_text=record.get("speaker_text"),
        cue=(cue[0][0], cue[-1][1]) if cue else None,
        cue_text=record.get("cue"),
    )


def list_quotes(facts: Facts) -> list[Attribution]:
    """Return the rows of fact_quotes of an article, all types."""
    return [_read_row(row, row["quote_type"], [(row["start_char"], row["end_char"])]) for row in facts.quotes]


def list_statements(facts: Facts) -> list[Attribution]:
    """Return the rows of fact_statements of an article."""
    return [_read_row(row, row["statement_type"], row["fragments"]) for row in facts.statements]


def _read_row(row: Row, kind: str, fragments: Sequence[Span]) -> Attribution:
    is_named, has_cue = row["speaker_start_char"] is not None, row["cue_start_char"] is not None
    return Attribution(
        span=(fragments[0][0], fragments[-1][1]),
        kind=kind,
        fragments=tuple(fragments),
        speaker=((row["speaker_start_char"], row["speaker_end_char"]),) if is_named else (),
        speaker_text=row["speaker_text"],
        cue=(row["cue_start_char"], row["cue_end_char"]) if has_cue else None,
        cue_text=row["cue"],
        rule=row["attribution_rule"],
        confidence=row["confidence"],
        candidate=row["speaker_candidate_text"],
        via_text=row["via_text"],
    )


def is_same_speaker(gold: Attribution, predicted: Attribution) -> bool:
    """Tell whether the speakers' places overlap; where one has no place, whether the names or their last words are equal."""
    if gold.speaker and predicted.speaker:
        return count_common(gold.speaker, predicted.speaker) > 0
    ours, theirs = _list_name_words(predicted.speaker_text), _list_name_words(gold.speaker_text)
    return bool(ours and theirs) and (ours == theirs or ours[-1] == theirs[-1])


def _list_name_words(name: str | None) -> list[str]:
    words = _WORD.findall(_POSSESSIVE.sub("", (name or "").lower()))
    return [word for word in words if word not in _TITLES]
