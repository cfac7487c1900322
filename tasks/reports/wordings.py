"""Two wordings -> what differs, what kind of difference that is, and whether they are reports of the same thing said.

The report is aligned with the reference (the fuller wording) word by word: the longest common subsequence of folded words, by
RapidFuzz (Hyyrö 2004, bit-parallel). What both have is kept; what only the reference has is deleted, what only the report has
is inserted. Common words that stand alone between changes and have no content are no part of what is kept. The kind follows:

- `verbatim`: the same words, whatever their case, marks, contractions, compounds and figures.
- `truncated`: one stretch of the reference, nothing inserted.
- `spliced`: several stretches of the reference in their order, nothing inserted between them: what stood there is left out.
  Or two that overlap: words are inserted only before the first or after the last stretch, where the reference has nothing.
- `substituted`: words are inserted in the place of others or between kept ones, and at least `LEAST_KEPT` of the words of the
  report are kept. It may be truncated or spliced besides.
- `retranslated`: less is kept; what is the same is seen from stems and synonyms.
- `reported`: indirect speech that tells what a marked quotation says.

Whether both are the same thing said depends on the words and on the bond between the two reports: the speaker, the article, the
days. Another negation, number or name, or an opposite in the place of a word, makes it another utterance, whatever is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from tasks.reports.words import Word, Wording, are_synonyms, have_opposites, list_synonyms

LEAST_KEPT = 0.6
MATCHED = 100
"""Distinct content words that are matched with those of another wording."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of the alignment: words `start` to before `end` of the reference and of the report; kept, or changed."""

    is_kept: bool
    reference: tuple[int, int]
    report: tuple[int, int]

    @property
    def kept_count(self) -> int:
        """How many words are kept."""
        return self.report[1] - self.report[0] if self.is_kept else 0


@dataclass(frozen=True)
class Difference:
    """How a report differs from the reference; stretches are in order and as printed, `similarity` is 0 to 1."""

    kind: str
    similarity: float
    kept: tuple[str, ...]
    deleted: tuple[str, ...]
    inserted: tuple[str, ...]


@dataclass(frozen=True)
class Bond:
    """What is known of two reports beside their words.

    `speaker` is `same`, `open` (one of them is not known) or `other`. `day_gap` is the number of days between them, null
    when one has no date.
    """

    speaker: str = "same"
    is_same_article: bool = False
    day_gap: int | None = None
    is_same_story: bool = True


@dataclass(frozen=True)
class _Aligned:
    """Two wordings, their alignment and what was counted in it."""

    reference: Wording
    report: Wording
    stretches: tuple[Stretch, ...]

    @property
    def kept(self) -> list[Stretch]:
        return [stretch for stretch in self.stretches if stretch.is_kept]

    @property
    def changes(self) -> list[tuple[Sequence[Word], Sequence[Word]]]:
        """The changed stretches: words deleted, words inserted."""
        return [
            (self.reference.words[slice(*stretch.reference)], self.report.words[slice(*stretch.report)])
            for stretch in self.stretches
            if not stretch.is_kept
        ]

    @property
    def inner_changes(self) -> list[tuple[Sequence[Word], Sequence[Word]]]:
        """The changed stretches between two kept ones, and those at an end where both wordings have words."""
        last = len(self.stretches) - 1
        places = [place for place, stretch in enumerate(self.stretches) if not stretch.is_kept]
        return [
            change
            for place, change in zip(places, self.changes, strict=True)
            if 0 < place < last or (change[0] and change[1])
        ]

    @property
    def kept_count(self) -> int:
        return sum(stretch.kept_count for stretch in self.stretches)

    @property
    def kept_content(self) -> int:
        return sum(word.is_content for stretch in self.kept for word in self.report.words[slice(*stretch.report)])

    @property
    def kept_share(self) -> float:
        """Share of the report's words that are kept."""
        return self.kept_count / max(1, len(self.report.words))

    @property
    def has_insertion(self) -> bool:
        return any(inserted for _, inserted in self.changes)

    @property
    def is_overlap(self) -> bool:
        """Whether what is inserted stands only at an end where the reference has nothing."""
        first, last = self.stretches[0], self.stretches[-1]
        own = [stretch for stretch in self.stretches if not stretch.is_kept and stretch.report[0] < stretch.report[1]]
        return bool(own) and all(
            stretch in (first, last) and stretch.reference[0] == stretch.reference[1] for stretch in own
        )


def describe_difference(report: Wording, reference: Wording) -> Difference:
    """Tell how a report differs from the reference, word by word."""
    aligned = _align(report, reference)
    kind = _name_kind(aligned)
    if kind == "verbatim":
        return Difference(kind, 1.0, (report.text,), (), ())
    shorter = max(1, min(len(report.words), len(reference.words)))
    spans = [(stretch.is_kept, stretch.reference, stretch.report) for stretch in aligned.stretches]
    return Difference(
        kind=kind,
        similarity=aligned.kept_count / shorter,
        kept=tuple(_cut(report, [own for is_kept, _, own in spans if is_kept])),
        deleted=tuple(_cut(reference, [span for is_kept, span, _ in spans if not is_kept])),
        inserted=tuple(_cut(report, [own for is_kept, _, own in spans if not is_kept])),
    )


def find_evidence(report: Wording, reference: Wording, bond: Bond) -> str | None:
    """Return the rule by which a report and a fuller wording are the same thing said; None when they are not.

    A wording may be neither too generic for the days between the reports nor too short for what is known of the speakers.
    """
    if report.keys == reference.keys:
        return "same_words" if _is_enough(report, bond, _EXACT) and _is_near(report, bond, is_whole=True) else None
    aligned = _align(report, reference)
    if not aligned.kept and bond.speaker != "same":
        return None
    if not aligned.has_insertion:
        return _judge_part(aligned, bond)
    if bond.is_same_article or bond.speaker == "other" or not _is_near(report, bond, is_whole=False):
        return None
    if any(_contradict(deleted, inserted) for deleted, inserted in aligned.inner_changes):
        return None
    if aligned.is_overlap and aligned.kept_content >= 4 and max(s.kept_count for s in aligned.kept) >= 6:
        return "overlap"
    return _judge_substitution(aligned, bond) or _judge_translation(aligned, bond)


def tells_content(report: Wording, reference: Wording) -> bool:
    """Tell whether indirect speech says what a quotation of the same speaker says: most of its content, nothing against it."""
    told, said = (_distinct(wording.content)[:MATCHED] for wording in (report, reference))
    pairs = _match_content(told, said)
    if len(pairs) < 4 or len(pairs) < 0.75 * min(len(told), len(said)):
        return False
    left = [word for place, word in enumerate(told) if place not in pairs]
    missed = [word for place, word in enumerate(said) if place not in set(pairs.values())]
    aligned = _align(report, reference)
    return not _contradict(missed, left, is_wide=True) and not _has_other_negation(
        aligned, [said[p] for p in pairs.values()]
    )


_EXACT = {"same": (0, 1), "open": (2, 3), "other": (4, 6)}
_PART = {"same": (2, 2), "open": (2, 4), "other": (4, 8)}
_PARTS = {"same": (3, 5), "open": (4, 6), "other": (6, 10)}
"""Bond of the speakers -> content words and words that a wording must have: as a whole, in one part, in several parts."""


def _judge_part(aligned: _Aligned, bond: Bond) -> str | None:
    report, kept = aligned.report, aligned.kept
    if not _is_near(report, bond, is_whole=False):
        return None
    if len(kept) == 1:
        is_phrase = bond.speaker == "same" and len(report.words) >= 3 and report.content
        return "contained" if is_phrase or _is_enough(report, bond, _PART) else None
    if bond.is_same_article or not _is_enough(report, bond, _PARTS):
        return None
    if any(_contradict(deleted, ()) for deleted, _ in aligned.inner_changes if len(deleted) <= 3):
        return None
    left_out = sum(len(deleted) for deleted, _ in aligned.inner_changes)
    is_whole_stretches = aligned.kept_count >= 3 * len(kept)
    return "stretches" if is_whole_stretches or left_out <= 3 else None


def _judge_substitution(aligned: _Aligned, bond: Bond) -> str | None:
    """Accept words in the place of others: synonyms in a common frame, or a few others among many that are kept."""
    foreign = sum(_count_foreign(deleted, inserted) for deleted, inserted in aligned.changes)
    kept, content = aligned.kept_count, aligned.kept_content
    least_content = 2 if bond.speaker == "open" else 1
    is_framed = len(aligned.kept) == 2 and len(aligned.stretches) == 3  # one place changed, words around it kept
    if (
        not foreign
        and kept >= (2 if is_framed else 3)
        and content >= least_content
        and aligned.kept_share >= LEAST_KEPT
    ):
        return "synonyms_in_frame"
    is_long = bond.speaker == "same" and content >= 6 and content / (content + foreign) >= 0.85
    return "few_words_changed" if is_long else None


_SHARES = ((9, 0.58), (6, 0.66), (5, 0.75), (4, 0.8), (3, 1.0))
"""Content words in common -> the share of the content words of the poorer wording that they must be."""


def _judge_translation(aligned: _Aligned, bond: Bond) -> str | None:
    """Accept the same content in other words: stems and synonyms, in much the same order, without a contradiction."""
    if bond.speaker != "same":
        return None
    report, reference = (_distinct(wording.content)[:MATCHED] for wording in (aligned.report, aligned.reference))
    pairs = _match_content(report, reference)
    least = next((share for count, share in _SHARES if len(pairs) >= count), None)
    shares_of = max if len(pairs) == 3 else min  # three words are enough only where neither has another
    if least is None or len(pairs) < least * shares_of(len(report), len(reference)):
        return None
    left = [word for place, word in enumerate(report) if place not in pairs]
    missed = [word for place, word in enumerate(reference) if place not in set(pairs.values())]
    if _contradict(missed, left, is_wide=True) or _has_other_negation(aligned, [reference[p] for p in pairs.values()]):
        return None
    is_passive = ("by" in aligned.report.key_set) != ("by" in aligned.reference.key_set)
    in_order = _count_in_order([pairs[place] for place in sorted(pairs)])
    return "same_content" if is_passive or in_order >= 0.6 * len(pairs) else None


def _is_enough(report: Wording, bond: Bond, needed: dict[str, tuple[int, int]]) -> bool:
    content, words = needed["open" if bond.is_same_article and bond.speaker == "same" else bond.speaker]
    return len(report.content) >= content and len(report.words) >= max(1, words)


def _is_near(report: Wording, bond: Bond, *, is_whole: bool) -> bool:
    """Tell whether a wording is particular enough to be the same utterance after so many days."""
    words, content = len(report.words), len(report.content)
    is_generic = words <= 4 or content <= 1
    if not bond.is_same_story and (is_generic or content < 3):
        return False
    if bond.day_gap is None:
        return True
    return bond.day_gap <= (0 if is_generic and is_whole else 3 if is_generic or words < 8 else 30 if is_whole else 7)


def _align(report: Wording, reference: Wording) -> _Aligned:
    """Align by the longest common subsequence, and give up common words that alone mean nothing."""
    found = Indel.opcodes(reference.keys, report.keys)
    raw = [Stretch(op.tag == "equal", (op.src_start, op.src_end), (op.dest_start, op.dest_end)) for op in found]
    slid = _slide(_merge(raw), report, reference)
    last = len(slid) - 1
    kept = [
        Stretch(False, stretch.reference, stretch.report)
        if stretch.is_kept and _is_chance(stretch, report, place in (0, last))
        else stretch
        for place, stretch in enumerate(slid)
    ]
    return _Aligned(reference, report, tuple(_merge(kept)))


def _merge(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Join neighbours of the same sort; what is deleted and inserted in one place is one change."""
    merged: list[Stretch] = []
    for stretch in stretches:
        if merged and merged[-1].is_kept == stretch.is_kept:
            before = merged.pop()
            stretch = Stretch(
                stretch.is_kept,
                (before.reference[0], stretch.reference[1]),
                (before.report[0], stretch.report[1]),
            )
        merged.append(stretch)
    return merged


def _slide(stretches: list[Stretch], report: Wording, reference: Wording) -> list[Stretch]:
    """Move a short first stretch to where it joins the next one, and a short last one to where it joins the one before.

    Of several longest common subsequences the alignment takes any: "the" may stand far from the words it belongs to.
    """
    kept = [place for place, stretch in enumerate(stretches) if stretch.is_kept]
    if len(kept) < 2:
        return stretches
    slid = list(stretches)
    for one, gap in ((kept[0], kept[0] + 1), (kept[-1], kept[-1] - 1)):
        own, between = slid[one], slid[gap]
        count = own.kept_count
        start, end = between.reference
        if between.report[0] != between.report[1] or count > min(3, end - start):
            continue
        is_first = gap > one
        moved = (end - count, end) if is_first else (start, start + count)
        words = report.keys[slice(*own.report)]
        if reference.keys[slice(*moved)] != words:
            continue
        rest = (own.reference[0], end - count) if is_first else (start + count, own.reference[1])
        edge = own.report[0] if is_first else own.report[1]
        slid[one], slid[gap] = (
            (Stretch(False, rest, (edge, edge)), Stretch(True, moved, own.report))
        )  # fmt: skip
    return _merge(slid)


def _is_chance(stretch: Stretch, report: Wording, is_edge: bool) -> bool:
    """Tell whether a kept stretch is common by chance: one function word between changes."""
    words = report.words[slice(*stretch.report)]
    return len(words) == 1 and not is_edge and not words[0].is_content and not words[0].is_negation


def _name_kind(aligned: _Aligned) -> str:
    if aligned.report.keys == aligned.reference.keys:
        return "verbatim"
    if not aligned.has_insertion:
        return "truncated" if len(aligned.kept) == 1 else "spliced"
    if aligned.is_overlap:
        return "spliced"
    return "substituted" if aligned.kept_share >= LEAST_KEPT else "retranslated"


def _cut(wording: Wording, spans: Sequence[tuple[int, int]]) -> Iterator[str]:
    for first, last in spans:
        if first < last and (text := wording.cut(first, last)):
            yield text


def _contradict(deleted: Sequence[Word], inserted: Sequence[Word], *, is_wide: bool = False) -> bool:
    """Tell whether a change of words changes what is said: a negation, an opposite, another number or another name."""
    numbers = [{word.number for word in words if word.number} for words in (deleted, inserted)]
    if all(numbers) and numbers[0].isdisjoint(numbers[1]):
        return True
    names = [[word for word in words if word.is_name] for words in (deleted, inserted)]
    if all(names) and not any(_are_alike(one, other) for one in names[0] for other in names[1]):
        return True
    if have_opposites(deleted, inserted):
        return True
    is_tight = len(deleted) <= 6 and len(inserted) <= 6
    counts = [sum(word.is_negation for word in words) for words in (deleted, inserted)]
    return not is_wide and is_tight and counts[0] % 2 != counts[1] % 2


def _are_alike(one: Word, other: Word) -> bool:
    return one.stem == other.stem or fuzz.ratio(one.key, other.key) >= 75 or are_synonyms(one.stem, other.stem)


def _count_foreign(deleted: Sequence[Word], inserted: Sequence[Word]) -> int:
    """Count the content words that are inserted and that nothing deleted there can stand for."""
    stems = {word.stem for word in deleted}
    return sum(
        word.is_content
        and word.stem not in stems
        and not (stems & list_synonyms(word.stem))
        and not any(word.is_name and _are_alike(word, other) for other in deleted)
        and not _stands_for_pronoun(word, deleted)
        for word in inserted
    )


def _stands_for_pronoun(word: Word, deleted: Sequence[Word]) -> bool:
    """Tell whether a word is an editor's, put in the place of a pronoun: [Reyes] for he."""
    return any(other.key in _PRONOUNS for other in deleted) and not any(other.is_content for other in deleted)


_PRONOUNS = frozenset(
    ("he", "she", "it", "they", "him", "her", "them", "his", "their", "this", "that", "these", "those")
)


def _distinct(words: Sequence[Word]) -> list[Word]:
    return list({word.stem: word for word in reversed(words)}.values())[::-1]


def _match_content(report: Sequence[Word], reference: Sequence[Word]) -> dict[int, int]:
    """Pair places of content words: equal stems first, then synonyms, each word once."""
    places = {word.stem: place for place, word in enumerate(reference)}
    pairs = {place: places[word.stem] for place, word in enumerate(report) if word.stem in places}
    free = {place: word.stem for place, word in enumerate(reference) if place not in set(pairs.values())}
    for place, word in enumerate(report):
        if place in pairs:
            continue
        synonyms = list_synonyms(word.stem)
        found = next((at for at, stem in free.items() if stem in synonyms or _are_forms(stem, word.stem)), None)
        if found is not None:
            pairs[place] = found
            del free[found]
    return pairs


def _are_forms(one: str, other: str) -> bool:
    """Tell whether two stems are forms of one word that the stemmer leaves apart: resum(e), resumpt(ion)."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= 5 and longer.startswith(shorter)


def _has_other_negation(aligned: _Aligned, matched: Sequence[Word]) -> bool:
    """Tell whether one says no where the other does not: an odd number of negations more among the matched words.

    A negation of the reference may stand up to four words before or after them (*the pumps did not*).
    """
    words = aligned.reference.words
    starts = [word.start for word in matched]
    places = [place for place, word in enumerate(words) if min(starts) <= word.start <= max(starts)]
    first, last = max(0, places[0] - 4), places[-1] + 1
    own = sum(word.is_negation for word in aligned.report.words) % 2
    return all(sum(word.is_negation for word in words[first:end]) % 2 != own for end in (last, last + 4))


def _count_in_order(places: Sequence[int]) -> int:
    """Return the length of the longest increasing subsequence, of the first 100 places."""
    best: list[int] = []
    for place in places[:100]:
        best.append(
            1 + max((length for before, length in zip(places, best, strict=False) if before < place), default=0)
        )
    return max(best, default=0)
