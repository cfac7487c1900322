"""What kind of source a speaker is: person, group, organization, place, document, anonymous."""

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import role_kind


def speaker_kind(tree: Tree, start: int, end: int) -> str | None:
    """Tell what kind of source the speaker phrase is, from its head noun, its named entity or its pronoun; None when unsure."""
    tokens = tree.tokens_in(start, end)
    labels = {label for s, e, label in tree.entities if s < end and e > start}
    if "PERSON" in labels:
        return "person"
    for token in reversed(tokens):
        kind = role_kind(tree.lemma[token])
        if kind is not None and tree.pos[token] == "NOUN":
            return kind
    by_label = {"ORG": "organization", "GPE": "place", "LOC": "place", "NORP": "group"}
    kinds = [by_label[label] for label in labels if label in by_label]
    if kinds:
        return kinds[0]
    words = {tree.lower(t) for t in tokens}
    if words & {"he", "she", "i"}:
        return "person"
    if words & {"they", "we"}:
        return "group"
    return "organization" if words & {"it"} else None
