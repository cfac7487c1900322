"""What the head of a page says about its article."""

from datetime import date

import pytest

from tasks.clean import clean_documents
from tests.builders import raw_documents

TEXT = "<p>Negotiators for the striking ferry crews took home a written offer on Tuesday, the company said.</p>" * 2
JSON_LD = """{"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": "Gazette"},
 {"@type": ["NewsArticle"], "headline": "Ferry crews &amp; company agree", "datePublished": "2024-03-05T23:10:00+01:00",
  "author": [{"@type": "Person", "name": "Marta Lindqvist"}, {"name": "By JO FIELD"}, "News Desk"],
  "publisher": {"@type": "Organization", "name": "The Lindby Gazette"}, "mainEntityOfPage": {"@id": "https://gazette.example/ferry"}}]}"""


def read(head: str, body: str = TEXT, **columns: object) -> dict[str, tuple[str, str, bool]]:
    """Return value, evidence and whether it was chosen of what the page says, by attribute."""
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    attributes = clean_documents(raw_documents(page, reader="html", **columns)).attributes.sort("attribute")
    return {
        row["attribute"]: (row["value"], row["evidence"], row["is_chosen"])
        for row in attributes.iter_rows(named=True)
        if row["origin"] == "html"
    }


def script(data: str) -> str:
    return f'<script type="application/ld+json">{data}</script>'


def test_json_ld_tells_all_of_an_article() -> None:
    assert read(script(JSON_LD)) == {
        "authors": ("Marta Lindqvist;Jo Field", "json_ld", True),
        "outlet": ("The Lindby Gazette", "json_ld", True),
        "published_on": ("2024-03-05", "json_ld", True),
        "title": ("Ferry crews & company agree", "json_ld", True),
        "url": ("https://gazette.example/ferry", "json_ld", True),
    }


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<meta property="og:title" content="Crews agree | Gazette"><meta content="Gazette" property=og:site_name>', {"title": ("Crews agree", "open_graph", True), "outlet": ("Gazette", "open_graph", True)}),
        ("<META NAME='Author' CONTENT='Marta Lindqvist and Jo Field'>", {"authors": ("Marta Lindqvist;Jo Field", "meta", True)}),
        ('<meta property="article:author" content="https://social.example/marta">', {}),
        ('<meta property="article:published_time" content="2024-03-05T10:00:00Z">', {"published_on": ("2024-03-05", "open_graph", True)}),
        ('<meta name="pubdate" content="yesterday"><meta name="date" content="5 March 2024">', {"published_on": ("2024-03-05", "meta", True)}),
        ('<link href="https://gazette.example/a?b=1&amp;c=2" rel="canonical">', {"url": ("https://gazette.example/a?b=1&c=2", "canonical_link", True)}),
        ('<link rel="canonical" href="/a"><link rel="stylesheet" href="https://x.example/y">', {}),
        ('<meta name="description" content="It says > and <b>"><meta name=headline content=Agreed>', {"title": ("Agreed", "meta", True)}),
    ],
)  # fmt: skip
def test_the_elements_of_a_head_tell_the_rest(head: str, expected: dict[str, object]) -> None:
    assert read(head) == expected


def test_the_time_below_the_headline_is_that_of_publication_and_one_that_says_so_even_more() -> None:
    below = '<time datetime="2020-01-01">Then</time><h1>Agreed</h1><time datetime="2024-03-05">Tuesday</time>'
    assert read("", below + TEXT)["published_on"] == ("2024-03-05", "time", True)
    sure = below + '<time itemprop="datePublished" datetime="2024-03-04T08:00">Monday</time>'
    assert read("", sure + TEXT)["published_on"] == ("2024-03-04", "time", True)
    assert "published_on" not in read("", '<time datetime="2020-01-01">Then</time>' + TEXT)


@pytest.mark.parametrize(
    "broken",
    ["{", "", "null", "[[]]", '{"@type": 5}', '{"@type": "Article", "author": {"name": {"a": 1}}, "headline": [null, 7]}', "[" * 100_000,
     '{"@type": "Article", "datePublished": 20240305, "publisher": [[]], "url": {"@id": {}}, "articleBody": {}}'],
)  # fmt: skip
def test_json_ld_with_faults_stops_nothing(broken: str) -> None:
    assert read(script(broken) + '<meta property="og:title" content="Crews agree">')["title"] == (
        "Crews agree",
        "open_graph",
        True,
    )
    assert read(script(broken) + script(JSON_LD)) == read(script(JSON_LD))


def test_half_a_surrogate_pair_in_json_is_no_character() -> None:
    assert read(script(r'{"@type": "Article", "headline": "Crews \ud83d agree"}'))["title"] == (
        "Crews ? agree",
        "json_ld",
        True,
    )


def test_metadata_beside_a_page_wins_over_the_page_and_the_page_over_the_text() -> None:
    page = f"<html><head>{script(JSON_LD)}</head><body><h1>Agreed at last, say crews</h1>{TEXT}</body></html>"
    told = {
        "metadata_title": "Told",
        "metadata_published_on": date(2024, 3, 6),
        "metadata_url": "https://told.example/1",
    }
    by_page, by_both = clean_documents(
        raw_documents(page, page, reader="html", **{k: [None, v] for k, v in told.items()})
    ).articles.to_dicts()
    assert (by_page["title"], by_both["title"]) == ("Ferry crews & company agree", "Told")
    assert (by_page["published_on"], by_both["published_on"]) == (date(2024, 3, 5), date(2024, 3, 6))
    assert (by_page["url"], by_both["url"]) == ("https://gazette.example/ferry", "https://told.example/1")
    assert by_page["outlet"] == by_both["outlet"] == "The Lindby Gazette"
    chosen = clean_documents(raw_documents(page, reader="html", metadata_title="Told")).attributes.filter(
        attribute="title"
    )
    assert set(chosen.select("origin", "is_chosen").rows()) >= {("metadata", True), ("html", False)}


def test_a_text_that_looks_like_a_page_has_no_head() -> None:
    attributes = clean_documents(
        raw_documents("Agreed\n\n" + TEXT.replace("<p>", "").replace("</p>", " ") + JSON_LD)
    ).attributes
    assert "html" not in attributes["origin"].to_list()
