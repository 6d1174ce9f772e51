"""The little that moto's Lambda has to learn.

The declared LoggingConfig and DeadLetterConfig are kept and shown; environment variables that are Lambda's own are refused, as AWS does; calls
that moto makes itself (from SNS, SQS, EventBridge, logs) run here instead of in a container.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vectordb.local.emulator.functions.names import Target

# Lambda developer guide, defined runtime environment variables: the reserved ones.
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)

Invoke = Callable[[Target, bytes, str], tuple[bytes, bool]]
"""Runs a target with a payload and an invocation type; the result, and whether it is an error."""


def extend_moto(invoke: Invoke, deleted: Callable[[str, str], None]) -> None:
    """Teach moto's LambdaFunction what the module's docstring says; once in a process.

    Args:
        invoke: runs a call.
        deleted: told the region and the name of each function that was deleted.
    """
    from moto.awslambda.models import LambdaBackend, LambdaFunction

    backend_class: Any = LambdaBackend
    delete = backend_class.delete_function

    def delete_function(self: Any, function_name: str, qualifier: str | None = None) -> None:
        delete(self, function_name, qualifier)
        if not qualifier:
            deleted(self.region_name, function_name.rpartition(":")[2])

    backend_class.delete_function = delete_function
    _keep_configuration(LambdaFunction)
    _run_here(LambdaFunction, invoke)


def _keep_configuration(function_class: Any) -> None:
    make, update = function_class.__init__, function_class.update_configuration
    show = function_class.get_configuration

    def initialise(self: Any, account_id: str, spec: dict[str, Any], *arguments: Any, **named: Any) -> None:
        _refuse_reserved(spec)
        make(self, account_id, spec, *arguments, **named)
        self.logging_config = {"LogFormat": "Text", "LogGroup": self.logs_group_name}
        self.dead_letters = ""
        configure(self, spec)

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        _refuse_reserved(config_updates)
        configure(self, config_updates)
        return update(self, config_updates)

    def get_configuration(self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        dead_letters = {"DeadLetterConfig": {"TargetArn": self.dead_letters}} if self.dead_letters else {}
        return {**show(self, *arguments, **named), "LoggingConfig": self.logging_config, **dead_letters}

    def configure(self: Any, changes: Mapping[str, Any]) -> None:
        self.logging_config = {**self.logging_config, **(changes.get("LoggingConfig") or {})}
        self.logs_group_name = self.logging_config["LogGroup"]
        if "DeadLetterConfig" in changes:
            self.dead_letters = (changes["DeadLetterConfig"] or {}).get("TargetArn") or ""

    function_class.__init__ = initialise
    function_class.update_configuration = update_configuration
    function_class.get_configuration = get_configuration


def _run_here(function_class: Any, invoke: Invoke) -> None:
    def run(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        version = None if str(self.version) == "$LATEST" else str(self.version)
        payload = body.encode() if isinstance(body, str) else body or b""
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        result, failed = invoke(Target(self.region, self.function_name, version), payload, kind)
        if failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return result

    function_class.invoke = run


def _refuse_reserved(changes: Mapping[str, Any]) -> None:
    from moto.awslambda.exceptions import InvalidParameterValueException

    declared = (changes.get("Environment") or {}).get("Variables") or {}
    if taken := sorted(RESERVED_VARIABLES & set(declared)):
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have provided "
            "contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
