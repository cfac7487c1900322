"""The feeds of a list -> a new release with the pages that they link to: what a schedule runs."""

from pathlib import Path

from prefect import flow

from flows.artifacts import publish_artifacts
from flows.build_warehouse import build
from flows.report import BuildReport, require_success
from flows.runners import run_tracked
from flows.settings import load_settings
from tasks.errors import UsageError
from tasks.reading.addresses import FEED_PREFIX, WEB_SCHEMES, split_scheme


@flow(name="read-feeds", persist_result=False, validate_parameters=False)
def read_feeds(
    feeds: str | None = None, warehouse: str | None = None, data_dir: str | None = None
) -> BuildReport | None:
    """Read the feeds of a list, fetch the pages that are new, and publish a release with them.

    Args:
        feeds: A text file with the address of a feed a line; by default `ONRECORD_FEEDS`, else `data/feeds.txt`.
        warehouse: The warehouse file; by default `ONRECORD_WAREHOUSE`, else `data/news.duckdb`.
        data_dir: Where raw bytes and caches are kept; by default `ONRECORD_DATA_DIR`, else `data`.

    Returns:
        The report of the run, which is also published as artifacts; None when there is no list, so that nobody is asked.

    Raises:
        StoppedByValidation: If an expectation on a whole batch or on the release failed; the warehouse stays as it was.
        UsageError: If a line of the list is no address of the web.
        WarehouseError: If the warehouse is being built by another process, is not ours or is newer than this software.
    """
    settings = load_settings(feeds=feeds, warehouse=warehouse, data_dir=data_dir)
    addresses = read_list(settings.feeds) if settings.feeds is not None and settings.feeds.is_file() else ()
    if not addresses:
        return None
    report = build(load_settings(sources=addresses, warehouse=warehouse, data_dir=data_dir), run_tracked)
    publish_artifacts(report)
    return require_success(report)


def read_list(path: Path) -> tuple[str, ...]:
    """Return the feeds of a list as sources; blank lines and what follows a `#` at the start of a word are left out.

    Raises `UsageError`, with the line, for what is no address of the web.
    """
    sources: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        address = "" if line.lstrip().startswith("#") else line.split(" #")[0].strip().removeprefix(FEED_PREFIX)
        if address and split_scheme(address) not in WEB_SCHEMES:
            raise UsageError(f"{path}:{number}: {address} is no address of the web")
        if address:
            sources.append(FEED_PREFIX + address)
    return tuple(dict.fromkeys(sources))
