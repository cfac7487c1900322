"""What people say about who is who, in the form in which it meets the links: groups of document entities, names, types."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AuthorityRow:
    """One row of an authority file: an entity that a newsroom knows, with one id of one scheme, or none.

    `scheme` is `wikidata`, `viaf` or the newsroom's own word for its ids; `origin` is `file:line`.
    """

    name: str
    entity_type: str
    external_id: str | None = None
    scheme: str | None = None
    aliases: tuple[str, ...] = ()
    origin: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and all aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Group:
    """What one correction says about document entities: `members` are `document_entity_id`s, the first leads."""

    correction_id: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Naming:
    """What one correction says the entity of one document entity is called, or is."""

    correction_id: str
    document_entity_id: str
    value: str


@dataclass(frozen=True)
class LinkConstraints:
    """What the links of a corpus must obey.

    `must_link`: the entities of all members are one, which keeps the id of the first. `parted`: the other members leave
    the entity of the first and are one entity of their own. `cannot_link`: the two members are different entities; where
    one entity holds both, the second leaves it with those whose names are more like its own. `renames` and `retypes`:
    the entity is called, or is, that.
    """

    must_link: tuple[Group, ...] = ()
    parted: tuple[Group, ...] = ()
    cannot_link: tuple[Group, ...] = ()
    renames: tuple[Naming, ...] = ()
    retypes: tuple[Naming, ...] = ()
