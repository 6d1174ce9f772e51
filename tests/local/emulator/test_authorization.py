"""Who called, what it took and whether it may: judged by the policies in IAM, recorded for whoever asks."""

import json
import statistics
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.emulator.handlers import invoke
from tests.local.emulator.packages import deploy
from tests.local.emulator.running import REGION, Running

OPERATOR = "AKIATESTTESTTEST"  # whom `Running.client` calls as
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ],
    }
)
ACCOUNT_ARN = "arn:aws:{service}:us-east-1:123456789012:{rest}"
SENTENCE = (
    "User: arn:aws:sts::123456789012:assumed-role/{name}/session is not authorized to perform: s3vectors:QueryVectors"
    " on resource: {index} because no identity-based policy allows the s3vectors:QueryVectors action"
)
QUERY = {"topK": 1, "queryVector": {"float32": [1, 0]}}


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("judging") / "state", "--operator", OPERATOR, "--concurrency", "4")
    yield running
    running.end()
    assert "Traceback" not in running.errors.read_text(), running.errors.read_text()


def client(running, service, key=OPERATOR, token=None):
    return boto3.client(
        service,
        endpoint_url=running.url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key="nothing",
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}),
    )


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.fixture
def index(judging, name):
    """ARN of an index of two dimensions with one vector, in a bucket of the test's own."""
    vectors = client(judging, "s3vectors")
    vectors.create_vector_bucket(vectorBucketName=name)
    arn = vectors.create_index(
        vectorBucketName=name,
        indexName="one",
        dataType="float32",
        dimension=2,
        distanceMetric="cosine",
        metadataConfiguration={"textSearchConfigurations": [{"metadataKey": "words"}]},
    )["indexArn"]
    metadata = {"n": 1, "words": "some words"}
    vectors.put_vectors(indexArn=arn, vectors=[{"key": "a", "data": {"float32": [1, 0]}, "metadata": metadata}])
    return arn


@pytest.fixture
def as_role(judging, name):
    """Make a role with statements; gives what makes a client that calls as it, and sets its inline policy anew."""
    iam = client(judging, "iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    given = client(judging, "sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]

    def make(*statements):
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(*statements))
        return lambda service, **other: client(
            judging, service, **{"key": given["AccessKeyId"], "token": given["SessionToken"], **other}
        )

    return make


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def last_call(running):
    return running.request("GET", "/_vectordb/calls")[2][-1]


def test_a_role_may_what_its_policy_allows_on_that_resource(judging, as_role, index, name):
    vectors = as_role(allow("s3vectors:QueryVectors", index))("s3vectors")
    answer = vectors.query_vectors(indexArn=index, **QUERY)
    assert [vector["key"] for vector in answer["vectors"]] == ["a"]
    recorded = last_call(judging)
    assert recorded.pop("time") > time.time() - 60
    assert recorded == {
        "accessKey": recorded["accessKey"],
        "service": "s3vectors",
        "operation": "QueryVectors",
        "status": 200,
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "principal": f"arn:aws:sts::123456789012:assumed-role/{name}/session",
        "role": f"arn:aws:iam::123456789012:role/{name}",
        "actions": ["s3vectors:QueryVectors"],
        "resources": [index],
        "decision": "allowed",
    }


def test_the_refusal_is_in_aws_s_words(judging, as_role, index, name):
    vectors = as_role(allow("s3vectors:GetVectors", index))("s3vectors")
    assert refused(vectors.query_vectors, indexArn=index, **QUERY) == (
        "AccessDeniedException",
        403,
        SENTENCE.format(name=name, index=index),
    )
    recorded = last_call(judging)
    assert (recorded["decision"], recorded["status"]) == ("denied", 403)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("query_vectors", {**QUERY, "returnMetadata": True}),
        ("query_vectors", {**QUERY, "filter": {"n": 1}}),
        ("query_vectors", {**QUERY, "queryTexts": [{"text": "words", "metadataKey": "words"}]}),
        ("query_vectors", {"topK": 1, "queryTexts": [{"text": "words", "metadataKey": "words"}]}),
        ("list_vectors", {"returnData": True}),
        ("list_vectors", {"returnMetadata": True}),
    ],
)
def test_what_comes_with_metadata_needs_get_vectors_too(judging, as_role, index, operation, more):
    both = ["s3vectors:QueryVectors", "s3vectors:ListVectors"]
    call = getattr(as_role(allow(both, index))("s3vectors"), operation)
    assert "s3vectors:GetVectors" in refused(call, indexArn=index, **more)[2]
    call = getattr(as_role(allow([*both, "s3vectors:GetVectors"], index))("s3vectors"), operation)
    assert len(call(indexArn=index, **more)["vectors"]) == 1
    assert "s3vectors:GetVectors" in last_call(judging)["actions"]


def test_an_index_named_by_its_bucket_is_the_same_resource(as_role, index, name):
    vectors = as_role(allow("s3vectors:ListVectors", index))("s3vectors")
    assert len(vectors.list_vectors(vectorBucketName=name, indexName="one")["vectors"]) == 1
    assert refused(vectors.list_vectors, vectorBucketName=name, indexName="two")[0] == "AccessDeniedException"


def test_a_request_that_says_nothing_of_its_index_is_invalid_not_denied(as_role):
    vectors = as_role(allow("s3vectors:*", "*"))("s3vectors")
    assert refused(vectors.list_vectors)[0] == "ValidationException"


def test_an_explicit_deny_wins(as_role, index):
    deny = {"Effect": "Deny", "Action": "s3vectors:Query*", "Resource": "*"}
    vectors = as_role(allow("s3vectors:*", "*"), deny)("s3vectors")
    assert refused(vectors.query_vectors, indexArn=index, **QUERY)[2].endswith(
        "with an explicit deny in an identity-based policy"
    )


def test_a_bucket_s_own_policy_allows_and_denies(judging, as_role, index, name):
    operator = client(judging, "s3vectors")
    role = f"arn:aws:iam::123456789012:role/{name}"
    vectors = as_role(allow("s3vectors:ListVectors", index))("s3vectors")
    own = {**allow("s3vectors:QueryVectors", index), "Principal": {"AWS": role}}
    clear = {"Effect": "Deny", "Action": "s3vectors:*", "Resource": index, "Principal": "*"}
    clear["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    operator.put_vector_bucket_policy(vectorBucketName=name, policy=document(own, clear))
    assert len(vectors.query_vectors(indexArn=index, **QUERY)["vectors"]) == 1
    del clear["Condition"]
    operator.put_vector_bucket_policy(vectorBucketName=name, policy=document(own, clear))
    assert refused(vectors.query_vectors, indexArn=index, **QUERY)[2].endswith(
        "with an explicit deny in a resource-based policy"
    )
    # The one who deploys is not judged.
    assert len(operator.query_vectors(indexArn=index, **QUERY)["vectors"]) == 1
    assert last_call(judging)["decision"] == "operator"


def test_attached_policies_count_aws_s_own_too(judging, as_role, name):
    iam = client(judging, "iam")
    logs = as_role(allow("s3vectors:ListVectors", "*"))("logs")
    group = f"/aws/lambda/{name}"
    assert refused(logs.create_log_group, logGroupName=group)[0] == "AccessDeniedException"
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    logs.create_log_group(logGroupName=group)
    assert last_call(judging)["actions"] == ["logs:CreateLogGroup"]
    iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    assert refused(logs.create_log_stream, logGroupName=group, logStreamName="x")[0] == "AccessDeniedException"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")


def test_a_policy_that_cannot_be_judged_says_so(as_role, index):
    strange = allow("s3vectors:QueryVectors", index, Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01"}})
    code, status, message = refused(as_role(strange)("s3vectors").query_vectors, indexArn=index, **QUERY)
    assert (code, status) == ("NotImplementedException", 501)
    assert "DateLessThan" in message


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "resource"),
    [
        ("iam", "list_roles", {}, "NotImplementedException", ""),
        ("secretsmanager", "get_secret_value", {"SecretId": "x"}, "AccessDeniedException", "secretsmanager:us-east-1:123456789012:secret:x"),
        ("sqs", "receive_message", {"QueueUrl": "https://sqs/123456789012/q"}, "AccessDeniedException", "sqs:us-east-1:123456789012:q"),
        ("ssm", "get_parameter", {"Name": "/a/b"}, "AccessDeniedException", "ssm:us-east-1:123456789012:parameter/a/b"),
        ("kms", "decrypt", {"KeyId": "k", "CiphertextBlob": b"1"}, "AccessDeniedException", "kms:us-east-1:123456789012:key/k"),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"}, "AccessDenied", "sns:us-east-1:123456789012:t"),
        ("s3", "get_object", {"Bucket": "b", "Key": "k/l"}, "AccessDenied", "s3:::b/k/l"),
        ("lambda", "get_function", {"FunctionName": "f"}, "NotImplementedException", ""),
    ],
)  # fmt: skip
def test_the_other_services_are_judged_in_their_own_protocols(as_role, service, operation, parameters, code, resource):
    caller = as_role(allow("s3vectors:ListVectors", "*"))(service)
    found = refused(getattr(caller, operation), **parameters)
    assert found[0] == code
    assert resource in found[2]


def test_everybody_may_ask_who_they_are(as_role, name):
    who = as_role(allow("s3vectors:ListVectors", "*"))("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::123456789012:assumed-role/{name}/session"


@pytest.mark.parametrize("service", ["s3vectors", "secretsmanager", "iam"])
def test_nobody_and_strangers_are_refused(judging, service):
    operation = {"s3vectors": "list_vector_buckets", "secretsmanager": "list_secrets", "iam": "list_roles"}[service]
    code = "InvalidClientTokenId" if service == "iam" else "UnrecognizedClientException"
    stranger = client(judging, service, key="AKIASOMEBODYELSE")
    assert refused(getattr(stranger, operation))[::2] == (
        code,
        "The security token included in the request is invalid.",
    )


def test_a_session_needs_its_token(as_role, index):
    vectors = as_role(allow("s3vectors:*", "*"))("s3vectors", token="another")
    assert refused(vectors.query_vectors, indexArn=index, **QUERY)[0] == "UnrecognizedClientException"


def unsigned(running, name, key):
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": scope} if key else {}
    return running.request("POST", f"/2015-03-31/functions/{name}/invocations", {}, headers)


# Packages here have no libraries: the function signs by hand, as far as anybody looks.
CODE = """
import http.client, json, os, urllib.parse

def handle(event, context):
    server = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc)
    scope = os.environ["AWS_ACCESS_KEY_ID"] + "/20260101/us-east-1/s3vectors/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Security-Token": os.environ["AWS_SESSION_TOKEN"],
    }
    server.request("POST", "/QueryVectors", json.dumps(event), headers)
    response = server.getresponse()
    return response.status, json.loads(response.read())
"""


def test_a_database_calls_with_the_role_of_its_feature(judging, name):
    deploy(judging, name, {"m.py": "def handle(event, context):\n    return 1"}, "m.handle")
    key = f"LKDB{name}"
    status, headers, body = unsigned(judging, name, key)
    assert (status, headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")
    assert body == {"Message": "Missing Authentication Token"}
    iam = client(judging, "iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    assigned = {"accessKey": key, "role": role, "session": "cluster"}
    assert judging.request("POST", "/_vectordb/principals", assigned)[0] == 200
    assert unsigned(judging, name, key)[2]["Message"].startswith(
        f"User: arn:aws:sts::123456789012:assumed-role/{name}/cluster is not authorized to perform: lambda:InvokeFunction"
    )
    function = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    iam.put_role_policy(
        RoleName=name, PolicyName="invoke", PolicyDocument=document(allow("lambda:InvokeFunction", function))
    )
    assert unsigned(judging, name, key)[::2] == (200, 1)
    # A qualified invocation is another resource.
    assert unsigned(judging, f"{function}:live", key)[0] == 403
    assert judging.request("POST", "/_vectordb/principals", {**assigned, "role": None})[0] == 200
    assert unsigned(judging, name, key)[0] == 403
    assert unsigned(judging, name, "")[2] == {"Message": "Missing Authentication Token"}


@pytest.mark.parametrize(
    "wrong", [{"role": None}, {"accessKey": "x", "role": "name"}, {"accessKey": "x", "role": None, "more": 1}]
)
def test_a_principal_must_be_understood(judging, wrong):
    status, _, body = judging.request("POST", "/_vectordb/principals", wrong)
    assert (status, body["message"]) == (400, "A principal has accessKey, role (an ARN or null) and session")


def test_a_function_calls_with_its_own_role(judging, name, index):
    iam = client(judging, "iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    deploy(judging, name, {"m.py": CODE}, "m.handle", Role=role, Timeout=20)
    event = {"indexArn": index, **QUERY}
    caller = client(judging, "lambda")
    status, body = invoke(caller, name, event)[0]
    assert status == 403
    assert body["message"].startswith(f"User: arn:aws:sts::123456789012:assumed-role/{name}/{name} is not authorized")
    iam.put_role_policy(
        RoleName=name, PolicyName="read", PolicyDocument=document(allow("s3vectors:QueryVectors", index))
    )
    status, body = invoke(caller, name, event)[0]
    assert (status, [vector["key"] for vector in body["vectors"]]) == (200, ["a"])


def test_without_an_operator_nobody_is_judged(emulator, s3vectors, name):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    recorded = last_call(emulator)
    assert (recorded["decision"], recorded["principal"]) == ("unchecked", "")
    assert recorded["actions"] == ["s3vectors:CreateVectorBucket"]
    assert recorded["resources"] == [f"arn:aws:s3vectors:us-east-1:123456789012:bucket/{name}"]


def test_judging_takes_less_than_a_fifth_of_a_millisecond(judging, as_role, index):
    """The whole of it, measured in process: session, policies, bucket policy, decision."""
    from vectordb.local.emulator.authorization.asked import asked
    from vectordb.local.emulator.authorization.calls import Call
    from vectordb.local.emulator.authorization.gate import Gate
    from vectordb.local.emulator.authorization.principals import Principals, Session
    from vectordb.local.emulator.wire import Request
    from vectordb.local.permissions import documents

    policy = document(
        allow(["s3vectors:GetVectors", "s3vectors:ListVectors", "s3vectors:QueryVectors"], index),
        allow("kms:Decrypt", ACCOUNT_ARN.format(service="kms", rest="key/x")),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], ACCOUNT_ARN.format(service="logs", rest="log-group:g:*")),
    )
    own = document({**allow("s3vectors:*", index), "Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})  # fmt: skip
    session = Session("arn:aws:iam::123456789012:role/r", "s", "token")
    gate = Gate(
        Principals("operator", lambda _key, _region: session),
        lambda _role: (documents.parse(policy, "policy"),),
        lambda _bucket: own,
    )
    scope = (
        "AWS4-HMAC-SHA256 Credential=ASIA1/20260101/us-east-1/s3vectors/aws4_request, SignedHeaders=host, Signature=0"
    )
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/QueryVectors", "HTTP_AUTHORIZATION": scope, "HTTP_X_AMZ_SECURITY_TOKEN": "token",
    }  # fmt: skip
    taken = []
    for _ in range(300):
        request = Request(environ)
        # The service reads the parameters in any case, and finds them read.
        request._parameters = {"indexArn": index, "filter": {"n": 1}, **QUERY}
        begun = time.perf_counter()
        call = Call("ASIA1", "s3vectors", "QueryVectors")
        gate.judge(call, request, lambda request=request: asked("s3vectors", "QueryVectors", request))
        taken.append(time.perf_counter() - begun)
    assert call.decision == "allowed"
    assert len(call.actions) == 2
    assert statistics.median(taken) < 0.0002
