"""Tie every marked stretch of a paragraph to its cue and speaker."""

import functools
import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import Cue, NounPhrase, names_speech
from tasks.attribution.marks import MarkedSpan
from tasks.attribution.view import FINITE, View, says
from tasks.lexicons import load_lexicon

_SPEECH = frozenset(
    {"say", "write", "ask", "answer", "promise", "urge", "accuse", "agree", "deny", "manner", "add", "judge", "show"}
)
_BLANKS = " \t\u00a0\u2009\u202f\u200b"
_ADDRESSING = frozenset({"ask", "tell", "warn", "remind", "assure", "inform", "urge"})
"""Verbs whose object is the one spoken to."""
_NAMING = frozenset({"so-called", "titled", "entitled", "nicknamed", "headlined", "named", "codenamed"})
_SMALL_WORDS = frozenset(
    {
        "a",
        "an",
        "the",
        "and",
        "or",
        "but",
        "nor",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "with",
        "by",
        "as",
        "vs",
        "de",
        "la",
    }
)
_PERSONAL = frozenset({"he", "she", "they", "i", "we", "it"})
_RELATIVES = frozenset({"who", "which", "that"})
_VERBS = frozenset({"VERB", "AUX"})
_REACH = 16
"""The cues before or behind a stretch that are weighed: those further away never win, and a paragraph of cues stays linear."""
_FAR = 64
"""How many tokens, characters of blanks, or steps up a tree are looked at."""
_SIGN_OFF = re.compile(r"\s*[-–—―]\s?(?=[A-Z])")


class Quoted(NamedTuple):
    """One marked stretch with what the paragraph says of it; spans are characters of the paragraph, `rule` names the evidence."""

    span: MarkedSpan
    quote_type: str
    rule: str
    cue: tuple[int, int] | None = None
    speaker: tuple[int, int] | None = None
    via: tuple[int, int] | None = None
    content: tuple[tuple[int, int], ...] = ()
    group: tuple[str, int] = ("", 0)


def attribute_spans(view: View) -> list[Quoted]:
    """Attribute every marked stretch of the view, in order, with what carries over from one to the next."""
    return _carry_inside(view, [_attribute_span(view, span) for span in view.spans])


def _attribute_span(view: View, span: MarkedSpan) -> Quoted:
    tokens = view.tokens_of(span)
    if not tokens:
        return Quoted(span, "term", "no_words")
    if _is_title(view, span, tokens) or _is_named(view, span):
        return Quoted(span, "term", "name_of_a_thing")
    frame = view.frame_of[tokens[0]]
    via = view.relay_of(frame)
    rules = (_after_quote, _before_quote, _bare_after, _colon_before, _sign_off, _around_clause)
    for rule in rules:
        hit = rule(view, span, tokens, frame)
        if hit is not None:
            cue, speaker, name = hit
            return _make_quoted(view, span, tokens, cue, speaker, via if via is not cue else None, name)
    if via is not None:
        return _make_quoted(view, span, tokens, via, via.speaker, None, "according_to")
    kind = _type_of(view, span, tokens, None)
    if kind == "mixed":
        subject = _clause_subject(view, tokens)
        if subject is not None:
            return _make_quoted(view, span, tokens, None, subject, None, "clause_subject")
    return Quoted(span, kind, "none")


def _clause_subject(view: View, tokens: range) -> NounPhrase | None:
    """Return the subject of the clause that the marked words stand in: words printed in marks without a cue are most often its own."""
    tree = view.tree
    for token in tokens:
        if tokens[0] <= tree.head[token] <= tokens[-1] and tree.head[token] != token:
            continue
        for ancestor in islice(tree.ancestors(token), _FAR):
            subject = next(
                (c for c in tree.children(ancestor) if tree.dep[c] in {"nsubj", "nsubjpass"} and not view.quoted[c]),
                None,
            )
            if subject is not None and tree.lower(subject) not in {"who", "which", "that", "there", "it", "this"}:
                return NounPhrase(*tree.noun_phrase(subject, blocked=view.quoted), subject)
    return None


_Hit = tuple[Cue | None, NounPhrase | None, str]


def _after_quote(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read "…," X said; "…," said X: the cue clause touches the closing mark."""
    tree = view.tree
    gap = tree.token_at(span.outer_end)
    words = tree.text[max(span.start, span.end - 8) : span.end].rstrip("’' ")
    for cue in view.cues_after(gap, frame, 1):
        start = cue.first
        if cue.speaker and cue.speaker.head < cue.first and cue.speaker.first >= gap:
            start = cue.speaker.first
        between = range(gap, start)
        if any(view.quoted[t] for t in between) or sum(tree.pos[t] != "PUNCT" for t in between) > 2:
            return None
        if any(tree.pos[t] in {"VERB", "NOUN", "PROPN", "PRON"} and tree.word(t) not in {"later"} for t in between):
            return None
        if any(tree.tag[t] == "CC" or (tree.pos[t] == "SCONJ" and tree.lower(t) not in {"as", "how"}) for t in between):
            return None
        has_comma = words[-1:] in ",?!—–-…" or any(
            tree.word(t) in {",", "—", "–", "-"} for t in range(gap, min(gap + 1, start))
        )
        if cue.kind == "noun" or (cue.strength == 0 and not has_comma):
            return None
        if cue.kind == "verb" and not has_comma and start != cue.first and cue.content is None:
            return None
        if cue.kind == "according":
            return None
        speaker = cue.speaker
        if (
            speaker is not None
            and speaker.after <= gap
            and cue.first >= gap
            and not _shares_subject(tree, cue, speaker)
        ):
            speaker = None
        if speaker is None or _belongs_before(view, span, tokens, cue, speaker):
            return None
        return cue, speaker, "after_quote"
    return _by_position(view, gap) if words[-1:] in ",?!" or (gap < len(tree) and tree.word(gap) == ",") else None


def _opening_of(view: View, span: MarkedSpan) -> int:
    """Return the token of the opening mark, or the first of the blanks that the model keeps as tokens before it."""
    opening = view.tree.token_at(span.outer_start)
    while opening > 0 and view.tree.pos[opening - 1] == "SPACE":
        opening -= 1
    return opening


def _belongs_before(view: View, span: MarkedSpan, tokens: range, cue: Cue, speaker: NounPhrase) -> bool:
    """Whether words inside a paraphrase belong to what stands before them: X said that it was "…", and welcomed …; citing "…," X urged Y to ….

    So it is when a cue of saying before them governs the clause they stand in, or the cue behind them has told words of its own.
    """
    if _type_of(view, span, tokens, cue) == "direct":
        return False
    if cue.content is not None and cue.content[0] >= cue.after and speaker.first >= tokens[-1]:
        return True
    frame, opening = view.frame_of[tokens[0]], tokens[0]
    before = view.cues_before(opening, frame, _REACH)
    return any(c.speaker and c.content and c.content[0] <= opening < c.content[1] and says(c) for c in before)


def _by_position(view: View, gap: int) -> _Hit | None:
    """Read "…," an angry X retaliated: a subject and its verb right behind a quotation and a comma attribute it, whatever the verb."""
    tree = view.tree
    first = gap + 1 if gap < len(tree) and tree.word(gap) == "," else gap
    for verb in range(first, min(first + 12, len(tree))):
        if view.quoted[verb] or view.frame_of[verb] != view.frame_of[first]:
            return None
        if tree.tag[verb] in {"VBD", "VBZ"} and tree.pos[verb] == "VERB":
            subject = next(
                (c for c in tree.children(verb) if tree.dep[c] == "nsubj" and not view.quoted[c] and c >= first), None
            )
            if subject is None or tree.lower(subject) in {"which", "that", "who"}:
                return None
            low, high = tree.noun_phrase(subject, blocked=view.quoted)
            if min(low, verb) != first:
                return None
            cue = Cue("verb", verb, verb, verb + 1, tree.lemma[verb], "manner", 0)
            return cue, NounPhrase(low, high, subject), "by_position"
    return None


def _shares_subject(tree: Tree, cue: Cue, speaker: NounPhrase) -> bool:
    return tree.dep[cue.head] in {"conj", "advcl", "xcomp", "acl", "pcomp", "ccomp", "ROOT", "relcl"}


def _before_quote(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read X said: "…"; X told reporters that "…"; adding, "…". Nothing finite stands between the cue and the opening mark."""
    tree = view.tree
    opening = _opening_of(view, span)
    for cue in view.cues_before(opening, frame, _REACH):
        if cue.after > opening or cue.kind == "according":
            continue
        between = range(cue.after, opening)
        told, finite = view.count_narration(cue.after, opening)
        if finite or told > 14:
            if cue.content is None or not cue.content[0] <= opening < cue.content[1]:
                continue
            return None
        if told < len(between) and tree.word(opening - 1) not in {",", "and", ":", "or", "but"}:
            continue
        if cue.strength == 0 and not _is_close(tree, cue, opening, between):
            continue
        if cue.speaker is None:
            continue
        cue = _prefer_speech(view, cue)
        return cue, cue.speaker, "before_quote"
    return None


def _prefer_speech(view: View, cue: Cue) -> Cue:
    """Return the cue of speech whose content `cue` stands in, when that one tells of it ("X said he would consider "…""), else `cue`.

    Thoughts and plans inside reported speech are told by its speaker; so is speech whose subject is a pronoun, which there most often means
    the speaker himself ("X said he called it "…"").
    """
    speaker = cue.speaker
    if says(cue) and not (speaker is not None and view.tree.lower(speaker.head) in _PERSONAL):
        return cue
    return next((c for c in _around(view, cue) if says(c)), cue)


def _around(view: View, cue: Cue) -> list[Cue]:
    """Return the cues before `cue` whose content it stands in, the nearest first."""
    before = view.cues_before(cue.first, view.frame_of[cue.head], _REACH)
    return [
        c for c in before if c.speaker is not None and c.content is not None and c.content[0] <= cue.head < c.content[1]
    ]


def _is_close(tree: Tree, cue: Cue, opening: int, between: range) -> bool:
    return len(between) <= 2 and (not between or tree.word(opening - 1) in {",", ":"} or cue.cue_class in _SPEECH)


def _bare_after(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read "Is it?" X said: the next frame holds nothing but the attribution."""
    tree = view.tree
    gap = tree.token_at(span.outer_end)
    if gap >= len(tree) or view.frame_of[gap] == view.frame_of[tokens[0]]:
        return None
    following = view.frame_of[gap]
    cue = next((c for c in view.cues_after(gap, following, _REACH) if c.kind == "verb"), None)
    if cue is None or cue.speaker is None or cue.strength < 1 or cue.speaker.first < gap:
        return None
    if view.quoted[gap]:
        return None
    start = min(cue.speaker.first, cue.first)
    objects = any(tree.dep[c] in {"dobj", "attr"} for c in tree.children(cue.head))
    if start - gap > 1 or cue.content is not None or (objects and cue.lemma not in _ADDRESSING):
        return None
    return cue, cue.speaker, "bare_after"


def _colon_before(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read X: "…": the words before a colon name the speaker, or hold a subject."""
    tree = view.tree
    opening = _opening_of(view, span)
    if opening < 1 or tree.word(opening - 1) != ":":
        return None
    first = view.frame_starts[view.frame_of[opening - 1]]
    before = [t for t in range(max(first, opening - _FAR), opening - 1) if not view.quoted[t]]
    named = _name_behind_dash(tree, before)
    if named is not None:
        return None, named, "colon"
    subjects = [t for t in before if tree.dep[t] in {"nsubj", "nsubjpass"} and tree.lower(t) not in _RELATIVES]
    subject = max(subjects, key=lambda t: (tree.dep[tree.head[t]] in {"ROOT", "conj"}, t), default=None)
    if subject is None and before and len(before) <= 8 and tree.pos[before[-1]] in {"PROPN", "NOUN"}:
        subject = before[-1]
    if subject is None:
        return None
    low, high = tree.noun_phrase(subject, blocked=view.quoted)
    return None, NounPhrase(low, high, subject), "colon"


def _name_behind_dash(tree: Tree, before: Sequence[int]) -> NounPhrase | None:
    """Return the names between a dash and the colon that the tokens end at: HEADLINE - Jo Field and Marta Lindqvist: "…"."""
    first = len(before)
    while first > 0 and (tree.is_name(before[first - 1]) or tree.tag[before[first - 1]] == "CC"):
        first -= 1
    if not 0 < first < len(before) or tree.word(before[first - 1]) not in {"-", "–", "—", "--"}:
        return None
    return NounPhrase(before[first], before[-1] + 1, before[-1])


def _sign_off(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read "…" — X, or "…" -Commissioner X: a dash and a name close the paragraph."""
    tree = view.tree
    name = read_sign_off(tree, span.outer_end)
    return (None, name, "sign_off") if name is not None else None


def read_sign_off(tree: Tree, start: int) -> NounPhrase | None:
    """Return the name that signs what stands before: a dash and a name from the character `start` to the end of the paragraph."""
    match = _SIGN_OFF.match(tree.text, start)
    if not match or len(tree.text) - start > 120:
        return None
    first = tree.token_at(match.end())
    last = first
    while last < len(tree) and tree.word(last) not in {",", ".", "("}:
        last += 1
    names = [t for t in range(first, last) if tree.pos[t] in {"PROPN", "NOUN"}]
    if not names or any(tree.tag[t] in FINITE for t in range(first, last)):
        return None
    return NounPhrase(first, last, names[-1])


def _around_clause(view: View, span: MarkedSpan, tokens: range, frame: int) -> _Hit | None:
    """Read X said that the plan was "…": the cue governs the clause that the marked words stand in."""
    governing = sorted(_governing(view, tokens), key=lambda c: not says(c))
    if governing:
        cue = _prefer_speech(view, governing[0])
        return cue, cue.speaker, "around_clause"
    opening = view.tree.token_at(span.outer_start)
    before = [c for c in view.cues_before(opening, frame, _REACH) if c.speaker is not None and c.kind != "according"]
    if before:
        best = max(before, key=lambda c: (c.strength > 0, c.cue_class in _SPEECH, c.head))
        return best, best.speaker, "same_sentence"
    after = [c for c in view.cues_after(tokens[-1], frame, _REACH) if c.speaker is not None and c.strength == 2]
    after = [c for c in after if c.kind != "according"]
    return (after[0], after[0].speaker, "same_sentence_after") if after else None


def _governing(view: View, tokens: range) -> list[Cue]:
    """Return the cues with a speaker that govern the marked words in the tree, the nearest first."""
    tree, frame = view.tree, view.frame_of[tokens[0]]
    found: list[Cue] = []
    seen: set[int] = set()
    for root in tokens:
        if tokens[0] <= tree.head[root] <= tokens[-1] and tree.head[root] != root:
            continue
        for ancestor in islice(tree.ancestors(root), _FAR):
            if ancestor in seen:
                break
            seen.add(ancestor)
            cue = view.cue_at.get(ancestor)
            if cue is not None and cue.speaker is not None and view.frame_of[ancestor] == frame:
                found.append(cue)
    return found


def _make_quoted(
    view: View, span: MarkedSpan, tokens: range, cue: Cue | None, speaker: NounPhrase | None, via: Cue | None, rule: str
) -> Quoted:
    tree = view.tree
    via_span = tree.span(via.speaker.first, via.speaker.after) if via is not None and via.speaker is not None else None
    content: tuple[tuple[int, int], ...] = ()
    if cue is not None and cue.content is not None and cue.content[0] <= tokens[0] < cue.content[1]:
        content = (tree.span(*cue.content),)
    return Quoted(
        span=span,
        quote_type=_type_of(view, span, tokens, cue),
        rule=rule,
        cue=tree.span(cue.first, cue.after) if cue is not None else None,
        speaker=tree.span(speaker.first, speaker.after) if speaker is not None else None,
        via=via_span,
        content=content,
        group=("cue", cue.head if cue is not None else -span.start - 1),
    )


def _type_of(view: View, span: MarkedSpan, tokens: range, cue: Cue | None) -> str:
    """Tell direct (a clause or sentence of its own) from mixed (a piece of a paraphrasing clause) and term (nobody speaks)."""
    tree, text = view.tree, view.tree.text
    words = text[span.start : span.end]
    before = text[max(0, span.outer_start - _FAR) : span.outer_start].rstrip(_BLANKS)
    before = before[:-2] + '"' if before.endswith("''") else before
    opens_clause = not before or before[-1:] in ':.!?…”"' or (before[-1:] == "," and words[:1].isupper())
    own = slice(tokens.start, tokens.stop)
    has_verb = not _VERBS.isdisjoint(tree.pos[own]) or not FINITE.isdisjoint(tree.tag[own])
    ends_clause = words[-1:] in ".!?,…—–"
    if opens_clause and (ends_clause or has_verb) and (has_verb or words[:1].isupper()):
        return "direct"
    if words[:1].isupper() and has_verb and ends_clause and before[-1:] in ",:":
        return "direct"
    if cue is None and len(words.split()) <= 6 and not has_verb and not _is_description(tree, tokens):
        return "term"
    return "mixed"


def _is_description(tree: Tree, tokens: range) -> bool:
    """Whether the words tell what somebody is taken for: presented him as "a fighter"."""
    root = next((t for t in tokens if not tokens[0] <= tree.head[t] <= tokens[-1]), None)
    return root is not None and tree.dep[root] in {"pobj", "amod"} and tree.lower(tree.head[root]) == "as"


def _is_named(view: View, span: MarkedSpan) -> bool:
    """Whether the words before the mark introduce a name: known as "…", a so-called "…", titled "…"."""
    tree, opening = view.tree, view.tree.token_at(span.outer_start)
    before = [tree.lower(t) for t in range(max(0, opening - 2), opening)]
    return bool(before) and (
        before[-1] in _NAMING
        or before == ["known", "as"]
        or (before[-1] == "called" and _is_participle(tree, opening - 1))
    )


def _is_participle(tree: Tree, token: int) -> bool:
    """Whether the verb stands behind its noun without a subject of its own: a blog called "…"."""
    return tree.dep[token] == "acl" and tree.tag[token] == "VBN"


def _is_title(view: View, span: MarkedSpan, tokens: range) -> bool:
    """Whether the marks hold the title of a work or programme: capitals throughout, in the place of a name.

    The place of a name is that behind a preposition (on "…"), a possessive (the network's "…") or a noun that names a kind of work, also
    with a comma between (his memoir, "…").
    """
    tree, opening = view.tree, view.tree.token_at(span.outer_start)
    if opening == 0 or tree.text[span.end - 1] in "!?" or not _is_place_of_name(tree, opening - 1):
        return False
    if opening > 1 and tree.lower(opening - 1) == "of" and names_speech(tree, opening - 2):
        return False
    words = [word for word in map(tree.word, tokens) if word[:1].isalnum()]
    if not words or len(words) > 12 or not (words[0][:1].isupper() or words[0][:1].isdigit()):
        return False
    if any(w[:1].islower() and w not in _SMALL_WORDS and not w.startswith("'") for w in words):
        return False
    return tree.text[span.end - 1] != "." or len(words) > 1


def _is_place_of_name(tree: Tree, before: int) -> bool:
    """Whether the token before a mark, or before its comma, makes a name of what the marks hold."""
    if before and tree.word(before) == ",":
        before -= 1
        return tree.pos[before] == "NOUN" and tree.lemma[before].lower() in _works()
    if tree.tag[before] in {"IN", "POS"} and tree.lower(before) not in {"that", "because", "while", "as", "if", "like"}:
        return True
    return tree.pos[before] in {"NOUN", "PROPN"} and tree.lemma[before].lower() in _works()


@functools.cache
def _works() -> frozenset[str]:
    return frozenset(load_lexicon("works").get_column("lemma"))


def _carry_inside(view: View, found: list[Quoted]) -> list[Quoted]:
    """Give a quotation without a cue the speaker of its neighbour in the paragraph: "A," X said. "B." is one statement."""
    tree = view.tree
    previous: Quoted | None = None
    for index, quote in enumerate(found):
        if quote.speaker is not None:
            previous = quote
        elif previous is not None and _goes_on_from(view, previous, quote):
            found[index] = previous = _go_on(view, quote) or _copy_speaker(quote, previous, "carried_inside")
        elif quote.quote_type == "direct":
            found[index] = previous = _go_on(view, quote) or quote
            previous = previous if previous.speaker is not None else None
    for index in range(len(found) - 2, -1, -1):
        quote, following = found[index], found[index + 1]
        if quote.speaker is None and quote.quote_type == "direct" and following.speaker is not None:
            between = range(tree.token_at(quote.span.outer_end), tree.token_at(following.span.outer_start))
            if all(tree.pos[t] == "PUNCT" for t in between) and following.rule in {"after_quote", "bare_after"}:
                found[index] = _copy_speaker(quote, following, "carried_back")
    return found


def _go_on(view: View, quote: Quoted) -> Quoted | None:
    """Let a quotation go on from the reported speech of the sentence before: X said that nobody would come. "They are afraid."."""
    tree, start = view.tree, view.tree.token_at(quote.span.outer_start)
    if start == 0 or view.quoted[start - 1] or view.frame_starts[view.frame_of[start]] != start:
        return None
    frame = view.frame_of[start - 1]
    first = view.frame_starts[frame]
    if view.quoted[first]:
        return None
    cues = [c for c in view.cues_after(first, frame, _REACH) if c.kind == "verb" and c.speaker is not None]
    cues = [c for c in cues if c.strength > 0 and says(c)]
    if not cues:
        return None
    cue = next((c for c in cues if tree.dep[c.head] == "ROOT"), cues[0])
    assert cue.speaker is not None
    span, speaker = tree.span(cue.first, cue.after), tree.span(cue.speaker.first, cue.speaker.after)
    return quote._replace(rule="goes_on", cue=span, speaker=speaker, group=("goes_on", quote.span.start))


def _goes_on_from(view: View, previous: Quoted, quote: Quoted) -> bool:
    """Whether the quotation goes on from the one before: a clause of its own, or one behind a bare connector ("Instead, “he …”")."""
    if quote.quote_type == "direct":
        return _only_attribution_between(view, previous, quote)
    if quote.quote_type != "mixed" or quote.rule != "none":
        return False
    tree, tokens = view.tree, view.tokens_of(quote.span)
    frame = view.frame_of[tokens[0]]
    first, after = view.frame_starts[frame], view.frame_starts[frame + 1]
    last = view.frame_of[max(view.tree.token_at(previous.span.end) - 1, 0)]
    return (
        frame - last <= 1
        and first < tokens[0]
        and tokens[0] - first <= 8
        and after - tokens[-1] <= 3
        and any(tree.tag[t] in FINITE for t in tokens)
        and not any(tree.tag[t] in FINITE or tree.pos[t] == "VERB" for t in range(first, tokens[0]))
    )


def _only_attribution_between(view: View, previous: Quoted, quote: Quoted) -> bool:
    """Whether the quotation goes on in the frame after the attribution of the one before, with no other narration between."""
    first = view.frame_of[view.tree.token_at(previous.span.start)]
    own = view.frame_of[view.tree.token_at(quote.span.start)]
    return own - first <= 2


def _copy_speaker(quote: Quoted, source: Quoted, rule: str) -> Quoted:
    kind = "direct" if quote.quote_type == "term" else quote.quote_type
    return Quoted(quote.span, kind, rule, source.cue, source.speaker, source.via, quote.content, source.group)
