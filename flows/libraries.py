"""Imports the slow libraries in the background, while Prefect's server starts."""

import importlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

_SLOW_LIBRARIES = ("spacy", "great_expectations")  # in the order in which the stages need them


@cache
def preload_libraries() -> Future[float]:
    """Start to import spaCy and Great Expectations, once a process; the result is the wall time it took, in seconds.

    Only what imports is threaded: two threads would share one interpreter lock, and the server is another process.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="preload")
    future = executor.submit(_import_libraries)
    executor.shutdown(wait=False)
    return future


def _import_libraries() -> float:
    start = time.perf_counter()
    for name in _SLOW_LIBRARIES:
        importlib.import_module(name)
    return time.perf_counter() - start
