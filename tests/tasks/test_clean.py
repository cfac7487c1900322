"""From raw text to labelled segments, bodies and headers."""

from datetime import date

import polars as pl
import pytest

from tasks.clean import clean_documents, fold_body
from tasks.text.header import parse_date
from tasks.text.labels import rules_alone, rules_in_context
from tasks.text.pieces import find_pieces
from tests.builders import raw_documents, rows
from warehouse.tables import ARTICLE_ATTRIBUTES, ARTICLE_SEGMENTS, FACT_ARTICLES

LEAD = "The ferry crews of the island took home a written offer on Tuesday after an all-night meeting with the company."
MORE = "The offer would restore an eleven-hour rest between two night crossings, a spokeswoman for the ferry line said."
LAST = "The vote of the crews is expected on Wednesday evening, and the first ship could leave the port on Thursday."
TITLE = "Ferry talks adjourn with a draft on the table"


def join_lines(*lines: str) -> str:
    return "\n\n".join(lines)


def label_text(*lines: str, **columns: object) -> list[tuple[str, str]]:
    """Return the text and label of every segment of one document, in order."""
    batch = clean_documents(raw_documents(join_lines(*lines), **columns))
    return rows(batch.segments.sort("line_no", "segment_no"), "text", "label")


def find_label(line: str, *lines: str) -> tuple[str, str]:
    """Return label and reason of the one segment that is `line`."""
    segments = clean_documents(raw_documents(join_lines(*lines))).segments
    [found] = rows(segments.filter(pl.col("text") == line), "label", "reason")
    return found


EXAMPLES = {  # reason: label, the line, where it stands
    "lone_marks": ("junk", "___", (TITLE, LEAD, "___", MORE)),
    "date_line": ("date", "Published: 14 May 2024, 9:30 am", (TITLE, "Published: 14 May 2024, 9:30 am", LEAD, MORE)),
    "byline": ("byline", "By Lotte Harkema and Ion Tabără", (TITLE, "By Lotte Harkema and Ion Tabără", LEAD, MORE)),
    "contributors": ("notice", "Ion Tabără contributed reporting.", (TITLE, LEAD, MORE, "Ion Tabără contributed reporting.")),
    "agency_sign_off": ("notice", "(Reporting by Nuno Falcato; Editing by Greta Lindqvist)", (TITLE, LEAD, MORE, "(Reporting by Nuno Falcato; Editing by Greta Lindqvist)")),
    "agency_alone": ("credit", "Rui Serpa, via Reuters", (TITLE, LEAD, "Rui Serpa, via Reuters", MORE)),
    "agency_name": ("credit", "Getty Images", (TITLE, LEAD, "Getty Images", MORE)),
    "name_slash_source": ("credit", "Rui Serpa/Porto Foto", (TITLE, LEAD, "Rui Serpa/Porto Foto", MORE)),
    "credit_at_end": ("caption", "The sea minister, left, arrives at the quay. Rui Serpa/CWP", (TITLE, "The sea minister, left, arrives at the quay. Rui Serpa/CWP", LEAD, MORE)),
    "credit_in_parentheses": ("caption", "Ferries lie in the port of the island (Rui Serpa/Reuters)", (TITLE, LEAD, "Ferries lie in the port of the island (Rui Serpa/Reuters)", MORE)),
    "dated_scene": ("caption", "The sea minister speaks to reporters on the quay in Lisbon, Tuesday, May 14, 2024.", (TITLE, "The sea minister speaks to reporters on the quay in Lisbon, Tuesday, May 14, 2024.", LEAD, MORE)),
    "headline": ("title", TITLE, (TITLE, LEAD, MORE)),
    "repeats_title": ("title", f"{TITLE} | The Gazette", (f"{TITLE} | The Gazette", "Menu", TITLE, LEAD, MORE, LAST)),
    "keywords_above_caption": ("caption", "Portugal Ferry Strike", (TITLE, "Portugal Ferry Strike", "The sea minister, left, arrives at the quay. Rui Serpa/CWP", LEAD)),
    "capitals_only": ("promotion", "LIVE MAP: WHICH ROUTES ARE SAILING", (TITLE, LEAD, "LIVE MAP: WHICH ROUTES ARE SAILING", MORE)),
    "author_line": ("notice", "Lotte Harkema is a staff writer at The Gazette and lives in Porto.", (TITLE, LEAD, MORE, "Lotte Harkema is a staff writer at The Gazette and lives in Porto.")),
}  # fmt: skip


@pytest.mark.parametrize("reason", EXAMPLES)
def test_each_rule_labels_its_line(reason: str) -> None:
    label, line, lines = EXAMPLES[reason]
    assert find_label(line, *lines) == (label, reason)


def test_every_rule_has_an_example() -> None:
    assert {rule.reason for rule in (*rules_alone(), *rules_in_context())} == set(EXAMPLES)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("Leave a Reply", "comment_form"),
        ("Your email will not be published. Required fields are marked *", "comment_form"),
        ("© 2024 The Gazette", "notice"),
        ("Related Content", "navigation"),
        ("Share this: Facebook | X | Email", "navigation"),
        ("Read more: Five ferry routes that are no more", "promotion"),
        ("CLICK HERE FOR MORE NEWS FROM THE PORT", "promotion"),
        ("Subscribe to our newsletter and get the port news every Friday.", "promotion"),
        ("Jetzt abonnieren", "promotion"),
    ],
)
def test_known_forms_stay_outside_of_the_body(line: str, label: str) -> None:
    assert label_text(TITLE, LEAD, MORE, LAST, line)[-1] == (line, label)


@pytest.mark.parametrize(
    "line",
    [
        "Sharers of the boat said that they would never sail again.",
        "Related costs rose, the company said on Monday in a statement.",
    ],
)
def test_a_sentence_that_only_begins_like_a_known_form_is_body(line: str) -> None:
    assert label_text(TITLE, LEAD, line, MORE)[2] == (line, "body")


def test_a_text_without_anything_around_it_is_all_body() -> None:
    assert label_text(LEAD, MORE, "They are not patient.", LAST) == [
        (LEAD, "body"),
        (MORE, "body"),
        ("They are not patient.", "body"),
        (LAST, "body"),
    ]


def test_a_short_line_between_paragraphs_is_a_heading_and_part_of_the_body() -> None:
    assert label_text(TITLE, LEAD, "‘A padlock is not a policy’", MORE)[2] == ("‘A padlock is not a policy’", "heading")


def test_the_article_goes_on_after_a_promotion_in_its_middle() -> None:
    labels = [
        label
        for _, label in label_text(
            TITLE, LEAD, "GET OUR BRIEFING EVERY MORNING", "CLICK HERE FOR MORE PORT NEWS", MORE, LAST
        )
    ]
    assert labels == ["title", "body", "promotion", "promotion", "body", "body"]


def test_what_follows_a_comment_form_is_no_article() -> None:
    labels = [
        label for _, label in label_text(TITLE, LEAD, MORE, "Post a comment", "Name *", "What a shame this is, really.")
    ]
    assert labels == ["title", "body", "body", "comment_form", "navigation", "navigation"]


def test_the_sentence_of_a_site_above_the_headline_is_a_promotion() -> None:
    slogan = "Your morning at sea: ports, people and politics since 1911."
    assert label_text(slogan, TITLE, LEAD, MORE)[:2] == [(slogan, "promotion"), (TITLE, "title")]


def test_a_headline_that_opens_the_first_sentence_is_still_the_headline() -> None:
    headline = "The ferry crews of the island took home a written offer."
    assert label_text(headline, headline[:-1] + " on Tuesday after a meeting, the company said.")[0] == (
        headline,
        "title",
    )


def test_an_article_of_one_line_is_its_body() -> None:
    assert label_text(LEAD) == [(LEAD, "body")]
    assert label_text(LEAD, metadata_title=LEAD) == [(LEAD, "body")]


def test_wrapped_sign_offs_are_one_notice() -> None:
    text = (
        "Negotiators for the striking ferry crews took home a written offer\n"
        "on Tuesday after an all-night meeting, the first sign of movement in\n"
        "a dispute that has cut the sea link between the two ports.\n\n"
        "(Reporting by Nuno Falcato in Lisbon and Ion Tabără in the port of\n"
        "Funchal; Editing by Greta Lindqvist)\n"
    )
    batch = clean_documents(raw_documents(text))
    assert batch.segments["label"].to_list() == ["body"] * 3 + ["notice"] * 2
    assert batch.articles["body"].item() == " ".join(text.split("\n\n")[0].split("\n"))


@pytest.mark.parametrize(
    ("lines", "dateline", "place"),
    [
        (("LISBON, May 14 (Reuters) — " + LEAD,), "LISBON, May 14 (Reuters)", "Lisbon"),
        (("Lisbon (AP) – " + LEAD,), "Lisbon (AP)", "Lisbon"),
        (("ST. JOHN’S, Antigua - " + LEAD,), "ST. JOHN’S, Antigua", "St. John’s"),
        (("Lisbon", "Continental Wire", "—", LEAD), "Lisbon Continental Wire", "Lisbon"),
        (("AUBURN, Wash. —", LEAD), "AUBURN, Wash.", "Auburn"),
        ((LEAD + " It was late — too late.",), None, None),
    ],
)
def test_datelines_are_read_and_stay_outside_of_the_body(
    lines: tuple[str, ...], dateline: str | None, place: str | None
) -> None:
    articles = clean_documents(raw_documents(join_lines(*lines, MORE))).articles
    assert rows(articles, "dateline", "dateline_place") == [(dateline, place)]
    assert articles["body"].item().startswith(LEAD)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("date 2024-05-14 " + LEAD, [("date", "date 2024-05-14"), ("body", LEAD)]),
        ("May 14, 2024 " + LEAD, [("date", "May 14, 2024"), ("body", LEAD)]),
        ("By Jo Field " + LEAD, [("byline", "By Jo Field"), ("body", LEAD)]),
        (
            "By Jo Field LISBON (AP) — " + LEAD,
            [("byline", "By Jo Field"), ("dateline", "LISBON (AP) —"), ("body", LEAD)],
        ),
        (LEAD + " (Reporting by Jo Field)", [("body", LEAD), ("notice", "(Reporting by Jo Field)")]),
        (LEAD + " © 2024 The Gazette", [("body", LEAD), ("notice", "© 2024 The Gazette")]),
        ("On 14 May 2024 the crews of the island voted.", [("body", "On 14 May 2024 the crews of the island voted.")]),
        ("Yes — it is the end of the road for us.", [("body", "Yes — it is the end of the road for us.")]),
    ],
)
def test_a_line_is_split_where_the_sentence_begins_and_ends(text: str, pieces: list[tuple[str, str]]) -> None:
    assert [(label, text[start:end]) for label, _, start, end in find_pieces(text, is_opening=True)] == pieces


def test_metadata_wins_over_the_text_and_both_are_kept() -> None:
    documents = raw_documents(
        join_lines(TITLE, "By Jo Field", LEAD, "© 2023 The Gazette"),
        metadata_title="Ferry talks: a draft",
        metadata_outlet="The Harbour Gazette",
        metadata_published_on=date(2024, 5, 14),
        metadata_authors=["Lotte Harkema"],
        metadata_uri="a.json",
    )
    batch = clean_documents(documents)
    assert rows(batch.articles, "title", "outlet", "published_on", "authors") == [
        ("Ferry talks: a draft", "The Harbour Gazette", date(2024, 5, 14), ["Lotte Harkema"])
    ]
    assert rows(batch.attributes.sort("attribute", "origin"), "attribute", "origin", "value", "evidence", "is_chosen") == [
        ("authors", "metadata", "Lotte Harkema", "a.json", True), ("authors", "text", "Jo Field", "byline", False),
        ("outlet", "metadata", "The Harbour Gazette", "a.json", True), ("outlet", "text", "The Gazette", "copyright_line", False),
        ("published_on", "metadata", "2024-05-14", "a.json", True),
        ("title", "metadata", "Ferry talks: a draft", "a.json", True), ("title", "text", TITLE, "headline", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "columns", "outlet"),
    [
        ((LEAD,), {"metadata_outlet": "harbour gazette"}, "The Harbour Gazette"),
        ((LEAD,), {"metadata_url": "https://www.meridian-post.example/a/b"}, "The Meridian Post"),
        ((LEAD, MORE, "© 2021-2024 Porto Diario Ltd. All rights reserved."), {}, "Porto Diario"),
        ((LEAD, MORE, "READ MORE FROM THE NORTHQUAY TIMES"), {}, "Northquay Times"),
        ((LEAD, MORE), {}, None),
    ],
)
def test_the_outlet_comes_from_metadata_url_or_the_lines_around(
    lines: tuple[str, ...], columns: dict[str, str], outlet: str | None
) -> None:
    assert rows(clean_documents(raw_documents(join_lines(*lines), **columns)).articles, "outlet") == [(outlet,)]


@pytest.mark.parametrize(
    ("lines", "published_on"),
    [
        (("date 2024-05-14 " + LEAD,), date(2024, 5, 14)),
        ((TITLE, "Sept. 20, 2024", LEAD), date(2024, 9, 20)),
        (("LISBON, May 14, 2024 — " + LEAD,), date(2024, 5, 14)),
        (("LISBON, May 14 — " + LEAD,), None),
        (("LISBON, May 14 — " + LEAD, MORE, "© 2024 The Gazette"), date(2024, 5, 14)),
        ((TITLE, "The minister speaks in Lisbon, Tuesday, May 14, 2024. Rui Serpa/AP", LEAD), None),
        ((LEAD + " It began on 14 May 2024.",), None),
    ],
)
def test_the_date_is_the_one_that_the_text_gives_as_its_own(lines: tuple[str, ...], published_on: date | None) -> None:
    assert rows(clean_documents(raw_documents(join_lines(*lines))).articles, "published_on") == [(published_on,)]


@pytest.mark.parametrize(
    ("text", "date_order", "found"),
    [
        ("14 May 2024", "dmy", date(2024, 5, 14)),
        ("Tuesday, September 3rd, 2024", "dmy", date(2024, 9, 3)),
        ("3 de março de 2024", "dmy", date(2024, 3, 3)),
        ("3. Dezember 2024", "dmy", date(2024, 12, 3)),
        ("03/04/2024", "dmy", date(2024, 4, 3)),
        ("03/04/2024", "mdy", date(2024, 3, 4)),
        ("13/04/2024", "mdy", date(2024, 4, 13)),
        ("2024年5月14日", "dmy", date(2024, 5, 14)),
        ("31 February 2024", "dmy", None),
        ("May 2024", "dmy", None),
        ("no date", "dmy", None),
    ],
)
def test_printed_dates_are_read(text: str, date_order: str, found: date | None) -> None:
    assert parse_date(text, date_order) == found


def test_the_language_of_the_body_is_told_or_left_open() -> None:
    texts = [
        LEAD, "Os tripulantes dos ferries votam esta quarta-feira a proposta escrita que o Governo lhes entregou.",
        "Die Besatzungen der Fähren stimmen am Mittwoch über das Angebot der Reederei ab.", "It is.",
    ]  # fmt: skip
    assert clean_documents(raw_documents(*texts)).articles["language"].to_list() == ["en", "pt", "de", "und"]


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("", "empty", "0 characters, all of them blank"),
        (".\n—\n***", "no_body", "3 junk"),
        ("© 2024 The Gazette\n\nRelated Content", "no_body", "1 notice, 1 navigation"),
    ],
)
def test_a_document_without_a_body_is_rejected_with_what_it_has(text: str, reason: str, detail: str) -> None:
    batch = clean_documents(raw_documents(text))
    assert (len(batch.articles), len(batch.segments), len(batch.attributes)) == (0, 0, 0)
    assert rows(batch.rejected, "reject_reason", "detail") == [(reason, detail)]


def test_frames_conform_to_their_tables_also_when_there_is_nothing() -> None:
    for batch in (clean_documents(raw_documents()), clean_documents(raw_documents(LEAD))):
        known = {name: dtype for name, dtype in FACT_ARTICLES.schema.items() if name not in ("rules_version", "run_id")}
        assert dict(batch.articles.schema) == {name: pl.DataFrame(schema=known).schema[name] for name in known}
        assert batch.segments.schema == pl.DataFrame(schema=ARTICLE_SEGMENTS.schema).schema
        assert batch.attributes.schema == pl.DataFrame(schema=ARTICLE_ATTRIBUTES.schema).schema


def test_a_document_does_not_depend_on_the_others_of_its_batch() -> None:
    texts = [join_lines(TITLE, LEAD, MORE), "", "Prut\n" * 30 + LEAD, "“Été”".encode("cp1252") + LEAD.encode(), LEAD]
    together = clean_documents(raw_documents(*texts)).segments
    alone = [
        clean_documents(raw_documents(text, article_id=f"article_id-{number}")).segments
        for number, text in enumerate(texts)
    ]
    order = ["article_id", "line_no", "segment_no"]
    assert together.sort(order).equals(pl.concat(alone).sort(order))


def test_the_text_of_a_page_loses_its_navigation() -> None:
    menu = [
        "Menu",
        "News",
        "World",
        "Sport",
        "Culture",
        "Weather",
        "Search",
        "Sign in",
        "Subscribe",
        "Europe",
        "Africa",
        "Asia",
    ]
    foot = [
        "Most read",
        "Storm closes the port of Setúbal",
        "Ten beaches without a single wave",
        "About us",
        "Contact us",
        "Jobs",
    ]
    text = "\n".join([*menu, TITLE, "By Jo Field", LEAD, MORE, LAST, *foot])
    articles = clean_documents(raw_documents(text)).articles
    assert rows(articles, "title", "body") == [(TITLE, "\n\n".join([LEAD, MORE, LAST]))]


def test_bodies_that_differ_in_typography_only_fold_to_the_same() -> None:
    assert fold_body("“Don’t…”  she said — twice") == fold_body('"DON\'T..." she said - twice')
