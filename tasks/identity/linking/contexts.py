"""Short names in their context: a surname, an acronym or a short form is linked when its article says whom it means."""

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
_FORMS = pl.Schema({"form": pl.String, "canonical_key": pl.String, "rule": pl.String})
_GENDERS = pl.lit(["=m", "=f"], dtype=pl.List(pl.String))


def read_contexts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what each article's entities say of the others: `article_id`, `context_key` and its `weight`.

    A person named in full or an organization of several words weighs 2, others 1; countries, peoples and agencies are
    everywhere, and no context. An article gives at most 40, the heaviest first, then by letter.

    Args:
        rows: NAMED_ROWS.
    """
    key = pl.col("name_key")
    is_common = pl.col("entity_type").is_in(["place", "group"]) & (
        (key.str.len_chars() == 2) | key.str.contains(":", literal=True)
    )
    is_agency = (pl.col("entity_type") == "organization") & key.is_in(sorted(agencies()))
    is_heavy = pl.col("entity_type").is_in(["person", "organization"]) & key.str.contains(" ", literal=True)
    weighed = rows.filter(pl.col("is_full") & ~is_common & ~is_agency).select(
        "article_id", context_key=_type_key(key), weight=1 + is_heavy.cast(pl.Int32)
    )
    return (
        weighed.unique()
        .sort("article_id", "weight", "context_key", descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("article_id") < MAX_KEYS)
    )


def _type_key(key: pl.Expr) -> pl.Expr:
    """Return the key of a name as context: initials come and go from article to article."""
    return pl.concat_str("entity_type", pl.lit(":"), key.str.replace_all(r"\b[a-z] ", ""))


def link_short_names(
    rows: pl.DataFrame, names: pl.DataFrame, clusters: pl.DataFrame, contexts: pl.DataFrame
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

    Returns:
        LINKED: every row of a person, and of an organization that every state has one of (the Foreign Ministry); of the
        others only those that are linked to another name than their own.
    """
    members = names.join(clusters.drop("rule"), on=["entity_type", "name_key"])
    found = []
    for entity_type, list_forms in (("person", _list_surnames), ("organization", _list_short_forms)):
        own = members.filter(pl.col("entity_type") == entity_type)
        short = _add_form(drop_bare(rows.filter(pl.col("entity_type") == entity_type)), own, entity_type)
        forms = list_forms(own).filter(pl.col("canonical_key").n_unique().over("form") <= MAX_CANDIDATES)
        candidates = _weigh(_find_candidates(short, forms, own, contexts), own, contexts)
        found.append(_choose_bearer(candidates, by_title=entity_type == "person"))
    is_open = (pl.col("entity_type") == "person") | ~pl.col("is_full")
    opened = rows.filter(is_open).join(pl.concat(found), on="document_entity_id", how="anti")
    return pl.concat([*found, _join_open(opened, contexts)])


def drop_bare(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop the institutions that every state has one of: whose it is, no company of names tells."""
    is_open = (pl.col("entity_type") == "organization") & ~pl.col("is_full")
    bare = [key for key in rows.filter(is_open).get_column("name_key").unique() if is_bare_institution(key)]
    return rows.filter(~(is_open & pl.col("name_key").is_in(bare)))


def _add_form(rows: pl.DataFrame, members: pl.DataFrame, entity_type: str) -> pl.DataFrame:
    """Add `form`, by which bearers are found, and the cluster and number of articles that the name itself has."""
    keys = rows.select("name_key").unique()
    forms = [_sound(key) if entity_type == "person" else key for key in keys.get_column("name_key")]
    own = members.select("name_key", own_key="canonical_key", own_articles=pl.col("article_ids").list.len())
    keys = keys.with_columns(pl.Series("form", forms, dtype=pl.String)).join(own, on="name_key", how="left")
    return rows.join(keys, on="name_key").select(
        "document_entity_id", "article_id", "entity_type", "name_key", "title_words", "form", "own_key", "own_articles"
    )


def _sound(form: str) -> str:
    """Return what the spellings of a surname have in common; short ones (Lee, Li) must be equal."""
    return surname_skeleton(form) if len(form) > 4 else f"={form}"


def _list_surnames(members: pl.DataFrame) -> pl.DataFrame:
    rows = set()
    for key, canonical, aliases in members.select("name_key", "canonical_key", "alias_keys").iter_rows():
        person = read_person(key)
        own = {person.surname, *(alias for alias in aliases if " " not in alias)}
        rows |= {(_sound(form), canonical, "surname") for form in own}
    return pl.DataFrame(sorted(rows), schema=_FORMS, orient="row")


def _list_short_forms(members: pl.DataFrame) -> pl.DataFrame:
    rows: dict[tuple[str, str], str] = {}
    for key, canonical, aliases in members.select("name_key", "canonical_key", "alias_keys").iter_rows():
        rows |= {(form, canonical): "short_form" for form in {*read_short_forms(key), *aliases}}
        rows |= {(form, canonical): "last_words" for form in read_last_words(key)}
        rows |= {(form, canonical): "acronym" for form in read_initials(key)}
    return pl.DataFrame([(*pair, rows[pair]) for pair in sorted(rows)], schema=_FORMS, orient="row")


def _find_candidates(
    short: pl.DataFrame, forms: pl.DataFrame, members: pl.DataFrame, contexts: pl.DataFrame
) -> pl.DataFrame:
    """Return row and cluster for every bearer that a short name can have, but those that its article names in full."""
    sizes = members.group_by("canonical_key").agg(bearer_articles=pl.col("article_ids").list.len().sum())
    keys = members.select("canonical_key", context_key=_type_key(pl.col("name_key")))
    named = contexts.join(keys, on="context_key").select("article_id", "canonical_key").unique()
    return (
        short.join(forms, on="form").join(sizes, on="canonical_key")
        .filter(pl.col("own_key").is_null() | (pl.col("own_key") != pl.col("canonical_key")))
        # a form found in more articles than the long name is a name of its own (a firm, and its museum); but clubs and
        # acronyms are seldom printed in full
        .filter(
            pl.col("own_articles").is_null()
            | (pl.col("own_articles") <= pl.when(pl.col("rule") == "short_form").then(1).otherwise(3) * pl.col("bearer_articles"))
        )
        .join(named, on=["article_id", "canonical_key"], how="anti")
    )  # fmt: skip


def _weigh(candidates: pl.DataFrame, members: pl.DataFrame, contexts: pl.DataFrame) -> pl.DataFrame:
    """Add the weight of the shared `context`, the number of shared `titles`, and whether titles, genders or countries disagree."""
    wanted = members.join(candidates.select("canonical_key").unique(), on="canonical_key", how="semi")
    own_keys = wanted.select("canonical_key", context_key=_type_key(pl.col("name_key")))
    beside = (
        wanted.select("canonical_key", article_id="article_ids").explode("article_id").drop_nulls().unique()
        .join(contexts, on="article_id").select("canonical_key", "context_key").unique()
        .join(own_keys, on=["canonical_key", "context_key"], how="anti")
    )  # fmt: skip
    pair = ["document_entity_id", "canonical_key"]
    shared = (
        candidates.select(*pair, "article_id", own=_type_key(pl.col("name_key")))
        .join(contexts, on="article_id").filter(pl.col("context_key") != pl.col("own"))
        .join(beside, on=["canonical_key", "context_key"], how="semi")
        .group_by(pair).agg(context=pl.col("weight").sum())
    )  # fmt: skip
    said = wanted.select("canonical_key", word="title_words").explode("word").drop_nulls().unique()
    said = said.group_by("canonical_key").agg(bearer_words=pl.col("word").sort())
    told = [(key, guess_person_gender(key)) for key in wanted.get_column("canonical_key").unique()]
    genders = pl.DataFrame(told, schema={"canonical_key": pl.String, "given": pl.String}, orient="row")
    words, bearer = pl.col("title_words"), pl.col("bearer_words")
    gender = words.list.set_intersection(_GENDERS).list.first()
    bearer_genders = bearer.list.set_intersection(_GENDERS)
    bearer_gender = pl.when(bearer_genders.list.len() == 1).then(bearer_genders.list.first()).otherwise(
        pl.lit("=") + pl.col("given")
    )  # fmt: skip
    countries, bearer_countries = (
        said.list.eval(pl.element().filter(pl.element().str.contains("^[A-Z]{2}$"))) for said in (words, bearer)
    )
    is_other_country = (
        (countries.list.len() > 0)
        & (bearer_countries.list.len() > 0)
        & (countries.list.set_intersection(bearer_countries).list.len() == 0)
    )
    offices, bearer_offices = words.list.set_difference(_GENDERS), bearer.list.set_difference(_GENDERS)
    return (
        candidates.join(shared, on=pair, how="left").join(said, on="canonical_key", how="left")
        .join(genders, on="canonical_key", how="left")
        .with_columns(pl.col("context").fill_null(0), pl.col("bearer_words").fill_null([]))
        .with_columns(titles=offices.list.set_intersection(bearer_offices).list.len())
        .with_columns(
            is_other_office=(pl.col("titles") == 0) & (offices.list.len() > 0) & (bearer_offices.list.len() > 0),
            # a Finnish minister is no Chilean one
            is_other_person=(gender != bearer_gender).fill_null(False) | is_other_country,
        )
    )  # fmt: skip


def _choose_bearer(candidates: pl.DataFrame, *, by_title: bool) -> pl.DataFrame:
    """Return the rows that one bearer has evidence for and no other has."""
    titles = pl.col("titles") if by_title else pl.lit(0, pl.UInt32)
    fitting = candidates.filter(~pl.col("is_other_person")).with_columns(titles=titles)
    rows = fitting.sort(
        "document_entity_id", "context", "titles", "canonical_key", descending=[False, True, True, False]
    )
    best = rows.group_by("document_entity_id", maintain_order=True).agg(
        pl.col("canonical_key", "rule", "context", "titles", "is_other_office").first(),
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
    return best.with_columns(rule=pl.col("rule") + rule).drop_nulls("rule").select(list(LINKED)).cast(LINKED)


def _join_open(rows: pl.DataFrame, contexts: pl.DataFrame) -> pl.DataFrame:
    """Link the short names that no full name explains: to one another, or each to itself."""
    told = drop_bare(rows)
    evidence = pl.concat([_read_evidence(told), _pair_contexts(told, contexts)])
    unions, first = Unions(), {}
    grouped = evidence.group_by("document_entity_id").agg(pl.col("node").unique().sort())
    for document_entity_id, nodes in grouped.iter_rows():
        unions.join(nodes)
        first[document_entity_id] = nodes[0]
    roots = {row: unions.find(node) for row, node in first.items()}
    frame = pl.DataFrame(
        {"document_entity_id": list(roots), "root": list(roots.values())},
        schema={"document_entity_id": pl.String, "root": pl.String},
    )
    joined = rows.join(frame, on="document_entity_id", how="left")
    is_shared = pl.col("root").is_not_null() & (pl.len().over("root") > 1)
    return joined.select(
        "document_entity_id",
        # the smallest row stands for those that are one: its id is there whatever else is known of them
        canonical_key=pl.concat_str(
            "name_key", pl.lit(" "),
            pl.when(is_shared).then(pl.col("document_entity_id").min().over("root")).otherwise("document_entity_id"),
        ),
        rule=pl.when(is_shared).then(pl.lit("name_and_context")).otherwise(pl.lit("unresolved")),
    ).cast(LINKED)  # fmt: skip


def _read_evidence(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a node for every two words of the titles, and for a style, that a short name has: `Lind (minister, PT)`."""
    nodes = []
    for row, key, words in rows.select("document_entity_id", "name_key", "title_words").iter_rows():
        offices = [word for word in words if not word.startswith("=")][:8]
        nodes += [(row, f"{key}\t{one}\t{other}") for one, other in combinations(offices, 2)]
        nodes += [(row, f"{key}\t{word}") for word in offices if word in style_words()]
    return pl.DataFrame(nodes, schema={"document_entity_id": pl.String, "node": pl.String}, orient="row")


def _pair_contexts(rows: pl.DataFrame, contexts: pl.DataFrame, *, most: int = 12) -> pl.DataFrame:
    """Return a node for every two of the heaviest entities beside a short name: two in common are no accident."""
    beside = (
        rows.select("document_entity_id", "article_id", "name_key").join(contexts.filter(pl.col("weight") > 1), on="article_id")
        .sort("document_entity_id", "context_key")
        .filter(pl.int_range(pl.len()).over("document_entity_id") < most)
        .select("document_entity_id", "name_key", "context_key")
    )  # fmt: skip
    pairs = beside.join(beside.drop("name_key"), on="document_entity_id", suffix="_other")
    pairs = pairs.filter(pl.col("context_key") < pl.col("context_key_other"))
    return pairs.select(
        "document_entity_id", node=pl.concat_str("name_key", "context_key", "context_key_other", separator="\t")
    )
