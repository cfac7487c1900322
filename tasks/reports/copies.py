"""Articles -> which of them are copies, of what and of what kind, over the corpus (`article_copies`)."""

import duckdb
import numpy as np
import polars as pl

from tasks.reports.copy_rows import decide_copies, number_bodies
from tasks.reports.credits import is_agency, read_credits
from tasks.reports.relations import LEAST_TEXT
from tasks.reports.shingles import HASH_BITS, count_shared, count_shingles, shingle_texts, sketch_shingles
from tasks.reports.sketches import judge_all_pairs, judge_changed_pairs
from tasks.reports.substitutions import LEAST_DIFFERENT, find_substitutions
from warehouse.ddl import merge_rows
from warehouse.tables import ARTICLE_COPIES, ARTICLE_CREDITS, BODY_OVERLAPS, BODY_SKETCHES

TEXT_BINS, NAME_BINS = 64, 32
_BODIES, _PAIRS = 4_096, 2_048  # at a time in memory
_OF_ARTICLE = ("first_article_id", "first_on", "is_agency", "word_count")
_PAIR = ["body_sha256", "other_body_sha256"]


def update_copies(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    """Bring `article_copies`, and the tables it is worked out from, up to date; return the number of changed rows.

    Every body is read once and kept as a sketch; only bodies whose sketches meet are compared, each pair once. All that
    depends on dates, credits and ids is worked out anew, from these tables alone, so that the order of builds tells nothing.

    Args:
        con: The staged release.
        changed: `article_id` of the articles whose facts changed; None for all.
    """
    count = _update_credits(con, changed)
    _list_bodies(con)
    count += _update_overlaps(con, is_all=_update_sketches(con))
    copies, chains = _decide(con)
    if chains.height:  # a copy of a copy is compared with the root as well
        count += _compare(con, chains, is_candidate=False)
        copies, _ = _decide(con)
    return count + merge_rows(con, ARTICLE_COPIES, copies, delete_where="true")


def _decide(con: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decide on the articles that can be copies: of a body that others have, that was compared, credits somebody or is a paraphrase."""
    con.execute(
        f"""
        create or replace temp table possible_copies as
        select article_id, raw_sha256, body_sha256, outlet, published_on, credited
        from fact_articles left join (select article_id, min(credited) as credited from article_credits group by all) using (article_id)
        where credited is not null
            or body_sha256 in (select body_sha256 from fact_articles group by all having count(*) > 1)
            or body_sha256 in (select body_sha256 from body_overlaps union select other_body_sha256 from body_overlaps)
            or body_sha256 in (select body_sha256 from body_sketches where len(substitutions) >= {LEAST_DIFFERENT})
        """
    )
    bodies = con.sql("select * exclude (sketch) from body_sketches semi join possible_copies using (body_sha256)").pl()
    articles = con.sql("from possible_copies").pl()
    con.execute("drop table possible_copies")
    return decide_copies(articles, bodies, con.sql("from body_overlaps").pl())


def _update_credits(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    articles = con.sql("select article_id from fact_articles").pl() if changed is None else changed.select("article_id")
    con.register("changed_credits", articles)
    gone = "old.article_id in (from changed_credits) or old.article_id not in (select article_id from fact_articles)"
    count = merge_rows(con, ARTICLE_CREDITS, read_credits(con, articles), delete_where=gone)
    con.unregister("changed_credits")
    return count


def _list_bodies(con: duckdb.DuckDBPyConnection) -> None:
    """Make `bodies`: one row per distinct body with what its first article says, by day, agencies before others, then by id.

    An outlet that another one credits is an agency to it, whether the lexicon knows it or not.
    """
    outlets = con.sql("select distinct outlet from fact_articles").pl().filter(is_agency(pl.col("outlet")))
    con.register("agency_outlets", outlets)
    con.execute(
        """
        create or replace temp table bodies as
        with agencies as (from agency_outlets union select credited from article_credits),
        articles as (
            select body_sha256, article_id, published_on, word_count, coalesce(outlet in (from agencies), false) as is_agency
            from fact_articles
        )
        select body_sha256, is_agency, word_count, article_id as first_article_id, published_on as first_on from articles
        qualify row_number() over (partition by body_sha256 order by published_on nulls last, not is_agency, article_id) = 1
        """
    )
    con.unregister("agency_outlets")


def _update_sketches(con: duckdb.DuckDBPyConnection) -> bool:
    """Make `body_sketches` those of `bodies`, and `touched_hashes` those of the sketches that came, went or changed their place.

    `touched_hashes` has the `body_sha256` of a sketch that came beside its hashes, else null.

    Returns:
        Whether there were none before: then all are compared, and `touched_hashes` is left empty.
    """
    [(known,)] = con.execute("select count(*) from body_sketches").fetchall()
    is_same = " and ".join(f"old.{name} is not distinct from new.{name}" for name in ("body_sha256", *_OF_ARTICLE))
    con.execute(
        f"""
        create or replace temp table moved_bodies as
        select * from bodies as new semi join body_sketches using (body_sha256) anti join body_sketches as old on {is_same}
        """
    )
    con.execute(
        "create or replace temp table gone_bodies as select body_sha256 from body_sketches anti join bodies using (body_sha256)"
    )
    con.execute(
        """
        create or replace temp table new_bodies as
        select *, row_number() over (order by body_sha256) as body_no from bodies anti join body_sketches using (body_sha256)
        """
    )
    con.execute(
        """
        create or replace temp table touched_hashes as
        select distinct unnest(sketch) as hash, null::varchar as body_sha256 from body_sketches
        where body_sha256 in (select body_sha256 from moved_bodies union all from gone_bodies)
        """
    )
    con.execute("delete from body_sketches where body_sha256 in (from gone_bodies)")
    con.execute(
        "delete from body_overlaps where body_sha256 in (from gone_bodies) or other_body_sha256 in (from gone_bodies)"
    )
    con.execute(
        """
        update body_sketches set first_article_id = new.first_article_id, first_on = new.first_on,
            is_agency = new.is_agency, word_count = new.word_count
        from moved_bodies as new where body_sketches.body_sha256 = new.body_sha256
        """
    )
    [(count,)] = con.execute("select count(*) from new_bodies").fetchall()
    for first in range(1, count + 1, _BODIES):
        part = con.execute(
            f"from new_bodies where body_no between {first} and {first + _BODIES - 1} order by body_no"
        ).pl()
        con.register("own_sketches", sketch_bodies(part.drop("body_no"), _read_bodies(con, part)))
        con.execute("insert into body_sketches by name from own_sketches")
        if known:
            con.execute("insert into touched_hashes select unnest(sketch), body_sha256 from own_sketches")
        con.unregister("own_sketches")
    for table in ("bodies", "moved_bodies", "gone_bodies", "new_bodies"):
        con.execute(f"drop table {table}")
    return not known


def _read_bodies(con: duckdb.DuckDBPyConnection, bodies: pl.DataFrame) -> pl.Series:
    """Return the bodies as printed, in order of the frame."""
    con.register("wanted_bodies", bodies.select("first_article_id").with_row_index("place"))
    query = "select body from wanted_bodies join fact_articles on article_id = first_article_id order by place"
    texts = con.sql(query).pl()["body"]
    con.unregister("wanted_bodies")
    return texts


def sketch_bodies(bodies: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
    """Return BODY_SKETCHES of `bodies` (what their first articles say) with these `texts`.

    A body with less than 15 runs of words has an empty sketch: what it shares with others is chance.
    """
    shingles, count = shingle_texts(texts), len(texts)
    docs, hashes = zip(
        sketch_shingles(shingles.text, TEXT_BINS), sketch_shingles(shingles.names, NAME_BINS), strict=True
    )
    least = (hashes[0], hashes[1] | np.uint64(1 << HASH_BITS))  # a run of names is never one of words
    sketched = pl.DataFrame({"doc": np.concatenate(docs), "sketch": np.concatenate(least)}).cast({"doc": pl.UInt32})
    lists = sketched.group_by("doc", maintain_order=True).agg("sketch")
    return (
        bodies.with_columns(
            text_count=pl.Series(count_shingles(shingles.text, count)),
            quoted_count=pl.Series(count_shingles(shingles.quoted, count)),
            name_count=pl.Series(count_shingles(shingles.names, count)),
            substitutions=find_substitutions(texts),
        )
        .with_row_index("doc")
        .join(lists, on="doc", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("text_count") >= LEAST_TEXT).then("sketch").fill_null(pl.lit([], dtype=pl.List(pl.UInt64)))
        )
        .select(BODY_SKETCHES.column_names)
        .cast(BODY_SKETCHES.schema)
    )


def _update_overlaps(con: duckdb.DuckDBPyConnection, *, is_all: bool) -> int:
    """Compare the bodies whose sketches meet, as far as `touched_hashes` can have changed that; return the changed rows."""
    bodies = number_bodies(
        con.sql("select body_sha256, first_article_id, first_on, is_agency, word_count from body_sketches").pl()
    )
    con.register("body_numbers", bodies.select("number", "body_sha256"))
    con.execute("create or replace temp table numbered_bodies as from body_numbers")
    con.unregister("body_numbers")
    (judge_all_pairs if is_all else judge_changed_pairs)(con)
    con.execute(
        """
        create or replace temp table candidate_pairs as
        select least(a.body_sha256, b.body_sha256) as body_sha256, greatest(a.body_sha256, b.body_sha256) as other_body_sha256, is_pair
        from judged_pairs inner join numbered_bodies as a on earlier = a.number inner join numbered_bodies as b on later = b.number
        """
    )
    is_judged = "new.body_sha256 = old.body_sha256 and new.other_body_sha256 = old.other_body_sha256"
    [(parted,)] = con.execute(
        f"delete from body_overlaps as old using candidate_pairs as new where old.is_candidate and not new.is_pair and {is_judged}"
    ).fetchall()
    [(raised,)] = con.execute(
        f"update body_overlaps as old set is_candidate = true from candidate_pairs as new "
        f"where not old.is_candidate and new.is_pair and {is_judged}"
    ).fetchall()
    new = con.sql(
        "select * exclude (is_pair) from candidate_pairs anti join body_overlaps using (body_sha256, other_body_sha256) where is_pair"
    ).pl()
    for table in ("candidate_pairs", "judged_pairs", "numbered_bodies", "touched_hashes"):
        con.execute(f"drop table {table}")
    return int(parted + raised) + _compare(con, new, is_candidate=True)


def _compare(con: duckdb.DuckDBPyConnection, pairs: pl.DataFrame, *, is_candidate: bool) -> int:
    """Count what the bodies of each pair share, some thousands at a time, and store it; return the number of pairs."""
    for part in pairs.sort(_PAIR).iter_slices(_PAIRS):
        hashes = pl.concat([part[name] for name in _PAIR]).unique().sort()
        con.register("compared_bodies", hashes.to_frame("body_sha256"))
        query = "select body_sha256, first_article_id from body_sketches semi join compared_bodies using (body_sha256) order by 1"
        bodies = con.sql(query).pl()
        con.unregister("compared_bodies")
        shared = share_shingles(part, bodies["body_sha256"], _read_bodies(con, bodies))
        merge_rows(con, BODY_OVERLAPS, shared.with_columns(is_candidate=pl.lit(is_candidate)))
    return pairs.height


def share_shingles(pairs: pl.DataFrame, hashes: pl.Series, texts: pl.Series) -> pl.DataFrame:
    """Count the shingles that the bodies of each pair share: BODY_OVERLAPS but for is_candidate.

    Args:
        pairs: `body_sha256` and `other_body_sha256`.
        hashes: The hash of each text.
        texts: The bodies.
    """
    places = pl.DataFrame({"hash": hashes}).with_row_index("place")
    left, right = (
        pairs.select(hash=name).join(places, on="hash", maintain_order="left")["place"].cast(pl.Int64).to_numpy()
        for name in _PAIR
    )
    shingles = shingle_texts(texts)
    kinds = {"text_shared": shingles.text, "quoted_shared": shingles.quoted, "name_shared": shingles.names}
    counts = {name: count_shared(kind, len(texts), left, right) for name, kind in kinds.items()}
    return pairs.select(_PAIR).with_columns(pl.Series(name, values) for name, values in counts.items())
