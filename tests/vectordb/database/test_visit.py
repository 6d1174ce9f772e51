"""A person's visit: one port that outlives the sessions behind it, a login that stays current, nothing left afterwards."""

import json
import os
import socket
import stat
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from vectordb import processes
from vectordb.database import aws, visit
from vectordb.database.forwarder import Forwarder
from vectordb.database.iam import TokenLogin
from vectordb.database.settings import Settings
from vectordb.errors import VectordbError

from .conftest import ANSWER, GOOD, HOST, STANDARD, Password

ASKED = {**STANDARD, "Reason": "vectordb connect"}
USER = "visitor"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(Forwarder, "tick", 0.02)
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture(autouse=True)
def private_temporary(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    yield tmp_path / "tmp"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def visitor(servers):
    with servers(18).superuser_connection() as superuser:
        superuser.execute(f"create role {USER} login; grant rds_iam to {USER}")
        yield superuser
        superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (USER,))
        superuser.execute(f"drop role {USER}")


@pytest.fixture
def through(settings, installed, monkeypatch):
    """Settings of the same database behind a bastion; the control file is beside the plugin's record."""
    monkeypatch.setenv("FAKE_TARGET", f"127.0.0.1:{settings.hostaddr_port}")
    monkeypatch.setenv("FAKE_CONTROL", f"{installed}.control")
    return Settings.from_environment(GOOD | {"VECTORDB_CA_BUNDLE": str(settings.ca_bundle)})


def sessions(ssm, count, *, terminated=0):
    for number in range(count):
        ssm.stubber.add_response("start_session", ANSWER, ASKED)
        if number < terminated:
            ssm.stubber.add_response("terminate_session", {"SessionId": "session-1"}, {"SessionId": "session-1"})


def token():
    return TokenLogin(host=HOST, port=5432, user=USER, region="us-east-1")


def opened(settings, said, **options):
    return visit.opened(settings, token, say=said.append, **options)


def connect(found):
    return psycopg.connect(**found.client.parameters(), connect_timeout=10, autocommit=True)


def plugin_pid(record):
    return json.loads(record.read_text())["pid"]


def until(true, seconds=5):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, true
        time.sleep(0.01)


def order(record, what):
    """Have the plugin misbehave, and wait until it has taken notice."""
    control = Path(f"{record}.control")
    control.with_suffix(".new").write_text(what)
    control.with_suffix(".new").replace(control)
    until(lambda: not control.exists())


def test_a_client_finds_all_it_needs_and_nothing_is_left(through, installed, ssm, visitor):
    sessions(ssm, 1)
    said = []
    with opened(through, said) as found:
        pid = plugin_pid(installed)
        parameters = found.client.parameters()
        assert {name: parameters[name] for name in ("host", "hostaddr", "user", "sslmode", "target_session_attrs")} == {
            "host": HOST, "hostaddr": "127.0.0.1", "user": USER, "sslmode": "verify-full",
            "target_session_attrs": "read-write",
        }  # fmt: skip
        assert stat.S_IMODE(found.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(found.client.passfile.stat().st_mode) == 0o600
        with connect(found) as first, connect(found) as second:
            assert first.execute("select current_user::text").fetchone() == (USER,)
            assert second.execute("select repeat('x', 3000000)").fetchone() == ("x" * 3000000,)
            assert second.execute("select length(%s)", ("y" * 3000000,)).fetchone() == (3000000,)
        folder, port = found.folder, found.client.port
        assert found.tunnel
    assert said == []
    assert not processes.alive(pid)
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_pipeline_that_neither_side_reads_at_once_is_carried(through, installed, ssm, visitor):
    sessions(ssm, 1)
    with opened(through, []) as found, connect(found) as connection, connection.pipeline():
        cursors = [connection.execute("select repeat('x', 20000), %s", ("y" * 20000,)) for _ in range(200)]
        assert [len(cursor.fetchone()[0]) for cursor in cursors] == [20000] * 200


def test_after_the_hourly_cut_the_next_connection_gets_a_new_session(through, installed, ssm, visitor):
    sessions(ssm, 3)
    said = []
    with opened(through, said) as found:
        for number in (1, 2):
            with connect(found) as connection:
                order(installed, "cut")
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("select 1")
            with connect(found) as again:
                assert again.execute("select 1").fetchone() == (1,)
            assert len(said) == number
    why = "session-manager-plugin ended with status 0: SessionId: session-1 : Your session has been terminated."
    assert said == [f"the way to the database broke: {why}; the next connection gets a new one"] * 2


def promoted(superuser, said):
    until(lambda: len(said) == 2)
    superuser.execute(f"alter role {USER} reset default_transaction_read_only")


def test_after_a_failover_the_old_way_is_found_out_and_replaced(through, installed, ssm, visitor):
    """The old instance comes back as a reader, and the old session leads to it."""
    sessions(ssm, 3)
    said = []
    with opened(through, said) as found:
        with connect(found) as connection:
            visitor.execute(f"alter role {USER} set default_transaction_read_only = on")
            visitor.execute("select pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
            until(lambda: len(said) == 1)
        # The session that is opened next still leads to a reader: DNS takes its time.
        promotion = threading.Thread(target=promoted, args=(visitor, said))
        promotion.start()
        with connect(found) as again:
            assert again.execute("show transaction_read_only").fetchone() == ("off",)
        promotion.join()
    assert said == [
        f"the way to the database broke: the way to {HOST} leads to a reader: session is read-only; the next connection gets a new one",
        f"waiting: the way to {HOST} leads to a reader: session is read-only; opening a new session",
    ]


def test_a_backend_that_is_ended_alone_costs_no_session(through, installed, ssm, visitor):
    sessions(ssm, 1)
    said = []
    with opened(through, said) as found, connect(found) as other:
        with connect(found) as connection:
            visitor.execute("select pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
        with connect(found) as again:
            assert again.execute("select 1").fetchone() == (1,)
        assert other.execute("select 1").fetchone() == (1,)
    assert said == []


def test_a_session_that_dies_in_silence_is_noticed_while_somebody_waits(through, installed, ssm, visitor, monkeypatch):
    monkeypatch.setattr(Forwarder, "patience", 0.3)
    monkeypatch.setattr(Forwarder, "answers_within", 0.3)
    sessions(ssm, 2)
    said = []
    with opened(through, said) as found:
        with connect(found) as connection:
            assert connection.execute("select pg_sleep(1), 1").fetchone()[1] == 1  # slow is not dead
            order(installed, "mute")
            started = time.monotonic()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
            assert time.monotonic() - started < 3
        with connect(found) as again:
            assert again.execute("select 1").fetchone() == (1,)
    assert [line.partition(":")[0] for line in said] == ["the way to the database broke"]
    assert "nothing has come back for" in said[0]


def test_an_idle_tunnel_is_not_kept_alive_but_closed_and_opened_for_the_next(
    through, installed, ssm, visitor, monkeypatch
):
    monkeypatch.setattr(Forwarder, "idle", 0.5)
    monkeypatch.setattr(Forwarder, "patience", 0.1)
    sessions(ssm, 2)
    accepted = Path(f"{installed}.accepted")
    said = []
    with opened(through, said) as found:
        first = plugin_pid(installed)
        with connect(found) as connection:
            before = accepted.read_text()
            time.sleep(1)  # somebody is connected and says nothing: neither closed nor disturbed
            assert accepted.read_text() == before
            assert connection.execute("select 1").fetchone() == (1,)
        until(lambda: not processes.alive(first))
        with connect(found) as again:
            assert again.execute("select 1").fetchone() == (1,)
        assert plugin_pid(installed) != first
    assert said == []


def test_a_slow_plugin_is_waited_for(through, installed, ssm, visitor, monkeypatch):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", "slow")
    sessions(ssm, 1)
    with opened(through, []) as found, connect(found) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert found.seconds > 0.6


def test_when_no_new_session_opens_the_client_is_let_go_and_the_reason_is_said(through, installed, ssm, visitor):
    sessions(ssm, 1)
    ssm.stubber.add_client_error("start_session", "ExpiredTokenException", "The security token has expired")
    sessions(ssm, 1)
    said = []
    with opened(through, said) as found:
        order(installed, "cut")
        until(lambda: len(said) == 1)
        with pytest.raises(psycopg.OperationalError):
            connect(found)
        until(lambda: len(said) == 2)
        assert "could not start a session on the bastion" in said[1]
        assert said[1].endswith(
            "(The AWS credentials have expired: renew them, with single sign-on by `aws sso login`.)"
        )
        with connect(found) as again:  # they have been renewed meanwhile
            assert again.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("misbehaviour", ["dies", "cannot dial"])
def test_a_first_way_that_cannot_be_opened_is_an_error_and_leaves_nothing(
    through, installed, ssm, monkeypatch, misbehaviour
):
    monkeypatch.setenv("FAKE_MISBEHAVIOUR", misbehaviour)
    monkeypatch.setattr("vectordb.database.access._WAYS", 2)
    sessions(ssm, 2, terminated=2 if misbehaviour == "dies" else 0)
    said = []
    with pytest.raises(VectordbError), opened(through, said):
        pass
    assert not processes.alive(plugin_pid(installed))


def test_a_port_of_ones_own_and_one_that_is_taken(through, settings, installed, ssm, visitor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(VectordbError, match=f"port {port} on 127.0.0.1 cannot be listened on") as caught,
            opened(through, [], port=port),
        ):
            pass
        assert "--port" in caught.value.remedy
    with opened(settings, [], port=port) as found, connect(found) as connection:  # before a direct way, too
        assert (found.client.port, found.tunnel) == (port, True)
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_direct_way_needs_no_port_of_ours(settings, visitor):
    with opened(settings, []) as found, connect(found) as connection:
        assert (found.client.hostaddr, found.client.port, found.tunnel) == ("127.0.0.1", settings.hostaddr_port, False)
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_login_is_renewed_and_new_connections_use_it(settings, visitor, monkeypatch):
    with opened(settings, [], renewed_every=0.05) as found:
        assert "AKIDEXAMPLE%2F" in found.client.passfile.read_text()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDANOTHER")
        aws.session.cache_clear()
        until(lambda: "AKIDANOTHER%2F" in found.client.passfile.read_text())
        with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):  # the front knows it not
            connect(found)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        aws.session.cache_clear()
        until(lambda: "AKIDEXAMPLE%2F" in found.client.passfile.read_text())
        connect(found).close()
        assert stat.S_IMODE(found.client.passfile.stat().st_mode) == 0o600


def test_credentials_that_end_are_told_once(settings, visitor, monkeypatch):
    said = []
    with opened(settings, said, renewed_every=0.02):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        aws.session.cache_clear()
        until(lambda: said)
        time.sleep(0.2)
    why = "could not sign a login token for visitor: Unable to locate credentials"
    assert said == [f"the login cannot be renewed, new connections will be refused: {why}"]


def test_the_data_api_takes_no_clients():
    found = Settings.from_environment(
        GOOD
        | {"VECTORDB_TRANSPORT": "data-api", "VECTORDB_CLUSTER_ARN": "arn:aws:rds:us-east-1:123456789012:cluster:db"}
    )
    with (
        pytest.raises(VectordbError, match="no client of PostgreSQL can connect") as caught,
        visit.opened(found, lambda: Password("pw"), say=[].append),
    ):
        pass
    assert "vectordb:transport" in caught.value.remedy


def test_what_a_killed_visit_left_is_swept_and_a_living_one_is_not(settings, visitor, private_temporary):
    dead = private_temporary / "vectordb-connect-999999999-abc"
    mine = private_temporary / f"vectordb-connect-{os.getpid()}-abc"
    for folder in (dead, mine):
        folder.mkdir()
    with opened(settings, []):
        assert (dead.exists(), mine.exists()) == (False, True)
    mine.rmdir()
