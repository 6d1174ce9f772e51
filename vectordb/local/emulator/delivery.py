"""What runs by itself: queues and their pollers, schedules; with one clock, and with the roles of the stack."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vectordb.local.emulator.authorization import iam
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.calls import Call
from vectordb.local.emulator.authorization.gate import Gate
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.event_sources.moto_mappings import Mappings
from vectordb.local.emulator.functions.names import Target, parse_target
from vectordb.local.emulator.queues import moto_queues
from vectordb.local.emulator.queues.kept import Kept
from vectordb.local.emulator.schedules import moto_schedules
from vectordb.local.emulator.schedules.runner import Runner
from vectordb.local.emulator.schedules.targets import Targets
from vectordb.local.emulator.wire import Request, Response, answer

if TYPE_CHECKING:
    from vectordb.local.emulator.functions.deployed import Deployed
    from vectordb.local.emulator.functions.service import Functions


class Delivery:
    """Everything is made here once moto is there, and starts with the first mapping or schedule.

    Args:
        gate: judges.
        record: keeps calls that services make.
        functions: the functions, which are made at the first call.
        state: messages are kept here between runs.
        concurrency: calls of functions at once.
        delay: seconds before something that failed is repeated.
    """

    def __init__(
        self,
        gate: Gate,
        record: Callable[[Call], None],
        functions: "Callable[[], Functions]",
        *,
        state: Path,
        concurrency: int,
        delay: float,
    ) -> None:
        self.clock = Clock()
        self.acting = Acting(gate, iam.trust, record)
        self._kept = Kept(state / "queues.json")
        self._mappings = Mappings(_Runs(functions), self.acting, self.clock, concurrency=max(2, concurrency // 2))

        def submit(arn: str, payload: bytes) -> object:
            return functions().submit(parse_target(arn, None, arn.split(":")[3]), payload)

        self._schedules = Runner(self.clock, Targets(self.acting, submit), delay=delay)

    def extend_moto(self) -> None:
        """Teach moto what the packages say; once in a process."""
        moto_queues.extend_moto(self.clock)
        self._kept.extend_moto()
        self._mappings.extend_moto()
        moto_schedules.extend_moto(self._schedules, self.acting)

    def page(self, request: Request) -> Response:
        """Answer POST /_vectordb/clock and POST /_vectordb/schedules.

        Raises:
            ServiceError: the order makes no sense.
        """
        document = request.parameters()
        if request.path.endswith("/clock"):
            self.clock.advance(document)
            return answer({"now": self.clock.now()})
        region = str(document.get("region") or request.region)
        return answer(moto_schedules.fire(self._schedules, document, region))

    def stop(self) -> None:
        """Take no more messages and run no more schedules."""
        self._schedules.close()
        self._mappings.close()

    def keep(self) -> None:
        """Write what is in the queues."""
        self._kept.write(self.clock.ahead)


class _Runs:
    """The functions as a poller sees them."""

    def __init__(self, functions: "Callable[[], Functions]") -> None:
        self._functions = functions

    def find(self, target: Target) -> "Deployed":
        from vectordb.local.emulator.functions import registry

        return registry.find(target)

    def run(self, deployed: "Deployed", target: Target, payload: bytes, request_id: str) -> tuple[bytes, bool]:
        outcome = self._functions().run(deployed, target, payload, request_id)
        return outcome.payload, outcome.error
