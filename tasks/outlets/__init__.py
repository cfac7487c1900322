"""What is particular to one outlet: a small TOML file each, read into rows of data."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class LineForm:
    """A form of line that this outlet prints around its articles: the label, and a regular expression that matches it."""

    label: str
    pattern: str


@dataclass(frozen=True)
class Outlet:
    """One outlet: its name, the other names it is printed under, its internet domains, and its own forms.

    `date_order` says how its numeric dates read: `dmy`, `mdy` or `ymd`.
    """

    name: str
    names: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    date_order: str = "dmy"
    lines: tuple[LineForm, ...] = field(default=())


@cache
def load_outlets() -> tuple[Outlet, ...]:
    """Load every outlet file of this folder, in alphabetical order of the files.

    Raises:
        TypeError: A file has a key that `Outlet` or `LineForm` does not have, or lacks its name.
    """
    entries = sorted(files(__name__).iterdir(), key=lambda entry: entry.name)
    return tuple(_read_outlet(entry.read_text(encoding="utf-8")) for entry in entries if entry.name.endswith(".toml"))


def _read_outlet(text: str) -> Outlet:
    table = tomllib.loads(text)
    names, domains = (tuple(table.pop(key, ())) for key in ("names", "domains"))
    lines = tuple(LineForm(**line) for line in table.pop("lines", ()))
    return Outlet(**table, names=names, domains=domains, lines=lines)
