"""Texts -> the facts of a published release, with the places that they have in the texts."""

import bisect
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl

from flows.build_warehouse import build_directly
from flows.settings import Settings
from tasks.annotation.annotator import DEFAULT_MODEL, open_annotator
from tasks.text.trace import find_byte
from tests.eval.formats import PACKINGS, Packing
from tests.eval.spans import Span
from warehouse.connection import connect_read_only
from warehouse.keys import make_id

Row = dict[str, Any]

_TABLES = {
    "articles": "select article_id, source_uri, encoding, language, story_id from fact_articles left join story_articles using (article_id)",
    "segments": "from article_segments order by line_no, segment_no",
    "quotes": "from fact_quotes order by start_char, end_char desc",
    "statements": "from fact_statements order by fragments[1].start_char",
    "mentions": "from fact_entity_mentions order by start_char",
    "entities": "select article_id, document_entity_id, document_entity_name from document_entities",
    "quote_mentions": "from quote_mentions order by quote_id, mention_id",
    "speakers": "from statement_speakers order by statement_id, speaker_no",
}
_SPANS = (("start_char", "end_char"), ("speaker_start_char", "speaker_end_char"), ("cue_start_char", "cue_end_char"))


@dataclass(frozen=True)
class Facts:
    """The rows of one article; `start_char` and the like are characters of the text that was given, not of the body."""

    language: str = ""
    story_id: str | None = None
    segments: Sequence[Row] = ()
    quotes: Sequence[Row] = ()
    statements: Sequence[Row] = ()
    mentions: Sequence[Row] = ()
    quote_mentions: Sequence[Row] = ()
    speakers: Sequence[Row] = ()
    entity_names: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Workshop:
    """Where builds are made: `data_dir` keeps annotations from run to run, each warehouse is a temporary one.

    `packing` names the format (PACKINGS) that the texts are given in.
    """

    data_dir: Path
    workers: int = 2
    engine: str = "accurate"
    packing: str = "txt"
    seconds: dict[str, float] = field(default_factory=dict)

    def build_facts(self, texts: Mapping[str, str]) -> dict[str, Facts]:
        """Build a warehouse from the texts; one that became no article has empty facts."""
        with tempfile.TemporaryDirectory(prefix="onrecord-eval-") as folder:
            sources, warehouse = Path(folder) / "texts", Path(folder) / "news.duckdb"
            names = _write_texts(texts, sources, PACKINGS[self.packing])
            settings = Settings(
                (str(sources),), warehouse, self.data_dir, min_age_seconds=0, workers=self.workers, engine=self.engine
            )
            report = build_directly(settings)
            for stage, seconds in report.stage_seconds.items():
                self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
            tables = _read_tables(warehouse)
        found: dict[str, Facts] = {}
        for article_id, [article] in tables["articles"].items():
            name = names[article["source_uri"]]
            found[name] = _place_facts(
                article,
                {table: rows[article_id] for table, rows in tables.items()},
                PACKINGS[self.packing].list_bytes(texts[name]),
            )
        return {name: found.get(name, Facts()) for name in texts}

    def annotate_lines(self, texts: Sequence[str]) -> list[list[tuple[int, Row]]]:
        """Run the language model alone over every line of the texts.

        Returns:
            For every text its lines in order: the character a line starts at, and its row of ANNOTATIONS.
        """
        lines = [_find_lines(text) for text in texts]
        distinct = {make_id(line): line for found in lines for _, line in found}
        frame = pl.DataFrame(
            list(distinct.items()), schema={"paragraph_key": pl.String, "text": pl.String}, orient="row"
        )
        cache_dir = self.data_dir / "cache"
        with open_annotator(DEFAULT_MODEL, cache_dir=cache_dir, process_count=self.workers) as annotator:
            rows = {row["paragraph_key"]: row for row in annotator.annotate(frame).iter_rows(named=True)}
        return [[(start, rows[make_id(line)]) for start, line in found] for found in lines]


def _write_texts(texts: Mapping[str, str], folder: Path, packing: Packing) -> dict[str, str]:
    """Write the texts, named by their numbers, to a folder; return the name of each by its source URI."""
    folder.mkdir(parents=True)
    numbered = {f"{number:05}": text for number, text in enumerate(texts.values())}
    for file, raw in packing.pack(numbered).items():
        (folder / file).write_bytes(raw)
    return {packing.name_source(number): name for number, name in zip(numbered, texts, strict=True)}


def _read_tables(warehouse: Path) -> dict[str, dict[str, list[Row]]]:
    con = connect_read_only(warehouse)
    try:
        frames = {name: con.sql(query).pl() for name, query in _TABLES.items()}
    finally:
        con.close()
    tables: dict[str, dict[str, list[Row]]] = {}
    for name, frame in frames.items():
        tables[name] = defaultdict(list)
        for row in frame.iter_rows(named=True):
            tables[name][row["article_id"]].append(row)
    return tables


def _find_lines(text: str) -> list[tuple[int, str]]:
    starts = accumulate((len(line) for line in text.splitlines(keepends=True)), initial=0)
    return [(start, line) for start, line in zip(starts, text.splitlines(), strict=False) if line.strip()]


def _place_facts(article: Row, rows: Mapping[str, list[Row]], char_bytes: Sequence[int]) -> Facts:
    segments = [segment for segment in rows["segments"] if segment["body_start"] is not None]
    places = _Places(sorted(segments, key=lambda s: s["body_start"]), article["encoding"], char_bytes)
    return Facts(
        language=article["language"],
        story_id=article["story_id"],
        segments=[row | {"place": places.place_segment(row)} for row in rows["segments"]],
        quotes=[places.place_row(row) for row in rows["quotes"]],
        statements=[places.place_row(row) for row in rows["statements"]],
        mentions=[places.place_row(row) for row in rows["mentions"]],
        quote_mentions=rows["quote_mentions"],
        speakers=rows["speakers"],
        entity_names={row["document_entity_id"]: row["document_entity_name"] for row in rows["entities"]},
    )


class _Places:
    """The way from characters of a body to characters of the text that was given, through its bytes."""

    def __init__(self, segments: Sequence[Row], encoding: str, char_bytes: Sequence[int]) -> None:
        self._segments, self._encoding = segments, encoding
        self._starts = [segment["body_start"] for segment in segments]
        self._bytes = char_bytes

    def place_row(self, row: Row) -> Row:
        """Return the row with its spans and fragments in the text that was given; nulls stay."""
        placed: Row = {}
        for start, end in _SPANS:
            if row.get(start) is not None:
                placed[start], placed[end] = self.place_span((row[start], row[end]))
        if "fragments" in row:
            placed["fragments"] = [self.place_span((f["start_char"], f["end_char"])) for f in row["fragments"]]
        return row | placed

    def place_span(self, span: Span) -> Span:
        """Return where `body[start:end]` stands in the text that was given."""
        return self._find_char(span[0], is_end=False), self._find_char(span[1], is_end=True)

    def place_segment(self, segment: Row) -> Span:
        """Return where a segment stands in the text that was given."""
        return self._to_char(segment["raw_start"]), self._to_char(segment["raw_end"])

    def _find_char(self, char: int, *, is_end: bool) -> int:
        number = bisect.bisect_right(self._starts, char - is_end) - 1
        segment = self._segments[max(number, 0)]
        within = min(max(char - segment["body_start"], 0), len(segment["text"]))
        return self._to_char(find_byte(segment, within, self._encoding, is_end=is_end))

    def _to_char(self, byte: int) -> int:
        return bisect.bisect_left(self._bytes, byte)
