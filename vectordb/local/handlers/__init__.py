"""Resource type → what makes it on this machine. To support another type, write a handler and add it to the table."""

from vectordb.local.engine import Handler
from vectordb.local.handlers import databases, functions, identity, others, vectors

HANDLERS: dict[str, Handler] = {
    "aws:cloudwatch/logGroup:LogGroup": others.log_group,
    "aws:iam/policy:Policy": identity.policy,
    "aws:iam/role:Role": identity.role,
    "aws:iam/rolePolicy:RolePolicy": identity.role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": identity.role_policy_attachment,
    "aws:kms/key:Key": others.key,
    "aws:lambda/alias:Alias": functions.alias,
    "aws:lambda/function:Function": functions.function,
    "aws:rds/cluster:Cluster": databases.cluster,
    "aws:rds/clusterInstance:ClusterInstance": databases.cluster_instance,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": databases.cluster_parameter_group,
    "aws:rds/clusterRoleAssociation:ClusterRoleAssociation": databases.cluster_role_association,
    "aws:rds/instance:Instance": databases.instance,
    "aws:rds/parameterGroup:ParameterGroup": databases.parameter_group,
    "aws:rds/roleAssociation:RoleAssociation": databases.role_association,
    "aws:s3/vectorsIndex:VectorsIndex": vectors.vector_index,
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": vectors.vector_bucket,
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": identity.vector_bucket_policy,
    "command:local:Command": others.command,
}
