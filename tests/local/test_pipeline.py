"""A declared pipeline of queues, a function and schedules runs here as it was declared, and its roles may what it takes."""

import json
import shutil
from pathlib import Path

import pytest

from tests.local.emulator.delivering import MODULE, OPERATOR, Delivering, Notes
from tests.local.emulator.packages import package
from tests.local.emulator.running import eventually
from vectordb.local.clients import Clients
from vectordb.local.engine import Engine, Execution
from vectordb.local.handlers import HANDLERS
from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.roles import roles_of
from vectordb.local.state import Credentials
from vectordb.plan import program
from vectordb.plan.invented import Invented
from vectordb.plan.stack_configuration import StackConfiguration

PROGRAM = Path(__file__).parent / "programs" / "pipeline.py"
REGION = "us-east-1"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copy(PROGRAM, folder / "__main__.py")
    (folder / "worker.zip").write_bytes(package({"m.py": MODULE}))
    values = {"aws:region": REGION, "pipeline:notes": str(folder / "notes")}
    return StackConfiguration("pipeline", "dev", folder, values, frozenset())


@pytest.fixture(scope="module")
def running(configuration):
    started = Delivering(configuration.directory / "state", "--operator", OPERATOR, "--retry-delay", "0.1")
    yield started
    started.end()
    assert "Traceback" not in started.errors.read_text(), started.errors.read_text()


@pytest.fixture(scope="module")
def deployed(configuration, running):
    clients = Clients(running.url, REGION, Credentials(OPERATOR, "nothing", "nothing"))
    engine = Engine(Execution(configuration, None, clients), HANDLERS)
    recording = program.run(configuration, engine)
    assert not engine.recorded, "everything has a stand-in"
    return recording.outputs


@pytest.fixture
def notes(configuration):
    found = Notes(configuration.directory / "notes")
    yield found
    for path in configuration.directory.glob("notes*"):
        path.unlink()


def fire(running, name):
    return running.request("POST", "/_vectordb/schedules", {"name": name, "group": "pipeline"})[2]


def test_a_ticket_is_worked_on_and_one_that_fails_becomes_a_dead_letter(running, deployed, notes):
    running.send(deployed["queue"], "good")
    notes.wait(1)
    eventually(lambda: running.counts(deployed["queue"]) == (0, 0))
    notes.answer("fail")
    running.send(deployed["queue"], "bad")
    notes.wait(2)
    running.advance(61)
    notes.wait(3)
    running.advance(61)
    assert running.take(deployed["dead"]) == "bad"
    assert notes.bodies() == [["good"], ["bad"], ["bad"]]


def test_the_schedules_call_the_alias_and_send_tickets(running, deployed, notes):
    assert fire(running, "sweep") == {"delivered": True, "error": None}
    assert notes.wait(1) == [{"sweep": True}]
    assert fire(running, "nightly") == {"delivered": True, "error": None}
    assert notes.wait(2)[1]["Records"][0]["body"] == "ticket"


def test_a_sweep_that_fails_leaves_its_record(running, deployed, notes):
    notes.answer("fail")
    fire(running, "sweep")
    record = json.loads(running.take(deployed["dead"]))
    assert record["requestContext"]["functionArn"].endswith(":function:worker:live")
    assert (record["requestContext"]["condition"], record["requestPayload"]) == ("RetriesExhausted", {"sweep": True})


def test_what_was_declared_is_there(running, deployed):
    [mapping] = running.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"], mapping["FunctionResponseTypes"]) == (
        5,
        {"MaximumConcurrency": 2},
        ["ReportBatchItemFailures"],
    )
    attributes = running.client("sqs").get_queue_attributes(QueueUrl=deployed["dead"], AttributeNames=["All"])
    assert json.loads(attributes["Attributes"]["RedriveAllowPolicy"])["redrivePermission"] == "byQueue"
    schedule = running.client("scheduler").get_schedule(Name="sweep", GroupName="pipeline")
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
    assert schedule["State"] == "DISABLED"


def test_nobody_was_refused(running, deployed):
    made = running.calls(madeBy="lambda.amazonaws.com") + running.calls(madeBy="scheduler.amazonaws.com")
    assert {call["decision"] for call in made} == {"allowed"}
    assert {action for call in made for action in call["actions"]} == {
        "lambda:InvokeFunction",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    }


def test_the_roles_may_what_the_table_demands_and_nothing_else(configuration):
    roles = roles_of(program.run(configuration, Invented(REGION)))
    assert {role.name: set(role.uses) for role in roles} == {
        "worker": {
            "function:worker",
            "function-of-queue",
            "function-of-encrypted-queue",
            "function-destination-queue",
            "function-to-encrypted-queue",
        },
        "clock": {
            "schedule",
            "schedule-of-function",
            "schedule-of-queue",
            "schedule-dead-letters",
            "schedule-to-encrypted-queue",
        },
    }
    known = needs.read(needs.SERVICE_ACTIONS)
    assert truth.missing(roles, (), known) == []
    assert truth.unneeded(roles, (), known) == []
