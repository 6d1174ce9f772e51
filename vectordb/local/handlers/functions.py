"""Lambda: the declared functions and their aliases."""

from typing import Any

from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration


def function(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The declared handler with its declared package, environment, memory and timeout."""
    del resource
    package = execution.configuration.directory / inputs["code"].path
    client = execution.clients("lambda")
    made = client.create_function(
        FunctionName=inputs["name"],
        Role=inputs["role"],
        Runtime=inputs["runtime"],
        Handler=inputs["handler"],
        Architectures=inputs.get("architectures") or ["x86_64"],
        Timeout=int(inputs.get("timeout", 3)),
        MemorySize=int(inputs.get("memorySize", 128)),
        Environment={"Variables": (inputs.get("environment") or {}).get("variables") or {}},
        Code={"ZipFile": package.read_bytes()},
        Publish=bool(inputs.get("publish")),
    )
    arn = execution.arn("lambda", f"function:{inputs['name']}")
    return inputs["name"], {"arn": arn, "version": made["Version"], "qualifiedArn": f"{arn}:{made['Version']}"}


def alias(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A name for a published version."""
    del resource
    execution.clients("lambda").create_alias(
        FunctionName=inputs["functionName"], Name=inputs["name"], FunctionVersion=str(inputs["functionVersion"])
    )
    arn = execution.arn("lambda", f"function:{inputs['functionName']}:{inputs['name']}")
    return arn, {"arn": arn}
