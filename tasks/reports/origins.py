"""Reports of an utterance or a story -> the independent origins that they go back to, with the evidence in words.

A report goes back, in this order, to: the relay that it names (*according to the agency*, *told the newspaper*; of a chain the
last link); a news organization that is printed as the speaker of words that it "reported"; the origin that its article copies
(`article_copies`, followed to its end); the news organization that its dateline credits, when that is not the outlet; its
outlet; itself. Names of agencies and outlets are brought to one form, so that a paper's own report and another's "told the
paper" are one origin. Reports that go back to the same are no independent witnesses, whatever their number. Relays count for
utterances only: an article may relay one quotation and have its own people for the rest of the story.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

import duckdb
import polars as pl

from tasks.identity.names import fold_name
from tasks.lexicons import load_lexicon
from tasks.reports.utterances import is_relayed
from warehouse.ddl import merge_query, merge_rows
from warehouse.tables import ARTICLE_ORIGINS, STORY_ORIGINS, UTTERANCE_ORIGINS

SOURCES = {"source_key": pl.String, "origin_text": pl.String, "reason": pl.String}
"""What something goes back to: a key that is equal for the same source, its name, and why, in words."""

_ARTICLES_AT_ONCE, _REPORTS_AT_ONCE = 20_000, 100_000


def update_origins(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring the origins of articles, utterances and stories up to date, and the counts of them.

    Args:
        con: The staged release, with copies, stories and utterances up to date.
        changed: `article_id` of the articles whose facts or entity ids are other than before; None for all.

    Returns:
        The number of changed rows.
    """
    con.execute("create or replace temp table found_origins as from article_origins limit 0")
    for part in _find_article_origins(con):
        con.register("own_origins", part)
        con.execute("insert into found_origins by name from own_origins")
        con.unregister("own_origins")
    columns = ", ".join(ARTICLE_ORIGINS.column_names)
    con.execute(
        f"""
        create or replace temp table moved_articles as
        select article_id from (select {columns} from found_origins except select {columns} from article_origins)
        """
    )
    changed_count = merge_query(con, ARTICLE_ORIGINS, "from found_origins", delete_where="true")
    if changed is None:
        con.execute("insert into moved_articles select article_id from fact_articles")
    else:
        con.register("changed_articles", changed)
        con.execute("insert into moved_articles select article_id from changed_articles")
        con.unregister("changed_articles")
    changed_count += _update_utterance_origins(con) + _update_story_origins(con)
    con.execute("drop table moved_articles")
    con.execute("drop table found_origins")
    return changed_count


def _find_article_origins(con: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
    """Yield ARTICLE_ORIGINS, some thousands at a time: what each article goes back to as a whole.

    A chain of copies is followed to its end; articles that name each other go back to the smallest id among them.
    """
    copies = con.sql(
        "select article_id, origin_article_id, origin_text, copy_kind, measure_name, measure from article_copies where origin_no = 0"
    ).pl()
    ends = _follow(dict(copies.select("article_id", "origin_article_id").drop_nulls().iter_rows()))
    agencies = {article: text for article, text in copies.select("article_id", "origin_text").iter_rows() if text}
    whys = {
        article: f"{kind} copy ({name} {measure:.2f})"
        for article, kind, name, measure in copies.select(
            "article_id", "copy_kind", "measure_name", "measure"
        ).iter_rows()
    }
    con.register(
        "chain_ends", pl.DataFrame({"article_id": sorted(set(ends.values()))}, schema={"article_id": pl.String})
    )
    known = _read_outlets(con, "semi join chain_ends using (article_id)")
    con.unregister("chain_ends")
    [(count,)] = con.execute("select count(*) from fact_articles").fetchall()
    parts = 1 + count // _ARTICLES_AT_ONCE
    for part in range(parts):
        own = _read_outlets(con, f"where hash(article_id) % {parts} = {part}")
        every = known | own
        found = [_name_source(article, ends.get(article, article), every, agencies, whys) for article in own]
        yield pl.DataFrame(found, schema=ARTICLE_ORIGINS.schema, orient="row")


def _read_outlets(con: duckdb.DuckDBPyConnection, which: str) -> dict[str, tuple[str | None, str | None]]:
    """Return article -> its outlet, and the news organization that its dateline credits."""
    rows = con.execute(f"select article_id, outlet, dateline, dateline_place from fact_articles {which}").fetchall()
    return {
        article: (outlet, None if dateline is None else find_credit(dateline, place, outlet))
        for article, outlet, dateline, place in rows
    }


@lru_cache(maxsize=2**14)
def find_credit(dateline: str | None, place: str | None, outlet: str | None) -> str | None:
    """Return the news organization that a dateline credits beside its place; None when it is the outlet or there is none.

    It is a name of the lexicon of agencies, or an acronym in capitals that stands last and is the code of no place.
    """
    if not dateline:
        return None
    rest = dateline.removeprefix(place or "").strip(" ,.;:–—-()/")
    words = re.findall(r"[\w.&’'-]+", rest)
    tails = (" ".join(words[first:]) for first in range(len(words)))
    named = next((name_source(tail) for tail in tails if fold_name(tail) in _agency_names()), None)
    acronym = (
        words[-1] if words and re.fullmatch(r"[A-Z]{3,5}", words[-1]) and words[-1] not in _place_codes() else None
    )
    credit = named or acronym
    return None if credit is None or (outlet and fold_name(credit) == fold_name(name_source(outlet))) else credit


@lru_cache(maxsize=2**14)
def name_source(text: str) -> str:
    """Return the name of a news organization in one form: agencies as their lexicon has them, others without the article."""
    plain = re.sub(r"(?i)^the\s+", "", " ".join(text.split()))
    return _agency_names().get(fold_name(plain), plain)


@lru_cache(maxsize=2**14)
def fold_source(text: str) -> str:
    """Return the key by which a relay, an agency and an outlet of one name are the same source."""
    return f"source {fold_name(name_source(text)) or text.casefold()}"


def _name_source(
    article: str,
    end: str,
    known: dict[str, tuple[str | None, str | None]],
    agencies: dict[str, str],
    whys: dict[str, str],
) -> tuple[str | None, ...]:
    outlet, credit = known.get(end, (None, None))
    agency = agencies.get(end) or (agencies.get(article) if end == article else None)
    copied = f"{whys[article]} of article {end}" if end != article else None
    if agency:
        reason, name = f"{'; '.join(filter(None, [copied, whys.get(end)]))}, credited to {agency}", name_source(agency)
    elif credit:
        reason, name = "; ".join(filter(None, [copied, f"the dateline credits {credit}"])), credit
    elif outlet:
        reason, name = copied or f"printed by {outlet}", outlet
    else:
        return article, end, f"article {end}", None, copied or "the article itself, of an outlet that is not known"
    return article, end, fold_source(name), name, reason


def _follow(copies: dict[str, str]) -> dict[str, str]:
    """Return article -> the end of its chain of origins; of a ring the smallest id."""
    ends: dict[str, str] = {}
    for article in copies:
        chain: dict[str, None] = {}
        node = article
        while node not in chain and node not in ends and node in copies:
            chain[node] = None
            node = copies[node]
        ring = list(chain)[list(chain).index(node) :] if node in chain else []
        end = min(ring) if ring else ends.get(node, node)
        ends.update(dict.fromkeys(chain, end))
    return ends


def _update_utterance_origins(con: duckdb.DuckDBPyConnection) -> int:
    """Compute anew the origins of utterances with a report in a moved article, or with other reports than they had."""
    con.execute(
        """
        create or replace temp table touched_utterances as
        with stored as (select utterance_id, unnest(quote_ids) as quote_id from utterance_origins)
        select utterance_id from utterance_wordings where article_id in (select article_id from moved_articles)
        union select utterance_id from utterance_wordings anti join stored using (utterance_id, quote_id)
        union select utterance_id from stored anti join utterance_wordings using (utterance_id, quote_id)
        """
    )
    changed_count = 0
    for own in _cut_owners(con, "utterance_wordings"):
        reports = con.sql(
            f"""
            select w.utterance_id as owner_id, w.quote_id as report_id, w.article_id, a.published_on, o.source_key, o.origin_text, o.reason,
                q.speaker_text, q.speaker_kind, q.cue, coalesce(r.relay_text, q.via_text) as relay_text
            from utterance_wordings as w semi join touched_utterances using (utterance_id)
            inner join fact_quotes as q on w.quote_id = q.quote_id
            inner join fact_articles as a on w.article_id = a.article_id
            inner join article_origins as o on w.article_id = o.article_id
            left join (select statement_id, max_by(relay_text, relay_no) as relay_text from statement_relays group by statement_id) as r
                on q.statement_id = r.statement_id
            where {own.format("w.utterance_id")}
            """
        ).pl()
        origins = _fold(_apply_relays(reports), "utterance_id", "quote_ids").select(UTTERANCE_ORIGINS.column_names)
        is_touched = (
            f"old.utterance_id in (select utterance_id from touched_utterances) and {own.format('old.utterance_id')}"
        )
        changed_count += merge_rows(con, UTTERANCE_ORIGINS, origins, delete_where=is_touched)
    con.execute("drop table touched_utterances")
    return changed_count + _count_origins(con, "dim_utterances", "utterance_origins", "utterance_id")


def _cut_owners(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    """Yield conditions on a key that together hold for every row of a table, each for some thousands of rows and a whole owner."""
    [(count,)] = con.execute(f"select count(*) from {table}").fetchall()
    parts = 1 + count // _REPORTS_AT_ONCE
    for part in range(parts):
        yield f"hash({{}}) % {parts} = {part}"


def _update_story_origins(con: duckdb.DuckDBPyConnection) -> int:
    con.execute(
        """
        create or replace temp table touched_stories as
        with stored as (select story_id, unnest(article_ids) as article_id from story_origins)
        select story_id from story_articles where article_id in (select article_id from moved_articles)
        union select story_id from story_articles anti join stored using (story_id, article_id)
        union select story_id from stored anti join story_articles using (story_id, article_id)
        """
    )
    changed_count = 0
    for own in _cut_owners(con, "story_articles"):
        reports = con.sql(
            f"""
            select s.story_id as owner_id, s.article_id as report_id, s.article_id, a.published_on, o.source_key, o.origin_text, o.reason,
                o.origin_article_id = s.article_id as is_end
            from story_articles as s semi join touched_stories using (story_id)
            inner join fact_articles as a on s.article_id = a.article_id
            inner join article_origins as o on s.article_id = o.article_id
            where {own.format("s.story_id")}
            """
        ).pl()
        folded = _fold(reports.sort("is_end", descending=True), "story_id", "article_ids")
        is_touched = f"old.story_id in (select story_id from touched_stories) and {own.format('old.story_id')}"
        changed_count += merge_rows(
            con, STORY_ORIGINS, folded.select(STORY_ORIGINS.column_names), delete_where=is_touched
        )
    con.execute("drop table touched_stories")
    return changed_count + _count_origins(con, "dim_stories", "story_origins", "story_id")


def _apply_relays(reports: pl.DataFrame) -> pl.DataFrame:
    """Let what a report relays be its source, before what its article goes back to.

    An article is one witness of an utterance: if it relays one report of it, it relays them all.
    """
    speaker = pl.when(is_relayed()).then(pl.col("speaker_text"))
    own = pl.coalesce("relay_text", speaker)
    relays = reports.with_columns(relay=own.drop_nulls().min().over("owner_id", "article_id"))
    named = relays.select(pl.col("relay").drop_nulls().unique()).to_series().to_list()
    sources = pl.DataFrame(
        [(text, fold_source(text), name_source(text), f"relays {text}") for text in named],
        schema={"relay": pl.String, **{f"relayed_{name}": dtype for name, dtype in SOURCES.items()}},
        orient="row",
    )
    return relays.join(sources, on="relay", how="left").with_columns(
        pl.coalesce(f"relayed_{name}", name).alias(name) for name in SOURCES
    )


def _fold(reports: pl.DataFrame, owner: str, members: str) -> pl.DataFrame:
    """Bring the reports of one source together: a row an origin, numbered from the earliest, then the one with most reports."""
    reasons = (
        reports.group_by("owner_id", "source_key", "reason")
        .agg(count=pl.len())
        .sort("count", "reason", descending=[True, False])
        .group_by("owner_id", "source_key", maintain_order=True)
        .agg(evidence=pl.format("{} × {}", "count", "reason").head(10).str.join("; "))
    )
    ranked = reports if "is_end" in reports.columns else reports.with_columns(is_end=pl.lit(True))
    folded = (
        ranked.sort(pl.col("is_end").not_(), pl.col("published_on"), pl.col("report_id"), nulls_last=True)
        .group_by("owner_id", "source_key", maintain_order=True)
        .agg(
            pl.col("origin_text").drop_nulls().min(),
            pl.col("report_id").alias(members),
            first_on=pl.col("published_on").min(),
            report_count=pl.len(),
        )
        .join(reasons, on=["owner_id", "source_key"])
        .sort(
            "owner_id",
            "first_on",
            "report_count",
            "source_key",
            descending=[False, False, True, False],
            nulls_last=True,
        )
    )
    return folded.with_columns(
        pl.col("owner_id").alias(owner),
        pl.int_range(pl.len()).over("owner_id").alias("origin_no"),
        pl.col("origin_text").fill_null(pl.col("source_key")),
    )


def _count_origins(con: duckdb.DuckDBPyConnection, table: str, origins: str, key: str) -> int:
    [(count,)] = con.execute(
        f"""
        update {table} set origin_count = new.origin_count
        from (
            select f.rowid as row_no, c.origin_count
            from {table} as f
            inner join (select {key}, count(*)::uinteger as origin_count from {origins} group by {key}) as c using ({key})
            where f.origin_count is distinct from c.origin_count
        ) as new
        where {table}.rowid = new.row_no
        """
    ).fetchall()
    return int(count)


@cache
def _agency_names() -> dict[str, str]:
    """Return every folded name and alias of a news agency -> its name."""
    rows: Iterable[tuple[str, list[str]]] = load_lexicon("agencies").select("name", "aliases").iter_rows()
    named = [(fold_name(alias), name) for name, aliases in rows for alias in (name, *aliases)]
    return dict(sorted(named, reverse=True))


@cache
def _place_codes() -> frozenset[str]:
    """Return acronyms of places, which stand in datelines too: states, countries."""
    lexicons = (load_lexicon("regions"), load_lexicon("countries"))
    aliases = {alias for lexicon in lexicons for row in lexicon["aliases"] for alias in row}
    return frozenset(name.replace(".", "").upper() for name in (*aliases, *lexicons[1]["code"]))
