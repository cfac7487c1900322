"""Distinct names -> clusters of names of one entity, by what the names of one block say and nothing else."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Generic, TypeVar

import polars as pl

from tasks.identity.linking.keys import (
    PersonKey,
    are_compatible,
    guess_person_gender,
    read_person,
    sort_words,
    sound_place,
    surname_skeleton,
)
from tasks.identity.names import given_name_groups, name_skeleton

MAX_VARIANTS = 64
"""Names of one block that are compared in pairs; where more given names are variants of one, none is evidence."""

Key = TypeVar("Key", int, str)

CLUSTERED = pl.Schema({"entity_type": pl.String, "name_key": pl.String, "canonical_key": pl.String, "rule": pl.String})


@dataclass
class Unions(Generic[Key]):
    """Sets of keys that were joined; the smallest key stands for its set, whatever the order of joining."""

    parents: dict[Key, Key] = field(default_factory=dict)

    def find(self, key: Key) -> Key:
        """Return the key that stands for the set of `key`."""
        root = key
        while (parent := self.parents.get(root, root)) != root:
            root = parent
        while (parent := self.parents.get(key, key)) != root:
            self.parents[key], key = root, parent
        return root

    def join(self, keys: Iterable[Key]) -> None:
        """Make one set of the sets of `keys`."""
        roots = sorted({self.find(key) for key in keys})
        for root in roots[1:]:
            self.parents[root] = roots[0]


@dataclass(frozen=True, slots=True)
class _Name:
    """A full name of a person in one block, its parts read for that block."""

    key: str
    given: str
    middle: str
    surname: str
    generation: str
    is_part: bool
    words: frozenset[str]
    aliases: frozenset[str]
    all_article_ids: pl.Series
    number: int

    @property
    def articles(self) -> frozenset[str]:
        """Articles that print it, read when they are asked for: most names are compared with none."""
        return frozenset(self.all_article_ids[self.number])

    @property
    def gender(self) -> str | None:
        """Whether titles, else the given name, tell a man or a woman."""
        said = {word[1] for word in self.words if word in ("=m", "=f")}
        return said.pop() if len(said) == 1 else guess_person_gender(self.key)

    @property
    def offices(self) -> frozenset[str]:
        """The words of its titles, without genders."""
        return self.words - {"=m", "=f"}


def cluster_names(names: pl.DataFrame) -> pl.DataFrame:
    """Bring the distinct names together that name one entity.

    Persons are one when their full names are, after titles, diacritics, hyphens, order and transliteration are folded;
    when the given name of one is left to its initial and one bearer of the surname has it; when given names are variants
    and surname or titles bear it out. A father and a son (Jr., Sr., III) stay two. Names that one article tells apart
    are never joined by a variant. Organizations are one by their words in any order, and by the acronym or short form
    that articles tie to one name only; places by code, else by sound.

    Args:
        names: NAMES of which `is_full` holds; the names of a block all together.

    Returns:
        CLUSTERED, one row a name: the smallest key of its cluster, and the rule that joined it.
    """
    full = names.filter("is_full")
    frames = [
        _cluster(full.filter(pl.col("entity_type") == "person"), _join_persons, _compare_persons),
        _cluster(full.filter(pl.col("entity_type") == "organization"), _join_organizations, _compare_organizations),
        _cluster(full.filter(~pl.col("entity_type").is_in(["person", "organization"])), _join_places, _compare_places),
    ]
    return pl.concat(frames)


def _cluster(names: pl.DataFrame, join: object, compare: Callable[[str, str], str]) -> pl.DataFrame:
    assert callable(join)
    unions: Unions[str] = Unions()
    for keys in join(names):
        unions.join(keys)
    typed = [f"{entity_type}\t{key}" for entity_type, key in names.select("entity_type", "name_key").iter_rows()]
    return _describe_sets(typed, unions, lambda _: compare)


def _describe_sets(
    typed: Iterable[str], unions: Unions[str], find_rule: Callable[[str], Callable[[str, str], str]]
) -> pl.DataFrame:
    """Return CLUSTERED of names, each written after its type and a tab."""
    roots: dict[str, list[str]] = defaultdict(list)
    for name in typed:
        roots[unions.find(name)].append(name.split("\t", 1)[1])
    rows = []
    for root, keys in roots.items():
        entity_type = root.split("\t", 1)[0]
        canonical, compare = min(keys, key=_order_key), find_rule(entity_type)
        rows += [(entity_type, key, canonical, compare(key, canonical)) for key in keys]
    return pl.DataFrame(rows, schema=CLUSTERED, orient="row")


def cluster_joined(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return CLUSTERED of the names that are joined to another one; what is not in a pair stands for itself.

    Args:
        pairs: `entity_type`, `one` and `other`: two names of one entity.
    """
    unions: Unions[str] = Unions()
    for entity_type, one, other in pairs.iter_rows():
        unions.join((f"{entity_type}\t{one}", f"{entity_type}\t{other}"))
    names = pl.concat([pairs.select("entity_type", name_key=side) for side in ("one", "other")]).unique()
    typed = [f"{entity_type}\t{key}" for entity_type, key in names.iter_rows()]
    rules = {"person": _compare_persons, "organization": _compare_organizations}
    return _describe_sets(typed, unions, lambda entity_type: rules.get(entity_type, _compare_places))


def list_forms(names: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return by what full names are brought together, so that each is compared with few others.

    Args:
        names: NAMES of which `is_full` holds.

    Returns:
        `entity_type`, `name_key`, `kind` and `form` of organizations and places: names of one form are one. And `name_key`
        and `block_key` of persons: names of one block are compared.
    """
    forms, blocks = [], []
    for entity_type, key in names.select("entity_type", "name_key").iter_rows():
        if entity_type == "person":
            blocks += [(key, block) for block in read_person(key).blocks]
        elif entity_type == "organization":
            forms += [(entity_type, key, "words", sort_words(key)), (entity_type, key, "letters", key.replace(" ", ""))]
        else:
            forms.append((entity_type, key, "sound", sound_place(entity_type, key)))
    schema = dict.fromkeys(("entity_type", "name_key", "kind", "form"), pl.String)
    return (
        pl.DataFrame(forms, schema=schema, orient="row"),
        pl.DataFrame(blocks, schema=dict.fromkeys(("name_key", "block_key"), pl.String), orient="row"),
    )


def join_blocks(names: pl.DataFrame, blocks: Set[str]) -> pl.DataFrame:
    """Return the pairs (`entity_type`, `one`, `other`) of persons' names that are one's by what the names of a block say.

    Args:
        names: NAMES of persons of which `is_full` holds: all that have one of the blocks.
        blocks: The blocks to compare in; others may be there in part.
    """
    pairs = [("person", key, root) for key, root in _join_in_blocks(names, blocks) if key != root]
    return pl.DataFrame(pairs, schema=dict.fromkeys(("entity_type", "one", "other"), pl.String), orient="row")


def _order_key(key: str) -> tuple[bool, str]:
    """Return what the names of one entity are ordered by: a name without initials stands for one with them."""
    return any(len(word) == 1 for word in key.split()), key


def _join_persons(names: pl.DataFrame) -> Iterator[list[str]]:
    known = set(names.get_column("name_key"))
    for key, aliases in names.select("name_key", "alias_keys").iter_rows():
        if tied := [alias for alias in aliases if alias in known]:
            yield [f"person\t{own}" for own in (key, *tied)]
    for key, root in _join_in_blocks(names):
        yield [f"person\t{key}", f"person\t{root}"]


def _join_in_blocks(names: pl.DataFrame, wanted: Set[str] | None = None) -> Iterator[tuple[str, str]]:
    """Yield the names that were joined inside a block, with what stands for them there."""
    blocks: dict[str, list[_Name]] = defaultdict(list)
    article_ids = names.get_column("article_ids")
    for number, (key, words, aliases) in enumerate(names.select("name_key", "title_words", "alias_keys").iter_rows()):
        person = read_person(key)
        said = (frozenset(words), frozenset(aliases))
        for block, given, middle, surname in _orient(person):
            if wanted is None or block in wanted:
                name = _Name(key, given, middle, surname, person.generation, False, *said, article_ids, number)
                blocks[block].append(name)
        if (first := person.first_surname) and (wanted is None or surname_skeleton(first) in wanted):
            part = _Name(key, person.given, "", first, person.generation, True, *said, article_ids, number)
            blocks[surname_skeleton(first)].append(part)
    for names_of_block in blocks.values():
        unions: Unions[str] = Unions()
        if len(names_of_block) > 1:
            _join_block(names_of_block, unions)
        for key in list(unions.parents):
            yield key, unions.find(key)


def _orient(person: PersonKey) -> Iterator[tuple[str, str, str, str]]:
    """Yield block, given name, middle name and surname, once for each end that can be the family name."""
    yield surname_skeleton(person.surname), person.given, person.middle, person.surname
    if person.other_surname is not None:
        middle = " ".join(person.key.removesuffix(person.generation).split()[1:-1])
        yield surname_skeleton(person.other_surname), person.surname, middle, person.other_surname


def _join_block(names: Sequence[_Name], unions: Unions[str]) -> None:
    block = [name for name in names if not name.is_part]
    for keys in _group_spellings(block):
        unions.join(keys)
    for kind in ("transliteration", "nickname", "cognate"):
        _join_variants(kind, block, unions)
    _join_initials(block, unions)
    _join_generations(block, unions)
    _join_second_surnames(block, [name for name in names if name.is_part], unions)


def _group_spellings(block: Sequence[_Name]) -> Iterator[list[str]]:
    """Yield the names that sound alike; those with a middle name join those without when there is one middle name."""
    groups: dict[tuple[str, str, str], list[_Name]] = defaultdict(list)
    whole: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name in block:
        # short surnames that only sound alike (Lee, Li) are common, and no evidence
        surname = "" if len(name.surname) > 4 else name.surname
        given, joined = (
            name_skeleton(part) if surname == "" or len(part) > 4 else part
            for part in (name.given, f"{name.given}{name.middle}".replace(" ", ""))
        )
        groups[surname, given, name.generation].append(name)
        whole[surname, joined, name.generation].append(name.key)
    yield from whole.values()
    for names in groups.values():
        middles = sorted({name.middle for name in names if name.middle}, key=lambda middle: (-len(middle), middle))
        longest = middles[0] if middles else ""
        is_one = all(are_compatible(middle, longest) for middle in middles)
        by_middle: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_middle["" if is_one else name.middle].append(name.key)
        yield from by_middle.values()


def _join_variants(kind: str, block: Sequence[_Name], unions: Unions[str]) -> None:
    """Join given names that are variants of one: transliterations, and others when a rare surname or titles agree."""
    groups = given_name_groups(kind)
    by_group: dict[tuple[int, str, str], dict[str, list[_Name]]] = defaultdict(lambda: defaultdict(list))
    roots: dict[str, list[_Name]] = defaultdict(list)
    for name in block:
        roots[unions.find(name.key)].append(name)
    for root, names in roots.items():
        for name in names:
            for group in groups.get(name.given, ()) if len(name.surname) > 3 else ():
                by_group[group, name.generation, name.surname if len(name.surname) < 5 else ""][root].append(name)
    is_rare = len(roots) <= 3
    pairs: set[tuple[str, str]] = set()
    for members in by_group.values():
        if len(members) <= MAX_VARIANTS:
            pairs |= set(combinations(sorted(members), 2))
    for one, other in sorted(_drop_ambiguous(pairs)):
        if _are_apart(roots[one], roots[other]):
            continue
        titles = _offices(roots[one]) & _offices(roots[other])
        is_clear = kind == "transliteration" or bool(titles)
        if is_clear or (is_rare and kind == "nickname" and len(roots[one][0].surname) > 4):
            unions.join((one, other))


def _drop_ambiguous(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Drop the pairs of a name that is a variant of two that are none of each other: Al may be Albert or Alan."""
    others: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        others[one].add(other)
        others[other].add(one)
    ambiguous = {
        name for name, own in others.items() if any(pair not in pairs for pair in combinations(sorted(own), 2))
    }
    return {pair for pair in pairs if not ambiguous.intersection(pair)}


def _offices(names: Sequence[_Name]) -> frozenset[str]:
    return frozenset().union(*(name.offices for name in names))


def _are_apart(one: Sequence[_Name], other: Sequence[_Name]) -> bool:
    """Whether an article tells the two apart, or their genders, countries or middle names differ."""
    articles = frozenset[str]().union(*(name.articles for name in one))
    tied = {alias for name in one for alias in name.aliases} & {name.key for name in other}
    together = not tied and any(articles & name.articles for name in other)
    genders = {name.gender for name in (*one, *other)} - {None}
    middles = ({name.middle for name in names if name.middle} for names in (one, other))
    is_other = any(not are_compatible(a, b) for a, b in product(*middles))
    countries = [{word for word in _offices(names) if len(word) == 2 and word.isupper()} for names in (one, other)]
    is_abroad = bool(countries[0] and countries[1]) and not countries[0] & countries[1]
    return together or len(genders) > 1 or is_other or is_abroad


def _join_initials(block: Sequence[_Name], unions: Unions[str]) -> None:
    """Join an initial and a surname to the only bearer of the surname whose given name begins with it."""
    bearers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    roots: dict[str, list[_Name]] = defaultdict(list)
    for name in block:
        roots[unions.find(name.key)].append(name)
        if len(name.given) > 1:
            bearers[name.surname, name.given[0], name.generation].add(unions.find(name.key))
    for name in sorted((name for name in block if len(name.given) == 1), key=lambda name: name.key):
        found = bearers[name.surname, name.given, name.generation]
        if len(found) == 1 and not _are_apart([name], roots[min(found)]):
            unions.join((name.key, min(found)))


def _join_generations(block: Sequence[_Name], unions: Unions[str]) -> None:
    """Join a name without Jr. or Sr. to the only one with it, when titles agree: else it may be father or son."""
    roots: dict[str, list[_Name]] = defaultdict(list)
    for name in block:
        roots[unions.find(name.key)].append(name)
    by_name: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for root, names in roots.items():
        for name in names:
            by_name[name.given, name.surname][name.generation].add(root)
    for _, generations in sorted(by_name.items()):
        bare, others = generations.pop("", set()), [root for roots in generations.values() for root in roots]
        if len(bare) != 1 or len(set(others)) != 1:
            continue
        one, other = min(bare), others[0]
        if not _are_apart(roots[one], roots[other]) and _offices(roots[one]) & _offices(roots[other]):
            unions.join((one, other))


def _join_second_surnames(block: Sequence[_Name], longer: Sequence[_Name], unions: Unions[str]) -> None:
    """Join a name with a second surname (of the mother, of marriage) to the only one without it, when titles agree."""
    roots: dict[str, list[_Name]] = defaultdict(list)
    for name in block:
        roots[unions.find(name.key)].append(name)
    by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
    for root, names in roots.items():
        for name in names:
            by_name[name.given, name.surname].add(root)
    several: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in longer:
        several[name.given, name.surname].add(name.key)
    for name in longer:
        found = by_name[name.given, name.surname]
        if len(found) != 1 or len(several[name.given, name.surname]) != 1:
            continue
        root = min(found)
        if not _are_apart([name], roots[root]) and name.offices & _offices(roots[root]):
            unions.join((name.key, root))


def _compare_persons(key: str, canonical: str) -> str:
    if key == canonical:
        return "full_name"
    one, other = read_person(key), read_person(canonical)
    if one.generation != other.generation:
        return "generation"
    if len(one.given) == 1 or len(other.given) == 1:
        return "initials"
    if sorted(key.split()) == sorted(canonical.split()):
        return "name_order"
    if one.given == other.given and (one.first_surname == other.surname or other.first_surname == one.surname):
        return "second_surname"
    is_alike = surname_skeleton(one.surname) == surname_skeleton(other.surname)
    if is_alike and name_skeleton(one.given) == name_skeleton(other.given):
        return "spelling"
    shared = given_name_groups("transliteration", "nickname", "cognate")
    if shared.get(one.given, frozenset()) & shared.get(other.given, frozenset()):
        return "given_name_variant"
    joined = (name_skeleton(f"{person.given}{person.middle}".replace(" ", "")) for person in (one, other))
    return "spelling" if is_alike and len(set(joined)) == 1 else "same_article"


def _join_organizations(names: pl.DataFrame) -> Iterator[list[str]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    claims: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, aliases in names.select("name_key", "alias_keys").iter_rows():
        groups["words", sort_words(key)].append(key)
        groups["letters", key.replace(" ", "")].append(key)
        for alias in aliases:
            claims[alias][sort_words(key)].append(key)
    for keys in groups.values():
        yield [f"organization\t{key}" for key in keys]
    for key in names.get_column("name_key"):
        if len(tied := claims.get(key, {})) == 1:
            for claimed in tied.values():
                yield [f"organization\t{own}" for own in (key, *claimed)]


def _compare_organizations(key: str, canonical: str) -> str:
    if key == canonical:
        return "same_name"
    is_same = sort_words(key) == sort_words(canonical) or key.replace(" ", "") == canonical.replace(" ", "")
    return "spelling" if is_same else "short_form"


def _join_places(names: pl.DataFrame) -> Iterator[list[str]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entity_type, key in names.select("entity_type", "name_key").iter_rows():
        groups[entity_type, sound_place(entity_type, key)].append(f"{entity_type}\t{key}")
    yield from groups.values()


def _compare_places(key: str, canonical: str) -> str:
    return "same_name" if key == canonical else "spelling"
