"""How the processes of a build use the interpreter, and that nothing of it outlives the build."""

import gc
import os

import pytest

from flows.processes import collect_rarely, limit_threads


def test_the_collector_waits_for_more_objects_during_a_build_and_is_as_before_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), collect_rarely():
        assert gc.isenabled()
        assert gc.get_threshold()[0] >= 50_000
        raise RuntimeError
    assert gc.get_threshold() == before


def test_processes_that_are_started_have_one_thread_and_the_setting_of_the_user_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    with limit_threads():
        assert (os.environ["OMP_NUM_THREADS"], os.environ["POLARS_MAX_THREADS"]) == ("1", "1")
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "POLARS_MAX_THREADS" not in os.environ
