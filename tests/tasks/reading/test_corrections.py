"""The ledger of corrections as people write it: every value a text, every mistake named with its line."""

from datetime import date
from pathlib import Path

import pytest

from tasks.reading.corrections import Correction, Passage, read_corrections, refuse_relabels, select_relabels

SIGNED = "  who: M. Editor\n  when: 2024-05-20\n  why: a reader wrote\n"
MENTION = "{document_id: '1234567890123456', words: Ann Lee}"
ANN = f"{{name: Ann Lee, type: person, mention: {MENTION}}}"


def read(tmp_path: Path, *entries: str, name: str = "desk.yml") -> tuple[Correction, ...]:
    tmp_path.joinpath(name).write_text("".join(entries), encoding="utf-8")
    return read_corrections(tmp_path).corrections


def skip(tmp_path: Path, *entries: str) -> list[tuple[str, str]]:
    read(tmp_path, *entries)
    return [(one.metadata_uri, one.detail) for one in read_corrections(tmp_path).skipped]


def rename(name: str, entity: str = ANN) -> str:
    return f"- action: rename\n  entity: {entity}\n  new_name: {name}\n{SIGNED}"


def test_a_correction_says_what_who_when_and_why(tmp_path: Path) -> None:
    [one] = read(tmp_path, "# the desk's own\n", rename("Anna Lee"))
    assert (one.action, one.value, one.origin) == ("rename", "Anna Lee", "desk.yml:2")
    assert (one.corrected_by, one.corrected_on, one.reason) == ("M. Editor", date(2024, 5, 20), "a reader wrote")
    [entity] = one.entities
    assert (entity.name, entity.entity_type) == ("Ann Lee", "person")
    assert entity.mention == Passage("Ann Lee", 1, "1234567890123456")


def test_values_are_texts_so_that_no_name_is_a_truth_value_and_no_id_a_number(tmp_path: Path) -> None:
    entity = "{name: No, type: person, mention: {document_id: 0000000000000012, words: 1984, occurrence: 2}}"
    [one] = read(tmp_path, rename("Yes", entity))
    assert (one.value, one.entities[0].name) == ("Yes", "No")
    assert one.entities[0].mention == Passage("1984", 2, "0000000000000012")


def test_the_id_of_a_correction_is_what_it_says_wherever_it_stands(tmp_path: Path) -> None:
    [one] = read(tmp_path, rename("Anna Lee"))
    [moved] = read(tmp_path, "\n\n", rename("Anna Lee").replace("a reader wrote", "her wish"))
    assert (moved.line_no, moved.correction_id) == (3, one.correction_id)
    [other] = read(tmp_path, rename("Anna-Lee"))
    assert other.correction_id != one.correction_id


def test_files_are_read_by_name_and_no_folder_has_no_corrections(tmp_path: Path) -> None:
    read(tmp_path, rename("B"), name="b.yaml")
    read(tmp_path, rename("A"), name="a.yml")
    read(tmp_path, "not a correction", name="notes.txt")
    assert [one.value for one in read_corrections(tmp_path).corrections] == ["A", "B"]
    assert read_corrections(None).corrections == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("- just words\n", "not an entry with fields"),
        ("- action: rename\n" + SIGNED, "it has no entity, new_name"),
        ("- action: abolish\n" + SIGNED, "action 'abolish' is none of"),
        (rename("A").replace("  who: M. Editor\n", ""), "it has no who"),
        (rename("A").replace("2024-05-20", "last week"), "is not a date"),
        (rename("A") + "  occurence: 2\n", "does not belong there: occurence"),
        (rename("''"), "new_name is not a text"),
        (rename("A", ANN.replace("person", "spirit")), "type 'spirit' is none of"),
        (rename("A", ANN.replace("1234567890123456", "12")), "document_id is not 16 hexadecimal digits"),
        (rename("A", ANN.replace("document_id: '1234567890123456', ", "")), "neither document_id nor raw_sha256"),
        (rename("A", ANN.replace("words: Ann Lee", "words: Ann Lee, occurrence: 0")), "is not a number from 1 on"),
        (f"- action: merge\n  entities: [{ANN}]\n{SIGNED}", "entities is not a list of at least 2"),
        (f"- action: not_same\n  entities: [{ANN}, {ANN}, {ANN}]\n{SIGNED}", "entities are not two"),
        (f"- action: relabel\n  outlet: X\n  label: body\n{SIGNED}", "needs either line"),
        (f"- action: relabel\n  outlet: X\n  label: body\n  pattern: '('\n{SIGNED}", "no regular expression"),
        (f"- action: relabel\n  outlet: X\n  label: odd\n  line: x\n{SIGNED}", "label 'odd' is none of"),
        ("- action: [rename\n", "it is not YAML"),
        ("- action: &a x\n  who: *a\n", "aliases (*) are not allowed"),
        ("- action: rename\n  action: merge\n", "a field stands there twice"),
        ("- " + "[" * 5000 + "\n", "it is nested too deeply"),
        ("- action: rena\x01me\n", "it is not YAML"),
    ],
)  # fmt: skip
def test_a_malformed_correction_is_skipped_with_its_line_and_the_rest_is_read(
    tmp_path: Path, entry: str, message: str
) -> None:
    [(place, detail)] = skip(tmp_path, rename("One"), entry, rename("Two"))
    assert place == "desk.yml:7" and detail.startswith("line 7: ") and message in detail
    assert [one.value for one in read_corrections(tmp_path).corrections] == ["One", "Two"]


def test_a_file_that_is_no_list_or_no_text_is_skipped_as_a_whole(tmp_path: Path) -> None:
    assert skip(tmp_path, "action: rename\n") == [
        ("desk.yml:1", "line 1: the file is not a list of corrections (each begins with “- action:”)")
    ]
    tmp_path.joinpath("desk.yml").write_bytes(b"\xff\xfe\x00")
    assert read_corrections(tmp_path).skipped[0].detail == "line 1: the file is not UTF-8 text"
    tmp_path.joinpath("desk.yml").write_bytes(b"# nothing yet\n")
    assert read_corrections(tmp_path).skipped == ()


def test_a_correction_that_stands_there_twice_is_read_once(tmp_path: Path) -> None:
    assert skip(tmp_path, rename("A"), rename("A")) == [("desk.yml:7", "line 7: it repeats desk.yml:1")]


def test_a_name_of_ten_thousand_characters_in_any_script_is_read_whole(tmp_path: Path) -> None:
    name = "Ж" * 10_000
    [one] = read(tmp_path, rename(name))
    assert one.value == name and len(one.target) < 300


def test_two_labels_for_one_kind_of_line_are_both_refused(tmp_path: Path) -> None:
    entry = "- action: relabel\n  outlet: Meridian Post\n  label: {}\n  pattern: '^GET'\n" + SIGNED
    other = entry.replace("Meridian", "Quay")
    notice, junk, elsewhere = read(tmp_path, entry.format("notice"), entry.format("junk"), other.format("junk"))
    assert refuse_relabels((notice, junk, elsewhere)) == {
        notice.correction_id: "it contradicts desk.yml:8",
        junk.correction_id: "it contradicts desk.yml:1",
    }
    assert select_relabels((notice, junk, elsewhere)) == (elsewhere,)
    assert notice.outlet == "The Meridian Post"
