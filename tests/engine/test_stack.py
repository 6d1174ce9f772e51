"""One stack from its first `pulumi up` to its destruction, told in order: each test goes on where the one before stopped.

The engine, the program, the pack, the command provider and the database are real; the provider of AWS is a double.
"""

import json

import pytest

from vectordb.plan import plan, stack_configuration
from vectordb.plan.changes import Kind, compare
from vectordb.plan.recording import UNKNOWN

UP = ("up", "--yes", "--skip-preview")
PACK = ("--policy-pack", "policy", "--policy-pack-config", "policy/config.dev.json")
OF_KINDS = {Kind.ADDED: "create", Kind.REMOVED: "delete", Kind.CHANGED: "update", Kind.REPLACED: "replace"}


def exported(stack):
    return json.loads(stack.pulumi.plain("stack", "export").output)


def output(stack, name):
    return json.loads(stack.pulumi.plain("stack", "output", name, "--json").output)


def take(stack, state):
    """Make `state` the stack's, as `pulumi stack import` does."""
    file = stack.project.folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    taken = stack.pulumi.plain("stack", "import", "--file", str(file))
    assert taken.code == 0, taken.output


def sql_runs(stack):
    """What the SQL step printed last: it changes when it runs."""
    return output(stack, "sqlApplied")


def test_up_makes_the_stack_and_its_sql(stack):
    ran = stack.pulumi(*UP, *PACK)
    assert ran.code == 0, ran.output
    assert set(ran.steps().values()) == {"create"}
    assert ran.mandatory() == []
    assert stack.query("SELECT count(*) FROM pg_extension WHERE extname = 'vector'") == [(1,)]
    assert stack.query("SELECT count(*) FROM s3vl.index_registry") == [(1,)]
    assert stack.query("SELECT pg_has_role('vectordb_app', 'rds_iam', 'MEMBER')") == [(True,)]


def test_the_state_holds_no_secret_and_nothing_of_this_machine(stack):
    state = json.dumps(exported(stack))
    secret = stack.services.databases["database-cluster"].password
    assert secret not in state
    assert stack.services.credentials.secret_access_key not in state
    assert str(stack.project.folder) not in state
    assert UNKNOWN not in state


def test_a_second_up_changes_nothing(stack):
    ran = stack.pulumi(*UP, *PACK, "--expect-no-changes")
    assert (ran.code, ran.steps()) == (0, {}), ran.output


@pytest.mark.parametrize(
    "command",
    [
        ("preview", "--expect-no-changes"),
        ("preview", "--refresh", "--expect-no-changes"),
        ("refresh", "--preview-only", "--expect-no-changes"),
    ],
    ids=" ".join,
)
def test_nothing_has_drifted(stack, command):
    ran = stack.pulumi(*command)
    assert (ran.code, ran.steps()) == (0, {}), ran.output


CHANGES = [
    {"database": {"engine": "aurora", "version": "18", "minCapacity": 0, "maxCapacity": 8, "protect": False}},
    {"network": {"cidr": "10.20.0.0/16", "zones": 3}},
    {"bastion": False, "transport": "direct"},
    {"tags": {"Team": "search"}},
    {"users": [{"name": "vectordb_report", "access": "reader"}]},
]


@pytest.mark.parametrize("change", CHANGES, ids="-".join)
def test_a_changed_setting_does_what_the_plan_says(stack, change):
    configuration = (stack.project.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    before = exported(stack)
    try:
        stack.project.configure(**change)
        ran = stack.pulumi("preview")
        planned = plan.make(stack_configuration.read(stack.project.folder, "dev"))
    finally:
        (stack.project.folder / "Pulumi.dev.yaml").write_text(configuration, encoding="utf-8")
    assert ran.code == 0, ran.output
    expected = {each.urn: OF_KINDS[each.kind] for each in compare(before, planned.as_json())}
    found = ran.custom_steps()
    assert {urn: found.get(urn) for urn in expected} == expected
    # A text that only the deployment knows in a plan; the engine has it from the state, and sees that it becomes another.
    inputs = {each.urn: each.inputs for each in planned.recording.resources}
    assert [urn for urn in found.keys() - expected.keys() if UNKNOWN not in inputs[urn].values()] == []


def test_a_resource_that_moved_is_found_by_its_alias(stack):
    """As a stack has it that was deployed by version 0.1: the policy of an endpoint was a part of the database."""
    kind = "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy"
    now = f"urn:pulumi:dev::vectordb::vectordb:index:Network${kind}::network-lambda"
    was = f"urn:pulumi:dev::vectordb::vectordb:index:AuroraDatabase${kind}::database-invoke"
    database = "urn:pulumi:dev::vectordb::vectordb:index:AuroraDatabase::database"
    state = exported(stack)
    earlier = json.loads(json.dumps(state).replace(f'"{now}"', f'"{was}"'))
    resources = earlier["deployment"]["resources"]
    urns = [each["urn"] for each in resources]
    policy = resources.pop(urns.index(was))
    policy["parent"] = database
    # A state has a resource after its parent.
    resources.insert(max(urns.index(was), urns.index(database)), policy)
    take(stack, earlier)
    ran = stack.pulumi("preview")
    take(stack, state)
    assert ran.code == 0, ran.output
    assert set(ran.custom_steps().values()) <= {"update"}


def test_a_saved_plan_is_what_up_does(stack):
    """`--save-plan` is experimental in Pulumi; the workflow offers it, and does without unless asked."""
    stack.project.configure(tags={"Team": "search"})
    saved = str(stack.project.folder / "saved-plan.json")
    assert stack.pulumi("preview", "--save-plan", saved).code == 0
    ran = stack.pulumi("up", "--yes", "--skip-preview", "--plan", saved)
    assert ran.code == 0, ran.output
    assert set(ran.custom_steps().values()) == {"update"}
    stack.project.configure(tags={"Team": "another"})
    ran = stack.pulumi("up", "--yes", "--skip-preview", "--plan", saved)
    assert ran.code != 0
    assert "violates plan" in ran.output
    stack.project.configure(tags={"Team": "search"})
    assert stack.pulumi(*UP).code == 0


def test_a_changed_setting_is_applied_and_reaches_the_sql(stack):
    first = sql_runs(stack)
    stack.project.configure(users=[{"name": "vectordb_app", "access": "writer"}, {"name": "extra", "access": "reader"}])
    ran = stack.pulumi(*UP, *PACK)
    assert ran.code == 0, ran.output
    assert {urn.rpartition("::")[2]: step for urn, step in ran.custom_steps().items()} == {
        "users-extra": "create",
        "sql-apply": "update",
    }
    assert sql_runs(stack) != first
    assert stack.query("SELECT rolname FROM pg_roles WHERE rolname = 'extra'") == [("extra",)]
    assert stack.pulumi(*UP, "--expect-no-changes").code == 0


def test_sql_that_fails_ends_up_and_the_next_up_applies_it(stack):
    file = stack.project.folder / "sql" / "repeatable" / "99_planted.sql"
    file.write_text("CREATE TABLE public.planted (number int);\nSELECT 1/0;\n", encoding="utf-8")
    ran = stack.pulumi(*UP)
    assert ran.code != 0
    assert ran.failed() == {"sql-apply": 1}
    assert "division by zero" in ran.output
    assert "99_planted.sql" in ran.output
    assert stack.query("SELECT to_regclass('public.planted')") == [(None,)]

    file.write_text("CREATE TABLE IF NOT EXISTS public.planted (number int);\n", encoding="utf-8")
    ran = stack.pulumi(*UP)
    assert ran.code == 0, ran.output
    assert [urn.rpartition("::")[2] for urn in ran.custom_steps()] == ["sql-apply"]
    assert stack.query("SELECT to_regclass('public.planted')::text") == [("planted",)]
    assert stack.pulumi(*UP, "--expect-no-changes").code == 0


def test_a_refusal_halfway_leaves_what_the_next_up_completes(stack):
    stack.project.configure(network={"cidr": "10.20.0.0/16", "zones": 3})
    stack.account.refuses["network-isolated-3"] = "SubnetLimitExceeded: planted"
    ran = stack.pulumi(*UP)
    assert ran.code != 0
    assert "SubnetLimitExceeded: planted" in ran.output
    stack.account.refuses.clear()
    ran = stack.pulumi(*UP)
    assert ran.code == 0, ran.output
    assert stack.pulumi(*UP, "--expect-no-changes").code == 0


def test_drift_is_seen_and_mended(stack):
    key = stack.account.named("encryption-key")
    key.inputs["enableKeyRotation"] = key.state["enableKeyRotation"] = False
    for command in (
        ("refresh", "--preview-only", "--expect-no-changes"),
        ("preview", "--refresh", "--expect-no-changes"),
    ):
        ran = stack.pulumi(*command)
        assert ran.code != 0
        assert "encryption-key" in ran.output
    ran = stack.pulumi(*UP, "--refresh", *PACK)
    assert ran.code == 0, ran.output
    assert ran.steps() == {"encryption-key": "update"}
    assert stack.account.named("encryption-key").inputs["enableKeyRotation"] is True


def test_the_pack_judges_what_there_is(stack):
    """`pulumi policy analyze`: the state alone, without the program and the provider."""
    analyze = ("policy", "analyze", "--stack", "dev", *PACK)
    ran = stack.pulumi.plain(*analyze)
    assert ran.code == 0, ran.output
    rule = stack.account.named("bastion-to-database-ingress")
    kept, open_to_all = dict(rule.inputs), {**rule.inputs, "cidrIpv4": "0.0.0.0/0"}
    del open_to_all["referencedSecurityGroupId"]
    rule.inputs, rule.state = open_to_all, {**rule.state, **open_to_all}
    assert stack.pulumi("refresh", "--yes", "--skip-preview").code == 0
    ran = stack.pulumi.plain(*analyze)
    assert ran.code != 0
    assert "bastion-to-database-ingress" in ran.output
    assert "0.0.0.0/0" in ran.output
    assert stack.pulumi(*UP).code == 0
    assert rule.inputs == kept


def test_a_protected_stack_is_not_destroyed(stack):
    database = {"engine": "aurora", "version": "18", "minCapacity": 0, "maxCapacity": 4}
    stack.project.configure(database=database | {"protect": True})
    assert stack.pulumi(*UP).code == 0
    there = set(stack.account.there)
    # The preview refuses; an update without one would delete what is not protected before it comes to what is.
    ran = stack.pulumi("destroy", "--yes")
    assert ran.code != 0
    assert "because it is protected" in ran.output
    assert set(stack.account.there) == there
    stack.project.configure(database=database | {"protect": False})
    assert stack.pulumi(*UP).code == 0


def test_destroy_leaves_nothing(stack):
    ran = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert ran.code == 0, ran.output
    assert stack.account.there == {}
    assert exported(stack)["deployment"].get("resources", []) == []
