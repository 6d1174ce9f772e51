"""Settings that contradict one another: a line for each, with what to change."""

import pytest

from tests.components.configured import EXISTING, SUBNETS, VPC, refused


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {**EXISTING, "subnetIds": [SUBNETS[0], "subnet-x"]},
            "vectordb:network.subnetIds[1]: \"subnet-x\" is no id of this kind; write one such as 'subnet-0123456789abcdef0'.",
        ),
        (
            {**EXISTING, "subnetIds": ["subnet-01234567"] * 2},
            'vectordb:network.subnetIds: ["subnet-01234567", "subnet-01234567"] names subnet-01234567 twice.',
        ),
        (
            {**EXISTING, "endpoints": {"ssm": "vpc-01234567"}},
            "vectordb:network.endpoints.ssm: \"vpc-01234567\" is no id of this kind; write one such as 'vpce-0123456789abcdef0'.",
        ),
        (
            {"clients": {"api": "sg-1"}},
            "vectordb:network.clients.api: \"sg-1\" is no id of this kind; write one such as 'sg-0123456789abcdef0'.",
        ),
        (
            {"subnetIds": SUBNETS, "endpoints": {}},
            (
                "vectordb:network: beside a VPC of the stack's own there is no subnetIds, endpoints; "
                "leave that out, or give vpcId too."
            ),
        ),
        (
            {**EXISTING, "cidr": "10.0.0.0/16", "zones": 2, "ipv6": False},
            "vectordb:network: in a VPC that exists there is no cidr, zones, ipv6 to choose; leave that out, or leave vpcId out.",
        ),
        (
            {"vpcId": VPC},
            "vectordb:network: vpcId needs subnetIds: 2 to 6 isolated subnets in at least two zones, not 0.",
        ),
        (
            {"vpcId": VPC, "subnetIds": [f"subnet-0000000{n}" for n in range(7)]},
            "vectordb:network: vpcId needs subnetIds: 2 to 6 isolated subnets in at least two zones, not 7.",
        ),
        (
            {"endpointZones": 3},
            "vectordb:network: endpointZones 3 is more than the 2 zones; lower it, or raise zones.",
        ),
        (
            {"endpointZones": 3, "zones": ["a", "b"]},
            "vectordb:network: endpointZones 3 is more than the 2 zones; lower it, or raise zones.",
        ),
        (
            {**EXISTING, "endpointZones": 3},
            "vectordb:network: endpointZones 3 is more than the 2 subnets; lower it.",
        ),
    ],
)
def test_a_network_that_cannot_be(keys, line):
    assert refused(network=keys) == [line]


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"minCapacity": 8}, ["maxCapacity 4 is below minCapacity 8; raise it, or lower that."]),
        ({"engine": "rds", "readers": 1, "dataApi": False}, ["engine rds has no dataApi, readers; leave that out, or set engine to aurora or both."]),
        ({"multiAz": False, "allocatedStorage": 20}, ["engine aurora has no allocatedStorage, multiAz; leave that out, or set engine to rds or both."]),
        ({"engine": "rds", "instanceClass": "db.serverless"}, ["instanceClass db.serverless is Aurora's; RDS needs one such as db.t4g.small."]),
        ({"engine": "both", "instanceClass": "db.serverless"}, ["instanceClass db.serverless is Aurora's; RDS needs one such as db.t4g.small."]),
        ({"instanceClass": "db.r8g.large", "maxCapacity": 8}, ["instanceClass db.r8g.large has no maxCapacity; leave that out, or take db.serverless."]),
        ({"storageType": "gp3"}, ["storageType gp3 is RDS's; Aurora has aurora and aurora-iopt1."]),
        ({"engine": "rds", "storageType": "aurora"}, ["storageType aurora is Aurora's; RDS has gp3 and io2."]),
        ({"engine": "rds", "storageType": "io2"}, ["storageType io2 begins at 100 GiB; allocatedStorage is 20."]),
        ({"engine": "rds", "allocatedStorage": 101, "maxAllocatedStorage": 111}, ["maxAllocatedStorage 111 is not 10 % above allocatedStorage 101; set it to 112 or more."]),
        ({"proxy": True}, ["proxy keeps a connection open, so that minCapacity 0 never pauses; set minCapacity to 0.5 or more."]),
        ({"cron": True}, ["cron's jobs are skipped while the cluster is paused; set minCapacity to 0.5 or more."]),
        ({"dataApi": True, "instanceClass": "db.t4g.medium"}, ["dataApi does not work with db.t4g.medium; take an r class or db.serverless."]),
        ({"readers": 5, "readerScaling": {"max": 4}}, ["readerScaling.max 4 is below readers 5, which are always there."]),
        ({"backupWindow": "04:00-05:00", "maintenanceWindow": "sun:04:30-sun:05:30"}, ["backupWindow 04:00-05:00 and maintenanceWindow sun:04:30-sun:05:30 overlap; move one."]),
        # Each has a line of its own.
        (
            {"minCapacity": 0, "proxy": True, "cron": True, "multiAz": True, "storageType": "io2"},
            [
                "engine aurora has no multiAz; leave that out, or set engine to rds or both.",
                "storageType io2 is RDS's; Aurora has aurora and aurora-iopt1.",
                "proxy keeps a connection open, so that minCapacity 0 never pauses; set minCapacity to 0.5 or more.",
                "cron's jobs are skipped while the cluster is paused; set minCapacity to 0.5 or more.",
            ],
        ),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be(keys, lines):
    assert refused(database=keys) == [f"vectordb:database: {line}" for line in lines]


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"bastion": False}, ["transport 'ssm' needs the bastion; set bastion to true, or transport to 'data-api' or 'direct'."]),
        ({"transport": "data-api", "database": {"engine": "both"}}, ["transport 'data-api' is Aurora's alone; set database.engine to aurora, or transport to 'ssm'."]),
        ({"transport": "data-api", "database": {"dataApi": False}}, ["transport 'data-api' needs database.dataApi; leave it out, or set it to true."]),
        ({"transport": "data-api", "database": {"instanceClass": "db.t4g.medium"}}, ["transport 'data-api' does not work with database.instanceClass db.t4g.medium; take an r class or db.serverless."]),
        ({"users": [], "database": {"proxy": True, "minCapacity": 1}}, ["database.proxy needs users: it logs in as one of them; name one, or leave proxy out."]),
        (
            {"bastion": False, "users": [], "database": {"engine": "rds", "proxy": True}},
            [
                "transport 'ssm' needs the bastion; set bastion to true, or transport to 'data-api' or 'direct'.",
                "database.proxy needs users: it logs in as one of them; name one, or leave proxy out.",
            ],
        ),
    ],
)  # fmt: skip
def test_sections_that_contradict_one_another(keys, lines):
    assert refused(**keys) == [f"vectordb: {line}" for line in lines]
