"""What goes over Systems Manager: the agent's rights, a person's rights, and the document between them. Pure functions."""

import json
from typing import Any

import pulumi

from components import iam
from components.network.flows import POSTGRESQL

# Enough for a session, and nothing else; the managed policy adds ssm:GetParameter on every parameter.
AGENT_ACTIONS = {
    "ssm": ["ssm:UpdateInstanceInformation"],
    "ssmmessages": [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
}


def forwarding(host: str) -> str:
    """A Session document that forwards a local port to PostgreSQL on `host`, and that is all that its caller can choose.

    AWS's own AWS-StartPortForwardingSessionToRemoteHost takes the host from whoever starts the session.
    """
    return json.dumps(
        {
            "schemaVersion": "1.0",
            "description": "Forward a local port to the database",
            "sessionType": "Port",
            "parameters": {
                "localPortNumber": {
                    "type": "String",
                    "description": "Port on your machine; 0 lets the plugin choose",
                    "allowedPattern": r"^([0-9]|[1-9][0-9]{1,4})$",
                    "default": "0",
                }
            },
            "properties": {
                "type": "LocalPortForwarding",
                "host": host,
                "portNumber": str(POSTGRESQL),
                "localPortNumber": "{{ localPortNumber }}",
            },
        },
        sort_keys=True,
    )


def connect_statements(
    instance_arn: pulumi.Input[str],
    document_arns: list[pulumi.Output[str]],
    *,
    partition: pulumi.Input[str],
    region: pulumi.Input[str],
    account: pulumi.Input[str],
) -> list[dict[str, Any]]:
    """What a person needs to reach the database through the bastion, and nothing else.

    Systems Manager User Guide, sample IAM policies for Session Manager: sessions are named after the caller, so that
    `${aws:userid}` keeps people out of each other's.
    """
    own_sessions = pulumi.Output.format(
        "arn:{0}:ssm:{1}:{2}:session/{3}", partition, region, account, "${aws:userid}-*"
    )
    return [
        iam.allow(
            "ssm:StartSession",
            [instance_arn, *document_arns],
            sid="StartForwarding",
            # Without it, a caller who names no document gets a shell (User Guide, enforce a session document check).
            condition={"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}},
        ),
        iam.allow(
            ["ssm:ResumeSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"],
            own_sessions,
            sid="OwnSessions",
        ),
        # Neither can be limited to a resource (Service Authorization Reference).
        iam.allow(["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*", sid="SeeTheBastion"),
    ]
