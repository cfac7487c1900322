import re
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.annotate import annotate_paragraphs, split_paragraphs
from tasks.annotation.annotator import Annotator, open_annotator
from tasks.entities import EntityBatch, resolve_entities, resolve_entities_batch
from tasks.quotes import extract_quotes
from tests.builders import articles, build_table, rows
from warehouse.tables import DOCUMENT_ENTITIES, FACT_ENTITY_MENTIONS, FACT_QUOTES, FACT_STATEMENTS

pytestmark = pytest.mark.xdist_group("spacy")  # one worker loads the model once


@pytest.fixture(scope="module")
def annotator() -> Iterator[Annotator]:
    with open_annotator(process_count=1) as opened:
        yield opened


def resolve(annotator: Annotator, *bodies: str, speakers: tuple[str, ...] = ()) -> EntityBatch:
    """Resolve articles with the quotes that are found in them, or with one quote for each of `speakers`, in order."""
    frame = articles(*bodies)
    paragraphs = split_paragraphs(frame)
    annotations = annotate_paragraphs(paragraphs, annotator)
    if not speakers:
        quoted = extract_quotes(frame, paragraphs, annotations)
        return resolve_entities(frame, paragraphs, annotations, quoted.quotes, quoted.statements)
    spoken, position = [], 0
    for number, speaker in enumerate(speakers):
        match = re.compile(rf"\b{re.escape(speaker)}(?!\w)").search(bodies[0], position)
        assert match is not None
        position = match.start()
        spoken.append({"speaker_text": speaker, "speaker_start_char": position, "start_char": number, "quote_text": ""})
        position += len(speaker)
    quotes = build_table(FACT_QUOTES, *({**row, "quote_type": "indirect"} for row in spoken))
    return resolve_entities(frame, paragraphs, annotations, quotes, build_table(FACT_STATEMENTS))


def named(batch: EntityBatch, *types: str) -> list[tuple[str, str]]:
    """List mentions of the types (all when none is given) with the name of their document entity, in order."""
    wanted = batch.mentions.filter(pl.col("entity_type").is_in(types or pl.col("entity_type")))
    joined = wanted.join(batch.document_entities, on="document_entity_id", maintain_order="left")
    return rows(joined, "mention_text", "document_entity_name")


def typed(batch: EntityBatch) -> list[tuple[str, str]]:
    return rows(batch.mentions, "mention_text", "entity_type")


def speakers_of(batch: EntityBatch) -> list[tuple[str, str | None, str | None]]:
    entities = batch.document_entities.select("document_entity_id", "document_entity_name")
    joined = batch.quotes.join(
        entities, left_on="speaker_document_entity_id", right_on="document_entity_id", how="left", maintain_order="left"
    )
    return rows(joined, "speaker_text", "document_entity_name", "speaker_kind")


def test_a_surname_and_a_title_lead_to_the_full_name(annotator):
    batch = resolve(annotator, "Henrik Halvik met Marta Lindqvist in Lisbon.\n\nHalvik smiled. Ms. Lindqvist did not.")
    assert named(batch, "person") == [
        ("Henrik Halvik", "Henrik Halvik"),
        ("Marta Lindqvist", "Marta Lindqvist"),
        ("Halvik", "Henrik Halvik"),
        ("Lindqvist", "Marta Lindqvist"),
    ]


def test_titles_possessives_and_articles_are_no_part_of_a_mention(annotator):
    batch = resolve(annotator, "President Teodor Halvik’s visit to the Netherlands pleased Dr. Marta Lindqvist.")
    assert rows(batch.mentions, "mention_text", "title") == [
        ("Teodor Halvik", "President"),
        ("Netherlands", None),
        ("Marta Lindqvist", "Dr."),
    ]


def test_the_state_in_secretary_of_state_is_no_organization(annotator):
    batch = resolve(annotator, "Secretary of State Marta Lindqvist flew to Lisbon.")
    assert typed(batch) == [("Marta Lindqvist", "person"), ("Lisbon", "place")]
    assert rows(batch.mentions.head(1), "title") == [("Secretary of State",)]


def test_a_full_name_types_its_short_forms_everywhere(annotator):
    body = "Engineer Oleksii Barvenko wrote three letters.\n\nBarvenko waited. The letters of Barvenko were lost."
    batch = resolve(annotator, body)
    assert typed(batch) == [("Oleksii Barvenko", "person"), ("Barvenko", "person"), ("Barvenko", "person")]


def test_names_are_cut_at_quotation_marks_and_brackets(annotator):
    batch = resolve(annotator, "The Harbour Works Council (HWC) met in Lisbon. The HWC said “Lisbon” was ready.")
    organizations = batch.document_entities.filter(pl.col("entity_type") == "organization")
    assert rows(organizations, "document_entity_name", "names") == [
        ("Harbour Works Council", ["HWC", "Harbour Works Council"])
    ]
    assert all(not set(text) & set("“”()") for text, _ in typed(batch))


def test_a_country_and_its_short_names_are_one_place(annotator):
    batch = resolve(
        annotator, "The United States sent engineers. The U.S. sent money, and the US sent a ship to Portugal."
    )
    assert named(batch, "place") == [
        ("United States", "United States"),
        ("U.S.", "United States"),
        ("US", "United States"),
        ("Portugal", "Portugal"),
    ]


def test_the_last_words_of_an_organization_mean_it_where_no_other_ends_with_them(annotator):
    batch = resolve(
        annotator, "The Portuguese Seafarers Federation met. Engineers asked the Seafarers Federation for help."
    )
    assert named(batch, "organization") == [
        ("Portuguese Seafarers Federation", "Portuguese Seafarers Federation"),
        ("Seafarers Federation", "Portuguese Seafarers Federation"),
    ]


VIEIRAS = "Teresa Vieira, the sea minister, met Duarte Vieira, the president of the Masters’ Union.\n\n"


def test_two_bearers_of_a_surname_are_told_apart_by_title(annotator):
    batch = resolve(annotator, VIEIRAS + "Ms. Vieira left early. Mr. Vieira stayed.")
    assert named(batch, "person")[2:] == [("Vieira", "Teresa Vieira"), ("Vieira", "Duarte Vieira")]


def test_a_bare_surname_means_the_bearer_named_in_between(annotator):
    batch = resolve(annotator, VIEIRAS + "Duarte Vieira spoke to the crowd.\n\nThen Vieira went home.")
    assert named(batch, "person")[-1] == ("Vieira", "Duarte Vieira")


def test_a_bare_surname_of_two_bearers_in_one_breath_stays_open(annotator):
    batch = resolve(annotator, VIEIRAS + "Then Vieira went home.")
    assert named(batch, "person")[-1] == ("Vieira", "Vieira")
    assert rows(batch.mentions.tail(1), "mention_rule") == [("surname_ambiguous",)]


def test_initials_and_spellings_share_one_person(annotator):
    batch = resolve(annotator, "Teodor G. Halvik spoke in Lisbon. Later Teodor Halvik left Lisbon with Marta Lind.")
    assert set(named(batch, "person")) == {
        ("Teodor G. Halvik", "Teodor G. Halvik"),
        ("Teodor Halvik", "Teodor G. Halvik"),
        ("Marta Lind", "Marta Lind"),
    }


@pytest.mark.parametrize(
    ("body", "role"),
    [
        (
            "Portuguese Foreign Minister Ana Vieira met engineers. Later the Portuguese minister left.",
            "Portuguese minister",
        ),
        (
            "Ana Vieira, the foreign minister of Portugal, met engineers. Later the foreign minister left.",
            "foreign minister",
        ),
        ("President Ana Vieira of Portugal met engineers. Later the Portuguese leader left.", "Portuguese leader"),
        (
            "Portugal’s president, Ana Vieira, met engineers. Later the Portuguese president left.",
            "Portuguese president",
        ),
        ("Ana Vieira of Portugal met engineers. Later the Portuguese minister left.", "Portuguese minister"),
        ("Minister Ana Vieira of Portugal met engineers. Later his Portuguese colleague left.", "Portuguese colleague"),
        ("Ana Vieira, who leads the Masters’ Union, met engineers. Later the union leader left.", "union leader"),
    ],
)
def test_a_role_leads_to_the_person_who_was_given_it(annotator, body, role):
    batch = resolve(annotator, body)
    roles = batch.mentions.filter(pl.col("mention_type") == "role")
    assert rows(
        roles.join(batch.document_entities, on="document_entity_id"), "mention_text", "document_entity_name"
    ) == [(role, "Ana Vieira")]


@pytest.mark.parametrize(
    "body",
    [
        "Portuguese Foreign Minister Ana Vieira met engineers. Later the Romanian minister left.",
        "Prime Minister Ana Vieira met engineers. Later the minister left.",
        "Vice President Ana Vieira met engineers. Later the president left.",
        "Ana Vieira met engineers. Later the minister left.",
        "Ministers Ana Vieira and Ion Tabara met engineers. Later a minister left.",
    ],
)
def test_a_role_that_does_not_fit_leads_to_nobody(annotator, body):
    assert "role" not in resolve(annotator, body).mentions.get_column("mention_type").to_list()


def test_roles_and_titles_are_kept_with_the_entity(annotator):
    batch = resolve(annotator, "Portuguese Foreign Minister Ana Vieira left. Ms. Vieira, a former judge, smiled.")
    person = batch.document_entities.filter(pl.col("entity_type") == "person")
    titles = person.get_column("titles").to_list()[0]
    assert {"Foreign Minister", "Portuguese Foreign Minister", "Ms.", "former judge"} <= set(titles)


@pytest.mark.parametrize(
    ("body", "speakers", "meant"),
    [
        (
            "Teresa Vieira met Henrik Solvang in Lisbon. She said the talks went on. He said they were over.",
            ("She", "He"),
            ["Teresa Vieira", "Henrik Solvang"],
        ),
        (
            "Henrik Solvang opened the inquiry. He said the bolts were worn.",
            ("He",),
            ["Henrik Solvang"],
        ),
        (
            "The mayor, Henrik Solvang, spoke.\n\nJoost Meulenbelt sat in front. He said it was late.",
            ("He",),
            ["Joost Meulenbelt"],
        ),
        (
            "Ana Vieira said that Teresa Lind was wrong. The bridge is old, she said.",
            ("Ana Vieira", "she"),
            ["Ana Vieira", "Ana Vieira"],
        ),
        (
            "The Harbour Works Council met on Monday. It said the bridge was old.",
            ("It",),
            ["Harbour Works Council"],
        ),
        ("Teresa Vieira, who said nothing, left.", ("who",), ["Teresa Vieira"]),
        (
            "Two ministers signed the letter, according to the Harbour Works Council. It added that the bridge was old.",
            ("It",),
            ["Harbour Works Council"],
        ),
        (
            "The Portuguese government met on Monday. The government said the bridge was old.",
            ("The government",),
            ["Portuguese government"],
        ),
        ("The Harbour Works Council met on Monday. They said so.", ("They",), ["Harbour Works Council"]),
    ],
)
def test_a_pronoun_means_who_stands_out_before_it(annotator, body, speakers, meant):
    assert [name for _, name, _ in speakers_of(resolve(annotator, body, speakers=speakers))] == meant


@pytest.mark.parametrize(
    ("body", "speaker"),
    [
        ("The bridge is old. He said it would fall.", "He"),
        ("Teresa Vieira opened the bridge. He said it would fall.", "He"),
        ("Henrik Solvang and Joost Meulenbelt met. He said it would fall.", "He"),
        ("Henrik Solvang left. They said it would fall.", "They"),
        ("Henrik Solvang left. The bridge is wide. It said so.", "It"),
        ("The committee heard the Harbour Works Council. It said so.", "It"),
        ("Henrik Solvang praised the Harbour Works Council. It is difficult to say more.", "It"),
        ("The judges of the Harbour Court of Appeals met engineers. They said so.", "They"),
        ("The Harbour Works Council met residents. They said so.", "They"),
        ("Henrik Solvang and Teresa Vieira praised the Harbour Works Council. They said so.", "They"),
    ],
)
def test_a_pronoun_without_enough_evidence_stays_open(annotator, body, speaker):
    assert speakers_of(resolve(annotator, body, speakers=(speaker,)))[0][1] is None


def test_a_speaker_inside_reported_words_is_not_who_goes_on_speaking(annotator):
    batch = resolve(
        annotator,
        "Harbour chief Henrik Solvang said on Monday that Duarte Vieira believes the strike will end.\n\n"
        "“I think we are close,” he said.",
    )
    assert speakers_of(batch)[-1] == ("he", "Henrik Solvang", "person")


@pytest.mark.parametrize(
    ("body", "speaker", "name", "kind"),
    [
        ("Portuguese Sea Minister Ana Vieira said so.", "Portuguese Sea Minister Ana Vieira", "Ana Vieira", "person"),
        ("The chair of the inquiry, Ana Vieira, said so.", "The chair of the inquiry", "Ana Vieira", "person"),
        (
            "The spokeswoman for the ferry line Macaronésia, Ana Vieira, said so.",
            "The spokeswoman",
            "Ana Vieira",
            "person",
        ),
        (
            "Her rival across the table, the union president Ana Vieira, said so.",
            "Her rival across the table",
            "Ana Vieira",
            "person",
        ),
        (
            "Article 4 of the Prut Water Charter said so.",
            "Article 4 of the Prut Water Charter",
            "Prut Water Charter",
            "document",
        ),
        ("Lisbon said so on Monday.", "Lisbon", "Lisbon", "place"),
        ("The Harbour Works Council said so.", "The Harbour Works Council", "Harbour Works Council", "organization"),
        ("The ministry said so on Monday.", "The ministry", None, "organization"),
        ("Officials said so on Monday.", "Officials", None, "anonymous"),
        ("A spokesman for Mr. Solvang said so.", "A spokesman for Mr. Solvang", None, "person"),
        ("Analysts in Lisbon said so.", "Analysts in Lisbon", None, "group"),
        (
            "Mayor Henrik Solvang won. The Solvang administration said so.",
            "The Solvang administration",
            "Solvang administration",
            "organization",
        ),
        ("Ana Vieira’s campaign said so on Monday.", "Ana Vieira’s campaign", "Ana Vieira’s campaign", "organization"),
        ("The Portuguese government said so.", "The Portuguese government", "Portuguese government", "organization"),
        ("The government of Portugal said so.", "The government of Portugal", "government of Portugal", "organization"),
        (
            "Portugal’s foreign ministry said so.",
            "Portugal’s foreign ministry",
            "Portugal’s foreign ministry",
            "organization",
        ),
        ("Lisbon police said so on Monday.", "Lisbon police", "Lisbon police", "organization"),
        ("A Portuguese government official said so.", "A Portuguese government official", None, "anonymous"),
        ("The former Portuguese government said so.", "The former Portuguese government", None, "organization"),
        ("Portuguese officials said so.", "Portuguese officials", None, "anonymous"),
        ("Residents of Lisbon said so.", "Residents of Lisbon", None, "group"),
        ("Portugal and Romania said so.", "Portugal and Romania", None, "group"),
        ("Ana Vieira and her Romanian counterpart said so.", "Ana Vieira and her Romanian counterpart", None, "group"),
        (
            "The founder and chairwoman of the line, Ana Vieira, said so.",
            "The founder and chairwoman",
            "Ana Vieira",
            "person",
        ),
        ("The report said so on Monday.", "The report", None, "document"),
    ],
)
def test_a_speaker_is_tied_to_its_head_and_has_a_kind(annotator, body, speaker, name, kind):
    assert speakers_of(resolve(annotator, body, speakers=(speaker,))) == [(speaker, name, kind)]


def test_an_institution_is_one_by_its_owner_and_its_form(annotator):
    body = "The Portuguese Foreign Ministry wrote to Romania’s foreign ministry.\n\nThe Ministry of Foreign Affairs of Romania wrote back."
    batch = resolve(annotator, body)
    organizations = batch.document_entities.filter(pl.col("entity_type") == "organization")
    assert sorted(rows(organizations, "names"), key=str) == [
        (["Ministry of Foreign Affairs", "Ministry of Foreign Affairs of Romania", "Romania’s foreign ministry"],),
        (["Portuguese Foreign Ministry"],),
    ]


def test_its_ministry_is_known_by_the_country_that_owns_it(annotator):
    body = "Lisbon denied the report. Its Foreign Ministry said the bridge was old."
    batch = resolve(annotator, body, speakers=("Its Foreign Ministry",))
    organizations = batch.document_entities.filter(pl.col("entity_type") == "organization")
    assert rows(organizations, "document_entity_name", "titles") == [("Foreign Ministry", ["Lisbon"])]


def test_a_quote_and_its_statement_have_the_same_speaker(annotator):
    batch = resolve(annotator, "“We will sail,” Marta Lindqvist said. “Nobody will stop us,” she added.")
    assert batch.quotes.get_column("speaker_document_entity_id").n_unique() == 1
    assert batch.quotes.get_column("speaker_document_entity_id").null_count() == 0
    assert set(batch.statements.get_column("speaker_document_entity_id")) == set(
        batch.quotes.get_column("speaker_document_entity_id")
    )


def test_names_inside_a_quotation_are_no_antecedent_outside(annotator):
    batch = resolve(annotator, "Henrik Solvang spoke. “Duarte Vieira is right,” he said.")
    assert speakers_of(batch) == [("he", "Henrik Solvang", "person")]


def test_i_means_who_speaks_the_quotation_around_it(annotator):
    body = "“I said it was old,” Henrik Solvang said."
    frame = articles(body)
    paragraphs = split_paragraphs(frame)
    speaker = {"speaker_text": "Henrik Solvang", "speaker_start_char": 21, "quote_type": "direct"}
    quotes = build_table(
        FACT_QUOTES,
        {**speaker, "quote_text": "I said it was old,", "start_char": 1},
        {
            "quote_text": "it was old,",
            "start_char": 8,
            "quote_type": "indirect",
            "speaker_text": "I",
            "speaker_start_char": 1,
        },
    )
    batch = resolve_entities(
        frame, paragraphs, annotate_paragraphs(paragraphs, annotator), quotes, build_table(FACT_STATEMENTS)
    )
    assert speakers_of(batch)[0][1] == "Henrik Solvang"


def test_articles_do_not_share_document_entities(annotator):
    batch = resolve(annotator, "Teodor Halvik spoke.", "Teodor Halvik spoke.")
    assert batch.document_entities.get_column("document_entity_id").n_unique() == 2
    assert batch.mentions.get_column("mention_id").n_unique() == 2


def test_articles_that_were_not_annotated_have_no_mentions():
    frame = articles("Teodor Halvik falou.")
    empty = annotations_of_nothing()
    batch = resolve_entities_batch.fn(
        frame, split_paragraphs(frame), empty, build_table(FACT_QUOTES), build_table(FACT_STATEMENTS)
    )
    assert (batch.mentions.height, batch.document_entities.height) == (0, 0)
    assert dict(batch.mentions.schema) == FACT_ENTITY_MENTIONS.schema
    assert dict(batch.document_entities.schema) == DOCUMENT_ENTITIES.schema


def annotations_of_nothing() -> pl.DataFrame:
    from tasks.frames import ANNOTATIONS

    return build_table(ANNOTATIONS)


PIECES = [
    "Teodor Halvik", "President Halvik", "Marta van der Lind", "Ms. Lind", "she", "He", "said", ",", ".", "“", "”", "(HWC)", "’s",
    "the Harbour Works Council", "U.S.", "the Portuguese minister", "of", "and", "Lisbon", "/", "Ana", "\u00a0", "who", "told", "—", "J.",
]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(PIECES), min_size=1, max_size=30), breaks=st.integers(0, 29))
def test_any_text_gives_mentions_that_slice_back_and_refer(annotator, words, breaks):
    body = " ".join(words[:breaks]) + "\n\n" + " ".join(words[breaks:])
    batch = resolve(annotator, body)
    for start, end, text in batch.mentions.select("start_char", "end_char", "mention_text").iter_rows():
        assert body[start:end] == text
        assert text.strip() == text != ""
    entities = set(batch.document_entities.get_column("document_entity_id"))
    assert set(batch.mentions.get_column("document_entity_id")) == entities
    assert set(batch.quotes.get_column("speaker_document_entity_id").drop_nulls()) <= entities
    assert batch.mentions.get_column("mention_id").is_unique().all()
    assert batch.document_entities.get_column("document_entity_id").is_unique().all()
    assert batch.mentions.group_by("document_entity_id").len().sort("document_entity_id").rows() == (
        batch.document_entities.select("document_entity_id", "mention_count").sort("document_entity_id").rows()
    )
