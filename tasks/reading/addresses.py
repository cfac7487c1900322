"""Addresses among sources: what tells them from paths, and what of them may stand in a table."""

from urllib.parse import urlsplit, urlunsplit

WEB_SCHEMES = ("http", "https")
FEED_PREFIX = "feed+"


def split_scheme(source: str) -> str | None:
    """Return the scheme of an address (`https`, `feed+https`, `s3`), None for a path."""
    scheme, separator, _ = source.partition("://")
    is_scheme = scheme.replace("+", "").isalnum() and scheme.isascii() and len(scheme) > 1
    return scheme.lower() if separator and is_scheme else None


def hide_password(url: str) -> str:
    """Return the address without user name and password: what may stand in a table."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url
