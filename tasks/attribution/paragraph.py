"""Attribute one paragraph: its marked stretches, those inside them, and its reported speech."""

from collections.abc import Sequence

from tasks.annotation.syntax import Tree
from tasks.attribution.assign import Quoted, attribute_spans
from tasks.attribution.marks import MarkedSpan
from tasks.attribution.reported import Reported, read_reported
from tasks.attribution.view import View


def attribute_paragraph(tree: Tree, spans: Sequence[MarkedSpan]) -> tuple[list[Quoted], list[Reported]]:
    """Attribute the marked stretches of one paragraph and read its reported speech without marks.

    A quotation inside a quotation is attributed by the words around it there: what its speaker tells is narration to it.

    Returns:
        One `Quoted` a stretch, the outer ones first, and one `Reported` a stretch of indirect speech, in order.
    """
    outer = [span for span in spans if span.depth == 0]
    view = View(tree, outer)
    found = attribute_spans(view)
    found, reported = read_reported(view, found)
    inner = [span for span in spans if span.depth == 1]
    if inner:
        nested = View(tree, inner, [(span.start, span.end) for span in outer])
        found += [q._replace(rule=f"nested_{q.rule}") for q in attribute_spans(nested)]
    return found, reported
