"""The versions of the rules: what the rows of a stage depend on besides the bytes, their metadata and the stages before it."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PARTS: Mapping[str, tuple[str, ...]] = {
    "facts": (
        "tasks.ingest", "tasks.clean", "tasks.annotate", "tasks.quotes", "tasks.entities", "tasks.occasions",
        "tasks.validate",
    ),
    "link": ("tasks.link",),
    "stories": ("tasks.stories",),
    "publish": ("tasks.publish",),
}  # fmt: skip
"""Part of the pipeline that is run again as a whole -> the modules of its stages."""
CORPUS_PARTS = ("link", "stories", "publish")
"""The parts that are run over a whole release: it names the rules that made them."""
_PACKAGES = ("tasks", "expectations")
_STORED = ("warehouse.tables", "warehouse.keys")
"""What a row looks like and how ids are made; how files are opened and written changes no row."""
_LEXICONS = "tasks.lexicons"
_DATA = (".json", ".toml", ".csv", ".css")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)
_LOAD = re.compile(r"\bload_lexicon\(\s*(?:\"(\w+)\"|(?=[^\s\")]))")


@dataclass(frozen=True)
class RulesVersions:
    """A hash for each of `PARTS`, of 16 hexadecimal digits: of the code that it runs and the data files that this code reads.

    `facts` is the version of all that is found in one document, from its bytes to its validated rows.
    """

    facts: str
    link: str
    stories: str
    publish: str

    @property
    def of_corpus(self) -> dict[str, str]:
        """The versions of CORPUS_PARTS, by part."""
        return {part: getattr(self, part) for part in CORPUS_PARTS}


def find_versions(model: str) -> RulesVersions:
    """Return the versions of the rules as they are on the disk; `model` names the engine's model with its version.

    Which files a part depends on is read from the imports of its modules, those inside of functions, too, so that any change of a
    rule counts and nobody can forget to raise a number; and a change in what only later parts import makes earlier ones not run again.
    """
    return RulesVersions(**{part: _hash_files(part, model if part == "facts" else "") for part in PARTS})


def _hash_files(part: str, model: str) -> str:
    digest = hashlib.sha256(model.encode())
    for name, path in sorted(find_files(*PARTS[part]).items()):
        digest.update(f"\n{name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def find_files(*modules: str) -> dict[str, Path]:
    """Return the files that the rows of these modules depend on, by name: their code, all that it imports, and its data files.

    Data files are those in the folder of a module that it names, and the lexicons that it loads. A
    model is none: it is named by its own hash.
    """
    found = {name: _locate(name) for name in _STORED}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in _PACKAGES:
            continue
        found[name] = _locate(name)
        parent = name.rpartition(".")[0]
        waiting += [parent] if parent else []
        if name != _LEXICONS:
            imported, files = _read_module(found[name])
            waiting += imported
            found |= {f"{path.parent.name}/{path.name}": path for path in files}
    if "tasks.publish" in modules:
        found |= {f"marts/{path.name}": path for path in _locate(_STORED[0]).parent.glob("marts/*.sql")}
    return found


@cache
def _locate(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, module
    return Path(spec.origin)


def _read_module(path: Path) -> tuple[list[str], list[Path]]:
    """Return the modules of this project that a file imports, and the data files that it reads.

    Read with two expressions and not with a parser: a hundred modules in a few milliseconds at the start of every build.
    """
    text = path.read_text(encoding="utf-8")
    imports = [name for match in _IMPORT.finditer(text) for name in _name_imports(*match.groups(""))]
    lexicons = [file for match in _LOAD.finditer(text) for file in _find_lexicons(match[1])]
    beside = [file for file in path.parent.iterdir() if file.suffix in _DATA and _names(text, file)]
    return imports, [*lexicons, *beside]


def _names(text: str, file: Path) -> bool:
    """Whether code names a file, or all files of its kind."""
    return f'"{file.name}"' in text or f'"{file.suffix}"' in text


def _name_imports(package: str, names: str, modules: str) -> Iterable[str]:
    if modules:
        return re.findall(r"[\w.]+", modules)
    if package.partition(".")[0] not in _PACKAGES:
        return ()
    return [package, *(inner for name in re.findall(r"\w+", names) if _is_module(inner := f"{package}.{name}"))]


@cache
def _is_module(name: str) -> bool:
    package = _locate(name.rpartition(".")[0])
    path = package.parent / name.rpartition(".")[2]
    return package.name == "__init__.py" and (path.with_suffix(".py").is_file() or path.is_dir())


def _find_lexicons(name: str | None) -> list[Path]:
    """Return the file of a lexicon; all of them where the name is not written in the call."""
    folder = _locate(_LEXICONS).parent
    return [folder / f"{name}.csv"] if name else list(folder.glob("*.csv"))
