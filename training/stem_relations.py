"""Words that can stand for one another, or say the opposite -> their stems: `python -m training.stem_relations` writes the lexicon.

A build that stems the 15,000 words of `word_relations` first pays a second of it for every process; the stems follow from the words,
so they ship.
"""

from collections.abc import Iterable
from pathlib import Path

from tasks.lexicons import load_lexicon
from tasks.reports.words import stem_word

Pairs = set[tuple[str, str]]
_NOTES = """\
# title: Stems of the words in word_relations and opposites; each pair once, under the stem that sorts first; what is an antonym is no synonym
# source: made from word_relations and opposites by `python -m training.stem_relations`
# licence: WordNet 3.1 licence (LICENSE.wordnet)
stem,synonyms[],antonyms[]
"""


def relate_stems() -> dict[str, tuple[list[str], list[str]]]:
    """Return stem -> the stems after it that can stand for it in some sense, and those that say its opposite, in order."""
    antonyms = _pair([*_list_pairs("antonyms"), *load_lexicon("opposites").iter_rows()])
    both = antonyms | {(other, one) for one, other in antonyms}
    synonyms = _pair(pair for pair in _list_pairs("synonyms") if pair not in both)
    found: dict[str, tuple[list[str], list[str]]] = {}
    for place, pairs in enumerate((synonyms, antonyms)):
        for one, other in sorted(pairs):
            found.setdefault(one, ([], []))[place].append(other)
    return dict(sorted(found.items()))


def _list_pairs(kind: str) -> list[tuple[str, str]]:
    rows = load_lexicon("word_relations").select("word", kind).explode(kind).drop_nulls()
    return [(stem_word(one), stem_word(other)) for one, other in rows.iter_rows()]


def _pair(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Return the pairs of different stems, the one that sorts first before the other."""
    stemmed = ((stem_word(one), stem_word(other)) for one, other in pairs)
    return {(min(pair), max(pair)) for pair in stemmed if pair[0] != pair[1]}


if __name__ == "__main__":
    lines = [
        f"{stem},{'|'.join(synonyms)},{'|'.join(antonyms)}\n" for stem, (synonyms, antonyms) in relate_stems().items()
    ]
    path = Path(__file__).parent.parent / "tasks" / "lexicons" / "stem_relations.csv"
    path.write_text(_NOTES + "".join(lines), encoding="utf-8")
