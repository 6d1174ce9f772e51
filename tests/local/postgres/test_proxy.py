"""The endpoint: TLS and IAM tokens, as a client of RDS sees them."""

import contextlib
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from vectordb.local import certificates

from .conftest import DATABASE, MASTER, NAME, PASSWORD, Front, token


class TestTokens:
    @pytest.mark.parametrize("user", ["app", "member"])
    def test_a_user_of_rds_iam_logs_in(self, front: Front, user: str) -> None:
        with front.connect(user, token(user)) as connection:
            assert connection.execute("SELECT current_user, session_user").fetchone() == (user, user)
            assert connection.pgconn.ssl_in_use

    @pytest.mark.parametrize(
        ("made", "reason"),
        [
            ({"age": 901}, "it expired at"),
            ({"age": -320}, "it is signed in the future"),
            ({"secret": "guessed"}, "its signature is wrong"),
            ({"host": "localhost"}, "it is signed for localhost:5432"),
            ({"user": "member"}, "it is for connect as 'member'"),
        ],
        ids=["expired", "future", "forged", "localhost", "another user"],
    )
    def test_a_bad_token_is_refused_in_the_words_of_rds(self, front: Front, made: dict[str, Any], reason: str) -> None:
        bad = token(**({"user": "app"} | made))
        assert front.refused("app", bad) == 'PAM authentication failed for user "app"'
        log = front.log.read_text()
        assert f'PAM authentication failed for user "app": {reason}' in log
        assert bad not in log

    def test_a_password_is_no_token(self, front: Front) -> None:
        assert front.refused("app", "password") == 'PAM authentication failed for user "app"'

    def test_membership_counts_from_the_moment_it_is_granted(self, front: Front) -> None:
        front.stack.execute("CREATE ROLE newcomer LOGIN PASSWORD 'secret'")
        try:
            front.connect("newcomer", "secret").close()
            front.stack.execute("GRANT rds_iam TO newcomer")
            assert front.refused("newcomer", "secret") == 'PAM authentication failed for user "newcomer"'
            front.connect("newcomer", token("newcomer")).close()
            front.stack.execute("REVOKE rds_iam FROM newcomer")
            front.connect("newcomer", "secret").close()
            assert front.refused("newcomer", token("newcomer")) == 'password authentication failed for user "newcomer"'
        finally:
            front.stack.execute("DROP ROLE newcomer")


class TestPasswords:
    def test_the_master_logs_in_by_scram(self, front: Front) -> None:
        with front.connect(MASTER, PASSWORD, require_auth="scram-sha-256") as connection:
            assert connection.execute(
                "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone() == (MASTER, False)
        assert front.refused(MASTER, "wrong") == f'password authentication failed for user "{MASTER}"'

    def test_an_ordinary_user_logs_in_by_scram(self, front: Front) -> None:
        front.connect("plain", "plain", require_auth="scram-sha-256").close()
        assert front.refused("plain", "wrong") == 'password authentication failed for user "plain"'

    def test_a_user_who_does_not_exist(self, front: Front) -> None:
        assert front.refused("nobody_here", "x") == 'password authentication failed for user "nobody_here"'

    def test_the_admin_option_alone_opens_no_door(self, front: Front) -> None:
        """pg_hba.conf's `+rds_iam` counts a member of rds_superuser, and whoever made an IAM user: both need their password."""
        with front.connect("dba", "dba") as connection:
            connection.execute("CREATE ROLE theirs LOGIN; GRANT rds_iam TO theirs")
        assert front.refused("dba", "wrong") == 'password authentication failed for user "dba"'
        assert front.refused("dba", token("dba")) == 'password authentication failed for user "dba"'
        front.stack.execute("ALTER ROLE dba VALID UNTIL '2001-01-01'")
        assert front.refused("dba", "dba") == 'password authentication failed for user "dba"'
        front.stack.execute("ALTER ROLE dba VALID UNTIL 'infinity'")
        with front.connect("dba", "dba") as connection:
            connection.execute("DROP ROLE theirs")

    @pytest.mark.parametrize("user", ["rdsadmin", "x" * 63 + "tail"])
    def test_who_never_comes_in(self, front: Front, user: str) -> None:
        assert front.refused(user, "") == {
            "rdsadmin": f'pg_hba.conf rejects connection for host "127.0.0.1", user "rdsadmin", database "{DATABASE}", SSL encryption',
        }.get(user, f'role "{user}" does not exist')

    def test_a_long_name_is_not_cut_to_that_of_an_iam_user(self, front: Front) -> None:
        name = "i" * 63
        front.stack.execute(f"CREATE ROLE {name} LOGIN; GRANT rds_iam TO {name}")
        try:
            assert front.refused(name + "j", "") == f'role "{name}j" does not exist'
        finally:
            front.stack.execute(f"DROP ROLE {name}")


class TestTls:
    def test_clear_text_is_refused(self, front: Front) -> None:
        assert (
            front.refused("app", token("app"), sslmode="disable")
            == f'no pg_hba.conf entry for host "127.0.0.1", user "app", database "{DATABASE}", no encryption'
        )

    def test_another_authority_is_refused(self, front: Front, tmp_path: Path) -> None:
        other = certificates.issue(tmp_path, [NAME])
        assert "certificate verify failed" in front.refused("app", token("app"), sslrootcert=str(other.ca))

    def test_another_name_is_refused(self, front: Front) -> None:
        said = front.refused("app", token("app"), host="localhost")
        assert f'server certificate for "{NAME}" does not match host name "localhost"' in said

    def test_tls_without_asking(self, front: Front) -> None:
        with front.connect("app", token("app"), sslnegotiation="direct") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_gss_is_declined_and_tls_follows(self, front: Front) -> None:
        with socket.create_connection(("127.0.0.1", front.port)) as bare:
            bare.sendall(struct.pack("!II", 8, 80877104))
            assert bare.recv(1) == b"N"
            bare.sendall(struct.pack("!II", 8, 80877103))
            assert bare.recv(1) == b"S"

    def test_clear_text_sent_ahead_is_not_taken_for_encrypted(self, front: Front) -> None:
        with socket.create_connection(("127.0.0.1", front.port)) as bare:
            packet = struct.pack("!I", 196608) + b"user\0app\0\0"
            bare.sendall(struct.pack("!II", 8, 80877103) + struct.pack("!I", len(packet) + 4) + packet)
            bare.settimeout(5)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while block := bare.recv(4096):
                    received += block
        assert received[:1] == b"S"
        assert b"PAM" not in received
        assert received[1:2] in {b"", b"\x15"}  # a TLS alert

    def test_nothing_older_than_tls_1_2(self, front: Front) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(front.ca)
        context.set_alpn_protocols(["postgresql"])
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection(("127.0.0.1", front.port)) as bare,
            context.wrap_socket(bare, server_hostname=NAME) as wrapped,
        ):
            assert wrapped.version() == "TLSv1.2"
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", front.port)) as bare,
            pytest.raises(ssl.SSLError, match=r"EOF|ALERT_PROTOCOL_VERSION"),
        ):
            context.wrap_socket(bare, server_hostname=NAME)
