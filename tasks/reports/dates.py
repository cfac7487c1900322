"""Times told in articles without a date -> days, counted from the date of their story."""

from datetime import date

import duckdb
import polars as pl

from tasks.occasion.calendar import find_times, resolve_time
from warehouse.tables import FACT_QUOTES

MOST_DAYS = 2
"""A story whose dated articles lie at most so many days apart tells when an article without a date was written."""
_DATED = ("said_on", "said_until", "said_on_precision", "said_on_reference")

_UNDATED = """
    select f.{key}, f.said_on_text, s.last_on as written_on
    from {table} as f
    inner join fact_articles as a using (article_id)
    left join story_articles as m using (article_id)
    left join dim_stories as s on m.story_id = s.story_id and s.last_on - s.first_on <= {most}
    where f.said_on_text is not null and a.published_on is null and f.said_on_reference is distinct from 'article'
"""


def date_occasions(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Fill `said_on` of quotes and statements in articles without a date from the date of their story; return the changed rows.

    The day of writing is taken to be the last day on which the story is known to have been published. What an article itself
    dates is left as it is; what was counted from a story that no longer has one date is cleared.

    Args:
        con: The staged release, with stories up to date.
        changed: Not asked for: a new article may date all others of its story.
    """
    return sum(
        _date_table(con, table, key)
        for table, key in (("fact_quotes", "quote_id"), ("fact_statements", "statement_id"))
    )


def _date_table(con: duckdb.DuckDBPyConnection, table: str, key: str) -> int:
    undated = con.sql(_UNDATED.format(table=table, key=key, most=MOST_DAYS)).pl()
    told = undated.select("said_on_text", "written_on").unique().drop_nulls()
    days = [_read_days(*row) for row in told.iter_rows()]
    names = ("said_on_text", *_DATED)
    types = {name: FACT_QUOTES.schema[name] for name in names}
    schema = pl.Schema(
        [("said_on_text", pl.String()), ("written_on", pl.Date())] + [(name, types[name]) for name in _DATED]
    )
    dated = pl.DataFrame(
        [(*row, *found) for row, found in zip(told.iter_rows(), days, strict=True)], schema=schema, orient="row"
    )
    con.register("dated_rows", undated.join(dated, on=["said_on_text", "written_on"], how="left").select(key, *_DATED))
    values = ", ".join(f"{name} = new.{name}" for name in _DATED)
    [(count,)] = con.execute(
        f"update {table} set {values} from dated_rows as new "
        f"where {table}.{key} = new.{key} and {table}.said_on is distinct from new.said_on"
    ).fetchall()
    con.unregister("dated_rows")
    return int(count)


def _read_days(text: str, written_on: date) -> tuple[date | None, date | None, str | None, str | None]:
    days = next((resolve_time(words, written_on, None) for words in find_times(text)), None)
    return (None, None, None, None) if days is None else (days.first, days.last, days.precision, "story")
