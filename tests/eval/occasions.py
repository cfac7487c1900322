"""When, where, to whom and about whom: the hand-labelled quotes against the published tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.eval.gold import Document
from tests.eval.pipeline import Facts
from tests.eval.scores import Error, Score, score_f1, score_ratio

PARTS = ("said_on", "said_place", "said_to", "about", "around", "speakers")
_ARTICLES = ("the ", "a ", "an ")


def count_occasions(document: Document, facts: Facts) -> tuple[dict[str, float], list[Error]]:
    """Compare the labelled quotes of one text with its facts.

    A quote that the pipeline does not find, or finds without a statement, has said nothing: its labels are missed.

    Returns:
        `gold.PART`, `predicted.PART` and `matched.PART` for every part, and an error for every label that was missed or made up.
    """
    counts: dict[str, float] = {f"{what}.{part}": 0 for what in ("gold", "predicted", "matched") for part in PARTS}
    errors = []
    for label in document.record["quotes"]:
        quote = _find_quote(label, facts)
        for part, gold, found in _compare(label, quote, facts):
            counts[f"gold.{part}"] += len(gold)
            counts[f"predicted.{part}"] += len(found)
            counts[f"matched.{part}"] += len(gold & found)
            if gold != found:
                told = (" / ".join(sorted(values)) for values in (gold - found, found - gold))
                errors.append(Error("occasions", part, label["words"], *told, document=document.id))
    return counts, errors


def score_occasions(documents: Sequence[Mapping[str, float]]) -> dict[str, Score]:
    """Return precision, recall and F1 of every part."""
    scores = {}
    for part in PARTS:
        matched, gold, predicted = f"matched.{part}", f"gold.{part}", f"predicted.{part}"
        scores[f"{part}.precision"] = score_ratio(documents, {matched: 1}, {predicted: 1})
        scores[f"{part}.recall"] = score_ratio(documents, {matched: 1}, {gold: 1})
        scores[f"{part}.f1"] = score_f1(documents, matched, gold, predicted)
    return scores


def _find_quote(label: Mapping[str, Any], facts: Facts) -> Mapping[str, Any] | None:
    """Return the innermost quote with a statement that holds the first words of the label."""
    at = label["start"] + 3
    holding = [q for q in facts.quotes if q["statement_id"] and q["start_char"] <= at < q["end_char"]]
    return max(holding, key=lambda quote: quote["start_char"], default=None)


def _compare(
    label: Mapping[str, Any], quote: Mapping[str, Any] | None, facts: Facts
) -> Iterator[tuple[str, set[str], set[str]]]:
    yield "said_on", _list(_spell_days(label.get("on"))), _list(_tell_days(quote))
    for part, name in (("said_place", "place"), ("said_to", "to")):
        printed = quote[f"{part}_text"] if quote is not None else None
        yield part, _list(_fold(label.get(name))), _list(_fold(printed))
    names = {m["mention_id"]: facts.entity_names[m["document_entity_id"]] for m in facts.mentions}
    key = quote["quote_id"] if quote is not None else None
    for part, role in (("about", "inside"), ("around", "around")):
        rows = (row for row in facts.quote_mentions if row["quote_id"] == key and row["role"] == role)
        yield part, set(label.get(part, ())), {names[row["mention_id"]] for row in rows}
    if "speakers" in label:
        statement = quote["statement_id"] if quote is not None else None
        spoken = [row for row in facts.speakers if row["statement_id"] == statement]
        entities = (row["speaker_document_entity_id"] for row in spoken)
        yield "speakers", set(label["speakers"]), {facts.entity_names.get(entity, "?") for entity in entities}


def _list(value: str | None) -> set[str]:
    return {value} if value else set()


def _spell_days(label: str | None) -> str | None:
    """Return a label as first and last day: of a year, of a day, or as it is."""
    if label is None or label.startswith("text:") or "/" in label:
        return label
    return f"{label}-01-01/{label}-12-31" if len(label) == 4 else f"{label}/{label}"


def _tell_days(quote: Mapping[str, Any] | None) -> str | None:
    if quote is None or quote["said_on_text"] is None:
        return None
    if quote["said_on"] is None:
        return f"text:{quote['said_on_text']}"
    return f"{quote['said_on']}/{quote['said_until']}"


def _fold(text: str | None) -> str | None:
    folded = (text or "").lower()
    return next((folded.removeprefix(word) for word in _ARTICLES if folded.startswith(word)), folded) or None
