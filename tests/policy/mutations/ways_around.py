"""Ways in and out that no address shows: other accounts, credentials, services, log groups, ignored guards."""

from tests.policy.mutations.changing import Mutation, added, changed, ignored, without

_STRANGER = "210987654321"
_KEY = f"arn:aws:kms:eu-west-1:{_STRANGER}:key/1"
_ACCOUNTS, _SERVICES, _CREDENTIALS = "policy-names-known-accounts", "services-are-read", "no-stray-credentials"
_GROUPS, _PARTS, _IGNORED = "log-group-declared", "network-parts-of-own-stack", "doors-not-ignored"
# Put together so that nobody takes it for a key.
_ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"

MUTATIONS = [
    *(
        Mutation(_ACCOUNTS, f"{path} {key} of a stranger", changed(path, **{key: value}))
        for path, key, value in (
            ("rds/cluster", "kmsKeyId", _KEY),
            ("rds/cluster", "snapshotIdentifier", f"arn:aws:rds:eu-west-1:{_STRANGER}:cluster-snapshot:one"),
            ("rds/instance", "replicateSourceDb", f"arn:aws:rds:eu-west-1:{_STRANGER}:db:one"),
            ("lambda/function", "layers", [f"arn:aws:lambda:eu-west-1:{_STRANGER}:layer:one:1"]),
            ("lambda/function", "imageUri", f"{_STRANGER}.dkr.ecr.eu-west-1.amazonaws.com/one:1"),
            ("lambda/function", "role", f"arn:aws:iam::{_STRANGER}:role/one"),
            ("s3/vectorsVectorBucket", "encryptionConfigurations", [{"kmsKeyArn": _KEY, "sseType": "aws:kms"}]),
        )
    ),
    Mutation(_ACCOUNTS, "the provider becomes a stranger's role", added("pulumi:providers:aws", {"assumeRoles": f'[{{"roleArn":"arn:aws:iam::{_STRANGER}:role/one"}}]'})),
    *(Mutation(_SERVICES, f"a resource of {path}", added(path)) for path in ("appflow/flow", "datasync/task", "quicksight/dataSource", "rolesanywhere/profile", "quantum/thing")),
    Mutation(_CREDENTIALS, "a password in a tag", changed("rds/cluster", tags__password="correct-horse")),
    Mutation(_CREDENTIALS, "a key in a description", changed("kms/key", description=f"for {_ACCESS_KEY}")),
    Mutation(_CREDENTIALS, "a password for a command", added("command:local:Command", {"environment": {"PGPASSWORD": "correct-horse"}})),
    Mutation(_CREDENTIALS, "a key of the provider", added("pulumi:providers:aws", {"secretKey": "correct-horse"})),
    Mutation("provider-asks-aws", "a key of the provider", added("pulumi:providers:aws", {"accessKey": _ACCESS_KEY})),
    *(Mutation(_GROUPS, f"no group for {where}", without("cloudwatch/logGroup", where)) for where in ("database-log-postgresql", "bridge-logs")),
    Mutation(_GROUPS, "a function logs elsewhere", changed("lambda/function", loggingConfig__logGroup="/somewhere/else")),
    Mutation(_PARTS, "a bastion with a profile of somebody's", changed("ec2/instance", iamInstanceProfile="admin")),
    Mutation(_PARTS, "the bastion's group on an interface of somebody's", added("ec2/networkInterfaceSecurityGroupAttachment", {"networkInterfaceId": "eni-0123456789abcdef0"}, securityGroupId="ec2/securityGroup bastion")),
    Mutation(_PARTS, "a proxy for a database of somebody's", changed("rds/proxyTarget", dbClusterIdentifier="theirs")),
    *(
        Mutation(_IGNORED, f"{path} {key}", ignored(path, key))
        for path, key in (
            ("iam/role", "assumeRolePolicy"),
            ("iam/rolePolicy", "policy"),
            ("ssm/document", "content"),
            ("sns/topicPolicy", "policy"),
            ("lambda/function", "role"),
            ("rds/proxy", "requireTls"),
            ("cloudwatch/logGroup", "kmsKeyId"),
            ("ec2/flowLog", "trafficType"),
        )
    ),
    Mutation("commands-declared", "another Python for the SQL", added("command:local:Command", {"environment": {"VECTORDB_PYTHON": "/evil"}})),
    Mutation("commands-declared", "a library before the SQL's", added("command:local:Command", {"environment": {"LD_PRELOAD": "/evil.so"}})),
    Mutation("commands-declared", "another interpreter", added("command:local:Command", {"interpreter": ["/bin/sh", "-xc"]})),
]  # fmt: skip
