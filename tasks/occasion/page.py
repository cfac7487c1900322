"""One paragraph as occasions see it: which of its words are the narrator's, its sentences, and the times that it tells."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tasks.annotation.syntax import Paragraph, Tree
from tasks.attribution.marks import MarkedSpan
from tasks.attribution.view import View
from tasks.occasion.calendar import TimeWords, find_times
from tasks.occasion.clause import QUOTED, TOLD

_MARKS = frozenset("“”\"„«»‘’'")
CharSpan = tuple[int, int]


@dataclass(eq=False)
class Page:
    """One annotated paragraph with what is quoted and told in it; spans are characters of the paragraph."""

    tree: Tree
    offset: int
    marked: Sequence[CharSpan]
    told: Sequence[CharSpan]

    @cached_property
    def blocked(self) -> bytearray:
        """For every token, whether it stands inside marks, is told without marks, or is free."""
        blocked = bytearray(len(self.tree))
        for spans, kind in ((self.told, TOLD), (self.marked, QUOTED)):
            for start, end in spans:
                for token in self.tree.tokens_in(start, end):
                    blocked[token] = kind
        return blocked

    @cached_property
    def _view(self) -> View:
        text = self.tree.text
        spans = []
        for start, end in self.marked:
            first = start - 1 if start and text[start - 1] in _MARKS else start
            last = end + 1 if end < len(text) and text[end] in _MARKS else end
            spans.append(MarkedSpan(start, end, first, last, is_double=True))
        return View(self.tree, spans)

    def frame_around(self, token: int) -> tuple[int, int]:
        """Return the first token of the sentence of the narration around `token`, in which a quotation is one word, and the token after its last."""
        starts = self._view.frame_starts
        after = bisect_right(starts, token)
        return starts[after - 1], starts[after]

    @cached_property
    def times(self) -> list[TimeWords]:
        """The expressions of time outside of marks, in order."""
        times, marked = find_times(self.tree.text), self.marked
        if not times or not marked:
            return list(times)
        return [t for t in times if not any(low <= t.anchor < high for low, high in marked)]

    def tokens(self, start: int, end: int) -> range:
        """Return the tokens of a span of the body."""
        return self.tree.tokens_in(start - self.offset, end - self.offset)

    def span(self, tokens: tuple[int, int]) -> CharSpan:
        """Return the characters in the body of tokens (first, after last)."""
        start, end = self.tree.span(*tokens)
        return start + self.offset, end + self.offset

    def read(self, span: CharSpan) -> str:
        """Return the characters of a span of the body."""
        return self.tree.text[span[0] - self.offset : span[1] - self.offset]


def open_page(paragraph: Paragraph, marked: Sequence[CharSpan], told: Sequence[CharSpan]) -> Page | None:
    """Return the page of a paragraph, None when it was not annotated; spans are characters of the body."""
    if paragraph.tree is None or not len(paragraph.tree):
        return None
    by = paragraph.start_char
    own = [[(low - by, high - by) for low, high in spans] for spans in (marked, told)]
    page = Page(paragraph.tree, by, *own)
    if page.told and page.times:  # "a statement on Tuesday" tells nothing about Tuesday
        times = {(words.start, words.end) for words in page.times} | {(words.anchor, words.end) for words in page.times}
        page.told = [span for span in page.told if span not in times]
    return page
