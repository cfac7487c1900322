"""The same texts in every format that a build reads: files, what their documents are called, and where characters stand in the bytes."""

import gzip
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from backports import zstd

from tests.tasks.reading.test_formats import to_csv, to_jsonl, to_page, to_parquet, to_tar, to_zip

Texts = Mapping[str, str]
"""Names of files without suffix -> texts."""


def list_bytes(text: str) -> list[int]:
    """Return the byte at which each character stands in the UTF-8 of a text, and the number of bytes."""
    return list(accumulate((len(char.encode()) for char in text), initial=0))


def to_html(text: str) -> bytes:
    """Return a page with a paragraph a line."""
    lines = "".join(f"<p>{html.escape(line, quote=False)}</p>\n" for line in text.split("\n"))
    return f"{_HEAD}{lines}{_FOOT}".encode()


def list_page_bytes(text: str) -> list[int]:
    """Return the byte at which each character of a text stands in its page, and one after the last; a line break stands at its tag."""
    places, at = [], len(_HEAD.encode())
    for line in text.split("\n"):
        at += len("<p>")
        for char in line:
            places.append(at)
            at += len(html.escape(char, quote=False).encode())
        places.append(at)
        at += len("</p>\n")
    return places


_HEAD = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title></title></head><body><article>\n'
_FOOT = "</article></body></html>\n"


@dataclass(frozen=True)
class Packing:
    """A format: how texts become files, what `source_uri` the text of a name has, and where its characters stand."""

    pack: Callable[[Texts], dict[str, bytes]]
    name_source: Callable[[str], str]
    list_bytes: Callable[[str], list[int]] = list_bytes


def _rows(texts: Texts) -> list[dict[str, str]]:
    return [{"id": name, "text": text} for name, text in texts.items()]


def _pages(texts: Texts) -> Sequence[bytes]:
    return [to_page({"id": name, "url": f"https://example.org/{name}", "text": text}) for name, text in texts.items()]


def _files(texts: Texts) -> dict[str, bytes]:
    return {f"{name}.txt": text.encode() for name, text in texts.items()}


PACKINGS: Mapping[str, Packing] = {
    "txt": Packing(_files, "{}.txt".format),
    "txt.gz": Packing(lambda texts: {f"{n}.gz": gzip.compress(raw) for n, raw in _files(texts).items()}, "{}.txt.gz".format),
    "html": Packing(lambda texts: {f"{n}.html": to_html(text) for n, text in texts.items()}, "{}.html".format, list_page_bytes),
    "jsonl.gz": Packing(lambda texts: {"n.jsonl.gz": gzip.compress(to_jsonl(_rows(texts)))}, "n.jsonl.gz#{}".format),
    "csv.zst": Packing(lambda texts: {"n.csv.zst": zstd.compress(to_csv(_rows(texts)))}, "n.csv.zst#{}".format),
    "parquet": Packing(lambda texts: {"n.parquet": to_parquet(_rows(texts))}, "n.parquet#{}".format),
    "warc.gz": Packing(
        lambda texts: {"n.warc.gz": b"".join(map(gzip.compress, _pages(texts)))}, "n.warc.gz#urn:uuid:{}".format
    ),
    "zip": Packing(lambda texts: {"n.zip": to_zip(_files(texts))}, "n.zip#{}.txt".format),
    "tar.gz": Packing(lambda texts: {"n.tar.gz": gzip.compress(to_tar(_files(texts)))}, "n.tar.gz#{}.txt".format),
}  # fmt: skip
