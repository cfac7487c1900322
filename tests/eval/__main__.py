"""`python -m tests.eval [MEASURE|all]` measures the pipeline on annotated news; `all` writes docs/quality.md.

The annotations are kept in data/eval/ from run to run, the errors are written there for reading.
"""

import argparse
import sys
import time
import tomllib
from pathlib import Path

from flows.settings import prepare_libraries
from tests.eval.measures import MEASURES, Bench
from tests.eval.pipeline import Workshop
from tests.eval.report import check_floors, render_page, render_results, write_errors
from tests.eval.scores import Result

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
OWN = ROOT / "data" / "eval"
FLOORS = Path(__file__).with_name("floors.toml")
PAGE = ROOT / "docs" / "quality.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; return 1 when a score is under its floor, else 0."""
    options = _parse_arguments(arguments)
    data: Path = options.data
    if not data.is_dir():
        print(
            f"Skipped: the annotated news are not in {data}. They are other people's and no part of this repository; "
            "docs/quality.md names the sets and what was measured on them. --data says where they are."
        )
        return 0
    prepare_libraries(OWN, is_quiet=True)
    bench = Bench(data, Workshop(OWN, options.workers), options.limit, options.quick)
    start = time.perf_counter()
    wanted = list(MEASURES) if options.measure == "all" else [options.measure]
    results = [result for name in wanted for result in MEASURES[name](bench)]
    if not results:
        print(f"Skipped: none of the sets of {', '.join(wanted)} is in {data}.")
        return 0
    print(render_results(results))
    print(f"\nerrors: {write_errors(results, OWN)}")
    _tell_seconds(bench, time.perf_counter() - start)
    if options.limit is not None:
        return 0
    if options.measure == "all" and not options.quick:
        PAGE.write_text(render_page(results), encoding="utf-8")
    return _tell_failed(results)


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    parser.add_argument("measure", nargs="?", choices=[*MEASURES, "all"], default="all")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the annotated news (%(default)s)")
    parser.add_argument("--limit", type=int, help="documents of each set; floors and docs/quality.md are left alone")
    parser.add_argument("--quick", action="store_true", help="leave out the large sets; docs/quality.md is left alone")
    parser.add_argument("--workers", type=int, default=2, help="processes that annotate (%(default)s)")
    return parser.parse_args(arguments)


def _tell_seconds(bench: Bench, total: float) -> None:
    parts = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in bench.workshop.seconds.items())
    print(f"seconds: {total:.1f} (builds: {parts})")


def _tell_failed(results: list[Result]) -> int:
    failed = check_floors(results, tomllib.loads(FLOORS.read_text(encoding="utf-8")))
    for sentence in failed:
        print(f"under its floor: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
