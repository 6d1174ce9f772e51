"""What a check found, whoever checked."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Violation:
    """One finding about one resource (or about the stack, with an empty URN)."""

    urn: str
    policy: str
    message: str
    mandatory: bool = True
    severity: str = "high"
    pack: str = "vectordb"

    @property
    def resource(self) -> str:
        """The resource's name, the last part of its URN."""
        return self.urn.rpartition("::")[2] or "the stack"
