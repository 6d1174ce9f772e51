"""Judges calls: who calls, what that takes, and whether the policies allow it."""

from collections.abc import Callable

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.calls import Call
from vectordb.local.emulator.authorization.principals import Principals, Session, UnauthenticatedError
from vectordb.local.emulator.wire import Request, ServiceError
from vectordb.local.permissions import UnsupportedPolicyError, documents, evaluation
from vectordb.local.permissions.conditions import request_context
from vectordb.local.permissions.documents import Policy
from vectordb.local.permissions.evaluation import Access, Decision

_INDEX = "/index/"


class RefusedError(Exception):
    """The call is not to be answered; `code` as the JSON services have it."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Gate:
    """Thread-safe.

    Args:
        principals: who there is; None judges nothing.
        policies: of a role, by its ARN.
        bucket_policy: the policy of a vector bucket, by its ARN.
        queue_policy: the policy of a queue, by its ARN.
    """

    def __init__(
        self,
        principals: Principals | None,
        policies: Callable[[str], tuple[Policy, ...]],
        bucket_policy: Callable[[str], str | None],
        queue_policy: Callable[[str], str | None] = lambda _arn: None,
    ) -> None:
        self.principals = principals
        self._policies = policies
        self._bucket_policy = bucket_policy
        self._queue_policy = queue_policy

    def judge(self, call: Call, request: Request, find: Callable[[], Asked], *, free: bool = False) -> None:
        """Fill in what is known of the call.

        Args:
            call: to be filled.
            request: of the call.
            find: tells what the request takes.
            free: nobody needs permission for it.

        Raises:
            RefusedError: the caller is not known or may not.
            ServiceError: a role's request does not say what it is about.
        """
        if self.principals is None or request.access_key == self.principals.operator:
            if self.principals is not None:
                call.principal, call.decision = self.principals.operator_arn(request.region), "operator"
            self._note(call, find)
            return
        try:
            session = self.principals.session(
                request.access_key, request.header("X-Amz-Security-Token"), request.region
            )
            call.principal, call.role = session.arn, session.role
            wanted = find()
            call.actions, call.resources = wanted.actions, wanted.resources
            self._decide(call, wanted, session, request.region, free=free)
        except UnauthenticatedError as error:
            call.decision = "unauthenticated"
            self._note(call, find)
            raise RefusedError(error.code, error.message) from error
        except UnsupportedPolicyError as error:
            call.decision = "undecided"
            raise RefusedError("NotImplementedException", str(error), 501) from error

    def judge_service(self, call: Call, wanted: Asked, session: Session, region: str) -> None:
        """Fill in a call that a service makes with a role by itself.

        Raises:
            RefusedError: the role may not.
        """
        call.principal, call.role = session.arn, session.role
        call.actions, call.resources = wanted.actions, wanted.resources
        if self.principals is None:
            return
        try:
            self._decide(call, wanted, session, region, free=False)
        except UnsupportedPolicyError as error:
            call.decision = "undecided"
            raise RefusedError("NotImplementedException", str(error), 501) from error

    @staticmethod
    def _note(call: Call, find: Callable[[], Asked]) -> None:
        """What a call takes, where nothing depends on it: a request that does not say it fails later, in its own way."""
        try:
            wanted = find()
        except ServiceError:
            return
        call.actions, call.resources = wanted.actions, wanted.resources

    def _decide(self, call: Call, wanted: Asked, session: Session, region: str, *, free: bool) -> None:
        call.decision = "allowed"
        if free:
            return
        if not wanted.resources:
            raise UnsupportedPolicyError(
                f"What {call.service} {call.operation} is about is not known here: add it to emulator/authorization/moto_asked.py"
            )
        identity = self._policies(session.role)
        context = request_context(principal=session.role, account=ACCOUNT, region=region)
        root = f"arn:{partition_of(region)}:iam::{ACCOUNT}:root"
        names = {session.role, session.arn, ACCOUNT, root}

        def check(access: Access) -> None:
            decision = evaluation.decide(access, identity, self._own_policy(access.resource), names)
            if decision is not Decision.ALLOWED:
                call.decision = "denied"
                raise RefusedError("AccessDeniedException", evaluation.refusal(session.arn, access, decision))

        for resource in wanted.resources:
            for action in wanted.actions:
                check(Access(action, resource, context))
        if wanted.through:
            # Forward access sessions (IAM User Guide): the service calls in the caller's name, and says that it does.
            through = {
                **context,
                "kms:viaservice": f"{call.service}.{region}.amazonaws.com",
                "aws:viaawsservice": "true",
            }
            for action, resource in wanted.through:
                check(Access(action, resource, through))

    def _own_policy(self, resource: str) -> Policy | None:
        if ":s3vectors:" in resource:
            owner = resource.partition(_INDEX)[0]
            text = self._bucket_policy(owner)
        elif ":sqs:" in resource:
            owner, text = resource, self._queue_policy(resource)
        else:
            return None
        return None if text is None else documents.parse(text, f"policy of {owner}")
