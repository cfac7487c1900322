"""Texts -> tokens, by the rules of the pipeline that the fast engine has learned from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any


@dataclass(frozen=True)
class TokenRules:
    """A spaCy tokenizer as data: its patterns, and the chunks that it cuts in a way of their own.

    The algorithm is that of `spacy.tokenizer.Tokenizer.explain`, for one chunk between spaces; exceptions that hold a
    space or that stand inside of a chunk are not looked for.
    """

    prefix: str
    suffix: str
    infix: str
    url: str
    exceptions: Mapping[str, list[str]]

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in (self.prefix, self.suffix, self.infix, self.url))

    def split_chunk(self, chunk: str) -> list[str]:
        """Return the tokens of a chunk of text without spaces; they join to it."""
        prefix, suffix, _, _ = self._patterns
        tokens: list[str] = []
        last: list[str] = []
        rest = chunk
        while rest and rest not in self.exceptions:
            before, after = prefix.search(rest), suffix.search(rest)
            if before and before.end() > 0:
                tokens.append(rest[: before.end()])
                rest = rest[before.end() :]
                if rest in self.exceptions:
                    break
                after = suffix.search(rest)
            elif not (after and after.start() < len(rest)):
                break
            if after and after.start() < len(rest):
                last.append(rest[after.start() :])
                rest = rest[: after.start()]
        if rest:
            tokens += self.exceptions.get(rest) or self._split_inside(rest)
        return tokens + last[::-1]

    def _split_inside(self, rest: str) -> list[str]:
        _, _, infix, url = self._patterns
        if url.match(rest):
            return [rest]
        tokens, after = [], 0
        for match in infix.finditer(rest):
            if match.start() == 0 and after == 0:
                continue
            tokens += [rest[after : match.start()], match.group()]
            after = match.end()
        return [token for token in (*tokens, rest[after:]) if token]


def read_rules(tokenizer: Any) -> TokenRules:
    """Return the rules of a spaCy tokenizer as data."""
    methods = (tokenizer.prefix_search, tokenizer.suffix_search, tokenizer.infix_finditer, tokenizer.url_match)
    prefix, suffix, infix, url = (method.__self__.pattern if method else "(?!)" for method in methods)
    orth = 65  # spacy.attrs.ORTH
    exceptions = {chunk: [str(token.get(orth)) for token in tokens] for chunk, tokens in tokenizer.rules.items()}
    return TokenRules(
        prefix, suffix, infix, url, {c: t for c, t in exceptions.items() if " " not in c and "".join(t) == c}
    )


class _Kinds(dict[int, str]):
    """The kind of every character that was asked for, by code point, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = self[code] = "X" if char.isupper() else "x" if char.isalpha() else "0" if char.isdigit() else char
        return kind


_SHAPES = str.maketrans({**dict.fromkeys(map(chr, range(48, 58)), "0")})
_RUNS = re.compile(r"(.)\1{2,}")
_KINDS = _Kinds()


def list_features(word: str) -> list[str]:
    """Return what a word looks like: the word itself without case, its beginning and end, its shape."""
    lower = word.lower()
    if not lower.isalpha():
        lower = lower.translate(_SHAPES)
    return ["w=" + lower, "e=" + lower[-3:], "f=" + lower[-2:], "b=" + lower[:3], "h=" + tell_shape(word)]


def tell_shape(word: str) -> str:
    """Return the kinds of the characters of a word (`X`, `x`, `0`, or the mark itself), runs cut after the second."""
    return _cut_runs(word[:24].translate(_KINDS))


@lru_cache(maxsize=20_000)
def _cut_runs(kinds: str) -> str:
    return _RUNS.sub(r"\1\1", kinds)
