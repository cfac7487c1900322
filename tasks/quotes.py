"""Articles and their annotated paragraphs -> quotes and statements: who said what, in which words, as printed."""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.annotation.syntax import iterate_documents
from tasks.attribution.confidence import LEAST_CONFIDENCE, rate_confidence
from tasks.attribution.document import Draft, read_document
from tasks.frames import build_frame
from warehouse.keys import make_id
from warehouse.tables import FACT_QUOTES, FACT_STATEMENTS, OCCASION_COLUMNS

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
_NOWHERE = (None, None)
_NO_OCCASION: dict[str, Any] = dict.fromkeys(OCCASION_COLUMNS)


@dataclass(frozen=True)
class QuotedBatch:
    """The quotes (FACT_QUOTES) and statements (FACT_STATEMENTS) of a batch, speakers as printed, entities not yet known."""

    quotes: pl.DataFrame
    statements: pl.DataFrame


def normalize_quote(text: str) -> str:
    """Fold case, marks, dashes and white space, so that the same words compare equal whatever their typography."""
    folded = text if text.isascii() else text.translate(_FOLDS)  # every fold is of a character beyond ASCII
    return " ".join(folded.split()).strip(" .,;:!?\"'").lower()


@dataclass(frozen=True)
class _Body:
    """The paragraphs of a body, to read a span of characters from."""

    starts: list[int]
    texts: list[str]

    def read(self, start: int | None, end: int | None) -> str | None:
        """Return the characters from `start` to `end`, which lie in one paragraph; None for no place."""
        if start is None or end is None:
            return None
        number = bisect.bisect_right(self.starts, start) - 1
        return self.texts[number][start - self.starts[number] : end - self.starts[number]]


def quote_documents(
    paragraphs: pl.DataFrame, annotations: pl.DataFrame
) -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """Yield (article_id, rows of FACT_QUOTES, rows of FACT_STATEMENTS) for every article, in the order of the ids.

    A document at a time in Python: pairing marks and walking trees depend on what came before in the text, which frames cannot express.
    """
    for article_id, document in iterate_documents(paragraphs, annotations):
        drafts = read_document(document)
        body = _Body([p.start_char for p in document], [p.text for p in document])
        yield article_id, *_make_rows(article_id, drafts, body)


def _make_rows(
    article_id: str, drafts: Sequence[Draft], body: _Body
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[Draft]] = {}
    for draft in sorted(drafts, key=lambda d: (d.start, -d.end)):
        groups.setdefault(draft.group, []).append(draft)
    quotes: list[dict[str, Any]] = []
    statements: list[dict[str, Any]] = []
    for parts in groups.values():
        first = parts[0]
        is_attributed = any(p.quote_type != "term" and (p.depth == 0 or p.speaker is not None) for p in parts)
        statement_id = make_id(article_id, first.start, first.end, first.cue) if is_attributed else None
        columns = [_speaker_columns(part, body) for part in parts]
        for part_no, (part, own) in enumerate(zip(parts, columns, strict=True)):
            quotes.append(_make_quote(article_id, statement_id, part_no, part, own))
        if statement_id is not None:
            statements.append(_make_statement(article_id, statement_id, parts, body, columns[0]))
    return _set_parents(quotes), statements


def _speaker_columns(draft: Draft, body: _Body) -> dict[str, Any]:
    confidence = rate_confidence(draft)
    is_named = draft.speaker is not None and confidence >= LEAST_CONFIDENCE
    cue, speaker, via = draft.cue or _NOWHERE, draft.speaker or _NOWHERE, draft.via or _NOWHERE
    named = speaker if is_named else _NOWHERE
    return {
        **_NO_OCCASION,
        "cue": body.read(*cue),
        "cue_start_char": cue[0],
        "cue_end_char": cue[1],
        "speaker_text": body.read(*named),
        "speaker_start_char": named[0],
        "speaker_end_char": named[1],
        "via_text": body.read(*via),
        "via_start_char": via[0],
        "via_end_char": via[1],
        "speaker_candidate_text": None if is_named else body.read(*speaker),
        "speaker_document_entity_id": None,
        "speaker_entity_id": None,
        "speaker_kind": draft.kind if is_named else None,
        "attribution_rule": draft.rule,
        "confidence": confidence,
    }


def _make_quote(
    article_id: str, statement_id: str | None, part_no: int, draft: Draft, speaker_columns: dict[str, Any]
) -> dict[str, Any]:
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
        **speaker_columns,
    }


def _make_statement(
    article_id: str, statement_id: str, parts: Sequence[Draft], body: _Body, speaker_columns: dict[str, Any]
) -> dict[str, Any]:
    fragments = _merge_fragments([(p.start, p.end) for p in parts] + [piece for p in parts for piece in p.content])
    marked = sum(p.end - p.start for p in parts if p.quote_type != "indirect")
    length = sum(end - start for start, end in fragments)
    kind = "indirect" if not marked else "direct" if length - marked <= 4 * len(fragments) else "mixed"
    return {
        "statement_id": statement_id,
        "article_id": article_id,
        "statement_type": "mixed" if kind == "direct" and any(p.quote_type == "mixed" for p in parts) else kind,
        "content_text": " ".join([body.read(*f) or "" for f in fragments]),
        "fragments": [{"start_char": start, "end_char": end} for start, end in fragments],
        **speaker_columns,
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
    return QuotedBatch(quotes=build_frame(FACT_QUOTES, quotes), statements=build_frame(FACT_STATEMENTS, statements))


@task(cache_policy=NO_CACHE)
def extract_quotes_batch(articles: pl.DataFrame, paragraphs: pl.DataFrame, annotations: pl.DataFrame) -> QuotedBatch:
    """Run `extract_quotes` as a task over one batch of articles."""
    return extract_quotes(articles, paragraphs, annotations)
