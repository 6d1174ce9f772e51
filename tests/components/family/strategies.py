"""Stacks that a team might configure: every key, with values at and between its limits."""

import string
from random import Random

from hypothesis import strategies as st

from tests.components.family.embeddings import LIBRARIES, SHARE, pipeline
from tests.components.family.stack import Stack

REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1")
CIDRS = ("10.20.0.0/16", "10.255.128.0/20", "172.31.0.0/24", "192.168.255.192/26")
RETENTION = (1, 7, 30, 365, 3653)
SERVICES = ("ssm", "ssmmessages", "lambda", "s3", "s3vectors", "bedrock-runtime")
LANGUAGES = ("en", "fr", "es", "pt", "it", "de", "nl", "zh", "ja", "ko")
EMBEDDED = (
    {"model": "amazon.titan-embed-text-v2:0", "dimension": 512},
    {"model": "cohere.embed-multilingual-v3", "dimension": 1024},
)
MODELS = ("amazon.titan-embed-text-v2:0", "cohere.embed-multilingual-v3")
SECONDS = (0, 1, 5, 10, 15, 30, 60)
NAMES = st.sampled_from(["dev", "a" * 100, "Prod.EU_west-2", "7", "-._x_.-", "ab." * 33]) | st.text(
    string.ascii_letters + string.digits + "._-", min_size=1, max_size=100
).filter(lambda name: any(c.isalnum() for c in name))
"""What Pulumi takes as the name of a project or a stack."""
IDENTIFIERS = st.text("0123456789abcdef", min_size=17, max_size=17)
SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)


def some(**keys):
    """A mapping in which every key may be left out."""
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def own_networks(draw, region):
    named = st.permutations([f"{region}{letter}" for letter in "abc"]).map(lambda zones: zones[:2])
    zones = draw(st.sampled_from([2, 3]) | named)
    return {"zones": zones} | draw(
        some(
            cidr=st.sampled_from(CIDRS),
            endpointZones=st.integers(1, zones if isinstance(zones, int) else len(zones)),
            flowLogs=st.booleans(),
            logRetentionDays=st.sampled_from(RETENTION),
            ipv6=st.booleans(),
            blockPublicAccess=st.sampled_from(["unmanaged", "bidirectional", "ingress"]),
            clients=clients(),
        )
    )


@st.composite
def existing_networks(draw):
    given_endpoints = draw(st.lists(st.sampled_from(SERVICES), unique=True))
    known = {
        "vpcId": f"vpc-{draw(IDENTIFIERS)}",
        "subnetIds": [f"subnet-{i}" for i in draw(st.lists(IDENTIFIERS, min_size=2, max_size=6, unique=True))],
    }
    return known | draw(
        some(
            endpoints=st.just({service: f"vpce-{draw(IDENTIFIERS)}" for service in given_endpoints}),
            endpointZones=st.integers(1, min(len(known["subnetIds"]), 3)),
            flowLogs=st.booleans(),
            logRetentionDays=st.sampled_from(RETENTION),
            clients=clients(),
        )
    )


def clients():
    return st.dictionaries(SLUGS, IDENTIFIERS.map(lambda i: f"sg-{i}"), max_size=3).filter(
        lambda made: len(set(made.values())) == len(made)
    )


def windows():
    """Two windows that do not meet."""
    return st.sampled_from(
        [
            {},
            {"backupWindow": "03:00-04:00"},
            {"backupWindow": "23:45-00:15", "maintenanceWindow": "sun:04:30-sun:05:30"},
            {"maintenanceWindow": "sat:23:30-sun:00:30"},
        ]
    )


def restores():
    return st.sampled_from(
        [
            {"snapshot": "before-the-upgrade"},
            {"snapshot": "rds:vectordb-prod-database-1-2026-01-31-03-04"},
            {"source": "vectordb-prod-database-1"},
            {"source": "vectordb-prod-database-1", "time": "2026-01-31T12:00:00Z"},
        ]
    )


def common_databases():
    """What Aurora and RDS are both told."""
    return some(
        version=st.sampled_from(["16", "17", "18", "16.9", "17.5", "18.3"]),
        parameters=st.sampled_from([{}, {"work_mem": 65536, "track_functions": "all"}, {"log_statement": "ddl"}]),
        preloadLibraries=st.lists(st.sampled_from(["pgaudit", "auto_explain"]), unique=True),
        insights=st.sampled_from(["standard", "advanced", "off"]),
        monitoringSeconds=st.sampled_from(SECONDS),
        backupDays=st.integers(1, 35),
        logRetentionDays=st.sampled_from(RETENTION),
        certificateAuthority=st.sampled_from(["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"]),
        allowMajorUpgrade=st.booleans(),
        applyImmediately=st.booleans(),
        generation=st.sampled_from([1, 2, 37, 9999]),
        protect=st.booleans(),
    )


@st.composite
def aurora(draw, *, alone):
    """Aurora's own keys; beside an RDS instance it is Serverless v2."""
    serverless = not alone or draw(st.booleans())
    made = draw(some(bedrockModels=st.lists(st.sampled_from(MODELS), unique=True), readers=st.integers(0, 3)))
    if draw(st.booleans()):
        least = max(made.get("readers", 0), 1)
        made["readerScaling"] = {"max": draw(st.integers(least, 15)), "cpuPercent": draw(st.integers(10, 95))}
    if serverless:
        # A paused cluster is what most keys are about, so it is no rarity here.
        least = draw(st.sampled_from([0, 0, 0.5, 8.5, 256]))
        made |= {"minCapacity": least, "maxCapacity": max(least, draw(st.sampled_from([1, 4, 16.5, 256])))}
        made |= draw(some(autoPauseSeconds=st.integers(300, 86400)))
    else:
        made["instanceClass"] = draw(st.sampled_from(["db.r8g.large", "db.t4g.medium", "db.r7i.24xlarge"]))
    if alone:
        made |= draw(some(storageType=st.sampled_from(["aurora", "aurora-iopt1"])))
    if not str(made.get("instanceClass")).startswith("db.t"):
        made |= draw(some(dataApi=st.booleans()))
    return made


@st.composite
def rds(draw):
    """RDS's own keys."""
    made = draw(some(multiAz=st.booleans(), instanceClass=st.sampled_from(["db.t4g.small", "db.m8g.large"])))
    made["storageType"] = draw(st.sampled_from(["gp3", "io2"]))
    storage = draw(st.integers(100 if made["storageType"] == "io2" else 20, 59000))
    made["allocatedStorage"] = storage
    if draw(st.booleans()):
        made["maxAllocatedStorage"] = draw(st.integers(-(-storage * 11 // 10), 65536))
    return made


@st.composite
def databases(draw, engine):
    made = {"engine": engine} | draw(common_databases()) | draw(windows())
    if engine != "both":
        made |= draw(some(restore=restores()))
    if engine != "rds":
        made |= draw(aurora(alone=engine == "aurora"))
    if engine != "aurora":
        made |= draw(rds())
    pauses = (
        engine != "rds"
        and made.get("minCapacity", 0) == 0
        and "instanceClass" not in (made if engine == "aurora" else {})
    )
    if not pauses:
        made |= draw(some(proxy=st.booleans(), cron=st.booleans()))
    return made


@st.composite
def indexes(draw):
    name = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,50}[a-z0-9]", fullmatch=True)
    names = draw(st.lists(name, min_size=draw(st.sampled_from([0, 1, 1, 2])), max_size=4, unique=True))
    key = st.text(string.ascii_letters, min_size=1, max_size=63)
    shape = some(
        metric=st.sampled_from(["cosine", "euclidean"]),
        nonFilterableKeys=st.lists(key, max_size=10, unique=True),
    )
    searched = st.fixed_dictionaries({"key": key}, optional={"language": st.sampled_from(LANGUAGES)})
    current_only = some(
        fullTextKeys=st.lists(searched, max_size=10, unique_by=lambda one: one["key"]),
        # Digits: none of the other keys.
        tenantKey=st.text(string.digits, min_size=1, max_size=63),
    )
    made = []
    for name in names:
        generations = draw(st.lists(st.integers(1, 999), min_size=1, max_size=2, unique=True))
        current, *kept = [{"dimension": draw(st.integers(1, 4096)), "generation": g} | draw(shape) for g in generations]
        current |= draw(current_only)
        if draw(st.booleans()):
            current |= draw(st.sampled_from(EMBEDDED))
        made.append({"name": name} | current | ({"keep": kept} if kept else {}))
    return made


def bridges():
    caching = st.fixed_dictionaries(
        {"cacheSeconds": st.integers(1, 3600)}, optional={"cacheMegabytes": st.integers(1, 128)}
    )
    common = st.fixed_dictionaries(
        {"vpc": st.booleans(), "tracing": st.booleans()}, optional={"concurrency": st.integers(1, 64)}
    )
    memory = some(memory=st.sampled_from([512, 1769, 10240]))
    return st.tuples(common, memory, st.just({}) | caching).map(lambda parts: parts[0] | parts[1] | parts[2])


def users(least):
    name = st.from_regex(r"app_[a-z0-9_]{0,59}", fullmatch=True)
    return st.lists(
        st.fixed_dictionaries({"name": name}, optional={"access": st.sampled_from(["reader", "writer", "admin"])}),
        min_size=least,
        max_size=4,
        unique_by=lambda user: user["name"],
    )


def tags():
    keys = st.from_regex(r"(Team|cost:|x/)[A-Za-z0-9 .:/=+@_-]{0,100}", fullmatch=True)
    return st.dictionaries(keys, st.text(string.ascii_letters + " .:/=+-@_", max_size=256), max_size=5).filter(
        lambda made: len({key.lower() for key in made}) == len(made)
    )


def observability():
    return some(
        enabled=st.booleans(),
        email=st.just("on-call@example.com"),
        budget=st.sampled_from([1, 99.95, 1_000_000]),
    )


@st.composite
def stacks(draw):
    """A stack whose configuration is accepted."""
    region = draw(st.sampled_from(REGIONS))
    transport = draw(st.sampled_from(["ssm", "direct", "data-api"]))
    engine = "aurora" if transport == "data-api" else draw(st.sampled_from(["aurora", "rds", "both"]))
    database = draw(databases(engine))
    if transport == "data-api":
        database.pop("dataApi", None)
        if str(database.get("instanceClass")).startswith("db.t"):
            database["instanceClass"] = "db.r8g.large"
    keys = {
        "network": draw(own_networks(region) | existing_networks()),
        "database": database,
        "transport": transport,
        "bastion": transport == "ssm" or draw(st.booleans()),
        "indexes": draw(indexes()),
        "users": draw(users(1 if database.get("proxy") else 0)),
        "tags": draw(tags()),
        "observability": draw(observability()),
    }
    if keys["indexes"]:
        keys |= draw(some(bridge=bridges()))
    # By the rest of the stack, and not drawn: draws prefer a few values, of which some modes never come.
    chance = Random(repr(keys))  # noqa: S311 - no secret
    if LIBRARIES.is_dir() and chance.random() < SHARE:
        keys["embedding"] = pipeline(chance, keys, engine, region)
        keys["tags"] = {key: value or "none" for key, value in keys["tags"].items()}
    return Stack(draw(NAMES), draw(NAMES), region, keys)
