"""An emulator that judges, a function that notes what it gets, and queues for them."""

import json
import uuid

from tests.local.emulator.packages import deploy
from tests.local.emulator.running import REGION, Running, eventually

OPERATOR = "AKIATESTTESTTEST"  # whom `Running.client` calls as
# Notes each event; does what the file beside it says: an answer as JSON, or "fail".
MODULE = """
import json, os

def handle(event, context):
    path = os.environ["NOTES"]
    with open(path, "a") as notes:
        notes.write(json.dumps(event) + "\\n")
    try:
        answer = open(path + ".answer").read()
    except FileNotFoundError:
        return None
    if answer == "fail":
        raise ValueError("as asked")
    return json.loads(answer)
"""
POLL = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def arn(service, rest):
    return f"arn:aws:{service}:{REGION}:123456789012:{rest}"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service, **condition):
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        **({"Condition": condition} if condition else {}),
    }


class Delivering(Running):
    """An emulator with short cuts."""

    def advance(self, seconds):
        status, _, body = self.request("POST", "/_vectordb/clock", {"advance": seconds})
        assert status == 200, body

    def role(self, *statements, service="lambda.amazonaws.com", **condition):
        """(ARN, function that replaces its policy)."""
        name = f"r{uuid.uuid4().hex[:12]}"
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust(service, **condition)))

        def put(*replaced):
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(*replaced))

        if statements:
            put(*statements)
        return made["Role"]["Arn"], put

    def function(self, name, folder, role, **settings):
        """A function that notes what it gets; gives what reads the notes."""
        notes = folder / name
        variables = {"Variables": {"NOTES": str(notes)}}
        deploy(self, name, {"m.py": MODULE}, "m.handle", Role=role, Environment=variables, **settings)
        return Notes(notes)

    def queue(self, name, **attributes):
        """(URL, ARN)."""
        given = {key: str(value) for key, value in attributes.items()}
        return self.client("sqs").create_queue(QueueName=name, Attributes=given)["QueueUrl"], arn("sqs", name)

    def send(self, url, *bodies):
        """The messages' ids."""
        sqs = self.client("sqs")
        return [sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"] for body in bodies]

    def receive(self, url, seconds=2):
        """One message that is waited for, or None."""
        given = {"MessageAttributeNames": ["All"], "AttributeNames": ["All"], "WaitTimeSeconds": seconds}
        found = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=1, **given).get("Messages")
        return found[0] if found else None

    def take(self, url, seconds=5):
        """The body of one message that is waited for, which is then deleted; None when there is none."""
        message = self.receive(url, seconds)
        if message is None:
            return None
        self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return message["Body"]

    def counts(self, url):
        """(visible, in flight)."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)

    def said(self, text):
        """Wait until the emulator's log has a text: what is planned is planned then, and the clock may go on."""
        eventually(lambda: text in self.errors.read_text())

    def calls(self, **wanted):
        """The recorded calls with these members."""
        _, _, calls = self.request("GET", "/_vectordb/calls")
        return [call for call in calls if wanted.items() <= call.items()]


class Notes:
    """What a function got."""

    def __init__(self, path):
        self.path = path

    def answer(self, what):
        """What the function does from now on: an answer, or "fail"."""
        self.path.with_name(self.path.name + ".answer").write_text(what if what == "fail" else json.dumps(what))

    def all(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def bodies(self):
        """Of the messages of each batch."""
        return [sorted(record["body"] for record in event["Records"]) for event in self.all()]

    def wait(self, count):
        """The events once there are so many."""
        eventually(lambda: len(self.all()) >= count)
        return self.all()


def attributes(message):
    """The message attributes as plain texts."""
    return {name: value["StringValue"] for name, value in (message.get("MessageAttributes") or {}).items()}
