"""Lambda: the declared functions, their aliases, and what calls them or hears of their failures."""

from typing import Any

from vectordb.database import settings as step
from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration


def function(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """The declared handler with its declared package, environment, memory and timeout."""
    del resource
    package = execution.configuration.directory / inputs["code"].path
    client = execution.clients("lambda")
    dead_letters = (inputs.get("deadLetterConfig") or {}).get("targetArn")
    made = client.create_function(
        FunctionName=inputs["name"],
        Role=inputs["role"],
        Runtime=inputs["runtime"],
        Handler=inputs["handler"],
        Architectures=inputs.get("architectures") or ["x86_64"],
        Timeout=int(inputs.get("timeout", 3)),
        MemorySize=int(inputs.get("memorySize", 128)),
        Environment={"Variables": _variables(execution, inputs)},
        Code={"ZipFile": package.read_bytes()},
        Publish=bool(inputs.get("publish")),
        **({"DeadLetterConfig": {"TargetArn": dead_letters}} if dead_letters else {}),
    )
    if (reserved := inputs.get("reservedConcurrentExecutions")) is not None and int(reserved) >= 0:
        client.put_function_concurrency(FunctionName=inputs["name"], ReservedConcurrentExecutions=int(reserved))
    arn = execution.arn("lambda", f"function:{inputs['name']}")
    return inputs["name"], {"arn": arn, "version": made["Version"], "qualifiedArn": f"{arn}:{made['Version']}"}


def _variables(execution: Execution, inputs: dict[str, Any]) -> dict[str, str]:
    """As declared; and where on this machine a database is that they name."""
    variables: dict[str, str] = (inputs.get("environment") or {}).get("variables") or {}
    database = execution.services.at(variables[step.HOST]) if execution.services and variables.get(step.HOST) else None
    if database is None:
        return variables
    return {
        **variables,
        step.HOSTADDR: "127.0.0.1",
        step.HOSTADDR_PORT: str(database.port),
        step.CA_BUNDLE: str(database.certificate),
    }


def alias(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A name for a published version."""
    del resource
    execution.clients("lambda").create_alias(
        FunctionName=inputs["functionName"], Name=inputs["name"], FunctionVersion=str(inputs["functionVersion"])
    )
    arn = execution.arn("lambda", f"function:{inputs['functionName']}:{inputs['name']}")
    return arn, {"arn": arn}


def event_source_mapping(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A queue's messages for a function; what the local stack does not do is refused by the emulator."""
    del resource
    filters = [{"Pattern": one["pattern"]} for one in (inputs.get("filterCriteria") or {}).get("filters") or []]
    optional = {
        "BatchSize": _whole(inputs.get("batchSize")),
        "Enabled": inputs.get("enabled"),
        "FilterCriteria": {"Filters": filters} if filters else None,
        "FunctionResponseTypes": inputs.get("functionResponseTypes"),
        "MaximumBatchingWindowInSeconds": _whole(inputs.get("maximumBatchingWindowInSeconds")),
        "ProvisionedPollerConfig": _named(
            inputs.get("provisionedPollerConfig"), minimumPollers="MinimumPollers", maximumPollers="MaximumPollers"
        ),
        "ScalingConfig": _named(inputs.get("scalingConfig"), maximumConcurrency="MaximumConcurrency"),
    }
    made = execution.clients("lambda").create_event_source_mapping(
        EventSourceArn=inputs["eventSourceArn"],
        FunctionName=inputs["functionName"],
        **{key: value for key, value in optional.items() if value is not None},
    )
    return made["UUID"], {
        "uuid": made["UUID"],
        "arn": made["EventSourceMappingArn"],
        "functionArn": made["FunctionArn"],
        "state": made["State"],
    }


def function_event_invoke_config(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """What becomes of asynchronous calls that fail."""
    del resource
    destinations = {
        on: {"Destination": given["destination"]}
        for key, on in (("onSuccess", "OnSuccess"), ("onFailure", "OnFailure"))
        if (given := (inputs.get("destinationConfig") or {}).get(key))
    }
    qualifier = inputs.get("qualifier")
    optional = {
        "DestinationConfig": destinations or None,
        "MaximumEventAgeInSeconds": _whole(inputs.get("maximumEventAgeInSeconds")),
        "MaximumRetryAttempts": _whole(inputs.get("maximumRetryAttempts")),
        "Qualifier": qualifier,
    }
    execution.clients("lambda").put_function_event_invoke_config(
        FunctionName=inputs["functionName"], **{key: value for key, value in optional.items() if value is not None}
    )
    return f"{inputs['functionName']}:{qualifier}" if qualifier else inputs["functionName"], {}


def _named(given: dict[str, Any] | None, **names: str) -> dict[str, Any] | None:
    """A block of numbers under the names of the API, None for none."""
    return (
        {names[key]: _whole(value) for key, value in given.items() if key in names and value is not None}
        if given
        else None
    )


def _whole(number: float | None) -> int | None:
    """Pulumi hands every number over as a float."""
    return None if number is None else int(number)
