"""A hundred generated stacks, each recorded once, against every check; and what is refused is refused in words."""

import json
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.config import ConfigurationError, load
from isolation.rule import Resource
from isolation.rules.encryption import FLOWS_ENCRYPTED, STORES_ENCRYPTED
from isolation.rules.reachability import FLOWS_AS_DECLARED, NO_WAY_IN
from isolation.stack import Stack as State
from tests.components.family import strategies
from tests.components.family.embeddings import LIBRARIES
from tests.components.family.sample import SIZE, deployed, sample
from tests.components.family.stack import Stack
from tests.components.models import checks
from tests.components.models.known import Known
from tests.components.models.policies import ACTIONS
from tests.components.models.shapes import Tally
from tests.components.models.table import TABLE
from vectordb.errors import VectordbError
from vectordb.plan import analyzer, policy_configuration
from vectordb.plan.checks import check
from vectordb.plan.policy_configuration import PolicyConfiguration
from vectordb.plan.recording import opened

DOORS = ("internetGateway", "natGateway", "eip", "egressOnlyInternetGateway", "carrierGateway", "route")


def found(problems):
    """The first stacks with a problem, and what it is: all that a failure has to show."""
    return [(stack, problem) for stack, recording in deployed() for problem in problems(stack, recording)][:3]


def test_the_sample_has_every_shape():
    assert len(sample()) == SIZE >= 100
    databases = [stack.keys["database"] for stack in sample()]
    networks = [stack.keys["network"] for stack in sample()]
    shapes = {
        "regions": {stack.region for stack in sample()},
        "engines": {database["engine"] for database in databases},
        "longest": max(len(stack.name) for stack in sample()),
        "proxies": sum(database.get("proxy", False) for database in databases),
        "restored": sum("restore" in database for database in databases),
        "protected": sum(database.get("protect", False) for database in databases),
        "scaled": sum("readerScaling" in database for database in databases),
        "existing": sum("vpcId" in network for network in networks),
        "ipv6": sum(network.get("ipv6", False) for network in networks),
        "bridges inside": sum(stack.keys.get("bridge", {}).get("vpc", False) for stack in sample()),
        "untraced": sum(not stack.keys.get("bridge", {}).get("tracing", True) for stack in sample()),
        "searched by words": sum(any(i.get("fullTextKeys") for i in stack.keys["indexes"]) for stack in sample()),
        "embedded": sum(any(i.get("model") for i in stack.keys["indexes"]) for stack in sample()),
        "indexed": sum(bool(stack.keys["indexes"]) for stack in sample()),
        "tagged": sum(bool(stack.keys["tags"]) for stack in sample()),
        "transports": {stack.keys["transport"] for stack in sample()},
    }
    if LIBRARIES.is_dir():
        pipelines = [stack.keys["embedding"] for stack in sample() if "embedding" in stack.keys]
        vectorizers = [one for pipeline in pipelines for one in pipeline["vectorizers"]]
        switches = {
            "pipelines": len(pipelines),
            "without a queue": sum(not pipeline.get("queue", True) for pipeline in pipelines),
            "not called": sum(not pipeline.get("calls", True) for pipeline in pipelines),
            "never swept": sum(pipeline.get("sweepMinutes") == 0 for pipeline in pipelines),
            "servers of models": sum(bool(pipeline.get("endpoints")) for pipeline in pipelines),
        }
        modes = Counter(one["delivery"]["mode"] for one in vectorizers)
        kinds = Counter(one.get("destination", {}).get("kind", "table") for one in vectorizers)
        assert [switch for switch, number in switches.items() if not number] == []
        assert modes.keys() == {"scheduled", "event", "queue", "sync_lambda", "in_transaction"}
        assert kinds.keys() == {"table", "column", "s3_vectors"}
    assert shapes["regions"] == set(strategies.REGIONS)
    assert shapes["engines"] == {"aurora", "rds", "both"}
    assert shapes["transports"] == {"ssm", "direct", "data-api"}
    assert shapes["longest"] == 100
    rare = {key: number for key, number in shapes.items() if isinstance(number, int) and number < 3}
    assert rare == {}


def test_every_type_of_the_table_is_in_the_sample():
    made = {resource.type for _, recording in deployed() for resource in recording.resources}
    assert set(TABLE) - made == set()


def test_the_provider_knows_every_property():
    assert found(lambda _, recording: checks.names_and_types(recording)) == []


def test_aws_takes_every_argument():
    tally = Tally()
    assert found(lambda _, recording: checks.arguments(recording, tally)) == []
    assert tally.unknown == 0
    assert tally.known > 100_000


def test_policies_are_well_formed_within_their_limits_and_of_their_place():
    tally = Tally()
    assert found(lambda stack, recording: checks.documents(recording, stack.region, tally)) == []
    assert tally.unknown == 0
    # A row for an action that nothing asks for any more goes.
    assert tally.seen == set(ACTIONS)


def test_everything_that_can_carry_tags_does():
    assert found(lambda stack, recording: checks.tags(recording, stack.keys["tags"])) == []


def test_no_door_no_duplicate_and_no_plain_secret():
    assert found(lambda _, recording: check(recording)) == []

    def doors(_, recording):
        kinds = {r.type.split(":")[1].partition("/")[2] for r in recording.resources if r.type.startswith("aws:")}
        return kinds & set(DOORS)

    assert found(doors) == []


def test_there_are_as_many_as_were_asked_for():
    def problems(stack, recording):
        made = Counter(resource.type.rpartition(":")[2] for resource in recording.resources)
        network, database = stack.keys["network"], stack.keys["database"]
        zones = network.get("zones", 0)
        engine = database["engine"]
        wanted = {
            "Subnet": zones if isinstance(zones, int) else len(zones),
            "VectorsIndex": sum(1 + len(index.get("keep", [])) for index in stack.keys["indexes"]),
            "Cluster": engine != "rds",
            "ClusterInstance": (engine != "rds") and 1 + database.get("readers", 0),
            "Proxy": database.get("proxy", False) * (2 if engine == "both" else 1),
            "Command": (2 if engine == "both" else 1) + any(i.get("fullTextKeys") for i in stack.keys["indexes"]),
            "Budget": "budget" in stack.keys["observability"] and stack.keys["observability"].get("enabled", True),
        }
        yield from (f"{made[kind]} {kind}, not {number}" for kind, number in wanted.items() if made[kind] != number)

    assert found(problems) == []


def test_the_function_has_room_for_its_environment():
    """Lambda quotas: 4 KB for all variables, their names among them."""

    def problems(_, recording):
        for resource in recording.resources:
            if resource.type == "aws:lambda/function:Function":
                size = sum(len(k) + len(v) for k, v in resource.inputs["environment"]["variables"].items())
                if size > 4096:
                    yield f"{resource.name}: {size} bytes"

    assert found(problems) == []


def as_state(stack, recording):
    """The resources as a policy gets them after an update: with their outputs."""
    known = Known(stack.region)
    for each in recording.resources:
        inputs = opened(each.inputs)
        identifier, outputs = known.create(each, inputs) if each.custom else ("", inputs)
        properties = {**outputs, "id": identifier}
        yield Resource(each.type, each.name, each.urn, properties, each.parent or "", each.property_dependencies)


def test_flows_and_encryption_hold_with_known_ids():
    """The pack below sees previews; here what only an id can tell is known."""
    rules = [NO_WAY_IN, FLOWS_AS_DECLARED, FLOWS_ENCRYPTED, STORES_ENCRYPTED]

    def problems(stack, recording):
        state = State(list(as_state(stack, recording)))
        yield from (f"{rule.id}: {finding.problem}" for rule in rules for _, finding in rule.findings(state))

    assert found(problems) == []


def test_the_pack_finds_no_violation_in_a_part_of_the_sample():
    """Configured for stacks that are thrown away, and for what some of them ask for."""
    folder = sample()[0].configuration.directory / "policy"
    relaxed = policy_configuration.read(folder / "config.dev.json")
    asked = {"ipv6-only-when-asked": {"allowed": True}, "vpc-has-flow-log": {"required": False}}
    configuration = PolicyConfiguration(relaxed.levels, relaxed.properties | asked)
    with analyzer.started(folder, sample()[0].configuration) as process:
        pack = analyzer.connect(process, configuration)
        stacks = [stack for stack in sample() if stack.partition == "aws"][:16]
        violations = [(stack, v) for stack in stacks for v in analyzer.analyze(pack, stack.planned()) if v.mandatory]
    assert len(stacks) == 16
    assert violations[:3] == []


@st.composite
def wild(draw):
    """A stack whose keys are chosen without regard to one another."""
    region = draw(st.sampled_from(strategies.REGIONS))
    network = draw(strategies.own_networks(region)) | draw(st.just({}) | strategies.existing_networks())
    parts = [strategies.common_databases(), strategies.windows(), strategies.aurora(alone=True), strategies.rds()]
    extra = strategies.some(
        restore=strategies.restores(),
        proxy=st.booleans(),
        cron=st.booleans(),
        readerScaling=st.fixed_dictionaries({"max": st.integers(1, 15)}),
        bedrockModels=st.lists(st.sampled_from(strategies.MODELS)),
        minCapacity=st.sampled_from([0, 0.5]),
    )
    database = {"engine": draw(st.sampled_from(["aurora", "rds", "both"]))}
    for part in [*draw(st.lists(st.sampled_from(parts), unique=True)), extra]:
        database |= draw(part)
    keys = {
        "network": network,
        "database": database,
        "transport": draw(st.sampled_from(["ssm", "direct", "data-api"])),
        "bastion": draw(st.booleans()),
        "users": draw(strategies.users(0)),
        "indexes": draw(strategies.indexes()),
    }
    return Stack("vectordb", "dev", region, keys)


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(wild())
def test_what_is_accepted_runs_and_what_is_not_is_refused_by_the_configuration(stack):
    try:
        load(stack.values)
    except ConfigurationError as refusal:
        first, *lines = str(refusal).splitlines()
        assert first == "The stack's configuration cannot be used:"
        assert all(re.match(r"  vectordb(:[a-zA-Z.\[\]0-9]+)?: .+", line) for line in lines)
        return
    recording = stack.planned()
    assert list(checks.names_and_types(recording)) == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"database": {"readers": 3, "readerScaling": {"max": 2}}}, "readerScaling.max"),
        ({"database": {"engine": "rds", "storageType": "io2"}}, "allocatedStorage"),
        ({"database": {"minCapacity": 1, "proxy": True}, "users": []}, "users"),
        ({"database": {"restore": {"snapshot": ""}}}, "restore.snapshot"),
        ({"database": {"backupWindow": "04:00-05:00", "maintenanceWindow": "sun:04:30-sun:05:30"}}, "overlap"),
        ({"tags": {"project": "x"}}, "case"),
        ({"indexes": [{"name": f"index-{n:02}-{'x' * 50}", "dimension": 8} for n in range(40)]}, "indexes"),
        ({"database": {"bedrockModels": ["no model"]}}, "bedrockModels"),
        ({"indexes": [{"name": "docs", "dimension": 3, "model": "cohere.embed-v4:0"}]}, "dimension"),
        ({"bridge": {"vpc": True}, "indexes": []}, "bridge"),
    ],
)
def test_a_contradiction_is_refused_before_any_component_sees_it(keys, message):
    stack = Stack(keys=keys)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load(stack.values)
    with pytest.raises(VectordbError, match=re.escape(message)) as refused:
        stack.planned()
    assert "Traceback" not in str(refused.value)
    assert "components/" not in str(refused.value), json.dumps(keys)
