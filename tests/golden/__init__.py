"""The golden results of samples/: what a person labelled by hand, and what the pipeline made of it when it was last reviewed."""

from pathlib import Path

import polars as pl

from flows.build_warehouse import build_directly
from flows.settings import Settings
from warehouse.connection import connect_read_only

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "samples"
LABELLED_QUOTES = HERE / "samples_quotes.csv"
"""Every marked quotation of the samples with its speaker, labelled by hand."""
KNOWN_MISSES = HERE / "samples_misses.csv"
"""The labelled quotations that the pipeline does not get right yet, and why."""
ARTICLES = HERE / "samples_articles.csv"
SEGMENTS = HERE / "samples_segments.csv"


def build_samples(folder: Path) -> Path:
    """Build the warehouse of the samples in `folder` and return its path."""
    warehouse = folder / "samples.duckdb"
    build_directly(
        Settings(sources=(str(SAMPLES),), warehouse=warehouse, data_dir=folder / "data", min_age_seconds=0.0)
    )
    return warehouse


def read_articles(warehouse: Path) -> pl.DataFrame:
    """Read what was derived of every article: one row an article, by source."""
    with connect_read_only(warehouse) as con:
        return con.sql(
            """
            select source_uri, outlet, title, array_to_string(authors, '; ') as authors, dateline, published_on, language, layout,
                encoding, paragraph_count
            from fact_articles order by source_uri
            """
        ).pl()


def read_segments(warehouse: Path) -> pl.DataFrame:
    """Read every piece that is no plain body: one row a segment, by source and place."""
    with connect_read_only(warehouse) as con:
        return con.sql(
            """
            select source_uri, line_no, segment_no, label, reason, text
            from article_segments inner join fact_articles using (article_id)
            where label <> 'body' order by source_uri, line_no, segment_no
            """
        ).pl()


def find_misses(warehouse: Path) -> pl.DataFrame:
    """Compare the labelled quotations with the warehouse.

    Returns:
        One row a labelled quotation that was not found or has another speaker: `file`, `quote_text`, `expected` and `found`. Where the
        label names an entity the speaker's entity is compared, else the words that name the speaker.
    """
    labelled = (
        pl.read_csv(LABELLED_QUOTES)
        .fill_null("")
        .with_columns(occurrence=pl.int_range(pl.len()).over("file", "quote_text"))
    )
    with connect_read_only(warehouse) as con:
        found = con.sql(
            """
            select a.source_uri as file, q.quote_text, coalesce(e.entity_name, '') as entity_name, list_distinct(e.aliases) as aliases,
                coalesce(q.speaker_text, '') as speaker_text, q.quote_type
            from fact_quotes as q inner join fact_articles as a using (article_id)
            left join dim_entities as e on q.speaker_entity_id = e.entity_id
            where q.quote_type <> 'indirect' order by a.source_uri, q.start_char
            """
        ).pl()
    found = found.with_columns(occurrence=pl.int_range(pl.len()).over("file", "quote_text"))
    joined = labelled.join(
        found, on=["file", "quote_text", "occurrence"], how="left", suffix="_found", maintain_order="left"
    )
    names_entity = pl.col("speaker") != ""
    is_entity = (pl.col("entity_name") == pl.col("speaker")) | pl.col("aliases").list.contains(pl.col("speaker"))
    same_words = (
        pl.col("speaker_text_found")
        .str.to_lowercase()
        .str.contains(pl.col("speaker_text").str.to_lowercase(), literal=True)
    )
    is_right = pl.when(names_entity).then(is_entity).when(pl.col("speaker_text") != "").then(same_words).otherwise(True)
    return joined.filter(pl.col("quote_type_found").is_null() | ~is_right.fill_null(False)).select(
        "file",
        "quote_text",
        expected=pl.coalesce(pl.when(names_entity).then("speaker"), pl.col("speaker_text")),
        found=pl.when(pl.col("quote_type_found").is_null())
        .then(pl.lit("(no such quotation)"))
        .otherwise(pl.coalesce(pl.when(pl.col("entity_name") != "").then("entity_name"), "speaker_text_found")),
    )
