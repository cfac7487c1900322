"""One paragraph as the rules of attribution see it: tokens, what is quoted, cues, and frames of narration."""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tasks.annotation.syntax import Tree, kept
from tasks.attribution.cues import Cue, find_cues
from tasks.attribution.marks import MarkedSpan

SENTENCE_END = ".!?…"
FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_SENTENCE_MARK = re.compile(f"[{SENTENCE_END}]")
_BREAKS = frozenset({",", "—", "–", "--", ":", ";"})
_SAYING = frozenset({"say", "write", "ask", "answer", "accuse", "deny", "manner", "add", "urge", "judge"})


@dataclass
class View:
    """A paragraph, its marked spans, and what is derived from both once.

    Attributes:
        tree: The annotated paragraph.
        spans: The marked stretches to attribute, in order.
        inside: The outer stretches (characters) whose words are the narration, when the spans stand inside quotations.
        quoted: For every token, whether it is out of the narration: inside the marks, or outside of `inside`.
        owner: For every token, the number of the span around it, -1 when there is none.
    """

    tree: Tree
    spans: Sequence[MarkedSpan]
    inside: Sequence[tuple[int, int]] | None = None
    quoted: list[bool] = field(init=False)
    owner: list[int] = field(init=False)
    _region: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Mark the tokens that stand inside quotation marks, the marks themselves included, and all outside of `inside`."""
        size = len(self.tree)
        self._region = [0] * size if self.inside is None else [-1] * size
        for number, (start, end) in enumerate(self.inside or ()):
            for token in self.tree.tokens_in(start, end):
                self._region[token] = number
        self.quoted = [False] * size if self.inside is None else [r < 0 for r in self._region]
        self.owner = [-1] * size
        for number, span in enumerate(self.spans):
            for token in self.tree.tokens_in(span.outer_start, span.outer_end):
                self.quoted[token], self.owner[token] = True, number

    @kept
    def cues(self) -> list[Cue]:
        """The cues of the paragraph, in order; one whose speaker would stand in another quotation than itself is none."""
        cues = find_cues(self.tree, self.quoted)
        if self.inside is None:
            return cues
        region = self._region
        return [c for c in cues if c.speaker is None or region[c.speaker.head] == region[c.head]]

    @kept
    def cue_at(self) -> dict[int, Cue]:
        """The cue that every token carries, if it carries one."""
        return {cue.head: cue for cue in self.cues}

    @kept
    def _cues_of_frame(self) -> dict[int, tuple[list[int], list[Cue]]]:
        found: dict[int, tuple[list[int], list[Cue]]] = {}
        for cue in sorted(self.cues, key=lambda c: c.first):
            firsts, cues = found.setdefault(self.frame_of[cue.head], ([], []))
            firsts.append(cue.first)
            cues.append(cue)
        return found

    @kept
    def _relay_of_frame(self) -> dict[int, Cue]:
        relays: dict[int, Cue] = {}
        for cue in self.cues:
            if cue.kind == "according":
                relays.setdefault(self.frame_of[cue.head], cue)
        return relays

    def relay_of(self, frame: int) -> Cue | None:
        """Return the first "according to X" of the frame, or None."""
        return self._relay_of_frame.get(frame)

    def cues_after(self, token: int, frame: int, limit: int) -> list[Cue]:
        """Return the first `limit` cues of the frame that begin at `token` or later, in order."""
        firsts, cues = self._cues_of_frame.get(frame, ([], []))
        low = bisect.bisect_left(firsts, token)
        return cues[low : low + limit]

    def cues_before(self, token: int, frame: int, limit: int) -> list[Cue]:
        """Return the last `limit` cues of the frame that begin before `token`, the nearest first."""
        firsts, cues = self._cues_of_frame.get(frame, ([], []))
        high = bisect.bisect_left(firsts, token)
        return cues[max(0, high - limit) : high][::-1]

    @kept
    def frame_of(self) -> list[int]:
        """For every token, the number of its frame: a sentence of the narration, in which a quotation counts as one word."""
        frames: list[int] = []
        for number, (first, after) in enumerate(pairwise(self.frame_starts)):
            frames += [number] * (after - first)
        return frames

    @kept
    def frame_starts(self) -> list[int]:
        """The first token of every frame, and the number of tokens."""
        size = len(self.tree)
        region, model_starts = self._region, set(self.tree.sentence_start)
        inner = [
            token
            for token in self._possible_frame_starts()
            if 0 < token < size and (region[token] != region[token - 1] or self._starts_frame(token, model_starts))
        ]
        return [0, *inner, size] if size else [0]

    def _possible_frame_starts(self) -> list[int]:
        """Return the tokens behind a mark of a sentence's end, and those where a quotation or a region begins or ends, in order."""
        tree, ends = self.tree, self.tree.end
        found = set()
        for match in _SENTENCE_MARK.finditer(tree.text):
            token = bisect.bisect_left(ends, match.end())
            if token < len(tree) and ends[token] == match.end():
                found.add(token + 1)
        for span in self.spans:
            tokens = tree.tokens_in(span.outer_start, span.outer_end)
            found |= {tokens.start, tokens.stop}
        for start, end in self.inside or ():
            tokens = tree.tokens_in(start, end)
            found |= {tokens.start, tokens.stop}
        return sorted(found)

    @kept
    def _quoted_tokens(self) -> list[int]:
        return [token for token, is_quoted in enumerate(self.quoted) if is_quoted] if self.spans or self.inside else []

    @kept
    def _finite_verbs(self) -> list[int]:
        return [token for token, tag in enumerate(self.tree.tag) if tag in FINITE]

    @kept
    def _told_finite_verbs(self) -> list[int]:
        return [token for token in self._finite_verbs if not self.quoted[token]]

    def count_narration(self, first: int, after: int) -> tuple[int, int]:
        """Return how many tokens from `first` to before `after` are narration, and how many of these are finite verbs."""
        after = max(first, after)
        quoted = _count_between(self._quoted_tokens, first, after)
        return after - first - quoted, _count_between(self._told_finite_verbs, first, after)

    def has_quoted(self, first: int, after: int) -> bool:
        """Whether a token from `first` to before `after` is quoted."""
        return _count_between(self._quoted_tokens, first, after) > 0

    def has_finite(self, first: int, after: int) -> bool:
        """Whether a token from `first` to before `after` is a finite verb, quoted or not."""
        return _count_between(self._finite_verbs, first, after) > 0

    def has_comma(self, first: int, after: int) -> bool:
        """Whether a token from `first` to before `after` is tagged as a comma."""
        return _count_between(self._commas, first, after) > 0

    @kept
    def _commas(self) -> list[int]:
        return [token for token, tag in enumerate(self.tree.tag) if tag == ","]

    @kept
    def _breaks(self) -> list[int]:
        text, spans = self.tree.text, zip(self.tree.start, self.tree.end, strict=True)
        printed = [token for token, (start, end) in enumerate(spans) if text[start:end] in _BREAKS]
        return sorted({*printed, *self._quoted_tokens})

    def next_break(self, token: int) -> int:
        """Return the first token from `token` on that is quoted or a comma, dash, colon or semicolon; the number of tokens if none."""
        breaks = self._breaks
        index = bisect.bisect_left(breaks, token)
        return breaks[index] if index < len(breaks) else len(self.tree)

    def _starts_frame(self, token: int, model_starts: set[int]) -> bool:
        tree, before = self.tree, token - 1
        if self.quoted[token] and self.owner[token] == self.owner[before]:
            return False
        first = tree.text[tree.start[token]]
        if not (first.isupper() or first.isdigit() or self.quoted[token] or first in "‘'([—–-"):
            return False
        if self.quoted[before]:
            span = self.spans[self.owner[before]]
            last = tree.text[max(span.start, span.end - 8) : span.end].rstrip(" )’'\"”")[-1:]
            return last in SENTENCE_END and last != ""
        word = tree.word(before)
        return word[-1:] in SENTENCE_END and (word in {".", "!", "?", "…", "..."} or token in model_starts)

    def tokens_of(self, span: MarkedSpan) -> range:
        """Return the tokens inside the marks."""
        return self.tree.tokens_in(span.start, span.end)


def _count_between(tokens: Sequence[int], first: int, after: int) -> int:
    return max(0, bisect.bisect_left(tokens, after) - bisect.bisect_left(tokens, first))


def says(cue: Cue) -> bool:
    """Whether the cue is speech in itself: thoughts, plans and agreement inside reported speech are told by its speaker."""
    return (cue.strength > 0 and cue.cue_class in _SAYING) or (cue.kind == "noun" and cue.content is not None)
