"""Document entities -> entities of the corpus: one link each, with its rule and score. Pure, in any order.

Names are compared only inside blocks (one surname's sound, one acronym), and every distinct name once, so the cost
grows with the rows, also when one name has a hundred thousand of them.
"""

from dataclasses import dataclass, field

import polars as pl

from tasks.identity.linking.clusters import cluster_names
from tasks.identity.linking.contexts import link_short_names, read_contexts
from tasks.identity.linking.entities import build_entities
from tasks.identity.linking.names import collect_names, read_names
from warehouse.keys import make_id
from warehouse.tables import ENTITY_LINK_NAMES, ENTITY_LINKS, ENTITY_NAMES

SCORES = {
    "full_name": 1.0, "same_name": 1.0, "spelling": 0.95, "name_order": 0.95, "same_article": 0.95,
    "given_name_variant": 0.9, "second_surname": 0.85, "short_form": 0.85, "initials": 0.8, "generation": 0.8, "surname_and_title": 0.8,
    "acronym_and_company": 0.75, "surname_and_company": 0.7, "short_form_and_company": 0.7, "last_words_and_company": 0.7,
    "name_and_context": 0.7,
    "unresolved": 0.5,
}  # fmt: skip
"""Rule -> strength of its evidence. An unresolved short name is an entity of its own."""


@dataclass(frozen=True)
class LinkedEntities:
    """The links (ENTITY_LINKS) of all document entities, and the entities (DIM_ENTITIES) that they lead to.

    `entity_link_names` and `entity_names` conform to the tables of their name: what an update of the links starts from.
    """

    entity_links: pl.DataFrame
    dim_entities: pl.DataFrame
    entity_link_names: pl.DataFrame = field(default_factory=ENTITY_LINK_NAMES.schema.to_frame)
    entity_names: pl.DataFrame = field(default_factory=ENTITY_NAMES.schema.to_frame)


def link_entities(document_entities: pl.DataFrame) -> LinkedEntities:
    """Link the document entities of a whole corpus to entities.

    Full names become clusters first (`cluster_names`), then short names are tied to them (`link_short_names`).

    Args:
        document_entities: DOCUMENT_ENTITIES of all articles.

    Returns:
        ENTITY_LINKS, one row a document entity, ordered by it, and DIM_ENTITIES, ordered by `entity_id`. An entity's
        id is the hash of its type and its smallest name key: it does not depend on the order of the rows.
    """
    rows = read_names(document_entities)
    names = collect_names(rows)
    clusters = cluster_names(names)
    is_short = ~pl.col("is_full") | (pl.col("entity_type") == "organization")
    full = names.filter("is_full")
    short = link_short_names(rows.filter(is_short), full, clusters, read_contexts(rows))
    entity_links = build_links(rows, clusters, short)
    named = names.join(clusters, on=["entity_type", "name_key"], how="left")
    entity_names = named.select(ENTITY_NAMES.column_names).cast(ENTITY_NAMES.schema)
    link_names = rows.select(ENTITY_LINK_NAMES.column_names).cast(ENTITY_LINK_NAMES.schema).sort("document_entity_id")
    return LinkedEntities(entity_links, build_entities(document_entities, entity_links), link_names, entity_names)


def build_links(rows: pl.DataFrame, clusters: pl.DataFrame, short: pl.DataFrame) -> pl.DataFrame:
    """Build ENTITY_LINKS from the clusters of full names and the links of short ones, which go before.

    Args:
        rows: NAMED_ROWS.
        clusters: CLUSTERED.
        short: LINKED.
    """
    linked = (
        rows.join(clusters, on=["entity_type", "name_key"], how="left")
        .join(short, on="document_entity_id", how="left", suffix="_short")
        .with_columns(
            canonical_key=pl.coalesce("canonical_key_short", "canonical_key"), rule=pl.coalesce("rule_short", "rule")
        )
    )
    ids = linked.select("entity_type", "canonical_key").unique()
    # the stored hash must not change with the version of Polars, so it is computed in Python, once a distinct key
    ids = ids.with_columns(pl.Series("entity_id", [make_id(*row) for row in ids.iter_rows()], dtype=pl.String))
    scored = linked.join(ids, on=["entity_type", "canonical_key"]).with_columns(
        score=pl.col("rule").replace_strict(SCORES, return_dtype=pl.Float64)
    )
    return scored.select(ENTITY_LINKS.column_names).cast(ENTITY_LINKS.schema).sort("document_entity_id")
