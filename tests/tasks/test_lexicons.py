"""The lexicons load, say where they come from, and hold closed classes."""

import polars as pl
import pytest

from tasks.lexicons import lexicon_info, lexicon_names, load_lexicon

KEYS = {
    "agencies": ("name",),
    "cities": ("name",),
    "common_acronyms": ("form",),
    "common_words": ("word",),
    "countries": ("code",),
    "given_name_variants": ("kind", "names"),
    "given_names": ("name",),
    "family_first_names": ("language",),
    "honorifics": ("form",),
    "institutions": ("form",),
    "international_organizations": ("name",),
    "months_weekdays": ("language", "form", "kind"),
    "name_particles": ("form",),
    "name_suffixes": ("form",),
    "organization_words": ("form",),
    "occasions": ("lemma", "kind"),
    "paraphrase_marks": ("phrase",),
    "peoples": ("name",),
    "press_words": ("form",),
    "provinces": ("name",),
    "works": ("lemma",),
    "notices": ("label", "match", "form"),
    "regions": ("name", "kind"),
    "reporting_frames": ("pos", "lemma"),
    "reporting_nouns": ("lemma",),
    "reporting_verbs": ("lemma",),
    "roles": ("lemma",),
    "function_words": ("word",),
    "irregular_forms": ("form",),
    "opposites": ("word", "opposite"),
    "word_relations": ("word",),
    "stem_relations": ("stem",),
    "speaker_shares": ("rule", "quote_type", "speaker_form"),
}
VERB_CLASSES = {"say", "write", "ask", "answer", "think", "promise", "urge"}
VERB_CLASSES |= {"accuse", "judge", "agree", "deny", "show", "manner", "add"}
REGIONS = {"continent", "region", "us_state", "canadian_province", "australian_state", "uk_nation"}
WORD_CLASSES = {"adverb", "article", "auxiliary", "conjunction", "determiner", "filler", "modal", "negation", "number", "preposition", "pronoun"}  # fmt: skip
VOCABULARIES = [
    ("function_words", "class", WORD_CLASSES),
    ("reporting_verbs", "class", VERB_CLASSES),
    ("reporting_verbs", "takes_direct", {"0", "1"}),
    ("reporting_verbs", "takes_clause", {"0", "1"}),
    ("reporting_verbs", "strength", {"0", "1", "2"}),
    ("reporting_frames", "pos", {"verb", "noun", "adjective"}),
    ("reporting_frames", "class", VERB_CLASSES - {"add", "manner", "write"}),
    ("reporting_nouns", "verb_class", VERB_CLASSES),
    ("roles", "kind", {"person", "group", "organization", "document", "anonymous"}),
    ("roles", "gender", {"m", "f", None}),
    ("roles", "number", {"singular", "plural", "both"}),
    ("institutions", "kind", {"institution", "portfolio"}),
    ("institutions", "alone", {"named", "company", "open"}),
    ("honorifics", "kind", {"courtesy", "academic", "religious", "military", "office", "royal", "foreign"}),
    ("honorifics", "gender", {"m", "f", None}),
    ("regions", "kind", REGIONS),
    ("agencies", "kind", {"news", "photo", "both"}),
    ("cities", "also", {"surname", "word", None}),
    ("provinces", "also", {"surname", "word", None}),
    ("peoples", "kind", {"language", "people", "religion", "side"}),
    ("given_names", "gender", {"m", "f", "u"}),
    ("given_name_variants", "kind", {"nickname", "transliteration", "cognate"}),
    ("occasions", "kind", {"event", "talk", "place"}),
    ("press_words", "kind", {"noun", "name"}),
    ("organization_words", "position", {"start", "end", "any"}),
    ("months_weekdays", "language", {"en", "de", "fr", "es", "pt", "it", "nl"}),
    ("months_weekdays", "kind", {"month", "weekday"}),
]
LOOK_UPS = [
    ("reporting_verbs", {"lemma": "point out", "class": "say", "takes_direct": "1", "takes_clause": "1"}),
    ("reporting_verbs", {"lemma": "laugh", "class": "manner", "strength": "0"}),
    ("reporting_verbs", {"lemma": "say", "class": "say", "strength": "2"}),
    ("reporting_frames", {"pos": "adjective", "lemma": "skeptical", "frames": ["clause", "of", "about"]}),
    ("reporting_nouns", {"lemma": "vow", "verb_class": "promise"}),
    ("roles", {"lemma": "attorney general", "kind": "person", "number": "both"}),
    ("roles", {"lemma": "spokeswoman", "kind": "person", "gender": "f"}),
    ("roles", {"lemma": "police", "kind": "organization", "number": "plural"}),
    ("roles", {"lemma": "insider", "kind": "anonymous", "number": "both"}),
    ("honorifics", {"form": "lt col", "kind": "military", "gender": None}),
    ("honorifics", {"form": "señora", "kind": "foreign", "gender": "f"}),
    ("regions", {"name": "Oregon", "kind": "us_state", "aliases": ["OR", "Ore.", "Oreg."]}),
    ("agencies", {"name": "Kyodo News", "kind": "news", "aliases": ["Kyodo", "Kyodo News Agency"]}),
    ("cities", {"name": "Nice", "countries": ["FR"], "also": "word"}),
    ("given_names", {"name": "matteo", "gender": "m"}),
    ("institutions", {"form": "government", "kind": "institution", "owners": ["person", "place"]}),
    ("institutions", {"form": "agriculture", "kind": "portfolio", "alone": "open"}),
    ("international_organizations", {"name": "African Union", "acronyms": ["AU"]}),
    ("peoples", {"name": "Buddhists", "kind": "religion"}),
    ("provinces", {"name": "Saskatchewan", "countries": ["CA"]}),
    ("given_names", {"name": "andrea", "gender": "u"}),
    ("organization_words", {"form": "GmbH", "position": "end"}),
    ("months_weekdays", {"language": "nl", "form": "maart", "kind": "month", "number": "3"}),
    ("months_weekdays", {"language": "pt", "form": "segunda-feira", "kind": "weekday", "number": "1"}),
]


def test_every_lexicon_has_a_key():
    assert lexicon_names() == tuple(sorted(KEYS))


@pytest.mark.parametrize("name", KEYS)
def test_a_lexicon_says_its_title_its_source_and_its_licence(name: str):
    info = lexicon_info(name)
    assert set(info) == {"title", "source", "licence"}
    assert all(info.values())


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_a_key_names_one_row_and_is_never_empty(name: str, key: tuple[str, ...]):
    rows = load_lexicon(name)
    assert rows.height > 0
    assert rows.select(key).null_count().row(0) == (0,) * len(key)
    assert rows.select(key).is_duplicated().sum() == 0


@pytest.mark.parametrize("name", KEYS)
def test_no_cell_has_stray_blanks_and_no_list_an_empty_or_repeated_item(name: str):
    rows = load_lexicon(name)
    for column, dtype in rows.schema.items():
        values = rows[column].explode(empty_as_null=False) if dtype == pl.List(pl.String) else rows[column]
        texts = values.drop_nulls()
        assert texts.filter((texts == "") | (texts != texts.str.strip_chars())).to_list() == []
        if dtype == pl.List(pl.String):
            assert rows.filter(pl.col(column).list.n_unique() != pl.col(column).list.len())[column].to_list() == []


@pytest.mark.parametrize(("name", "column", "vocabulary"), VOCABULARIES)
def test_a_closed_column_holds_its_vocabulary_and_all_of_it(name: str, column: str, vocabulary: set[str | None]):
    assert set(load_lexicon(name)[column]) == vocabulary


@pytest.mark.parametrize(("name", "expected"), LOOK_UPS)
def test_a_look_up_finds_exactly_one_row(name: str, expected: dict[str, object]):
    rows = load_lexicon(name).select(list(expected)).to_dicts()
    assert rows.count(expected) == 1


def test_a_country_has_its_names_adjectives_people_capitals_and_seat_of_government():
    rows = load_lexicon("countries").filter(pl.col("code") == "BR")
    assert rows.to_dicts() == [
        {
            "code": "BR",
            "name": "Brazil",
            "aliases": ["Federative Republic of Brazil"],
            "adjectives": ["Brazilian"],
            "people": ["Brazilians"],
            "capitals": ["Brasília", "Brasilia"],
            "metonyms": ["Planalto", "Planalto Palace", "Itamaraty"],
        }
    ]


def test_an_empty_list_cell_is_an_empty_list():
    rows = load_lexicon("countries").filter(pl.col("code") == "BV")
    assert rows["capitals"].to_list() == [[]]


def test_transliterations_are_kept_apart_from_forms_of_another_language():
    variants = load_lexicon("given_name_variants")
    same = variants.filter(pl.col("names").list.contains("vladimir") & pl.col("names").list.contains("volodymyr"))
    assert same["kind"].to_list() == ["cognate"]


def test_a_nickname_belongs_to_its_full_name():
    variants = load_lexicon("given_name_variants").filter(pl.col("kind") == "nickname")
    assert "bill" in variants.filter(pl.col("names").list.first() == "william")["names"].item().to_list()


@pytest.mark.parametrize("name", ["reporting_verbs", "reporting_nouns", "roles", "honorifics", "given_names"])
def test_forms_without_meaning_in_their_case_are_lower_case(name: str):
    forms = load_lexicon(name).to_series(0)
    assert forms.filter(forms != forms.str.to_lowercase()).to_list() == []


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(KeyError, match="no lexicon 'verbs'; there are: agencies, cities"):
        load_lexicon("verbs")
