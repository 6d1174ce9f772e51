"""Who calls AWS and when: identity, clock, and the account's setting for public access."""

import datetime as dt
import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vectordb.database import aws
from vectordb.doctor.context import Context
from vectordb.doctor.findings import Finding, SkippedError, failed, ok, warning

# AWS refuses a signature that is older or newer by more than five minutes (IAM User Guide, "Signature Version 4 …
# troubleshooting"), and a login token by the same clock.
_REFUSED_SECONDS = 300
_WORRYING_SECONDS = 60

# The configuration's words (network.blockPublicAccess) → InternetGatewayBlockMode of EC2's API.
_MODES = {"bidirectional": "block-bidirectional", "ingress": "block-ingress"}


@dataclass(frozen=True)
class Caller:
    """What STS answered to GetCallerIdentity.

    Attributes:
        answer: empty when it refused.
        error: how it refused.
        skew: seconds by which this machine's clock is ahead; None when STS was not reached.
    """

    answer: Mapping[str, Any]
    error: Exception | None
    skew: float | None


def region_and_identity(context: Context) -> Finding:
    """The credentials are good, in the stack's region, and of the stack's account."""
    caller = _caller(context)
    region = context.settings.region
    if caller.error is not None:
        if caller.skew is not None and abs(caller.skew) > _REFUSED_SECONDS:
            raise SkippedError("clock-skew")
        raise aws.explained(caller.error, f"ask AWS in {region} whose credentials these are") from caller.error
    account, arn = str(caller.answer.get("Account")), str(caller.answer.get("Arn"))
    if (own := _account(context)) and own != account:
        return failed(
            f"the credentials are of the account {account}, the stack is in {own}",
            "Choose the stack's account: set AWS_PROFILE, or log in to it.",
        )
    return ok(f"{arn} in {region}")


def clock_skew(context: Context) -> Finding:
    """This machine's clock agrees with AWS's, against which signatures and login tokens are checked."""
    skew = _caller(context).skew
    if skew is None:
        raise SkippedError("region-and-identity")
    size = f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    remedy = "Set the clock by the network: `timedatectl set-ntp true`, on macOS `sudo sntp -sS time.apple.com`."
    if abs(skew) > _REFUSED_SECONDS:
        return failed(f"the clock is {size}: AWS refuses signatures beyond {_REFUSED_SECONDS} s", remedy)
    if abs(skew) > _WORRYING_SECONDS:
        return warning(f"the clock is {size}; beyond {_REFUSED_SECONDS} s AWS refuses signatures", remedy)
    return ok(f"within {max(1, round(abs(skew)))} s of AWS's")


def vpc_block_public_access(context: Context) -> Finding:
    """What the account's VPC Block Public Access says in this region; it is of all VPCs, so it is reported, not changed."""
    found = context.ask(
        "ec2", "describe_vpc_block_public_access_options", "read the account's VPC Block Public Access"
    )["VpcBlockPublicAccessOptions"]
    mode = str(found.get("InternetGatewayBlockMode") or "off")
    wanted = _MODES.get(str(context.subject.outputs.get("vpcBlockPublicAccess")))
    if wanted is not None and mode != wanted:
        return warning(
            f"it is {mode} in {context.settings.region}, the stack's configuration says {wanted}",
            "Somebody changed it for the account: `pulumi up` sets it again.",
        )
    return ok(f"{mode}" + (" in this account; the stack's own VPC has no internet gateway" if mode == "off" else ""))


def _caller(context: Context) -> Caller:
    return context.board.once("caller", lambda: _asked(context))


def _asked(context: Context) -> Caller:
    client = context.client("sts")
    before = context.now()
    try:
        answer, error = client.get_caller_identity(), None
    except aws.FAILURES as refused:
        answer, error = {}, refused
    after = context.now()
    response = answer or getattr(error, "response", {})
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return Caller(answer, error, None if date is None else _skew(before, after, str(date)))


def _skew(before: dt.datetime, after: dt.datetime, date: str) -> float | None:
    """Seconds ahead; the header has whole seconds, cut off."""
    try:
        theirs = email.utils.parsedate_to_datetime(date) + dt.timedelta(seconds=0.5)
    except ValueError:
        return None
    return (before + (after - before) / 2 - theirs).total_seconds()


def _account(context: Context) -> str:
    """The stack's account, by the ARNs in its outputs."""
    for arn in (context.settings.secret_arn, context.settings.cluster_arn, context.settings.function_arn):
        parts = arn.split(":")
        if len(parts) > 4 and parts[4]:  # noqa: PLR2004 - arn:partition:service:region:account:…
            return parts[4]
    return ""
