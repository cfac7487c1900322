"""Find what a word of reporting governs: the clause, infinitive, object or prepositional phrase that tells what is said or thought."""

from collections.abc import Iterator
from typing import NamedTuple

from tasks.annotation.syntax import SUBJECTS, Tree

_FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_TIMES = frozenset({"DATE", "TIME"})
_ADJUNCTS = frozenset(
    {"in", "at", "during", "after", "before", "since", "until", "by", "through", "throughout", "within", "under", "amid",
     "via", "when", "despite", "without", "outside", "inside", "near", "from", "among", "between", "following", "because"}
)  # fmt: skip
"""Prepositions behind an object that mostly tell when, where or how something is said."""


class Content(NamedTuple):
    """One reading of what a word governs: the syntactic frame, and the tokens (first, after last) of its pieces in order."""

    frame: str
    pieces: tuple[tuple[int, int], ...]


def read_verb(tree: Tree, verb: int) -> Iterator[Content]:
    """Yield the readings of a verb's dependents, the surest first.

    Frames: `clause` (said that …, asked whether …), `infinitive` (vowed to …), `gerund` (denied knowing …), `object_infinitive` (urged him
    to …), `predicate` (called it a farce), `object` (criticized the plan), `object_as` (described it as …), the bare preposition (`about`,
    `for`, …), `subject` (the plan was criticized), and `raised` (he is expected to …, it seems …), whose subject belongs to the content.
    """
    by_label: dict[str, list[int]] = {}
    for child in tree.children(verb):
        by_label.setdefault(tree.dep[child], []).append(child)
    is_passive = "auxpass" in by_label or "nsubjpass" in by_label
    subject = next((c for label in SUBJECTS for c in by_label.get(label, ()) if c < verb), None)
    for clause in by_label.get("ccomp", ()):
        yield from _read_clause(tree, verb, clause)
    objects = [c for label in ("dobj", "dative") for c in by_label.get(label, ()) if c > verb]
    for clause in by_label.get("xcomp", ()):
        if clause > verb:
            yield from _read_open_clause(tree, clause, objects, subject if is_passive else None, subject)
    yield from _read_object(tree, verb, by_label, subject)
    if not objects:
        for label in ("prep", "advcl"):
            for child in by_label.get(label, ()):
                if child > verb and label == "prep" and tree.children(child):
                    yield Content(tree.lower(child), ((child + 1, tree.edges(child)[1]),))
                elif child > verb and label == "advcl" and tree.pos[child] in {"VERB", "AUX"}:
                    yield Content(f"adverbial_{_form(tree, child)}", (tree.edges(child),))
    if is_passive and subject is not None:
        yield Content("subject", (tree.edges(subject),))


def _read_clause(tree: Tree, verb: int, clause: int) -> Iterator[Content]:
    form = _form(tree, clause)
    if form == "finite" or _opens_question(tree, clause):
        yield Content("clause" if clause > verb else "fronted", (tree.edges(clause),))
    elif clause > verb:
        frame = {"infinitive": "object_infinitive", "gerund": "gerund"}.get(form, "predicate")
        yield Content(frame, (tree.edges(clause),))


def _read_open_clause(
    tree: Tree, clause: int, objects: list[int], raised: int | None, subject: int | None
) -> Iterator[Content]:
    edges = tree.edges(clause)
    before = [c for c in objects if c < clause]
    form = _form(tree, clause)
    if _opens_question(tree, clause):
        yield Content("clause", (edges,))
    elif before and form == "infinitive":
        yield Content("object_infinitive", ((tree.edges(before[0])[0], edges[1]),))
    elif before:
        yield Content("predicate", ((tree.edges(before[0])[0], edges[1]),))
    elif form in {"infinitive", "gerund"}:
        yield Content("passive_infinitive" if raised is not None else form, (edges,))
        if subject is not None:
            yield Content("raised", (tree.edges(subject), edges))
    else:
        yield Content("predicate", (edges,))
        if subject is not None:
            yield Content("raised", (tree.edges(subject), edges))


def _read_object(tree: Tree, verb: int, by_label: dict[str, list[int]], subject: int | None) -> Iterator[Content]:
    objects = [c for c in by_label.get("dobj", ()) if c > verb]
    predicates = [c for label in ("oprd", "acomp") for c in by_label.get(label, ()) if c > verb]
    if objects:
        low, high = tree.edges(objects[-1])
        after = [c for c in (*predicates, *by_label.get("prep", ())) if c >= high]
        if predicates and predicates[0] >= high:
            yield Content("predicate", ((low, tree.edges(predicates[0])[1]),))
        frame = "object"
        for child in after[:1]:
            if tree.dep[child] == "prep" and tree.lower(child) not in _ADJUNCTS and not _is_when(tree, child):
                high = tree.edges(child)[1]
                frame = f"object_{tree.lower(child)}"
        yield Content(frame, ((low, high),))
    elif predicates:
        edges = tree.edges(predicates[0])
        if subject is not None:
            yield Content("raised", (tree.edges(subject), edges))
        yield Content("predicate", (edges,))


def read_noun(tree: Tree, noun: int) -> Iterator[Content]:
    """Yield the readings of a noun's dependents: `clause` (the claim that …), `infinitive` (a plan to …), or a preposition (`about`, …).

    A clause behind the copula belongs to the noun too: "the fear is that …".
    """
    for child in tree.children(noun):
        if child < noun:
            continue
        label = tree.dep[child]
        if label in {"acl", "ccomp", "relcl"} and (label == "ccomp" or tree.has_that(child)):
            yield Content("clause", (tree.edges(child),))
        elif label == "acl" and _form(tree, child) == "infinitive":
            yield Content("infinitive", (tree.edges(child),))
        elif label == "prep" and tree.children(child):
            yield Content(tree.lower(child), ((child + 1, tree.edges(child)[1]),))
    head = tree.head[noun]
    if tree.dep[noun] == "nsubj" and tree.lemma[head] == "be":
        for child in tree.children(head):
            if child > noun and tree.dep[child] in {"ccomp", "xcomp"}:
                yield Content("copula", (tree.edges(child),))


def read_adjective(tree: Tree, adjective: int) -> Iterator[Content]:
    """Yield the readings of an adjective's dependents: `clause` (sure that …), `infinitive` (eager to …), or a preposition (`about`, …)."""
    for child in tree.children(adjective):
        if child < adjective:
            continue
        label = tree.dep[child]
        if label in {"ccomp", "xcomp"}:
            form = _form(tree, child)
            yield Content(
                "clause" if form == "finite" or _opens_question(tree, child) else "infinitive", (tree.edges(child),)
            )
        elif label == "prep" and tree.children(child):
            yield Content(tree.lower(child), ((child + 1, tree.edges(child)[1]),))


def _form(tree: Tree, verb: int) -> str:
    """Tell a finite clause from an infinitive with "to", a gerund, and what has no verb form of its own."""
    tags = {tree.tag[verb], *(tree.tag[c] for c in tree.children(verb) if tree.dep[c] in {"aux", "auxpass"})}
    if tags & _FINITE:
        return "finite"
    if "TO" in tags:
        return "infinitive"
    return "gerund" if tree.tag[verb] == "VBG" else "bare"


def _opens_question(tree: Tree, clause: int) -> bool:
    first = tree.edges(clause)[0]
    return tree.tag[first] in {"WRB", "WP", "WDT", "WP$"} or tree.lower(first) in {"whether", "if"}


def _is_when(tree: Tree, preposition: int) -> bool:
    """Whether the preposition's noun is a date or time: "criticized the plan on Monday"."""
    noun = tree.child(preposition, "pobj")
    return noun is not None and not _TIMES.isdisjoint(tree.labels_in(tree.start[noun], tree.end[noun]))
