"""Corrections -> what they change: links, names and types of entities, speakers. The machine's rows stay beside them.

Pure: frames in, frames out, the same in a build and in a dry run.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import polars as pl

from tasks.identity.authority import replace_entities
from tasks.identity.constraints import Group, LinkConstraints, Naming
from tasks.identity.links import LinkedEntities
from tasks.identity.names import fold_name
from tasks.identity.passages import Addressed, NotFound, Row, find_row
from tasks.reading.corrections import Correction, EntityReference, refuse_relabels
from warehouse.keys import make_id
from warehouse.tables import (
    CORRECTIONS,
    ENTITY_CORRECTIONS,
    ENTITY_LINK_CORRECTIONS,
    ENTITY_LINKS,
    QUOTE_SPEAKER_CORRECTIONS,
    SPEAKER_KINDS,
)

CORRECTION_RULE = "correction"

_MACHINE_LINKS_SQL = """
select
    l.document_entity_id,
    coalesce(c.machine_entity_id, l.entity_id) as entity_id,
    coalesce(c.machine_rule, l.rule) as rule,
    coalesce(c.machine_score, l.score) as score
from entity_links as l left join entity_link_corrections as c using (document_entity_id)
order by l.document_entity_id
"""


@dataclass(frozen=True)
class CorrectedEntities:
    """What a release holds once its corrections are obeyed.

    `linked`: ENTITY_LINKS and DIM_ENTITIES. `link_corrections`, `entity_corrections` and `speaker_corrections` conform to
    ENTITY_LINK_CORRECTIONS, ENTITY_CORRECTIONS and QUOTE_SPEAKER_CORRECTIONS: they keep what the machine says beside.
    `outcomes`: CORRECTIONS; those of relabels are filled in from the segments (`count_relabels`).
    """

    linked: LinkedEntities
    link_corrections: pl.DataFrame
    entity_corrections: pl.DataFrame
    speaker_corrections: pl.DataFrame
    outcomes: pl.DataFrame


@dataclass
class _Resolved:
    """One correction with the document entities and quotes that it speaks of, or why it changes nothing."""

    correction: Correction
    members: list[str] = field(default_factory=list)
    quotes: list[Row] = field(default_factory=list)
    outcome: str = "held"
    detail: str | None = None
    changed_count: int = 0

    @property
    def is_live(self) -> bool:
        return self.outcome == "held"

    def refuse(self, detail: str) -> None:
        """Refuse it, also a second time: then for both reasons."""
        told = f"{self.detail}; " if self.outcome == "refused" and self.detail != detail else ""
        self.outcome, self.detail = "refused", told + detail


def read_machine_links(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Read ENTITY_LINKS of a release as they were before its corrections."""
    return con.sql(_MACHINE_LINKS_SQL).pl().cast(ENTITY_LINKS.schema)


def correct_entities(
    linked: LinkedEntities,
    document_entities: pl.DataFrame,
    addressed: Addressed,
    corrections: Sequence[Correction],
    machine_links: pl.DataFrame | None = None,
) -> CorrectedEntities:
    """Obey the corrections: part, join, rename and retype entities, set and clear speakers.

    What parts entities comes first, then what joins them; the order of files and lines decides only which of several
    joined entities gives its id. Corrections that contradict each other are refused, all of them.

    Args:
        linked: The machine's links and entities, as the authority file joined them.
        document_entities: DOCUMENT_ENTITIES of all articles.
        addressed: The articles that the corrections speak of.
        corrections: In the order of files and lines.
        machine_links: ENTITY_LINKS before the authority file; those of `linked` when it joined nothing.
    """
    resolved = _resolve(corrections, linked, document_entities, addressed)
    _refuse_same_quote(resolved)
    links = _Links(linked, document_entities)
    _refuse_contradictions(resolved, links)
    moves = links.obey(_to_constraints(resolved))
    for one in resolved:
        one.changed_count += moves.counts[one.correction.correction_id]
    _refuse_namings(resolved, moves)
    corrected = _move_links(linked, document_entities, moves)
    renamed, entity_corrections = _name_entities(corrected, resolved, moves)
    speakers = _set_speakers(resolved, renamed, addressed)
    before = linked.entity_links if machine_links is None else machine_links
    link_corrections = _describe_moves(before, renamed.entity_links, moves)
    for one in resolved:
        if one.is_live and one.changed_count:
            one.outcome = "applied"
    return CorrectedEntities(renamed, link_corrections, entity_corrections, speakers, _describe_outcomes(resolved))


def list_addressed_rows(corrections: Iterable[Correction], addressed: Addressed) -> list[str]:
    """Return `document_entity_id` of all that corrections name, and of the speakers of the quotes that they name."""
    found = [_find_rows(correction, addressed) for correction in corrections]
    members = {member for one in found for member in one.members}
    speakers = {quote["speaker_document_entity_id"] for one in found for quote in one.quotes}
    return sorted(members | {speaker for speaker in speakers if speaker is not None})


def count_relabels(outcomes: pl.DataFrame, segments: pl.DataFrame, waiting: Mapping[str, int]) -> pl.DataFrame:
    """Fill in CORRECTIONS what became of the relabels.

    Args:
        outcomes: CORRECTIONS.
        segments: `correction_id` and `piece_count` of the segments that were relabelled.
        waiting: Correction -> articles of its outlet that this build was not given the sources of.
    """
    counts = dict(segments.select("correction_id", "piece_count").iter_rows())
    rows = []
    for row in outcomes.iter_rows(named=True):
        if row["action"] == "relabel" and row["outcome"] != "refused":
            count, late = counts.get(row["correction_id"], 0), waiting.get(row["correction_id"], 0)
            row["changed_count"] = count
            row["outcome"] = "applied" if count else "stale"
            row["detail"] = None if count else "no line of the outlet is like that"
            if late:
                row["outcome"] = "applied" if count else "held"
                row["detail"] = f"{late} articles wait for a build that is given their sources"
        rows.append(row)
    return pl.DataFrame(rows, schema=CORRECTIONS.schema, orient="row")


def _resolve(
    corrections: Sequence[Correction], linked: LinkedEntities, document_entities: pl.DataFrame, addressed: Addressed
) -> list[_Resolved]:
    contradictory = refuse_relabels(tuple(corrections))
    found = [_find_rows(correction, addressed) for correction in corrections]
    _check_names(found, linked, document_entities)
    for one in found:
        if (why := contradictory.get(one.correction.correction_id)) is not None:
            one.refuse(why)
    return found


def _find_rows(correction: Correction, addressed: Addressed) -> _Resolved:
    """Find the document entities and quotes of a correction; a passage in several copies of a text is in all of them."""
    resolved = _Resolved(correction)
    try:
        for entity in correction.entities:
            article = addressed.find_articles(entity.mention)[0]
            row = find_row(article, article.mentions, entity.mention, "mention", entity.entity_type)
            resolved.members.append(row["document_entity_id"])
        for passage in correction.passages:
            for article in addressed.find_articles(passage):
                if correction.action == "split":
                    kind = correction.entities[0].entity_type
                    row = find_row(article, article.mentions, passage, "mention", kind)
                    resolved.members.append(row["document_entity_id"])
                else:
                    resolved.quotes.append(find_row(article, article.quotes, passage, "quote"))
    except NotFound as error:
        resolved.outcome, resolved.detail = "stale", str(error)
    return resolved


def _check_names(found: Iterable[_Resolved], linked: LinkedEntities, document_entities: pl.DataFrame) -> None:
    """Let corrections be stale whose mention is there, but is of somebody else by now."""
    live = [one for one in found if one.is_live and one.correction.entities]
    ids = pl.DataFrame(
        {"document_entity_id": sorted({id for one in live for id in one.members})}, {"document_entity_id": pl.String}
    )
    known = (
        ids.join(document_entities.select("document_entity_id", "names", "entity_type"), on="document_entity_id")
        .join(linked.entity_links.select("document_entity_id", "entity_id"), on="document_entity_id")
        .join(linked.dim_entities.select("entity_id", "entity_name", "aliases", dim_type="entity_type"), on="entity_id")
    )
    rows = {row["document_entity_id"]: row for row in known.iter_rows(named=True)}
    given = [one.correction for one in live]
    new_names = {fold_name(one.value) for one in given if one.action in ("rename", "split") and one.value}
    new_types = {one.value for one in given if one.action == "retype"}
    for one in live:
        for entity, member in zip(one.correction.entities, one.members, strict=False):
            why = _compare(entity, rows[member], new_names, new_types)
            if why is not None:
                one.outcome, one.detail = "stale", why


def _compare(
    entity: EntityReference, row: Mapping[str, Any], new_names: set[str], new_types: set[str | None]
) -> str | None:
    names = {fold_name(name) for name in (*row["names"], *row["aliases"], row["entity_name"])}
    if fold_name(entity.name) not in names | new_names:
        return f"{entity.mention} is a mention of {row['entity_name']}, not of {entity.name[:60]}"
    if entity.entity_type not in {row["entity_type"], row["dim_type"], *new_types}:
        return f"{entity.mention} is a mention of a {row['dim_type']}, not of a {entity.entity_type}"
    return None


def _refuse_same_quote(resolved: Iterable[_Resolved]) -> None:
    """Refuse corrections that give one quote two speakers, or a speaker and none."""
    by_quote: dict[str, dict[str, _Resolved]] = defaultdict(dict)
    for one in resolved:
        for quote in one.quotes if one.is_live else ():
            by_quote[quote["quote_id"]][one.correction.correction_id] = one
    for group in by_quote.values():
        _refuse(list(group.values()))


def _refuse(group: Sequence[_Resolved]) -> None:
    for one in group if len(group) > 1 else ():
        one.refuse("it contradicts " + ", ".join(other.correction.origin for other in group if other is not one))


def _to_constraints(resolved: Iterable[_Resolved]) -> LinkConstraints:
    live = [one for one in resolved if one.is_live]

    def groups(action: str) -> tuple[Group, ...]:
        return tuple(
            Group(one.correction.correction_id, tuple(one.members)) for one in live if one.correction.action == action
        )

    def namings(*actions: str) -> tuple[Naming, ...]:
        return tuple(
            Naming(one.correction.correction_id, one.members[-1], one.correction.value)
            for one in live
            if one.correction.action in actions and one.correction.value is not None
        )

    return LinkConstraints(
        groups("merge"), groups("split"), groups("not_same"), namings("split", "rename"), namings("retype")
    )


@dataclass(frozen=True)
class _Moves:
    """Where document entities go: the entity, by which correction, and how many each one moved."""

    entity_of: dict[str, str]
    machine_entity_of: dict[str, str]
    by: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def move(self, ids: Iterable[str], entity_id: str, correction_id: str) -> None:
        """Let a correction link these document entities to `entity_id`."""
        for one in ids:
            if self.entity_of[one] != entity_id:
                self.entity_of[one] = entity_id
                self.by[one] = correction_id
                self.counts[correction_id] += 1


class _Links:
    """The links of the entities that corrections speak of, few among all."""

    def __init__(self, linked: LinkedEntities, document_entities: pl.DataFrame) -> None:
        self._links = linked.entity_links.select("document_entity_id", "entity_id")
        self._document_entities = document_entities
        self._machine: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._names: dict[str, frozenset[str]] = {}

    def read(self, ids: Iterable[str]) -> None:
        """Read the links of these document entities and of all others of the same entities."""
        wanted = pl.DataFrame({"document_entity_id": sorted(set(ids))}, {"document_entity_id": pl.String})
        touched = self._links.join(wanted, on="document_entity_id", how="semi").select("entity_id").unique()
        rows = self._links.join(touched, on="entity_id", how="semi").sort("document_entity_id")
        self._machine = dict(rows.iter_rows())
        members: dict[str, list[str]] = defaultdict(list)
        for document_entity_id, entity_id in self._machine.items():
            members[entity_id].append(document_entity_id)
        self._members = dict(members)

    def read_names(self, ids: Iterable[str]) -> None:
        """Read the folded names of these document entities."""
        wanted = pl.DataFrame(
            {"document_entity_id": sorted(set(ids) - self._names.keys())}, {"document_entity_id": pl.String}
        )
        rows = self._document_entities.select("document_entity_id", "names").join(wanted, on="document_entity_id")
        self._names |= {id: frozenset(map(fold_name, names)) for id, names in rows.iter_rows()}

    def part(self, constraints: LinkConstraints) -> _Moves:
        """Take apart what `parted` and `cannot_link` say."""
        moves = _Moves(dict(self._machine), self._machine)
        for group in constraints.parted:
            first, *others = group.members
            leaving = [one for one in others if moves.entity_of[one] == moves.entity_of[first]]
            moves.move(leaving, make_id("split", group.correction_id), group.correction_id)
        for group in constraints.cannot_link:
            stays, leaves = group.members
            entity_id = moves.entity_of[leaves]
            if moves.entity_of[stays] == entity_id:
                shared = [one for one in self._members[self._machine[leaves]] if moves.entity_of[one] == entity_id]
                leaving = self._side_with(leaves, stays, shared)
                moves.move(leaving, make_id("split", group.correction_id), group.correction_id)
        return moves

    def _side_with(self, leaves: str, stays: str, shared: Sequence[str]) -> list[str]:
        self.read_names(shared)
        own, others = self._names[leaves], self._names[stays]
        return [
            one for one in shared
            if one == leaves
            or (one != stays and len(self._names[one] & own) > len(self._names[one] & others))
        ]  # fmt: skip

    def obey(self, constraints: LinkConstraints) -> _Moves:
        """Part, then join."""
        moves = self.part(constraints)
        joined: dict[str, tuple[str, str]] = {}

        def find(entity_id: str) -> str:
            root = entity_id
            while root in joined:
                root = joined[root][0]
            while entity_id != root:  # the way is kept short, however many are joined one to the next
                following, by = joined[entity_id]
                joined[entity_id] = (root, by)
                entity_id = following
            return root

        for group in constraints.must_link:
            target = find(moves.entity_of[group.members[0]])
            for member in group.members[1:]:
                source = find(moves.entity_of[member])
                if source != target:
                    joined[source] = (target, group.correction_id)
        for document_entity_id, entity_id in list(moves.entity_of.items()):
            if entity_id in joined:
                moves.move([document_entity_id], find(entity_id), joined[entity_id][1])
        return moves


def _refuse_contradictions(resolved: Sequence[_Resolved], links: _Links) -> None:
    """Refuse what says of two entities that they are one and that they are not, until nothing does."""
    links.read(member for one in resolved if one.is_live for member in one.members)
    _refuse_inseparable(resolved)
    while True:
        moves = links.part(_to_constraints(resolved))
        edges = _list_edges(resolved, moves)
        apart = [one for one in resolved if one.is_live and one.correction.action in ("split", "not_same")]
        found = [
            (one, _find_path(edges, moves.entity_of[one.members[0]], moves.entity_of[one.members[-1]])) for one in apart
        ]
        contradictions = [[one, *path] for one, path in found if path]
        for group in contradictions:
            _refuse(group)
        if not contradictions:
            return


def _list_edges(resolved: Iterable[_Resolved], moves: _Moves) -> dict[str, list[tuple[str, _Resolved]]]:
    """Return for each entity those that a merge joins it with, and the merge."""
    edges: dict[str, list[tuple[str, _Resolved]]] = defaultdict(list)
    for one in resolved:
        if one.is_live and one.correction.action == "merge":
            first, *others = (moves.entity_of[member] for member in one.members)
            for other in others:
                edges[first].append((other, one))
                edges[other].append((first, one))
    return edges


def _unique(found: Iterable[_Resolved]) -> list[_Resolved]:
    return list({one.correction.correction_id: one for one in found}.values())


def _refuse_inseparable(resolved: Iterable[_Resolved]) -> None:
    """Refuse to part what is one entity within its article, and what two corrections part in different ways."""
    leaving: dict[str, list[_Resolved]] = defaultdict(list)
    for one in resolved:
        if one.is_live and one.correction.action in ("split", "not_same"):
            if one.members[0] in one.members[1:] or len(one.members) < 2:
                one.refuse("the words are mentions of one entity of one article, which is linked as a whole")
            elif one.correction.action == "split":
                for member in one.members[1:]:
                    leaving[member].append(one)
    for group in leaving.values():
        _refuse(_unique(group))


def _find_path(edges: Mapping[str, Sequence[tuple[str, _Resolved]]], start: str, end: str) -> list[_Resolved]:
    """Return the merges on the shortest way from one entity to another; there is none to itself."""
    came: dict[str, tuple[str, _Resolved]] = {}
    reached, seen = [start], {start}
    while reached and end not in seen:
        following: list[str] = []
        for node in reached:
            for other, merge in edges.get(node, ()):
                if other not in seen:
                    seen.add(other)
                    came[other] = (node, merge)
                    following.append(other)
        reached = following
    path = []
    while end in came:
        end, merge = came[end]
        path.append(merge)
    return _unique(path)


def _refuse_namings(resolved: Sequence[_Resolved], moves: _Moves) -> None:
    """Refuse two names, or two types, for one entity."""
    for action in ("rename", "retype"):
        said: dict[str, list[_Resolved]] = defaultdict(list)
        for one in resolved:
            if one.is_live and one.correction.action == action:
                said[moves.entity_of[one.members[0]]].append(one)
        for group in said.values():
            if len({one.correction.value for one in group}) > 1:
                _refuse(group)


def _move_links(linked: LinkedEntities, document_entities: pl.DataFrame, moves: _Moves) -> LinkedEntities:
    changed = {one: to for one, to in moves.entity_of.items() if moves.machine_entity_of[one] != to}
    if not changed:
        return linked
    moved = pl.DataFrame({"document_entity_id": list(changed), "corrected_id": list(changed.values())})
    is_moved = pl.col("corrected_id").is_not_null()
    links = (
        linked.entity_links.join(moved, on="document_entity_id", how="left")
        .with_columns(
            entity_id=pl.coalesce("corrected_id", "entity_id"),
            rule=pl.when(is_moved).then(pl.lit(CORRECTION_RULE)).otherwise("rule"),
            score=pl.when(is_moved).then(1.0).otherwise("score"),
        )
        .select(ENTITY_LINKS.column_names)
        .sort("document_entity_id")
    )
    affected = {*changed.values(), *(moves.machine_entity_of[one] for one in changed)}
    corrected = replace_entities(linked, links, document_entities, affected)
    # who is joined to others, or left by some, keeps name and type, unless the name went with those who left
    before = linked.dim_entities.select("entity_id", machine_name="entity_name", machine_type="entity_type")
    is_there = pl.col("machine_name").is_in(pl.col("aliases"))
    entities = (
        corrected.dim_entities.join(before, on="entity_id", how="left")
        .with_columns(
            entity_type=pl.coalesce("machine_type", "entity_type"),
            entity_name=pl.when(is_there).then("machine_name").otherwise("entity_name"),
        )
        .select(linked.dim_entities.columns)
        .sort("entity_id")
    )
    return replace(corrected, dim_entities=entities)


def _name_entities(
    corrected: LinkedEntities, resolved: Sequence[_Resolved], moves: _Moves
) -> tuple[LinkedEntities, pl.DataFrame]:
    """Give entities the names and types that corrections say; a name given with a split yields to a rename."""
    machine = {row["entity_id"]: row for row in _select(corrected.dim_entities, moves.entity_of.values())}
    names: dict[str, _Resolved] = {}
    types: dict[str, _Resolved] = {}
    order = {"split": 0, "rename": 1}
    for one in sorted((one for one in resolved if one.is_live), key=lambda one: order.get(one.correction.action, 2)):
        if one.correction.action in order and one.correction.value is not None:
            names[moves.entity_of[one.members[-1]]] = one
        elif one.correction.action == "retype":
            types[moves.entity_of[one.members[0]]] = one
    rows, changes = [], {}
    for entity_id in sorted({*names, *types}):
        row = dict(machine[entity_id])
        before = (row["entity_name"], row["entity_type"])
        rename, retype = (
            _change(row, column, said.get(entity_id))
            for column, said in (("entity_name", names), ("entity_type", types))
        )
        if rename or retype:
            changes[entity_id] = row
            rows.append(
                dict(
                    zip(ENTITY_CORRECTIONS.column_names, (entity_id, rename, before[0], retype, before[1]), strict=True)
                )
            )
    changed = pl.DataFrame(list(changes.values()), schema=corrected.dim_entities.schema, orient="row")
    kept = corrected.dim_entities.join(changed.select("entity_id"), on="entity_id", how="anti")
    entities = pl.concat([kept, changed]).sort("entity_id")
    return replace(corrected, dim_entities=entities), pl.DataFrame(rows, ENTITY_CORRECTIONS.schema, orient="row")


def _change(row: Row, column: str, one: _Resolved | None) -> str | None:
    if one is None or row[column] == one.correction.value:
        return None
    row[column] = one.correction.value
    one.changed_count += 1
    return one.correction.correction_id


def _select(dim_entities: pl.DataFrame, entity_ids: Iterable[str]) -> Iterator[Row]:
    wanted = pl.DataFrame({"entity_id": sorted(set(entity_ids))}, {"entity_id": pl.String})
    return dim_entities.join(wanted, on="entity_id", how="semi").iter_rows(named=True)


def _set_speakers(resolved: Sequence[_Resolved], corrected: LinkedEntities, addressed: Addressed) -> pl.DataFrame:
    """Return QUOTE_SPEAKER_CORRECTIONS; a correction that says what the machine says has no row."""
    live = [one for one in resolved if one.is_live and one.quotes]
    said = [(one, quote) for one in live for quote in one.quotes]
    wanted = {*(one.members[0] for one in live if one.members), *(q["speaker_document_entity_id"] for _, q in said)}
    frame = pl.DataFrame(
        {"document_entity_id": sorted(one for one in wanted if one)}, {"document_entity_id": pl.String}
    )
    linked = corrected.entity_links.join(frame, on="document_entity_id", how="semi")
    entity_of = dict(linked.select("document_entity_id", "entity_id").iter_rows())
    types = {row["entity_id"]: row["entity_type"] for row in _select(corrected.dim_entities, entity_of.values())}
    rows = []
    for one, quote in said:
        speaker = entity_of[one.members[0]] if one.members else None
        machine = entity_of.get(quote["speaker_document_entity_id"])
        if speaker == machine:
            continue
        one.changed_count += 1
        rows.append(
            {
                "quote_id": quote["quote_id"],
                "statement_id": quote["statement_id"],
                "correction_id": one.correction.correction_id,
                "speaker_entity_id": speaker,
                "speaker_kind": types[speaker] if speaker and types[speaker] in SPEAKER_KINDS else None,
                "machine_speaker_entity_id": machine,
                "is_whole_statement": False,
            }
        )
    return _find_whole_statements(pl.DataFrame(rows, QUOTE_SPEAKER_CORRECTIONS.schema, orient="row"), addressed)


def _find_whole_statements(speakers: pl.DataFrame, addressed: Addressed) -> pl.DataFrame:
    counts = Counter(
        quote["statement_id"]
        for articles in addressed.by_document.values()
        for article in articles
        for quote in article.quotes
        if quote["statement_id"] is not None
    )
    wanted = speakers.get_column("statement_id").drop_nulls().unique().sort()
    sizes = pl.DataFrame(
        [(one, counts[one]) for one in wanted], {"statement_id": pl.String, "part_count": pl.UInt32}, orient="row"
    )
    alike = (
        speakers.drop_nulls("statement_id").group_by("statement_id")
        .agg(pl.len().alias("corrected_count"), speakers=pl.col("speaker_entity_id").n_unique())
        .join(sizes, on="statement_id")
        .filter(pl.col("speakers") == 1, pl.col("corrected_count") == pl.col("part_count"))
    )  # fmt: skip
    is_whole = pl.col("statement_id").is_in(alike.get_column("statement_id").implode()).fill_null(False)
    return speakers.with_columns(is_whole_statement=is_whole).sort("quote_id")


def _describe_moves(machine_links: pl.DataFrame, links: pl.DataFrame, moves: _Moves) -> pl.DataFrame:
    by = pl.DataFrame(
        list(moves.by.items()), {"document_entity_id": pl.String, "correction_id": pl.String}, orient="row"
    )
    machine = machine_links.rename({"entity_id": "machine_entity_id", "rule": "machine_rule", "score": "machine_score"})
    return (
        links.select("document_entity_id", "entity_id")
        .join(machine, on="document_entity_id")
        .filter(pl.col("entity_id") != pl.col("machine_entity_id"))
        .join(by, on="document_entity_id", how="left")
        .select(ENTITY_LINK_CORRECTIONS.column_names)
        .cast(ENTITY_LINK_CORRECTIONS.schema)
        .sort("document_entity_id")
    )


def _describe_outcomes(resolved: Iterable[_Resolved]) -> pl.DataFrame:
    rows = [
        {
            **{
                name: getattr(one.correction, name) for name in ("file", "line_no", "correction_id", "action", "target")
            },
            **{name: getattr(one.correction, name) for name in ("corrected_by", "corrected_on", "reason")},
            "outcome": one.outcome,
            "changed_count": one.changed_count,
            "detail": one.detail,
        }
        for one in resolved
    ]
    return pl.DataFrame(rows, CORRECTIONS.schema, orient="row").sort("file", "line_no")
