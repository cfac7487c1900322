"""The parts of the bench of copies that can be checked without a clock."""

import polars as pl

from bench.copies import find_near_pairs, read_body
from bench.corpus import make_corpus
from tasks.reports.shingles import shingle_texts
from tests.eval.copies import Trial, compare_all, score_copies, try_copies

RECORDS = list(make_corpus(200, seed=4))
TEXTS = [read_body(record) for record in RECORDS]


def test_sketches_meet_for_all_pairs_that_a_full_comparison_calls_alike() -> None:
    alike = set(compare_all(shingle_texts(pl.Series(TEXTS))).rows())
    assert len(alike) > 5
    assert alike <= find_near_pairs(TEXTS)


def test_planted_copies_are_scored_by_origin_and_kind() -> None:
    originals = [record["text"] for record in RECORDS if record["copy_kind"] is None][:60]
    trial = try_copies(originals, each=2)
    scores = score_copies(trial)
    assert {name: scores[name].value for name in ("exact.kind", "near.recall", "truncated.recall", "stitched.kind")} == {
        "exact.kind": 1.0, "near.recall": 1.0, "truncated.recall": 1.0, "stitched.kind": 1.0,
    }  # fmt: skip
    assert scores["distinct.false"].value == 0.0
    nothing = Trial(trial.originals, trial.planted, trial.rows.clear(), trial.alike)
    assert score_copies(nothing)["near.recall"].value == 0.0
