"""Which alarms a stack needs: plain specifications, from what the stack has. Nothing here makes a resource.

Missing data raises no alarm: a paused cluster, a function that nobody calls and an empty queue report nothing. What has to come by
itself is the exception: sweeps (embedding_alarms.py).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import pulumi

from components.observability.alarm import ABOVE, AT_LEAST, Alarm
from components.observability.database_alarms import database_alarms
from components.observability.embedding_alarms import TARGET, embedding_alarms
from components.observability.monitored import (
    MonitoredDatabaseArgs,
    MonitoredEmbeddingArgs,
    MonitoredFunctionArgs,
    MonitoredQueueArgs,
)

TIMEOUT_SHARE = 0.8
OLDEST_SECONDS = 900
LONGEST_NAME = 64


def alarms(
    databases: Sequence[MonitoredDatabaseArgs] = (),
    functions: Sequence[MonitoredFunctionArgs] = (),
    queues: Sequence[MonitoredQueueArgs] = (),
    bastion_id: pulumi.Input[str] | None = None,
    embedding: MonitoredEmbeddingArgs | None = None,
) -> list[Alarm]:
    """Every alarm that fits, in the order of the dashboard.

    Raises:
        ValueError: two things of the same name, a name of more than 64 characters, or a database of another kind than aurora and rds.
    """
    _distinct(thing["name"] for thing in [*databases, *functions, *queues])
    found: list[Alarm] = []
    for database in databases:
        found += database_alarms(database)
    for function in functions:
        found += function_alarms(function)
    for queue in queues:
        found += queue_alarms(queue)
    if embedding is not None:
        found += embedding_alarms(embedding)
    if bastion_id is not None:
        found.append(bastion_alarm(bastion_id))
    return found


def function_alarms(function: MonitoredFunctionArgs) -> list[Alarm]:
    """Metrics and dimension: Lambda Developer Guide, types of metrics for Lambda functions. Duration is in milliseconds."""
    name, limit = function["name"], function["timeout_seconds"]
    dimensions = {"FunctionName": function["function_name"]}
    found = [
        Alarm(
            name,
            "errors",
            f"Calls of {name} fail, in two of three periods of five minutes. Read the function's log: it has the request "
            "id that the caller saw. After a deployment, move the alias back to the version before.",
            "AWS/Lambda",
            "Errors",
            dimensions,
            "Sum",
            AT_LEAST,
            1,
            datapoints=2,
        ),
        Alarm(
            name,
            "throttles",
            f"Lambda refuses calls of {name}: the account's concurrency is used up. See ConcurrentExecutions of the "
            "account, and ask for more under Service Quotas (a new account has 10), or call it less at once.",
            "AWS/Lambda",
            "Throttles",
            dimensions,
            "Sum",
            AT_LEAST,
            1,
            periods=1,
        ),
    ]
    if function.get("uses_its_time"):
        return found
    return [
        *found,
        Alarm(
            name,
            "duration",
            f"The slowest twentieth of the calls of {name} takes more than {TIMEOUT_SHARE:.0%} of its {limit} s. Ask for "
            "fewer rows a call, narrow the filter, or raise the function's memory and its time limit together.",
            "AWS/Lambda",
            "Duration",
            dimensions,
            "p95",
            ABOVE,
            limit * 1000 * TIMEOUT_SHARE,
        ),
    ]


def queue_alarms(queue: MonitoredQueueArgs) -> list[Alarm]:
    """Metrics and dimension: SQS Developer Guide, available CloudWatch metrics."""
    name, oldest = queue["name"], queue.get("oldest_seconds", OLDEST_SECONDS)
    dead = Alarm(
        name,
        "dead",
        f"Calls, tickets or sweeps of {name} failed for good and lie in the dead-letter queue. Read one, mend the cause, then "
        "purge the queue (aws sqs purge-queue): they carry no data, and the next sweep does their work.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": queue["dead_letter_name"]},
        "Maximum",
        AT_LEAST,
        1,
        periods=1,
    )
    if "queue_name" not in queue:
        return [dead]
    age = Alarm(
        name,
        "age",
        f"The oldest message of {name} waits for more than {oldest} s: the worker stands still or is too slow. See the "
        "worker's errors and throttles first, then raise its concurrency.",
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"QueueName": queue["queue_name"]},
        "Maximum",
        ABOVE,
        oldest,
    )
    return [age, dead]


def bastion_alarm(instance_id: pulumi.Input[str]) -> Alarm:
    """Metric and dimension: EC2 User Guide, status check metrics (1 when one failed)."""
    return Alarm(
        "bastion",
        "status",
        "The bastion fails EC2's status checks, so nobody gets to the database through it. Replace it: it holds nothing "
        "(pulumi up --replace with its URN, or stop and start it).",
        "AWS/EC2",
        "StatusCheckFailed",
        {"InstanceId": instance_id},
        "Maximum",
        AT_LEAST,
        1,
        period=60,
        periods=5,
    )


def _distinct(names: Iterable[str]) -> None:
    counted = Counter(["bastion", TARGET, *names])
    if long := [name for name in counted if len(name) > LONGEST_NAME]:
        raise ValueError(f"{long[0]!r} is longer than {LONGEST_NAME} characters; it is the beginning of alarms' names")
    twice = sorted(name for name, times in counted.items() if times > 1)
    if twice:
        raise ValueError(
            f"{', '.join(map(repr, twice))}: each monitored thing needs a name of its own ('bastion' and '{TARGET}' are some)"
        )
