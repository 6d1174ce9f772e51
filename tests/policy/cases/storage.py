"""What is stored, and the policies of the stores."""

import json

from tests.policy.cases.case import ABSENT_FALSE, READ, Case, policy, refusal
from tests.policy.support import UNKNOWN

_CLEAR = (("policy", "does not refuse requests over clear text"),)
_NARROWED = {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}

_STORAGE_RULE = "storage-encrypted"
_STORAGE = [
    Case(_STORAGE_RULE, "rds/cluster", {}, (("storageEncrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "rds/cluster", {"storageEncrypted": False}, (("storageEncrypted", "is false, not true"),)),
    Case(_STORAGE_RULE, "rds/instance", {"storageEncrypted": "yes"}, (("storageEncrypted", "is a string, not true"),)),
    Case(_STORAGE_RULE, "ebs/volume", {"size": 8}, (("encrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/instance", {}, (("rootBlockDevice.encrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/instance", {"rootBlockDevice": {"encrypted": True}, "ebsBlockDevices": [{"encrypted": True}, {"deviceName": "b"}]}, (("ebsBlockDevices[1].encrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/spotInstanceRequest", {"rootBlockDevice": {"encrypted": False}}, (("rootBlockDevice.encrypted", "is false, not true"),)),
    Case(_STORAGE_RULE, "ec2/launchConfiguration", {}, (("rootBlockDevice.encrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/launchTemplate", {"blockDeviceMappings": [{"ebs": {"volumeSize": 8}}]}, (("blockDeviceMappings[0].ebs.encrypted", ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": False}, (("sqsManagedSseEnabled", "is false and kmsMasterKeyId is absent"),), alone=True),
    Case(_STORAGE_RULE, "rds/cluster", {"storageEncrypted": True}),
    Case(_STORAGE_RULE, "rds/instance", {"storageEncrypted": True}),
    Case(_STORAGE_RULE, "ebs/volume", {"encrypted": True}),
    Case(_STORAGE_RULE, "ec2/instance", {"rootBlockDevice": {"encrypted": True}}),
    Case(_STORAGE_RULE, "ec2/launchTemplate", {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}, {"deviceName": "b", "noDevice": "true"}]}),
    Case(_STORAGE_RULE, "sqs/queue", {}),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": True}),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": False, "kmsMasterKeyId": UNKNOWN}),
]  # fmt: skip

_KEY_RULE = "storage-customer-key"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_AWS_KEY = "arn:aws:kms:eu-west-1:123456789012:alias/aws/rds"
_KEYS = [
    Case(_KEY_RULE, "rds/cluster", {}, (("kmsKeyId", "is absent"),)),
    Case(_KEY_RULE, "rds/cluster", {"kmsKeyId": _AWS_KEY}, (("kmsKeyId", "names a key that AWS manages"),)),
    Case(_KEY_RULE, "rds/instance", {"kmsKeyId": "alias/aws/rds", "replicateSourceDb": "other"}, (("kmsKeyId", "names a key that AWS manages"),)),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {}, (("encryptionConfigurations", "is absent"),)),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": []}, (("encryptionConfigurations", "is empty"),), about_absence=True),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": [{"sseType": "AES256"}]}, (("encryptionConfigurations[0].sseType", "is AES256, not aws:kms"),)),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"kmsKeyArn": _KEY}]}, (("encryptionConfigurations[0].sseType", "is absent, not aws:kms"),)),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": "aws:kms"}]}, (("encryptionConfigurations[0].kmsKeyArn", "is absent"),)),
    Case(_KEY_RULE, "rds/cluster", {"kmsKeyId": _KEY}),
    Case(_KEY_RULE, "rds/instance", {"replicateSourceDb": UNKNOWN}),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": [{"sseType": "aws:kms", "kmsKeyArn": _KEY}]}),
    Case(_KEY_RULE, "s3/vectorsIndex", {}),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": UNKNOWN}]}),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": "aws:kms", "kmsKeyArn": UNKNOWN}]}),
]  # fmt: skip

_POLICY_RULE = "policy-refuses-clear-text"
_BUCKET_POLICY = "s3/bucketPolicy"
_TRANSPORT = [
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/bucket", {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/bucketV2", {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/vectorsVectorBucketPolicy", {"policy": policy(refusal("s3"))}, _CLEAR),
    Case(_POLICY_RULE, "sqs/queuePolicy", {"policy": policy()}, _CLEAR),
    Case(_POLICY_RULE, "sqs/queue", {"policy": policy(refusal("sqs", Effect="Allow"))}, _CLEAR),
    # Each of these is a refusal but for one thing.
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Principal={"AWS": "arn:aws:iam::123456789012:root"}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Action="s3:GetObject"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Resource="arn:aws:s3:::one"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Resource="arn:aws:s3:::one/*"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition=_NARROWED))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:SecureTransport": "true"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:ViaAWSService": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"StringEquals": {"aws:SecureTransport": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": ["aws:SecureTransport"]}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": "{"}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": "[" * 100_000}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": 7}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(READ, refusal("s3"))}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": json.dumps({"Statement": refusal("s3", Principal={"AWS": ["*"]}, Action="*", Resource="*")})}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [refusal("s3", Condition={"BoolIfExists": {"AWS:securetransport": [False]}})]}}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [READ, UNKNOWN]}}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [refusal("s3", Resource=[UNKNOWN])]}}),
    Case(_POLICY_RULE, "s3/bucket", {}),
    Case(_POLICY_RULE, "s3/vectorsVectorBucketPolicy", {"policy": policy(refusal("s3vectors"))}),
    Case(_POLICY_RULE, "sqs/queuePolicy", {"policy": policy(refusal("sqs", Resource="arn:aws:sqs:eu-west-1:123456789012:one"))}),
    Case(_POLICY_RULE, "sqs/queue", {}),
]  # fmt: skip

CASES = [*_STORAGE, *_KEYS, *_TRANSPORT]
