"""Words in a document -> the quote or the mention that stands there, whatever rules cut the text into pieces."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import duckdb

from tasks.reading.corrections import Correction, Passage

_FOLDED = str.maketrans(
    {**dict.fromkeys("‘’‚‛`´", "'"), **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‐‑‒–—―", "-")}
)  # a character for a character, so that places stay
_MIN_OVERLAP = 0.5
"""Share of the words that a quote or mention must cover when none holds them all."""

Row = dict[str, Any]


class NotFound(Exception):  # noqa: N818
    """Nothing stands there; the text says why."""


@dataclass(frozen=True)
class Article:
    """One current article that corrections speak of, with its quotes and mentions in the order of the text."""

    article_id: str
    document_id: str
    raw_sha256: str
    body: str
    quotes: list[Row] = field(default_factory=list)
    mentions: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Addressed:
    """The articles that corrections speak of, by the ids of their documents and by the hashes of their bytes."""

    by_document: dict[str, list[Article]]
    by_hash: dict[str, list[Article]]

    def find_articles(self, passage: Passage) -> list[Article]:
        """Return the current articles of a passage: those of its document, else all with its bytes.

        Raises `NotFound`.
        """
        if passage.document_id is not None:
            found = self.by_document.get(passage.document_id, [])
            if passage.raw_sha256 is not None:
                found = [article for article in found if article.raw_sha256 == passage.raw_sha256]
        else:
            found = self.by_hash.get(passage.raw_sha256 or "", [])
        if not found:
            raise NotFound(f"{passage}: the warehouse has no such document")
        return found


def read_addressed(con: duckdb.DuckDBPyConnection, corrections: Iterable[Correction]) -> Addressed:
    """Read from a release the articles that corrections speak of, with their quotes and mentions."""
    passages = [passage for correction in corrections for passage in list_passages(correction)]
    documents = sorted({passage.document_id for passage in passages if passage.document_id})
    hashes = sorted({passage.raw_sha256 for passage in passages if passage.raw_sha256 and not passage.document_id})
    sql = """
        select article_id, document_id, raw_sha256, body from fact_articles
        where list_contains($documents, document_id) or list_contains($hashes, raw_sha256) order by article_id
        """
    given = {"documents": documents, "hashes": hashes}
    articles = [Article(**row) for row in con.sql(sql, params=given).pl().iter_rows(named=True)] if passages else []
    _fill(con, {article.article_id: article for article in articles})
    by_document: dict[str, list[Article]] = defaultdict(list)
    by_hash: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        by_document[article.document_id].append(article)
        by_hash[article.raw_sha256].append(article)
    return Addressed(by_document, by_hash)


def list_passages(correction: Correction) -> list[Passage]:
    """Return every passage that a correction names."""
    return [*(entity.mention for entity in correction.entities), *correction.passages]


def _fill(con: duckdb.DuckDBPyConnection, articles: dict[str, Article]) -> None:
    ids = {"ids": list(articles)}
    quotes = con.sql(
        """
        select article_id, quote_id, statement_id, quote_type, speaker_document_entity_id, start_char, end_char
        from fact_quotes where list_contains($ids, article_id) order by article_id, start_char, end_char, quote_id
        """,
        params=ids,
    )
    mentions = con.sql(
        """
        select article_id, document_entity_id, entity_type, mention_text, start_char, end_char
        from fact_entity_mentions where list_contains($ids, article_id)
        order by article_id, start_char, end_char, mention_id
        """,
        params=ids,
    )
    for row in quotes.pl().iter_rows(named=True):
        articles[row["article_id"]].quotes.append(row)
    for row in mentions.pl().iter_rows(named=True):
        articles[row["article_id"]].mentions.append(row)


def list_spans(body: str, words: str) -> Iterator[tuple[int, int]]:
    """Yield first character and end of every place where a body has the words, in the order of the text.

    Marks, dashes and white space are equal in all their forms, case is not; words are whole words.
    """
    text = r"\s+".join(re.escape(word) for word in words.translate(_FOLDED).split())
    # the words may begin or end with a mark, where no boundary of a word is
    before = r"(?<!\w)" if re.match(r"\w", words.strip()) else ""
    after = r"(?!\w)" if re.search(r"\w$", words.strip()) else ""
    for match in re.finditer(before + text + after, body.translate(_FOLDED)):
        yield match.span()


def find_span(body: str, words: str, occurrence: int) -> tuple[int, int]:
    """Return the `occurrence`-th of `list_spans`; raises `NotFound`, which says how many there are."""
    spans = list(islice(list_spans(body, words), occurrence))
    if len(spans) < occurrence:
        raise NotFound(f"the words stand there {len(spans)} times" if spans else "the words do not stand there")
    return spans[-1]


def find_row(article: Article, rows: Sequence[Row], passage: Passage, what: str, entity_type: str | None = None) -> Row:
    """Return the quote or mention (`what`) that stands at a passage, of several at one place that of `entity_type`.

    That is the one at exactly these words, else the shortest that holds them all, else the one that covers most of them,
    at least half. Raises `NotFound`.
    """
    try:
        start, end = find_span(article.body, passage.words, passage.occurrence)
    except NotFound as error:
        raise NotFound(f"{passage}: {error}") from error
    near = [row for row in rows if row["start_char"] < end and row["end_char"] > start]

    def rank(row: Row) -> tuple[Any, ...]:
        is_exact = (row["start_char"], row["end_char"]) == (start, end)
        shared = min(row["end_char"], end) - max(row["start_char"], start)
        is_other = entity_type is not None and row["entity_type"] != entity_type
        return (not is_exact, -shared, row["end_char"] - row["start_char"], is_other, row["start_char"])

    best = min(near, key=rank, default=None)
    if best is None or min(best["end_char"], end) - max(best["start_char"], start) < _MIN_OVERLAP * (end - start):
        raise NotFound(f"{passage}: no {what} stands at these words")
    return best
