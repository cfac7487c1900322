"""The suites of all tables that are written with their article, in the order of their declaration."""

from expectations import (
    article_segments,
    document_entities,
    fact_articles,
    fact_entity_mentions,
    fact_quotes,
    fact_statements,
    quote_mentions,
    statement_relays,
    statement_speakers,
)
from expectations.base import Suite
from warehouse.tables import tables_of

_OWN_SUITES = {
    module.SUITE.table.name: module.SUITE
    for module in (
        fact_articles,
        article_segments,
        fact_quotes,
        fact_statements,
        document_entities,
        fact_entity_mentions,
        quote_mentions,
        statement_speakers,
        statement_relays,
    )
}

SUITES: tuple[Suite, ...] = tuple(_OWN_SUITES.get(table.name, Suite(table)) for table in tables_of("article"))
"""A table without a module of its own has the suite that its declaration gives."""
