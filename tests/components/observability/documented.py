"""What AWS documents of the metrics that are used: namespace, metric → its sets of dimensions, and which databases have it.

Sources: Aurora User Guide, CloudWatch metrics and dimensions for Aurora; RDS User Guide, the same for RDS and for
Performance Insights (DBLoad); Lambda Developer Guide, types of metrics; SQS Developer Guide, available CloudWatch metrics;
EC2 User Guide, CloudWatch metrics; VPC User Guide, CloudWatch metrics for AWS PrivateLink.
"""

from embedder.metrics import SWEEPS, UNITS

CLUSTER, ROLE, INSTANCE = ("DBClusterIdentifier",), ("DBClusterIdentifier", "Role"), ("DBInstanceIdentifier",)
MEMBER = {CLUSTER, ROLE, INSTANCE}
ENDPOINT = ("Endpoint Type", "Service Name", "VPC Endpoint Id", "VPC Id")

DATABASE = {
    # On both engines.
    **dict.fromkeys(
        [
            "CPUUtilization", "CPUSurplusCreditsCharged", "DatabaseConnections", "DBLoad", "DBLoadCPU", "DBLoadNonCPU",
            "FreeableMemory", "MaximumUsedTransactionIDs", "NetworkReceiveThroughput", "NetworkTransmitThroughput",
            "ReadLatency", "WriteLatency", "ReadIOPS", "WriteIOPS",
        ],
        MEMBER,
    ),
    "ACUUtilization": {CLUSTER, INSTANCE},
    "ServerlessDatabaseCapacity": {CLUSTER, INSTANCE},
    "AuroraReplicaLag": MEMBER,
    "BufferCacheHitRatio": MEMBER,
    "CommitLatency": MEMBER,
    "FreeLocalStorage": MEMBER,
    "VolumeBytesUsed": {CLUSTER},
    "VolumeReadIOPs": {CLUSTER},
    "VolumeWriteIOPs": {CLUSTER},
    "FreeStorageSpace": {INSTANCE},
}  # fmt: skip
AURORA_ONLY = {
    "ACUUtilization", "ServerlessDatabaseCapacity", "AuroraReplicaLag", "BufferCacheHitRatio", "CommitLatency",
    "FreeLocalStorage", "VolumeBytesUsed", "VolumeReadIOPs", "VolumeWriteIOPs",
}  # fmt: skip
RDS_ONLY = {"FreeStorageSpace"}
SERVERLESS_ONLY = {"ACUUtilization", "ServerlessDatabaseCapacity"}
PROVISIONED_ONLY = {"FreeLocalStorage", "CPUSurplusCreditsCharged"}

METRICS = {
    "AWS/RDS": DATABASE,
    "AWS/Lambda": {
        key: {("FunctionName",)} for key in ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions")
    },
    "AWS/SQS": {
        key: {("QueueName",)}
        for key in (
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "NumberOfMessagesSent",
            "NumberOfMessagesDeleted",
        )
    },
    "AWS/EC2": {key: {("InstanceId",)} for key in ("StatusCheckFailed", "CPUUtilization", "NetworkIn", "NetworkOut")},
    "AWS/PrivateLinkEndpoints": {"BytesProcessed": {ENDPOINT}},
    # Not AWS's: lambda/bridge/metrics.py.
    "VectorDB/Bridge": {
        key: {("FunctionName",)}
        for key in ("Calls", "ServiceCalls", "ServiceMilliseconds", "Pages", "Retries", "Errors", "CacheHits")
    },
    "VectorDB/Embedding": {key: {("FunctionName",), ("FunctionName", "Vectorizer")} for key in (*UNITS, SWEEPS)},
}


def wrong(namespace, metric, dimensions, databases):
    """What is wrong with a metric; empty if nothing is. `databases`: the monitored ones, by identifier."""
    known = METRICS.get(namespace, {}).get(metric)
    if known is None:
        return f"{namespace} {metric} is not documented"
    if tuple(sorted(dimensions)) not in {tuple(sorted(names)) for names in known}:
        return f"{metric} has no dimensions {sorted(dimensions)}"
    return _wrong_of_database(metric, dimensions, databases) if namespace == "AWS/RDS" else ""


def _wrong_of_database(metric, dimensions, databases):
    key = "DBClusterIdentifier" if "DBClusterIdentifier" in dimensions else "DBInstanceIdentifier"
    database = databases[dimensions[key]]
    aurora = database["kind"] == "aurora"
    serverless = aurora and database.get("serverless", False)
    if aurora != (key == "DBClusterIdentifier"):
        return f"{key} of {database['kind']}"
    if metric in (RDS_ONLY if aurora else AURORA_ONLY) | (PROVISIONED_ONLY if serverless else SERVERLESS_ONLY):
        return f"{database} has no {metric}"
    if metric.startswith("DBLoad") and not database.get("insights", True):
        return "Database Insights is off"
    needs_reader = metric == "AuroraReplicaLag" or dimensions.get("Role") == "READER"
    return "there is no reader" if needs_reader and not database.get("readers") else ""
