"""The cache of annotations: append-only Parquet outside the releases, shared by processes, safe to lose."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tasks.frames import ANNOTATIONS

_FILES = "*.parquet"
_FILE_COLUMN = "cache_file"
_HASH_COLUMN = "key_hash"


class AnnotationCache:
    """Annotations by paragraph key, in Parquet files of one folder.

    A file is written under a temporary name and then renamed, so that a reader never sees half a file and several
    processes may write at the same time. A file that cannot be read is removed and its rows count as missing; so do
    the rows of a file that another process removed. When the files of all models under `cache_dir` together grow
    over `max_bytes`, the oldest go first; the first write looks, and then one whenever a hundredth of that was written.
    """

    def __init__(self, cache_dir: Path, key: str, *, max_bytes: int = 20 * 2**30) -> None:
        """Open the cache, and make its folder.

        Args:
            cache_dir: The folder of all caches.
            key: Names the folder of this cache: a hash of all that an annotation depends on besides the text.
            max_bytes: The size limit over all of `cache_dir`, in bytes.
        """
        self._cache_dir = cache_dir
        self._folder = cache_dir / key
        self._max_bytes = max_bytes
        self._folder.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers()
        self._files: list[Path] = []
        self._index = self._read_index()
        self._written_bytes = max_bytes  # since the size was looked at; the first write looks

    def find_annotations(self, keys: pl.Series) -> pl.DataFrame:
        """Return the known annotations among `keys`: rows of ANNOTATIONS, one a key, ordered by key."""
        wanted = keys.unique().to_frame("paragraph_key")
        files = self._index.join(wanted.select(_hash_keys()), on=_HASH_COLUMN, how="semi").get_column(_FILE_COLUMN)
        found = [_empty_annotations(), *self._read_files([self._files[file] for file in files.unique().sort()], wanted)]
        return pl.concat(found).unique("paragraph_key", keep="first").sort("paragraph_key")

    def add_annotations(self, annotations: pl.DataFrame) -> None:
        """Write `annotations` as one new file; nothing is written for no rows."""
        if annotations.is_empty():
            return
        path = self._folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
        temporary = path.with_suffix(".tmp")
        annotations.write_parquet(temporary, compression="zstd", statistics=False)
        temporary.replace(path)
        self._index = pl.concat([self._index, self._index_rows(annotations, path)])
        self._written_bytes += _size(path)
        if self._written_bytes > self._max_bytes // 100:
            self._remove_oldest()
            self._written_bytes = 0

    def merge_small_files(
        self, *, max_files: int = 256, small_bytes: int = 4 * 2**20, merged_bytes: int = 16 * 2**20
    ) -> None:
        """Join small files to larger ones when the folder holds more than `max_files`: hourly builds write many.

        Rows stay in the order of writing, and files as small as `merged_bytes`: what was annotated together is asked for
        together, and neither the merging nor a later look-up needs the memory for more.
        """
        files = sorted(self._folder.glob(_FILES))
        if len(files) <= max_files:
            return
        groups: list[list[Path]] = [[]]
        for file in files:
            if _size(file) < small_bytes:
                if sum(map(_size, groups[-1])) + _size(file) > merged_bytes:
                    groups.append([])
                groups[-1].append(file)
        for group in groups:
            if len(group) > 1:
                rows = pl.concat([_empty_annotations(), *self._read_files(group)])
                self.add_annotations(rows.unique("paragraph_key", keep="first", maintain_order=True))
                for file in group:
                    file.unlink(missing_ok=True)
        self._index = self._read_index()

    def _read_index(self) -> pl.DataFrame:
        """Return which file holds what: 12 bytes a paragraph, because an archive has millions of them."""
        self._files = []
        parts = [pl.DataFrame(schema={_HASH_COLUMN: pl.UInt64, _FILE_COLUMN: pl.UInt32})]
        for file in sorted(self._folder.glob(_FILES)):
            keys = _read_or_remove(file, pl.scan_parquet(file, glob=False).select("paragraph_key"))
            if keys is not None:
                parts.append(self._index_rows(keys, file))
        return pl.concat(parts)

    def _index_rows(self, annotations: pl.DataFrame, file: Path) -> pl.DataFrame:
        self._files.append(file)
        number = pl.lit(len(self._files) - 1, dtype=pl.UInt32)
        return annotations.select(_hash_keys(), number.alias(_FILE_COLUMN))

    def _read_files(self, files: list[Path], wanted: pl.DataFrame | None = None) -> Iterator[pl.DataFrame]:
        for file in files:
            query = pl.scan_parquet(file, glob=False).select(ANNOTATIONS.column_names).cast(ANNOTATIONS.schema)
            if wanted is not None:
                query = query.join(wanted.lazy(), on="paragraph_key", how="semi")
            rows = _read_or_remove(file, query)
            if rows is not None:
                yield rows

    def _remove_oldest(self) -> None:
        # the name begins with the time of writing, which unlike mtime survives a copy of the cache
        files = sorted(self._cache_dir.glob(f"*/{_FILES}"), key=lambda file: file.name)
        excess = sum(map(_size, files)) - self._max_bytes
        for file in files[:-1]:
            if excess <= 0:
                break
            excess -= _size(file)
            file.unlink(missing_ok=True)

    def _remove_leftovers(self, *, max_age_seconds: float = 86_400) -> None:
        for file in self._folder.glob("*.tmp"):  # of processes that were killed while writing
            written_at = file.stat().st_mtime if file.exists() else time.time()
            if time.time() - written_at > max_age_seconds:
                file.unlink(missing_ok=True)


def _empty_annotations() -> pl.DataFrame:
    return pl.DataFrame(schema=ANNOTATIONS.schema)


def _hash_keys() -> pl.Expr:
    """Return keys as numbers for one process: where two had the same one, a file would be read for nothing."""
    return pl.col("paragraph_key").hash().alias(_HASH_COLUMN)


def _read_or_remove(file: Path, query: pl.LazyFrame) -> pl.DataFrame | None:
    try:
        return query.collect()
    except FileNotFoundError:  # another process kept the size limit or merged small files
        return None
    except (pl.exceptions.PolarsError, OSError):  # cut short or overwritten: its paragraphs are annotated again
        file.unlink(missing_ok=True)
        return None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
