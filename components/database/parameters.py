"""What the parameter groups hold, as plain functions: forced TLS, libraries, logging, the functions that SQL calls."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

# aws_lambda gives up after 3 s by default: shorter than a cold start and a query together. The function's own limit
# (components/lambda_bridge.py) is below the request's, so that the error that SQL sees is the function's. Both engines
# have these parameters, and they are dynamic (Aurora and RDS User Guides, "AWS Lambda function and parameter reference").
CONNECT_TIMEOUT_MS = 2_000
REQUEST_TIMEOUT_MS = 30_000

DEFAULT_LIBRARIES = ("pg_stat_statements",)
"""What AWS's default groups of both engines preload. RDS puts its own (rdsutils, rds_casts) in front by itself."""

SLOW_STATEMENT_MS = 500

IMMEDIATE = frozenset(
    {
        "aws_lambda.connect_timeout_ms",
        "aws_lambda.request_timeout_ms",
        "autovacuum_analyze_scale_factor",
        "autovacuum_vacuum_cost_limit",
        "autovacuum_vacuum_scale_factor",
        "checkpoint_timeout",
        "default_statistics_target",
        "effective_cache_size",
        "effective_io_concurrency",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "log_autovacuum_min_duration",
        "log_connections",
        "log_disconnections",
        "log_lock_waits",
        "log_min_duration_statement",
        "log_statement",
        "log_temp_files",
        "maintenance_work_mem",
        "max_parallel_maintenance_workers",
        "max_parallel_workers_per_gather",
        "random_page_cost",
        "statement_timeout",
        "work_mem",
    }
)
"""Parameters that take effect without a restart (PostgreSQL documentation, server configuration: none of them "can only
be set at server start") and whose value here is never AWS's default.

All others wait for a restart. That is refused for none: `immediate` is, for a static one (InvalidParameterCombination).
A dynamic one whose value is AWS's default belongs there too (rds.force_ssl, track_io_timing): AWS keeps
`pending-reboot` for it, so that `immediate` would be a difference at every run (provider documentation of the parameter
group, "Problematic Plan Changes"). A group that is made with its database is in force from its first start.
"""


RESERVED = frozenset({"rds.force_ssl", "rds.custom_dns_resolution", "shared_preload_libraries", "cron.database_name"})
"""What a stack may not set itself; each has an argument of its own, but for TLS, which is not to be had without."""


class Parameter(TypedDict):
    """One parameter, in the provider's words."""

    name: str
    value: str
    apply_method: str


def group(
    own: Mapping[str, str],
    libraries: Sequence[str],
    *,
    database_name: str,
    cron: bool,
    private_names: bool,
) -> list[Parameter]:
    """The parameters of a group, sorted by name.

    Args:
        own: the stack's own parameters; they win over the logging and the timeouts.
        libraries: what is preloaded beside AWS's default.
        database_name: the one database in which pg_cron runs jobs.
        cron: preload pg_cron.
        private_names: resolve names in the VPC's DNS, as RDS must to find an interface endpoint; Aurora does so anyway
            and has no such parameter.

    Raises:
        ValueError: `own` has a name that is the program's.
    """
    if taken := sorted(RESERVED & own.keys()):
        raise ValueError(f"parameters has {', '.join(taken)}, which the program sets. Leave it out.")
    values = {
        "rds.force_ssl": "1",
        "aws_lambda.connect_timeout_ms": str(CONNECT_TIMEOUT_MS),
        "aws_lambda.request_timeout_ms": str(REQUEST_TIMEOUT_MS),
        "log_connections": "1",
        "log_disconnections": "1",
        "log_lock_waits": "1",
        "log_min_duration_statement": str(SLOW_STATEMENT_MS),
        "track_io_timing": "1",
        **own,
        "shared_preload_libraries": preloaded(libraries, cron=cron),
    }
    if cron:
        values["cron.database_name"] = database_name
    if private_names:
        values["rds.custom_dns_resolution"] = "1"
    return [Parameter(name=name, value=values[name], apply_method=apply_method(name)) for name in sorted(values)]


def preloaded(libraries: Sequence[str], *, cron: bool) -> str:
    """`shared_preload_libraries`: AWS's default, then what is asked for; a group's value replaces the default."""
    return ",".join(dict.fromkeys([*DEFAULT_LIBRARIES, *(["pg_cron"] if cron else []), *libraries]))


def apply_method(name: str) -> str:
    """When a change of the parameter takes effect."""
    return "immediate" if name in IMMEDIATE else "pending-reboot"
