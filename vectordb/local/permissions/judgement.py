"""Whether the roles of a stack may do what they need, and nothing else, judged from its program alone."""

from dataclasses import dataclass

from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.roles import Role, roles_of
from vectordb.plan import program
from vectordb.plan.invented import Invented
from vectordb.plan.recording import Recording
from vectordb.plan.stack_configuration import StackConfiguration


@dataclass(frozen=True)
class Judgement:
    """The roles, and a sentence for each permission that one of them lacks, or has without a need."""

    roles: tuple[Role, ...]
    missing: tuple[str, ...]
    unneeded: tuple[str, ...]


def judge(configuration: StackConfiguration, recording: Recording | None = None) -> Judgement:
    """Hold the policies of a program, complete because its identifiers are invented, against what is known.

    Known is what the functions were seen to call on the local stack, and what AWS's services do with a role by
    themselves. A function that was never run there has needs that nobody knows: what its role may is listed as unneeded.

    Args:
        configuration: of the stack.
        recording: of a run with invented identifiers (`vectordb.plan.presumed`); made here when there is none.
    """
    roles = roles_of(recording or program.run(configuration, Invented(configuration.region)))
    known = needs.all_known()
    lacking, excess = truth.missing(roles, (), known), truth.unneeded(roles, (), known)
    return Judgement(roles, tuple(map(str, lacking)), tuple(map(str, excess)))
