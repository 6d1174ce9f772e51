"""The bastion: a host without a door, ready only when it can be reached, and documents that lead to one database each."""

import json

import pytest

from components.bastion.bastion import Bastion
from components.bastion.sessions import AGENT_ACTIONS, forwarding
from tests.components.database.harness import build
from tests.components.network.harness import ACCOUNT, PLACE, REGION, Account, inputs, made, network, tags

ARGUMENTS = {
    **PLACE,
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "image_id": "ami-1",
    "endpoint_ids": {"ssm": "vpce-ssm", "ssmmessages": "vpce-messages", "s3": "vpce-s3"},
    "endpoint_security_group_ids": {"ssm": "sg-ssm", "ssmmessages": "sg-messages"},
    "s3_prefix_list_id": "pl-s3",
    "hosts": {"database": "db.example"},
}


def outputs(bastion):
    return {
        "instance": bastion.instance_id,
        "documents": bastion.document_names,
        "group": bastion.security_group_id,
        "policy": bastion.connect_policy_arn,
    }


def bastion(**options):
    return build(lambda: outputs(Bastion("bastion", {**ARGUMENTS, **options})), backend=Account())


@pytest.fixture(scope="module")
def plain():
    return bastion()


def test_every_resource(plain):
    assert made(plain) == [
        ("Document", "bastion-forward"),
        ("Instance", "bastion-instance"),
        ("InstanceProfile", "bastion-profile"),
        ("Policy", "bastion-connect"),
        ("Role", "bastion-role"),
        ("RolePolicy", "bastion-agent"),
        ("SecurityGroup", "bastion-group"),
        ("SecurityGroupEgressRule", "bastion-to-s3"),
        ("SecurityGroupEgressRule", "bastion-to-ssm-egress"),
        ("SecurityGroupEgressRule", "bastion-to-ssmmessages-egress"),
        ("SecurityGroupIngressRule", "bastion-to-ssm-ingress"),
        ("SecurityGroupIngressRule", "bastion-to-ssmmessages-ingress"),
        ("VpcEndpointPolicy", "bastion-s3"),
        ("VpcEndpointPolicy", "bastion-ssm"),
        ("VpcEndpointPolicy", "bastion-ssmmessages"),
    ]


def test_the_host(plain):
    instance = plain.only("Instance")
    # No key pair, no user data, no public address; the second version of IMDS, and no container behind a hop.
    assert instance.inputs == {
        "ami": "ami-1",
        "instanceType": "t4g.nano",
        "subnetId": "subnet-1",
        "vpcSecurityGroupIds": ["id-bastion-group"],
        "iamInstanceProfile": "bastion-profile",
        "associatePublicIpAddress": False,
        "ebsOptimized": True,
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "creditSpecification": {"cpuCredits": "standard"},
        "rootBlockDevice": {
            "encrypted": True,
            "kmsKeyId": "arn:key",
            "volumeType": "gp3",
            "volumeSize": 8,
            "tags": tags("bastion-root"),
        },
        "tags": tags("bastion-instance"),
    }
    # A newer image replaces it: nothing of that is ignored, and no name stands in the way of a second one.
    assert instance.ignore_changes == ()
    assert not instance.delete_before_replace


def test_a_newer_image_is_another_host():
    assert bastion(image_id="ami-2").only("Instance").inputs["ami"] == "ami-2"


def test_tags_reach_the_disk_too():
    instance = inputs(bastion(tags={"Team": "search"}), "Instance", "bastion-instance")
    assert instance["rootBlockDevice"]["tags"] == tags("bastion-root") | {"Team": "search"}
    assert instance["tags"] == tags("bastion-instance") | {"Team": "search"}


def test_nobody_is_let_in_and_little_let_out(plain):
    assert inputs(plain, "SecurityGroup", "bastion-group") == {
        "vpcId": "vpc-1",
        "description": "Bastion: no ingress; egress to the database and the endpoints",
        "tags": tags("bastion-group"),
    }
    rules = {r.name: r.inputs for r in plain.registrations if "SecurityGroup" in r.type and r.name != "bastion-group"}
    ends = {
        name: (rule["securityGroupId"], rule.get("referencedSecurityGroupId") or rule["prefixListId"])
        for name, rule in rules.items()
    }
    assert ends == {
        "bastion-to-ssm-egress": ("id-bastion-group", "sg-ssm"),
        "bastion-to-ssm-ingress": ("sg-ssm", "id-bastion-group"),
        "bastion-to-ssmmessages-egress": ("id-bastion-group", "sg-messages"),
        "bastion-to-ssmmessages-ingress": ("sg-messages", "id-bastion-group"),
        "bastion-to-s3": ("id-bastion-group", "pl-s3"),
    }
    assert {(rule["ipProtocol"], rule["fromPort"], rule["toPort"]) for rule in rules.values()} == {("tcp", 443, 443)}


def test_one_group_of_two_endpoints_takes_one_rule():
    built = bastion(one_endpoint_group=True, endpoint_security_group_ids={"ssm": "sg-1", "ssmmessages": "sg-1"})
    assert built.names("SecurityGroupIngressRule") == ["bastion-to-ssm-ingress"]
    assert built.names("SecurityGroupEgressRule") == ["bastion-to-s3", "bastion-to-ssm-egress"]


def test_the_agent_may_do_what_a_session_takes_from_this_vpc(plain):
    assert plain.statements("RolePolicy", "bastion-agent") == [
        {
            "Effect": "Allow",
            "Action": [
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}},
        }
    ]
    assert plain.statements("Role", "bastion-role", "assumeRolePolicy") == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ]
    assert "managedPolicyArns" not in inputs(plain, "Role", "bastion-role")
    assert inputs(plain, "InstanceProfile", "bastion-profile")["role"] == "bastion-role"


def test_endpoints_pass_the_agents_calls_and_amazon_linuxs_packages(plain):
    passes = {
        service: plain.statements("VpcEndpointPolicy", f"bastion-{service}") for service in ("ssm", "ssmmessages", "s3")
    }
    own = {"ArnEquals": {"aws:PrincipalArn": "arn:bastion-role"}}
    common = {"Effect": "Allow", "Principal": "*"}
    assert passes == {
        "ssm": [{**common, "Action": AGENT_ACTIONS["ssm"], "Resource": "*", "Condition": own}],
        "ssmmessages": [{**common, "Action": AGENT_ACTIONS["ssmmessages"], "Resource": "*", "Condition": own}],
        # Anonymous reads have no principal that a condition could name.
        "s3": [{**common, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::al2023-repos-{REGION}-de612dc2/*"}],
    }
    ids = [inputs(plain, "VpcEndpointPolicy", f"bastion-{service}")["vpcEndpointId"] for service in passes]
    assert ids == ["vpce-ssm", "vpce-messages", "vpce-s3"]


def test_endpoints_of_others_keep_their_policies():
    built = bastion(shared_endpoints=["ssm", "s3"])
    assert built.names("VpcEndpointPolicy") == ["bastion-ssmmessages"]


def ancestors(built, resource):
    """The names of all that has to be there before a resource is made."""
    known = {r.urn: r for r in built.registrations}
    seen, open_ = set(), list(resource.dependencies)
    while open_:
        urn = open_.pop()
        if urn not in seen:
            seen.add(urn)
            open_ += known[urn].dependencies
    return {(known[urn].type.rpartition(":")[2], known[urn].name) for urn in seen}


def in_a_network():
    def then(made):
        arguments = {
            **ARGUMENTS,
            "vpc_id": made.vpc_id,
            "subnet_id": made.subnets[0],
            "endpoint_ids": made.endpoint_ids,
            "endpoint_security_group_ids": made.endpoint_security_group_ids,
            "s3_prefix_list_id": made.s3_prefix_list_id,
        }
        return outputs(Bastion("bastion", arguments))

    return network(then=then, services=["s3", "ssm", "ssmmessages"])


def test_the_host_boots_when_everything_that_its_agent_needs_is_there():
    built = in_a_network()
    assert ancestors(built, built.only("Instance")) >= {
        ("VpcEndpoint", "network-ssm"),
        ("VpcEndpoint", "network-ssmmessages"),
        ("VpcEndpoint", "network-s3"),
        ("VpcEndpointPolicy", "bastion-ssm"),
        ("VpcEndpointPolicy", "bastion-ssmmessages"),
        ("VpcEndpointPolicy", "bastion-s3"),
        ("SecurityGroupEgressRule", "bastion-to-ssm-egress"),
        ("SecurityGroupIngressRule", "bastion-to-ssm-ingress"),
        ("SecurityGroupEgressRule", "bastion-to-ssmmessages-egress"),
        ("SecurityGroupIngressRule", "bastion-to-ssmmessages-ingress"),
        ("SecurityGroupEgressRule", "bastion-to-s3"),
        ("RolePolicy", "bastion-agent"),
        ("InstanceProfile", "bastion-profile"),
        ("NetworkAcl", "network-isolated"),
        ("RouteTableAssociation", "network-isolated-1"),
    }


def test_a_document_leads_to_one_host_and_one_port():
    assert json.loads(forwarding("db.example")) == {
        "schemaVersion": "1.0",
        "description": "Forward a local port to the database",
        "sessionType": "Port",
        "parameters": {
            "localPortNumber": {
                "type": "String",
                "description": "Port on your machine; 0 lets the plugin choose",
                "allowedPattern": "^([0-9]|[1-9][0-9]{1,4})$",
                "default": "0",
            }
        },
        "properties": {
            "type": "LocalPortForwarding",
            "host": "db.example",
            "portNumber": "5432",
            "localPortNumber": "{{ localPortNumber }}",
        },
    }


def test_two_databases_have_a_document_each():
    built = bastion(hosts={"database": "db.example", "rds": "rds.example"})
    documents = {r.name: r.inputs for r in built.registrations if r.type.endswith(":Document")}
    assert {name: json.loads(d["content"])["properties"]["host"] for name, d in documents.items()} == {
        "bastion-forward": "db.example",
        "bastion-forward-rds": "rds.example",
    }
    assert {(d["documentType"], d["documentFormat"]) for d in documents.values()} == {("Session", "JSON")}
    assert built.outputs["documents"] == {"database": "bastion-forward", "rds": "bastion-forward-rds"}
    start, *_ = built.statements("Policy", "bastion-connect")
    assert start["Resource"] == ["arn:bastion-instance", "arn:bastion-forward", "arn:bastion-forward-rds"]


def test_people_start_these_sessions_and_end_their_own(plain):
    assert plain.statements("Policy", "bastion-connect") == [
        {
            "Sid": "StartForwarding",
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": ["arn:bastion-instance", "arn:bastion-forward"],
            # Without it, whoever names no document gets a shell.
            "Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}},
        },
        {
            "Sid": "OwnSessions",
            "Effect": "Allow",
            "Action": ["ssm:ResumeSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"],
            "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:session/${{aws:userid}}-*",
        },
        {
            "Sid": "SeeTheBastion",
            "Effect": "Allow",
            "Action": ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"],
            "Resource": "*",
        },
    ]
    assert inputs(plain, "Policy", "bastion-connect") | {"policy": ""} == {
        "namePrefix": "vectordb-dev-connect-",
        "description": "Start a session that forwards to the database, and end one's own",
        "policy": "",
        "tags": tags("bastion-connect"),
    }


def test_other_partitions_have_their_own_arns():
    built = bastion(partition="aws-us-gov", region="us-gov-west-1")
    assert "arn:aws:" not in json.dumps([r.inputs for r in built.registrations])


def test_outputs(plain):
    assert plain.outputs == {
        "instance": "id-bastion-instance",
        "documents": {"database": "bastion-forward"},
        "group": "id-bastion-group",
        "policy": "arn:bastion-connect",
    }
