"""Word shingles as numbers, and their sketches."""

import numpy as np
import polars as pl
import pytest

from tasks.reports.shingles import MOST_TEXTS, Shingles, count_shared, count_shingles, shingle_texts, sketch_shingles


def share(*texts: str, kind: str = "text") -> int:
    """Return how many shingles of a kind the two texts have in common."""
    shingles = shingle_texts(pl.Series(texts))
    [shared] = count_shared(getattr(shingles, kind), 2, np.array([0]), np.array([1]))
    return int(shared)


def count(text: str, kind: str = "text") -> int:
    return int(count_shingles(getattr(shingle_texts(pl.Series([text])), kind), 1)[0])


def test_each_four_words_in_a_row_are_a_shingle_and_repeated_ones_count_once() -> None:
    assert count("The ferry left at noon.") == 2
    assert count("no no no no no no no") == 1
    assert count("too few words") == count("") == 0


def test_case_marks_and_spaces_are_folded() -> None:
    assert share("The ferry “left” at\u00a0noon — again.", 'the FERRY "Left", at noon\n\nagain') == 3
    assert share("ÉTAPE À ÖREBRO CLÔTURÉE", "étape à örebro clôturée") == 1


def test_a_text_whose_small_letters_are_longer_is_read_as_printed() -> None:
    assert share("İzmir harbour closed at noon", "İzmir harbour closed at noon") == 2


def test_shingles_do_not_run_from_one_text_into_the_next() -> None:
    assert count_shingles(
        shingle_texts(pl.Series(["one two", "three four", "five six seven eight"])).text, 3
    ).tolist() == [0, 0, 1]


def test_texts_are_numbered_in_their_order_however_many_there_are() -> None:
    texts = pl.Series([f"boat number {number} sailed" for number in range(600)])
    assert count_shingles(shingle_texts(texts).text, 600).tolist() == [1] * 600


def test_quoted_shingles_stand_in_one_stretch_between_marks() -> None:
    assert count("“We will never sell it,” she said, “not in a hundred years.”", "quoted") == 4
    assert count('"We will never" he said "sell it"', "quoted") == 0


def test_a_quotation_that_is_not_closed_ends_with_its_paragraph() -> None:
    assert count("“We will never sell\n\nthe ferry in spring", "quoted") == 1


def test_names_are_capitals_inside_sentences_and_numbers_outside_of_quotations() -> None:
    assert count("Yesterday the mayor Ana Vieira met 14 others in Funchal.", "names") == 2
    assert count("Yesterday. Tomorrow. Today. Never.", "names") == 0
    assert count("He said: “Ana Vieira met 14 men in Funchal.”", "names") == 0


def test_other_words_around_the_same_names_leave_their_shingles_as_they_are() -> None:
    one = "On Monday Ana Vieira told 14 sailors that Funchal would wait for Lisbon."
    two = "By Monday Ana Vieira informed 14 seamen how Funchal must hold on until Lisbon."
    assert share(one, two, kind="names") == count(one, "names") == 4
    assert share(one, two) == 0


def test_more_texts_than_their_numbers_have_bits_for_are_an_error() -> None:
    with pytest.raises(ValueError, match="65537 texts"):
        shingle_texts(pl.Series([""] * (MOST_TEXTS + 1)))


def test_no_texts_have_no_shingles() -> None:
    assert [
        len(kind) for kind in vars(shingle_texts(pl.Series([], dtype=pl.String))).values() if not isinstance(kind, int)
    ] == [0] * 3


def test_a_sketch_has_the_least_hash_of_every_bin() -> None:
    top = 1 << 48
    shingles = np.array([5, 9, (1 << 47) + 3, (1 << 47) + 4, top + 7], np.uint64)
    docs, least = sketch_shingles(shingles, 2)
    assert docs.tolist() == [0, 0, 1]
    assert least.tolist() == [5, (1 << 47) + 3, 7]


def test_the_share_of_equal_bins_is_about_the_resemblance() -> None:
    words = [f"w{number}" for number in range(3_000)]
    shingles: Shingles = shingle_texts(pl.Series([" ".join(words[:2_000]), " ".join(words[1_000:])]))
    docs, least = sketch_shingles(shingles.text, 256)
    same = len(set(least[docs == 0].tolist()) & set(least[docs == 1].tolist()))
    assert same / 256 == pytest.approx(1 / 3, abs=0.1)
