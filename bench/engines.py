"""The engines beside each other, in one process and on the same texts: words a second and core."""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from bench.page import Cell, render_goals, render_table
from bench.processes import run_measured
from tasks.annotation.annotator import DEFAULT_MODEL, FAST_MODEL, find_model, fold_text, load_engine, load_spacy
from warehouse.keys import make_id

MAX_PARAGRAPHS = 4_000
ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Speed:
    """What reading all texts once took, in seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class PlainReading:
    """What the plain way took: `nlp.pipe` with all components over whole articles, and textacy's quotations where there is textacy."""

    articles: int
    words: int
    speed: Speed
    quotations: int | None
    """What textacy found; None without it."""
    versions: dict[str, str]

    @property
    def name(self) -> str:
        """Return what was measured, with versions."""
        found = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        way = "and textacy's quotations" if self.quotations is not None else "alone, because textacy is not installed"
        return f"plain `nlp.pipe` with all components {way} ({found})"


def measure_plain_pipeline(texts: Path, python: str = sys.executable) -> PlainReading:
    """Measure the plain way over the `.txt` files of a folder, in a process of its own on one thread; loading apart.

    `python` is the interpreter to run it with: textacy is no dependency of this project.
    """
    command = (python, "-m", "bench.plain", str(find_model(DEFAULT_MODEL)), str(texts))
    told = json.loads(run_measured(command, cwd=ROOT, env=os.environ | ONE_THREAD).output.splitlines()[-1])
    return PlainReading(
        told["articles"], told["words"], Speed(told["wall"], told["cpu"]), told["quotations"], told["versions"]
    )


def measure_engines(texts: Path) -> str:
    """Measure loading and reading: the accurate engine, the fast one twice, and spaCy with all of its components."""
    paragraphs = read_paragraphs(texts)
    words = int(paragraphs["text"].str.count_matches(r"\S+").sum())
    loads: dict[str, Speed] = {}
    speeds: dict[str, Speed] = {}
    for name, model in (("accurate", DEFAULT_MODEL), ("fast", str(FAST_MODEL))):
        started = _start_clocks()
        engine = load_engine(model)
        engine.annotate(paragraphs.tail(1))  # what is imported and compiled once is no cost of a text
        loads[name] = _stop_clocks(started)
        speeds[name] = measure_reading(lambda part, engine=engine: engine.annotate(part), paragraphs)
        if name == "fast":
            speeds["fast, words known"] = measure_reading(lambda part, engine=engine: engine.annotate(part), paragraphs)
    speeds["plain spaCy"], note = measure_plain(paragraphs)
    rows: list[list[Cell]] = [
        [
            name,
            speed.wall,
            speed.cpu,
            words / speed.cpu,
            speeds["accurate"].cpu / speed.cpu,
            loads[name].wall if name in loads else None,
        ]
        for name, speed in speeds.items()
    ]
    header = ("", "wall (s)", "CPU (s)", "words/s/core", "times the accurate", "loading, wall (s)")
    ratio = speeds["fast"].cpu / speeds["accurate"].cpu
    goals = [
        ("the fast engine, a tenth of the accurate", 0.1, ratio, "of its CPU"),
        (
            "the accurate engine, half of plain spaCy",
            0.5,
            speeds["accurate"].cpu / speeds["plain spaCy"].cpu,
            "of its CPU",
        ),
    ]
    return f"""## Engines

{paragraphs.height:,} distinct paragraphs of the corpus, {words:,} words, read in this order by one process on one thread; no
annotation is known; loading is with the first paragraph. *Words known*: the fast engine once more, when it has looked up all words of the texts. *Plain spaCy*:
`nlp.pipe` with all components{note}.

{render_table(header, rows)}

{render_goals(goals)}
"""


def read_paragraphs(texts: Path) -> pl.DataFrame:
    """Return the first distinct paragraphs of the texts in a folder: `paragraph_key` and `text`."""
    lines = (line for path in sorted(texts.glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines())
    distinct = dict.fromkeys(line for line in lines if line.strip())
    chosen = list(islice(distinct, MAX_PARAGRAPHS))
    return pl.DataFrame({"paragraph_key": [make_id(text) for text in chosen], "text": chosen}).unique(
        "paragraph_key", maintain_order=True
    )


def measure_reading(read: Callable[[pl.DataFrame], object], paragraphs: pl.DataFrame, *, batch: int = 1_000) -> Speed:
    """Return what it takes to read all paragraphs, in batches of like length."""
    parts = list(paragraphs.sort(pl.col("text").str.len_chars(), descending=True).iter_slices(batch))
    started = _start_clocks()
    for part in parts:
        read(part)
    return _stop_clocks(started)


def measure_plain(paragraphs: pl.DataFrame) -> tuple[Speed, str]:
    """Return what all of spaCy's components take, with textacy's quotations where it is installed, and a note on that."""
    nlp = load_spacy(DEFAULT_MODEL, exclude=())
    texts: Sequence[str] = [fold_text(text) for text in paragraphs["text"]]
    if importlib.util.find_spec("textacy") is None:
        started = _start_clocks()
        for _ in nlp.pipe(texts):
            pass
        return _stop_clocks(started), "; textacy's quotations are left out, because it is not installed"
    from textacy.extract import direct_quotations

    started = _start_clocks()
    for doc in nlp.pipe(texts):
        try:
            list(direct_quotations(doc))
        except ValueError:  # unbalanced marks, which it cannot read
            continue
    return _stop_clocks(started), " and textacy's `direct_quotations`"


def _start_clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _stop_clocks(started: tuple[float, float]) -> Speed:
    return Speed(time.perf_counter() - started[0], time.process_time() - started[1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("engines", "plain"), default="engines", help="`plain` prints JSON")
    parser.add_argument("texts", type=Path, help="a folder of .txt files")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has spaCy and textacy")
    options = parser.parse_args()
    if options.part == "engines":
        print(measure_engines(options.texts))
    else:
        print(json.dumps(asdict(measure_plain_pipeline(options.texts, options.peer_python))))


if __name__ == "__main__":
    main()
