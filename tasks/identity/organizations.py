"""What is known of the names of organizations: international bodies, agencies, and the words that mark organizations."""

from functools import cache

from tasks.identity.names import is_acronym
from tasks.lexicons import load_lexicon


@cache
def known_organizations() -> frozenset[str]:
    """Names and acronyms, as printed, of international organizations and news agencies."""
    bodies, agencies = load_lexicon("international_organizations"), load_lexicon("agencies")
    names = {*bodies["name"], *agencies["name"]}
    names |= {alias for lexicon in (bodies["acronyms"], agencies["aliases"]) for own in lexicon for alias in own}
    return frozenset(names)


@cache
def known_acronyms() -> frozenset[str]:
    """The acronyms of international organizations, as printed: a text means nothing else by them."""
    acronyms = load_lexicon("international_organizations")["acronyms"]
    return frozenset(acronym for own in acronyms for acronym in own if is_acronym(acronym) and len(acronym) > 2)


@cache
def organization_words(position: str) -> frozenset[str]:
    """Return the words that mark organizations at the `start` or `end` of a name, or in `any` place."""
    words = load_lexicon("organization_words")
    return frozenset(words.filter(words["position"] == position)["form"])
