"""How the processes of a build use the interpreter: threads, and the garbage collector."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


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


_NEW_OBJECTS, _YOUNG, _MIDDLE = 50_000, 20, 20


@contextmanager
def collect_rarely() -> Iterator[None]:
    """Let the garbage collector look at 50,000 new objects at a time instead of 700.

    A batch makes objects by the million (tokens, mentions, rows) and hardly a cycle: collecting as often as Python does by itself
    is a sixth of the CPU time of a build, and frees nothing that counting references does not.
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _MIDDLE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
