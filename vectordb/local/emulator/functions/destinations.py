"""Where Lambda puts what became of an asynchronous call: destinations and dead-letter queues, with the function's role."""

import json
import logging
from collections.abc import Callable
from typing import Any

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.gate import RefusedError
from vectordb.local.emulator.authorization.principals import Session
from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.errors import invalid_parameter
from vectordb.local.emulator.functions.names import parse_target
from vectordb.local.emulator.queues import keys, moto_queues
from vectordb.local.permissions import UnsupportedPolicyError

SERVICE = "lambda.amazonaws.com"
_ACTIONS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

_log = logging.getLogger(__name__)


class Destinations:
    """Thread-safe.

    Args:
        acting: judges the function's role.
        submit: takes an asynchronous call of the function with an ARN.
    """

    def __init__(self, acting: Acting, submit: Callable[[str, bytes], object]) -> None:
        self._acting = acting
        self._submit = submit

    def check(self, deployed: Deployed, arn: str) -> None:
        """Refuse a destination that the function's role may not use, as AWS does when it is declared.

        Raises:
            ServiceError: InvalidParameterValueException.
        """
        try:
            self._judge(deployed, arn)
        except (RefusedError, UnsupportedPolicyError) as error:
            operation = _ACTIONS[arn.split(":")[2]].partition(":")[2].replace("InvokeFunction", "Invoke")
            raise invalid_parameter(
                f"The function's execution role does not have permissions to call {operation} on {arn}"
            ) from error

    def send(self, deployed: Deployed, arn: str, body: str, attributes: dict[str, str | int] | None = None) -> None:
        """Deliver. What cannot be delivered is dropped, as on AWS, where only a metric tells; here the log does."""
        service, region = arn.split(":")[2:4]
        try:
            self._judge(deployed, arn)
            if service == "lambda":
                self._submit(arn, body.encode())
            elif service == "sns":
                _publish(region, arn, body, attributes or {})
            else:
                moto_queues.send(arn, body, attributes)
        except Exception as error:  # noqa: BLE001 - moto raises whatever it likes
            _log.warning("the record of an asynchronous call of %s is lost: %s", deployed.name, error)

    def _judge(self, deployed: Deployed, arn: str) -> None:
        service, region = arn.split(":")[2:4]
        action = _ACTIONS[service]
        through = keys.taken(action, moto_queues.find(arn)) if service == "sqs" else ()
        target = parse_target(arn, None, region).arn if service == "lambda" else arn
        session = Session(deployed.role, deployed.name)
        self._acting.check(SERVICE, session, Asked((action,), (target,), through), region)


def record(
    *,
    request_id: str,
    function_arn: str,
    condition: str,
    count: int,
    payload: bytes,
    response: tuple[bytes, str, bool] | None,
) -> str:
    """The record of a call (Lambda developer guide, capturing records of asynchronous invocations, "Example").

    Args:
        request_id: of the call.
        function_arn: with its qualifier.
        condition: Success, RetriesExhausted, EventAgeExceeded or ZeroReservedConcurrency.
        count: how often the function was called.
        payload: the event.
        response: what the function said last, the version that said it, and whether it is an error; None when it never ran.
    """
    from vectordb.local.emulator.functions.logs import moment

    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": moment(),
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": json.loads(payload),
    }
    if response is not None:
        body, version, failed = response
        error = {"functionError": "Unhandled"} if failed else {}
        document["responseContext"] = {"statusCode": 200, "executedVersion": version, **error}
        document["responsePayload"] = json.loads(body or b"null")
    return json.dumps(document)


def _publish(region: str, arn: str, body: str, attributes: dict[str, str | int]) -> None:
    from moto.sns.models import sns_backends

    sns_backends[ACCOUNT][region].publish(
        body,
        arn=arn,
        message_attributes={name: {"Type": "String", "Value": str(value)} for name, value in attributes.items()},
    )
