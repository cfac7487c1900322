"""Make more text of little: names exchanged, sentences reported by invented people, for an accurate engine to label.

What is learned from a small collection knows few names and few ways to report speech. Here the names of its texts are
exchanged for others of the lexicons, and its sentences become the words of invented speakers. Nobody labels by hand what
comes out: the accurate engine reads it as it reads any text.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.lexicons import load_lexicon

_TITLES = (
    "Mr.", "Mrs.", "Ms.", "Dr.", "Sen.", "Rep.", "Gov.", "President", "Prime Minister", "Foreign Minister", "Mayor",
    "Senator", "Professor", "Justice", "Judge", "Police Chief", "Finance Minister", "Secretary", "Capt.", "Lt. Col.",
    "spokesman", "spokeswoman", "analyst", "chief executive", "opposition leader", "coach", "lawyer", "chairman",
)  # fmt: skip
_IRREGULAR = {
    "say": "said", "tell": "told", "write": "wrote", "think": "thought", "swear": "swore", "hold": "held", "know": "knew",
    "read": "read", "see": "saw", "find": "found", "feel": "felt", "hear": "heard", "make": "made", "give": "gave",
    "put": "put", "speak": "spoke", "understand": "understood", "foresee": "foresaw", "sing": "sang", "teach": "taught",
    "admit": "admitted", "concur": "concurred", "quip": "quipped", "plan": "planned", "submit": "submitted",
}  # fmt: skip
_BODIES = (
    "Ministry", "Council", "Party", "University", "Institute", "Association", "Group", "Bank", "Court", "Police", "Union",
    "Times", "Post", "Committee", "Foundation", "Agency", "Department", "Commission", "Corp.", "Inc.", "Energy",
)  # fmt: skip
_FRAMES = (
    "“{S},” {v} {P}.", "“{S},” {P} {v}.", "“{S},” {P} {v}. “{T}”", "“{S},” {v} {P}, {R}.", "“{S},” {P}, {R}, {v}.",
    "{P} {v}: “{S}.”", "{P} {v}, “{S}.”", "{P} {v} that {s}.", "{P} {v} {s}.", "{S}, {P} {v}.", "{S}, {v} {P}.",
    "According to {P}, {s}.", "{S}, according to {P}.", "{P}, {R}, {v} that {s}.", "{P} told {Q} that {s}.",
    "{P} told {Q}: “{S}.”", "In {C}, {P} {v} that {s}.", "{P} also {v} that {s}.", "“{S}?” {P} asked.",
    "{P} has {v} that {s}.", "{P} called it “{w},” and {v} that {s}.", "{P}, who lives in {C}, {v}: “{S}.”",
    "“{S},” {P} {v} on {D}.", "{P} {v} in a statement on {D} that “{s}.”", "“{S},” {P} {v}, adding that {t}.",
    "“{S}”, {v} {P}.", "{P}’s comments came after {Q} {v} that {s}.", "{P} {v} “{w}” in {C}, {O} reported on {D}.",
    "“{S},” he {v}.", "“{S},” she {v} to {O}.", "He {v} that {s}.", "She {v} she would not comment.", "They {v} {s}.",
    "Asked about {C}, {P} {v}: “{S}.”", "“{S},” the {r} {v}.", "The {r} of {O} {v} that {s}.", "{O} {v} that {s}.",
    "“{S},” read a statement by {O}.", "{P} denied that {s}.", "{P} was quoted as saying that {s}.", "{P} refused to say whether {s}.",
    "“We {v} it,” {P}, the {r} of {O}, told reporters in {C}.", "{P} warned of “{w}.”", "“{S},” {O} quoted {P} as saying.",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Passage:
    """A text and the names in it: (start, end, what), `what` one of person, organization, place."""

    text: str
    names: Sequence[tuple[int, int, str]]


class Recombiner:
    """Makes texts; the same seed and passages give the same texts."""

    def __init__(self, seed: int) -> None:
        """Read the lexicons."""
        self._random = random.Random(seed)
        given = load_lexicon("given_names")["name"].to_list()
        self._given = [name.capitalize() for name in given if name.isalpha() and len(name) > 2]
        families = load_lexicon("family_first_names")["names"].explode().to_list()
        self._families = [name.capitalize() for name in families if name]
        cities = load_lexicon("cities").filter(load_lexicon("cities")["thousands"].cast(int) > 150)["name"].to_list()
        self._places = [*cities, *load_lexicon("countries")["name"].to_list() * 4]
        roles = load_lexicon("roles").filter(load_lexicon("roles")["kind"] == "person")["lemma"].to_list()
        self._roles = roles
        verbs = load_lexicon("reporting_verbs")
        spoken = verbs.filter((verbs["takes_direct"] == "1") | (verbs["takes_clause"] == "1"))
        self._verbs = [verb for verb in spoken["lemma"].to_list() if verb.isalpha()]

    def exchange_names(self, passage: Passage) -> str:
        """Return the text with every name exchanged for one of its kind, the same for the same."""
        makers = {"person": self._make_person, "place": self._make_place, "organization": self._make_body}
        made: dict[tuple[str, str], str] = {}
        pieces, after = [], 0
        for start, end, what in sorted(passage.names):
            if start < after or what not in makers:
                continue
            name = passage.text[start:end]
            key = (what, name)
            if key not in made:
                new = makers[what]()
                made[key] = new.split()[-1] if what == "person" and " " not in name else new
            pieces += [passage.text[after:start], made[key]]
            after = end
        return "".join([*pieces, passage.text[after:]])

    def report_sentences(self, sentences: Sequence[str], count: int) -> Iterator[str]:
        """Yield `count` paragraphs in which invented people say what the sentences say."""
        choose = self._random.choice
        straight = str.maketrans("“”’", '""\'')
        for _ in range(count):
            frames = [choose(_FRAMES) for _ in range(self._random.choice((1, 1, 2, 3)))]
            told = [self._fill(frame, sentences) for frame in frames]
            text = " ".join(sentence[:1].upper() + sentence[1:] for sentence in told)
            yield text.translate(straight) if self._random.random() < 0.5 else text

    def _fill(self, frame: str, sentences: Sequence[str]) -> str:
        choose = self._random.choice
        said, more = (choose(sentences).rstrip(".!?").strip('"“”') for _ in range(2))
        words = said.split()
        first = self._random.randrange(max(1, len(words) - 3))
        return frame.format(
            S=said, s=_lower_first(said), T=more + ".", t=_lower_first(more),
            w=_lower_first(" ".join(words[first : first + self._random.randint(1, 5)])).strip(",.;:"),
            v=self._make_verb(), P=self._make_speaker(), Q=self._make_speaker(), C=self._make_place(), O=self._make_body(),
            R=self._make_description(), r=choose(self._roles), D=choose(_WEEKDAYS),
        )  # fmt: skip

    def _make_verb(self) -> str:
        lemma = self._random.choice(
            ("say",) * 6 + ("tell", "add", "write") + tuple(self._random.choices(self._verbs, k=8))
        )
        if lemma == "tell":
            return "told " + self._random.choice(("reporters", "the court", "them", self._make_body()))
        if self._random.random() < 0.2:
            ending = "es" if lemma.endswith(("s", "sh", "ch", "x")) else "s"
            return lemma[:-1] + "ies" if re.search(r"[^aeiou]y$", lemma) else lemma + ending
        if lemma in _IRREGULAR:
            return _IRREGULAR[lemma]
        if re.search(r"[^aeiou]y$", lemma):
            return lemma[:-1] + "ied"
        return lemma + ("d" if lemma.endswith("e") else "ed")

    def _make_speaker(self) -> str:
        kind = self._random.random()
        if kind < 0.35:
            return self._make_person()
        if kind < 0.55:
            return f"{self._random.choice(_TITLES)} {self._make_person()}"
        if kind < 0.7:
            return self._make_person().split()[-1]
        if kind < 0.8:
            return self._make_body()
        if kind < 0.9:
            return self._random.choice(("a ", "the ", "one ")) + self._random.choice(self._roles)
        return self._random.choice(
            ("police", "officials", "the government", "a senior official", "residents", "critics")
        )

    def _make_description(self) -> str:
        role = self._random.choice(self._roles)
        return self._random.choice(
            (f"a {role}", f"the {role} of {self._make_body()}", f"{role} at {self._make_body()}", f"a {role} from {self._make_place()}",
             f"{self._random.randint(19, 90)}", f"a {role} for {self._make_body()} in {self._make_place()}")
        )  # fmt: skip

    def _make_person(self) -> str:
        family = self._random.choice((self._families, self._given, self._given))
        middle = f" {self._random.choice('ABCDEFGHJKLMPRSTW')}." if self._random.random() < 0.1 else ""
        return f"{self._random.choice(self._given)}{middle} {self._random.choice(family)}"

    def _make_place(self) -> str:
        return self._random.choice(self._places)

    def _make_body(self) -> str:
        choose = self._random.choice
        name = choose(
            (self._make_place(), choose(self._given), choose(("National", "Central", "Supreme", "European", "Federal")))
        )
        return choose(
            (
                f"the {name} {choose(_BODIES)}",
                f"{name} {choose(_BODIES)}",
                f"the {choose(_BODIES)} of {self._make_place()}",
            )
        )


def split_sentences(text: str) -> list[str]:
    """Return the sentences of 4 to 40 words that a text prints, roughly: they are only material."""
    pieces = re.split(r"(?<=[.!?])[\"”]?\s+(?=[A-Z“\"])", text)
    return [
        piece for piece in pieces if 4 <= len(piece.split()) <= 40 and piece[0].isupper() and piece.count('"') % 2 == 0
    ]


def _lower_first(sentence: str) -> str:
    """Return the sentence as it goes on after `that`; the first word stays when it is likely a name."""
    first = sentence.split(" ", 1)[0]
    closed = {"The", "A", "An", "In", "It", "He", "She", "They", "We", "This", "That", "There", "On", "At", "But", "His", "Her", "These", "As", "For", "If", "When"}  # fmt: skip
    return sentence[:1].lower() + sentence[1:] if first in closed else sentence
