"""Annotated texts -> the weights of the network: gradients by hand, Adam, in NumPy; the same seed gives the same weights."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.annotation.fast.network import (
    DILATIONS,
    DISTANCE_COUNT,
    GAP,
    WIDTH,
    Floats,
    Ints,
    class_distances,
    count_distances,
    look_around,
    shift,
)

HEADS = ("tag", "name", "start")
_NOTHING = -1


@dataclass(frozen=True)
class Example:
    """One text as numbers: word types, and for every token tag, name, sentence start, head in the text, and label."""

    types: Ints
    tags: Ints
    names: Ints
    starts: Ints
    heads: Ints
    deps: Ints


@dataclass(frozen=True)
class Types:
    """The distinct words: the features of each (padded with the row after the last), and the vector of each."""

    features: Ints
    vectors: Floats


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    epochs: int = 8
    batch_tokens: int = 3_000
    rate: float = 0.003
    word_dropout: float = 0.15
    dropout: float = 0.1
    seed: int = 20_261
    max_sentence: int = 90


@dataclass(frozen=True)
class Sizes:
    """How many features, tags, names and dependency labels there are."""

    features: int
    tags: int
    names: int
    deps: int
    vector: int


def start_weights(sizes: Sizes, random: np.random.Generator) -> dict[str, Floats]:
    """Return small random weights."""

    def draw(*shape: int, scale: float | None = None) -> Floats:
        deviation = (2 / shape[0]) ** 0.5 if scale is None else scale
        return (random.standard_normal(shape) * deviation).astype(np.float32)

    weights = {
        "feature_table": draw(sizes.features + 1, WIDTH, scale=0.3),
        "projection": draw(sizes.vector, WIDTH, scale=sizes.vector**-0.5),
        "conv0": draw(WIDTH, 3 * WIDTH, scale=(2 / (3 * WIDTH)) ** 0.5),
        "tag": draw(WIDTH, sizes.tags, scale=0.05),
        "name": draw(WIDTH, sizes.names, scale=0.05),
        "start": draw(WIDTH, 2, scale=0.05),
        "dependent": draw(WIDTH, WIDTH),
        "governor": draw(WIDTH, WIDTH),
        "distance": draw(WIDTH, DISTANCE_COUNT, scale=0.05),
        "root": draw(WIDTH, 1, scale=0.05),
        "label_own": draw(WIDTH, WIDTH, scale=WIDTH**-0.5),
        "label_head": draw(WIDTH, WIDTH, scale=WIDTH**-0.5),
        "label_distance": draw(DISTANCE_COUNT, WIDTH, scale=0.05),
        "label": draw(WIDTH, sizes.deps, scale=0.05),
        **{f"conv{d}": draw(3 * WIDTH, WIDTH, scale=0.5 * (2 / (3 * WIDTH)) ** 0.5) for d in DILATIONS},
    }
    weights["feature_table"][-1] = 0
    biases = {"conv0": WIDTH, **{f"conv{d}": WIDTH for d in DILATIONS}, "dependent": WIDTH, "governor": WIDTH}
    biases |= {"tag": sizes.tags, "name": sizes.names, "start": 2, "label": sizes.deps, "label_own": WIDTH}
    return weights | {f"{name}_bias": np.zeros(size, dtype=np.float32) for name, size in biases.items()}


def learn_weights(
    examples: Sequence[Example], types: Types, sizes: Sizes, plan: Plan
) -> Iterator[tuple[dict[str, Floats], float]]:
    """Yield the weights and the mean loss after every epoch; what is yielded is changed by the next one."""
    tokens = sum(len(example.types) for example in examples)
    plan = replace(plan, batch_tokens=min(plan.batch_tokens, max(200, tokens // 40)))  # few texts still make many steps
    random = np.random.default_rng(plan.seed)
    weights = start_weights(sizes, random)
    memory = {name: (np.zeros_like(values), np.zeros_like(values)) for name, values in weights.items()}
    step_count = plan.epochs * sum(1 for _ in _draw_batches(examples, plan, np.random.default_rng(0)))
    step = 0
    for _ in range(plan.epochs):
        losses = []
        for batch in _draw_batches(examples, plan, random):
            loss, gradients = compute_gradients(weights, batch, types, plan, random)
            losses.append(loss)
            step += 1
            rate = plan.rate * min(1, step / min(100, 1 + step_count // 10)) * max(0.02, 1 - step / step_count)
            _update(weights, memory, gradients, rate, step)
        yield weights, float(np.mean(losses))


def _draw_batches(examples: Sequence[Example], plan: Plan, random: np.random.Generator) -> Iterator[list[Example]]:
    batch: list[Example] = []
    size = 0
    for number in random.permutation(len(examples)):
        batch.append(examples[number])
        size += len(examples[number].types)
        if size >= plan.batch_tokens:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _update(
    weights: dict[str, Floats],
    memory: dict[str, tuple[Floats, Floats]],
    gradients: dict[str, Floats],
    rate: float,
    step: int,
) -> None:
    """Take one step of Adam (Kingma and Ba 2015); gradients longer than 5 are shortened."""
    norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values())))
    shrink = min(1.0, 5 / (norm + 1e-9))
    correction = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    for name, gradient in gradients.items():
        mean, spread = memory[name]
        gradient *= shrink
        mean *= 0.9
        mean += 0.1 * gradient
        spread *= 0.999
        spread += 0.001 * gradient * gradient
        weights[name] -= (rate * correction) * mean / (np.sqrt(spread) + 1e-8)


def compute_gradients(
    weights: dict[str, Floats], batch: Sequence[Example], types: Types, plan: Plan, random: np.random.Generator
) -> tuple[float, dict[str, Floats]]:
    """Return the loss of a batch, a token, and the gradient of every weight."""
    flat, tokens = _lay_out(batch)
    keep = (flat >= 0).astype(np.float32)[:, None]
    count = len(tokens)
    gradients: dict[str, Floats] = {}

    # the words of the batch
    distinct, place = np.unique(flat[tokens], return_inverse=True)
    features = types.features[distinct].copy()
    is_dropped = random.random(features.shape) < plan.word_dropout * np.array([2, 1, 1, 1, 1])
    features[is_dropped] = len(weights["feature_table"]) - 1
    vectors = types.vectors[distinct] * (random.random((len(distinct), 1)) > plan.word_dropout)
    embedded = weights["feature_table"][features].sum(axis=1) + vectors @ weights["projection"]

    # forward
    words = np.zeros((len(flat), WIDTH), dtype=np.float32)
    words[tokens] = embedded[place]
    first = words @ weights["conv0"]
    hidden = (
        shift(first[:, :WIDTH], 1)
        + first[:, WIDTH : 2 * WIDTH]
        + shift(first[:, 2 * WIDTH :], -1)
        + weights["conv0_bias"]
    )
    masks = {0: keep * (hidden > 0) * _draw_mask(hidden.shape, plan.dropout, random)}
    hidden = hidden * masks[0]
    seen: dict[int, Floats] = {}
    for dilation in DILATIONS:
        seen[dilation] = look_around(hidden, dilation)
        new = seen[dilation] @ weights[f"conv{dilation}"] + weights[f"conv{dilation}_bias"]
        masks[dilation] = keep * (new > 0) * _draw_mask(new.shape, plan.dropout, random)
        hidden = hidden + new * masks[dilation]
    top: Floats = hidden[tokens]

    # what is read from every token
    loss, back = 0.0, np.zeros_like(top)
    for head, gold in zip(
        HEADS, (np.concatenate([getattr(e, f"{head}s") for e in batch]) for head in HEADS), strict=True
    ):
        scores: Floats = top @ weights[head] + weights[f"{head}_bias"]
        part, slope = _compare(scores, gold, count)
        loss += part
        gradients[head], gradients[f"{head}_bias"] = top.T @ slope, slope.sum(axis=0)
        back += slope @ weights[head].T
    loss += _learn_trees(weights, gradients, batch, top, back, plan)

    # back to the words
    above = np.zeros_like(hidden)
    above[tokens] = back
    for dilation in reversed(DILATIONS):
        slope = above * masks[dilation]
        gradients[f"conv{dilation}"], gradients[f"conv{dilation}_bias"] = seen[dilation].T @ slope, slope.sum(axis=0)
        around = slope @ weights[f"conv{dilation}"].T
        above = (
            above
            + shift(around[:, :WIDTH], -dilation)
            + around[:, WIDTH : 2 * WIDTH]
            + shift(around[:, 2 * WIDTH :], dilation)
        )
    slope = above * masks[0]
    gradients["conv0_bias"] = slope.sum(axis=0)
    spread = np.concatenate([shift(slope, -1), slope, shift(slope, 1)], axis=1)
    gradients["conv0"] = words.T @ spread
    of_words = _add_up((spread @ weights["conv0"].T)[tokens], place, len(distinct))
    gradients["projection"] = vectors.T @ of_words
    table = _add_up(np.repeat(of_words, features.shape[1], axis=0), features.ravel(), len(weights["feature_table"]))
    table[-1] = 0
    gradients["feature_table"] = table
    return loss, gradients


def _learn_trees(
    weights: dict[str, Floats],
    gradients: dict[str, Floats],
    batch: Sequence[Example],
    top: Floats,
    back: Floats,
    plan: Plan,
) -> float:
    """Add what heads and labels have to say to `gradients` and `back`; returns their loss."""
    sentences = list(_find_sentences(batch, plan.max_sentence))
    own = np.maximum(top @ weights["dependent"] + weights["dependent_bias"], 0)
    over = np.maximum(top @ weights["governor"] + weights["governor_bias"], 0)
    own_back, over_back = np.zeros_like(own), np.zeros_like(over)
    for name in ("distance", "root"):
        gradients[name] = np.zeros_like(weights[name])
    count = len(top)
    loss = 0.0
    sentences.sort(key=lambda sentence: sentence[1] - sentence[0])
    heads = np.concatenate(
        [e.heads + offset for e, offset in zip(batch, np.cumsum([0, *[len(e.types) for e in batch[:-1]]]), strict=True)]
    )
    group: list[tuple[int, int]] = []
    for number, sentence in enumerate(sentences):
        group.append(sentence)
        size = sentence[1] - sentence[0]
        if len(group) * size < 1_500 and number + 1 < len(sentences):
            continue
        starts = np.array([start for start, _ in group])
        lengths = np.array([end - start for start, end in group])
        inside = np.arange(size)[None, :] < lengths[:, None]
        places = np.where(inside, starts[:, None] + np.arange(size)[None, :], 0)
        loss += _learn_heads(weights, gradients, own, over, own_back, over_back, heads, places, inside, starts, count)
        group = []
    for name, hidden, slope in (("dependent", own, own_back), ("governor", over, over_back)):
        slope = slope * (hidden > 0)
        gradients[name], gradients[f"{name}_bias"] = top.T @ slope, slope.sum(axis=0)
        back += slope @ weights[name].T

    distances = class_distances(heads - np.arange(count))
    deps = np.concatenate([e.deps for e in batch])
    both = (
        top @ weights["label_own"]
        + (top @ weights["label_head"])[heads]
        + weights["label_distance"][distances]
        + weights["label_own_bias"]
    )
    both = np.maximum(both, 0)
    part, slope = _compare(both @ weights["label"] + weights["label_bias"], deps, count)
    gradients["label"], gradients["label_bias"] = both.T @ slope, slope.sum(axis=0)
    slope = (slope @ weights["label"].T) * (both > 0)
    to_heads = _add_up(slope, heads, count)
    gradients["label_own"], gradients["label_own_bias"] = top.T @ slope, slope.sum(axis=0)
    gradients["label_head"] = top.T @ to_heads
    gradients["label_distance"] = _add_up(slope, distances, DISTANCE_COUNT)
    back += slope @ weights["label_own"].T + to_heads @ weights["label_head"].T
    return loss + part


def _learn_heads(
    weights: dict[str, Floats], gradients: dict[str, Floats], own: Floats, over: Floats, own_back: Floats, over_back: Floats,
    heads: Ints, places: Ints, inside: NDArray[np.bool_], starts: Ints, count: int,
) -> float:  # fmt: skip
    """Compare the scores of heads of sentences of like length with the right heads; the last column is the root."""
    size = places.shape[1]
    d, g = own[places], over[places]
    distances = count_distances(size)
    by_distance = d @ weights["distance"]
    scores = np.empty((*places.shape, size + 1), dtype=np.float32)
    rows = np.arange(size)[:, None]
    scores[:, :, :size] = d @ g.transpose(0, 2, 1) / WIDTH**0.5 + by_distance[:, rows, distances]
    scores[:, :, size] = (d @ weights["root"])[:, :, 0]
    scores[:, :, :size][np.broadcast_to(~inside[:, None, :], (*places.shape, size))] = -1e9
    scores[:, np.arange(size), np.arange(size)] = -1e9
    gold = heads[places] - starts[:, None]
    gold = np.where(gold == np.arange(size)[None, :], size, gold)
    gold = np.where(inside, gold, _NOTHING)
    loss, slope = _compare(scores.reshape(-1, size + 1), gold.ravel(), count)
    slope = slope.reshape(scores.shape)
    arcs = slope[:, :, :size]
    d_back = arcs @ g / WIDTH**0.5 + slope[:, :, size:] * weights["root"][:, 0]
    g_back = arcs.transpose(0, 2, 1) @ d / WIDTH**0.5
    by_class = np.zeros_like(by_distance)
    for number in range(DISTANCE_COUNT):
        is_class = distances == number
        if is_class.any():
            by_class[:, :, number] = (arcs * is_class).sum(axis=2)
    d_back += by_class @ weights["distance"].T
    flat_d = d.reshape(-1, WIDTH)
    gradients["distance"] += flat_d.T @ by_class.reshape(-1, DISTANCE_COUNT)
    gradients["root"] += flat_d.T @ slope[:, :, size:].reshape(-1, 1)
    own_back[places[inside]] += d_back[inside]
    over_back[places[inside]] += g_back[inside]
    return loss


def _lay_out(batch: Sequence[Example]) -> tuple[Ints, Ints]:
    """Return the word types of all texts with gaps (-1) between them, and the places of the tokens."""
    gap = np.full(GAP, _NOTHING)
    flat = np.concatenate([part for example in batch for part in (example.types, gap)])
    return flat, np.flatnonzero(flat >= 0)


def _find_sentences(batch: Sequence[Example], longest: int) -> Iterator[tuple[int, int]]:
    offset = 0
    for example in batch:
        size = len(example.types)
        edges = [*np.flatnonzero(example.starts).tolist(), size]
        for start, end in itertools.pairwise(edges):
            if end - start <= longest:
                yield offset + start, offset + end
        offset += size


def _compare(scores: Floats, gold: Ints, count: int) -> tuple[float, Floats]:
    """Return the cross-entropy of rows of scores, divided by `count`, and its slope; rows without gold count nothing."""
    known = gold >= 0
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    rows = np.flatnonzero(known)
    loss = -float(np.log(likely[rows, gold[rows]] + 1e-9).sum()) / count
    likely[rows, gold[rows]] -= 1
    likely[~known] = 0
    likely /= count
    return loss, likely


def _add_up(rows: Floats, groups: Ints, size: int) -> Floats:
    """Return the sum of the rows of every group: (size, columns)."""
    found = np.zeros((size, rows.shape[1]), dtype=np.float32)
    order = np.argsort(groups, kind="stable")
    in_order = groups[order]
    firsts = np.flatnonzero(np.diff(in_order, prepend=-1))
    found[in_order[firsts]] = np.add.reduceat(rows[order], firsts, axis=0)
    return found


def _draw_mask(shape: tuple[int, ...], rate: float, random: np.random.Generator) -> Floats:
    return (random.random(shape, dtype=np.float32) >= rate).astype(np.float32) / np.float32(1 - rate)
