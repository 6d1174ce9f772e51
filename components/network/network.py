"""The isolated network.

Creates, for a VPC of its own: aws:ec2/vpc:Vpc, the locked default security group, network ACL and route table, a route
table, a subnet and its association for each zone, and the subnets' network ACL. For any VPC: the S3 gateway endpoint
and an interface endpoint with its security group for each service that is asked for, flow logs with their log group and
role, and, only when asked, aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions.

There is no internet gateway, no NAT gateway and no public address here, and no option to have one.
"""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.network import flows
from components.network.acl import entries
from components.network.endpoints import Endpoint, Site, interface_endpoint, offer
from components.network.existing_vpc import ExistingVpc, find
from components.network.flow_logs import flow_logs
from components.network.subnets import ipv6_subnet_cidr, subnet_cidrs
from components.outputs import mapping


class NetworkArgs(TypedDict):
    services: list[str]
    """The endpoints, by the last part of their service's name: ssm, ssmmessages, lambda, s3."""
    key_arn: pulumi.Input[str]
    """The customer key of the flow log."""
    account: pulumi.Input[str]
    """The account."""
    region: pulumi.Input[str]
    """The region."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    cidr: NotRequired[str]
    """The VPC's private IPv4 block, /16 to /26. Not with `vpc_id`."""
    zones: NotRequired[list[str]]
    """The names of the availability zones, one subnet in each; a database needs two. Not with `vpc_id`."""
    vpc_id: NotRequired[str]
    """A VPC that exists; nothing of it is changed."""
    subnet_ids: NotRequired[list[str]]
    """Its subnets: isolated ones, in two zones at least."""
    existing_endpoints: NotRequired[dict[str, str]]
    """Service → id of an endpoint that the VPC has: a second with private DNS would be refused. Its policy is kept."""
    endpoint_zones: NotRequired[int]
    """In how many zones an interface endpoint gets an address; each costs about 7.30 USD a month. Default 1."""
    flow_logs: NotRequired[bool]
    """Record the VPC's flows. Default true."""
    log_retention_days: NotRequired[int]
    """How long the flow log is kept, in days. Default 30."""
    ipv6: NotRequired[bool]
    """Give the VPC and its subnets IPv6 blocks too; still without a gateway. Default false."""
    block_public_access: NotRequired[str]
    """bidirectional or ingress: manage VPC Block Public Access, which is a setting of the account's whole region."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class Network(Component):
    """A VPC that reaches AWS through endpoints, and nothing else."""

    vpc_id: pulumi.Output[str]
    """The VPC's id."""
    subnet_ids: pulumi.Output[list[str]]
    """The isolated subnets."""
    endpoint_ids: pulumi.Output[dict[str, str]]
    """Service → id of its endpoint."""
    endpoint_security_group_ids: pulumi.Output[dict[str, str]]
    """Service → the security group of its interface endpoint: it admits HTTPS from sources that are named."""
    s3_prefix_list_id: pulumi.Output[str]
    """S3's prefix list in this region, for egress rules; empty without the endpoint s3."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Network", name, args, opts)
        self._args = args
        self._invoke = pulumi.InvokeOptions(parent=self)
        self._region = aws.get_region(opts=self._invoke).region
        self._s3_cidrs = self._s3_blocks()
        self.s3_prefix_list_id = pulumi.Output.from_input("")
        self._found_groups: dict[str, str] = {}
        existing = self._existing()
        site = self._adopt(existing) if existing else self._make()
        self.vpc_id = site.vpc_id
        self.subnet_ids = pulumi.Output.all(*site.subnet_ids)
        self.subnets = list(site.subnet_ids)
        self.zones = list(site.zones)
        endpoints = self._interfaces(existing, site)
        self.shared_endpoints = sorted(args.get("existing_endpoints") or {})
        gateway = self._gateway(existing)
        self.interfaces = {service: endpoint.id for service, endpoint in endpoints.items()}
        self.groups = {service: endpoint.security_group_id for service, endpoint in endpoints.items()}
        self.ids = {**self.interfaces, **gateway}
        self.endpoint_ids = mapping(self.ids)
        self.endpoint_security_group_ids = mapping(self.groups)
        if args.get("flow_logs", True):
            flow_logs(
                name,
                self.vpc_id,
                key_arn=args["key_arn"],
                retention_days=args.get("log_retention_days", 30),
                source=(args["partition"], args["region"], args["account"]),
                opts=self._child,
            )
        self._block_public_access()
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "subnet_ids": self.subnet_ids,
                "endpoint_ids": self.endpoint_ids,
                "endpoint_security_group_ids": self.endpoint_security_group_ids,
                "s3_prefix_list_id": self.s3_prefix_list_id,
            }
        )

    def allow(
        self, flow: str, source: pulumi.Input[str], target: pulumi.Input[str], port: int
    ) -> list[pulumi.Resource]:
        """Let TCP to `port` pass from one security group to another; see `components.network.flows.allow`."""
        return flows.allow(flow, source, target, port, self._child)

    def endpoint_policy(
        self, service: str, statements: list[dict[str, Any]], aliases: list[pulumi.Alias] | None = None
    ) -> list[pulumi.Resource]:
        """Let an endpoint pass what `statements` allow and nothing else; called once for each endpoint.

        An endpoint that was there before keeps its own policy: others use it too.
        """
        if service in self.shared_endpoints:
            return []
        return [
            aws.ec2.VpcEndpointPolicy(
                f"{self._name}-{service}",
                vpc_endpoint_id=self.ids[service],
                policy=iam.document(*statements),
                opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(aliases=aliases)),
            )
        ]

    def share_a_group(self, *services: str) -> bool:
        """Whether these endpoints, which the VPC had before, have one security group: a rule can be added to it once."""
        return len({self._found_groups.get(service, service) for service in services}) == 1

    def _existing(self) -> ExistingVpc | None:
        vpc_id = self._args.get("vpc_id")
        if vpc_id is None:
            return None
        given = self._args.get("existing_endpoints") or {}
        return find(vpc_id, self._args.get("subnet_ids") or [], given, self._region, self._invoke)

    def _adopt(self, vpc: ExistingVpc) -> Site:
        return Site(
            vpc_id=pulumi.Output.from_input(vpc.id),
            subnet_ids=[pulumi.Output.from_input(subnet.id) for subnet in vpc.subnets],
            zones=[subnet.zone for subnet in vpc.subnets],
            count=self._args.get("endpoint_zones", 1),
            ipv6=False,
        )

    def _make(self) -> Site:
        args, name = self._args, self._name
        if "cidr" not in args or "zones" not in args:
            raise pulumi.RunError(f"Network {name!r}: give cidr and zones, or vpc_id and subnet_ids")
        cidr, zones, ipv6 = args["cidr"], args["zones"], args.get("ipv6", False)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=cidr,
            # Private DNS of the endpoints needs both (Amazon VPC User Guide, interface endpoints).
            enable_dns_support=True,
            enable_dns_hostnames=True,
            assign_generated_ipv6_cidr_block=True if ipv6 else None,
            opts=self._child,
        )
        # Adopted without rules: what is made without a group, an ACL or a table of its own reaches nobody.
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, opts=self._child)
        aws.ec2.DefaultNetworkAcl(
            f"{name}-default",
            default_network_acl_id=vpc.default_network_acl_id,
            # A new subnet is in it until it has its own: seen at that moment, it would be a difference for ever
            # (provider documentation of the resource, managing subnets).
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(ignore_changes=["subnetIds"])),
        )
        aws.ec2.DefaultRouteTable(
            f"{name}-default", default_route_table_id=vpc.default_route_table_id, routes=[], opts=self._child
        )
        table = aws.ec2.RouteTable(f"{name}-isolated", vpc_id=vpc.id, opts=self._child)
        self._tables = [table.id]
        subnets: list[pulumi.Output[str]] = []
        associations: list[pulumi.Output[str]] = []
        for number, (zone, block) in enumerate(zip(zones, subnet_cidrs(cidr, len(zones)), strict=True), start=1):
            subnet = aws.ec2.Subnet(
                f"{name}-isolated-{number}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=block,
                ipv6_cidr_block=vpc.ipv6_cidr_block.apply(_subnet_of(number - 1)) if ipv6 else None,
                map_public_ip_on_launch=False,
                # A zone that AWS adds, or stops offering, moves no subnet and so no database.
                opts=pulumi.ResourceOptions.merge(
                    self._child, pulumi.ResourceOptions(ignore_changes=["availabilityZone"])
                ),
            )
            associated = aws.ec2.RouteTableAssociation(
                f"{name}-isolated-{number}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            subnets.append(subnet.id)
            associations.append(associated.id)
        acl = self._acl(vpc, subnets, ipv6=ipv6)
        # Until then a subnet has the locked ACL: the bastion's agent would find nobody when it registers at boot.
        usable = [_after(subnet, acl.id, associated) for subnet, associated in zip(subnets, associations, strict=True)]
        return Site(vpc.id, usable, zones, args.get("endpoint_zones", 1), ipv6)

    def _acl(self, vpc: aws.ec2.Vpc, subnet_ids: list[pulumi.Output[str]], *, ipv6: bool) -> aws.ec2.NetworkAcl:
        blocks: list[pulumi.Input[str]] = [self._args["cidr"]]
        if ipv6:
            blocks.append(vpc.ipv6_cidr_block)
        ingress, egress = entries(blocks, self._s3_cidrs)
        return aws.ec2.NetworkAcl(
            f"{self._name}-isolated",
            vpc_id=vpc.id,
            subnet_ids=subnet_ids,
            ingress=[aws.ec2.NetworkAclIngressArgs(**entry) for entry in ingress],
            egress=[aws.ec2.NetworkAclEgressArgs(**entry) for entry in egress],
            opts=self._child,
        )

    def _s3_blocks(self) -> list[str]:
        """The addresses behind S3's gateway, of which there is none without the endpoint."""
        if "s3" not in self._args["services"] or "vpc_id" in self._args:
            return []
        found = aws.ec2.get_managed_prefix_list(name=f"com.amazonaws.{self._region}.s3", opts=self._invoke)
        return [entry.cidr for entry in found.entries]

    def _interfaces(self, existing: ExistingVpc | None, site: Site) -> dict[str, Endpoint]:
        given = existing.endpoints if existing else {}
        made: dict[str, Endpoint] = {}
        for service in self._args["services"]:
            if service == "s3":
                continue
            if service in given:
                known = given[service]
                self._found_groups[service] = group = known.security_group_ids[0]
                made[service] = Endpoint(pulumi.Output.from_input(known.id), pulumi.Output.from_input(group))
            else:
                offered = offer(service, self._region, self._invoke)
                made[service] = interface_endpoint(self._name, service, offered, site, self._child)
        return made

    def _gateway(self, existing: ExistingVpc | None) -> dict[str, pulumi.Output[str]]:
        if "s3" not in self._args["services"]:
            return {}
        if existing and (known := existing.endpoints.get("s3")):
            self.s3_prefix_list_id = pulumi.Output.from_input(known.prefix_list_id)
            return {"s3": pulumi.Output.from_input(known.id)}
        tables: list[Any] = sorted({s.route_table_id for s in existing.subnets}) if existing else self._tables
        endpoint = aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            service_name=offer("s3", self._region, self._invoke).name,
            vpc_endpoint_type="Gateway",
            route_table_ids=tables,
            opts=self._child,
        )
        self.s3_prefix_list_id = endpoint.prefix_list_id
        return {"s3": endpoint.id}

    def _block_public_access(self) -> None:
        mode = self._args.get("block_public_access")
        if mode is None:
            return
        aws.ec2.VpcBlockPublicAccessOptions(
            f"{self._name}-block-public-access",
            internet_gateway_block_mode=f"block-{mode}",
            # Deleting it would open the whole account's region: it outlives the stack.
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(retain_on_delete=True)),
        )


def _after(value: pulumi.Output[str], *others: pulumi.Output[str]) -> pulumi.Output[str]:
    """`value`, for which whoever uses it waits until the others are there."""
    return pulumi.Output.all(value, *others).apply(lambda known: known[0])


def _subnet_of(place: int) -> Any:
    return lambda block: ipv6_subnet_cidr(block, place) if block else None
