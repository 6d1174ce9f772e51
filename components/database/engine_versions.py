"""PostgreSQL's versions on AWS: which minors are known, and who keeps them current.

A major alone ("18") lets AWS choose the minor and upgrade it in the maintenance window. An exact minor ("18.6") stays:
automatic upgrades are off, because the program would ask for the refused way back after one.
"""

from dataclasses import dataclass

AURORA, RDS = "aurora-postgresql", "postgres"

KNOWN_ON = "2026-10-20"
"""When the table was taken, from cfn-lint 1.58.0 (engine_version.json of aws_rds_dbcluster and aws_rds_dbinstance),
which is generated from RDS's DescribeDBEngineVersions. A newer minor works too: it is warned about, not refused."""

KNOWN: dict[str, dict[str, tuple[int, ...]]] = {
    AURORA: {
        "16": (1, 2, 3, 4, 6, 8, 9, 10, 11, 13, 14, 15),
        "17": (4, 5, 6, 7, 9, 10, 11),
        "18": (3, 4, 6),
    },
    RDS: {
        "16": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        "17": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        "18": (1, 2, 3, 4, 6),
    },
}
"""Engine → major → its minors."""


@dataclass(frozen=True)
class Version:
    """A version as the configuration names it."""

    text: str

    @property
    def major(self) -> str:
        """`18` of `18` and of `18.6`."""
        return self.text.partition(".")[0]

    @property
    def exact(self) -> bool:
        """Whether a minor is named, so that AWS must not choose it."""
        return "." in self.text

    def family(self, engine: str) -> str:
        """The parameter groups' family: `aurora-postgresql18`, `postgres18`."""
        return f"{engine}{self.major}"

    def doubt(self, engine: str) -> str:
        """What to tell about a version that is not in the table; empty when it is, or when AWS chooses the minor."""
        minors = KNOWN[engine].get(self.major)
        if minors is None:
            return f"PostgreSQL {self.text} on {engine} is not known here. Known: {', '.join(KNOWN[engine])}."
        if not self.exact or self.text in (known := [f"{self.major}.{minor}" for minor in minors]):
            return ""
        return (
            f"PostgreSQL {self.text} on {engine} was not offered on {KNOWN_ON}; then there were {', '.join(known)}. "
            "Ask your region with `aws rds describe-db-engine-versions`."
        )
