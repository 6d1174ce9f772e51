"""A pool whose every connection logs in anew."""

import urllib.parse

import psycopg
import pytest

from vectordb.database import iam
from vectordb.database.pool import pool

from .conftest import HOST, MASTER, PASSWORD, Password

USER = "pooled"


@pytest.fixture
def pooled(servers):
    with servers(18).superuser_connection() as superuser:
        superuser.execute(f"create role {USER} login; grant rds_iam to {USER}")
        yield superuser
        superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (USER,))
        superuser.execute(f"drop role {USER}")


@pytest.fixture
def tokens(monkeypatch):
    """Every token that was signed."""
    made = []
    sign = iam.token

    def signed(**given):
        made.append(sign(**given))
        return made[-1]

    monkeypatch.setattr(iam, "token", signed)
    return made


def test_each_connection_is_opened_with_a_token_of_its_own(settings, pooled, tokens):
    with pool(settings, user=USER, min_size=1, max_size=3, options={"hnsw.ef_search": "77"}) as made:
        with made.connection() as first, made.connection() as second, made.connection() as third:
            assert len({one.info.backend_pid for one in (first, second, third)}) == 3
            for one in (first, second, third):
                assert one.pgconn.ssl_in_use
                shown = one.execute("select current_user::text, current_setting('hnsw.ef_search')").fetchone()
                assert shown == (USER, "77")
        assert len(tokens) == 3
        with made.connection() as again:
            assert again.execute("select 1").fetchone() == (1,)
        assert len(tokens) == 3  # a connection that is open needs none
    signed_for = urllib.parse.urlsplit(f"https://{tokens[0]}")
    assert (signed_for.hostname, signed_for.port) == (HOST, 5432)


def test_a_connection_that_was_cut_is_replaced_before_it_is_lent(settings, pooled, tokens):
    with pool(settings, user=USER, min_size=1, max_size=1) as made:
        with made.connection() as connection:
            before = connection.info.backend_pid
        pooled.execute("select pg_terminate_backend(%s, 5000)", (before,))
        with made.connection() as connection:
            assert connection.info.backend_pid != before
        assert len(tokens) == 2


def test_another_kind_of_login(settings):
    with pool(settings, login=Password(PASSWORD), min_size=0, max_size=1) as made, made.connection() as connection:
        assert connection.execute("select current_user::text").fetchone() == (MASTER,)


def test_a_pool_needs_to_know_who_logs_in(settings):
    with pytest.raises(ValueError, match="pool needs user"):
        pool(settings)


def test_a_refused_login_is_told_to_who_borrows(settings, pooled):
    with (
        pool(settings, user="nobody_here", min_size=0, max_size=1, timeout=1) as made,
        pytest.raises(psycopg.OperationalError),
        made.connection(),
    ):
        pass
