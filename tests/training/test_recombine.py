from training.recombine import Passage, Recombiner, split_sentences

TEXT = "Ann Lee of Oslo spoke. Lee left Oslo."
NAMES = [(0, 7, "person"), (11, 15, "place"), (23, 26, "person"), (32, 36, "place")]


def test_names_are_exchanged_alike_for_alike_and_a_surname_stays_one_word():
    words = Recombiner(1).exchange_names(Passage(TEXT, NAMES))
    assert "Oslo" not in words
    assert " spoke. " in words
    assert words.split(" spoke. ")[1].count(" left ") == 1
    assert len(words.split(" spoke. ")[1].split(" left ")[0].split()) == 1
    place = words.split(" of ", 1)[1].split(" spoke.")[0]
    assert words.endswith(f" left {place}.")


def test_the_same_seed_makes_the_same_texts():
    sentences = ["The ferries will sail again on Monday.", "Rain is expected along the coast."]
    one, two = (list(Recombiner(5).report_sentences(sentences, 20)) for _ in range(2))
    assert one == two
    assert len(set(one)) > 10


def test_sentences_of_few_words_are_no_material():
    assert split_sentences("It rained. The ferries will sail again on Monday. Why?") == [
        "The ferries will sail again on Monday."
    ]
