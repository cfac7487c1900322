"""Articles -> the words and pairs of neighbouring words that tell their event, weighed by how rare they are in English."""

import math
from functools import cache

import polars as pl

from tasks.lexicons import load_lexicon
from warehouse.tables import STORY_FEATURES

UNIT = 10_000
"""A weight of 1: weights are whole numbers, so that sums are the same in any order."""

_TOKEN = r"\p{L}[\p{L}']*|\p{N}[\p{N}.,]*"
_ADDRESS = r"https?: ?/ ?/[^\n]*|www\. ?\S+"  # of the web; tokenized texts have blanks in it
_WORDS_KEPT, _PAIRS_KEPT = 32, 96
_LEAD_WORDS, _LEAD_COUNTS = 60, 3  # the news is in the headline and the first two sentences: they count threefold
_BACKGROUND = 1_000  # articles of 300 words that a word's frequency is turned into a number of
_RARE_IN_PAIR = 3.0  # a pair needs one word that fewer than 1 in 20 of them has
_PAIR = 2**32  # the numbers of two words make one: first times this, and second
_LEAST_WORDS, _LEAST_PAIRS = 30.0, 50.0  # lengths of vectors: a text of a few words proves little, whatever it shares


@cache
def _common_words() -> pl.DataFrame:
    words = load_lexicon("common_words")
    return words.select("word", rarity=_weigh(pl.col("per_million").cast(pl.Float64) / 1e6))


def _weigh(frequency: pl.Expr) -> pl.Expr:
    """Return the logarithm of how few of the background articles have a word of this frequency; 0 for the commonest."""
    share = 1 - (-300 * frequency).exp()
    return (_BACKGROUND / (1 + _BACKGROUND * share)).log().clip(lower_bound=0)


def extract_features(articles: pl.DataFrame) -> pl.DataFrame:
    """Return STORY_FEATURES of the articles: of each its 32 weightiest words and 96 weightiest pairs of neighbours.

    A weight depends on the text alone and on a list of English word frequencies, never on the other articles: so the
    similarity of two articles stays what it is whatever else the corpus holds. Words and pairs weigh one half each.

    Args:
        articles: `article_id`, `title` and `body`.
    """
    words, names = _read_words(articles)
    next_word = pl.col("word").shift(-1)
    is_pair = (next_word != pl.col("word")) & (pl.col("doc").shift(-1) == pl.col("doc"))
    pairs = words.select(
        "doc",
        "rarity",
        count=pl.lit(1, pl.UInt32),
        feature=pl.when(is_pair).then(pl.col("word").cast(pl.UInt64) * _PAIR + next_word),
        next_rarity=pl.col("rarity").shift(-1),
    ).filter(pl.col("feature").is_not_null(), pl.max_horizontal("rarity", "next_rarity") >= _RARE_IN_PAIR)
    pairs = pairs.select("doc", "count", "feature", rarity=pl.col("rarity") + pl.col("next_rarity"))
    is_lead = pl.col("place") < _LEAD_WORDS
    alone = words.filter(pl.col("rarity") > 0).select(
        "doc",
        count=pl.when(is_lead).then(pl.lit(_LEAD_COUNTS, pl.UInt32)).otherwise(pl.lit(1, pl.UInt32)),
        feature="word",
        rarity="rarity",
    )
    kept_words = _keep_weightiest(alone, _WORDS_KEPT, _LEAST_WORDS)
    kept_pairs = _keep_weightiest(pairs, _PAIRS_KEPT, _LEAST_PAIRS)
    first, second = pl.col("feature") // _PAIR, pl.col("feature") % _PAIR
    printed = [
        kept_words.select("doc", "weight", feature=names.gather(kept_words["feature"])),
        kept_pairs.select(
            "doc",
            "weight",
            feature=names.gather(kept_pairs.select(first.cast(pl.UInt32)).to_series())
            + " "
            + names.gather(kept_pairs.select(second.cast(pl.UInt32)).to_series()),
        ),
    ]
    kept = pl.concat(printed).filter(pl.col("weight") > 0).sort("doc", "feature")
    ids = articles["article_id"]
    return kept.select(article_id=ids.gather(kept["doc"]), feature="feature", weight="weight").cast(
        STORY_FEATURES.schema
    )


def _read_words(articles: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return `doc`, `place`, `word` and its `rarity`, in the order of the texts, and the words, in order.

    A doc is the number of the article's row, a word its place among the words: features are counted as numbers, and have the
    order of the words that they stand for, as nothing in a word sorts before the blank between two.
    """
    text = pl.concat_str(pl.col("title").fill_null(""), pl.lit("\n"), "body")
    found = (
        text.str.to_lowercase()
        .str.replace_all(_ADDRESS, " ")
        .str.replace_all("’", "'", literal=True)
        .str.extract_all(_TOKEN)
    )
    printed = (
        articles.select(word=found)
        .with_row_index("doc")
        .with_columns(place=pl.int_ranges(pl.col("word").list.len(), dtype=pl.UInt32))
        .explode("word", "place")
        .drop_nulls("word")
    )
    distinct = printed.select(printed=pl.col("word").unique()).with_columns(
        word=pl.col("printed").str.replace(r"(?:'s|[',.]+)$", "")
    )
    is_number = pl.col("word").str.contains(r"^\p{N}")
    frequency = pl.when(pl.col("word").str.len_chars() < 3).then(3e-5).otherwise(3e-6)  # 17 is common, 1,358 is not
    words = distinct.select(pl.col("word").unique().sort()).with_row_index("number")
    words = words.join(_common_words(), on="word", how="left", maintain_order="left").with_columns(
        rarity=pl.when(is_number).then(_weigh(frequency)).otherwise(pl.col("rarity").fill_null(math.log(_BACKGROUND)))
    )
    numbered = distinct.join(words, on="word").select("printed", "rarity", word="number")
    joined = printed.join(numbered, left_on="word", right_on="printed", maintain_order="left")
    return joined.select("doc", "place", "rarity", word="word_right"), words["word"]


def _keep_weightiest(occurrences: pl.DataFrame, kept: int, least: float) -> pl.DataFrame:
    """Return the weightiest features of each article, as vectors of at most half the length of a unit, squared."""
    weighed = (
        occurrences.group_by("doc", "feature")
        .agg(pl.col("count").sum(), pl.col("rarity").first())
        .select("doc", "feature", weight=pl.col("rarity").round(6) * pl.col("count").sqrt())
        .sort("doc", "weight", "feature", descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("doc") < kept)
    )
    length = (pl.col("weight") ** 2).sum().over("doc").sqrt().clip(lower_bound=least)
    return weighed.with_columns(weight=(pl.col("weight") / length * math.sqrt(0.5) * UNIT).round())
