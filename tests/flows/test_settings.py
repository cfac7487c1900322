"""What a build is told: by the environment, by defaults, and against which folder paths resolve."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.settings import find_project_root, load_settings, prepare_libraries
from tasks.errors import UsageError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Put the environment back as it was."""
    saved = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(saved)


def test_relative_paths_resolve_against_the_project_wherever_the_worker_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONRECORD_WAREHOUSE", "elsewhere/w.duckdb")
    settings = load_settings()
    assert find_project_root() == ROOT
    assert settings.sources == (str(ROOT / "data/inbox"),)
    assert settings.warehouse == ROOT / "elsewhere/w.duckdb"
    assert settings.raw_dir == ROOT / "data/raw"


def test_on_the_command_line_they_resolve_against_the_current_folder(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, sources=["a/../b"], warehouse=Path("w.duckdb"))
    assert (settings.sources, settings.warehouse) == ((str(tmp_path / "b"),), tmp_path / "w.duckdb")


def test_what_is_given_goes_before_the_environment_and_that_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONRECORD_BATCH_SIZE", "7")
    assert load_settings(tmp_path, batch_size=3).batch_size == 3
    assert load_settings(tmp_path, batch_size=None).batch_size == 7
    assert load_settings(tmp_path).max_bytes == 20_000_000


@pytest.mark.parametrize("value", ["many", "-1", "0", "1.5", ""])
def test_a_number_that_is_none_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ONRECORD_BATCH_SIZE", value)
    with pytest.raises(UsageError, match="ONRECORD_BATCH_SIZE"):
        load_settings(tmp_path)


def test_several_sources_are_separated_like_a_search_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_SOURCES", f"one{os.pathsep}{tmp_path / 'two'}")
    assert load_settings(tmp_path).sources == (str(tmp_path / "one"), str(tmp_path / "two"))


def forget_prefect(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


def test_who_has_no_prefect_server_gets_a_home_under_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_prefect(monkeypatch, tmp_path)
    prepare_libraries(tmp_path / "data", is_quiet=True)
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "data" / "prefect")
    assert (tmp_path / "data" / "prefect").is_dir()
    assert (os.environ["DO_NOT_TRACK"], os.environ["GX_ANALYTICS_ENABLED"]) == ("1", "false")


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_who_has_a_prefect_server_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    forget_prefect(monkeypatch, tmp_path)
    if where == "environment":
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    else:
        (tmp_path / ".prefect").mkdir()
        profile = 'active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n'
        (tmp_path / ".prefect" / "profiles.toml").write_text(profile)
    prepare_libraries(tmp_path / "data", is_quiet=False)
    assert "PREFECT_HOME" not in os.environ
