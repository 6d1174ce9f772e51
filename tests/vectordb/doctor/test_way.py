"""The bastion, the document, the name, the tunnel: AWS's answers, and a plugin that is not AWS's."""

import json
import os
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from tests.vectordb.doctor.subjects import HOST
from vectordb.database import aws
from vectordb.doctor.checks import CHECKS, way
from vectordb.doctor.findings import DeniedError
from vectordb.errors import VectordbError

BASTION = "i-0123456789abcdef0"
FAKE_PLUGIN = Path(__file__).parents[1] / "database" / "fake_plugin.py"


def information(amazon, *found):
    amazon.answers(
        "ssm",
        "describe_instance_information",
        {"InstanceInformationList": list(found)},
        {"Filters": [{"Key": "InstanceIds", "Values": [BASTION]}]},
    )


def instance(amazon, state):
    amazon.answers(
        "ec2",
        "describe_instances",
        {"Reservations": [{"Instances": [{"State": {"Name": state}}]}]},
        {"InstanceIds": [BASTION]},
    )


def test_a_bastion_that_reports(amazon, make_context):
    information(amazon, {"PingStatus": "Online", "AgentVersion": "3.3.3572.0"})
    found = way.bastion(make_context())
    assert (found.state.value, found.detail) == ("ok", f"{BASTION} is online, agent 3.3.3572.0")


@pytest.mark.parametrize(
    ("ping", "state", "detail", "remedy"),
    [
        (
            [], "stopped", f"{BASTION} is not registered at Systems Manager; the instance is stopped",
            f"Start it: aws ec2 start-instances --instance-ids {BASTION} --region us-east-1",
        ),
        (
            [{"PingStatus": "ConnectionLost"}], "running",
            f"{BASTION} is ConnectionLost at Systems Manager; the instance is running", "It runs and does not report:",
        ),
        (
            [], "terminated", f"{BASTION} is not registered at Systems Manager; the instance is terminated",
            "Make it anew: pulumi up --refresh",
        ),
    ],
)  # fmt: skip
def test_a_bastion_that_does_not_report(amazon, make_context, ping, state, detail, remedy):
    information(amazon, *ping)
    instance(amazon, state)
    found = way.bastion(make_context())
    assert (found.state.value, found.detail) == ("failed", detail)
    assert found.remedy.startswith(remedy)


def test_whoever_may_not_see_instances_still_learns_of_the_ping(amazon, make_context):
    information(amazon)
    amazon.refuses("ec2", "describe_instances", "UnauthorizedOperation")
    found = way.bastion(make_context())
    assert (found.state.value, found.detail) == (
        "failed",
        f"{BASTION} is not registered at Systems Manager; the instance is in an unknown state",
    )


def document(amazon, host=HOST, port="5432", **more):
    content = json.dumps({"sessionType": "Port", "properties": {"host": host, "portNumber": port}})
    answer = {"Status": "Active", "DocumentType": "Session", "Content": content} | more
    amazon.answers("ssm", "get_document", answer, {"Name": "vectordb-dev-forward"})


def test_a_document_that_leads_to_this_database_only(amazon, make_context):
    document(amazon)
    found = way.document(make_context())
    assert (found.state.value, found.detail) == ("ok", f"vectordb-dev-forward forwards to {HOST}:5432 only")


def test_a_document_that_leads_elsewhere(amazon, make_context):
    document(amazon, host="another.example")
    found = way.document(make_context())
    assert (found.state.value, found.detail) == (
        "failed",
        f"vectordb-dev-forward forwards to another.example:5432, the database is {HOST}:5432",
    )


def test_a_document_that_is_not_usable(amazon, make_context):
    document(amazon, Status="Deleting")
    found = way.document(make_context())
    assert (found.state.value, found.detail) == ("failed", "vectordb-dev-forward is Deleting, a Session document")


def test_a_document_that_is_gone(amazon, make_context):
    amazon.refuses("ssm", "get_document", "InvalidDocument", "Document with name vectordb-dev-forward does not exist.")
    found = way.document(make_context())
    assert (found.state.value, found.detail, found.remedy) == (
        "failed", "there is no document vectordb-dev-forward", "Put it back: pulumi up --refresh",
    )  # fmt: skip


def test_a_document_that_may_not_be_read(amazon, make_context):
    amazon.refuses("ssm", "get_document", "AccessDeniedException")
    with pytest.raises(DeniedError):
        way.document(make_context())


def test_aws_s_own_document_lets_anybody_choose_the_host(make_context):
    found = way.document(make_context(session_document=""))
    assert found.state.value == "warning"
    assert "AWS-StartPortForwardingSessionToRemoteHost" in found.detail


TUNNEL = ["plugin", "bastion", "document", "tunnel"]
WIRE = ["dns", "tls-chain", "forced-tls", "iam-login"]


@pytest.mark.parametrize(
    ("changes", "elsewhere"),
    [
        ({}, []),
        ({"transport": "direct"}, TUNNEL),
        ({"hostaddr": "127.0.0.1"}, TUNNEL),
        ({"transport": "data-api"}, [*TUNNEL, *WIRE]),
        ({"transport": "data-api", "hostaddr": "127.0.0.1"}, TUNNEL),
    ],
    ids=str,
)
def test_what_is_not_on_the_way_does_not_apply(make_context, changes, elsewhere):
    subject = make_context(**changes).subject
    assert [check.name for check in CHECKS if check.elsewhere(subject)] == elsewhere


def _nothing(_):
    raise OSError("Name or service not known")


@pytest.mark.parametrize(
    ("addresses", "changes", "state", "detail"),
    [
        (["10.20.1.7"], {}, "ok", f"{HOST} is 10.20.1.7"),
        (["fd00::7", "10.20.1.7"], {"transport": "direct"}, "ok", f"{HOST} is fd00::7, 10.20.1.7"),
        (["10.20.1.7", "3.4.5.6"], {}, "failed", f"{HOST} has the public address 3.4.5.6"),
        (
            None, {}, "warning",
            f"{HOST} has no address here (Name or service not known); the bastion resolves it by itself",
        ),
        (None, {"transport": "direct"}, "failed", f"{HOST} has no address: Name or service not known"),
        (None, {"hostaddr": "127.0.0.1", "hostaddr_port": 15432}, "ok", f"127.0.0.1:15432 is given in place of {HOST}"),
    ],
)  # fmt: skip
def test_the_name_leads_to_a_private_address(make_context, addresses, changes, state, detail):
    resolve = _nothing if addresses is None else lambda _: addresses
    found = way.dns(make_context(resolve=resolve, **changes))
    assert (found.state.value, found.detail) == (state, detail)


def test_the_plugin_is_found_or_told_how_to_install(make_context, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VectordbError, match="session-manager-plugin, which is not on PATH"):
        way.session_manager_plugin(make_context())
    install(tmp_path)
    assert way.session_manager_plugin(make_context()).detail == str(tmp_path / "session-manager-plugin")
    monkeypatch.setenv("FAKE_VERSION", "1.2.295.0")
    with pytest.raises(VectordbError, match=r"is version 1\.2\.295\.0, at least 1\.2\.764\.0 is needed"):
        way.session_manager_plugin(make_context())


def install(folder):
    file = folder / "session-manager-plugin"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_PLUGIN}" "$@"\n')
    file.chmod(0o755)


@pytest.fixture
def postgres():
    """Answers SSLRequest as a server with TLS; says nothing else. The port, and whether it hangs up instead."""
    listener = socket.create_server(("127.0.0.1", 0))
    mute = threading.Event()

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked = connection.recv(8)
                if asked == struct.pack("!II", 8, 80877103) and not mute.is_set():
                    connection.sendall(b"S")
                    connection.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], mute
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture
def tunnelled(amazon, make_context, monkeypatch, tmp_path, postgres):
    """A context whose bastion, by the fake plugin, leads to `postgres`."""
    port, _ = postgres
    install(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_TARGET", f"127.0.0.1:{port}")
    monkeypatch.setenv("FAKE_RECORD", str(tmp_path / "record"))
    aws.session.cache_clear()
    amazon.answers(
        "ssm",
        "start_session",
        {"SessionId": "ann-1", "TokenValue": "token", "StreamUrl": "wss://ssmmessages"},
    )
    yield make_context()
    aws.session.cache_clear()


def test_a_tunnel_at_whose_end_postgresql_answers(tunnelled):
    found = way.through_tunnel(tunnelled)
    assert (found.state.value, found.detail) == ("ok", f"127.0.0.1:{tunnelled.tunnel.port} leads to {HOST}:5432")
    assert tunnelled.route() is tunnelled.tunnel


def test_a_tunnel_at_whose_end_nobody_answers_is_no_tunnel(tunnelled, postgres):
    postgres[1].set()
    found = way.through_tunnel(tunnelled)
    assert (found.state.value, found.detail) == (
        "failed",
        "the tunnel stands, and nothing answers behind it: it closed the connection",
    )
    assert tunnelled.tunnel is None


def test_a_bastion_that_cannot_dial_says_so(tunnelled, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "cannot dial")
    with pytest.raises(VectordbError, match=f"the bastion {BASTION} does not reach {HOST}:5432"):
        way.through_tunnel(tunnelled)


def test_a_caller_who_may_not_start_sessions_has_no_tunnel(amazon, make_context, monkeypatch, tmp_path):
    install(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    amazon.refuses("ssm", "start_session", "AccessDeniedException", "not authorized to perform: ssm:StartSession")
    with pytest.raises(VectordbError, match="ssm:StartSession") as error:
        way.through_tunnel(make_context())
    assert not isinstance(error.value, DeniedError)
