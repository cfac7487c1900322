"""The plain way to quotations: `nlp.pipe` with all components over whole articles, and textacy's `direct_quotations` on each.

`python -m bench.plain MODEL FOLDER` prints JSON. It needs spaCy alone and uses textacy where it is installed, so that any interpreter can run it.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def read_plainly(model: str, texts: Path) -> dict[str, Any]:
    """Read the texts of a folder in one process and return what it took; times in seconds, loading apart.

    `unreadable` counts the articles whose marks textacy gives up on; it has read them until then.
    """
    articles = [path.read_text(encoding="utf-8") for path in sorted(texts.glob("*.txt"))]
    started = _read_clocks()
    import spacy

    nlp = spacy.load(model)
    if peers := os.environ.get("ONRECORD_PEERS"):  # where the benchmarks keep what they compare with; last on the path
        sys.path.append(peers)
    has_textacy = find_spec("textacy") is not None
    if has_textacy:
        from textacy.extract import direct_quotations  # type: ignore[import-not-found]
    list(nlp.pipe(["It rained."]))  # what is imported and compiled once is no cost of a text
    loaded = _read_clocks()
    quotations = unreadable = 0
    for doc in nlp.pipe(articles):
        if has_textacy:
            try:
                quotations += sum(1 for _ in direct_quotations(doc))
            except ValueError:
                unreadable += 1
    ended = _read_clocks()
    return {
        "articles": len(articles),
        "words": sum(len(article.split()) for article in articles),
        "wall": ended[0] - loaded[0],
        "cpu": ended[1] - loaded[1],
        "load_wall": loaded[0] - started[0],
        "load_cpu": loaded[1] - started[1],
        "quotations": quotations if has_textacy else None,
        "unreadable": unreadable if has_textacy else None,
        "versions": dict(_list_versions()),
    }


def _read_clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _list_versions() -> Iterator[tuple[str, str]]:
    for package in ("spacy", "thinc", "numpy", "textacy"):
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    print(json.dumps(read_plainly(sys.argv[1], Path(sys.argv[2]))))
