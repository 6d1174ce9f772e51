"""What libpq says, and what it means."""

import pytest

from vectordb.database.faults import WAITS, Fault, classify, spoken

TO = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (f'{TO}FATAL:  password authentication failed for user "vectordb_admin"', Fault.PASSWORD),
        (f'{TO}FATAL:  PAM authentication failed for user "vectordb_app"', Fault.PASSWORD),
        (f"{TO}FATAL:  sorry, too many clients already", Fault.BUSY),
        (f"{TO}FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", Fault.BUSY),
        (f'{TO}FATAL:  too many connections for role "vectordb_app"', Fault.BUSY),
        (f"{TO}FATAL:  the database system is starting up", Fault.STARTING),
        (f"{TO}FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent", Fault.STARTING),
        (f"{TO}FATAL:  terminating connection due to administrator command", Fault.STARTING),
        (f"{TO}session is read-only", Fault.READ_ONLY),
        (
            f"{TO}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            Fault.UNREACHABLE,
        ),
        (f"{TO}server closed the connection unexpectedly", Fault.UNREACHABLE),
        (f"{TO}SSL SYSCALL error: EOF detected", Fault.UNREACHABLE),
        (f"{TO}SSL error: unexpected eof while reading", Fault.UNREACHABLE),
        ("connection timeout expired", Fault.UNREACHABLE),
        ("failed to resolve host 'x': [Errno -3] Temporary failure in name resolution", Fault.UNREACHABLE),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", Fault.NAME),
        (f"{TO}SSL error: certificate verify failed", Fault.CERTIFICATE),
        (f'{TO}server certificate for "a" does not match host name "b"', Fault.CERTIFICATE),
        (f'{TO}root certificate file "/x" does not exist', Fault.CERTIFICATE),
        (
            f'{TO}authentication method requirement "password" failed: server requested SASL authentication',
            Fault.METHOD,
        ),
        (f'{TO}FATAL:  database "nope" does not exist', Fault.OTHER),
        (f'{TO}FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", no encryption', Fault.OTHER),
    ],
)
def test_each_failure_has_its_kind(said, fault):
    assert classify(said) is fault


def test_only_what_passes_by_itself_is_waited_for():
    assert {Fault.BUSY, Fault.STARTING, Fault.UNREACHABLE, Fault.READ_ONLY} == WAITS


def test_the_reason_is_one_line_without_the_address():
    assert spoken(f"{TO}FATAL:  the database\n system is starting up") == "FATAL: the database system is starting up"
