"""What roles need: rows of a table, some from documents, some from calls that were seen.

A row says: a role that `service` may assume, and that is used for `use`, needs `action` on resources like `resource`. In
a resource, `{partition}`, `{region}`, `{account}` and `{name}` (a name of the stack, without a wildcard) stand for one
concrete text each; everything else stands for itself, `*` included: a policy that is wider than its row is not justified by it.
"""

import functools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vectordb.local.permissions.roles import EMBEDS, KEEPS_VECTORS, SENDS_TICKETS, Call, Role

SERVICE_ACTIONS = Path(__file__).with_name("service_actions.toml")
"""What services do with roles of the stack without a call of ours."""
RECORDED_CALLS = Path(__file__).with_name("recorded_calls.toml")
"""What our functions and databases were seen to call in the local stack."""

WORKER_CALLS = Path(__file__).with_name("recorded_worker_calls.toml")
"""The same of the embedding worker, which only stacks with `vectordb:embedding` have."""

# What a function takes only when it is configured for it → the use that says so.
_USES = {
    "bedrock:InvokeModel": EMBEDS,
    "s3vectors:DeleteVectors": KEEPS_VECTORS,
    "s3vectors:ListVectors": KEEPS_VECTORS,
    "s3vectors:PutVectors": KEEPS_VECTORS,
    "sqs:SendMessage": SENDS_TICKETS,
}
_PLACEHOLDERS = {
    "partition": r"aws[a-z-]*",
    "region": r"[a-z]{2}(?:-[a-z]+)+-[0-9]",
    "account": r"[0-9]{12}",
    "name": r"[^*?{}]+",
}


@dataclass(frozen=True, order=True)
class Need:
    """One row; see the module."""

    service: str
    """The service principal that the role's trust names, such as lambda.amazonaws.com."""
    use: str
    """What the role is for (`roles.Role.uses`); empty for every role of the service."""
    action: str
    resources: tuple[str, ...]
    """Each as good as the others: a policy may be written for any of them."""
    why: str = ""
    source: str = ""

    def concerns(self, role: Role) -> bool:
        """Whether the row speaks of this role."""
        return self.service in role.services and (self.use == "" or self.use in role.uses)

    def justifies(self, action: str, resource: str) -> bool:
        """Whether an action and a resource of a policy are no wider than the row."""
        if self.action.lower() != action.lower():
            return False
        return any(_expression(wanted).fullmatch(resource) for wanted in self.resources)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The resources with IAM's wildcards."""
        return tuple(re.sub(r"\{[a-z]+\}", "*", resource) for resource in self.resources)


def read(file: Path) -> tuple[Need, ...]:
    """The rows of a TOML file: tables `[[need]]` with service, use, actions, resources, why and source.

    Raises:
        ValueError: a table has other keys, or says neither why nor by which source.
    """
    rows: list[Need] = []
    for table in tomllib.loads(file.read_text(encoding="utf-8")).get("need", []):
        if set(table) - {"service", "use", "actions", "resources", "why", "source"} or not table.get("source"):
            raise ValueError(f"{file}: a need has service, use, actions, resources, why and source; not {table}")
        resources = tuple(table["resources"])
        rows += [
            Need(table["service"], table.get("use", ""), action, resources, table.get("why", ""), table["source"])
            for action in table["actions"]
        ]
    return tuple(rows)


def all_known() -> tuple[Need, ...]:
    """The sourced table and the recorded calls together: what any plan of this project is judged by."""
    return read(SERVICE_ACTIONS) + read(RECORDED_CALLS) + read(WORKER_CALLS)


def generalised(calls: Iterable[Call], roles: Mapping[str, Role]) -> tuple[Need, ...]:
    """Rows that say of any stack what these calls say of one: by the use of the role, with the stack's names left open.

    Args:
        calls: recorded in a local stack.
        roles: ARN → role of that stack.

    Raises:
        KeyError: a call was made by a role that is not among them.
        ValueError: the shape of an ARN is not known here.
    """
    rows = {
        Need(service, use, call.action, (shape(call.resource),), "", "recorded in the local stack")
        for call in calls
        for service in roles[call.role].services
        for use in _uses(call.action, roles[call.role])
    }
    return tuple(sorted(rows))


def _uses(action: str, role: Role) -> Iterable[str]:
    narrower = _USES.get(action)
    return (narrower,) if narrower in role.uses else role.main_uses


def written(rows: Iterable[Need]) -> str:
    """The rows as tables of a TOML file, actions of one role and resource together."""
    together: dict[tuple[str, str, tuple[str, ...], str], list[str]] = {}
    for row in sorted(rows):
        together.setdefault((row.service, row.use, row.resources, row.source), []).append(row.action)
    lines: list[str] = []
    for (service, use, resources, source), actions in together.items():
        lines += ["", "[[need]]", f"service = {json.dumps(service)}", f"use = {json.dumps(use)}"]
        lines += [f"actions = {json.dumps(actions)}", f"resources = {json.dumps(list(resources))}"]
        lines += [f"source = {json.dumps(source)}"]
    return "\n".join(lines) + "\n"


# Service → the shapes of its ARNs' last parts.
_SHAPES = {
    "s3vectors": ("bucket/{name}/index/{name}", "bucket/{name}"),
    "lambda": ("function:{name}:{name}", "function:{name}"),
    "secretsmanager": ("secret:{name}",),
    "sqs": ("{name}",),
    "sns": ("{name}",),
    "kms": ("key/{name}",),
    "ssm": ("parameter/{name}",),
    "bedrock": ("foundation-model/{name}",),
    "logs": ("log-group:{name}:log-stream:{name}", "log-group:{name}:*", "log-group:{name}"),
    "s3": ("{name}/{name}", "{name}"),
    "rds-db": ("dbuser:{name}/{name}",),
}
_SEPARATED = r"[^*?{}:/]+"


def shape(arn: str) -> str:
    """An ARN with everything left open that a stack decides; `*` stays.

    Raises:
        ValueError: the service's ARNs are not known here; add their shape.
    """
    if arn == "*":
        return arn
    _, _, service, region, account, resource = arn.split(":", 5)
    for candidate in _SHAPES.get(service, ()):
        last = candidate.rpartition("{name}")[0]
        expression = "".join(
            _SEPARATED if part == "{name}" else re.escape(part) for part in re.split(r"(\{name\})", candidate)
        )
        # A secret, a parameter or an object may have separators in its name, where the name ends the ARN.
        if candidate.endswith("{name}") and "{name}" not in last:
            expression = re.escape(last) + _PLACEHOLDERS["name"]
        if re.fullmatch(expression, resource):
            where = "{region}" if region else ""
            return f"arn:{{partition}}:{service}:{where}:{'{account}' if account else ''}:{candidate}"
    raise ValueError(f"The shape of {arn} is not known: add it to vectordb/local/permissions/needs.py.")


@functools.lru_cache(maxsize=1024)
def _expression(resource: str) -> re.Pattern[str]:
    parts = re.split(r"\{([a-z]+)\}", resource)
    return re.compile(
        "".join(_PLACEHOLDERS[part] if odd % 2 else re.escape(part) for odd, part in enumerate(parts)), re.DOTALL
    )
