"""One batch of documents, from raw bytes to validated rows. `build_batch` reads like the list of the stages of a document."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from flows.report import StageReport
from flows.runners import Runner
from tasks.annotate import annotate_batch
from tasks.annotation.annotator import Annotator
from tasks.clean import clean_batch
from tasks.entities import resolve_entities_batch
from tasks.ingest import ingest_batch
from tasks.occasions import find_occasions_batch
from tasks.quotes import extract_quotes_batch
from tasks.reading.corrections import Correction
from tasks.reading.raw_store import RawStore
from tasks.validate import ValidatedBatch, validate_batch


@dataclass(frozen=True)
class BatchPlan:
    """What all batches of a run are built by; it can be sent to another process.

    `learned` (OUTLET_LINES) and `relabels` are what cleaning knows of outlets, `as_of` is the day of the run (UTC).
    """

    store: RawStore
    learned: pl.DataFrame
    relabels: tuple[Correction, ...]
    as_of: date


@dataclass(frozen=True)
class BuiltBatch:
    """The validated rows of a batch, the documents that cleaning rejected (`rejected`), and what the stages did."""

    validated: ValidatedBatch
    rejected: pl.DataFrame
    report: StageReport


def build_batch(
    plan: BatchPlan, run: Runner, sightings: pl.DataFrame, annotator: Annotator, batch_no: int
) -> BuiltBatch:
    """Take one batch of documents (RAW_SIGHTINGS_SCHEMA, one an article) from raw bytes to validated rows."""
    report = StageReport()
    with report.time_stage("ingest"):
        documents = run(ingest_batch, sightings, plan.store)
    with report.time_stage("clean"):
        cleaned = run(clean_batch, documents, plan.learned, plan.relabels)
    with report.time_stage("annotate"):
        annotated = run(annotate_batch, cleaned.articles, cleaned.segments, annotator)
        paragraphs, annotations = annotated.paragraphs, annotated.annotations
    with report.time_stage("quotes"):
        quoted = run(extract_quotes_batch, cleaned.articles, paragraphs, annotations)
    with report.time_stage("entities"):
        resolved = run(
            resolve_entities_batch, cleaned.articles, paragraphs, annotations, quoted.quotes, quoted.statements
        )
    with report.time_stage("occasions"):
        told = run(
            find_occasions_batch, cleaned.articles, paragraphs, annotations,
            resolved.quotes, resolved.statements, resolved.mentions, resolved.document_entities,
        )  # fmt: skip
    frames = {
        "fact_articles": cleaned.articles,
        "article_attributes": cleaned.attributes,
        "article_segments": cleaned.segments,
        "fact_quotes": told.quotes,
        "fact_statements": told.statements,
        "document_entities": told.document_entities,
        "fact_entity_mentions": told.mentions,
        "quote_mentions": told.quote_mentions,
        "statement_speakers": told.statement_speakers,
        "statement_relays": told.statement_relays,
    }
    with report.time_stage("validate"):
        validated = run(validate_batch, frames, plan.as_of, batch_no)
    report.count_stages(
        {
            "ingest": {"documents": documents},
            "clean": {"articles": cleaned.articles, "segments": cleaned.segments, "rejected": cleaned.rejected},
            "annotate": {"paragraphs": paragraphs, "distinct": annotations},
            "quotes": {"quotes": quoted.quotes, "statements": quoted.statements},
            "entities": {"mentions": resolved.mentions, "document_entities": resolved.document_entities},
            "occasions": {"quote_mentions": told.quote_mentions, "relays": told.statement_relays},
            "validate": {"quarantined": validated.quarantined},
        }
    )
    return BuiltBatch(validated, cleaned.rejected, report)
