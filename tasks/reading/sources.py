"""Files, folders, globs and addresses -> the files that a reader knows, with their metadata; what is left out is named."""

import glob
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tasks.errors import UsageError
from tasks.reading.addresses import FEED_PREFIX, WEB_SCHEMES, hide_password, split_scheme
from tasks.reading.containers import COMPRESSIONS, describe_error, find_format, strip_suffixes
from tasks.reading.limits import SourceError
from tasks.reading.metadata import (
    MANIFEST_NAME,
    SIDECAR_SUFFIX,
    Manifest,
    Metadata,
    MetadataError,
    SkippedEntry,
    read_manifest,
    read_sidecar,
)
from tasks.reading.readers import READERS
from tasks.reading.remote import StoredFile, check_address, list_stored


@dataclass(frozen=True)
class Rejection:
    """One source, or one entry of metadata, that did not get in: why, as a closed word and in words."""

    source_uri: str
    reject_reason: str
    detail: str
    stage: str = "ingest"
    raw_sha256: str | None = None
    metadata_sha256: str | None = None


@dataclass(frozen=True)
class SourceFile:
    """One file that a reader knows: where it is, what it is called under its root, and the metadata beside it.

    `holds_many` says that it is a container of documents: what is beside it tells the outlet of all of them.
    """

    root: Path
    path: Path
    source_uri: str
    reader: str
    metadata: Metadata | None = None
    holds_many: bool = False

    @property
    def location(self) -> str:
        """The absolute path."""
        return _normalize(self.path)


@dataclass(frozen=True)
class RemoteSource:
    """One source on the network: a `file` of object storage (with its state there), a `web` address or a `feed`."""

    kind: Literal["file", "web", "feed"]
    url: str
    fingerprint: str | None = None

    @property
    def source_uri(self) -> str:
        """The address without user name and password."""
        return hide_password(self.url)

    @property
    def location(self) -> str:
        """The same."""
        return self.source_uri


@dataclass
class FoundSources:
    """The files of the sources given, ordered by source URI and root, then what is remote; what was left out, and how many are too young."""

    files: list[SourceFile] = field(default_factory=list)
    remote: list[RemoteSource] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    waiting_count: int = 0


def find_sources(
    sources: Sequence[str], *, max_bytes: int, min_age_seconds: float = 0, now: float | None = None
) -> FoundSources:
    """Find the files of files, folders (with all that is in them), globs and addresses; object storage is listed, the web is not asked.

    Hidden files, sidecars and manifests are no sources. A file that two sources share belongs to the outermost root.

    Args:
        sources: Paths and patterns.
        max_bytes: A larger file that is one document is rejected unread.
        min_age_seconds: A file changed within that time, or whose metadata was, waits for the next run; needs `now`.
        now: The time to measure ages from, in seconds since the epoch.

    Raises:
        UsageError: If a source does not exist or a pattern matches nothing.
    """
    check_sources(sources)
    found = FoundSources()
    listing = _Listing(found)
    placed: dict[str, tuple[Path, Path]] = {}
    for source in dict.fromkeys(sources):
        if split_scheme(source) is not None:
            _find_remote(source, found)
            continue
        for root, path in _expand_source(source, listing):
            key = _normalize(path)
            if key not in placed or len(root.parts) < len(placed[key][0].parts):
                placed[key] = (root, path)
    siblings = {_normalize(path) for _, path in placed.values()}
    metadata = _MetadataBesideTexts(found)
    for root, path in sorted(placed.values(), key=lambda place: (_make_uri(*place), str(place[0]))):
        if _is_beside_text(path, siblings):
            continue
        file = _inspect_file(root, path, max_bytes, metadata, found)
        if file is None:
            continue
        if now is not None and _is_young(path, now, min_age_seconds):
            found.waiting_count += 1
        else:
            found.files.append(file)
    found.remote.sort(key=lambda remote: (remote.source_uri, remote.kind))
    return found


def _find_remote(source: str, found: FoundSources) -> None:
    scheme = split_scheme(source) or ""
    if scheme.startswith(FEED_PREFIX):
        found.remote.append(RemoteSource("feed", source))
    elif scheme in WEB_SCHEMES:
        found.remote.append(RemoteSource("web", source))
    else:
        try:
            found.remote += [_make_stored(file) for file in list_stored(source)]
        except SourceError as error:
            found.rejected.append(Rejection(hide_password(source), error.reason, str(error)))


def _make_stored(file: StoredFile) -> RemoteSource:
    return RemoteSource("file", file.url, file.fingerprint)


def check_sources(sources: Sequence[str]) -> None:
    """Raise `UsageError` for the first source that does not exist or matches nothing, without a look into any."""
    for source in sources:
        if split_scheme(source) is not None:
            check_address(source)
            continue
        if os.path.lexists(source):
            continue
        if not glob.has_magic(source):
            raise UsageError(f"no such file or folder: {source or '(an empty name)'}")
        if next(glob.iglob(source, recursive=True), None) is None:  # noqa: PTH207
            raise UsageError(f"no file matches {source}")


def _expand_source(source: str, listing: "_Listing") -> Iterator[tuple[Path, Path]]:
    path = Path(source)
    if path.is_dir():
        yield from ((path, file) for file in listing.list_folder(path))
    elif os.path.lexists(path):
        yield path.parent, path
    else:
        matches = sorted(Path(match) for match in glob.glob(source, recursive=True))  # noqa: PTH207
        parts = Path(source).parts
        depth = next(number for number, part in enumerate(parts) if glob.has_magic(part))
        root = Path(*parts[:depth])
        for match in matches:
            yield from ((root, file) for file in (listing.list_folder(match) if match.is_dir() else [match]))


@dataclass
class _Listing:
    """Lists folders with everything in them; what cannot be listed becomes a rejected row."""

    found: FoundSources

    def list_folder(self, root: Path) -> list[Path]:
        return sorted(self._walk(root, root, ()))

    def _walk(self, root: Path, folder: Path, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
        try:
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                raise OSError("a symbolic link leads back to a folder that it is in")
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.found.rejected.append(Rejection(_make_uri(root, folder), "unreadable", describe_error(error)))
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self._walk(root, folder / entry.name, (*above, identity))
            else:
                yield folder / entry.name


def _normalize(path: Path) -> str:
    """Return the absolute path without `..`; symbolic links stay, for the place where a file was found names it."""
    return os.path.normpath(path.absolute())


def _make_uri(root: Path, path: Path) -> str:
    """Return the path under `root` in one spelling: NFC, with bytes that are not UTF-8 written as escapes."""
    relative = os.fsencode(path.relative_to(root).as_posix())
    return unicodedata.normalize("NFC", relative.decode("utf-8", "backslashreplace"))


def _is_beside_text(path: Path, siblings: set[str]) -> bool:
    """Whether the file is metadata: a manifest, or a `.json` whose text is a source or beside it on the disk."""
    if path.name == MANIFEST_NAME:
        return True
    if path.suffix.lower() != SIDECAR_SUFFIX:
        return False
    texts = (suffix + packed for reader in READERS for suffix in reader.suffixes for packed in ("", *COMPRESSIONS))
    return any(_normalize(text) in siblings or text.exists() for text in map(path.with_suffix, texts))


def _inspect_file(
    root: Path, path: Path, max_bytes: int, metadata: "_MetadataBesideTexts", found: FoundSources
) -> SourceFile | None:
    source_uri = _make_uri(root, path)
    try:
        status = path.stat()
    except OSError as error:
        found.rejected.append(Rejection(source_uri, "unreadable", describe_error(error)))
        return None
    form = find_format(path.name)
    if not stat.S_ISREG(status.st_mode):
        found.rejected.append(Rejection(source_uri, "unsupported_format", "it is not a regular file"))
    elif form.kind is None:
        detail = f"no reader for {path.suffix or 'a name without suffix'}"
        found.rejected.append(Rejection(source_uri, "unsupported_format", detail))
    elif status.st_size > max_bytes and not form.holds_many and not form.compressions:
        detail = f"{status.st_size:,} bytes; the limit is {max_bytes:,}"
        found.rejected.append(Rejection(source_uri, "too_large", detail))
    else:
        return SourceFile(root, path, source_uri, form.kind, metadata.find(root, path), form.holds_many)
    return None


def _is_young(path: Path, now: float, min_age_seconds: float) -> bool:
    """Whether the file or what stands beside it was changed within the time; a time far ahead says nothing of age."""
    beside = (path, _locate_sidecar(path), path.with_name(MANIFEST_NAME))
    return any(abs(now - file.stat().st_mtime) < min_age_seconds for file in beside if file.exists())


def _locate_sidecar(path: Path) -> Path:
    return path.with_name(strip_suffixes(path.name) + SIDECAR_SUFFIX)


@dataclass
class _MetadataBesideTexts:
    """Finds the entry of a text; each manifest is read once, and each entry that is skipped becomes a rejected row."""

    found: FoundSources
    manifests: dict[Path, Manifest] = field(default_factory=dict)

    def find(self, root: Path, path: Path) -> Metadata | None:
        manifest = path.with_name(MANIFEST_NAME)
        if manifest not in self.manifests:
            self.manifests[manifest] = self._read_manifest(root, manifest)
        return self._read_sidecar(root, path) or self.manifests[manifest].entries.get(path.name)

    def _read_manifest(self, root: Path, path: Path) -> Manifest:
        if not os.path.lexists(path):
            return Manifest()
        try:
            manifest = read_manifest(path, _make_uri(root, path))
        except OSError as error:
            manifest = Manifest(skipped=(SkippedEntry(_make_uri(root, path), describe_error(error)),))
        for entry in manifest.skipped:
            self._skip(entry.metadata_uri, entry.detail)
        return manifest

    def _read_sidecar(self, root: Path, path: Path) -> Metadata | None:
        sidecar = _locate_sidecar(path)
        if not os.path.lexists(sidecar):
            return None
        try:
            return read_sidecar(sidecar, _make_uri(root, sidecar))
        except MetadataError as error:
            self._skip(_make_uri(root, sidecar), str(error))
        except OSError as error:
            self._skip(_make_uri(root, sidecar), describe_error(error))
        return None

    def _skip(self, metadata_uri: str, detail: str) -> None:
        self.found.rejected.append(Rejection(metadata_uri, "malformed_metadata", detail, stage="metadata"))
