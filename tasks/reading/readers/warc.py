"""WARC (Common Crawl, CC-News): the pages of a crawl, a record each."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParserException

from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record

HTML_TYPES = ("text/html", "application/xhtml+xml")
_TEXT_TYPE = "text/plain"
_DOCUMENT_TYPES = ("response", "resource", "conversion")
_VERSION = re.compile(rb"(?:\A|(?<=\n))WARC/\d\.\d\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,15})[ \t]*\r?$")
_TYPE = re.compile(rb"(?im)^warc-type:[ \t]*(\S+)")
_ID = re.compile(rb"(?im)^warc-record-id:[ \t]*<?([^>\s]+)>?")
_AFTER_RECORD = re.compile(rb"\r?\n\r?\n|(?:\r?\n)+(?:WARC/|\Z)|\Z")
_MAX_HEADER_BYTES = 65_536
_CHUNK_BYTES = 1 << 16
_AFTER_BYTES = 16


@dataclass(frozen=True)
class WarcReader:
    """Reads the pages and texts of `.warc` and `.wet` record by record.

    The framing is read here and not by warcio, which stops at the first record that is broken; what a record says
    (headers, chunks, encodings of the content) is warcio's to read.
    """

    name: str = "warc"
    suffixes: tuple[str, ...] = (".warc", ".wet")
    holds_many: bool = True

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield a record for every page that was answered with 200; after a broken record, go on with the next one."""
        window = _Window(stream)
        while window.fill(1):
            yield from _read_record(window, reading.limits.max_bytes)


class _Window:
    """A stream with a view of what comes next; `position` is the place of `view[0]` in the unpacked stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)  # what is there before an error is read before it
        self.view = b""
        self.position = 0

    def fill(self, size: int) -> int:
        """Make `size` bytes visible, or all that are left; return how many are."""
        while len(self.view) < size and (more := self._read(max(_CHUNK_BYTES, size - len(self.view)))):
            self.view += more
        return len(self.view)

    def skip(self, size: int) -> int:
        """Go forward; return how many bytes there were to skip."""
        skipped = 0
        while skipped < size and self.fill(1):
            step = min(size - skipped, len(self.view))
            self.view = self.view[step:]
            skipped += step
        self.position += skipped
        return skipped

    def seek_version(self, start: int) -> None:
        """Go to the next line that begins a record, at least `start` bytes ahead; else to the end."""
        self.skip(start - 1)  # the end of the line before tells that a line begins
        while self.fill(_CHUNK_BYTES):
            if found := _VERSION.search(self.view, 1):
                self.skip(found.start())
                return
            if self.skip(max(1, len(self.view) - 16)) and len(self.view) < 16 and self.fill(16) < 16:
                self.skip(16)


def _read_record(window: _Window, max_bytes: int) -> Iterator[Record | BadRecord]:
    window.fill(_MAX_HEADER_BYTES)
    window.skip(len(window.view) - len(window.view.lstrip(b"\r\n")))
    if not window.fill(_MAX_HEADER_BYTES):
        return
    place = f"record at byte {window.position:,}"
    part = f"byte-{window.position}"
    version = _VERSION.match(window.view)
    if version is None:
        yield BadRecord(part, "broken_record", f"{place}: it does not begin with WARC/1.0 or another version")
        window.seek_version(1)
        return
    head_end = _find_head_end(window.view)
    head = window.view[:head_end]
    length = _LENGTH.search(head)
    if head_end == 0 or length is None:
        yield BadRecord(part, "broken_record", f"{place}: its header has no end, or no Content-Length")
        window.seek_version(version.end())
        return
    size = int(length.group(1))
    kind = _TYPE.search(head)
    if size > max_bytes + _MAX_HEADER_BYTES:
        skipped = window.skip(head_end + size + 4) - head_end
        reason, detail = ("too_large", f"{size:,} bytes") if skipped >= size else ("truncated", "cut off")
        yield BadRecord(part, reason, f"{place}: {detail}")
        return
    if window.fill(head_end + size + _AFTER_BYTES) < head_end + size:
        yield _resume_inside(
            window, head_end, part, place, f"cut off: {len(window.view) - head_end:,} of {size:,} bytes"
        )
        return
    after = window.view[head_end + size : head_end + size + _AFTER_BYTES]
    if not _AFTER_RECORD.match(after):
        yield _resume_inside(window, head_end, part, place, f"its Content-Length of {size:,} is not its length")
        return
    block = window.view[: head_end + size]
    window.skip(head_end + size)
    if kind is not None and kind.group(1).decode("latin-1").lower() in _DOCUMENT_TYPES:
        yield _shape_page(block, _find_part(head, part), place, max_bytes)


def _resume_inside(window: _Window, head_end: int, part: str, place: str, detail: str) -> BadRecord:
    """Go to the next record, also when it lies in what the length of this one would swallow."""
    is_last = _VERSION.search(window.view, head_end) is None and window.fill(len(window.view) + 1) == len(window.view)
    reason = "truncated" if is_last and detail.startswith("cut off") else "broken_record"
    window.seek_version(head_end)
    return BadRecord(part, reason, f"{place}: {detail}")


def _find_head_end(view: bytes) -> int:
    """Return where the header ends, after its blank line; 0 when it does not within the limit."""
    ends = [found + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (found := view.find(mark)) >= 0]
    return min(ends, default=0)


def _find_part(head: bytes, part: str) -> str:
    found = _ID.search(head)
    return found.group(1).decode("latin-1") if found else part


def _shape_page(block: bytes, part: str, place: str, max_bytes: int) -> Record | BadRecord:
    try:
        record = ArcWarcRecordLoader().parse_record_stream(
            io.BytesIO(block), known_format="warc", no_record_parse=False
        )
        status, media_type, headers = _read_headers(record)
        if status not in ("200", ""):
            return BadRecord(part, "no_page", f"{place}: it was answered with {status}")
        if media_type.partition(";")[0].strip().lower() not in (*HTML_TYPES, _TEXT_TYPE):
            return BadRecord(part, "unsupported_format", f"{place}: no reader for {media_type or 'no media type'}")
        raw = record.content_stream().read(max_bytes + 1)
    except (ArchiveLoadFailed, StatusAndHeadersParserException, ValueError, EOFError, OSError) as error:
        return BadRecord(part, "broken_record", f"{place}: {error or type(error).__name__}")
    if len(raw) > max_bytes:
        return BadRecord(part, "too_large", f"{place}: more than {max_bytes:,} bytes")
    url = record.rec_headers.get_header("WARC-Target-URI")
    is_html = not media_type.lower().startswith(_TEXT_TYPE)
    return Record(
        raw, part, {"url": url.strip("<>")} if url else None, reader="html" if is_html else None,
        media_type=media_type, headers=headers,
    )  # fmt: skip


def _read_headers(record: ArcWarcRecord) -> tuple[str, str, Mapping[str, str]]:
    """Return the HTTP status (empty where the record is no response), the media type and the headers."""
    if record.http_headers is None:
        return "", record.rec_headers.get_header("Content-Type") or "", {}
    headers = {name.lower(): value for name, value in record.http_headers.headers}
    return record.http_headers.get_statuscode(), headers.get("content-type", ""), headers
