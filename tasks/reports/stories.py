"""Articles on one event -> stories: brought up to date with the facts, and told by what their articles share."""

import duckdb
import polars as pl

from tasks.identity.redirects import find_successors, redirect_kind
from tasks.reports.features import UNIT, extract_features
from tasks.reports.grouping import find_components, group_pairs
from tasks.reports.vectors import ALIKE, find_alike
from warehouse.ddl import insert_rows, merge_query
from warehouse.keys import make_id
from warehouse.tables import DIM_STORIES, STORY_ARTICLES, STORY_FEATURES, STORY_TEXTS

MOST_BEARERS = 128
"""A feature of more bodies than this tells no event: it is not compared by, so that no feature makes more pairs than 8,128."""
LEAST_SIMILAR = 1_600
"""Two bodies that are less alike than this, in ten-thousandths, are no pair."""
LEAST_AVERAGE = 800
"""The smallest average over all pairs of a story, in ten-thousandths; a pair that is none counts 0."""

_TEXTS_AT_ONCE, _MEMBERS_AT_ONCE = 2_000, 20_000
_TERMS = 12  # of a story, and of what an article shares


def update_stories(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring `dim_stories`, `story_articles` and the tables that they start from up to date.

    What changed is found by comparing the bodies with those compared before, so that an increment reads and compares
    only new texts, and gives the stories of a build from nothing: the similarity of two bodies is their own affair, and
    which features are too frequent follows from the bodies that there are.

    Args:
        con: The staged release.
        changed: `article_id` of articles whose title, day or outlet may be another one; None for all.

    Returns:
        The number of changed rows of `dim_stories` and `story_articles`.
    """
    _renew_features(con, _find_changed_texts(con))
    are_all_numbered = _renew_pairs(con)
    touched, changed_count = _find_touched_texts(con, changed), 0
    if not touched.is_empty():
        _group_articles(con, touched)
        if not are_all_numbered:
            _number_postings(con, "select text_id from story_members")
        changed_count = _store_stories(con)
    for table in ("postings", "numbered_features", "numbered_texts"):
        con.execute(f"drop table {table}")
    return changed_count


def _find_changed_texts(con: duckdb.DuckDBPyConnection) -> int:
    """Bring `story_texts` up to date; make `fresh_texts`, numbered, of the bodies that are new, and `gone_texts`; return the fresh ones' number."""
    con.execute(
        """
        create or replace temp table texts_now as
        select a.article_id, a.body_sha256, a.title from fact_articles as a
        semi join (select min(article_id) as article_id from fact_articles group by body_sha256) using (article_id)
        """
    )
    is_same = "now.article_id = old.article_id and now.body_sha256 = old.body_sha256 and now.title is not distinct from old.title"
    con.execute(
        f"""
        create or replace temp table fresh_texts as
        select article_id, row_number() over (order by article_id) as text_no
        from texts_now as now anti join story_texts as old on {is_same}
        """
    )
    con.execute(
        f"create or replace temp table gone_texts as select article_id from story_texts as old anti join texts_now as now on {is_same}"
    )
    merge_query(con, STORY_TEXTS, "from texts_now", delete_where="true")
    con.execute("drop table texts_now")
    [(count,)] = con.execute("select count(*) from fresh_texts").fetchall()
    return int(count)


def _renew_features(con: duckdb.DuckDBPyConnection, fresh_count: int) -> None:
    """Bring `story_features` up to date, and note in `compared_texts` whom that bears on.

    These are the fresh bodies, and the bearers of a feature that became too frequent to be compared by, or ceased to be.
    """
    con.execute(
        """
        create or replace temp table lost_features as
        select feature, count(*) as lost from story_features semi join gone_texts using (article_id) group by feature
        """
    )
    con.execute("delete from story_features where article_id in (from gone_texts)")
    for first in range(1, fresh_count + 1, _TEXTS_AT_ONCE):
        _insert_features(
            con, f"select article_id from fresh_texts where text_no between {first} and {first + _TEXTS_AT_ONCE - 1}"
        )
    [(known,)] = con.execute("select count(*) from story_texts anti join fresh_texts using (article_id)").fetchall()
    if not known:
        con.execute("create or replace temp table compared_texts as select article_id from fresh_texts")
        return
    con.execute(
        f"""
        create or replace temp table compared_texts as
        with touched as (
            select feature, count(*) as gained, 0 as lost
            from story_features semi join fresh_texts using (article_id) group by feature
            union all select feature, 0, lost from lost_features
        ),
        counted as (
            select feature, count(*) as now from story_features semi join touched using (feature) group by feature
        ),
        changes as (select feature, sum(gained) as gained, sum(lost) as lost from touched group by feature),
        crossed as (
            select c.feature from changes as c left join counted as n using (feature)
            where (coalesce(n.now, 0) <= {MOST_BEARERS}) <> (coalesce(n.now, 0) - gained + lost <= {MOST_BEARERS})
        )
        select distinct article_id from story_features semi join crossed using (feature)
        union select article_id from fresh_texts
        """
    )


def _insert_features(con: duckdb.DuckDBPyConnection, texts: str) -> None:
    read = con.sql(f"select article_id, title, body from fact_articles semi join ({texts}) using (article_id)").pl()
    insert_rows(con, STORY_FEATURES, extract_features(read))


def _renew_pairs(con: duckdb.DuckDBPyConnection) -> bool:
    """Compare the bodies in `compared_texts` with all others, and note in `regrouped_texts` whose pairs are other ones.

    Bodies are compared by the features that at most `MOST_BEARERS` of them have.

    Returns:
        Whether the tables of `_number_postings`, which it leaves behind, are those of all bodies.
    """
    con.execute("create or replace temp table unpaired_texts as from compared_texts union from gone_texts")
    con.execute(
        """
        create or replace temp table regrouped_texts as
        from unpaired_texts
        union select p.other_article_id from story_pairs as p inner join unpaired_texts as t on p.article_id = t.article_id
        union select p.article_id from story_pairs as p inner join unpaired_texts as t on p.other_article_id = t.article_id
        """
    )
    for name in ("article_id", "other_article_id"):
        con.execute(f"delete from story_pairs where {name} in (from unpaired_texts)")
    are_all_numbered = _number_postings(con, "from compared_texts")
    [(compared, count, features)] = con.execute(
        f"""
        select (select count(*) from compared_texts), (select count(*) from numbered_texts),
            (select count(*) from numbered_features where bearers <= {MOST_BEARERS})
        """
    ).fetchall()

    def read_postings(first: int, last: int) -> pl.DataFrame:
        return con.execute(
            f"from postings where text_no >= {first} and text_no < {last} and feature_no < {features}"
        ).pl()

    _create(con, "alike_texts", ALIKE.to_frame())
    for alike in find_alike(read_postings, compared, count, features, LEAST_SIMILAR * UNIT):
        con.register("alike_here", alike)
        con.execute("insert into alike_texts from alike_here")
        con.unregister("alike_here")
    con.execute(
        f"""
        insert into story_pairs
        select least(a.article_id, b.article_id), greatest(a.article_id, b.article_id), product // {UNIT}
        from alike_texts inner join numbered_texts as a on one = a.text_no inner join numbered_texts as b on other = b.text_no
        """
    )
    con.execute("drop table alike_texts")
    return are_all_numbered


def _number_postings(con: duckdb.DuckDBPyConnection, wanted: str) -> bool:
    """Number the bodies from 0, those that `wanted` selects first, and the features that one of them and another body have.

    Makes `numbered_texts` (`article_id`, `text_no`), `numbered_features` (`feature`, `feature_no`, `bearers`; those that bodies are
    compared by first) and `postings` (`feature_no`, `text_no`, `weight`). Numbers make what is joined by them three times as fast.

    Returns:
        Whether `wanted` selects all bodies.
    """
    con.execute(f"create or replace temp table wanted_texts as select distinct * from ({wanted}) as given (article_id)")
    [(is_all,)] = con.execute(
        "select (select count(*) from wanted_texts) = (select count(*) from story_texts)"
    ).fetchall()
    of_wanted = "where feature in (select feature from story_features semi join wanted_texts using (article_id))"
    con.execute(
        f"""
        create or replace temp table numbered_features as
        with counted as (
            select feature, count(*) as bearers from story_features {"" if is_all else of_wanted} group by feature having count(*) > 1
        )
        select feature, bearers, (row_number() over (order by bearers > {MOST_BEARERS}) - 1)::integer as feature_no from counted
        """
    )
    con.execute(
        """
        create or replace temp table numbered_texts as
        select t.article_id, (row_number() over (order by w.article_id is null, t.article_id) - 1)::integer as text_no
        from story_texts as t left join wanted_texts as w using (article_id)
        """
    )
    con.execute(
        """
        create or replace temp table postings as
        select n.feature_no, t.text_no, f.weight::integer as weight
        from story_features as f
        inner join numbered_features as n using (feature)
        inner join numbered_texts as t using (article_id)
        """
    )
    con.execute("drop table wanted_texts")
    return bool(is_all)


def _create(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    con.register("given_rows", frame)
    con.execute(f"create or replace temp table {name} as from given_rows")
    con.unregister("given_rows")


def _find_touched_texts(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> pl.DataFrame:
    """Return the bodies whose story may be another one or look otherwise, as `find_components` does: all that are connected with a change."""
    _create(
        con,
        "given_articles",
        changed if changed is not None else con.sql("select article_id from fact_articles").pl(),
    )
    seeds = con.sql(
        """
        with article_texts as (
            select a.article_id, t.article_id as member from fact_articles as a inner join story_texts as t using (body_sha256)
        ),
        shrunk as (
            select distinct story_id from story_articles anti join fact_articles using (article_id)
        )
        select t.article_id as member from story_texts as t semi join regrouped_texts using (article_id)
        union select member from article_texts semi join given_articles using (article_id)
        union select member from article_texts anti join story_articles using (article_id)
        union select t.member from article_texts as t semi join (
            select article_id from story_articles semi join shrunk using (story_id)
        ) using (article_id)
        """
    ).pl()
    if seeds.is_empty():
        [(vanished,)] = con.execute(
            "select count(*) from story_articles anti join fact_articles using (article_id)"
        ).fetchall()
        seeds = seeds if not vanished else con.sql("select article_id as member from story_texts").pl()
    pairs = con.sql("select article_id as one, other_article_id as other from story_pairs").pl()
    return find_components(pairs, seeds)


def _group_articles(con: duckdb.DuckDBPyConnection, touched: pl.DataFrame) -> None:
    """Group the bodies; make `story_members`: `article_id`, `text_id` (its body) and `story_id` of every article with one of them.

    Connected bodies are grouped together, some thousands of bodies at a time.
    """
    parts = touched.sort("component").with_columns(part=pl.int_range(pl.len()) // _MEMBERS_AT_ONCE)
    parts = parts.with_columns(pl.col("part").first().over("component"))
    _create(con, "touched_texts", parts.select("member", "part"))
    _create(con, "grouped_texts", pl.DataFrame(schema={"text_id": pl.String, "group": pl.String}))
    for number in parts.get_column("part").unique().sort():
        pairs = con.sql(
            "select article_id as one, other_article_id as other, similarity from story_pairs "
            f"semi join (from touched_texts where part = {number}) on article_id = member"
        ).pl()
        con.register("given_rows", group_pairs(pairs, LEAST_AVERAGE))
        con.execute('insert into grouped_texts select member, "group" from given_rows')
        con.unregister("given_rows")
    con.execute(
        "insert into grouped_texts select member, member from touched_texts anti join grouped_texts on member = text_id"
    )
    con.execute(
        """
        create or replace temp table grouped_articles as
        select a.article_id, g.text_id, g.group, o.story_id as old_id
        from grouped_texts as g
        inner join story_texts as t on t.article_id = g.text_id
        inner join fact_articles as a using (body_sha256)
        left join story_articles as o on o.article_id = a.article_id
        """
    )
    kept = con.sql(
        "select distinct story_id from story_articles anti join grouped_articles using (article_id) "
        "semi join fact_articles using (article_id)"
    ).pl()
    shares = con.sql(
        'select "group", old_id, count(*) as article_count from grouped_articles where old_id is not null group by all'
    ).pl()
    firsts = con.sql('select "group", min(article_id) as article_id from grouped_articles group by all').pl()
    _create(con, "named_groups", name_stories(shares, firsts, kept))
    con.execute(
        "create or replace temp table story_members as "
        'select article_id, text_id, story_id from grouped_articles inner join named_groups using ("group")'
    )
    for table in ("grouped_texts", "grouped_articles", "named_groups", "touched_texts"):
        con.execute(f"drop table {table}")


def name_stories(shares: pl.DataFrame, firsts: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Return `group` and `story_id`: of the old stories a group keeps the one that it has most articles of.

    A new story is named after its smallest article, as it is when it begins.

    Args:
        shares: `group`, `old_id`, a story that articles of it were in, and `article_count`, how many.
        firsts: `group` and `article_id`, its smallest article.
        kept: `story_id` of the stories that are not in question.
    """
    used = set(kept.get_column("story_id"))
    named: dict[str, str] = {}
    ranked = shares.sort("article_count", "old_id", "group", descending=[True, False, False])
    for group, old_id in ranked.select("group", "old_id").iter_rows():
        if group not in named and old_id not in used:
            named[group] = old_id
            used.add(old_id)
    for group, article_id in firsts.select("group", "article_id").sort("article_id").iter_rows():
        if group not in named:
            story_id, number = make_id("story", article_id), 0
            while story_id in used:  # its name is kept by articles that it began with
                number += 1
                story_id = make_id("story", article_id, number)
            named[group] = story_id
            used.add(story_id)
    return pl.DataFrame(list(named.items()), schema={"group": pl.String, "story_id": pl.String}, orient="row")


def _store_stories(con: duckdb.DuckDBPyConnection) -> int:
    """Write the stories of `story_members`, and lead on from those that are no more; return the number of changed rows."""
    con.execute(
        """
        create or replace temp table old_stories as
        select distinct story_id from story_articles
        where article_id in (select article_id from story_members)
           or article_id not in (select article_id from fact_articles)
        """
    )
    con.execute(
        "create or replace temp table story_members_before as "
        "select article_id, story_id as old_id from story_articles semi join old_stories using (story_id)"
    )
    is_old = "old.story_id in (from old_stories)"
    _find_nearest(con)
    _tell_stories(con)
    changed_count = merge_query(con, STORY_ARTICLES, "from articles_told", delete_where=is_old)
    changed_count += merge_query(
        con, DIM_STORIES, "from stories_told", delete_where=is_old, updates={"origin_count": "old.origin_count"}
    )
    for table in ("articles_told", "stories_told", "terms_alone", "told_members"):
        con.execute(f"drop table {table}")
    gone = con.sql(
        """
        select old_id, story_id as new_id from story_members_before left join story_members using (article_id)
        where old_id not in (select story_id from dim_stories)
        """
    ).pl()
    if not gone.is_empty():
        changed_count += redirect_kind(con, "story", find_successors(gone))
    return changed_count


def _tell_stories(con: duckdb.DuckDBPyConnection) -> None:
    """Make `articles_told` and `stories_told` of `story_members`, whole stories for some thousands of articles at a time."""
    _create(con, "articles_told", STORY_ARTICLES.schema.to_frame())
    _create(con, "stories_told", DIM_STORIES.schema.to_frame())
    con.execute(
        f"""
        create or replace temp table terms_alone as
        with texts as (
            select any_value(text_id) as text_id, story_id from story_members group by story_id having count(distinct text_id) = 1
        )
        select t.story_id, f.feature, f.weight
        from story_features as f inner join texts as t on f.article_id = t.text_id
        qualify row_number() over (partition by t.story_id order by f.weight desc, f.feature) <= {_TERMS}
        """
    )
    [(count,)] = con.execute("select count(*) from story_members").fetchall()
    parts = 1 + count // _MEMBERS_AT_ONCE
    for part in range(parts):
        con.execute(
            f"create or replace temp table told_members as from story_members where hash(story_id) % {parts} = {part}"
        )
        con.execute(f"insert into articles_told by name {_ARTICLES_TOLD}")
        con.execute(f"insert into stories_told by name {_STORIES_TOLD}")


def _find_nearest(con: duckdb.DuckDBPyConnection) -> None:
    """Make `nearest_texts` of `story_members`: the nearest of its story, and how alike a text is to all of them together."""
    con.execute(
        """
        create or replace temp table nearest_texts as
        with texts as (select distinct text_id, story_id from story_members),
        sides as (
            select article_id as text_id, other_article_id as other_id, similarity from story_pairs
            union all select other_article_id, article_id, similarity from story_pairs
        )
        select b.text_id, min_by(b.other_id, (-b.similarity::bigint, b.other_id)) as other_id, max(b.similarity) as similarity,
            sum(b.similarity) as centrality
        from sides as b inner join texts as t on b.text_id = t.text_id
        inner join texts as o on b.other_id = o.text_id and o.story_id = t.story_id
        group by b.text_id
        """
    )


_ARTICLES_TOLD = f"""
        with own as materialized (
            select n.text_id, b.text_no as other_no, p.feature_no, p.weight
            from nearest_texts as n
            semi join told_members as m on m.text_id = n.text_id
            inner join numbered_texts as a on a.article_id = n.text_id
            inner join numbered_texts as b on b.article_id = n.other_id
            inner join postings as p on p.text_no = a.text_no
        ),
        shared as (
            select o.text_id, o.feature_no, o.weight::bigint * p.weight as product
            from own as o inner join postings as p on p.text_no = o.other_no and p.feature_no = o.feature_no
        ),
        told as (
            select text_id, feature, product from shared inner join numbered_features using (feature_no)
            where bearers <= {MOST_BEARERS}
            qualify row_number() over (partition by text_id order by product desc, feature) <= {_TERMS}
        ),
        evidence as (
            select text_id, list(feature order by product desc, feature) as terms from told group by text_id
        ),
        copies as (select text_id, count(*) as article_count from told_members group by text_id)
        select m.article_id, m.story_id,
            case when c.article_count > 1 or n.text_id is null then 1.0 else least(n.similarity / {UNIT}, 1.0) end as score,
            case when c.article_count > 1 then ['the same text'] else [] end || coalesce(e.terms, []) as evidence
        from told_members as m inner join copies as c using (text_id)
        left join nearest_texts as n using (text_id) left join evidence as e using (text_id)
"""
"""STORY_ARTICLES of `told_members`: how alike each is to the nearest of its story, and what both have."""
_STORIES_TOLD = f"""
        with texts as (select distinct text_id, story_id from told_members),
        sizes as (select story_id, count(*) as text_count from texts group by story_id),
        shared as (
            select t.story_id, p.feature_no, sum(p.weight) as total
            from texts as t inner join sizes as s using (story_id)
            inner join numbered_texts as n on n.article_id = t.text_id
            inner join postings as p using (text_no)
            where s.text_count > 1
            group by t.story_id, p.feature_no
            having count(*) > 1
        ),
        weighed as (
            select story_id, feature, total from shared inner join numbered_features using (feature_no)
            qualify row_number() over (partition by story_id order by total desc, feature) <= {_TERMS}
            union all
            select story_id, feature, weight from terms_alone
        ),
        terms as (
            select story_id, list(feature order by total desc, feature) as key_terms from weighed group by story_id
        ),
        told as (
            select m.story_id, min_by(a.title, (-coalesce(n.centrality, 0)::bigint, a.article_id)) filter (a.title is not null) as story_title,
                min(a.published_on) as first_on, max(a.published_on) as last_on,
                count(*) as article_count, count(distinct a.outlet) as outlet_count
            from told_members as m inner join fact_articles as a using (article_id)
            left join nearest_texts as n using (text_id)
            group by m.story_id
        )
        select told.*, s.text_count as origin_count, coalesce(t.key_terms, []) as key_terms
        from told inner join sizes as s using (story_id) left join terms as t using (story_id)
"""
"""DIM_STORIES of `told_members`; `origin_count` is the number of distinct bodies until origins are known."""
