"""Invoke's modelled errors (Lambda API reference, Invoke)."""

from vectordb.local.emulator.wire import ServiceError


def invalid_parameter(message: str) -> ServiceError:
    """A parameter makes no sense."""
    return ServiceError("InvalidParameterValueException", message, members={"Type": "User"})


def invalid_content(message: str) -> ServiceError:
    """The payload is no JSON."""
    return ServiceError("InvalidRequestContentException", message, members={"Type": "User"})


def not_found(message: str) -> ServiceError:
    """No such function, version or alias."""
    return ServiceError("ResourceNotFoundException", message, 404, members={"Type": "User"}, message_member="Message")


def too_large(most: int) -> ServiceError:
    """The payload is larger than the limit."""
    message = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
    return ServiceError("RequestTooLargeException", message, 413, members={"Type": "User"})


def too_many(reason: str) -> ServiceError:
    """No worker is free and none may be started."""
    members = {"Type": "User", "Reason": reason}
    return ServiceError(
        "TooManyRequestsException", "Rate Exceeded.", 429, members=members, headers=[("Retry-After", "1")]
    )


def invalid_runtime(message: str) -> ServiceError:
    """The function cannot run here at all."""
    return ServiceError("InvalidRuntimeException", message, 502, members={"Type": "User"}, message_member="Message")
