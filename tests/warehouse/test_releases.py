"""Releases: whole and immutable, whatever is killed and whoever reads."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest

from tests.warehouse.releasing import FIRST_DAY, add_articles, publish_articles, read_article_ids
from warehouse import releases
from warehouse.connection import WarehouseError
from warehouse.releases import (
    find_current_release,
    list_releases,
    lock_warehouse,
    make_release_id,
    pin_release,
    publish_release,
    read_releases,
    releases_folder,
    remove_expired,
    select_expired,
    stage_release,
    unpin_release,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "news.duckdb"


def list_files(warehouse: Path) -> list[str]:
    """Return the names in the folder of the warehouse and in that of its releases."""
    return sorted(path.name for folder in (warehouse.parent, releases_folder(warehouse)) for path in folder.iterdir())


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_warehouse_is_a_relative_link_to_an_immutable_release(warehouse: Path) -> None:
    release_id = publish_articles(warehouse, "article-1")
    assert release_id.startswith("20240514T080000Z-") and len(release_id) == 25
    assert warehouse.readlink() == Path("news.duckdb.releases", f"{release_id}.duckdb")
    assert warehouse.stat().st_mode & 0o777 == 0o444
    assert list_files(warehouse) == [
        f"{release_id}.duckdb", "news.duckdb", "news.duckdb.lock", "news.duckdb.releases",
    ]  # fmt: skip


def test_a_moved_warehouse_still_works(warehouse: Path, tmp_path: Path) -> None:
    publish_articles(warehouse, "article-1")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (warehouse, releases_folder(warehouse)):
        path.rename(moved / path.name)
    assert read_article_ids(moved / "news.duckdb") == ["article-1"]


def test_a_release_builds_on_the_one_before_and_leaves_it_as_it_was(warehouse: Path) -> None:
    first = publish_articles(warehouse, "article-1")
    before = (releases_folder(warehouse) / f"{first}.duckdb").read_bytes()
    second = publish_articles(warehouse, "article-2", hour=1)
    assert read_article_ids(warehouse) == ["article-1", "article-2"]
    assert (releases_folder(warehouse) / f"{first}.duckdb").read_bytes() == before
    assert read_releases(warehouse).select("release_id", "parent_release_id", "is_current", "is_kept").rows() == [
        (first, None, False, True),
        (second, first, True, True),
    ]


def test_what_is_staged_and_not_published_leaves_no_trace(warehouse: Path) -> None:
    release_id = publish_articles(warehouse, "article-1")
    files = list_files(warehouse)
    publish_articles(warehouse, "article-2", hour=1, staged_only=True)
    with pytest.raises(ZeroDivisionError), lock_warehouse(warehouse), stage_release(warehouse) as staged:
        add_articles(staged, "article-3")
        raise ZeroDivisionError
    assert find_current_release(warehouse) == releases_folder(warehouse) / f"{release_id}.duckdb"
    assert (read_article_ids(warehouse), list_files(warehouse)) == (["article-1"], files)


def test_a_release_is_never_written_over(warehouse: Path) -> None:
    publish_articles(warehouse, "article-1")
    with pytest.raises(WarehouseError, match="cannot be the name of a new release"):
        publish_articles(warehouse, "article-2")
    assert read_article_ids(warehouse) == ["article-1"]


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from tests.warehouse.releasing import add_articles, publish_articles
from warehouse import releases

warehouse, moment = Path(sys.argv[1]), sys.argv[2]

def kill(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def kill_after(function):
    def run(*arguments, **options):
        function(*arguments, **options)
        kill()
    return run

if moment == "after copying":
    releases.connect_private = kill
elif moment == "while loading":
    import tests.warehouse.releasing as releasing
    releasing.add_articles = kill_after(add_articles)
elif moment == "before the file is synced":
    releases._sync = kill
elif moment == "before the release has its name":
    Path.hardlink_to = kill
elif moment == "before the link is written":
    Path.symlink_to = kill
elif moment == "before the link is swapped":
    Path.replace = kill
elif moment == "after the link was swapped":
    Path.replace = kill_after(Path.replace)
elif moment == "before the private name goes":
    releases._point_to = kill_after(releases._point_to)
publish_articles(warehouse, "article-2", hour=1)
"""


@pytest.mark.parametrize(
    ("moment", "articles"),
    [
        ("after copying", ["article-1"]),
        ("while loading", ["article-1"]),
        ("before the file is synced", ["article-1"]),
        ("before the release has its name", ["article-1"]),
        ("before the link is written", ["article-1"]),
        ("before the link is swapped", ["article-1"]),
        ("after the link was swapped", ["article-1", "article-2"]),
        ("before the private name goes", ["article-1", "article-2"]),
    ],
)
def test_a_killed_build_leaves_a_whole_release_and_the_next_build_clears_up(
    warehouse: Path, moment: str, articles: list[str]
) -> None:
    publish_articles(warehouse, "article-1")
    killed = run_python(KILLED_BUILD, warehouse, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_article_ids(warehouse) == articles
    assert len(list_releases(warehouse)) == len(articles)
    release_id = publish_articles(warehouse, "article-3", hour=2)
    assert read_article_ids(warehouse) == [*articles, "article-3"]
    kept = [release.release_id for release in list_releases(warehouse)]
    assert len(kept) == len(articles) + 1 and kept[-1] == release_id
    assert list_files(warehouse) == sorted(
        [*(f"{name}.duckdb" for name in kept), "news.duckdb", "news.duckdb.lock", "news.duckdb.releases"]
    )


def test_a_killed_first_build_leaves_no_warehouse_and_the_next_build_makes_one(warehouse: Path) -> None:
    for moment in ("while loading", "before the link is swapped"):
        killed = run_python(KILLED_BUILD, warehouse, moment)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert (find_current_release(warehouse), list_releases(warehouse)) == (None, [])
    publish_articles(warehouse, "article-3", hour=2)
    assert (read_article_ids(warehouse), len(list_releases(warehouse))) == (["article-3"], 1)


READER = """
import sys
import duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
query = "select string_agg(article_id, ',' order by article_id), sum(len(body)) from fact_articles"
for line in sys.stdin:
    print(*con.execute(query).fetchall()[0], flush=True)
"""


def test_a_reader_keeps_its_release_through_later_ones_even_when_it_is_removed(warehouse: Path) -> None:
    publish_articles(warehouse, "article-1")
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None and reader.stdout is not None

    def ask() -> str:
        reader.stdin.write("read\n")
        reader.stdin.flush()
        return reader.stdout.readline()

    with duckdb.connect(str(warehouse), read_only=True) as con:
        first = ask()
        for hour in range(1, 5):
            publish_articles(warehouse, f"article-{hour + 1}", hour=hour)
            assert ask() == first
        assert remove_expired(warehouse, datetime(2024, 5, 30, tzinfo=UTC)) != []
        assert ask() == first == "article-1 0\n"
        assert con.execute("select article_id from fact_articles").fetchall() == [("article-1",)]
    reader.stdin.close()
    assert reader.wait(timeout=30) == 0
    reader.stdout.close()
    assert read_article_ids(warehouse) == [f"article-{number}" for number in range(1, 6)]


def test_only_one_process_builds_and_the_other_is_told_who(warehouse: Path) -> None:
    with lock_warehouse(warehouse):
        with pytest.raises(WarehouseError, match=rf"news\.duckdb is being built by process {os.getpid()} on .+ UTC$"):
            lock_warehouse(warehouse).__enter__()
        other = run_python(
            "import sys; from pathlib import Path; from warehouse.releases import lock_warehouse\n"
            "lock_warehouse(Path(sys.argv[1])).__enter__()",
            warehouse,
        )
        assert f"is being built by process {os.getpid()}" in other.stderr
    with lock_warehouse(warehouse):
        pass


BUILD_KILLED_WITH_A_WORKER = """
import os, signal, sys
from pathlib import Path
from warehouse.releases import lock_warehouse

with lock_warehouse(Path(sys.argv[1])):
    ready, tell = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.write(tell, b"1")
        sys.stdout.close()
        os.closerange(1, 3)  # else the test would wait for the end of the output
        signal.pause()
    os.read(ready, 1)
    print(worker, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_outlives_its_killed_build_does_not_keep_the_lock(warehouse: Path) -> None:
    killed = run_python(BUILD_KILLED_WITH_A_WORKER, warehouse)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    worker = int(killed.stdout)
    try:
        with lock_warehouse(warehouse):
            os.kill(worker, 0)  # still there
    finally:
        os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("The mayor spoke."), "it is not a link to a release"),
        (lambda path: path.mkdir(), "it is not a link to a release"),
        (lambda path: path.symlink_to("other.duckdb"), "it links to other.duckdb"),
        (lambda path: path.symlink_to("news.duckdb.releases/notes.duckdb"), "it links to news.duckdb.releases/notes"),
    ],
    ids=["a file", "a folder", "a link elsewhere", "a link to no release"],
)
def test_what_is_not_ours_is_left_alone(warehouse: Path, make: object, reason: str) -> None:
    make(warehouse)  # type: ignore[operator]
    with pytest.raises(WarehouseError, match=rf"news\.duckdb is not an On Record warehouse: {reason}"):
        publish_articles(warehouse, "article-1")
    assert not releases_folder(warehouse).exists()


def test_a_link_to_a_release_that_is_gone_is_reported(warehouse: Path) -> None:
    release_id = publish_articles(warehouse, "article-1")
    (releases_folder(warehouse) / f"{release_id}.duckdb").unlink()
    with pytest.raises(WarehouseError, match=rf"links to .+{release_id}\.duckdb, which does not exist"):
        publish_articles(warehouse, "article-2", hour=1)


def test_a_build_does_not_start_without_the_space_for_it(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_articles(warehouse, "article-1")
    files = list_files(warehouse)
    monkeypatch.setattr(releases, "RESERVED_BYTES", 10**18)
    with pytest.raises(WarehouseError, match=r"releases has [\d,]+ MB free, a new release needs 1,000,000,000,00\d MB"):
        publish_articles(warehouse, "article-2", hour=1)
    assert (read_article_ids(warehouse), list_files(warehouse)) == (["article-1"], files)


def test_the_last_3_releases_and_the_last_of_each_of_7_days_are_kept() -> None:
    early = ["0501T10", "0508T10", "0508T11", "0509T23", "0513T01", "0513T02"]
    stamps = [*early, "0514T01", "0514T02", "0514T03", "0514T04"]
    ids = {stamp: f"2024{stamp}0000Z-00000000" for stamp in stamps}
    now = datetime(2024, 5, 14, 12, tzinfo=UTC)
    expired = select_expired(ids.values(), kept=[], now=now)
    assert expired == [ids[stamp] for stamp in ("0501T10", "0508T10", "0513T01", "0514T01")]
    assert select_expired(ids.values(), kept=[ids["0501T10"]], now=now) == expired[1:]
    later = datetime(2025, 1, 1, tzinfo=UTC)
    assert select_expired(ids.values(), kept=[], now=later) == [ids[stamp] for stamp in stamps[:-3]]


def test_a_pinned_release_stays_until_it_is_unpinned(warehouse: Path) -> None:
    ids = [publish_articles(warehouse, f"article-{hour}", hour=hour) for hour in range(5)]
    later = datetime(2024, 6, 30, tzinfo=UTC)
    pin_release(warehouse, ids[0])
    assert remove_expired(warehouse, later) == [ids[1]]
    assert [(release.release_id, release.is_pinned) for release in list_releases(warehouse)] == [
        (ids[0], True), (ids[2], False), (ids[3], False), (ids[4], False),
    ]  # fmt: skip
    unpin_release(warehouse, ids[0])
    assert remove_expired(warehouse, later) == [ids[0]]
    assert read_releases(warehouse)["is_kept"].to_list() == [False, False, True, True, True]
    with pytest.raises(WarehouseError, match=f"keeps no release {ids[0]}"):
        pin_release(warehouse, ids[0])


def test_releases_of_a_warehouse_whose_link_was_lost_are_not_removed(warehouse: Path) -> None:
    release_id = publish_articles(warehouse, "article-1")
    warehouse.unlink()
    publish_articles(warehouse, "article-2", hour=1)
    publish_articles(warehouse, "article-3", hour=2)
    assert release_id in [release.release_id for release in list_releases(warehouse)]


def test_a_release_with_an_unfinished_log_is_not_published(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock_warehouse(warehouse), stage_release(warehouse) as staged:
        log = staged.path.with_name(f"{staged.path.name}.wal")
        monkeypatch.setattr(staged, "con", Mock(wraps=staged.con, close=lambda: log.write_bytes(b"")))
        with pytest.raises(WarehouseError, match="write-ahead log is still there"):
            publish_release(staged, make_release_id(FIRST_DAY, "run-1"))
    assert find_current_release(warehouse) is None
