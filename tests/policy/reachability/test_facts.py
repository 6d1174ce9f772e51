"""What a report gets: plain data, and the graph made once for all who ask."""

import json

from isolation.facts.reach import facts
from isolation.reachability.network import network
from isolation.stack import Stack
from tests.policy.reachability.plans import both, let_in, make, pair, previewed, two_hosts


def test_the_facts_are_plain_data_of_the_contract() -> None:
    store = make("rds/instance", "store", engine="postgres", vpcSecurityGroupIds=["securityGroup-db"])
    outside = make("lambda/function", "worker")
    for stack in both(two_hosts(store, outside, *pair("web", "db"), let_in("web", 22, cidrIpv4="10.0.0.0/8"))):
        found = json.loads(json.dumps(facts(stack)))
        assert found.keys() == {"exposure", "nodes", "vpcs", "flows", "missing_flows", "paths"}
        assert found["exposure"] == {"open": [], "interfaces": 3, "unproven": []}
        assert {node["id"]: node["kind"] for node in found["nodes"]} == {
            "web": "instance",
            "db": "instance",
            "store": "database",
            "worker": "function",
            "10.0.0.0/16": "outside",
        }
        worker = next(node for node in found["nodes"] if node["id"] == "worker")
        assert worker | {"resources": []} == {
            "id": "worker",
            "label": "Lambda function worker",
            "kind": "function",
            "resources": [],
            "vpc": "",
            "subnets": [],
            "groups": [],
        }
        [vpc] = found["vpcs"]
        assert (vpc["name"], vpc["cidr"], [each["cidr"] for each in vpc["subnets"]]) == (
            "net",
            "10.0.0.0/16",
            ["10.0.1.0/24", "10.0.2.0/24"],
        )
        to_store = next(flow for flow in found["flows"] if flow["target"] == "store")
        assert to_store == {
            "source": "web",
            "target": "store",
            "protocol": "tcp",
            "ports": "5432",
            "status": "undeclared",
            "why": "",
            "via": ["urn:securityGroupEgressRule-web-5432-db", "urn:securityGroupIngressRule-db-5432-web"],
            "encryption": {
                "state": "unproven",
                "by": "parameterGroupName names no parameter group of this stack; name one with rds.force_ssl = 1",
            },
        }
        assert [path["target"] for path in found["paths"]] == ["store", "store"]


def test_the_graph_is_made_once_whatever_the_settings() -> None:
    stack = Stack(previewed(two_hosts()))
    assert network(stack) is network(stack.configured({"flows": "other.toml"}))


def test_nothing_has_no_facts() -> None:
    assert facts(Stack([])) == {
        "exposure": {"open": [], "interfaces": 0, "unproven": []},
        "nodes": [],
        "vpcs": [],
        "flows": [],
        "missing_flows": [],
        "paths": [],
    }
