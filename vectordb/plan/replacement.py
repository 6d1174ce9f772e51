"""What cannot change in place: for each type that the program makes, the properties whose change makes it anew.

From the provider's source (terraform-provider-aws, internal/service/*: `ForceNew`, `RequiresReplace`), read for RDS,
S3 Vectors, endpoints, flow logs, log groups and SSM; the others are as documented for CloudFormation (create-only
properties). A type without a row changes in place, or is not known.
"""

_NAMED = frozenset({"name", "namePrefix"})

REPLACES: dict[str, frozenset[str]] = {
    "aws:appautoscaling/policy:Policy": frozenset({"name", "resourceId", "scalableDimension", "serviceNamespace"}),
    "aws:appautoscaling/target:Target": frozenset({"resourceId", "scalableDimension", "serviceNamespace"}),
    "aws:budgets/budget:Budget": frozenset({"accountId", *_NAMED}),
    "aws:cloudwatch/dashboard:Dashboard": frozenset({"dashboardName"}),
    "aws:cloudwatch/logGroup:LogGroup": frozenset({"logGroupClass", *_NAMED}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": frozenset({"name"}),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": frozenset({"defaultNetworkAclId"}),
    "aws:ec2/defaultRouteTable:DefaultRouteTable": frozenset({"defaultRouteTableId"}),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": frozenset({"vpcId"}),
    "aws:ec2/flowLog:FlowLog": frozenset(
        {
            "iamRoleArn",
            "logDestination",
            "logDestinationType",
            "logFormat",
            "maxAggregationInterval",
            "trafficType",
            "vpcId",
        }
    ),
    "aws:ec2/instance:Instance": frozenset(
        {
            "ami",
            "associatePublicIpAddress",
            "availabilityZone",
            "ebsOptimized",
            "keyName",
            "rootBlockDevice.encrypted",
            "rootBlockDevice.kmsKeyId",
            "subnetId",
            "tenancy",
        }
    ),
    "aws:ec2/networkAcl:NetworkAcl": frozenset({"vpcId"}),
    "aws:ec2/routeTable:RouteTable": frozenset({"vpcId"}),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": frozenset({"gatewayId", "subnetId"}),
    "aws:ec2/securityGroup:SecurityGroup": frozenset({"description", "vpcId", *_NAMED}),
    "aws:ec2/subnet:Subnet": frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"}),
    "aws:ec2/vpc:Vpc": frozenset({"cidrBlock"}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"serviceName", "vpcEndpointType", "vpcId"}),
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": frozenset({"vpcEndpointId"}),
    "aws:iam/instanceProfile:InstanceProfile": frozenset({"path", *_NAMED}),
    "aws:iam/policy:Policy": frozenset({"description", "path", *_NAMED}),
    "aws:iam/role:Role": frozenset({"path", *_NAMED}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"role", *_NAMED}),
    "aws:kms/alias:Alias": _NAMED,
    "aws:kms/key:Key": frozenset({"customerMasterKeySpec", "customKeyStoreId", "keyUsage", "multiRegion"}),
    "aws:lambda/alias:Alias": frozenset({"functionName", "name"}),
    "aws:lambda/eventSourceMapping:EventSourceMapping": frozenset(
        {"eventSourceArn", "selfManagedEventSource", "startingPosition", "startingPositionTimestamp"}
    ),
    "aws:lambda/function:Function": frozenset({"name", "packageType"}),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": frozenset({"functionName", "qualifier"}),
    "aws:rds/cluster:Cluster": frozenset(
        {
            "availabilityZones",
            "clusterIdentifier",
            "databaseName",
            "dbSubnetGroupName",
            "engine",
            "engineMode",
            "kmsKeyId",
            "masterUsername",
            "restoreToPointInTime",
            "snapshotIdentifier",
            "storageEncrypted",
        }
    ),
    "aws:rds/clusterInstance:ClusterInstance": frozenset(
        {"availabilityZone", "clusterIdentifier", "dbSubnetGroupName", "engine", "identifier"}
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": frozenset({"description", "family", *_NAMED}),
    "aws:rds/clusterRoleAssociation:ClusterRoleAssociation": frozenset(
        {"dbClusterIdentifier", "featureName", "roleArn"}
    ),
    "aws:rds/eventSubscription:EventSubscription": _NAMED,
    "aws:rds/instance:Instance": frozenset(
        {
            "availabilityZone",
            "dbName",
            "engine",
            "identifier",
            "kmsKeyId",
            "restoreToPointInTime",
            "snapshotIdentifier",
            "storageEncrypted",
            "username",
        }
    ),
    "aws:rds/parameterGroup:ParameterGroup": frozenset({"description", "family", *_NAMED}),
    # `name` could change in place; the program makes another proxy instead (components/database/proxy.py).
    "aws:rds/proxy:Proxy": frozenset({"endpointNetworkType", "engineFamily", "name", "vpcSubnetIds"}),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": frozenset({"dbProxyName"}),
    "aws:rds/proxyTarget:ProxyTarget": frozenset(
        {"dbClusterIdentifier", "dbInstanceIdentifier", "dbProxyName", "targetGroupName"}
    ),
    "aws:rds/roleAssociation:RoleAssociation": frozenset({"dbInstanceIdentifier", "featureName", "roleArn"}),
    "aws:rds/subnetGroup:SubnetGroup": _NAMED,
    "aws:s3/vectorsIndex:VectorsIndex": frozenset(
        {
            "dataType",
            "dimension",
            "distanceMetric",
            "encryptionConfigurations",
            "indexName",
            "metadataConfiguration",
            "vectorBucketName",
        }
    ),
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": frozenset({"encryptionConfigurations", "vectorBucketName"}),
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": frozenset({"vectorBucketArn"}),
    "aws:scheduler/schedule:Schedule": frozenset({"groupName", *_NAMED}),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _NAMED,
    "aws:sns/topic:Topic": frozenset({"fifoTopic", *_NAMED}),
    "aws:sns/topicPolicy:TopicPolicy": frozenset({"arn"}),
    "aws:sns/topicSubscription:TopicSubscription": frozenset({"endpoint", "protocol", "topic"}),
    "aws:sqs/queue:Queue": frozenset({"fifoQueue", *_NAMED}),
    "aws:sqs/queuePolicy:QueuePolicy": frozenset({"queueUrl"}),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": frozenset({"queueUrl"}),
    "aws:ssm/document:Document": frozenset({"name"}),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": frozenset({"securityGroupId"}),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": frozenset({"securityGroupId"}),
    "command:local:Command": frozenset({"triggers"}),
}
"""Type → properties, a nested one as `block.property`."""

HOLDS_DATA: dict[str, str] = {
    "aws:cloudwatch/logGroup:LogGroup": "what it recorded",
    "aws:kms/key:Key": "the key of the data, without which kept snapshots and backups cannot be read",
    "aws:rds/cluster:Cluster": "the databases",
    "aws:rds/instance:Instance": "the databases",
    "aws:s3/vectorsIndex:VectorsIndex": "every vector in it",
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": "every vector in it",
}
"""Type → what goes with it."""

INTERRUPTS: dict[tuple[str, str], str] = {
    ("aws:ec2/instance:Instance", "instanceType"): "The host stops and starts; sessions through it end.",
    ("aws:rds/cluster:Cluster", "engineVersion"): "Every instance restarts; a major version takes minutes.",
    ("aws:rds/clusterInstance:ClusterInstance", "instanceClass"): (
        "The instance is unavailable for minutes; with a reader, the writer's part goes over to it."
    ),
    ("aws:rds/instance:Instance", "engineVersion"): "The instance restarts; a major version takes minutes.",
    ("aws:rds/instance:Instance", "instanceClass"): (
        "The instance is unavailable for minutes; with multiAz, for as long as a failover takes."
    ),
    ("aws:rds/instance:Instance", "storageType"): (
        "The storage is rewritten for hours, slower than usual, and cannot be changed again for six."
    ),
    (
        "aws:rds/instance:Instance",
        "allocatedStorage",
    ): "Storage grows in place and never shrinks; no change for six hours.",
}
"""Type and property → what a change in place costs (Aurora User Guide and RDS User Guide, the tables of settings: "an
outage occurs during this change")."""
