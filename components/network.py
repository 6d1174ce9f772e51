"""The isolated network.

Creates: aws:ec2/vpc:Vpc, aws:ec2/defaultSecurityGroup:DefaultSecurityGroup, a route table, a subnet and its association
for each zone, the S3 gateway endpoint, an interface endpoint for each service that is asked for, and their security group.

There is no internet gateway, no NAT gateway and no public address here, and no option to have one.
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import flows
from components.outputs import mapping
from components.subnets import subnet_cidrs


class NetworkArgs(TypedDict):
    cidr: str
    """The VPC's private IPv4 block, /16 to /26."""
    zones: Sequence[str]
    """The names of the availability zones, one subnet in each; Aurora needs two."""
    region: pulumi.Input[str]
    """The region, part of the endpoint services' names."""
    services: list[str]
    """The interface endpoints, by the last part of their service's name: ssm, ssmmessages, lambda."""
    endpoint_zones: NotRequired[int]
    """In how many zones an interface endpoint gets an address; each costs about 7.30 USD a month. Default 1."""


class Network(pulumi.ComponentResource):
    """A VPC that reaches AWS through endpoints, and nothing else."""

    vpc_id: pulumi.Output[str]
    """The VPC's id."""
    subnet_ids: pulumi.Output[list[str]]
    """The isolated subnets, one in each zone."""
    endpoint_security_group_id: pulumi.Output[str]
    """The security group of the interface endpoints: it admits HTTPS from the sources named by `allow`."""
    endpoint_ids: pulumi.Output[dict[str, str]]
    """Service → id of its interface endpoint. Whoever uses one attaches its policy."""
    s3_endpoint_id: pulumi.Output[str]
    """The S3 gateway endpoint."""
    s3_prefix_list_id: pulumi.Output[str]
    """S3's prefix list in this region, for egress rules."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vectordb:index:Network", name, dict(args), opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args["cidr"],
            # Private DNS of the endpoints needs both (Amazon VPC User Guide, interface endpoints).
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": name},
            opts=self._child,
        )
        self.vpc_id = vpc.id
        # Adopted without rules: whatever is launched without a group of its own can talk to nobody.
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, opts=self._child)
        table = aws.ec2.RouteTable(
            f"{name}-isolated", vpc_id=vpc.id, tags={"Name": f"{name}-isolated"}, opts=self._child
        )
        subnets = self._subnets(args, vpc, table)
        self.subnet_ids = pulumi.Output.all(*[subnet.id for subnet in subnets])
        s3_endpoint = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=pulumi.Output.format("com.amazonaws.{0}.s3", args["region"]),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags={"Name": f"{name}-s3"},
            opts=self._child,
        )
        self.s3_prefix_list_id = s3_endpoint.prefix_list_id
        self.s3_endpoint_id = s3_endpoint.id
        group = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            vpc_id=vpc.id,
            description="Interface endpoints: HTTPS from the security groups that are named",
            tags={"Name": f"{name}-endpoints"},
            opts=self._child,
        )
        self.endpoint_security_group_id = group.id
        addressed = [subnet.id for subnet in subnets[: args.get("endpoint_zones", 1)]]
        self.endpoint_ids = mapping(
            {s: self._interface_endpoint(s, args["region"], addressed, group).id for s in args["services"]}
        )
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "subnet_ids": self.subnet_ids,
                "endpoint_security_group_id": self.endpoint_security_group_id,
                "endpoint_ids": self.endpoint_ids,
                "s3_endpoint_id": self.s3_endpoint_id,
                "s3_prefix_list_id": self.s3_prefix_list_id,
            }
        )

    def allow(
        self, flow: str, source: pulumi.Input[str], target: pulumi.Input[str], port: int
    ) -> list[pulumi.Resource]:
        """Let TCP to `port` pass from one security group to another; see `components.flows.allow`."""
        return flows.allow(flow, source, target, port, self._child)

    def _subnets(self, args: NetworkArgs, vpc: aws.ec2.Vpc, table: aws.ec2.RouteTable) -> list[aws.ec2.Subnet]:
        made: list[aws.ec2.Subnet] = []
        for number, (zone, cidr) in enumerate(
            zip(args["zones"], subnet_cidrs(args["cidr"], len(args["zones"])), strict=True), start=1
        ):
            subnet = aws.ec2.Subnet(
                f"{self._name}-isolated-{number}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={"Name": f"{self._name}-isolated-{number}"},
                opts=self._child,
            )
            aws.ec2.RouteTableAssociation(
                f"{self._name}-isolated-{number}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            made.append(subnet)
        return made

    def _interface_endpoint(
        self,
        service: str,
        region: pulumi.Input[str],
        subnet_ids: list[pulumi.Output[str]],
        group: aws.ec2.SecurityGroup,
    ) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            vpc_id=group.vpc_id,
            service_name=pulumi.Output.format("com.amazonaws.{0}.{1}", region, service),
            # The provider's defaults are Gateway, and no private DNS.
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=subnet_ids,
            security_group_ids=[group.id],
            tags={"Name": f"{self._name}-{service}"},
            opts=self._child,
        )
