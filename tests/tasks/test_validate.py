"""What validation keeps, what it takes away and what it says about it."""

import json
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from expectations.base import Check, Expectation, Suite, prepare_frame
from expectations.engine import ValidationCrashed, run_suite
from tasks.validate import audit_release, find_failures, validate_batch
from tests.builders import articles, build_table, rows
from tests.expectations.examples import AS_OF, build_frames
from warehouse.tables import (
    DIM_ENTITIES,
    ENTITY_LINKS,
    EXPECTATION_RESULTS,
    FACT_ARTICLES,
    FACT_ENTITY_MENTIONS,
    FACT_QUOTES,
    QUARANTINED_ROWS,
    SOURCE_DOCUMENTS,
    TABLES,
)  # fmt: skip

validate = validate_batch.fn


def quarantined(batch: Any) -> list[tuple[Any, ...]]:
    return sorted(rows(batch.quarantined, "table_name", "row_key", "expectation"))


def kept_keys(batch: Any, table_name: str) -> list[str]:
    return batch.frames[table_name].to_series().to_list()  # type: ignore[no-any-return]


def test_a_good_batch_passes_unchanged() -> None:
    frames = build_frames()
    batch = validate(frames, AS_OF, batch_no=3)
    assert quarantined(batch) == []
    assert (batch.is_stopped, batch.failures) == (False, ())
    assert all(batch.frames[name].equals(frame) for name, frame in frames.items())
    assert batch.results["is_success"].all()
    assert batch.results["batch_no"].unique().to_list() == [3]


def test_what_comes_out_conforms_to_the_tables_of_the_ledger() -> None:
    batch = validate(build_frames(fact_quotes=({"confidence": 2.0},)), AS_OF)
    for frame, table in ((batch.quarantined, QUARANTINED_ROWS), (batch.results, EXPECTATION_RESULTS)):
        assert dict(frame.schema) == {name: dtype for name, dtype in table.schema.items() if name != "run_id"}
        assert frame.select(set(table.key) - {"run_id"}).is_unique().all()


def test_a_bad_mention_is_quarantined_without_its_entity_which_is_counted_again() -> None:
    batch = validate(build_frames(fact_entity_mentions=({}, {"start_char": 70})), AS_OF)
    assert quarantined(batch) == [
        ("fact_entity_mentions", "mention_id-1", "mention_text_is_in_body"),
        ("quote_mentions", "quote_id-0|mention_id-1", "depends_on:fact_entity_mentions:mention_id-1"),
    ]
    assert kept_keys(batch, "fact_entity_mentions") == ["mention_id-0"]
    assert rows(batch.frames["document_entities"], "document_entity_id", "mention_count") == [
        ("document_entity_id-0", 1)
    ]


def test_a_quarantined_row_is_kept_whole_as_json() -> None:
    batch = validate(build_frames(fact_articles=({"word_count": 7},)), AS_OF)
    (text,) = batch.quarantined.filter(pl.col("expectation") == "word_count_is_that_of_the_body")["row_json"]
    row = json.loads(text)
    assert (row["word_count"], row["published_on"], row["authors"]) == (7, "2024-05-01", ["Jo Field"])
    assert list(row) == FACT_ARTICLES.column_names


def test_an_article_takes_all_its_rows_along() -> None:
    batch = validate(build_frames(fact_articles=({"published_on": date(1066, 10, 14)},)), AS_OF)
    assert all(frame.is_empty() for frame in batch.frames.values())
    assert quarantined(batch) == [
        ("article_attributes", "article_id-0|authors|text", "depends_on:fact_articles:article_id-0"),
        ("article_segments", "article_id-0|0|0", "depends_on:fact_articles:article_id-0"),
        ("document_entities", "document_entity_id-0", "depends_on:fact_articles:article_id-0"),
        ("fact_articles", "article_id-0", "published_on_is_plausible"),
        ("fact_entity_mentions", "mention_id-0", "depends_on:fact_articles:article_id-0"),
        ("fact_entity_mentions", "mention_id-1", "depends_on:fact_articles:article_id-0"),
        ("fact_quotes", "quote_id-0", "depends_on:fact_articles:article_id-0"),
        ("fact_quotes", "quote_id-1", "depends_on:fact_articles:article_id-0"),
        ("fact_quotes", "quote_id-2", "depends_on:fact_articles:article_id-0"),
        ("fact_statements", "statement_id-0", "depends_on:fact_articles:article_id-0"),
        ("fact_statements", "statement_id-1", "depends_on:fact_articles:article_id-0"),
        ("quote_mentions", "quote_id-0|mention_id-1", "depends_on:fact_articles:article_id-0"),
        ("statement_relays", "statement_id-0|0", "depends_on:fact_articles:article_id-0"),
        ("statement_speakers", "statement_id-0|0", "depends_on:fact_articles:article_id-0"),
    ]


def test_only_the_rows_of_the_bad_article_go() -> None:
    frames = build_frames()
    frames["fact_articles"] = pl.concat([frames["fact_articles"], articles("—", article_id="article_id-1")])
    batch = validate(frames, AS_OF)
    assert quarantined(batch) == [("fact_articles", "article_id-1", "body_has_words")]
    assert kept_keys(batch, "fact_quotes") == ["quote_id-0", "quote_id-1", "quote_id-2"]


def test_a_statement_is_whole_or_absent() -> None:
    batch = validate(build_frames(fact_statements=({"content_text": "We rebuilt,"},)), AS_OF)
    assert quarantined(batch) == [
        ("fact_quotes", "quote_id-0", "depends_on:fact_statements:statement_id-0"),
        ("fact_statements", "statement_id-0", "content_text_is_its_fragments"),
        ("quote_mentions", "quote_id-0|mention_id-1", "depends_on:fact_quotes:quote_id-0"),
        ("statement_relays", "statement_id-0|0", "depends_on:fact_statements:statement_id-0"),
        ("statement_speakers", "statement_id-0|0", "depends_on:fact_statements:statement_id-0"),
    ]


def test_a_bad_quote_takes_its_statement_and_the_quotes_inside_it_along() -> None:
    batch = validate(build_frames(fact_quotes=({}, {"paragraph_no": 2}, {"statement_id": None, "part_no": 0})), AS_OF)
    assert quarantined(batch) == [
        ("fact_quotes", "quote_id-1", "paragraph_exists"),
        ("fact_quotes", "quote_id-2", "depends_on:fact_quotes:quote_id-1"),
        ("fact_statements", "statement_id-1", "depends_on:fact_quotes:statement_id-1"),
    ]


def test_a_speaker_whose_entity_is_gone_is_unresolved_again() -> None:
    batch = validate(build_frames(document_entities=({"document_entity_name": ""},)), AS_OF)
    assert kept_keys(batch, "document_entities") == kept_keys(batch, "fact_entity_mentions") == []
    assert rows(batch.frames["fact_quotes"], "speaker_text", "speaker_document_entity_id") == [
        ("Ana Duarte", None),
        ("she", None),
        (None, None),
    ]
    assert batch.frames["fact_statements"]["speaker_document_entity_id"].to_list() == [None, None]


def test_an_entity_goes_with_the_last_of_its_mentions() -> None:
    batch = validate(build_frames(fact_entity_mentions=({"start_char": 1}, {"start_char": 70})), AS_OF)
    assert (
        "document_entities",
        "document_entity_id-0",
        "depends_on:mentions_of:document_entity_id-0",
    ) in quarantined(batch)
    assert batch.frames["fact_quotes"]["speaker_document_entity_id"].null_count() == 3


def test_rows_with_one_key_all_go_and_each_is_recorded() -> None:
    frames = build_frames()
    frames["article_attributes"] = pl.concat([frames["article_attributes"]] * 2)
    batch = validate(frames, AS_OF)
    assert quarantined(batch) == [
        ("article_attributes", "article_id-0|authors|text", "key_is_unique"),
        ("article_attributes", "article_id-0|authors|text#2", "key_is_unique"),
    ]


def test_a_row_is_recorded_with_every_expectation_that_it_fails() -> None:
    batch = validate(
        build_frames(fact_entity_mentions=({}, {"start_char": 70, "title": None, "mention_type": "?"})), AS_OF
    )
    assert [expectation for table, _, expectation in quarantined(batch) if table == "fact_entity_mentions"] == [
        "mention_text_is_in_body",
        "mention_type_is_in_vocabulary",
    ]


def test_today_is_not_known_only_the_day_given() -> None:
    frames = build_frames()
    assert quarantined(validate(frames, date(2024, 4, 30))) == []
    assert ("fact_articles", "article_id-0", "published_on_is_plausible") in quarantined(
        validate(frames, date(2024, 4, 29))
    )


def test_an_empty_batch_passes() -> None:
    batch = validate({}, AS_OF)
    assert (batch.is_stopped, batch.quarantined.height, batch.results["failed_count"].sum()) == (False, 0, 0)
    assert all(frame.is_empty() for frame in batch.frames.values())


def test_a_frame_under_another_name_is_refused() -> None:
    with pytest.raises(KeyError, match="fact_qoutes"):
        validate({"fact_qoutes": pl.DataFrame()}, AS_OF)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop("cue"),
        lambda frame: frame.with_columns(pl.col("start_char").cast(pl.Int64)),
        lambda frame: frame.with_columns(extra=pl.lit(1)),
        lambda frame: frame.select(reversed(frame.columns)),
    ],
    ids=["a column is missing", "a type is other", "a column too much", "the order is other"],
)
def test_a_frame_that_is_not_as_declared_stops_the_batch(change: Any) -> None:
    frames = build_frames()
    frames["fact_quotes"] = change(frames["fact_quotes"])
    batch = validate(frames, AS_OF)
    assert batch.is_stopped
    assert batch.failures == ("fact_quotes.columns_are_as_declared",)


def test_columns_that_are_written_at_load_may_be_missing() -> None:
    frames = build_frames()
    frames["fact_articles"] = frames["fact_articles"].drop("rules_version", "run_id")
    assert not validate(frames, AS_OF).is_stopped


def unattributed_quotes(count: int) -> dict[str, pl.DataFrame]:
    """Build `count` direct quotes of one character each, nobody named."""
    frames = build_frames()
    body = "a" * count
    frames["fact_articles"] = articles(body, body_sha256="0" * 64)
    quotes = [{"quote_text": "a", "start_char": n, "statement_id": None} for n in range(count)]
    return {"fact_articles": frames["fact_articles"], "fact_quotes": build_table(FACT_QUOTES, *quotes)}


def test_a_share_out_of_bounds_stops_the_batch_from_200_rows_on() -> None:
    batch = validate(unattributed_quotes(200), AS_OF)
    assert (batch.is_stopped, batch.failures) == (True, ("fact_quotes.quotes_have_speakers",))
    result = batch.results.filter(pl.col("expectation") == "quotes_have_speakers")
    assert rows(result, "severity", "is_success", "checked_count", "failed_count", "detail") == [
        ("stop", False, 200, 200, "share 1.000, at most 0.600")
    ]


def test_a_share_out_of_bounds_only_warns_below_200_rows() -> None:
    batch = validate(unattributed_quotes(199), AS_OF)
    assert (batch.is_stopped, batch.failures) == (False, ())
    result = batch.results.filter(pl.col("expectation") == "quotes_have_speakers")
    assert rows(result, "severity", "is_success") == [("warn", False)]


def test_more_than_a_tenth_in_quarantine_stops_the_batch() -> None:
    frames = unattributed_quotes(200)
    late = pl.int_range(pl.len())
    few = frames["fact_quotes"].with_columns(speaker_text=pl.lit(None, pl.String), quote_type=pl.lit("indirect"))
    for bad_count, failures in ((20, ()), (21, ("fact_quotes.quarantined_share_is_small",))):
        confidence = pl.when(late < bad_count).then(2.0).otherwise(0.5)
        batch = validate({**frames, "fact_quotes": few.with_columns(confidence=confidence)}, AS_OF)
        assert (batch.quarantined.height, batch.failures) == (bad_count, failures)


def test_rows_that_only_went_along_do_not_stop_the_batch() -> None:
    frames = unattributed_quotes(200)
    frames["fact_articles"] = frames["fact_articles"].with_columns(language=pl.lit("English"))
    batch = validate({**frames, "fact_quotes": frames["fact_quotes"].with_columns(quote_type=pl.lit("term"))}, AS_OF)
    assert (batch.quarantined.height, batch.failures) == (201, ())


def test_an_expectation_that_crashes_is_an_error_and_not_bad_data() -> None:
    crashing = Expectation(
        "x", "x.", "ExpectColumnValuesToBeBetween", {"column": "body", "min_value": 0, "max_value": 1}
    )
    suite = Suite(FACT_ARTICLES, expectations=(crashing,))
    with pytest.raises(ValidationCrashed, match=r"fact_articles\.x: .*"):
        run_suite(suite, prepare_frame(suite, build_frames(), AS_OF))


def test_rows_of_a_check_that_does_not_apply_are_not_counted() -> None:
    suite = Suite(
        FACT_QUOTES,
        checks=(Check("c", "c.", pl.when(pl.col("speaker_text").is_not_null()).then(pl.lit(True))),),
    )
    outcome = run_suite(suite, prepare_frame(suite, build_frames(), AS_OF))[-1]
    assert (outcome.expectation.name, outcome.checked_count, outcome.failed_rows) == ("c", 2, ())


def open_release(**changes: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    """Open a release in memory that holds the good batch, entities joined in, the named tables replaced."""
    entity = {
        "speaker_entity_id": pl.when(pl.col("speaker_document_entity_id").is_not_null()).then(pl.lit("entity_id-0"))
    }
    frames = {table.name: build_table(table) for table in TABLES if table.scope != "ledger"} | build_frames()
    frames["fact_quotes"] = frames["fact_quotes"].with_columns(**entity)
    frames["fact_statements"] = frames["fact_statements"].with_columns(**entity)
    frames["fact_entity_mentions"] = frames["fact_entity_mentions"].with_columns(entity_id=pl.lit("entity_id-0"))
    frames["source_documents"] = build_table(SOURCE_DOCUMENTS, {})
    frames["dim_entities"] = build_table(DIM_ENTITIES, {"entity_name": "Ana Duarte"})
    frames["entity_links"] = build_table(ENTITY_LINKS, {})
    con = duckdb.connect(":memory:")
    for name, frame in (frames | changes).items():
        con.register("new_rows", frame)
        con.execute(f'create table "{name}" as select * from new_rows')
    return con


def release_failures(**changes: pl.DataFrame) -> tuple[str, ...]:
    with open_release(**changes) as con:
        return find_failures(audit_release(con))


def test_a_good_release_fails_nothing() -> None:
    with open_release() as con:
        results = audit_release(con)
    assert results["is_success"].all()
    assert results["batch_no"].unique().to_list() == [-1]
    assert {name for (name,) in rows(results, "table_name")} == {
        table.name for table in TABLES if table.scope != "ledger"
    }
    assert results.select("table_name", "expectation").is_unique().all()


def good(table_name: str) -> pl.DataFrame:
    with open_release() as con:
        return con.sql(f'select * from "{table_name}"').pl()


@pytest.mark.parametrize(
    ("table_name", "change", "failure"),
    [
        ("fact_articles", lambda f: pl.concat([f, f]), "key_is_unique"),
        ("fact_articles", lambda f: f.with_columns(layout=pl.lit("zigzag")), "layout_is_in_vocabulary"),
        (
            "fact_articles",
            lambda f: pl.concat([f, f.with_columns(article_id=pl.lit("b"))]),
            "document_has_one_current_article",
        ),
        ("source_documents", lambda f: f.clear(), "article_was_sighted"),
        (
            "fact_quotes",
            lambda f: f.with_columns(confidence=pl.lit(None, pl.Float64)),
            "required_columns_are_filled",
        ),
        ("fact_quotes", lambda f: f.with_columns(parent_quote_id=pl.lit("x")), "parent_quote_id_exists"),
        (
            "fact_quotes",
            lambda f: f.with_columns(start_char=pl.col("start_char") + 1),
            "quote_text_is_in_body",
        ),
        (
            "fact_quotes",
            lambda f: f.with_columns(parent_quote_id=pl.lit(None, pl.String)),
            "quotes_do_not_overlap",
        ),
        (
            "fact_quotes",
            lambda f: f.with_columns(speaker_entity_id=pl.lit(None, pl.String)),
            "speaker_entity_id_follows_its_link",
        ),
        ("fact_statements", lambda f: f.clear(), "statement_id_exists"),
        (
            "fact_entity_mentions",
            lambda f: f.with_columns(mention_text=pl.lit("Ana")),
            "mention_text_is_in_body",
        ),
        ("entity_links", lambda f: f.clear(), "document_entity_is_linked"),
        ("dim_entities", lambda f: f.clear(), "entity_id_exists"),
        ("dim_entities", lambda f: pl.concat([f, f.with_columns(entity_id=pl.lit("b"))]), "entity_is_linked"),
    ],
)
def test_a_fault_in_a_release_is_found(table_name: str, change: Any, failure: str) -> None:
    failures = release_failures(**{table_name: change(good(table_name))})
    assert failure in {name.split(".")[1] for name in failures}


def test_a_release_without_a_table_fails() -> None:
    with open_release() as con:
        con.execute("drop table dim_outlets")
        assert find_failures(audit_release(con)) == ("dim_outlets.table_exists",)


def test_offsets_of_a_release_count_characters_and_not_bytes_or_graphemes() -> None:
    body = "Zoë\u0301 🇵🇹 “olá”"
    mention = {"mention_text": "olá", "start_char": body.index("olá")}
    mentions = build_table(FACT_ENTITY_MENTIONS, {**mention, "entity_id": "entity_id-0"})
    failures = release_failures(
        fact_articles=articles(body),
        fact_entity_mentions=mentions,
        **{name: good(name).clear() for name in ("fact_quotes", "quote_mentions")},
    )
    assert failures == ()


def test_ratios_of_a_release_are_those_of_the_batches() -> None:
    frames = unattributed_quotes(250)
    frames["fact_quotes"] = frames["fact_quotes"].with_columns(
        speaker_text=pl.when(pl.int_range(pl.len()) < 50).then(pl.lit("a")), quote_type=pl.lit("mixed")
    )
    in_batch = validate(frames, AS_OF).results
    with open_release(**frames) as con:
        in_release = audit_release(con)
    names = ["quotes_have_speakers", "articles_have_quotes", "language_is_known"]
    columns = ["expectation", "severity", "checked_count", "failed_count"]
    found = [
        result.filter(pl.col("expectation").is_in(names)).select(columns).sort("expectation")
        for result in (in_batch, in_release)
    ]
    assert rows(found[0]) == rows(found[1])
    assert ("quotes_have_speakers", "stop", 250, 200) in rows(found[1])
