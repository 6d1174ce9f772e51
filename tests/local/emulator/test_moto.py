"""What a deployment asks of moto works through this server, and its calls and failures can be seen."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.packages import deploy
from tests.local.emulator.running import eventually

POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def test_iam(emulator, name):
    iam = emulator.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=POLICY)["Role"]["Arn"]
    assert arn == f"arn:aws:iam::123456789012:role/{name}"
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=POLICY)
    assert iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"] == json.loads(POLICY)


def test_secrets_and_keys(emulator, name):
    kms = emulator.client("kms")
    key = kms.create_key(Description="of the test")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    assert kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"] == key
    secrets = emulator.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="{}", KmsKeyId=key)["ARN"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "{}"


def test_parameters_queues_logs_and_the_caller(emulator, name):
    ssm = emulator.client("ssm")
    ssm.put_parameter(Name=f"/{name}/a", Value="1", Type="String")
    assert ssm.get_parameter(Name=f"/{name}/a")["Parameter"]["Value"] == "1"
    sqs = emulator.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert queue == f"{emulator.url}/123456789012/{name}"
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    logs = emulator.client("logs", region="eu-west-1")
    logs.create_log_group(logGroupName=f"/{name}")
    [group] = logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    assert group["arn"].startswith("arn:aws:logs:eu-west-1:123456789012:")
    assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_objects_of_many_megabytes(emulator, name):
    s3 = emulator.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket=name)
    body = bytes(range(256)) * (20 << 12)
    s3.put_object(Bucket=name, Key="folder/é", Body=body)
    assert s3.get_object(Bucket=name, Key="folder/é")["Body"].read() == body


def test_a_function_is_described(emulator, name):
    made = deploy(emulator, name, {"m.py": ""}, "m.f", Publish=True, MemorySize=512, Timeout=20)
    assert made["Version"] == "1"
    client = emulator.client("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    shown = client.get_function(FunctionName=name, Qualifier="live")["Configuration"]
    assert (shown["MemorySize"], shown["Timeout"], shown["Version"]) == (512, 20, "1")
    with pytest.raises(client.exceptions.ResourceConflictException):
        deploy(emulator, name, {"m.py": ""}, "m.f")


def test_topics_reach_functions(emulator, name, tmp_path):
    """moto's own deliveries run here too, not in a container."""
    code = "import json\ndef handle(event, context):\n    open(json.loads(event['Records'][0]['Sns']['Message'])['file'], 'w').write('x')"
    arn = deploy(emulator, name, {"m.py": code}, "m.handle")["FunctionArn"]
    sns = emulator.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message=json.dumps({"file": str(tmp_path / "reached")}))
    eventually((tmp_path / "reached").exists)


def test_calls_are_remembered_with_their_caller(emulator, s3vectors, name):
    with pytest.raises(ClientError):
        s3vectors.get_vector_bucket(vectorBucketName=name)
    emulator.client("sts").get_caller_identity()
    _, _, calls = emulator.request("GET", "/_vectordb/calls")
    seen = [(call["accessKey"], call["service"], call["operation"], call["status"]) for call in calls]
    assert ("AKIATESTTESTTEST", "s3vectors", "GetVectorBucket", 404) in seen
    assert ("AKIATESTTESTTEST", "sts", "GetCallerIdentity", 200) in seen


@pytest.fixture
def faults(emulator):
    yield lambda **fault: emulator.request("POST", "/_vectordb/faults", fault)
    emulator.request("DELETE", "/_vectordb/faults")


def test_an_ordered_fault_is_used_up(s3vectors, make_index, refused, faults):
    names = make_index()
    faults(
        service="s3vectors",
        operation="QueryVectors",
        times=2,
        code="TooManyRequestsException",
        status=429,
        message="Slow down",
    )
    query = {**names, "topK": 1, "queryVector": {"float32": [1, 0]}}
    s3vectors.get_index(**names)
    for _ in range(2):
        assert refused("query_vectors", **query)[:3] == ("TooManyRequestsException", 429, "Slow down")
    assert s3vectors.query_vectors(**query)["vectors"] == []


def test_a_fault_can_be_nonsense_or_slowness(emulator, faults):
    assert faults(service="lambda", operation="Invoke", body='{"html": "<nonsense>"}')[0] == 200
    status, _, body = emulator.request("POST", "/2015-03-31/functions/any/invocations", {})
    assert (status, body) == (200, {"html": "<nonsense>"})
    faults(service="bedrock", delay=0.3)
    begun = time.monotonic()
    path = "/model/amazon.titan-embed-text-v2:0/invoke"
    assert emulator.request("POST", path, {"inputText": "x"})[0] == 200
    assert time.monotonic() - begun >= 0.3


def test_a_fault_must_be_understood(faults):
    status, _, body = faults(service="s3vectors", tims=2)
    assert status == 400
    assert "not ['tims']" in body["message"]


def test_unknown_pages_and_paths(emulator):
    assert emulator.request("GET", "/_vectordb/nothing")[0] == 404
