"""Read one document, paragraph after paragraph, and carry speakers from one to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from tasks.annotation.syntax import Paragraph
from tasks.attribution.assign import Quoted, read_sign_off
from tasks.attribution.kinds import speaker_form, speaker_kind
from tasks.attribution.marks import MarkedSpan, find_marked_spans
from tasks.attribution.paragraph import attribute_paragraph
from tasks.attribution.reported import Reported

UNREAD = "unread"
"""The rule of stretches of a paragraph that no engine has read."""
_UNREAD_WORDS = 4
"""Shorter ones are titles and terms as often as words of somebody."""
_NEAR = 64
"""How many blanks and full stops may stand between a quotation and the edge of its paragraph."""


@dataclass
class Draft:
    """One quote while its document is read: spans are characters of the body, `group` joins the parts of one statement."""

    start: int
    end: int
    paragraph_no: int
    text: str
    quote_type: str
    rule: str
    group: tuple[Any, ...]
    cue: tuple[int, int] | None = None
    speaker: tuple[int, int] | None = None
    via: tuple[int, int] | None = None
    content: tuple[tuple[int, int], ...] = ()
    repair: str | None = None
    depth: int = 0
    kind: str | None = None
    speaker_form: str | None = None
    opens_paragraph: bool = False
    ends_paragraph: bool = False


def read_document(document: Sequence[Paragraph]) -> list[Draft]:
    """Return the drafts of every marked stretch and every piece of reported speech of a document."""
    spans = find_marked_spans([p.text for p in document], [p.label == "heading" for p in document])
    drafts: list[Draft] = []
    previous: Paragraph | None = None
    for paragraph, marked in zip(document, spans, strict=True):
        if paragraph.tree is None:
            drafts += [_draft_unread(paragraph, span) for span in marked]
            continue
        if not marked and previous is not None:
            _sign_off_before(paragraph, previous, drafts)
        quoted, reported = attribute_paragraph(paragraph.tree, marked)
        own = [_draft_quote(paragraph, q) for q in quoted if q.span.depth == 0]
        _carry_over(paragraph, previous, own, drafts)
        own += [_draft_quote(paragraph, q) for q in quoted if q.span.depth]
        own += [draft for r in reported for draft in _draft_reported(paragraph, r)]
        drafts += own
        previous = paragraph
    _carry_back(drafts)
    return drafts


def _draft_unread(paragraph: Paragraph, span: MarkedSpan) -> Draft:
    """Draft a stretch of a paragraph that no engine has read: who speaks is not known, and what it is only by its length."""
    text = paragraph.text[span.start : span.end]
    return Draft(
        start=span.start + paragraph.start_char,
        end=span.end + paragraph.start_char,
        paragraph_no=paragraph.paragraph_no,
        text=text,
        quote_type="direct" if text.count(" ") + 1 >= _UNREAD_WORDS else "term",
        rule=UNREAD,
        group=(paragraph.paragraph_no, "span", span.start),
        repair=span.repair,
        depth=span.depth,
    )


def _shift(span: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return None if span is None else (span[0] + by, span[1] + by)


def _draft_quote(paragraph: Paragraph, quoted: Quoted) -> Draft:
    by, span, tree = paragraph.start_char, quoted.span, paragraph.tree
    assert tree is not None
    return Draft(
        start=span.start + by,
        end=span.end + by,
        paragraph_no=paragraph.paragraph_no,
        text=paragraph.text[span.start : span.end],
        quote_type=quoted.quote_type,
        rule=quoted.rule,
        group=(paragraph.paragraph_no, *quoted.group)
        if quoted.speaker or quoted.cue
        else (paragraph.paragraph_no, "span", span.start),
        cue=_shift(quoted.cue, by),
        speaker=_shift(quoted.speaker, by),
        via=_shift(quoted.via, by),
        content=tuple((start + by, end + by) for start, end in quoted.content),
        repair=span.repair,
        depth=span.depth,
        kind=speaker_kind(tree, *quoted.speaker) if quoted.speaker else None,
        speaker_form=speaker_form(tree, *quoted.speaker) if quoted.speaker else None,
        opens_paragraph=span.outer_start <= _NEAR and not paragraph.text[: span.outer_start].strip(),
        ends_paragraph=len(paragraph.text) - span.outer_end <= _NEAR
        and not paragraph.text[span.outer_end :].strip(" .\u00a0"),
    )


def _draft_reported(paragraph: Paragraph, reported: Reported) -> list[Draft]:
    """Make one draft a piece: reported speech that its attribution interrupts is two rows of one statement."""
    by, tree = paragraph.start_char, paragraph.tree
    assert tree is not None
    return [
        Draft(
            start=start + by,
            end=end + by,
            paragraph_no=paragraph.paragraph_no,
            text=paragraph.text[start:end],
            quote_type="indirect",
            rule=reported.rule,
            group=(paragraph.paragraph_no, "reported", reported.cue[0]),
            cue=_shift(reported.cue, by),
            speaker=_shift(reported.speaker, by),
            via=_shift(reported.via, by),
            kind=speaker_kind(tree, *reported.speaker) if reported.speaker else None,
            speaker_form=speaker_form(tree, *reported.speaker) if reported.speaker else None,
        )
        for start, end in reported.content
    ]


def _carry_over(paragraph: Paragraph, previous: Paragraph | None, own: list[Draft], earlier: Sequence[Draft]) -> None:
    """Give a paragraph that opens with a quotation and names no speaker the one of the paragraph before."""
    if not own or previous is None or not own[0].opens_paragraph:
        return
    recent = takewhile(lambda d: d.paragraph_no == previous.paragraph_no, reversed(earlier))
    before = [d for d in recent if d.quote_type in {"direct", "mixed"} and d.depth == 0]
    last = max(before, key=lambda d: d.start) if before else None
    if last is not None and last.repair == "continued":
        own[0] = _take_speaker(own[0], last, "continued_paragraph", keep_group=own[0].speaker is not None)
    elif own[0].speaker is None and own[0].quote_type == "direct":
        introduced = _introduced_by(previous)
        if introduced is not None:
            own[0] = replace(
                own[0], speaker=introduced[0], kind=introduced[1], speaker_form="noun", rule="introduced_by_colon"
            )
        elif last is not None and last.speaker is not None:
            own[0] = _take_speaker(own[0], last, "carried_over", keep_group=True)
    for index in range(1, len(own)):
        if own[index].speaker is None and own[index].quote_type == "direct" and own[0].speaker is not None:
            own[index] = _take_speaker(own[index], own[0], own[0].rule, keep_group=False)


def _sign_off_before(paragraph: Paragraph, previous: Paragraph, drafts: list[Draft]) -> None:
    """Give the quotation that is the whole paragraph before to the name that signs it in a paragraph of its own: — X."""
    tree, last = paragraph.tree, drafts[-1] if drafts else None
    if tree is None or last is None or last.paragraph_no != previous.paragraph_no or last.quote_type != "direct":
        return
    name = read_sign_off(tree, 0)
    if name is None or not (last.opens_paragraph and last.ends_paragraph):
        return
    span = tree.span(name.first, name.after)
    by = paragraph.start_char
    drafts[-1] = replace(
        last,
        speaker=(span[0] + by, span[1] + by),
        kind=speaker_kind(tree, *span),
        speaker_form=speaker_form(tree, *span),
        cue=None,
        via=None,
        rule="sign_off",
        group=(last.paragraph_no, "span", last.start),
    )


def _introduced_by(previous: Paragraph) -> tuple[tuple[int, int], str | None] | None:
    tree = previous.tree
    if tree is None or not previous.text.rstrip().endswith(":"):
        return None
    start = tree.sentence_of(len(tree) - 1)[0]
    subject = next(
        (
            t
            for t in range(start, len(tree))
            if tree.dep[t] == "nsubj" and tree.lower(t) not in {"who", "which", "that"}
        ),
        None,
    )
    if subject is None:
        return None
    span = tree.span(*tree.noun_phrase(subject))
    return (span[0] + previous.start_char, span[1] + previous.start_char), speaker_kind(tree, *span)


def _take_speaker(draft: Draft, source: Draft, rule: str, *, keep_group: bool) -> Draft:
    if draft.speaker is not None:
        return draft
    group = draft.group if keep_group else source.group
    return replace(
        draft,
        speaker=source.speaker,
        cue=source.cue,
        via=source.via,
        kind=source.kind,
        speaker_form=source.speaker_form,
        rule=rule,
        group=group,
    )


def _carry_back(drafts: list[Draft]) -> None:
    """Give a quotation that goes on in the next paragraph the speaker that is named only there."""
    following: Draft | None = None
    for index in range(len(drafts) - 1, -1, -1):
        draft, behind = drafts[index], following
        if draft.depth == 0 and draft.quote_type in {"direct", "mixed"}:
            following = draft
        if draft.repair != "continued" or draft.speaker is not None:
            continue
        if behind is not None and behind.paragraph_no == draft.paragraph_no + 1 and behind.speaker is not None:
            drafts[index] = replace(
                _take_speaker(draft, behind, "continued_back", keep_group=False), quote_type="direct"
            )
            following = drafts[index]
