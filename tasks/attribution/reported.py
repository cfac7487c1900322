"""Read reported speech that has no marks of its own: X said that …; according to X, ….; his claim that …."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.attribution.assign import Quoted
from tasks.attribution.cues import Cue
from tasks.attribution.view import FINITE, View, says


@dataclass(frozen=True)
class Reported:
    """One stretch of reported speech without marks of its own."""

    content: tuple[tuple[int, int], ...]
    rule: str
    cue: tuple[int, int]
    speaker: tuple[int, int] | None
    via: tuple[int, int] | None = None


def read_reported(view: View, found: Sequence[Quoted]) -> list[Reported]:
    """Read the content clauses of cues that govern no marked stretch: X said that …; according to X, ….

    "According to Y" behind somebody's words names the relay of these words, and nothing of its own.
    """
    tree = view.tree
    used = {q.group[1] for q in found if q.group[0] == "cue"}
    told = {view.frame_of[tree.token_at(q.span.start)] for q in found if q.speaker is not None}
    relays = {view.frame_of[c.head]: c for c in view.cues if c.kind == "according" and c.speaker is not None}
    reported = []
    for cue in sorted(view.cues, key=lambda c: c.kind == "according"):
        frame = view.frame_of[cue.head]
        if cue.head in used or cue.speaker is None or (cue.kind == "according" and frame in told):
            continue
        pieces = _content_pieces(view, cue)
        if sum(len(tree.text[start:end].split()) for start, end in pieces) < 2:
            continue
        via = relays.get(frame) if cue.kind != "according" else None
        via_span = (
            tree.span(via.speaker.first, via.speaker.after) if via is not None and via.speaker is not None else None
        )
        told.add(frame)
        speaker = tree.span(cue.speaker.first, cue.speaker.after)
        reported.append(Reported(pieces, cue.kind, tree.span(cue.first, cue.after), speaker, via_span))
    return reported


def _content_pieces(view: View, cue: Cue) -> tuple[tuple[int, int], ...]:
    """Return the stretches of the paragraph (characters) that tell what was said, trimmed of marks and punctuation.

    A cue between commas or behind one ("…, she said, …") has the rest of its sentence as content; else its content clause.
    """
    tree = view.tree
    if cue.kind == "according":
        rest = _rest_of_frame(view, cue)
        tokens = [rest] if rest is not None else []
    else:
        tokens = _around_parenthesis(view, cue) or ([cue.content] if cue.content is not None else [])
    if any(
        low <= cue.head < high or (cue.speaker is not None and low <= cue.speaker.head < high) for low, high in tokens
    ):
        return ()
    pieces = [_trim(tree.text, *tree.span(low, high)) for low, high in tokens]
    return tuple((start, end) for start, end in pieces if start < end)


def _around_parenthesis(view: View, cue: Cue) -> list[tuple[int, int]]:
    """Return the tokens before and after a cue clause that stands behind a comma and governs nothing to its right."""
    tree = view.tree
    if (
        cue.kind != "verb"
        or cue.speaker is None
        or cue.strength == 0
        or (cue.content is not None and cue.content[0] > cue.head)
    ):
        return []
    frame = view.frame_of[cue.head]
    inverted = cue.speaker.head > cue.head
    first = cue.first if inverted else cue.speaker.first
    if (
        first == 0
        or view.frame_of[first - 1] != frame
        or tree.word(first - 1) not in {",", "”", '"', "''", "—", "–", "--"}
    ):
        return []
    if not inverted and any(tree.tag[t] == "," or view.quoted[t] for t in range(cue.speaker.after, cue.first)):
        return []
    low = first
    while low > 0 and view.frame_of[low - 1] == frame:
        low -= 1
    high = cue.after
    last = len(tree)
    while (
        high < last
        and view.frame_of[high] == frame
        and tree.word(high) not in {",", "—", "–", "--", ":", ";"}
        and not view.quoted[high]
    ):
        high += 1
    end = high
    while end < last and view.frame_of[end] == frame:
        end += 1
    pieces = [(low, first - 1 if tree.word(first - 1) == "," else first)]
    if not says(cue) or not any(tree.tag[t] in FINITE for t in range(*pieces[0])):
        return []
    rest = range(high, end)
    goes_on = any(tree.tag[t] in FINITE or view.quoted[t] for t in rest) and not any(
        tree.dep[t] in {"advcl", "relcl", "conj", "appos"} and tree.head[t] in (cue.head, cue.speaker.head)
        for t in rest
    )
    return [*pieces, (high, end)] if goes_on else pieces


def _rest_of_frame(view: View, cue: Cue) -> tuple[int, int] | None:
    """Return the longer side of the frame around "according to X": what is according to X."""
    if cue.speaker is None:
        return None
    frame = view.frame_of[cue.head]
    tokens = [t for t in range(len(view.tree)) if view.frame_of[t] == frame]
    low, high = tokens[0], tokens[-1] + 1
    before, after = (low, cue.first), (cue.speaker.after, high)
    content = before if before[1] - before[0] >= after[1] - after[0] else after
    return content if content[1] > content[0] else None


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    strip = " \t\u00a0,;:.!?—–-\n“”\"'’‘"
    while start < end and text[start] in strip:
        start += 1
    while end > start and text[end - 1] in strip:
        end -= 1
    return start, end
