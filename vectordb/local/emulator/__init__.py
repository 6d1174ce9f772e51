"""AWS on this machine: one HTTP endpoint on 127.0.0.1 for every service that the stack talks to.

`python -m vectordb.local.emulator --port P --state DIR` prints `ready PORT` and serves until its parent ends.

| Requests | Answered by |
|---|---|
| S3 Vectors | `s3vectors`: every operation, exact vector search, full text, both, kept under DIR across restarts |
| Bedrock InvokeModel | `bedrock`: Titan and Cohere text embeddings from word vectors in a wheel |
| Lambda Invoke | `functions`: the deployed handler in warm child processes |
| RDS Data API | `rds_data`: one statement a call, on the stack's own PostgreSQL |
| SQS, Lambda's event source mappings, EventBridge Scheduler | moto keeps them; `queues`, `event_sources` and `schedules` make them work |
| everything else | moto, in memory |
| GET /_vectordb/health | who is loaded; 200 as soon as requests are accepted |
| GET /_vectordb/calls | the last calls: who, what, on which resources, decision, status (`authorization`) |
| POST /_vectordb/principals | the role of an access key (`authorization`) |
| POST /_vectordb/clusters | a cluster and the way to it (`rds_data.clusters`) |
| POST /_vectordb/clock | make time pass for queues, schedules and repeated calls (`clock`) |
| POST /_vectordb/schedules | run a schedule now (`schedules`) |
| POST, DELETE /_vectordb/faults | make the next calls of an operation fail or wait (`faults`) |

Left out: signatures are read for the region and the caller but not verified; requests are not throttled by rate; there is
no TLS. What each service leaves out stands in its module.
"""

ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"


def partition_of(region: str) -> str:
    """The ARN partition that a region belongs to."""
    prefixes = {
        "cn-": "aws-cn",
        "us-gov-": "aws-us-gov",
        "eusc-": "aws-eusc",
        "us-iso-": "aws-iso",
        "us-isob-": "aws-iso-b",
    }
    return next((partition for prefix, partition in prefixes.items() if region.startswith(prefix)), "aws")
