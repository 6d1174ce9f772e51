"""Public addresses, databases, functions and load balancers."""

from tests.policy.cases.case import ABSENT_FALSE, TRUE, Case
from tests.policy.support import UNKNOWN

_ADDRESSES = [
    Case("no-public-address", "ec2/eip", {}, (("", "is a public address"),)),
    Case("no-public-address", "ec2/eipAssociation", {}, (("", "gives an interface a public address"),)),
    Case("no-public-address", "ec2/natGatewayEipAssociation", {}, (("", "gives a NAT gateway a public address"),)),
    Case("no-public-address", "ec2/subnet", {"mapPublicIpOnLaunch": True, "assignIpv6AddressOnCreation": "true"}, (("mapPublicIpOnLaunch", TRUE), ("assignIpv6AddressOnCreation", "is a string, not false"))),
    Case("no-public-address", "ec2/defaultSubnet", {"mapPublicIpOnLaunch": True}, (("mapPublicIpOnLaunch", TRUE),)),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", TRUE),)),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": 1}, (("associatePublicIpAddress", "is a number, not false"),)),
    Case("no-public-address", "ec2/spotInstanceRequest", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", TRUE),)),
    Case("no-public-address", "ec2/launchConfiguration", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", TRUE),)),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associatePublicIpAddress": "false"}, {"associatePublicIpAddress": True}]}, (("networkInterfaces[1].associatePublicIpAddress", TRUE),)),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associateCarrierIpAddress": True}]}, (("networkInterfaces[0].associateCarrierIpAddress", TRUE),)),
    Case("no-public-address", "ec2/subnet", {"cidrBlock": "10.0.0.0/24"}),
    Case("no-public-address", "ec2/subnet", {"mapPublicIpOnLaunch": False}),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": False}),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associatePublicIpAddress": "false"}]}),
]  # fmt: skip

_ENDPOINTS = [
    Case("database-not-public", "rds/cluster", {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),)),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large"}, (("publiclyAccessible", "is absent, and true by default without a subnet group"),)),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": UNKNOWN, "dbSubnetGroupName": "default"}, (("publiclyAccessible", "is absent, and true by default without a subnet group"),)),
    Case("database-not-public", "rds/clusterInstance", {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),)),
    Case("database-not-public", "rds/instance", {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),)),
    Case("database-not-public", "rds/cluster", {"engine": "aurora-postgresql"}),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large", "dbSubnetGroupName": UNKNOWN}),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large", "publiclyAccessible": False}),
    Case("database-not-public", "rds/clusterInstance", {"publiclyAccessible": False}),
    Case("database-not-public", "rds/instance", {}),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "NONE"}, (("authorizationType", "is NONE, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {}, (("authorizationType", "is absent, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "aws_iam"}, (("authorizationType", "is a string, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "AWS_IAM"}),
    Case("load-balancer-internal", "lb/loadBalancer", {"internal": False}, (("internal", "is false, not true"),)),
    Case("load-balancer-internal", "lb/loadBalancer", {"loadBalancerType": UNKNOWN}, (("internal", ABSENT_FALSE),)),
    Case("load-balancer-internal", "alb/loadBalancer", {}, (("internal", ABSENT_FALSE),)),
    Case("load-balancer-internal", "elb/loadBalancer", {}, (("internal", ABSENT_FALSE),)),
    Case("load-balancer-internal", "lb/loadBalancer", {"internal": True}),
    Case("load-balancer-internal", "lb/loadBalancer", {"loadBalancerType": "gateway"}),
]  # fmt: skip

CASES = [*_ADDRESSES, *_ENDPOINTS]
