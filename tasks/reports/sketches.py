"""Sketches of bodies -> the pairs that are worth comparing, a bounded number for each body however the texts are made."""

import duckdb
import polars as pl

PAIRS = pl.Schema({"earlier": pl.UInt32, "later": pl.UInt32})
LEAST_MEETINGS = 3
"""The hashes that two bodies must meet in to be compared."""
CROWD, HUBS = 8, 2
"""Up to 8 bodies with one hash meet each with each; of more, each meets the first 2 of them only."""
_HASHES = 1_000_000  # at a time in memory


def find_candidates(sketches: pl.DataFrame, *, crowd: int = CROWD, hubs: int = HUBS) -> pl.DataFrame:
    """Find the bodies that meet in at least `LEAST_MEETINGS` hashes of their sketches: PAIRS, in no order.

    Up to `crowd` bodies with one hash are paired each with each; of more, each is paired with the first `hubs` of them
    only, for a copy of many is a copy of the first. So a body with n hashes makes at most `crowd` / 2 · n pairs.

    Args:
        sketches: `number` (the place of the body in their order, the first first) and `sketch`, a list of hashes.
        crowd: Bodies with one hash that are paired each with each.
        hubs: Bodies that all others are paired with where there are more.
    """
    postings = sketches.explode("sketch", empty_as_null=False).rename({"sketch": "hash"})
    meetings = count_meetings(postings, crowd=crowd, hubs=hubs)
    return meetings.filter(pl.col("len") >= LEAST_MEETINGS).select(*PAIRS)


def count_meetings(postings: pl.DataFrame, *, crowd: int = CROWD, hubs: int = HUBS) -> pl.DataFrame:
    """Return PAIRS and `len`, in how many hashes they meet.

    Args:
        postings: `number` and `hash`: the bodies that have a hash, all of them together.
        crowd: Bodies with one hash that are paired each with each.
        hubs: Bodies that all others are paired with where there are more.
    """
    shared = postings.filter(pl.col("hash").is_duplicated()).with_columns(size=pl.len().over("hash"))
    few, many = shared.filter(pl.col("size") <= crowd), shared.filter(pl.col("size") > crowd)
    firsts = many.filter(pl.col("number").rank("ordinal").over("hash") <= hubs)
    return pl.concat([_pair(few, few), _pair(firsts, many)]).group_by("earlier", "later").len()


def _pair(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    one, other = earlier.select("hash", earlier="number"), later.select("hash", later="number")
    return one.join(other, on="hash").filter(pl.col("earlier") < pl.col("later")).select(*PAIRS)


def judge_all_pairs(con: duckdb.DuckDBPyConnection) -> None:
    """Make `judged_pairs` (PAIRS, `is_pair`) of all bodies in `numbered_bodies` that are worth comparing.

    The bodies that share a hash are in memory together, and the hashes a part at a time; whom they bring together waits in
    the database, as most that meet once never meet again.
    """
    _list_hashes(con)
    [(count,)] = con.execute("select count(*) from body_hashes").fetchall()
    parts = 1 + count // _HASHES
    con.execute("create or replace temp table meetings (earlier uinteger, later uinteger, met uinteger)")
    for part in range(parts):
        con.register("met_here", count_meetings(con.execute(f"from body_hashes where hash % {parts} = {part}").pl()))
        con.execute("insert into meetings from met_here")
        con.unregister("met_here")
    con.execute(
        f"""
        create or replace temp table judged_pairs as
        select earlier, later, true as is_pair from meetings group by earlier, later having sum(met) >= {LEAST_MEETINGS}
        """
    )
    for table in ("body_hashes", "meetings"):
        con.execute(f"drop table {table}")


def judge_changed_pairs(con: duckdb.DuckDBPyConnection) -> None:
    """Make `judged_pairs` (PAIRS, `is_pair`) of those that the hashes in `touched_hashes` can have brought together or parted.

    A body that came changes whom a hash brings together in two ways: it meets others there, and where it makes a crowd of few, or
    is one of the first of a crowd, the others meet otherwise. These are counted over all their hashes. What went or changed its
    place may change all that its hashes say.
    `touched_hashes` has `hash` and the `body_sha256` that came with it, or null.
    """
    _list_hashes(con)
    con.execute(
        """
        create or replace temp table touched_postings as
        with touched as (select hash, bool_or(body_sha256 is null) as is_moved from touched_hashes group by hash),
        news as (select distinct number, hash from touched_hashes inner join numbered_bodies using (body_sha256))
        select body_hashes.*, touched.is_moved, news.number is not null as is_new
        from body_hashes inner join touched using (hash) left join news using (number, hash)
        """
    )
    con.execute(
        f"""
        create or replace temp table touched_sizes as
        with sizes as (
            select hash, count(*) as size, count_if(is_new) as new_count, bool_or(is_moved) as is_moved
            from touched_postings group by hash
        ),
        firsts as (
            select hash, min(number, {HUBS}) as firsts, min(number, {HUBS}) filter (where not is_new) as firsts_before
            from touched_postings semi join (from sizes where size > {CROWD}) using (hash) group by hash
        )
        select
            hash, firsts[-1] as last_hub,
            is_moved or (size > {CROWD} and (size - new_count <= {CROWD} or firsts <> firsts_before)) as is_whole
        from sizes left join firsts using (hash)
        """
    )
    con.execute(
        """
        create or replace temp table changed_pairs as
        with earlier as (
            select p.number, p.hash, p.is_new, s.is_whole
            from touched_postings as p inner join touched_sizes as s using (hash)
            where p.number <= s.last_hub or s.last_hub is null
        ),
        placed as (
            select least(a.number, b.number) as earlier, greatest(a.number, b.number) as later
            from body_overlaps as o
            inner join numbered_bodies as a on o.body_sha256 = a.body_sha256
            inner join numbered_bodies as b on o.other_body_sha256 = b.body_sha256
            where o.is_candidate
        ),
        bearers as (select distinct number from touched_postings semi join (from touched_sizes where is_whole) using (hash))
        select earlier.number as earlier, later.number as later, count(*) as met, bool_or(earlier.is_new or later.is_new) as is_new
        from earlier inner join touched_postings as later using (hash)
        where earlier.number < later.number and (earlier.is_whole or earlier.is_new or later.is_new)
        group by all
        union all by name
        select earlier, later, 0 as met, false as is_new from placed
        where earlier in (from bearers) and later in (from bearers)
        """
    )
    con.execute(
        f"""
        create or replace temp table judged_pairs as
        with others as (select distinct earlier, later from changed_pairs where not is_new),
        carried as (select others.*, a.hash from others inner join body_hashes as a on others.earlier = a.number),
        shared as (  -- a semi join, which is never done first: all bodies with one hash would be joined with each other
            select carried.* from carried semi join body_hashes as b on carried.later = b.number and carried.hash = b.hash
        ),
        postings as (select number, hash from body_hashes semi join shared using (hash)),
        crowded as (select hash from postings group by hash having count(*) > {CROWD}),
        hubs as (
            select hash, min(number, {HUBS})[-1] as last_hub from postings semi join crowded using (hash) group by hash
        ),
        met as (
            select earlier, later, count(*) as met from shared left join hubs using (hash)
            where last_hub is null or earlier <= last_hub
            group by earlier, later
        )
        select earlier, later, true as is_pair from changed_pairs where is_new and met >= {LEAST_MEETINGS}
        union all
        select others.earlier, others.later, coalesce(met.met, 0) >= {LEAST_MEETINGS}
        from others left join met using (earlier, later)
        """
    )
    for table in ("body_hashes", "touched_postings", "touched_sizes", "changed_pairs"):
        con.execute(f"drop table {table}")


def _list_hashes(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace temp table body_hashes as
        select number, unnest(sketch) as hash from body_sketches inner join numbered_bodies using (body_sha256)
        """
    )
