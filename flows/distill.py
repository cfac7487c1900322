"""A corpus -> a model of the fast engine: the accurate engine reads the texts, the fast one learns from what it says."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from flows.settings import Settings
from tasks.annotate import select_english, split_paragraphs
from tasks.annotation.annotator import choose_model, describe_model, fold_text, load_model, open_annotator
from tasks.annotation.fast.distill import distill_model
from tasks.annotation.fast.learn import Plan
from tasks.annotation.fast.model import FastModel, save_model
from tasks.clean import clean_documents
from tasks.errors import UsageError
from tasks.ingest import read_documents, scan_sources, split_batches
from tasks.reading.raw_store import RawStore
from tasks.reading.sources import find_sources

LEAST_PARAGRAPHS = 100


@dataclass(frozen=True)
class Distilled:
    """A learned model with its card, and how many paragraphs it was learned from and scored on."""

    model: FastModel
    paragraph_count: int


def distill_corpus(settings: Settings, *, max_words: int, plan: Plan, tell: Callable[[str], None]) -> Distilled:
    """Learn a model of the fast engine from the English articles of `settings.sources`.

    Texts are cleaned as a build does, so that the engine learns from bodies and not from pages; of more than `max_words`
    words those paragraphs are taken whose keys come first, which is a sample that does not depend on their order. What
    the accurate engine says is kept in the cache of annotations.

    Raises:
        UsageError: If a source does not exist, or there is too little text.
        ModelError: If the accurate engine's pipeline is missing.
    """
    texts = sample_texts(read_paragraphs(settings), max_words)
    if texts.height < LEAST_PARAGRAPHS:
        raise UsageError(
            f"{texts.height} paragraphs of English articles are too few to learn from: {LEAST_PARAGRAPHS} at least"
        )
    return distill_texts(settings, texts, plan, tell, {})


def distill_texts(
    settings: Settings, texts: pl.DataFrame, plan: Plan, tell: Callable[[str], None], about: dict[str, Any]
) -> Distilled:
    """Learn from texts (distinct `paragraph_key` and `text`); `about` is what the card says of them."""
    model = choose_model("accurate", settings.spacy_model)
    tell(f"the accurate engine reads {texts.height:,} paragraphs")
    with open_annotator(model, cache_dir=settings.cache_dir, process_count=settings.workers) as annotator:
        annotations = annotator.annotate(texts)
    nlp = load_model(model)
    folded = texts.with_columns(text=pl.Series([fold_text(text) for text in texts["text"]], dtype=pl.String))
    learned, scores = distill_model(nlp, folded, annotations, plan, tell=tell)
    tokens = annotations["token_start"].list.len().sum()
    card = {
        **about,
        "learned_from": describe_model(model),
        "learned_from_licence": nlp.meta.get("license", ""),
        "made_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "paragraphs": texts.height,
        "tokens": tokens,
        "held_out": "every sixteenth paragraph, by its hash",
        "agreement_on_held_out": scores,
        "plan": asdict(plan),
        "versions": {name: version(name) for name in ("onrecord", "numpy", "spacy")},
    }
    return Distilled(learned.with_card(card), texts.height)


def read_paragraphs(settings: Settings) -> pl.DataFrame:
    """Return the distinct paragraphs of the English articles of the sources: `paragraph_key` and `text`."""
    found = find_sources(settings.sources, max_bytes=settings.max_bytes, min_age_seconds=0, now=time.time())
    store = RawStore(settings.raw_dir)
    parts = [pl.DataFrame(schema={"paragraph_key": pl.String, "text": pl.String})]
    for batch in split_batches(
        scan_sources(found, store, settings.reading, web=settings.web).sightings, settings.batch_size
    ):
        cleaned = clean_documents(read_documents(batch, store))
        paragraphs = select_english(cleaned.articles, split_paragraphs(cleaned.articles, cleaned.segments))
        parts.append(paragraphs.select("paragraph_key", "text"))
    return pl.concat(parts).unique("paragraph_key").sort("paragraph_key")


def sample_texts(texts: pl.DataFrame, max_words: int) -> pl.DataFrame:
    """Return as many of the texts, in the order of their keys, as have `max_words` words together."""
    words = pl.col("text").str.count_matches(r"\S+").cum_sum()
    return texts.sort("paragraph_key").filter(words <= max_words)


def write_model(distilled: Distilled, out: Path) -> None:
    """Write the model, first under another name: a build never reads half of one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    waiting = out.with_name(f".{out.name}.new")
    save_model(distilled.model, waiting)
    waiting.replace(out)
