"""Linked document entities -> the entities of the corpus with their names and counts."""

from functools import cache

import polars as pl

from tasks.identity.linking.keys import read_person
from tasks.identity.names import is_acronym
from tasks.lexicons import load_lexicon
from warehouse.tables import DIM_ENTITIES


def build_entities(document_entities: pl.DataFrame, entity_links: pl.DataFrame) -> pl.DataFrame:
    """Build DIM_ENTITIES, named by the most frequent full name; of several the longest, then the first by letter.

    Args:
        document_entities: DOCUMENT_ENTITIES; those without a link are left out.
        entity_links: `document_entity_id` and `entity_id`.

    Returns:
        DIM_ENTITIES, ordered by `entity_id`; columns that linking does not know are null.
    """
    linked = document_entities.join(
        entity_links.select("document_entity_id", "entity_id"), on="document_entity_id"
    ).select("document_entity_id", "article_id", "entity_id", "entity_type", "names", "mention_count")
    names = (
        linked.select("entity_id", "entity_type", name="names").explode("name").drop_nulls()
        .group_by("entity_id", "entity_type", "name").agg(article_count=pl.len())
    )  # fmt: skip
    counts = linked.group_by("entity_id").agg(
        pl.col("article_id").n_unique().alias("article_count"), pl.col("mention_count").sum()
    )
    return name_entities(names, counts)


def name_entities(names: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Build DIM_ENTITIES from the counted names and the counts of each entity.

    Args:
        names: `entity_id`, `entity_type`, `name` and `article_count`, the articles that print it.
        counts: `entity_id`, `article_count` and `mention_count`.
    """
    distinct = names.select("entity_type", "name").unique()
    fullness = pl.Series("fullness", [_fullness(*row) for row in distinct.iter_rows()], dtype=pl.Int32)
    ranked = names.join(distinct.with_columns(fullness), on=["entity_type", "name"])
    ranked = ranked.with_columns(length=pl.col("name").str.len_chars())
    order = ["entity_id", "article_count", "length", "name"]
    chosen = ranked.sort(["entity_id", "fullness", *order[1:]], descending=[False, True, True, True, False]).unique(
        "entity_id", keep="first", maintain_order=True
    )
    aliases = (
        ranked.sort(order, descending=[False, True, True, False])
        .group_by("entity_id", maintain_order=True)
        .agg(aliases="name", alias_article_counts="article_count")
    )
    entities = (
        chosen.select("entity_id", "entity_type", entity_name="name")
        .join(aliases, on="entity_id")
        .join(counts, on="entity_id")
    )
    unknown = [pl.lit(None, dtype).alias(name) for name, dtype in DIM_ENTITIES.schema.items() if name not in entities]
    return entities.with_columns(unknown).select(DIM_ENTITIES.column_names).cast(DIM_ENTITIES.schema).sort("entity_id")


def _fullness(entity_type: str, name: str) -> int:
    if entity_type == "person":
        return int(read_person(name).is_full)
    if entity_type == "place" and name in _country_names():
        return 2
    return int(not is_acronym(name))


@cache
def _country_names() -> frozenset[str]:
    return frozenset(load_lexicon("countries").get_column("name"))
