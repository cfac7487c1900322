"""CPU time and memory of a process with all the processes that it starts, read from Linux's /proc."""

import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_SERVER = b"flows.server"  # in the command line of the temporary Prefect server


@dataclass(frozen=True)
class Process:
    """A living process; its CPU seconds are user and system, with those of the children that it has waited for."""

    pid: int
    cpu_seconds: float
    is_server: bool


@dataclass
class Run:
    """One measured command: seconds, and peaks of memory in MiB.

    `main_mib` and `child_mib` are peaks of resident memory of the process and of the largest that it started.
    `total_mib` is the peak of the sum over all of them at one time, in which shared pages count once; `curve` has that sum
    (MiB) at moments of the run (seconds since its start).
    """

    wall: float = 0.0
    cpu: float = 0.0
    main_mib: float = 0.0
    child_mib: float = 0.0
    total_mib: float = 0.0
    output: str = field(default="", repr=False)
    curve: list[tuple[float, float]] = field(default_factory=list, repr=False)


def list_tree(root: int) -> list[Process]:
    """Return the living processes that descend from `root`, itself first; none when it has ended."""
    seconds: dict[int, float] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, parent, cpu_seconds in _list_processes():
        seconds[pid] = cpu_seconds
        children[parent].append(pid)
    tree = [root] if root in seconds else []
    for pid in tree:  # grows as it goes
        tree.extend(children[pid])
    return [Process(pid, seconds[pid], _SERVER in _read(pid, "cmdline")) for pid in tree]


def _list_processes() -> Iterator[tuple[int, int, float]]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (stat := _read(int(folder.name), "stat")):
            values = stat.rpartition(b")")[2].split()
            yield int(folder.name), int(values[1]), sum(int(ticks) for ticks in values[11:15]) / _TICKS


def _read(pid: int, name: str) -> bytes:
    with suppress(FileNotFoundError, ProcessLookupError):  # a process may end at any time: it has nothing to tell then
        return (_PROC / str(pid) / name).read_bytes()
    return b""


def _read_mib(pid: int, name: str, key: str) -> float:
    lines = (line.split() for line in _read(pid, name).decode().splitlines())
    return next((int(line[1]) / 1024 for line in lines if line[0] == f"{key}:"), 0.0)


def run_measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Run:
    """Run a command, in the environment of this process by default, and measure it; its standard output is kept.

    Raises:
        CalledProcessError: If its exit code is not 0.
    """
    run, is_done = Run(), Event()
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output)
        sampler = Thread(target=_watch_memory, args=(process.pid, run, is_done))
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        run.wall, run.cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        is_done.set()
        sampler.join()
        output.seek(0)
        run.output = output.read().decode()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, run.output)
    return run


def _watch_memory(root: int, run: Run, is_done: Event, *, every_seconds: float = 1.0) -> None:
    """Look again and again until it is done; the peak of one process is the kernel's, so no look can miss it by much."""
    start = time.perf_counter()
    while not is_done.wait(every_seconds):
        total = 0.0
        for process in list_tree(root):
            peak = _read_mib(process.pid, "status", "VmHWM")
            if process.pid == root:
                run.main_mib = max(run.main_mib, peak)
            else:
                run.child_mib = max(run.child_mib, peak)
            total += _read_mib(process.pid, "smaps_rollup", "Pss")
        run.total_mib = max(run.total_mib, total)
        run.curve.append((time.perf_counter() - start, total))
