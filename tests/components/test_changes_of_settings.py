"""What one changed setting does to a stack that is there: exactly which resources, and that none of them is replaced unasked."""

import json
from collections import Counter
from functools import cache

import pytest

from tests.components.recorded import ROOT
from vectordb.plan import plan, profiles, stack_configuration
from vectordb.plan.changes import Kind, compare
from vectordb.plan.consequences import consequences
from vectordb.plan.plan import _resource

BOTH = {"database": {"engine": "both", "minCapacity": 1, "proxy": True, "monitoringSeconds": 30, "readers": 1}}
"""A large stack, so that a change has much to touch."""


@cache
def _planned(stack, keys):
    configuration = stack_configuration.read(ROOT, stack)
    for layer in json.loads(keys):
        configuration = profiles.changed(configuration, {f"vectordb:{key}": value for key, value in layer.items()})
    return {"resources": [_resource(resource) for resource in plan.record(configuration).resources]}


def planned(*layers, stack="dev"):
    """The plan of a stack with keys laid over it."""
    return _planned(stack, json.dumps(layers))


def changes(change, before=(), stack="dev"):
    """What `change` does to the stack with `before` laid over it."""
    return compare(planned(*before, stack=stack), planned(*before, change, stack=stack))


def told(found):
    """`kind Type name property…`, without what changes its tags only."""
    return [
        " ".join([change.kind, change.type.rpartition(":")[2], change.name, *change.properties])
        for change in found
        if change.properties != ("tags",)
    ]


def kinds(found):
    return dict(Counter(change.kind for change in found))


def test_the_same_twice_is_no_change():
    assert changes({}) == []
    assert changes({}, [BOTH]) == []
    assert changes({}, stack="prod") == []


@pytest.mark.parametrize("before", [[], [BOTH]], ids=["dev", "both"])
def test_tags_change_tags_and_nothing_else(before):
    found = changes({"tags": {"Team": "search"}}, before)
    assert kinds(found) == {Kind.CHANGED: len(found)}
    # The root disk of the bastion has tags of its own.
    assert {change.properties for change in found} == {("tags",), ("rootBlockDevice", "tags")}
    tagged = [r for r in planned(*before)["resources"] if "tags" in r["inputs"] and r["type"].startswith("aws:")]
    assert {change.urn for change in found} == {resource["urn"] for resource in tagged}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"network": {"logRetentionDays": 7}}, ["changed LogGroup network-flows retentionInDays"]),
        (
            {"network": {"zones": 3}},
            [
                "changed SubnetGroup database-subnets subnetIds",
                "changed NetworkAcl network-isolated subnetIds",
                "added RouteTableAssociation network-isolated-3",
                "added Subnet network-isolated-3",
            ],
        ),
        (
            {"network": {"endpointZones": 2}},
            [f"changed VpcEndpoint network-{service} subnetIds" for service in ("lambda", "ssm", "ssmmessages")],
        ),
        (
            {"network": {"flowLogs": False}},
            [
                f"removed {kind} network-flows"
                for kind in ("LogGroup", "FlowLog", "Role", "RolePolicy")
            ],
        ),
        (
            {"database": {"insights": "advanced"}},
            ["changed Cluster database-cluster databaseInsightsMode performanceInsightsRetentionPeriod"],
        ),
        ({"database": {"backupDays": 14}}, ["changed Cluster database-cluster backupRetentionPeriod"]),
        ({"database": {"certificateAuthority": "rds-ca-ecc384-g1"}},
         ["changed ClusterInstance database-writer caCertIdentifier"]),
        ({"database": {"parameters": {"work_mem": "65536"}}}, ["changed ClusterParameterGroup database-parameters parameters"]),
        (
            {"database": {"monitoringSeconds": 60}},
            [
                "added Role database-monitoring",
                "added RolePolicy database-monitoring",
                "changed Cluster database-cluster monitoringInterval monitoringRoleArn",
            ],
        ),
        ({"users": []}, ["changed Command sql-apply environment", "removed Policy users-vectordb_app"]),
        (
            {"database": {"protect": True}},
            [
                ("changed Cluster database-cluster deleteAutomatedBackups deletionProtection finalSnapshotIdentifier "
                "skipFinalSnapshot")
            ],
        ),
    ],
)  # fmt: skip
def test_one_setting(change, expected):
    found = [line for line in told(changes(change)) if " observability-" not in line]
    assert sorted(found) == sorted(expected)


def test_logs_are_kept_for_another_time_and_nothing_else():
    found = changes({"database": {"logRetentionDays": 7}}, [BOTH])
    assert {(change.kind, change.type, change.properties) for change in found} == {
        (Kind.CHANGED, "aws:cloudwatch/logGroup:LogGroup", ("retentionInDays",))
    }


@pytest.mark.parametrize(
    "change",
    [
        {"network": {"zones": 3}},
        {"network": {"endpointZones": 2}},
        {"network": {"ipv6": True}},
        {"network": {"blockPublicAccess": "ingress"}},
        {"network": {"clients": {"api": "sg-0123456789abcdef0"}}},
        {"indexes": []},
        {"bastion": False, "transport": "direct"},
        {"observability": {"enabled": False}},
        {"observability": {"email": "a@example.com", "budget": 100}},
        {"users": [{"name": "app", "access": "admin"}]},
        {"database": {"readers": 3}},
        {"database": {"readerScaling": {"max": 5}}},
        {"database": {"minCapacity": 2, "maxCapacity": 64}},
        {"database": {"instanceClass": "db.m8g.xlarge"}},
        {"database": {"multiAz": True}},
        {"database": {"allocatedStorage": 100, "maxAllocatedStorage": 500}},
        {"database": {"bedrockModels": ["amazon.titan-embed-text-v2:0"]}},
        {"database": {"cron": True}},
        {"database": {"preloadLibraries": ["pgaudit"]}},
        {"database": {"insights": "off"}},
        {"database": {"monitoringSeconds": 0}},
        {"database": {"protect": True}},
        {"database": {"backupWindow": "03:00-04:00", "maintenanceWindow": "sun:05:00-sun:06:00"}},
        {"database": {"applyImmediately": False}},
        {"database": {"proxy": False}},
        {"database": {"engine": "aurora"}},
    ],
    ids=json.dumps,
)
def test_nothing_is_replaced(change):
    assert [line for line in told(changes(change, [BOTH])) if line.startswith("replaced")] == []


def test_another_generation_is_another_database():
    found = changes({"database": {"generation": 2}})
    assert [line for line in told(found) if not line.startswith("changed")] == [
        "replaced LogGroup database-log-iam-db-auth-error name",
        "replaced LogGroup database-log-instance name",
        "replaced LogGroup database-log-postgresql name",
        "replaced Cluster database-cluster clusterIdentifier",
        "replaced ClusterInstance database-writer clusterIdentifier identifier",
        "replaced ClusterRoleAssociation database-invoke dbClusterIdentifier",
    ]


def test_an_index_of_another_shape_is_another_index():
    stdlib = {"name": "stdlib", "dimension": 512, "fullTextKeys": [{"key": "summary", "language": "en"}]}
    found = changes({"indexes": [stdlib]})
    assert [line for line in told(found) if line.startswith(("replaced", "removed"))] == [
        "replaced VectorsIndex vectors-stdlib dimension"
    ]
    beside = changes({"indexes": [stdlib | {"generation": 2, "keep": [{"dimension": 256}]}]})
    assert [line for line in told(beside) if not line.startswith("changed")] == ["added VectorsIndex vectors-stdlib-g2"]


def warnings(change, before=(), stack="dev"):
    found = changes(change, before, stack)
    old, new = planned(*before, stack=stack), planned(*before, change, stack=stack)
    return [(w.refused, w.sentence) for w in consequences(found, new, old)]


def test_what_is_lost_is_said_with_its_remedy():
    assert (
        False,
        "database-cluster is replaced (clusterIdentifier cannot change in place); with it goes the databases.",
    ) in warnings({"database": {"generation": 2}})
    found = consequences(changes({"database": {"generation": 2}}), planned({"database": {"generation": 2}}))
    (cluster,) = [item for item in found if item.urn.endswith("::database-cluster")]
    assert "vectordb:database.restore.snapshot" in cluster.remedy


def test_what_is_protected_is_refused():
    assert [w for w in warnings({"database": {"generation": 2}}, stack="prod") if w[0]] == [
        (
            True,
            (
                "database-cluster is protected and would be replaced (clusterIdentifier cannot change in place): "
                "`pulumi up` refuses."
            ),
        ),
        (
            True,
            (
                "database-reader-1 is protected and would be replaced (clusterIdentifier, identifier cannot change in place): "
                "`pulumi up` refuses."
            ),
        ),
        (
            True,
            (
                "database-writer is protected and would be replaced (clusterIdentifier, identifier cannot change in place): "
                "`pulumi up` refuses."
            ),
        ),
    ]


def test_another_generation_takes_the_proxy_along():
    replaced = [
        line for line in told(changes({"database": {"generation": 2}}, [BOTH])) if line.startswith("replaced Proxy")
    ]
    assert replaced == [
        "replaced Proxy database-proxy-proxy name",
        "replaced Proxy rds-proxy-proxy name",
        "replaced ProxyDefaultTargetGroup database-proxy-targets dbProxyName",
        "replaced ProxyDefaultTargetGroup rds-proxy-targets dbProxyName",
        "replaced ProxyTarget database-proxy-target dbClusterIdentifier dbProxyName targetGroupName",
        "replaced ProxyTarget rds-proxy-target dbInstanceIdentifier dbProxyName targetGroupName",
    ]


def test_another_version_has_to_be_allowed():
    (refused,) = [w for w in warnings({"database": {"version": "17"}}) if w[0]]
    assert refused[1].startswith("database-cluster keeps the major version that it has")
    (back,) = warnings({"database": {"version": "17", "allowMajorUpgrade": True}})
    assert back == (True, "database-cluster: engineVersion would go from 18 back to 17; RDS refuses that.")
    allowed = warnings({"database": {"version": "18", "allowMajorUpgrade": True}}, [{"database": {"version": "17"}}])
    assert allowed == [
        (
            False,
            "database-cluster: engineVersion changes in place. Every instance restarts; a major version takes minutes.",
        )
    ]


@pytest.mark.parametrize(
    ("gib", "sentence"),
    [
        (50, "allocatedStorage would go from 100 down to 50 GiB; storage never shrinks, and RDS refuses that."),
        (109, "allocatedStorage would go from 100 to 109 GiB; RDS refuses less than ten per cent more."),
    ],
)
def test_storage_that_cannot_be_had_is_refused(gib, sentence):
    before = [BOTH, {"database": {"allocatedStorage": 100}}]
    change = {"database": {"allocatedStorage": gib}}
    assert warnings(change, before) == [(True, f"rds-instance: {sentence}")]
    (told_,) = consequences(changes(change, before), planned(*before, change), planned(*before))
    assert told_.remedy.startswith("Leave the size." if gib == 50 else "Ask for 110 GiB")
    assert [refused for refused, _ in warnings({"database": {"allocatedStorage": 110}}, before)] == [False]


def test_an_older_version_is_refused_and_a_newer_one_is_not():
    (back,) = warnings({"database": {"version": "18.4"}}, [{"database": {"version": "18.6"}}])
    assert back == (True, "database-cluster: engineVersion would go from 18.6 back to 18.4; RDS refuses that.")
    assert [
        refused for refused, _ in warnings({"database": {"version": "18.6"}}, [{"database": {"version": "18.4"}}])
    ] == [False]


def test_the_version_that_aws_chose_counts():
    old, new = planned({"database": {"version": "18"}}), planned({"database": {"version": "18.4"}})
    state = {"deployment": json.loads(json.dumps(old))}
    (cluster,) = [r for r in state["deployment"]["resources"] if r["name"] == "database-cluster"]
    cluster["outputs"] = {"engineVersionActual": "18.6"}
    (back,) = [c for c in consequences(compare(old, new), new, state) if c.refused]
    assert back.sentence == "database-cluster: engineVersion would go from 18.6 back to 18.4; RDS refuses that."


def test_a_protected_reader_goes_by_itself():
    found = changes({"database": {"readers": 0}}, stack="prod")
    (refused,) = [c for c in consequences(found, planned({"database": {"readers": 0}}, stack="prod")) if c.refused]
    assert refused.sentence == "database-reader-1 is protected and would be removed: `pulumi up` refuses."
    assert refused.remedy.endswith("ClusterInstance::database-reader-1'`, then this change.")


def test_another_generation_may_have_another_version():
    assert [w for w in warnings({"database": {"version": "17", "generation": 2}}) if w[0]] == []


def test_another_network_is_another_stack():
    (refused,) = [w for w in warnings({"network": {"cidr": "10.99.0.0/16"}}) if w[0]]
    assert refused[1] == "database-subnets would move to another VPC; RDS refuses that while a database uses it."


EXISTING = {"vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}
ANOTHER = {"vpcId": "vpc-0123456789abcdef1", "subnetIds": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]}


@pytest.mark.parametrize(
    ("before", "after"), [({}, EXISTING), (EXISTING, ANOTHER), (EXISTING, {"cidr": "10.20.0.0/16"})]
)
def test_to_from_and_between_existing_networks_too(before, after):
    # As text the section is not laid over the stack's own, but takes its place.
    refused = [w[1] for w in warnings({"network": json.dumps(after)}, [{"network": json.dumps(before)}]) if w[0]]
    assert refused == ["database-subnets would move to another VPC; RDS refuses that while a database uses it."]


def test_ipv6_comes_and_does_not_go():
    on, off = {"network": {"ipv6": True}}, {"network": {"ipv6": False}}
    assert warnings(on) == []
    assert warnings(off, [on]) == [
        (True, "network-vpc would give up its IPv6 block; AWS refuses that while its subnets have theirs.")
    ]


def test_what_stands_still_is_said():
    assert warnings({"database": {"instanceClass": "db.m8g.xlarge"}}, [BOTH]) == [
        (
            False,
            (
                "rds-instance: instanceClass changes in place. The instance is unavailable for minutes; with multiAz, for as long "
                "as a failover takes."
            ),
        )
    ]


def test_a_harmless_change_has_no_consequence():
    assert warnings({"tags": {"a": "b"}}) == []
    assert warnings({"network": {"zones": 3}}) == []
