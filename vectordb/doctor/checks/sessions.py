"""What only a session inside the database can tell: logins, extensions, the ledger."""

import json

import psycopg

from vectordb.database import extensions, migrate, sqlfiles, values
from vectordb.database.iam import TokenLogin
from vectordb.doctor.context import Connection, Context, Subject
from vectordb.doctor.findings import Finding, failed, not_applicable, ok, warning
from vectordb.errors import VectordbError

REQUIRED = ("aws_lambda", "vector")
"""The extensions that sql/versioned makes."""

# pgvector's changelog, 0.8.3: possible corruption of HNSW indexes by VACUUM.
_SOUND_VACUUM = (0, 8, 3)
_APPLY = "vectordb migrate apply"

_UNKNOWN, _LOCKED, _NO_MEMBER = "does not exist", "may not log in (NOLOGIN)", "is no member of rds_iam"
_MENDED = {
    _UNKNOWN: "DELETE FROM vectordb.migrations WHERE name = '95_users.sql'; (then apply)",
    _LOCKED: 'ALTER ROLE "{user}" LOGIN;',
    _NO_MEMBER: 'GRANT rds_iam TO "{user}";',
}
"""What is wrong with a role → the statement that mends it."""

_ROLES = """
SELECT r.rolname, r.rolcanlogin, coalesce(pg_has_role(r.oid, g.oid, 'USAGE'), false)
FROM pg_catalog.pg_roles AS r LEFT JOIN pg_catalog.pg_roles AS g ON g.rolname = 'rds_iam'
WHERE r.rolname = ANY (%s)
"""


def _login(context: Context, user: str) -> Connection:
    settings = context.settings
    login = TokenLogin(host=settings.host, port=settings.port, user=user, region=settings.region)
    return context.log_in(login)


def iam_login(context: Context) -> Finding:
    """The configured users get in with a signed token, the everyday login first."""
    users = [str(row["name"]) for row in json.loads(context.settings.users)]
    everyday = context.subject.user
    users = list(dict.fromkeys([*([everyday] if everyday else []), *users]))
    if not users:
        return not_applicable("the stack has no users (vectordb:users)")
    refused: dict[str, VectordbError] = {}
    for user in users:
        try:
            opened = _login(context, user)
        except VectordbError as error:
            refused[user] = error
        else:
            context.everyday = context.everyday or opened
    if not refused:
        return ok(f"{', '.join(users)}: in by token")
    return _explained(context, users, refused)


def _explained(context: Context, users: list[str], refused: dict[str, VectordbError]) -> Finding:
    """Why those were refused: the database's catalogue knows what is wrong with a role."""
    wrong = _wrong_roles(context, list(refused))
    if wrong:
        return failed(
            "; ".join(f"{user} {problem}" for user, problem in wrong.items()),
            f"Applying the SQL makes configured users and their grants: {_APPLY}. Where the ledger says that was done, as the "
            "master: " + " ".join(_MENDED[problem].format(user=user) for user, problem in wrong.items()),
        )
    first, error = next(iter(refused.items()))
    if context.everyday is None:
        return failed(f"{first}: {error.message}", error.remedy)
    inside = ", ".join(user for user in users if user not in refused)
    return warning(f"{inside}: in by token; {', '.join(refused)}: refused, with sound roles", error.remedy)


def _wrong_roles(context: Context, users: list[str]) -> dict[str, str]:
    try:
        connection = context.everyday or context.master()
        rows = connection.execute(_ROLES, (users,)).fetchall()
    except (VectordbError, psycopg.Error):
        return {}
    found = {name: (can_log_in, member) for name, can_log_in, member in rows}
    wrong = {}
    for user in users:
        can_log_in, member = found.get(user, (False, False))
        if user not in found:
            wrong[user] = _UNKNOWN
        elif not can_log_in:
            wrong[user] = _LOCKED
        elif not member:
            wrong[user] = _NO_MEMBER
    return wrong


def is_over_https(subject: Subject) -> bool:
    """Whether the stack's way is the Data API."""
    return subject.settings.transport == "data-api"


def data_api(context: Context) -> Finding:
    """The RDS Data API runs a statement; a cluster that is paused wakes."""
    row = context.master().execute("SELECT pg_catalog.current_setting('server_version')").fetchone()
    return ok(f"PostgreSQL {str(row[0]).split()[0] if row else '?'} answered over HTTPS")


def installed_extensions(context: Context) -> Finding:
    """The extensions are there, in versions without known holes."""
    found = extensions.read(context.sql())
    missing = [name for name in REQUIRED if name not in found.installed]
    if missing:
        return failed(
            f"not installed: {', '.join(missing)}",
            f"Apply the SQL: {_APPLY}; where the ledger says that was done, as the master: "
            + " ".join(f"CREATE EXTENSION {name} CASCADE;" for name in missing),
        )
    versions = ", ".join(f"{name} {version}" for name, version in found.installed.items())
    numbers, available = extensions.numbers(found.installed["vector"]), found.available.get("vector", "")
    newer = extensions.numbers(available) > numbers
    upgrade = (
        f"{available} is available: put ALTER EXTENSION vector UPDATE into a file of sql/versioned. "
        if newer
        else "Upgrade the engine, which brings a newer one. "
    )
    if found.pgvector_is_unsafe():
        return warning(
            f"{versions}: pgvector below 0.8.2 has CVE-2026-3172, parallel HNSW builds can leak data of other relations",
            f"{upgrade}Until then build indexes with max_parallel_maintenance_workers = 0, as `vectordb migrate apply` does.",
        )
    if numbers < _SOUND_VACUUM:
        return warning(
            f"{versions}: pgvector below 0.8.3 may corrupt HNSW indexes when they are vacuumed",
            f"{upgrade}Then REINDEX INDEX CONCURRENTLY on every HNSW index.",
        )
    if newer:
        return warning(f"{versions}; pgvector {available} is available", upgrade.strip())
    return ok(versions)


def sql_ledger(context: Context) -> Finding:
    """The database has had exactly the SQL files that are here, as `vectordb migrate check` says."""
    folder = context.subject.sql
    files = sqlfiles.discover(folder)
    session = context.master()
    given = values.from_settings(context.settings, master=context.master_login().user)
    found = migrate.plan(session, files, given)
    if found.edited:
        names = ", ".join(one.prepared.file.label for one in found.edited)
        return failed(
            f"changed after they had been applied: {names}",
            "`vectordb migrate plan` shows the difference: give each file its text back, and put the change into a new file.",
        )
    if found.steps:
        names = ", ".join(f"{step.label} ({step.why})" for step in found.steps)
        return failed(f"not applied: {names}", f"Apply them with `pulumi up`, or {_APPLY}.")
    if found.missing:
        return warning(
            f"{found.unchanged} files applied; the database has had others too: {', '.join(found.missing)}",
            "This checkout is older than the deployment, or a file was removed: compare with what was deployed last.",
        )
    return ok(f"{found.unchanged} files, all as applied")
