"""How much work a call does, counted and not timed, so that a busy machine changes nothing."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_ROOT = str(Path(__file__).parents[1] / "tasks")


def count_lines_run(run: Callable[[], object]) -> int:
    """Return how many lines of the package `tasks` the call runs through.

    What happens inside one line (a regular expression, a slice) counts once whatever its length; `python -m bench hostile` times that.
    """
    count = 0

    def see(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(_ROOT):
            return None
        count += event == "line"
        return see

    before = sys.gettrace()
    sys.settrace(see)
    try:
        run()
    finally:
        sys.settrace(before)
    return count
