"""What people say about who is who, in the form in which it meets the links: pairs, names, types, authority rows."""

from dataclasses import dataclass, field

Pair = tuple[str, str]


@dataclass(frozen=True)
class AuthorityRow:
    """One row of an authority file: an entity that a newsroom knows, with one id of one scheme.

    `scheme` is `wikidata`, `viaf` or the newsroom's own word for its ids; `origin` is `file:line`.
    """

    name: str
    entity_type: str
    external_id: str
    scheme: str
    aliases: tuple[str, ...] = ()
    origin: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and all aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class LinkConstraints:
    """What the links of a corpus must obey; all ids are `document_entity_id`.

    `must_link`: the entities of both are one entity, which keeps the id of the first. `cannot_link`: the two are
    different entities; where one entity holds both, the second leaves it. `renames` and `retypes`: the entity of the
    document entity is called, or is, that. `authority`: names that are one entity, with their external id.
    """

    must_link: tuple[Pair, ...] = ()
    cannot_link: tuple[Pair, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    retypes: tuple[tuple[str, str], ...] = ()
    authority: tuple[AuthorityRow, ...] = field(default=())
