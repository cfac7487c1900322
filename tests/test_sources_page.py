"""docs/sources.md says what the code does: roles of fields, suffixes, and which rejections are exit code 4."""

import re
from pathlib import Path

from tasks.ingest import COULD_NOT_READ
from tasks.reading.fields import ROLES
from tasks.reading.readers import READERS

PAGE = (Path(__file__).parents[1] / "docs" / "sources.md").read_text("utf-8")


def test_the_roles_and_their_names_are_those_of_the_code() -> None:
    section = PAGE.split("## Which field is what")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))
    assert {role: tuple(re.findall(r"`([^`]+)`", names)) for role, names in rows.items()} == dict(ROLES)


def test_every_suffix_that_is_read_is_named() -> None:
    section = PAGE.split("## Formats")[1].split("\n## ")[0]
    assert {suffix for reader in READERS for suffix in reader.suffixes} <= set(re.findall(r"`(\.\w+)`", section))


def test_the_exit_codes_of_rejections_are_those_of_the_code() -> None:
    section = PAGE.split("## What is rejected")[1].split("\n## ")[0]
    codes = {
        reason: code
        for reasons, code in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| (\d) \|$", section, re.MULTILINE)
        for reason in re.findall(r"`(\w+)`", reasons)
    }
    assert {reason for reason, code in codes.items() if code == "4"} == {
        reason for reason in COULD_NOT_READ if not reason.startswith("malformed")
    }
