"""Each wrong setting gives one line that names the key, what was given and what is allowed."""

import pytest

from tests.components.configured import RETENTION, refused

NETWORK_KEYS = "cidr, zones, vpcId, subnetIds, endpoints, clients, endpointZones, flowLogs, logRetentionDays, ipv6, blockPublicAccess"
DATABASE_KEYS = (
    "engine, version, minCapacity, maxCapacity, autoPauseSeconds, instanceClass, readers, readerScaling, storageType, "
    "allocatedStorage, maxAllocatedStorage, multiAz, parameters, preloadLibraries, cron, bedrockModels, dataApi, proxy, "
    "insights, monitoringSeconds, backupDays, backupWindow, maintenanceWindow, logRetentionDays, certificateAuthority, "
    "allowMajorUpgrade, applyImmediately, restore, generation, protect, finalSnapshot"
)
BRIDGE_KEYS = "memory, concurrency, cacheSeconds, cacheMegabytes, tracing, vpc"
MODELS = (
    "amazon.titan-embed-text-v2:0, amazon.titan-embed-text-v1, amazon.titan-embed-g1-text-02, cohere.embed-english-v3, "
    "cohere.embed-multilingual-v3, cohere.embed-v4:0"
)
KEYS = "network, database, bastion, transport, indexes, bridge, embedding, users, observability, tags"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"netwrk": {}}, f"vectordb:netwrk: there is no such key; did you mean 'network'? Allowed: {KEYS}."),
        ({"": 1}, f"vectordb:: there is no such key. Allowed: {KEYS}."),
        (
            {"database": {"minCapacty": 1}},
            f"vectordb:database.minCapacty: there is no such key; did you mean 'minCapacity'? Allowed: {DATABASE_KEYS}.",
        ),
        # Python's spelling would be a second one for the same key.
        (
            {"database": {"min_capacity": 1}},
            f"vectordb:database.min_capacity: there is no such key; did you mean 'minCapacity'? Allowed: {DATABASE_KEYS}.",
        ),
        (
            {"database": {"restore": {"snapshott": "x"}}},
            "vectordb:database.restore.snapshott: there is no such key; did you mean 'snapshot'? Allowed: snapshot, source, time.",
        ),
        (
            {"indexes": [{"name": "docs", "dimension": 3, "keep": [{"dimension": 3, "metrik": 1}]}]},
            (
                "vectordb:indexes[0].keep[0].metrik: there is no such key; did you mean 'metric'? "
                "Allowed: dimension, metric, nonFilterableKeys, generation."
            ),
        ),
        ({"indexes": [{"name": "docs"}]}, "vectordb:indexes[0].dimension: is required."),
        ({"users": [{}]}, "vectordb:users[0].name: is required."),
        ({"database": {"readerScaling": {}}}, "vectordb:database.readerScaling.max: is required."),
    ],
)
def test_keys(keys, line):
    assert refused(**keys) == [line]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("cidr", "10.0.0.0/27", '"10.0.0.0/27" is too small for subnets in several zones; use /26 or larger (/16 to /26).'),
        ("cidr", "8.8.0.0/16", '"8.8.0.0/16" is not inside private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.'),
        ("cidr", "10.0.0.1/16", "\"10.0.0.1/16\" has bits set to the right of its prefix; did you mean '10.0.0.0/16'?"),
        ("cidr", "10.0.0.0/12", "\"10.0.0.0/12\" is larger than AWS allows; the largest here is '10.0.0.0/16'."),
        ("cidr", "fd00::/48", "\"fd00::/48\" must be IPv4; write one such as '10.20.0.0/16'."),
        ("cidr", "x", "\"x\" is not a CIDR block; write one such as '10.20.0.0/16'."),
        ("cidr", 10, "10 is no text; write it in quotes."),
        ("zones", 4, "4 is not offered. Allowed: 2, 3, or a list of that many zones' names."),
        ("zones", "3", '"3" is not offered. Allowed: 2, 3, or a list of that many zones\' names.'),
        ("zones", True, "true is not offered. Allowed: 2, 3, or a list of that many zones' names."),
        ("zones", None, "null is not offered. Allowed: 2, 3, or a list of that many zones' names."),
        ("zones", ["a"], "[\"a\"] must name two or three different zones, such as ['us-east-1a', 'us-east-1b']."),
        ("zones", ["a", "a"], "[\"a\", \"a\"] must name two or three different zones, such as ['us-east-1a', 'us-east-1b']."),
        ("zones", ["a", 2], "[\"a\", 2] must name two or three different zones, such as ['us-east-1a', 'us-east-1b']."),
        ("vpcId", "vpc-1", "\"vpc-1\" is no id of this kind; write one such as 'vpc-0123456789abcdef0'."),
        ("vpcId", "vpc-0123456789ABCDEF0", "\"vpc-0123456789ABCDEF0\" is no id of this kind; write one such as 'vpc-0123456789abcdef0'."),
        ("subnetIds", "subnet-01234567", '"subnet-01234567" is no list; write [a, b], or one item a line after a hyphen.'),
        ("endpoints", ["a"], '["a"] is no object; write a key and its value a line.'),
        ("endpoints", {"smm": "vpce-01234567"}, "'smm' is not used here; did you mean 'ssm'? Allowed: bedrock, bedrock-runtime, lambda, s3, s3vectors, secretsmanager, sqs, ssm, ssmmessages."),
        ("endpoints", {"kinesis": "vpce-01234567"}, "'kinesis' is not used here. Allowed: bedrock, bedrock-runtime, lambda, s3, s3vectors, secretsmanager, sqs, ssm, ssmmessages."),
        ("clients", {"Api": "sg-01234567"}, "'Api' is no client's name; write up to 31 lower-case letters, digits and hyphens, a letter first."),
        ("clients", {"a": "sg-01234567", "b": "sg-01234567"}, '{"a": "sg-01234567", "b": "sg-01234567"} names sg-01234567 twice, and a rule can be added to a security group once; keep one.'),
        ("endpointZones", 0, "0 is out of range. Allowed: 1 to 3."),
        ("endpointZones", 1.5, "1.5 is no whole number. Allowed: 1 to 3."),
        ("endpointZones", "two", '"two" is no number. Allowed: 1 to 3.'),
        ("endpointZones", True, "true is no number. Allowed: 1 to 3."),
        ("flowLogs", "perhaps", '"perhaps" is neither true nor false.'),
        ("flowLogs", [], "[] is neither true nor false."),
        ("logRetentionDays", 31, f"31 is not offered; the nearest is 30. Allowed: {RETENTION}."),
        ("logRetentionDays", "30", f'"30" is not offered; did you mean 30, without quotes? Allowed: {RETENTION}.'),
        ("ipv6", 2, "2 is neither true nor false."),
        ("blockPublicAccess", "ingres", "\"ingres\" is not offered; did you mean 'ingress'? Allowed: unmanaged, bidirectional, ingress."),
        ("blockPublicAccess", True, "true is not offered. Allowed: unmanaged, bidirectional, ingress."),
    ],
)  # fmt: skip
def test_a_wrong_value_of_the_network(key, value, line):
    assert refused(network={key: value}) == [f"vectordb:network.{key}: {line}"]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("engine", "aurorra", "\"aurorra\" is not offered; did you mean 'aurora'? Allowed: aurora, rds, both."),
        ("version", "15", "\"15\" is not offered. Allowed: '16', '17', '18', or an exact minor such as '18.6'."),
        ("version", 15, "15 is not offered. Allowed: '16', '17', '18', or an exact minor such as '18.6'."),
        ("version", "18.0", "\"18.0\" is not offered. Allowed: '16', '17', '18', or an exact minor such as '18.6'."),
        ("version", 17.1, "17.1 must be in quotes, as in '18.6': without them 17.10 would be 17.1."),
        ("version", True, "true is no text; write it in quotes."),
        ("minCapacity", -1, "-1 is out of range. Allowed: 0 to 256."),
        ("minCapacity", 0.3, "0.3 is between two steps. Allowed: 0 to 256 in steps of 0.5."),
        ("minCapacity", True, "true is no number. Allowed: 0 to 256."),
        ("minCapacity", float("nan"), "NaN is out of range. Allowed: 0 to 256."),
        ("maxCapacity", 0.5, "0.5 is out of range. Allowed: 1 to 256."),
        ("maxCapacity", "much", '"much" is no number. Allowed: 1 to 256.'),
        ("autoPauseSeconds", 299, "299 is out of range. Allowed: 300 to 86400."),
        ("instanceClass", "r8g.large", "\"r8g.large\" is no instance class; write one such as 'db.r8g.large', 'db.t4g.medium' or 'db.serverless'."),
        ("readers", 16, "16 is out of range. Allowed: 0 to 15."),
        ("readerScaling", 3, "3 is no object; write a key and its value a line. Allowed: max, cpuPercent."),
        ("storageType", "gp2", "\"gp2\" is not offered; did you mean 'gp3'? Allowed: aurora, aurora-iopt1, gp3, io2."),
        ("allocatedStorage", 10, "10 is out of range. Allowed: 20 to 65536."),
        ("maxAllocatedStorage", 10, "10 is out of range. Allowed: 22 to 65536."),
        ("multiAz", "x", '"x" is neither true nor false.'),
        ("parameters", [], "[] is no object; write a key and its value a line."),
        ("parameters", {"rds.force_ssl": 0}, "rds.force_ssl is set by the program; it can't be changed here."),
        ("parameters", {"Work_mem": 1}, "'Work_mem' is no parameter's name; write one such as 'work_mem'."),
        ("preloadLibraries", ["a-b"], "'a-b' is no library's name; write one such as 'pgaudit'."),
        ("preloadLibraries", ["pg_cron"], "'pg_cron' is preloaded, and told its database, by cron; set that to true."),
        ("cron", "x", '"x" is neither true nor false.'),
        ("bedrockModels", ["titan"], "'titan' is no model's id; write one such as 'amazon.titan-embed-text-v2:0'."),
        ("bedrockModels", ["us.anthropic.claude-v2"], "'us.anthropic.claude-v2' is an inference profile; only foundation models can be allowed here."),
        ("bedrockModels", ["a.b"] * 2, '["a.b", "a.b"] names a model twice.'),
        ("dataApi", "x", '"x" is neither true nor false.'),
        ("proxy", "x", '"x" is neither true nor false.'),
        ("insights", "advance", "\"advance\" is not offered; did you mean 'advanced'? Allowed: standard, advanced, off."),
        ("monitoringSeconds", 20, "20 is not offered; the nearest is 15. Allowed: 0, 1, 5, 10, 15, 30, 60."),
        ("monitoringSeconds", True, "true is no number. Allowed: 0, 1, 5, 10, 15, 30, 60."),
        ("backupDays", 0, "0 is out of range. Allowed: 1 to 35."),
        ("backupWindow", "3-4", "\"3-4\" is no daily window of 30 minutes or more; write UTC such as '03:00-04:00'."),
        ("backupWindow", "03:00-03:29", "\"03:00-03:29\" is no daily window of 30 minutes or more; write UTC such as '03:00-04:00'."),
        ("maintenanceWindow", "so:01:00-so:02:00", "\"so:01:00-so:02:00\" is no weekly window of 30 minutes or more; write UTC such as 'sun:04:30-sun:05:30'."),
        ("logRetentionDays", 8, f"8 is not offered; the nearest is 7. Allowed: {RETENTION}."),
        ("certificateAuthority", "rds-ca-2019", "\"rds-ca-2019\" is not offered; did you mean 'rds-ca-rsa2048-g1'? Allowed: rds-ca-rsa2048-g1, rds-ca-rsa4096-g1, rds-ca-ecc384-g1."),
        ("allowMajorUpgrade", "x", '"x" is neither true nor false.'),
        ("applyImmediately", "x", '"x" is neither true nor false.'),
        ("restore", {}, "needs either snapshot, or source (and time; without it, the latest moment)."),
        ("restore", {"snapshot": "a", "source": "b"}, "needs either snapshot, or source (and time; without it, the latest moment)."),
        ("restore", {"snapshot": "a", "time": "2026-01-31T12:00:00Z"}, "time belongs to source: a snapshot has its own."),
        ("restore", {"source": "a", "time": "yesterday"}, "time 'yesterday' is not a moment; write one such as '2026-01-31T12:00:00Z'."),
        ("restore", {"source": "a", "time": "2026-01-31T12:00:00"}, "time '2026-01-31T12:00:00' has no zone; end it with Z."),
        ("generation", 0, "0 is out of range. Allowed: 1 to 9999."),
        ("protect", "x", '"x" is neither true nor false.'),
        ("finalSnapshot", "x", '"x" is neither true nor false.'),
    ],
)  # fmt: skip
def test_a_wrong_value_of_the_database(key, value, line):
    assert refused(database={key: value}) == [f"vectordb:database.{key}: {line}"]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ({"readerScaling": {"max": 16}}, "readerScaling.max: 16 is out of range. Allowed: 1 to 15."),
        ({"readerScaling": {"max": 2, "cpuPercent": 5}}, "readerScaling.cpuPercent: 5 is out of range. Allowed: 10 to 95."),
        ({"parameters": {"work_mem": None}}, "parameters.work_mem: null is no text; write it in quotes."),
        ({"bedrockModels": [3]}, "bedrockModels[0]: 3 is no text; write it in quotes."),
        ({"restore": {"snapshot": ""}}, "restore.snapshot: \"\" is no identifier or ARN; write one such as 'vectordb-prod-database-1-final'."),
    ],
)  # fmt: skip
def test_a_wrong_value_inside_the_database(place, line):
    assert refused(database=place) == [f"vectordb:database.{line}"]


INDEX = {"name": "docs", "dimension": 3}
LEGAL_NAME = "must be 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends."


@pytest.mark.parametrize(
    ("indexes", "line"),
    [
        (3, ": 3 is no list; write [a, b], or one item a line after a hyphen."),
        ([3], "[0]: 3 is no object; write a key and its value a line. Allowed: dimension, metric, nonFilterableKeys, generation, name, model, fullTextKeys, tenantKey, keep."),
        ([INDEX | {"dimension": 0}], "[0].dimension: 0 is out of range. Allowed: 1 to 4096."),
        ([INDEX | {"dimension": 4097}], "[0].dimension: 4097 is out of range. Allowed: 1 to 4096."),
        ([INDEX | {"metric": "dot"}], '[0].metric: "dot" is not offered. Allowed: cosine, euclidean.'),
        ([INDEX | {"name": "Docs"}], f'[0].name: "Docs" {LEGAL_NAME}'),
        ([INDEX | {"name": "do"}], f'[0].name: "do" {LEGAL_NAME}'),
        ([INDEX | {"nonFilterableKeys": ["a", "a"]}], '[0].nonFilterableKeys: ["a", "a"] must be different keys of 1 to 63 characters.'),
        ([INDEX | {"nonFilterableKeys": list("abcdefghijk")}], '[0].nonFilterableKeys: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] has 11 items. Allowed: up to 10.'),
        ([INDEX | {"keep": [{"dimension": 0}]}], "[0].keep[0].dimension: 0 is out of range. Allowed: 1 to 4096."),
        ([INDEX | {"keep": [{"dimension": 3}]}], "[0]: generation 1 is both current and kept, or kept twice."),
        ([INDEX | {"name": "d" * 62, "generation": 10}], "[0]: the name has no room for generation 10: shorten it."),
        ([INDEX, INDEX], ": 'docs' more than once; each name can be used once."),
        ([INDEX | {"model": "titan-embed-text"}], f"[0].model: \"titan-embed-text\" is no embedding model that the bridge knows; did you mean 'amazon.titan-embed-text-v1'? Allowed: {MODELS}."),
        ([INDEX | {"model": "x"}], f'[0].model: "x" is no embedding model that the bridge knows. Allowed: {MODELS}.'),
        ([INDEX | {"model": "us.cohere.embed-v4:0"}], f"[0].model: \"us.cohere.embed-v4:0\" is an inference profile, which carries texts to other regions; write 'cohere.embed-v4:0'. Allowed: {MODELS}."),
        ([INDEX | {"model": "eu.x"}], f'[0].model: "eu.x" is an inference profile, which carries texts to other regions. Allowed: {MODELS}.'),
        ([INDEX | {"model": 3}], "[0].model: 3 is no text; write it in quotes."),
        ([INDEX | {"dimension": 300, "model": "amazon.titan-embed-text-v2:0"}], "[0]: model 'amazon.titan-embed-text-v2:0' gives 256, 512, 1024 numbers, and dimension is 300; the nearest is 256."),
        ([INDEX | {"fullTextKeys": "body"}], '[0].fullTextKeys: "body" is no list; write [a, b], or one item a line after a hyphen.'),
        ([INDEX | {"fullTextKeys": [3]}], "[0].fullTextKeys[0]: 3 is no object; write a key and its value a line. Allowed: key, language."),
        ([INDEX | {"fullTextKeys": [{"kye": "a", "key": "b"}]}], "[0].fullTextKeys[0].kye: there is no such key; did you mean 'key'? Allowed: key, language."),
        ([INDEX | {"fullTextKeys": [{"key": "a", "language": "eng"}]}], "[0].fullTextKeys[0].language: \"eng\" is not offered; did you mean 'en'? Allowed: en, fr, es, pt, it, de, nl, zh, ja, ko."),
        ([INDEX | {"fullTextKeys": ["a" * 64]}], f'[0].fullTextKeys[0].key: "{"a" * 56}... must be a metadata key of 1 to 63 characters.'),
        ([INDEX | {"fullTextKeys": ["a", {"key": "a", "language": "en"}]}], "[0].fullTextKeys: [\"a\", {\"key\": \"a\", \"language\": \"en\"}] names 'a' twice; a key has one language."),
        ([INDEX | {"fullTextKeys": list("abcdefghijk")}], '[0].fullTextKeys: [{"key": "a"}, {"key": "b"}, {"key": "c"}, {"key": "d"}, ... has 11 items. Allowed: up to 10.'),
        ([INDEX | {"tenantKey": ""}], '[0].tenantKey: "" must be a metadata key of 1 to 63 characters that does not begin with $.'),
        ([INDEX | {"tenantKey": "$and"}], '[0].tenantKey: "$and" must be a metadata key of 1 to 63 characters that does not begin with $.'),
        ([INDEX | {"tenantKey": "a", "nonFilterableKeys": ["a"]}], "[0]: tenantKey 'a' is among nonFilterableKeys, and tenants are told apart by a filter on it; take it out there, which takes another generation where the index exists."),
        # They would be two resources of one name, and one index.
        ([INDEX | {"generation": 2}, INDEX | {"name": "docs-g2"}], ": 'docs' and 'docs-g2' would both be called 'docs-g2'; rename one."),
        ([INDEX | {"name": "docs-g2"}, INDEX | {"keep": [{"dimension": 3, "generation": 2}]}], ": 'docs-g2' and 'docs' would both be called 'docs-g2'; rename one."),
    ],
)  # fmt: skip
def test_a_wrong_index(indexes, line):
    assert refused(indexes=indexes) == [f"vectordb:indexes{line}"]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"users": [{"name": "rds_someone"}]}, 'users[0].name: "rds_someone" is kept for PostgreSQL, RDS or this project; choose another name.'),
        ({"users": [{"name": "Ana"}]}, 'users[0].name: "Ana" must be a PostgreSQL name: a lower-case letter or _, then letters, digits and _, up to 63.'),
        ({"users": [{"name": "ana", "access": "write"}]}, "users[0].access: \"write\" is not offered; did you mean 'writer'? Allowed: reader, writer, admin."),
        ({"users": [{"name": "ana"}] * 2}, "users: 'ana' more than once; each name can be used once."),
        ({"bastion": "perhaps"}, 'bastion: "perhaps" is neither true nor false.'),
        ({"transport": "smm"}, "transport: \"smm\" is not offered; did you mean 'ssm'? Allowed: ssm, data-api, direct."),
        ({"network": "10.0.0.0/16"}, f'network: "10.0.0.0/16" is no object; write a key and its value a line. Allowed: {NETWORK_KEYS}.'),
        ({"network": None}, f"network: null is no object; write a key and its value a line. Allowed: {NETWORK_KEYS}."),
        ({"observability": {"email": "x"}}, "observability.email: \"x\" is no e-mail address; write one such as 'on-call@example.com'."),
        ({"observability": {"budget": 0}}, "observability.budget: 0 is out of range. Allowed: more than 0 to 1000000."),
        ({"observability": {"enabled": "x"}}, 'observability.enabled: "x" is neither true nor false.'),
        ({"tags": {"a": 1}}, "tags.a: 1 is no text; write it in quotes."),
        ({"tags": {"AWS:a": "b"}}, "tags: 'AWS:a': 'b' is no tag of AWS: letters, digits, spaces and _ . : / = + - @, the key up to 128 and the value up to 256, and no key that begins with aws:."),
        ({"tags": {"a": "!"}}, "tags: 'a': '!' is no tag of AWS: letters, digits, spaces and _ . : / = + - @, the key up to 128 and the value up to 256, and no key that begins with aws:."),
        # IAM does not tell them apart: the first role would be refused.
        ({"tags": {"team": "a", "Team": "b"}}, "tags: 'Team' and 'team' differ in case only, which IAM refuses; keep one."),
        ({"tags": {"project": "a"}}, "tags: 'project' and 'Project' differ in case only, which IAM refuses; keep one."),
    ],
)  # fmt: skip
def test_a_wrong_value_elsewhere(keys, line):
    assert refused(**keys) == [f"vectordb:{line}"]


@pytest.mark.parametrize(
    ("bridge", "line"),
    [
        (3, f": 3 is no object; write a key and its value a line. Allowed: {BRIDGE_KEYS}."),
        ({"memry": 1}, f".memry: there is no such key; did you mean 'memory'? Allowed: {BRIDGE_KEYS}."),
        ({"memory": 127}, ".memory: 127 is out of range. Allowed: 128 to 10240."),
        ({"memory": 10241}, ".memory: 10241 is out of range. Allowed: 128 to 10240."),
        ({"concurrency": 65}, ".concurrency: 65 is out of range. Allowed: 1 to 64."),
        ({"concurrency": 0}, ".concurrency: 0 is out of range. Allowed: 1 to 64."),
        ({"cacheSeconds": 3601}, ".cacheSeconds: 3601 is out of range. Allowed: 0 to 3600."),
        ({"cacheSeconds": 1.5}, ".cacheSeconds: 1.5 is no whole number. Allowed: 0 to 3600."),
        ({"cacheSeconds": 1, "cacheMegabytes": 0}, ".cacheMegabytes: 0 is out of range. Allowed: 1 to 2560."),
        ({"tracing": "x"}, '.tracing: "x" is neither true nor false.'),
        ({"vpc": "x"}, '.vpc: "x" is neither true nor false.'),
        ({"cacheMegabytes": 8}, ": cacheMegabytes belongs to a cache, and cacheSeconds is 0, which is none; set that, or leave this out."),
        ({"cacheSeconds": 1, "cacheMegabytes": 257}, ": cacheMegabytes 257 is more than a quarter of memory 1024; lower it to 256, or raise memory to 1028."),
    ],
)  # fmt: skip
def test_a_wrong_bridge(bridge, line):
    assert refused(indexes=[INDEX], bridge=bridge) == [f"vectordb:bridge{line}"]


def test_a_bridge_to_nowhere():
    assert refused(bridge={"vpc": True}) == [
        "vectordb: bridge is there for indexes, and there are none; name one, or leave bridge out."
    ]
