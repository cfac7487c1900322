"""An authority file meets the entities: who is in it, with which external id. Namesakes get none."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from tasks.identity.constraints import AuthorityRow
from tasks.identity.linking.entities import build_entities
from tasks.identity.links import LinkedEntities
from tasks.identity.names import fold_organization, parse_person
from tasks.identity.places import fold_place
from warehouse.tables import ENTITY_AUTHORITIES, ENTITY_LINKS

AUTHORITY_RULE = "authority"
SCHEME_ORDER = ("wikidata", "viaf")
"""Which id an entity shows when it has several; the newsroom's own ones come last, by the letter."""


@dataclass(frozen=True)
class MatchedAuthority:
    """The links and entities after the match, and ENTITY_AUTHORITIES: one row an external id of an entity."""

    linked: LinkedEntities
    authorities: pl.DataFrame


def match_authority(
    linked: LinkedEntities, document_entities: pl.DataFrame, authority: Sequence[AuthorityRow]
) -> MatchedAuthority:
    """Find the entities that an authority file knows, and join those that one row of it names.

    Names are compared folded, within one type. A person's surname or other single word counts only for an entity that
    is nowhere named in full, and only while nobody of that surname is. Where two rows have different ids of one scheme
    for one name, or for one entity, the name says nothing: neither id is given.

    Args:
        linked: The machine's links and entities.
        document_entities: DOCUMENT_ENTITIES of all articles; read only where entities are joined.
        authority: The rows; several may be of one entity, each with an id of another scheme.
    """
    if not authority:
        return MatchedAuthority(linked, ENTITY_AUTHORITIES.schema.to_frame())
    names = _fold_aliases(linked.dim_entities, {row.entity_type for row in authority})
    entries = _join_rows(authority)
    matches = _match_names(entries, names)
    joined = _join_entities(linked, document_entities, [sorted(found) for found in matches])
    target = dict(joined.moves)
    rows = [
        {
            "entity_id": target.get(entity_id, entity_id),
            "external_scheme": row.scheme,
            "external_id": row.external_id,
            "authority_name": row.name,
            "matched_name": matched_name,
            "authority_row": row.origin,
        }
        for entry, found in zip(entries, matches, strict=True)
        for entity_id, matched_name in sorted(found.items())
        for row in entry
        if row.external_id is not None
    ]
    found_ids = pl.DataFrame(rows, schema=ENTITY_AUTHORITIES.schema, orient="row")
    return MatchedAuthority(joined.linked, _keep_unambiguous(found_ids))


def find_candidates(con: duckdb.DuckDBPyConnection, authority: Sequence[AuthorityRow]) -> pl.DataFrame:
    """Return `entity_id` of the entities that `match_authority` has to look at, all others can be left out.

    Folding a name takes Python; most need none, because no word of theirs is in the authority file. A name with other
    letters than English ones is always looked at, and so is a place or a people, whose key may be a country's code.
    """
    keys = [(row.entity_type, _fold(row.entity_type, name)[0]) for row in authority for name in row.names]
    words = pl.DataFrame({"word": sorted({word for _, key in keys for word in key.split()})}, {"word": pl.String})
    types = pl.DataFrame({"entity_type": sorted({entity_type for entity_type, _ in keys})}, {"entity_type": pl.String})
    con.register("authority_words", words)
    con.register("authority_types", types)
    try:
        return con.sql(_CANDIDATES_SQL).pl().cast({"entity_id": pl.String})
    finally:
        con.unregister("authority_words")
        con.unregister("authority_types")


_CANDIDATES_SQL = """
with named as (
    select entity_id, entity_type, unnest(aliases) as alias from dim_entities semi join authority_types using (entity_type)
),
spelled as (
    select entity_id, unnest([
        plain, replace(plain, '.', ''), replace(plain, '''', ''), replace(replace(plain, '''s', ''), '''', ''),
        replace(replace(replace(plain, '''s', ''), '''', ''), '.', '')
    ]) as spelling
    from (select entity_id, lower(replace(replace(alias, '&', ' and '), '`', '''')) as plain from named)
),
worded as (select entity_id, unnest(regexp_extract_all(spelling, '[a-z0-9]+')) as word from spelled)
select distinct entity_id from worded semi join authority_words using (word)
union
select entity_id from named
where entity_type in ('place', 'group') or strlen(alias) <> length(alias) or not regexp_matches(alias, '[A-Za-z0-9]')
"""


def find_joined(dim_entities: pl.DataFrame, authority: Sequence[AuthorityRow]) -> list[str]:
    """Return the entities that `match_authority` joins with others, in order."""
    if not authority:
        return []
    names = _fold_aliases(dim_entities, {row.entity_type for row in authority})
    found = _match_names(_join_rows(authority), names)
    return sorted({entity_id for group in found if len(group) > 1 for entity_id in group})


def add_external_ids(dim_entities: pl.DataFrame, authorities: pl.DataFrame) -> pl.DataFrame:
    """Fill `external_id` and `external_scheme` of DIM_ENTITIES: of several ids Wikidata's, then VIAF's, then the others."""
    order = pl.col("external_scheme").replace_strict(
        {scheme: rank for rank, scheme in enumerate(SCHEME_ORDER)}, default=len(SCHEME_ORDER), return_dtype=pl.Int32
    )
    first = authorities.sort("entity_id", order, "external_scheme", "external_id").unique(
        "entity_id", keep="first", maintain_order=True
    )
    return (
        dim_entities.drop("external_id", "external_scheme")
        .join(first.select("entity_id", "external_id", "external_scheme"), on="entity_id", how="left")
        .select(dim_entities.columns)
        .sort("entity_id")
    )


def follow_corrections(
    authorities: pl.DataFrame, link_corrections: pl.DataFrame, dim_entities: pl.DataFrame
) -> pl.DataFrame:
    """Return ENTITY_AUTHORITIES after corrections: an entity that was joined to another brings its ids along.

    An id of a scheme that the other has already is left out: it keeps its own.
    """
    gone = authorities.join(dim_entities, on="entity_id", how="anti")
    kept = authorities.join(gone, on="entity_id", how="anti")
    joined = (
        link_corrections.select("machine_entity_id", joined_id="entity_id")
        .group_by("machine_entity_id").agg(pl.col("joined_id").unique())
        .filter(pl.col("joined_id").list.len() == 1).explode("joined_id")
    )  # fmt: skip
    brought = (
        gone.join(joined, left_on="entity_id", right_on="machine_entity_id")
        .with_columns(entity_id="joined_id")
        .select(ENTITY_AUTHORITIES.column_names)
        .join(kept, on=["entity_id", "external_scheme"], how="anti")
    )
    return _keep_unambiguous(pl.concat([kept, brought]))


@dataclass(frozen=True)
class _Joined:
    linked: LinkedEntities
    moves: dict[str, str]


def _join_rows(authority: Iterable[AuthorityRow]) -> list[list[AuthorityRow]]:
    """Bring together the rows of one entity: the same name and type, and no two ids of one scheme."""
    by_name: dict[tuple[str, str], list[AuthorityRow]] = defaultdict(list)
    for row in authority:
        by_name[row.entity_type, _fold(row.entity_type, row.name)[0]].append(row)
    entries = []
    for rows in by_name.values():
        schemes = [row.scheme for row in rows if row.scheme is not None]
        is_one = len(set(schemes)) == len(schemes)
        entries += [rows] if is_one else [[row] for row in rows]
    return entries


def _fold(entity_type: str, name: str) -> tuple[str, bool]:
    """Return the key of a name, and whether it is a whole name: no person's surname alone."""
    if entity_type == "person":
        parsed = parse_person(name)
        return parsed.key, parsed.is_full
    if entity_type == "organization":
        return fold_organization(name), True
    return fold_place(name, entity_type), True


def _fold_aliases(dim_entities: pl.DataFrame, types: set[str]) -> pl.DataFrame:
    """Return the distinct folded names of entities: `entity_id`, `entity_type`, `name`, `key`, `is_whole`."""
    aliases = (
        dim_entities.filter(pl.col("entity_type").is_in(list(types)))
        .select("entity_id", "entity_type", name="aliases")
        .explode("name")
        .drop_nulls()
    )
    distinct = aliases.select("entity_type", "name").unique()
    folded = [_fold(*row) for row in distinct.iter_rows()]
    distinct = distinct.with_columns(
        pl.Series("key", [key for key, _ in folded], pl.String),
        pl.Series("is_whole", [is_whole for _, is_whole in folded], pl.Boolean),
    )
    return aliases.join(distinct, on=["entity_type", "name"]).sort("entity_id", "name")


def _match_names(entries: Sequence[Sequence[AuthorityRow]], names: pl.DataFrame) -> list[dict[str, str]]:
    """Return for every entry the entities that it names, each with the name that they share."""
    owners: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, rows in enumerate(entries):
        for row in rows:
            for name in row.names:
                owners[row.entity_type, _fold(row.entity_type, name)[0]].add(number)
    wanted = pl.DataFrame(
        [(entity_type, key, min(numbers)) for (entity_type, key), numbers in owners.items() if len(numbers) == 1],
        schema={"entity_type": pl.String, "key": pl.String, "entry": pl.Int64},
        orient="row",
    )
    has_whole = pl.col("is_whole").any().over("entity_id")
    surnames = names.filter("is_whole", pl.col("entity_type") == "person").select(
        surname=pl.col("key").str.extract(r"(\S+)$")
    )
    hits = (
        names.with_columns(has_whole=has_whole)
        .filter(pl.col("is_whole") | ~pl.col("has_whole"))
        .filter(pl.col("is_whole") | ~pl.col("key").is_in(surnames.get_column("surname").unique().implode()))
        .join(wanted, on=["entity_type", "key"])
        .sort("entity_id", "name")
    )
    matches: list[dict[str, str]] = [{} for _ in entries]
    for entity_id, name, entry in hits.select("entity_id", "name", "entry").iter_rows():
        matches[entry].setdefault(entity_id, name)
    claimed: dict[str, set[int]] = defaultdict(set)
    for number, found in enumerate(matches):
        for entity_id in found:
            claimed[entity_id].add(number)
    return [{one: name for one, name in found.items() if len(claimed[one]) == 1} for found in matches]


def _join_entities(linked: LinkedEntities, document_entities: pl.DataFrame, groups: Iterable[Sequence[str]]) -> _Joined:
    """Join the entities of each group into the one that most document entities are linked to."""
    counts = dict(linked.dim_entities.select("entity_id", "article_count").iter_rows())
    moves: dict[str, str] = {}
    for group in groups:
        target = min(group, key=lambda one: (-counts[one], one), default=None)
        moves |= {one: target for one in group if target is not None and one != target}
    if not moves:
        return _Joined(linked, {})
    moved = pl.DataFrame({"entity_id": list(moves), "joined_id": list(moves.values())})
    links = (
        linked.entity_links.join(moved, on="entity_id", how="left")
        .with_columns(
            entity_id=pl.coalesce("joined_id", "entity_id"),
            rule=pl.when(pl.col("joined_id").is_null()).then("rule").otherwise(pl.lit(AUTHORITY_RULE)),
            score=pl.when(pl.col("joined_id").is_null()).then("score").otherwise(1.0),
        )
        .select(ENTITY_LINKS.column_names)
        .sort("document_entity_id")
    )
    return _Joined(replace_entities(linked, links, document_entities, {*moves, *moves.values()}), moves)


def replace_entities(
    linked: LinkedEntities, links: pl.DataFrame, document_entities: pl.DataFrame, entity_ids: set[str]
) -> LinkedEntities:
    """Return `linked` with other links: the entities of `entity_ids` are built anew, the others are as they are."""
    ids = pl.Series(sorted(entity_ids), dtype=pl.String).implode()
    own = links.filter(pl.col("entity_id").is_in(ids))
    built = build_entities(document_entities.join(own, on="document_entity_id", how="semi"), own)
    kept = linked.dim_entities.filter(~pl.col("entity_id").is_in(ids))
    return replace(linked, entity_links=links, dim_entities=pl.concat([kept, built]).sort("entity_id"))


def _keep_unambiguous(authorities: pl.DataFrame) -> pl.DataFrame:
    """Leave out the ids of an entity that has two of one scheme, keep one row of each id."""
    one_id = pl.col("external_id").n_unique().over("entity_id", "external_scheme") == 1
    return (
        authorities.filter(one_id)
        .unique(ENTITY_AUTHORITIES.key, keep="first", maintain_order=True)
        .sort(ENTITY_AUTHORITIES.key)
    )
