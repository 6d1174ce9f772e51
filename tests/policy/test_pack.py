"""The pack as the Pulumi CLI starts it: a process in the pack's folder that answers over gRPC."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as messages
from pulumi.runtime.proto import analyzer_pb2_grpc

from isolation.registry import RULES
from isolation.rule import StackRule, aws
from tests.policy.support import UNKNOWN, secret

PACK = Path(__file__).parents[2] / "policy"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The running pack, from a copy in a folder with a space, so that nothing of the checkout is on its path."""
    folder = tmp_path_factory.mktemp("a checkout") / "policy"
    shutil.copytree(PACK, folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PYTHONPATH"))}
    process = subprocess.Popen(
        # sdk/python/cmd/pulumi-language-python/main.go, RunPlugin; the first address is the engine's.
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", str(folder)],
        cwd=folder,
        env=environment | {"PULUMI_PROJECT": "vectordb", "PULUMI_STACK": "dev", "PULUMI_DRY_RUN": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), process.stderr.read()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def urn(path: str, name: str) -> str:
    return f"urn:pulumi:dev::vectordb::{aws(path)}::{name}"


def diagnostics(response: Any) -> list[tuple[str, str, str, str, str]]:
    """(policy, level, severity, resource, message) of each."""
    return [
        (
            each.policyName,
            messages.EnforcementLevel.Name(each.enforcementLevel),
            messages.PolicySeverity.Name(each.severity),
            each.urn,
            each.message,
        )
        for each in response.diagnostics
    ]


def analyze(pack: Any, path: str, name: str, properties: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    request = messages.AnalyzeRequest(type=aws(path), properties=struct(properties), urn=urn(path, name), name=name)
    return diagnostics(pack.Analyze(request, timeout=10))


GROUP_RULE = {"protocol": "tcp", "fromPort": 5432, "toPort": 5432}


def test_the_pack_names_its_policies_all_mandatory_but_the_report_of_waivers(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=10)
    assert info.name == "vectordb"
    assert info.supportsConfig
    assert [policy.name for policy in info.policies] == [*(rule.id for rule in RULES), "configuration", "waivers"]
    *mandatory, waivers = (messages.EnforcementLevel.Name(policy.enforcementLevel) for policy in info.policies)
    assert set(mandatory) == {"MANDATORY"}
    assert waivers == "ADVISORY"
    assert [policy.policy_type == messages.POLICY_TYPE_STACK for policy in info.policies] == [
        *(isinstance(rule, StackRule) for rule in RULES),
        True,
        True,
    ]
    described = {policy.name: policy for policy in info.policies}["database-not-public"]
    assert described.description == "Databases have no public address."
    [rule] = [rule for rule in RULES if rule.id == "database-not-public"]
    assert list(described.tags) == rule.frameworks.labels()
    assert "FSBP RDS.2" in described.tags
    assert described.remediation_steps == "Set publiclyAccessible to false."
    assert described.severity == messages.POLICY_SEVERITY_CRITICAL
    assert described.url == "docs/policies/database-not-public.md"
    assert described.framework.name == "AWS Foundational Security Best Practices"
    assert described.framework.reference == ", ".join(rule.frameworks.fsbp)
    assert set(described.configSchema.properties.fields) == {"waivers"}


def test_a_planted_door_is_the_only_thing_found(pack: Any) -> None:
    """Behind an unknown source and beside a private one."""
    planted = {
        "description": "Clients of the database.",
        "ingress": [GROUP_RULE | {"description": "SQL.", "cidrBlocks": [UNKNOWN, "10.0.0.0/16", "0.0.0.0/0"]}],
        "vpcId": UNKNOWN,
    }
    assert analyze(pack, "ec2/securityGroup", "database", planted) == [
        (
            "security-group-ingress-private",
            "MANDATORY",
            "POLICY_SEVERITY_CRITICAL",
            urn("ec2/securityGroup", "database"),
            (
                "Security groups admit ingress from private addresses only.\n"
                "database: ingress[0].cidrBlocks[2] is 0.0.0.0/0, which reaches outside private address space. "
                "Admit a security group or a private CIDR block."
            ),
        )
    ]


def test_a_clean_resource_is_not_mentioned(pack: Any) -> None:
    clean = {
        "description": "Clients of the database.",
        "vpcId": UNKNOWN,
        "ingress": [
            GROUP_RULE | {"description": "SQL."} | {"cidrBlocks": [UNKNOWN, "10.0.0.0/16"], "securityGroups": [UNKNOWN]}
        ],
    }
    assert analyze(pack, "ec2/securityGroup", "database", clean) == []
    assert analyze(pack, "s3/bucket", "other", {"bucket": UNKNOWN}) == []


def test_a_cluster_made_without_a_thought(pack: Any) -> None:
    """Defaults of AWS's that are violations, each told with its remedy, and a secret that is not repeated."""
    found = analyze(
        pack, "rds/cluster", "cluster", {"engine": "aurora-postgresql", "masterPassword": secret("hunter2")}
    )
    assert {level for _, level, *_ in found} == {"MANDATORY"}
    told = {policy: message.partition("\n")[2] for policy, *_, message in reversed(found)}
    assert (
        told
        | {
            "storage-encrypted": (
                "cluster: storageEncrypted is absent, and false by default. Set storageEncrypted to true."
            ),
            "database-requires-tls": (
                "cluster: dbClusterParameterGroupName is absent, so AWS's default parameters apply. "
                "Set dbClusterParameterGroupName to a parameter group of this stack with rds.force_ssl = 1."
            ),
            "database-managed-master-password": (
                "cluster: masterPassword holds a master password. "
                "Remove masterPassword and set manageMasterUserPassword to true."
            ),
        }
        == told
    )
    assert "hunter2" not in str(found)


def test_a_cluster_made_with_care_of_which_much_is_unknown(pack: Any) -> None:
    careful = {
        "engine": "aurora-postgresql",
        "storageEncrypted": True,
        "kmsKeyId": UNKNOWN,
        "dbClusterParameterGroupName": UNKNOWN,
        "dbSubnetGroupName": UNKNOWN,
        "iamDatabaseAuthenticationEnabled": True,
        "manageMasterUserPassword": True,
    }
    about = {policy for policy, *_ in analyze(pack, "rds/cluster", "cluster", careful)}
    assert about.isdisjoint(
        {
            "storage-encrypted",
            "storage-customer-key",
            "database-requires-tls",
            "database-iam-authentication",
            "database-managed-master-password",
        }
    )


def test_malformed_input_blocks_and_the_pack_lives_on(pack: Any) -> None:
    malformed: dict[str, Any] = {"ingress": [7, None, [], {"cidrBlocks": {"x": 1}}, {"cidrBlocks": 3}]}
    assert [
        message.partition("\n")[2].partition(". ")[0]
        for policy, *_, message in analyze(pack, "ec2/securityGroup", "odd", malformed)
        if policy == "security-group-ingress-private"
    ] == [
        "odd: ingress[3].cidrBlocks is an object that is no CIDR block",
        "odd: ingress[4].cidrBlocks is a number that is no CIDR block",
    ]
    assert analyze(pack, "ec2/securityGroup", "clean", {"description": "Clients.", "vpcId": UNKNOWN}) == []


def test_the_stack_is_judged_across_its_resources(pack: Any) -> None:
    def of_stack(path: str, name: str, properties: dict[str, Any]) -> Any:
        return messages.AnalyzerResource(type=aws(path), properties=struct(properties), urn=urn(path, name), name=name)

    rule = "vpc/securityGroupIngressRule"
    request = messages.AnalyzeStackRequest(
        resources=[
            of_stack("ec2/managedPrefixList", "own", {"id": "pl-own"}),
            of_stack(rule, "from-own", {"prefixListId": "pl-own"}),
            of_stack(rule, "from-new", {"prefixListId": UNKNOWN}),
            of_stack(rule, "from-cloudfront", {"prefixListId": "pl-a3a144ca"}),
        ]
    )
    assert diagnostics(pack.AnalyzeStack(request, timeout=10)) == [
        (
            "security-group-ingress-prefix-list-declared",
            "MANDATORY",
            "POLICY_SEVERITY_CRITICAL",
            urn(rule, "from-cloudfront"),
            (
                "Security groups admit only prefix lists that the same stack declares, whose entries are checked.\n"
                "from-cloudfront: prefixListId names a prefix list that this stack does not declare. "
                "Declare the list as an aws.ec2.ManagedPrefixList in this stack, or admit a security group."
            ),
        )
    ]


# ---- its configuration


@pytest.fixture
def configure(pack: Any) -> Iterator[Any]:
    """Configure the running pack; it forgets afterwards."""

    def by(**policies: tuple[int, dict[str, Any]]) -> None:
        configured = {
            name.replace("_", "-"): messages.PolicyConfig(enforcementLevel=level, properties=struct(properties))  # type: ignore[arg-type]
            for name, (level, properties) in policies.items()
        }
        pack.Configure(messages.ConfigureAnalyzerRequest(policyConfig=configured), timeout=10)

    yield by
    by()


def whole(pack: Any) -> list[tuple[str, str, str]]:
    """(policy, level, message) of what the pack's own policies say about a stack without resources."""
    found = diagnostics(pack.AnalyzeStack(messages.AnalyzeStackRequest(), timeout=10))
    own = ("configuration", "waivers")
    return [(policy, level, message.partition("\n")[2]) for policy, level, *_, message in found if policy in own]


def test_a_configuration_that_no_rule_understands_blocks(pack: Any, configure: Any) -> None:
    configure(database_not_pubic=(messages.MANDATORY, {}), no_public_address=(messages.MANDATORY, {"days": 3}))
    assert whole(pack) == [
        ("configuration", "MANDATORY", "database-not-pubic is no rule of this pack. Did you mean database-not-public?"),
        ("configuration", "MANDATORY", "no-public-address: days is no setting of this rule. It takes waivers."),
    ]


def test_a_waived_finding_blocks_nothing_and_is_reported(pack: Any, configure: Any) -> None:
    waiver = {"resource": "vpn", "owner": "network team", "reason": "Until the peering.", "expires": "2999-12-31"}
    configure(no_public_address=(messages.MANDATORY, {"waivers": [waiver]}))
    assert "no-public-address" not in {policy for policy, *_ in analyze(pack, "ec2/eip", "vpn", {})}
    assert "no-public-address" in {policy for policy, *_ in analyze(pack, "ec2/eip", "vpn-2", {})}
    [(policy, level, message)] = whole(pack)
    assert (policy, level) == ("waivers", "ADVISORY")
    assert re.fullmatch(
        r"vpn is a public address\. Waived for no-public-address until 2999-12-31 \([0-9]+ days left\)\. "
        r"Owner: network team\. Reason: Until the peering\.",
        message,
    )


def remediated(pack: Any, path: str, properties: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    request = messages.AnalyzeRequest(type=aws(path), properties=struct(properties), urn=urn(path, "x"), name="x")
    answer = pack.Remediate(request, timeout=10)
    return [(each.policyName, json_format.MessageToDict(each.properties)) for each in answer.remediations]


def test_nothing_is_remediated_unless_it_is_asked_for(pack: Any) -> None:
    assert remediated(pack, "rds/cluster", {}) == []


def test_what_is_remediated_keeps_secrets_and_unknowns(pack: Any, configure: Any) -> None:
    configure(database_iam_authentication=(messages.REMEDIATE, {}))
    properties = {"masterPassword": secret("hunter2"), "kmsKeyId": UNKNOWN, "serverlessv2ScalingConfiguration": {}}
    fixed = properties | {"iamDatabaseAuthenticationEnabled": True}
    assert remediated(pack, "rds/cluster", properties) == [("database-iam-authentication", fixed)]
    assert remediated(pack, "rds/cluster", fixed) == []
    assert remediated(pack, "rds/cluster", {"iamDatabaseAuthenticationEnabled": UNKNOWN}) == []
    assert remediated(pack, "rds/proxy", {"auths": []}) == []


@pytest.mark.parametrize("options", [None, {}, secret({"httpEndpoint": "enabled"})])
def test_what_is_remediated_within_an_object(pack: Any, configure: Any, options: Any) -> None:
    configure(instance_metadata_v2=(messages.REMEDIATE, {}))
    [(_, properties)] = remediated(pack, "ec2/instance", {"metadataOptions": options})
    made = properties["metadataOptions"]
    made = made.get("value", made)
    assert made == {"httpTokens": "required", "httpPutResponseHopLimit": 1} | (
        {"httpEndpoint": "enabled"} if options else {}
    )
    assert ("value" in properties["metadataOptions"]) == bool(options)


@pytest.mark.parametrize("options", ["none", [1], UNKNOWN])
def test_what_has_no_place_for_it_is_not_remediated(pack: Any, configure: Any, options: Any) -> None:
    configure(instance_metadata_v2=(messages.REMEDIATE, {}))
    assert remediated(pack, "ec2/instance", {"metadataOptions": options}) == []


# ---- the folder


def test_the_project_file_points_at_the_checkout_s_environment() -> None:
    project = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": "../.venv"}}
    assert project["version"] == "0.1.0"
    assert project["description"]


def test_the_pack_imports_the_standard_library_and_the_policy_sdk_only() -> None:
    allowed = sys.stdlib_module_names | {"pulumi_policy", "isolation"}
    files = sorted(PACK.rglob("*.py"))
    assert len(files) > 40
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names=names):
                    roots = {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(module), level=0):
                    roots = {module.partition(".")[0]}
                case ast.ImportFrom():
                    roots = set()
                case _:
                    continue
            assert roots <= allowed, f"{file} imports {roots - allowed}"
