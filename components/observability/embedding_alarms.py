"""Alarms of the embeddings, on what the worker writes of embed.status (lambda/embedder/metrics.py).

It writes when it works and at each sweep, so a period is two intervals of the sweep, a day at most: of a database that pauses, an hour or
more. Where nothing is written nothing is known, and that is no alarm; but for the sweeps themselves. A sweep wakes a paused database, so a
missing one is a fault there too.
"""

from components.observability.alarm import ABOVE, AT_LEAST, BELOW, Alarm
from components.observability.monitored import MonitoredEmbeddingArgs

NAMESPACE = "VectorDB/Embedding"
TARGET = "embeddings"
SHORTEST_SECONDS, LONGEST_SECONDS = 300, 86400
"""Of a period. Several of an hour or more may be seven days together (CloudWatch API, PutMetricAlarm)."""
WITHOUT_SWEEPS_SECONDS = 3600


def embedding_alarms(watched: MonitoredEmbeddingArgs) -> list[Alarm]:
    """On the worst of all vectorizers; what to do is in docs/operations.md, too."""
    minutes, oldest = watched["sweep_minutes"], watched["oldest_seconds"]
    period = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, 120 * minutes)) if minutes else WITHOUT_SWEEPS_SECONDS

    def alarm(
        key: str,
        description: str,
        metric: str,
        threshold: float,
        *,
        statistic: str = "Maximum",
        comparison: str = AT_LEAST,
        missing: str = "notBreaching",
        periods: int = 1,
    ) -> Alarm:
        return Alarm(
            TARGET,
            key,
            description,
            NAMESPACE,
            metric,
            {"FunctionName": watched["function_name"]},
            statistic,
            comparison,
            threshold,
            period=period,
            periods=periods,
            missing=missing,
        )

    found = [
        alarm(
            "oldest",
            f"A changed row waits for its embedding for more than {oldest} s: searches find what it was. `vectordb embed "
            "status` says of which vectorizer, and whether the model throttles, the circuit is open or too few workers are "
            "at work.",
            "OldestAgeSeconds",
            oldest,
            comparison=ABOVE,
        ),
        alarm(
            "dead",
            "Rows were given up: a model refuses their text, or has failed too often. They are not found until it is mended. "
            "`vectordb embed status` says why; then `vectordb embed retry NAME`.",
            "Dead",
            1,
        ),
        alarm(
            "circuit",
            "A vectorizer stands still because its configuration cannot work: a model that may not be asked, a wrong "
            "dimension, a missing privilege. `vectordb embed status` has the reason; mend it, then `vectordb embed resume "
            "NAME`.",
            "CircuitOpen",
            1,
        ),
        alarm(
            "problem",
            "A source is not watched, or not read, as its vectorizer was declared: a column was renamed, triggers are disabled, a "
            "privilege is gone. Its changes may be missed. `vectordb embed status` says what; mend it, call `SELECT "
            "embed.refresh('NAME')`, then `vectordb embed reconcile NAME --repair`.",
            "Problems",
            1,
        ),
    ]
    if minutes:
        found.append(
            alarm(
                "sweeps",
                f"No sweep has ended well in twice its interval of {minutes} min: nothing covers lost bells, and scheduled "
                "vectorizers stand still. See the schedule, the dead-letter queue, the worker's log, and whether the "
                "database answers.",
                "Sweeps",
                1,
                statistic="Sum",
                comparison=BELOW,
                missing="breaching",
                periods=-(-120 * minutes // period),
            )
        )
    return found
