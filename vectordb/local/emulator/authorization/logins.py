"""Logins into databases by IAM token: a database asks whether an access key's role may connect, as RDS asks IAM.

POST /_vectordb/logins {"accessKey", "token", "resource", "region"} answers {"secret"}, the key by which the token's signature is
computed anew, or a refusal. `token` is the session's, `resource` the database user's ARN.
"""

from collections.abc import Callable

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.calls import Call
from vectordb.local.emulator.authorization.gate import Gate, RefusedError
from vectordb.local.emulator.authorization.principals import UnauthenticatedError
from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

ACTION = "rds-db:connect"


class Logins:
    """Thread-safe.

    Args:
        gate: judges.
        record: keeps a call for GET /_vectordb/calls.
    """

    def __init__(self, gate: Gate, record: Callable[[Call], None]) -> None:
        self._gate = gate
        self._record = record

    def page(self, request: Request) -> Response:
        """Judge one login.

        Raises:
            ServiceError: nobody is known by the key, or its role may not.
        """
        told = request.parameters()
        key, region = str(told.get("accessKey")), str(told.get("region"))
        service, _, operation = ACTION.partition(":")
        call = Call(key, service, operation, status=403)
        principals = self._gate.principals
        if principals is None:
            raise ServiceError("AccessDenied", "nobody is known here", 403)
        try:
            session = principals.session(key, str(told.get("token") or ""), region)
            wanted = Asked((ACTION,), (str(told.get("resource")),))
            self._gate.judge_service(call, wanted, session, region)
            secret = _secret(key, region)
            call.status = 200
        except (RefusedError, UnauthenticatedError) as error:
            raise ServiceError(error.code, error.message, 403) from error
        finally:
            self._record(call)
        return answer({"secret": secret})


def _secret(access_key: str, region: str) -> str:
    """The secret access key of a session that STS made."""
    from moto.sts.models import sts_backends

    found = sts_backends[ACCOUNT][partition_of(region)].get_assumed_role_from_access_key(access_key)
    if found is None:
        raise UnauthenticatedError("AccessDenied", "the access key is no session's")
    return str(found.secret_access_key)
