"""Names of people, organizations and places, against news in which people marked them.

Articles, possessives, marks and blanks at the edges are cut off both sides. `strict` asks for the same type and span,
`overlap` for the same type and any shared character, one to one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from tests.eval.gold import Document
from tests.eval.pipeline import Facts, Row
from tests.eval.scores import Counts, Score, score_f1
from tests.eval.spans import Span, count_overlap

Name = tuple[int, int, str]

TYPES = ("person", "organization", "place")
_LABELS = {
    "per": "person", "person": "person", "org": "organization", "organization": "organization",
    "organisation": "organization", "loc": "place", "location": "place", "gpe": "place", "fac": "place",
    "facility": "place", "place": "place",
}  # fmt: skip
_LEADING = re.compile(r"(?:[\s\"“”'‘’]+|(?:the|a|an)\s+)+", re.IGNORECASE)
_TRAILING = re.compile(r"(?:\s*(?:['’`]s|['’](?=$))|[\s\"“”,.;:]+(?=$))+$", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\.\w$")  # the last full stop of `U.S.` stays


def list_gold_names(document: Document) -> list[Name]:
    """Return the annotated names of a document with characters of its text, whether they are given in tokens or not."""
    entities = document.record["ents"]
    if "tokens" not in document.record:
        return [(e["start"], e["end"], e["label"]) for e in entities]
    tokens, starts, position = document.record["tokens"], [], 0
    for token in tokens:
        starts.append(position)
        position += len(token) + 1
    return [(starts[e["start"]], starts[e["end"] - 1] + len(tokens[e["end"] - 1]), e["label"]) for e in entities]


def list_mentions(facts: Facts) -> list[Name]:
    """Return the mentions by name of an article, after the entities of the document are known."""
    named = (row for row in facts.mentions if row["mention_type"] == "name")
    return [(row["start_char"], row["end_char"], row["entity_type"]) for row in named]


def list_model_names(lines: Iterable[tuple[int, Row]]) -> list[Name]:
    """Return what the language model alone takes for names."""
    return [
        (start + first, start + last, label)
        for start, row in lines
        for first, last, label in zip(row["entity_start"], row["entity_end"], row["entity_label"], strict=True)
    ]


def normalize_names(text: str, names: Iterable[Name]) -> set[Name]:
    """Return the names of people, organizations and places with their edges cut, each once."""
    cut = ((*_cut_edges(text, (start, end)), _LABELS.get(label.lower())) for start, end, label in names)
    return {(start, end, label) for start, end, label in cut if label and start < end}


def _cut_edges(text: str, span: Span) -> Span:
    start, end = span
    leading = _LEADING.match(text[start:end])
    if leading and start + leading.end() < end:
        start += leading.end()
    words = text[start:end]
    trailing = _TRAILING.search(words)
    if trailing and trailing.start():
        keeps_stop = words[trailing.start()] == "." and _ABBREVIATION.search(words[: trailing.start()])
        end = start + trailing.start() + bool(keeps_stop)
    return start, end


def count_names(gold: set[Name], predicted: set[Name]) -> Counts:
    """Count the names of one document by type and together: gold, predicted, strict, overlap."""
    counts: dict[str, float] = {}
    for label in TYPES:
        own, found = ({name for name in names if name[2] == label} for names in (gold, predicted))
        counts |= {
            f"{label}.gold": len(own),
            f"{label}.predicted": len(found),
            f"{label}.strict": len(own & found),
            f"{label}.overlap": _count_overlapping(own, found),
        }
    for what in ("gold", "predicted", "strict", "overlap"):
        counts[f"all.{what}"] = sum(counts[f"{label}.{what}"] for label in TYPES)
    return counts


def _count_overlapping(gold: set[Name], predicted: set[Name]) -> int:
    free, count = sorted(predicted), 0
    for name in sorted(gold):
        best = max(free, key=lambda other: count_overlap(name[:2], other[:2]), default=None)
        if best is not None and count_overlap(name[:2], best[:2]):
            free.remove(best)
            count += 1
    return count


def score_names(documents: Sequence[Counts]) -> dict[str, Score]:
    """Return the strict and the overlap F1 of each type and of all, named `person.strict` and so on."""
    return {
        f"{label}.{how}": score_f1(documents, f"{label}.{how}", f"{label}.gold", f"{label}.predicted")
        for how in ("strict", "overlap")
        for label in (*TYPES, "all")
    }


def find_name_errors(gold: set[Name], predicted: set[Name]) -> Mapping[str, list[tuple[Name | None, Name | None]]]:
    """Sort what does not agree strictly into named causes: pairs of the gold name and ours, where there is one."""
    causes: dict[str, list[tuple[Name | None, Name | None]]] = {}
    ours, seen = sorted(predicted - gold), set()
    for name in sorted(gold - predicted):
        other = max(ours, key=lambda o: count_overlap(name[:2], o[:2]), default=None)
        if other is not None and not count_overlap(name[:2], other[:2]):
            other = None
        seen.add(other)
        causes.setdefault(_name_cause(name, other), []).append((name, other))
    for other in ours:
        if other not in seen:
            causes.setdefault(f"name: {other[2]} where none is annotated", []).append((None, other))
    return causes


def _name_cause(gold: Name, ours: Name | None) -> str:
    if ours is None:
        return f"name: {gold[2]} missed"
    if gold[2] != ours[2]:
        return f"name: {gold[2]} taken for {ours[2]}"
    wider = ours[0] <= gold[0] and ours[1] >= gold[1]
    return f"name: {gold[2]} with words too {'many' if wider else 'few'}"
