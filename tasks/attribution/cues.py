"""Find the words that mark an attribution in one paragraph, each with its speaker and what it governs."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import polars as pl

from tasks.annotation.syntax import Tree, kept
from tasks.lexicons import load_lexicon

_CLAUSE_LABELS = frozenset({"ccomp", "xcomp", "advcl", "acl", "pcomp", "conj", "parataxis", "prep", "dep"})
_WORDS = frozenset({"word", "view", "opinion", "phrase", "telling", "eye", "account", "judgment", "judgement"})
_OBJECT_CLASSES = frozenset({"accuse", "judge", "urge", "agree", "deny", "think", "promise", "ask"})
"""Classes of verbs whose object alone is what is said ("criticized the plan", "urged calm")."""
_RELATIVES = frozenset({"who", "which", "that", "whom"})
_QUOTED_PASSIVES = frozenset(
    {"quote", "cite", "hear", "overhear", "record", "catch", "know", "see", "report", "credit"}
)
"""Verbs whose passive subject is the one who speaks ("was quoted as saying")."""
_ISSUES = frozenset(
    {"issue", "release", "publish", "make", "send", "write", "sign", "post", "give", "deliver", "put", "circulate"}
)
_FAR = 64
"""How many tokens beside a cue, or steps up a tree, are looked at: a paragraph of cues stays linear."""
_NOUN_CLAUSES = frozenset({"acl", "ccomp", "relcl"})
_OF_NOUNS = frozenset({"amod", "compound", "det"})
_CUE_POS = frozenset({"VERB", "AUX", "NOUN", "ADP", "SCONJ"})


class NounPhrase(NamedTuple):
    """One noun phrase: its tokens (first, after last) and its head token."""

    first: int
    after: int
    head: int


@dataclass(eq=False)
class Cue:
    """One attribution cue.

    Attributes:
        kind: `verb`, `according`, `noun` or `colon`.
        head: The token that carries the cue.
        first: First token of the cue.
        after: Token after the cue.
        lemma: Its lemma in the lexicon.
        cue_class: Class of the verb (say, ask, think, accuse…).
        strength: 2 when the word is primarily one of reporting, 1 when often, 0 when it needs more evidence.
        known_speaker: Who speaks; None when the sentence does not say, or when it is yet to be found.
        known_content: Tokens of the content clause it governs (first, after last); None likewise.
    """

    kind: str
    head: int
    first: int
    after: int
    lemma: str
    cue_class: str
    strength: int
    known_speaker: NounPhrase | None = None
    known_content: tuple[int, int] | None = None

    @property
    def speaker(self) -> NounPhrase | None:
        """Who speaks, None when the sentence does not say."""
        return self.known_speaker

    @property
    def content(self) -> tuple[int, int] | None:
        """Tokens of the content clause it governs (first, after last), None when there is none."""
        return self.known_content


class _VerbCue(Cue):
    """A verb; its speaker and content are found when they are first asked for, as most verbs stand in what another one tells."""

    def __init__(self, tree: Tree, quoted: Sequence[bool], token: int, after: int, lemma: str, verb: "_Verb") -> None:
        self.kind = "verb"
        self.head = self.first = token
        self.after = after
        self.lemma = lemma
        self.cue_class, self.strength = verb
        self._tree, self._quoted = tree, quoted

    @kept
    def speaker(self) -> NounPhrase | None:
        return find_speaker(self._tree, self.head, self._quoted, lemma=self.lemma)

    @kept
    def content(self) -> tuple[int, int] | None:
        return _content_clause(self._tree, self)


class _Verb(NamedTuple):
    cue_class: str
    strength: int


@functools.cache
def _verbs() -> dict[str, _Verb]:
    frame = load_lexicon("reporting_verbs")
    return {
        lemma: _Verb(cue_class, int(strength))
        for lemma, cue_class, strength in frame.select("lemma", "class", "strength").iter_rows()
    }


@functools.cache
def _particles() -> dict[str, frozenset[str]]:
    """The words that make another verb of a verb they follow: "out" of "point"."""
    pairs = [words for words in map(str.split, _verbs()) if len(words) == 2]
    return {verb: frozenset(particle for other, particle in pairs if other == verb) for verb, _ in pairs}


@functools.cache
def _nouns() -> dict[str, str]:
    return dict(load_lexicon("reporting_nouns").select("lemma", "verb_class").iter_rows())


@functools.cache
def _roles() -> dict[str, str]:
    return dict(load_lexicon("roles").select("lemma", "kind").iter_rows())


@functools.cache
def _cue_lemmas() -> frozenset[str]:
    """Every lemma that a cue can begin with: a few in a hundred tokens have one, the others need no second look."""
    return frozenset(lemma.split()[0] for lemma in _verbs()) | _nouns().keys() | _WORDS


def role_kind(lemma: str) -> str | None:
    """Return the kind of speaker that a role noun names (person, group, organization, document, anonymous), None if it is none."""
    return _roles().get(lemma.lower())


def find_cues(tree: Tree, quoted: Sequence[bool]) -> list[Cue]:
    """Find the cues of a paragraph outside its quotations, in the order of their tokens.

    Args:
        tree: The annotated paragraph.
        quoted: For every token, whether it stands inside quotation marks; cues and speakers are never taken from there.
    """
    cues = []
    for token in tree.find_tokens(_may_be_cue):
        if quoted[token]:
            continue
        lemma = tree.lemma[token].lower()
        if tree.lemma[token][:6] == "accord" and tree.lower(token) == "according":
            cue = _read_according(tree, token, quoted)
        elif tree.pos[token] == "NOUN":
            cue = _read_words_of(tree, token, lemma, quoted) or _read_noun(tree, token, lemma, quoted)
        else:
            cue = _read_verb(tree, token, lemma, quoted)
        if cue is not None:
            cues.append(cue)
    return cues


def _may_be_cue(pos: str, lemma: str) -> bool:
    return pos in _CUE_POS and (lemma.lower() in _cue_lemmas() or lemma[:6] == "accord")


def _read_according(tree: Tree, token: int, quoted: Sequence[bool]) -> Cue | None:
    to = next((t for t in range(token + 1, min(token + 3, len(tree))) if tree.lower(t) == "to"), None)
    if to is None:
        return None
    head = tree.child(to, "pobj", "pcomp") or tree.child(token, "pobj")
    head = (
        head
        if head is not None
        else next(
            (t for t in range(to + 1, min(to + _FAR, len(tree))) if tree.pos[t] in {"NOUN", "PROPN", "PRON"}), None
        )
    )
    if head is None or quoted[head]:
        return None
    return Cue("according", token, token, to + 1, "according to", "say", 2, _noun_phrase(tree, head, quoted))


def _read_verb(tree: Tree, token: int, lemma: str, quoted: Sequence[bool]) -> Cue | None:
    after = token + 1
    particles = _particles().get(lemma)
    if particles is not None:
        for follower in range(token + 1, min(token + 3, len(tree))):
            particle = tree.lower(follower)
            if particle in particles:
                lemma, after = f"{lemma} {particle}", follower + 1
                break
    verb = _verbs().get(lemma)
    return None if verb is None or tree.dep[token] in _OF_NOUNS else _VerbCue(tree, quoted, token, after, lemma, verb)


def _read_words_of(tree: Tree, token: int, lemma: str, quoted: Sequence[bool]) -> Cue | None:
    """Read "in the words of X", "in X's view": a phrase that says whose words or views these are, like "according to X"."""
    if lemma not in _WORDS or tree.dep[token] != "pobj" or tree.lower(tree.head[token]) != "in":
        return None
    owner, last = tree.child(token, "poss"), token
    if owner is None:
        of = next((c for c in tree.children(token) if tree.dep[c] == "prep" and tree.lower(c) == "of"), None)
        owner, last = (tree.child(of, "pobj"), of) if of is not None else (None, token)
    if owner is None or quoted[owner] or tree.head[token] > token:
        return None
    return Cue(
        "according",
        token,
        tree.head[token],
        last + 1,
        "in the words of",
        "say",
        2,
        _noun_phrase(tree, owner, quoted),
    )


def _read_noun(tree: Tree, token: int, lemma: str, quoted: Sequence[bool]) -> Cue | None:
    """Read "his claim that …", "a warning from X that …": a noun of reporting with a content clause or a known speaker."""
    cue_class = _nouns().get(lemma)
    if cue_class is None:
        return None
    dep, children = tree.dep, tree.children(token)
    clause = next((c for c in children if c > token and dep[c] in _NOUN_CLAUSES), None)
    is_content = clause is not None and tree.has_that(clause)
    if not is_content and not _touches_quote(tree, token, quoted):
        return None
    owner = tree.child(token, "poss")
    if owner is None:
        by = next((c for c in children if dep[c] == "prep" and tree.lower(c) in {"by", "from", "of"}), None)
        owner = tree.child(by, "pobj") if by is not None and tree.lower(by) != "of" else None
    if owner is None and is_content and dep[token] in {"dobj", "attr"}:
        owner = _subject(tree, tree.head[token])
    if owner is None or quoted[owner]:
        return None
    content = tree.edges(clause) if clause is not None and is_content else None
    return Cue(
        "noun",
        token,
        token,
        token + 1,
        lemma,
        cue_class,
        1,
        _noun_phrase(tree, owner, quoted),
        content,
    )


def names_speech(tree: Tree, token: int) -> bool:
    """Whether the token is a noun that names an act of saying, writing, asking or thinking."""
    return tree.pos[token] == "NOUN" and tree.lemma[token].lower() in _nouns()


def _touches_quote(tree: Tree, token: int, quoted: Sequence[bool]) -> bool:
    """Whether a quotation stands right behind the noun, its comma, colon or preposition: his message: "…", her call for "…"."""
    after = token + 1
    if after < len(tree) and tree.lower(after) in {"of", "for"}:
        return after + 1 < len(tree) and quoted[after + 1]
    return after < len(tree) and (
        quoted[after] or (tree.word(after) in {",", ":"} and after + 1 < len(tree) and quoted[after + 1])
    )


_OBJECTS = frozenset({"dobj", "oprd", "prep", "dative", "attr"})
_ASPECTUAL = frozenset({"begin", "continue", "start", "go", "proceed", "keep", "resume", "go on", "carry on", "move"})
"""Verbs of going on: with an infinitive they tell of an action, not of words."""


def _content_clause(tree: Tree, cue: _VerbCue) -> tuple[int, int] | None:
    """Return the tokens that tell what was said: a finite clause, an infinitive of a plan, or what a judgement is about."""
    token, strength, dep = cue.head, cue.strength, tree.dep
    children = tree.children(token)
    for child in children:
        label = dep[child]
        if label == "ccomp" and (strength > 0 or child > token):
            return tree.edges(child)
        if label == "xcomp" and child > token and strength > 0 and cue.lemma not in _ASPECTUAL:
            return tree.edges(child)
    if strength == 0 or cue.cue_class not in _OBJECT_CLASSES:
        return None
    objects = [c for c in children if c > token and dep[c] in _OBJECTS]
    objects = [c for c in objects if dep[c] != "prep" or tree.lower(c) in {"as", "of", "for", "that"}]
    if not objects or all(dep[c] in {"dative", "attr"} for c in objects):
        return None
    return min(tree.edges(c)[0] for c in objects), max(tree.edges(c)[1] for c in objects)


def _subject(tree: Tree, verb: int) -> int | None:
    return tree.subjects.get(verb)


def find_speaker(tree: Tree, verb: int, quoted: Sequence[bool], *, lemma: str | None) -> NounPhrase | None:
    """Find who does the reporting of a cue verb: its subject, the agent of a passive, or the subject that it shares.

    A verb without a subject of its own takes that of the verb it is coordinated with or depends on ("said …, adding"), a participle after
    a noun takes the noun ("a statement saying"), a relative pronoun stands for its antecedent ("X, who said"). Where the parser gives
    none, the noun phrase beside the verb is taken ("…," said X).

    Args:
        tree: The annotated paragraph.
        verb: The verb.
        quoted: For every token, whether it stands inside quotation marks.
        lemma: Its lemma, by which passives are told apart; None to read a passive like an active.
    """
    if lemma is not None and lemma not in _QUOTED_PASSIVES and tree.child(verb, "auxpass", "nsubjpass") is not None:
        agent = tree.child(verb, "agent")
        head = tree.child(agent, "pobj") if agent is not None else None
        return _noun_phrase(tree, head, quoted) if head is not None and not quoted[head] else None
    if tree.tag[verb] == "VBG" and _follows_comma(tree, verb):
        spoken_by = _clause_subject(tree, verb, quoted)
        if spoken_by is not None:
            return spoken_by
    seen = verb
    for _ in range(8):  # a chain of coordinated or dependent verbs is short; the bound keeps odd trees linear
        subject = _subject(tree, seen)
        if subject is not None:
            if tree.lower(subject) in _RELATIVES:
                return _antecedent(tree, seen, subject, quoted) or _neighbour(tree, verb, quoted)
            if not quoted[subject]:
                reporter = _reporter(tree, verb, seen, quoted)
                return _with_name(tree, subject if reporter is None else reporter, quoted)
            break
        label, head = tree.dep[seen], tree.head[seen]
        if head == seen or (label not in _CLAUSE_LABELS and label != "relcl"):
            break
        if label in {"acl", "relcl"} and tree.pos[head] in {"NOUN", "PROPN", "PRON"}:
            return _issuer(tree, head, quoted)
        seen = head
    return _neighbour(tree, verb, quoted)


def _follows_comma(tree: Tree, verb: int) -> bool:
    """Whether a comma stands before the participle, adverbs between them aside: "…, later adding"."""
    before = verb - 1
    while before >= 0 and tree.pos[before] == "ADV":
        before -= 1
    return before >= 0 and tree.word(before) == ","


def _clause_subject(tree: Tree, participle: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return the subject of the clause that a participle behind a comma belongs to: of the one who reports, not of what is reported.

    "X complained that Y was late, suggesting …": it is X who suggests; a noun just before the comma never does.
    """
    for ancestor in islice(tree.ancestors(participle), 16):
        subject = _subject(tree, ancestor)
        if subject is None or quoted[subject]:
            continue
        if tree.lower(subject) in _RELATIVES:
            return _antecedent(tree, ancestor, subject, quoted)
        head = tree.head[ancestor]
        reporter = _subject(tree, head) if tree.dep[ancestor] == "ccomp" and not quoted[head] else None
        if reporter is None or quoted[reporter] or _verbs().get(tree.lemma[head].lower()) is None:
            return _noun_phrase(tree, subject, quoted)
    return None


def _reporter(tree: Tree, verb: int, shared: int, quoted: Sequence[bool]) -> int | None:
    """Return who reports the clause of `shared` when `verb`, another verb of reporting, is only coordinated with it.

    "X said the plan was made in haste and called it …": the one who goes on speaking is X, whatever the clause before tells of.
    """
    head = tree.head[shared]
    if verb == shared or tree.dep[shared] != "ccomp" or quoted[head] or tree.lemma[head].lower() not in _verbs():
        return None
    if tree.tag[verb] != tree.tag[head]:
        return None
    subject = _subject(tree, head)
    return None if subject is None or quoted[subject] or tree.lower(subject) in _RELATIVES else subject


def _antecedent(tree: Tree, verb: int, pronoun: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return the noun phrase that a relative pronoun stands for, the pronoun included when it follows directly: "X, who said".

    A statement that somebody issued speaks for him ("X released a letter that said").
    """
    seen = verb
    for _ in range(4):
        if tree.dep[seen] == "relcl":
            head = tree.head[seen]
            if quoted[head]:
                return None
            phrase = _issuer(tree, head, quoted)
            if phrase is None or phrase.head != head:
                return phrase
            joins = all(tree.word(t) == "," for t in range(phrase.after, pronoun))
            return NounPhrase(phrase.first, pronoun + 1, head) if joins and pronoun >= phrase.after else phrase
        if tree.dep[seen] not in {"conj", "xcomp", "ccomp"}:
            return None
        seen = tree.head[seen]
    return None


def _issuer(tree: Tree, noun: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return who speaks through a noun: the subject that issues the statement, else the noun itself ("a letter saying")."""
    verb = tree.head[noun]
    if tree.dep[noun] == "dobj" and tree.lemma[verb] in _ISSUES and role_kind(tree.lemma[noun]) == "document":
        subject = _subject(tree, verb)
        if subject is not None and not quoted[subject] and tree.lower(subject) not in _RELATIVES:
            return _noun_phrase(tree, subject, quoted)
    if (
        tree.dep[noun] == "pobj" and role_kind(tree.lemma[noun]) == "document"
    ):  # "said in a statement saying", "X, in a letter warning"
        for ancestor in islice(tree.ancestors(noun), _FAR):
            subject = _subject(tree, ancestor)
            if subject is not None and not quoted[subject] and tree.lower(subject) not in _RELATIVES:
                return _noun_phrase(tree, subject, quoted)
    return None if quoted[noun] else _noun_phrase(tree, noun, quoted)


def _neighbour(tree: Tree, verb: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return the noun phrase that touches the verb: a name just before it, else one behind it ("said X"), else one further left ("X later said")."""
    before = verb - 1
    if before >= 0 and not quoted[before] and (tree.is_name(before) or tree.tag[before] == "PRP"):
        return _noun_phrase(tree, before, quoted)
    right = verb + 1 if tree.tag[verb] not in {"VBG", "VB"} else len(tree)
    stop = min(len(tree), verb + _FAR)
    while (
        right < stop and tree.tag[right] in {"RB", "DT", "JJ", "NNP", "NNPS", "NN", "PRP$", "POS"} and not quoted[right]
    ):
        right += 1
    if right < len(tree) and tree.tag[right] == "NNS" and not quoted[right]:
        right += 1
    if (
        right > verb + 1
        and tree.tag[right - 1] in {"NNP", "NNPS", "NN", "NNS"}
        and tree.lower(right - 1) not in _days()
    ):
        return NounPhrase(verb + 1, right, right - 1)
    if (
        verb + 1 < len(tree)
        and tree.tag[verb + 1] in {"PRP", "CD", "DT"}
        and not quoted[verb + 1]
        and tree.tag[verb] in {"VBD", "VBZ", "VBP"}
    ):
        return NounPhrase(verb + 1, verb + 2, verb + 1)
    left = verb - 1
    if left > 0 and tree.word(left) == "," and not quoted[left]:
        return _described(tree, left - 1, quoted)
    while left >= 0 and (tree.pos[left] in {"ADV", "AUX", "PART"}) and not quoted[left]:
        left -= 1
    if (
        left >= 0
        and not quoted[left]
        and tree.pos[left] in {"NOUN", "PROPN", "PRON"}
        and tree.lower(left) not in _RELATIVES
    ):
        return _noun_phrase(tree, left, quoted)
    return None


def _with_name(tree: Tree, subject: int, quoted: Sequence[bool]) -> NounPhrase:
    """Return the noun phrase of the subject, with the name that stands in apposition right behind it: "the maker, X, said"."""
    phrase = _noun_phrase(tree, subject, quoted)
    comma = phrase.after
    if tree.is_name(subject) or comma + 1 >= len(tree) or tree.word(comma) != ",":
        return phrase
    name = next((c for c in tree.children(subject) if c > comma and tree.dep[c] == "appos"), None)
    if name is None or not tree.is_name(name):
        return phrase
    first, after = tree.noun_phrase(name, blocked=quoted)
    return NounPhrase(phrase.first, after, subject) if first == comma + 1 and not quoted[first] else phrase


def _described(tree: Tree, last: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return the noun phrase whose apposition ends at the token `last`, before the comma of a verb: "X, a spokesman in Y, said".

    A name that is the apposition of a common noun belongs to the phrase: "the maker, X, said".
    """
    token = last
    for _ in range(8):
        head = tree.head[token]
        if quoted[token] or head >= token or tree.dep[token] not in {"appos", "pobj", "prep", "conj"}:
            return None
        if tree.dep[token] == "appos":
            if quoted[head] or True in quoted[head:last]:
                return None
            phrase = _noun_phrase(tree, head, quoted)
            return phrase if tree.is_name(head) else NounPhrase(phrase.first, last + 1, head)
        token = head
    return None


@functools.cache
def _days() -> frozenset[str]:
    """Words that say on which day: behind a verb of saying they are no speaker ("the minister said Monday")."""
    frame = load_lexicon("months_weekdays").filter(pl.col("language") == "en", pl.col("kind") == "weekday")
    return frozenset(frame.get_column("form")) | {"today", "yesterday", "tomorrow", "tonight", "night", "morning"}


def _noun_phrase(tree: Tree, head: int, quoted: Sequence[bool]) -> NounPhrase:
    first, after = tree.noun_phrase(head, blocked=quoted)
    return NounPhrase(first, after, head)


def find_source(tree: Tree, token: int, part: str, quoted: Sequence[bool]) -> NounPhrase | None:
    """Find whose words, thoughts or wishes a cue that is no reporting verb of the lexicon tells.

    Args:
        tree: The annotated paragraph.
        token: The cue.
        part: Its part of speech: `verb`, `noun` or `adjective`.
        quoted: For every token, whether it stands inside quotation marks.
    """
    if part == "verb":
        return find_speaker(tree, token, quoted, lemma=tree.lemma[token].lower())
    if part == "adjective":
        head = tree.head[token]
        if tree.dep[token] == "amod" and tree.pos[head] in {"NOUN", "PROPN", "PRON"}:
            return None if quoted[head] else _noun_phrase(tree, head, quoted)
        return _speaker_above(tree, token, quoted)
    owner = tree.child(token, "poss")
    if owner is None:
        by = next((c for c in tree.children(token) if tree.dep[c] == "prep" and tree.lower(c) in _SOURCE_WORDS), None)
        owner = tree.child(by, "pobj") if by is not None else None
    if owner is None:
        owner = next((c for c in tree.children(token) if tree.dep[c] in {"compound", "nmod"} and tree.is_name(c)), None)
    if owner is None and tree.dep[token] in {"dobj", "attr", "pobj", "conj", "appos"}:
        return _speaker_above(tree, token, quoted)
    return None if owner is None or quoted[owner] else _noun_phrase(tree, owner, quoted)


_SOURCE_WORDS = frozenset({"by", "from", "among"})


def _speaker_above(tree: Tree, token: int, quoted: Sequence[bool]) -> NounPhrase | None:
    """Return who speaks by the nearest verb above `token` that has a subject: "X made the claim that …", "X was sure that …"."""
    for ancestor in islice(tree.ancestors(token), _FAR):
        if _subject(tree, ancestor) is not None:
            return find_speaker(tree, ancestor, quoted, lemma=None)
    return None
