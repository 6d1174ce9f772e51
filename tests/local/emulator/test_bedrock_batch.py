"""Batch inference: what a job takes, the states it goes through, and what it writes."""

import json
import re

import pytest
from botocore.exceptions import ClientError

MODEL = "amazon.titan-embed-text-v2:0"
ROLE = "arn:aws:iam::123456789012:role/batch"


@pytest.fixture
def bedrock(emulator):
    return emulator.client("bedrock")


@pytest.fixture
def s3(emulator, name):
    client = emulator.client("s3")
    client.create_bucket(Bucket=name)
    return client


@pytest.fixture
def create(bedrock, name):
    def call(**given):
        place = {"s3InputDataConfig": {"s3Uri": f"s3://{name}/in/", "s3InputFormat": "JSONL"}}
        out = {"s3OutputDataConfig": {"s3Uri": f"s3://{name}/out/"}}
        asked = {"jobName": name, "roleArn": ROLE, "modelId": MODEL, "inputDataConfig": place, "outputDataConfig": out}
        return bedrock.create_model_invocation_job(**(asked | given))["jobArn"]

    return call


def lines(first, count, **model_input):
    return "".join(
        json.dumps(
            {"recordId": f"R{n:010}", "modelInput": model_input or {"inputText": f"text {n}", "dimensions": 256}}
        )
        + "\n"
        for n in range(first, first + count)
    ).encode()


def written(s3, bucket):
    found = {each["Key"]: each["Size"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]}
    return {key.rpartition("/")[2]: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in found}


def post(emulator, page, document):
    status, _, said = emulator.request("POST", f"/_vectordb/{page}", document)
    assert status == 200, said


def pass_time(emulator, seconds=6):
    post(emulator, "clock", {"advance": seconds})


def test_a_job_embeds_each_record_of_each_file(emulator, bedrock, s3, create, name):
    s3.put_object(Bucket=name, Key="in/a.jsonl", Body=lines(0, 60))
    s3.put_object(Bucket=name, Key="in/b.jsonl", Body=lines(60, 40))
    s3.put_object(Bucket=name, Key="in/notes.txt", Body=b"no record")
    arn = create(clientRequestToken=f"token-{name}", timeoutDurationInHours=48)
    assert re.fullmatch(r"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/[a-z0-9]{12}", arn)
    assert bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] == "Submitted"
    pass_time(emulator)
    job = bedrock.get_model_invocation_job(jobIdentifier=arn.rpartition("/")[2])
    assert (job["status"], job["jobName"], job["timeoutDurationInHours"]) == ("Completed", name, 48)
    assert (job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]) == (100, 100, 0)
    found = written(s3, name)
    assert sorted(found) == ["a.jsonl.out", "b.jsonl.out", "manifest.json.out"]
    answers = [json.loads(line) for line in found["a.jsonl.out"].splitlines()]
    assert [answer["recordId"] for answer in answers] == [f"R{n:010}" for n in range(60)]
    runtime = emulator.client("bedrock-runtime")
    for answer in (answers[0], answers[-1]):
        assert list(answer) == ["recordId", "modelInput", "modelOutput"]
        direct = runtime.invoke_model(modelId=MODEL, body=json.dumps(answer["modelInput"]))
        assert answer["modelOutput"] == json.loads(direct["body"].read())
    manifest = json.loads(found["manifest.json.out"])
    assert manifest["processedRecordCount"] == 100
    assert manifest["inputTokenCount"] > 100
    listed = bedrock.list_model_invocation_jobs(nameContains=name)["invocationJobSummaries"]
    assert [(each["jobArn"], each["status"]) for each in listed] == [(arn, "Completed")]
    with pytest.raises(ClientError, match="ended"):
        bedrock.stop_model_invocation_job(jobIdentifier=arn)


def test_the_same_token_is_the_same_job_and_another_may_not_have_its_name(create, name):
    arn = create(clientRequestToken=name)
    assert create(clientRequestToken=name) == arn
    with pytest.raises(ClientError, match="ConflictException"):
        create(clientRequestToken=f"{name}-other")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lines(0, 99), "from 100 to 50000 records. These are 99"),
        (lines(0, 100) + b"{}\n", "Line 101"),
        (None, "no file that ends in .jsonl"),
    ],
)
def test_what_does_not_fulfil_the_quotas_fails_when_it_is_validated(emulator, bedrock, s3, create, name, body, says):
    if body:
        s3.put_object(Bucket=name, Key="in/a.jsonl", Body=body)
    arn = create()
    pass_time(emulator, 2)
    job = bedrock.get_model_invocation_job(jobIdentifier=arn)
    assert job["status"] == "Failed"
    assert says in job["message"]


@pytest.mark.parametrize(
    "given",
    [
        {"modelId": "cohere.embed-english-v3"},
        {"timeoutDurationInHours": 169},
        {"jobName": "a b"},
        {"roleArn": "arn:aws:iam::123456789012:user/batch"},
    ],
)
def test_what_the_api_refuses(create, given):
    with pytest.raises(ClientError, match="ValidationException"):
        create(**given)


def test_a_record_that_the_model_refuses_has_an_error_in_place_of_its_answer(emulator, bedrock, s3, create, name):
    s3.put_object(Bucket=name, Key="in/a.jsonl", Body=lines(0, 99) + lines(99, 1, inputText=""))
    post(emulator, "batch", {"next": {"errors": [3], "shuffle": True}})
    arn = create()
    pass_time(emulator)
    assert bedrock.get_model_invocation_job(jobIdentifier=arn)["errorRecordCount"] == 2
    answers = [json.loads(line) for line in written(s3, name)["a.jsonl.out"].splitlines()]
    wrong = {answer["recordId"]: answer["error"]["errorCode"] for answer in answers if "error" in answer}
    assert wrong == {"R0000000003": 500, "R0000000099": 400}
    assert [answer["recordId"] for answer in answers] != sorted(answer["recordId"] for answer in answers)


def test_endings_that_a_test_asks_for(emulator, bedrock, s3, create, name):
    s3.put_object(Bucket=name, Key="in/a.jsonl", Body=lines(0, 100))
    post(emulator, "batch", {"next": {"only": 30}})
    partly = create()
    pass_time(emulator)
    job = bedrock.get_model_invocation_job(jobIdentifier=partly)
    assert (job["status"], job["processedRecordCount"]) == ("PartiallyCompleted", 30)
    post(emulator, "batch", {"next": {"status": "Failed"}})
    failed = create(jobName=f"{name}-f")
    stopped = create(jobName=f"{name}-s")
    pass_time(emulator, 4)
    bedrock.stop_model_invocation_job(jobIdentifier=stopped)
    assert bedrock.get_model_invocation_job(jobIdentifier=stopped)["status"] == "Stopping"
    pass_time(emulator)
    assert [bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] for arn in (failed, stopped)] == [
        "Failed",
        "Stopped",
    ]


def test_a_job_that_nobody_made(bedrock):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.get_model_invocation_job(jobIdentifier="abcdefghijkl")
