"""The garbage collector during a build, and after it."""

import gc

import pytest

from flows.collector import collect_rarely


def test_the_collector_waits_for_more_objects_during_a_build_and_is_as_before_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), collect_rarely():
        assert gc.isenabled()
        assert gc.get_threshold()[0] >= 50_000
        raise RuntimeError
    assert gc.get_threshold() == before
