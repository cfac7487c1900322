"""The files that people write by hand, read as UTF-8 text."""

from pathlib import Path


def read_text_file(path: Path, error: type[Exception]) -> str:
    """Return the text of a file, without a byte order mark; raises `error`, which says in words why it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as reason:
        raise error(f"the file cannot be read ({reason.strerror or reason})") from reason
    except UnicodeDecodeError as reason:
        raise error("the file is not UTF-8 text") from reason
