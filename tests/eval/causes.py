"""What went wrong with a quote, in the words of a linguist: a cause for every error, from what both sides say.

The causes are guesses by rule, good enough to count and to sort a file for reading; the text beside them decides.
"""

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tasks.lexicons import load_lexicon
from tests.eval.attributions import Attribution, is_same_speaker
from tests.eval.marked import Unit
from tests.eval.pipeline import Facts, Row
from tests.eval.quotes import Pairing
from tests.eval.scores import Error
from tests.eval.spans import Span, count_chars, count_common, count_overlap

_RELATIVES = frozenset(["who", "which", "that", "whom", "whose"])
_PRONOUNS = (
    frozenset(["he", "she", "they", "it", "we", "i", "you", "his", "her", "their", "its", "my", "our", "your"])
    | _RELATIVES
)
_AROUND = 160


@dataclass(frozen=True)
class Case:
    """One document with both sides of it: the text, its facts, its attributions and how they were paired."""

    id: str
    text: str
    facts: Facts
    gold: Sequence[Attribution]
    quotes: Sequence[Attribution]
    statements: Sequence[Attribution]
    pairings: Mapping[str, Pairing]
    lines: Sequence[tuple[int, Row]] = ()

    def read(self, spans: Sequence[Span]) -> str:
        """Return the words of some spans, for a reader."""
        return " … ".join(self.text[start:end] for start, end in spans)

    def find_paragraph(self, char: int) -> int:
        """Return the number of the line that a character stands in."""
        return self.text.count("\n", 0, char)

    def find_words(self, span: Span) -> list[tuple[str, str]]:
        """Return lemma and part of speech of the words in a span, as the language model gives them."""
        number = bisect.bisect_right(self.lines, span[0], key=lambda line: line[0]) - 1
        if number < 0:
            return []
        start, row = self.lines[number]
        tokens = zip(row["token_start"], row["token_end"], row["token_lemma"], row["token_pos"], strict=True)
        return [
            (lemma.lower(), pos)
            for first, last, lemma, pos in tokens
            if start + first < span[1] and start + last > span[0]
        ]


def find_errors(case: Case) -> Iterator[Error]:
    """Yield the errors of one document: of marked stretches, then of reported speech."""
    yield from _find_marked_errors(case)
    yield from _find_reported_errors(case)


def _find_marked_errors(case: Case) -> Iterator[Error]:
    pairing = case.pairings["marked"]
    for number, unit in enumerate(pairing.gold):
        if number not in pairing.pairs:
            yield _tell(case, "marked: missed", _explain_missed_mark(case, unit), unit, None)
        elif not pairing.is_right(number):
            ours = pairing.predicted[pairing.pairs[number]]
            yield _tell(case, "marked: speaker", _explain_speaker(case, unit.attribution, ours.attribution), unit, ours)
    used = set(pairing.pairs.values())
    for number, ours in enumerate(pairing.predicted):
        if number not in used:
            yield _tell(case, "marked: extra", _explain_extra_mark(case, ours), None, ours)


def _find_reported_errors(case: Case) -> Iterator[Error]:
    """Yield errors of whole attributions: indirect ones, and the paraphrase of those with a marked part."""
    close, wide = case.pairings["all.8"], case.pairings["all.3"]
    for number, unit in enumerate(wide.gold):
        gold = unit.attribution
        if number not in wide.pairs:
            if gold.kind == "indirect":
                yield _tell(case, "indirect: missed", _explain_missed_clause(case, unit), unit, None)
            continue
        ours = wide.predicted[wide.pairs[number]]
        if gold.kind == "indirect" and not wide.is_right(number):
            yield _tell(case, "indirect: speaker", _explain_speaker(case, gold, ours.attribution), unit, ours)
        if number not in close.pairs:
            yield _tell(case, f"{gold.kind}: extent", _explain_extent(gold, ours), unit, ours)
    used = set(wide.pairs.values())
    for number, ours in enumerate(wide.predicted):
        if number not in used and ours.attribution.kind == "indirect":
            yield _tell(case, "indirect: extra", _explain_extra_clause(wide, ours), None, ours)


def _explain_missed_mark(case: Case, unit: Unit) -> str:
    dropped = explain_dropped(case.facts, unit.spans)
    if dropped:
        return dropped
    [span] = unit.spans
    touching = [quote for quote in case.quotes if count_common([span], quote.fragments)]
    if any(quote.kind == "term" for quote in touching):
        return f"{_name_size(case, span)} taken for a term"
    return "marks paired otherwise" if touching else "no row for these marks"


def _explain_extra_mark(case: Case, ours: Unit) -> str:
    [span] = ours.spans
    if any(count_common([span], unit.spans) for unit in case.pairings["marked"].gold):
        return "marks paired otherwise"
    if any(count_common([span], gold.fragments) for gold in case.gold):
        return "marked words that are annotated as indirect"
    return f"{_name_size(case, span)} that nobody is said to speak, given as a quote"


def _name_size(case: Case, span: Span) -> str:
    return "short marked words" if len(case.text[slice(*span)].split()) < 4 else "longer marked words"


def _explain_speaker(case: Case, gold: Attribution, ours: Attribution) -> str:
    """Name why the speaker is wrong or missing; the first cause that holds, the most telling first."""
    if not gold.speaker:
        return "speaker without a place in the text"
    dropped = explain_dropped(case.facts, gold.speaker)
    if dropped:
        return f"speaker {dropped}"
    if not ours.speaker:
        if ours.candidate:
            return "abstained below the least confidence"
        return f"nobody named: {_explain_cue(case, gold)}"
    return _explain_wrong_speaker(case, gold, ours)


def _explain_wrong_speaker(case: Case, gold: Attribution, ours: Attribution) -> str:
    theirs, mine = case.read(gold.speaker).lower(), case.read(ours.speaker).lower()
    if ours.via_text and ours.via_text.lower() in theirs:
        return "speaker taken for a relay"
    if theirs in _RELATIVES:
        return "noun where the gold has its relative pronoun"
    if case.find_paragraph(ours.speaker[0][0]) != case.find_paragraph(ours.fragments[0][0]):
        return "speaker carried over from another paragraph"
    if case.find_paragraph(gold.speaker[0][0]) != case.find_paragraph(gold.fragments[0][0]):
        return "speaker stands in another paragraph"
    outer = _explain_nesting(case, gold, ours)
    if outer:
        return outer
    if gold.cue and ours.cue and count_overlap(gold.cue, ours.cue):
        return "right cue, another noun phrase"
    if mine in _PRONOUNS and theirs not in _PRONOUNS:
        return "pronoun near by where the gold has a name"
    if theirs in _PRONOUNS and mine not in _PRONOUNS:
        return "name near by where the gold has a pronoun"
    return f"another cue taken: {_explain_cue(case, gold)}"


def _explain_nesting(case: Case, gold: Attribution, ours: Attribution) -> str | None:
    for other in case.gold:
        if other is gold or not is_same_speaker(other, ours):
            continue
        if count_common(other.fragments, gold.fragments) > 0.5 * count_chars(gold.fragments):
            is_outer = count_chars(other.fragments) > count_chars(gold.fragments)
            return f"speaker of the {'outer' if is_outer else 'inner'} of two attributions"
    return None


def _explain_missed_clause(case: Case, unit: Unit) -> str:
    dropped = explain_dropped(case.facts, unit.spans)
    if dropped:
        return dropped
    wide, gold = case.pairings["all.3"], unit.attribution
    shares = [
        (count_common(unit.spans, other.spans) / max(count_chars(unit.spans), 1), other) for other in wide.predicted
    ]
    if any(share > 0.3 for share, _ in shares):
        return "one of ours for two attributions, one in the other"
    if any(share > 0 for share, _ in shares):
        return "another stretch of the sentence taken"
    cues = [cue for cue in (ours.attribution.cue for ours in wide.predicted) if cue]
    if gold.cue and any(count_overlap(gold.cue, cue) for cue in cues):
        return "right cue, another clause"
    has_verb = any(pos in ("VERB", "AUX") for span in gold.fragments for _, pos in case.find_words(span))
    return f"nothing found: {_explain_cue(case, gold)}, {'a clause' if has_verb else 'a noun phrase'}"


def _explain_extra_clause(wide: Pairing, ours: Unit) -> str:
    if any(count_common(ours.spans, unit.spans) for unit in wide.gold):
        return "two of ours for one attribution, or a part of one"
    return f"no attribution here for the gold (rule {ours.attribution.rule})"


def _explain_extent(gold: Attribution, ours: Unit) -> str:
    start, end = ours.spans[0][0], ours.spans[-1][1]
    if count_common(gold.fragments, ours.spans) > 0.8 * count_chars(gold.fragments):
        return "taken by another attribution that overlaps"
    is_late, is_early = start > gold.span[0] + 8, end < gold.span[1] - 8
    sides = ["begins too late"] * is_late + ["ends too early"] * is_early
    return " and ".join(sides) or "a part in the middle left out"


def explain_dropped(facts: Facts, spans: Sequence[Span]) -> str | None:
    """Name the label of the segment that holds most of the words, when that is no part of the body."""
    if not facts.segments:
        return "not in the body: no article"
    for segment in facts.segments:
        if segment["body_start"] is None and 2 * count_common(spans, [segment["place"]]) > count_chars(spans):
            return f"not in the body: {segment['label']} ({segment['reason']})"
    return "not in the body: not English" if facts.language != "en" else None


def _explain_cue(case: Case, gold: Attribution) -> str:
    """Say what the lexicons know of the cue that is annotated."""
    if gold.cue is None or not gold.cue_text:
        return "no cue annotated"
    if not any(char.isalpha() for char in gold.cue_text):
        return "cue is a punctuation mark"
    lemmas = [lemma for lemma, _ in case.find_words(gold.cue)]
    if "accord" in lemmas or "according" in lemmas:
        return "cue “according to”"
    phrases = [" ".join(lemmas[i : i + n]) for n in (3, 2, 1) for i in range(len(lemmas))]
    for kind, lexicon in (("verb", "reporting_verbs"), ("noun", "reporting_nouns")):
        classes = [_list_classes(lexicon)[phrase] for phrase in phrases if phrase in _list_classes(lexicon)]
        if classes:
            return f"{kind} of class {classes[0]}"
    return "cue not in the lexicon"


@cache
def _list_classes(name: str) -> dict[str, str]:
    return {lemma: verb_class for lemma, verb_class, *_ in load_lexicon(name).iter_rows()}


def _tell(case: Case, kind: str, cause: str, gold: Unit | None, ours: Unit | None) -> Error:
    spans = [span for unit in (gold, ours) if unit for span in unit.spans]
    first, last = max(0, min(s for s, _ in spans) - _AROUND), max(e for _, e in spans) + _AROUND
    return Error(
        kind=kind,
        cause=cause,
        context=case.text[first:last],
        gold=case.read(gold.spans) if gold else "",
        ours=case.read(ours.spans) if ours else "",
        gold_speaker=(gold.attribution.speaker_text or "") if gold else "",
        our_speaker=(ours.attribution.speaker_text or _tell_candidate(ours.attribution)) if ours else "",
        rule=(ours.attribution.rule or "") if ours else "",
        document=case.id,
    )


def _tell_candidate(ours: Attribution) -> str:
    return f"(nobody; candidate: {ours.candidate})" if ours.candidate else ""
