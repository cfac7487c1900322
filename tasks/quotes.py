"""Articles and their annotated paragraphs -> quotes and statements: who said what, in which words, as printed."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.annotation.syntax import Paragraph, iterate_documents
from tasks.attribution.assign import Quoted, Reported, attribute_paragraph, speaker_kind
from tasks.attribution.marks import find_marked_spans
from warehouse.keys import make_id
from warehouse.tables import FACT_QUOTES, FACT_STATEMENTS

_FOLDS = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "—": "-",
        "–": "-",
        "\u00a0": " ",
        "…": "...",
    }
)


@dataclass(frozen=True)
class QuotedBatch:
    """The quotes (FACT_QUOTES) and statements (FACT_STATEMENTS) of a batch, speakers as printed, entities not yet known."""

    quotes: pl.DataFrame
    statements: pl.DataFrame


def normalize_quote(text: str) -> str:
    """Fold case, marks, dashes and white space, so that the same words compare equal whatever their typography."""
    return re.sub(r"\s+", " ", text.translate(_FOLDS)).strip(" .,;:!?\"'").lower()


@dataclass
class _Draft:
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
    opens_paragraph: bool = False
    ends_paragraph: bool = False


@dataclass(frozen=True)
class _Body:
    """The paragraphs of a body, to read a span of characters from."""

    starts: list[int]
    texts: list[str]

    def read(self, start: int, end: int) -> str:
        """Return the characters from `start` to `end`, which lie in one paragraph."""
        number = bisect.bisect_right(self.starts, start) - 1
        return self.texts[number][start - self.starts[number] : end - self.starts[number]]


def quote_documents(
    paragraphs: pl.DataFrame, annotations: pl.DataFrame
) -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """Yield (article_id, rows of FACT_QUOTES, rows of FACT_STATEMENTS) for every article, in the order of the ids.

    A document at a time in Python: pairing marks and walking trees depend on what came before in the text, which frames cannot express.
    """
    for article_id, document in iterate_documents(paragraphs, annotations):
        drafts = _read_document(document)
        body = _Body([p.start_char for p in document], [p.text for p in document])
        yield article_id, *_make_rows(article_id, drafts, body)


def _read_document(document: Sequence[Paragraph]) -> list[_Draft]:
    spans = find_marked_spans([p.text for p in document], [p.label == "heading" for p in document])
    drafts: list[_Draft] = []
    previous: Paragraph | None = None
    for paragraph, marked in zip(document, spans, strict=True):
        if paragraph.tree is None:
            continue
        quoted, reported = attribute_paragraph(paragraph.tree, marked)
        own = [_draft_quote(paragraph, q) for q in quoted if q.span.depth == 0]
        _carry_over(paragraph, previous, own, drafts)
        own += [_draft_quote(paragraph, q) for q in quoted if q.span.depth]
        own += [draft for r in reported for draft in _draft_reported(paragraph, r)]
        drafts += own
        previous = paragraph
    _carry_back(drafts)
    return drafts


def _shift(span: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return None if span is None else (span[0] + by, span[1] + by)


def _draft_quote(paragraph: Paragraph, quoted: Quoted) -> _Draft:
    by, span, tree = paragraph.start_char, quoted.span, paragraph.tree
    assert tree is not None
    return _Draft(
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
        opens_paragraph=not paragraph.text[: span.outer_start].strip(),
        ends_paragraph=not paragraph.text[span.outer_end :].strip(" .\u00a0"),
    )


def _draft_reported(paragraph: Paragraph, reported: Reported) -> list[_Draft]:
    """Make one draft a piece: reported speech that its attribution interrupts is two rows of one statement."""
    by, tree = paragraph.start_char, paragraph.tree
    assert tree is not None
    return [
        _Draft(
            start=start + by,
            end=end + by,
            paragraph_no=paragraph.paragraph_no,
            text=paragraph.text[start:end],
            quote_type="indirect",
            rule=f"reported_{reported.rule}",
            group=(paragraph.paragraph_no, "reported", reported.cue[0]),
            cue=_shift(reported.cue, by),
            speaker=_shift(reported.speaker, by),
            via=_shift(reported.via, by),
            kind=speaker_kind(tree, *reported.speaker) if reported.speaker else None,
        )
        for start, end in reported.content
    ]


def _carry_over(paragraph: Paragraph, previous: Paragraph | None, own: list[_Draft], earlier: Sequence[_Draft]) -> None:
    """Give a paragraph that opens with a quotation and names no speaker the one of the paragraph before."""
    if not own or previous is None or not own[0].opens_paragraph:
        return
    before = [
        d
        for d in earlier
        if d.paragraph_no == previous.paragraph_no and d.quote_type in {"direct", "mixed"} and d.depth == 0
    ]
    last = max(before, key=lambda d: d.start) if before else None
    if last is not None and last.repair == "continued":
        own[0] = _take_speaker(own[0], last, "continued_paragraph", keep_group=own[0].speaker is not None)
    elif own[0].speaker is None and own[0].quote_type == "direct":
        introduced = _introduced_by(previous)
        if introduced is not None:
            own[0] = replace(own[0], speaker=introduced[0], kind=introduced[1], rule="introduced_by_colon")
        elif last is not None and last.speaker is not None:
            own[0] = _take_speaker(own[0], last, "carried_over", keep_group=True)
    for index in range(1, len(own)):
        if own[index].speaker is None and own[index].quote_type == "direct" and own[0].speaker is not None:
            own[index] = _take_speaker(own[index], own[0], own[0].rule, keep_group=False)


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


def _take_speaker(draft: _Draft, source: _Draft, rule: str, *, keep_group: bool) -> _Draft:
    if draft.speaker is not None:
        return draft
    group = draft.group if keep_group else source.group
    return replace(
        draft, speaker=source.speaker, cue=source.cue, via=source.via, kind=source.kind, rule=rule, group=group
    )


def _carry_back(drafts: list[_Draft]) -> None:
    """Give a quotation that goes on in the next paragraph the speaker that is named only there."""
    for index in range(len(drafts) - 1, -1, -1):
        draft = drafts[index]
        if draft.repair != "continued" or draft.speaker is not None:
            continue
        following = next((d for d in drafts[index + 1 :] if d.depth == 0 and d.quote_type in {"direct", "mixed"}), None)
        if following is not None and following.paragraph_no == draft.paragraph_no + 1 and following.speaker is not None:
            drafts[index] = replace(
                _take_speaker(draft, following, "continued_back", keep_group=False), quote_type="direct"
            )


CONFIDENCE = {
    "after_quote": 0.95, "before_quote": 0.82, "bare_after": 0.35, "by_position": 0.83, "colon": 0.68, "sign_off": 0.9,
    "around_clause": 0.87, "according_to": 0.93, "same_sentence": 0.62, "same_sentence_after": 0.25, "clause_subject": 0.6,
    "carried_inside": 0.97, "carried_back": 0.85, "carried_over": 0.7, "continued_paragraph": 0.9, "continued_back": 0.6,
    "introduced_by_colon": 0.83, "reported_verb": 0.8, "reported_according": 0.85, "reported_noun": 0.6,
}  # fmt: skip
"""Rule -> share of its speakers that are right, measured on annotated political news; rules with few cases are set by judgement."""
LEAST_CONFIDENCE = 0.5
"""Below it nobody is named: a speaker that is more likely wrong than right is only kept as a candidate."""
_NESTED_FACTOR = 0.7  # words inside somebody's words are parsed less well


def _make_rows(
    article_id: str, drafts: Sequence[_Draft], body: _Body
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[_Draft]] = {}
    for draft in sorted(drafts, key=lambda d: (d.start, -d.end)):
        groups.setdefault(draft.group, []).append(draft)
    quotes: list[dict[str, Any]] = []
    statements: list[dict[str, Any]] = []
    for parts in groups.values():
        first = parts[0]
        is_attributed = any(p.quote_type != "term" and (p.depth == 0 or p.speaker is not None) for p in parts)
        statement_id = make_id(article_id, first.start, first.end, first.cue) if is_attributed else None
        for part_no, part in enumerate(parts):
            quotes.append(_make_quote(article_id, statement_id, part_no, part, body))
        if statement_id is not None:
            statements.append(_make_statement(article_id, statement_id, parts, body))
    return _set_parents(quotes), statements


def _speaker_columns(draft: _Draft, body: _Body) -> dict[str, Any]:
    confidence = CONFIDENCE.get(draft.rule.removeprefix("nested_"), 0.0) if draft.speaker else 0.0
    confidence *= _NESTED_FACTOR if draft.depth else 1.0
    is_named = draft.speaker is not None and confidence >= LEAST_CONFIDENCE
    columns: dict[str, Any] = {}
    for name, span in (("cue", draft.cue), ("speaker", draft.speaker if is_named else None), ("via", draft.via)):
        columns["cue" if name == "cue" else f"{name}_text"] = body.read(*span) if span else None
        columns[f"{name}_start_char"], columns[f"{name}_end_char"] = span or (None, None)
    columns["speaker_candidate_text"] = body.read(*draft.speaker) if draft.speaker and not is_named else None
    columns["speaker_document_entity_id"] = columns["speaker_entity_id"] = None
    columns["speaker_kind"] = draft.kind if is_named else None
    columns["attribution_rule"] = draft.rule
    columns["confidence"] = confidence
    return columns


def _make_quote(article_id: str, statement_id: str | None, part_no: int, draft: _Draft, body: _Body) -> dict[str, Any]:
    return {
        "quote_id": make_id(article_id, draft.start, draft.end, draft.quote_type),
        "article_id": article_id,
        "statement_id": statement_id,
        "part_no": part_no,
        "parent_quote_id": None,
        "quote_text": draft.text,
        "quote_text_normalized": normalize_quote(draft.text),
        "quote_type": draft.quote_type,
        "start_char": draft.start,
        "end_char": draft.end,
        "paragraph_no": draft.paragraph_no,
        "mark_repair": draft.repair,
        **_speaker_columns(draft, body),
    }


def _make_statement(article_id: str, statement_id: str, parts: Sequence[_Draft], body: _Body) -> dict[str, Any]:
    fragments = _merge_fragments([(p.start, p.end) for p in parts] + [piece for p in parts for piece in p.content])
    marked = sum(p.end - p.start for p in parts if p.quote_type != "indirect")
    length = sum(end - start for start, end in fragments)
    kind = "indirect" if not marked else "direct" if length - marked <= 4 * len(fragments) else "mixed"
    return {
        "statement_id": statement_id,
        "article_id": article_id,
        "statement_type": "mixed" if kind == "direct" and any(p.quote_type == "mixed" for p in parts) else kind,
        "content_text": " ".join(body.read(*f) for f in fragments),
        "fragments": [{"start_char": start, "end_char": end} for start, end in fragments],
        **_speaker_columns(parts[0], body),
    }


def _merge_fragments(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _set_parents(quotes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the quotes in order with `parent_quote_id` set by containment.

    Reported stretches that cross a marked one, or another reported one that starts earlier, are left out: their statement keeps them,
    and no two quotes overlap at one depth. Marked stretches are never left out.
    """
    marked = sorted((q["start_char"], q["end_char"]) for q in quotes if q["quote_type"] != "indirect")
    kept = [q for q in quotes if q["quote_type"] != "indirect" or not _crosses(q, marked)]
    kept.sort(key=lambda q: (q["start_char"], -q["end_char"], q["quote_type"] == "indirect"))
    stack: list[dict[str, Any]] = []
    nested: list[dict[str, Any]] = []
    for quote in kept:
        while stack and stack[-1]["end_char"] <= quote["start_char"]:
            stack.pop()
        if stack and (quote["end_char"] > stack[-1]["end_char"] or _same_span(quote, stack[-1])):
            continue
        quote["parent_quote_id"] = stack[-1]["quote_id"] if stack else None
        stack.append(quote)
        nested.append(quote)
    return nested


def _same_span(quote: dict[str, Any], other: dict[str, Any]) -> bool:
    return (quote["start_char"], quote["end_char"]) == (other["start_char"], other["end_char"])


def _crosses(quote: dict[str, Any], marked: Sequence[tuple[int, int]]) -> bool:
    start, end = quote["start_char"], quote["end_char"]
    index = bisect.bisect_left(marked, (start, start))
    inside = (
        index < len(marked) and marked[index][0] < end and (marked[index][1] > end or marked[index] == (start, end))
    )
    before = marked[index - 1] if index else (0, 0)
    last = bisect.bisect_left(marked, (end, end)) - 1
    return inside or before[1] > start or (last >= 0 and marked[last][0] < end < marked[last][1])


def extract_quotes(articles: pl.DataFrame, paragraphs: pl.DataFrame, annotations: pl.DataFrame) -> QuotedBatch:
    """Find the quotes and statements of a batch of articles.

    Args:
        articles: FACT_ARTICLES, at least `article_id`.
        paragraphs: PARAGRAPHS of the articles.
        annotations: ANNOTATIONS of the distinct paragraphs; articles without any have no quotes.
    """
    own = paragraphs.join(articles.select("article_id"), on="article_id", how="semi")
    quotes: list[dict[str, Any]] = []
    statements: list[dict[str, Any]] = []
    for _, quote_rows, statement_rows in quote_documents(own, annotations):
        quotes += quote_rows
        statements += statement_rows
    return QuotedBatch(
        quotes=pl.DataFrame(quotes, schema=FACT_QUOTES.schema),
        statements=pl.DataFrame(statements, schema=FACT_STATEMENTS.schema),
    )


@task(cache_policy=NO_CACHE)
def extract_quotes_batch(articles: pl.DataFrame, paragraphs: pl.DataFrame, annotations: pl.DataFrame) -> QuotedBatch:
    """Run `extract_quotes` as a task over one batch of articles."""
    return extract_quotes(articles, paragraphs, annotations)
