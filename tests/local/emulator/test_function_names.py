"""Invoke's FunctionName and Qualifier, in all their forms."""

import pytest

from vectordb.local.emulator.functions.names import parse_target
from vectordb.local.emulator.wire import ServiceError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:bridge"


@pytest.mark.parametrize(
    ("name", "qualifier", "expected"),
    [
        ("bridge", None, ("bridge", None)),
        ("bridge", "live", ("bridge", "live")),
        ("bridge", "7", ("bridge", "7")),
        ("bridge:live", None, ("bridge", "live")),
        ("bridge:$LATEST", None, ("bridge", "$LATEST")),
        ("bridge:live", "live", ("bridge", "live")),
        ("function:bridge", None, ("bridge", None)),
        ("123456789012:function:bridge", None, ("bridge", None)),
        ("123456789012:function:bridge:live", None, ("bridge", "live")),
        (ARN, None, ("bridge", None)),
        (ARN, "$LATEST", ("bridge", "$LATEST")),
        (f"{ARN}:live", None, ("bridge", "live")),
    ],
)
def test_forms(name, qualifier, expected):
    target = parse_target(name, qualifier, "us-east-1")
    assert (target.name, target.qualifier) == expected
    assert target.arn == (f"{ARN}:{expected[1]}" if expected[1] else ARN)


@pytest.mark.parametrize(
    ("name", "qualifier", "code", "status", "message"),
    [
        (
            "bridge:live",
            "2",
            "InvalidParameterValueException",
            400,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (f"{ARN}:1", "2", "InvalidParameterValueException", 400, "The derived qualifier"),
        ("no spaces", None, "ValidationException", 400, "Value 'no spaces' at 'functionName' failed"),
        ("", None, "ValidationException", 400, "Value '' at 'functionName' failed"),
        ("a" * 65, None, "ValidationException", 400, "at 'functionName' failed"),
        ("bridge", "no/slash", "ValidationException", 400, "Value 'no/slash' at 'qualifier' failed"),
        (
            ARN.replace("us-east-1", "eu-west-1"),
            None,
            "ResourceNotFoundException",
            404,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        (
            ARN.replace("123456789012", "210987654321"),
            None,
            "ResourceNotFoundException",
            404,
            "Function not found: arn:aws:lambda:us-east-1:210987654321:function:bridge",
        ),
    ],
)
def test_refusals(name, qualifier, code, status, message):
    with pytest.raises(ServiceError) as caught:
        parse_target(name, qualifier, "us-east-1")
    assert (caught.value.code, caught.value.status) == (code, status)
    assert message in caught.value.message


def test_arns_are_of_their_partition():
    assert parse_target("f", "1", "cn-north-1").arn == "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:1"
