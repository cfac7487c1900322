"""Every stored table, declared once: schema, DDL, comments, load, expectations, test builders and dictionary derive from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Dtype = pl.DataType | type[pl.DataType]
UTC_TIMESTAMP = pl.Datetime("us", "UTC")

QUOTE_TYPES = ("direct", "mixed", "term", "indirect")
STATEMENT_TYPES = ("direct", "mixed", "indirect")
SPEAKER_KINDS = ("person", "organization", "place", "group", "document", "anonymous")
ENTITY_TYPES = ("person", "organization", "place", "group", "event", "work", "product", "law")
MENTION_TYPES = ("name", "role", "pronoun")
CORRECTION_ACTIONS = (
    "merge", "split", "rename", "not_same", "retype", "set_speaker", "clear_speaker", "relabel",
)  # fmt: skip
CORRECTION_OUTCOMES = ("applied", "held", "stale", "refused")
"""applied: it changes rows. held: the machine says the same. stale: it matches nothing. refused: it contradicts another."""
COPY_KINDS = ("identical", "exact", "near", "truncated", "contained", "stitched", "syndicated", "rewritten")
"""identical: the same bytes. exact: the same body, folded. near: almost the same words. truncated: the article is a part of
the other. contained: the other, or much of it, is a part of the article. stitched: made of several others. syndicated: an agency's.
rewritten: other narration around the same quotations, numbers and names. Thresholds: `tasks/reports/relations.py`."""
COPY_MEASURES = ("bytes", "body", "resemblance", "containment", "names and numbers", "credit", "substitutions")
"""bytes, body: equal. resemblance: shared runs of 4 words by all that either has. containment: by those of the smaller one.
names and numbers: shared runs of 3 of them by those of the smaller one. credit: an agency is credited. substitutions: the
marks that a word-by-word paraphrase leaves behind, by all words."""
COPY_DIRECTIONS = ("earlier", "dated", "agency", "longer", "smallest id", "parts", "credit", "wording")
"""earlier, dated: by day of publication, or only the origin has one. agency: the origin is an agency's. longer: it has more words.
smallest id: nothing else tells. parts: an article made of whole others is the copy. credit, wording: no origin is at hand."""
WORDING_KINDS = ("verbatim", "truncated", "spliced", "substituted", "retranslated", "reported")
"""How the words of one report differ from the fullest report of the utterance; defined in `tasks/reports/wordings.py`."""
DATE_PRECISIONS = ("day", "range", "month", "year")
SEGMENT_LABELS = (
    "title", "subtitle", "byline", "dateline", "date", "body", "heading", "caption", "credit", "promotion",
    "comment_form", "notice", "navigation", "junk",
)  # fmt: skip
WRITTEN_AT_LOAD = frozenset({"run_id", "rules_version"})
"""Columns that say which run and which rules wrote a row: the frames of the stages have them not yet."""
BODY_LABELS = ("body", "heading")
"""Labels whose text is part of `fact_articles.body`."""


@dataclass(frozen=True)
class Column:
    """One column: its name, Polars type, meaning, whether it may be null, and its closed vocabulary if it has one."""

    name: str
    dtype: Dtype
    description: str
    nullable: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: its name, what one row is, its key, its references and its columns.

    `scope` says how a build replaces rows: `article` rows are deleted and written again with their article, `corpus` rows
    are merged by key or recomputed at publish, `ledger` rows live in the ledger file and are copied into every release.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    scope: Literal["article", "corpus", "ledger"] = "article"
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> pl.Schema:
        """The Polars schema: column name -> type, in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """Return the column called `name`; raises `KeyError` if there is none."""
        return {column.name: column for column in self.columns}[name]


_ARTICLE_ID = Column("article_id", pl.String, "One state of one document: hash of document_id and raw_sha256.")
_RUN_ID = Column("run_id", pl.String, "The pipeline run that wrote the row.")
_SPEAKER = (
    Column("cue", pl.String, "The words that mark the attribution, as printed (said, according to).", nullable=True),
    Column("cue_start_char", pl.UInt32, "First character of the cue in the body.", nullable=True),
    Column("cue_end_char", pl.UInt32, "Character after the cue in the body.", nullable=True),
    Column("speaker_text", pl.String, "The speaker as printed next to the words, a pronoun too.", nullable=True),
    Column("speaker_start_char", pl.UInt32, "First character of the speaker in the body.", nullable=True),
    Column("speaker_end_char", pl.UInt32, "Character after the speaker in the body.", nullable=True),
    Column("speaker_candidate_text", pl.String, "The best guess where the evidence was too weak to name a speaker.", nullable=True),
    Column("speaker_document_entity_id", pl.String, "Whom the speaker means in this article.", nullable=True),
    Column("speaker_entity_id", pl.String, "Whom the speaker means in the corpus, corrections obeyed; joined in at publish.", nullable=True),
    Column("speaker_kind", pl.String, "What kind of source speaks.", nullable=True, values=SPEAKER_KINDS),
    Column("via_text", pl.String, "Who relayed the words (according to the state agency), as printed.", nullable=True),
    Column("via_start_char", pl.UInt32, "First character of the relay in the body.", nullable=True),
    Column("via_end_char", pl.UInt32, "Character after the relay in the body.", nullable=True),
    Column("attribution_rule", pl.String, "The rule that found the speaker.", nullable=True),
    Column("confidence", pl.Float64, "Estimated probability, 0 to 1, that the speaker is right."),
)  # fmt: skip
_OCCASION = (
    Column("said_on", pl.Date, "The day on which it was said, or the first day of the time; null when the text does not say.", nullable=True),
    Column("said_until", pl.Date, "The last day of the time in which it was said; equal to said_on for a day.", nullable=True),
    Column("said_on_precision", pl.String, "How exactly the text tells the time.", nullable=True, values=DATE_PRECISIONS),
    Column("said_on_reference", pl.String, "What the day is counted from: the article's own date, or that of its story where it has none.", nullable=True, values=("article", "story")),
    Column("said_on_text", pl.String, "The words that tell the time, as printed (on Wednesday, over the weekend).", nullable=True),
    Column("said_on_start_char", pl.UInt32, "First character of these words in the body.", nullable=True),
    Column("said_on_end_char", pl.UInt32, "Character after these words in the body.", nullable=True),
    Column("said_place_text", pl.String, "The words that tell the place, as printed.", nullable=True),
    Column("said_place_start_char", pl.UInt32, "First character of the place in the body.", nullable=True),
    Column("said_place_end_char", pl.UInt32, "Character after the place in the body.", nullable=True),
    Column("said_place_document_entity_id", pl.String, "The place in this article.", nullable=True),
    Column("said_place_entity_id", pl.String, "The place in the corpus; joined in at publish.", nullable=True),
    Column("said_to_text", pl.String, "Whom it was said to, as printed (told reporters).", nullable=True),
    Column("said_to_start_char", pl.UInt32, "First character of the addressee in the body.", nullable=True),
    Column("said_to_end_char", pl.UInt32, "Character after the addressee in the body.", nullable=True),
)  # fmt: skip
OCCASION_COLUMNS = tuple(column.name for column in _OCCASION)
"""When, where and to whom something was said: null until `tasks/occasions.py` fills them."""

SOURCE_DOCUMENTS = Table(
    name="source_documents",
    grain="one sighting of one article in one place",
    key=("article_id", "source_uri"),
    scope="corpus",
    references={},
    columns=(
        Column(
            "document_id",
            pl.String,
            "A source that can be seen again: hash of its canonical URL, else of its source URI.",
        ),
        _ARTICLE_ID,
        Column("source_uri", pl.String, "Path of the source relative to the source root it was found under."),
        Column("raw_sha256", pl.String, "SHA-256 of the bytes as found."),
        Column("metadata_sha256", pl.String, "SHA-256 of the metadata beside the text.", nullable=True),
        Column("metadata_uri", pl.String, "Where the metadata was found.", nullable=True),
        Column("size_bytes", pl.UInt64, "Size of the raw bytes, in bytes."),
        Column("reader", pl.String, "The reader that opened the source."),
        Column("media_type", pl.String, "What a server said that it is.", nullable=True),
        Column("http_headers", pl.String, "Headers of the response that say how to read it, as JSON.", nullable=True),
        Column("first_seen_at", UTC_TIMESTAMP, "When a build first saw these bytes in this place."),
        Column("last_seen_at", UTC_TIMESTAMP, "When a build last saw them, as of this release."),
        _RUN_ID,
    ),
)

FACT_ARTICLES = Table(
    name="fact_articles",
    grain="one article: the current state of one document",
    key=("article_id",),
    columns=(
        _ARTICLE_ID,
        Column("document_id", pl.String, "The document that this article is the current state of."),
        Column("source_uri", pl.String, "Path of the source relative to its source root."),
        Column("url", pl.String, "Address of the article.", nullable=True),
        Column("raw_sha256", pl.String, "SHA-256 of the bytes as found."),
        Column("encoding", pl.String, "The encoding that the bytes were decoded with."),
        Column("layout", pl.String, "How paragraphs are laid out in the raw text.", values=("blank_lines", "line_per_paragraph", "hard_wrapped")),
        Column("outlet", pl.String, "The outlet that published the article.", nullable=True),
        Column("title", pl.String, "The headline.", nullable=True),
        Column("body", pl.String, "Paragraphs as printed, separated by blank lines."),
        Column("body_sha256", pl.String, "SHA-256 of the body with case, marks and white space folded: equal for exact copies."),
        Column("authors", pl.List(pl.String), "The authors, in printed order."),
        Column("dateline", pl.String, "The dateline as printed (place, agency, date).", nullable=True),
        Column("dateline_place", pl.String, "The place named in the dateline.", nullable=True),
        Column("published_on", pl.Date, "The date of publication, when the metadata or the text says so.", nullable=True),
        Column("language", pl.String, "ISO 639-1 code of the body's language; und when it cannot be told."),
        Column("language_score", pl.Float64, "Probability of the language, 0 to 1."),
        Column("word_count", pl.UInt32, "Words in the body."),
        Column("paragraph_count", pl.UInt32, "Paragraphs in the body."),
        Column("relabels_version", pl.String, "Hash of the relabels of its outlet that cleaning applied; null when there are none.", nullable=True),
        Column("rules_version", pl.String, "Hash of the rules, lexicons and model that made the facts."),
        _RUN_ID,
    ),
)  # fmt: skip

ARTICLE_ATTRIBUTES = Table(
    name="article_attributes",
    grain="one value of one attribute of one article from one origin",
    key=("article_id", "attribute", "origin"),
    references={"article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column(
            "attribute", pl.String, "Which attribute.", values=("title", "authors", "outlet", "url", "published_on")
        ),
        Column(
            "origin",
            pl.String,
            "Who says so: what stands beside the document, the head of its page, its text.",
            values=("metadata", "html", "text"),
        ),
        Column("value", pl.String, "The value; authors are separated by semicolons."),
        Column(
            "evidence",
            pl.String,
            "The rule, the metadata file or the part of the page (json_ld, open_graph, meta, canonical_link, time) that gave the value.",
        ),
        Column("is_chosen", pl.Boolean, "Whether fact_articles carries this value."),
    ),
)

ARTICLE_SEGMENTS = Table(
    name="article_segments",
    grain="one labelled piece of one line of a raw document",
    key=("article_id", "line_no", "segment_no"),
    references={"article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column("line_no", pl.UInt32, "Line of the raw text, counted from 0; blank lines are counted and have no row."),
        Column("segment_no", pl.UInt16, "Piece of the line, counted from 0."),
        Column("label", pl.String, "What the piece is.", values=SEGMENT_LABELS),
        Column("reason", pl.String, "The rule that gave the label."),
        Column("text", pl.String, "The piece after repair of encoding and entities."),
        Column("raw_start", pl.UInt64, "First byte of the piece in the raw document."),
        Column("raw_end", pl.UInt64, "Byte after the piece in the raw document."),
        Column("body_start", pl.UInt32, "First character of the piece in the body, when it is part of it.", nullable=True),
        Column("body_end", pl.UInt32, "Character after the piece in the body.", nullable=True),
        Column(
            "edits",
            pl.List(pl.Struct({"start": pl.UInt32, "end": pl.UInt32, "raw_start": pl.UInt64, "raw_end": pl.UInt64, "kind": pl.String})),
            "Where repair changed something: characters of text, the raw bytes they came from, and the kind of repair.",
        ),
    ),
)  # fmt: skip

FACT_QUOTES = Table(
    name="fact_quotes",
    grain="one continuous stretch of quoted or reported words in one article",
    key=("quote_id",),
    references={
        "article_id": "fact_articles", "statement_id": "fact_statements", "parent_quote_id": "fact_quotes",
        "speaker_document_entity_id": "document_entities", "speaker_entity_id": "dim_entities",
        "said_place_document_entity_id": "document_entities", "said_place_entity_id": "dim_entities",
    },
    columns=(
        Column("quote_id", pl.String, "Hash of article, span and type."),
        _ARTICLE_ID,
        Column("statement_id", pl.String, "The attribution that the stretch is part of; null when nobody is said to speak.", nullable=True),
        Column("part_no", pl.UInt16, "Place of the stretch in its statement, counted from 0."),
        Column("parent_quote_id", pl.String, "The quotation that this one stands inside of.", nullable=True),
        Column("quote_text", pl.String, "The words as printed, without the marks."),
        Column("quote_text_normalized", pl.String, "The words with case, marks, dashes and white space folded."),
        Column("quote_type", pl.String, "direct, mixed and term are marked; indirect is unmarked.", values=QUOTE_TYPES),
        Column("start_char", pl.UInt32, "First character in fact_articles.body, counted from 0."),
        Column("end_char", pl.UInt32, "Character after the last one in fact_articles.body."),
        Column("paragraph_no", pl.UInt32, "Paragraph of the body, counted from 0."),
        Column("mark_repair", pl.String, "How the marks were repaired, when they had to be.", nullable=True, values=("unclosed", "unopened", "wrong_way", "continued")),
        *_SPEAKER,
        *_OCCASION,
    ),
)  # fmt: skip

FACT_STATEMENTS = Table(
    name="fact_statements",
    grain="one attribution: all that one source is reported to have said in one go",
    key=("statement_id",),
    references={
        "article_id": "fact_articles",
        "speaker_document_entity_id": "document_entities", "speaker_entity_id": "dim_entities",
        "said_place_document_entity_id": "document_entities", "said_place_entity_id": "dim_entities",
    },
    columns=(
        Column("statement_id", pl.String, "Hash of article, first content character, cue and type."),
        _ARTICLE_ID,
        Column("statement_type", pl.String, "How much of the content is marked.", values=STATEMENT_TYPES),
        Column("content_text", pl.String, "What is reported to have been said, fragments joined by a space."),
        Column("fragments", pl.List(pl.Struct({"start_char": pl.UInt32, "end_char": pl.UInt32})), "The stretches of the body that hold the content, in order."),
        *_SPEAKER,
        *_OCCASION,
    ),
)  # fmt: skip

DOCUMENT_ENTITIES = Table(
    name="document_entities",
    grain="one person, organization, place or group in one article",
    key=("document_entity_id",),
    references={"article_id": "fact_articles"},
    columns=(
        Column(
            "document_entity_id",
            pl.String,
            "Hash of article, type and first mention; never rewritten by corpus-level work.",
        ),
        _ARTICLE_ID,
        Column("entity_type", pl.String, "What it is.", values=ENTITY_TYPES),
        Column("document_entity_name", pl.String, "Its fullest name in the article."),
        Column("names", pl.List(pl.String), "Every name it has in the article, titles left out."),
        Column("titles", pl.List(pl.String), "Titles and roles printed with it."),
        Column("mention_count", pl.UInt32, "Mentions in the article."),
    ),
)

FACT_ENTITY_MENTIONS = Table(
    name="fact_entity_mentions",
    grain="one mention in one article",
    key=("mention_id",),
    references={"article_id": "fact_articles", "document_entity_id": "document_entities", "entity_id": "dim_entities"},
    columns=(
        Column("mention_id", pl.String, "Hash of article, span and type."),
        _ARTICLE_ID,
        Column("document_entity_id", pl.String, "Whom the mention means in this article."),
        Column(
            "entity_id",
            pl.String,
            "Whom the mention means in the corpus, corrections obeyed; joined in at publish.",
            nullable=True,
        ),
        Column("mention_text", pl.String, "The mention as printed, without title."),
        Column("mention_type", pl.String, "Whether a name, a role (the minister) or a pronoun.", values=MENTION_TYPES),
        Column("entity_type", pl.String, "What is mentioned.", values=ENTITY_TYPES),
        Column("title", pl.String, "Title or honorific printed before the name.", nullable=True),
        Column("start_char", pl.UInt32, "First character in fact_articles.body, counted from 0."),
        Column("end_char", pl.UInt32, "Character after the last one in fact_articles.body."),
        Column("mention_rule", pl.String, "The rule that tied the mention to its entity."),
    ),
)

QUOTE_MENTIONS = Table(
    name="quote_mentions",
    grain="one mention in the words of a quote or in the clause around them",
    key=("quote_id", "mention_id"),
    references={"article_id": "fact_articles", "quote_id": "fact_quotes", "mention_id": "fact_entity_mentions"},
    columns=(
        Column("quote_id", pl.String, "The quote."),
        Column("mention_id", pl.String, "Who or what is mentioned; never the speaker beside the words."),
        _ARTICLE_ID,
        Column("role", pl.String, "inside the words, or in the clause around them.", values=("inside", "around")),
    ),
)

STATEMENT_SPEAKERS = Table(
    name="statement_speakers",
    grain="one of those who made a statement together; one row for a statement of one speaker",
    key=("statement_id", "speaker_no"),
    references={
        "article_id": "fact_articles", "statement_id": "fact_statements",
        "speaker_document_entity_id": "document_entities", "speaker_entity_id": "dim_entities",
    },
    columns=(
        Column("statement_id", pl.String, "The statement."),
        Column("speaker_no", pl.UInt16, "Place in the printed order, counted from 0."),
        _ARTICLE_ID,
        Column("speaker_text", pl.String, "This speaker as printed."),
        Column("speaker_start_char", pl.UInt32, "First character of the speaker in the body."),
        Column("speaker_end_char", pl.UInt32, "Character after the speaker in the body."),
        Column("speaker_document_entity_id", pl.String, "Whom it means in this article.", nullable=True),
        Column("speaker_entity_id", pl.String, "Whom it means in the corpus; joined in at publish.", nullable=True),
        Column("speaker_kind", pl.String, "What kind of source speaks.", nullable=True, values=SPEAKER_KINDS),
    ),
)  # fmt: skip

STATEMENT_RELAYS = Table(
    name="statement_relays",
    grain="one link of the chain through which a statement came to the article",
    key=("statement_id", "relay_no"),
    references={
        "article_id": "fact_articles", "statement_id": "fact_statements",
        "relay_document_entity_id": "document_entities", "relay_entity_id": "dim_entities",
    },
    columns=(
        Column("statement_id", pl.String, "The statement."),
        Column("relay_no", pl.UInt16, "Place in the chain, the nearest to the speaker is 0."),
        _ARTICLE_ID,
        Column("relay_text", pl.String, "The relay as printed (the state agency, the newspaper)."),
        Column("relay_start_char", pl.UInt32, "First character of the relay in the body."),
        Column("relay_end_char", pl.UInt32, "Character after the relay in the body."),
        Column("relay_cue", pl.String, "The words that make it one, as printed (according to, told).", nullable=True),
        Column("relay_document_entity_id", pl.String, "Whom it means in this article.", nullable=True),
        Column("relay_entity_id", pl.String, "Whom it means in the corpus; joined in at publish.", nullable=True),
    ),
)  # fmt: skip

ENTITY_LINKS = Table(
    name="entity_links",
    grain="one link of a document entity to its entity in the corpus",
    key=("document_entity_id",),
    scope="corpus",
    references={"document_entity_id": "document_entities", "entity_id": "dim_entities"},
    columns=(
        Column("document_entity_id", pl.String, "The document entity."),
        Column("entity_id", pl.String, "The entity in the corpus."),
        Column("rule", pl.String, "The evidence that joined them."),
        Column("score", pl.Float64, "Strength of the evidence, 0 to 1."),
    ),
)

ENTITY_LINK_NAMES = Table(
    name="entity_link_names",
    grain="one document entity under the name by which it was linked",
    key=("document_entity_id",),
    scope="corpus",
    references={"document_entity_id": "document_entities"},
    columns=(
        Column("document_entity_id", pl.String, "The document entity."),
        Column("article_id", pl.String, "Its article."),
        Column("entity_type", pl.String, "What the article takes it for.", values=ENTITY_TYPES),
        Column("name_key", pl.String, "The key of its fullest name in the article."),
    ),
)

ENTITY_NAMES = Table(
    name="entity_names",
    grain="one distinct name of a type, as names are compared over the corpus",
    key=("entity_type", "name_key"),
    scope="corpus",
    columns=(
        Column("entity_type", pl.String, "What the name is taken for.", values=ENTITY_TYPES),
        Column("name_key", pl.String, "The folded name."),
        Column("is_full", pl.Boolean, "Whether the name alone stands for an entity; a surname does not."),
        Column("alias_keys", pl.List(pl.String), "Other names that articles give its bearers."),
        Column("title_words", pl.List(pl.String), "Words of their titles; =m and =f for genders."),
        Column(
            "article_ids", pl.List(pl.String), "Articles that are its context: at most 64, those with the smallest ids."
        ),
        Column("block_keys", pl.List(pl.String), "Names are compared with those that share a block."),
        Column("canonical_key", pl.String, "The name that stands for the names of one entity.", nullable=True),
        Column("rule", pl.String, "The evidence that joined the two names.", nullable=True),
    ),
)

ID_REDIRECTS = Table(
    name="id_redirects",
    grain="one id that an earlier release had and this one has not",
    key=("kind", "old_id"),
    scope="corpus",
    columns=(
        Column("kind", pl.String, "What the id is of.", values=("entity", "article", "story", "utterance")),
        Column("old_id", pl.String, "The id that was released."),
        Column(
            "new_id", pl.String, "The id that stands for it in this release; null when nothing does.", nullable=True
        ),
    ),
)

DIM_ENTITIES = Table(
    name="dim_entities",
    grain="one person, organization, place or group in the corpus",
    key=("entity_id",),
    scope="corpus",
    columns=(
        Column("entity_id", pl.String, "Hash of type and canonical name key."),
        Column("entity_name", pl.String, "Its most frequent full name."),
        Column("entity_type", pl.String, "What it is.", values=ENTITY_TYPES),
        Column("aliases", pl.List(pl.String), "Every name it is printed under, most frequent first."),
        Column("alias_article_counts", pl.List(pl.UInt32), "Articles that print each of the aliases, in their order."),
        Column("article_count", pl.UInt32, "Articles that mention it."),
        Column("mention_count", pl.UInt32, "Mentions over all articles."),
        Column("external_id", pl.String, "Its id in an authority file; of several that of Wikidata, then VIAF.", nullable=True),
        Column("external_scheme", pl.String, "Whose id that is: wikidata, viaf, or a newsroom's own word.", nullable=True),
    ),
)  # fmt: skip

ENTITY_AUTHORITIES = Table(
    name="entity_authorities",
    grain="one external id of one entity, from one row of an authority file",
    key=("entity_id", "external_scheme", "external_id"),
    scope="corpus",
    references={"entity_id": "dim_entities"},
    columns=(
        Column("entity_id", pl.String, "The entity."),
        Column("external_scheme", pl.String, "Whose id it is: wikidata, viaf, or a newsroom's own word."),
        Column("external_id", pl.String, "The id."),
        Column("authority_name", pl.String, "The name in the authority file."),
        Column("matched_name", pl.String, "The name of the entity that it was matched by."),
        Column("authority_row", pl.String, "File and line of the authority."),
    ),
)

CORRECTIONS = Table(
    name="corrections",
    grain="one correction of the ledger of corrections, and what became of it in this release",
    key=("file", "line_no"),
    scope="corpus",
    columns=(
        Column("file", pl.String, "The file, relative to the folder of corrections."),
        Column("line_no", pl.UInt32, "The line that it begins on, counted from 1."),
        Column("correction_id", pl.String, "Hash of what it says, without who, when and why."),
        Column("action", pl.String, "What it does.", values=CORRECTION_ACTIONS),
        Column("target", pl.String, "What it is about, in words."),
        Column("corrected_by", pl.String, "Who made it."),
        Column("corrected_on", pl.Date, "When."),
        Column("reason", pl.String, "Why."),
        Column("outcome", pl.String, "What became of it.", values=CORRECTION_OUTCOMES),
        Column("changed_count", pl.UInt32, "Document entities moved, entities renamed or retyped, quotes or pieces of text changed."),
        Column("detail", pl.String, "Why it is stale or refused, or what it waits for.", nullable=True),
    ),
)  # fmt: skip

ENTITY_LINK_CORRECTIONS = Table(
    name="entity_link_corrections",
    grain="one document entity that a correction or the authority file links to another entity than the machine did",
    key=("document_entity_id",),
    scope="corpus",
    references={"document_entity_id": "document_entities", "entity_id": "dim_entities"},
    columns=(
        Column("document_entity_id", pl.String, "The document entity."),
        Column("entity_id", pl.String, "The entity that it is linked to now; entity_links has it too."),
        Column("correction_id", pl.String, "The correction; null where the authority file joined them.", nullable=True),
        Column("machine_entity_id", pl.String, "The entity that the machine linked it to."),
        Column("machine_rule", pl.String, "The machine's evidence."),
        Column("machine_score", pl.Float64, "Strength of the machine's evidence, 0 to 1."),
    ),
)

ENTITY_CORRECTIONS = Table(
    name="entity_corrections",
    grain="one entity that a correction renames or retypes",
    key=("entity_id",),
    scope="corpus",
    references={"entity_id": "dim_entities"},
    columns=(
        Column("entity_id", pl.String, "The entity."),
        Column("rename_correction_id", pl.String, "The correction that renames it.", nullable=True),
        Column("machine_entity_name", pl.String, "Its name without the correction."),
        Column("retype_correction_id", pl.String, "The correction that retypes it.", nullable=True),
        Column("machine_entity_type", pl.String, "Its type without the correction.", values=ENTITY_TYPES),
    ),
)

QUOTE_SPEAKER_CORRECTIONS = Table(
    name="quote_speaker_corrections",
    grain="one quote whose speaker a correction sets or clears",
    key=("quote_id",),
    scope="corpus",
    references={"quote_id": "fact_quotes", "speaker_entity_id": "dim_entities", "machine_speaker_entity_id": "dim_entities"},
    columns=(
        Column("quote_id", pl.String, "The quote."),
        Column("statement_id", pl.String, "Its statement.", nullable=True),
        Column("correction_id", pl.String, "The correction."),
        Column("speaker_entity_id", pl.String, "Who speaks; null where nobody is said to.", nullable=True),
        Column("speaker_kind", pl.String, "What kind of source that is.", nullable=True, values=SPEAKER_KINDS),
        Column("machine_speaker_entity_id", pl.String, "Who speaks without the correction.", nullable=True),
        Column("is_whole_statement", pl.Boolean, "Whether all quotes of its statement are corrected alike: then the statement is too."),
    ),
)  # fmt: skip

ARTICLE_COPIES = Table(
    name="article_copies",
    grain="one article and one origin of it",
    key=("article_id", "origin_no"),
    scope="corpus",
    references={"article_id": "fact_articles", "origin_article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column("origin_no", pl.UInt16, "Place among its origins, the largest share first, counted from 0."),
        Column(
            "origin_article_id",
            pl.String,
            "The first article of those that it copies; null when none is at hand.",
            nullable=True,
        ),
        Column("origin_text", pl.String, "The agency credited, as it is called in the lexicon.", nullable=True),
        Column("copy_kind", pl.String, "What kind of copy it is.", values=COPY_KINDS),
        Column("measure_name", pl.String, "What was measured.", values=COPY_MEASURES),
        Column("measure", pl.Float64, "The measure, 0 to 1."),
        Column(
            "copied_share", pl.Float64, "Share of the article's words that stand in the origin, 0 to 1.", nullable=True
        ),
        Column("evidence", pl.String, "What is shared, in words."),
        Column("direction_rule", pl.String, "Why the other article is the origin.", values=COPY_DIRECTIONS),
    ),
)

ARTICLE_CREDITS = Table(
    name="article_credits",
    grain="one agency or other outlet that an article credits for its text",
    key=("article_id", "credited"),
    scope="corpus",
    references={"article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column("credited", pl.String, "The agency as it is called in the lexicon, or the outlet."),
        Column("credit_text", pl.String, "The credit as printed."),
        Column("credit_place", pl.String, "Where it stands.", values=("dateline", "byline", "credit", "authors")),
    ),
)

BODY_SKETCHES = Table(
    name="body_sketches",
    grain="one distinct body, whatever the number of articles that have it",
    key=("body_sha256",),
    scope="corpus",
    columns=(
        Column("body_sha256", pl.String, "SHA-256 of the body with case, marks and white space folded."),
        Column("first_article_id", pl.String, "The first article that has it: by day, agencies before others, then by id."),
        Column("first_on", pl.Date, "The day of publication of that article.", nullable=True),
        Column("is_agency", pl.Boolean, "Whether the outlet of that article is an agency."),
        Column("word_count", pl.UInt32, "Words."),
        Column("text_count", pl.UInt32, "Distinct runs of 4 words."),
        Column("quoted_count", pl.UInt32, "Those of them between quotation marks."),
        Column("name_count", pl.UInt32, "Distinct runs of 3 names and numbers outside of quotations."),
        Column("sketch", pl.List(pl.UInt64), "MinHash: the least hash of each of 64 bins of the runs of words and 32 bins of those of names."),
        Column("substitutions", pl.List(pl.String), "Words outside of quotations that a word-by-word paraphrase leaves behind, as printed."),
    ),
)  # fmt: skip

BODY_OVERLAPS = Table(
    name="body_overlaps",
    grain="two distinct bodies that were compared in full, the smaller hash first",
    key=("body_sha256", "other_body_sha256"),
    scope="corpus",
    references={"body_sha256": "body_sketches", "other_body_sha256": "body_sketches"},
    columns=(
        Column("body_sha256", pl.String, "One body."),
        Column("other_body_sha256", pl.String, "The other."),
        Column("text_shared", pl.UInt32, "Distinct runs of 4 words that both have."),
        Column("quoted_shared", pl.UInt32, "Those of them that both have between quotation marks."),
        Column("name_shared", pl.UInt32, "Distinct runs of 3 names and numbers outside of quotations that both have."),
        Column("is_candidate", pl.Boolean, "Whether their sketches met; else one is a copy of a copy of the other."),
    ),
)

DIM_STORIES = Table(
    name="dim_stories",
    grain="one event that articles report on",
    key=("story_id",),
    scope="corpus",
    columns=(
        Column("story_id", pl.String, "Hash of the smallest article id that the story had when it began."),
        Column("story_title", pl.String, "The title of its most central article.", nullable=True),
        Column("first_on", pl.Date, "The first day of publication, when one is known.", nullable=True),
        Column("last_on", pl.Date, "The last day of publication, when one is known.", nullable=True),
        Column("article_count", pl.UInt32, "Articles."),
        Column("outlet_count", pl.UInt32, "Outlets."),
        Column("origin_count", pl.UInt32, "Independent origins: rows of story_origins."),
        Column("key_terms", pl.List(pl.String), "Names and rare words that its articles share, weightiest first."),
    ),
)

STORY_ARTICLES = Table(
    name="story_articles",
    grain="one article in its story",
    key=("article_id",),
    scope="corpus",
    references={"article_id": "fact_articles", "story_id": "dim_stories"},
    columns=(
        Column("story_id", pl.String, "The story."),
        _ARTICLE_ID,
        Column(
            "score", pl.Float64, "Strength of the evidence that it belongs here, 0 to 1; 1 in a story of one article."
        ),
        Column(
            "evidence", pl.List(pl.String), "What it shares with the nearest article of the story, weightiest first."
        ),
    ),
)

STORY_TEXTS = Table(
    name="story_texts",
    grain="one distinct body: exact copies are compared with other articles once",
    key=("article_id",),
    scope="corpus",
    references={"article_id": "fact_articles"},
    columns=(
        Column("article_id", pl.String, "Of the articles with this body the one with the smallest id."),
        Column("body_sha256", pl.String, "SHA-256 of the body, folded."),
        Column("title", pl.String, "The title that was read with it.", nullable=True),
    ),
)

STORY_FEATURES = Table(
    name="story_features",
    grain="one word or pair of neighbouring words by which one distinct body is compared with others",
    key=("article_id", "feature"),
    scope="corpus",
    references={"article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column("feature", pl.String, "The word or the two words, folded."),
        Column("weight", pl.UInt16, "Its part of the article, in ten-thousandths: rarity in English times the root of its count."),
    ),
)  # fmt: skip

STORY_PAIRS = Table(
    name="story_pairs",
    grain="two distinct bodies that have so much in common that one story may hold both",
    key=("article_id", "other_article_id"),
    scope="corpus",
    references={"article_id": "fact_articles", "other_article_id": "fact_articles"},
    columns=(
        Column("article_id", pl.String, "The article with the smaller id."),
        Column("other_article_id", pl.String, "The article with the greater id."),
        Column("similarity", pl.UInt32, "Sum over shared features of the products of their weights, in ten-thousandths; 10000 for equal texts."),
    ),
)  # fmt: skip

STORY_ORIGINS = Table(
    name="story_origins",
    grain="one independent origin of a story: articles that are no copies of each other's origins count once each",
    key=("story_id", "origin_no"),
    scope="corpus",
    references={"story_id": "dim_stories"},
    columns=(
        Column("story_id", pl.String, "The story."),
        Column("origin_no", pl.UInt32, "Number of the origin, counted from 0."),
        Column("origin_text", pl.String, "The agency, the relay or the outlet that it goes back to."),
        Column("article_ids", pl.List(pl.String), "The articles that go back to it, the origin first."),
        Column("evidence", pl.String, "Why they are one origin, in words."),
    ),
)

DIM_UTTERANCES = Table(
    name="dim_utterances",
    grain="one thing said by one speaker on one occasion, however many report it",
    key=("utterance_id",),
    scope="corpus",
    references={"story_id": "dim_stories", "speaker_entity_id": "dim_entities", "reference_quote_id": "fact_quotes"},
    columns=(
        Column("utterance_id", pl.String, "Hash of the smallest id of its quotes; an id that is gone leads on in id_redirects."),
        Column("story_id", pl.String, "The story of its reports; null when they have none in common.", nullable=True),
        Column("speaker_entity_id", pl.String, "Who said it, where most reports with a speaker agree.", nullable=True),
        Column("utterance_text", pl.String, "The fullest wording."),
        Column("reference_quote_id", pl.String, "The quote with the fullest wording, which the others are compared with."),
        Column("said_on", pl.Date, "The day, where the reports that tell one agree.", nullable=True),
        Column("quote_count", pl.UInt32, "Reports: rows of utterance_wordings."),
        Column("article_count", pl.UInt32, "Articles that carry it."),
        Column("outlet_count", pl.UInt32, "Outlets that carry it."),
        Column("origin_count", pl.UInt32, "Independent origins: rows of utterance_origins."),
        Column("wording_count", pl.UInt32, "Distinct wordings, folded."),
        Column("has_speaker_conflict", pl.Boolean, "Whether reports name different speakers."),
    ),
)  # fmt: skip

UTTERANCE_WORDINGS = Table(
    name="utterance_wordings",
    grain="one quote as a report of an utterance",
    key=("quote_id",),
    scope="corpus",
    references={"utterance_id": "dim_utterances", "quote_id": "fact_quotes", "article_id": "fact_articles"},
    columns=(
        Column("utterance_id", pl.String, "The utterance."),
        Column("quote_id", pl.String, "The report."),
        _ARTICLE_ID,
        Column("wording_kind", pl.String, "How it differs from the fullest wording.", values=WORDING_KINDS),
        Column("similarity", pl.Float64, "Share of the words of the shorter that are kept, 0 to 1."),
        Column("kept", pl.List(pl.String), "Stretches of words that both have, in order."),
        Column("deleted", pl.List(pl.String), "Stretches of the fullest wording that the report leaves out, in order."),
        Column("inserted", pl.List(pl.String), "Stretches of the report that the fullest wording does not have, in order."),
        Column("rule", pl.String, "The evidence that it is the same utterance; fullest for the reference and its equals."),
    ),
)  # fmt: skip

UTTERANCE_SCOPES = Table(
    name="utterance_scopes",
    grain="one quote with the quotes that it was last compared with",
    key=("quote_id",),
    scope="corpus",
    references={"quote_id": "fact_quotes"},
    columns=(
        Column("quote_id", pl.String, "The quote."),
        _ARTICLE_ID,
        Column("scope", pl.String, "The story of the article; where it has none the speaker, else the article."),
    ),
)

ARTICLE_ORIGINS = Table(
    name="article_origins",
    grain="one article with what it goes back to as a whole",
    key=("article_id",),
    scope="corpus",
    references={"article_id": "fact_articles", "origin_article_id": "fact_articles"},
    columns=(
        _ARTICLE_ID,
        Column("origin_article_id", pl.String, "The end of its chain of copies; itself when it is no copy."),
        Column("source_key", pl.String, "Equal for articles that go back to the same."),
        Column("origin_text", pl.String, "The agency or outlet; null when none is known.", nullable=True),
        Column("reason", pl.String, "Why, in words."),
    ),
)

UTTERANCE_ORIGINS = Table(
    name="utterance_origins",
    grain="one independent origin of an utterance, after copies, relays and syndication are folded",
    key=("utterance_id", "origin_no"),
    scope="corpus",
    references={"utterance_id": "dim_utterances"},
    columns=(
        Column("utterance_id", pl.String, "The utterance."),
        Column("origin_no", pl.UInt32, "Number of the origin, counted from 0."),
        Column("origin_text", pl.String, "The agency, the relay or the outlet that it goes back to."),
        Column("quote_ids", pl.List(pl.String), "The reports that go back to it."),
        Column("evidence", pl.String, "Why they are one origin, in words."),
    ),
)

DIM_OUTLETS = Table(
    name="dim_outlets",
    grain="one outlet",
    key=("outlet",),
    scope="corpus",
    columns=(
        Column("outlet", pl.String, "The outlet's name."),
        Column("names", pl.List(pl.String), "Other names it is printed under."),
        Column("domains", pl.List(pl.String), "Internet domains it publishes on."),
        Column("is_configured", pl.Boolean, "Whether a file in tasks/outlets describes it."),
        Column("article_count", pl.UInt32, "Current articles of the outlet."),
    ),
)

OUTLET_LINES = Table(
    name="outlet_lines",
    grain="one line that one outlet prints with any article, in one learned version",
    key=("lines_version", "outlet", "line_hash"),
    scope="corpus",
    columns=(
        Column("lines_version", pl.String, "Hash of all lines that were learned together; a release names the one it uses."),
        Column("outlet", pl.String, "The outlet that prints the line."),
        Column("line_hash", pl.String, "Hash of the line with case, marks and white space folded."),
        Column("line_text", pl.String, "The line as printed, its first 200 characters."),
        Column("document_count", pl.UInt32, "Original documents that it stands in; copies of one article count for nothing."),
        Column("share", pl.Float64, "Their share of the original documents of the outlet, 0 to 1."),
    ),
)  # fmt: skip

ARTICLE_VERSIONS = Table(
    name="article_versions",
    grain="one earlier state of a document, replaced by newer bytes",
    key=("article_id", "replaced_at"),
    scope="corpus",
    columns=(
        *FACT_ARTICLES.columns,
        Column("replaced_at", UTC_TIMESTAMP, "When the newer state replaced it."),
        Column("replaced_by_article_id", pl.String, "The article that replaced it."),
    ),
)

RELEASES = Table(
    name="releases",
    grain="one published release of the warehouse, this one last",
    key=("release_id",),
    scope="corpus",
    columns=(
        Column("release_id", pl.String, "UTC time of publishing and a hash: also the file's name."),
        Column("parent_release_id", pl.String, "The release that it was copied from.", nullable=True),
        Column("published_at", UTC_TIMESTAMP, "When it was published."),
        Column("schema_version", pl.UInt32, "Version of the table declarations."),
        Column("onrecord_version", pl.String, "Version of the software."),
        Column("rules_version", pl.String, "Hash of rules, lexicons and model of the build that made it."),
        Column(
            "lines_version",
            pl.String,
            "The learned lines of outlets (outlet_lines) that its builds leave out; null for none.",
            nullable=True,
        ),
        Column("link_version", pl.String, "Hash of the rules that linked entities over the corpus.", nullable=True),
        Column("stories_version", pl.String, "Hash of the rules that related articles and quotes.", nullable=True),
        Column("publish_version", pl.String, "Hash of the marts, the audit and the lists of outlets.", nullable=True),
        Column("article_count", pl.UInt32, "Articles in the release."),
        Column("quote_count", pl.UInt32, "Quotes in the release."),
        Column("corrections_version", pl.String, "Hash of the corrections and authority rows that it obeys; null when there are none.", nullable=True),
        _RUN_ID,
    ),
)  # fmt: skip

SCHEMA_MIGRATIONS = Table(
    name="schema_migrations",
    grain="one version of the table declarations that this file was written with",
    key=("schema_version",),
    scope="corpus",
    columns=(
        Column("schema_version", pl.UInt32, "Version of the table declarations."),
        Column("migrated_at", UTC_TIMESTAMP, "When the file was created with it or brought to it."),
    ),
)

PIPELINE_RUNS = Table(
    name="pipeline_runs",
    grain="one run of the pipeline",
    key=("run_id",),
    scope="ledger",
    columns=(
        _RUN_ID,
        Column("flow_name", pl.String, "The flow that ran."),
        Column("started_at", UTC_TIMESTAMP, "When it started."),
        Column("finished_at", UTC_TIMESTAMP, "When it ended; null while it runs or when it was killed.", nullable=True),
        Column("status", pl.String, "How it ended.", values=("running", "published", "unchanged", "stopped", "failed")),
        Column("sources", pl.List(pl.String), "The sources as given."),
        Column("batch_size", pl.UInt32, "Articles in a batch."),
        Column("rules_version", pl.String, "Hash of rules, lexicons and model."),
        Column("found_count", pl.UInt32, "Sources found.", nullable=True),
        Column("unchanged_count", pl.UInt32, "Sources skipped because their bytes, metadata and the rules were known.", nullable=True),
        Column("article_count", pl.UInt32, "Articles loaded.", nullable=True),
        Column("quote_count", pl.UInt32, "Quotes loaded.", nullable=True),
        Column("rejected_count", pl.UInt32, "Documents rejected.", nullable=True),
        Column("quarantined_count", pl.UInt32, "Rows quarantined.", nullable=True),
        Column("release_id", pl.String, "The release that it published.", nullable=True),
        Column("stage_seconds", pl.String, "Wall time per stage, as JSON.", nullable=True),
        Column("detail", pl.String, "Why it stopped or failed.", nullable=True),
    ),
)  # fmt: skip

REJECTED_DOCUMENTS = Table(
    name="rejected_documents",
    grain="one source that did not become an article, in one run",
    key=("run_id", "source_uri", "stage"),
    scope="ledger",
    columns=(
        Column("source_uri", pl.String, "Path of the source relative to its source root."),
        Column("raw_sha256", pl.String, "SHA-256 of its bytes; null when they could not be read.", nullable=True),
        Column("metadata_sha256", pl.String, "SHA-256 of the metadata beside it.", nullable=True),
        Column("stage", pl.String, "The stage that rejected it."),
        Column("reject_reason", pl.String, "Why, as a closed word (empty, binary, too_large, unreadable, no_body…)."),
        Column("detail", pl.String, "Why, in words.", nullable=True),
        Column("rules_version", pl.String, "The rules that rejected it."),
        Column("rejected_at", UTC_TIMESTAMP, "When."),
        _RUN_ID,
    ),
)  # fmt: skip

QUARANTINED_ROWS = Table(
    name="quarantined_rows",
    grain="one row that failed one expectation and did not reach the facts",
    key=("run_id", "table_name", "row_key", "expectation"),
    scope="ledger",
    columns=(
        _RUN_ID,
        Column("table_name", pl.String, "The table that the row was meant for."),
        Column("row_key", pl.String, "The row's key, parts separated by a vertical bar."),
        Column("expectation", pl.String, "The expectation that it failed, or the row it depended on."),
        Column("row_json", pl.String, "The whole row as JSON."),
    ),
)

EXPECTATION_RESULTS = Table(
    name="expectation_results",
    grain="the result of one expectation on one table in one run",
    key=("run_id", "table_name", "expectation", "batch_no"),
    scope="ledger",
    columns=(
        _RUN_ID,
        Column("table_name", pl.String, "The table."),
        Column("expectation", pl.String, "The expectation."),
        Column("batch_no", pl.Int32, "The batch, counted from 0; -1 for the whole staged release."),
        Column("severity", pl.String, "What a failure does.", values=("quarantine", "stop", "warn")),
        Column("is_success", pl.Boolean, "Whether it held."),
        Column("checked_count", pl.UInt64, "Rows checked."),
        Column("failed_count", pl.UInt64, "Rows that failed."),
        Column("detail", pl.String, "What was observed.", nullable=True),
    ),
)

SOURCE_SIGHTINGS = Table(
    name="source_sightings",
    grain="the last sighting of one document in one place, also by runs that published nothing",
    key=("source_uri", "document_id"),
    scope="ledger",
    columns=(
        Column("source_uri", pl.String, "Path of the source relative to its source root."),
        Column("document_id", pl.String, "The document."),
        Column("raw_sha256", pl.String, "SHA-256 of the bytes seen."),
        Column("metadata_sha256", pl.String, "SHA-256 of the metadata seen.", nullable=True),
        Column("outcome", pl.String, "What became of it.", values=("loaded", "rejected", "quarantined", "stopped")),
        Column("rules_version", pl.String, "The rules it was judged by."),
        Column("first_seen_at", UTC_TIMESTAMP, "When a run first saw these bytes there."),
        Column("last_seen_at", UTC_TIMESTAMP, "When a run last saw them there."),
        _RUN_ID,
    ),
)

SOURCE_STATES = Table(
    name="source_states",
    grain="one source of many documents, as a run last read it whole and without a flaw",
    key=("location",),
    scope="ledger",
    columns=(
        Column("location", pl.String, "Where it is: absolute path or address."),
        Column("source_uri", pl.String, "Path of the source relative to its source root, or its address."),
        Column("fingerprint", pl.String, "What tells without reading that it is the same: size and times of a file, what a server or store says of it.", nullable=True),
        Column("source_sha256", pl.String, "SHA-256 of the whole file; null for remote ones.", nullable=True),
        Column("etag", pl.String, "The ETag that a web server gave.", nullable=True),
        Column("last_modified", pl.String, "The Last-Modified that a web server gave.", nullable=True),
        Column("document_count", pl.UInt64, "Documents that were seen in it."),
        Column("reading_version", pl.String, "Hash of the limits and the mapping of fields that it was read with."),
        Column("read_at", UTC_TIMESTAMP, "When it was last read or found unchanged."),
        _RUN_ID,
    ),
)  # fmt: skip

WEB_PAGES = Table(
    name="web_pages",
    grain="one address that a feed was read from or led to, as last fetched",
    key=("address",),
    scope="ledger",
    columns=(
        Column("address", pl.String, "The address of a feed or of a page."),
        Column("etag", pl.String, "The ETag that the server gave.", nullable=True),
        Column("last_modified", pl.String, "The Last-Modified that the server gave.", nullable=True),
        Column("media_type", pl.String, "The Content-Type that the server gave.", nullable=True),
        Column("raw_sha256", pl.String, "SHA-256 of the bytes, which are kept in the store of raw bytes."),
        Column("entry_version", pl.String, "Hash of what the feed said of the page; null for feeds.", nullable=True),
        Column("fetched_at", UTC_TIMESTAMP, "When the server was last asked."),
        _RUN_ID,
    ),
)

SCHEMA_VERSION = 4
"""Raise with every change of a stored table, and add a migration in `warehouse/migrations.py`."""

TABLES: tuple[Table, ...] = (
    SOURCE_DOCUMENTS, FACT_ARTICLES, ARTICLE_ATTRIBUTES, ARTICLE_SEGMENTS, FACT_QUOTES, FACT_STATEMENTS, DOCUMENT_ENTITIES,
    FACT_ENTITY_MENTIONS, QUOTE_MENTIONS, STATEMENT_SPEAKERS, STATEMENT_RELAYS, ENTITY_LINKS, ENTITY_LINK_NAMES, ENTITY_NAMES, DIM_ENTITIES, ID_REDIRECTS, ENTITY_AUTHORITIES,
    ARTICLE_COPIES, ARTICLE_CREDITS, BODY_SKETCHES, BODY_OVERLAPS, DIM_STORIES, STORY_ARTICLES, STORY_TEXTS, STORY_FEATURES, STORY_PAIRS,
    STORY_ORIGINS, DIM_UTTERANCES, UTTERANCE_WORDINGS, UTTERANCE_SCOPES, ARTICLE_ORIGINS, UTTERANCE_ORIGINS,
    CORRECTIONS, ENTITY_LINK_CORRECTIONS, ENTITY_CORRECTIONS, QUOTE_SPEAKER_CORRECTIONS, DIM_OUTLETS, OUTLET_LINES,
    ARTICLE_VERSIONS, RELEASES, SCHEMA_MIGRATIONS,
    PIPELINE_RUNS, REJECTED_DOCUMENTS, QUARANTINED_ROWS, EXPECTATION_RESULTS, SOURCE_SIGHTINGS, SOURCE_STATES, WEB_PAGES,
)  # fmt: skip


def tables_of(scope: str) -> tuple[Table, ...]:
    """Return the tables of one scope (`article`, `corpus` or `ledger`), in order of declaration."""
    return tuple(table for table in TABLES if table.scope == scope)
