"""Articles and their annotated paragraphs -> quotes and statements: who said what, in which words, as printed."""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.annotation.syntax import iterate_documents
from tasks.attribution.confidence import LEAST_CONFIDENCE, rate_confidence
from tasks.attribution.document import Draft, read_document
from tasks.frames import stack_rows
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
_QUOTE_COLUMNS = [name for name in FACT_QUOTES.column_names if name not in OCCASION_COLUMNS]
_STATEMENT_COLUMNS = [name for name in FACT_STATEMENTS.column_names if name not in OCCASION_COLUMNS]
_Row = tuple[Any, ...]


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
) -> Iterator[tuple[str, list[_Row], list[_Row]]]:
    """Yield (article_id, rows of FACT_QUOTES, rows of FACT_STATEMENTS) for every article, in the order of the ids; rows end before the occasion.

    A document at a time in Python: pairing marks and walking trees depend on what came before in the text, which frames cannot express.
    """
    for article_id, document in iterate_documents(paragraphs, annotations):
        drafts = read_document(document)
        body = _Body([p.start_char for p in document], [p.text for p in document])
        yield article_id, *_make_rows(article_id, drafts, body)


class _Part(NamedTuple):
    """One draft in its statement."""

    draft: Draft
    statement_id: str | None
    part_no: int
    speaker: _Row


def _make_rows(article_id: str, drafts: Sequence[Draft], body: _Body) -> tuple[list[_Row], list[_Row]]:
    groups: dict[tuple[Any, ...], list[Draft]] = {}
    for draft in sorted(drafts, key=lambda d: (d.start, -d.end)):
        groups.setdefault(draft.group, []).append(draft)
    parts: list[_Part] = []
    statements: list[_Row] = []
    for own in groups.values():
        first, number = own[0], len(parts)
        is_attributed = any(p.quote_type != "term" and (p.depth == 0 or p.speaker is not None) for p in own)
        statement_id = make_id(article_id, first.start, first.end, first.cue) if is_attributed else None
        parts += [_Part(part, statement_id, no, _read_speaker(part, body)) for no, part in enumerate(own)]
        if statement_id is not None:
            statements.append((statement_id, article_id, *_read_content(own, body), *parts[number].speaker))
    return _make_quotes(article_id, parts), statements


def _read_speaker(draft: Draft, body: _Body) -> _Row:
    """Return the columns that quotes and statements share, from `cue` to `confidence`."""
    confidence = rate_confidence(draft)
    is_named = draft.speaker is not None and confidence >= LEAST_CONFIDENCE
    cue, speaker, via = draft.cue or _NOWHERE, draft.speaker or _NOWHERE, draft.via or _NOWHERE
    text = body.read(*speaker)
    return (
        body.read(*cue),
        *cue,
        *((text, *speaker, None) if is_named else (None, None, None, text)),
        None,
        None,
        draft.kind if is_named else None,
        body.read(*via),
        *via,
        draft.rule,
        confidence,
    )


def _read_content(parts: Sequence[Draft], body: _Body) -> _Row:
    """Return type, text and fragments of a statement."""
    fragments = _merge_fragments([(p.start, p.end) for p in parts] + [piece for p in parts for piece in p.content])
    marked = sum([p.end - p.start for p in parts if p.quote_type != "indirect"])
    length = sum([end - start for start, end in fragments])
    kind = "indirect" if not marked else "direct" if length - marked <= 4 * len(fragments) else "mixed"
    return (
        "mixed" if kind == "direct" and any(p.quote_type == "mixed" for p in parts) else kind,
        " ".join([body.read(*f) or "" for f in fragments]),
        [{"start_char": start, "end_char": end} for start, end in fragments],
    )


def _merge_fragments(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    if len(spans) == 1:
        return [*spans]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _make_quotes(article_id: str, parts: Sequence[_Part]) -> list[_Row]:
    """Return the rows of the quotes in order, the parent of each by containment.

    Reported stretches that cross a marked one, or another reported one that starts earlier, are left out: their statement keeps them,
    and no two quotes overlap at one depth. Marked stretches are never left out.
    """
    marked = sorted([(p.draft.start, p.draft.end) for p in parts if p.draft.quote_type != "indirect"])
    kept = [p for p in parts if p.draft.quote_type != "indirect" or not (marked and _crosses(p.draft, marked))]
    kept.sort(key=lambda p: (p.draft.start, -p.draft.end, p.draft.quote_type == "indirect"))
    stack: list[tuple[int, int, str]] = []
    rows: list[_Row] = []
    for draft, statement_id, part_no, speaker in kept:
        start, end = draft.start, draft.end
        while stack and stack[-1][1] <= start:
            stack.pop()
        if stack and (end > stack[-1][1] or (start, end) == stack[-1][:2]):
            continue
        quote_id = make_id(article_id, start, end, draft.quote_type)
        rows.append(
            (
                quote_id,
                article_id,
                statement_id,
                part_no,
                stack[-1][2] if stack else None,
                draft.text,
                normalize_quote(draft.text),
                draft.quote_type,
                start,
                end,
                draft.paragraph_no,
                draft.repair,
                *speaker,
            )
        )
        stack.append((start, end, quote_id))
    return rows


def _crosses(draft: Draft, marked: Sequence[tuple[int, int]]) -> bool:
    start, end = draft.start, draft.end
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
        annotations: ANNOTATIONS of the distinct paragraphs; of paragraphs without one, marked stretches
            are quotes of nobody.
    """
    own = paragraphs.join(articles.select("article_id"), on="article_id", how="semi")
    quotes: list[_Row] = []
    statements: list[_Row] = []
    for _, quote_rows, statement_rows in quote_documents(own, annotations):
        quotes += quote_rows
        statements += statement_rows
    return QuotedBatch(
        quotes=stack_rows(FACT_QUOTES, quotes, _QUOTE_COLUMNS),
        statements=stack_rows(FACT_STATEMENTS, statements, _STATEMENT_COLUMNS),
    )


@task(cache_policy=NO_CACHE)
def extract_quotes_batch(articles: pl.DataFrame, paragraphs: pl.DataFrame, annotations: pl.DataFrame) -> QuotedBatch:
    """Run `extract_quotes` as a task over one batch of articles."""
    return extract_quotes(articles, paragraphs, annotations)
