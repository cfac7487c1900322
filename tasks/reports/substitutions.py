"""Bodies -> the words that a program leaves behind which replaces a reporter's words one by one, whatever it paraphrased."""

from functools import cache

import polars as pl

from tasks.lexicons import load_lexicon

REWRITTEN_RATE, LEAST_DIFFERENT = 1.0, 6
"""Substitutions in 100 words, and different ones, from which on a text is taken for a paraphrase (measured in docs/copies.md)."""

_QUOTED = r"“[^”\n]*(?:”|$)|\"[^\"\n]*(?:\"|$)"
_WRONG_ARTICLE = r"\ba (?:a[a-z]|e[a-tv-z]|i[a-z])[a-z]{2,}\b|\ban (?:[bcdfgjklmnpqrstvwz][a-z]{3,})\b"
_ALSO_WORDS = ("turkey", "china", "chad", "jordan", "guinea", "jersey", "georgia", "cuba", "mali", "niger", "togo", "panama", "reunion",)  # fmt: skip
"""Names of countries that are common nouns, brands or names of persons in small letters, too, or parts of them."""


def find_substitutions(texts: pl.Series) -> pl.Series:
    """Find in each English text, outside of quotations, the marks of a word-by-word paraphrase, as printed, in no order.

    Set phrases with a part replaced (the lexicon `paraphrase_marks`), articles that do not fit the word put after them (a
    impartial), and countries without a capital: a thesaurus knows words, not grammar or names.
    """
    own = texts.str.replace_all(f"(?m){_QUOTED}", " ")
    folded = pl.Series([" "]).append((" " + own + " ").str.to_lowercase().str.replace_all(r"[^\w’'-]+", " "))[1:]
    phrases = folded.str.extract_many(_list_phrases(), overlapping=False)
    articles = own.str.extract_all(_WRONG_ARTICLE)
    countries = (" " + own.str.replace_all(r"[^\w’'-]+", " ") + " ").str.extract_many(_list_countries())
    frame = pl.DataFrame({"phrases": phrases, "articles": articles, "countries": countries})
    found = pl.concat_list("phrases", "articles", "countries").list.eval(pl.element().str.strip_chars())
    return frame.select(found.fill_null(pl.lit([], dtype=pl.List(pl.String))))["phrases"].alias("substitutions")


@cache
def _list_phrases() -> list[str]:
    return [f" {phrase} " for phrase in load_lexicon("paraphrase_marks")["phrase"]]


@cache
def _list_countries() -> list[str]:
    """Return the names of countries and of the continent America, of one word and in small letters."""
    countries = load_lexicon("countries")
    names = {*countries["name"], *countries["aliases"].explode().drop_nulls(), "America"}
    small = {name.lower() for name in names if name.isalpha() and name[1:].islower() and len(name) > 4}
    return [f" {name} " for name in sorted(small - set(_ALSO_WORDS))]
