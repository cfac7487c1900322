"""Document entities -> entities of the corpus: one link each, with its rule and score. Pure, in any order.

Names are compared only inside blocks (one surname's skeleton, one acronym), and every distinct name once, so the cost
grows with the rows, also when one name has a hundred thousand of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from tasks.identity.names import (
    courtesy_titles,
    fold_name,
    fold_organization,
    given_name_groups,
    is_acronym,
    name_skeleton,
    parse_person,
)
from tasks.identity.places import fold_place, people_codes, place_codes
from tasks.lexicons import load_lexicon
from warehouse.keys import make_id
from warehouse.tables import DIM_ENTITIES, ENTITY_LINKS

SCORES = {
    "same_name": 1.0, "full_name": 1.0, "spelling": 0.95, "given_name_variant": 0.9, "short_form": 0.85, "initials": 0.8,
    "surname_and_title": 0.8, "surname_and_company": 0.7, "name_and_title": 0.7, "unresolved": 0.5,
}  # fmt: skip
"""Rule -> strength of its evidence. An unresolved short name is an entity of its own."""

_SMALL_WORDS = frozenset(
    {
        "of", "the", "and", "for", "a", "an", "in", "on", "at", "to", "s", "his", "her", "its", "their",
    }
)  # fmt: skip


@dataclass(frozen=True)
class LinkedEntities:
    """The links (ENTITY_LINKS) of all document entities, and the entities (DIM_ENTITIES) that they lead to."""

    entity_links: pl.DataFrame
    dim_entities: pl.DataFrame


@dataclass
class _Unions:
    """Sets of keys that were joined; the smallest key stands for its set, whatever the order of joining."""

    parents: dict[str, str] = field(default_factory=dict)

    def find(self, key: str) -> str:
        root = key
        while (parent := self.parents.get(root, root)) != root:
            root = parent
        while (parent := self.parents.get(key, key)) != root:
            self.parents[key], key = root, parent
        return root

    def join(self, keys: Iterable[str]) -> None:
        roots = sorted({self.find(key) for key in keys})
        for root in roots[1:]:
            self.parents[root] = roots[0]


@dataclass(frozen=True)
class _FullName:
    """The parts of one full-name key that blocks are made of."""

    key: str
    given: str
    surname: str
    middle: str

    @property
    def block(self) -> tuple[str, str]:
        """Surname and given name as they sound."""
        return name_skeleton(self.surname), name_skeleton(self.given)


def link_entities(document_entities: pl.DataFrame) -> LinkedEntities:
    """Link the document entities of a whole corpus to entities.

    Persons are one when their full names are, after titles, initials, diacritics, case, hyphens and transliteration
    are folded, or when the given names are variants and surname or titles bear it out. A surname alone joins the only
    bearer in the corpus when a title or the company it is in bears it out, else it stays an entity of its own.
    Organizations are one by name, and by the acronym or short form that an article ties to a single name; countries
    by their code.

    Args:
        document_entities: DOCUMENT_ENTITIES of all articles.

    Returns:
        ENTITY_LINKS, one row a document entity, ordered by it, and DIM_ENTITIES, ordered by `entity_id`. An entity's
        id is the hash of its type and its smallest name key: it does not depend on the order of the rows.
    """
    keyed = pl.concat(
        [
            _link_persons(document_entities.filter(pl.col("entity_type") == "person")),
            _link_organizations(document_entities.filter(pl.col("entity_type") == "organization")),
            _link_others(document_entities.filter(~pl.col("entity_type").is_in(["person", "organization"]))),
        ]
    )
    ids = keyed.select("entity_type", "canonical_key").unique()
    # the stored hash must not change with the version of Polars, so it is computed in Python, once a distinct key
    ids = ids.with_columns(pl.Series("entity_id", [make_id(*row) for row in ids.iter_rows()], dtype=pl.String))
    links = keyed.join(ids, on=["entity_type", "canonical_key"]).with_columns(
        score=pl.col("rule").replace_strict(SCORES, return_dtype=pl.Float64)
    )
    entity_links = links.select(ENTITY_LINKS.column_names).cast(ENTITY_LINKS.schema).sort("document_entity_id")
    return LinkedEntities(entity_links, build_entities(document_entities, entity_links))


_KEYED = pl.Schema(
    {"document_entity_id": pl.String, "entity_type": pl.String, "canonical_key": pl.String, "rule": pl.String}
)


def _keyed(rows: pl.DataFrame, canonical: pl.Expr, rule: pl.Expr) -> pl.DataFrame:
    return rows.select("document_entity_id", "entity_type", canonical_key=canonical, rule=rule).cast(_KEYED)


def _link_others(entities: pl.DataFrame) -> pl.DataFrame:
    named = entities.select("entity_type", "document_entity_name").unique()
    keys = [fold_place(name, entity_type) for entity_type, name in named.iter_rows()]
    named = named.with_columns(pl.Series("key", keys, dtype=pl.String))
    return _keyed(entities.join(named, on=["entity_type", "document_entity_name"]), pl.col("key"), pl.lit("same_name"))


def _link_organizations(entities: pl.DataFrame) -> pl.DataFrame:
    main = _map_names(entities.select(name="document_entity_name"), fold_organization, "main_key")
    every = _map_names(
        entities.select("names").explode("names").select(name="names").drop_nulls(), fold_organization, "alias_key"
    )
    rows = entities.join(main, left_on="document_entity_name", right_on="name")
    pairs = (
        rows.select("main_key", name="names").explode("name").join(every, on="name")
        .select("alias_key", "main_key").unique().filter(pl.col("alias_key") != pl.col("main_key"))
        .filter(pl.len().over("alias_key") == 1)
    )  # fmt: skip
    unions = _Unions()
    for pair in pairs.sort("alias_key").iter_rows():
        unions.join(pair)
    keys = rows.select("main_key").unique().get_column("main_key").to_list()
    roots = pl.DataFrame(
        {"main_key": keys, "root": [unions.find(key) for key in keys]},
        schema={"main_key": pl.String, "root": pl.String},
    )
    joined = rows.join(roots, on="main_key")
    same = pl.col("main_key") == pl.col("root")
    return _keyed(joined, pl.col("root"), pl.when(same).then(pl.lit("same_name")).otherwise(pl.lit("short_form")))


def _map_names(names: pl.DataFrame, fold: object, column: str) -> pl.DataFrame:
    assert callable(fold)
    distinct = names.unique().get_column("name").to_list()
    return pl.DataFrame(
        {"name": distinct, column: [fold(name) for name in distinct]}, schema={"name": pl.String, column: pl.String}
    )


def _link_persons(entities: pl.DataFrame) -> pl.DataFrame:
    names = _parse_names(entities)
    named = entities.select("document_entity_id", "article_id", "entity_type", "names").explode("names")
    named = named.join(names, left_on="names", right_on="name")
    words = _read_title_words(entities)
    full = (
        named.filter("is_full").group_by("document_entity_id", "article_id", "entity_type")
        .agg(pl.col("key").unique().sort(), key_of=pl.col("key").min())
    )  # fmt: skip
    unions = _join_full_names(full, words)
    clusters = full.with_columns(canonical_key=pl.col("key_of").map_elements(unions.find, return_dtype=pl.String))
    short = named.join(full.select("document_entity_id"), on="document_entity_id", how="anti")
    linked = _keyed(clusters, pl.col("canonical_key"), _name_rule(clusters))
    return pl.concat([linked, _link_short_names(short, named, clusters, words)])


def _parse_names(entities: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct names of persons: `name`, `key`, `is_full`, `surname`."""
    distinct = entities.select("names").explode("names").drop_nulls().unique().get_column("names").to_list()
    parsed = [(text, parse_person(text)) for text in distinct]
    rows = [(text, name.key, name.is_full, name.surname) for text, name in parsed]
    schema = {"name": pl.String, "key": pl.String, "is_full": pl.Boolean, "surname": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _read_title_words(entities: pl.DataFrame) -> pl.DataFrame:
    """Return what titles say, as `document_entity_id` and `word`: words of offices, codes of countries, no courtesy."""
    titled = entities.select("document_entity_id", title="titles").explode("title").drop_nulls()
    distinct = titled.get_column("title").unique().to_list()
    words = pl.DataFrame(
        {"title": distinct, "word": [_fold_title(title) for title in distinct]},
        schema={"title": pl.String, "word": pl.List(pl.String)},
    )
    return titled.join(words, on="title").explode("word").drop_nulls().select("document_entity_id", "word").unique()


def _fold_title(title: str) -> list[str]:
    words = fold_name(title).split()
    codes = {people_codes().get(word) or place_codes().get(word) or word for word in words}
    return sorted(codes - courtesy_titles() - _SMALL_WORDS)


def _join_full_names(full: pl.DataFrame, words: pl.DataFrame) -> _Unions:
    unions = _Unions()
    for keys in full.filter(pl.col("key").list.len() > 1).get_column("key").unique():
        unions.join(keys)
    said = defaultdict(set)
    by_key = (
        full.select("document_entity_id", "key_of")
        .join(words, on="document_entity_id")
        .select("key_of", "word")
        .unique()
    )
    for key, word in by_key.iter_rows():
        said[key].add(word)
    blocks: dict[str, dict[tuple[str, str], list[_FullName]]] = defaultdict(lambda: defaultdict(list))
    for key in sorted(full.get_column("key").explode().drop_nulls().unique()):
        name = _split_key(key)
        if len(name.given) > 1:
            blocks[name.block[0]][name.block].append(name)
    for block in blocks.values():
        _join_spellings(block, unions)
    for kind in ("transliteration", "nickname", "cognate"):
        shared: dict[str, set[str]] = defaultdict(set)
        for key, titles in said.items():
            shared[unions.find(key)] |= titles
        for block in blocks.values():
            _join_variants(kind, block, unions, shared)
    _join_initials(full, unions)
    return unions


def _join_initials(full: pl.DataFrame, unions: _Unions) -> None:
    """Join names of an initial and a surname to the only bearer of the surname in the corpus, if the initial is his."""
    by_surname: dict[str, list[_FullName]] = defaultdict(list)
    for key in sorted(full.get_column("key").explode().drop_nulls().unique()):
        name = _split_key(key)
        by_surname[name.surname].append(name)
    for names in by_surname.values():
        bearers = {unions.find(name.key): name.given for name in names if len(name.given) > 1}
        if len(bearers) == 1:
            root, given = next(iter(bearers.items()))
            unions.join([root, *(name.key for name in names if name.given == given[0])])


def _split_key(key: str) -> _FullName:
    name = parse_person(key)
    surname = name.surname
    rest = key.removesuffix(surname).split()
    return _FullName(key, rest[0] if rest else key, surname, " ".join(rest[1:]))


def _join_spellings(block: Mapping[tuple[str, str], list[_FullName]], unions: _Unions) -> None:
    """Join the names that sound alike, with a middle name or without when there is only one."""
    for names in block.values():
        middles = {name.middle for name in names if name.middle}
        exact: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in names:
            if not name.middle or len(middles) == 1:
                # short surnames that only sound alike (Lee, Li) are common, and no evidence
                sound = ("", "") if len(name.surname) > 4 else (name.given, name.surname)
                exact[sound].append(name.key)
        for keys in exact.values():
            unions.join(keys)


def _join_variants(
    kind: str, block: Mapping[tuple[str, str], list[_FullName]], unions: _Unions, said: Mapping[str, set[str]]
) -> None:
    """Join given names that are variants of one: transliterations, and others when a rare surname and titles agree."""
    by_group: dict[int, set[str]] = defaultdict(set)
    for names in block.values():
        for name in names:
            if len(name.surname) > 3:
                for group in given_name_groups(kind).get(name.given, ()):
                    by_group[group].add(unions.find(name.key))
    is_rare = len({unions.find(names[0].key) for names in block.values()}) <= 3
    pairs = {pair for roots in by_group.values() for pair in combinations(sorted(roots), 2)}
    for one, other in sorted(pairs):
        titles = said.get(one, set()) & said.get(other, set())
        if kind == "transliteration" or (is_rare and (titles or (kind == "nickname" and len(one.split()[-1]) > 6))):
            unions.join((one, other))


def _name_rule(clusters: pl.DataFrame) -> pl.Expr:
    pairs = clusters.select("key_of", "canonical_key").unique()
    rules = []
    for key, canonical in pairs.iter_rows():
        one, other = _split_key(key), _split_key(canonical)
        same = _compare_names(one, other)
        rules.append(f"{key}\t{canonical}\t{same}")
    mapping = {rule.rsplit("\t", 1)[0]: rule.rsplit("\t", 1)[1] for rule in rules}
    joined = pl.concat_str("key_of", pl.lit("\t"), "canonical_key")
    return joined.replace_strict(mapping, return_dtype=pl.String) if mapping else pl.lit("full_name")


def _compare_names(one: _FullName, other: _FullName) -> str:
    if one.key == other.key:
        return "full_name"
    if len(one.given) == 1 or len(other.given) == 1:
        return "initials"
    return "spelling" if one.block == other.block else "given_name_variant"


def _link_short_names(
    short: pl.DataFrame, named: pl.DataFrame, clusters: pl.DataFrame, words: pl.DataFrame
) -> pl.DataFrame:
    """Link persons that an article names by surname alone: to the only bearer in the corpus, if there is evidence.

    Evidence is a word of the titles in common, or another person whom articles of both name in full.
    """
    own = short.group_by("document_entity_id", "article_id", "entity_type").agg(pl.col("key").min())
    forms = clusters.select("document_entity_id", "canonical_key").join(named, on="document_entity_id")
    bearers = (
        pl.concat(
            [
                forms.select("canonical_key", form="key").filter(~pl.col("form").str.contains(" ")),
                forms.filter("is_full").select("canonical_key", form="surname"),
            ]
        )
        .unique()
        .with_columns(bearer_count=pl.len().over("form"))
    )
    candidates = (
        own.join(bearers.filter(pl.col("bearer_count") == 1), left_on="key", right_on="form")
        # where the article names the bearer in full, the short name was found not to be his
        .join(clusters.select("article_id", "canonical_key").unique(), on=["article_id", "canonical_key"], how="anti")
    )
    said = (
        clusters.select("document_entity_id", "canonical_key")
        .join(words, on="document_entity_id")
        .select("canonical_key", "word")
        .unique()
    )
    by_title = candidates.join(words, on="document_entity_id").join(said, on=["canonical_key", "word"], how="semi")
    by_company = _share_company(candidates, clusters)
    linked = candidates.with_columns(
        rule=pl.when(pl.col("document_entity_id").is_in(by_title.get_column("document_entity_id").implode()))
        .then(pl.lit("surname_and_title"))
        .when(pl.col("document_entity_id").is_in(by_company.implode()))
        .then(pl.lit("surname_and_company"))
    ).drop_nulls("rule")
    rest = own.join(linked, on="document_entity_id", how="anti")
    titled = _join_titled(rest.join(bearers, left_on="key", right_on="form", how="anti"), words)
    rest = rest.join(titled, on="document_entity_id", how="left").with_columns(
        rule=pl.when(pl.col("titled_key").is_null()).then(pl.lit("unresolved")).otherwise(pl.lit("name_and_title")),
        canonical_key=pl.coalesce("titled_key", pl.concat_str("key", pl.lit(" "), "document_entity_id")),
    )
    return pl.concat([_keyed(frame, pl.col("canonical_key"), pl.col("rule")) for frame in (linked, rest)])


def _share_company(candidates: pl.DataFrame, clusters: pl.DataFrame) -> pl.Series:
    """Return the candidates whose article names in full somebody that an article of the bearer names in full too."""
    present = clusters.select("article_id", other="canonical_key").unique()
    wanted = candidates.select("canonical_key").unique()
    company = (
        clusters.select("article_id", "canonical_key").unique().join(wanted, on="canonical_key", how="semi")
        .join(present, on="article_id").filter(pl.col("other") != pl.col("canonical_key"))
        .select("canonical_key", "other").unique()
    )  # fmt: skip
    beside = candidates.select("document_entity_id", "article_id", "canonical_key").join(present, on="article_id")
    return beside.join(company, on=["canonical_key", "other"], how="semi").get_column("document_entity_id").unique()


def _join_titled(rest: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    """Join equal short names that no full name of the corpus explains when they share a word of their titles."""
    rows = rest.join(words, on="document_entity_id").select(
        "document_entity_id", node=pl.concat_str("key", pl.lit(" ("), "word", pl.lit(")"))
    )
    grouped = rows.group_by("document_entity_id").agg(pl.col("node").unique().sort())
    unions = _Unions()
    for nodes in grouped.get_column("node").unique():
        unions.join(nodes)
    first = grouped.with_columns(
        titled_key=pl.col("node").list.first().map_elements(unions.find, return_dtype=pl.String)
    )
    return first.select("document_entity_id", "titled_key")


def build_entities(document_entities: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Return DIM_ENTITIES, named by the most frequent full name; of several the longest, then the first by letter."""
    linked = document_entities.join(links.select("document_entity_id", "entity_id"), on="document_entity_id")
    names = (
        linked.select("entity_id", "entity_type", name="names").explode("name").drop_nulls()
        .group_by("entity_id", "entity_type", "name").agg(article_count=pl.len())
    )  # fmt: skip
    distinct = names.select("entity_type", "name").unique()
    distinct = distinct.with_columns(
        pl.Series("fullness", [_fullness(*row) for row in distinct.iter_rows()], dtype=pl.Int32)
    )
    ranked = names.join(distinct, on=["entity_type", "name"]).with_columns(length=pl.col("name").str.len_chars())
    order = ["entity_id", "article_count", "length", "name"]
    chosen = ranked.sort(["entity_id", "fullness", *order[1:]], descending=[False, True, True, True, False]).unique(
        "entity_id", keep="first", maintain_order=True
    )
    aliases = (
        ranked.sort(order, descending=[False, True, True, False])
        .group_by("entity_id", maintain_order=True)
        .agg(aliases="name")
    )
    counts = linked.group_by("entity_id").agg(
        pl.col("article_id").n_unique().alias("article_count"), pl.col("mention_count").sum()
    )
    return (
        chosen.select("entity_id", "entity_type", entity_name="name")
        .join(aliases, on="entity_id").join(counts, on="entity_id")
        .with_columns(external_id=pl.lit(None, pl.String), external_scheme=pl.lit(None, pl.String))
        .select(DIM_ENTITIES.column_names).cast(DIM_ENTITIES.schema).sort("entity_id")
    )  # fmt: skip


def _fullness(entity_type: str, name: str) -> int:
    if entity_type == "person":
        return int(parse_person(name).is_full)
    if entity_type == "place" and name in _country_names():
        return 2
    return int(not is_acronym(name))


def _country_names() -> frozenset[str]:
    return frozenset(load_lexicon("countries").get_column("name"))
