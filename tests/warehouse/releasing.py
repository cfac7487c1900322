"""Small releases for tests: a warehouse with articles that have an id and little else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.builders import build_table
from warehouse.connection import connect_read_only
from warehouse.ddl import merge_rows
from warehouse.releases import StagedRelease, lock_warehouse, make_release_id, publish_release, stage_release
from warehouse.tables import FACT_ARTICLES, RELEASES

FIRST_DAY = datetime(2024, 5, 14, 8, tzinfo=UTC)


def add_articles(staged: StagedRelease, *article_ids: str) -> None:
    """Add articles with these ids to a staged release."""
    articles = build_table(FACT_ARTICLES, *({"article_id": article_id} for article_id in article_ids))
    merge_rows(staged.con, FACT_ARTICLES, articles)


def publish_articles(warehouse: Path, *article_ids: str, hour: int = 0, staged_only: bool = False) -> str:
    """Publish a release with these articles beside those of the release before; return its id."""
    published_at = FIRST_DAY + timedelta(hours=hour)
    release_id = make_release_id(published_at, f"run-{hour}")
    with lock_warehouse(warehouse), stage_release(warehouse) as staged:
        add_articles(staged, *article_ids)
        row = {"release_id": release_id, "parent_release_id": staged.parent_release_id, "published_at": published_at}
        merge_rows(staged.con, RELEASES, build_table(RELEASES, row))
        if not staged_only:
            publish_release(staged, release_id)
    return release_id


def read_article_ids(warehouse: Path) -> list[str]:
    """Return the ids of the articles in the current release."""
    with connect_read_only(warehouse) as con:
        return [row[0] for row in con.execute("select article_id from fact_articles order by 1").fetchall()]
