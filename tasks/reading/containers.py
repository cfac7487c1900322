"""Compressed files and archives -> the documents in them, one at a time and within limits; nothing is written out of them."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import pyarrow as pa
from backports import zstd

from tasks.reading.limits import (
    Budget,
    CountedStream,
    SourceError,
    TotalExceededError,
    UnpackedStream,
    make_seekable,
)
from tasks.reading.options import Reading
from tasks.reading.readers import find_reader
from tasks.reading.records import BadRecord, Record

COMPRESSIONS = (".gz", ".zst")
ARCHIVES = (".zip", ".tar")
_LONG_NAMES = {".tgz": ".tar.gz", ".tzst": ".tar.zst"}
_UNUSABLE = 1000
"""After so many bad records and no good one, a source is not what its name says."""
_MAX_BLOCK = 1 << 26
_END_OF_TAR = bytes(tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class Format:
    """What a file name says: the reader or archive inside, and the compressions around it, the outermost first."""

    kind: str | None
    compressions: tuple[str, ...]
    is_archive: bool = False
    holds_many: bool = False


def find_format(name: str) -> Format:
    """Return the format of a file by its name, in any case; `kind` is None when nobody knows it."""
    inner, compressions = _strip_compressions(name)
    archive = next((suffix for suffix in ARCHIVES if inner.endswith(suffix)), None)
    if archive:
        return Format(archive[1:], compressions, is_archive=True, holds_many=True)
    reader = find_reader(inner)
    kind = None if reader is None else reader.name
    return Format(kind, compressions, holds_many=reader is not None and reader.holds_many)


def strip_suffixes(name: str) -> str:
    """Return the name of a file without the ends that tell its format: `a` of `a.txt.gz`."""
    inner, _ = _strip_compressions(name)
    reader = find_reader(inner)
    suffix = next((suffix for suffix in (reader.suffixes if reader else ARCHIVES) if inner.endswith(suffix)), "")
    return name[: len(inner) - len(suffix)]


def _strip_compressions(name: str) -> tuple[str, tuple[str, ...]]:
    inner = name.lower()
    for short, long in _LONG_NAMES.items():
        if inner.endswith(short):
            inner = inner.removesuffix(short) + long
    compressions: list[str] = []
    while suffix := next((suffix for suffix in COMPRESSIONS if inner.endswith(suffix)), None):
        inner = inner.removesuffix(suffix)
        compressions.append(suffix)
    return inner, tuple(compressions)


def read_file(stream: BinaryIO, name: str, reading: Reading) -> Iterator[Record | BadRecord]:
    """Yield the documents of a file called `name`, in order, holding one at a time.

    A document that cannot be read is a `BadRecord` with its reason and place, and the others follow; so is the rest of a
    file or member that is cut off or damaged.
    """
    try:
        yield from _read_member(stream, name, "", _Place(reading, Budget(reading.limits)))
    except TotalExceededError as error:
        yield BadRecord("", error.reason, str(error))


@dataclass(frozen=True)
class _Place:
    """Where in nested archives a file stands."""

    reading: Reading
    budget: Budget
    depth: int = 0


def _read_member(stream: BinaryIO, name: str, part: str, place: _Place) -> Iterator[Record | BadRecord]:
    """Yield the documents of one file, wherever it stands; `part` is its place in the source."""
    form = find_format(name)
    if form.kind is None:
        yield BadRecord(
            part, "unsupported_format", f"no reader for {PurePosixPath(name).suffix or 'a name without suffix'}"
        )
        return
    if form.is_archive and place.depth >= place.reading.limits.max_depth:
        yield BadRecord(
            part, "limit_exceeded", f"archives in archives, more than {place.reading.limits.max_depth} deep"
        )
        return
    packed = CountedStream(stream)
    documents = _check_usable(_name_parts(_open_and_read(stream, packed, form, name, place), part), part)
    yield from _tell_end(documents, part, packed)


def _open_and_read(
    stream: BinaryIO, packed: CountedStream, form: Format, name: str, place: _Place
) -> Iterator[Record | BadRecord]:
    if form.compressions:
        stream = cast(BinaryIO, packed)
    for suffix in form.compressions:
        stream = _unpack(stream, suffix, place.budget)
    if form.is_archive:
        yield from _ARCHIVE_READERS[form.kind or ""](stream, replace(place, depth=place.depth + 1))
        return
    reader = find_reader(_strip_compressions(name)[0])
    assert reader is not None
    yield from reader.read_records(stream, place.reading)


def _unpack(stream: BinaryIO, suffix: str, budget: Budget) -> BinaryIO:
    packed = CountedStream(stream)
    source = cast(BinaryIO, io.BufferedReader(packed))
    unpacked = gzip.GzipFile(fileobj=source) if suffix == ".gz" else zstd.ZstdFile(source)
    return cast(BinaryIO, io.BufferedReader(UnpackedStream(cast(BinaryIO, unpacked), packed, budget), 1 << 16))


def _name_parts(documents: Iterator[Record | BadRecord], part: str) -> Iterator[Record | BadRecord]:
    for document in documents:
        inner = document.part
        yield replace(document, part=f"{part}#{inner}" if part and inner else part or inner)


def _check_usable(documents: Iterator[Record | BadRecord], part: str) -> Iterator[Record | BadRecord]:
    """Hold bad records back until a good one comes; too many without one are one `BadRecord` for all."""
    held: list[BadRecord] = []
    is_empty = True
    for document in documents:
        is_empty = False
        if isinstance(document, BadRecord):
            held.append(document)
            if len(held) >= _UNUSABLE:
                detail = f"none of its first {_UNUSABLE:,} records can be read; the first: {held[0].detail}"
                yield BadRecord(part, "unreadable", detail)
                return
            continue
        yield from held
        yield document
        yield from documents
        return
    yield from held
    if is_empty:
        yield BadRecord(part, "empty", "no documents in it")


def _tell_end(
    documents: Iterator[Record | BadRecord], part: str, packed: CountedStream
) -> Iterator[Record | BadRecord]:
    """Yield the documents; what ends them before their end becomes one more `BadRecord`, with its place."""
    count = 0
    try:
        for document in documents:
            count += isinstance(document, Record)
            yield document
        return
    except TotalExceededError:
        raise
    except SourceError as error:
        reason, detail = error.reason, str(error)
    except (EOFError, _TarCutOffError) as error:
        reason, detail = "truncated", str(error) or "it ends before its end"
    except tarfile.ReadError as error:
        reason = "truncated" if str(error) == "unexpected end of data" else "unreadable"
        detail = describe_error(error)
    except (OSError, zlib.error, zstd.ZstdError, tarfile.TarError, zipfile.BadZipFile, pa.ArrowException) as error:
        reason, detail = "damaged" if count else "unreadable", describe_error(error)
    except (RuntimeError, NotImplementedError, UnicodeDecodeError) as error:  # a password; an unknown method
        reason, detail = "unreadable", describe_error(error)
    read = f", after {packed.count:,} bytes" if packed.count else ""
    yield BadRecord(part, reason, f"{detail}{read}" + (f" and {count:,} documents" if count else ""))


def describe_error(error: BaseException) -> str:
    """Return what is wrong, in one line and without a path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__


def _read_zip(stream: BinaryIO, place: _Place) -> Iterator[Record | BadRecord]:
    with make_seekable(stream, place.reading.limits, place.reading.temp_dir) as file, zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            place.budget.count_member()
            if info.is_dir() or _is_hidden(info.filename):
                continue
            refusal = _refuse_name(info.filename) or _refuse_zip_member(info)
            if refusal is not None:
                yield refusal
                continue
            yield from _read_zip_member(archive, info, place)


def _read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: _Place) -> Iterator[Record | BadRecord]:
    try:
        member = archive.open(info)
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, OSError) as error:
        yield BadRecord(info.filename, "unreadable", describe_error(error))
        return
    with member:
        unpacked = UnpackedStream(cast(BinaryIO, member), info.compress_size, place.budget)
        yield from _read_member(cast(BinaryIO, io.BufferedReader(unpacked)), info.filename, info.filename, place)


def _refuse_zip_member(info: zipfile.ZipInfo) -> BadRecord | None:
    kind = info.external_attr >> 16 & 0o170000
    if info.create_system == 3 and kind not in (0, 0o100000):
        return BadRecord(info.filename, "unsupported_format", "it is a link or a device, not a file")
    return None


def _read_tar(stream: BinaryIO, place: _Place) -> Iterator[Record | BadRecord]:
    forward = _ForwardStream(stream)
    with closing(_open_tar(forward)) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # it would keep every header
            place.budget.count_member()
            if member.isdir() or _is_hidden(member.name):
                continue
            refusal = _refuse_name(member.name)
            if refusal is not None:
                yield refusal
            elif not member.isfile() or member.issparse():
                kind = "a link" if member.islnk() or member.issym() else "a device, a pipe or sparse"
                yield BadRecord(member.name, "unsupported_format", f"it is {kind}, not a file")
            else:
                file = archive.extractfile(member)
                assert file is not None
                yield from _read_member(cast(BinaryIO, file), member.name, member.name, place)
                forward.check()
    forward.check_end()


def _open_tar(stream: "_ForwardStream") -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r:")  # type: ignore[call-overload, no-any-return]


class _TarCutOffError(Exception):
    """The archive ends inside of a member, or without its end mark."""


class _ForwardStream:
    """A stream that tarfile can read as a file: it seeks forward by reading, and a block back.

    It knows what tarfile does not tell: whether the last header read was the mark of the end or something that is none.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._end = 0
        self._last = b""
        self._header = b""
        self._is_cut_off = False

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or position < self._end - len(self._last):
            raise OSError("the archive cannot be read backwards")
        while self._end < position:
            if not self._pull(min(position - self._end, 1 << 20)):
                self._is_cut_off = True
                break
        self._position = min(position, self._end)
        return self._position

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_BLOCK:
            raise SourceError("limit_exceeded", f"a header of {size:,} bytes at byte {self._position:,}")
        behind = self._last[len(self._last) - (self._end - self._position) :] if self._position < self._end else b""
        data = behind[:size]
        self._position += len(data)
        while len(data) < size and (more := self._pull(size - len(data))):
            data += more
            self._position = self._end
        if size == tarfile.BLOCKSIZE:
            self._header = data
        return data

    def _pull(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._end += len(data)
        self._last = (self._last + data)[-tarfile.BLOCKSIZE :]
        return data

    def check(self) -> None:
        """Raise when the stream ended inside of a member that was skipped."""
        if self._is_cut_off:
            raise _TarCutOffError(f"cut off at byte {self._end:,}")

    def check_end(self) -> None:
        """Raise when what ended the archive was not its end mark."""
        self.check()
        if len(self._header) < tarfile.BLOCKSIZE:
            raise _TarCutOffError(f"cut off at byte {self._end:,}")
        if self._header != _END_OF_TAR:
            raise SourceError("damaged", f"no header of a member at byte {self._position - tarfile.BLOCKSIZE:,}")


_ARCHIVE_READERS: dict[str, Callable[[BinaryIO, _Place], Iterator[Record | BadRecord]]] = {
    "zip": _read_zip,
    "tar": _read_tar,
}


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)


def _refuse_name(name: str) -> BadRecord | None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\0" in name:
        return BadRecord(name, "unsafe_path", "its path leads out of the archive")
    return None
