"""The raw bytes of every document, kept compressed under the hash of their content: `ab/<sha256>.gz`."""

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from warehouse.keys import hash_bytes


class RawStoreError(Exception):
    """Kept bytes are missing or are not what their name says."""


@dataclass(frozen=True)
class RawStore:
    """A folder of raw documents, safe for several processes: a file appears whole or not at all, and stays."""

    root: Path

    def locate(self, raw_sha256: str) -> Path:
        """Return where the bytes with this hash are kept, whether they are there or not."""
        return self.root / raw_sha256[:2] / f"{raw_sha256}.gz"

    def keep(self, raw: bytes, raw_sha256: str) -> None:
        """Write `raw` under its hash, unless it is kept already."""
        path = self.locate(raw_sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        # mtime 0: equal bytes make equal files, so that a store can be compared and copied by content
        unfinished.write_bytes(gzip.compress(raw, compresslevel=6, mtime=0))
        unfinished.replace(path)

    def fetch(self, raw_sha256: str) -> bytes:
        """Return the bytes with this hash; raises `RawStoreError` when they are missing or damaged."""
        path = self.locate(raw_sha256)
        try:
            raw = gzip.decompress(path.read_bytes())
        except FileNotFoundError as error:
            raise RawStoreError(f"raw bytes {raw_sha256} are not in {self.root}") from error
        except (OSError, EOFError, zlib.error) as error:
            raise self._set_aside(path) from error
        if hash_bytes(raw) != raw_sha256:
            raise self._set_aside(path)
        return raw

    def _set_aside(self, path: Path) -> RawStoreError:
        path.replace(path.with_suffix(".damaged"))  # so that the next build writes it again from its source
        return RawStoreError(f"{path} was damaged; build again to keep it anew from its source")
