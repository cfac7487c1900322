"""The version of the rules: what a fact depends on besides the raw bytes and their metadata."""

import hashlib
from importlib.resources import files
from pathlib import Path

_PACKAGES = ("tasks", "expectations")
_TABLES = "tables.py"


def rules_version(model: str) -> str:
    """Return the version of rules, lexicons, outlets, expectations, tables and `model`: 16 hexadecimal digits.

    It is the hash of the bytes of every file of the packages, so that any change of a rule makes the next build judge
    every source anew. `model` names the language model with its version.
    """
    digest = hashlib.sha256(model.encode())
    for package in _PACKAGES:
        root = Path(str(files(package)))
        for path in sorted(path for path in root.rglob("*") if _is_rule(path)):
            digest.update(f"\n{package}/{path.relative_to(root).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    digest.update(Path(str(files("warehouse"))).joinpath(_TABLES).read_bytes())
    return digest.hexdigest()[:16]


def _is_rule(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
