import numpy as np
import polars as pl

from tasks.clean import look_alone
from tasks.text.labels import find_stretch
from tasks.text.page import MEASURES, Trees, find_pages, load_trees, measure_lines, score_lines

MENU = (
    "Menu",
    "News",
    "World",
    "Sport",
    "Culture",
    "Weather",
    "Search",
    "Sign in",
    "Europe",
    "Africa",
    "Asia",
    "Books",
)
LEAD = "Negotiators for the striking ferry crews took home a written offer on Tuesday after an all-night meeting with the company."
MORE = "The offer of the company would raise the pay of the ferry crews by a tenth over two years, negotiators said after the meeting."
FOOT = (
    "Most read",
    "Storm closes the port",
    "Ten beaches without a wave",
    "About us",
    "Contact us",
    "Jobs",
    "Help",
    "Terms",
)


def blocks_of(*documents: tuple[str, ...]) -> pl.DataFrame:
    lines = [(number, line) for number, lines in enumerate(documents) for line in lines]
    return pl.DataFrame(lines, schema={"doc": pl.UInt32, "text": pl.String}, orient="row")


def test_trees_add_the_leaves_that_a_line_falls_into() -> None:
    trees = Trees(
        base=0.5,
        feature=np.array([[0, 1, 1], [1, 0, 0]]),
        at=np.array([[3.0, 10.0, 20.0], [5.0, 1e9, 1e9]]),
        value=np.array([[1.0, 2.0, 4.0, 8.0], [-1.0, -2.0, -4.0, -8.0]]),
    )
    measures = np.array([[2.0, 9.0], [3.0, 20.0], [2.9, 10.0], [3.0, 4.9]])
    assert trees.score(measures).tolist() == [0.5 + 1 - 4, 0.5 + 8 - 4, 0.5 + 2 - 4, 0.5 + 4 - 1]


def test_the_model_was_made_for_the_measures_and_is_a_whole_tree_each() -> None:
    trees = load_trees()
    assert trees.feature.max() < len(MEASURES)
    assert (trees.feature.shape, trees.at.shape, trees.value.shape) == ((150, 15), (150, 15), (150, 16))


def test_only_the_lines_of_a_whole_page_have_a_score() -> None:
    page = (*MENU, LEAD, MORE, LEAD[:-1] + ", they said.", *FOOT)
    scored = blocks_of(page, (LEAD, MORE)).pipe(look_alone).pipe(find_stretch).pipe(score_lines)
    judged = scored.select("text", kept=pl.col("score") > 0)
    assert judged.filter(pl.col("kept"))["text"].to_list() == [LEAD, MORE, LEAD[:-1] + ", they said."]
    assert judged["kept"].null_count() == 2


def test_a_line_is_measured_within_its_page() -> None:
    page, other = (*MENU, LEAD, MORE, *FOOT), (*MENU, MORE, *MENU, LEAD, LEAD)
    measure = ("cohesion", "lines_to_likely_above", "prose_share_above", "lines_of_run", "place_in_page")
    alone, both = (
        blocks_of(*pages).pipe(look_alone).pipe(find_stretch).pipe(find_pages).pipe(measure_lines)
        for pages in ((page,), (page, other))
    )
    assert alone.select(MEASURES).equals(both.filter(pl.col("doc") == 0).select(MEASURES))
    [second] = alone.filter(pl.col("text") == MORE).select(measure).rows()
    assert second == (0.538, 1.0, 0.444, 2.0, 0.591)
