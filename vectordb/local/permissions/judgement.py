"""Whether the roles of a stack may do what they need, and nothing else, judged from its program alone."""

from dataclasses import dataclass

from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.invented import Invented
from vectordb.local.permissions.roles import Role, roles_of
from vectordb.plan import program
from vectordb.plan.stack_configuration import StackConfiguration


@dataclass(frozen=True)
class Judgement:
    """The roles, and a sentence for each permission that one of them lacks, or has without a need."""

    roles: tuple[Role, ...]
    missing: tuple[str, ...]
    unneeded: tuple[str, ...]


def judge(configuration: StackConfiguration) -> Judgement:
    """Run the program with invented identifiers, so that its policies are complete, and hold them against what is known.

    Known is what the functions were seen to call on the local stack, and what AWS's services do with a role by
    themselves. A function that was never run there has needs that nobody knows: what its role may is listed as unneeded.
    """
    roles = roles_of(program.run(configuration, Invented(configuration.region)))
    known = needs.all_known()
    lacking, excess = truth.missing(roles, (), known), truth.unneeded(roles, (), known)
    return Judgement(roles, tuple(map(str, lacking)), tuple(map(str, excess)))
