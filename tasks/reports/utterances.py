"""Quotes and stories -> utterances: reports that are the same thing said, the fullest wording first.

Quotes are compared inside a *scope*: the story of their article; where an article has no story yet, the speaker. An utterance
is a tree of wordings: from the longest to the shortest, each wording hangs on the best longer one that it is a report of
(`tasks/reports/wordings.py`), or begins an utterance. A short wording so never ties two long ones together, and the order of
articles has no part in it. The rows of a scope follow from its quotes alone: an increment reads again the scopes that changed.

Equal words of one speaker on one day are one wording, however many print them. Others are found by the words of content that
they share: a word leads to the `POSTINGS` longest wordings that have it, and the `CANDIDATES` that share most are aligned, so
that a scope costs as much as it has words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from math import ceil
from typing import Any

import duckdb
import polars as pl

from tasks.identity.redirects import find_successors, redirect_kind
from tasks.lexicons import load_lexicon
from tasks.reports.wordings import Bond, describe_difference, find_evidence, tells_content
from tasks.reports.words import Wording, read_wording
from warehouse.ddl import merge_query, merge_rows
from warehouse.keys import make_id
from warehouse.tables import DIM_UTTERANCES, UTTERANCE_SCOPES, UTTERANCE_WORDINGS

POSTINGS, CANDIDATES = 24, 12
CHUNK_QUOTES = 50_000
"""Quotes whose scopes are read together; a scope is never divided."""

_EVIDENCE = (
    "same_words", "contained", "stretches", "overlap", "synonyms_in_frame", "few_words_changed", "same_content",
)  # fmt: skip
"""The rules of `find_evidence`, the strongest first."""
_SURE = (0, _EVIDENCE.index("contained"))
"""The same speaker and no other words: nothing better can follow, as candidates come with most words in common first."""

_QUOTES = """
    select q.quote_id, q.article_id, q.quote_text, q.quote_type, q.parent_quote_id, q.cue,
        q.speaker_entity_id, q.speaker_text, q.speaker_kind, a.published_on, a.outlet, s.story_id,
        case when q.said_on_precision = 'day' then q.said_on end as said_on,
        case
            when s.story_id is not null then 'story:' || s.story_id
            when q.speaker_entity_id is not null then 'speaker:' || q.speaker_entity_id
            else 'article:' || q.article_id
        end as scope
    from fact_quotes as q
    inner join fact_articles as a on q.article_id = a.article_id
    left join story_articles as s on q.article_id = s.article_id
    where q.quote_type in ('direct', 'mixed', 'indirect')
"""
_SCOPED = f"select quote_id, article_id, scope from ({_QUOTES})"
REPORTS = pl.Schema({
    "quote_id": pl.String, "article_id": pl.String, "quote_text": pl.String, "quote_type": pl.String,
    "parent_quote_id": pl.String, "cue": pl.String, "speaker_entity_id": pl.String, "speaker_text": pl.String,
    "speaker_kind": pl.String, "published_on": pl.Date, "outlet": pl.String, "story_id": pl.String,
    "said_on": pl.Date, "scope": pl.String,
})  # fmt: skip
"""A quote with what is known of its report; `said_on` only where the text tells the day. Grain: one quote."""


@dataclass(eq=False)
class _Node:
    """The reports that have the same words, speaker and day, and the longer wording that they are a report of."""

    wording: Wording
    speaker: str | None
    day: date | None
    reports: list[dict[str, Any]]
    is_in_story: bool
    parent: "_Node | None" = None
    rule: str = "fullest"
    articles: set[str] = field(default_factory=set)

    @property
    def root(self) -> "_Node":
        node = self
        while node.parent is not None:
            node = node.parent
        return node


def update_utterances(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring `dim_utterances` and `utterance_wordings` up to date with the quotes and the stories.

    Args:
        con: The staged release, with speakers joined in and stories up to date.
        changed: `article_id` of the articles whose facts or entity ids are other than before; None for all.

    Returns:
        The number of changed rows.
    """
    _collect_touched(con, changed)
    before = con.sql(
        "select quote_id, utterance_id as old_id from utterance_wordings semi join touched_quotes using (quote_id)"
    ).pl()
    con.register("utterances_before", before)
    changed_count = 0
    con.execute("create or replace temp table counted_utterances as from dim_utterances limit 0")
    for reports, gone in _read_chunks(con):
        wordings = compare_reports(reports)
        con.register("own_quotes", pl.concat([reports.select("quote_id"), gone]))
        is_own = "old.quote_id in (select quote_id from own_quotes)"
        changed_count += merge_rows(con, UTTERANCE_WORDINGS, wordings, delete_where=is_own)
        con.unregister("own_quotes")
        con.register("own_utterances", count_utterances(wordings, reports))
        con.execute("insert into counted_utterances by name from own_utterances")
        con.unregister("own_utterances")
    is_old = "old.utterance_id in (select old_id from utterances_before)"
    counted = {"origin_count": "old.origin_count"}  # `update_origins` keeps it
    changed_count += merge_query(con, DIM_UTTERANCES, "from counted_utterances", delete_where=is_old, updates=counted)
    con.execute("drop table counted_utterances")
    con.unregister("utterances_before")
    merge_query(con, UTTERANCE_SCOPES, _SCOPED if changed is None else _MOVED, delete_where=_IS_GONE)
    con.execute("drop table touched_quotes")
    return changed_count + _redirect(con, before)


def compare_reports(reports: pl.DataFrame) -> pl.DataFrame:
    """Find the utterances of whole scopes.

    Args:
        reports: REPORTS of every quote of the scopes, in any order.

    Returns:
        UTTERANCE_WORDINGS of the marked quotes, and of the indirect ones that tell what a marked one of another article says.
    """
    rows = []
    for scope in reports.sort("scope", "quote_id").partition_by("scope", maintain_order=True):
        rows += _compare_scope(scope.to_dicts())
    return pl.DataFrame(rows, schema=UTTERANCE_WORDINGS.schema, orient="row")


def count_utterances(wordings: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """Count the reports of each utterance.

    Args:
        wordings: UTTERANCE_WORDINGS.
        reports: REPORTS of their quotes.

    Returns:
        DIM_UTTERANCES with `origin_count` 0, which `update_origins` fills in.
    """
    known = reports.with_columns(
        named=_name_speakers(),
        key=pl.col("quote_text").str.to_lowercase().str.replace_all(r"[^\w%]+", " ").str.strip_chars(),
    )
    rows = wordings.select("utterance_id", "quote_id", "wording_kind", "rule").join(known, on="quote_id")
    fullest = rows.filter(pl.col("rule") == "fullest").sort("quote_id").unique("utterance_id", keep="first")
    named = (
        rows.drop_nulls("named")
        .group_by("utterance_id", "named")
        .agg(article_count=pl.col("article_id").n_unique())
        .sort("article_count", "named", descending=[True, False])
        .group_by("utterance_id", maintain_order=True)
        .agg(pl.col("named").first().alias("speaker_entity_id"), has_speaker_conflict=pl.len() > 1)
    )
    days = pl.col("said_on").drop_nulls().unique()
    counted = rows.group_by("utterance_id").agg(
        pl.col("story_id").first(),
        pl.when(days.len() == 1).then(days.first()).alias("said_on"),
        quote_count=pl.len(),
        article_count=pl.col("article_id").n_unique(),
        outlet_count=pl.col("outlet").drop_nulls().n_unique(),
        origin_count=pl.lit(0),
        wording_count=pl.col("key").n_unique(),
    )
    return (
        counted.join(named, on="utterance_id", how="left")
        .join(
            fullest.select("utterance_id", utterance_text="quote_text", reference_quote_id="quote_id"),
            on="utterance_id",
        )
        .with_columns(pl.col("has_speaker_conflict").fill_null(False))
        .select(DIM_UTTERANCES.column_names)
        .cast(DIM_UTTERANCES.schema)
        .sort("utterance_id")
    )


def is_relayed() -> pl.Expr:
    """Tell whether the speaker as printed is an organization that "reported" the words: a relay, and not who said them."""
    return ((pl.col("speaker_kind") == "organization") & pl.col("cue").str.contains(r"(?i)\breport")).fill_null(False)


def _name_speakers() -> pl.Expr:
    return pl.when(~is_relayed()).then(pl.col("speaker_entity_id"))


def _collect_touched(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> None:
    """Make the table `touched_quotes`: quote, scope of now and scope of then, of all quotes of the scopes that changed."""
    paired = f"""
        select quote_id, coalesce(new.article_id, old.article_id) as article_id, new.scope as scope, old.scope as old_scope
        from ({_SCOPED}) as new full join utterance_scopes as old using (quote_id)
    """
    if changed is None:
        con.execute(f"create or replace temp table touched_quotes as {paired}")
        return
    con.register("changed_articles", changed)
    con.execute(
        f"""
        create or replace temp table touched_quotes as
        with paired as ({paired}),
        touched as (
            select unnest([scope, old_scope]) as scope from paired
            where scope is distinct from old_scope or article_id in (select article_id from changed_articles)
        )
        select * from paired where scope in (select scope from touched) or old_scope in (select scope from touched)
        """
    )
    con.unregister("changed_articles")


def _read_chunks(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield REPORTS of whole scopes, about `CHUNK_QUOTES` at a time; with the first the quotes that are gone."""
    gone = con.sql("select quote_id from touched_quotes where scope is null").pl().cast({"quote_id": pl.String})
    con.execute(
        f"""
        create or replace temp table touched_scopes as
        select scope, (sum(quotes) over (order by scope) - quotes) // {CHUNK_QUOTES} as chunk_no
        from (select scope, count(*) as quotes from touched_quotes where scope is not null group by scope)
        """
    )
    numbers = [
        number for (number,) in con.execute("select distinct chunk_no from touched_scopes order by 1").fetchall()
    ]
    for number in numbers or [-1]:
        reports = con.execute(
            f"from ({_QUOTES}) where scope in (select scope from touched_scopes where chunk_no = ?)", [number]
        ).pl()
        yield reports.select(list(REPORTS)).cast(REPORTS), gone
        gone = gone.clear()
    con.execute("drop table touched_scopes")


_IS_GONE = "old.quote_id in (select quote_id from touched_quotes where scope is null)"
_MOVED = "select quote_id, article_id, scope from touched_quotes where scope is not null"


def _redirect(con: duckdb.DuckDBPyConnection, before: pl.DataFrame) -> int:
    con.register("quotes_before", before)
    moved = con.sql(
        "select old_id, utterance_id as new_id from quotes_before left join utterance_wordings using (quote_id)"
    ).pl()
    con.unregister("quotes_before")
    return redirect_kind(con, "utterance", find_successors(moved.cast({"old_id": pl.String, "new_id": pl.String})))


def _compare_scope(reports: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    marked = [report for report in reports if report["quote_type"] != "indirect"]
    index = _Index()
    for node in _make_nodes(marked):
        index.hang(node)
    told = list(_find_told(index, [report for report in reports if report["quote_type"] == "indirect"]))
    trees: dict[_Node, list[_Node]] = defaultdict(list)
    for node in index.nodes:
        trees[node.root].append(node)
    ids = {
        root: make_id("utterance", min(r["quote_id"] for n in nodes for r in n.reports))
        for root, nodes in trees.items()
    }
    rows = [row for root, nodes in trees.items() for node in nodes for row in _describe_node(ids[root], node, root)]
    rows += [_describe_told(ids[node.root], report, wording, node.root) for report, wording, node in told]
    return rows


def _make_nodes(reports: Sequence[dict[str, Any]]) -> list[_Node]:
    """Bring reports of equal words, speaker and day together; the longest words first, then the earliest day."""
    nodes: dict[tuple[Any, ...], _Node] = {}
    for report in reports:
        wording = read_wording(report["quote_text"])
        speaker = _find_speaker(report)
        # nobody is named: a word or two may be anybody's
        alone = report["article_id"] if speaker is None and (len(wording.words) < 3 or len(wording.content) < 2) else ""
        key = (wording.keys, speaker, report["published_on"], alone)
        if key not in nodes:
            nodes[key] = _Node(wording, speaker, report["published_on"], [], report["story_id"] is not None)
        nodes[key].reports.append(report)
        nodes[key].articles.add(report["article_id"])
    return sorted(nodes.values(), key=_order)


def _order(node: _Node) -> tuple[Any, ...]:
    return (
        -len(node.wording.words),
        node.wording.keys,
        node.day or date.max,
        node.speaker is None,
        node.speaker or "",
        node.reports[0]["quote_id"],
    )


def _find_speaker(report: dict[str, Any]) -> str | None:
    """Return the speaker's id, else the words for a role; None for a pronoun, a relay, or when nobody is named."""
    if report["speaker_kind"] == "organization" and "report" in (report["cue"] or "").casefold():
        return None
    if report["speaker_entity_id"]:
        return f"entity {report['speaker_entity_id']}"
    printed = " ".join((report["speaker_text"] or "").casefold().split())
    return None if not printed or printed in _pronouns() else f"text {printed}"


@cache
def _pronouns() -> frozenset[str]:
    words = load_lexicon("function_words").filter(pl.col("class").is_in(["pronoun", "determiner"]))["word"]
    return frozenset(words)


class _Index:
    """The wordings of a scope that have been hung up, by their words."""

    def __init__(self) -> None:
        self.nodes: list[_Node] = []
        self._by_keys: dict[tuple[str, ...], list[_Node]] = defaultdict(list)
        self._by_stem: dict[str, list[_Node]] = defaultdict(list)
        self._places: dict[_Node, int] = {}

    def hang(self, node: _Node) -> None:
        """Hang a wording on the best of those before it, or let it begin an utterance."""
        found = []
        for other in self.find_candidates(node.wording):
            rank = _rank(node, other)
            if rank is not None:
                found.append((rank, self._places[other], other))
            if rank is not None and rank <= _SURE:
                break
        if found:
            (_, rule_no), _, node.parent = min(found, key=lambda item: item[:2])
            node.rule = _EVIDENCE[rule_no]
        self._places[node] = len(self.nodes)
        self.nodes.append(node)
        _add(self._by_keys[node.wording.keys], node)
        if node.rule not in ("same_words", "contained", "stretches"):  # their words lead to the longer one already
            for stem in node.wording.stems:
                _add(self._by_stem[stem], node)

    def find_candidates(self, wording: Wording) -> list[_Node]:
        """Return the wordings before it with the same words, and those that share the most words of content."""
        shared = Counter(node for stem in sorted(wording.stems) for node in self._by_stem.get(stem, ()))
        least = max(1, ceil(0.3 * min(len(wording.stems), 40)))
        near = [(-count, self._places[node], node) for node, count in shared.items() if count >= least]
        best = [node for _, _, node in sorted(near, key=lambda item: item[:2])[:CANDIDATES]]
        return list(dict.fromkeys([*self._by_keys.get(wording.keys, ()), *best]))


def _add(nodes: list[_Node], node: _Node) -> None:
    if len(nodes) < POSTINGS:
        nodes.append(node)


def _rank(node: _Node, other: _Node) -> tuple[int, int] | None:
    """Return how good the evidence is that a wording is a report of a longer one, the best first; None without any."""
    if any(report["parent_quote_id"] in _ids(other) for report in node.reports[:POSTINGS] if report["parent_quote_id"]):
        return None
    bond = _tie(node, other)
    rule = find_evidence(node.wording, other.wording, bond)
    return None if rule is None else (("same", "open", "other").index(bond.speaker), _EVIDENCE.index(rule))


def _ids(node: _Node) -> set[str]:
    return {report["quote_id"] for report in node.reports[:POSTINGS]}


def _tie(node: _Node, other: _Node) -> Bond:
    speakers = (node.speaker, other.speaker)
    are_entities = all(speaker is not None and speaker.startswith("entity ") for speaker in speakers)
    is_same = speakers[0] is not None and speakers[0] == speakers[1]
    gap = abs((node.day - other.day).days) if node.day and other.day else None
    return Bond(
        speaker="same" if is_same else "other" if are_entities else "open",
        is_same_article=len(node.articles) == 1 and node.articles == other.articles,
        day_gap=gap,
        is_same_story=node.is_in_story and other.is_in_story,
    )


def _find_told(index: _Index, reports: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Wording, _Node]]:
    """Yield the indirect reports that tell what a marked quotation of another article says, with that quotation."""
    for report in reports:
        speaker = _find_speaker(report)
        if speaker is None:
            continue
        wording = read_wording(report["quote_text"])
        for other in index.find_candidates(wording):
            days = (report["published_on"], other.day)
            is_near = None in days or abs((days[0] - days[1]).days) <= 3
            is_elsewhere = report["article_id"] not in other.articles
            if speaker == other.speaker and is_elsewhere and is_near and tells_content(wording, other.wording):
                yield report, wording, other
                break


def _describe_node(utterance_id: str, node: _Node, root: _Node) -> Iterator[tuple[Any, ...]]:
    difference = describe_difference(node.wording, root.wording)
    for report in node.reports:
        rule = "fullest" if node is root else node.rule
        yield (
            utterance_id, report["quote_id"], report["article_id"], difference.kind, difference.similarity,
            list(difference.kept), list(difference.deleted), list(difference.inserted), rule,
        )  # fmt: skip


def _describe_told(utterance_id: str, report: dict[str, Any], wording: Wording, root: _Node) -> tuple[Any, ...]:
    told = describe_difference(wording, root.wording)
    return (
        utterance_id, report["quote_id"], report["article_id"], "reported", told.similarity,
        list(told.kept), list(told.deleted), list(told.inserted), "told_content",
    )  # fmt: skip
