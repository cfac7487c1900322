import pytest

from tasks.annotation.fast.lemmas import LemmaRules

RULES = LemmaRules(
    learned={"n't|RB": "not"},
    endings={"verb": [["ies", "y"], ["es", "e"], ["ed", "e"], ["ed", ""]], "noun": [["s", ""]]},
    irregular={"verb": {"said": ["say"]}},
    known={"verb": frozenset({"deny", "write", "walk", "bake"}), "noun": frozenset({"ferry"})},
)


@pytest.mark.parametrize(
    ("word", "tag", "pos", "lemma"),
    [
        ("said", "VBD", "VERB", "say"),  # irregular
        ("walked", "VBD", "VERB", "walk"),  # of walke and walk the known one
        ("baked", "VBD", "VERB", "bake"),
        ("denies", "VBZ", "VERB", "deny"),
        ("blorged", "VBD", "VERB", "blorge"),  # nothing is known: the first rule
        ("n't", "RB", "PART", "not"),  # as the accurate engine does it
        ("Walk", "VB", "VERB", "walk"),  # a base form
        ("Lisbon", "NNP", "PROPN", "Lisbon"),
        ("The", "DT", "DET", "the"),
    ],
)
def test_a_lemma_comes_from_what_was_learned_then_from_exceptions_then_from_endings(word, tag, pos, lemma):
    assert RULES.find_lemma(word, tag, pos) == lemma
