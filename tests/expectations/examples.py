"""One good batch, and for every expectation a literal change of one of its rows that breaks this expectation alone."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from expectations.base import FILLED, derive_baseline
from expectations.suites import SUITES
from tests.builders import build_table
from warehouse.tables import tables_of

Row = Mapping[str, Any]

AS_OF = date(2024, 5, 2)
BODY = "“We will rebuild,” Ana Duarte, the mayor, said.\n\n“It takes “time” and money,” she added."
LONG_BODY = "A word " * 100

GOOD: Mapping[str, tuple[Row, ...]] = {
    "fact_articles": ({"body": BODY, "language": "en", "published_on": date(2024, 5, 1), "authors": ["Jo Field"]},),
    "article_attributes": ({"value": "Jo Field", "attribute": "authors", "origin": "text"},),
    "article_segments": ({"label": "body", "text": BODY[:47], "raw_end": 53, "body_start": 0, "body_end": 47},),
    "fact_quotes": (
        {
            "statement_id": "statement_id-0",
            "quote_text": "We will rebuild,",
            "start_char": 1,
            "cue": "said",
            "cue_start_char": 42,
            "speaker_text": "Ana Duarte",
            "speaker_start_char": 19,
            "speaker_document_entity_id": "document_entity_id-0",
            "speaker_kind": "person",
        },
        {
            "statement_id": "statement_id-1",
            "quote_text": "It takes “time” and money,",
            "start_char": 50,
            "paragraph_no": 1,
            "speaker_text": "she",
            "speaker_start_char": 78,
            "speaker_document_entity_id": "document_entity_id-0",
        },
        {
            "statement_id": "statement_id-1",
            "quote_text": "time",
            "quote_type": "term",
            "start_char": 60,
            "paragraph_no": 1,
            "parent_quote_id": "quote_id-1",
            "part_no": 1,
        },
    ),
    "fact_statements": (
        {
            "content_text": "We will rebuild,",
            "fragments": [{"start_char": 1, "end_char": 17}],
            "speaker_text": "Ana Duarte",
            "speaker_start_char": 19,
            "speaker_document_entity_id": "document_entity_id-0",
        },
        {"content_text": "It takes “time” and money,", "fragments": [{"start_char": 50, "end_char": 76}]},
    ),
    "document_entities": ({"document_entity_name": "Ana Duarte", "names": ["Ana Duarte"], "mention_count": 2},),
    "fact_entity_mentions": (
        {"mention_text": "Ana Duarte", "start_char": 19},
        {"mention_text": "she", "start_char": 78, "mention_type": "pronoun"},
    ),
    "quote_mentions": ({"quote_id": "quote_id-0", "mention_id": "mention_id-1", "role": "around"},),
    "statement_speakers": ({"statement_id": "statement_id-0", "speaker_text": "Ana Duarte", "speaker_start_char": 19},),
    "statement_relays": ({"statement_id": "statement_id-0", "relay_text": "the mayor", "relay_start_char": 31},),
}

OWN_BAD_ROWS: Mapping[
    tuple[str, str], tuple[Row, ...]
] = {  # changes of rows 0, 1, …; a row more than GOOD has is added
    ("fact_articles", FILLED): ({"encoding": None},),
    ("fact_articles", "key_is_unique"): ({}, {**GOOD["fact_articles"][0], "article_id": "article_id-0"}),
    ("fact_articles", "raw_sha256_is_a_hash"): ({"raw_sha256": "0f"},),
    ("fact_articles", "body_sha256_is_a_hash"): ({"body_sha256": ""},),
    ("fact_articles", "language_is_a_code"): ({"language": "English"},),
    ("fact_articles", "language_score_is_a_probability"): ({"language_score": 1.5},),
    ("fact_articles", "body_has_words"): ({"body": "—", "word_count": 1, "paragraph_count": 1},),
    ("fact_articles", "word_count_is_that_of_the_body"): ({"word_count": 7},),
    ("fact_articles", "paragraph_count_is_that_of_the_body"): ({"paragraph_count": 1},),
    ("fact_articles", "published_on_is_plausible"): ({"published_on": date(2024, 5, 4)},),
    ("fact_articles", "title_is_not_blank"): ({"title": " "},),
    ("fact_articles", "authors_are_named"): ({"authors": ["Jo Field", ""]},),
    ("fact_articles", "articles_have_quotes"): ({}, {"body": LONG_BODY}, *({"body": LONG_BODY} for _ in range(20))),
    ("fact_articles", "language_is_known"): ({"body": "word " * 50, "language": "und"},),
    ("article_attributes", FILLED): ({"value": None},),
    ("article_attributes", "key_is_unique"): ({}, GOOD["article_attributes"][0]),
    ("article_attributes", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("article_segments", FILLED): ({"reason": None},),
    ("article_segments", "label_is_in_vocabulary"): ({"label": "no such word", "body_start": None, "body_end": None},),
    ("article_segments", "key_is_unique"): ({}, {**GOOD["article_segments"][0], "line_no": 0}),
    ("article_segments", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("article_segments", "raw_span_is_ordered"): ({"raw_start": 60, "raw_end": 53},),
    ("article_segments", "body_span_is_inside_body"): ({"body_start": 0, "body_end": 900},),
    ("article_segments", "only_body_is_in_body"): ({"label": "caption"},),
    ("fact_quotes", FILLED): ({"quote_text": None, "quote_text_normalized": "", "end_char": 17},),
    ("fact_quotes", "key_is_unique"): ({"quote_id": "quote_id-2"},),
    ("fact_quotes", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("fact_quotes", "statement_id_exists"): ({"statement_id": "statement_id-9"},),
    ("fact_quotes", "parent_quote_id_exists"): ({}, {}, {"parent_quote_id": "quote_id-9"}),
    ("fact_quotes", "speaker_document_entity_id_exists"): ({"speaker_document_entity_id": "document_entity_id-9"},),
    ("fact_quotes", "confidence_is_a_probability"): ({"confidence": -0.1},),
    ("fact_quotes", "span_is_inside_body"): ({"quote_text": "", "start_char": 3, "end_char": 3},),
    ("fact_quotes", "quote_text_is_in_body"): ({"quote_text": "We will rebuilt,", "end_char": 17},),
    ("fact_quotes", "paragraph_exists"): ({"paragraph_no": 2},),
    ("fact_quotes", "parent_encloses"): ({}, {}, {"parent_quote_id": "quote_id-0"}),
    ("fact_quotes", "quotes_do_not_overlap"): ({}, {}, {"parent_quote_id": None}),
    ("fact_quotes", "part_no_is_dense"): ({}, {}, {"part_no": 2}),
    ("fact_quotes", "speaker_text_is_in_body"): ({"speaker_start_char": 20, "speaker_end_char": 30},),
    ("fact_quotes", "cue_is_in_body"): ({"cue_start_char": None, "cue_end_char": None},),
    ("fact_quotes", "via_text_is_in_body"): ({"via_text": "the port", "via_start_char": 3},),
    ("fact_quotes", "said_on_precision_is_in_vocabulary"): (
        {"said_on": date(2024, 5, 1), "said_until": date(2024, 5, 1), "said_on_precision": "no such word"},
    ),
    ("fact_quotes", "said_on_reference_is_in_vocabulary"): ({"said_on_reference": "no such word"},),
    ("fact_quotes", "said_on_text_is_in_body"): ({"said_on_start_char": 3},),
    ("fact_quotes", "said_place_text_is_in_body"): ({"said_place_text": "the port", "said_place_start_char": 3},),
    ("fact_quotes", "said_to_text_is_in_body"): ({"said_to_text": "reporters", "said_to_start_char": 3},),
    ("fact_quotes", "said_on_is_a_time"): (
        {"said_on": date(2024, 5, 2), "said_until": date(2024, 5, 1), "said_on_precision": "range"},
    ),
    ("fact_quotes", "said_place_document_entity_id_exists"): (
        {"said_place_document_entity_id": "document_entity_id-9"},
    ),
    ("fact_quotes", "quotes_have_speakers"): (
        {"speaker_text": None, "speaker_start_char": None},
        {"speaker_text": None, "speaker_start_char": None},
    ),
    ("fact_statements", FILLED): ({"content_text": None},),
    ("fact_statements", "key_is_unique"): ({"statement_id": "statement_id-1"},),
    ("fact_statements", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("fact_statements", "speaker_document_entity_id_exists"): ({"speaker_document_entity_id": "document_entity_id-9"},),
    ("fact_statements", "confidence_is_a_probability"): ({"confidence": 1.1},),
    ("fact_statements", "fragments_are_given"): ({"fragments": []},),
    ("fact_statements", "fragments_are_inside_body"): (
        {
            "content_text": "rebuild, We",
            "fragments": [{"start_char": 9, "end_char": 17}, {"start_char": 1, "end_char": 3}],
        },
    ),
    ("fact_statements", "content_text_is_its_fragments"): ({"content_text": "We rebuild,"},),
    ("fact_statements", "speaker_text_is_in_body"): ({"speaker_text": "Anna Duarte", "speaker_end_char": 30},),
    ("fact_statements", "cue_is_in_body"): ({"cue": "said"},),
    ("fact_statements", "via_text_is_in_body"): ({"via_start_char": 3},),
    ("fact_statements", "said_on_precision_is_in_vocabulary"): (
        {"said_on": date(2024, 5, 1), "said_until": date(2024, 5, 1), "said_on_precision": "no such word"},
    ),
    ("fact_statements", "said_on_reference_is_in_vocabulary"): ({"said_on_reference": "no such word"},),
    ("fact_statements", "said_on_text_is_in_body"): ({"said_on_start_char": 3},),
    ("fact_statements", "said_place_text_is_in_body"): ({"said_place_text": "the port", "said_place_start_char": 3},),
    ("fact_statements", "said_to_text_is_in_body"): ({"said_to_text": "reporters", "said_to_start_char": 3},),
    ("fact_statements", "said_on_is_a_time"): (
        {"said_on": date(2024, 5, 2), "said_until": date(2024, 5, 1), "said_on_precision": "range"},
    ),
    ("fact_statements", "said_place_document_entity_id_exists"): (
        {"said_place_document_entity_id": "document_entity_id-9"},
    ),
    ("document_entities", FILLED): ({"names": None},),
    ("document_entities", "key_is_unique"): (
        {},
        {**GOOD["document_entities"][0], "document_entity_id": "document_entity_id-0"},
    ),
    ("document_entities", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("document_entities", "document_entity_has_a_name"): ({"document_entity_name": " "},),
    ("document_entities", "document_entity_is_mentioned"): ({"document_entity_id": "document_entity_id-9"},),
    ("document_entities", "mention_count_is_that_of_the_mentions"): ({"mention_count": 3},),
    ("fact_entity_mentions", FILLED): ({"mention_text": None, "end_char": 29},),
    ("fact_entity_mentions", "entity_type_is_in_vocabulary"): (
        {"entity_type": "no such word"},
        {"entity_type": "no such word"},
    ),
    ("fact_entity_mentions", "key_is_unique"): ({"mention_id": "mention_id-1"},),
    ("fact_entity_mentions", "article_id_exists"): ({"article_id": "article_id-9"}, {"article_id": "article_id-9"}),
    ("fact_entity_mentions", "document_entity_id_exists"): ({"document_entity_id": "document_entity_id-9"},),
    ("fact_entity_mentions", "span_is_inside_body"): ({"mention_text": "", "start_char": 500, "end_char": 500},),
    ("fact_entity_mentions", "mention_text_is_in_body"): ({"mention_text": "Ana", "end_char": 29},),
    ("fact_entity_mentions", "entity_is_of_the_article"): ({}, {"article_id": "article_id-1"}),
    ("fact_entity_mentions", "entity_type_is_that_of_the_entity"): ({"entity_type": "place"},),
    ("quote_mentions", FILLED): ({"role": None},),
    ("quote_mentions", "key_is_unique"): ({}, GOOD["quote_mentions"][0]),
    ("quote_mentions", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("quote_mentions", "quote_id_exists"): ({"quote_id": "quote_id-9"},),
    ("quote_mentions", "mention_id_exists"): ({"mention_id": "mention_id-9"},),
    ("quote_mentions", "quote_and_mention_are_of_the_article"): ({"article_id": "article_id-1"},),
    ("quote_mentions", "role_is_where_the_mention_stands"): ({"role": "inside"},),
    ("statement_speakers", FILLED): ({"speaker_text": None, "speaker_end_char": 29},),
    ("statement_speakers", "key_is_unique"): ({}, {**GOOD["statement_speakers"][0], "speaker_no": 0}),
    ("statement_speakers", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("statement_speakers", "statement_id_exists"): ({"statement_id": "statement_id-9"},),
    ("statement_speakers", "speaker_document_entity_id_exists"): (
        {"speaker_document_entity_id": "document_entity_id-9"},
    ),
    ("statement_speakers", "speaker_text_is_in_body"): ({"speaker_text": "Anna Duarte", "speaker_end_char": 29},),
    ("statement_speakers", "speaker_no_is_dense"): ({"speaker_no": 1},),
    ("statement_speakers", "statement_is_of_the_article"): ({"article_id": "article_id-1"},),
    ("statement_relays", FILLED): ({"relay_text": None, "relay_end_char": 40},),
    ("statement_relays", "key_is_unique"): ({}, {**GOOD["statement_relays"][0], "relay_no": 0}),
    ("statement_relays", "article_id_exists"): ({"article_id": "article_id-9"},),
    ("statement_relays", "statement_id_exists"): ({"statement_id": "statement_id-9"},),
    ("statement_relays", "relay_document_entity_id_exists"): ({"relay_document_entity_id": "document_entity_id-9"},),
    ("statement_relays", "relay_text_is_in_body"): ({"relay_text": "the major", "relay_end_char": 40},),
    ("statement_relays", "relay_no_is_dense"): ({"relay_no": 1},),
    ("statement_relays", "statement_is_of_the_article"): ({"article_id": "article_id-1"},),
}

OTHER_CHANGES: Mapping[tuple[str, str], Mapping[str, tuple[Row, ...]]] = {  # of the tables that the bad rows refer to
    ("fact_entity_mentions", "article_id_exists"): {"document_entities": ({"article_id": "article_id-9"},)},
    ("fact_entity_mentions", "entity_type_is_in_vocabulary"): {"document_entities": ({"entity_type": "no such word"},)},
    ("fact_entity_mentions", "entity_is_of_the_article"): {"fact_articles": ({}, {"body": BODY})},
    ("quote_mentions", "article_id_exists"): {
        "fact_quotes": ({"article_id": "article_id-9"},),
        "fact_entity_mentions": ({}, {"article_id": "article_id-9"}),
    },
    ("statement_speakers", "article_id_exists"): {"fact_statements": ({"article_id": "article_id-9"},)},
    ("statement_relays", "article_id_exists"): {"fact_statements": ({"article_id": "article_id-9"},)},
    ("quote_mentions", "quote_and_mention_are_of_the_article"): {"fact_articles": ({}, {"body": BODY})},
    ("statement_speakers", "statement_is_of_the_article"): {"fact_articles": ({}, {"body": BODY})},
    ("statement_relays", "statement_is_of_the_article"): {"fact_articles": ({}, {"body": BODY})},
}


def build_frames(**changes: tuple[Row, ...]) -> dict[str, pl.DataFrame]:
    """Build the good batch, rows of the named tables changed; a row more than the good batch has is added."""
    return {
        table.name: build_table(table, *_change_rows(GOOD[table.name], changes.get(table.name, ())))
        for table in tables_of("article")
    }


def build_bad_frames(table_name: str, expectation: str) -> dict[str, pl.DataFrame]:
    """Build the good batch with the change that breaks `expectation` of the table."""
    others = OTHER_CHANGES.get((table_name, expectation), {})
    return build_frames(**{table_name: find_bad_rows()[table_name, expectation], **others})


def find_bad_rows() -> dict[tuple[str, str], tuple[Row, ...]]:
    """Return the bad rows of all expectations; those on closed vocabularies follow from the declarations."""
    bad = dict(OWN_BAD_ROWS)
    for suite in SUITES:
        for expectation in derive_baseline(suite.table):
            column = expectation.arguments.get("column", "")
            if expectation.name.endswith("_is_in_vocabulary"):
                bad.setdefault((suite.table.name, expectation.name), ({column: "no such word"},))
    return bad


def _change_rows(good: tuple[Row, ...], changes: tuple[Row, ...]) -> list[Row]:
    count = max(len(good), len(changes))
    return [
        {**(good[number] if number < len(good) else {}), **(changes[number] if number < len(changes) else {})}
        for number in range(count)
    ]
