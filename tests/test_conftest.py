"""The session's own rules."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import miss_requirement


def test_a_missing_program_skips_with_the_command_to_run() -> None:
    with pytest.raises(pytest.skip.Exception, match="run: apt-get install -y sample"):
        miss_requirement("apt-get install -y sample", is_required=False)


def test_a_missing_program_fails_when_nothing_may_be_missing() -> None:
    with pytest.raises(pytest.fail.Exception, match="run: apt-get install -y sample"):
        miss_requirement("apt-get install -y sample", is_required=True)


def test_a_program_that_is_there_is_found(require_program: Callable[[str, str], str]) -> None:
    assert Path(require_program("sh", "false")).name == "sh"


def test_the_session_neither_reports_home_nor_reads_the_profile_of_its_user() -> None:
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert "PREFECT_API_URL" not in os.environ or "prefect" in sys.modules
    assert Path(os.environ["PREFECT_HOME"]).name.startswith("onrecord-prefect-")
