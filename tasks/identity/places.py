"""The codes that the names of countries, regions, capitals and peoples stand for."""

import re
from functools import cache, lru_cache

from tasks.identity.names import fold_name, is_acronym
from tasks.lexicons import load_lexicon

_STATE_FORM = re.compile(
    r"^(?:(?:federal|federative|democratic|peoples|islamic|socialist|bolivarian|plurinational|arab|united) )*"
    r"(?:republic|kingdom|sultanate|emirate|principality|commonwealth|grand duchy) of (?:the )?"
)
_PROVINCE_SIZE = 100  # thousands of inhabitants; what counts is that it is larger than a town


@lru_cache(maxsize=2**16)
def fold_place(text: str, entity_type: str) -> str:
    """Return the key of a name that is no person's and no organization's: a country's code where it has one."""
    key = fold_name(text).removeprefix("the ")
    if entity_type == "place":
        short = place_codes().get(_STATE_FORM.sub("", key), "")
        return place_codes().get(key) or (short if len(short) == 2 else key)
    if entity_type == "group":
        return people_codes().get(key, people_codes().get(key.removesuffix("s"), key.removesuffix("s")))
    return key


@cache
def place_codes() -> dict[str, str]:
    """For the folded names of countries, their code; of capitals and regions, the folded name itself."""
    codes: dict[str, str] = {}
    regions = load_lexicon("regions")
    for name, kind, aliases in zip(regions["name"], regions["kind"], regions["aliases"], strict=True):
        spelled = [alias for alias in aliases if not is_acronym(alias.replace(".", "")) and not alias.endswith(".")]
        codes |= {fold_name(text).removeprefix("the "): f"{kind}:{fold_name(name)}" for text in (name, *spelled)}
    countries = load_lexicon("countries")
    for capitals in countries["capitals"]:
        codes |= {fold_name(text): f"capital:{fold_name(capitals[0])}" for text in capitals}
    for code, name, aliases in zip(countries["code"], countries["name"], countries["aliases"], strict=True):
        codes |= {fold_name(text).removeprefix("the "): code for text in (name, *aliases)}
    return codes


@cache
def capital_countries() -> dict[str, str]:
    """For the keys of capitals, the code of their country."""
    countries = load_lexicon("countries")
    return {
        place_codes()[fold_name(text)]: code
        for code, capitals in zip(countries["code"], countries["capitals"], strict=True)
        for text in capitals
    }


@cache
def people_codes() -> dict[str, str]:
    """For the folded adjectives and peoples of countries, the country's code; of regions, the region's folded name."""
    codes: dict[str, str] = {}
    regions = load_lexicon("regions")
    for name, kind, adjectives in zip(regions["name"], regions["kind"], regions["adjectives"], strict=True):
        codes |= {fold_name(text): f"{kind}:{fold_name(name)}" for text in adjectives}
    countries = load_lexicon("countries")
    for code, adjectives, people in zip(countries["code"], countries["adjectives"], countries["people"], strict=True):
        codes |= {fold_name(text): code for text in (*adjectives, *people) if not is_acronym(text)}
    return codes


@cache
def town_weights() -> dict[str, int]:
    """For the folded names of towns and provinces, how surely a name alone means the place, from 0 to 5.

    A name of several words is sure; a surname that is a town's name too is not, unless the town is large.
    """
    weights: dict[str, int] = {}
    cities, provinces = load_lexicon("cities"), load_lexicon("provinces")
    sizes = [int(thousands) for thousands in cities["thousands"]] + [_PROVINCE_SIZE] * provinces.height
    names, others = [*cities["name"], *provinces["name"]], [*cities["also"], *provinces["also"]]
    for name, thousands, also in zip(names, sizes, others, strict=True):
        key = fold_name(name)
        large = thousands >= 500
        weight = {None: 3 + (thousands >= 100), "surname": 3 if large else 1, "word": 1 if large else 0}[also]
        weights[key] = max(5 if " " in key else weight, weights.get(key, 0))
    return weights


@cache
def people_names() -> frozenset[str]:
    """The folded names of those who share a language, a religion or a political side."""
    return frozenset(fold_name(name) for name in load_lexicon("peoples")["name"])
