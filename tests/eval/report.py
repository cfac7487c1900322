"""Results -> tables for a terminal, docs/quality.md, and files of errors to read."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.page import render_table
from tests.eval.scores import Error, Result, Score

CAUSES = Path(__file__).with_name("causes.csv")

_INTRODUCTION = """# Quality

Written by `make eval`, which says what it needs when it is not there. Texts are written to files, the pipeline builds a
warehouse from them as for any user, and the published tables are compared with what people annotated; a quotation that
cleaning left out is a miss. In brackets: the 95 % interval of 1,000 bootstrap draws of documents.
"""
_NOTES = {
    "quotes": """## Quotes and speakers

US political news of 2016 with every attribution annotated (PolNeAR), beliefs and intentions too, not only speech.
`marked`: stretches between quotation marks in an attribution, from `fact_quotes`; a match has an intersection over union
of .8. `all.3`, `all.8`: whole attributions, indirect ones too, from `fact_statements`; a match holds over .3 or .8 of
the annotated words. `exact`: the same first and last word. `iou.8`: intersection over union of .8. `speaker`: share of
right speakers where a match has one (the places overlap; a pronoun stays a pronoun). `end_to_end`: F1 of matches with
the right speaker; whoever names nobody has missed. `recall` by type is at `all.3`, by length among the marked.""",
    "confidence": """## Confidence

`calibration_error`: the expected distance of `confidence` from the share of right speakers, over ten bins, where somebody
is named. `precision_of_surest_60`: share of right speakers among the surest 60 % of all that were found.""",
    "names": """## Names of people, organizations and places

World news (en-worldwide), Wikinews (GUM) and reports on defence and foreign affairs (re3d). F1; `strict`: same type and
words, `overlap`: same type and any shared character. Ours are the rows of `fact_entity_mentions` with a name; *the model
alone* is what the language model says of every line.""",
    "engine": """## What the fast engine costs

The same texts built with `--engine accurate` and `--engine fast` (docs/engines.md); the scores are those of quotes and of names.""",
    "formats": """## The same texts in every format

`tests/eval/formats.py` writes them as files, pages, records and archives, and places are led back through the bytes of each. A page has a
paragraph a line, and its lines are judged by the trees of pages.""",
    "lines": """## Lines of whole pages

The visible lines of news pages (article extraction benchmark, tests of fundus), in several languages; a line is kept
when half of it is in the body.""",
    "occasions": """## When, where, to whom, about whom

105 quotes of 26 invented articles, labelled before the rules were written (`tests/eval/fixtures/fixtures.occasions.jsonl`); one half
(`tuned`) was read while they were made, the other (`reported`) was not. `said_on` is right when first and last day are; `about` are the
entities in the words, pronouns resolved, `around` those in the attributing clause.""",
}
_NOTES["copies"] = """## Copies

Copies planted by a seeded generator (`bench/planting.py`) among articles of the BBC, each a day younger than its origin.
`KIND.recall`: copies traced to all texts they were made from; `KIND.kind`: with the right kind, too; `KIND.precision`: origins
named that are right. `alike.recall`: of all pairs of texts with a resemblance of .5, found by comparing every text with every
other, those that are traced to one origin. `distinct.false`: share of the articles alike to no other that are called an exact or near copy,
`distinct.rewritten` rewritten."""
_MAIN = ("marked.f1", "marked.speaker", "marked.end_to_end", "all.3.f1", "all.8.f1", "exact.f1", "all.3.end_to_end")


def render_results(results: Sequence[Result]) -> str:
    """Return one table for each measure and set: a row a score, a column a system."""
    return "\n\n".join(
        f"### {measure}: {data} ({_count_cases(own)})\n\n{_render_systems(own)}"
        for (measure, data), own in _group_results(results).items()
    )


def render_page(results: Sequence[Result]) -> str:
    """Return docs/quality.md: scores and counts of causes, no word of the data, and the same for the same scores."""
    parts = [_INTRODUCTION]
    groups = _group_results(results)
    for measure in dict.fromkeys(result.measure for result in results):
        parts.append(_NOTES.get(measure, f"## {measure.capitalize()}"))
        parts += [f"### {data}\n\n{_render_systems(own)}" for (name, data), own in groups.items() if name == measure]
        errors = _list_errors(results, measure)
        if errors:
            parts.append(_render_causes(errors, top=20 if measure == "quotes" else 10))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write_errors(results: Sequence[Result], folder: Path, *, most: int = 40) -> Path:
    """Write all errors as JSON Lines and, sorted by cause, the first `most` of each for reading; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    by_cause: dict[tuple[str, str], list[Error]] = defaultdict(list)
    with (folder / "errors.jsonl").open("w", encoding="utf-8") as file:
        for measure in dict.fromkeys(result.measure for result in results):
            for error in _list_errors(results, measure):
                file.write(json.dumps(asdict(error), ensure_ascii=False) + "\n")
                by_cause[(error.kind, error.cause)].append(error)
    page = folder / "errors.md"
    order = sorted(by_cause, key=lambda key: -len(by_cause[key]))
    page.write_text("\n".join(_render_errors(key, by_cause[key], most) for key in order), encoding="utf-8")
    return page


def _group_results(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[(result.measure, result.data)].append(result)
    return groups


def _count_cases(results: Sequence[Result]) -> str:
    return f"{len(results[0].scores)} scores of {len(results)} systems"


def _render_systems(results: Sequence[Result]) -> str:
    names = list(results[0].scores)
    rows = [
        [_emphasize(name), *(_render_score(result.scores[name]) for result in results), results[0].scores[name].cases]
        for name in names
    ]
    return render_table(("score", *(result.system for result in results), "cases"), rows)


def _emphasize(name: str) -> str:
    return f"**{name}**" if name in _MAIN else name


def _render_score(score: Score) -> str:
    value = f"{score.value:.3f}"
    return value if score.low is None or score.high is None else f"{value} ({score.low:.2f}–{score.high:.2f})"


def _list_errors(results: Iterable[Result], measure: str) -> list[Error]:
    """Return the errors of a measure, those of sets that are parts of a set once."""
    own = [result for result in results if result.measure == measure and result.errors]
    whole = [result for result in own if any(r.data.startswith(f"{result.data}.") for r in own)]
    return [error for result in whole or own for error in result.errors]


def read_measures_taken(path: Path = CAUSES) -> dict[str, str]:
    """Return what was done about a cause, by its name."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["cause"]: row["what_was_done"] for row in csv.DictReader(file)}


def _render_causes(errors: Sequence[Error], top: int) -> str:
    counts = Counter((error.kind, error.cause) for error in errors)
    taken = read_measures_taken()
    rows = [
        [kind, cause, count, f"{100 * count / len(errors):.1f} %", taken.get(cause, "")]
        for (kind, cause), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    ]
    header = ("kind", "cause", "errors", "share", "what was done")
    lines = [
        header,
        ("---", "---", "---:", "---:", "---"),
        *([f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows),
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"The {len(rows)} most frequent causes of {len(errors):,} errors, told apart by rule:\n\n{table}"


def _render_errors(key: tuple[str, str], errors: Sequence[Error], most: int) -> str:
    return "\n".join([f"# {key[0]}: {key[1]} ({len(errors):,})", "", *_render_each(errors[:most])])


def _render_each(errors: Sequence[Error]) -> Iterator[str]:
    for error in errors:
        context = " ".join(error.context.split())
        yield f"- `{error.document}` … {context} …"
        yield f"  - gold: {error.gold or '–'} | speaker: {error.gold_speaker or '–'}"
        yield f"  - ours: {error.ours or '–'} | speaker: {error.our_speaker or '–'} | rule: {error.rule or '–'}"


def check_floors(results: Sequence[Result], floors: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Return a sentence for every score of ours that is under its floor, or over its ceiling.

    Args:
        results: What was measured; floors of other sets are not looked at.
        floors: `at_least` and `at_most`: measure and set (`quotes polnear.dev`) -> score -> value.

    Raises:
        KeyError: A floor names a score that its measure does not have.
    """
    failed = []
    for side, sign in (("at_least", 1), ("at_most", -1)):
        for result in (result for result in results if result.is_ours):
            for name, floor in floors.get(side, {}).get(f"{result.measure} {result.data}", {}).items():
                value = result.scores[name].value
                if sign * (round(value, 4) - floor) < 0:
                    failed.append(
                        f"{result.measure} {result.data} {name} is {value:.4f}, not {side.replace('_', ' ')} {floor}"
                    )
    return failed
