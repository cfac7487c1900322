"""Annotated articles -> mentions, document entities, and the quotes and statements with their speakers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.annotation.syntax import Paragraph, iterate_documents
from tasks.frames import stack_rows
from tasks.identity.document_entities import Entity, Link, group_mentions
from tasks.identity.institutions import tie_institutions
from tasks.identity.mentions import find_mentions
from tasks.identity.roles import add_roles, find_role_mentions, span_around
from tasks.identity.speakers import SpeakerResolver
from warehouse.keys import make_id
from warehouse.tables import DOCUMENT_ENTITIES, FACT_ENTITY_MENTIONS, FACT_QUOTES, FACT_STATEMENTS, Table

_Row = tuple[Any, ...]
_Span = tuple[int, int]
_SPEAKER_COLUMNS = ("article_id", "speaker_start_char", "speaker_end_char")


@dataclass(frozen=True)
class EntityBatch:
    """Mentions, document entities, and the quotes and statements with their speakers tied to document entities."""

    mentions: pl.DataFrame
    document_entities: pl.DataFrame
    quotes: pl.DataFrame
    statements: pl.DataFrame


def resolve_entities(
    articles: pl.DataFrame,
    paragraphs: pl.DataFrame,
    annotations: pl.DataFrame,
    quotes: pl.DataFrame,
    statements: pl.DataFrame,
) -> EntityBatch:
    """Find the mentions of a batch, bring them together in each article, and tie speakers to them.

    Args:
        articles: FACT_ARTICLES; only `article_id` is read.
        paragraphs: PARAGRAPHS of the articles.
        annotations: ANNOTATIONS of the distinct paragraphs; an article without any has no mentions.
        quotes: FACT_QUOTES with the speaker as printed.
        statements: FACT_STATEMENTS with the speaker as printed.

    Returns:
        FACT_ENTITY_MENTIONS (`entity_id` null), DOCUMENT_ENTITIES, and `quotes` and `statements` in their order with
        `speaker_document_entity_id` filled where the evidence is enough, and `speaker_kind` where it can be told.
    """
    own = paragraphs.join(articles.select("article_id"), on="article_id", how="semi")
    marked = _group_spans(quotes.filter(pl.col("quote_type") != "indirect"), "start_char", "end_char")
    spoken = _group_speakers(quotes, statements)
    reported = _group_spans(
        statements.select("article_id", "fragments").explode("fragments").unnest("fragments"), "start_char", "end_char"
    )
    mention_rows: list[_Row] = []
    entity_rows: list[_Row] = []
    speaker_rows: list[_Row] = []
    for article_id, document in iterate_documents(own, annotations):
        found = _resolve_document(article_id, document, marked[article_id], reported[article_id], spoken[article_id])
        for rows, more in zip((mention_rows, entity_rows, speaker_rows), found, strict=True):
            rows += more
    speakers = pl.DataFrame(
        speaker_rows,
        schema={
            **{name: FACT_QUOTES.schema[name] for name in _SPEAKER_COLUMNS},
            "found_id": pl.String,
            "found_kind": pl.String,
        },
        orient="row",
    )
    return EntityBatch(
        mentions=stack_rows(FACT_ENTITY_MENTIONS, mention_rows).sort("article_id", "start_char"),
        document_entities=stack_rows(DOCUMENT_ENTITIES, entity_rows).sort("article_id", "document_entity_id"),
        quotes=_add_speakers(quotes, speakers, FACT_QUOTES),
        statements=_add_speakers(statements, speakers, FACT_STATEMENTS),
    )


def _resolve_document(
    article_id: str,
    document: Sequence[Paragraph],
    marked: Sequence[_Span],
    reported: Sequence[_Span],
    spoken: Mapping[_Span, Sequence[_Span]],
) -> tuple[list[_Row], list[_Row], list[_Row]]:
    tied = tie_institutions(document, group_mentions(find_mentions(document)))
    beside = add_roles(document, tied)
    roles = find_role_mentions(document, tied, marked)
    resolver = SpeakerResolver(document, tied, roles, beside, marked)
    for _, link, entity in roles:
        entity.mentions.append(link)
    found: list[tuple[_Span, Entity | None, str | None]] = []
    holders: dict[_Span, Entity] = {}
    for span, spoken_spans in spoken.items():
        around = span_around(span[0], marked)
        speaker = resolver.resolve(
            *span,
            holder=holders.get(around) if around else None,
            is_embedded=span_around(span[0], reported) is not None,
        )
        if speaker.link is not None and speaker.entity is not None:
            speaker.entity.mentions.append(speaker.link)
        if speaker.entity is not None:
            holders |= dict.fromkeys(spoken_spans, speaker.entity)
        found.append((span, speaker.entity, speaker.kind))
    ids = {
        entity: make_id(article_id, entity.entity_type, entity.start)
        for entity in dict.fromkeys(row[1] for row in tied)
    }
    mention_rows: list[_Row] = []
    entity_rows: list[_Row] = []
    for entity, document_entity_id in ids.items():
        links = dict.fromkeys(entity.mentions)
        mention_rows += [_mention_row(article_id, document_entity_id, entity.entity_type, link) for link in links]
        entity_rows.append(_entity_row(article_id, document_entity_id, entity, len(links)))
    speaker_rows = [(article_id, *span, ids[entity] if entity else None, kind) for span, entity, kind in found]
    return mention_rows, entity_rows, speaker_rows


def _mention_row(article_id: str, document_entity_id: str, entity_type: str, link: Link) -> _Row:
    start, end, text, mention_type, title, rule = link
    mention_id = make_id(article_id, start, end, entity_type)
    entity_id = None
    return (
        mention_id, article_id, document_entity_id, entity_id, text, mention_type, entity_type, title, start, end, rule,
    )  # fmt: skip


def _entity_row(article_id: str, document_entity_id: str, entity: Entity, mention_count: int) -> _Row:
    names = list(entity.names)
    if len(names) > 1:
        names.sort(key=lambda name: (-entity.names[name], name))
    titles = list(entity.titles)
    return document_entity_id, article_id, entity.entity_type, entity.name, names, titles, mention_count


def _group_spans(frame: pl.DataFrame, start: str, end: str) -> dict[str, list[_Span]]:
    spans: dict[str, list[_Span]] = defaultdict(list)
    for article_id, first, last in (
        frame.select("article_id", start, end).unique().sort("article_id", start, end).iter_rows()
    ):
        spans[article_id].append((first, last))
    return spans


def _group_speakers(quotes: pl.DataFrame, statements: pl.DataFrame) -> dict[str, dict[_Span, list[_Span]]]:
    """Return, for every article, its speaker spans in the order of the text, each with the quotations it speaks."""
    spans: dict[str, dict[_Span, list[_Span]]] = defaultdict(dict)
    spoken = pl.concat(
        [
            quotes.select(*_SPEAKER_COLUMNS, "start_char", "end_char"),
            statements.select(*_SPEAKER_COLUMNS, start_char=pl.lit(None, pl.UInt32), end_char=pl.lit(None, pl.UInt32)),
        ]
    ).drop_nulls("speaker_start_char")
    for article_id, first, last, start, end in (
        spoken.unique().sort(*_SPEAKER_COLUMNS, "start_char", nulls_last=True).iter_rows()
    ):
        own = spans[article_id].setdefault((first, last), [])
        own += [(start, end)] if start is not None else []
    return spans


def _add_speakers(frame: pl.DataFrame, speakers: pl.DataFrame, table: Table) -> pl.DataFrame:
    joined = frame.join(speakers, on=list(_SPEAKER_COLUMNS), how="left", maintain_order="left").with_columns(
        speaker_document_entity_id=pl.coalesce("found_id", "speaker_document_entity_id"),
        # the entity, or the head noun, says more surely than a label in one sentence what kind of source it is
        speaker_kind=pl.coalesce("found_kind", "speaker_kind"),
    )
    return joined.select(table.column_names).cast(table.schema)


@task(cache_policy=NO_CACHE, persist_result=False)
def resolve_entities_batch(
    articles: pl.DataFrame,
    paragraphs: pl.DataFrame,
    annotations: pl.DataFrame,
    quotes: pl.DataFrame,
    statements: pl.DataFrame,
) -> EntityBatch:
    """Find and resolve the entities of one batch of articles."""
    return resolve_entities(articles, paragraphs, annotations, quotes, statements)
