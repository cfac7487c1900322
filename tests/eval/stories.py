"""Stories against annotated events: the adjusted Rand index and B³, over all topics and over each fifth of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import comb

from tests.eval.clusters import score_clusters
from tests.eval.scores import Error, Score

Gold = tuple[str, str]
"""The topic of a document and its story."""

FOLDS = 5


def score_stories(gold: Sequence[Gold], ours: Sequence[str]) -> dict[str, Score]:
    """Return `ari`, B³ and the mean of both over the folds of topics, each scored alone (`folds.*`, with its least and most).

    A fold is a fifth of the topics: how much the scores depend on which topics are drawn. Nothing is tuned between folds;
    documents of other topics are in the corpus while one is scored, and not counted.
    """
    scores = {name: Score(value, len(ours)) for name, value in _score([story for _, story in gold], ours).items()}
    topics = sorted({topic for topic, _ in gold}, key=lambda topic: (topic.zfill(4), topic))
    folds = [set(topics[number::FOLDS]) for number in range(FOLDS)]
    parts = []
    for fold in folds:
        places = [place for place, (topic, _) in enumerate(gold) if topic in fold]
        if places:
            parts.append(_score([gold[place][1] for place in places], [ours[place] for place in places]))
    for name in ("ari", "b3.f1"):
        values = [part[name] for part in parts]
        scores[f"folds.{name}"] = Score(sum(values) / len(values), len(values), min(values), max(values))
    return scores


def _score(key: Sequence[str], response: Sequence[str]) -> dict[str, float]:
    clusters = score_clusters(dict(enumerate(key)), dict(enumerate(response)))
    return {"ari": score_rand(key, response)} | {
        name: clusters[name] for name in ("b3.precision", "b3.recall", "b3.f1")
    }


def score_rand(key: Sequence[str], response: Sequence[str]) -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985): 1 for equal clusterings, 0 for what chance gives."""
    both = sum(comb(count, 2) for count in Counter(zip(key, response, strict=True)).values())
    one, other = (sum(comb(count, 2) for count in Counter(labels).values()) for labels in (key, response))
    expected = one * other / max(comb(len(key), 2), 1)
    most = (one + other) / 2
    return (both - expected) / (most - expected) if most != expected else 1.0


def tell_story_errors(gold: Sequence[Gold], ours: Sequence[str]) -> Iterator[Error]:
    """Yield the stories of ours that hold several annotated ones, and the annotated ones that are several of ours."""
    for cause, keys, values in (
        ("two events in one story", ours, [story for _, story in gold]),
        ("one event in several stories", [story for _, story in gold], ours),
    ):
        parts: dict[str, Counter[str]] = defaultdict(Counter)
        for key, value in zip(keys, values, strict=True):
            parts[key][value] += 1
        for key, counts in sorted(parts.items()):
            if len(counts) > 1:
                told = ", ".join(f"{name}: {count}" for name, count in counts.most_common())
                yield Error("stories", cause, f"{key}: {told}")
