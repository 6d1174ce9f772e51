"""The way through Session Manager, with a plugin that behaves and with ones that do not."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from botocore.stub import Stubber

from vectordb import processes
from vectordb.database import access, aws, bastion, plugin, tunnel
from vectordb.database.connection import RouteLostError
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline
from vectordb.errors import VectordbError

from .conftest import ANSWER, BASTION, GOOD, HOST, PASSWORD, STANDARD, Password


def open_tunnel(ssm, extra=None, said=None, seconds=10, sleep=time.sleep):
    found = Settings.from_environment(GOOD | (extra or {}))
    return tunnel.opened(
        found, deadline=Deadline(seconds), say=(said if said is not None else []).append, client=ssm, sleep=sleep
    )


def test_a_connection_through_the_tunnel(installed, ssm, settings, monkeypatch):
    monkeypatch.setenv("FAKE_TARGET", f"127.0.0.1:{settings.hostaddr_port}")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    aws.session().get_credentials()
    monkeypatch.setenv("AWS_PROFILE", "other")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    through = Settings.from_environment(GOOD | {"VECTORDB_CA_BUNDLE": str(settings.ca_bundle)})
    said = []
    with access.opened(through, Password(PASSWORD), deadline=Deadline(10), say=said.append) as opened:
        assert (opened.info.host, opened.info.hostaddr) == (HOST, "127.0.0.1")
        assert opened.execute("select 1").fetchone() == (1,)
        started = json.loads(installed.read_text())
        assert processes.alive(started["pid"])
    assert not processes.alive(started["pid"])
    assert said == [f"transport: ssm (through the bastion {BASTION}, as VECTORDB_TRANSPORT says)"]
    assert started["arguments"] == [
        "AWS_SSM_START_SESSION_RESPONSE", "us-east-1", "StartSession", "", json.dumps(STANDARD), "http://127.0.0.1:9",
    ]  # fmt: skip
    assert "the-token" not in " ".join(started["arguments"])
    assert started["environment"] == {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_PROFILE": None,
        "AWS_REGION": "us-east-1",
        "AWS_SSM_START_SESSION_RESPONSE": json.dumps(ANSWER),
    }


def test_a_pinned_document_gets_no_host(installed, ssm):
    expected = {**STANDARD, "DocumentName": "vectordb-forward", "Parameters": {"localPortNumber": ["0"]}}
    ssm.stubber.add_response("start_session", ANSWER, expected)
    with open_tunnel(ssm, {"VECTORDB_SESSION_DOCUMENT": "vectordb-forward"}) as route:
        assert (route.hostaddr, route.pinned) == ("127.0.0.1", True)
        assert route.port > 1023
        route.check()


def test_a_port_line_in_two_writes_is_read_whole(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "split")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    with open_tunnel(ssm) as route:
        assert route.port > 1023


def test_a_plugin_that_dies_tells_its_last_words_and_the_session_is_closed(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "dies")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    ssm.stubber.add_response("terminate_session", {"SessionId": "session-1"}, {"SessionId": "session-1"})
    with pytest.raises(RouteLostError) as caught, open_tunnel(ssm):
        pass
    assert caught.value.message == (
        "session-manager-plugin ended with status 255 and opened no port: An error occurred (AccessDenied) while opening the data channel"
    )
    assert "ssmmessages:OpenDataChannel" in caught.value.remedy


def test_a_plugin_that_opens_nothing_is_given_up(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "silent")
    monkeypatch.setattr(tunnel, "OPENS_WITHIN", 0.5)
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    with pytest.raises(RouteLostError, match=r"opened no port within 0\.5 s: it said nothing"), open_tunnel(ssm):
        pass


def test_a_plugin_that_does_not_listen_is_killed_and_the_session_closed(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "deaf")
    monkeypatch.setattr(tunnel, "_ENDS_WITHIN", 0.3)
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    ssm.stubber.add_response("terminate_session", {"SessionId": "session-1"}, {"SessionId": "session-1"})
    with open_tunnel(ssm):
        pid = json.loads(installed.read_text())["pid"]
    assert not processes.alive(pid)


def test_what_the_plugin_leaves_running_is_ended_and_holds_nobody_up(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "orphan")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    started = time.monotonic()
    with open_tunnel(ssm):
        orphan = int(Path(f"{installed}.orphan").read_text())
        assert processes.alive(orphan)
    assert time.monotonic() - started < 5
    deadline = time.monotonic() + 2
    while processes.alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes.alive(orphan)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_plugin_ends_with_a_run_that_is_killed(installed, ssm):
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    child = os.fork()
    if not child:
        with open_tunnel(ssm):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    ssm.start_session(**STANDARD)  # this process's copy of the answer was not used
    pid = json.loads(installed.read_text())["pid"]
    deadline = time.monotonic() + 2
    while processes.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes.alive(pid)


@pytest.mark.parametrize(
    ("misbehaviour", "message"),
    [
        ("dies on use", "session-manager-plugin ended with status 3"),
        ("cannot dial", f"the bastion {BASTION} does not reach {HOST}:5432"),
    ],
)
def test_a_tunnel_that_breaks_while_connecting_is_opened_anew_and_then_given_up(
    installed, ssm, monkeypatch, misbehaviour, message
):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", misbehaviour)
    monkeypatch.setattr(access, "_WAYS", 2)
    for _ in range(2):
        ssm.stubber.add_response("start_session", ANSWER, STANDARD)
        if misbehaviour == "dies on use":
            ssm.stubber.add_response("terminate_session", {"SessionId": "session-1"}, {"SessionId": "session-1"})
    said = []
    found = Settings.from_environment(GOOD)
    with (
        pytest.raises(RouteLostError, match=message),
        access.opened(found, Password("pw"), deadline=Deadline(20), say=said.append),
    ):
        pass
    assert sum("opening a new session" in line for line in said) == 1


def test_a_bastion_that_has_just_booted_is_waited_for(installed, ssm, monkeypatch):
    monkeypatch.setattr(bastion, "must_run", lambda _: None)
    said, slept = [], []
    for _ in range(2):
        ssm.stubber.add_client_error("start_session", "TargetNotConnected", f"{BASTION} is not connected.")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    with open_tunnel(ssm, said=said, seconds=60, sleep=slept.append):
        pass
    assert slept == [3.0, 3.0]
    assert said == [f"waiting: the bastion {BASTION} is not connected to Session Manager yet"]


def test_a_bastion_that_stays_away(installed, ssm):
    ssm.stubber.add_client_error("start_session", "TargetNotConnected", f"{BASTION} is not connected.")
    with (
        pytest.raises(VectordbError, match=f"the bastion {BASTION} is not connected to Session Manager") as caught,
        open_tunnel(ssm, seconds=0),
    ):
        pass
    assert "ssmmessages endpoints" in caught.value.remedy


def test_a_caller_without_the_right(installed, ssm):
    ssm.stubber.add_client_error(
        "start_session", "AccessDeniedException", "not authorized to perform: ssm:StartSession"
    )
    with (
        pytest.raises(VectordbError, match=f"could not start a session on the bastion {BASTION}: .*ssm:StartSession"),
        open_tunnel(ssm),
    ):
        pass


def test_no_plugin(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VectordbError, match="session-manager-plugin, which is not on PATH") as caught:
        plugin.find()
    assert caught.value.remedy.startswith("To install it: ")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.2.295.0", r"is version 1\.2\.295\.0, at least 1\.2\.764\.0 is needed"),
        ("1.2.763.9", "at least"),
        ("none", "did not print a version"),
        ("1.2.764.0", ""),
        ("1.10.0.0", ""),
        ("2.0.0", ""),
    ],
)
def test_the_plugin_must_be_new_enough(installed, monkeypatch, version, message):
    monkeypatch.setenv("FAKE_VERSION", version)
    if not message:
        assert plugin.find() == shutil.which(plugin.COMMAND)
        return
    with pytest.raises(VectordbError, match=message) as caught:
        plugin.find()
    assert "To install it" in caught.value.remedy


@pytest.fixture
def ec2():
    client = aws.client("ec2", "us-east-1")
    with Stubber(client) as stubber:
        client.stubber = stubber
        yield client


def described(state):
    return {"Reservations": [{"Instances": [{"InstanceId": BASTION, "State": {"Name": state}}]}]}


ONE = {"InstanceIds": [BASTION]}


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("stopped", f"aws ec2 start-instances --region us-east-1 --instance-ids {BASTION}"),
        ("stopping", "aws ec2 start-instances"),
        ("terminated", "pulumi up"),
    ],
)
def test_a_bastion_that_will_not_come_by_itself_is_not_waited_for(installed, ssm, ec2, monkeypatch, state, remedy):
    ssm.stubber.add_client_error("start_session", "TargetNotConnected", f"{BASTION} is not connected.")
    ec2.stubber.add_response("describe_instances", described(state), ONE)
    monkeypatch.setattr(aws, "client", lambda service, _: {"ssm": ssm, "ec2": ec2}[service])
    slept = []
    with (
        pytest.raises(VectordbError, match=f"the bastion {BASTION} is {state}") as caught,
        open_tunnel(ssm, seconds=60, sleep=slept.append),
    ):
        pass
    assert remedy in caught.value.remedy
    assert slept == []


def test_what_the_caller_may_not_see_stops_nobody(ec2, ssm):
    found = Settings.from_environment(GOOD)
    ec2.stubber.add_client_error("describe_instances", "UnauthorizedOperation", "no")
    bastion.must_run(found, ec2=ec2)
    ec2.stubber.add_response("describe_instances", described("running"), ONE)
    ssm.stubber.add_response(
        "describe_instance_information",
        {"InstanceInformationList": [{"InstanceId": BASTION, "PingStatus": "ConnectionLost"}]},
        {"Filters": [{"Key": "InstanceIds", "Values": [BASTION]}]},
    )
    assert bastion.state(found, ec2=ec2, ssm=ssm) == bastion.State("running", "ConnectionLost")
    ec2.stubber.add_client_error("describe_instances", "InvalidInstanceID.NotFound", "gone")
    ssm.stubber.add_response("describe_instance_information", {"InstanceInformationList": []})
    assert bastion.state(found, ec2=ec2, ssm=ssm) == bastion.State("terminated", "")


def test_the_reason_is_kept_to_what_the_api_takes(installed, ssm):
    ssm.stubber.add_response("start_session", ANSWER, {**STANDARD, "Reason": "ticket 4711: " + "x" * 243})
    found = Settings.from_environment(GOOD)
    with tunnel.opened(found, deadline=Deadline(10), say=[].append, reason="ticket\n4711: " + "x" * 400, client=ssm):
        pass


def test_opening_is_called_off_from_another_thread(installed, ssm, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "silent")
    ssm.stubber.add_response("start_session", ANSWER, STANDARD)
    deadline = Deadline(60)
    called_off = []

    def call_off():
        while not installed.exists():  # until the plugin runs
            time.sleep(0.01)
        called_off.append(time.monotonic())
        deadline.call_off()

    threading.Thread(target=call_off, daemon=True).start()
    found = Settings.from_environment(GOOD)
    with pytest.raises(RouteLostError), tunnel.opened(found, deadline=deadline, say=[].append, client=ssm):
        pass
    assert time.monotonic() - called_off[0] < 5
    assert not processes.alive(json.loads(installed.read_text())["pid"])
