"""The way back: what the files made goes, in an order that works; data and what people made does not go unasked."""

import json
import os
import signal
import time
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from vectordb.database import administered, connection, lock, migrate, removal, sqlfiles
from vectordb.errors import VectordbError

from .conftest import MASTER, VALUES

SQL = Path(__file__).parents[3] / "sql"
USERS = [{"name": "removal_reader", "access": "reader"}, {"name": "removal_admin", "access": "admin"}]
GIVEN = VALUES | {"function_arn": "", "users": json.dumps(USERS)}
ROLES = ["removal_admin", "removal_reader", "vectordb_worker", "vectordb_writer", "vectordb_reader", "vectordb_owner"]
MADE = ["embed", "embeddings", "s3vl", "vectordb"]
EXTENSIONS = ["aws_commons", "aws_lambda", "public"]
WHOLE = sorted([*EXTENSIONS, *MADE])


@pytest.fixture
def applied(database):
    """The project's own files, applied; whatever roles are left afterwards go."""

    def apply():
        return migrate.apply(
            database.connect, sqlfiles.discover(SQL), GIVEN, timeout=20, say=database.said.append
        ).applied

    database.apply_all = apply
    apply()
    yield database
    assert remove(database, with_data=True).kept_roles == {}


def remove(database, **more):
    with database.connect() as connection:
        return removal.remove(connection, **{"with_data": False, "timeout": 5, "say": database.said.append, **more})


def left(database):
    schemas = database.rows("select nspname::text from pg_namespace where nspname !~ '^pg_|^information' order by 1")
    roles = database.rows(f"select rolname::text from pg_roles where rolname = any (array{ROLES}) order by 1")
    return [name for (name,) in schemas], [name for (name,) in roles]


def test_everything_goes_and_comes_again(applied):
    done = remove(applied)
    assert (done.schemas, done.roles, done.kept_tables, done.kept_roles) == (MADE, ROLES, [], {})
    assert left(applied) == (EXTENSIONS, [])
    again = remove(applied)
    assert (again.schemas, again.roles) == ([], [])
    assert applied.apply_all() == [file.label for file in sqlfiles.discover(SQL)]
    assert left(applied)[1] == sorted(ROLES)


def test_the_master_still_logs_in_by_password(applied):
    """To look after what a login owns the master becomes a member of it; never while that one is a member of rds_iam."""
    remove(applied)
    found = applied.rows(
        "select roleid::regrole::text, inherit_option, set_option from pg_auth_members where member = %s::regrole",
        MASTER,
    )
    assert [one for one in found if one[0] == "rds_iam" and (one[1] or one[2])] == []
    with applied.connect() as connection:
        assert connection.execute("select current_user::text").fetchone() == (MASTER,)


def test_what_people_made_stays_and_belongs_to_the_master(applied):
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute(
            "create schema app authorization removal_admin; set role removal_admin; create table app.docs (x vector(3)); "
            "insert into app.docs values ('[1,2,3]')"
        )
    done = remove(applied)
    assert done.kept_roles == {}
    assert applied.rows("select x::text, tableowner::text from app.docs, pg_tables where tablename = 'docs'") == [
        ("[1,2,3]", MASTER)
    ]


def test_the_example_is_taken_up_again(applied):
    """`make up` makes the tables of vectordb_owner, and they are the master's after a removal."""
    example = resources.files("vectordb.local.example").joinpath("schema.sql").read_bytes()
    for _ in range(2):
        with applied.connect() as connection:
            connection.execute(example)
            connection.execute("set role vectordb_owner; truncate stdlib.loaded, stdlib.entries")
        remove(applied)
        applied.apply_all()


def test_what_depends_on_it_is_named_and_nothing_is_removed(applied):
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute(
            "create view public.over as select * from s3vl.index_registry; create table public.keys (k s3vl.wire_key, n int);"
            "create table public.more (arn text default s3vl.milliseconds(null)::text)"
        )
    with pytest.raises(VectordbError) as caught:
        remove(applied)
    assert caught.value.message.splitlines() == [
        "something that the SQL files did not make depends on what is to be removed:",
        "  column k of table keys",
        "  default value for column arn of table more",
        "  rule _RETURN on view over",
    ]
    assert left(applied)[0] == WHOLE
    assert len(left(applied)[1]) == len(ROLES)
    remove(applied, with_data=True)
    assert applied.rows("select to_regclass('public.over')") == [(None,)]
    assert applied.rows(
        "select attname::text from pg_attribute where attrelid = 'public.keys'::regclass and attnum > 0 and not attisdropped"
    ) == [("n",)]


def test_data_is_moved_aside_unless_it_is_to_go(applied):
    def fill():
        with applied.server.superuser_connection(applied.name) as superuser:
            superuser.execute(
                "set role vectordb_owner;"
                "create table embeddings.queue (id bigint generated always as identity, body text); create table embeddings.none ();"
                "create index on embeddings.queue (body); insert into embeddings.queue (body) values ('a'), ('b')"
            )

    fill()
    with applied.connect() as connection:
        assert removal.inventory(connection).data == (("embeddings", "queue"),)
    assert remove(applied).kept_tables == ["embeddings_kept.queue"]
    assert applied.rows("select id, body from embeddings_kept.queue order by 1") == [(1, "a"), (2, "b")]
    assert applied.rows("select tableowner::text from pg_tables where tablename = 'queue'") == [(MASTER,)]
    assert "embeddings" not in left(applied)[0]
    applied.apply_all()
    fill()
    assert remove(applied).kept_tables == ["embeddings_kept_2.queue"]
    applied.apply_all()
    fill()
    assert remove(applied, with_data=True).kept_tables == []
    assert applied.rows("select relnamespace::regnamespace::text from pg_class where relname = 'queue' order by 1") == [
        ("embeddings_kept",),
        ("embeddings_kept_2",),
    ]


def test_a_kept_table_whose_column_would_go_is_a_refusal(applied):
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute(
            "set role vectordb_owner; create domain embeddings.d as text; create table embeddings.t (x embeddings.d);"
            "insert into embeddings.t values ('a')"
        )
    with pytest.raises(VectordbError, match=r"column x of table embeddings_kept\.t"):
        remove(applied)
    assert applied.rows("select x from embeddings.t") == [("a",)]


def test_a_role_that_another_database_uses_stays_and_is_told(applied, make_database):
    other = make_database()
    with other.connect() as connection:
        connection.execute("create table t (); grant select on t to vectordb_reader")
    done = remove(applied)
    assert list(done.kept_roles) == ["vectordb_reader"]
    assert f"1 object in database {other.name}" in done.kept_roles["vectordb_reader"]
    assert done.schemas == MADE
    with other.connect() as connection:
        connection.execute("drop table t")


def test_an_applier_at_work_is_waited_for(applied):
    with applied.open() as holder:
        holder.execute("select pg_advisory_lock(%s)", (lock.KEY,))
        with pytest.raises(VectordbError, match="has held the migration lock"):
            remove(applied, timeout=0.3)
    assert left(applied)[0] == WHOLE


def test_vectorizers_go_with_their_triggers_and_what_they_made_is_kept(applied):
    def declare():
        with applied.connect() as connection:
            connection.execute("create table if not exists docs (id int primary key, body text)")
            connection.execute(
                "select embed.create_vectorizer('docs', 'docs', 'body', embedding => embed.bedrock('amazon.titan-embed-text-v2:0', 256))"
            )
            connection.execute("set role vectordb_owner")
            connection.execute(
                "insert into embeddings.docs_generation_1 (id, chunk_number, chunk, chunk_hash, embedding)"
                " values (1, 0, 'a', '', array_fill(1, array[256])::vector)"
            )

    declare()
    with applied.connect() as connection:
        there = removal.inventory(connection)
    assert there.outside == ()
    assert there.data == (("embeddings", "docs_generation_1"),)
    assert [str(one) for one in there.settings] == [
        "vectorizers, those of the configuration among them: 1 (docs of docs)"
    ]
    done = remove(applied)
    assert done.settings == {"embeddings": 1}
    assert done.kept_tables == ["embeddings_kept.docs_generation_1"]
    assert applied.rows(
        "select chunk, tableowner::text from embeddings_kept.docs_generation_1, pg_tables"
        " where tablename = 'docs_generation_1'"
    ) == [("a", MASTER)]
    assert applied.rows("insert into docs values (1, 'it is a table like others again') returning id") == [(1,)]
    applied.apply_all()
    declare()
    assert remove(applied, with_data=True).kept_tables == []
    assert applied.rows("select tgname from pg_trigger where tgrelid = 'docs'::regclass") == []


def test_somebody_who_uses_a_table_is_a_refusal(applied, monkeypatch):
    monkeypatch.setitem(connection.SESSION_OPTIONS, "lock_timeout", "200ms")
    with applied.open() as holder:
        holder.execute("begin; lock table s3vl.config in access share mode")
        with pytest.raises(VectordbError, match="somebody uses what is to be removed"):
            remove(applied)
    assert "s3vl" in left(applied)[0]


def test_a_killed_removal_is_continued(applied):
    for _ in range(5):
        child = os.fork()
        if not child:
            try:
                remove(applied)
            finally:
                os._exit(0)
        time.sleep(0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        schemas = left(applied)[0]
        assert schemas in (
            EXTENSIONS,
            WHOLE,
        )
    remove(applied, timeout=10)
    assert left(applied) == (EXTENSIONS, [])


def test_registrations_by_hand_are_told_beforehand(applied):
    arn = "arn:aws:s3vectors:us-east-1:123456789012:bucket/a-bucket/index/mine"
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute("insert into s3vl.index_registry (index_name, index_arn) values ('mine', %s)", (arn,))
    with applied.connect() as connection:
        assert removal.inventory(connection).indexes == ("mine",)


def test_what_administrators_set_is_told_beforehand(applied):
    arn = "arn:aws:s3vectors:us-east-1:123456789012:bucket/a-bucket/index/"
    with applied.connect() as connection:
        connection.execute("create role legal")
        connection.execute("set role vectordb_owner")
        assert removal.inventory(connection).settings == ()
        for name in ("contracts", "memos"):
            connection.execute("select s3vl.register_index(%s, %s)", (name, arn + name))
        assert removal.inventory(connection).settings == ()  # what any deployment gives
        connection.execute(
            "select s3vl.revoke_index('contracts', 'vectordb_reader'), s3vl.grant_index('contracts', 'legal'), "
            "s3vl.scope_index('contracts', 'customer'), s3vl.assign_vectorizer('memos', 'v'), s3vl.deactivate_index('memos'), "
            "s3vl.add_tenant('legal', 'acme'), s3vl.add_tenant('legal', 'globex'), s3vl.trust_application('legal')"
        )
        connection.execute(
            "insert into s3vl.copies (role_name, job, index_name, index_arn, query_digest) values ('legal', 'all', 'memos', 'x', 'y')"
        )
        found = removal.inventory(connection).settings
        connection.execute("reset role")
    assert [str(one) for one in found] == [
        "revoked from the groups of the deployment: 1 (read on contracts from vectordb_reader)",
        "grants of indexes: 1 (read on contracts to legal)",
        "tenant keys of indexes, those of the configuration among them: 1 (customer of contracts)",
        "indexes of vectorizers: 1 (memos of v)",
        "deactivated indexes: 1 (memos)",
        "logins bound to tenants: 2 (legal to acme, legal to globex)",
        "trusted applications: 1 (legal)",
        "jobs of s3vl.copy_to_index: 1 (all of legal, unfinished)",
    ]
    assert [one.kind for one in found if one.opens] == ["revoked", "tenantKeys", "vectorizers", "deactivated"]
    assert remove(applied).settings == {one.kind: len(one.names) for one in found}
    with applied.connect() as connection:
        connection.execute("drop role legal")


def test_many_of_a_kind_are_counted_and_the_first_shown():
    kind = administered.Settings("tenants", "logins bound to tenants", tuple("abcdefg"), opens=False)
    assert str(kind) == "logins bound to tenants: 7 (a, b, c, d, e, … and 2 more)"


def test_a_schema_of_an_earlier_version_has_less_to_tell(database):
    with database.connect() as connection:
        connection.execute(
            "create schema s3vl; create table s3vl.index_registry (id serial, index_name text, is_active bool)"
        )
        connection.execute("insert into s3vl.index_registry (index_name, is_active) values ('old', false)")
        assert [str(one) for one in removal.inventory(connection).settings] == ["deactivated indexes: 1 (old)"]


def test_a_schema_of_somebody_else_is_a_refusal(applied):
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute("create schema bedrock_integration")
    with pytest.raises(
        VectordbError, match="the master may not remove it: must be owner of schema bedrock_integration"
    ):
        remove(applied)
    assert "s3vl" in left(applied)[0]
    with applied.server.superuser_connection(applied.name) as superuser:
        superuser.execute("drop schema bedrock_integration")


def test_nothing_there(database):
    with database.connect() as connection:
        found = removal.inventory(connection)
        assert (bool(found), found.schemas) == (False, ())
        assert isinstance(connection, psycopg.Connection)
