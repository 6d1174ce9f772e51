"""Types that cost nothing themselves. A type that is neither here nor priced is reported, never passed over."""

_PREFIXES = (
    "aws:iam/",
    "aws:vpc/securityGroup",
    "pulumi:",
    "command:",
    "random:",
)

_TYPES = """
aws:budgets/budget:Budget
aws:cloudwatch/eventTarget:EventTarget
aws:cloudwatch/logResourcePolicy:LogResourcePolicy
aws:cloudwatch/logStream:LogStream
aws:ec2/defaultNetworkAcl:DefaultNetworkAcl
aws:ec2/defaultRouteTable:DefaultRouteTable
aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway
aws:ec2/launchTemplate:LaunchTemplate
aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation
aws:ec2/networkAcl:NetworkAcl
aws:ec2/networkAclAssociation:NetworkAclAssociation
aws:ec2/networkAclRule:NetworkAclRule
aws:ec2/route:Route
aws:ec2/routeTable:RouteTable
aws:ec2/routeTableAssociation:RouteTableAssociation
aws:ec2/securityGroup:SecurityGroup
aws:ec2/securityGroupRule:SecurityGroupRule
aws:ec2/subnet:Subnet
aws:ec2/vpc:Vpc
aws:ec2/vpcDhcpOptions:VpcDhcpOptions
aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy
aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation
aws:ec2/vpcEndpointSecurityGroupAssociation:VpcEndpointSecurityGroupAssociation
aws:kms/alias:Alias
aws:kms/grant:Grant
aws:kms/keyPolicy:KeyPolicy
aws:lambda/alias:Alias
aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig
aws:lambda/layerVersion:LayerVersion
aws:lambda/permission:Permission
aws:rds/clusterParameterGroup:ClusterParameterGroup
aws:rds/clusterRoleAssociation:ClusterRoleAssociation
aws:rds/eventSubscription:EventSubscription
aws:rds/parameterGroup:ParameterGroup
aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup
aws:rds/proxyEndpoint:ProxyEndpoint
aws:rds/proxyTarget:ProxyTarget
aws:rds/roleAssociation:RoleAssociation
aws:rds/subnetGroup:SubnetGroup
aws:resourcegroups/group:Group
aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration
aws:s3/bucketOwnershipControls:BucketOwnershipControls
aws:s3/bucketPolicy:BucketPolicy
aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration
aws:s3/bucketVersioning:BucketVersioning
aws:s3/vectorsVectorBucket:VectorsVectorBucket
aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy
aws:scheduler/scheduleGroup:ScheduleGroup
aws:secretsmanager/secretPolicy:SecretPolicy
aws:secretsmanager/secretVersion:SecretVersion
aws:sns/topicPolicy:TopicPolicy
aws:sns/topicSubscription:TopicSubscription
aws:sqs/queuePolicy:QueuePolicy
aws:sqs/redriveAllowPolicy:RedriveAllowPolicy
aws:sqs/redrivePolicy:RedrivePolicy
aws:ssm/document:Document
aws:vpc/endpointServicePrivateDnsVerification:EndpointServicePrivateDnsVerification
"""

FREE = frozenset(_TYPES.split())


def is_free(kind: str) -> bool:
    """Whether resources of this type have no price of their own."""
    return kind in FREE or kind.startswith(_PREFIXES)
