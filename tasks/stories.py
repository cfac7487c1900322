"""Articles and quotes with their entities -> copies, stories, utterances and their independent origins, over the corpus."""

import duckdb
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.reports.copies import update_copies
from tasks.reports.dates import date_occasions
from tasks.reports.origins import update_origins
from tasks.reports.stories import update_stories
from tasks.reports.utterances import update_utterances
from warehouse.releases import StagedRelease


def relate_release(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring `article_copies`, the stories, the utterances and their origins up to date with the facts.

    Args:
        con: The staged release, with `entity_id`s joined in.
        changed: `article_id` of the articles whose facts or entity ids are other than in the release before; None for all.

    Returns:
        The number of changed rows.
    """
    steps = (
        update_copies,
        update_stories,
        date_occasions,
        update_utterances,
        update_origins,
    )  # each reads what those before it wrote
    return sum(update(con, changed) for update in steps)


@task(cache_policy=NO_CACHE, persist_result=False)
def relate_warehouse(staged: StagedRelease, changed: pl.DataFrame | None) -> int:
    """Relate the articles and quotes of a staged release with linked entities."""
    return relate_release(staged.con, changed)
