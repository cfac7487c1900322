"""Title, authors, outlet, dateline and date of publication of each article, and who says so."""

import re
from datetime import date
from functools import cache, lru_cache

import polars as pl

from tasks.lexicons import load_lexicon
from tasks.outlets import load_outlets
from tasks.text.labels import date_pattern, month_names
from tasks.text.relabels import RELABEL_REASON

_BYLINE_WORD = r"^(?i:written by|by|von|par|por|door|av|di|text|autor|author)\s*:?\s+"
_AUTHOR_BREAK = r"\s*(?:,|;|&|\band\b|\bund\b|\bet\b|\by\b|\bAND\b)\s*"
_AUTHOR = r"^\p{Lu}[\p{L}\p{M}.'’-]*(?:\s(?:\p{Lu}[\p{L}\p{M}.'’-]*|de|del|der|van|von|da|di|do|dos|el|al|bin|la|le|ter|zu)){1,5}$"
JOB = r"(?i:correspondent|editor|reporter|writer|staff|news|agency|press|desk|team|service|columnist|contributor|associated|reuters)"


def read_headers(documents: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Read what each text says about itself.

    Returns one row per `doc` of `documents`: text_title, text_authors (list), text_outlet, text_published_on, each null
    where the text does not say it and each with its rule in `…_evidence`; dateline and dateline_place.
    """
    titles = _first(segments, "title", "text_title")
    bylines = _read_authors(segments)
    datelines = _read_datelines(segments)
    outlets = _read_outlets(segments)
    header = documents.select("doc", "metadata_url", "metadata_published_on")
    for part in (titles, bylines, datelines, outlets, _read_dates(segments)):
        header = header.join(part, on="doc", how="left", maintain_order="left")
    return _date_datelines(header)


def list_outlets() -> pl.DataFrame:
    """Return one row per name and domain of every configured outlet: outlet, `key` (folded name, or domain), is_domain."""
    rows = [
        (outlet.name, key.lower(), is_domain)
        for outlet in load_outlets()
        for is_domain, keys in ((False, (outlet.name, *outlet.names)), (True, outlet.domains))
        for key in keys
    ]
    schema = {"outlet": pl.String, "key": pl.String, "is_domain": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").unique("key", keep="first", maintain_order=True)


def find_outlets(documents: pl.DataFrame) -> pl.DataFrame:
    """Return `known_outlet` per `doc`: what the metadata says, by its configured name, else the outlet of the URL's domain.

    Where the metadata says neither, a page says it itself: `outlet_of_page`, by its configured name or by its own URL's domain.
    """
    documents = documents.select("doc", "metadata_outlet", "page_outlet", *map(_find_domain, ("metadata", "page")))
    for origin in ("metadata", "page"):
        documents = _find_configured(documents, origin)
    outlet_of_page = pl.coalesce("page_by_name", "page_by_domain", "page_outlet")
    return documents.select(
        "doc",
        known_outlet=pl.coalesce("metadata_by_name", "metadata_outlet", "metadata_by_domain", outlet_of_page),
        outlet_of_url="metadata_by_domain",
        outlet_of_page=outlet_of_page,
    )


def _find_domain(origin: str) -> pl.Expr:
    domain = pl.col(f"{origin}_url").str.to_lowercase().str.extract(r"^(?:[a-z]+://)?(?:www\.)?([^/:?#]+)")
    return domain.alias(f"{origin}_domain")


def _find_configured(documents: pl.DataFrame, origin: str) -> pl.DataFrame:
    """Add the configured outlet of the name, and of the domain, that one origin gives."""
    keys, name = list_outlets(), f"{origin}_outlet"
    key = pl.col(name).str.to_lowercase().str.strip_chars()
    by_name = keys.filter(~pl.col("is_domain")).select("key", pl.col("outlet").alias(f"{origin}_by_name"))
    by_domain = keys.filter("is_domain").select(pl.col("key"), pl.col("outlet").alias(f"{origin}_by_domain"))
    return (
        documents.join(by_name, left_on=key, right_on="key", how="left", maintain_order="left")
        .drop("key", strict=False)
        .join(by_domain, left_on=f"{origin}_domain", right_on="key", how="left", maintain_order="left")
        .drop("key", strict=False)
    )


def _first(segments: pl.DataFrame, label: str, name: str) -> pl.DataFrame:
    found = segments.filter(pl.col("label") == label)
    return found.group_by("doc", maintain_order=True).agg(
        pl.col("text")
        .filter(
            pl.col("reason").is_in(["headline", "repeats_title"]) | pl.col("reason").str.starts_with(RELABEL_REASON)
        )
        .first()
        .alias(name)
    )


def _read_authors(segments: pl.DataFrame) -> pl.DataFrame:
    names = (
        segments.filter(pl.col("label") == "byline")
        .with_columns(
            author=pl.col("text").str.replace(_BYLINE_WORD, "").str.replace_all(_AUTHOR_BREAK, "\x1f").str.split("\x1f")
        )
        .explode("author")
        .with_columns(author=pl.col("author").str.replace(r"\s+in\s+\p{Lu}.*$|\s*[|/–—].*$", "").str.strip_chars(" ."))
        .filter(pl.col("author").str.contains(_AUTHOR) & ~pl.col("author").str.contains(JOB))
        .with_columns(author=_restore_case(pl.col("author")))
    )
    return names.group_by("doc", maintain_order=True).agg(text_authors=pl.col("author").unique(maintain_order=True))


def _restore_case(name: pl.Expr) -> pl.Expr:
    """Print a name that stands in capitals as names are printed: ANDREI LUPULESCU -> Andrei Lupulescu."""
    return (
        pl.when(name.str.contains(r"\p{Ll}"))
        .then(name)
        .otherwise(name.str.to_titlecase().str.replace_all("([’'])S\\b", "${1}s"))
    )


def _read_datelines(segments: pl.DataFrame) -> pl.DataFrame:
    place = r"^(\p{Lu}[\p{L}\p{M} .'’/-]*?)\s*(?:,|\(|—|–|--| - |$|\s\p{Lu}\p{Ll}+\.? [0-9])"
    return (
        segments.filter(pl.col("label") == "dateline")
        .group_by("doc", maintain_order=True)
        .agg(dateline=pl.col("text").str.join(" "), place=pl.col("text").str.extract(place).drop_nulls().first())
        .with_columns(dateline=pl.col("dateline").str.replace(r"\s*(?:—|–|--|-)\s*$", ""))
        .with_columns(
            dateline=pl.when(pl.col("dateline") != "").then("dateline"),
            dateline_place=pl.when(pl.col("place").str.contains(r"\p{Ll}"))
            .then("place")
            .otherwise(_restore_case(pl.col("place"))),
        )
        .drop("place")
    )


def _read_outlets(segments: pl.DataFrame) -> pl.DataFrame:
    """Read the outlet from a copyright line, else from a configured name in a promotion, an author line or a dateline."""
    keys = list_outlets().filter(~pl.col("is_domain"))
    owner = (
        pl.col("text")
        .str.extract(
            r"(?:©|\(c\)|Copyright ©?)\s*(?:19|20)[0-9]{2}(?:\s?[-–]\s?(?:19|20)[0-9]{2})?,?\s+(?:by\s+)?(\p{Lu}[^.|,;©]{1,60}?)(?:\s(?:Ltd|Inc|LLC|GmbH|AG|plc)\b.*)?(?:[.|,;©].*)?$"
        )
        .str.strip_chars()
    )
    around = segments.filter(pl.col("label").is_in(["notice", "promotion", "navigation", "dateline", "comment_form"]))
    named = around.with_columns(
        owner=pl.when(pl.col("reason") == "copyright").then(owner),
        key=pl.col("text").str.to_lowercase().str.extract_many(keys["key"].implode(), leftmost=True).list.first()
        if len(keys)
        else pl.lit(None, pl.String),
    )
    return (
        named.join(keys.select("key", configured="outlet"), on="key", how="left", maintain_order="left")
        .filter(pl.col("owner").is_not_null() | pl.col("configured").is_not_null())
        .group_by("doc", maintain_order=True)
        .agg(owner=pl.col("owner").drop_nulls().first(), configured=pl.col("configured").drop_nulls().first())
        .select(
            "doc",
            text_outlet=pl.coalesce("configured", "owner"),
            outlet_evidence=pl.when(pl.col("owner").is_not_null())
            .then(pl.lit("copyright_line"))
            .otherwise(pl.lit("name_in_text")),
        )
    )


def _read_dates(segments: pl.DataFrame) -> pl.DataFrame:
    """Read the printed date of publication (a line or a label that is a date) and the year of the copyright line."""
    dates = (
        segments.filter(pl.col("label") == "date")
        .group_by("doc", maintain_order=True)
        .agg(date_text=pl.col("text").first())
    )
    years = (
        segments.filter(pl.col("reason") == "copyright")
        .group_by("doc", maintain_order=True)
        .agg(copyright_year=pl.col("text").str.extract(r"\b((?:19|20)[0-9]{2})\b").drop_nulls().last().cast(pl.Int32))
    )
    return dates.join(years, on="doc", how="full", coalesce=True)


def _date_datelines(header: pl.DataFrame) -> pl.DataFrame:
    """Add text_published_on: the printed date, else the day of the dateline with its year, or the year of a copyright line.

    A dateline without a year in a text without one stays undated.
    """
    # Python a document: months are named in seven languages; only the documents with a date line or dateline pay for it.
    columns = ("date_text", "dateline", "copyright_year")
    found = [_read_date(*row) for row in header.select(*columns).iter_rows()]
    dated = pl.DataFrame(found, schema={"text_published_on": pl.Date, "date_evidence": pl.String}, orient="row")
    return header.with_columns(dated)


@lru_cache(maxsize=10_000)
def _read_date(
    date_text: str | None, dateline: str | None, copyright_year: int | None
) -> tuple[date | None, str | None]:
    if date_text and (match := _full_date().search(date_text)) and (day := parse_date(match.group())):
        return day, "date_label"
    if dateline and _DIGIT.search(dateline):
        if (match := _full_date().search(dateline)) and (day := parse_date(match.group())):
            return day, "dateline"
        if copyright_year and (day := parse_date(f"{dateline} {copyright_year}")):
            return day, "dateline_and_copyright_year"
    return None, None


_DIGIT = re.compile(r"\d")


@cache
def _full_date() -> re.Pattern[str]:
    return re.compile(date_pattern())


@cache
def _month() -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![^\W\d_])({month_names()})(?![^\W\d_])")


@cache
def _months() -> dict[str, int]:
    months = load_lexicon("months_weekdays").filter(pl.col("kind") == "month")
    return {form.rstrip("."): int(number) for form, number in months.select("form", "number").iter_rows()}


def parse_date(text: str, date_order: str = "dmy") -> date | None:
    """Return the date that `text` prints with day, month and year; None when there is none or no such day exists.

    A numeric date reads as `date_order` says (`dmy`, `mdy`), unless only the other order is a date; year first is always ymd.
    """
    if match := re.search(r"\b((?:19|20)\d\d)[-/年]\s?(\d{1,2})[-/月]\s?(\d{1,2})", text):
        return _make_date(*map(int, match.groups()))
    if match := re.search(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})", text):
        first, second, year = map(int, match.groups())
        day, month = (second, first) if date_order == "mdy" else (first, second)
        return _make_date(year, month, day) or _make_date(year, day, month)
    year_match = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", text)
    month_match = _month().search(text) if year_match else None
    if not (month_match and year_match):
        return None
    rest = text[: year_match.start()] + " " + text[year_match.end() :]
    number = re.search(r"(?<!\d)\d{1,2}(?!\d|:)", rest)
    if number is None:
        return None
    return _make_date(int(year_match.group()), _months()[month_match.group(1).lower()], int(number.group()))


def _make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
