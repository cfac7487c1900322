"""Hygiene of a test session: no telemetry, no settings of its user, and missing programs counted, never hidden."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REQUIRE_ALL = "ONRECORD_REQUIRE_ALL"
MISSING_PREFIX = "needs a program that is not here; run: "
INSTALL_SECONDS = 600

# Before the first test module is imported: Prefect reads its environment once, on import.
for _name in [name for name in os.environ if name.startswith(("PREFECT_", "ONRECORD_")) and name != REQUIRE_ALL]:
    del os.environ[_name]
_PREFECT_HOME = tempfile.mkdtemp(prefix="onrecord-prefect-")
os.environ.update(
    DO_NOT_TRACK="1",
    GX_ANALYTICS_ENABLED="false",
    PREFECT_HOME=_PREFECT_HOME,
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY="false",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
)


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, except those that a library's own code causes and that no caller can avoid."""
    for category in ("DeprecationWarning", "PendingDeprecationWarning"):
        config.addinivalue_line("filterwarnings", f"ignore::{category}:great_expectations")
    config.addinivalue_line("filterwarnings", "ignore:module 'sre_:DeprecationWarning")


def pytest_unconfigure() -> None:
    """Remove the session's Prefect home."""
    shutil.rmtree(_PREFECT_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def require_program() -> Callable[[str, str], str]:
    """A function (program, install command) -> path of the program.

    A missing program is installed with the command when the tests run as root. When it still is missing, the test
    skips with the command to run; under ONRECORD_REQUIRE_ALL=1 it fails instead. Each command is tried once a session.
    """
    tried: set[str] = set()

    def find_program(program: str, install_command: str) -> str:
        path = shutil.which(program)
        if path is None and os.geteuid() == 0 and install_command not in tried:
            tried.add(install_command)
            # Its outcome is judged by whether the program is there afterwards, whatever the command returns.
            subprocess.run(install_command, shell=True, check=False, capture_output=True, timeout=INSTALL_SECONDS)
            path = shutil.which(program)
        return path or miss_requirement(install_command, is_required=os.environ.get(REQUIRE_ALL) == "1")

    return find_program


def miss_requirement(install_command: str, *, is_required: bool) -> str:
    """Skip the running test with the command that provides what it needs, or fail it when nothing may be missing."""
    if is_required:
        pytest.fail(MISSING_PREFIX + install_command)
    pytest.skip(MISSING_PREFIX + install_command)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary Prefect server for the session, with its own database; takes about 20 s."""
    from prefect.testing.utilities import prefect_test_harness  # imported late: most sessions need no server

    with prefect_test_harness(server_startup_timeout=120):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the tests that did not run, with the commands that would make them run."""
    reasons = [
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    commands = sorted({reason.split(MISSING_PREFIX)[1] for reason in reasons if MISSING_PREFIX in reason})
    terminalreporter.write_line(
        f"{len(reasons)} tests skipped, {sum(MISSING_PREFIX in r for r in reasons)} for want of a program"
    )
    for command in commands:
        terminalreporter.write_line(f"  to run them: {command}")


@pytest.fixture(scope="session")
def samples_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of samples/, built once in a worker; mark tests that use it with `xdist_group("samples")`."""
    from tests.golden import build_samples  # imported late: it brings the whole pipeline

    return build_samples(tmp_path_factory.mktemp("samples"))
