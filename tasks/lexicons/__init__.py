"""Closed classes of the language of news, as data files with their source and licence."""

from csv import reader
from functools import cache
from importlib.resources import files

import polars as pl

_SUFFIX = ".csv"
_LIST_MARK = "[]"


@cache
def lexicon_names() -> tuple[str, ...]:
    """Name every lexicon, in alphabetical order."""
    entries = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in entries if name.endswith(_SUFFIX)))


@cache
def load_lexicon(name: str) -> pl.DataFrame:
    """Load one lexicon.

    Grain: one row per line of the file, in its order. Columns whose header ends in `[]` are lists of strings,
    named without the mark and empty when the cell is; all others are strings, null when the cell is empty.

    Raises:
        KeyError: No lexicon has this name; the message lists those there are.
    """
    lines = [line for line in _read_lines(name) if not line.startswith("#")]
    header, *rows = reader(lines)
    cells = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row", strict=True)
    return cells.select(_parse_column(column) for column in header)


@cache
def lexicon_info(name: str) -> dict[str, str]:
    """Return the `title`, `source` and `licence` of one lexicon.

    Raises:
        KeyError: No lexicon has this name; the message lists those there are.
    """
    notes = (line.removeprefix("#").split(":", 1) for line in _read_lines(name) if line.startswith("#"))
    return {key.strip(): value.strip() for key, value in notes}


def _read_lines(name: str) -> list[str]:
    if name not in lexicon_names():
        raise KeyError(f"no lexicon {name!r}; there are: {', '.join(lexicon_names())}")
    return files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8").splitlines()


def _parse_column(header: str) -> pl.Expr:
    cell = pl.col(header)
    if not header.endswith(_LIST_MARK):
        return cell.replace("", None)
    values = pl.when(cell == "").then(pl.lit([], dtype=pl.List(pl.String))).otherwise(cell.str.split("|"))
    return values.alias(header.removesuffix(_LIST_MARK))
