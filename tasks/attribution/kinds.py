"""What kind of source a speaker is: person, group, organization, place, document, anonymous."""

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import role_kind

_KINDS = {"ORG": "organization", "GPE": "place", "LOC": "place", "NORP": "group"}
_NAMES = frozenset({"NNP", "NNPS"})
_NOUNS = frozenset({"NN", "NNS"})


def speaker_kind(tree: Tree, start: int, end: int) -> str | None:
    """Tell what kind of source the speaker phrase is, from its head noun, its named entity or its pronoun; None when unsure."""
    tokens = tree.tokens_in(start, end)
    labels = tree.labels_in(start, end)
    if "PERSON" in labels:
        return "person"
    for token in reversed(tokens):
        if tree.pos[token] == "NOUN":
            kind = role_kind(tree.lemma[token])
            if kind is not None:
                return kind
    for label in labels:
        if label in _KINDS:
            return _KINDS[label]
    words = {tree.lower(t) for t in tokens}
    if not words.isdisjoint({"he", "she", "i"}):
        return "person"
    if not words.isdisjoint({"they", "we"}):
        return "group"
    return "organization" if "it" in words else None


def speaker_form(tree: Tree, start: int, end: int) -> str:
    """Tell how the speaker is printed: as a `pronoun`, with a proper `name`, or by a common `noun`; "X, who" is told by X."""
    tokens = tree.tokens_in(start, end)
    tags = tree.tag[tokens.start : tokens.stop]
    if not _NAMES.isdisjoint(tags):
        return "name"
    return "pronoun" if _NOUNS.isdisjoint(tags) else "noun"
