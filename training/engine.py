"""Learn the fast engine that ships, from texts under CC BY and this project's own: `python -m training.engine DATA`."""

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from flows.distill import distill_texts, write_model
from flows.settings import load_settings
from tasks.annotation.fast.learn import Plan
from training.recombine import Passage, Recombiner, split_sentences
from warehouse.keys import make_id

ROOT = Path(__file__).parent.parent
_KINDS = {
    "person": "person", "place": "place", "organization": "organization", "PER": "person", "PERSON": "person",
    "LOC": "place", "LOCATION": "place", "ORG": "organization", "ORGANIZATION": "organization",
}  # fmt: skip
_PRONOUNS = {
    "I",
    "He",
    "She",
    "It",
    "They",
    "We",
    "You",
    "His",
    "Her",
    "Their",
    "Its",
    "My",
    "Our",
    "This",
    "That",
    "These",
    "Those",
}
_LINE = re.compile(r"[^\n]+")
_GLUED = re.compile(r"[,.;:?!%)\]]|'(?:s|re|ve|ll|d|m)?|n't")


def read_passages(data: Path) -> list[Passage]:
    """Read the paragraphs of the public sets and of the samples, with the names that people annotated in the former."""
    passages: list[Passage] = []
    for record in _read_records(data / "ner.gum-news.all.jsonl.gz"):
        passages += _cut(
            record["text"],
            [
                (e["start"], e["end"], e["label"])
                for e in record["ents"]
                if e["has_propn"] and e["text"] not in _PRONOUNS
            ],
        )
    for record in _read_records(data / "coref.meantime-en.jsonl.gz"):
        passages += _cut(
            record["text"],
            [
                (m["start"], m["end"], m["type"])
                for m in record["mentions"]
                if m["text"][:1].isupper() and m["text"] not in _PRONOUNS
            ],
        )
    for record in _read_records(data / "ner.wikigold.all.jsonl.gz"):
        passages += _join_tokens(record)
    for path in sorted((ROOT / "samples").rglob("*.txt")):
        passages += _cut(path.read_bytes().decode("utf-8", errors="ignore"), [])
    return passages


def make_texts(passages: list[Passage], *, copies: int, reports: int, seed: int) -> pl.DataFrame:
    """Return the texts to learn from: the passages, `copies` of each with other names, and `reports` reported sentences.

    Returns:
        Distinct `paragraph_key` and `text`, ordered by key.
    """
    recombiner = Recombiner(seed)
    texts = [passage.text for passage in passages]
    exchanged = [recombiner.exchange_names(passage) for _ in range(copies) for passage in passages if passage.names]
    sentences = [sentence for text in [*texts, *exchanged] for sentence in split_sentences(text)]
    texts += [*exchanged, *recombiner.report_sentences(sentences, reports)]
    frame = pl.DataFrame({"paragraph_key": [make_id(text) for text in texts], "text": texts})
    return frame.unique("paragraph_key").sort("paragraph_key")


def _read_records(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _cut(text: str, names: list[tuple[int, int, str]]) -> Iterator[Passage]:
    """Cut a text at its line breaks; what a tokenizer has set apart (`Lisbon 's`) is put together."""
    for line in _LINE.finditer(text):
        own = [
            (s - line.start(), e - line.start(), _KINDS.get(w, ""))
            for s, e, w in names
            if line.start() <= s and e <= line.end()
        ]
        yield _close_gaps(Passage(line.group(), own))


def _close_gaps(passage: Passage) -> Passage:
    text, names = passage.text.replace("``", '" ').replace("''", '" '), list(passage.names)
    for match in reversed(list(re.finditer(r" (?='s\b|n't\b|'\s)", text))):
        at = match.start()
        text = text[:at] + text[at + 1 :]
        names = [(s - (s > at), e - (e > at), w) for s, e, w in names]
    return Passage(text, names)


def _join_tokens(record: dict) -> Iterator[Passage]:
    """Print the tokens of an encyclopedia's page as text, four sentences a passage."""
    tokens, starts = record["tokens"], record["sent_starts"]
    for first, after in zip(starts[::4], [*starts[4::4], len(tokens)], strict=True):
        text, places, is_inside = "", [], False
        for word in tokens[first:after]:
            is_mark = word in {'"', "``", "''"}
            is_glued = (
                not text
                or text[-1] in "([$"
                or bool(_GLUED.fullmatch(word))
                or (is_inside and (is_mark or text[-1] == '"'))
            )
            if is_mark:
                is_inside, word = not is_inside, '"'
            text += word if is_glued else f" {word}"
            places.append((len(text) - len(word), len(text)))
        own = [e for e in record["ents"] if first <= e["start"] and e["end"] <= after]
        names = [
            (places[e["start"] - first][0], places[e["end"] - first - 1][1], _KINDS.get(e["label"], "")) for e in own
        ]
        yield Passage(text, names)


SOURCES = (
    {
        "name": "GUM, the news and interviews of Wikinews",
        "licence": "CC BY 2.5",
        "by": "contributors of Wikinews; A. Zeldes, GUM",
    },
    {
        "name": "Wikigold, pages of Wikipedia",
        "licence": "CC BY 4.0",
        "by": "D. Balasuriya and others; contributors of Wikipedia",
    },
    {
        "name": "MEANTIME, English, of Wikinews",
        "licence": "CC BY 4.0",
        "by": "A.-L. Minard and others; contributors of Wikinews",
    },
    {"name": "samples/ of this repository", "licence": "Apache-2.0", "by": "On Record"},
)
MODEL = ROOT / "tasks" / "annotation" / "fast" / "model.npz"


def main() -> None:
    """Read, recombine, let the accurate engine label, learn, and write the model that ships."""
    parser = argparse.ArgumentParser(prog="python -m training.engine", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of the public sets")
    parser.add_argument("--out", type=Path, default=MODEL)
    given = parser.parse_args()
    recombined = {"copies": 2, "reports": 9_000, "seed": 1}
    texts = make_texts(read_passages(given.data), **recombined)
    about = {"texts": SOURCES, "recombined": recombined}
    settings = load_settings(ROOT, min_age_seconds=0)
    distilled = distill_texts(settings, texts, Plan(epochs=5), print, about)
    write_model(distilled, given.out)
    print(json.dumps(distilled.model.card, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
