"""What kind of source a speaker is: person, group, organization, place, document, anonymous."""

from tasks.annotation.syntax import Tree
from tasks.attribution.cues import role_kind


def speaker_kind(tree: Tree, start: int, end: int) -> str | None:
    """Tell what kind of source the speaker phrase is, from its head noun, its named entity or its pronoun; None when unsure."""
    tokens = tree.tokens_in(start, end)
    labels = tree.labels_in(start, end)
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


def speaker_form(tree: Tree, start: int, end: int) -> str:
    """Tell how the speaker is printed: as a `pronoun`, with a proper `name`, or by a common `noun`; "X, who" is told by X."""
    tags = [tree.tag[t] for t in tree.tokens_in(start, end)]
    if any(tag in {"NNP", "NNPS"} for tag in tags):
        return "name"
    return "noun" if any(tag in {"NN", "NNS"} for tag in tags) else "pronoun"
