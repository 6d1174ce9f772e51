"""Public addresses, databases and functions, and IPv6."""

from tests.policy.cases.case import TRUE, Case
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
    Case("no-public-address", "ec2/subnet", {"mapCustomerOwnedIpOnLaunch": True}, (("mapCustomerOwnedIpOnLaunch", TRUE),)),
    Case("no-public-address", "ec2/spotFleetRequest", {"launchSpecifications": [{"associatePublicIpAddress": True}]}, (("launchSpecifications[0].associatePublicIpAddress", TRUE),)),
    Case("no-public-address", "ec2/vpcIpamPool", {"publiclyAdvertisable": True}, (("publiclyAdvertisable", TRUE),)),
    Case("no-public-address", "ecs/service", {"networkConfiguration": {"assignPublicIp": True}}, (("networkConfiguration.assignPublicIp", TRUE),)),
    Case("no-public-address", "ecs/taskSet", {"networkConfiguration": {"assignPublicIp": True}}, (("networkConfiguration.assignPublicIp", TRUE),)),
    Case("no-public-address", "cloudwatch/eventTarget", {"ecsTarget": {"networkConfiguration": {"assignPublicIp": True}}}, (("ecsTarget.networkConfiguration.assignPublicIp", TRUE),)),
    Case("no-public-address", "scheduler/schedule", {"target": {"ecsParameters": {"networkConfiguration": {"assignPublicIp": True}}}}, (("target.ecsParameters.networkConfiguration.assignPublicIp", TRUE),)),
    Case("no-public-address", "lb/loadBalancer", {"subnetMappings": [{"allocationId": "eipalloc-1"}]}, (("subnetMappings[0].allocationId", "gives the load balancer a public address"),)),
    Case("no-public-address", "alb/loadBalancer", {"subnetMappings": [{"subnetId": "s"}, {"allocationId": "eipalloc-1"}]}, (("subnetMappings[1].allocationId", "gives the load balancer a public address"),)),
    Case("no-public-address", "lb/loadBalancer", {"subnetMappings": [{"subnetId": "subnet-1"}]}),
    Case("no-public-address", "ecs/service", {"networkConfiguration": {"assignPublicIp": False}}),
    Case("no-public-address", "scheduler/schedule", {"target": {"arn": UNKNOWN}}),
    Case("no-public-address", "ec2/subnet", {"cidrBlock": "10.0.0.0/24"}),
    Case("no-public-address", "ec2/subnet", {"mapPublicIpOnLaunch": False}),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": False}),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associatePublicIpAddress": "false"}]}),
]  # fmt: skip

_ENDPOINTS = [
    Case("database-not-public", "rds/cluster", {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),)),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large"}, (("publiclyAccessible", "is absent, and true by default without a subnet group"),), alone=True),
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
]  # fmt: skip

_STORES = "service-not-public"
_SERVICES = [
    *(
        Case(_STORES, type_, {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),))
        for type_ in ("dms/replicationInstance", "redshift/cluster", "redshiftserverless/workgroup", "neptune/clusterInstance", "mq/broker", "lightsail/database")
    ),
    Case(_STORES, "dms/replicationInstance", {}, (("publiclyAccessible", "is absent, and AWS's own default is true"),)),
    Case(_STORES, "eks/cluster", {"vpcConfig": {"endpointPrivateAccess": True}}, (("vpcConfig.endpointPublicAccess", "is absent, and true by default"),)),
    Case(_STORES, "msk/cluster", {"brokerNodeGroupInfo": {"connectivityInfo": {"publicAccess": {"type": "SERVICE_PROVIDED_EIPS"}}}}, (("brokerNodeGroupInfo.connectivityInfo.publicAccess.type", "is not DISABLED"),)),
    Case(_STORES, "sagemaker/notebookInstance", {}, (("directInternetAccess", "is absent, and Enabled by default"),)),
    Case(_STORES, "sagemaker/notebookInstance", {"directInternetAccess": "Enabled"}, (("directInternetAccess", "is not Disabled"),)),
    Case(_STORES, "dms/replicationInstance", {"publiclyAccessible": False}),
    Case(_STORES, "redshift/cluster", {}),
    Case(_STORES, "eks/cluster", {"vpcConfig": {"endpointPublicAccess": False}}),
    Case(_STORES, "msk/cluster", {"brokerNodeGroupInfo": {"connectivityInfo": {"publicAccess": {"type": "DISABLED"}}}}),
    Case(_STORES, "sagemaker/notebookInstance", {"directInternetAccess": "Disabled"}),
]  # fmt: skip

_IPV6 = "ipv6-only-when-asked"
_ASKS = "asks for IPv6"
_ALLOWED = {"allowed": True}
_VERSION_6 = [
    Case(_IPV6, "ec2/vpc", {"assignGeneratedIpv6CidrBlock": True}, (("assignGeneratedIpv6CidrBlock", _ASKS),)),
    Case(_IPV6, "ec2/vpcIpv6CidrBlockAssociation", {"vpcId": UNKNOWN}, (("", "gives a VPC an IPv6 block"),)),
    Case(_IPV6, "ec2/subnet", {"ipv6CidrBlock": "2600:1f18::/64", "ipv6Native": True}, (("ipv6CidrBlock", _ASKS), ("ipv6Native", _ASKS))),
    Case(_IPV6, "ec2/networkInterface", {"ipv6Addresses": ["2600:1f18::1"], "enablePrimaryIpv6": True}, (("ipv6Addresses", _ASKS), ("enablePrimaryIpv6", _ASKS))),
    Case(_IPV6, "ec2/instance", {"ipv6AddressCount": 1}, (("ipv6AddressCount", _ASKS),)),
    Case(_IPV6, "ec2/spotInstanceRequest", {"ipv6AddressCount": 1.0}, (("ipv6AddressCount", _ASKS),)),
    Case(_IPV6, "ec2/vpcEndpoint", {"ipAddressType": "dualstack"}, (("ipAddressType", _ASKS),)),
    Case(_IPV6, "ec2transitgateway/vpcAttachment", {"ipv6Support": "enable"}, (("ipv6Support", _ASKS),)),
    Case(_IPV6, "lb/loadBalancer", {"ipAddressType": "dualstack-without-public-ipv4"}, (("ipAddressType", _ASKS),)),
    Case(_IPV6, "alb/loadBalancer", {"ipAddressType": "dualstack"}, (("ipAddressType", _ASKS),)),
    Case(_IPV6, "rds/cluster", {"networkType": "DUAL"}, (("networkType", _ASKS),)),
    Case(_IPV6, "rds/instance", {"networkType": "DUAL"}, (("networkType", _ASKS),)),
    Case(_IPV6, "rds/proxy", {"endpointNetworkType": "IPV6", "targetConnectionNetworkType": "IPV4"}, (("endpointNetworkType", _ASKS),)),
    Case(_IPV6, "lambda/function", {"vpcConfig": {"ipv6AllowedForDualStack": True}}, (("vpcConfig.ipv6AllowedForDualStack", _ASKS),)),
    Case(_IPV6, "ec2/vpc", {"assignGeneratedIpv6CidrBlock": False}),
    Case(_IPV6, "ec2/vpc", {"assignGeneratedIpv6CidrBlock": True}, settings=_ALLOWED),
    Case(_IPV6, "ec2/vpcIpv6CidrBlockAssociation", {"vpcId": UNKNOWN}, settings=_ALLOWED),
    Case(_IPV6, "ec2/instance", {"ipv6AddressCount": 0, "ipv6Addresses": []}),
    Case(_IPV6, "ec2/vpcEndpoint", {"ipAddressType": "ipv4"}),
    Case(_IPV6, "rds/cluster", {"networkType": "IPV4"}),
    Case(_IPV6, "ec2/subnet", {"ipv6CidrBlock": UNKNOWN}),
]  # fmt: skip

CASES = [*_ADDRESSES, *_ENDPOINTS, *_SERVICES, *_VERSION_6]
