"""Who may log in as whom: one policy a user, on the databases and proxies of the stack and nothing else."""

import pytest

from components.database.users import DatabaseUsers
from tests.components.database.harness import ACCOUNT, build
from tests.components.recorded import all_of, only, record
from vectordb.plan.recording import UNKNOWN


def policies(recording):
    return {
        name: resource
        for name, resource in all_of(recording, "Policy").items()
        if resource.type == "aws:iam/policy:Policy" and name.startswith("users-")
    }


def test_each_user_has_a_policy_of_its_own():
    recording = record(users=[{"name": "app", "access": "writer"}, {"name": "report", "access": "reader"}])
    found = policies(recording)
    assert sorted(found) == ["users-app", "users-report"]
    assert {name: resource.inputs["namePrefix"] for name, resource in found.items()} == {
        "users-app": "vectordb-dev-login-app-",
        "users-report": "vectordb-dev-login-report-",
    }
    assert {resource.parent.rpartition("::")[2] for resource in found.values()} == {"users"}
    assert found["users-app"].inputs["tags"]["Name"] == "users-app"
    # The cluster's resource id is known only when it exists.
    assert found["users-app"].inputs["policy"] == UNKNOWN
    assert sorted(recording.outputs["users"], key=lambda user: user["name"]) == [
        {"name": "app", "access": "writer"},
        {"name": "report", "access": "reader"},
    ]


def test_names_stay_within_the_limit():
    found = policies(record(users=[{"name": "u" * 63}]))["users-" + "u" * 63].inputs["namePrefix"]
    assert found == "vectordb-dev-login-" + "u" * 63 + "-"
    assert len(found) + 26 <= 128


def made(**resource_ids):
    """One user, its ids known, in another partition."""
    arguments = {"users": ["app"], "account": ACCOUNT, "partition": "aws-us-gov", "region": "us-gov-west-1"}
    return build(
        lambda: {"arns": DatabaseUsers("users", {**arguments, "resource_ids": resource_ids}).policy_arns}, known=True
    )


def test_the_policy_names_cluster_instance_and_proxy_and_one_role():
    built = made(database="cluster-ABC", rds="db-XYZ", rds_proxy="prx-0123")
    where = f"arn:aws-us-gov:rds-db:us-gov-west-1:{ACCOUNT}:dbuser"
    assert built.statements("Policy", "users-app") == [
        {
            "Sid": "LogIn",
            "Effect": "Allow",
            "Action": "rds-db:connect",
            "Resource": [f"{where}:cluster-ABC/app", f"{where}:db-XYZ/app", f"{where}:prx-0123/app"],
        }
    ]
    assert built.outputs == {"arns": {"app": "arn:users-app"}}


def test_no_way_in_is_a_mistake():
    with pytest.raises(ValueError, match="resource_ids is empty"):
        made()


def test_the_program_names_every_database_and_proxy():
    recording = record(database={"engine": "both", "minCapacity": 0.5, "proxy": True}, users=[{"name": "app"}])
    depends = only(recording, "Policy", "users-app").property_dependencies["policy"]
    assert {urn.rpartition("::")[2] for urn in depends} >= {
        "database-cluster", "rds-instance", "database-proxy-proxy", "rds-proxy-proxy",
    }  # fmt: skip
