"""Articles -> which of them are copies, of what and of what kind, over the corpus (`article_copies`)."""

import duckdb
import numpy as np
import polars as pl

from tasks.reports.copy_rows import decide_copies, number_bodies
from tasks.reports.credits import is_agency, read_credits
from tasks.reports.relations import LEAST_TEXT
from tasks.reports.shingles import HASH_BITS, count_shared, count_shingles, shingle_texts, sketch_shingles
from tasks.reports.sketches import find_candidates
from tasks.reports.substitutions import find_substitutions
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
        con: The staged release, in a transaction.
        changed: `article_id` of the articles whose facts changed; None for all.
    """
    count = _update_credits(con, changed)
    bodies = _list_bodies(con)
    count += _update_overlaps(con, _update_sketches(con, bodies))
    copies, chains = _decide(con)
    if chains.height:  # a copy of a copy is compared with the root as well
        count += _compare(con, chains, is_candidate=False)
        copies, _ = _decide(con)
    return count + merge_rows(con, ARTICLE_COPIES, copies, delete_where="true")


def _decide(con: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    return decide_copies(_read_articles(con), _read_sketches(con), con.sql("from body_overlaps").pl())


def _read_sketches(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return con.sql("select * exclude (sketch) from body_sketches").pl()


def _update_credits(con: duckdb.DuckDBPyConnection, changed: pl.DataFrame | None) -> int:
    articles = con.sql("select article_id from fact_articles").pl() if changed is None else changed.select("article_id")
    con.register("changed_credits", articles)
    gone = "old.article_id in (from changed_credits) or old.article_id not in (select article_id from fact_articles)"
    count = merge_rows(con, ARTICLE_CREDITS, read_credits(con, articles), delete_where=gone)
    con.unregister("changed_credits")
    return count


def _read_articles(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return con.sql(
        """
        select article_id, raw_sha256, body_sha256, outlet, published_on, min(credited) as credited
        from fact_articles left join article_credits using (article_id)
        group by all
        """
    ).pl()


def _list_bodies(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return one row per distinct body with what its first article says, by day, agencies before others, then by id.

    An outlet that another one credits is an agency to it, whether the lexicon knows it or not.
    """
    articles = con.sql(
        """
        select body_sha256, article_id, published_on, outlet, word_count,
            coalesce(outlet in (select credited from article_credits), false) as is_credited
        from fact_articles
        """
    ).pl()
    ordered = articles.with_columns(is_agency=is_agency(pl.col("outlet")) | pl.col("is_credited")).sort(
        "published_on", ~pl.col("is_agency"), "article_id", nulls_last=True
    )
    return ordered.unique("body_sha256", keep="first", maintain_order=True).select(
        "body_sha256", "is_agency", "word_count", first_article_id="article_id", first_on="published_on"
    )


def _update_sketches(con: duckdb.DuckDBPyConnection, bodies: pl.DataFrame) -> pl.Series | None:
    """Make `body_sketches` those of `bodies`; return the hashes of the sketches that came, went or changed their place."""
    stored = _read_sketches(con)
    is_all = stored.is_empty()
    known = stored.select("body_sha256", *_OF_ARTICLE)
    same = bodies.join(known, on=["body_sha256", *_OF_ARTICLE], how="semi", nulls_equal=True)
    other = bodies.join(same, on="body_sha256", how="anti")
    moved, new = other.join(known, on="body_sha256", how="semi"), other.join(known, on="body_sha256", how="anti")
    gone = known.join(bodies, on="body_sha256", how="anti")
    touched = [_read_hashes(con, pl.concat([moved.select("body_sha256"), gone.select("body_sha256")]))]
    con.register("gone_bodies", gone.select("body_sha256"))
    con.register("moved_bodies", moved)
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
    con.unregister("gone_bodies")
    con.unregister("moved_bodies")
    for part in new.sort("body_sha256").iter_slices(_BODIES):
        sketches = sketch_bodies(part, _read_bodies(con, part))
        merge_rows(con, BODY_SKETCHES, sketches)
        touched.append(_list_hashes(sketches))
    return None if is_all else pl.concat(touched).unique()


def _read_bodies(con: duckdb.DuckDBPyConnection, bodies: pl.DataFrame) -> pl.Series:
    """Return the bodies as printed, in order of the frame."""
    con.register("wanted_bodies", bodies.select("first_article_id").with_row_index("place"))
    query = "select body from wanted_bodies join fact_articles on article_id = first_article_id order by place"
    texts = con.sql(query).pl()["body"]
    con.unregister("wanted_bodies")
    return texts


def _read_hashes(con: duckdb.DuckDBPyConnection, bodies: pl.DataFrame) -> pl.Series:
    con.register("touched_bodies", bodies)
    sketches = con.sql("select sketch from body_sketches semi join touched_bodies using (body_sha256)").pl()
    con.unregister("touched_bodies")
    return _list_hashes(sketches)


def _list_hashes(sketches: pl.DataFrame) -> pl.Series:
    return sketches["sketch"].explode(empty_as_null=False)


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


def _update_overlaps(con: duckdb.DuckDBPyConnection, touched: pl.Series | None) -> int:
    """Compare the bodies whose sketches meet, as far as these hashes can have changed that; return the changed rows."""
    if touched is not None and touched.is_empty():
        return 0
    bodies = number_bodies(con.sql("select * exclude (substitutions) from body_sketches").pl())
    pairs, members = find_candidates(bodies.select("number", "sketch"), touched)
    found = _name_pairs(pairs, bodies)
    hashes = bodies.filter(pl.col("number").is_in(members.implode())).select("body_sha256")
    con.register("candidate_pairs", found)
    con.register("paired_bodies", hashes)
    [(count,)] = con.execute(
        """
        delete from body_overlaps as old
        where is_candidate and body_sha256 in (from paired_bodies) and other_body_sha256 in (from paired_bodies)
            and not exists (from candidate_pairs as new where new.body_sha256 = old.body_sha256
                            and new.other_body_sha256 = old.other_body_sha256)
        """
    ).fetchall()
    [(raised,)] = con.execute(
        """
        update body_overlaps as old set is_candidate = true from candidate_pairs as new
        where not old.is_candidate and new.body_sha256 = old.body_sha256 and new.other_body_sha256 = old.other_body_sha256
        """
    ).fetchall()
    con.unregister("candidate_pairs")
    con.unregister("paired_bodies")
    new = found.join(con.sql("select body_sha256, other_body_sha256 from body_overlaps").pl(), on=_PAIR, how="anti")
    return int(count + raised) + _compare(con, new, is_candidate=True)


def _name_pairs(pairs: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Return the hashes of the two bodies of each pair, the smaller first."""
    names = bodies.select("number", "body_sha256")
    one = pairs.join(names.rename({"number": "earlier", "body_sha256": "one"}), on="earlier")
    both = one.join(names.rename({"number": "later", "body_sha256": "other"}), on="later")
    return both.select(
        body_sha256=pl.min_horizontal("one", "other"), other_body_sha256=pl.max_horizontal("one", "other")
    )


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
