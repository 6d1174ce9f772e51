"""What a stack may have to watch: some shapes by name, and all of them for property tests."""

from hypothesis import strategies as st

PLACE = {"account": "123456789012", "region": "eu-central-1", "partition": "aws", "key_arn": "arn:key"}

DEV = {
    **PLACE,
    "databases": [
        {
            "name": "database",
            "kind": "aurora",
            "identifier": "vectordb-dev-database-1",
            "serverless": True,
            "min_capacity": 0,
            "max_capacity": 4,
            "auto_pause": True,
            "readers": 0,
        }
    ],
    "functions": [{"name": "bridge", "function_name": "vectordb-dev-bridge", "timeout_seconds": 20, "bridge": True}],
    "has_bastion": True,
    "bastion_id": "i-0123",
    "vpc_id": "vpc-1",
    "endpoints": [{"service": "ssm", "endpoint_id": "vpce-1"}, {"service": "lambda", "endpoint_id": "vpce-2"}],
    "log_groups": ["/aws/lambda/vectordb-dev-bridge"],
}
"""A cluster that pauses, the bridge, the bastion."""

PROD = {
    **DEV,
    "databases": [
        {
            "name": "database",
            "kind": "aurora",
            "identifier": "vectordb-prod-database-1",
            "serverless": True,
            "min_capacity": 1,
            "max_capacity": 16,
            "readers": 1,
            "instance_identifiers": ["writer-1", "reader-1"],
        },
        {
            "name": "rds",
            "kind": "rds",
            "identifier": "vectordb-prod-rds-1",
            "instance_class": "db.t4g.small",
            "allocated_storage": 20,
            "max_allocated_storage": 100,
        },
    ],
    "queues": [{"name": "tickets", "queue_name": "vectordb-prod-embed", "dead_letter_name": "vectordb-prod-dead"}],
    "embedding": {"function_name": "vectordb-prod-embedder", "sweep_minutes": 1, "oldest_seconds": 900},
    "email": "on-call@example.com",
    "budget": 250.0,
}
"""A cluster that never pauses, with a reader; an RDS instance beside it; the pipeline; who is told."""

_classes = st.sampled_from(["db.t4g.small", "db.r7g.2xlarge", "db.m6i.large", "db.serverless", "db.z1d.large", ""])
_names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=64).filter(
    lambda n: n not in {"bastion", "embeddings"}
)


@st.composite
def _databases(draw, name):
    kind = draw(st.sampled_from(["aurora", "rds"]))
    shape = {"name": name, "kind": kind, "identifier": f"id-of-{name}"}
    least = draw(st.integers(0, 512)) / 2
    optional = {
        "serverless": draw(st.booleans()),
        "min_capacity": least,
        "max_capacity": max(1, draw(st.integers(int(least * 2), 512)) / 2),
        "auto_pause": draw(st.booleans()),
        "readers": draw(st.integers(0, 15)),
        "instance_class": draw(_classes),
        "allocated_storage": draw(st.integers(20, 65536)),
        "max_allocated_storage": draw(st.integers(20, 65536)),
        "max_connections": draw(st.integers(1, 5000)),
        "insights": draw(st.booleans()),
    }
    return shape | {key: optional[key] for key in draw(st.sets(st.sampled_from(sorted(optional))))}


@st.composite
def shapes(draw):
    """Any combination, all values known."""
    names = draw(st.lists(_names, min_size=0, max_size=6, unique=True))
    shape = {**PLACE, "databases": [], "functions": [], "queues": []}
    for name in names:
        match draw(st.sampled_from(["databases", "functions", "queues"])):
            case "databases":
                shape["databases"].append(draw(_databases(name)))
            case "functions":
                shape["functions"].append(
                    {
                        "name": name,
                        "function_name": f"f-{name}"[:64],
                        "timeout_seconds": draw(st.integers(1, 900)),
                        "bridge": draw(st.booleans()),
                        "uses_its_time": draw(st.booleans()),
                    }
                )
            case "queues":
                queue = {"queue_name": f"q-{name}"} if draw(st.booleans()) else {}
                shape["queues"].append({"name": name, **queue, "dead_letter_name": f"d-{name}"})
    if draw(st.booleans()):
        minutes, oldest = draw(st.integers(0, 1440)), draw(st.integers(60, 604800))
        shape["embedding"] = {"function_name": "f", "sweep_minutes": minutes, "oldest_seconds": oldest}
    if draw(st.booleans()):
        shape |= {"has_bastion": True, "bastion_id": "i-1"}
    if draw(st.booleans()):
        services = draw(st.lists(st.sampled_from(["ssm", "lambda", "logs", "kms"]), unique=True))
        shape |= {"vpc_id": "vpc-1", "endpoints": [{"service": s, "endpoint_id": f"vpce-{s}"} for s in services]}
    if draw(st.booleans()):
        shape["log_groups"] = [f"/group/{number}" for number in range(draw(st.integers(0, 50)))]
    return shape
