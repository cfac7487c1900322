"""How a flow runs its tasks: tracked by Prefect, or directly."""

from typing import ParamSpec, Protocol, TypeVar

from prefect import Task

P = ParamSpec("P")
R = TypeVar("R")


class Runner(Protocol):
    """Runs a task on its arguments."""

    def __call__(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the task returns."""
        ...


def run_tracked(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run the task with Prefect, which tracks it as a task run of the flow."""
    return task(*args, **kwargs)


def run_directly(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run the function under the task, without Prefect."""
    return task.fn(*args, **kwargs)
