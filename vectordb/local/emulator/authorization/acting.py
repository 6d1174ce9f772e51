"""Services that act with a role of the stack: Lambda's pollers and destinations, EventBridge Scheduler."""

from collections.abc import Callable

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.calls import Call
from vectordb.local.emulator.authorization.gate import Gate
from vectordb.local.emulator.authorization.principals import Session
from vectordb.local.permissions import documents, evaluation
from vectordb.local.permissions.conditions import request_context

_OK = 200


class Acting:
    """Judges and records what a service does by itself. Thread-safe.

    Args:
        gate: judges.
        trust: the trust policy of a role by its ARN, None when there is no such role.
        record: keeps a call for GET /_vectordb/calls.
    """

    def __init__(self, gate: Gate, trust: Callable[[str], str | None], record: Callable[[Call], None]) -> None:
        self._gate = gate
        self._trust = trust
        self._record = record
        self._decided: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}

    def check(self, service: str, session: Session, wanted: Asked, region: str, *, each: bool = True) -> None:
        """Judge a call that `service` (lambda.amazonaws.com) makes as a session of a role.

        Args:
            service: who makes it.
            session: the role, and the session's name as AWS gives it.
            wanted: what it takes.
            region: where.
            each: record every such call; otherwise only one whose decision differs from the last one's.

        Raises:
            RefusedError: the role may not.
        """
        prefix, _, operation = wanted.actions[0].partition(":")
        call = Call("", prefix, operation, made_by=service)
        key = (session.role, wanted.actions, wanted.resources)
        try:
            self._gate.judge_service(call, wanted, session, region)
            call.status = _OK
        except Exception as error:
            call.status = getattr(error, "status", 500)
            raise
        finally:
            if self._decided.get(key) != call.decision or each:
                self._record(call)
            self._decided[key] = call.decision

    def trusted(self, service: str, role: str, region: str, source_arn: str) -> bool:
        """Whether a role lets a service assume it for the resource `source_arn`; everybody may where nothing is judged.

        Raises:
            UnsupportedPolicyError: the trust policy cannot be judged.
        """
        if self._gate.principals is None:
            return True
        text = self._trust(role)
        if text is None:
            return False
        context = {
            **request_context(principal=service, account=ACCOUNT, region=region),
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": ACCOUNT,
        }
        return evaluation.trusts(documents.parse(text, f"trust of {role}"), service, context)
