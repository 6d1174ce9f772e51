"""Embedding pipelines that a team might configure, by chance alone: every switch, mode and destination is as likely as the others."""

import sys
from pathlib import Path
from random import Random

from vectordb.plan.lookups import partition_of

SHARE = 0.4
"""Of the stacks that have a pipeline."""
LIBRARIES = Path(sys.prefix) / "lambda-arm64"
"""Without them no worker's package can be made: `make install` lays them there."""
BEDROCK = {
    "amazon.titan-embed-text-v2:0": (256, 512, 1024),
    "cohere.embed-multilingual-v3": (1024,),
    "cohere.embed-v4:0": (256, 512, 1024, 1536),
    "amazon.nova-2-multimodal-embeddings-v1:0": (256, 384, 1024, 3072),
}
SERVER = {"origin": "https://models.internal:8443", "securityGroupId": "sg-0123456789abcdef0"}


def pipeline(chance: Random, keys, engine, region):
    """One with any of its switches, and vectorizers that they allow, in a stack of these other `keys`."""
    token = f"arn:{partition_of(region)}:secretsmanager:{region}:123456789012:secret:models-AbCdEf"
    made = some(
        chance,
        queue=[True, False, False],
        calls=[True, False, False],
        sweepMinutes=[0, 0, 1, 60, 1440],
        memory=[256, 1024, 10240],
        tracing=[True, False],
        endpoints=[[SERVER], [SERVER | {"token": token}]],
    )
    made["models"] = chance.sample(list(BEDROCK), chance.randint(1, len(BEDROCK)))
    if not made.get("calls", True) and made.get("sweepMinutes") == 0:
        made["queue"] = False
    if made.get("queue", True):
        made |= some(chance, maxConcurrency=[2, 1000])
    if made.get("sweepMinutes", 1):
        keys["tags"] = {key: value or "none" for key, value in keys["tags"].items()}
    asked = (
        [] if engine == "rds" else [model for model in keys["database"].get("bedrockModels", []) if model in BEDROCK]
    )
    free = [index for index in keys["indexes"] if any(index["dimension"] in sizes for sizes in BEDROCK.values())]
    drawn = [_vectorizer(chance, f"v{n}", made, free, asked) for n in range(chance.randint(0, 4))]
    made["vectorizers"] = [one for one in drawn if one]
    return made


def some(chance, **keys):
    """Each key with one of its values, or left out."""
    return {key: chance.choice(values) for key, values in keys.items() if chance.random() < 0.5}


def _vectorizer(chance, name, made, free, asked):
    """One that fits the pipeline, an index that nobody writes to yet, and what the database may ask."""
    called = ["event", "sync_lambda", *(["queue"] if made.get("queue", True) else [])]
    modes = [
        *(called if made.get("calls", True) else []),
        *(["scheduled"] if made.get("sweepMinutes", 1) else []),
        # What few databases can is taken where it can be.
        *(["in_transaction"] * 6 if asked else []),
    ]
    if not modes:
        return None
    mode = chance.choice(modes)
    model = chance.choice(asked if mode == "in_transaction" else list(BEDROCK))
    one = {"name": name, "source": f"app.{name}", "content": "body", "delivery": {"mode": mode}}
    one["embedding"] = {"model": model, "dimension": chance.choice(BEDROCK[model])}
    kind = chance.choice(["column"] if mode == "in_transaction" else ["table", "column"])
    if free and mode not in {"in_transaction", "sync_lambda"}:
        _to_index(one, free.pop())
    elif kind == "column":
        one["destination"] = {"kind": kind, "column": "embedding"}
    else:
        chunking = [{"method": "recursive"}, {"method": "fixed", "size": 64, "unit": "tokens"}]
        one |= some(chance, chunking=chunking, template=["$title: $chunk"])
        if made.get("endpoints"):
            one["embedding"] = {"model": "house", "dimension": 768, "url": f"{SERVER['origin']}/v1/embeddings"}
    if mode in {"sync_lambda", "in_transaction"}:
        one["delivery"] |= some(chance, onFailure=["abort", "enqueue"], rowLimit=[1, 1000])
    limits = {"requestsPerMinute": 600, "batchRows": 10}
    return one | some(chance, limits=[limits], backfill=["now", "low", "none"])


def _to_index(one, index):
    dimension = index["dimension"]
    model = next(model for model, sizes in BEDROCK.items() if dimension in sizes)
    one["embedding"] = {"model": model, "dimension": dimension}
    metadata = [index["tenantKey"]] if "tenantKey" in index else []
    one["destination"] = {"kind": "s3_vectors", "index": index["name"], "metadata": metadata}
