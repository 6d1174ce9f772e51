"""Which function an Invoke means: name, partial ARN or ARN, each with or without a qualifier."""

import re
from dataclasses import dataclass

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.functions.errors import invalid_parameter, not_found
from vectordb.local.emulator.wire import ServiceError

# The model's NamespacedFunctionName and Qualifier.
_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)
_QUALIFIER = re.compile(r"\$LATEST|[a-zA-Z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Target:
    """A function, and the version or alias that was asked for; without one it is the unpublished code."""

    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """As the handler's context shows it: qualified when the call was."""
        suffix = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:{partition_of(self.region)}:lambda:{self.region}:{ACCOUNT}:function:{self.name}{suffix}"


def parse_target(name: str, qualifier: str | None, region: str) -> Target:
    """Read Invoke's FunctionName and Qualifier.

    Args:
        name: in any of its forms, decoded.
        qualifier: the parameter, None when absent.
        region: where the request was sent.

    Raises:
        ServiceError: the name cannot be one, the two qualifiers differ, or the ARN is of another region or account.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise _invalid("functionName", name, _PATTERN)
    if qualifier and not _QUALIFIER.fullmatch(qualifier):
        raise _invalid("qualifier", qualifier, "(|[a-zA-Z0-9$_-]+)")
    derived = match["qualifier"]
    if qualifier and derived and qualifier != derived:
        raise invalid_parameter("The derived qualifier from the function name does not match the specified qualifier.")
    if match["region"] not in {None, region}:
        raise not_found(f"Functions from '{match['region']}' are not reachable in this region ('{region}')")
    target = Target(region, match["name"], qualifier or derived)
    if match["account"] not in {None, ACCOUNT}:
        raise not_found(f"Function not found: {target.arn.replace(ACCOUNT, match['account'])}")
    return target


def _invalid(field: str, value: str, pattern: str) -> ServiceError:
    message = f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    return ServiceError("ValidationException", message)
