"""Corrections through whole builds of the samples: obeyed from nothing, after every rule, and gone without a trace."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import build_batch as batch_module
from flows import job as job_module
from flows.build_warehouse import build_directly
from flows.cli import app
from flows.corrections import check_corrections
from flows.report import BuildReport, summarize_build
from flows.settings import Settings
from tasks.clean import CleanedBatch
from tasks.rules import RulesVersions
from tests.golden import SAMPLES
from warehouse.connection import connect_read_only
from warehouse.ledger import ledger_path, read_ledger

pytestmark = pytest.mark.xdist_group("corrections")

CORPUS_TABLES = {
    "fact_quotes": "quote_id, speaker_entity_id",
    "fact_statements": "statement_id, speaker_entity_id",
    "fact_entity_mentions": "mention_id, entity_id",
    "entity_links": "document_entity_id, entity_id, rule, score",
    "dim_entities": "*",
    "article_segments": "article_id, line_no, segment_no, label, reason",
}
MERIDIAN = "meridian-post/2024-05-14-ferry-minister.txt"
PRUT = "meridian-post/2024-06-12-prut-analysis.txt"
CRANE = "meridian-post/2024-09-20-crane-papers.txt"
LORRY = "My load is forty thousand yogurts,"
SIGNED = "  who: M. Editor\n  when: 2024-10-01\n  why: {why}\n"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections-data")


@pytest.fixture(autouse=True)
def _quick_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the version of the rules while somebody edits them, and leave out the Data Docs."""
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-1", "link-1", "stories-1", "publish-1")
    )
    monkeypatch.setattr(job_module, "build_data_docs", lambda *arguments: None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Settings]:
    """The settings of a warehouse of the samples without corrections."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            job_module, "find_versions", lambda model: RulesVersions("rules-1", "link-1", "stories-1", "publish-1")
        )
        patch.setattr(job_module, "build_data_docs", lambda *arguments: None)
        settings = make_settings(tmp_path_factory.mktemp("plain"), data_dir)
        assert build_directly(settings).status == "published"
        yield settings


def make_settings(folder: Path, data_dir: Path, **columns: Any) -> Settings:
    warehouse = folder / "news.duckdb"
    return Settings((str(SAMPLES),), warehouse, data_dir, min_age_seconds=0, **columns)


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with connect_read_only(settings.warehouse) as con:
        return con.execute(sql).fetchall()


def ask_one(settings: Settings, sql: str) -> Any:
    [(value,)] = ask(settings, sql)
    return value


def dump(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: ask(settings, f"select {columns} from {name} order by all") for name, columns in CORPUS_TABLES.items()
    }


def find_document(settings: Settings, source_uri: str) -> str:
    return str(ask_one(settings, f"select document_id from fact_articles where source_uri = '{source_uri}'"))


def refer(settings: Settings, name: str, source_uri: str, kind: str = "person", words: str | None = None) -> str:
    document_id = find_document(settings, source_uri)
    return f"{{name: {name}, type: {kind}, mention: {{document_id: {document_id}, words: '{words or name}'}}}}"


def write(folder: Path, *entries: str, name: str = "desk.yml") -> Path:
    folder.mkdir(exist_ok=True)
    folder.joinpath(name).write_text("".join(entries), encoding="utf-8")
    return folder


def merge(one: str, other: str) -> str:
    return f"- action: merge\n  entities:\n    - {one}\n    - {other}\n" + SIGNED.format(why="one and the same")


def write_three(settings: Settings, folder: Path) -> Path:
    """Write a merge, a split and a speaker for the samples."""
    sha = ask_one(settings, f"select raw_sha256 from fact_articles where source_uri = '{MERIDIAN}'")
    return write(
        folder,
        merge(refer(settings, "Wim Verkade", CRANE), refer(settings, "Duarte Vieira", MERIDIAN)),
        "- action: split\n"
        f"  entity: {refer(settings, 'Yuri Talmaci', 'continental-wire/2024-06-11-prut-treaty.txt')}\n"
        f"  mentions:\n    - {{document_id: {find_document(settings, PRUT)}, words: Talmaci, occurrence: 1}}\n"
        "  new_name: Yuri Talmaci (the younger)\n" + SIGNED.format(why="the son"),
        "- action: set_speaker\n"
        f"  quote: {{raw_sha256: {sha}, words: '{LORRY}'}}\n"
        f"  speaker: {refer(settings, 'Henrik Solvang', MERIDIAN)}\n" + SIGNED.format(why="asked the reporter"),
    )


def outcomes(report: BuildReport) -> list[tuple[str, str]]:
    return report.corrections.select("action", "outcome").rows()


def check_three(settings: Settings, before: Settings) -> None:
    """Check that the release obeys `write_three`, in facts, dimensions and marts, and keeps what the machine says."""
    entities = "select count(*) from dim_entities"
    assert ask_one(settings, entities) == ask_one(before, entities)  # one fewer by the merge, one more by the split
    quotes = "select count(*) from mart_quotes where speaker = 'Wim Verkade'"
    both = "select count(*) from mart_quotes where speaker in ('Wim Verkade', 'Duarte Vieira')"
    assert ask_one(settings, quotes) == ask_one(before, both) > ask_one(before, quotes)
    assert ask(settings, "select 1 from dim_entities where entity_name = 'Duarte Vieira'") == []
    assert ask(settings, "select article_count from dim_entities where entity_name like 'Yuri Talmaci (%'") == [(1,)]
    corrected = f"select speaker, speaker_text, confidence from mart_quotes where quote_text = '{LORRY}'"
    assert ask(settings, corrected) == [("Henrik Solvang", None, 1.0)]
    machine = f"""select c.machine_speaker_entity_id, q.speaker_text from fact_quotes as q
        inner join quote_speaker_corrections as c using (quote_id) where q.quote_text = '{LORRY}'"""
    assert ask(settings, machine) == ask(
        before, f"select speaker_entity_id, speaker_text from fact_quotes where quote_text = '{LORRY}'"
    )
    links = "from entity_link_corrections inner join entity_links as l using (document_entity_id)"
    assert ask(settings, f"select distinct l.rule {links}") == [("correction",)]
    assert ask(settings, f"select 1 {links} where machine_rule = 'correction' or machine_entity_id = l.entity_id") == []


def test_corrections_hold_from_nothing_and_on_a_release_and_leave_no_trace_when_undone(
    plain: Settings, tmp_path: Path, data_dir: Path
) -> None:
    corrections = write_three(plain, tmp_path / "ledger")
    fresh = make_settings(tmp_path, data_dir, corrections=corrections)
    report = build_directly(fresh)
    assert (report.status, report.exit_code) == ("published", 0)
    assert outcomes(report) == [("merge", "applied"), ("split", "applied"), ("set_speaker", "applied")]
    assert ("corrections", "3 applied") in summarize_build(report)
    check_three(fresh, plain)
    obeyed = dump(fresh)
    again = build_directly(fresh)
    assert (again.status, outcomes(again)) == ("unchanged", outcomes(report))
    undone = build_directly(make_settings(tmp_path, data_dir))
    assert (undone.status, undone.counts["new"], undone.counts["corrections_undone"]) == ("published", 0, 3)
    assert dump(fresh) == dump(plain)
    assert ask(fresh, "from corrections") == []
    redone = build_directly(fresh)
    assert (redone.status, redone.counts["new"]) == ("published", 0)
    assert dump(fresh) == obeyed


def test_corrections_hold_when_other_rules_move_every_character(
    plain: Settings, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = batch_module.clean_batch.fn
    first = "A line that another rule takes for the first one of the article.\n\n"

    def clean_otherwise(documents: pl.DataFrame, *others: Any) -> CleanedBatch:
        batch = clean(documents, *others)
        shift = pl.lit(len(first), pl.UInt32)
        return CleanedBatch(
            batch.articles.with_columns(
                pl.col("paragraph_count") + pl.lit(1, pl.UInt32),
                pl.col("word_count") + pl.lit(len(first.split()), pl.UInt32),
                body=pl.lit(first) + pl.col("body"),
            ),
            batch.segments.with_columns(pl.col("body_start") + shift, pl.col("body_end") + shift),
            batch.attributes,
            batch.rejected,
        )

    corrections = write_three(plain, tmp_path / "ledger")
    settings = make_settings(tmp_path, data_dir, corrections=corrections)
    build_directly(settings)
    before = set(ask(settings, "select quote_id from fact_quotes"))
    monkeypatch.setattr(batch_module, "clean_batch", SimpleNamespace(fn=clean_otherwise))
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-2", "link-1", "stories-1", "publish-1")
    )
    report = build_directly(settings)
    assert report.counts["quarantined"] == 0
    assert (report.status, {outcome for _, outcome in outcomes(report)}) == ("published", {"applied"})
    assert before.isdisjoint(ask(settings, "select quote_id from fact_quotes"))
    check_three(settings, plain)


def test_a_relabelled_kind_of_line_cleans_its_outlet_anew_and_so_does_undoing_it(
    plain: Settings, tmp_path: Path, data_dir: Path
) -> None:
    warehouse = make_settings(tmp_path, data_dir)
    build_directly(warehouse)
    relabel = "- action: relabel\n  outlet: Harbour Gazette\n  label: {label}\n  {form}\n" + SIGNED.format(
        why="house style"
    )
    corrections = write(
        tmp_path / "ledger",
        relabel.format(label="notice", form="pattern: '^LIVE MAP:'"),
        relabel.format(label="navigation", form="line: '‘A river cannot wait for two clocks’'"),
    )
    settings = make_settings(tmp_path, data_dir, corrections=corrections)
    checked = check_corrections(settings.warehouse, corrections, None)
    assert checked.outcomes.select("outcome", "changed_count").rows() == [("applied", 1), ("stale", 0)]
    count = ask_one(settings, "select count(*) from fact_articles where outlet = 'The Harbour Gazette'")
    report = build_directly(settings)
    assert (report.status, report.counts["fact_articles"]) == ("published", count)
    live = "select label, starts_with(reason, 'correction:') from article_segments where text like 'LIVE MAP:%'"
    assert ask(settings, live) == [("notice", True)]
    assert outcomes(report) == [("relabel", "applied"), ("relabel", "stale")]
    assert build_directly(settings).status == "unchanged"
    undone = build_directly(warehouse)
    assert (undone.status, undone.counts["fact_articles"]) == ("published", count)
    assert dump(warehouse) == dump(plain)


def test_a_relabel_that_leaves_a_document_without_a_body_can_be_undone(tmp_path: Path, data_dir: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    line = "The council met on Monday and heard three farmers on the price of water in the upper valley."
    inbox.joinpath("a.txt").write_text(line, encoding="utf-8")
    inbox.joinpath("a.json").write_text('{"outlet": "Valley Post"}', encoding="utf-8")
    inbox.joinpath("b.txt").write_text(line.replace("three", "four"), encoding="utf-8")
    given: dict[str, Any] = {"sources": (str(inbox),), "warehouse": tmp_path / "news.duckdb", "data_dir": data_dir}
    plain = Settings(**given, min_age_seconds=0)
    build_directly(plain)
    relabel = "- action: relabel\n  outlet: Valley Post\n  label: notice\n  pattern: '^The council'\n" + SIGNED.format(
        why="x"
    )
    build_directly(Settings(**given, min_age_seconds=0, corrections=write(tmp_path / "ledger", relabel)))
    assert ask(plain, "select source_uri from fact_articles") == [("b.txt",)]
    build_directly(plain)
    assert ask(plain, "select source_uri from fact_articles order by 1") == [("a.txt",), ("b.txt",)]


def test_what_is_malformed_contradicts_or_matches_nothing_is_named_and_the_rest_is_obeyed(
    plain: Settings, tmp_path: Path, data_dir: Path
) -> None:
    one, other = refer(plain, "Wim Verkade", CRANE), refer(plain, "Duarte Vieira", MERIDIAN)
    corrections = write(
        tmp_path / "ledger",
        "- action: rename\n" + SIGNED.format(why="no entity"),
        merge(one, other),
        f"- action: not_same\n  entities: [{other}, {one}]\n" + SIGNED.format(why="two men"),
        f"- action: rename\n  entity: {refer(plain, 'Henrik Solvang', MERIDIAN)}\n  new_name: H. Solvang\n"
        + SIGNED.format(why="his wish"),
        f"- action: clear_speaker\n  quote: {{document_id: {find_document(plain, PRUT)}, words: never said}}\n"
        + SIGNED.format(why="gone"),
        "- action: [\n",
    )
    authority = tmp_path / "authority"
    authority.mkdir()
    authority.joinpath("people.csv").write_text(
        "name,type,aliases,external_id,scheme\nTeresa Vieira,person,Minister Vieira,Q4000001,wikidata\n"
        "Nobody,spirit,,Q1,wikidata\nTeresa Vieira,person,,77,own\n",
        encoding="utf-8",
    )
    settings = make_settings(tmp_path, data_dir, corrections=corrections, authority=authority)
    report = build_directly(settings)
    assert (report.status, report.exit_code) == ("published", 4)
    assert outcomes(report) == [
        ("merge", "refused"), ("not_same", "refused"), ("rename", "applied"), ("clear_speaker", "stale"),
    ]  # fmt: skip
    merged, parted, *_ = report.corrections["line_no"]
    assert report.refused == [
        f"desk.yml:{merged}: it contradicts desk.yml:{parted}",
        f"desk.yml:{parted}: it contradicts desk.yml:{merged}",
    ]
    last = corrections.joinpath("desk.yml").read_text().count("\n")
    assert [told.split(": ")[0] for told in report.skipped] == ["desk.yml:1", f"desk.yml:{last}", "people.csv:3"]
    rejected = read_ledger(ledger_path(settings.warehouse), "from rejected_documents")
    assert set(rejected["reject_reason"]) >= {"malformed_correction", "malformed_authority"}
    assert ask(settings, "select count(*) from mart_quotes where speaker = 'H. Solvang'") == ask(
        plain, "select count(*) from mart_quotes where speaker = 'Henrik Solvang'"
    )
    sql = "select external_scheme, external_id from {} where external_id is not null order by 1"
    assert ask(settings, sql.format("dim_entities")) == [("wikidata", "Q4000001")]
    assert ask(settings, sql.format("entity_authorities")) == [("own", "77"), ("wikidata", "Q4000001")]
    unchanged = build_directly(settings)
    assert (unchanged.status, unchanged.exit_code) == ("unchanged", 4)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def test_a_dry_run_shows_what_a_build_would_change_and_changes_nothing(plain: Settings, tmp_path: Path) -> None:
    corrections = write_three(plain, tmp_path / "ledger")
    before = dump(plain)
    checked = check_corrections(plain.warehouse, corrections, None)
    assert checked.outcomes["outcome"].to_list() == ["applied"] * 3
    changes = {name: (old, new, count) for name, old, new, count in checked.changes.iter_rows()}
    entity_count = len(before["dim_entities"])
    assert changes["dim_entities"][:2] == (entity_count, entity_count)
    assert changes["fact_quotes"][1] == changes["fact_quotes"][0] + 1
    assert changes["entity_links"][2] == ask_one(plain, """select 1 + count(*) from entity_links inner join dim_entities
        using (entity_id) where entity_name = 'Duarte Vieira'""")  # fmt: skip
    result = run("corrections", "check", "--warehouse", str(plain.warehouse), "--corrections", str(corrections))
    assert result.exit_code == 0 and "set_speaker" in result.stdout and "fact_statements" in result.stdout
    corrections.joinpath("odd.yml").write_text("just words", encoding="utf-8")
    result = run("corrections", "check", "--warehouse", str(plain.warehouse), "--corrections", str(corrections))
    assert result.exit_code == 4 and "odd.yml:1" in result.stderr
    assert run("corrections", "check", "--corrections", str(tmp_path / "nowhere")).exit_code == 2
    assert dump(plain) == before


def test_who_tells_names_links_words_and_doubts(plain: Settings) -> None:
    result = run("who", "mr. solvang", "--warehouse", str(plain.warehouse))
    assert result.exit_code == 0
    for told in (
        "Henrik Solvang",
        "full_name",
        "What it said",
        "In a correction",
        "We are many things, but we are not pirates.",
    ):
        assert told in result.stdout
    [entity] = json.loads(run("who", "Henrik Solvang", "--json", "--warehouse", str(plain.warehouse)).stdout)
    assert (entity["entity_name"], entity["article_count"]) == ("Henrik Solvang", len(entity["links"]))
    vieiras = json.loads(run("who", "Vieira", "--json", "--warehouse", str(plain.warehouse)).stdout)
    assert sorted(entity["entity_name"] for entity in vieiras) == ["Duarte Vieira", "Teresa Vieira"]
    assert {row["entity_name"] for entity in vieiras for row in entity["namesakes"]} == {
        "Duarte Vieira",
        "Teresa Vieira",
    }
    result = run("who", "Henrik Solveng", "--warehouse", str(plain.warehouse))
    assert result.exit_code == 2 and "near are: Henrik Solvang" in result.stderr


@pytest.mark.parametrize("name", ["", "х" * 10_000, "陳大文", "[bold]", "\x1b[31m", "'; drop table x"])
def test_who_takes_any_name(plain: Settings, name: str) -> None:
    result = run("who", "--warehouse", str(plain.warehouse), "--", name)
    assert result.exit_code == 2 and "nobody is called" in result.stderr and "\x1b" not in result.stderr
