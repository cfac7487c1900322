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
    numbered = document_entities.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    keyed = _key_names(document_entities)
    printed = _rank_printed(numbered, keyed)
    # every row has one number that tells its fullest name: its names need no sorting
    main = printed.group_by("row").agg(number=pl.col("order").min() % _OTHER).join(keyed, on="number")
    rows = _complete_styles(
        numbered.select("row", "document_entity_id", "article_id", "entity_type")
        .join(main.select("row", "is_full", name_key="key"), on="row")
        .join(_read_titles(document_entities), on="document_entity_id", how="left")
    )
    aliases = (
        printed.select("row", "key").unique()
        .join(rows.select("row", key="name_key"), on=["row", "key"], how="anti")
        .sort("row", "key").group_by("row", maintain_order=True).agg(alias_keys="key")
    )  # fmt: skip
    return (
        rows.join(aliases, on="row", how="left").sort("row")
        .with_columns(pl.col("alias_keys", "title_words").fill_null([]))
        .select(list(NAMED_ROWS)).cast(NAMED_ROWS)
    )  # fmt: skip


_OTHER, _SHORT = 2**60, 2**61


def _rank_printed(numbered: pl.DataFrame, keyed: pl.DataFrame) -> pl.DataFrame:
    """Return `row`, `key` and `order` for every name of every row; the smallest order is the row's fullest name.

    A full name goes before a surname, then the one that the article names it by, then the longest, then by letter.
    """
    own = pl.col("document_entity_name")
    is_other, is_short = pl.col("name") != own, ~pl.col("is_full")
    return (
        numbered.select("row", "entity_type", "document_entity_name", name="names")
        .explode("name").with_columns(pl.coalesce("name", own).alias("name"))
        .join(keyed, on=["entity_type", "name"])
        .select("row", "key", order=pl.col("number") + _OTHER * is_other.cast(pl.Int64) + _SHORT * is_short.cast(pl.Int64))
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
    keyed = pl.DataFrame(rows, schema=schema, orient="row").sort("length", "key", descending=[True, False])
    return keyed.with_columns(number=pl.int_range(pl.len(), dtype=pl.Int64))


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
        titled.join(words, on="title").select("document_entity_id", "title_words").explode("title_words").drop_nulls()
        .unique().sort("document_entity_id", "title_words")
        .group_by("document_entity_id", maintain_order=True).agg("title_words")
    )  # fmt: skip


def _complete_styles(rows: pl.DataFrame) -> pl.DataFrame:
    """Make a name full that is not by itself, where what is said with it belongs to its key.

    That is the style of a single name (Queen, Pope), and the country of an institution that every country has one of.
    """
    said = rows.filter(~pl.col("is_full")).select("row", "entity_type", word="title_words").explode("word")
    styles = (
        said.filter((pl.col("entity_type") == "person") & pl.col("word").is_in(sorted(style_words())))
        .group_by("row").agg(pl.col("word").min())
    )  # fmt: skip
    owners = (
        said.filter(pl.col("entity_type") == "organization")
        .with_columns(pl.col("word").replace(capital_countries()))
        .filter(pl.col("word").str.contains("^([A-Z]{2}|capital:.*)$"))
        .group_by("row").agg(pl.col("word").first(), count=pl.len())
        .filter(pl.col("count") == 1).drop("count")
    )  # fmt: skip
    return rows.join(pl.concat([styles, owners]), on="row", how="left").select(
        pl.exclude("word", "name_key", "is_full"),
        name_key=pl.coalesce(pl.concat_str("word", pl.lit(" "), "name_key"), "name_key"),
        is_full=pl.col("is_full") | pl.col("word").is_not_null(),
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


def merge_names(names: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Bring together NAMES that were collected from different articles, one row a type and key again."""
    key, lists = ["entity_type", "name_key"], ["article_ids", "alias_keys", "title_words"]
    shared = names.join(others, on=key, suffix="_other")
    merged = shared.select(
        *key, pl.col("is_full") | pl.col("is_full_other"),
        *(pl.col(name).list.set_union(f"{name}_other").list.sort() for name in lists), "block_keys", was="alias_keys",
    ).with_columns(pl.col("article_ids").list.head(SAMPLE_ARTICLES))  # fmt: skip
    is_same = pl.col("alias_keys") == pl.col("was")
    # the blocks of a name are those of its own key and of the others', so most are known
    frames = [merged.filter(is_same), add_blocks(merged.filter(~is_same)), *_list_apart(names, others, key)]
    return pl.concat([frame.select(list(NAMES)).cast(NAMES) for frame in frames]).sort(key)


def _list_apart(names: pl.DataFrame, others: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return names.join(others, on=key, how="anti"), others.join(names, on=key, how="anti")


def add_blocks(names: pl.DataFrame) -> pl.DataFrame:
    """Add `block_keys`: the blocks of a name and of the other names that articles give its bearers."""
    own = names.select("entity_type", "name_key", key="name_key")
    aliases = (
        names.select("entity_type", "name_key", key=pl.col("alias_keys").list.head(16)).explode("key").drop_nulls()
    )
    every = pl.concat([own, aliases])
    keys = every.select("entity_type", "key").unique()
    listed = [(*row, block) for row in keys.iter_rows() for block in list_blocks(*row)]
    own_blocks = pl.DataFrame(
        listed, {"entity_type": pl.String, "key": pl.String, "block_keys": pl.String}, orient="row"
    )
    blocks = (
        every.join(own_blocks, on=["entity_type", "key"]).select("entity_type", "name_key", "block_keys").unique()
        .sort("entity_type", "name_key", "block_keys")
        .group_by("entity_type", "name_key", maintain_order=True).agg("block_keys")
    )  # fmt: skip
    return names.drop("block_keys", strict=False).join(blocks, on=["entity_type", "name_key"], how="left")
