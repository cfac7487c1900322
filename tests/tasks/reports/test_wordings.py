"""Two wordings: what differs, what kind of difference it is, and whether they are the same thing said."""

import pytest

from tasks.reports.wordings import Bond, describe_difference, find_evidence, tells_content
from tasks.reports.words import MAX_WORDS, are_synonyms, have_opposites, read_wording, stem_word
from tests.work import count_lines_run

STORM = "The harbour wall held. The pumps did not. We will rebuild both before the winter."


def difference(report: str, reference: str) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    found = describe_difference(read_wording(report), read_wording(reference))
    return found.kind, found.kept, found.deleted, found.inserted


def evidence(report: str, reference: str, **known: object) -> str | None:
    return find_evidence(read_wording(report), read_wording(reference), Bond(**known))  # type: ignore[arg-type]


def test_case_marks_contractions_compounds_and_figures_are_no_difference():
    assert (
        difference("We’re not leaving: the CEASE-FIRE held 5 days", "We are not leaving. The ceasefire held five days")[
            0
        ]
        == "verbatim"
    )


def test_a_truncated_report_is_one_stretch():
    assert difference("We will rebuild both", STORM) == (
        "truncated",
        ("We will rebuild both",),
        ("The harbour wall held. The pumps did not", "before the winter"),
        (),
    )


def test_a_spliced_report_leaves_out_what_stood_between_its_stretches():
    report = "The harbour wall held. … We will rebuild both before the winter."
    assert difference(report, STORM) == (
        "spliced",
        ("The harbour wall held", "We will rebuild both before the winter"),
        ("The pumps did not",),
        (),
    )


def test_reports_that_overlap_are_spliced():
    report = "The pumps did not. We will rebuild both before the winter. I promise."
    kind, kept, deleted, inserted = difference(
        report,
        "Nobody slept. The harbour wall held at midnight. "
        + "The pumps did not. We will rebuild both before the winter.",
    )
    assert (kind, inserted) == ("spliced", ("I promise",))
    assert kept == ("The pumps did not. We will rebuild both before the winter",)
    assert deleted == ("Nobody slept. The harbour wall held at midnight",)


def test_a_substituted_report_names_the_words_that_were_exchanged():
    assert difference("It was a large mistake to sell the mill.", "It was a big mistake to sell the mill.") == (
        "substituted",
        ("It was a", "mistake to sell the mill"),
        ("big",),
        ("large",),
    )


def test_less_in_common_is_retranslated():
    report = "Neighbouring countries must cease to use the river's water as a weapon."
    reference = "The neighbouring states should stop weaponizing the water of the river."
    assert difference(report, reference)[0] == "retranslated"
    assert evidence(report, reference) == "same_content"


def test_an_article_stands_with_the_words_it_belongs_to():
    _, kept, deleted, _ = difference("the pumps failed", "the wall held, the doors held and the pumps failed")
    assert (kept, deleted) == (("the pumps failed",), ("the wall held, the doors held and",))


@pytest.mark.parametrize(
    ("report", "reference"),
    [
        ("We will win this case.", "We will not win this case."),
        ("We will win", "We will not lose"),
        ("We lost 40 houses in one night.", "We lost 14 houses in one night."),
        ("Three colleagues were dismissed without a hearing.", "Seven colleagues were dismissed without a hearing."),
        ("We stand with the people of Norland today.", "We stand with the people of Sudmark today."),
        ("The council supports the new airport on the northern plain of the island.", "The council opposes the new airport on the northern plain of the island."),
        ("We can reach a deal with the union.", "We can reach a deal without the union."),
        ("The police attacked the marchers at the gate.", "The marchers attacked the police at the gate."),
        ("I am proud of my daughters.", "I am proud of my players."),
    ],
)  # fmt: skip
def test_a_word_that_changes_what_is_said_makes_another_utterance(report, reference):
    assert evidence(report, reference) is None


def test_a_single_word_is_the_same_only_by_itself_of_the_same_speaker_on_the_same_day():
    assert evidence("Nonsense.", "Nonsense") == "same_words"
    assert evidence("Nonsense.", "Nonsense", speaker="open") is None
    assert evidence("Nonsense.", "Nonsense", speaker="other") is None
    assert evidence("Nonsense.", "Nonsense", day_gap=1) is None
    assert evidence("nonsense", "This is nonsense.") is None


def test_other_speakers_are_a_conflict_only_over_words_that_are_particular():
    assert evidence("Enough is enough.", "Enough is enough.", speaker="other") is None
    assert evidence(STORM, STORM, speaker="other") == "same_words"
    assert evidence("The harbour wall stood firm.", "The harbour wall held firm.", speaker="other") is None


def test_a_role_or_a_pronoun_may_be_the_speaker_of_a_longer_report():
    assert evidence("The harbour wall held", STORM, speaker="open") == "contained"
    assert evidence("the winter", STORM, speaker="open") is None


def test_two_quotations_of_one_article_are_one_only_when_one_repeats_the_other():
    assert evidence("The harbour wall held", STORM, is_same_article=True) == "contained"
    assert (
        evidence(
            "It was a large mistake to sell the mill.", "It was a big mistake to sell the mill.", is_same_article=True
        )
        is None
    )


def test_indirect_speech_tells_a_quotation_when_it_has_most_of_its_content():
    said = read_wording("We will rebuild the harbour wall and both pumps before the winter.")
    assert tells_content(
        read_wording("that they would rebuild the wall of the harbour and the pumps before winter"), said
    )
    assert not tells_content(
        read_wording("that they would not rebuild the wall of the harbour and the pumps before winter"), said
    )
    assert not tells_content(read_wording("that the harbour would be closed in winter"), said)


def test_forms_synonyms_and_opposites_are_known_by_their_stems():
    assert stem_word("taken") == stem_word("take") == stem_word("taking")
    assert are_synonyms(stem_word("big"), stem_word("large"))
    rise, fall = read_wording("rises").words[0], read_wording("fell").words[0]
    assert have_opposites([rise], [fall])
    assert not are_synonyms(rise.stem, fall.stem)


def test_a_word_has_its_characters_and_a_name_its_capital():
    wording = read_wording("We told Mr. Óskar the mill isn't safe.")
    assert [word.key for word in wording.words if word.is_name] == ["óskar"]
    assert wording.keys[-3:] == ("is", "not", "safe")
    assert wording.cut(5, 9) == "mill isn't safe"


def test_a_quotation_of_a_million_words_is_read_to_its_limit():
    text = "water " * 1_000_000
    assert count_lines_run(lambda: read_wording(text)) < 200 * MAX_WORDS
    assert len(read_wording(text).words) == MAX_WORDS
