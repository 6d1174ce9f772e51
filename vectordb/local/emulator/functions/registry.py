"""What moto knows about functions: versions, the roles' credentials, and CloudWatch Logs."""

import base64
from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.errors import not_found
from vectordb.local.emulator.functions.names import Target


def find(target: Target) -> Deployed:
    """The version that a target means.

    Raises:
        ServiceError: ResourceNotFoundException, with the whole name.
    """
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.models import lambda_backends

    backend = lambda_backends[ACCOUNT][target.region]
    try:
        function = backend.get_function(target.name, target.qualifier)
    except UnknownFunctionException as error:
        raise not_found(f"Function not found: {target.arn}") from error
    logging_config = getattr(function, "logging_config", {})
    # moto leaves the concurrency with the unpublished function.
    latest = backend.get_function(target.name)
    reserved = latest.reserved_concurrency
    return Deployed(
        region=target.region,
        name=function.function_name,
        version=str(function.version),
        handler=function.handler or "",
        runtime=function.run_time or "",
        timeout=float(function.timeout),
        memory=int(function.memory_size),
        role=function.role,
        variables=tuple(sorted((function.environment_vars or {}).items())),
        log_group=logging_config.get("LogGroup") or f"/aws/lambda/{function.function_name}",
        log_format=logging_config.get("LogFormat", "Text"),
        code_sha256=base64.b64decode(function.code_sha_256).hex(),
        code=function.code_bytes,
        reserved=None if reserved is None else int(reserved),
        dead_letters=getattr(function, "dead_letters", ""),
    )


def credentials(deployed: Deployed) -> dict[str, str]:
    """The role's credentials, so that GetCallerIdentity in the function names the role and the function."""
    from moto.sts.models import sts_backends

    role = sts_backends[ACCOUNT][partition_of(deployed.region)].assume_role(
        region_name=deployed.region,
        role_session_name=deployed.name,
        role_arn=deployed.role,
        policy="",
        duration=12 * 3600,
        external_id="",
    )
    return {
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }


def write_log(deployed: Deployed, stream: str, events: list[dict[str, Any]]) -> None:
    """Put events (timestamp in milliseconds, message) into CloudWatch Logs."""
    from moto.logs.models import logs_backends

    backend = logs_backends[ACCOUNT][deployed.region]
    backend.ensure_log_group(deployed.log_group)
    backend.ensure_log_stream(deployed.log_group, stream)
    backend.put_log_events(deployed.log_group, stream, events)
