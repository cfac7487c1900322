"""The parts of the benchmarks that measure nothing."""

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from bench.__main__ import Build, describe_quotes
from bench.corpus import read_text_size, unpack_corpus
from bench.history import HistoryError, unpack_version
from bench.page import (
    find_cpu,
    find_overhead,
    parse_seconds,
    read_sections,
    render_goals,
    render_page,
    render_table,
)
from bench.picture import draw_curve
from bench.probe import END, ENGINE, SERVER, START
from bench.processes import Run, list_tree

CPU = {START: 40.0, "clean": 30.0, "annotate": 60.0, "validate": 4.0, SERVER: 1.0, ENGINE: 5.0, END: 2.0}


def write_corpus(path: Path, *records: dict[str, str]) -> Path:
    path.write_bytes(gzip.compress("".join(f"{json.dumps(record)}\n" for record in records).encode()))
    return path


def test_each_line_of_a_corpus_becomes_a_text_named_by_its_id(tmp_path: Path) -> None:
    corpus = write_corpus(
        tmp_path / "corpus.jsonl.gz",
        {"id": "first.txt", "text": "Café.\r\n\nSecond line.\n"},
        {"id": "north/second one", "text": "Two."},
    )
    assert unpack_corpus(corpus, tmp_path / "texts") == 2
    texts = {path.name: path.read_bytes().decode() for path in (tmp_path / "texts").iterdir()}
    assert texts == {"first.txt": "Café.\r\n\nSecond line.\n", "north-second-one.txt": "Two."}
    assert read_text_size(tmp_path / "texts") == pytest.approx(26e-6)


def test_a_limit_takes_the_first_lines_of_a_corpus(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl.gz", {"id": "a", "text": "One."}, {"id": "b", "text": "Two."})
    assert unpack_corpus(corpus, tmp_path / "texts", limit=1) == 1
    assert [path.name for path in (tmp_path / "texts").iterdir()] == ["a.txt"]


def test_two_lines_with_one_id_are_an_error(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl.gz", {"id": "a", "text": "One."}, {"id": "a.txt", "text": "Two."})
    with pytest.raises(FileExistsError, match=r"a\.txt"):
        unpack_corpus(corpus, tmp_path / "texts")


def test_the_seconds_of_a_build_are_read_from_its_summary() -> None:
    summary = "articles     1,018\nquarantined  0 rows\nseconds      imports 3.1, server 12.0, find 0.1 \n"
    assert parse_seconds(summary) == {"imports": 3.1, "server": 12.0, "find": 0.1}


def test_a_summary_without_seconds_is_an_error() -> None:
    with pytest.raises(ValueError, match="no seconds"):
        parse_seconds("articles     18\n")


def test_overhead_is_the_share_of_what_is_no_extraction_without_start_and_end() -> None:
    assert find_cpu(CPU) == 100.0
    assert find_overhead(CPU) == 10.0


def test_a_table_shows_numbers_with_as_many_digits_as_they_are_good_for() -> None:
    rows = [["clean", 2_095, 1234.56, 12.34, 1.234, None]]
    assert render_table(("part", "a", "b", "c", "d", "e"), rows) == (
        "| part | a | b | c | d | e |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| clean | 2,095 | 1,235 | 12.3 | 1.23 | – |"
    )


def test_goals_say_whether_they_are_met() -> None:
    table = render_goals([("first row", 30.0, 12.0, "s"), ("memory", 2_000.0, 2_001.0, "MB")])
    assert [line.split(" | ")[-1] for line in table.splitlines()[2:]] == ["yes |", "**no** |"]


def test_a_page_has_all_goals_in_one_table_and_gives_its_sections_back() -> None:
    sections = {
        "pages": "## Pages\n\n" + render_goals([("speed", 5, 4, "times")]) + "\n",
        "scale": "## Volume\n\n" + render_goals([("memory", 4_000.0, 5_000.0, "MB")]) + "\n",
    }
    page = render_page("Measured on 2 cores.", sections)
    table = page.partition("## All goals")[2].partition("<!--")[0]
    assert [line.split(" | ")[0] for line in table.splitlines() if line.endswith(("yes |", "no** |"))] == [
        "| speed",
        "| memory",
    ]
    again = read_sections(page)
    assert {name: text.strip() for name, text in again.items()} == {
        name: text.strip() for name, text in sections.items()
    }
    assert render_page("Measured on 2 cores.", again) == page


def test_a_curve_of_many_points_keeps_its_peaks() -> None:
    curve = [(float(second), 5_000.0 if second == 7_777 else 100.0) for second in range(10_000)]
    picture = draw_curve(curve, 4_000.0, points=50)
    [line] = re.findall(r'points="([^"]*)"', picture)
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert len(heights) == 50 and min(heights) < sorted(heights)[1]
    assert "ceiling: 4,194 MB" in picture
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_curve([], 4_000.0)


def test_the_tree_of_processes_begins_with_its_root() -> None:
    tree = list_tree(os.getpid())
    assert tree[0].pid == os.getpid()
    assert tree[0].cpu_seconds > 0
    assert not tree[0].is_server


def test_a_process_that_has_ended_has_no_tree() -> None:
    assert list_tree(2**22 + 1) == []


def build_of(**cpu: float) -> Build:
    return Build(Run(), documents=100, counts={}, wall=1.0, stages={}, cpu=cpu)


def test_two_versions_are_compared_part_by_part_by_the_fastest_of_their_builds() -> None:
    section = describe_quotes(
        {
            "now": [build_of(clean=0.5, quotes=0.1, entities=0.3), build_of(clean=0.4, quotes=0.2, entities=0.2)],
            "first": [build_of(clean=0.4, quotes=0.3, entities=0.7)],
        },
        "Measured in turns.",
    )
    assert "| **quotes and entities** | 3.00 | 10.0 | 0.30 |" in section
    assert "| **all of these** | 7.00 | 14.0 | 0.50 |" in section
    assert "333 articles/s/core" in section
    assert [line.split(" | ")[-1] for line in section.splitlines()[-2:] if "|" in line] == ["**no** |", "yes |"]


def test_without_the_first_version_the_goal_of_the_steps_is_still_told() -> None:
    section = describe_quotes({"now": [build_of(quotes=0.1, entities=0.05)]}, "There is no history.")
    assert "There is no history." in section
    assert "| **quotes and entities** | 1.50 |" in section
    assert "times the first pipeline" not in section


def test_an_earlier_version_is_unpacked_from_the_history(tmp_path: Path) -> None:
    def run_git(*words: str) -> None:
        names = ("-c", "user.name=Ana Vieira", "-c", "user.email=ana@example.org")
        subprocess.run(["git", *names, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "notes.txt").write_text("first")
    run_git("init")
    run_git("add", "notes.txt")
    run_git("commit", "--message", "First")
    run_git("tag", "first")
    (tmp_path / "notes.txt").write_text("second")
    assert (unpack_version(tmp_path, "first", tmp_path / "before") / "notes.txt").read_text() == "first"


def test_a_version_that_the_history_does_not_hold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no commit d96838b"):
        unpack_version(tmp_path, "d96838b", tmp_path / "before")
