"""A corpus in JSON Lines -> a folder of text files."""

import gzip
import json
import re
from itertools import islice
from pathlib import Path


def unpack_corpus(corpus: Path, folder: Path, limit: int | None = None) -> int:
    """Write the `text` of each line of a (gzipped) JSON Lines file to `folder`, named by its `id`; return how many.

    Raises:
        FileExistsError: If two lines have the same id.
    """
    folder.mkdir(parents=True)
    opener = gzip.open if corpus.suffix == ".gz" else open
    with opener(corpus, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, limit)]
    for record in records:
        name = re.sub(r"[^\w.-]+", "-", str(record["id"])).removesuffix(".txt")
        with (folder / f"{name}.txt").open("x", encoding="utf-8", newline="") as file:
            file.write(record["text"])
    return len(records)


def read_text_size(folder: Path) -> float:
    """Return the size of all texts in `folder`, in MB."""
    return sum(path.stat().st_size for path in folder.glob("*.txt")) / 1e6
