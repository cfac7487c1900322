"""What is known of the names of organizations: international bodies, agencies, words that mark them, institutions of states."""

import re
from functools import cache, lru_cache

from tasks.identity.names import fold_name
from tasks.identity.places import fold_place, people_codes
from tasks.lexicons import load_lexicon

_MINISTRY = re.compile(r"(ministry|department) (?:of|for) (?:the )?(.+)")
_STATE_MEDIA = re.compile(
    r"(?:state|official)(?:[ -](?:run|owned|controlled))?(?: news)? (media|television|tv|radio|news agency)"
)


@cache
def known_organizations() -> frozenset[str]:
    """Names and acronyms, as printed, of international organizations and news agencies."""
    bodies, agencies = load_lexicon("international_organizations"), load_lexicon("agencies")
    names = {*bodies["name"], *agencies["name"]}
    names |= {alias for lexicon in (bodies["acronyms"], agencies["aliases"]) for own in lexicon for alias in own}
    return frozenset(names)


@cache
def organization_words(position: str) -> frozenset[str]:
    """Return the words that mark organizations at the `start` or `end` of a name, or in `any` place."""
    words = load_lexicon("organization_words")
    return frozenset(words.filter(words["position"] == position)["form"])


@cache
def _forms(kind: str | None = None) -> tuple[str, ...]:
    rows = load_lexicon("institutions").select("form", "kind", "owners").iter_rows()
    return tuple(form for form, own, owners in rows if own == "institution" and (kind is None or kind in owners))


@cache
def _pattern(kind: str | None = None) -> str:
    """Return the pattern of the forms that owners of the kind have; places have ministries of every portfolio."""
    plain = "|".join(_spell(form) for form in sorted(_forms(kind), key=len, reverse=True))
    if kind == "person":
        return plain
    rows = load_lexicon("institutions")
    portfolios = rows.filter(rows["kind"] == "portfolio")["form"]
    one = "(?:" + "|".join(_spell(form) for form in sorted(portfolios, key=len, reverse=True)) + ")"
    several = rf"{one}(?:,? and {one})?"
    ministry = (
        rf"{several} (?:ministry|department)|state department|(?:ministry|department) (?:of|for) (?:the )?{several}"
    )
    return f"{ministry}|{plain}"


def _spell(form: str) -> str:
    return re.escape(form).replace("'", "['’]?").replace(r"\-", "[- ]")


@cache
def after_owner(kind: str) -> re.Pattern[str]:
    """Return the pattern of what follows an owner, a `person` or a `place`, where the two name an institution: `form`."""
    return re.compile(rf"(?:['’]s?)? (?:own |central |federal |national )?(?P<form>{_pattern(kind)})\b(?!-)", re.I)


@cache
def before_owner(kind: str) -> re.Pattern[str]:
    """Return the pattern of what stands before `of` and an owner, a `person` or a `place`: `form`."""
    return re.compile(rf"\bthe (?:central |federal |national )?(?P<form>{_pattern(kind)})$", re.I)


@cache
def _alone() -> re.Pattern[str]:
    return re.compile(rf"(?:the )?(?P<form>{_pattern('place')})", re.I)


@cache
def _whole() -> re.Pattern[str]:
    return re.compile(
        rf"(?:the )?(?:(?P<before>.+?)(?:['’]s?)? )?(?P<form>{_pattern()})(?: of (?:the )?(?P<after>.+))?", re.I
    )


@lru_cache(maxsize=2**16)
def read_institution(text: str) -> tuple[str | None, str] | None:
    """Return the country, or None, and the form that a name consists of: the Portuguese Foreign Ministry; else None."""
    if alone := _alone().fullmatch(text):
        return None, fold_form(alone["form"])
    found = _whole().fullmatch(text)
    said = found and (found["before"] or found["after"])
    if not found or not said:
        return None
    code = people_codes().get(fold_name(said)) or fold_place(said, "place")
    return (code, fold_form(found["form"])) if len(code) == 2 and code.isupper() else None


@lru_cache(maxsize=2**16)
def fold_form(form: str) -> str:
    """Return the words of a form in one order and spelling: Ministry of Foreign Affairs and foreign ministry."""
    plain = form.lower().replace("’", "'").replace("defence", "defense").replace("labour", "labor")
    if found := _MINISTRY.fullmatch(plain):
        plain = f"{found[2]} {found[1]}"
    if found := _STATE_MEDIA.fullmatch(plain):
        plain = f"state {found[1]}"
    return fold_name(plain.replace("foreign affairs", "foreign").replace("state tv", "state television"))


@lru_cache(maxsize=2**16)
def is_bare_institution(text: str) -> bool:
    """Whether a name says no more than what every state has one of, the Foreign Ministry: two articles need not mean one."""
    return _said_alone(text) == "open"


@lru_cache(maxsize=2**16)
def is_open_institution(text: str) -> bool:
    """Whether a name may be another institution's in another article: a bare one, or one of a surname's many bearers."""
    if (alone := _said_alone(text)) is not None:
        return alone != "named"
    found = _whole().fullmatch(text)
    if found is None or not found["before"]:
        return False
    form, owner = found["form"].lower().replace("’", "'"), found["before"]
    is_personal = form in _forms("person") and form not in _forms("place") and form != "administration"
    return is_personal and " " not in owner and fold_name(owner) not in people_codes()


def _said_alone(text: str) -> str | None:
    """Return what the lexicon says of a form that stands alone; None where the text is no form, or more."""
    found = _alone().fullmatch(text)
    if found is None:
        return None
    form = fold_form(found["form"])
    known = _meanings().get(form)
    # few states but one have departments for ministries
    return known or ("named" if form.endswith(" department") else "open")


@cache
def _meanings() -> dict[str, str]:
    rows = load_lexicon("institutions")
    rows = rows.filter(rows["kind"] == "institution")
    return {fold_form(form): alone for form, alone in zip(rows["form"], rows["alone"], strict=True)}
