"""Why an article reads as it does, and why something did not become one: the answers that `onrecord` prints."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tasks.errors import UsageError
from warehouse.connection import connect_read_only
from warehouse.errors import WarehouseError
from warehouse.ledger import ledger_path, read_ledger
from warehouse.releases import find_current_release

QUOTE_STYLE = "bold green"
INDIRECT_STYLE = "green"
SPEAKER_STYLE = "bold yellow"
CUE_STYLE = "cyan"
_SHOWN_COLUMNS = (
    "article_id", "document_id", "source_uri", "raw_sha256", "encoding", "layout", "language", "outlet", "title", "authors",
    "dateline", "published_on", "url",
)  # fmt: skip
_KEPT_STYLES = {"body": "", "heading": "bold", "title": "bold"}  # every other label is left out of the body, and dim

_REJECTED_SQL = """
-- grain: one thing that did not get in, as of the last run that looked at it
with last_runs as (
    select run_id from pipeline_runs where status in ('published', 'unchanged', 'stopped')
    qualify row_number() over (partition by sources order by started_at desc) = 1
),
found as (
    select r.source_uri as what, r.stage, r.reject_reason as reason, r.detail, r.rejected_at as since
    from rejected_documents as r semi join last_runs using (run_id)
    where r.stage in ('ingest', 'metadata', 'correction', 'authority')
),
judged as (
    select r.source_uri, r.stage, r.reject_reason, r.detail, r.rejected_at
    from rejected_documents as r
    semi join source_sightings as s
        on s.source_uri = r.source_uri and s.raw_sha256 = r.raw_sha256 and s.outcome = 'rejected'
    where r.stage not in ('ingest', 'metadata', 'correction', 'authority')
    qualify row_number() over (partition by r.source_uri, r.stage order by r.rejected_at desc) = 1
),
stopped as (
    select
        source_uri, 'validate', 'stopped', 'its batch failed an expectation; build with --retry-stopped to try again',
        first_seen_at
    from source_sightings where outcome = 'stopped'
),
quarantined as (
    select q.table_name || ' ' || q.row_key, 'validate', 'quarantined', q.expectation, r.started_at
    from quarantined_rows as q inner join pipeline_runs as r using (run_id)
    where r.rules_version = (select max_by(rules_version, started_at) from pipeline_runs)
    qualify row_number() over (partition by q.table_name, q.row_key, q.expectation order by r.started_at desc) = 1
)
from found union all from judged union all from stopped union all from quarantined
order by stage, reason, what
"""


def read_rejected(warehouse: Path) -> pl.DataFrame:
    """Read what did not get in: `what`, `stage`, `reason`, `detail`, `since`.

    Raises `WarehouseError` where nothing was ever built.
    """
    ledger = ledger_path(warehouse)
    if not ledger.exists():
        raise WarehouseError(f"{warehouse} has no ledger: build it first")
    find_current_release(warehouse)
    return read_ledger(ledger, _REJECTED_SQL)


def explain_article(warehouse: Path, article_id: str) -> Iterator[RenderableType]:
    """Yield what there is to see of one article: its attributes, its segments, its body with marks, its quotes.

    Raises `UsageError` when no article's id begins with `article_id`, or more than one does.
    """
    con = connect_read_only(warehouse)
    try:
        article = _find_article(con, article_id)
        key = [article["article_id"]]
        yield _list_attributes(article, con.execute(_ATTRIBUTES_SQL, key).pl())
        yield _list_segments(con.execute(_SEGMENTS_SQL, key).pl())
        quotes = con.execute(_QUOTES_SQL, key).pl()
        yield Text("\nBody", style="bold underline")
        yield mark_body(str(article["body"]), quotes)
        yield _list_quotes(quotes)
    finally:
        con.close()


_ATTRIBUTES_SQL = "from article_attributes where article_id = ? order by attribute, origin"
_SEGMENTS_SQL = "from article_segments where article_id = ? order by line_no, segment_no"
_QUOTES_SQL = """
select q.*, e.entity_name as speaker_name
from fact_quotes as q left join dim_entities as e on e.entity_id = q.speaker_entity_id
where q.article_id = ? order by q.start_char, q.end_char desc
"""


def _find_article(con: duckdb.DuckDBPyConnection, prefix: str) -> dict[str, object]:
    sql = "from fact_articles where starts_with(article_id, ?) order by article_id limit 6"
    articles = con.execute(sql, [prefix]).pl()
    if articles.height == 1:
        return articles.row(0, named=True)
    if articles.is_empty() or not prefix:
        raise UsageError(f"no article has an id that begins with {prefix!r}; list them with a query on fact_articles")
    raise UsageError(f"several articles have ids that begin with {prefix}: {', '.join(articles['article_id'])}")


def _list_attributes(article: dict[str, object], attributes: pl.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in _SHOWN_COLUMNS:
        table.add_row(name, _to_text(article[name]))
    for row in attributes.iter_rows(named=True):
        chosen = "chosen" if row["is_chosen"] else "not chosen"
        told = f"{row['value']}  ({row['origin']}: {row['evidence']}; {chosen})"
        table.add_row(f"  {row['attribute']}", _to_text(told, "dim"))
    return table


def _list_segments(segments: pl.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, title="\nSegments", title_style="bold underline", title_justify="left")
    table.add_column("line", justify="right")
    for name in ("label", "reason", "text"):
        table.add_column(name, overflow="fold")
    for row in segments.iter_rows(named=True):
        style = _KEPT_STYLES.get(row["label"], "dim")
        table.add_row(str(row["line_no"]), *(_to_text(row[name], style) for name in ("label", "reason", "text")))
    return table


def mark_body(body: str, quotes: pl.DataFrame) -> Text:
    """Return the body with quotes, speakers and cues in colour, and in front of each quote its number."""
    text = _to_text(body)
    numbers: dict[int, str] = {}
    for number, quote in enumerate(quotes.iter_rows(named=True), start=1):
        style = INDIRECT_STYLE if quote["quote_type"] == "indirect" else QUOTE_STYLE
        text.stylize(style, quote["start_char"], quote["end_char"])
        for name, style in (("speaker", SPEAKER_STYLE), ("cue", CUE_STYLE)):
            if quote[f"{name}_start_char"] is not None:
                text.stylize(style, quote[f"{name}_start_char"], quote[f"{name}_end_char"])
        numbers[quote["start_char"]] = numbers.get(quote["start_char"], "") + f"[{number}]"
    pieces = text.divide(sorted(numbers))
    starts = [0, *sorted(numbers)]
    numbered = (_number(piece, start, numbers) for start, piece in zip(starts, pieces, strict=True))
    return Text.assemble(*chain.from_iterable(numbered))


def _number(piece: Text, start: int, numbers: dict[int, str]) -> Iterator[Text]:
    if start in numbers and (start > 0 or piece.plain):
        yield Text(numbers[start], style="bold magenta")
    yield piece


def _list_quotes(quotes: pl.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, title="\nQuotes", title_style="bold underline", title_justify="left")
    table.add_column("no", justify="right", style="bold magenta")
    for name in ("type", "quote", "speaker", "who", "rule"):
        table.add_column(name, overflow="fold")
    table.add_column("confidence", justify="right")
    for number, row in enumerate(quotes.iter_rows(named=True), start=1):
        names = ("quote_type", "quote_text", "speaker_text", "speaker_name", "attribution_rule")
        table.add_row(str(number), *(_to_text(row[name]) for name in names), f"{row['confidence']:.2f}")
    return table


def _to_text(value: object, style: str = "") -> Text:
    from flows.cli import make_printable

    shown = "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
    return Text(make_printable(shown), style=style)
