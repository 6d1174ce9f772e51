"""What a run did, as embed.record takes it."""

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Stats:
    """Counts of one run."""

    rows: int = 0
    chunks_embedded: int = 0
    chunks_kept: int = 0
    """That had their vector already."""
    tokens: int = 0
    calls: int = 0
    throttles: int = 0
    errors: int = 0
    """Calls that failed otherwise."""
    dead: int = 0
    """Rows set aside."""
    changed: int = 0
    """Rows whose result came too late."""
    locked: int = 0
    """Times that a user's transaction was in the way."""
    seconds: float = 0.0

    def add(self, other: "Stats") -> None:
        """Sum up."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def since(self, before: "Stats") -> "Stats":
        """What came since."""
        return Stats(**{each.name: getattr(self, each.name) - getattr(before, each.name) for each in fields(self)})

    def held(self) -> bool:
        """Whether rows were held, whatever became of them."""
        return bool(self.rows or self.changed or self.dead or self.errors)

    def recorded(self) -> dict[str, float]:
        """What the database keeps, without zeros."""
        kept = ("rows", "chunks_embedded", "chunks_kept", "tokens", "calls", "throttles", "errors", "seconds")
        return {name: value for name, value in asdict(self).items() if name in kept and value}
