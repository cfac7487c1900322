"""What the tests of the flows share."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of the tests that start a Prefect server and a worker."""
    config.addinivalue_line("markers", "deployment: starts a Prefect server and a worker; takes a minute or two")
