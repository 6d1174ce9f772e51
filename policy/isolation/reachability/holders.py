"""Which resources have network interfaces, and where each says so. Facts: the provider's schema, pulumi-aws 7."""

from dataclasses import dataclass

from isolation.reading.properties import Property
from isolation.rule import Resource


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a type of resource says in which subnets it is, behind which groups, and whether it has a public address."""

    kind: str
    label: str
    subnets: tuple[str, ...] = ()
    """Patterns of `Property.select`."""
    groups: tuple[str, ...] = ()
    """The same; none for what has no security groups at all."""
    subnet_group: tuple[str, str] | None = None
    """Its property that names a subnet group, and the group's type."""
    public: tuple[str, ...] = ()
    """Flags that give it a public address."""
    public_unless: str = ""
    """The flag that keeps it from having one."""
    by_subnet: bool = False
    """Whether its subnet's setting gives it a public address when it says nothing itself."""
    associations: tuple[tuple[str, str, str], ...] = ()
    """(type, property of the subnet or group that it adds, property that names this resource)."""
    entrance: str = ""
    interface: bool = True


_DATABASE_GROUPS = ("vpcSecurityGroupIds",)
_INSTANCE = Shape(
    "instance",
    "EC2 instance",
    ("subnetId", "networkInterfaces[].subnetId"),
    ("vpcSecurityGroupIds", "securityGroups", "networkInterfaces[].securityGroups"),
    public=("associatePublicIpAddress", "networkInterfaces[].associatePublicIpAddress"),
    by_subnet=True,
)
_BALANCER = Shape(
    "load-balancer",
    "load balancer",
    ("subnets", "subnetMappings[].subnetId"),
    ("securityGroups",),
    public_unless="internal",
)

HOLDERS: dict[str, Shape] = {
    "ec2/instance": _INSTANCE,
    "ec2/spotInstanceRequest": _INSTANCE,
    "ec2/networkInterface": Shape("interface", "interface", ("subnetId",), ("securityGroups", "securityGroupIds")),
    "autoscaling/group": Shape(
        "instance",
        "instances of",
        ("vpcZoneIdentifiers", "networkInterfaces[].subnetId"),
        ("vpcSecurityGroupIds", "networkInterfaces[].securityGroups"),
        public=("networkInterfaces[].associatePublicIpAddress",),
        by_subnet=True,
    ),
    "lambda/function": Shape("function", "Lambda function", ("vpcConfig.subnetIds",), ("vpcConfig.securityGroupIds",)),
    "rds/cluster": Shape(
        "database",
        "Aurora cluster",
        groups=_DATABASE_GROUPS,
        subnet_group=("dbSubnetGroupName", "rds/subnetGroup"),
        public=("publiclyAccessible",),
    ),
    "rds/instance": Shape(
        "database",
        "RDS instance",
        groups=_DATABASE_GROUPS,
        subnet_group=("dbSubnetGroupName", "rds/subnetGroup"),
        public=("publiclyAccessible",),
    ),
    "rds/proxy": Shape("proxy", "RDS proxy", ("vpcSubnetIds",), _DATABASE_GROUPS),
    "rds/proxyEndpoint": Shape("proxy", "RDS proxy endpoint", ("vpcSubnetIds",), _DATABASE_GROUPS),
    "ec2/vpcEndpoint": Shape(
        "endpoint",
        "endpoint",
        ("subnetIds", "subnetConfigurations[].subnetId"),
        ("securityGroupIds",),
        associations=(
            ("ec2/vpcEndpointSubnetAssociation", "subnetId", "vpcEndpointId"),
            ("ec2/securityGroupAssociation", "securityGroupId", "vpcEndpointId"),
        ),
    ),
    "ec2transitgateway/instanceConnectEndpoint": Shape(
        "interface",
        "EC2 Instance Connect Endpoint",
        ("subnetId",),
        ("securityGroupIds",),
        entrance="whoever may open a tunnel by EC2 Instance Connect",
    ),
    "ec2clientvpn/endpoint": Shape(
        "interface",
        "Client VPN endpoint",
        (),
        ("securityGroupIds",),
        associations=(("ec2clientvpn/networkAssociation", "subnetId", "clientVpnEndpointId"),),
        entrance="whoever may dial in by Client VPN",
    ),
    "lb/loadBalancer": _BALANCER,
    "alb/loadBalancer": _BALANCER,
    "elb/loadBalancer": _BALANCER,
    "ecs/service": Shape(
        "instance",
        "ECS service",
        ("networkConfiguration.subnets",),
        ("networkConfiguration.securityGroups",),
        public=("networkConfiguration.assignPublicIp",),
    ),
    "eks/cluster": Shape("interface", "EKS cluster", ("vpcConfig.subnetIds",), ("vpcConfig.securityGroupIds",)),
    "efs/mountTarget": Shape("interface", "EFS mount target", ("subnetId",), ("securityGroups",)),
    "opensearch/domain": Shape(
        "database", "OpenSearch domain", ("vpcOptions.subnetIds",), ("vpcOptions.securityGroupIds",)
    ),
}
"""The types that are known. Any other AWS resource that has properties of these names counts as interfaces too."""

# Parts of other nodes, settings of networks, and what only names groups without having an interface.
_NO_HOLDERS = frozenset(
    {
        "rds/clusterInstance",
        "rds/subnetGroup",
        "ec2/launchTemplate",
        "ec2/launchConfiguration",
        "ec2/networkAcl",
        "ec2/defaultNetworkAcl",
        "ec2/networkAclAssociation",
        "ec2/routeTableAssociation",
        "ec2/securityGroup",
        "ec2/securityGroupRule",
        "ec2/securityGroupAssociation",
        "ec2/networkInterfaceSecurityGroupAttachment",
        "ec2/vpcEndpointSubnetAssociation",
        "ec2/natGateway",
        "ec2/flowLog",
        "ec2clientvpn/networkAssociation",
        "ec2transitgateway/vpcAttachment",
        "elasticache/subnetGroup",
        "rds/clusterSnapshot",
        "vpc/securityGroupIngressRule",
        "vpc/securityGroupEgressRule",
    }
)
_GROUP_KEYS = ("securityGroupIds", "securityGroups", "vpcSecurityGroupIds")
_SUBNET_KEYS = ("subnetIds", "subnets", "subnetId")
_NESTS = ("", "vpcConfig.", "vpcOptions.", "vpcConfiguration.", "networkConfiguration.")
_HEADS = frozenset({*_GROUP_KEYS, *(nest.rstrip(".") for nest in _NESTS if nest)})


def guessed(resource: Resource) -> Shape | None:
    """The shape of a resource of another type, by the names that AWS's types use; None when it has no interface."""
    path = resource.type.removeprefix("aws:").partition(":")[0]
    if not resource.type.startswith("aws:") or path in _NO_HOLDERS or _HEADS.isdisjoint(resource.properties):
        return None
    groups = tuple(key for key in _spelled(_GROUP_KEYS) if _present(resource, key))
    if not groups:
        return None
    subnets = tuple(key for key in _spelled(_SUBNET_KEYS) if _present(resource, key))
    return Shape("interface", path, subnets, groups)


def _spelled(keys: tuple[str, ...]) -> list[str]:
    return [nest + key for nest in _NESTS for key in keys]


def _present(resource: Resource, key: str) -> bool:
    head, _, rest = key.partition(".")
    found: Property = resource.at(head)
    return not (found.at(rest) if rest else found).absent and (not rest or not found.unknown)
