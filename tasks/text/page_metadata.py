"""What a page says about its article in its head: JSON-LD, Open Graph, meta elements, the canonical link, `<time>`."""

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from tasks.text.extract import ATTRIBUTES, PAGE_READER
from tasks.text.header import JOB, parse_date
from tasks.text.repair import repair_line

SAID = {
    "page_title": pl.String, "page_authors": pl.List(pl.String), "page_outlet": pl.String, "page_url": pl.String,
    "page_published_on": pl.Date,
}  # fmt: skip
"""What is read; each has a column `…_evidence` beside it: json_ld, open_graph, meta, canonical_link or time."""
_EVIDENCE = {f"{name}_evidence": pl.String for name in SAID}
_ELEMENT = re.compile(rf"<(?P<name>(?i:meta|link|time|h1))(?=[\s/>])(?P<attributes>{ATTRIBUTES})")
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:.-]*+)\s*+(?:=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?""")
_JSON_LD, _END_OF_SCRIPT = "application/ld+json", "</script"
_ARTICLE_TYPE = re.compile(r"(?:Article|Posting|Report)$")
_MOST_NODES, _MOST_AUTHORS, _MOST_CHARS = 2_000, 20, 500
# Names of meta elements, the surest first: Open Graph (ogp.me), schema.org microdata, Dublin Core, and what large systems print.
_META = {
    "title": ("og:title", "twitter:title", "headline", "dc.title", "parsely-title"),
    "authors": ("author", "article:author", "dc.creator", "byl", "parsely-author", "sailthru.author"),
    "outlet": ("og:site_name", "application-name"),
    "url": ("og:url",),
    "published_on": ("article:published_time", "og:article:published_time", "datepublished", "dc.date.issued", "pubdate", "publishdate", "publish-date", "parsely-pub-date", "sailthru.date", "dc.date", "date"),
}  # fmt: skip
_SITE_BEHIND = re.compile(r"\s[|·•–—»-]\s(?=[^|·•–—»]{2,40}$)")


def read_page_metadata(documents: pl.DataFrame) -> pl.DataFrame:
    """Return per `doc` of decoded documents what its page says: SAID with evidence, and `page_body`, the text of its JSON-LD.

    All are null for documents that are no pages and where a page says nothing. JSON-LD that is not JSON says nothing.
    """
    pages = documents.filter(pl.col("reader") == PAGE_READER).select("doc", "text")
    # Python a page: attributes of elements and trees of JSON have no Polars form.
    rows = [{"doc": doc, **_read_page(text)} for doc, text in pages.iter_rows()]
    schema: dict[str, Any] = {"doc": documents.schema["doc"], **SAID, **_EVIDENCE, "page_body": pl.String}
    return documents.select("doc").join(
        pl.DataFrame(rows, schema=schema, orient="row"), on="doc", how="left", maintain_order="left"
    )


def _read_page(page: str) -> dict[str, Any]:
    article = _find_article(page)
    metas, links, times = _read_elements(page)
    said: dict[str, Any] = {}
    for name, values in (
        ("title", _clean_texts(article.get("headline"), 1)),
        ("authors", _clean_authors(article.get("author"))),
        ("outlet", _clean_texts(_name_of(article.get("publisher")), 1)),
        ("published_on", _parse_dates([article.get("datePublished")])),
    ):
        _say(said, name, values, "json_ld")
    _say(said, "url", _clean_urls(links), "canonical_link")
    _say(said, "url", _clean_urls([_id_of(article.get("mainEntityOfPage")), article.get("url")]), "json_ld")
    clean: dict[str, Callable[[Any], Sequence[Any]]] = {
        "authors": _clean_authors,
        "url": _clean_urls,
        "published_on": _parse_dates,
    }
    for name, keys in _META.items():
        for key in keys:
            found: Sequence[Any] = clean[name](metas.get(key)) if name in clean else _clean_texts(metas.get(key))
            _say(said, name, found, "open_graph" if key.startswith(("og:", "article:")) else "meta")
    _say(said, "published_on", _parse_dates(times), "time")
    if outlet := said.get("page_outlet"):
        said["page_outlet"] = outlet = _SITE_BEHIND.split(outlet)[0]
        if title := said.get("page_title"):
            said["page_title"] = _cut_site(title, outlet)
    body = article.get("articleBody")
    return said | {"page_body": _encode(html.unescape(body)) if isinstance(body, str) and body.strip() else None}


def _say(said: dict[str, Any], name: str, values: Sequence[Any], evidence: str) -> None:
    """Note the value, unless a surer one is there."""
    if values and f"page_{name}" not in said:
        said[f"page_{name}"] = list(values) if name == "authors" else values[0]
        said[f"page_{name}_evidence"] = evidence


def _find_article(page: str) -> dict[str, Any]:
    """Return the node of the page's JSON-LD that is an article and has a headline or a body, the outermost and first, else {}."""
    nodes = (node for data in _read_json_ld(page) for node in _walk(data) if _is_article(node))
    return next((node for node in nodes if {str} & {type(node.get(key)) for key in ("headline", "articleBody")}), {})


def _read_json_ld(page: str) -> Iterator[Any]:
    position = 0
    while (start := page.find(_JSON_LD, position)) >= 0 and (start := page.find(">", start) + 1):
        position = page.find(_END_OF_SCRIPT, start)
        position = len(page) if position < 0 else position
        data = page[start:position].strip()
        data = data.removeprefix("<!--").removeprefix("//<![CDATA[").removesuffix("-->").removesuffix("//]]>").strip()
        try:
            yield json.loads(data.rstrip(";"), strict=False)
        except (
            ValueError,
            RecursionError,
        ):  # scripts with faults are common, and the page has other elements that tell
            continue


def _walk(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a tree of JSON level by level, `_MOST_NODES` at most."""
    level, count = [data], 0
    while level:
        below: list[Any] = []
        for node in level:
            count += 1
            if count > _MOST_NODES:
                return
            if isinstance(node, dict):
                yield node
                below.extend(value for value in node.values() if isinstance(value, dict | list))
            elif isinstance(node, list):
                below.extend(node[:_MOST_NODES])
        level = below


def _is_article(node: dict[str, Any]) -> bool:
    types = node.get("@type")
    return any(
        isinstance(one, str) and _ARTICLE_TYPE.search(one) for one in (types if isinstance(types, list) else [types])
    )


def _read_elements(page: str) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Return the contents of meta elements by name, the canonical links, and the dates of `<time>`.

    A `<time>` counts that says it is the publication, else the first one below the first `<h1>`: above are those of the
    site, in lists those of other stories.
    """
    metas: dict[str, list[str]] = {}
    links: list[str] = []
    sure: list[str] = []
    below: list[str] = []
    is_below = False
    for element in _ELEMENT.finditer(page):
        name = element["name"].lower()
        if name == "h1":
            is_below = True
            continue
        if name == "link" and "canonical" not in element["attributes"].lower():
            continue
        own = {key.lower(): one or two or three for key, one, two, three in _ATTRIBUTE.findall(element["attributes"])}
        if name == "link":
            if own.get("rel", "").lower() == "canonical":
                links.append(own.get("href", ""))
        elif name == "time":
            if "pubdate" in own or own.get("itemprop", "").lower() == "datepublished":
                sure.append(own.get("datetime", ""))
            elif is_below and not below and own.get("datetime"):
                below.append(own["datetime"])
        elif content := own.get("content"):
            for key in {own.get("property", "").lower(), own.get("name", "").lower(), own.get("itemprop", "").lower()}:
                metas.setdefault(key, []).append(content)
    return metas, links, [*sure, *below]


def _name_of(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


def _id_of(value: Any) -> Any:
    return value.get("@id") if isinstance(value, dict) else value


def _listed(value: Any) -> list[Any]:
    return value[:_MOST_AUTHORS] if isinstance(value, list) else [value]


def _clean_texts(values: Any, most: int = _MOST_AUTHORS) -> list[str]:
    """Return the texts among values as they are meant: entities, encoding and white space repaired, at most 500 characters."""
    texts = (_clean_text(value) for value in _listed(values) if isinstance(value, str))
    return [text for text in texts if text][:most]


def _clean_text(value: str) -> str:
    value = " ".join(value[:_MOST_CHARS].split())
    if value.isascii() and value.isprintable() and "&" not in value and "<" not in value:
        return value
    repaired, _ = repair_line(_encode(value), "utf-8", 0)
    return " ".join(repaired.split())


def _encode(value: str) -> str:
    """Half a surrogate pair, which JSON can write, is no character."""
    return value.encode("utf-8", "replace").decode()


def _clean_authors(values: Any) -> list[str]:
    """Return the names among values, which may be names, lists of names in one string, nodes with a name, or addresses."""
    names = _clean_texts([_name_of(value) for value in _listed(values)])
    parts = (
        part for name in names if not re.match(r"(?i)(?:https?:|//|www\.)|.*@", name) for part in re.split(r"\s*[;,]\s+|\s+(?:and|&)\s+", name)
    )  # fmt: skip
    cleaned = (re.sub(r"^(?i:by)\s+", "", part).strip(" .") for part in parts)
    people = (name.title() if name.isupper() else name for name in cleaned if re.search(r"[^\W\d_]", name))
    return list(dict.fromkeys(name for name in people if not re.search(JOB, name)))[:_MOST_AUTHORS]


def _clean_urls(values: Any) -> list[str]:
    return [url for url in _clean_texts(values) if re.match(r"https?://[^\s/]+", url)]


def _parse_dates(values: Any) -> list[date]:
    days = (parse_date(text[:40]) for text in _clean_texts(values))
    return [day for day in days if day]


def _cut_site(title: str, outlet: str) -> str:
    """Return a headline without the name of its site behind it."""
    parts = _SITE_BEHIND.split(title)
    is_site = len(parts) > 1 and _fold(parts[-1]) in (_fold(outlet), _fold(outlet.removeprefix("The ")))
    return title[: len(title) - len(parts[-1])].rstrip(" |·•–—»-") if is_site else title


def _fold(name: str) -> str:
    return re.sub(r"\W", "", name.lower().removesuffix(".com"))
