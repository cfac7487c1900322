"""Templates with alternatives and slots -> sentences."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

Piece = str | tuple[Sequence["Piece"], ...]
_TOKEN = re.compile(r"[\[\]|]|[^\[\]|]+")
_SLOT = re.compile(r"\{([\w.]+)\}")


@cache
def parse_template(template: str) -> tuple[Piece, ...]:
    """Return a template as texts and, for each `[a|b]`, the tuple of its alternatives; they may be nested."""
    pieces, rest = _parse_pieces(_TOKEN.findall(template))
    if rest:
        raise ValueError(f"a bracket is closed that was never opened: {template}")
    return tuple(pieces)


def _parse_pieces(tokens: list[str]) -> tuple[list[Piece], list[str]]:
    pieces: list[Piece] = []
    while tokens and tokens[0] not in ("]", "|"):
        token, *tokens = tokens
        if token != "[":
            pieces.append(token)
            continue
        alternatives = []
        closing = "|"
        while closing == "|":
            alternative, tokens = _parse_pieces(tokens)
            alternatives.append(alternative)
            closing, *tokens = tokens or [""]
        if closing != "]":
            raise ValueError("a bracket is not closed")
        pieces.append(tuple(alternatives))
    return pieces, tokens


def expand(template: str, chance: random.Random, slots: Mapping[str, Callable[[], str]]) -> str:
    """Return the template with one alternative of each and every slot filled; raises `KeyError` for an unknown slot."""
    return _SLOT.sub(lambda slot: slots[slot[1]](), _choose(parse_template(template), chance))


def _choose(pieces: Sequence[Piece], chance: random.Random) -> str:
    return "".join(
        piece if isinstance(piece, str) else _choose(piece[int(chance.random() * len(piece))], chance)
        for piece in pieces
    )
