"""Who somebody is, as `onrecord who` prints it: names, links with their reasons, what was said, where it is unsure."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from rapidfuzz import fuzz, process
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tasks.errors import UsageError
from tasks.identity.names import fold_name, split_title
from warehouse.connection import connect_read_only

UNSURE_SCORE = 0.75
"""A link below it rests on little: a surname in like company, a name of one word."""
UNSURE_CONFIDENCE = 0.7
"""An attribution below it is right in fewer than seven of ten cases."""
_MOST_ENTITIES = 5
_MOST_ROWS = 20  # on the terminal; --json has all
_MOST_NAME_CHARS = 300

Entity = dict[str, Any]

_DETAILS = {
    "links": """
        select l.rule, l.score, e.document_entity_name as name, e.titles, a.source_uri, a.article_id, a.document_id,
            c.correction_id, c.machine_entity_id, c.machine_rule
        from entity_links as l
        inner join document_entities as e using (document_entity_id)
        inner join fact_articles as a using (article_id)
        left join entity_link_corrections as c using (document_entity_id)
        where l.entity_id = $id order by l.score, l.rule, a.source_uri
    """,
    "mentions": """
        select m.mention_text as words, a.document_id, a.source_uri, m.start_char, a.body
        from (
            select article_id, mention_text, start_char from fact_entity_mentions
            where entity_id = $id and mention_type = 'name'
            order by mention_text = $name desc, length(mention_text) desc, article_id, start_char limit 1
        ) as m inner join fact_articles as a using (article_id)
    """,
    "quotes": """
        select q.published_on, q.outlet, q.quote_type, q.cue, q.quote_text, q.speaker_text, q.via_text, q.confidence,
            q.speaker_correction_id, q.source_uri, a.document_id, f.attribution_rule, q.quote_id
        from mart_quotes as q inner join fact_articles as a using (article_id) inner join fact_quotes as f using (quote_id)
        where q.speaker_entity_id = $id
        order by q.published_on nulls last, q.source_uri, q.start_char
    """,
    "guesses": """
        select a.source_uri, q.quote_text, q.speaker_candidate_text, q.attribution_rule, q.confidence
        from fact_quotes as q inner join fact_articles as a using (article_id)
        where q.speaker_text is null and list_contains($names, lower(q.speaker_candidate_text))
        order by a.source_uri, q.start_char
    """,
    "namesakes": """
        select distinct entity_id, entity_name, entity_type, article_count
        from dim_entities, unnest(aliases) as one (alias)
        where list_contains($names, lower(alias)) and entity_id <> $id order by article_count desc, entity_id
    """,
    "taken_away": """
        select e.document_entity_name as name, a.source_uri, c.correction_id, d.entity_name as now
        from entity_link_corrections as c
        inner join document_entities as e using (document_entity_id)
        inner join fact_articles as a using (article_id)
        inner join dim_entities as d on c.entity_id = d.entity_id
        where c.machine_entity_id = $id order by a.source_uri
    """,
    "external_ids": "select external_scheme, external_id, authority_name from entity_authorities where entity_id = $id order by all",
    "corrections": """
        select file, line_no, action, corrected_by, corrected_on, reason from corrections
        where correction_id in (
            select correction_id from entity_link_corrections where entity_id = $id or machine_entity_id = $id
            union select rename_correction_id from entity_corrections where entity_id = $id
            union select retype_correction_id from entity_corrections where entity_id = $id
            union select correction_id from quote_speaker_corrections
            where speaker_entity_id = $id or machine_speaker_entity_id = $id
        ) order by file, line_no
    """,
}  # fmt: skip


def find_entities(warehouse: Path, name: str) -> list[Entity]:
    """Find who is called `name`, the most mentioned first, each with all that `_DETAILS` asks.

    That are the entities one of whose names is `name` after case, marks and titles are folded; else those with all its
    words in one of their names.

    Of many the first five; `match_count` is how many there are.

    Raises:
        UsageError: If nobody is; it names those whose names are near.
    """
    words = name[:_MOST_NAME_CHARS].split()
    folded = fold_name(" ".join(words[split_title(words) :]))
    con = connect_read_only(warehouse)
    try:
        found = _match(select_called(con, folded), folded)
        if not found:
            raise UsageError(f"nobody is called {folded or 'that'!r}" + _list_near(con, folded))
        return [
            {**entity, **_read_details(con, entity), "match_count": len(found)} for entity in found[:_MOST_ENTITIES]
        ]
    finally:
        con.close()


_CALLED_SQL = """
select * from dim_entities
where len(list_filter(
    list_append(aliases, entity_name),
    lambda one: strlen(one) <> length(one)
        or not regexp_matches(one, '[A-Za-z0-9]')
        or (
            len($words) > 0
            and len(list_filter(
                $words, lambda word: contains(regexp_replace(lower(one), '[^a-z0-9]', '', 'g'), word)
            )) = len($words)
        )
)) > 0
order by mention_count desc, entity_id
"""


def select_called(con: duckdb.DuckDBPyConnection, folded: str) -> list[Entity]:
    """Select the rows of `dim_entities` that may bear a folded name, the most mentioned first.

    These are all of which one name has all its letters, word by word, and those with a name in other letters than
    English ones: folding takes Python, and most names need none.
    """
    return con.sql(_CALLED_SQL, params={"words": folded.split()}).pl().to_dicts()


def _match(entities: list[Entity], folded: str) -> list[Entity]:
    names = [{fold_name(name) for name in (entity["entity_name"], *entity["aliases"])} for entity in entities]
    found = [entity for entity, own in zip(entities, names, strict=True) if folded in own]
    if not found and folded:
        words = set(folded.split())
        found = [
            entity for entity, own in zip(entities, names, strict=True) if any(words <= set(one.split()) for one in own)
        ]
    return found


def _list_near(con: duckdb.DuckDBPyConnection, folded: str) -> str:
    names = [name for (name,) in con.execute("select entity_name from dim_entities order by all").fetchall()]
    near = process.extract(folded, names, scorer=fuzz.WRatio, limit=3)
    told = ", ".join(one for one, score, _ in near if score >= 70)
    return f"; near are: {told}" if told else ""


def _read_details(con: duckdb.DuckDBPyConnection, entity: Entity) -> dict[str, list[Entity]]:
    names = sorted({name.lower() for name in (entity["entity_name"], *entity["aliases"])})
    given = {"id": entity["entity_id"], "names": names, "name": entity["entity_name"]}
    details = {}
    for key, sql in _DETAILS.items():
        used = {name: value for name, value in given.items() if re.search(rf"\${name}\b", sql)}
        details[key] = con.sql(sql, params=used).pl().to_dicts()
    for mention in details["mentions"]:
        mention["occurrence"] = _count_before(mention.pop("body"), mention["words"], mention.pop("start_char"))
    return details


def _count_before(body: str, words: str, start: int) -> int:
    from tasks.identity.passages import list_spans

    return sum(1 for first, _ in list_spans(body, words) if first <= start) or 1


def describe_entity(entity: Entity) -> Iterator[RenderableType]:
    """Yield what there is to see of one entity of `find_entities`."""
    yield _list_facts(entity)
    yield from _list_rows(
        "Names and links", entity["links"], ("score", "rule", "name", "titles", "source_uri", "correction_id")
    )
    said = ("published_on", "outlet", "quote_type", "quote_text", "speaker_text", "confidence", "speaker_correction_id")
    yield from _list_rows("What it said", entity["quotes"], said)
    unsure = [row for row in entity["links"] if row["score"] < UNSURE_SCORE]
    yield from _list_rows("Unsure: links that rest on little", unsure, ("score", "rule", "name", "source_uri"))
    doubtful = [row for row in entity["quotes"] if row["confidence"] < UNSURE_CONFIDENCE]
    yield from _list_rows("Unsure: quotes", doubtful, ("confidence", "attribution_rule", "quote_text", "source_uri"))
    guessed = ("speaker_candidate_text", "confidence", "quote_text", "source_uri")
    yield from _list_rows(
        "Unsure: quotes that nobody was named for, though it may have been this one", entity["guesses"], guessed
    )
    namesake = ("entity_name", "entity_type", "article_count", "entity_id")
    yield from _list_rows("Unsure: others who share one of the names", entity["namesakes"], namesake)
    yield from _list_rows(
        "Linked elsewhere by corrections", entity["taken_away"], ("name", "now", "source_uri", "correction_id")
    )
    told = ("file", "line_no", "action", "corrected_by", "corrected_on", "reason")
    yield from _list_rows("Corrections", entity["corrections"], told)
    yield from _show_reference(entity)


def _list_facts(entity: Entity) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("name", _to_text(entity["entity_name"]))
    table.add_row("type", _to_text(entity["entity_type"]))
    table.add_row("aliases", _to_text(entity["aliases"]))
    table.add_row("mentioned", f"{entity['mention_count']:,} times in {entity['article_count']:,} articles")
    ids = [f"{row['external_scheme']}:{row['external_id']}" for row in entity["external_ids"]]
    if ids:
        table.add_row("external id", _to_text(ids))
    table.add_row("entity_id", _to_text(entity["entity_id"]))
    return table


def _list_rows(title: str, rows: list[Entity], columns: tuple[str, ...]) -> Iterator[RenderableType]:
    if not rows:
        return
    more = f" (the first {_MOST_ROWS} of {len(rows):,}; --json has all)" if len(rows) > _MOST_ROWS else ""
    table = Table(
        box=None, pad_edge=False, title=escape(f"\n{title}{more}"), title_style="bold underline", title_justify="left"
    )
    shown = [name for name in columns if any(row[name] not in (None, []) for row in rows[:_MOST_ROWS])]
    for name in shown:
        table.add_column(name, overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(_to_text(row[name]) for name in shown))
    yield table


def _show_reference(entity: Entity) -> Iterator[RenderableType]:
    """Yield how a correction names the entity."""
    for mention in entity["mentions"]:
        lines = [
            f"name: {_quote(entity['entity_name'])}",
            f"type: {entity['entity_type']}",
            f"mention: {{document_id: {mention['document_id']}, words: {_quote(mention['words'])}, occurrence: {mention['occurrence']}}}",
        ]
        yield Text("\nIn a correction", style="bold underline")
        yield _to_text("\n".join(lines))


def _quote(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _to_text(value: object) -> Text:
    from flows.cli import make_printable

    if isinstance(value, float):
        return Text(f"{value:.2f}")
    shown = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Text(make_printable(shown))
