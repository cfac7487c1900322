"""The parts of the benchmarks that measure nothing."""

import gzip
import json
import os
from pathlib import Path

import pytest

from bench.corpus import read_text_size, unpack_corpus
from bench.page import find_cpu, find_overhead, parse_seconds, render_goals, render_table
from bench.probe import END, ENGINE, SERVER, START
from bench.processes import list_tree

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


def test_the_tree_of_processes_begins_with_its_root() -> None:
    tree = list_tree(os.getpid())
    assert tree[0].pid == os.getpid()
    assert tree[0].cpu_seconds > 0
    assert not tree[0].is_server


def test_a_process_that_has_ended_has_no_tree() -> None:
    assert list_tree(2**22 + 1) == []
