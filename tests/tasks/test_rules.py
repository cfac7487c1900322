"""The versions of the rules: what a part of the pipeline depends on is read from its code."""

import ast
from pathlib import Path

import pytest

from tasks import rules
from tasks.rules import PARTS, find_files, find_versions

ROOT = Path(__file__).parents[2]
NOT_READ = {"README.md", "LICENSE.unicode", "LICENSE.wordnet", "model.npz", "word_relations.csv", "opposites.csv"}
"""Files beside the code that no row depends on: a model is named by its hash, and `stem_relations.csv` is made of the last two."""


def list_imports(path: Path) -> set[str]:
    """Return the modules that a file imports, as Python's own parser sees them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("tasks", "expectations")):
            found.add(node.module)
            inner = ROOT / node.module.replace(".", "/")
            found |= {f"{node.module}.{name.name}" for name in node.names if (inner / f"{name.name}.py").is_file()}
    return found


@pytest.mark.parametrize("part", PARTS)
def test_a_part_depends_on_all_that_its_modules_import(part: str) -> None:
    files = find_files(*PARTS[part])
    code = {name: path for name, path in files.items() if path.suffix == ".py" and not name.startswith("warehouse")}
    assert len(code) > 2
    for path in code.values():
        assert list_imports(path) <= files.keys(), path


def test_every_file_of_data_belongs_to_a_part() -> None:
    known = {path for part in PARTS for path in find_files(*PARTS[part]).values()}
    files = [path for path in (ROOT / "tasks").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in files if path.suffix != ".py" and path.name not in NOT_READ and path not in known] == []


def test_a_part_does_not_depend_on_what_only_later_parts_read() -> None:
    facts, link, stories = (find_files(*PARTS[part]) for part in ("facts", "link", "stories"))
    assert {"tasks.text.labels", "lexicons/reporting_verbs.csv", "expectations.suites"} <= facts.keys()
    assert {"tasks.reports.stories", "lexicons/stem_relations.csv"} <= stories.keys() - facts.keys() - link.keys()
    assert "tasks.identity.linking.clusters" in link.keys() - facts.keys()


def test_the_versions_are_stable_and_only_that_of_the_part_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = find_versions("model-1")
    assert find_versions("model-1") == before
    assert all(len(getattr(before, part)) == 16 for part in PARTS)
    files = dict(find_files(*PARTS["stories"]))
    changed = {**files, "tasks.stories": files["warehouse.keys"]}
    monkeypatch.setattr(
        rules, "find_files", lambda *modules: changed if modules == PARTS["stories"] else find_files(*modules)
    )
    after = find_versions("model-1")
    assert [part for part in PARTS if getattr(after, part) != getattr(before, part)] == ["stories"]


def test_another_model_changes_the_facts_and_nothing_that_is_made_of_them() -> None:
    one, other = find_versions("model-1"), find_versions("model-2")
    assert [part for part in PARTS if getattr(one, part) != getattr(other, part)] == ["facts"]
