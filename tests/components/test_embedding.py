"""The embedding pipeline in the program: off without its key, complete with it, and no wider than its uses."""

import json
import sys
from pathlib import Path

import pytest

from components.embedding.schedule import waking
from tests.components.configured import refused
from tests.components.models.known import Known
from tests.components.recorded import ROOT, all_of, only, record
from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.roles import roles_of
from vectordb.plan import plan, program
from vectordb.plan.invented import Invented
from vectordb.plan.stack_configuration import StackConfiguration

LIBRARIES = Path(sys.prefix) / "lambda-arm64"
built = pytest.mark.skipif(not LIBRARIES.is_dir(), reason=f"{LIBRARIES} is missing: make install lays it there")
TITAN = "amazon.titan-embed-text-v2:0"
DOCS = {"name": "docs", "source": "docs", "content": "body", "embedding": {"model": TITAN, "dimension": 256}}
TO_INDEX = DOCS | {"destination": {"kind": "s3_vectors", "index": "docs"}}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:models-AbCdEf"
TOKEN_KEY = "arn:aws:kms:us-east-1:123456789012:key/0f0e0d0c-1111-2222-3333-444455556666"
SERVER = {
    "origin": "https://models.internal:8443",
    "securityGroupId": "sg-0123456789abcdef0",
    "token": SECRET,
    "tokenKey": TOKEN_KEY,
}
SHAPES = {
    "least": {"embedding": {"models": [TITAN]}},
    "no queue": {"embedding": {"models": [TITAN], "queue": False}},
    "no calls": {"embedding": {"models": [TITAN], "calls": False, "tracing": False}},
    "no sweeps": {"embedding": {"models": [TITAN], "sweepMinutes": 0}},
    "queue alone": {"embedding": {"models": [TITAN], "calls": False, "sweepMinutes": 1440}, "indexes": []},
    "servers of models alone": {
        "embedding": {
            "endpoints": [SERVER, {"origin": "https://two.internal:8443", "securityGroupId": "sg-0123456789abcdef0"}]
        }
    },
    "to an index": {"embedding": {"vectorizers": [TO_INDEX]}, "indexes": [{"name": "docs", "dimension": 256}]},
    "beside a bridge in the VPC": {
        "embedding": {"vectorizers": [TO_INDEX]},
        "indexes": [{"name": "docs", "dimension": 256, "model": TITAN}],
        "bridge": {"vpc": True},
    },
    "rds": {"embedding": {"models": [TITAN]}, "database": {"engine": "rds"}},
    "both": {"embedding": {"models": [TITAN]}, "database": {"engine": "both", "minCapacity": 0.5, "proxy": True}},
}


def configuration(keys):
    values = {f"vectordb:{key}": json.dumps(value) for key, value in keys.items()}
    return StackConfiguration("vectordb", "dev", ROOT, {"aws:region": "us-east-1", **values}, frozenset())


def test_without_the_key_there_is_nothing_of_it():
    recording = record()
    assert not {r.name for r in recording.resources if "embed" in r.name or "sweep" in r.name}
    assert not {r.type for r in recording.resources if r.type.startswith(("aws:sqs/", "aws:scheduler/"))}
    assert "VECTORDB_EMBEDDING" not in only(recording, "Command", "sql-apply").inputs["environment"]
    assert not {"queueUrl", "deadLetterQueueUrl", "workerArn", "embedding"} & recording.outputs.keys()


@built
@pytest.mark.parametrize("shape", SHAPES)
def test_its_roles_may_what_they_need_and_nothing_else(shape):
    wanted = configuration(SHAPES[shape])
    roles = roles_of(program.run(wanted, Invented(wanted.region)))
    known = needs.all_known()
    assert [str(one) for one in truth.missing(roles, (), known)] == []
    assert [str(one) for one in truth.unneeded(roles, (), known)] == []


@built
@pytest.mark.parametrize(
    "shape",
    [pytest.param(one, marks=pytest.mark.long) if one.startswith("no ") or one == "rds" else one for one in SHAPES],
)
@pytest.mark.usefixtures("one_pack")
def test_the_policy_pack_passes(shape):
    made = plan.make(configuration(SHAPES[shape]))
    assert made.violations == ()


@built
def test_what_is_made_beside_the_rest():
    before = {r.urn for r in record().resources}
    made = [r for r in record(**SHAPES["least"]).resources if r.custom and r.urn not in before]
    assert sorted((r.type.rpartition(":")[2], r.name) for r in made) == [
        ("Alias", "embedder-live"),
        ("EventSourceMapping", "embedder-tickets"),
        ("Function", "embedder-function"),
        ("FunctionEventInvokeConfig", "embedder-bells"),
        ("LogGroup", "embedder-logs"),
        ("MetricAlarm", "observability-embedder-errors"),
        ("MetricAlarm", "observability-embedder-queue-age"),
        ("MetricAlarm", "observability-embedder-queue-dead"),
        ("MetricAlarm", "observability-embedder-throttles"),
        ("MetricAlarm", "observability-embeddings-circuit"),
        ("MetricAlarm", "observability-embeddings-dead"),
        ("MetricAlarm", "observability-embeddings-oldest"),
        ("MetricAlarm", "observability-embeddings-problem"),
        ("MetricAlarm", "observability-embeddings-sweeps"),
        ("Queue", "embedder-dead"),
        ("Queue", "embedder-tickets"),
        ("QueuePolicy", "embedder-dead"),
        ("QueuePolicy", "embedder-tickets"),
        ("RedriveAllowPolicy", "embedder-dead"),
        ("Role", "embedder-role"),
        ("Role", "sweeps-role"),
        ("RolePolicy", "database-embedder"),
        ("RolePolicy", "embedder-work"),
        ("RolePolicy", "sweeps-send"),
        ("Schedule", "sweeps-sweep"),
        ("ScheduleGroup", "sweeps-group"),
        ("SecurityGroup", "embedder-group"),
        ("SecurityGroup", "network-bedrock-runtime"),
        ("SecurityGroup", "network-sqs"),
        ("SecurityGroupEgressRule", "embedder-to-bedrock-runtime-egress"),
        ("SecurityGroupEgressRule", "embedder-to-database-egress"),
        ("SecurityGroupEgressRule", "embedder-to-sqs-egress"),
        ("SecurityGroupIngressRule", "embedder-to-bedrock-runtime-ingress"),
        ("SecurityGroupIngressRule", "embedder-to-database-ingress"),
        ("SecurityGroupIngressRule", "embedder-to-sqs-ingress"),
        ("VpcEndpoint", "network-bedrock-runtime"),
        ("VpcEndpoint", "network-sqs"),
        ("VpcEndpointPolicy", "network-bedrock-runtime"),
        ("VpcEndpointPolicy", "network-sqs"),
    ]


@built
def test_the_worker_is_in_the_vpc_behind_its_queue():
    wanted = configuration({"embedding": {"models": [TITAN], "maxConcurrency": 3, "memory": 512}})
    made = program.run(wanted, Known("us-east-1"))
    function = only(made, "Function", "embedder-function").inputs
    assert (function["handler"], function["timeout"], function["memorySize"]) == ("embedder.handler.handle", 120, 512)
    assert len(function["vpcConfig"]["subnetIds"]) == 2
    assert "reservedConcurrentExecutions" not in function
    mapping = only(made, "EventSourceMapping").inputs
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["scalingConfig"] == {"maximumConcurrency": 3}
    queue = only(made, "Queue", "embedder-tickets").inputs
    assert queue["visibilityTimeoutSeconds"] == 6 * function["timeout"]
    assert json.loads(queue["redrivePolicy"])["maxReceiveCount"] == 10
    assert queue["kmsMasterKeyId"] == function["kmsKeyArn"]
    rules = {n: r.inputs for n, r in all_of(made, "SecurityGroupIngressRule").items() if "embedder" in n}
    assert {(n, r["fromPort"]) for n, r in rules.items()} == {
        ("embedder-to-bedrock-runtime-ingress", 443),
        ("embedder-to-database-ingress", 5432),
        ("embedder-to-sqs-ingress", 443),
    }


@built
def test_a_sweep_waits_for_the_sql_and_is_trusted_by_its_group():
    made = program.run(configuration(SHAPES["least"]), Known("us-east-1"))
    schedule = only(made, "Schedule")
    assert schedule.inputs["scheduleExpression"] == "rate(60 minutes)"
    assert "sql-apply" in {
        urn.rpartition("::")[2] for r in made.resources if "sweeps" in r.name for urn in r.dependencies
    }
    [statement] = json.loads(only(made, "Role", "sweeps-role").inputs["assumeRolePolicy"])["Statement"]
    assert ":schedule-group/" in statement["Condition"]["ArnLike"]["aws:SourceArn"]
    awake = program.run(
        configuration({"embedding": {"models": [TITAN]}, "database": {"minCapacity": 0.5}}), Known("us-east-1")
    )
    assert only(awake, "Schedule").inputs["scheduleExpression"] == "rate(1 minute)"


@built
def test_servers_of_models_are_reached_on_their_port_and_nothing_else():
    made = program.run(configuration(SHAPES["servers of models alone"]), Known("us-east-1"))
    variables = only(made, "Function", "embedder-function").inputs["environment"]["variables"]
    assert json.loads(variables["VECTORDB_EMBED_ENDPOINTS"]) == [
        {"origin": "https://models.internal:8443", "secret": SECRET},
        {"origin": "https://two.internal:8443"},
    ]
    assert variables["VECTORDB_MODELS"] == "[]"
    rules = all_of(made, "SecurityGroupIngressRule")
    doors = [r.inputs for r in rules.values() if r.inputs["securityGroupId"] == SERVER["securityGroupId"]]
    assert [(door["fromPort"], door["toPort"]) for door in doors] == [(8443, 8443)]
    statements = json.loads(only(made, "RolePolicy", "embedder-work").inputs["policy"])["Statement"]
    granted = {json.dumps(one["Action"]): one["Resource"] for one in statements}
    assert granted['"secretsmanager:GetSecretValue"'] == [SECRET]
    assert '"bedrock:InvokeModel"' not in granted
    [key] = [one for one in statements if one["Resource"] == [TOKEN_KEY]]
    assert key["Condition"] == {"StringLike": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.*"}}
    assert {n for n in all_of(made, "VpcEndpoint") if "bedrock" in n or "secret" in n} == {"network-secretsmanager"}


@built
@pytest.mark.parametrize(
    "origins",
    [
        ("https://a-b.internal:8443", "https://a.b-internal:8443"),
        ("https://database", "https://sqs"),
        ("https://" + "a" * 250, "https://" + "a" * 249 + "b"),
    ],
    ids=["alike", "called as what is reached anyway", "long"],
)
def test_every_server_has_rules_of_its_own_that_stay_when_another_goes(origins):
    servers = [{"origin": one, "securityGroupId": f"sg-0123456789abcdef{n}"} for n, one in enumerate(origins)]
    asked = {"models": [TITAN], "endpoints": servers}
    made = program.run(configuration({"embedding": asked}), Known("us-east-1"))
    names = [r.name for r in made.resources if "SecurityGroup" in r.type and "embedder-to-" in r.name]
    assert len(names) == len(set(names)) == 10
    assert all(len(r.inputs["description"]) <= 255 for r in made.resources if r.name in names)
    fewer = program.run(configuration({"embedding": asked | {"endpoints": servers[1:]}}), Known("us-east-1"))
    assert {r.name for r in fewer.resources if r.name in names} == {n for n in names if "cdef0-" not in n}


@built
def test_the_groups_interfaces_are_deleted_while_the_role_still_may():
    made = program.run(configuration(SHAPES["least"]), Known("us-east-1"))
    group = only(made, "SecurityGroup", "embedder-group")
    assert "embedder-work" in {urn.rpartition("::")[2] for urn in group.dependencies}


@built
@pytest.mark.parametrize(
    ("keys", "period", "oldest"),
    [
        ({}, 7200, 7200),
        ({"sweepMinutes": 1, "oldestMinutes": 5}, 300, 300),
        ({"sweepMinutes": 0}, 3600, 900),
        ({"sweepMinutes": 721}, 86400, 86520),
        ({"sweepMinutes": 1440}, 86400, 172800),
    ],
    ids=["pausing", "every minute", "never", "twice a day or less", "once a day"],
)
def test_alarms_look_at_two_intervals_of_the_sweep(keys, period, oldest):
    made = program.run(configuration({"embedding": {"models": [TITAN], **keys}}), Known("us-east-1"))
    alarms = {n.rpartition("-")[2]: r.inputs for n, r in all_of(made, "MetricAlarm").items() if "embeddings" in n}
    assert set(alarms) == {"oldest", "dead", "circuit", "problem"} | (
        {"sweeps"} if keys.get("sweepMinutes", 60) else set()
    )
    assert {alarm["period"] for alarm in alarms.values()} == {period}
    assert alarms["oldest"]["threshold"] == oldest
    if sweeps := alarms.get("sweeps"):
        # One sweep that comes a little late is no alarm.
        assert sweeps["evaluationPeriods"] * period >= 120 * keys.get("sweepMinutes", 60)
    missing = {key: alarm["treatMissingData"] for key, alarm in alarms.items()}
    assert missing.pop("sweeps", "breaching") == "breaching"
    assert set(missing.values()) == {"notBreaching"}
    function = only(made, "Function", "embedder-function").inputs["name"]
    assert {alarm["dimensions"]["FunctionName"] for alarm in alarms.values()} == {function}


@built
def test_dead_letters_are_watched_without_a_queue_too():
    made = program.run(configuration(SHAPES["no queue"]), Known("us-east-1"))
    queues = {n: r.inputs["dimensions"] for n, r in all_of(made, "MetricAlarm").items() if "embedder-queue" in n}
    assert queues == {
        "observability-embedder-queue-dead": {"QueueName": only(made, "Queue", "embedder-dead").inputs["name"]}
    }


@built
def test_sql_is_told_and_so_are_those_who_apply_it_by_hand():
    made = program.run(configuration({"embedding": {"vectorizers": [DOCS]}}), Known("us-east-1"))
    told = json.loads(only(made, "Command", "sql-apply").inputs["environment"]["VECTORDB_EMBEDDING"])
    assert told == made.outputs["embedding"]
    assert (told["functionArn"], told["queue"]) == (made.outputs["workerArn"], True)
    assert [one["name"] for one in told["vectorizers"]] == ["docs"]
    assert made.outputs["queueUrl"] != made.outputs["deadLetterQueueUrl"]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(60, "awake for 9% of the time: about 4.01 USD"), (5, "so it never pauses: about 43.80 USD"), (1, "43.80 USD")],
)
def test_what_sweeps_cost_a_cluster_that_pauses(minutes, said):
    assert said in waking(minutes, 300)


@built
def test_variables_that_would_not_fit_are_refused_before_lambda_refuses_them():
    """The largest that the configuration takes is within the 4,096 bytes of Lambda's quota (Lambda Developer Guide, quotas)."""
    names = [f"an-index-of-some-length-{n:02}" for n in range(22)]
    indexes = [{"name": name, "dimension": 256} for name in names]
    pem = "-----BEGIN CERTIFICATE-----\n" + "\n".join(["A" * 64] * 16) + "\n-----END CERTIFICATE-----\n"
    server = SERVER | {"caCertificate": pem}
    wide = {"models": [TITAN], "indexes": names, "batch": True}
    [line] = refused(indexes=indexes, embedding=wide | {"endpoints": [server]})
    assert "the worker's environment has room for" in line
    fits = wide | {"indexes": names[:8], "endpoints": [server]}
    stack = StackConfiguration(
        "p" * 90, "s" * 90, ROOT,
        {"aws:region": "us-gov-west-1", "vectordb:indexes": json.dumps(indexes), "vectordb:embedding": json.dumps(fits)},
        frozenset(),
    )  # fmt: skip
    made = program.run(stack, Known("us-gov-west-1"))
    variables = only(made, "Function", "embedder-function").inputs["environment"]["variables"]
    assert sum(len(key) + len(value) for key, value in variables.items()) <= 4096
