"""Endpoints and the bastion's host."""

from decimal import Decimal

from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

ROOT_VOLUME_GB = 8
"""Of Amazon Linux 2023's images, when the program names no size."""


def endpoint(resource: Resource, sheet: Sheet) -> None:
    """Interface endpoints are paid by the hour and zone; each subnet is in another zone. Gateway endpoints are free."""
    kind = sheet.text(resource, "vpcEndpointType", "Gateway")
    if kind == "Interface":
        zones = sheet.entries(resource, "subnetIds", 1) or sheet.entries(resource, "subnetConfigurations", 1)
        if not zones:
            sheet.note(resource, "names no subnet; one zone assumed.")
        sheet.hourly(resource, "interface endpoints, each zone", max(len(zones), 1), "vpc.endpoint")
        sheet.rate(resource, "data through interface endpoints", "vpc.endpoint.data")
    elif kind != "Gateway":
        sheet.no_price(resource, f"endpoints of type {kind} have no price here")


def instance(resource: Resource, sheet: Sheet) -> None:
    """An instance that always runs, its volumes, its public address if it has one."""
    kind = sheet.text(resource, "instanceType", "")
    if f"ec2.{kind}" in sheet.prices:
        sheet.hourly(resource, f"{kind} instance", 1, f"ec2.{kind}")
    else:
        sheet.no_price(resource, f"no price for the instance type {kind or '(unknown)'}")
    root = resource.inputs.get("rootBlockDevice", {})
    volume = root.get("volumeType", "gp3") if isinstance(root, dict) else "gp3"
    if volume in (None, "gp3"):
        size = sheet.number(resource, "volumeSize", ROOT_VOLUME_GB, within="rootBlockDevice")
        sheet.fixed(resource, "gp3 root volume", size, "ebs.gp3")
    else:
        sheet.no_price(resource, f"no price for volumes of type {volume}")
    if "ebsBlockDevices" in resource.inputs:
        sheet.no_price(resource, "volumes beside the root volume")
    if sheet.flag(resource, "associatePublicIpAddress", default=False):
        sheet.hourly(resource, "public IPv4 address", Decimal(1), "vpc.ipv4")
