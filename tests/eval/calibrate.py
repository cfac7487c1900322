"""Count how often each rule of attribution names the right speaker, and measure the confidences made from the counts.

`python -m tests.eval.calibrate fit ../shared/data/polnear.train.jsonl.gz` writes `tasks/lexicons/speaker_shares.csv`;
`python -m tests.eval.calibrate check ../shared/data/polnear.dev.jsonl.gz` prints the expected calibration error (10 bins) and the
precision of the most confident 60 % of marked quotations. `--annotated DIR` keeps the annotations of a data set between runs.
"""

import argparse
import gzip
import importlib.util
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from tasks.annotate import annotate_paragraphs, split_paragraphs
from tasks.annotation.annotator import open_annotator
from tasks.annotation.syntax import iterate_documents
from tasks.attribution.confidence import Cell, cell_of, rate_confidence
from tasks.attribution.document import Draft, read_document
from tests.builders import articles
from tests.eval.calibration import find_calibration_error, find_precision

_TABLE = Path(__file__).parents[2] / "tasks" / "lexicons" / "speaker_shares.csv"
_Case = tuple[Draft, bool]


def load_scorer(path: Path) -> ModuleType:
    """Load the scorer, a plain Python file that stands beside the data."""
    spec = importlib.util.spec_from_file_location("score_quotes", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def annotate_gold(documents: Sequence[dict[str, Any]], kept: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return PARAGRAPHS (`article_id` is the id of the gold document) and ANNOTATIONS, from the files `kept` when they are there."""
    files = [kept.with_suffix(f".{name}.parquet") for name in ("par", "ann")] if kept else []
    if files and all(file.exists() for file in files):
        return pl.read_parquet(files[0]), pl.read_parquet(files[1])
    frame = articles(*(d["text"] for d in documents)).with_columns(article_id=pl.Series([d["id"] for d in documents]))
    paragraphs = split_paragraphs(frame)
    with open_annotator(process_count=1) as annotator:
        annotations = annotate_paragraphs(paragraphs, annotator)
    if files:
        paragraphs.write_parquet(files[0])
        annotations.write_parquet(files[1])
    return paragraphs, annotations


def judge_drafts(gold: dict[str, Any], drafts: Sequence[Draft], scorer: ModuleType) -> Iterator[_Case]:
    """Yield the drafts with a speaker that match an annotated attribution with one, each with whether the speaker is right.

    Quotations inside quotations are left out: the annotation has only outer ones. Marked stretches match at an intersection over union of .8, reported ones at an overlap of .3 of the annotated content.
    """
    named = [(d, _predict(d)) for d in drafts if d.speaker is not None and d.quote_type != "term" and not d.depth]
    draft_of = {id(prediction): draft for draft, prediction in named}
    marked = [p for d, p in named if d.quote_type != "indirect"]
    spoken = [([(p["start"], p["end"])], p) for d, p in named if d.quote_type == "indirect"]
    units, found = scorer.gold_marked(gold), scorer.pred_marked(gold, marked)
    pairs = [(units[i][1], found[j][1]) for i, j in scorer.match_iou(units, found, 0.8)]
    others = [(scorer.fragments(q), q) for q in gold["quotes"]]
    pairs += [(others[i][1], spoken[j][1]) for i, j in scorer.match_ggt(others, spoken, 0.3)]
    for annotated, prediction in pairs:
        if scorer.has_speaker(annotated):
            yield draft_of[id(prediction)], scorer.speaker_right(annotated, prediction)


def _predict(draft: Draft) -> dict[str, Any]:
    assert draft.speaker is not None
    start, end = draft.speaker
    return {
        "start": draft.start,
        "end": draft.end,
        "type": draft.quote_type,
        "speaker_start": start,
        "speaker_end": end,
    }


def count_cells(cases: Sequence[_Case]) -> dict[Cell, tuple[int, int]]:
    """Return (cases, right) of every cell, in the order of the cells."""
    seen, right = Counter(cell_of(d) for d, _ in cases), Counter(cell_of(d) for d, is_right in cases if is_right)
    return {cell: (seen[cell], right[cell]) for cell in sorted(seen)}


def write_table(cells: dict[Cell, tuple[int, int]], path: Path) -> None:
    """Write the cells as rows of the lexicon, under the head it has."""
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    rows = [",".join((*cell, str(cases), str(right))) for cell, (cases, right) in cells.items()]
    text = "\n".join([*head, "rule,quote_type,speaker_form,cases,right", *rows])
    path.write_text(text + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit or check, as the first argument says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("fit", "check"))
    parser.add_argument("gold", type=Path)
    parser.add_argument("--scorer", type=Path, default=Path("../shared/scorers/score_quotes.py"))
    parser.add_argument("--annotated", type=Path, default=None)
    options = parser.parse_args(arguments)
    scorer = load_scorer(options.scorer)
    with gzip.open(options.gold, "rt", encoding="utf-8") as lines:
        gold = {d["id"]: d for d in map(json.loads, lines)}
    kept = options.annotated / options.gold.name.split(".")[1] if options.annotated else None
    paragraphs, annotations = annotate_gold(list(gold.values()), kept)
    cases = [
        case
        for article_id, document in iterate_documents(paragraphs, annotations)
        for case in judge_drafts(gold[article_id], read_document(document), scorer)
    ]
    if options.step == "fit":
        cells = count_cells(cases)
        write_table(cells, _TABLE)
        print(f"{len(cases)} cases in {len(cells)} cells written to {_TABLE.name}")
        return
    for name, kinds in (("marked", {"direct", "mixed"}), ("reported", {"indirect"})):
        rated = [(rate_confidence(draft), is_right) for draft, is_right in cases if draft.quote_type in kinds]
        error, precision = find_calibration_error(rated), find_precision(rated, 0.6)
        print(f"{name}: {len(rated)} cases, calibration error {error:.3f}, precision of the top 60 % {precision:.3f}")


if __name__ == "__main__":
    main()
