"""The stems of related words that ship are those of the words."""

from tasks.lexicons import load_lexicon
from training.stem_relations import relate_stems


def test_the_lexicon_of_stems_is_made_from_the_words() -> None:
    shipped = {stem: (synonyms, antonyms) for stem, synonyms, antonyms in load_lexicon("stem_relations").iter_rows()}
    assert shipped == relate_stems()
    assert list(shipped) == sorted(shipped)
