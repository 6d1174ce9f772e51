"""The way to the database: the plugin, the bastion, the Session document, the tunnel, the name."""

import contextlib
import ipaddress
import json
from typing import Any

from vectordb.database import plugin, tunnel
from vectordb.database.talk import Deadline
from vectordb.doctor import wire
from vectordb.doctor.context import Context, Subject
from vectordb.doctor.findings import Finding, failed, ok, warning
from vectordb.errors import VectordbError

_OPENS_WITHIN = 40.0
_HINTS = {
    "stopped": "Start it: aws ec2 start-instances --instance-ids {bastion} --region {region}",
    "terminated": "Make it anew: pulumi up --refresh",
    "running": (
        "It runs and does not report: its subnet has to reach the interface endpoints ssm and ssmmessages on 443 with private "
        "DNS, and its role needs ssm:UpdateInstanceInformation. A new one: pulumi up --replace <the instance's URN>"
    ),
}


def without_tunnel(subject: Subject) -> str:
    """Why no tunnel leads to the database; empty when one does."""
    if subject.settings.hostaddr:
        return f"the database is reached at {subject.settings.hostaddr}"
    return "" if subject.settings.transport == "ssm" else f"the transport is {subject.settings.transport}"


def without_wire(subject: Subject) -> str:
    """Why nobody connects to the server from here; empty when somebody does."""
    over_https = subject.settings.transport == "data-api" and not subject.settings.hostaddr
    return "the transport is data-api: this machine talks to the API, not to the server" if over_https else ""


def session_manager_plugin(_: Context) -> Finding:
    """AWS's plugin for Session Manager is installed, and new enough."""
    return ok(plugin.find())


def bastion(context: Context) -> Finding:
    """The bastion's agent reports to Systems Manager."""
    bastion_id = context.settings.bastion_id
    found = context.ask(
        "ssm",
        "describe_instance_information",
        f"ask for the state of the bastion {bastion_id}",
        Filters=[{"Key": "InstanceIds", "Values": [bastion_id]}],
    )["InstanceInformationList"]
    if found and found[0].get("PingStatus") == "Online":
        return ok(f"{bastion_id} is online, agent {found[0].get('AgentVersion', 'of unknown version')}")
    ping = found[0].get("PingStatus") if found else "not registered"
    state = _instance_state(context, bastion_id)
    hint = _HINTS.get(state, _HINTS["running"]).format(bastion=bastion_id, region=context.settings.region)
    return failed(f"{bastion_id} is {ping} at Systems Manager; the instance is {state or 'in an unknown state'}", hint)


def document(context: Context) -> Finding:
    """The Session document is there and leads to this database and nothing else."""
    settings = context.settings
    if not settings.session_document:
        return warning(
            f"sessions use {tunnel.FORWARD_TO_REMOTE_HOST}, with which a caller forwards to any host that the bastion reaches",
            "Deploy this version of the program: its own document pins the host and the port.",
        )
    again = "Put it back: pulumi up --refresh"
    try:
        found = context.ask(
            "ssm", "get_document", f"read the document {settings.session_document}", Name=settings.session_document
        )
    except VectordbError as error:
        if "InvalidDocument" in error.message:
            return failed(f"there is no document {settings.session_document}", again)
        raise
    if found.get("Status", "Active") != "Active" or found.get("DocumentType", "Session") != "Session":
        return failed(
            f"{settings.session_document} is {found.get('Status')}, a {found.get('DocumentType')} document", again
        )
    pinned = _properties(found)
    expected = {"host": settings.host, "portNumber": str(settings.port)}
    wrong = {key: pinned.get(key) for key, value in expected.items() if str(pinned.get(key)) != value}
    if wrong:
        to = ":".join(str(pinned.get(key)) for key in expected)
        return failed(
            f"{settings.session_document} forwards to {to}, the database is {':'.join(expected.values())}", again
        )
    return ok(f"{settings.session_document} forwards to {settings.host}:{settings.port} only")


def through_tunnel(context: Context) -> Finding:
    """A session opens, and PostgreSQL answers at its other end."""
    context.say("opening the tunnel")
    route = context.keep(
        tunnel.opened(context.settings, deadline=Deadline(_OPENS_WITHIN), say=context.say, client=context.client("ssm"))
    )
    context.say("waiting for the database behind the tunnel")
    try:
        with wire.dialled(route.hostaddr, route.port, context.subject.patience) as connection:
            answered = wire.asks_for_tls(connection)
    except OSError as error:
        with contextlib.suppress(VectordbError):
            route.check()
        answered, problem = None, f": {error}"
    else:
        problem = ": it closed the connection" if answered is None else ""
    route.check()
    if answered is None:
        return failed(
            f"the tunnel stands, and nothing answers behind it{problem}",
            "The bastion's security group must allow the database's port outwards, the database's the bastion's inwards; "
            "see database-state for a database that is stopped.",
        )
    context.tunnel = route
    return ok(f"127.0.0.1:{route.port} leads to {context.settings.host}:{context.settings.port}")


def dns(context: Context) -> Finding:
    """The endpoint's name leads to a private address, or an address is given in its place."""
    settings = context.settings
    if settings.hostaddr:
        return ok(f"{settings.hostaddr}:{settings.hostaddr_port} is given in place of {settings.host}")
    try:
        found = context.resolve(settings.host)
    except OSError as error:
        if settings.transport == "ssm":
            return warning(
                f"{settings.host} has no address here ({error}); the bastion resolves it by itself",
                "Nothing to do for the tunnel. Some routers hide private addresses (DNS rebind protection): to see it, "
                f"`dig {settings.host} @1.1.1.1`.",
            )
        return failed(
            f"{settings.host} has no address: {error}",
            "Run it inside the VPC, whose resolver knows the name, or go through the bastion (vectordb:transport: ssm).",
        )
    public = [address for address in found if not ipaddress.ip_address(address).is_private]
    if public:
        return failed(
            f"{settings.host} has the public address {', '.join(public)}",
            "Set publicly_accessible back to false (`pulumi up --refresh`), and look who changed it: CloudTrail, ModifyDBInstance.",
        )
    return ok(f"{settings.host} is {', '.join(found)}")


def _instance_state(context: Context, bastion_id: str) -> str:
    """EC2's word for it, empty when it cannot be had."""
    try:
        found = context.ask("ec2", "describe_instances", "ask EC2 about the bastion", InstanceIds=[bastion_id])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])
    except (VectordbError, LookupError):
        return ""


def _properties(found: dict[str, Any]) -> dict[str, Any]:
    """What a Session document fixes; nothing when it cannot be read."""
    try:
        content = json.loads(found["Content"])
        return dict(content["properties"])
    except (KeyError, TypeError, ValueError):
        return {}
