"""Resource type → what makes it on this machine. To support another type, write a handler and add it to the table."""

from vectordb.local.engine import Handler
from vectordb.local.handlers import buckets, databases, functions, identity, others, queues, schedules, vectors

HANDLERS: dict[str, Handler] = {
    "aws:cloudwatch/logGroup:LogGroup": others.log_group,
    "aws:iam/policy:Policy": identity.policy,
    "aws:iam/role:Role": identity.role,
    "aws:iam/rolePolicy:RolePolicy": identity.role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": identity.role_policy_attachment,
    "aws:kms/key:Key": others.key,
    "aws:lambda/alias:Alias": functions.alias,
    "aws:lambda/eventSourceMapping:EventSourceMapping": functions.event_source_mapping,
    "aws:lambda/function:Function": functions.function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": functions.function_event_invoke_config,
    "aws:rds/cluster:Cluster": databases.cluster,
    "aws:rds/clusterInstance:ClusterInstance": databases.cluster_instance,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": databases.cluster_parameter_group,
    "aws:rds/clusterRoleAssociation:ClusterRoleAssociation": databases.cluster_role_association,
    "aws:rds/instance:Instance": databases.instance,
    "aws:rds/parameterGroup:ParameterGroup": databases.parameter_group,
    "aws:rds/roleAssociation:RoleAssociation": databases.role_association,
    "aws:s3/bucket:Bucket": buckets.bucket,
    "aws:s3/vectorsIndex:VectorsIndex": vectors.vector_index,
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": vectors.vector_bucket,
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": identity.vector_bucket_policy,
    "aws:scheduler/schedule:Schedule": schedules.schedule,
    "aws:scheduler/scheduleGroup:ScheduleGroup": schedules.schedule_group,
    "aws:sqs/queue:Queue": queues.queue,
    "aws:sqs/queuePolicy:QueuePolicy": queues.queue_policy,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": queues.redrive_allow_policy,
    "aws:sqs/redrivePolicy:RedrivePolicy": queues.redrive_policy,
    "command:local:Command": others.command,
}
