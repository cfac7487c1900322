import polars as pl
import pytest

from tasks.clean import clean_documents
from tasks.text.repeated import collect_lines, find_version, learn_lines
from tests.builders import raw_documents, rows

SIGN_OFF = "The Harbour Gazette stands by its reporters"
PLACES = ("Aldport", "Bruntsea", "Corwick", "Dunmere", "Eastholm", "Farrow", "Glenby", "Hartsea", "Islay", "Jarrow", "Kelso", "Luss")  # fmt: skip
PARAGRAPH = (
    "The harbour of the town was built by the guild of ferrymen in the year of the great storm. " * 2
    + "It still stands today."
)


def write_article(place: str, *more: str) -> str:
    lines = (
        f"The ferry to {place} will not sail on Monday, the company told its passengers in a letter.",
        f"Crews in {place} have asked for better pay since the spring, and the talks with {place} go on.",
        f"Nobody in {place} knows when the boats will leave again, said people who live at its quay.",
    )
    return "\n\n".join([*lines, *more])


def learn(*texts: str, outlet: str | None = "The Harbour Gazette") -> list[tuple[str, int, float]]:
    cleaned = clean_documents(raw_documents(*texts, metadata_outlet=outlet))
    return rows(learn_lines(collect_lines(cleaned.articles, cleaned.segments)), "line_text", "document_count", "share")


@pytest.mark.parametrize(
    ("line", "document_count", "least_count"),
    [
        (SIGN_OFF, 2, 3),
        ("The company runs nine boats between the islands and the coast, two of them only in the summer.", 4, 5),
        ("“We have waited for ten years,” said the mayor", 9, 10),
        (PARAGRAPH, 9, 10),
    ],
)
def test_a_line_needs_more_documents_the_more_it_looks_like_news(
    line: str, document_count: int, least_count: int
) -> None:
    assert learn(*(write_article(place, line) for place in PLACES[:document_count])) == []
    assert learn(*(write_article(place, line) for place in PLACES[:least_count])) == [(line[:200], least_count, 1.0)]


def test_a_line_of_a_small_share_of_an_outlet_is_none_of_its_own() -> None:
    others = [
        write_article(f"{place} {number}") for place in PLACES for number in ("North", "South", "West", "East", "Head")
    ]
    assert learn(*(write_article(place, SIGN_OFF) for place in PLACES[:3]), *others) == []


def test_copies_and_states_of_one_article_are_evidence_of_nothing() -> None:
    copies = [write_article("Aldport", SIGN_OFF)] * 12
    states = [write_article("Aldport", SIGN_OFF, f"It is {number} o’clock.") for number in range(12)]
    assert learn(*copies) == []
    assert learn(*states) == []


def test_lines_are_learned_for_each_outlet_alone() -> None:
    texts = [write_article(place, SIGN_OFF) for place in PLACES[:3]]
    assert learn(*texts, outlet=None) == []
    cleaned = clean_documents(
        raw_documents(*texts, metadata_outlet=["The Harbour Gazette", "Porto Diario", "Porto Diario"])
    )
    assert learn_lines(collect_lines(cleaned.articles, cleaned.segments)).is_empty()


def test_a_learned_line_of_the_outlet_is_a_notice_in_any_typography() -> None:
    cleaned = clean_documents(raw_documents(*(write_article(place, SIGN_OFF) for place in PLACES[:3]), metadata_outlet="The Harbour Gazette"))  # fmt: skip
    learned = learn_lines(collect_lines(cleaned.articles, cleaned.segments))
    text = write_article("Luss", SIGN_OFF.upper().title())
    named = {"metadata_outlet": ["The Harbour Gazette", "Porto Diario"]}
    batch = clean_documents(raw_documents(text, text, **named), learned)
    last = batch.segments.group_by("article_id", maintain_order=True).last()
    assert rows(last, "label", "reason") == [("notice", "repeated_by_outlet"), ("body", "in_article")]
    assert batch.articles["body"].to_list() == [write_article("Luss"), text]
    again = clean_documents(raw_documents(*(write_article(place, SIGN_OFF) for place in PLACES[:3]), metadata_outlet="The Harbour Gazette"), learned)  # fmt: skip
    assert learn_lines(collect_lines(again.articles, again.segments)).equals(learned)


def test_an_article_keeps_a_body_that_is_nothing_but_learned_lines() -> None:
    documents = raw_documents(
        *(write_article(place, SIGN_OFF) for place in PLACES[:3]), metadata_outlet="The Harbour Gazette"
    )
    cleaned = clean_documents(documents)
    learned = learn_lines(collect_lines(cleaned.articles, cleaned.segments))
    batch = clean_documents(raw_documents(SIGN_OFF, metadata_outlet="The Harbour Gazette"), learned)
    assert batch.articles["body"].to_list() == [SIGN_OFF]


def test_the_version_is_that_of_the_lines_whatever_their_order() -> None:
    cleaned = clean_documents(raw_documents(*(write_article(place, SIGN_OFF) for place in PLACES[:3]), metadata_outlet="The Harbour Gazette"))  # fmt: skip
    lines = collect_lines(cleaned.articles, cleaned.segments)
    assert find_version(learn_lines(lines)) == find_version(learn_lines(lines.reverse())) is not None
    assert find_version(learn_lines(lines.head(0))) is None


def test_learning_twice_from_the_same_lines_counts_them_once() -> None:
    cleaned = clean_documents(raw_documents(*(write_article(place, SIGN_OFF) for place in PLACES[:3]), metadata_outlet="The Harbour Gazette"))  # fmt: skip
    lines = collect_lines(cleaned.articles, cleaned.segments)
    assert learn_lines(pl.concat([lines, lines])).equals(learn_lines(lines))
