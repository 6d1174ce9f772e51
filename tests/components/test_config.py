"""Each wrong setting gives one line that names the key, what was given and what is allowed; all lines come together."""

import json

import pytest

from components.config import Access, ConfigurationError, Metric, Transport, User, load


def wire(**keys):
    return {f"vectordb:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}


def refused(**keys) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load(wire(**keys))
    first, *lines = str(error.value).splitlines()
    assert first == "The stack's configuration cannot be used:"
    return [line.strip() for line in lines]


def test_nothing_configured_is_a_small_secure_stack():
    config = load({})
    assert config.network.cidr == "10.20.0.0/16"
    assert config.network.zones == 2
    assert (config.database.version, config.database.min_capacity, config.database.max_capacity) == ("18", 0, 4)
    assert config.bastion is True
    assert config.transport is Transport.SSM
    assert config.indexes == ()
    assert config.users == (User(name="vectordb_app", access=Access.WRITER),)


def test_values_of_other_namespaces_are_not_ours():
    assert load({"aws:region": "eu-west-1", "other:network": "[]"}) == load({})


def test_everything_configured():
    config = load(
        wire(
            network={"cidr": "172.16.4.0/22", "zones": 3},
            database={"engine": "aurora", "version": 16, "minCapacity": 0.5, "maxCapacity": 8, "protect": True},
            bastion=False,
            transport="direct",
            indexes=[{"name": "docs", "dimension": 1024, "metric": "euclidean", "nonFilterableKeys": ["text"]}],
            users=[{"name": "ana", "access": "admin"}],
        )
    )
    assert config.database.version == "16"
    assert config.indexes[0].metric is Metric.EUCLIDEAN
    assert config.indexes[0].non_filterable_keys == ("text",)
    assert config.users == (User(name="ana", access=Access.ADMIN),)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"netwrk": {}},
            (
                "vectordb:netwrk: there is no such key; did you mean 'network'? "
                "Allowed: network, database, bastion, transport, indexes, users."
            ),
        ),
        (
            {"database": {"minCapacty": 1}},
            (
                "vectordb:database.minCapacty: there is no such key; did you mean 'minCapacity'? "
                "Allowed: engine, version, minCapacity, maxCapacity, generation, protect."
            ),
        ),
        (
            {"network": {"cidr": "10.0.0.0/27"}},
            'vectordb:network.cidr: "10.0.0.0/27" is too small for subnets in several zones; use /26 or larger (/16 to /26).',
        ),
        (
            {"network": {"cidr": "8.8.0.0/16"}},
            'vectordb:network.cidr: "8.8.0.0/16" is not inside private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.',
        ),
        (
            {"network": {"cidr": "10.0.0.1/16"}},
            "vectordb:network.cidr: \"10.0.0.1/16\" has bits set to the right of its prefix; did you mean '10.0.0.0/16'?",
        ),
        ({"network": {"zones": 4}}, "vectordb:network.zones: 4 is not offered. Allowed: 2, 3."),
        (
            {"database": {"engine": "aurorra"}},
            "vectordb:database.engine: \"aurorra\" is not offered; did you mean 'aurora'? Allowed: aurora.",
        ),
        ({"database": {"version": "15"}}, 'vectordb:database.version: "15" is not offered. Allowed: 16, 17, 18.'),
        ({"database": {"minCapacity": -1}}, "vectordb:database.minCapacity: -1 is out of range. Allowed: 0 to 256."),
        (
            {"database": {"minCapacity": 8}},
            "vectordb:database: maxCapacity 4 is below minCapacity 8.",
        ),
        (
            {"indexes": [{"name": "docs", "dimension": 0}]},
            "vectordb:indexes[0].dimension: 0 is out of range. Allowed: 1 to 4096.",
        ),
        (
            {"indexes": [{"name": "docs", "dimension": 5000}]},
            "vectordb:indexes[0].dimension: 5000 is out of range. Allowed: 1 to 4096.",
        ),
        ({"indexes": [{"name": "docs"}]}, "vectordb:indexes[0].dimension: is required."),
        (
            {"indexes": [{"name": "docs", "dimension": 3}, {"name": "docs", "dimension": 4}]},
            "vectordb:indexes: 'docs' more than once; each name can be used once.",
        ),
        (
            {"indexes": [{"name": "Docs", "dimension": 3}]},
            'vectordb:indexes[0].name: "Docs" must be 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends.',
        ),
        (
            {"users": [{"name": "rds_someone"}]},
            'vectordb:users[0].name: "rds_someone" is kept for PostgreSQL, RDS or this project; choose another name.',
        ),
        (
            {"bastion": False},
            "vectordb: transport 'ssm' needs the bastion; set bastion to true, or transport to 'direct'.",
        ),
        ({"transport": "smm"}, "vectordb:transport: \"smm\" is not offered; did you mean 'ssm'? Allowed: ssm, direct."),
    ],
)
def test_a_wrong_setting_gives_exactly_one_line(keys, line):
    assert refused(**keys) == [line]


def test_all_that_is_wrong_is_said_at_once():
    lines = refused(network={"cidr": "x", "zones": 9}, indexes=[{"name": "a", "dimension": 0}], colour="red")
    assert [line.partition(": ")[0] for line in lines] == [
        "vectordb:network.cidr",
        "vectordb:network.zones",
        "vectordb:indexes[0].name",
        "vectordb:indexes[0].dimension",
        "vectordb:colour",
    ]


@pytest.mark.parametrize(
    "keys", [{"network": "10.0.0.0/16"}, {"indexes": {"a": 1}}, {"users": [3]}, {"bastion": "perhaps"}]
)
def test_values_of_another_shape_are_refused_without_a_trace(keys):
    assert len(refused(**keys)) == 1
