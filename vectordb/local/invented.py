"""Ids, ARNs and outputs of resources that are recorded and not made: what AWS would return, of the right form.

They flow to the dependants, so that the program runs as it would on AWS. They are the same at every run.
"""

from typing import TYPE_CHECKING, Any

from vectordb.plan.recording import Registration

if TYPE_CHECKING:
    from vectordb.local.engine import Execution, Made

_ID_PREFIX = {
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": "acl",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "sg",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "eigw",
    "aws:ec2/flowLog:FlowLog": "fl",
    "aws:ec2/instance:Instance": "i",
    "aws:ec2/networkAcl:NetworkAcl": "acl",
    "aws:ec2/networkAclRule:NetworkAclRule": "nacl",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
}
"""The prefix of a type's ids; a type that is not here has its name for an id."""

_ARN_RESOURCE = {
    "aws:cloudwatch/dashboard:Dashboard": "dashboard/{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "alarm:{name}",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "alarm:{name}",
    "aws:ec2/flowLog:FlowLog": "vpc-flow-log/{id}",
    "aws:rds/eventSubscription:EventSubscription": "es:{name}",
    "aws:rds/proxy:Proxy": "db-proxy:prx-{digits}",
    "aws:rds/subnetGroup:SubnetGroup": "subgrp:{name}",
    "aws:sns/topic:Topic": "{name}",
    "aws:sqs/queue:Queue": "{name}",
}
"""What follows the account in a type's ARN (Service Authorization Reference, "Resource types defined by ..."); of a type
that is not here it is `kind/id`."""

_WITHOUT_REGION = ("aws:iam/", "aws:budgets/", "aws:cloudwatch/dashboard:")
"""Beginnings of types whose ARNs name no region."""


def make(execution: "Execution", resource: Registration, inputs: dict[str, Any]) -> "Made":
    """The id, ARN, automatic name and other outputs that a resource would get."""
    service, _, kind = resource.type.split(":")[1].partition("/")
    digits = execution.unique(resource)
    name = str(inputs.get("name") or f"{resource.name}-{digits[:7]}")
    prefix = _ID_PREFIX.get(resource.type)
    physical_id = f"{prefix}-{digits}" if prefix else name
    arn = execution.arn(
        # Pulumi has a module of its own for some of what belongs to EC2.
        "ec2" if service == "vpc" else service,
        _ARN_RESOURCE.get(resource.type, "{kind}/{id}").format(kind=kind, id=physical_id, name=name, digits=digits),
        regional=not resource.type.startswith(_WITHOUT_REGION),
    )
    more = _more(resource.type, inputs, name, digits, execution.region)
    return physical_id, {**inputs, "arn": arn, "name": name, **more}


def _more(type_: str, inputs: dict[str, Any], name: str, digits: str, region: str) -> dict[str, Any]:
    """What else AWS returns for some types, and a program may read."""
    match type_:
        case "aws:ec2/vpc:Vpc":
            made = {
                "defaultNetworkAclId": f"acl-{digits}",
                "defaultSecurityGroupId": f"sg-{digits}",
                "defaultRouteTableId": f"rtb-{digits}",
                "mainRouteTableId": f"rtb-{digits}",
            }
            if inputs.get("assignGeneratedIpv6CidrBlock"):
                # RFC 3849: the addresses of examples.
                made["ipv6CidrBlock"] = f"2001:db8:{digits[:4]}:{digits[4:6]}00::/56"
            return made
        case "aws:ec2/vpcEndpoint:VpcEndpoint":
            return {"prefixListId": f"pl-{digits[:8]}"}
        case "aws:rds/proxy:Proxy":
            return {"endpoint": f"{name}.proxy-{digits[:12]}.{region}.rds.amazonaws.com"}
    return {}
