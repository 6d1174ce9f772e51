"""The logins that the configuration names: made, changed and locked out with it."""

import psycopg
import pytest

from tests.sql.cases import PASSWORD, SQL, USERS
from tests.sql.doubles import FUNCTION_ARN
from vectordb.database import migrate, sqlfiles
from vectordb.errors import VectordbError

USERS_FILE = ["repeatable/95_users.sql"]


def memberships(superuser, user):
    return superuser.execute(
        "SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = %s::regrole ORDER BY 1", (user,)
    ).fetchall()


def test_a_user_that_is_configured_no_more_is_locked_out(database, superuser):
    try:
        assert database.apply(users=[user for user in USERS if user["name"] != "analyst"]) == USERS_FILE
        said = "repeatable/95_users.sql: NOTICE: the user 'analyst' is configured no more: it cannot log in again; sessions that are open stay"
        assert said in database.said
        assert [line for line in database.said if "WARNING" in line] == []
        with pytest.raises(psycopg.OperationalError, match='role "analyst" is not permitted to log in'):
            database.login("analyst")
        assert memberships(superuser, "analyst") == [("rds_iam",)]
    finally:
        assert database.apply() == USERS_FILE
    assert memberships(superuser, "analyst") == [("rds_iam",), ("vectordb_reader",)]
    with database.login("analyst") as connection:
        assert connection.execute("SELECT count(*) FROM s3vl.list_indexes()").fetchone() == (7,)


def test_access_changes_with_the_configuration(database, superuser):
    try:
        database.apply(users=[{"name": "vectordb_app", "access": "reader"}, {"name": "operator", "access": "writer"}])
        assert memberships(superuser, "vectordb_app") == [("rds_iam",), ("vectordb_reader",)]
        assert memberships(superuser, "operator") == [("rds_iam",), ("vectordb_writer",)]
    finally:
        database.apply()
    assert memberships(superuser, "vectordb_app") == [("rds_iam",), ("vectordb_writer",)]
    assert memberships(superuser, "operator") == [("rds_iam",), ("vectordb_owner",), ("vectordb_writer",)]


@pytest.mark.parametrize("name", ["nobody", "vectordb_admin", "vectordb_owner", "rds_iam", "rdsadmin"])
def test_a_role_of_somebody_else_is_never_taken_over(database, superuser, nobody, name):
    before = memberships(superuser, name)
    with pytest.raises(VectordbError, match="exists and was not made by the deployment"):
        database.apply(users=[*USERS, {"name": name, "access": "admin"}])
    assert memberships(superuser, name) == before
    assert database.apply() == []


def test_odd_names_are_names(database, superuser):
    odd = 'Ann"; DROP ROLE x; --'
    try:
        database.apply(users=[*USERS, {"name": odd, "access": "reader"}])
        assert superuser.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (odd,)).fetchone() == (True,)
    finally:
        database.apply()
        superuser.execute(psycopg.sql.SQL("DROP ROLE {}").format(psycopg.sql.Identifier(odd)))


def test_an_access_that_does_not_exist_is_refused(database):
    with pytest.raises(VectordbError, match="the user 'x' has the access 'root'"):
        database.apply(users=[{"name": "x", "access": "root"}])
    assert database.apply() == []


def test_the_files_can_be_applied_from_nothing_again(database, superuser):
    """Roles outlive a database: a second database of the same server finds them."""
    superuser.execute("CREATE DATABASE second OWNER vectordb_admin")
    try:
        values = {
            "embedding": "null",
            "function_arn": FUNCTION_ARN,
            "indexes": "[]",
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": "[]",
        }
        summary = migrate.apply(
            lambda: psycopg.connect(
                host=str(database.server.socket_directory),
                dbname="second",
                user="vectordb_admin",
                password=PASSWORD,
                autocommit=True,
            ),
            sqlfiles.discover(SQL),
            values,
            timeout=30,
            say=lambda text: None,
        )
        assert summary.applied == [
            f"{path.parent.name}/{path.name}"
            for path in sorted(SQL.rglob("*.sql"), key=lambda p: (p.parent.name != "versioned", p.name))
        ]
    finally:
        superuser.execute("DROP DATABASE second WITH (FORCE)")
