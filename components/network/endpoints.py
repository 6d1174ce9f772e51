"""Interface endpoints: which ones, in which zones, behind which group."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.config import ConfigurationError
from components.network.zones import placed


def services(
    *,
    bastion: bool,
    bridge: bool,
    bedrock: bool,
    vectors: bool = False,
    queue: bool = False,
    secrets: bool = False,
    batch: bool = False,
) -> list[str]:
    """The endpoints that the switched-on parts need, by the last part of their service's name, sorted.

    The agent needs no `ec2messages` since 3.3.40.0 (SSM Agent release notes), instance and function roles no `sts`, the
    bridge outside the VPC no `s3vectors`, and exported database logs no `logs`.

    Args:
        bastion: Session Manager, and S3's gateway for Amazon Linux's packages.
        bridge: the database invokes functions.
        bedrock: the database, or a function in the VPC, invokes models.
        vectors: a function in the VPC reads and writes indexes.
        queue: a function in the VPC sends messages. Lambda's own poller needs no endpoint: it is not in the VPC.
        secrets: a function in the VPC reads tokens.
        batch: a function in the VPC makes batch inference jobs, whose files are in S3.
    """
    needed = {
        "ssm": bastion,
        "ssmmessages": bastion,
        "s3": bastion or batch,
        "bedrock": batch,
        "lambda": bridge,
        "bedrock-runtime": bedrock,
        "s3vectors": vectors,
        "sqs": queue,
        "secretsmanager": secrets,
    }
    return sorted(service for service, wanted in needed.items() if wanted)


@dataclass(frozen=True)
class Offer:
    """What a region has of one endpoint service."""

    name: str
    zones: tuple[str, ...]
    ipv6: bool


def service_names(service: str, region: str) -> list[str]:
    """What a service's endpoint may be called; in China some names begin with `cn.`, others do not."""
    return [f"{prefix}com.amazonaws.{region}.{service}" for prefix in ("", "cn.")]


def offer(service: str, region: str, opts: pulumi.InvokeOptions | None = None) -> Offer:
    """Ask AWS for an endpoint service: in which zones it is differs between accounts."""
    found = aws.ec2.get_vpc_endpoint_service(
        service_type="Gateway" if service == "s3" else "Interface",
        filters=[aws.ec2.GetVpcEndpointServiceFilterArgs(name="service-name", values=service_names(service, region))],
        opts=opts,
    )
    return Offer(found.service_name, tuple(found.availability_zones), "ipv6" in found.supported_ip_address_types)


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint and the group in front of it."""

    id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]


@dataclass(frozen=True)
class Site:
    """Where endpoints are made: the VPC, its subnets and their zones."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]
    zones: Sequence[str]
    count: int
    ipv6: bool


def interface_endpoint(name: str, service: str, offered: Offer, site: Site, opts: pulumi.ResourceOptions) -> Endpoint:
    """One endpoint with private DNS and a group of its own that admits nobody yet.

    Raises:
        ConfigurationError: no subnet is in a zone that offers the service.
    """
    places = placed(site.zones, offered.zones, site.count)
    if not places:
        raise ConfigurationError(_nowhere(service, site.zones, offered.zones))
    group = aws.ec2.SecurityGroup(
        f"{name}-{service}",
        vpc_id=site.vpc_id,
        description=f"Endpoint {service}: HTTPS from the security groups that are named",
        opts=opts,
    )
    endpoint = aws.ec2.VpcEndpoint(
        f"{name}-{service}",
        vpc_id=site.vpc_id,
        service_name=offered.name,
        # The provider's defaults are Gateway, and no private DNS.
        vpc_endpoint_type="Interface",
        private_dns_enabled=True,
        subnet_ids=[site.subnet_ids[place] for place in places],
        security_group_ids=[group.id],
        ip_address_type="dualstack" if site.ipv6 and offered.ipv6 else None,
        opts=opts,
    )
    return Endpoint(endpoint.id, group.id)


def _nowhere(service: str, zones: Sequence[str], offered: Collection[str]) -> str:
    return (
        f"vectordb:network: none of {', '.join(zones)} offers the endpoint {service}. "
        f"Name zones that do, or subnets in them: {', '.join(sorted(offered)) or 'this region has none'}."
    )
