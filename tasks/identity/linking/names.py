"""The names of document entities, read once each, and the distinct names of a corpus with what is said of them."""

import polars as pl

from tasks.identity.linking.keys import (
    list_blocks,
    read_organization,
    read_person,
    read_place,
    read_title,
    style_words,
)
from tasks.identity.organizations import is_open_institution
from tasks.identity.places import capital_countries

SAMPLE_ARTICLES = 64
"""Articles kept as the context of a name: those with the smallest ids, so that they do not depend on order."""

_named_rows: dict[str, pl.DataType | type[pl.DataType]] = {
    "document_entity_id": pl.String,
    "article_id": pl.String,
    "entity_type": pl.String,
    "name_key": pl.String,
    "is_full": pl.Boolean,
    "alias_keys": pl.List(pl.String),
    "title_words": pl.List(pl.String),
}
NAMED_ROWS = pl.Schema(_named_rows)  # fmt: skip
_names: dict[str, pl.DataType | type[pl.DataType]] = {
    "entity_type": pl.String,
    "name_key": pl.String,
    "is_full": pl.Boolean,
    "alias_keys": pl.List(pl.String),
    "title_words": pl.List(pl.String),
    "article_ids": pl.List(pl.String),
    "block_keys": pl.List(pl.String),
}
NAMES = pl.Schema(_names)  # fmt: skip


def read_names(document_entities: pl.DataFrame) -> pl.DataFrame:
    """Read the names and titles of document entities.

    Args:
        document_entities: DOCUMENT_ENTITIES.

    Returns:
        NAMED_ROWS, one row a document entity: the key of its fullest name, whether that name can stand alone for an
        entity (a surname cannot), the keys of its other names, and the words of its titles.
    """
    keyed = _key_names(document_entities)
    named = (
        document_entities.select("document_entity_id", "entity_type", "document_entity_name", name="names")
        .explode("name").with_columns(pl.coalesce("name", "document_entity_name").alias("name"))
        .join(keyed, on=["entity_type", "name"])
        .with_columns(is_main=pl.col("name") == pl.col("document_entity_name"))
    )  # fmt: skip
    keys = (
        named.sort("document_entity_id", "is_full", "is_main", "length", "key", descending=[False, True, True, True, False])
        .group_by("document_entity_id", maintain_order=True)
        .agg(pl.col("key").first().alias("name_key"), pl.col("is_full").first(), alias_keys=pl.col("key").unique().sort())
    )  # fmt: skip
    rows = (
        document_entities.select("document_entity_id", "article_id", "entity_type")
        .join(keys, on="document_entity_id")
        .join(_read_titles(document_entities), on="document_entity_id", how="left")
        .with_columns(pl.col("title_words").fill_null([]))
    )
    return (
        _complete_styles(rows)
        .with_columns(alias_keys=pl.col("alias_keys").list.set_difference(pl.concat_list("name_key")).list.sort())
        .select(list(NAMED_ROWS)).cast(NAMED_ROWS)
    )  # fmt: skip


def _key_names(document_entities: pl.DataFrame) -> pl.DataFrame:
    names = pl.concat(
        [
            document_entities.select("entity_type", name="document_entity_name"),
            document_entities.select("entity_type", name="names").explode("name").drop_nulls(),
        ]
    ).unique()
    rows = [(entity_type, name, *_read_name(entity_type, name)) for entity_type, name in names.iter_rows()]
    schema = {"entity_type": pl.String, "name": pl.String, "key": pl.String, "is_full": pl.Boolean, "length": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _read_name(entity_type: str, name: str) -> tuple[str, bool, int]:
    if entity_type == "person":
        person = read_person(name)
        return person.key, person.is_full, len(person.key)
    if entity_type == "organization":
        key = read_organization(name)
        return key, not is_open_institution(key), len(key)
    key = read_place(name, entity_type)
    return key, True, len(key)


def _read_titles(document_entities: pl.DataFrame) -> pl.DataFrame:
    titled = document_entities.select("document_entity_id", title="titles").explode("title").drop_nulls()
    distinct = titled.get_column("title").unique().to_list()
    words = pl.DataFrame(
        {"title": distinct, "title_words": [list(read_title(title)) for title in distinct]},
        schema={"title": pl.String, "title_words": pl.List(pl.String)},
    )
    return (
        titled.join(words, on="title").explode("title_words").drop_nulls()
        .group_by("document_entity_id").agg(pl.col("title_words").unique().sort())
    )  # fmt: skip


def _complete_styles(rows: pl.DataFrame) -> pl.DataFrame:
    """Make a name full that is not by itself, where what is said with it belongs to its key.

    That is the style of a single name (Queen, Pope), and the country of an institution that every country has one of.
    """
    is_styled = (pl.col("entity_type") == "person") & ~pl.col("is_full")
    style = pl.col("title_words").list.set_intersection(pl.lit(sorted(style_words()), dtype=pl.List(pl.String)))
    style = style.list.sort().list.first()
    countries = pl.col("title_words").list.eval(
        pl.element().replace(capital_countries()).filter(pl.element().str.contains("^([A-Z]{2}|capital:.*)$"))
    )
    is_owned = (pl.col("entity_type") == "organization") & ~pl.col("is_full") & (countries.list.len() == 1)
    first = pl.when(is_styled).then(style).when(is_owned).then(countries.list.first())
    return rows.with_columns(
        name_key=pl.coalesce(pl.concat_str(first, pl.lit(" "), "name_key"), "name_key"),
        is_full=pl.col("is_full") | first.is_not_null(),
    )


def collect_names(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring together what the rows say of every distinct name.

    Args:
        rows: NAMED_ROWS.

    Returns:
        NAMES, one row a type and key, ordered by them: lists sorted, `article_ids` the 64 smallest.
    """
    key = ["entity_type", "name_key"]
    names = rows.group_by(key).agg(
        pl.col("is_full").max(),
        pl.col("article_id").unique().bottom_k(SAMPLE_ARTICLES).sort().alias("article_ids"),
    )
    for column in ("alias_keys", "title_words"):
        said = rows.select(*key, pl.col(column)).explode(column).drop_nulls().unique()
        said = said.group_by(key).agg(pl.col(column).sort())
        names = names.join(said, on=key, how="left").with_columns(pl.col(column).fill_null([]))
    return add_blocks(names).select(list(NAMES)).cast(NAMES).sort(key)


def merge_names(names: pl.DataFrame) -> pl.DataFrame:
    """Bring together NAMES that were collected from different articles, one row a type and key again."""
    key = ["entity_type", "name_key"]
    merged = names.group_by(key).agg(pl.col("is_full").max(), pl.col("article_ids", "alias_keys", "title_words"))
    lists = [
        pl.col(column).list.eval(pl.element().explode().drop_nulls()).list.unique().list.sort()
        for column in ("article_ids", "alias_keys", "title_words")
    ]
    merged = merged.with_columns(lists).with_columns(pl.col("article_ids").list.head(SAMPLE_ARTICLES))
    return add_blocks(merged).select(list(NAMES)).cast(NAMES).sort(key)


def add_blocks(names: pl.DataFrame) -> pl.DataFrame:
    """Add `block_keys`: the blocks of a name and of the other names that articles give its bearers."""
    blocks = [
        sorted({block for key in (name_key, *aliases[:16]) for block in list_blocks(entity_type, key)})
        for entity_type, name_key, aliases in names.select("entity_type", "name_key", "alias_keys").iter_rows()
    ]
    return names.with_columns(pl.Series("block_keys", blocks, dtype=pl.List(pl.String)))
