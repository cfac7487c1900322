"""Articles and quotes with their entities -> copies, stories, utterances and their independent origins, over the corpus."""

import duckdb
import polars as pl

from tasks.reports.origins import update_origins
from tasks.reports.utterances import update_utterances


def relate_release(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring `article_copies`, the stories, the utterances and their origins up to date with the facts.

    Args:
        con: The staged release, in a transaction, with `entity_id`s joined in.
        changed: `article_id` of the articles whose facts or entity ids are other than in the release before; None for all.

    Returns:
        The number of changed rows.
    """
    changed_count = update_utterances(con, changed)
    return changed_count + update_origins(con, changed)
