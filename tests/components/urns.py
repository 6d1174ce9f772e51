"""The URNs of the stack `dev` as it was released: a deployed stack has them in its state.

`python -m tests.components.urns` writes the file anew, which is right only when a version is released.
"""

from pathlib import Path

from tests.components.recorded import ROOT
from vectordb.plan import plan, stack_configuration

FILE = Path(__file__).with_name("urns-dev.txt")

RETIRED: dict[str, str] = {
    "urn:pulumi:dev::vectordb::vectordb:index:Network$aws:ec2/securityGroup:SecurityGroup::network-endpoints": (
        "each interface endpoint has a group of its own"
    ),
    "urn:pulumi:dev::vectordb::vectordb:index:Bastion$aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::"
    "bastion-to-endpoints-egress": "a rule for each endpoint's group took its place",
    "urn:pulumi:dev::vectordb::vectordb:index:Bastion$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::"
    "bastion-to-endpoints-ingress": "a rule for each endpoint's group took its place",
}
"""URN → why nothing stands there any more; nothing of these holds data."""


def current() -> list[str]:
    """The URNs of what the program registers now."""
    return sorted(r.urn for r in plan.record(stack_configuration.read(ROOT, "dev")).resources if r.custom)


if __name__ == "__main__":
    FILE.write_text("\n".join([*current(), ""]), encoding="utf-8")
