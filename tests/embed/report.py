"""What happened in a run of chaos, and what was wrong in the end."""

from dataclasses import dataclass, field


@dataclass
class Result:
    """Counts of one run; lists hold keys."""

    seed: int
    destination: str = ""
    seconds: float = 0.0

    writes: int = 0
    """Transactions of users."""
    rollbacks: int = 0
    truncates: int = 0
    meddled: int = 0
    """Rows that a user wrote just while their vectors were made."""
    deadlocks: int = 0
    """Of users, with a statement of ours in them."""
    lost_connections: int = 0
    statements: list[float] = field(default_factory=list)
    """Seconds that each statement and commit of a user took."""
    waited_for_workers: float = 0.0
    """The longest that a user waited for a lock of a worker, in seconds."""
    waited_for_operator: float = 0.0
    """The same of whoever changes a vectorizer."""

    kills: int = 0
    ends: int = 0
    """Workers that were asked to stop."""
    stops: int = 0
    """Workers that slept past their lease and came back."""
    restarts: int = 0
    switches: dict[str, int] = field(default_factory=dict)
    """What the operator did."""
    messages: dict[str, int] = field(default_factory=dict)
    """Bells, tickets and sweeps: delivered, lost, doubled, late, again."""
    calls: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Calls of the model, by code."""

    rows: int = 0
    poison: int = 0
    drained_after: float = 0.0
    pending: int = 0
    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    wrongly_dead: list[int] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Keys in an index that are not seen, when all garbage was collected."""
    garbage: int = 0
    """How many there were before."""
    reconciled: tuple[int, int, int] | None = None
    """What embed.reconcile says: missing, stale, orphan."""
    worker_errors: str = ""

    @property
    def longest_statement(self) -> float:
        return max(self.statements, default=0.0)

    @property
    def damage(self) -> int:
        """Rows that a search would answer wrongly, or not find."""
        return len(self.missing) + len(self.stale) + len(self.orphans)

    def __str__(self) -> str:
        times = sorted(self.statements) or [0.0]
        p50, p99 = (1000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.99))
        return "\n".join(
            f"  {name:10}{value}"
            for name, value in (
                ("run", f"seed {self.seed}, {self.destination}, {self.seconds:.0f} s"),
                (
                    "users",
                    (
                        f"{self.writes} transactions, {self.rollbacks} rolled back, {self.truncates} truncates, {self.meddled} rows "
                        f"written while they were embedded, {self.lost_connections} lost connections, {self.deadlocks} deadlocks"
                    ),
                ),
                (
                    "waits",
                    (
                        f"statement p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {1000 * times[-1]:.0f} ms; longest wait for a lock "
                        f"of a worker {1000 * self.waited_for_workers:.0f} ms, of the operator {1000 * self.waited_for_operator:.0f} ms"
                    ),
                ),
                (
                    "harm",
                    f"{self.kills} kills, {self.ends} graceful ends, {self.stops} sleeps past the lease, {self.restarts} restarts",
                ),
                ("operator", _counts(self.switches)),
                ("messages", _counts(self.messages)),
                ("model", f"{self.calls} calls answered, refused: {_counts(self.refused)}"),
                (
                    "after",
                    f"{self.rows} rows, {self.poison} of them poison; drained after {self.drained_after:.1f} s, {self.pending} pending",
                ),
                (
                    "wrong",
                    (
                        f"missing {_shown(self.missing)}, stale {_shown(self.stale)}, orphans {_shown(self.orphans)}, "
                        f"wrongly dead or alive {_shown(self.wrongly_dead)}, hidden garbage {len(self.hidden)} (before: {self.garbage}); "
                        f"reconcile {self.reconciled}"
                    ),
                ),
            )
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"


def _shown(keys: list[int]) -> str:
    return f"{len(keys)} {keys[:10]}" if keys else "0"
