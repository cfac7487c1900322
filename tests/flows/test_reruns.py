"""What a build runs again when rules change, and that it makes no difference how many processes work."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import build_warehouse as flow_module
from flows import job as job_module
from flows import learn_lines as learn_module
from flows.build_warehouse import build_directly
from flows.learn_lines import learn_directly
from flows.settings import Settings
from tasks.rules import RulesVersions
from tests.builders import build_table
from tests.flows.test_build_warehouse import BRIDGE, HARVEST, ask, make_settings
from warehouse.connection import connect_read_only
from warehouse.releases import list_releases
from warehouse.tables import OUTLET_LINES, TABLES

pytestmark = pytest.mark.xdist_group("build")

RUN_COLUMNS = ("run_id", "first_seen_at", "last_seen_at")


def use_rules(
    monkeypatch: pytest.MonkeyPatch, facts: int = 1, link: int = 1, stories: int = 1, publish: int = 1
) -> None:
    versions = RulesVersions(f"rules-{facts}", f"link-{link}", f"stories-{stories}", f"publish-{publish}")
    monkeypatch.setattr(job_module, "find_versions", lambda model: versions)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for an inbox with two articles, and rules that stay."""
    use_rules(monkeypatch)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.joinpath("bridge.txt").write_text(BRIDGE, encoding="utf-8")
    inbox.joinpath("harvest.txt").write_text(HARVEST, encoding="utf-8")
    return make_settings(tmp_path)


def read_facts(settings: Settings) -> dict[str, pl.DataFrame]:
    with connect_read_only(settings.warehouse) as con:
        frames = {table.name: con.sql(f"from {table.name}").pl() for table in TABLES if table.scope == "article"}
    return {name: frame.drop(*RUN_COLUMNS, strict=False).sort(pl.all()) for name, frame in frames.items()}


@pytest.mark.parametrize(
    ("changed", "stages", "others"),
    [
        ({"link": 2}, {"link", "stories", "publish"}, {"clean", "quotes", "entities"}),
        ({"stories": 2}, {"link", "stories", "publish"}, {"clean", "quotes", "entities"}),
        ({"publish": 2}, {"publish"}, {"clean", "quotes", "entities"}),
        ({"facts": 2}, {"clean", "quotes", "entities", "link", "publish"}, set()),
    ],
)
def test_other_rules_of_a_part_run_that_part_again_and_no_document_before_it(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, int],
    stages: set[str],
    others: set[str],
) -> None:
    build_directly(settings)
    before = read_facts(settings)
    use_rules(monkeypatch, **changed)
    report = build_directly(settings)
    assert report.status == "published"
    assert report.counts["new"] == (2 if "facts" in changed else 0)
    assert stages <= report.stage_seconds.keys() and not others & report.stage_seconds.keys()
    names = "link_version, stories_version, publish_version"
    sql = f"select {names} from releases order by published_at desc limit 1"
    assert ask(settings, sql) == [tuple(f"{part}-{changed.get(part, 1)}" for part in ("link", "stories", "publish"))]
    after = read_facts(settings)
    assert all(
        after[name].drop("rules_version", strict=False).equals(frame.drop("rules_version", strict=False))
        for name, frame in before.items()
    )
    assert build_directly(settings).status == "unchanged"


def test_what_other_rules_linked_and_related_is_made_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_directly(settings)
    called: dict[str, Any] = {}
    link, relate = flow_module.link_warehouse.fn, flow_module.relate_warehouse.fn

    class Linked:
        fn = staticmethod(lambda *args, **kwargs: called.update(kwargs) or link(*args, **kwargs))

    class Related:
        fn = staticmethod(lambda staged, changed: called.update(changed=changed) or relate(staged, changed))

    monkeypatch.setattr(flow_module, "link_warehouse", Linked)
    monkeypatch.setattr(flow_module, "relate_warehouse", Related)
    use_rules(monkeypatch, link=2)
    build_directly(settings)
    assert called["anew"] is True
    use_rules(monkeypatch, link=2, stories=2)
    build_directly(settings)
    assert (called["anew"], called["changed"]) == (False, None)


def test_several_processes_make_the_rows_of_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = build_directly(settings)
    expected = read_facts(settings)
    monkeypatch.setattr(flow_module, "MIN_ARTICLES", 1)
    other = make_settings(tmp_path, warehouse=tmp_path / "other.duckdb", workers=2, batch_size=1)
    beside = build_directly(other)
    assert (beside.status, beside.counts["fact_quotes"]) == ("published", report.counts["fact_quotes"])
    assert beside.counts["clean.articles"] == 2 and beside.stage_seconds["quotes"] > 0
    actual = read_facts(other)
    assert [name for name, frame in expected.items() if not actual[name].equals(frame)] == []
    assert not other.staging.exists()


def test_an_engine_that_reads_nothing_gives_marked_stretches_without_speakers_and_another_one_reads_them(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread = make_settings(tmp_path, engine="none")
    build_directly(unread)
    sql = "select quote_type, left(quote_text, 14), attribution_rule, speaker_text from fact_quotes order by quote_text"
    assert ask(unread, sql) == [
        ("direct", "The wheat stan", "unread", None),
        ("direct", "We have waited", "unread", None),
    ]
    assert ask(unread, "select count(*) from fact_entity_mentions") == [(0,)]
    use_rules(monkeypatch, facts=2)
    build_directly(settings)
    assert ask(settings, "select speaker_text from fact_quotes where quote_type = 'direct' order by all") == [
        ("Marta Lindqvist",),
        ("Tomas Okafor",),
    ]
    assert len(list_releases(settings.warehouse)) == 2


def test_learning_lines_does_not_call_linked_what_older_rules_linked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_directly(settings)
    use_rules(monkeypatch, link=2, publish=2)
    monkeypatch.setattr(
        learn_module, "learn_from_release", lambda warehouse: build_table(OUTLET_LINES, {"outlet": "A"})
    )
    assert learn_directly(settings).report.status == "published"
    sql = "select link_version, publish_version from releases order by published_at desc limit 1"
    assert ask(settings, sql) == [("link-1", "publish-2")]
