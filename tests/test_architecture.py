"""The shape of the house: which way imports run, who reads the environment, what a stage looks like."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("flows", "tasks", "expectations", "warehouse")  # imports run from left to right
STAGES = (
    "ingest",
    "clean",
    "annotate",
    "quotes",
    "entities",
    "occasions",
    "validate",
    "load",
    "link",
    "stories",
    "publish",
)
SETTINGS = Path("flows/settings.py")
MODULES = sorted(path.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def parse_module(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"), filename=str(path))


def find_imports(module: ast.Module, package: str) -> Iterator[str]:
    """Yield the first part of every imported name, also of imports inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield package if node.level or node.module is None else node.module.split(".")[0]


def find_environment_reads(module: ast.Module) -> list[int]:
    """Return the lines that read the environment of the process; to set it for a library is allowed."""
    names = {"environ", "environb", "getenv", "getenvb"}
    set_for_others = [
        node.func.value
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update"
    ]
    reads = [
        node.lineno
        for node in ast.walk(module)
        if (
            isinstance(node, ast.Attribute)
            and node.attr in names
            and ast.unparse(node.value) == "os"
            and not any(node is target for target in set_for_others)
        )
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names})
    ]
    return sorted(reads)


def find_tasks(module: ast.Module) -> list[str]:
    """Return the names of the functions that are Prefect tasks."""
    return [
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("task" in ast.unparse(decorator).split("(")[0].split(".") for decorator in node.decorator_list)
    ]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_run_one_way(path: Path) -> None:
    layer = path.parts[0]
    forbidden = {*LAYERS[: LAYERS.index(layer)], "tests", "bench"}
    assert sorted(forbidden & set(find_imports(parse_module(path), layer))) == []


@pytest.mark.parametrize("path", [path for path in MODULES if path != SETTINGS], ids=str)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    assert find_environment_reads(parse_module(path)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_ends_with_its_only_task(stage: str) -> None:
    module = parse_module(Path(f"tasks/{stage}.py"))
    last = module.body[-1]
    assert isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef)
    assert find_tasks(module) == [last.name]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parts[0] != "flows" and path.stem not in STAGES], ids=str
)
def test_only_stages_have_tasks(path: Path) -> None:
    assert find_tasks(parse_module(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_opens_with_a_line_that_says_what_it_is(path: Path) -> None:
    first, *others = (ast.get_docstring(parse_module(path)) or "").splitlines() or [""]
    assert first.endswith((".", ":")) and others[:1] in ([], [""])


def test_the_rules_see_what_they_forbid() -> None:
    module = ast.parse(
        "import os\nfrom flows.settings import x\ndef f():\n    import tasks.load\n    return os.environ['A']\n"
    )
    assert sorted(find_imports(module, "warehouse")) == ["flows", "os", "tasks"]
    assert find_environment_reads(module) == [5]
    assert find_environment_reads(ast.parse("from os import getenv")) == [1]
    assert find_environment_reads(ast.parse("import os\nos.environ.update(OMP_NUM_THREADS='1')")) == []
    assert find_tasks(
        ast.parse("@task(cache_policy=NO_CACHE)\ndef a(): ...\n@prefect.task\ndef b(): ...\n@cache\ndef c(): ...")
    ) == ["a", "b"]
