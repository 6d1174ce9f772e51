"""The server's settings: our defaults, then the parameter group's, then what must hold here."""

import re
from collections.abc import Mapping
from pathlib import Path

from vectordb.local.postgres.runtime import Runtime

# What a parameter group may change.
_DEFAULTS = {
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "aws_lambda.connect_timeout_ms": "1000",
    "aws_lambda.request_timeout_ms": "3000",
    # Nothing is flushed to the disk on commit. Committed rows survive kill -9 of the server, for the kernel holds the pages; after a
    # power cut the data directory may be damaged, and `vectordb local reset` makes it again. That is the right price for a copy.
    "fsync": "off",
    "full_page_writes": "off",
}
# What the scheduler of pg_cron goes by; over C they are known to the server, otherwise they are placeholders that nobody checks.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL_pg_cron.html
CRON = "pg_cron"
_CRON_DEFAULTS = {
    "cron.database_name": "postgres",
    "cron.host": "localhost",
    "cron.log_run": "on",
    "cron.log_statement": "on",
    "cron.max_running_jobs": "5",
    "cron.timezone": "GMT",
    "cron.use_background_workers": "on",
}
_PLACEHOLDER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+")
# Where the server is and who may come in is decided here; TLS belongs to the proxy in front.
_OURS = frozenset(
    {
        "config_file", "data_directory", "external_pid_file", "hba_file", "hba_file_default", "ident_file", "listen_addresses",
        "log_destination", "logging_collector", "port", "ssl", "ssl_ca_file", "ssl_cert_file", "ssl_crl_dir", "ssl_crl_file", "ssl_key_file",
        "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
    }
)  # fmt: skip


def merge(
    asked: Mapping[str, str],
    runtime: Runtime,
    *,
    socket_directory: Path,
    port: int,
    endpoint: str,
    region: str,
    access_key: str,
    bedrock_access_key: str,
) -> tuple[dict[str, str], list[str]]:
    """The settings to start the server with, and the names that were left out.

    Left out are: libraries that the wheel does not carry (from `shared_preload_libraries`), settings that PostgreSQL does not know
    (Aurora's own without a prefix), values that are formulas of a parameter group (`{DBInstanceClassMemory/…}`), and what is decided
    here. A name with a prefix (`rds.force_ssl`) is accepted and means nothing, as PostgreSQL does with any.

    Args:
        asked: names and values of the parameter group.
        runtime: tells which settings and libraries there are.
        socket_directory: where the server's socket goes.
        port: the number in the socket's name.
        endpoint: where the C transport of aws_lambda and aws_ml sends its requests, `http://host:port`.
        region: the region of a function whose name gives none, for the C transport.
        access_key: tells the Lambda service which database calls, for the C transport.
        bedrock_access_key: tells Amazon Bedrock so.
    """
    left_out: list[str] = []
    chosen = dict(_DEFAULTS)
    libraries: list[str] = []
    known = runtime.known_settings
    for name, value in asked.items():
        lower = name.lower()
        if lower == "shared_preload_libraries":
            named = [part.strip().strip("\"'") for part in value.split(",")]
            libraries += [library for library in named if library and runtime.has_library(library)]
            left_out += [library for library in named if library and not runtime.has_library(library)]
        elif lower in _OURS or "{" in value or not (lower in known or _PLACEHOLDER.fullmatch(name)):
            left_out.append(name)
        else:
            chosen[lower] = value
    if CRON in libraries:
        chosen = _CRON_DEFAULTS | chosen
    if runtime.transport == "c":
        libraries.append("aws_lambda")
        chosen["aws_lambda.local_region"] = region
        chosen["aws_lambda.local_access_key"] = access_key
        chosen["aws_ml.local_access_key"] = bedrock_access_key
        if endpoint:
            chosen["aws_lambda.endpoint_override"] = endpoint
    quoted = str(socket_directory).replace('"', '""')
    fixed = {
        "listen_addresses": "",
        "port": str(port),
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
        "log_destination": "stderr",
        "shared_preload_libraries": ",".join(dict.fromkeys(libraries)),
    }
    return chosen | fixed, left_out
