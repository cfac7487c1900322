"""The time of an analyst's questions to a large warehouse of made-up rows: the marts, and a scan of all mentions."""

import statistics
import time
from pathlib import Path

import duckdb

from bench.page import Cell, render_goals, render_table
from warehouse.connection import PUBLISH_MEMORY, connect_private, connect_read_only
from warehouse.ddl import create_schema, quote_name
from warehouse.tables import SCHEMA_VERSION, TABLES, Table
from warehouse.views import create_marts

ARTICLES = 1_000_000
QUOTES_OF_ONE, MENTIONS_OF_ONE = 5, 30
_ROUNDS = 11
_FILL_MEMORY = "6GB"
_MOST_SECONDS, _MOST_SCAN_SECONDS = 0.150, 0.500

_DEFAULTS = {
    "VARCHAR": "''", "BOOLEAN": "false", "DOUBLE": "1.0", "DATE": "date '2024-01-01'", "BLOB": "''::blob",
    "TIMESTAMP WITH TIME ZONE": "timestamptz '2024-01-01 00:00:00+00'",
}  # fmt: skip

# Every number follows from the row: `r(i, salt)` is uniform in [0, 1); names are used as they are in news, a few very often.
# Ids are as long as those of the pipeline.
_MACROS = """
    create temp macro r(i, salt) as (hash(i * 1000003 + salt) % 1000003) / 1000003.0;
    create temp macro id(kind, i) as md5(kind || i)[:16];
    create temp macro entity_of(i, salt) as id('entity', floor(pow(r(i, salt), 4) * getvariable('entities'))::bigint);
"""


def _columns(articles: int) -> dict[str, tuple[int, dict[str, str]]]:
    """Return for each filled table its rows and what its columns hold: expressions of `i`."""
    entities, stories, utterances = articles // 5, articles // 4, articles * 2
    quote_article = f"id('article', i // {QUOTES_OF_ONE})"
    words = "(select string_agg(md5((i * 31 + n)::varchar)[:7], ' ') from range(15) as t (n))"
    return {
        "fact_articles": (articles, {
            "article_id": "id('article', i)", "document_id": "id('document', i)", "source_uri": "i || '.txt'",
            "outlet": "'Outlet ' || floor(pow(r(i, 1), 2) * 300)::int", "title": "'Title ' || i", "body": "repeat(md5(i::varchar), 60)",
            "published_on": "date '2019-01-01' + floor(r(i, 2) * 1800)::int", "authors": "['Author ' || i % 5000]", "language": "'en'",
        }),
        "fact_quotes": (articles * QUOTES_OF_ONE, {
            "quote_id": "id('quote', i)", "article_id": quote_article, "statement_id": "id('statement', i)", "quote_text": words,
            "quote_text_normalized": words, "speaker_text": "'she'", "speaker_entity_id": "case when r(i, 3) < .8 then entity_of(i, 4) end",
            "quote_type": "case when r(i, 5) < .4 then 'indirect' else 'direct' end", "confidence": "r(i, 6)",
        }),
        "fact_statements": (articles * QUOTES_OF_ONE, {"statement_id": "id('statement', i)", "article_id": quote_article}),
        "fact_entity_mentions": (articles * MENTIONS_OF_ONE, {
            "mention_id": "id('mention', i)", "article_id": f"id('article', i // {MENTIONS_OF_ONE})", "entity_id": "entity_of(i, 7)",
            "document_entity_id": f"id('own', i // {MENTIONS_OF_ONE} * 100 + i % 10)", "mention_text": "'Name ' || i % 100000",
            "entity_type": "case i % 3 when 0 then 'person' when 1 then 'place' else 'organization' end", "mention_type": "'name'",
            "start_char": "(i % 30 * 60)::uinteger", "end_char": "(i % 30 * 60 + 10)::uinteger",
        }),
        "document_entities": (articles * 10, {
            "document_entity_id": "id('own', i // 10 * 100 + i % 10)", "article_id": "id('article', i // 10)", "mention_count": "3::uinteger",
            "entity_type": "'person'", "document_entity_name": "'Name ' || i % 100000",
        }),
        "entity_links": (articles * 10, {"document_entity_id": "id('own', i // 10 * 100 + i % 10)", "entity_id": "entity_of(i, 7)"}),
        "dim_entities": (entities, {
            "entity_id": "id('entity', i)", "entity_name": "'Name ' || i", "entity_type": "'person'", "aliases": "['Name ' || i, 'Alias ' || i]",
        }),
        "dim_stories": (stories, {"story_id": "id('story', i)", "story_title": "'Story ' || i"}),
        "story_articles": (articles, {"story_id": "id('story', i // 4)", "article_id": "id('article', i)"}),
        "dim_utterances": (utterances, {
            "utterance_id": "id('utterance', i)", "story_id": "id('story', i // 8)", "speaker_entity_id": "entity_of(i, 4)",
            "utterance_text": "'words ' || i", "reference_quote_id": "id('quote', i)", "has_speaker_conflict": "i % 500 = 0",
        }),
        "utterance_wordings": (articles * 3, {
            "quote_id": "id('quote', i)", "utterance_id": f"id('utterance', i % {utterances})", "article_id": f"id('article', i // {QUOTES_OF_ONE})",
            "wording_kind": "case when i % 7 = 0 then 'truncated' else 'verbatim' end", "deleted": "case when i % 7 = 0 then ['left out'] else [] end",
        }),
        "quote_mentions": (articles * QUOTES_OF_ONE, {
            "quote_id": "id('quote', i)", "article_id": quote_article,
            "mention_id": f"id('mention', i // {QUOTES_OF_ONE} * {MENTIONS_OF_ONE} + i % {QUOTES_OF_ONE})", "role": "'inside'",
        }),
    }  # fmt: skip


QUESTIONS = {
    "the latest 50 quotes of a speaker": "from mart_quotes where speaker = 'Name {n}' order by published_on desc limit 50",
    "the quotes of an outlet on a day": "from mart_quotes where outlet = 'Outlet {n}' and published_on = date '2021-03-{day}'",
    "quotes with a word": "from mart_quotes where contains(quote_text_normalized, '{word}') limit 50",
    "an article with its counts": "from mart_articles where article_id = md5('article{n}')[:16]",
    "the 20 most quoted speakers": "from mart_speakers order by quote_count desc limit 20",
    "who is quoted most, an outlet and month": "from mart_most_quoted where outlet = 'Outlet {n}' and month_on = date '2021-03-01' and rank_no <= 20",
    "the share of voice in a story": "from mart_share_of_voice where story_id = md5('story{n}')[:16]",
    "the record of a person": "from mart_record where speaker = 'Name {n}' order by published_on desc limit 100",
    "who is mentioned with somebody": "from mart_co_mentions where entity = 'Name {n}' order by article_count desc limit 20",
    "what an outlet left out": "from mart_left_out where outlet = 'Outlet {n}' limit 50",
    "conflicts of attribution in a story": "from mart_speaker_conflicts where story_id = md5('story{n}')[:16]",
}
SCAN = "select entity_type, mention_type, count(*), avg(end_char - start_char) from fact_entity_mentions group by all"


def fill_warehouse(con: duckdb.DuckDBPyConnection, articles: int) -> None:
    """Fill the tables that the marts read with made-up rows, about as many to an article as news has."""
    create_schema(con, TABLES)
    con.execute(_MACROS)
    con.execute(f"set variable entities = {articles // 5}")
    tables = {table.name: table for table in TABLES}
    for name, (rows, columns) in _columns(articles).items():
        values = ", ".join(
            f"{columns.get(c.name) or _default(con, tables[name], c.name)} as {quote_name(c.name)}"
            for c in tables[name].columns
        )
        con.execute(f"insert into {name} select {values} from range({rows}) as t (i)")


def _default(con: duckdb.DuckDBPyConnection, table: Table, column: str) -> str:
    if table.column(column).nullable:
        return "null"
    [(dtype,)] = con.execute(
        "select data_type from duckdb_columns() where table_name = ? and column_name = ?", [table.name, column]
    ).fetchall()
    return "[]" if dtype.endswith("[]") else _DEFAULTS.get(dtype, "0")


def measure_queries(work: Path, articles: int = ARTICLES) -> str:
    """Return the section on questions: the median and the slowest of several askings with other values, in milliseconds."""
    path = work / "queries.duckdb"
    with connect_private(path, _FILL_MEMORY) as con:
        fill_warehouse(con, articles)
    with connect_private(path, PUBLISH_MEMORY) as con:
        begun = time.perf_counter()
        create_marts(con)
        marts_seconds = time.perf_counter() - begun
        con.execute("insert into schema_migrations values (?, now())", [SCHEMA_VERSION])
    rows: list[list[Cell]] = []
    with connect_read_only(path) as con:
        for question, sql in {**QUESTIONS, "a scan of all mentions": SCAN}.items():
            seconds = [_ask(con, sql, n) for n in range(_ROUNDS)]
            rows.append([question, 1000 * statistics.median(seconds), 1000 * max(seconds)])
    slowest = max(float(row[1] or 0) for row in rows[:-1])
    scan = float(rows[-1][1] or 0)
    return f"""## Questions to a large warehouse

{articles:,} articles, {articles * QUOTES_OF_ONE:,} quotes, {articles * MENTIONS_OF_ONE:,} mentions, made up; each question asked {_ROUNDS} times
with other values, in one connection of {path.stat().st_size / 2**30:.1f} GiB. Building the stored marts took {marts_seconds:.0f} s.

{render_table(("question", "median (ms)", "slowest (ms)"), rows)}

{render_goals([("the slowest mart's median", 1000 * _MOST_SECONDS, slowest, "ms"), ("a scan of all mentions", 1000 * _MOST_SCAN_SECONDS, scan, "ms")])}
"""


def _ask(con: duckdb.DuckDBPyConnection, sql: str, number: int) -> float:
    values = {"n": str(number * 7 + 3), "day": f"{number + 10}", "word": f"{number * 977:07x}"[:4]}
    begun = time.perf_counter()
    con.execute(sql.format(**values)).fetchall()
    return time.perf_counter() - begun
