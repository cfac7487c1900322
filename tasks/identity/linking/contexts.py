"""Short names in their context: a surname, an acronym or a short form is linked when its article says whom it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from tasks.identity.linking.clusters import Unions
from tasks.identity.linking.keys import (
    agencies,
    guess_person_gender,
    read_initials,
    read_last_words,
    read_person,
    read_short_forms,
    style_words,
    surname_skeleton,
)
from tasks.identity.organizations import is_bare_institution

ENOUGH = 2
"""Weight that context must have: a person named in full, an organization of several words, or two of the others."""
MAX_CANDIDATES = 20
"""A short form of more entities than this says nothing, whatever stands beside it."""
MAX_KEYS = 40
"""Entities of one article that are context: a list of hundreds of names is none."""
ENOUGH_ALONE = 1
"""Weight that context must have where the corpus knows one bearer only."""

LINKED = pl.Schema({"document_entity_id": pl.String, "canonical_key": pl.String, "rule": pl.String})
_FORMS = pl.Schema({"form": pl.String, "cluster": pl.UInt32, "rule": pl.String})
_GENDERS = pl.lit(["=m", "=f"], dtype=pl.List(pl.String))


@dataclass(frozen=True)
class Contexts:
    """What stands beside what, in numbers: they are compared many million times.

    `entries` has `article_no`, `context_no` and `weight`; `articles` and `keys` tell the `article_id` and the
    `context_key` of a number. The numbers of keys have their order.
    """

    entries: pl.DataFrame
    articles: pl.DataFrame
    keys: pl.DataFrame


def read_contexts(rows: pl.DataFrame) -> Contexts:
    """Return what each article's entities say of the others.

    A person named in full or an organization of several words weighs 2, others 1; countries, peoples and agencies are
    everywhere, and no context. An article gives at most 40, the heaviest first, then by letter.

    Args:
        rows: NAMED_ROWS.
    """
    full = rows.filter("is_full").select("article_id", "entity_type", "name_key")
    names = weigh_contexts(full)
    keys = names.select(pl.col("context_key").unique().sort()).with_row_index("context_no")
    articles = rows.select(pl.col("article_id").unique()).with_row_index("article_no")
    entries = (
        full.join(names.join(keys, on="context_key"), on=["entity_type", "name_key"]).join(articles, on="article_id")
        .select("article_no", "context_no", "weight").unique()
        .sort("article_no", "weight", "context_no", descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("article_no") < MAX_KEYS)
    )  # fmt: skip
    return Contexts(entries, articles, keys)


def weigh_contexts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `entity_type`, `name_key`, `context_key` and `weight` of the distinct names (full ones) that can be context."""
    key = pl.col("name_key")
    is_common = pl.col("entity_type").is_in(["place", "group"]) & (
        (key.str.len_chars() == 2) | key.str.contains(":", literal=True)
    )
    is_agency = (pl.col("entity_type") == "organization") & key.is_in(sorted(agencies()))
    is_heavy = pl.col("entity_type").is_in(["person", "organization"]) & key.str.contains(" ", literal=True)
    names = rows.select("entity_type", "name_key").unique().filter(~is_common & ~is_agency)
    return add_context_keys(names).with_columns(weight=1 + is_heavy.cast(pl.Int8))


def add_context_keys(names: pl.DataFrame) -> pl.DataFrame:
    """Add `context_key`, what a name is called as context."""
    return names.with_columns(context_key=_type_key(pl.col("name_key")))


def _type_key(key: pl.Expr) -> pl.Expr:
    """Return the key of a name as context: initials come and go from article to article."""
    return pl.concat_str("entity_type", pl.lit(":"), key.str.replace_all(r"\b[a-z] ", ""))


def link_short_names(
    rows: pl.DataFrame,
    names: pl.DataFrame,
    clusters: pl.DataFrame,
    contexts: Contexts,
    known_forms: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Link the document entities whose name is a short one.

    A surname is its bearer's when titles or the context agree and those of no other bearer do: context are the entities
    beside it that also stand beside the bearer in another article. An article that names the bearer in full keeps the
    two apart; so do Mr. and Ms. What stays open is one with others of its name when a style (Queen), two words of the
    titles or two entities beside them are the same; else it is an entity of its own. The acronym or short form of an
    organization is linked to another name by context alone, and stays what it is without.

    Args:
        rows: NAMED_ROWS of persons' short names, and of organizations.
        names: NAMES of all blocks of the rows.
        clusters: CLUSTERED for these names.
        contexts: What `read_contexts` returns, of the articles of the rows and of the sample articles of the names.
        known_forms: `entity_type` and `form` of the forms of which the names are all there; every form when None.

    Returns:
        LINKED: every row of a person, and of an organization that every state has one of (the Foreign Ministry); of the
        others only those that are linked to another name than their own.
    """
    members = names.join(clusters.drop("rule"), on=["entity_type", "name_key"])
    rows = rows.sort("document_entity_id").with_row_index("row").join(contexts.articles, on="article_id", how="left")
    rows = rows.sort("row")
    found = []
    for entity_type, list_forms in (("person", _list_surnames), ("organization", _list_short_forms)):
        own = _number_members(members.filter(pl.col("entity_type") == entity_type), contexts)
        forms = list_forms(own).filter(pl.col("cluster").n_unique().over("form") <= MAX_CANDIDATES)
        if known_forms is not None:
            forms = forms.join(known_forms.filter(pl.col("entity_type") == entity_type), on="form", how="semi")
        short = _add_form(drop_bare(rows.filter(pl.col("entity_type") == entity_type)), own, contexts, forms)
        candidates = _weigh(_find_candidates(short, forms, own, contexts), short, own, contexts)
        chosen = _choose_bearer(candidates, by_title=entity_type == "person")
        keys = own.select("cluster", "canonical_key").unique()
        found.append(chosen.join(keys, on="cluster").join(rows, on="row").select(list(LINKED)).cast(LINKED))
    is_open = (pl.col("entity_type") == "person") | ~pl.col("is_full")
    opened = rows.filter(is_open).join(pl.concat(found), on="document_entity_id", how="anti")
    return pl.concat([*found, _join_open(opened, contexts)])


def drop_bare(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop the institutions that every state has one of: whose it is, no company of names tells."""
    is_open = (pl.col("entity_type") == "organization") & ~pl.col("is_full")
    bare = [key for key in rows.filter(is_open).get_column("name_key").unique() if is_bare_institution(key)]
    return rows.filter(~(is_open & pl.col("name_key").is_in(bare)))


def _number_members(members: pl.DataFrame, contexts: Contexts) -> pl.DataFrame:
    """Add the number of its `cluster`, in the order of their keys, and `context_no`, that of the name as context."""
    return members.with_columns(
        cluster=pl.col("canonical_key").rank("dense").cast(pl.UInt32), context_key=_type_key(pl.col("name_key"))
    ).join(contexts.keys, on="context_key", how="left")


def _add_form(rows: pl.DataFrame, members: pl.DataFrame, contexts: Contexts, forms: pl.DataFrame) -> pl.DataFrame:
    """Add `form`, by which bearers are found, and the cluster and number of articles that the name itself has.

    Rows whose form nobody has are left out.
    """
    own = members.select("name_key", own_cluster="cluster", own_articles=pl.col("article_ids").list.len())
    keys = (
        add_context_keys(list_own_forms(rows))
        .join(forms.select("form").unique(), on="form", how="semi")
        .join(own, on="name_key", how="left")
        .join(contexts.keys, on="context_key", how="left")
    )
    return rows.join(keys, on=["entity_type", "name_key"]).select(
        "row", "article_no", "title_words", "form", "own_cluster", "own_articles", own_no="context_no"
    )


def list_own_forms(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `entity_type`, `name_key` and `form` of the distinct names of persons and organizations among NAMED_ROWS.

    The form is what a short name is looked up by among those of `list_bearer_forms`.
    """
    keys = (
        rows.select("entity_type", "name_key").unique().filter(pl.col("entity_type").is_in(["person", "organization"]))
    )
    listed = [_sound(key) if kind == "person" else key for kind, key in keys.iter_rows()]
    return keys.with_columns(pl.Series("form", listed, dtype=pl.String))


def list_bearer_forms(names: pl.DataFrame) -> pl.DataFrame:
    """Return `entity_type`, `form` and `name_key`: by which short names each full name (NAMES) can be meant."""
    said = names.select("entity_type", "name_key", "alias_keys")
    rows = [
        (entity_type, form, key)
        for entity_type, key, aliases in said.filter(
            pl.col("entity_type").is_in(["person", "organization"])
        ).iter_rows()
        for form in (_read_surnames(key, aliases) if entity_type == "person" else _read_short_forms(key, aliases))
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("entity_type", "form", "name_key"), pl.String), orient="row")


def _sound(form: str) -> str:
    """Return what the spellings of a surname have in common; short ones (Lee, Li) must be equal."""
    return surname_skeleton(form) if len(form) > 4 else f"={form}"


def _list_surnames(members: pl.DataFrame) -> pl.DataFrame:
    rows = set()
    for key, cluster, aliases in members.select("name_key", "cluster", "alias_keys").iter_rows():
        rows |= {(form, cluster, "surname") for form in _read_surnames(key, aliases)}
    return pl.DataFrame(sorted(rows), schema=_FORMS, orient="row")


def _read_surnames(key: str, aliases: Sequence[str]) -> set[str]:
    return {_sound(form) for form in (read_person(key).surname, *(alias for alias in aliases if " " not in alias))}


def _list_short_forms(members: pl.DataFrame) -> pl.DataFrame:
    rows: dict[tuple[str, int], str] = {}
    for key, cluster, aliases in members.select("name_key", "cluster", "alias_keys").iter_rows():
        rows |= {(form, cluster): rule for form, rule in _read_short_forms(key, aliases).items()}
    return pl.DataFrame([(*pair, rows[pair]) for pair in sorted(rows)], schema=_FORMS, orient="row")


def _read_short_forms(key: str, aliases: Sequence[str]) -> dict[str, str]:
    """Return every form that an organization can be meant by, with its rule."""
    forms = dict.fromkeys((*read_short_forms(key), *aliases), "short_form")
    return forms | dict.fromkeys(read_last_words(key), "last_words") | dict.fromkeys(read_initials(key), "acronym")


def _find_candidates(
    short: pl.DataFrame, forms: pl.DataFrame, members: pl.DataFrame, contexts: Contexts
) -> pl.DataFrame:
    """Return row and cluster for every bearer that a short name can have, but those that its article names in full."""
    sizes = members.group_by("cluster").agg(bearer_articles=pl.col("article_ids").list.len().sum())
    keys = members.select("cluster", "context_no").drop_nulls().unique()
    named = contexts.entries.join(keys, on="context_no").select("article_no", "cluster").unique()
    most = pl.when(pl.col("rule") == "short_form").then(1).otherwise(3) * pl.col("bearer_articles")
    return (
        short.select("row", "article_no", "own_no", "form", "own_cluster", "own_articles")
        .join(forms, on="form").join(sizes, on="cluster")
        .filter(pl.col("own_cluster").is_null() | (pl.col("own_cluster") != pl.col("cluster")))
        # a form found in more articles than the long name is a name of its own (a firm, and its museum); but clubs and
        # acronyms are seldom printed in full
        .filter(pl.col("own_articles").is_null() | (pl.col("own_articles") <= most))
        .join(named, on=["article_no", "cluster"], how="anti")
        .select("row", "cluster", "rule", "article_no", "own_no")
    )  # fmt: skip


def _weigh(candidates: pl.DataFrame, short: pl.DataFrame, members: pl.DataFrame, contexts: Contexts) -> pl.DataFrame:
    """Add the weight of the shared `context`, the number of shared `titles`, and whether titles, genders or countries disagree."""
    wanted = members.join(candidates.select("cluster").unique(), on="cluster", how="semi")
    own = wanted.select("cluster", "context_no").drop_nulls().unique()
    entries = contexts.entries.lazy()
    beside = (
        wanted.select("cluster", article_id="article_ids").explode("article_id").drop_nulls()
        .join(contexts.articles, on="article_id").select("cluster", "article_no").unique().lazy()
        .join(entries, on="article_no").select("cluster", "context_no").unique()
        .join(own.lazy(), on=["cluster", "context_no"], how="anti")
    )  # fmt: skip
    # lazy: the rows of this join, a score for each candidate, are summed as they come
    shared = (
        candidates.lazy().select("row", "cluster", "article_no", "own_no").join(entries, on="article_no")
        .filter(pl.col("context_no").ne_missing(pl.col("own_no")))
        .join(beside, on=["cluster", "context_no"], how="semi")
        .group_by("row", "cluster").agg(context=pl.col("weight").cast(pl.Int32).sum())
        .collect()
    )  # fmt: skip
    return (
        candidates.drop("article_no", "own_no").join(shared, on=["row", "cluster"], how="left")
        .join(_compare_titles(candidates, short, wanted), on=["row", "cluster"], how="left")
        .with_columns(
            pl.col("context", "titles").fill_null(0), pl.col("is_other_office", "is_other_person").fill_null(False)
        )
    )  # fmt: skip


def _compare_titles(candidates: pl.DataFrame, short: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return what titles say of the candidates of the rows that have any: `titles` shared, `is_other_…` otherwise."""
    said = members.select("cluster", word="title_words").explode("word").drop_nulls().unique()
    told = [
        (cluster, guess_person_gender(key))
        for cluster, key in members.select("cluster", "canonical_key").unique().iter_rows()
    ]
    given = pl.DataFrame(told, schema={"cluster": pl.UInt32, "given": pl.String}, orient="row")
    bearers = _split_titles(given.join(said.group_by("cluster").agg(title_words="word"), on="cluster", how="left"))
    bearers = bearers.select(
        "cluster", bearer_offices="offices", bearer_countries="countries",
        bearer_gender=pl.when(pl.col("genders").list.len() == 1).then(pl.col("genders").list.first())
        .otherwise(pl.lit("=") + pl.col("given")),
    )  # fmt: skip
    titled = _split_titles(short.select("row", "title_words").filter(pl.col("title_words").list.len() > 0))
    offices, bearer_offices = pl.col("offices"), pl.col("bearer_offices")
    countries, bearer_countries = pl.col("countries"), pl.col("bearer_countries")
    is_other_country = (
        (countries.list.len() > 0)
        & (bearer_countries.list.len() > 0)
        & (countries.list.set_intersection(bearer_countries).list.len() == 0)
    )
    return (
        candidates.select("row", "cluster").join(titled, on="row").join(bearers, on="cluster")
        .with_columns(titles=offices.list.set_intersection(bearer_offices).list.len())
        .select(
            "row", "cluster", "titles",
            is_other_office=(pl.col("titles") == 0) & (offices.list.len() > 0) & (bearer_offices.list.len() > 0),
            # a Finnish minister is no Chilean one
            is_other_person=(pl.col("genders").list.first() != pl.col("bearer_gender")).fill_null(False) | is_other_country,
        )
    )  # fmt: skip


def _split_titles(titled: pl.DataFrame) -> pl.DataFrame:
    """Split `title_words` into the words of `offices`, among them the codes of `countries`, and `genders`."""
    words = pl.col("title_words").fill_null([]).list.sort()
    return titled.with_columns(
        genders=words.list.set_intersection(_GENDERS).list.sort(),
        offices=words.list.set_difference(_GENDERS),
        countries=words.list.eval(pl.element().filter(pl.element().str.contains("^[A-Z]{2}$"))),
    ).drop("title_words")


def _choose_bearer(candidates: pl.DataFrame, *, by_title: bool) -> pl.DataFrame:
    """Return the rows that one bearer has evidence for and no other has."""
    titles = pl.col("titles") if by_title else pl.lit(0, pl.UInt32)
    fitting = candidates.filter(~pl.col("is_other_person")).with_columns(titles=titles)
    rows = fitting.sort("row", "context", "titles", "cluster", descending=[False, True, True, False])
    best = rows.group_by("row", maintain_order=True).agg(
        pl.col("cluster", "rule", "context", "titles", "is_other_office").first(),
        other_context=pl.col("context").slice(1).max().fill_null(0),
        other_titles=pl.col("titles").slice(1).max().fill_null(0),
        bearers=pl.len(),
    )
    enough = pl.when(pl.col("bearers") == 1).then(ENOUGH_ALONE).otherwise(ENOUGH)
    by_context = (
        (pl.col("context") >= pl.when("is_other_office").then(2 * ENOUGH).otherwise(enough))
        & (pl.col("other_context") == 0)
        & (pl.col("titles") >= pl.col("other_titles"))
    )
    is_titled = (pl.col("titles") > 0) & (pl.col("other_titles") == 0) & (pl.col("other_context") == 0)
    rule = pl.when(is_titled).then(pl.lit("_and_title")).when(by_context).then(pl.lit("_and_company"))
    return best.with_columns(rule=pl.col("rule") + rule).drop_nulls("rule").select("row", "cluster", "rule")


def _join_open(rows: pl.DataFrame, contexts: Contexts) -> pl.DataFrame:
    """Link the short names that no full name explains: to one another, or each to itself."""
    told = drop_bare(rows)
    name = pl.col("name_key").rank("dense").alias("name_no")
    evidence = [_tie_rows(_read_evidence(told)), _tie_rows(_pair_contexts(told.with_columns(name), contexts))]
    unions: Unions[int] = Unions()
    for pair in pl.concat(evidence).unique().iter_rows():
        unions.join(pair)
    # the smallest row stands for those that are one: its id is there whatever else is known of them
    roots = {row: unions.find(row) for row in unions.parents}
    tied = pl.DataFrame(
        {"row": [*roots, *roots.values()], "root": [*roots.values()] * 2}, {"row": pl.UInt32, "root": pl.UInt32}
    )
    tied = tied.unique().join(rows.select(root="row", root_id="document_entity_id"), on="root")
    return rows.join(tied, on="row", how="left").select(
        "document_entity_id",
        canonical_key=pl.concat_str("name_key", pl.lit(" "), pl.coalesce("root_id", "document_entity_id")),
        rule=pl.when(pl.col("root_id").is_not_null()).then(pl.lit("name_and_context")).otherwise(pl.lit("unresolved")),
    ).cast(LINKED)  # fmt: skip


def _tie_rows(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return `row` and `other` for the rows that share a node, all other columns of `nodes`: each with the first."""
    shared = pl.len().over(own := [name for name in nodes.columns if name != "row"]) > 1
    tied = nodes.filter(shared).with_columns(other=pl.col("row").min().over(own))
    return tied.select("row", "other").filter(pl.col("row") != pl.col("other")).unique()


def _read_evidence(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a node for every two words of the titles, and for a style, that a short name has: `Lind (minister, PT)`."""
    nodes = []
    titled = rows.filter(pl.col("title_words").list.len() > 0)
    for row, key, words in titled.select("row", "name_key", "title_words").iter_rows():
        offices = [word for word in words if not word.startswith("=")][:8]
        nodes += [(row, f"{key}\t{one}\t{other}") for one, other in combinations(offices, 2)]
        nodes += [(row, f"{key}\t{word}") for word in offices if word in style_words()]
    return pl.DataFrame(nodes, schema={"row": pl.UInt32, "node": pl.String}, orient="row")


def _pair_contexts(rows: pl.DataFrame, contexts: Contexts, *, most: int = 12) -> pl.DataFrame:
    """Return a node for every two of the heaviest entities beside a short name: two in common are no accident."""
    heavy = contexts.entries.filter(pl.col("weight") > 1).select("article_no", "context_no")
    beside = (
        rows.select("row", "article_no", "name_no").join(heavy, on="article_no")
        .sort("row", "context_no").filter(pl.int_range(pl.len()).over("row") < most)
        # what stands beside one bearer of the name only ties it to nobody
        .filter(pl.len().over("name_no", "context_no") > 1)
        .select("row", "name_no", "context_no")
    )  # fmt: skip
    pairs = beside.join(beside.drop("name_no"), on="row", suffix="_other")
    return pairs.filter(pl.col("context_no") < pl.col("context_no_other"))
