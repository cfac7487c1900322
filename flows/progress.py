"""Tells whoever listens how far a build is; the flow itself knows nothing of terminals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


def tell_progress(stage: str, done: int, total: int) -> None:
    """Tell that `done` of `total` units of `stage` are done."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(stage, done, total)


@contextmanager
def listen_to_progress(listener: Listener) -> Iterator[None]:
    """Send what builds in this context tell to `listener` for as long as the block lasts."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
