"""The scorers of the evaluation: what counts as found, as right and as calibrated, and the whole way on texts of our own."""

import gzip
import importlib.util
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.eval import __main__ as command
from tests.eval.attributions import Attribution, read_attribution
from tests.eval.calibration import find_calibration_error, find_precision
from tests.eval.gold import Document, read_documents
from tests.eval.lines import count_lines, keep_lines, score_lines
from tests.eval.marked import find_marked, list_gold_units, list_predicted_units
from tests.eval.measures import Bench, measure_lines, measure_names, measure_quotes, measure_utterances
from tests.eval.names import count_names, list_gold_names, normalize_names, score_names
from tests.eval.pipeline import Facts, Workshop
from tests.eval.quotes import pair_document, score_groups, score_quotes
from tests.eval.report import check_floors, read_measures_taken, render_page, write_errors
from tests.eval.scores import OURS, Error, Result, Score, score_f1, score_ratio
from tests.eval.spans import find_iou, pair_best_first, trim_span

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "eval" / "fixtures"
SHARED = ROOT.parent / "shared"
FLOORS = tomllib.loads((ROOT / "tests" / "eval" / "floors.toml").read_text("utf-8"))
TEXT = 'She said "the dam holds," then added: "for now." Police say that it leaks.'


def say(words: str, kind: str, speaker: str | None = None, text: str = TEXT, **more: Any) -> Attribution:
    start = text.index(words)
    span = (start, start + len(words))
    named = text.index(speaker) if speaker else 0
    return Attribution(
        span, kind, (span,), ((named, named + len(speaker)),) if speaker else (), speaker_text=speaker, **more
    )


def pair(gold: Sequence[Attribution], ours: Sequence[Attribution], text: str = TEXT) -> dict[str, Score]:
    return score_quotes([pair_document(text, gold, ours, ours)])


def test_a_span_is_trimmed_of_marks_blanks_and_end_punctuation():
    assert trim_span("say “No way!” now", (4, 13)) == (5, 11)
    assert trim_span("say “…” now", (4, 7)) is None


def test_intersection_over_union_of_two_spans():
    assert find_iou((0, 10), (5, 10)) == 0.5
    assert find_iou((0, 10), (10, 20)) == 0.0


def test_pairs_are_made_one_to_one_and_the_best_first():
    assert pair_best_first([(0.8, 0, 0), (0.9, 1, 0), (0.8, 0, 1)]) == {1: 0, 0: 1}


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ('He said "a b c," then "d e."', ["a b c", "d e"]),
        ("A “first one“ of two", ["first one"]),
        ("Never “closed here\nnor “here", ["closed here", "here"]),
        ("''Doubled'' and ``doubled''", ["Doubled", "doubled"]),
        ("It's 6' tall", []),
    ],
)
def test_marked_stretches_are_paired_by_mark_and_neighbours_and_stay_in_their_line(text, marked):
    assert [text[start:end] for start, end in find_marked(text)] == marked


def test_a_marked_stretch_belongs_to_the_smallest_attribution_that_holds_it():
    outer, inner = say(TEXT[:47], "direct"), say('"for now."', "mixed")
    units = list_gold_units(TEXT, [outer, inner])
    assert [(TEXT[slice(*unit.spans[0])], unit.attribution.kind) for unit in units] == [
        ("the dam holds", "direct"),
        ("for now", "mixed"),
    ]


def test_a_stretch_outside_of_attributions_or_in_an_indirect_one_is_no_gold_unit():
    assert list_gold_units(TEXT, [say(TEXT[:47], "indirect")]) == []


def test_a_prediction_over_two_stretches_counts_as_two_units():
    units = list_predicted_units(TEXT, [say('"the dam holds," then added: "for now."', "direct")])
    assert [TEXT[slice(*unit.spans[0])] for unit in units] == ["the dam holds", "for now"]


def test_what_is_predicted_between_two_quotations_is_a_wrong_unit():
    between = say("then added:", "direct")
    assert [unit.attribution for unit in list_predicted_units(TEXT, [between])] == [between]


def test_sentences_of_one_stretch_that_are_predicted_one_by_one_are_one_unit():
    text = "“It rains. It pours,” she said."
    units = list_predicted_units(text, [say("It rains.", "direct", text=text), say("It pours,", "direct", text=text)])
    assert [text[slice(*unit.spans[0])] for unit in units] == ["It rains. It pours"]


def test_a_quote_is_right_end_to_end_only_with_its_speaker():
    gold = [say('"the dam holds,"', "direct", "She")]
    right, wrong = (pair(gold, [say("the dam holds,", "direct", name)]) for name in ("She", "Police"))
    assert [score["marked.end_to_end"].value for score in (right, wrong)] == [1.0, 0.0]
    assert [score["marked.f1"].value for score in (right, wrong)] == [1.0, 1.0]


def test_naming_nobody_is_a_miss():
    scores = pair([say('"the dam holds,"', "direct", "She")], [say("the dam holds,", "direct")])
    assert (scores["marked.speaker"].value, scores["marked.end_to_end"].value) == (0.0, 0.0)


def test_a_speaker_without_a_place_is_compared_by_the_last_word_of_the_name():
    gold = read_attribution({"start": 9, "end": 25, "type": "direct", "speaker_text": "President Ana Vieira"})
    ours = read_attribution({"start": 9, "end": 25, "type": "direct", "speaker_text": "Vieira’s"})
    assert pair([gold], [ours])["marked.speaker"].value == 1.0


def test_terms_and_indirect_rows_are_no_marked_quotes():
    scores = pair([say('"the dam holds,"', "direct")], [say("the dam holds,", "term"), say("for now.", "indirect")])
    assert (scores["marked.recall"].value, scores["marked.precision"].cases) == (0.0, 0)


def test_a_reported_clause_is_found_by_its_share_and_is_exact_by_its_words():
    gold = [say("that it leaks", "indirect", "Police")]
    scores = pair(gold, [say("it leaks.", "indirect", "Police")])
    assert [scores[f"{level}.f1"].value for level in ("all.3", "all.8", "exact")] == [1.0, 0.0, 0.0]
    assert pair(gold, [say("that it leaks.", "indirect", "Police")])["exact.f1"].value == 1.0


def test_groups_tell_recall_by_type_and_by_length():
    gold = [say('"for now."', "direct", "She"), say("that it leaks", "indirect", "Police")]
    groups = score_groups([TEXT], [pair_document(TEXT, gold, gold[:1], gold[:1])])
    wanted = ("direct.recall", "indirect.recall", "words 1-3.recall", "words 10+.recall")
    assert [(groups[name].value, groups[name].cases) for name in wanted] == [(1.0, 1), (0.0, 1), (1.0, 1), (0.0, 0)]


def test_names_are_compared_without_articles_possessives_and_marks():
    text = "The Ellery Herald’s editor met “Ana Vieira” in the U.S. today"
    spans = [("The Ellery Herald’s", "ORG"), ("“Ana Vieira”", "PER"), ("the U.S.", "GPE"), ("today", "DATE")]
    names = [(text.index(words), text.index(words) + len(words), label) for words, label in spans]
    found = sorted((text[start:end], label) for start, end, label in normalize_names(text, names))
    assert found == [("Ana Vieira", "person"), ("Ellery Herald", "organization"), ("U.S.", "place")]


def test_a_longer_name_overlaps_but_is_not_strictly_right():
    counts = count_names({(0, 4, "person"), (9, 12, "place")}, {(0, 8, "person"), (9, 12, "organization")})
    scores = score_names([counts])
    assert (scores["person.strict"].value, scores["person.overlap"].value, scores["place.overlap"].value) == (0, 1, 0)


def test_names_that_are_given_in_tokens_have_characters_of_the_joined_text():
    document = Document(
        "1", "Ana Vieira said", {"tokens": ["Ana", "Vieira", "said"], "ents": [{"start": 0, "end": 2, "label": "PER"}]}
    )
    assert list_gold_names(document) == [(0, 10, "PER")]


def test_a_line_is_kept_when_half_of_it_is_in_the_body():
    segments = [
        {"body_start": 0, "place": (0, 3)},
        {"body_start": None, "place": (6, 9)},
        {"body_start": 3, "place": (10, 12)},
    ]
    assert keep_lines(["abcdef", "gh", "ij"], Facts(segments=segments)) == [True, False, True]
    assert keep_lines(["abcdef"], Facts()) == [False]


def test_words_weigh_a_line():
    lines = [{"text": "It rained all day.", "content": 1}, {"text": "Menu", "content": 0}]
    scores = score_lines([count_lines(lines, [True, True])])
    assert (scores["lines.precision"].value, scores["words.precision"].value, scores["lines.recall"].value) == (
        0.5,
        0.8,
        1.0,
    )


def test_a_score_is_a_ratio_over_all_documents_with_the_same_interval_every_time():
    documents = [{"gold": 1, "predicted": 1, "matched": 1}, {"gold": 3, "predicted": 1, "matched": 1}]
    score = score_f1(documents)
    assert (score.value, score.cases) == (pytest.approx(2 / 3), 4)
    assert score.low is not None and score.high is not None and 0.5 <= score.low < score.value < score.high <= 1.0
    assert score_f1(documents) == score


def test_nothing_to_find_scores_nothing():
    assert score_ratio([{"gold": 0}], {"matched": 1}, {"gold": 1}) == Score(0.0, 0)


def test_a_confidence_that_says_what_it_is_right_in_has_no_calibration_error():
    assert find_calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == pytest.approx(0.0)
    assert find_calibration_error([(0.95, True), (0.95, False), (0.15, False), (0.15, False)]) == pytest.approx(0.3)


def test_the_surest_are_taken_first_and_ties_in_proportion():
    judged = [(0.9, True), (0.8, True), (0.8, False), (0.1, False)]
    assert find_precision(judged, 0.25) == 1.0
    assert find_precision(judged, 0.5) == pytest.approx(0.75)


def result(value: float, system: str = OURS, errors: Sequence[Error] = ()) -> Result:
    return Result("quotes", "news", system, {"marked.f1": Score(value, 10, value - 0.1, 1.0)}, errors)


def test_a_score_under_its_floor_is_named_and_a_peers_is_not():
    floors: Mapping[str, Mapping[str, Mapping[str, float]]] = {"at_least": {"quotes news": {"marked.f1": 0.9}}}
    assert check_floors([result(0.9), result(0.2, "textacy")], floors) == []
    assert check_floors([result(0.8999)], floors) == ["quotes news marked.f1 is 0.8999, not at least 0.9"]


def test_a_ceiling_holds_from_above_and_floors_of_sets_that_are_not_there_rest():
    floors = {"at_most": {"quotes news": {"marked.f1": 0.1}}, "at_least": {"quotes other": {"marked.f1": 0.9}}}
    assert check_floors([result(0.2)], floors) == ["quotes news marked.f1 is 0.2000, not at most 0.1"]


def test_a_floor_of_a_score_that_does_not_exist_is_an_error():
    with pytest.raises(KeyError, match="nothing"):
        check_floors([result(0.2)], {"at_least": {"quotes news": {"nothing": 0.9}}})


def test_the_page_tells_scores_and_causes_and_no_word_of_the_data(tmp_path):
    errors = [Error("marked: missed", "no row for these marks", "Ana said “no”.", "no", document="one")]
    page = render_page([result(0.5, errors=errors), result(0.25, "textacy")])
    assert "| **marked.f1** | 0.500 (0.40–1.00) | 0.250 (0.15–1.00) | 10 |" in page
    assert "| marked: missed | no row for these marks | 1 | 100.0 % |" in page
    assert "Ana" not in page
    told = write_errors([result(0.5, errors=errors)], tmp_path).read_text("utf-8")
    assert "Ana said “no”." in told
    assert json.loads((tmp_path / "errors.jsonl").read_text("utf-8"))["document"] == "one"


def test_every_measure_taken_about_a_cause_says_what_was_done():
    assert [cause for cause, done in read_measures_taken().items() if not (cause and done)] == []


def test_without_the_data_the_command_says_what_it_needs_and_is_no_failure(tmp_path, capsys):
    assert command.main(["--data", str(tmp_path / "none")]) == 0
    assert "the annotated news are not in" in capsys.readouterr().out


@pytest.mark.parametrize(
    "document", read_documents(FIXTURES / "fixtures.articles.jsonl"), ids=lambda document: document.id
)
def test_the_annotations_of_our_own_articles_slice_back_to_their_words(document):
    for quote in document.record["quotes"]:
        assert " ".join(document.text[start:end] for start, end in quote["fragments"]) == quote["text"]
        assert document.text[quote["speaker_start"] : quote["speaker_end"]] == quote["speaker_text"]
        cues = [document.text[start:end] for start, end in quote.get("cue_fragments", [])]
        assert cues == ([quote["cue"]] if cues else [])
    assert [document.text[e["start"] : e["end"]] for e in document.record["ents"]] == [
        e["text"] for e in document.record["ents"]
    ]


@pytest.mark.xdist_group("spacy")
def test_the_pipeline_keeps_its_floors_on_articles_and_pages_of_our_own(tmp_path):
    bench = Bench(FIXTURES, Workshop(tmp_path, workers=1))
    articles, pages = ["fixtures.articles"], ["fixtures.pages"]
    results = [*measure_quotes(bench, articles), *measure_names(bench, articles), *measure_lines(bench, pages)]
    results += measure_utterances(bench, [])
    held = {f"{one.measure} {one.data}" for one in results if one.is_ours}
    assert held == {key for side in FLOORS.values() for key in side if "fixtures" in key}
    assert check_floors(results, FLOORS) == []


def load_shared(name: str) -> ModuleType:
    path = SHARED / "scorers" / f"{name}.py"
    if not path.is_file():
        pytest.skip("needs the shared scorers and data beside the repository")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("peer", ["naive", "textacy", "ggt"])
def test_our_scores_of_quotes_are_those_of_the_shared_scorer(peer):
    shared = load_shared("score_quotes")
    documents = read_documents(SHARED / "data" / "polnear.dev.jsonl.gz")
    with gzip.open(SHARED / "peers" / f"{peer}.polnear.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        told = {record["id"]: record["quotes"] for record in map(json.loads, lines)}
    theirs = shared.score([document.record for document in documents], told)
    pairings = []
    for document in documents:
        gold, ours = (
            [read_attribution(record) for record in records]
            for records in (document.record["quotes"], told.get(document.id, []))
        )
        pairings.append(pair_document(document.text, gold, ours, ours))
    scores = score_quotes(pairings)
    levels = {"marked": "marked", "all.3": "all_0.3", "all.8": "all_0.8", "exact": "all_exact", "iou.8": "all_iou_0.8"}
    for own, other in levels.items():
        expected = [
            theirs[other]["p"],
            theirs[other]["r"],
            theirs[other]["f1"],
            theirs[other]["speaker_acc"],
            theirs[other]["e2e"]["f1"],
        ]
        names = ("precision", "recall", "f1", "speaker", "end_to_end")
        assert [round(scores[f"{own}.{name}"].value, 4) for name in names] == expected


def test_our_scores_of_names_are_those_of_the_shared_scorer():
    shared = load_shared("score_ner")
    documents = read_documents(SHARED / "data" / "ner.en-worldwide.dev.jsonl.gz")
    shifted = {
        d.id: [e | {"end": e["end"] - 2 * (i % 3 == 0)} for i, e in enumerate(d.record["ents"]) if i % 4]
        for d in documents
    }
    theirs = shared.score([document.record for document in documents], shifted)
    counts = [
        count_names(
            normalize_names(d.text, list_gold_names(d)),
            normalize_names(d.text, [(e["start"], e["end"], e["label"]) for e in shifted[d.id]]),
        )
        for d in documents
    ]
    scores = score_names(counts)
    labels = {"person": "PER", "organization": "ORG", "place": "LOC", "all": "all"}
    for how in ("strict", "overlap"):
        assert {label: round(scores[f"{label}.{how}"].value, 4) for label in labels} == {
            label: theirs[how][other]["f1"] for label, other in labels.items()
        }


def test_our_scores_of_lines_are_those_of_the_shared_scorer():
    shared = load_shared("score_clean")
    documents = read_documents(SHARED / "data" / "lines.aeb.jsonl.gz")
    kept = {d.id: [len(line["text"]) > 60 for line in d.record["lines"]] for d in documents}
    theirs = shared.score_lines([d.record for d in documents], {name: {"keep": keep} for name, keep in kept.items()})
    scores = score_lines([count_lines(d.record["lines"], kept[d.id]) for d in documents])
    for what in ("lines", "words"):
        expected = [theirs[what]["p"], theirs[what]["r"], theirs[what]["f1"]]
        assert [round(scores[f"{what}.{name}"].value, 4) for name in ("precision", "recall", "f1")] == expected
