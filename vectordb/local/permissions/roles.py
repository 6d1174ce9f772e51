"""The roles of a recorded program: who may assume them, what they are used for, and what their policies say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vectordb.local.permissions import UnsupportedPolicyError, documents
from vectordb.local.permissions.documents import Policy
from vectordb.plan.recording import UNKNOWN, Recording, Registration, opened

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
MANAGED_POLICY = "aws:iam/policy:Policy"
# Other ways to give a role a policy. They are refused, for a role would look poorer than it is.
_UNREAD = frozenset(
    {
        "aws:iam/policyAttachment:PolicyAttachment",
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    }
)
# (type, property that names a role) → what that makes of the role.
_USES = {
    ("aws:ec2/flowLog:FlowLog", "iamRoleArn"): "flow-logs",
    ("aws:iam/instanceProfile:InstanceProfile", "role"): "instance",
    ("aws:rds/cluster:Cluster", "monitoringRoleArn"): "enhanced-monitoring",
    ("aws:rds/clusterInstance:ClusterInstance", "monitoringRoleArn"): "enhanced-monitoring",
    ("aws:rds/instance:Instance", "monitoringRoleArn"): "enhanced-monitoring",
    ("aws:rds/proxy:Proxy", "roleArn"): "rds-proxy",
    ("aws:appautoscaling/target:Target", "roleArn"): "scaling",
    ("aws:scheduler/schedule:Schedule", "target"): "schedule",
}
_ASSOCIATIONS = ("aws:rds/clusterRoleAssociation:ClusterRoleAssociation", "aws:rds/roleAssociation:RoleAssociation")
_FUNCTION = "aws:lambda/function:Function"
_ALIAS = "aws:lambda/alias:Alias"
_MODELS = "VECTORDB_MODELS"
_TICKETS = "VECTORDB_EMBED_QUEUE_URL"
_DESTINATIONS = "VECTORDB_EMBED_INDEX_ARNS"
_SERVERS = "VECTORDB_EMBED_ENDPOINTS"
_BATCH = "VECTORDB_EMBED_BATCH"
_MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
_EVENT_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
_SCHEDULE = "aws:scheduler/schedule:Schedule"
_QUEUE = "aws:sqs/queue:Queue"
# Service in an ARN → what a role that calls it is used for besides.
_TARGETS = {"lambda": "function", "sqs": "queue", "sns": "topic"}
_INDEX = "aws:s3/vectorsIndex:VectorsIndex"
_PACKAGE = re.compile(r"(?:.*/)?([^/]+?)-[0-9a-f]{16}\.zip")
# S3 User Guide, vector bucket encryption: every operation on vectors needs kms:Decrypt; the guide's statement for
# applications, which put vectors too, has kms:GenerateDataKey beside it.
_VECTOR_READS = frozenset(
    {"s3vectors:deletevectors", "s3vectors:getvectors", "s3vectors:listvectors", "s3vectors:queryvectors"}
)
_VECTOR_WRITES = frozenset({"s3vectors:createindex", "s3vectors:putvectors"})
EMBEDS = "function-embeds"
"""Of a function that is told models of Bedrock."""
SENDS_TICKETS = "function-sends-tickets"
"""Of a function that is told a queue."""
READS_TOKENS = "function-reads-tokens"
"""Of a function that is told servers of models, and secrets with their tokens."""
MAKES_JOBS = "function-makes-batch-jobs"
"""Of a function that is told a bucket for batch inference."""
KEEPS_VECTORS = "function-keeps-vectors"
"""Of a function that is told indexes to write to by itself."""


@dataclass(frozen=True, order=True)
class Call:
    """One action on one resource that a role was seen to take."""

    role: str
    """The role's ARN."""
    action: str
    resource: str


@dataclass(frozen=True)
class Role:
    """A role with everything that the comparison needs.

    Attributes:
        name: the program's name of it.
        arn: on AWS; empty where the program alone was read.
        services: the service principals that may assume it.
        uses: what the stack does with it: `function:NAME of the package`, `function-embeds`, `function-in-vpc`, `database:FEATURE`, `instance`, …
        policies: inline and attached.
    """

    name: str
    arn: str = ""
    services: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    policies: tuple[Policy, ...] = field(default=())

    @property
    def main_uses(self) -> tuple[str, ...]:
        """The uses that tell whose code calls with the role; every role of its services when there is none."""
        return tuple(sorted(use for use in self.uses if use.startswith(("function:", "database:")))) or ("",)


def services_of(trust: str | Mapping[str, Any], name: str) -> frozenset[str]:
    """The service principals in a trust policy, by the names that they have outside China (there, EC2's ends with .cn).

    Raises:
        UnsupportedPolicyError: it cannot be read.
    """
    policy = documents.parse(trust, f"trust of {name}")
    return frozenset(
        who.removesuffix(".cn") for s in policy.statements for kind, who in s.principals if kind == "Service"
    )


def roles_of(recording: Recording, managed: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Role, ...]:
    """The roles of a program with their uses and policies.

    Args:
        recording: of a run whose policies are known (`vectordb.plan.invented`, or the local stack's); of a preview, the roles
            come without policies and without services where those are unknown.
        managed: documents of AWS managed policies by ARN, for those that the program attaches.

    Raises:
        UnsupportedPolicyError: a policy is given to a role in a way that is not read here, or is not known.
    """
    return _Reading(recording, managed or {}).roles()


class _Reading:
    def __init__(self, recording: Recording, managed: Mapping[str, Mapping[str, Any]]) -> None:
        self._resources = recording.resources
        self._by_urn = {resource.urn: resource for resource in recording.resources}
        self._managed = managed

    def roles(self) -> tuple[Role, ...]:
        if unread := sorted(r.name for r in self._resources if r.type in _UNREAD):
            raise UnsupportedPolicyError(f"How {', '.join(unread)} give roles their policies is not read here.")
        found: dict[str, Role] = {}
        for resource in self._of(ROLE):
            inputs = opened(resource.inputs)
            if inputs.get("permissionsBoundary"):
                raise UnsupportedPolicyError(f"The permissions boundary of {resource.name} is not read here.")
            services = frozenset[str]()
            if inputs["assumeRolePolicy"] != UNKNOWN:
                services = services_of(inputs["assumeRolePolicy"], resource.name)
            inline = [
                documents.parse(entry["policy"], f"{resource.name}: {entry.get('name', 'inline')}")
                for entry in inputs.get("inlinePolicies") or []
                if entry.get("policy") and entry["policy"] != UNKNOWN
            ]
            attached = [self._managed_policy(arn) for arn in inputs.get("managedPolicyArns") or []]
            found[resource.urn] = Role(
                resource.name, services=services, uses=self._uses(resource.urn), policies=(*inline, *attached)
            )
        for resource in self._of(ROLE_POLICY):
            self._add(found, resource, [opened(resource.inputs)["policy"]])
        for resource in self._of(ATTACHMENT):
            self._attach(found, resource)
        return tuple(self._with_encryption(role) for role in found.values())

    def _of(self, *types: str) -> list[Registration]:
        return [resource for resource in self._resources if resource.type in types]

    def _add(self, found: dict[str, Role], resource: Registration, texts: Iterable[Any]) -> None:
        urn = self._role(resource, "role")
        policies = tuple(documents.parse(text, resource.name) for text in texts if text != UNKNOWN)
        found[urn] = replace(found[urn], policies=found[urn].policies + policies)

    def _attach(self, found: dict[str, Role], resource: Registration) -> None:
        for urn in resource.property_dependencies.get("policyArn", ()):
            if urn in self._by_urn and self._by_urn[urn].type == MANAGED_POLICY:
                self._add(found, resource, [opened(self._by_urn[urn].inputs)["policy"]])
                return
        role = self._role(resource, "role")
        policy = self._managed_policy(opened(resource.inputs)["policyArn"])
        found[role] = replace(found[role], policies=(*found[role].policies, policy))

    def _managed_policy(self, arn: str) -> Policy:
        if arn not in self._managed:
            raise UnsupportedPolicyError(f"The managed policy {arn} is not known here: give its document.")
        return documents.parse(self._managed[arn], arn)

    def _role(self, resource: Registration, key: str) -> str:
        """The URN of the role that a property names."""
        roles = self._roles(resource, key)
        if len(roles) != 1:
            raise UnsupportedPolicyError(
                f"Which role {resource.name} means is not known: it names none of the program's."
            )
        return roles[0]

    def _roles(self, resource: Registration, key: str) -> list[str]:
        depends = resource.property_dependencies.get(key, ())
        named = [urn for urn in depends if urn in self._by_urn and self._by_urn[urn].type == ROLE]
        literal = opened(resource.inputs).get(key)
        named += [r.urn for r in self._of(ROLE) if isinstance(literal, str) and r.inputs.get("name") == literal]
        return sorted(set(named))

    def _uses(self, role: str) -> frozenset[str]:
        uses = set[str]()
        for resource in self._resources:
            for (kind, key), use in _USES.items():
                if resource.type == kind and role in self._roles(resource, key):
                    uses.add(use)
            if resource.type in _ASSOCIATIONS and role in self._roles(resource, "roleArn"):
                uses.add(f"database:{resource.inputs.get('featureName')}")
            if resource.type == _FUNCTION and role in self._roles(resource, "role"):
                uses |= self._function_uses(resource)
            if resource.type == _SCHEDULE and role in self._roles(resource, "target"):
                uses |= self._schedule_uses(resource)
        return frozenset(uses)

    def _schedule_uses(self, schedule: Registration) -> set[str]:
        target = opened(schedule.inputs).get("target")
        if not isinstance(target, Mapping):
            return set()
        uses = {f"schedule-of-{kind}" for kind in _kinds(target.get("arn"))}
        if target.get("deadLetterConfig"):
            uses.add("schedule-dead-letters")
        if self._encrypted(schedule, "target"):
            uses.add("schedule-to-encrypted-queue")
        return uses

    def _function_uses(self, function: Registration) -> set[str]:
        inputs = opened(function.inputs)
        path = str((inputs.get("code") or {}).get("path", ""))
        package = _PACKAGE.fullmatch(path)
        uses = {f"function:{package[1] if package else function.name}"}
        if (inputs.get("vpcConfig") or {}).get("subnetIds"):
            uses.add("function-in-vpc")
        if (inputs.get("tracingConfig") or {}).get("mode") == "Active":
            uses.add("function-traced")
        if inputs.get("deadLetterConfig"):
            uses.add("function-dead-letters")
            if self._encrypted(function, "deadLetterConfig"):
                uses.add("function-to-encrypted-queue")
        variables = (inputs.get("environment") or {}).get("variables") or {}
        if variables.get(_MODELS, "[]") != "[]":
            uses.add(EMBEDS)
        if variables.get(_TICKETS):
            uses.add(SENDS_TICKETS)
        if variables.get(_DESTINATIONS, "[]") != "[]":
            uses.add(KEEPS_VECTORS)
        if variables.get(_BATCH):
            uses.add(MAKES_JOBS)
        if '"secret":' in variables.get(_SERVERS, ""):
            uses.add(READS_TOKENS)
        return uses | self._delivery_uses(function)

    def _delivery_uses(self, function: Registration) -> set[str]:
        """What Lambda takes from queues for a function, and sends elsewhere."""
        uses = set[str]()
        for mapping in self._of(_MAPPING):
            if self._means(mapping, function):
                uses.add("function-of-queue")
                if self._encrypted(mapping, "eventSourceArn"):
                    uses.add("function-of-encrypted-queue")
        for config in self._of(_EVENT_CONFIG):
            if self._means(config, function):
                destinations = opened(config.inputs).get("destinationConfig") or {}
                arns = [(destinations.get(on) or {}).get("destination") for on in ("onSuccess", "onFailure")]
                uses |= {f"function-destination-{kind}" for arn in arns for kind in _kinds(arn)}
                if self._encrypted(config, "destinationConfig"):
                    uses.add("function-to-encrypted-queue")
        return uses

    def _means(self, resource: Registration, function: Registration) -> bool:
        """Whether a resource's functionName is this function, or an alias of it."""
        urns = set(resource.property_dependencies.get("functionName", ()))
        aliases = [alias for alias in self._of(_ALIAS) if alias.urn in urns]
        return function.urn in urns or any(self._means(alias, function) for alias in aliases)

    def _encrypted(self, resource: Registration, key: str) -> bool:
        """Whether a queue that a property names is under a customer's key."""
        queues = [queue for queue in self._of(_QUEUE) if queue.urn in resource.property_dependencies.get(key, ())]
        return any(opened(queue.inputs).get("kmsMasterKeyId") not in {None, "", "alias/aws/sqs"} for queue in queues)

    def _with_encryption(self, role: Role) -> Role:
        """Indexes under a customer key: S3 Vectors uses the key in the caller's name."""
        under_key = any(
            configuration.get("sseType") == "aws:kms"
            for index in self._of(_INDEX)
            for configuration in opened(index.inputs).get("encryptionConfigurations") or []
        )
        actions = {a.lower() for p in role.policies for s in p.statements if s.effect == "Allow" for a in s.actions}
        uses = set(role.uses)
        if under_key and actions & _VECTOR_READS:
            uses.add("reads-encrypted-vectors")
        if under_key and actions & _VECTOR_WRITES:
            uses |= {"reads-encrypted-vectors", "writes-encrypted-vectors"}
        return replace(role, uses=frozenset(uses))


def _kinds(arn: Any) -> set[str]:
    """function, queue or topic for an ARN that is known."""
    parts = arn.split(":") if isinstance(arn, str) else []
    return {_TARGETS[parts[2]]} if len(parts) > 2 and parts[2] in _TARGETS else set()  # noqa: PLR2004 - an ARN's third part is its service
