"""The wheel holds the four packages with their data and no tests, and works outside of the checkout."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = """
import sys
from pathlib import Path
import flows.build_warehouse as module
from flows.settings import Settings
assert not module.__file__.startswith(sys.argv[1]), module.__file__
folder = Path.cwd()
settings = Settings(sources=(str(folder / "in"),), warehouse=folder / "news.duckdb", data_dir=folder, min_age_seconds=0.0)
report = module.build_directly(settings)
print(report.status, report.counts["fact_quotes"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_packages_with_their_data_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "flows",
        "tasks",
        "expectations",
        "warehouse",
        "onrecord-0.1.0.dist-info",
    }
    data = {
        str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/*") if path.suffix in {".csv", ".sql", ".toml", ".css"}
    }
    expected = {name for name in data if name.split("/")[0] in {"flows", "tasks", "expectations", "warehouse"}}
    assert len(expected) > 15
    assert expected <= set(names)


def test_the_wheel_builds_a_warehouse_outside_of_the_checkout(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    # the locked packages are borrowed; a plain path in a .pth file does not bring the editable install along
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", "utf-8")
    zipfile.ZipFile(wheel).extractall(site)
    work = tmp_path / "work"
    (work / "in").mkdir(parents=True)
    (work / "in" / "a.txt").write_text(
        "“We will sail,” the harbour master, Marta Lindqvist, said on Monday.\n", "utf-8"
    )
    command = [str(python), "-c", BUILD, str(ROOT)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["published", "1"]), done.stderr
