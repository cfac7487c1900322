"""The only place that reads the environment: the settings of a build, and the switches of the libraries under it."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.errors import UsageError
from tasks.reading.addresses import split_scheme
from tasks.reading.fields import FieldMapping, check_mapping, read_mapping
from tasks.reading.limits import Limits
from tasks.reading.options import Reading

if TYPE_CHECKING:
    from tasks.reading.network import WebAccess

DEFAULT_WAREHOUSE: Final = "data/news.duckdb"
DEFAULT_SOURCES: Final = "data/inbox"
DEFAULT_FEEDS: Final = "data/feeds.txt"
ENGINES: Final = ("accurate", "fast", "none")
_PROJECT_FILE: Final = "prefect.yaml"

_LIBRARY_SWITCHES: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
    # what reads sentences in one process takes half as long again where its matrices are cut up among threads
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # where Prefect starts a server itself: the first time it creates its database, which takes longer than its own 20 s
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


@dataclass(frozen=True)
class Settings:
    """All that a build can be told. Paths are absolute."""

    sources: tuple[str, ...]
    warehouse: Path
    data_dir: Path
    spacy_model: str | None = None
    engine: str = "accurate"
    fast_model: Path | None = None
    batch_size: int = 1000
    max_bytes: int = 20_000_000
    min_age_seconds: float = 10.0
    workers: int = 1
    retry_stopped: bool = False
    corrections: Path | None = None
    authority: Path | None = None
    fields: FieldMapping = field(default_factory=FieldMapping)
    max_download_bytes: int = 4_000_000_000
    stall_seconds: float = 30.0
    contact: str | None = None
    feeds: Path | None = None

    @property
    def reading(self) -> Reading:
        """How sources are read."""
        limits = Limits(
            max_bytes=self.max_bytes, max_download_bytes=self.max_download_bytes, stall_seconds=self.stall_seconds
        )
        return Reading(limits, self.fields)

    @property
    def web(self) -> "WebAccess":
        """How the web is asked."""
        from tasks.reading.network import WebAccess  # slow to import, and needed by builds alone
        from tasks.reading.remote import make_user_agent

        return WebAccess(make_user_agent(self.contact))

    @property
    def staging(self) -> Path:
        """Where the validated batches of a run wait until it publishes; for the holder of the lock alone."""
        return self.warehouse.with_name(f"{self.warehouse.name}.staging")

    @property
    def raw_dir(self) -> Path:
        """Where raw bytes are kept."""
        return self.data_dir / "raw"

    @property
    def cache_dir(self) -> Path:
        """Where annotations are kept."""
        return self.data_dir / "cache"

    @property
    def docs_dir(self) -> Path:
        """Where the Data Docs of the last run that validated something are."""
        return self.data_dir / "data_docs" / self.warehouse.stem


def load_settings(root: Path | None = None, **given: object) -> Settings:
    """Return the settings: what is `given` and not None, else the environment (`ONRECORD_…`), else the default.

    Relative paths of the environment and the defaults resolve against `root`, the project when it is None. The folders
    of corrections and of the authority are read when they are there.

    Raises:
        UsageError: If a number is not one or is out of its range, a folder that was named is not there, or there is no
            such engine.
    """
    root = find_project_root() if root is None else root
    env = os.environ
    values: dict[str, object] = {
        "sources": _split_sources(env.get("ONRECORD_SOURCES", DEFAULT_SOURCES)),
        "warehouse": env.get("ONRECORD_WAREHOUSE", DEFAULT_WAREHOUSE),
        "data_dir": env.get("ONRECORD_DATA_DIR", "data"),
        "spacy_model": env.get("ONRECORD_SPACY_MODEL"),
        "engine": env.get("ONRECORD_ENGINE", ENGINES[0]),
        "fast_model": env.get("ONRECORD_FAST_MODEL"),
        "batch_size": _read_number(env, "ONRECORD_BATCH_SIZE", 1000, least=1),
        "max_bytes": _read_number(env, "ONRECORD_MAX_BYTES", 20_000_000, least=1),
        "min_age_seconds": _read_number(env, "ONRECORD_MIN_AGE_SECONDS", 10, least=0),
        "workers": _read_number(env, "ONRECORD_WORKERS", _count_cores(), least=1),
        "corrections": env.get("ONRECORD_CORRECTIONS"),
        "authority": env.get("ONRECORD_AUTHORITY"),
        "fields": env.get("ONRECORD_FIELDS"),
        "max_download_bytes": _read_number(env, "ONRECORD_MAX_DOWNLOAD_BYTES", 4_000_000_000, least=1),
        "stall_seconds": _read_number(env, "ONRECORD_STALL_SECONDS", 30, least=1),
        "contact": env.get("ONRECORD_CONTACT"),
        "feeds": env.get("ONRECORD_FEEDS", DEFAULT_FEEDS),
        **{name: value for name, value in given.items() if value is not None},
    }
    sources = values.pop("sources")
    assert isinstance(sources, list | tuple)
    paths = {name: _resolve(root, str(values.pop(name))) for name in ("warehouse", "data_dir", "feeds")}
    fields = values.pop("fields")
    if isinstance(fields, str | Path):
        fields = read_mapping(_resolve(root, str(fields)))
    elif isinstance(fields, Mapping):
        fields = check_mapping(fields, "fields")
    values["fields"] = fields if isinstance(fields, FieldMapping) else FieldMapping()
    folders = {name: _find_folder(root, name, values.pop(name)) for name in ("corrections", "authority")}
    if values["engine"] not in ENGINES:
        raise UsageError(f"there is no engine {values['engine']}: {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    fast_model = values.pop("fast_model")
    values["fast_model"] = _resolve(root, str(fast_model)) if fast_model else None
    resolved = tuple(source if split_scheme(source) else str(_resolve(root, source)) for source in sources)
    return Settings(sources=resolved, **paths, **folders, **values)  # type: ignore[arg-type]


def _split_sources(text: str) -> tuple[str, ...]:
    """Split like a search path; where there is an address, which has colons of its own, at white space."""
    return tuple(text.split() if "://" in text else text.split(os.pathsep))


def create_default_inbox(settings: Settings) -> None:
    """Make the folder of the default sources, when the settings name it: an empty inbox is no wrong usage."""
    inbox = find_project_root() / DEFAULT_SOURCES
    if settings.sources == (str(inbox),):
        inbox.mkdir(parents=True, exist_ok=True)


def find_project_root() -> Path:
    """Return the checkout that this code lies in, where `prefect.yaml` is; the current folder for installed code."""
    root = Path(__file__).resolve().parent.parent
    return root if root.joinpath(_PROJECT_FILE).is_file() else Path.cwd()


def _find_folder(root: Path, name: str, given: object) -> Path | None:
    """Return the folder that was named, else the one called `name` in `root` when it is there."""
    folder = _resolve(root, str(given or name))
    if given and not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of {name}")
    return folder if folder.is_dir() else None


def _resolve(root: Path, path: str) -> Path:
    return Path(os.path.normpath(root / Path(path).expanduser()))  # keeps symbolic links: the warehouse itself is one


def _read_number(env: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = env.get(name, str(default))
    if not text.strip().isdecimal() or int(text) < least:
        raise UsageError(f"{name}={text} is not a whole number from {least} on")
    return int(text)


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_libraries(data_dir: Path, *, is_quiet: bool) -> Path | None:
    """Set what the libraries under a build read from the environment as they are imported; what the user has set stays.

    No library reports home. Who has a Prefect server (an address in the environment or in the active profile) keeps it.
    For all others Prefect's home is set to a folder in `data_dir`, which is returned: a database that another version of
    Prefect keeps in the user's home is left alone. `is_quiet` leaves the telling to the command line.
    """
    for name, value in _LIBRARY_SWITCHES.items():
        os.environ.setdefault(name, value)
    if is_quiet:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    if _has_prefect_server():
        return None
    home = data_dir / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(home)
    return home


@contextmanager
def limit_threads() -> Iterator[None]:
    """Let the processes that are started here use one thread each: their libraries read this when they are imported."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def use_prefect_server(api_url: str) -> None:
    """Let Prefect, which is not imported yet, speak to this server."""
    os.environ["PREFECT_API_URL"] = api_url


def _has_prefect_server() -> bool:
    if {"PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"} & os.environ.keys():
        return True
    profiles = Path.home() / ".prefect" / "profiles.toml"
    if not profiles.is_file():
        return False
    try:
        document = tomllib.loads(profiles.read_text(encoding="utf-8"))
        return "PREFECT_API_URL" in document["profiles"][document["active"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return False  # Prefect itself would refuse such a file; a build does not need it
