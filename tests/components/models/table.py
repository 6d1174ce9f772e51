"""Resource type → its requests. What the provider sends was read in its source (terraform-provider-aws, internal/service)."""

from tests.components.models.requests import Entry, Request
from tests.components.models.table_embedding import EMBEDDING

_TAGS = {"tags": "TagSpecifications[].Tags"}
_HERE = "kept by the provider, not sent"


def _rule(operation: str) -> Entry:
    """A rule of a security group."""
    permission = "IpPermissions[]"
    return Entry(
        (
            Request(
                "ec2",
                operation,
                {
                    "securityGroupId": "GroupId",
                    "ipProtocol": f"{permission}.IpProtocol",
                    "fromPort": f"{permission}.FromPort",
                    "toPort": f"{permission}.ToPort",
                    "cidrIpv4": f"{permission}.IpRanges[].CidrIp",
                    "cidrIpv6": f"{permission}.Ipv6Ranges[].CidrIpv6",
                    "prefixListId": f"{permission}.PrefixListIds[].PrefixListId",
                    "referencedSecurityGroupId": f"{permission}.UserIdGroupPairs[].GroupId",
                    "description": f"{permission}.UserIdGroupPairs[].Description",
                    **_TAGS,
                },
            ),
        )
    )


def _parameter_group(kind: str, modify: str) -> Entry:
    name = f"{kind}ParameterGroupName"
    return Entry(
        (
            Request(
                "rds", f"Create{kind}ParameterGroup", {"family": "DBParameterGroupFamily", "name": name}, named=name
            ),
            Request(
                "rds",
                modify,
                {"parameters.name": "ParameterName", "parameters.value": "ParameterValue", "name": name},
                named=name,
            ),
        )
    )


def _acl_entries(*, egress: bool) -> Request:
    return Request(
        "ec2",
        "CreateNetworkAclEntry",
        {"ruleNo": "RuleNumber", "action": "RuleAction", "fromPort": "PortRange.From", "toPort": "PortRange.To"},
        added={"NetworkAclId": "acl-0123456789abcdef0", "Egress": egress},
        each="egress" if egress else "ingress",
    )


_DATABASE = {
    "clusterIdentifier": "DBClusterIdentifier",
    "caCertIdentifier": "CACertificateIdentifier",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
}
_AT_CHANGE = {
    "applyImmediately": "a member of Modify… only",
    "allowMajorVersionUpgrade": "a member of Modify… only",
    "skipFinalSnapshot": "a member of Delete… only",
    "deleteAutomatedBackups": "a member of Delete… only",
}
_RESTORED = {"restoreToPointInTime": "another operation", "snapshotIdentifier": "another operation"}

TABLE: dict[str, Entry] = {
    "aws:appautoscaling/policy:Policy": Entry(
        (
            Request(
                "application-autoscaling",
                "PutScalingPolicy",
                {
                    "name": "PolicyName",
                    "targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification": "PredefinedMetricSpecification",
                },
            ),
        )
    ),
    "aws:appautoscaling/target:Target": Entry(
        (Request("application-autoscaling", "RegisterScalableTarget", {"tags": "Tags"}),)
    ),
    "aws:budgets/budget:Budget": Entry(
        (
            Request(
                "budgets",
                "CreateBudget",
                {
                    "name": "Budget.BudgetName",
                    "budgetType": "Budget.BudgetType",
                    "timeUnit": "Budget.TimeUnit",
                    "limitAmount": "Budget.BudgetLimit.Amount",
                    "limitUnit": "Budget.BudgetLimit.Unit",
                    "metrics": "Budget.Metrics",
                    "filterExpression": "Budget.FilterExpression",
                    "filterExpression.ands": "And",
                    "tags": "ResourceTags",
                },
                added={"AccountId": "123456789012"},
            ),
            Request(
                "budgets",
                "CreateNotification",
                {
                    "name": "BudgetName",
                    "comparisonOperator": "Notification.ComparisonOperator",
                    "notificationType": "Notification.NotificationType",
                    "threshold": "Notification.Threshold",
                    "thresholdType": "Notification.ThresholdType",
                    "subscriberSnsTopicArns": "",
                },
                added={"AccountId": "123456789012", "Subscribers": [{"SubscriptionType": "SNS", "Address": "a topic"}]},
                each="notifications",
            ),
        )
    ),
    "aws:cloudwatch/dashboard:Dashboard": Entry((Request("cloudwatch", "PutDashboard"),)),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Entry(
        (
            Request(
                "cloudwatch",
                "PutMetricAlarm",
                {
                    "name": "AlarmName",
                    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
                    "metricQueries": "Metrics",
                },
                named="AlarmName",
            ),
        )
    ),
    "aws:cloudwatch/logGroup:LogGroup": Entry(
        (
            Request("logs", "CreateLogGroup", {"name": "logGroupName"}, named="logGroupName"),
            Request("logs", "PutRetentionPolicy", {"name": "logGroupName"}, named="logGroupName"),
        )
    ),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": Entry(
        (Request("ec2", "CreateTags", {"defaultNetworkAclId": "Resources"}),)
    ),
    "aws:ec2/defaultRouteTable:DefaultRouteTable": Entry(
        (Request("ec2", "CreateTags", {"defaultRouteTableId": "Resources"}),), {"routes": "none: the table is emptied"}
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Entry(
        (Request("ec2", "CreateTags", added={"Resources": ["sg-0123456789abcdef0"]}),),
        {"vpcId": "the group is looked up by it"},
    ),
    "aws:ec2/flowLog:FlowLog": Entry(
        (
            Request(
                "ec2",
                "CreateFlowLogs",
                {"vpcId": "ResourceIds", "iamRoleArn": "DeliverLogsPermissionArn", **_TAGS},
                added={"ResourceType": "VPC"},
            ),
        )
    ),
    "aws:ec2/instance:Instance": Entry(
        (
            Request(
                "ec2",
                "RunInstances",
                {
                    "ami": "ImageId",
                    "iamInstanceProfile": "IamInstanceProfile.Name",
                    "vpcSecurityGroupIds": "NetworkInterfaces[].Groups",
                    "subnetId": "NetworkInterfaces[].SubnetId",
                    "associatePublicIpAddress": "NetworkInterfaces[].AssociatePublicIpAddress",
                    "rootBlockDevice": "BlockDeviceMappings[].Ebs",
                    "rootBlockDevice.tags": "",
                    **_TAGS,
                },
                added={"MinCount": 1, "MaxCount": 1, "NetworkInterfaces[].DeviceIndex": 0},
            ),
        )
    ),
    "aws:ec2/networkAcl:NetworkAcl": Entry(
        (
            Request("ec2", "CreateNetworkAcl", _TAGS),
            _acl_entries(egress=False),
            _acl_entries(egress=True),
            Request(
                "ec2",
                "ReplaceNetworkAclAssociation",
                added={"AssociationId": "aclassoc-0123456789abcdef0", "NetworkAclId": "acl-0123456789abcdef0"},
            ),
        ),
        {"subnetIds": "one association each"},
    ),
    "aws:ec2/routeTable:RouteTable": Entry((Request("ec2", "CreateRouteTable", _TAGS),)),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Entry((Request("ec2", "AssociateRouteTable"),)),
    "aws:ec2/securityGroup:SecurityGroup": Entry(
        (Request("ec2", "CreateSecurityGroup", {"name": "GroupName", **_TAGS}, named="GroupName"),)
    ),
    "aws:ec2/subnet:Subnet": Entry(
        (
            Request("ec2", "CreateSubnet", _TAGS),
            Request(
                "ec2",
                "ModifySubnetAttribute",
                {"mapPublicIpOnLaunch": "MapPublicIpOnLaunch.Value"},
                added={"SubnetId": "subnet-0123456789abcdef0"},
            ),
        )
    ),
    "aws:ec2/vpc:Vpc": Entry(
        (
            Request("ec2", "CreateVpc", {"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock", **_TAGS}),
            Request(
                "ec2",
                "ModifyVpcAttribute",
                {"enableDnsSupport": "EnableDnsSupport.Value", "enableDnsHostnames": "EnableDnsHostnames.Value"},
                added={"VpcId": "vpc-0123456789abcdef0"},
            ),
        )
    ),
    "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions": Entry(
        (Request("ec2", "ModifyVpcBlockPublicAccessOptions"),)
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Entry((Request("ec2", "CreateVpcEndpoint", _TAGS),)),
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": Entry(
        (Request("ec2", "ModifyVpcEndpoint", {"policy": "PolicyDocument"}),)
    ),
    "aws:iam/instanceProfile:InstanceProfile": Entry(
        (
            Request("iam", "CreateInstanceProfile", {"name": "InstanceProfileName"}, named="InstanceProfileName"),
            Request(
                "iam",
                "AddRoleToInstanceProfile",
                {"role": "RoleName", "name": "InstanceProfileName"},
                named="InstanceProfileName",
            ),
        )
    ),
    "aws:iam/policy:Policy": Entry(
        (Request("iam", "CreatePolicy", {"policy": "PolicyDocument", "name": "PolicyName"}, named="PolicyName"),)
    ),
    "aws:iam/role:Role": Entry(
        (
            Request(
                "iam",
                "CreateRole",
                {"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
                named="RoleName",
            ),
        )
    ),
    "aws:iam/rolePolicy:RolePolicy": Entry(
        (
            Request(
                "iam",
                "PutRolePolicy",
                {"policy": "PolicyDocument", "role": "RoleName", "name": "PolicyName"},
                named="PolicyName",
            ),
        )
    ),
    "aws:kms/alias:Alias": Entry((Request("kms", "CreateAlias", {"name": "AliasName"}, named="AliasName"),)),
    "aws:kms/key:Key": Entry(
        (
            Request("kms", "CreateKey", {"tags": "Tags"}),
            Request(
                "kms",
                "ScheduleKeyDeletion",
                {"deletionWindowInDays": "PendingWindowInDays"},
                added={"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
            ),
        ),
        {"enableKeyRotation": "EnableKeyRotation takes the key alone"},
    ),
    "aws:lambda/alias:Alias": Entry((Request("lambda", "CreateAlias"),)),
    "aws:lambda/function:Function": Entry(
        (Request("lambda", "CreateFunction", {"name": "FunctionName", "code": "Code.ZipFile"}, named="FunctionName"),)
    ),
    "aws:rds/cluster:Cluster": Entry(
        (Request("rds", "CreateDBCluster", _DATABASE),),
        {**_AT_CHANGE, **_RESTORED, "finalSnapshotIdentifier": "at deletion"},
    ),
    "aws:rds/clusterInstance:ClusterInstance": Entry(
        (
            Request(
                "rds",
                "CreateDBInstance",
                {**_DATABASE, "identifier": "DBInstanceIdentifier", "instanceClass": "DBInstanceClass"},
            ),
        ),
        _AT_CHANGE,
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _parameter_group(
        "DBCluster", "ModifyDBClusterParameterGroup"
    ),
    "aws:rds/clusterRoleAssociation:ClusterRoleAssociation": Entry((Request("rds", "AddRoleToDBCluster"),)),
    "aws:rds/eventSubscription:EventSubscription": Entry(
        (
            Request(
                "rds",
                "CreateEventSubscription",
                {"name": "SubscriptionName", "snsTopic": "SnsTopicArn"},
                named="SubscriptionName",
            ),
        )
    ),
    "aws:rds/instance:Instance": Entry(
        (
            Request(
                "rds",
                "CreateDBInstance",
                {
                    **_DATABASE,
                    "identifier": "DBInstanceIdentifier",
                    "instanceClass": "DBInstanceClass",
                    "parameterGroupName": "DBParameterGroupName",
                    "username": "MasterUsername",
                    "backupWindow": "PreferredBackupWindow",
                    "maintenanceWindow": "PreferredMaintenanceWindow",
                },
            ),
        ),
        {**_AT_CHANGE, **_RESTORED, "finalSnapshotIdentifier": "at deletion"},
    ),
    "aws:rds/parameterGroup:ParameterGroup": _parameter_group("DB", "ModifyDBParameterGroup"),
    "aws:rds/proxy:Proxy": Entry((Request("rds", "CreateDBProxy", {"name": "DBProxyName"}),)),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": Entry(
        (Request("rds", "ModifyDBProxyTargetGroup", added={"TargetGroupName": "default"}),)
    ),
    "aws:rds/proxyTarget:ProxyTarget": Entry(
        (
            Request(
                "rds",
                "RegisterDBProxyTargets",
                {"dbInstanceIdentifier": "DBInstanceIdentifiers", "dbClusterIdentifier": "DBClusterIdentifiers"},
            ),
        )
    ),
    "aws:rds/roleAssociation:RoleAssociation": Entry((Request("rds", "AddRoleToDBInstance"),)),
    "aws:rds/subnetGroup:SubnetGroup": Entry(
        (
            Request(
                "rds",
                "CreateDBSubnetGroup",
                {"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
                named="DBSubnetGroupName",
            ),
        )
    ),
    "aws:s3/vectorsIndex:VectorsIndex": Entry(
        (Request("s3vectors", "CreateIndex", {"encryptionConfigurations": "encryptionConfiguration"}),)
    ),
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": Entry(
        (Request("s3vectors", "CreateVectorBucket", {"encryptionConfigurations": "encryptionConfiguration"}),),
        {"forceDestroy": _HERE},
    ),
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": Entry(
        (Request("s3vectors", "PutVectorBucketPolicy"),)
    ),
    "aws:sns/topic:Topic": Entry(
        (
            Request(
                "sns",
                "CreateTopic",
                {
                    "name": "Name",
                    "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
                    "displayName": "Attributes.DisplayName",
                    "policy": "Attributes.Policy",
                },
                named="Name",
            ),
        )
    ),
    "aws:sns/topicPolicy:TopicPolicy": Entry(
        (
            Request(
                "sns",
                "SetTopicAttributes",
                {"arn": "TopicArn", "policy": "AttributeValue"},
                added={"AttributeName": "Policy"},
            ),
        )
    ),
    "aws:sns/topicSubscription:TopicSubscription": Entry((Request("sns", "Subscribe", {"topic": "TopicArn"}),)),
    "aws:ssm/document:Document": Entry((Request("ssm", "CreateDocument", {"name": "Name"}, named="Name"),)),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("AuthorizeSecurityGroupEgress"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("AuthorizeSecurityGroupIngress"),
    **EMBEDDING,
}
