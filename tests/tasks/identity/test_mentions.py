"""Names of one document, on paragraphs whose tokens, tags and model labels are written down here."""

import re

import pytest

from tasks.annotation.syntax import Paragraph, Tree
from tasks.identity.mentions import find_mentions

LABELS = {"P": "PERSON", "O": "ORG", "L": "GPE", "N": "NORP"}


def document(*marked: str) -> list[Paragraph]:
    """Build paragraphs from texts in which the model's spans are written as `<P Marta Lind>`."""
    paragraphs, position = [], 0
    for number, source in enumerate(marked):
        text, entities = "", []
        for piece in re.split(r"(<\w [^>]*>)", source):
            if piece.startswith("<"):
                entities.append((len(text), len(text) + len(piece) - 4, LABELS[piece[1]]))
                piece = piece[3:-1]
            text += piece
        words = list(re.finditer(r"[^\W_]+(?:\.[^\W_]\.)*|['’]s\b|[^\w\s]", text))
        pobj = [n > 0 and words[n - 1].group() in {"in", "at", "from"} for n in range(len(words))]
        tree = Tree(
            text=text,
            start=[word.start() for word in words],
            end=[word.end() for word in words],
            tag=["NNP" if word.group()[0].isupper() else "NN" for word in words],
            pos=["PROPN"] * len(words),
            dep=["pobj" if is_object else "dep" for is_object in pobj],
            head=[max(0, n - 1) for n in range(len(words))],
            lemma=[word.group() for word in words],
            sentence_start=[0],
            entities=entities,
        )
        paragraphs.append(Paragraph(number, position, text, "body", tree))
        position += len(text) + 2
    return paragraphs


def named(*marked: str) -> list[tuple[str, str]]:
    return [(mention.text, mention.entity_type) for mention in find_mentions(document(*marked))]


def test_a_town_that_the_model_took_for_a_person_is_a_place():
    assert named("rain fell on <P Chabahar> again") == [("Chabahar", "place")]


def test_a_town_that_is_the_surname_of_a_person_of_the_document_is_that_person():
    assert named("<P Marta Orlando> came.", "<P Orlando> left.") == [("Marta Orlando", "person"), ("Orlando", "person")]


def test_the_state_of_a_country_is_a_place_and_a_police_station_is_one():
    assert named("the <O State of Israel> built the <O Halvik Police Station>") == [
        ("State of Israel", "place"),
        ("Halvik Police Station", "place"),
    ]


def test_an_international_organization_is_one_whatever_the_model_says():
    assert named("officials of the <L UN> met <P UNRWA>") == [("UN", "organization"), ("UNRWA", "organization")]


def test_its_acronym_is_an_organization_when_the_spelled_out_name_was_taken_for_a_place():
    assert ("UNRWA", "organization") in named("the <L Relief Agency in the Near East> (UNRWA) closed")


def test_an_acronym_with_small_letters_is_one_when_it_has_the_initials_of_the_name():
    assert named("the <O Bank of Halvik> (BoH) paid", "so BoH said") == [
        ("Bank of Halvik", "organization"),
        ("BoH", "organization"),
        ("BoH", "organization"),
    ]


def test_a_name_with_an_article_is_no_person():
    assert named("the <P Halvikers> won") == [("Halvikers", "organization")]
    assert named("then <P Halviker> won") == [("Halviker", "person")]


@pytest.mark.parametrize("people", ["Buddhists", "Inuktitut", "First Nations"])
def test_those_who_share_a_language_or_a_religion_are_a_group(people):
    assert named(f"many <P {people}> left") == [(people, "group")]


@pytest.mark.parametrize("noun", ["Opposition", "Ministry", "College", "MPs", "GDP", "X", "State"])
def test_a_role_a_common_acronym_or_a_letter_alone_is_no_name(noun):
    assert named(f"then <O {noun}> rose", f"and <P {noun}> fell") == []


@pytest.mark.parametrize("noun", ["Parliament", "Senate", "Kremlin"])
def test_an_institution_that_a_state_has_one_of_is_named_by_its_noun(noun):
    assert named(f"then <O {noun}> voted") == [(noun, "organization")]


def test_an_organization_right_before_a_person_is_cut_off():
    assert named("the head of <O Harbour Council Patricio Lindqvist> spoke") == [
        ("Harbour Council", "organization"),
        ("Patricio Lindqvist", "person"),
    ]


def test_a_nationality_before_a_person_is_no_part_of_the_name():
    assert named("so <P Gambian Patricio Lindqvist> ran") == [("Patricio Lindqvist", "person")]


def test_a_park_that_the_model_cut_is_a_place_as_a_whole():
    assert named("near <P Halvik National> Park") == [("Halvik National Park", "place")]


def test_a_full_name_is_found_again_in_capitals():
    assert named("MARTA LINDQVIST WINS", "so <P Marta Lindqvist> won") == [
        ("MARTA LINDQVIST", "person"),
        ("Marta Lindqvist", "person"),
    ]


def test_many_mentions_with_the_models_error_do_not_outvote_what_is_known():
    assert set(named(*["then <P UN> came"] * 9)) == {("UN", "organization")}


def test_an_address_of_a_page_is_no_name():
    assert named("see <O https>://halvik.example now", "and <O https://lind.example/a> too") == []
