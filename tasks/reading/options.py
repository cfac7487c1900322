"""How sources are read."""

from dataclasses import dataclass, field
from pathlib import Path

from tasks.reading.fields import FieldMapping
from tasks.reading.limits import Limits
from warehouse.keys import make_id


@dataclass(frozen=True)
class Reading:
    """The limits, the mapping of fields, and where a stream waits that must be read by seeking."""

    limits: Limits = field(default_factory=Limits)
    fields: FieldMapping = field(default_factory=FieldMapping)
    temp_dir: Path | None = None

    @property
    def version(self) -> str:
        """The hash of what changes the documents that a source gives."""
        return make_id(repr(self.limits), repr(sorted(self.fields.given.items())))
