"""Pages whose structure says what their lines are."""

import json

import polars as pl
import pytest

from tasks.clean import clean_documents
from tasks.text.extract import STRUCTURE, extract_html, find_lines
from tasks.text.page import load_trees
from tasks.text.structure import STRUCTURE_MEASURES
from tests.builders import raw_documents
from tests.work import count_lines_run
from training.pages import Page, measure_pages

MENU = "".join(
    f'<li><a href="/{name.lower()}">{name}</a></li>' for name in ("News", "World", "Sport", "Culture", "Weather")
)
STORIES = "".join(
    f'<li><a href="/{number}">{text}</a></li>'
    for number, text in enumerate(
        ("Storm closes the port of Lindby", "Ten beaches without a wave", "Why the ferries are late again")
    )
)
PARAGRAPHS = (
    "Negotiators for the striking ferry crews took home a written offer on Tuesday after an all-night meeting with the company.",
    "“It is the first offer that we can read aloud without laughing,” said Marta Lindqvist, who speaks for the crews.",
    "The offer would raise the pay of the crews by a tenth over two years, and hire forty more people before the summer.",
    "The company said on Tuesday that it would not comment on the details before the crews had voted on the offer.",
)
PAGE = f"""<!DOCTYPE html><html><head><title>Ferry crews get an offer | The Lindby Gazette</title></head><body>
<header><nav><ul>{MENU}</ul></nav></header>
<main><article><h1>Ferry crews get an offer</h1>
<div class="article-body"><p>{PARAGRAPHS[0]}</p>
<figure><img src="/ferry.jpg"><figcaption>The ferry to Lindby, in the harbour since March.</figcaption></figure>
<p>{PARAGRAPHS[1]}</p><h2>What the crews would get</h2><p>{PARAGRAPHS[2]}</p>
<div class="related-stories"><h3>More from the harbour</h3><ul>{STORIES}</ul></div>
<p>{PARAGRAPHS[3]}</p></div></article></main>
<section id="comments"><h3>2 comments</h3><p>Finally, they should have done this months ago, shame on the company, my family waited for days.</p></section>
<aside class="newsletter-signup"><p>Get the news of the harbour in your inbox every morning.</p></aside>
<footer><p>The Lindby Gazette is printed by the Gazette Company of Lindby.</p></footer></body></html>"""


def label(html: str) -> dict[str, tuple[str, str]]:
    segments = clean_documents(raw_documents(html, reader="html")).segments
    return {text: (kind, reason) for text, kind, reason in segments.select("text", "label", "reason").iter_rows()}


def test_every_part_of_a_page_has_its_label() -> None:
    labels = label(PAGE)
    assert [labels[text][0] for text in PARAGRAPHS] == ["body"] * 4
    assert labels["Ferry crews get an offer"] == ("title", "headline")
    assert labels["What the crews would get"] == ("heading", "heading_element")
    assert labels["The ferry to Lindby, in the harbour since March."] == ("caption", "caption_element")
    assert labels["Ten beaches without a wave"] == ("navigation", "in_related")
    assert labels["Culture"] == ("navigation", "in_navigation")
    assert labels["2 comments"][0] == "comment_form"
    assert labels["The Lindby Gazette is printed by the Gazette Company of Lindby."] == ("navigation", "in_footer")


def test_the_body_is_the_article_and_nothing_else() -> None:
    [body] = clean_documents(raw_documents(PAGE, reader="html")).articles["body"]
    assert body == "\n\n".join((*PARAGRAPHS[:2], "What the crews would get", *PARAGRAPHS[2:]))


def test_a_list_in_the_article_is_of_it_and_says_that_it_is_a_list() -> None:
    items = (
        "A tenth more pay for all crews over the next two years.",
        "Forty more people on the boats before the summer begins.",
    )
    page = PAGE.replace("<h2>", "<ul><li>" + "</li><li>".join(items) + "</li></ul><h2>")
    labels = label(page)
    assert [labels[item] for item in items] == [("body", "in_list")] * 2


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<nav><p>Home</p></nav>", ("p", "navigation")),
        ('<div class="site-nav--top"><span>Home</span></div>', ("div", "navigation")),
        ('<div class="relatedStories"><div class="entry"><p>Home</p></div></div>', ("p", "related")),
        ('<div id="disqus_thread"><p>Home</p></div>', ("p", "comments")),
        ("<figure><figcaption>Home</figcaption></figure>", ("figcaption", "caption")),
        ("<div><p>Away<p>Home</div>", ("p", None)),
        ("<nav><p>Away</p></nav><p>Home</p>", ("p", None)),
        ("<nav><p>Away</nav></div></section><h2>Home</h2>", ("h2", None)),
        ("<body class='has-sidebar'><p>Home</p></body>", ("p", "related")),
    ],
)
def test_a_line_knows_its_element_and_its_region(html: str, expected: tuple[str, str | None]) -> None:
    [line] = read_structure(html).filter(pl.col("text") == "Home").to_dicts()
    assert (line["tag"], line["region"]) == expected if "body" not in html else line["region"] is None


def read_structure(html: str) -> pl.DataFrame:
    columns = {"text_start": pl.lit(0), "encoding": pl.lit("utf-8"), "byte_unit": pl.lit("utf-8")}
    return extract_html(
        pl.DataFrame({"doc": [0], "text": [html]}, schema_overrides={"doc": pl.UInt32}).with_columns(**columns)
    )


def test_what_holds_most_of_the_prose_is_no_region_but_a_thread_of_comments_is() -> None:
    prose = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    lines = read_structure(f'<div class="content-with-sidebar">{prose}</div><div class="comments">{prose}{prose}</div>')
    assert lines["region"].to_list() == [None] * 4 + ["comments"] * 8


def test_links_and_the_body_that_calls_itself_one_are_known() -> None:
    lines = read_structure(
        '<article><div itemprop="articleBody"><p>So <a href="/x">said it all</a></p></div></article><p>Not</p>'
    )
    first, second = lines.select(STRUCTURE.keys()).to_dicts()
    assert first["link_share"] == pytest.approx(11 / 13) and first["is_in_article"] and first["is_in_named_body"]
    assert not second["link_share"] and not second["is_in_article"] and not second["is_in_named_body"]


def test_lines_that_the_json_ld_has_in_its_body_are_told_from_others() -> None:
    data = json.dumps({"@type": "NewsArticle", "articleBody": " ".join((PARAGRAPHS[0], PARAGRAPHS[2]))})
    page = PAGE.replace("</head>", f'<script type="application/ld+json">{data}</script></head>')
    lines = measure_pages([Page(page.encode(), " ".join(PARAGRAPHS))])
    told = dict(lines.select("text", "is_in_told_body").iter_rows())
    assert (told[PARAGRAPHS[0]], told[PARAGRAPHS[1]], told["News"]) == (1, -1, 0)
    assert lines.filter("content")["text"].to_list() == list(PARAGRAPHS)


@pytest.mark.parametrize(
    "part",
    [
        "<div>",
        "<p>",
        "<li>",
        '<div class="a b">',
        "</div>",
        "<a>",
        "<table><tr><td>",
        "<svg>",
        "<nav><p>x</nav>",
        "<h1>x",
    ],
)
def test_the_work_on_a_page_grows_with_its_length(part: str) -> None:
    once, twice = (
        count_lines_run(lambda size=size: find_lines("<p>Seen.</p>" + part * size)) for size in (2_000, 4_000)
    )
    assert twice < 2.1 * once


def test_the_model_is_of_these_measures() -> None:
    trees = load_trees("page_model.json", STRUCTURE_MEASURES)
    assert trees.feature.max() < len(STRUCTURE_MEASURES) and len(trees.value) == 80
    with pytest.raises(ValueError, match="other measures"):
        load_trees("page_model.json", ("length",))
