"""Why a database keeps a person waiting, said while they wait."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from vectordb.database import aws
from vectordb.database.settings import Settings
from vectordb.database.talk import Say

SAID_AFTER = 3.0  # seconds; a session opens in one or two

_REMEDIES = {
    "stopped": "start it: aws rds start-db-{kind} --region {region} --db-{kind}-identifier {identifier}",
    "stopping": "when it has stopped, start it: aws rds start-db-{kind} --region {region} --db-{kind}-identifier {identifier}",
    "inaccessible-encryption-credentials": "enable its KMS key",
    "inaccessible-encryption-credentials-recoverable": "enable its KMS key, then start it",
    "storage-full": "raise its storage",
}


def status(settings: Settings, *, client: Any = None) -> str:
    """What RDS says of the cluster or instance, as `available` or `stopped`; empty where the caller may not ask.

    A Serverless v2 cluster that has paused is `available`.
    """
    kind = _kind(settings)
    if not kind:
        return ""
    try:
        rds = client or aws.client("rds", settings.region)
        if kind == "cluster":
            [found] = rds.describe_db_clusters(DBClusterIdentifier=settings.cluster_arn)["DBClusters"]
            return str(found.get("Status", ""))
        [found] = rds.describe_db_instances(DBInstanceIdentifier=settings.cluster_arn)["DBInstances"]
        return str(found.get("DBInstanceStatus", ""))
    except (*aws.FAILURES, KeyError, ValueError):
        return ""


def explained(settings: Settings, state: str) -> str:
    """The state in words, with what to do about it."""
    if state in ("", "available"):
        return "no answer yet; a cluster that has paused wakes up in 15 s, after a day's pause in 30 s or more"
    remedy = _REMEDIES.get(state, "").format(
        kind=_kind(settings), region=settings.region, identifier=settings.cluster_arn.rpartition(":")[2]
    )
    return f"the database is {state}" + (f"; {remedy}" if remedy else "")


@contextlib.contextmanager
def watched(settings: Settings, say: Say, *, client: Any = None) -> Iterator[None]:
    """Say why it takes so long, if the block takes longer than `SAID_AFTER`. What goes fast costs no question to AWS."""
    ended = threading.Event()

    def tell() -> None:
        found = status(settings, client=client)
        if not ended.is_set():
            say(f"waiting: {explained(settings, found)}")

    timer = threading.Timer(SAID_AFTER, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        ended.set()
        timer.cancel()


def _kind(settings: Settings) -> str:
    """`cluster` or `instance`, from arn:aws:rds:us-east-1:123456789012:cluster:vectordb."""
    part = settings.cluster_arn.split(":")[5:6]
    return {"cluster": "cluster", "db": "instance"}.get(part[0] if part else "", "")
