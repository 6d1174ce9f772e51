"""Plans with facts, made by hand: a quiet stack, one with every fault, and one with far too much of everything."""

import copy

U = "urn:pulumi:dev::shop::"
VPC = f"{U}vectordb:index:Network$aws:ec2/vpc:Vpc::network-vpc"
SUBNETS = [f"{U}vectordb:index:Network$aws:ec2/subnet:Subnet::network-isolated-{n}" for n in (1, 2)]
CLUSTER = f"{U}vectordb:index:AuroraDatabase$aws:rds/cluster:Cluster::database-cluster"
BASTION = f"{U}vectordb:index:Bastion$aws:ec2/instance:Instance::bastion-instance"
PROFILE = f"{U}vectordb:index:Bastion$aws:iam/instanceProfile:InstanceProfile::bastion-profile"
ROLE = f"{U}vectordb:index:Bastion$aws:iam/role:Role::bastion-role"
KEY = f"{U}vectordb:index:Encryption$aws:kms/key:Key::encryption-key"
TLS = "rds.force_ssl = 1 in the cluster's parameter group; clients verify the certificate"


def _component(kind, name):
    return {"urn": f"{U}vectordb:index:{kind}::{name}", "type": f"vectordb:index:{kind}", "name": name, "custom": False}


def _resource(urn, sources=None):
    kind = urn.split("::")[2]
    parent = {"Network": "network", "AuroraDatabase": "database", "Bastion": "bastion", "Encryption": "encryption"}
    component = kind.split("$")[0].rpartition(":")[2]
    return {
        "urn": urn,
        "type": kind.rpartition("$")[2],
        "name": urn.rpartition("::")[2],
        "custom": True,
        "parent": f"{U}vectordb:index:{component}::{parent[component]}",
        "propertyDependencies": sources or {},
        "inputs": {},
    }


def node(name, label, kind, resources=(), subnets=SUBNETS, vpc=VPC):
    return {
        "id": name,
        "label": label,
        "kind": kind,
        "resources": list(resources),
        "vpc": vpc,
        "subnets": list(subnets),
        "groups": [],
    }


def flow(source, target, ports, by=TLS, state="proven", status="declared", why="Because."):
    encryption = {"state": state, "by": by}
    return {
        "source": source,
        "target": target,
        "protocol": "tcp",
        "ports": ports,
        "status": status,
        "why": why,
        "via": [],
        "encryption": encryption,
    }


def grant(principal, actions, resources, effect="Allow", kind="role", flags=(), conditions=()):
    return {
        "principal": principal,
        "kind": kind,
        "name": principal,
        "effect": effect,
        "actions": list(actions),
        "resources": list(resources),
        "conditions": list(conditions),
        "source": ROLE,
        "flags": list(flags),
    }


def rule(name, enforcement="mandatory", configured=None):
    said = {"id": name, "title": f"About {name}.", "severity": "high", "remedy": "", "page": ""}
    return said | {"enforcement": enforcement, "default": "mandatory", "configured": configured or {}}


def line(part, item, usd, group="fixed"):
    return {
        "part": part,
        "item": item,
        "group": group,
        "resources": [],
        "quantity": 730.0,
        "unit": "hour",
        "price": 0.01,
        "usd": usd,
    }


def cost(*lines):
    total = round(sum(one["usd"] for one in lines), 2)
    return {
        "total": total,
        "fixed": total,
        "use": 0,
        "lines": list(lines),
        "notPriced": [],
        "notes": [],
        "prices": {"region": "us-east-1", "date": "2026-11-21"},
    }


_HTTPS = "HTTPS; the endpoint's policy admits this stack's principals only"
_QUIET = {
    "project": "shop",
    "stack": "dev",
    "resources": [
        _component("Network", "network"), _component("AuroraDatabase", "database"),
        _component("Bastion", "bastion"), _component("Encryption", "encryption"),
        _resource(VPC), *map(_resource, SUBNETS), _resource(CLUSTER), _resource(KEY), _resource(ROLE),
        _resource(BASTION, {"iamInstanceProfile": [PROFILE]}), _resource(PROFILE, {"role": [ROLE]}),
    ],
    "policies": [],
    "cost": cost(line("network", "interface endpoints, each zone", 21.9), line("bastion", "t4g.nano instance", 3.07)),
    "facts": {
        "version": 1,
        "exposure": {"open": [], "interfaces": 6, "unproven": []},
        "nodes": [
            node("bastion", "Bastion bastion-instance", "bastion", [BASTION], SUBNETS[:1]),
            node("database", "Aurora cluster database-cluster", "database", [CLUSTER]),
            node("lambda", "Endpoint lambda", "endpoint"),
            node("ssm", "Endpoint ssm", "endpoint"),
            node("ssmmessages", "Endpoint ssmmessages", "endpoint"),
            node("s3", "Gateway endpoint s3", "gateway-endpoint", subnets=()),
        ],
        "vpcs": [{"urn": VPC, "name": "network-vpc", "cidr": "10.20.0.0/16", "subnets": [
            {"urn": SUBNETS[0], "name": "network-isolated-1", "zone": "us-east-1a", "cidr": "10.20.0.0/18"},
            {"urn": SUBNETS[1], "name": "network-isolated-2", "zone": "us-east-1b", "cidr": "10.20.64.0/18"},
        ]}],
        "flows": [
            flow("bastion", "database", "5432", why="People reach the database through the bastion's tunnel."),
            flow("bastion", "ssm", "443", _HTTPS), flow("bastion", "ssmmessages", "443", _HTTPS),
            flow("bastion", "s3", "443", _HTTPS), flow("database", "lambda", "443", _HTTPS),
        ],
        "missing_flows": [],
        "stores": [
            {"resource": CLUSTER, "name": "database-cluster", "kind": "Aurora cluster",
             "at_rest": {"state": "proven", "key": KEY, "by": "storageEncrypted with the stack's key"},
             "in_transit": {"state": "proven", "by": TLS}},
        ],
        "access": [
            grant("bastion-role", ["ssm:UpdateInstanceInformation", "ssmmessages:*"], ["*"], flags=["wildcard-action", "wildcard-resource"]),
            grant("users-vectordb_app", ["rds-db:connect"], ["arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-X/vectordb_app"], kind="database"),
        ],
        "to_check": [{"resource": CLUSTER, "name": "database-cluster", "property": "masterUserSecretKmsKeyId", "rules": ["secret-key"]}],
    },
}  # fmt: skip


def quiet():
    return copy.deepcopy(_QUIET)


def faulty():
    """A way in, an undeclared flow in clear text, a public statement, violations and a waiver."""
    plan = quiet()
    facts = plan["facts"]
    facts["exposure"] = {
        "open": [
            {
                "resource": BASTION,
                "name": "bastion-instance",
                "sentence": "22 is open to 0.0.0.0/0 in bastion-group, and its subnet routes to an internet gateway.",
            }
        ],
        "interfaces": 7,
        "unproven": ["The routes of subnet network-isolated-2 are known at up only."],
    }
    facts["nodes"] += [
        node("job", "Instance report-job", "instance", subnets=SUBNETS[1:]),
        node("outside:0.0.0.0/0", "Anybody (0.0.0.0/0)", "outside", subnets=(), vpc=""),
    ]
    facts["flows"] += [
        flow("job", "database", "5432-5439", "nothing proves that the job verifies TLS", "unproven", "undeclared", ""),
        flow("outside:0.0.0.0/0", "bastion", "22", "SSH", status="undeclared", why=""),
    ]
    facts["missing_flows"] = [
        {
            "source": "embedding",
            "target": "database",
            "protocol": "tcp",
            "ports": "5432",
            "why": "The worker reads its queue.",
        }
    ]
    facts["stores"][0]["at_rest"] = {"state": "unproven", "key": "", "by": "storageEncrypted is not set"}
    facts["access"] += [
        grant("*", ["s3:GetObject"], ["*"], kind="everyone", flags=["public", "wildcard-resource"]),
        grant(
            "bastion-role", ["kms:Decrypt"], [KEY], effect="Deny", conditions=["aws:SourceAccount is not 123456789012"]
        ),
    ]
    plan["policies"] = [
        {"urn": BASTION, "policy": "no-public-ingress", "pack": "vectordb", "enforcement": "mandatory", "severity": "critical",
         "message": "bastion-group: port 22 is open to 0.0.0.0/0. Name the source's security group."},
        {"urn": CLUSTER, "policy": "backup-days", "pack": "vectordb", "enforcement": "advisory", "severity": "low", "message": "Backups are kept for a day."},
        {"urn": CLUSTER, "policy": "waivers", "pack": "vectordb", "enforcement": "advisory", "severity": "low",
         "message": "database-encrypted is waived by dba@example.com until 2027-01-31 (71 days): a restore test."},
    ]  # fmt: skip
    plan["rules"] = [
        {"id": "no-public-ingress", "title": "Nothing is open to the world", "severity": "critical", "enforcement": "mandatory",
         "remedy": "Name the source's security group.", "page": "docs/policies/network.md#no-public-ingress"},
    ]  # fmt: skip
    plan["cost"] = cost(
        line("network", "interface endpoints, each zone", 43.8), line("job", "m7g.large instance", 59.57)
    )
    return plan


def huge(count=2000):
    """As much as a report may ever meet, with names that are long and hostile."""
    plan = quiet()
    facts = plan["facts"]
    nasty = "x|y`z<script>alert(1)</script>@team [a](https://e.example) **b** " + "very-long-name-without-a-break" * 6
    plan["resources"] += [
        _resource(f"{U}vectordb:index:Bastion$aws:ec2/instance:Instance::{nasty}-{n}") for n in range(count)
    ]
    plan["policies"] = [
        {
            "urn": BASTION,
            "policy": f"rule-{n % 40}",
            "pack": "p",
            "enforcement": "mandatory",
            "severity": "high",
            "message": f"{nasty} {n}",
        }
        for n in range(count // 4)
    ]
    facts["nodes"] += [
        node(f"n{n}", f"Instance {nasty} {n}", "instance", subnets=SUBNETS[n % 2 :]) for n in range(count // 10)
    ]
    facts["flows"] += [
        flow(f"n{n}", "database", "5432", nasty, "unproven", "undeclared", nasty) for n in range(count // 10)
    ]
    facts["access"] += [
        grant(f"{nasty} {n % 50}", ["s3:*"], [nasty], flags=["wildcard-action"], conditions=[nasty])
        for n in range(count // 4)
    ]
    facts["to_check"] *= count // 4
    facts["stores"] *= count // 40
    plan["cost"] = cost(*(line(nasty, f"{nasty} {n}", 1.0) for n in range(count // 10)))
    return plan


def empty():
    """A plan of nothing."""
    none = {"exposure": {"open": [], "interfaces": 0, "unproven": []}}
    return {"project": "shop", "stack": "dev", "resources": [], "policies": [], "cost": {}, "facts": none}
