"""Logging in through TLS: the endpoint's own name whatever the address, and patience with what passes."""

import contextlib
import dataclasses
import socket
import threading
import time
import urllib.parse

import psycopg
import pytest

from vectordb import __version__
from vectordb.database import access, aws, connection, iam, transport
from vectordb.database.connection import Route, RouteLostError
from vectordb.database.iam import TokenLogin
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline
from vectordb.errors import VectordbError
from vectordb.local.postgres.sockets import PORT

from .conftest import GOOD, HOST, MASTER, PASSWORD, Password


def connect(settings, login, said=None, seconds=5, route=None):
    route = route or Route(settings.hostaddr, settings.hostaddr_port)
    return connection.connect(
        settings, route, login, deadline=Deadline(seconds), say=(said if said is not None else []).append
    )


def test_the_master_logs_in_through_verified_tls(settings):
    with connect(settings, Password(PASSWORD)) as opened:
        assert (opened.info.host, opened.info.hostaddr) == (HOST, "127.0.0.1")
        assert opened.pgconn.ssl_in_use
        assert opened.autocommit
        shown = "select current_user::text, current_setting('application_name'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('client_connection_check_interval')"
        assert opened.execute(shown).fetchone() == (MASTER, f"vectordb-migrate/{__version__}", "5s", "1min", "1s")


def test_the_parameters_never_trust_less(settings):
    given = connection.parameters(settings, Route("", 5432), Password("pw"))
    assert given["sslmode"] == "verify-full"
    assert given["gssencmode"] == "disable"
    assert given["target_session_attrs"] == "read-write"
    assert given["require_auth"] == "scram-sha-256"
    assert given["host"] == HOST
    assert given["hostaddr"] == ""


def test_somebodys_own_variables_for_libpq_do_not_count(settings, monkeypatch):
    wrong = {
        "PGHOSTADDR": "127.0.0.9",
        "PGSSLMODE": "disable",
        "PGCLIENTENCODING": "latin1",
        "PGOPTIONS": "-c lock_timeout=1s",
        "PGSSLMAXPROTOCOLVERSION": "TLSv1.1",
        "PGSSLCERTMODE": "require",
        "PGCHANNELBINDING": "require",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with connect(settings, Password(PASSWORD)) as opened:
        assert opened.pgconn.ssl_in_use
        assert opened.info.encoding == "utf-8"
        assert opened.execute("show lock_timeout").fetchone() == ("5s",)
    unresolved = dataclasses.replace(settings, host="db.invalid")
    with pytest.raises(VectordbError, match="the endpoint's name has no address"):
        connect(unresolved, Password(PASSWORD), route=Route("", 5432))


def test_a_token_signed_for_the_endpoint_is_accepted(servers, settings):
    with servers(18).superuser_connection() as superuser:
        superuser.execute("create role app_by_token login; grant rds_iam to app_by_token")
    try:
        login = TokenLogin(host=HOST, port=5432, user="app_by_token", region="us-east-1")
        with connect(settings, login) as opened:
            assert opened.execute("select current_user::text").fetchone() == ("app_by_token",)
        wrong = TokenLogin(host="localhost", port=5432, user="app_by_token", region="us-east-1")
        with pytest.raises(
            VectordbError, match='the password was refused: FATAL: PAM authentication failed for user "app_by_token"'
        ) as caught:
            connect(settings, wrong)
        assert "rds-db:connect" in caught.value.remedy
    finally:
        with servers(18).superuser_connection() as superuser:
            superuser.execute("drop role app_by_token")


def test_a_token_is_signed_here_for_the_endpoint_and_its_own_port():
    made = urllib.parse.urlsplit("https://" + iam.token(host=HOST, port=5432, user="app", region="eu-west-1"))
    query = urllib.parse.parse_qs(made.query)
    assert made.netloc == f"{HOST}:5432"
    assert query["Action"] == ["connect"]
    assert query["DBUser"] == ["app"]
    assert query["X-Amz-Expires"] == ["900"]
    assert "/eu-west-1/rds-db/" in query["X-Amz-Credential"][0]


@pytest.mark.parametrize("session_token", [None, "a/+=b" * 60])
def test_the_token_is_the_one_that_the_rds_client_makes(monkeypatch, session_token):
    if session_token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", session_token)
    given = {"host": HOST, "port": 5433, "user": "a_b$c", "region": "eu-west-1"}
    for _ in range(5):  # they may fall into two seconds
        ours, theirs = iam.token(**given), iam.token(**given, client=aws.client("rds", "eu-west-1"))
        if ours == theirs:
            break
    assert ours == theirs


def test_a_role_without_rds_iam_is_told_from_a_wrong_token(servers, settings):
    with servers(18).superuser_connection() as superuser:
        superuser.execute("create role by_password login password 'pw'")
    try:
        login = TokenLogin(host=HOST, port=5432, user="by_password", region="us-east-1")
        with pytest.raises(VectordbError, match="the server asked for another kind of login") as caught:
            connect(settings, login)
        assert "Check that by_password is a member of rds_iam" in caught.value.remedy
    finally:
        with servers(18).superuser_connection() as superuser:
            superuser.execute("drop role by_password")


def test_a_password_that_was_just_rotated_is_tried(settings):
    said = []
    with connect(settings, Password("old", PASSWORD), said) as opened:
        assert not opened.closed
    assert said == ["the password was refused and the secret has changed since: trying the new one"]


def test_a_wrong_password_is_told_with_its_remedy_and_not_itself(settings):
    started = time.monotonic()
    with pytest.raises(VectordbError) as caught:
        connect(settings, Password("hunter2"), seconds=60)
    assert time.monotonic() - started < 5
    assert caught.value.message == (
        f"{HOST}:5432 through 127.0.0.1:{settings.hostaddr_port}: the password was refused: "
        f'FATAL: password authentication failed for user "{MASTER}"'
    )
    assert caught.value.remedy == "look at the secret"


def test_another_name_in_the_certificate_is_refused(settings):
    other = dataclasses.replace(settings, host="other.us-east-1.rds.amazonaws.com")
    with pytest.raises(
        VectordbError, match=r"the server's certificate was refused: .*does not match host name"
    ) as caught:
        connect(other, Password(PASSWORD), seconds=60)
    assert "leads to another server" in caught.value.remedy


def test_another_authority_is_refused(settings):
    with pytest.raises(
        VectordbError, match=r"the server's certificate was refused: .*certificate verify failed"
    ) as caught:
        connect(dataclasses.replace(settings, ca_bundle=None), Password(PASSWORD), seconds=60)
    assert "us-east-1-bundle.pem" in caught.value.remedy


def test_a_database_that_is_not_there_is_not_waited_for(settings):
    with pytest.raises(
        VectordbError, match='the database refused the connection: FATAL: database "nope" does not exist'
    ):
        connect(dataclasses.replace(settings, database="nope"), Password(PASSWORD), seconds=60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_database_that_does_not_answer_is_given_up_at_the_deadline(settings):
    said, port = [], free_port()
    started = time.monotonic()
    with pytest.raises(
        VectordbError,
        match=r"no connection within 0.8 s \(\d+ attempts\): the database does not answer: Connection refused",
    ) as caught:
        connect(settings, Password(PASSWORD), said, seconds=0.8, route=Route("127.0.0.1", port))
    assert 0.7 < time.monotonic() - started < 4
    assert "security group" in caught.value.remedy
    assert len(said) == 1
    assert said[0].startswith("waiting: the database does not answer (Connection refused")


def server_saying(*answers):
    """A server that answers each connection with bytes, then closes; says no to TLS by nothing but that."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work():
        for answer in answers:
            client, _ = listener.accept()
            with client:
                client.recv(8)
                client.sendall(answer)
        listener.close()

    threading.Thread(target=work, daemon=True).start()
    return listener.getsockname()[1]


def test_a_server_without_tls_is_refused(settings):
    with pytest.raises(VectordbError, match="server does not support SSL"):
        connect(settings, Password(PASSWORD), seconds=60, route=Route("127.0.0.1", server_saying(b"N")))


def forwarding(port, drop):
    """Forwards to a port, but drops the first connections."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    def work():
        for _ in range(drop):
            listener.accept()[0].close()
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        other = threading.Thread(target=pump, args=(server, client), daemon=True)
        other.start()
        pump(client, server)
        other.join()
        for one in (client, server, listener):
            one.close()

    threading.Thread(target=work, daemon=True).start()
    return listener.getsockname()[1]


def test_connections_that_are_cut_short_are_tried_again(settings):
    said = []
    with connect(
        settings,
        Password(PASSWORD),
        said,
        seconds=20,
        route=Route("127.0.0.1", forwarding(settings.hostaddr_port, drop=2)),
    ) as opened:
        assert opened.execute("select 1").fetchone() == (1,)
    assert len(said) == 1
    assert said[0].startswith("waiting: the database does not answer")


def test_a_full_database_is_waited_for(servers, settings):
    with servers(18).superuser_connection() as superuser:
        superuser.execute("create role crowded login password 'pw' connection limit 1")
    try:
        said = []
        first = connect(settings, Password("pw", user="crowded"))
        threading.Timer(0.6, first.close).start()
        with connect(settings, Password("pw", user="crowded"), said, seconds=20) as opened:
            assert opened.execute("select 1").fetchone() == (1,)
        assert said == ['waiting: the database has no connection free (FATAL: too many connections for role "crowded")']
    finally:
        with servers(18).superuser_connection() as superuser:
            superuser.execute("drop role crowded")


def test_a_reader_behind_a_pinned_way_means_a_new_way(servers, settings):
    with servers(18).superuser_connection() as superuser:
        superuser.execute(
            "create role reader_only login password 'pw'; alter role reader_only set default_transaction_read_only = on"
        )
    try:
        with pytest.raises(RouteLostError, match="leads to a reader: session is read-only"):
            connect(
                settings,
                Password("pw", user="reader_only"),
                route=Route("127.0.0.1", settings.hostaddr_port, pinned=True),
            )
        with pytest.raises(
            VectordbError, match=r"no connection within 0.5 s .*a reader answered in place of the writer"
        ):
            connect(settings, Password("pw", user="reader_only"), seconds=0.5)
    finally:
        with servers(18).superuser_connection() as superuser:
            superuser.execute("drop role reader_only")


def test_access_says_which_way_it_took_and_closes_it(settings):
    said = []
    with access.opened(settings, Password(PASSWORD), deadline=Deadline(5), say=said.append) as opened:
        assert opened.execute("select 1").fetchone() == (1,)
    assert opened.closed
    assert said == ["transport: direct (VECTORDB_HOSTADDR is 127.0.0.1)"]


@pytest.mark.parametrize(
    ("extra", "name", "reason"),
    [
        ({}, "ssm", "through the bastion i-0123456789abcdef0, as VECTORDB_TRANSPORT says"),
        ({"VECTORDB_TRANSPORT": "direct"}, "direct", "VECTORDB_TRANSPORT is direct"),
        (
            {"VECTORDB_TRANSPORT": "data-api", "VECTORDB_CLUSTER_ARN": "arn:aws:rds:x"},
            "data-api",
            "VECTORDB_TRANSPORT is data-api",
        ),
        (
            {
                "VECTORDB_TRANSPORT": "data-api",
                "VECTORDB_CLUSTER_ARN": "arn:aws:rds:x",
                "VECTORDB_HOSTADDR": "127.0.0.1",
            },
            "direct",
            "VECTORDB_HOSTADDR is 127.0.0.1",
        ),
    ],
)
def test_the_transport_and_its_reason(extra, name, reason):
    assert transport.choose(Settings.from_environment(GOOD | extra)) == transport.Choice(name, reason)


def test_the_data_api_is_refused_with_what_to_set_instead():
    settings = Settings.from_environment(
        GOOD
        | {"VECTORDB_TRANSPORT": "data-api", "VECTORDB_CLUSTER_ARN": "arn:aws:rds:us-east-1:123456789012:cluster:db"}
    )
    with (
        pytest.raises(VectordbError, match="takes single statements and no connections") as caught,
        access.opened(settings, Password("pw"), deadline=Deadline(5), say=lambda _: None),
    ):
        pass
    assert "vectordb:transport" in caught.value.remedy


def test_libpq_knows_require_auth():
    assert psycopg.pq.version() >= 160000
    assert PORT == 5432
