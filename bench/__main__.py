"""`python -m bench [PART|all]` measures, prints, and writes what it measured into docs/benchmarks.md. The parts: `PARTS`."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.copies import measure_copies
from bench.corpus import read_text_size, unpack_corpus
from bench.engines import ONE_THREAD, measure_plain_pipeline
from bench.history import FIRST_PIPELINE, HistoryError, unpack_version
from bench.hostile import measure_hostile
from bench.links import measure_links
from bench.page import (
    Cell,
    describe_machine,
    find_cpu,
    find_overhead,
    parse_seconds,
    read_sections,
    render_goals,
    render_page,
    render_table,
)
from bench.pages import measure_pages
from bench.probe import ENGINE, SERVER
from bench.processes import Run, run_measured
from bench.queries import measure_queries
from bench.scale import measure_scale
from bench.utterances import measure_utterances
from flows.report import STAGES
from tasks.annotation.annotator import DEFAULT_MODEL, describe_model

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "data" / "raw.bbc.jsonl.gz"
COMMAND_LINE = (sys.executable, "-c", "from flows.cli import app; app()")
PAGE = ROOT / "docs" / "benchmarks.md"
PEERS = ROOT / "data" / "peers"
"""Where `make bench` installs what is only compared with; it comes last on the path, so that it changes nothing of ours."""
TEXTS = "texts"
QUERY = "from mart_speakers order by quote_count desc, speaker limit 8"  # what `make run` asks
LOAD_MODEL = (
    "import time, spacy; from tasks.annotation.annotator import DEFAULT_MODEL, load_model; start = time.perf_counter(); "
    "load_model(DEFAULT_MODEL); print(time.perf_counter() - start)"
)


@dataclass(frozen=True)
class Place:
    """A folder with a warehouse and the data of its builds, which no setting of the user reaches; `code` is what builds it."""

    folder: Path
    code: Path = ROOT

    def run(self, *command: str) -> Run:
        """Run a command with its home, its warehouse and its data here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        dropped = ("PREFECT_", "ONRECORD_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        paths = {"HOME": "", "ONRECORD_WAREHOUSE": "news.duckdb", "ONRECORD_DATA_DIR": "data"}
        own = {name: str(self.folder / path) for name, path in paths.items()}
        return run_measured(command, cwd=self.code, env=kept | own | {"PYTHONPATH": str(self.code)})

    def take_data(self, other: "Place", name: str = "") -> "Place":
        """Start with the data, or one folder of the data, of another place."""
        shutil.copytree(other.folder / "data" / name, self.folder / "data" / name)
        return self


@dataclass(frozen=True)
class Build:
    """A build of the corpus: `run` from the outside, the rest in seconds, from the inside, without start and end."""

    run: Run
    documents: int
    counts: dict[str, int]
    wall: float
    stages: dict[str, float]
    cpu: dict[str, float]

    @property
    def run_cpu(self) -> float:
        return find_cpu(self.cpu)

    @property
    def stage_wall(self) -> float:
        return sum(self.stages.values())


MEMORY: list[tuple[str, Callable[[Run], Cell]]] = [
    ("peak memory of the build's own process (MiB)", lambda run: run.main_mib),
    ("peak memory of the largest it started (MiB)", lambda run: run.child_mib),
    ("peak memory of all together (MiB)", lambda run: run.total_mib),
]
MEASURES: list[tuple[str, Callable[[Build], Cell]]] = [
    ("articles built", lambda build: build.documents),
    ("wall of the command (s)", lambda build: build.run.wall),
    ("of it, start and end (s)", lambda build: build.run.wall - build.wall),
    ("wall of the run (s)", lambda build: build.wall),
    ("of it, in stages (s)", lambda build: build.stage_wall),
    ("CPU of start and end (s)", lambda build: build.run.cpu - build.run_cpu),
    ("CPU of the run (s)", lambda build: build.run_cpu),
    ("articles/s", lambda build: build.documents / build.wall if build.documents > 1 else None),
    ("articles/s/core", lambda build: build.documents / build.run_cpu if build.documents > 1 else None),
    ("CPU of orchestration, validation, publishing (%)", lambda build: find_overhead(build.cpu)),
    *[(name, lambda build, measure=measure: measure(build.run)) for name, measure in MEMORY],
]


def build_corpus(place: Place, texts: Path, *flags: str) -> Build:
    """Build the texts in a process of its own; `flags` are those of `bench.probe`."""
    paths = (texts, place.folder / "news.duckdb", place.folder / "data")
    run = place.run(sys.executable, "-m", "bench.probe", *map(str, paths), *flags)
    told = json.loads(run.output.splitlines()[-1])
    return Build(run, told["counts"]["new"], told["counts"], told["wall"], told["stages"], told["cpu"])


def measure_samples(work: Path) -> str:
    """Measure what `make run` runs: from nothing, with its caches, and once more."""

    def run_both(place: Place) -> tuple[Run, Run]:
        return place.run(*COMMAND_LINE, "build", "samples"), place.run(*COMMAND_LINE, "query", QUERY)

    first, second = Place(work / "first"), Place(work / "second")
    run_both(Place(work / "before"))  # leaves the bytecode and the files of the libraries in the caches of the system
    pairs = [run_both(first), run_both(second.take_data(first)), run_both(second)]
    model_seconds = float(first.run(sys.executable, "-c", LOAD_MODEL).output)
    parts = [parse_seconds(build.output) for build, _ in pairs]
    total = pairs[0][0].wall + pairs[0][1].wall
    rows: list[list[Cell]] = [
        *[[f"{name}: {gives}", *[seconds.get(name) for seconds in parts]] for name, gives in STAGES.items()],
        ["the rest", *[pair[0].wall - sum(seconds.values()) for pair, seconds in zip(pairs, parts, strict=True)]],
        ["**the build**", *[build.wall for build, _ in pairs]],
        ["the query after it", *[query.wall for _, query in pairs]],
        ["**both**", *[build.wall + query.wall for build, query in pairs]],
        ["CPU of the build", *[build.cpu for build, _ in pairs]],
        *[[name, *[measure(build) for build, _ in pairs]] for name, measure in MEMORY],
    ]
    return f"""## `make run`: samples/

Seconds of wall time of the two commands of `make run` after set-up, with the libraries' bytecode compiled and their
files in the system's cache. *First*: no annotation is known and Prefect has no database. *Caches*: both are there, the
warehouse is new. *Unchanged*: the same once more. All rows appear at once, when the release is published: the first
comes with the last. Loading the model is a part of `annotate` in the first run; alone it took {model_seconds:.1f} s.
The rest is the start of Python, checks, artifacts and the end of the server.

{render_table(("part", "first", "caches", "unchanged"), rows)}

{render_goals([("time to the first row", 30, total, "s"), ("the whole of samples/", 60, total, "s")])}
"""


def measure_corpus(work: Path, texts: Path) -> str:
    """Measure builds of the corpus: from nothing, without the model, unchanged, and with one text changed."""
    place = Place(work / "corpus")
    first = build_corpus(place, texts)
    known = build_corpus(Place(work / "known").take_data(place, "cache"), texts)
    unchanged = build_corpus(place, texts)
    text = min(texts.iterdir())
    before = text.read_bytes()
    text.write_bytes(before + b"\n\nThe council will meet again on Tuesday.\n")
    changed = build_corpus(place, texts)
    text.write_bytes(before)
    rows = [[name, *[measure(build) for build in (first, known, unchanged, changed)]] for name, measure in MEASURES]
    goals = [
        ("CPU of orchestration, validation, publishing", 10, find_overhead(first.cpu), "% of the first run"),
        ("stages of the second build", 5, 100 * unchanged.stage_wall / first.stage_wall, "% of the first"),
        ("peak memory of all processes together", 2_000, first.run.total_mib * 2**20 / 1e6, "MB"),
    ]
    return f"""## A corpus of {first.documents:,} articles, {read_text_size(texts):.1f} MB of text

*First*: an empty folder, every paragraph goes through the model. *Annotations known*: an empty folder but for the
annotation cache that the first build left, so this is the cost of everything except the model, with reading the cache.
*Unchanged*: the second build of the same files. *One changed*: one text has a sentence more. Start and end are the
one-off cost of a command: imports, start and end of a temporary Prefect server. The run is the rest. CPU is user and
system time of all processes, the ones that annotate and the server among them. Articles/s are by wall time of the run,
articles/s/core by its CPU.

{render_table(("", "first", "annotations known", "unchanged", "one changed"), rows)}

The CPU of the run by its parts. *{SERVER}* is without its start; *{ENGINE}* is Prefect in the flow's own
process with its artifacts, the ledger, the staging files and the copy of the release. These two, `validate`, `publish`
and `docs` are what is summed up above as orchestration, validation and publishing.

{tabulate_parts(first, known, titles=("first", "known"))}

{render_goals(goals)}
"""


def measure_stages(work: Path, texts: Path) -> str:
    """Measure the stages without Prefect and without the model."""
    annotated = Place(work / "corpus")
    if not annotated.folder.exists():
        build_corpus(annotated, texts)
    build = build_corpus(Place(work / "stages").take_data(annotated, "cache"), texts, "--direct")
    return f"""## The stages alone

The same corpus in one process, without Prefect (`--engine-free`) and with its annotations known: `annotate` only splits
paragraphs and reads the cache, `quotes` and `entities` are their rules alone.

{tabulate_parts(build, titles=("stages",))}
"""


def measure_quotes(work: Path, texts: Path, *, rounds: int = 2) -> str:
    """Measure the quote and document steps, and all without the model, beside the first end-to-end pipeline."""
    annotated = Place(work / "corpus")
    if not annotated.folder.exists():
        build_corpus(annotated, texts)
    versions = {"now": annotated}
    try:
        code = unpack_version(ROOT, FIRST_PIPELINE, work / "first-pipeline")
        versions["first"] = Place(work / "first", code).take_data(annotated, "cache")
        build_corpus(versions["first"], texts, "--direct")  # annotates what it calls otherwise, and leaves its bytecode
        note = f"*First* is the code of commit {FIRST_PIPELINE}, run on the same texts and annotations, in turns."
    except HistoryError as error:
        note = f"The first end-to-end pipeline could not be measured: {error}."
    builds: dict[str, list[Build]] = {version: [] for version in versions}
    for number in range(rounds):  # in turns, so that what else the machine does hits both
        for version, known in versions.items():
            place = Place(work / f"quotes-{version}-{number}", known.code).take_data(known, "cache")
            builds[version].append(build_corpus(place, texts, "--direct"))
    return describe_quotes(builds, note)


QUOTE_STEPS = ("quotes", "entities")


def describe_quotes(builds: dict[str, list[Build]], note: str) -> str:
    """Return the section on builds without the model of one or two versions: of each part the fastest of its rounds."""
    costs = {version: _find_least_costs(own) for version, own in builds.items()}
    labels = [label for label in STAGES if any(label in cost for cost in costs.values())]
    rows = [
        (label, (label,)) for label in labels if label not in ("libraries", "docs", *QUOTE_STEPS)
    ]  # what loads once is no cost of an article
    rows += [(label, (label,)) for label in QUOTE_STEPS]
    rows += [("**quotes and entities**", QUOTE_STEPS), ("**all of these**", tuple(label for _, (label,) in rows))]
    sums = [(name, [sum(cost.get(part, 0.0) for part in parts) for cost in costs.values()]) for name, parts in rows]
    ratio = len(costs) == 2
    header = ["CPU of", *[f"{version} (ms an article)" for version in costs], *(["now / first"] if ratio else [])]
    table: list[list[Cell]] = [
        [name, *own, *([own[0] / own[1] if own[1] else None] if ratio else [])] for name, own in sums
    ]
    steps, everything = sums[-2][1], sums[-1][1]
    goals = [("quotes and entities, 500 articles/s/core", 2.0, steps[0], "ms an article")]
    goals += (
        [("all without the model", 1.2, everything[0] / everything[1], "times the first pipeline")] if ratio else []
    )
    return f"""## Quotes and entities

The corpus in one process, without Prefect and with its annotations known. Of each part the fastest of
{len(builds["now"])} builds; the steps read their word lists on the way. {note}

{render_table(header, table)}

Quotes and entities together: {1000 / steps[0]:,.0f} articles/s/core.

{render_goals(goals)}
"""


def _find_least_costs(builds: list[Build]) -> dict[str, float]:
    """Return for each part the least CPU of its builds, in milliseconds an article."""
    labels = dict.fromkeys(label for build in builds for label in build.cpu)
    return {label: min(1000 * build.cpu.get(label, 0.0) / build.documents for build in builds) for label in labels}


def tabulate_parts(*builds: Build, titles: tuple[str, ...]) -> str:
    """Return a table of the CPU of each part of a run, its share and its speed, a group of columns a build."""
    labels = [label for label in (*STAGES, SERVER, ENGINE) if any(build.cpu.get(label) for build in builds)]
    header = [f"{title} ({unit})" for title in titles for unit in ("s", "%", "articles/s/core")]
    rows = [[label, *[cell for build in builds for cell in _describe_part(build, label)]] for label in labels]
    return render_table(("CPU of", *header), rows)


def _describe_part(build: Build, label: str) -> list[Cell]:
    seconds = build.cpu.get(label, 0.0)
    is_measurable = seconds >= 0.05  # the clock counts hundredths
    return [seconds, 100 * seconds / build.run_cpu, build.documents / seconds if is_measurable else None]


def measure_engines_alone(texts: Path) -> str:
    """Measure the engines in a process of its own, on one thread."""
    return run_measured(
        (sys.executable, "-m", "bench.engines", str(texts)), cwd=ROOT, env=os.environ | ONE_THREAD
    ).output


def measure_plain(work: Path, texts: Path) -> str:
    """Measure a build with the accurate engine and nothing known beside the plain way to read the same texts."""
    build = build_corpus(Place(work / "plain"), texts)
    plain = measure_plain_pipeline(texts)
    paragraphs, distinct = (build.counts[f"annotate.{name}"] for name in ("paragraphs", "distinct"))
    ours, theirs = build.documents / build.wall, plain.articles / plain.speed.wall
    rows: list[list[Cell]] = [
        [
            "On Record, from texts to a published release",
            build.wall,
            build.run_cpu,
            ours,
            build.documents / build.run_cpu,
        ],
        [plain.name, plain.speed.wall, plain.speed.cpu, theirs, plain.articles / plain.speed.cpu],
    ]
    goals = [
        ("wall of an article, half of the plain way", 0.5, theirs / ours, "times"),
        (
            "CPU of an article, half of the plain way",
            0.5,
            build.run_cpu / build.documents / (plain.speed.cpu / plain.articles),
            "times",
        ),
    ]
    return f"""## The accurate engine beside plain spaCy

{build.documents:,} articles of the corpus, {plain.words:,} words; no annotation is known. Of {paragraphs:,} paragraphs {distinct:,} are distinct: the
others, {100 * (1 - distinct / paragraphs):.1f} %, cost a lookup. Start and end of the commands, imports and loading of models are apart. On Record uses all
cores, and does much more: clean, entities over the corpus, stories, validation, release. The plain way is one process on one thread.

{render_table(("", "wall (s)", "CPU (s)", "articles/s", "articles/s/core"), rows)}

{render_goals(goals)}
"""


@dataclass(frozen=True)
class Part:
    """One part of the bench: what measures it in a scratch folder, whether it needs the corpus there, and whether it takes a size."""

    measure: Callable[..., str]
    needs_corpus: bool = False
    has_size: bool = False


PARTS: dict[str, Part] = {
    "samples": Part(measure_samples),
    "scale": Part(measure_scale, has_size=True),
    "plain": Part(lambda work: measure_plain(work, work / TEXTS), needs_corpus=True),
    "pages": Part(measure_pages),
    "links": Part(measure_links),
    "copies": Part(measure_copies, has_size=True),
    "utterances": Part(measure_utterances),
    "hostile": Part(lambda _: measure_hostile()),
    "queries": Part(measure_queries, has_size=True),
    "engine": Part(lambda work: measure_engines_alone(work / TEXTS), needs_corpus=True),
    "corpus": Part(lambda work: measure_corpus(work, work / TEXTS), needs_corpus=True),
    "stages": Part(lambda work: measure_stages(work, work / TEXTS), needs_corpus=True),
    "quotes": Part(lambda work: measure_quotes(work, work / TEXTS), needs_corpus=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=(*PARTS, "all"))
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="JSON Lines with id and text, may be gzipped")
    parser.add_argument("--limit", type=int, help="only the first articles of the corpus")
    parser.add_argument(
        "--size",
        type=int,
        help="made articles of the parts scale, queries and copies, where their own size is too much",
    )
    given = parser.parse_args()
    _find_peers()
    chosen = PARTS if given.part == "all" else {given.part: PARTS[given.part]}
    sections: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        work = Path(folder)
        needs_corpus = any(part.needs_corpus for part in chosen.values())
        is_there = given.corpus.is_file()
        if needs_corpus and is_there:
            unpack_corpus(given.corpus, work / TEXTS, given.limit)
        for name, part in chosen.items():
            if part.needs_corpus and not is_there:
                print(f"{name} was not measured: the corpus is not there (--corpus FILE)\n")
                continue
            size = (given.size,) if part.has_size and given.size else ()
            sections[name] = part.measure(work, *size)
            print(sections[name], flush=True)
            _write_section(name, sections[name])


def _write_section(name: str, section: str) -> None:
    """Put a section into the page: a part that was not measured now keeps what was measured before."""
    known = read_sections(PAGE.read_text(encoding="utf-8")) if PAGE.is_file() else {}
    sections = {part: text for part in PARTS if (text := {**known, name: section}.get(part))}
    PAGE.write_text(render_page(describe_machine(describe_model(DEFAULT_MODEL)), sections), encoding="utf-8")


def _find_peers() -> None:
    """Let this process, and the plain way, import what the project is only compared with."""
    if PEERS.is_dir():
        sys.path.append(str(PEERS))
        os.environ["ONRECORD_PEERS"] = str(PEERS)


if __name__ == "__main__":
    main()
