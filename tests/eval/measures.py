"""The measures: each builds its texts with the pipeline and yields the scores of every system on every set.

A new one is a function like these and a line in `MEASURES`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from tasks.reports.utterances import compare_reports
from tests.eval.attributions import list_quotes, list_statements, read_attribution
from tests.eval.bodies import count_body, score_bodies
from tests.eval.calibration import list_judged, score_calibration
from tests.eval.causes import Case, find_errors
from tests.eval.copies import list_missed, score_copies, try_copies
from tests.eval.formats import PACKINGS
from tests.eval.gold import Document, read_documents, read_records
from tests.eval.identity import MENTION_COLUMNS, score_coreference, score_linking
from tests.eval.lines import count_lines, find_line_errors, keep_lines, score_lines
from tests.eval.names import (
    Name,
    count_names,
    find_name_errors,
    list_gold_names,
    list_mentions,
    list_model_names,
    normalize_names,
    score_names,
)
from tests.eval.occasions import count_occasions, score_occasions
from tests.eval.pages import list_bodies
from tests.eval.pipeline import Facts, Workshop
from tests.eval.quotes import Pairing, pair_document, score_groups, score_quotes
from tests.eval.scores import OURS, OURS_FAST, Error, Result, Score
from tests.eval.stories import score_stories, tell_story_errors
from tests.eval.utterances import list_spoken, plant_wordings, read_pairs, score_pairs, score_planted
from training.pages import read_pages
from warehouse.tables import FACT_ENTITY_MENTIONS

QUOTE_SETS = ("polnear.dev", "polnear.train")
NAME_SETS = ("ner.en-worldwide.dev", "ner.gum-news.all", "ner.re3d.all")
LINE_SETS = ("lines.aeb", "lines.fundus-tests")
ENGINE_SETS = ("polnear.dev", "ner.en-worldwide.dev")
FORMAT_SETS = ("polnear.dev",)
IDENTITY_SETS = ("coref.meantime-en", "coref.ecbplus-entities.traindev", "el.news-fair")
STORY_SETS = ("story.ecbplus.traindev",)
COPY_SET = "raw.bbc"
SLOW_SETS = ("polnear.train",)
"""What `--quick` leaves out."""

OCCASIONS = Path(__file__).parent / "fixtures" / "fixtures.occasions.jsonl"
"""Our own: half of it (`reported`) was not looked at while the rules were written."""

MODEL_ALONE = "the model alone"
_PEER_SET = "polnear.dev"
_PEERS = {"naive": "regex and nearest name", "textacy": "textacy", "ggt": "Gender Gap Tracker"}


@dataclass(frozen=True)
class Built:
    """The documents of one set and the facts of each, in the same order."""

    documents: Sequence[Document]
    facts: Sequence[Facts]


@dataclass
class Bench:
    """Where gold lies, what of it is read, and where builds are made."""

    data: Path
    workshop: Workshop
    limit: int | None = None
    is_quick: bool = False
    _built: dict[tuple[str, ...], dict[str, Built]] = field(default_factory=dict)

    def build(self, names: Sequence[str]) -> dict[str, Built]:
        """Build those of the sets that are there and wanted in one warehouse, once a run.

        Returns:
            For every set its documents, in order, and what the pipeline made of each.
        """
        found = self.read(names)
        if tuple(found) not in self._built:
            texts = {f"{name} {d.id}": d.text for name, documents in found.items() for d in documents}
            facts = self.workshop.build_facts(texts) if texts else {}
            self._built[tuple(found)] = {
                name: Built(documents, [facts[f"{name} {d.id}"] for d in documents])
                for name, documents in found.items()
            }
        return self._built[tuple(found)]

    def read(self, names: Sequence[str]) -> dict[str, list[Document]]:
        """Read those of the sets that are there and wanted."""
        files = {name: self.find_file(name) for name in names if not (self.is_quick and name in SLOW_SETS)}
        return {name: read_documents(file, self.limit) for name, file in files.items() if file}

    def find_file(self, name: str) -> Path | None:
        """Return the file of a set, or None when it is not there."""
        files = (self.data / f"{name}.jsonl.gz", self.data / f"{name}.jsonl")
        return next((file for file in files if file.is_file()), None)


def measure_quotes(bench: Bench, names: Sequence[str] = QUOTE_SETS) -> Iterator[Result]:
    """Yield the scores of quotes and speakers, and of confidences: a set each, all sets together, and the peers."""
    cases: dict[str, list[Case]] = {}
    for name, built in bench.build(names).items():
        cases[name] = _make_cases(built, bench.workshop)
        yield from _score_cases(name, cases[name])
        if name == _PEER_SET:
            yield from _score_peers(bench, name, cases[name])
    if len(cases) > 1:
        yield from _score_cases("polnear", [case for part in cases.values() for case in part])


def _make_cases(built: Built, workshop: Workshop) -> list[Case]:
    cases = []
    lines = workshop.annotate_lines([document.text for document in built.documents])
    for document, facts, own_lines in zip(built.documents, built.facts, lines, strict=True):
        gold = [read_attribution(record) for record in document.record["quotes"]]
        quotes, statements = list_quotes(facts), list_statements(facts)
        pairings = pair_document(document.text, gold, quotes, statements)
        cases.append(Case(document.id, document.text, facts, gold, quotes, statements, pairings, own_lines))
    return cases


def _score_cases(name: str, cases: Sequence[Case]) -> Iterator[Result]:
    texts, pairings = [case.text for case in cases], [case.pairings for case in cases]
    errors = [error for case in cases for error in find_errors(case)]
    yield Result("quotes", name, OURS, score_quotes(pairings) | score_groups(texts, pairings), errors)
    confidences = {"marked": "marked", "statements": "all.3"}
    yield Result(
        "confidence",
        name,
        OURS,
        {
            f"{what}.{score_name}": score
            for what, level in confidences.items()
            for score_name, score in score_calibration([list_judged(pairing[level]) for pairing in pairings]).items()
        },
    )


def _score_peers(bench: Bench, name: str, cases: Sequence[Case]) -> Iterator[Result]:
    for peer, system in _PEERS.items():
        file = bench.data.parent / "peers" / f"{peer}.{name}.jsonl.gz"
        if not file.is_file():
            continue
        told = {record["id"]: record["quotes"] for record in read_records(file)}
        pairings: list[dict[str, Pairing]] = []
        for case in cases:
            predicted = [read_attribution(record) for record in told.get(case.id, [])]
            pairings.append(pair_document(case.text, case.gold, predicted, predicted))
        yield Result("quotes", name, system, score_quotes(pairings) | score_groups([c.text for c in cases], pairings))


def measure_names(bench: Bench, names: Sequence[str] = NAME_SETS) -> Iterator[Result]:
    """Yield the scores of names on every set, ours and those of the language model alone."""
    for name, built in bench.build(names).items():
        documents = built.documents
        lines = bench.workshop.annotate_lines([document.text for document in documents])
        gold = [normalize_names(d.text, list_gold_names(d)) for d in documents]
        ours = [normalize_names(d.text, list_mentions(f)) for d, f in zip(documents, built.facts, strict=True)]
        alone = [normalize_names(d.text, list_model_names(own)) for d, own in zip(documents, lines, strict=True)]
        errors = [e for d, g, o in zip(documents, gold, ours, strict=True) for e in _tell_name_errors(d, g, o)]
        for system, found, wrong in ((OURS, ours, errors), (MODEL_ALONE, alone, [])):
            counts = [count_names(g, f) for g, f in zip(gold, found, strict=True)]
            yield Result("names", name, system, score_names(counts), wrong)


def _tell_name_errors(document: Document, gold: set[Name], ours: set[Name]) -> Iterator[Error]:
    for cause, pairs in find_name_errors(gold, ours).items():
        for pair in pairs:
            expected, found = (document.text[name[0] : name[1]] if name else "" for name in pair)
            start = min(name[0] for name in pair if name)
            context = document.text[max(0, start - 100) : start + 100]
            yield Error("names", cause, context, expected, found, document=document.id)


def measure_lines(bench: Bench, names: Sequence[str] = LINE_SETS) -> Iterator[Result]:
    """Yield the scores of the lines and words that are kept of whole pages."""
    for name, built in bench.build(names).items():
        counts, errors = [], []
        for document, facts in zip(built.documents, built.facts, strict=True):
            lines = document.record["lines"]
            kept = keep_lines([line["text"] for line in lines], facts)
            counts.append(count_lines(lines, kept))
            for cause, number in find_line_errors(lines, kept, facts):
                context = "\n".join(line["text"][:200] for line in lines[max(0, number - 1) : number + 2])
                errors.append(Error("lines", cause, context, lines[number]["text"], document=document.id))
        yield Result("lines", name, OURS, score_lines(counts), errors)


def measure_identity(bench: Bench, names: Sequence[str] = IDENTITY_SETS) -> Iterator[Result]:
    """Yield the scores of who is who, with gold mentions, end to end, by equal strings, and by linked ids."""
    for name, built in bench.build(names).items():
        documents = built.documents
        rows = [
            {**row, "document": document.id}
            for document, facts in zip(documents, built.facts, strict=True)
            for row in facts.mentions
            if row["mention_type"] == "name"
        ]
        columns = {"document": pl.String, **{column: FACT_ENTITY_MENTIONS.schema[column] for column in MENTION_COLUMNS}}
        mentions = pl.DataFrame([{column: row[column] for column in columns} for row in rows], schema=columns)
        is_linked = "evaluation_span" in documents[0].record
        records = [{**document.record, "id": document.id, "text": document.text} for document in documents]
        scores = score_linking(records, mentions) if is_linked else score_coreference(records, mentions)
        yield Result("identity", name, OURS, {key: Score(value, len(documents)) for key, value in scores.items()})


def measure_stories(bench: Bench, names: Sequence[str] = STORY_SETS) -> Iterator[Result]:
    """Yield how well stories are those that people annotated: of all topics, and of each fifth of them."""
    for name, built in bench.build(names).items():
        gold = [(str(d.record["topic"]), str(d.record["story"])) for d in built.documents]
        ours = [facts.story_id or document.id for document, facts in zip(built.documents, built.facts, strict=True)]
        yield Result("stories", name, OURS, score_stories(gold, ours), list(tell_story_errors(gold, ours)))


def measure_copies(bench: Bench, name: str = COPY_SET) -> Iterator[Result]:
    """Yield the scores of copies planted among the articles of one set, and of the pairs of it that are alike."""
    file = bench.find_file(name)
    if file is None:
        return
    trial = try_copies([document.text for document in read_documents(file, bench.limit)])
    errors = [Error("copies", kind, text, ours=found) for kind, text, found in list_missed(trial)]
    yield Result("copies", name, OURS, score_copies(trial), errors)


def measure_occasions(bench: Bench, file: Path = OCCASIONS) -> Iterator[Result]:
    """Yield the scores of time, place, addressee, those spoken about, and joint speakers, on each part of our own labels."""
    documents = read_documents(file, bench.limit)
    facts = bench.workshop.build_facts({document.id: document.text for document in documents})
    for part in ("tuned", "reported"):
        judged = [count_occasions(d, facts[d.id]) for d in documents if d.record["part"] == part]
        errors = [error for _, own in judged for error in own]
        yield Result("occasions", part, OURS, score_occasions([counts for counts, _ in judged]), errors)


def measure_utterances(bench: Bench, names: Sequence[str] = QUOTE_SETS) -> Iterator[Result]:
    """Yield the scores of hand-labelled pairs of quotations, and of other wordings planted beside annotated quotations."""
    pairs = read_pairs()
    for half in ("tune", "held_out"):
        scores, errors = score_pairs([pair for pair in pairs if pair.half == half])
        yield Result("utterances", f"fixtures.utterance_pairs {half}", OURS, scores, errors)
    for name, documents in bench.read(names).items():
        planted = plant_wordings([quote for document in documents for quote in list_spoken(document)])
        scores, errors = score_planted(planted, compare_reports(planted.reports))
        yield Result("utterances", f"{name} planted", OURS, scores, errors)


def measure_engine(bench: Bench, names: Sequence[str] = ENGINE_SETS) -> Iterator[Result]:
    """Yield what the fast engine costs: the scores of quotes, speakers and names with it, beside those with the accurate one."""
    fast = replace(bench, workshop=replace(bench.workshop, engine="fast"), _built={})
    for own, system in ((bench, "On Record, accurate engine"), (fast, OURS_FAST)):
        for name, built in own.build(names).items():
            yield Result(
                "engine",
                name,
                system,
                _score_quotes(built) if "quotes" in built.documents[0].record else _score_names(built),
            )


def measure_formats(bench: Bench, names: Sequence[str] = FORMAT_SETS) -> Iterator[Result]:
    """Yield the scores of quotes from every format of the same texts."""
    for packing in PACKINGS:
        packed = replace(bench, workshop=replace(bench.workshop, packing=packing), _built={})
        for name, built in packed.build(names).items():
            yield Result("formats", name, f"On Record, from {packing}", _score_quotes(built))


def _score_quotes(built: Built) -> dict[str, Score]:
    pairings = []
    for document, facts in zip(built.documents, built.facts, strict=True):
        gold = [read_attribution(record) for record in document.record["quotes"]]
        pairings.append(pair_document(document.text, gold, list_quotes(facts), list_statements(facts)))
    return score_quotes(pairings)


def _score_names(built: Built) -> dict[str, Score]:
    pairs = [
        (normalize_names(d.text, list_gold_names(d)), normalize_names(d.text, list_mentions(f)))
        for d, f in zip(built.documents, built.facts, strict=True)
    ]
    return score_names([count_names(gold, ours) for gold, ours in pairs])


def measure_pages(bench: Bench, name: str = "clean.aeb") -> Iterator[Result]:
    """Yield the scores of bodies taken from HTML pages: ours, ours by trees that did not see the page, and trafilatura's."""
    if not (bench.data / f"{name}.jsonl.gz").is_file():
        return
    pages = read_pages(bench.data)[: bench.limit]
    for data, system, bodies in list_bodies(name, pages):
        counts = [count_body(page.body, bodies.get(number, "")) for number, page in enumerate(pages)]
        yield Result("pages", data, system, score_bodies(counts))


MEASURES: Mapping[str, Callable[[Bench], Iterator[Result]]] = {
    "quotes": measure_quotes,
    "names": measure_names,
    "lines": measure_lines,
    "identity": measure_identity,
    "stories": measure_stories,
    "copies": measure_copies,
    "occasions": measure_occasions,
    "utterances": measure_utterances,
    "engine": measure_engine,
    "pages": measure_pages,
    "formats": measure_formats,
}
