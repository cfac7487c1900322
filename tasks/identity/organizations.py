"""What is known of the names of organizations: international bodies, agencies, and the words that mark organizations."""

from functools import cache

from tasks.lexicons import load_lexicon


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
