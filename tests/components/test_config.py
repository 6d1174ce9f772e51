"""What a configuration means: defaults, every key, and what follows from them."""

import pytest

from components import settings
from components.config import (
    Access,
    BlockPublicAccess,
    Bridge,
    Engine,
    FullTextKey,
    Metric,
    Restore,
    Transport,
    User,
    load,
    physical_name,
)
from components.config.configuration import Configuration
from components.config.database import _OURS
from components.config.network import ENDPOINT_SERVICES
from components.database.parameters import RESERVED
from components.network.endpoints import services
from tests.components.configured import EXISTING, SUBNETS, database, network, refused, wire


def test_nothing_configured_is_a_small_secure_stack():
    config = load({})
    assert config.network.model_dump() == {
        "cidr": "10.20.0.0/16",
        "zones": 2,
        "vpc_id": None,
        "subnet_ids": (),
        "endpoints": {},
        "clients": {},
        "endpoint_zones": 1,
        "flow_logs": None,
        "log_retention_days": 30,
        "ipv6": False,
        "block_public_access": BlockPublicAccess.UNMANAGED,
    }
    assert config.network.logs_flows is True
    assert config.database.model_dump() == {
        "engine": Engine.AURORA,
        "version": "18",
        "min_capacity": 0,
        "max_capacity": 4,
        "auto_pause_seconds": 300,
        "instance_class": None,
        "readers": 0,
        "reader_scaling": None,
        "storage_type": None,
        "allocated_storage": 20,
        "max_allocated_storage": None,
        "multi_az": False,
        "parameters": {},
        "preload_libraries": (),
        "cron": False,
        "bedrock_models": (),
        "data_api": None,
        "proxy": False,
        "insights": "standard",
        "monitoring_seconds": 0,
        "backup_days": 7,
        "backup_window": None,
        "maintenance_window": None,
        "log_retention_days": 30,
        "certificate_authority": "rds-ca-rsa2048-g1",
        "allow_major_upgrade": False,
        "apply_immediately": True,
        "restore": None,
        "generation": 1,
        "protect": False,
        "final_snapshot": None,
    }
    assert config.bastion is True
    assert config.transport is Transport.SSM
    assert config.indexes == ()
    assert config.models == ()
    assert config.bridge.model_dump() == {
        "memory": 1024,
        "concurrency": 32,
        "cache_seconds": 0,
        "cache_megabytes": 16,
        "tracing": True,
        "vpc": False,
    }
    assert config.users == (User(name="vectordb_app", access=Access.WRITER),)
    assert config.observability.model_dump() == {"enabled": True, "email": None, "budget": None}
    assert config.tags == {}
    assert config.data_api is False


def test_a_moment_reaches_the_provider_in_utc_and_to_the_second():
    # The provider takes 2026-01-31T12:00:00Z and no other way of writing it (terraform-provider-aws, ValidUTCTimestamp).
    for text in (
        "2026-01-31T12:00:00Z",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T12:00Z",
        "2026-01-31 12:00:00.25+00:00",
    ):
        config = load(wire(database={"engine": "rds", "restore": {"source": "old", "time": text}}))
        assert settings.rds(config)["restore_time"] == "2026-01-31T12:00:00Z"
    latest = load(wire(database={"engine": "rds", "restore": {"source": "old"}}))
    assert "restore_time" not in settings.rds(latest)


def test_values_of_other_namespaces_are_not_ours():
    assert load({"aws:region": "eu-west-1", "other:network": "[]", "vectordb2:network": "[]"}) == load({})


def test_everything_of_a_stack_on_aurora():
    config = load(
        wire(
            network={"cidr": "172.16.4.0/22", "zones": 3, "endpointZones": 3, "flowLogs": False, "logRetentionDays": 365,
                     "ipv6": True, "blockPublicAccess": "ingress", "clients": {"search-api": "sg-01234567"}},
            database={"engine": "aurora", "version": 16, "minCapacity": 0.5, "maxCapacity": 8, "protect": True,
                      "readers": 1, "readerScaling": {"max": 3}, "storageType": "aurora-iopt1",
                      "parameters": {"work_mem": 65536, "pgaudit.log": "ddl", "log_lock_waits": False},
                      "preloadLibraries": ["pgaudit"], "cron": True, "proxy": True,
                      "bedrockModels": ["amazon.titan-embed-text-v2:0"], "backupWindow": "23:45-00:15",
                      "maintenanceWindow": "sun:04:30-sun:05:30", "restore": {"source": "old", "time": "2026-01-31T12:00:00Z"}},
            bastion=False,
            transport="direct",
            indexes=[{"name": "docs", "dimension": 1024, "metric": "euclidean", "nonFilterableKeys": ["text"],
                      "generation": 3, "keep": [{"dimension": 256}], "model": "cohere.embed-v4:0",
                      "fullTextKeys": ["title", {"key": "text", "language": "de"}], "tenantKey": "customer"}],
            bridge={"memory": 1769, "concurrency": 64, "cacheSeconds": 60, "cacheMegabytes": 442, "tracing": False, "vpc": True},
            users=[{"name": "ana", "access": "admin"}, {"name": "reports"}],
            observability={"email": "on-call@example.com", "budget": 50, "enabled": False},
            tags={"Environment": "production", "Kosten/Stelle": "Ä 1"},
        )
    )  # fmt: skip
    assert config.network.zones == 3
    assert config.network.logs_flows is False
    assert config.network.block_public_access is BlockPublicAccess.INGRESS
    assert config.network.clients == {"search-api": "sg-01234567"}
    assert config.database.version == "16"
    assert config.database.parameters == {"work_mem": "65536", "pgaudit.log": "ddl", "log_lock_waits": "0"}
    assert config.database.restore == Restore(source="old", time="2026-01-31T12:00:00Z")
    assert (config.database.reader_scaling.max, config.database.reader_scaling.cpu_percent) == (3, 60)
    assert config.indexes[0].metric is Metric.EUCLIDEAN
    assert config.indexes[0].non_filterable_keys == ("text",)
    assert config.indexes[0].keep[0].generation == 1
    assert config.indexes[0].full_text_keys == (FullTextKey(key="title"), FullTextKey(key="text", language="de"))
    assert (config.indexes[0].model, config.indexes[0].tenant_key) == ("cohere.embed-v4:0", "customer")
    assert config.models == ("cohere.embed-v4:0",)
    assert config.bridge == Bridge(
        memory=1769, concurrency=64, cache_seconds=60, cache_megabytes=442, tracing=False, vpc=True
    )
    assert config.users == (User(name="ana", access=Access.ADMIN), User(name="reports", access=Access.READER))
    assert config.observability.budget == 50
    assert config.tags == {"Environment": "production", "Kosten/Stelle": "Ä 1"}


def test_everything_of_an_rds_instance_in_a_vpc_that_exists():
    config = load(
        wire(
            network={**EXISTING, "endpoints": {"ssm": "vpce-01234567", "s3": "vpce-0123456789abcdef0"}, "endpointZones": 2},
            database={"engine": "rds", "version": "17.10", "storageType": "io2", "allocatedStorage": 100,
                      "maxAllocatedStorage": 110, "multiAz": True, "instanceClass": "db.r8g.4xlarge"},
        )
    )  # fmt: skip
    assert config.network.subnet_ids == tuple(SUBNETS)
    assert config.network.logs_flows is False
    assert network(**EXISTING, flowLogs=True).logs_flows is True
    assert (config.database.version, config.database.rds_class) == ("17.10", "db.r8g.4xlarge")


def test_tags_leave_room_for_the_programs_own():
    assert len(load(wire(tags={f"key{n}": "" for n in range(47)})).tags) == 47
    (line,) = refused(tags={f"key{n}": "" for n in range(48)})
    assert line == "vectordb:tags: are 48; AWS has room for 50 a resource, three of which are the program's."


def test_all_that_is_wrong_is_said_at_once():
    lines = refused(network={"cidr": "x", "zones": 9}, indexes=[{"name": "a", "dimension": 0}], colour="red")
    assert [line.partition(": ")[0] for line in lines] == [
        "vectordb:network.cidr",
        "vectordb:network.zones",
        "vectordb:indexes[0].dimension",
        "vectordb:indexes[0].name",
        "vectordb:colour",
    ]


@pytest.mark.parametrize(
    ("keys", "aurora", "rds", "aurora_class", "rds_class", "serverless", "pauses"),
    [
        ({}, True, False, "db.serverless", "db.t4g.small", True, True),
        ({"minCapacity": 0.5}, True, False, "db.serverless", "db.t4g.small", True, False),
        ({"instanceClass": "db.r8g.large"}, True, False, "db.r8g.large", "db.r8g.large", False, False),
        ({"engine": "rds"}, False, True, "db.serverless", "db.t4g.small", False, False),
        (
            {"engine": "rds", "instanceClass": "db.m8g.large"},
            False,
            True,
            "db.serverless",
            "db.m8g.large",
            False,
            False,
        ),
        ({"engine": "both", "instanceClass": "db.m8g.large"}, True, True, "db.serverless", "db.m8g.large", True, True),
    ],
)
def test_what_an_engine_and_a_class_mean(keys, aurora, rds, aurora_class, rds_class, serverless, pauses):
    chosen = database(**keys)
    assert (chosen.aurora, chosen.rds, chosen.serverless, chosen.pauses) == (aurora, rds, serverless, pauses)
    assert (chosen.aurora_class, chosen.rds_class) == (aurora_class, rds_class)


@pytest.mark.parametrize(
    ("keys", "answers"),
    [
        ({}, False),
        ({"database": {"dataApi": True}}, True),
        ({"transport": "data-api"}, True),
        ({"transport": "data-api", "bastion": False}, True),
        ({"database": {"engine": "both", "dataApi": True}}, True),
        ({"database": {"engine": "rds"}}, False),
    ],
)
def test_the_data_api_answers_when_asked_for_or_needed(keys, answers):
    assert load(wire(**keys)).data_api is answers


def test_generations_of_an_index():
    assert [physical_name("docs", generation) for generation in (1, 2, 999)] == ["docs", "docs-g2", "docs-g999"]


def test_a_configuration_stays_as_it_was_read():
    with pytest.raises(ValueError, match="frozen"):
        load({}).bastion = False


def test_python_names_are_for_python():
    assert Configuration(bastion=False, transport=Transport.DIRECT) == load(wire(bastion=False, transport="direct"))


def test_names_that_other_modules_own():
    everything = services(bastion=True, bridge=True, bedrock=True, vectors=True, queue=True, batch=True, secrets=True)
    assert list(ENDPOINT_SERVICES) == everything
    assert set(_OURS) == RESERVED
