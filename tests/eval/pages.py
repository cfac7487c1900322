"""Bodies of HTML pages by several systems."""

import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

from tasks.clean import clean_documents
from tests.builders import raw_documents
from tests.eval.scores import OURS
from training.pages import Page, cross_validate, measure_pages

PEER = "trafilatura"
"""No dependency of this project: measured where somebody has installed it."""
Bodies = dict[int, str]
"""The body of each page, by its number."""


def list_bodies(name: str, pages: Sequence[Page]) -> Iterator[tuple[str, str, Bodies]]:
    """Yield the name of the set, the system, and its bodies; prints the pages that each does in a second of one processor."""
    yield name, OURS, _time(OURS, pages, _clean_pages)
    yield f"{name}, unseen", OURS, cross_validate(measure_pages(pages))
    if find_spec(PEER) is None:
        print(f"{PEER}: not installed")
    else:
        yield name, PEER, _time(PEER, pages, _extract_pages)


def _time(system: str, pages: Sequence[Page], take: Callable[[Sequence[Page]], Bodies]) -> Bodies:
    take(pages[:2])
    start = time.process_time()
    bodies = take(pages)
    print(f"{system}: {len(pages) / (time.process_time() - start):.0f} pages a second of processor time")
    return bodies


def _clean_pages(pages: Sequence[Page]) -> Bodies:
    documents = raw_documents(*(page.raw for page in pages), reader="html")
    articles = clean_documents(documents).articles
    return {int(key.rpartition("-")[2]): body for key, body in articles.select("document_id", "body").iter_rows()}


def _extract_pages(pages: Sequence[Page]) -> Bodies:
    import trafilatura

    return {
        number: trafilatura.extract(page.raw, include_comments=False, include_tables=False) or ""
        for number, page in enumerate(pages)
    }
