"""The code of an earlier version, out of the history of the repository."""

import io
import subprocess
import tarfile
from pathlib import Path

FIRST_PIPELINE = "d96838b"
"""The first version that went all the way from texts to a release: what came after is measured against it."""


class HistoryError(Exception):
    """The history does not hold the version: no repository, or a shallow copy of it."""


def unpack_version(repository: Path, commit: str, folder: Path) -> Path:
    """Write the files of `commit` to `folder`, and return it.

    Raises:
        HistoryError: If the repository has no such commit or there is no git.
    """
    try:
        archive = subprocess.run(
            ["git", "-C", str(repository), "archive", "--format=tar", commit], check=True, capture_output=True
        )
    except FileNotFoundError as error:
        raise HistoryError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        raise HistoryError(f"there is no commit {commit} in the history of {repository.name}") from error
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
        files.extractall(folder)
    return folder
