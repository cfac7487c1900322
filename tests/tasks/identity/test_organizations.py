import pytest

from tasks.identity.organizations import fold_form, is_bare_institution, is_open_institution, read_institution


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Portuguese Foreign Ministry", ("PT", "foreign ministry")),
        ("Portugal’s foreign ministry", ("PT", "foreign ministry")),
        ("Ministry of Foreign Affairs of Portugal", ("PT", "foreign ministry")),
        ("the Foreign Ministry", (None, "foreign ministry")),
        ("U.S. Department of Defense", ("US", "defense department")),
        ("Ministry of Labour and Social Affairs", (None, "labor and social affairs ministry")),
        ("Danish state-run media", ("DK", "state media")),
        ("Harbour Works Council", None),
        ("Vieira campaign", None),
        ("European Parliament", None),
    ],
)
def test_a_name_is_read_as_a_country_and_its_institution(name, read):
    assert read_institution(name) == read


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ministry of Defence", "defense ministry"),
        ("state news media", "state-run media"),
        ("ministry of the interior", "interior ministry"),
        ("state TV", "state television"),
    ],
)
def test_the_spellings_of_a_form_are_one(one, other):
    assert fold_form(one) == fold_form(other)


@pytest.mark.parametrize(
    ("name", "is_open", "is_bare"),
    [
        ("Foreign Ministry", True, True),
        ("police department", True, True),
        ("mayors office", True, True),
        ("Army", True, False),
        ("Supreme Court", False, False),
        ("State Department", False, False),
        ("Justice Department", False, False),
        ("Vieira campaign", True, False),
        ("Ana Vieira campaign", False, False),
        ("Vieira administration", False, False),
        ("Portuguese Foreign Ministry", False, False),
        ("Harbour Works Council", False, False),
    ],
)
def test_a_name_that_every_state_has_an_institution_of_is_open(name, is_open, is_bare):
    assert (is_open_institution(name), is_bare_institution(name)) == (is_open, is_bare)
