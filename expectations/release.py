"""What must be true of a whole release: keys, references, spans and ratios over all its rows, in SQL."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from expectations.base import FILLED, RATIO_MIN_ROWS, Ratio, Severity
from expectations.suites import SUITES
from warehouse.tables import TABLES, Table


@dataclass(frozen=True)
class Judgement:
    """One expectation on one table of a release: rows checked, rows that failed, what follows."""

    table_name: str
    name: str
    severity: Severity
    is_success: bool
    checked: int
    failed: int
    detail: str | None = None


@dataclass(frozen=True)
class ReleaseCheck:
    """An expectation in SQL: `failed` is true for a row `t` that breaks it, `source` is what `t` ranges over."""

    table_name: str
    name: str
    description: str
    failed: str
    source: str


def judge_release(con: duckdb.DuckDBPyConnection) -> Iterator[Judgement]:
    """Judge every table of the release that is open in `con`; ledger tables only when they have been copied already."""
    present = {name for (name,) in con.execute("select table_name from duckdb_tables() where not internal").fetchall()}
    for table in TABLES:
        if table.name in present:
            yield from _judge_table(con, table)
        elif table.scope != "ledger":
            yield Judgement(table.name, "table_exists", "stop", False, 0, 1, "the release has no such table")
    for suite in SUITES:
        yield from (_judge_ratio(con, suite.table, ratio) for ratio in suite.ratios if suite.table.name in present)


def list_checks(table: Table) -> tuple[ReleaseCheck, ...]:
    """Return the checks of one table: those its declaration gives, then its own."""
    own = tuple(check for check in OWN_CHECKS if check.table_name == table.name)
    return (_check_filled(table), *_check_words(table), *_check_references(table), *own)


def _check_filled(table: Table) -> ReleaseCheck:
    filled = " or ".join(f't."{column.name}" is null' for column in table.columns if not column.nullable)
    return ReleaseCheck(
        table.name,
        FILLED,
        "No column that must be filled is null.",
        filled,
        f'"{table.name}" as t',
    )


def _check_words(table: Table) -> Iterator[ReleaseCheck]:
    for column in table.columns:
        if column.values:
            words = ", ".join(f"'{word}'" for word in column.values)
            yield ReleaseCheck(
                table.name,
                f"{column.name}_is_in_vocabulary",
                f"{column.name} is one of {', '.join(column.values)}.",
                f't."{column.name}" not in ({words})',
                f'"{table.name}" as t',
            )


def _check_references(table: Table) -> Iterator[ReleaseCheck]:
    keys = {other.name: other.key[0] for other in TABLES}
    for column, target in table.references.items():
        yield ReleaseCheck(
            table.name,
            f"{column}_exists",
            f"{column} names a row of {target}, or nothing where it may be null.",
            f't."{column}" is not null and o."{keys[target]}" is null',
            f'"{table.name}" as t left join "{target}" as o on t."{column}" = o."{keys[target]}"',
        )


def _check_link(table_name: str, document_column: str, column: str) -> ReleaseCheck:
    return ReleaseCheck(
        table_name,
        f"{column}_follows_its_link",
        f"{column} is the entity that {document_column} is linked to.",
        f't."{column}" is distinct from l.entity_id',
        f'"{table_name}" as t left join entity_links as l on t."{document_column}" = l.document_entity_id',
    )


def _check_speaker(table_name: str, key: str, corrected: str) -> ReleaseCheck:
    link = "l.entity_id"
    return ReleaseCheck(
        table_name,
        "speaker_entity_id_follows_its_link",
        "speaker_entity_id is the entity that a correction names, else that speaker_document_entity_id is linked to.",
        f"t.speaker_entity_id is distinct from case when c.{key} is null then {link} else c.speaker_entity_id end",
        f"""{table_name} as t left join entity_links as l on t.speaker_document_entity_id = l.document_entity_id
    left join ({corrected}) as c on t.{key} = c.{key}""",
    )


def _check_slice(table_name: str, text: str) -> ReleaseCheck:
    length = "t.end_char::bigint - t.start_char::bigint"
    return ReleaseCheck(
        table_name,
        f"{text}_is_in_body",
        f"body[start_char:end_char] is {text}.",
        f"substring(a.body, t.start_char::bigint + 1, {length}) is distinct from t.{text}",
        f"{table_name} as t left join fact_articles as a using (article_id)",
    )


OWN_CHECKS = (
    ReleaseCheck(
        "fact_articles",
        "document_has_one_current_article",
        "Two current articles are never of the same document.",
        "t.row_count > 1",
        "(select document_id, count(*) as row_count from fact_articles group by document_id) as t",
    ),
    ReleaseCheck(
        "fact_articles",
        "article_was_sighted",
        "Every article has a row in source_documents.",
        "not exists (select 1 from source_documents as s where s.article_id = t.article_id)",
        "fact_articles as t",
    ),
    _check_slice("fact_quotes", "quote_text"),
    ReleaseCheck(
        "fact_quotes",
        "quotes_do_not_overlap",
        "At one depth of one article no two quotes overlap.",
        "t.start_char < t.previous_end",
        """(select start_char, max(end_char) over (
        partition by article_id, parent_quote_id order by start_char, end_char
        rows between unbounded preceding and 1 preceding
    ) as previous_end from fact_quotes) as t""",
    ),
    _check_speaker("fact_quotes", "quote_id", "from quote_speaker_corrections"),
    _check_speaker(
        "fact_statements",
        "statement_id",
        "select distinct statement_id, speaker_entity_id from quote_speaker_corrections where is_whole_statement",
    ),
    _check_slice("fact_entity_mentions", "mention_text"),
    _check_link("fact_entity_mentions", "document_entity_id", "entity_id"),
    _check_link("fact_quotes", "said_place_document_entity_id", "said_place_entity_id"),
    _check_link("fact_statements", "said_place_document_entity_id", "said_place_entity_id"),
    _check_link("statement_speakers", "speaker_document_entity_id", "speaker_entity_id"),
    _check_link("statement_relays", "relay_document_entity_id", "relay_entity_id"),
    ReleaseCheck(
        "document_entities",
        "document_entity_is_linked",
        "Every document entity is linked to an entity of the corpus.",
        "not exists (select 1 from entity_links as l where l.document_entity_id = t.document_entity_id)",
        "document_entities as t",
    ),
    ReleaseCheck(
        "dim_entities",
        "entity_is_linked",
        "Every entity of the corpus is linked to a document entity.",
        "not exists (select 1 from entity_links as l where l.entity_id = t.entity_id)",
        "dim_entities as t",
    ),
)


def _judge_table(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Judgement]:
    key = ", ".join(f'"{name}"' for name in table.key)
    checked, distinct = _fetch_counts(con, f'select count(*), count(distinct ({key})) from "{table.name}"')
    yield Judgement(table.name, "key_is_unique", "stop", checked == distinct, checked, checked - distinct)
    for check in list_checks(table):
        checked, failed = _fetch_counts(con, f"select count(*), count(*) filter ({check.failed}) from {check.source}")
        yield Judgement(table.name, check.name, "stop", failed == 0, checked, failed)


def _judge_ratio(con: duckdb.DuckDBPyConnection, table: Table, ratio: Ratio) -> Judgement:
    query = (
        f'select count(holds), count(*) filter (not holds) from (select {ratio.sql} as holds from "{table.name}" as t)'
    )
    checked, failed = _fetch_counts(con, query)
    severity: Severity = "stop" if checked >= RATIO_MIN_ROWS else "warn"
    share = failed / checked if checked else 0.0
    detail = f"share {share:.3f}, at most {ratio.max_share:.3f}"
    return Judgement(table.name, ratio.name, severity, share <= ratio.max_share, checked, failed, detail)


def _fetch_counts(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    counts = con.execute(query).fetchone()
    if counts is None:
        raise RuntimeError(f"no counts from: {query}")
    return int(counts[0]), int(counts[1])
