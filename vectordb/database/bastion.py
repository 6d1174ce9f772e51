"""The bastion's own state, asked for when no session starts on it."""

from dataclasses import dataclass
from typing import Any

from vectordb.database import aws
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

_ENDING = {"shutting-down", "terminated"}
_STOPPED = {"stopping", "stopped"}


@dataclass(frozen=True)
class State:
    """What EC2 and Systems Manager say of the instance; an empty text where the caller may not ask.

    Attributes:
        instance: pending, running, stopping, stopped, shutting-down or terminated.
        ping: Online, ConnectionLost or Inactive; empty also for an instance that has never registered.
    """

    instance: str
    ping: str


def state(settings: Settings, *, ec2: Any = None, ssm: Any = None) -> State:
    """Ask both. A refusal is no failure: whoever may start sessions need not see instances."""
    return State(_instance(settings, ec2), _ping(settings, ssm))


def must_run(settings: Settings, *, ec2: Any = None) -> None:
    """Refuse to wait for an instance that will not come by itself.

    It is not started from here: people's policy does not let them, and a bastion that is stopped was stopped by somebody.

    Raises:
        VectordbError: it is stopped or gone.
    """
    found = _instance(settings, ec2)
    if found in _STOPPED:
        raise VectordbError(
            f"the bastion {settings.bastion_id} is {found}",
            remedy=(
                f"Start it: aws ec2 start-instances --region {settings.region} --instance-ids {settings.bastion_id}. "
                "It takes about a minute to register with Session Manager."
            ),
        )
    if found in _ENDING:
        raise VectordbError(
            f"the bastion {settings.bastion_id} is {found}",
            remedy="Make another with `pulumi up`; if a file of outputs names it, write that file anew.",
        )


def _instance(settings: Settings, ec2: Any) -> str:
    try:
        answer = (ec2 or aws.client("ec2", settings.region)).describe_instances(InstanceIds=[settings.bastion_id])
    except aws.FAILURES as error:
        # EC2 forgets an instance about an hour after its end.
        return "terminated" if aws.code(error) == "InvalidInstanceID.NotFound" else ""
    states = [one["State"]["Name"] for kept in answer["Reservations"] for one in kept["Instances"]]
    return str(states[0]) if states else ""


def _ping(settings: Settings, ssm: Any) -> str:
    try:
        answer = (ssm or aws.client("ssm", settings.region)).describe_instance_information(
            Filters=[{"Key": "InstanceIds", "Values": [settings.bastion_id]}]
        )
    except aws.FAILURES:
        return ""
    found = answer["InstanceInformationList"]
    return str(found[0].get("PingStatus", "")) if found else ""
