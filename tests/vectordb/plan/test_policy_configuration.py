"""The configuration of the policies: read as the Pulumi CLI reads it, completed as it completes it, sent as it sends it."""

import json

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from vectordb.errors import VectordbError
from vectordb.plan import plan, policy_configuration, stack_configuration
from vectordb.plan.policy_configuration import PolicyConfiguration
from vectordb.plan.remediation import changed


def info(**policies):
    """A pack's description of itself: for each policy its level and the defaults of its schema."""
    return analyzer_pb2.AnalyzerInfo(
        policies=[
            analyzer_pb2.PolicyInfo(
                name=name,
                enforcementLevel=level,
                configSchema=analyzer_pb2.PolicyConfigSchema(
                    properties=json_format.ParseDict(
                        {key: {"default": value} for key, value in defaults.items()} | {"free": {"type": "string"}},
                        struct_pb2.Struct(),
                    )
                ),
            )
            for name, (level, defaults) in policies.items()
        ]
    )


def sent(configuration, **policies):
    """What is sent for each policy: (level, properties)."""
    request = configuration.request(info(**policies))
    return {
        name: (
            analyzer_pb2.EnforcementLevel.Name(each.enforcementLevel).lower(),
            json_format.MessageToDict(each.properties),
        )
        for name, each in request.policyConfig.items()
    }


PACK = {"kept": (analyzer_pb2.MANDATORY, {"days": 365}), "told": (analyzer_pb2.ADVISORY, {})}


def written(tmp_path, text):
    file = tmp_path / "config.json"
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return policy_configuration.read(file)


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_without_a_word_the_pack_s_own_defaults_are_sent(tmp_path, text):
    assert sent(written(tmp_path, text), **PACK) == {"kept": ("mandatory", {"days": 365}), "told": ("advisory", {})}


def test_a_level_a_setting_and_a_policy_that_there_is_not(tmp_path):
    configuration = written(tmp_path, {"kept": {"enforcementLevel": "remediate", "days": 30}, "gone": {"a": 1}})
    assert sent(configuration, **PACK) == {
        "kept": ("remediate", {"days": 30}),
        "told": ("advisory", {}),
        "gone": ("advisory", {"a": 1}),
    }


def test_all_is_every_policy_and_what_names_one_comes_after_it(tmp_path):
    configuration = written(tmp_path, {"told": "mandatory", "all": "disabled"})
    assert sent(configuration, **PACK) == {
        "kept": ("disabled", {"days": 365}),
        "told": ("mandatory", {}),
        "all": ("disabled", {}),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{", "cannot be read as JSON"),
        ([], "is no object from policies to what is configured"),
        ({"kept": 3}, "kept is neither an enforcement level nor an object of settings"),
        ({"kept": "strict"}, "kept has an enforcement level that there is not"),
        ({"kept": {"enforcementLevel": 1}}, "kept has an enforcement level that there is not"),
    ],
)
def test_what_the_cli_would_not_take_is_refused(tmp_path, given, message):
    with pytest.raises(VectordbError, match=message):
        written(tmp_path, given)


def test_a_file_that_there_is_not(tmp_path):
    with pytest.raises(VectordbError, match="does not exist"):
        policy_configuration.read(tmp_path / "config.json")


def test_the_pack_s_own_file_for_a_stack(tmp_path):
    (tmp_path / "config.dev.json").write_text("{}")
    assert policy_configuration.beside(tmp_path, "dev") == tmp_path / "config.dev.json"
    assert policy_configuration.beside(tmp_path, "prod") is None
    assert PolicyConfiguration() == policy_configuration.read(tmp_path / "config.dev.json")


def test_what_a_remediation_changed_is_told_by_property():
    before = {"a": 1, "b": {"c": 1}, "d": "x"}
    after = {"a": 1, "b": {"c": 2}, "d": "x", "e": {"f": True, "g": [1]}}
    assert changed(before, after) == [("b.c", 2), ("e.f", True), ("e.g", [1])]


PROGRAM = """
import pulumi, pulumi_aws as aws

class Part(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Part", name, {}, opts)
        aws.ec2.Subnet("subnet", vpc_id="vpc-1", map_public_ip_on_launch=True, opts=pulumi.ResourceOptions(parent=self))
        aws.ec2.Eip("vpn", domain="vpc", opts=pulumi.ResourceOptions(parent=self))

Part("part")
"""


def test_a_plan_is_configured_remediated_and_tells_what_is_waived(project, tmp_path):
    (project / "__main__.py").write_text(PROGRAM)
    file = tmp_path / "policies.json"
    waiver = {"resource": "vpn", "owner": "network team", "reason": "Soon gone.", "expires": "2999-12-31"}
    file.write_text(
        json.dumps(
            {
                "no-public-address": {"enforcementLevel": "remediate", "waivers": [waiver]},
                "all": "mandatory",
                "log-retention": {"enforcementLevel": "disabled", "days": 30},
            }
        )
    )
    made = plan.make(stack_configuration.read(project, "dev"), policy_config=file)
    [subnet] = [each for each in made.recording.resources if each.name == "subnet"]
    assert subnet.inputs["mapPublicIpOnLaunch"] is False
    assert made.as_json()["remediations"] == [
        {"urn": subnet.urn, "policy": "no-public-address", "property": "mapPublicIpOnLaunch", "value": False}
    ]
    rules = {rule["id"]: (rule["enforcement"], rule["default"], rule["configured"]) for rule in made.as_json()["rules"]}
    assert rules["no-public-address"] == ("remediate", "mandatory", {})
    assert rules["log-retention"] == ("disabled", "mandatory", {"days": 30})
    about = [violation for violation in made.violations if violation.policy in ("no-public-address", "waivers")]
    assert [(each.policy, each.resource, each.mandatory) for each in about] == [("waivers", "vpn", False)]
    assert "Owner: network team. Reason: Soon gone." in about[0].message
