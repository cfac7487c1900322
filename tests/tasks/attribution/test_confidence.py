"""Confidences are shares of counted cases, and never more than the cases bear."""

from tasks.attribution.confidence import LEAST_CONFIDENCE, rate_confidence
from tasks.attribution.document import Draft
from tasks.lexicons import load_lexicon
from tests.eval.calibration import find_calibration_error, find_precision


def draft(rule: str, *, quote_type: str = "direct", form: str | None = "name", speaker: bool = True) -> Draft:
    span = (10, 14) if speaker else None
    return Draft(0, 5, 0, "sails", quote_type, rule, ("cue", 1), speaker=span, speaker_form=form)


def test_nobody_named_is_no_confidence():
    assert rate_confidence(draft("after_quote", speaker=False)) == 0.0


def test_a_name_right_behind_the_quotation_is_surer_than_one_in_the_same_sentence():
    assert rate_confidence(draft("after_quote")) > 0.95 > rate_confidence(draft("same_sentence"))


def test_a_rule_that_is_wrong_more_often_than_right_names_nobody():
    assert rate_confidence(draft("bare_after", quote_type="mixed")) < LEAST_CONFIDENCE


def test_words_inside_words_are_less_sure():
    assert rate_confidence(draft("nested_after_quote")) < rate_confidence(draft("after_quote"))


def test_a_cell_of_few_cases_stays_near_its_rule():
    unseen = rate_confidence(draft("after_quote", form="none"))
    assert abs(unseen - rate_confidence(draft("after_quote"))) < 0.05


def test_every_count_of_right_speakers_is_within_its_cases():
    for row in load_lexicon("speaker_shares").iter_rows(named=True):
        assert 0 <= int(row["right"]) <= int(row["cases"])


def test_the_calibration_error_is_the_mean_gap_between_confidence_and_truth():
    rated = [(0.95, True)] * 3 + [(0.95, False)] + [(0.55, True), (0.55, False)]
    error, precision = find_calibration_error(rated), find_precision(rated, 0.6)
    assert (round(error, 3), round(precision, 3)) == (round((4 * 0.95 - 3 + 2 * 0.55 - 1) / 6, 3), 0.75)
