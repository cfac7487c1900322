"""The model file of the fast engine: plain arrays and JSON in one `.npz`, and its card."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.annotation.fast.lemmas import LemmaRules
from tasks.annotation.fast.network import WIDTH, Floats
from tasks.annotation.fast.tokens import TokenRules, list_features

FORMAT = 1
_LISTS = ("features", "words", "tags", "deps", "names")
_TABLES = ("feature_table", "vector_table")  # kept as 8-bit numbers with a scale a row


class ModelFileError(ValueError):
    """A file is no model that this software can read."""


@dataclass(frozen=True, repr=False)
class FastModel:
    """All that the fast engine knows.

    `tags` are `tag|part of speech`, `names` `O`, `B-label`, `I-label`, `deps` dependency labels. `words` are the words
    that have a vector: `word_rows` says which row of `vector_table`. `card` says where all of it comes from.
    """

    tokens: TokenRules
    lemmas: LemmaRules
    features: Sequence[str]
    words: Sequence[str]
    word_rows: NDArray[np.uint16]
    tags: Sequence[str]
    deps: Sequence[str]
    names: Sequence[str]
    weights: Mapping[str, Floats]
    card: Mapping[str, Any]
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)
    _word_rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index what words are looked up by."""
        object.__setattr__(self, "_rows", {feature: row for row, feature in enumerate(self.features)})
        object.__setattr__(self, "_word_rows", dict(zip(self.words, self.word_rows.tolist(), strict=True)))

    def with_card(self, card: Mapping[str, Any]) -> "FastModel":
        """Return the same model with another card."""
        return replace(self, card=card)

    def embed_words(self, words: Sequence[str]) -> Floats:
        """Return the vectors of words: (words, WIDTH), each the sum of those of its features."""
        rows = [[self._rows.get(name, -1) for name in list_features(word)] for word in words]
        found = np.zeros((len(words), WIDTH), dtype=np.float32)
        for column in np.array(rows, dtype=np.int64).reshape(len(words), -1).T:
            known = np.flatnonzero(column >= 0)
            found[known] += self.weights["feature_table"][column[known]]
        vectors = np.array([self._word_rows.get(word.lower(), -1) for word in words], dtype=np.int64)
        known = np.flatnonzero(vectors >= 0)
        found[known] += self.weights["vector_table"][vectors[known]]
        return found


def save_model(model: FastModel, path: Path) -> None:
    """Write a model as one file; the same model gives the same bytes."""
    texts = {name: "\n".join(getattr(model, name)) for name in _LISTS}
    lemmas = asdict(model.lemmas) | {"known": {kind: sorted(words) for kind, words in model.lemmas.known.items()}}
    described = {"format": FORMAT, "tokens": asdict(model.tokens), "lemmas": lemmas, "card": dict(model.card), **texts}
    arrays: dict[str, NDArray[Any]] = {"word_rows": model.word_rows, "json": _encode(described)}
    for name, values in model.weights.items():
        if name in _TABLES:
            scales = np.abs(values).max(axis=1, keepdims=True) / 127
            arrays[f"{name}.scale"] = scales.astype(np.float16)
            safe = np.where(scales > 0, scales.astype(np.float16).astype(np.float32), 1)
            arrays[f"{name}.int8"] = np.clip(np.rint(values / safe), -127, 127).astype(np.int8)
        else:
            arrays[name] = values.astype(np.float16)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    path.write_bytes(buffer.getvalue())


def load_model(content: bytes) -> FastModel:
    """Return the model of a file's bytes.

    Raises:
        ModelFileError: If the bytes are of another format, or no model at all.
    """
    arrays, described = _open_archive(content)
    weights = {
        name: values.astype(np.float32) for name, values in arrays.items() if "." not in name and name != "word_rows"
    }
    for name in _TABLES:
        weights[name] = arrays[f"{name}.int8"] * arrays[f"{name}.scale"].astype(np.float32)
    lemmas = described["lemmas"]
    lemmas["known"] = {kind: frozenset(words) for kind, words in lemmas["known"].items()}
    return FastModel(
        TokenRules(**described["tokens"]),
        LemmaRules(**lemmas),
        **{name: described[name].split("\n") for name in _LISTS},
        word_rows=arrays["word_rows"],
        weights=weights,
        card=described["card"],
    )


def read_card(content: bytes) -> Mapping[str, Any]:
    """Return the card of a model file; raises as `load_model` does."""
    card: Mapping[str, Any] = _open_archive(content)[1]["card"]
    return card


def _open_archive(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        described: dict[str, Any] = json.loads(arrays.pop("json").tobytes())
    except (ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError("this is no model of the fast engine") from error
    if described["format"] != FORMAT:
        raise ModelFileError(f"a model of format {described['format']}; this software reads {FORMAT}")
    return arrays, described


def _encode(value: Any) -> NDArray[np.uint8]:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return np.frombuffer(text.encode(), dtype=np.uint8)
