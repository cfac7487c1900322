"""Read what is said, thought or wanted without marks of its own: X said that …; X criticized the plan; according to X, ….; his claim that …."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tasks.annotation.syntax import Tree
from tasks.attribution.assign import Quoted
from tasks.attribution.contents import Content, read_adjective, read_noun, read_verb
from tasks.attribution.cues import Cue, NounPhrase, find_source
from tasks.attribution.view import View, says
from tasks.lexicons import load_lexicon

_POS = {"VERB": "verb", "AUX": "verb", "NOUN": "noun", "ADJ": "adjective"}
_READERS = {"verb": read_verb, "noun": read_noun, "adjective": read_adjective}
_RULES = {
    "clause": "clause", "fronted": "clause", "copula": "clause", "adverbial_finite": "clause", "infinitive": "infinitive",
    "object_infinitive": "infinitive", "passive_infinitive": "infinitive", "adverbial_infinitive": "infinitive",
    "gerund": "gerund", "adverbial_gerund": "gerund", "predicate": "predicate", "raised": "raised", "subject": "subject",
    "object": "object",
}  # fmt: skip
_BEFORE_PARENTHESIS = frozenset({",", "”", '"', "''", "—", "–", "--"})
_DEPENDENT = frozenset({"advcl", "relcl", "conj", "appos"})
_LONGEST = 1_024
"""Tokens of the longest frame that a cue between commas is read to tell: no sentence is longer, and thousands of such cues stay linear."""
_HOPPED = {"hop": "hope", "hat": "hate", "retweete": "retweet", "extoll": "extol"}
"""Lemmas that the model derives wrongly from regular forms: "hoped" is no form of "hop"."""


class Reported(NamedTuple):
    """One stretch of reported speech without marks of its own; `rule` names the part of speech of its cue and the frame of its content."""

    content: tuple[tuple[int, int], ...]
    rule: str
    cue: tuple[int, int]
    speaker: tuple[int, int] | None
    via: tuple[int, int] | None = None


class _Found(NamedTuple):
    """A content that a cue governs, in tokens, before it is decided who tells it."""

    head: int
    cue: tuple[int, int]
    rule: str
    pieces: tuple[tuple[int, int], ...]
    speaker: NounPhrase | None


@functools.cache
def _licensed() -> dict[str, dict[str, frozenset[str]]]:
    """For every part of speech as models tag it, the lemmas that tell of words, and the frames of what they govern."""
    frames: dict[str, dict[str, frozenset[str]]] = {part: {} for part in _POS.values()}
    for row in load_lexicon("reporting_frames").iter_rows(named=True):
        frames[row["pos"]][row["lemma"]] = frozenset(row["frames"])
    return {pos: frames[part] for pos, part in _POS.items()}


def read_reported(view: View, found: Sequence[Quoted]) -> tuple[list[Quoted], list[Reported]]:
    """Read the contents that the cues of a paragraph govern, the outermost of each sentence only.

    What somebody is said to think or say inside somebody's reported words is part of these words: "X said Y wants to …" is told by X.
    "According to Y" behind somebody's words names the relay of these words, and nothing of its own.

    Returns:
        The marked stretches, with the content around them where their cue governs one, and the reported speech without marks.
    """
    tree = view.tree
    taken = bytearray(len(tree))
    by_cue = {q.group[1] for q in found if q.group[0] == "cue"}
    contents: dict[int, tuple[tuple[int, int], ...]] = {}
    reported: list[Reported] = []
    according = [c for c in view.cues if c.kind == "according"]
    relays = {view.frame_of[c.head]: c for c in according if c.speaker is not None}
    frames = view.frame_of if according else None  # only relays ask in which frame something is told
    told = {frames[tree.token_at(q.span.start)] for q in found if q.speaker is not None} if frames else set()
    for item in _find_contents(view, taken):
        frame = frames[item.head] if frames else 0
        if item.rule == "according_to" and frame in told:
            continue
        pieces = tuple(p for p in (_trim(tree.text, *tree.span(low, high)) for low, high in item.pieces) if p[0] < p[1])
        if not pieces:
            continue
        for low, high in item.pieces:
            taken[low:high] = b"\1" * (high - low)
        taken[item.head] = False
        if item.head in by_cue:
            contents[item.head] = pieces
            continue
        told.add(frame)
        via = relays.get(frame) if item.rule != "according_to" else None
        reported.append(Reported(pieces, item.rule, tree.span(*item.cue), _span(tree, item.speaker), _via(tree, via)))
    completed = [
        q._replace(content=contents[q.group[1]]) if q.group[0] == "cue" and q.group[1] in contents else q for q in found
    ]
    return completed, reported


def _may_tell(pos: str, lemma: str) -> bool:
    own, lemma = _licensed().get(pos), lemma.lower()
    return own is not None and (lemma in own or lemma in _HOPPED)


def _span(tree: Tree, phrase: NounPhrase | None) -> tuple[int, int] | None:
    return None if phrase is None else tree.span(phrase.first, phrase.after)


def _via(tree: Tree, relay: Cue | None) -> tuple[int, int] | None:
    return None if relay is None else _span(tree, relay.speaker)


def _find_contents(view: View, taken: Sequence[int]) -> Iterator[_Found]:
    """Yield what the cues of the paragraph govern, cues nearer to the root of their sentence first, "according to" last.

    Cues that are `taken` when their turn comes, being part of what an earlier one governs, are passed over.
    """
    tree = view.tree
    cues = {c.head: c for c in view.cues}
    licensed, quoted = _licensed(), view.quoted
    heads: dict[int, frozenset[str]] = {c.head: frozenset() for c in view.cues if tree.pos[c.head] in licensed}
    for token in tree.find_tokens(_may_tell):
        if quoted[token]:
            continue
        lemma = tree.lemma[token].lower()
        if lemma in _HOPPED and "pp" not in tree.lower(token):
            lemma = _HOPPED[lemma]
        frames = licensed[tree.pos[token]].get(lemma)
        if frames is not None:
            heads[token] = frames
    if not heads:
        return
    depths = _measure_depths(tree, heads)
    for token in sorted(sorted(heads), key=depths.__getitem__):
        cue = cues.get(token)
        if taken[token] or (cue is not None and cue.kind == "according"):
            continue
        item = _read_head(view, token, heads[token], cue)
        if item is not None:
            yield item
    for cue in view.cues:
        if cue.kind == "according" and not taken[cue.head]:
            rest = _rest_of_frame(view, cue)
            if rest is not None:
                yield _Found(cue.head, (cue.first, cue.after), "according_to", (rest,), cue.speaker)


def _measure_depths(tree: Tree, tokens: Iterable[int]) -> dict[int, int]:
    """Return how many governors stand above each of the tokens; ways up that were gone once are not gone again."""
    heads = tree.head
    depths: dict[int, int] = {}
    for token in tokens:
        path = []
        while token not in depths and heads[token] != token:
            path.append(token)
            token = heads[token]
        depth = depths.setdefault(token, 0)
        for below in reversed(path):
            depth += 1
            depths[below] = depth
    return depths


def _read_head(view: View, token: int, frames: frozenset[str], cue: Cue | None) -> _Found | None:
    tree = view.tree
    span = (cue.first, cue.after) if cue is not None else (token, token + 1)
    part = _POS.get(tree.pos[token], "verb")
    if cue is not None and cue.kind == "verb":
        around = _around_parenthesis(view, cue)
        if around:
            return _Found(token, span, "parenthetical", tuple(around), cue.speaker)
    content = next((c for c in _READERS[part](tree, token) if _is_licensed(c.frame, frames)), None) if frames else None
    if content is None and cue is not None and cue.content is not None and cue.speaker is not None:
        content = Content(_frame_of_content(tree, token, cue.content), (cue.content,))
    if content is None:
        return None
    speaker = (
        cue.speaker if cue is not None and cue.speaker is not None else find_source(tree, token, part, view.quoted)
    )
    if content.frame in {"raised", "subject"} and (
        speaker is None or any(a <= speaker.head < b for a, b in content.pieces)
    ):
        speaker = None
    elif any(a <= token < b or (speaker is not None and a <= speaker.head < b) for a, b in content.pieces):
        return None
    rule = f"{part}_{_RULES.get(content.frame, 'object' if content.frame.startswith('object_') else 'preposition')}"
    return _Found(token, span, rule, content.pieces, speaker)


def _frame_of_content(tree: Tree, verb: int, content: tuple[int, int]) -> str:
    labels = {tree.dep[c] for c in tree.children(verb) if content[0] <= c < content[1]}
    return "clause" if labels & {"ccomp", "acl", "relcl"} else "infinitive" if "xcomp" in labels else "object"


def _is_licensed(frame: str, frames: frozenset[str]) -> bool:
    return frame in frames or (frame.startswith("object_") and frame != "object_infinitive" and "object" in frames)


def _around_parenthesis(view: View, cue: Cue) -> list[tuple[int, int]]:
    """Return the tokens before and after a cue clause that stands behind a comma and governs nothing to its right."""
    tree = view.tree
    if cue.strength == 0 or not says(cue) or (cue.content is not None and cue.content[0] > cue.head):
        return []
    if cue.speaker is None:
        return []
    inverted = cue.speaker.head > cue.head
    first = cue.first if inverted else cue.speaker.first
    if first == 0 or tree.word(first - 1) not in _BEFORE_PARENTHESIS:
        return []
    frame = view.frame_of[cue.head]
    if view.frame_of[first - 1] != frame:
        return []
    if not inverted and (view.has_comma(cue.speaker.after, cue.first) or view.has_quoted(cue.speaker.after, cue.first)):
        return []
    low, end = view.frame_starts[frame], view.frame_starts[frame + 1]
    if end - low > _LONGEST:
        return []
    high = max(cue.after, min(view.next_break(cue.after), end))
    end = max(high, end)
    pieces = [(low, first - 1 if tree.word(first - 1) == "," else first)]
    if not view.has_finite(*pieces[0]):
        return []
    goes_on = (view.has_finite(high, end) or view.has_quoted(high, end)) and not any(
        high <= t < end and tree.dep[t] in _DEPENDENT
        for t in (*tree.children(cue.head), *tree.children(cue.speaker.head))
    )
    return [*pieces, (high, end)] if goes_on else pieces


def _rest_of_frame(view: View, cue: Cue) -> tuple[int, int] | None:
    """Return the longer side of the frame around "according to X": what is according to X."""
    if cue.speaker is None:
        return None
    frame = view.frame_of[cue.head]
    low, high = view.frame_starts[frame], view.frame_starts[frame + 1]
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
