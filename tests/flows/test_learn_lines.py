"""The lines that outlets repeat: learned by the first build and by their own flow, named by the release, used by builds."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import job as job_module
from flows.build_warehouse import build_directly
from flows.cli import app
from flows.learn_lines import learn_directly
from flows.settings import Settings
from tasks.rules import RulesVersions
from tests.flows.test_build_warehouse import ask, make_settings
from warehouse.connection import WarehouseError

MOTTO = "The paper of the coast since 1911"
TEAM = "Write to the team at the old pier"
OUTLET = "The Harbour Gazette"

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the version of the rules, also while somebody edits them."""
    monkeypatch.setattr(
        job_module, "find_versions", lambda model: RulesVersions("rules-1", "link-1", "stories-1", "publish-1")
    )


def write_article(folder: Path, place: str, *more: str) -> str:
    """Write an article of the outlet to the inbox; return its own text, without `more`."""
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    own = (
        f"The ferry to {place} will not sail on Monday, the company told its passengers in a letter.\n\n"
        f"Nobody in {place} knows when the boats will leave again, said people who live at its quay."
    )
    inbox.joinpath(f"{place}.txt").write_text("\n\n".join([own, *more]), encoding="utf-8")
    inbox.joinpath(f"{place}.json").write_text(json.dumps({"outlet": OUTLET}), encoding="utf-8")
    return own


def bodies(settings: Settings) -> list[str]:
    return [body for (body,) in ask(settings, "select body from fact_articles order by body")]


def named_version(settings: Settings) -> str | None:
    [(version,)] = ask(settings, "select lines_version from releases order by published_at desc limit 1")
    return version


def test_a_first_build_learns_from_all_its_inputs_before_it_labels(tmp_path: Path) -> None:
    own = [write_article(tmp_path, place, MOTTO) for place in ("Aldport", "Bruntsea", "Corwick")]
    settings = make_settings(tmp_path, batch_size=1)
    assert build_directly(settings).status == "published"
    assert bodies(settings) == own
    lines = ask(settings, "select outlet, line_text, document_count, share, lines_version from outlet_lines")
    assert lines == [(OUTLET, MOTTO, 3, 1.0, named_version(settings))]
    labels = "select label, reason from article_segments where text = ?".replace("?", f"'{MOTTO}'")
    assert ask(settings, labels) == [("notice", "repeated_by_outlet")] * 3


def test_a_body_stays_as_it_is_until_lines_are_learned_anew(tmp_path: Path) -> None:
    old = [write_article(tmp_path, place, MOTTO, TEAM) for place in ("Aldport", "Bruntsea")]
    settings = make_settings(tmp_path)
    build_directly(settings)
    assert named_version(settings) is None
    before = bodies(settings)
    assert before == [f"{own}\n\n{MOTTO}\n\n{TEAM}" for own in old]

    new = write_article(tmp_path, "Corwick", MOTTO, TEAM)
    build_directly(settings)
    assert bodies(settings) == [*before, f"{new}\n\n{MOTTO}\n\n{TEAM}"]
    assert named_version(settings) is None

    learned = learn_directly(settings)
    assert sorted(learned.lines["line_text"]) == [MOTTO, TEAM]
    assert learned.report.status == "published"
    assert named_version(settings) == learned.lines["lines_version"][0]
    assert bodies(settings)[:2] == before  # learning judges nothing itself

    assert build_directly(settings).counts["fact_articles"] == 3
    assert bodies(settings) == [*old, new]
    assert learn_directly(settings).report.status == "unchanged"
    assert build_directly(settings).status == "unchanged"


def test_later_articles_are_judged_by_the_version_that_the_release_names(tmp_path: Path) -> None:
    own = [write_article(tmp_path, place, MOTTO) for place in ("Aldport", "Bruntsea", "Corwick")]
    settings = make_settings(tmp_path)
    build_directly(settings)
    version = named_version(settings)
    later = [write_article(tmp_path, place, MOTTO, TEAM) for place in ("Dunmere", "Eastholm", "Farrow")]
    assert build_directly(settings).counts["fact_articles"] == 3
    assert bodies(settings) == [*own, *(f"{text}\n\n{TEAM}" for text in later)]
    assert named_version(settings) == version


def test_the_command_prints_what_it_learned(tmp_path: Path) -> None:
    for place in ("Aldport", "Bruntsea", "Corwick"):
        write_article(tmp_path, place, MOTTO)
    settings = make_settings(tmp_path)
    build_directly(settings)
    result = CliRunner().invoke(app, ["lines", "learn", "--warehouse", str(settings.warehouse), "--format", "jsonl"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "lines_version": named_version(settings), "outlet": OUTLET, "line_text": MOTTO, "document_count": 3, "share": 1.0,
    }  # fmt: skip
    assert result.stderr.strip() == "the release has these lines already"


def test_there_is_nothing_to_learn_from_without_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="build it first"):
        learn_directly(make_settings(tmp_path))
