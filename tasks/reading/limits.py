"""How much one source may ask of a machine: bytes, ratios, members, depth and patience; and streams that hold to it."""

import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

_RATIO_FROM_BYTES = 10_000_000
"""The ratio is asked of larger streams only: ten megabytes of blanks harm nobody."""


@dataclass(frozen=True)
class Limits:
    """What a source may be.

    `max_bytes` is of one document, `max_unpacked_bytes` of everything that one source unpacks to. `max_ratio` is unpacked
    to packed bytes of one stream: news text compresses 2 to 20 times, server logs up to 100, a bomb a thousand times.
    """

    max_bytes: int = 20_000_000
    max_download_bytes: int = 4_000_000_000
    max_unpacked_bytes: int = 200_000_000_000
    max_ratio: int = 200
    max_members: int = 1_000_000
    max_depth: int = 3
    stall_seconds: float = 30.0
    max_redirects: int = 10


class SourceError(Exception):
    """The rest of a source cannot be read: `reason` is a closed word, the text says what and where."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason and the detail."""
        super().__init__(detail)
        self.reason = reason


class TotalExceededError(SourceError):
    """The whole source asks for too much: nothing more of it is read."""


@dataclass
class Budget:
    """What one source has unpacked and listed so far, over all of its archives."""

    limits: Limits
    unpacked_bytes: int = 0
    member_count: int = field(default=0)

    def spend(self, byte_count: int) -> None:
        """Count unpacked bytes; raises `TotalExceededError` over the limit."""
        self.unpacked_bytes += byte_count
        if self.unpacked_bytes > self.limits.max_unpacked_bytes:
            detail = f"it unpacks to more than {self.limits.max_unpacked_bytes:,} bytes"
            raise TotalExceededError("limit_exceeded", detail)

    def count_member(self) -> None:
        """Count a member of an archive; raises `TotalExceededError` over the limit."""
        self.member_count += 1
        if self.member_count > self.limits.max_members:
            raise TotalExceededError("limit_exceeded", f"it has more than {self.limits.max_members:,} members")


class CountedStream(io.RawIOBase):
    """Reads another stream and counts its bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        """Count from 0, wherever the stream stands."""
        # one read of what is under it at a time: what was read before an error is handed on before the error is
        self._read = getattr(stream, "read1", stream.read)
        self.count = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read into `buffer`, and count."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data: bytes = self._read(len(view))
        view[: len(data)] = data
        self.count += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self.count


class UnpackedStream(CountedStream):
    """Reads what a compressed stream unpacks to, and raises `SourceError` when that is out of all proportion."""

    def __init__(self, stream: BinaryIO, packed: CountedStream | int, budget: Budget) -> None:
        """`packed` counts the bytes that were unpacked, or is their number."""
        super().__init__(stream)
        self._packed = packed
        self._budget = budget

    def readinto(self, buffer: object) -> int:
        """Read into `buffer` within the limits."""
        read_count = super().readinto(buffer)
        self._budget.spend(read_count)
        packed = self._packed if isinstance(self._packed, int) else self._packed.count
        max_ratio = self._budget.limits.max_ratio
        if self.count > _RATIO_FROM_BYTES and self.count > max_ratio * max(1, packed):
            detail = f"{packed:,} packed bytes unpack to more than {self.count:,}; the limit is {max_ratio} times"
            raise SourceError("limit_exceeded", detail)
        return read_count


def make_seekable(stream: BinaryIO, limits: Limits, temp_dir: Path | None) -> BinaryIO:
    """Return the stream itself where it is a file, else a temporary file with its bytes; closing it leaves `stream` open.

    Raises `SourceError` for more bytes than a download may have.
    """
    raw = stream.raw if isinstance(stream, io.BufferedReader) else stream
    if isinstance(raw, io.FileIO):
        return _BorrowedFile(raw)
    file = cast(BinaryIO, tempfile.TemporaryFile(dir=temp_dir))  # noqa: SIM115  # its caller closes it
    try:
        _copy(stream, file, limits.max_download_bytes)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _copy(stream: BinaryIO, file: BinaryIO, max_bytes: int) -> None:
    left = max_bytes
    while chunk := stream.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise SourceError(
                "limit_exceeded", f"it unpacks to more than {max_bytes:,} bytes, and must be read by seeking"
            )
        file.write(chunk)


class _BorrowedFile(io.BufferedReader):
    """A file that stays open when this is closed: its owner closes it."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(file)
        self.seek(0)

    def close(self) -> None:
        """Let go of the file."""
        if self._is_open():
            self.detach()

    def _is_open(self) -> bool:
        try:
            return not self.closed
        except ValueError:  # detached already
            return False
