"""The ledger of corrections: `corrections/*.yml`, what people put right, each with who, when and why."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from tasks.outlets import load_outlets
from tasks.reading.metadata import SkippedEntry
from tasks.reading.text_files import read_text_file
from warehouse.keys import make_id
from warehouse.tables import ENTITY_TYPES, SEGMENT_LABELS

FIELDS = {
    "merge": (("entities",), ()),
    "split": (("entity", "mentions"), ("new_name",)),
    "rename": (("entity", "new_name"), ()),
    "not_same": (("entities",), ()),
    "retype": (("entity", "new_type"), ()),
    "set_speaker": (("quote", "speaker"), ()),
    "clear_speaker": (("quote",), ()),
    "relabel": (("outlet", "label"), ("line", "pattern")),
}
"""Action -> the fields that it must have and those that it may have, besides action, who, when and why."""
_TOLD = ("action", "who", "when", "why")
_SUFFIXES = (".yml", ".yaml")


class CorrectionError(Exception):
    """A correction that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True)
class Passage:
    """Words in a document: the `occurrence`-th place, counted from 1, where its body has them."""

    words: str
    occurrence: int = 1
    document_id: str | None = None
    raw_sha256: str | None = None

    def __str__(self) -> str:
        """Show the words and where they stand, shortened for a line of a report."""
        place = (self.document_id or self.raw_sha256 or "")[:16]
        number = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"“{_shorten(self.words)}”{number} in {place}"


@dataclass(frozen=True)
class EntityReference:
    """An entity: a name and a type that it has, and one passage that mentions it."""

    name: str
    entity_type: str
    mention: Passage

    def __str__(self) -> str:
        """Show name and type."""
        return f"{_shorten(self.name)} ({self.entity_type})"


@dataclass(frozen=True)
class Correction:
    """One correction. Which of the fields are filled depends on `action`; `FIELDS` says how."""

    correction_id: str
    file: str
    line_no: int
    action: str
    corrected_by: str
    corrected_on: date
    reason: str
    entities: tuple[EntityReference, ...] = ()
    passages: tuple[Passage, ...] = ()
    value: str | None = None
    outlet: str | None = None
    line: str | None = None
    pattern: str | None = None

    @property
    def origin(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line_no}"

    @property
    def target(self) -> str:
        """What it is about, in words."""
        parts = [*map(str, self.entities), *map(str, self.passages)]
        if self.outlet is not None:
            parts = [f"{self.outlet}: {_shorten(self.line or self.pattern or '')}"]
        return " + ".join(parts) + (f" -> {_shorten(self.value)}" if self.value else "")


@dataclass(frozen=True)
class ReadCorrections:
    """The corrections of a folder in the order of files and lines, and the entries that were skipped."""

    corrections: tuple[Correction, ...] = ()
    skipped: tuple[SkippedEntry, ...] = ()


def read_corrections(folder: Path | None) -> ReadCorrections:
    """Read every `.yml` file of a folder, by name; no folder has no corrections.

    A file is a list of corrections. One that is malformed is skipped with its file and line, also when it breaks the
    YAML of its file: then the entries are read one by one. All values are texts, so that an id of digits stays one.
    """
    read: list[Correction] = []
    skipped: list[SkippedEntry] = []
    first_lines: dict[str, str] = {}
    for path in _list_files(folder):
        name = path.name
        for line_no, entry in _read_entries(path):
            try:
                if isinstance(entry, CorrectionError):
                    raise entry
                correction = parse_correction(entry, name, line_no)
                first = first_lines.setdefault(correction.correction_id, correction.origin)
                if first != correction.origin:
                    raise CorrectionError(f"it repeats {first}")
                read.append(correction)
            except CorrectionError as error:
                skipped.append(SkippedEntry(f"{name}:{line_no}", f"line {line_no}: {error}"))
    return ReadCorrections(tuple(read), tuple(skipped))


def hash_relabels(corrections: tuple[Correction, ...]) -> dict[str, str]:
    """Return for every outlet, in lower case, the hash of its relabels: an article cleaned by others is cleaned anew."""
    by_outlet: dict[str, list[str]] = {}
    for correction in corrections:
        if correction.action == "relabel" and correction.outlet is not None:
            by_outlet.setdefault(correction.outlet.lower(), []).append(correction.correction_id)
    return {outlet: make_id(outlet, *ids) for outlet, ids in by_outlet.items()}


def select_relabels(corrections: tuple[Correction, ...]) -> tuple[Correction, ...]:
    """Return the relabels that cleaning obeys: those that no other one contradicts."""
    refused = refuse_relabels(corrections)
    return tuple(one for one in corrections if one.action == "relabel" and one.correction_id not in refused)


def refuse_relabels(corrections: tuple[Correction, ...]) -> dict[str, str]:
    """Return the relabels that contradict another one (one line of one outlet, two labels): id -> why."""
    said: dict[tuple[str | None, ...], list[Correction]] = {}
    for correction in corrections:
        if correction.action == "relabel":
            key = ((correction.outlet or "").lower(), correction.line, correction.pattern)
            said.setdefault(key, []).append(correction)
    return {
        one.correction_id: "it contradicts " + ", ".join(o.origin for o in group if o is not one)
        for group in said.values()
        if len(group) > 1
        for one in group
    }


def parse_correction(entry: object, file: str, line_no: int) -> Correction:
    """Return one entry as a `Correction`.

    Raises:
        CorrectionError: If a field is missing, unknown or not of its kind.
    """
    if not isinstance(entry, Mapping):
        raise CorrectionError("it is not an entry with fields (action, who, when, why …)")
    action = _parse_text(entry, "action")
    if action not in FIELDS:
        raise CorrectionError(f"action {action!r} is none of {', '.join(FIELDS)}")
    required, optional = FIELDS[action]
    _check_fields(entry, (*_TOLD, *required), optional)
    said = {name: entry[name] for name in (*required, *optional) if name in entry}
    return Correction(
        correction_id=make_id(action, json.dumps(said, ensure_ascii=False, sort_keys=True)),
        file=file,
        line_no=line_no,
        action=action,
        corrected_by=_parse_text(entry, "who"),
        corrected_on=_parse_date(_parse_text(entry, "when")),
        reason=_parse_text(entry, "why"),
        **_parse_fields(action, entry),
    )


def _parse_fields(action: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    if action in ("merge", "not_same"):
        entities = tuple(map(_parse_entity, _parse_list(entry, "entities", least=2)))
        if action == "not_same" and len(entities) != 2:
            raise CorrectionError("entities are not two")
        return {"entities": entities}
    if action == "split":
        mentions = tuple(_parse_passage(one, "mentions") for one in _parse_list(entry, "mentions", least=1))
        value = _parse_text(entry, "new_name") if "new_name" in entry else None
        return {"entities": (_parse_entity(entry["entity"]),), "passages": mentions, "value": value}
    if action == "rename":
        return {"entities": (_parse_entity(entry["entity"]),), "value": _parse_text(entry, "new_name")}
    if action == "retype":
        return {"entities": (_parse_entity(entry["entity"]),), "value": _parse_word(entry, "new_type", ENTITY_TYPES)}
    if action == "relabel":
        return _parse_relabel(entry)
    speaker = (_parse_entity(entry["speaker"]),) if action == "set_speaker" else ()
    return {"entities": speaker, "passages": (_parse_passage(entry["quote"], "quote"),)}


def _parse_relabel(entry: Mapping[str, Any]) -> dict[str, Any]:
    if ("line" in entry) == ("pattern" in entry):
        raise CorrectionError("it needs either line (a whole line) or pattern (a regular expression)")
    form = "line" if "line" in entry else "pattern"
    text = _parse_text(entry, form)
    if form == "pattern":
        try:
            pl.Series([""]).str.contains(text)
        except pl.exceptions.ComputeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise CorrectionError(f"pattern is no regular expression ({reason})") from error
    return {
        "outlet": _find_outlet(_parse_text(entry, "outlet")),
        "value": _parse_word(entry, "label", SEGMENT_LABELS),
        form: " ".join(text.split()) if form == "line" else text,
    }


def _find_outlet(name: str) -> str:
    """Return the name of the configured outlet that has this name among its own, else the name as it is."""
    key = name.lower()
    return next(
        (o.name for o in load_outlets() if key in (one.lower() for one in (o.name, *o.names, *o.domains))), name
    )


def _parse_entity(entry: object) -> EntityReference:
    if not isinstance(entry, Mapping):
        raise CorrectionError("an entity has the fields name, type and mention")
    _check_fields(entry, ("name", "type", "mention"), ())
    mention = _parse_passage(entry["mention"], "mention")
    return EntityReference(_parse_text(entry, "name"), _parse_word(entry, "type", ENTITY_TYPES), mention)


def _parse_passage(entry: object, name: str) -> Passage:
    if not isinstance(entry, Mapping):
        raise CorrectionError(f"{name} has the fields document_id or raw_sha256, words and, if need be, occurrence")
    _check_fields(entry, ("words",), ("occurrence", "document_id", "raw_sha256"))
    places = {key: _parse_text(entry, key).lower() for key in ("document_id", "raw_sha256") if key in entry}
    if not places:
        raise CorrectionError(f"{name} has neither document_id nor raw_sha256")
    for key, length in (("document_id", 16), ("raw_sha256", 64)):
        if key in places and not re.fullmatch(f"[0-9a-f]{{{length}}}", places[key]):
            raise CorrectionError(f"{key} is not {length} hexadecimal digits")
    occurrence = str(entry.get("occurrence", "1"))
    if not re.fullmatch("[1-9][0-9]{0,5}", occurrence):
        raise CorrectionError(f"occurrence {_shorten(occurrence)!r} is not a number from 1 on")
    return Passage(_parse_text(entry, "words"), int(occurrence), **places)


def _check_fields(entry: Mapping[Any, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in entry]
    if missing:
        raise CorrectionError(f"it has no {', '.join(missing)}")
    unknown = [_shorten(str(name)) for name in entry if name not in (*required, *optional)]
    if unknown:
        raise CorrectionError(f"it has a field that does not belong there: {', '.join(unknown)}")


def _parse_text(entry: Mapping[Any, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip():
        raise CorrectionError(f"{name} is not a text")
    return value.strip()


def _parse_word(entry: Mapping[Any, Any], name: str, words: tuple[str, ...]) -> str:
    value = _parse_text(entry, name)
    if value not in words:
        raise CorrectionError(f"{name} {_shorten(value)!r} is none of {', '.join(words)}")
    return value


def _parse_list(entry: Mapping[Any, Any], name: str, *, least: int) -> list[Any]:
    value = entry.get(name)
    if not isinstance(value, list) or len(value) < least:
        raise CorrectionError(f"{name} is not a list of at least {least}")
    return value


def _parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise CorrectionError(f"when {_shorten(text)!r} is not a date like 2024-05-31") from error


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _list_files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and not path.name.startswith("."))


class _TextLoader(yaml.BaseLoader):
    """Reads every scalar as a text; no aliases, which can grow without bounds, and no key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*) are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value]
        if not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a field stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read_entries(path: Path) -> Iterator[tuple[int, object]]:
    """Yield the entries of one file with their lines; an error in the place of one that is no YAML."""
    try:
        text = read_text_file(path, CorrectionError)
    except CorrectionError as error:
        yield 1, error
        return
    try:
        entries = list(_parse_yaml(text, 1))
    except (yaml.YAMLError, RecursionError):
        entries = [entry for line_no, part in _split_entries(text) for entry in _parse_alone(part, line_no)]
    yield from entries


def _parse_yaml(text: str, first_line: int) -> Iterator[tuple[int, object]]:
    loader = _TextLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            yield first_line, CorrectionError("the file is not a list of corrections (each begins with “- action:”)")
            return
        for item in node.value:
            yield first_line + item.start_mark.line, loader.construct_object(item, deep=True)
    finally:
        loader.dispose()


def _parse_alone(text: str, first_line: int) -> list[tuple[int, object]]:
    try:
        return list(_parse_yaml(text, first_line))
    except yaml.MarkedYAMLError as error:
        line_no = first_line + (error.problem_mark.line if error.problem_mark else 0)
        return [(first_line, CorrectionError(f"it is not YAML (line {line_no}: {error.problem})"))]
    except yaml.YAMLError as error:
        return [(first_line, CorrectionError(f"it is not YAML ({' '.join(str(error).split())})"))]
    except RecursionError:
        return [(first_line, CorrectionError("it is nested too deeply"))]


def _split_entries(text: str) -> Iterator[tuple[int, str]]:
    """Split the text of a list into its entries, each of which begins with a dash in the first column."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.startswith("- ") or line.rstrip() == "-"]
    if not starts or any(line.strip() and not line.startswith(("#", "---")) for line in lines[: starts[0]]):
        starts = [0, *starts]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield start + 1, "".join(lines[start:end])
