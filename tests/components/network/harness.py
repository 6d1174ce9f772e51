"""Builds a network in this process, in an account whose answers a test can change."""

from components.network.network import Network
from tests.components.database.harness import build
from vectordb.plan.lookups import Lookups

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PLACE = {"key_arn": "arn:key", "account": ACCOUNT, "region": REGION, "partition": "aws"}
OWN = {"cidr": "10.20.0.0/16", "zones": [f"{REGION}a", f"{REGION}b"]}
VPC = "vpc-0123456789abcdef0"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
S3_BLOCKS = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
ALL = ["bedrock-runtime", "lambda", "s3", "ssm", "ssmmessages"]


class Account:
    """A backend in which every output has a value, recognisable by the resource's name; look-ups can be changed."""

    def __init__(self, preview=False, **answers):
        self.preview = preview
        self._lookups = Lookups(REGION)
        self._answers = answers

    def create(self, resource, inputs):
        if self.preview:
            return None, inputs
        special = {
            "network-vpc": {
                "defaultNetworkAclId": "acl-default",
                "defaultRouteTableId": "rtb-default",
                "ipv6CidrBlock": "2600:1f00:1:aa00::/56" if inputs.get("assignGeneratedIpv6CidrBlock") else "",
            },
            "network-s3": {"prefixListId": "pl-s3"},
        }
        known = {**inputs, "arn": f"arn:{resource.name}", "name": inputs.get("name", resource.name)}
        return f"id-{resource.name}", known | special.get(resource.name, {})

    def look_up(self, token, arguments):
        """As in a plan, and over it what the test says: a mapping, or a function of the arguments."""
        answer = self._lookups.answer(token, arguments)
        changed = self._answers.get(token.rpartition(":")[2], {})
        return answer | (changed(arguments) if callable(changed) else changed)


def network(account=None, then=lambda made: None, **options):
    """The recording of one network, of the stack's own unless `vpc_id` is among the options."""
    place = PLACE if "vpc_id" in options else PLACE | OWN
    arguments = {**place, "services": ALL, **options}
    return build(lambda: then(Network("network", arguments)), backend=account or Account())


def inputs(built, kind, name):
    return built.only(kind, name).inputs


def made(built):
    """Every resource but components: type, name."""
    return sorted((r.type.rpartition(":")[2], r.name) for r in built.registrations if r.custom)


def tags(name):
    return {"Name": name, "Project": "vectordb", "Stack": "dev"}
