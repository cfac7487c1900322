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
    count = 0
    with opener(corpus, "rt", encoding="utf-8") as lines:
        for count, line in enumerate(islice(lines, limit), start=1):
            record = json.loads(line)
            name = re.sub(r"[^\w.-]+", "-", str(record["id"])).removesuffix(".txt")
            with (folder / f"{name}.txt").open("x", encoding="utf-8", newline="") as file:
                file.write(record["text"])
    return count
