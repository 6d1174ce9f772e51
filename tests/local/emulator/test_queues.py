"""What queues do here that moto's do not: one delivery a message, receipts that expire, keys, policies, and a restart."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.delivering import OPERATOR, POLL, Delivering, allow, arn
from tests.local.emulator.running import ROOT


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    started = Delivering(tmp_path_factory.mktemp("queues") / "state", "--operator", OPERATOR)
    yield started
    started.end()
    assert "Traceback" not in started.errors.read_text(), started.errors.read_text()


@pytest.fixture
def as_role(running):
    """Make a client that calls with a role of these statements."""

    def make(service, *statements):
        role, _ = running.role(*statements)
        given = running.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=running.url,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key="nothing",
            aws_session_token=given["SessionToken"],
        )

    return make


def test_many_at_once_lose_and_duplicate_nothing():
    """`plain` instead of `sound` shows what moto alone does: some are lost, some come twice, receivers fail."""
    command = [sys.executable, "-m", "tests.local.emulator.hammer", "sound"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "0 0\n"


def test_a_long_poll_is_answered_when_a_message_comes_or_comes_back(running, name):
    url, _ = running.queue(name, VisibilityTimeout=30)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(running.receive, url, 20)
        running.send(url, "x")
        assert waiting.result(5)["Body"] == "x"
        running.advance(15)
        waiting = threads.submit(running.receive, url, 20)
        running.advance(16)
        assert waiting.result(5)["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_outdated_receipt_deletes_nothing(running, name):
    url, _ = running.queue(name, VisibilityTimeout=10)
    sqs = running.client("sqs")
    running.send(url, "x")
    first = running.receive(url)
    running.advance(11)
    second = running.receive(url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert running.counts(url) == (0, 1)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert running.counts(url) == (0, 0)
    # Twice is no error.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        ({"redrivePermission": "allowAll"}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["{source}"]}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [arn("sqs", "another")]}, False),
        ({"redrivePermission": "denyAll"}, False),
    ],
)
def test_who_may_redrive(running, name, policy, accepted):
    source_url, source = running.queue(name)
    text = json.dumps(policy).replace("{source}", source)
    dead_url, dead = running.queue(f"{name}-dead", RedriveAllowPolicy=text)
    sqs = running.client("sqs")
    shown = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["All"])["Attributes"]
    assert shown["RedriveAllowPolicy"] == text
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})}
    if accepted:
        sqs.set_queue_attributes(QueueUrl=source_url, Attributes=redrive)
        return
    with pytest.raises(ClientError, match=r"does not allow .* as a source queue"):
        sqs.set_queue_attributes(QueueUrl=source_url, Attributes=redrive)


def test_an_encrypted_queue_takes_its_key_from_senders_and_receivers(running, as_role, name):
    key = running.client("kms").create_key()["KeyMetadata"]
    running.client("kms").create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
    url, queue = running.queue(name, KmsMasterKeyId=f"alias/{name}")
    both = allow(["sqs:SendMessage", "sqs:ReceiveMessage"], queue)
    with pytest.raises(ClientError, match="not authorized to perform: kms:GenerateDataKey on resource: " + key["Arn"]):
        as_role("sqs", both).send_message(QueueUrl=url, MessageBody="x")
    sender = as_role("sqs", both, allow(["kms:GenerateDataKey", "kms:Decrypt"], key["Arn"]))
    sender.send_message(QueueUrl=url, MessageBody="x")
    taken = [(call["service"], call["actions"], call["resources"]) for call in running.calls(decision="allowed")]
    assert ("kms", ["kms:GenerateDataKey"], [key["Arn"]]) in taken
    with pytest.raises(ClientError, match="kms:Decrypt"):
        as_role("sqs", both).receive_message(QueueUrl=url)
    assert len(as_role("sqs", both, allow("kms:Decrypt", key["Arn"])).receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_batch_takes_the_permission_of_one(as_role, running, name):
    url, queue = running.queue(name)
    entries = [{"Id": "a", "MessageBody": "x"}]
    as_role("sqs", allow("sqs:SendMessage", queue)).send_message_batch(QueueUrl=url, Entries=entries)
    with pytest.raises(ClientError, match="sqs:SendMessage on resource"):
        as_role("sqs", allow(list(POLL), queue)).send_message_batch(QueueUrl=url, Entries=entries)


def test_a_queue_s_own_policy_allows_and_denies(as_role, running, name):
    url, queue = running.queue(name)
    sender = as_role("sqs", allow("sqs:ReceiveMessage", queue))
    statement = {**allow("sqs:SendMessage", queue), "Principal": {"AWS": "123456789012"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError, match="no identity-based policy allows"):
        sender.send_message(QueueUrl=url, MessageBody="x")
    running.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sender.send_message(QueueUrl=url, MessageBody="x")
    insecure = {**statement, "Effect": "Deny", "Principal": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, insecure]})
    running.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        sender.send_message(QueueUrl=url, MessageBody="x")


def test_messages_outlive_the_emulator(tmp_path, name):
    state = tmp_path / "state"
    first = Delivering(state)
    url, _ = first.queue(name, VisibilityTimeout=43200)
    [read, unread] = first.send(url, "read", "unread")
    given = {"n": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    first.client("sqs").send_message(QueueUrl=url, MessageBody="binary", MessageAttributes=given)
    first.advance(1000)
    assert first.receive(url)["MessageId"] == read
    first.end()
    second = Delivering(state)
    second.end()  # nobody made the queue
    third = Delivering(state)
    again, _ = third.queue(name, VisibilityTimeout=43200)
    assert third.counts(again) == (2, 1)
    assert third.receive(again)["MessageId"] == unread
    assert third.receive(again)["MessageAttributes"] == given
    third.advance(43201)
    message = third.receive(again)
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("read", "2")
    third.end()
    assert "Traceback" not in third.errors.read_text()
