"""One paragraph as the rules of attribution see it: tokens, what is quoted, cues, and frames of narration."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import Cue, find_cues
from tasks.attribution.marks import MarkedSpan

SENTENCE_END = ".!?…"
FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_SAYING = frozenset({"say", "write", "ask", "answer", "accuse", "deny", "manner", "add", "urge", "judge"})


@dataclass
class View:
    """A paragraph, its marked spans, and what is derived from both once."""

    tree: Tree
    spans: Sequence[MarkedSpan]
    inside: tuple[int, int] | None = None
    quoted: list[bool] = field(init=False)
    owner: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Mark the tokens that stand inside quotation marks, the marks themselves included, and all outside of `inside`."""
        size = len(self.tree)
        narration = self.tree.tokens_in(*self.inside) if self.inside else range(size)
        self.quoted = [token not in narration for token in range(size)] if self.inside else [False] * size
        self.owner = [-1] * size
        for number, span in enumerate(self.spans):
            for token in self.tree.tokens_in(span.outer_start, span.outer_end):
                self.quoted[token], self.owner[token] = True, number

    @cached_property
    def cues(self) -> list[Cue]:
        """The cues of the paragraph, in order."""
        return find_cues(self.tree, self.quoted)

    @cached_property
    def frame_of(self) -> list[int]:
        """For every token, the number of its frame: a sentence of the narration, in which a quotation counts as one word."""
        frames, number = [0] * len(self.tree), 0
        tree, quoted, text = self.tree, self.quoted, self.tree.text
        model_starts = set(tree.sentence_start)
        for token in range(1, len(tree)):
            may_end = quoted[token - 1] or text[tree.end[token - 1] - 1] in SENTENCE_END
            if may_end and self._starts_frame(token, model_starts):
                number += 1
            frames[token] = number
        return frames

    def _starts_frame(self, token: int, model_starts: set[int]) -> bool:
        tree, before = self.tree, token - 1
        if self.quoted[token] and self.owner[token] == self.owner[before]:
            return False
        first = tree.word(token)[:1]
        if not (first.isupper() or first.isdigit() or self.quoted[token] or first in "‘'([—–-"):
            return False
        if self.quoted[before]:
            span = self.spans[self.owner[before]]
            last = tree.text[span.start : span.end].rstrip(" )’'\"”")[-1:]
            return last in SENTENCE_END and last != ""
        word = tree.word(before)
        return word[-1:] in SENTENCE_END and (word in {".", "!", "?", "…", "..."} or token in model_starts)

    def tokens_of(self, span: MarkedSpan) -> range:
        """Return the tokens inside the marks."""
        return self.tree.tokens_in(span.start, span.end)


def says(cue: Cue) -> bool:
    """Whether the cue is speech in itself: thoughts, plans and agreement inside reported speech are told by its speaker."""
    return (cue.strength > 0 and cue.cue_class in _SAYING) or (cue.kind == "noun" and cue.content is not None)
