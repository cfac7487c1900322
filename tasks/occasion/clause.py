"""The clause that attributes words to somebody: which of its words tell when, where and to whom."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.annotation.syntax import SUBJECTS, Tree
from tasks.lexicons import load_lexicon

TELLING = frozenset(
    {"tell", "ask", "warn", "remind", "assure", "inform", "advise", "brief", "notify", "email", "e-mail", "text", "urge",
     "reassure", "address", "lecture", "implore", "beg", "beseech", "exhort", "caution", "instruct", "answer", "message"}
)  # fmt: skip
"""Verbs whose object is the one spoken to (Levin 1993, classes 37.1, 37.2, 37.4 and 37.9)."""
_SPEAKING = frozenset(
    {"speak", "talk", "testify", "appear", "address", "write", "tweet", "post", "visit", "campaign", "tour", "lecture"}
)
"""Participles that tell the occasion of what is said: speaking in X, addressing Y."""
_WITH_HEARERS = TELLING | _SPEAKING
_OPAQUE = frozenset({"of", "about", "over", "against", "for", "by", "as", "like", "than", "since", "until", "because"})
"""Prepositions whose nouns are what the words are about, not where or when they were said."""
_LINKS = frozenset({"conj", "advcl", "xcomp", "acl", "pcomp", "parataxis", "dep", "prep", "pobj", "dobj", "attr"})
_NOUNS = frozenset({"NOUN", "PROPN", "PRON", "NUM"})
_VERBS = frozenset({"VERB", "AUX"})
_INNER = frozenset({"relcl", "appos", "ccomp"})
SIDELINES = frozenset({"sideline", "margin", "fringe"})
_STEPS = 24
"""How many governors are looked at; a chain in a sentence is shorter, and odd trees stay linear."""


FREE, TOLD, QUOTED = 0, 1, 2
"""What `Clause.blocked` says of a token: of the narration, told without marks, inside marks."""


@functools.cache
def occasion_nouns() -> dict[str, str]:
    """The nouns of `occasions.csv` and what they name: an `event`, a `talk` or a `place`."""
    return dict(load_lexicon("occasions").select("lemma", "kind").iter_rows())


def occasion_kind(tree: Tree, token: int) -> str | None:
    """Return what kind of occasion the noun names; None when it names none."""
    nouns = occasion_nouns()
    return nouns.get(tree.lemma[token].lower()) or nouns.get(tree.lower(token))


@dataclass(eq=False)  # not frozen, as one a statement is made: that would double the time
class Clause:
    """One attributing clause, in tokens of its paragraph.

    Attributes:
        tree: The paragraph.
        cue: The token that carries the cue.
        after: The token after the cue.
        verbs: The cue and the verbs whose time, place and addressee it shares, the cue first.
        speaker: The tokens of the speaker, with all that describes him; empty when nobody is printed.
        blocked: For every token, whether it is quoted, or told by somebody: no word of it belongs to the clause.
        first: The first token of the sentence of the narration.
        end: The token after its last.
    """

    tree: Tree
    cue: int
    after: int
    verbs: tuple[int, ...]
    speaker: range
    blocked: Sequence[int]
    first: int
    end: int

    def belongs(self, token: int, *, of_occasion: bool = False) -> bool:
        """Whether the token, with all that governs it up to the cue, is part of the clause and not of a clause inside it.

        With `of_occasion`, nouns on the way must name occasions or those spoken to: "his view of the economy in X" is
        no view told in X.
        """
        tree, below = self.tree, token
        if self.blocked[token] == QUOTED or not self.first <= token < self.end:
            return False
        if self.blocked[token]:
            return self._crosses_mark(token)
        for _ in range(_STEPS):
            label = tree.dep[below]
            if label in _INNER or below in self.speaker or (label in SUBJECTS and below != token):
                return self._stands_by_subject(token, below)
            if below in self.verbs:
                return True
            above = tree.head[below]
            if above in self.speaker and label == "prep" and below and tree.word(below - 1) == ",":
                return True  # said X, a farmer from Y, at the market
            if above in self.speaker and tree.tag[below] == "VBG" and tree.lemma[below].lower() in _SPEAKING:
                return True  # said X, a farmer, speaking in Y
            if above == below or (above not in self.verbs and self.blocked[above]):
                # narration that a quoted word governs: the model read across the mark
                return self.blocked[above] == QUOTED and label in {"prep", "npadvmod", "advmod", "pobj"}
            if above not in self.verbs and not self._passes(below, above):
                return False
            if of_occasion and label == "prep" and tree.pos[above] in _NOUNS and not self._is_occasion(above):
                return False
            if above in self.verbs and label == "dobj" and not self._is_told(below, above):
                return False
            below = above
        return False

    def _passes(self, below: int, above: int) -> bool:
        """Whether what hangs on `above` may belong to what governs it."""
        tree = self.tree
        if tree.pos[above] in _VERBS:
            return tree.lemma[above].lower() in _SPEAKING and tree.dep[above] in {
                "advcl",
                "acl",
                "pcomp",
                "ROOT",
                "dep",
            }
        return not (tree.dep[above] == "prep" and tree.lower(above) in _OPAQUE and tree.dep[below] != "prep")

    def _crosses_mark(self, token: int) -> bool:
        """Whether told words behind a quotation hang on a quoted word: called it "a farce" on Monday tells when he called."""
        tree, below = self.tree, token
        for above in islice(tree.ancestors(token), 6):
            if self.blocked[above] == QUOTED:
                return above < token and tree.dep[below] in {"prep", "npadvmod"}
            if tree.pos[above] in _VERBS or (
                tree.pos[above] in _NOUNS and occasion_kind(tree, above) is None and tree.dep[below] == "prep"
            ):
                return False
            below = above
        return False

    def _is_occasion(self, noun: int) -> bool:
        """Whether the noun names an occasion or somebody who is spoken to: reporters in X."""
        tree, verb = self.tree, self.tree.head[noun]
        if occasion_kind(tree, noun) is not None or tree.lemma[noun].lower() in SIDELINES:
            return True
        if tree.dep[noun] == "pobj" and tree.lower(verb) in {"to", "with", "before"}:
            verb = tree.head[verb]
            return tree.pos[verb] in _VERBS or occasion_kind(tree, verb) == "talk"
        return tree.dep[noun] in {"dobj", "dative"} and tree.lemma[verb].lower() in _WITH_HEARERS

    def _is_told(self, noun: int, verb: int) -> bool:
        lemma = self.tree.lemma[verb].lower()
        return lemma in TELLING or lemma in _SPEAKING or occasion_kind(self.tree, noun) is not None

    def _stands_by_subject(self, token: int, below: int) -> bool:
        """Whether a time is printed between the subject and its verb: X on Tuesday said. Models hang it on either."""
        tree = self.tree
        if below not in self.speaker and tree.head[below] not in self.verbs:
            return False
        between = range(token + 1, self.cue)
        return (
            token < self.cue
            and len(between) <= 2
            and all(tree.pos[t] in {"ADV", "AUX", "NOUN", "PROPN"} for t in between)
        )

    @functools.cached_property
    def prepositions(self) -> list[tuple[int, int]]:
        """The prepositions of the clause and their nouns, in order."""
        tree, blocked, found = self.tree, self.blocked, []
        for token, pos in enumerate(tree.pos[self.first : self.end], self.first):
            if pos == "ADP" and not blocked[token]:
                noun = tree.child(token, "pobj")
                if noun is not None and not blocked[noun]:
                    found.append((token, noun))
        return found

    @functools.cached_property
    def gerunds(self) -> list[int]:
        """The tokens of the clause that are tagged as gerunds or present participles, quoted ones too, in order."""
        tags = self.tree.tag[self.first : self.end]
        return [token for token, tag in enumerate(tags, self.first) if tag == "VBG"] if "VBG" in tags else []


def read_clause(
    tree: Tree, cue: tuple[int, int], speaker: range, blocked: Sequence[int], frame: tuple[int, int]
) -> Clause:
    """Read the clause around a cue.

    Args:
        tree: The paragraph.
        cue: The tokens of the cue (first, after last).
        speaker: The tokens of the speaker as printed.
        blocked: For every token, whether it is quoted, or told by somebody.
        frame: The first token of the sentence of the narration and the token after its last.
    """
    head = next((t for t in range(*cue) if tree.pos[t] in _VERBS), cue[0])
    around = speaker
    if speaker:
        top = next((t for t in speaker if tree.head[t] not in speaker or tree.head[t] == t), speaker[-1])
        if tree.pos[top] in _NOUNS and tree.dep[top] != "ROOT":
            low, high = tree.edges(top)
            if high - low <= 64 and not (low <= head < high):
                around = range(min(low, speaker[0]), max(high, speaker[-1] + 1))
                around = range(around[0], _before_occasion(tree, around, speaker))
    return Clause(tree, head, cue[1], _shared_verbs(tree, head, blocked), around, blocked, *frame)


def _before_occasion(tree: Tree, around: range, speaker: range) -> int:
    """Return where what describes the speaker ends: a participle of speaking, or a place behind a comma, tells of the occasion."""
    for token in range(speaker[-1] + 1, around[-1] + 1):
        if tree.tag[token] == "VBG" and tree.lemma[token].lower() in _SPEAKING:
            return token
        if (
            tree.dep[token] == "prep"
            and tree.word(token - 1) == ","
            and tree.lower(token) in {"at", "in", "outside", "during"}
        ):
            return token
    return around[-1] + 1


def _shared_verbs(tree: Tree, head: int, blocked: Sequence[int]) -> tuple[int, ...]:
    """Return the cue and the verbs above it that tell of the same act: "issued a statement on Monday, saying …"."""
    verbs, token = [head], head
    for _ in range(8):
        label, above = tree.dep[token], tree.head[token]
        if above == token or blocked[above] or label not in _LINKS:
            break
        if label == "advcl" and tree.tag[token] not in {"VBG", "VBN"}:
            break
        if tree.pos[above] in _VERBS:
            verbs.append(above)
        token = above
    return tuple(verbs)
