"""Every price of the file, in a bill whose dollars were worked out by hand: price × quantity, to the cent."""

import ast
import json
from pathlib import Path

import pytest

from tests.vectordb.cost.stack import bill, cluster, d, make, member, rds, urn, used
from vectordb.cost.functions import BRIDGE_METRICS
from vectordb.cost.prices import current
from vectordb.cost.usage import Usage


def worker(*models):
    variables = {"VECTORDB_MODELS": json.dumps(models)}
    return make(
        "aws:lambda/function:Function",
        "worker",
        architectures=["arm64"],
        memorySize=1024,
        handler="embedder.handler.handle",
        environment={"variables": variables},
    )


def hourly():
    return make("aws:scheduler/schedule:Schedule", "hourly", scheduleExpression="rate(60 minutes)")


# 730 hours of each.
RDS_CLASSES = {
    "db.t4g.micro": "11.68",
    "db.t4g.small": "23.36",
    "db.t4g.medium": "47.45",
    "db.t4g.large": "94.17",
    "db.t4g.xlarge": "188.34",
    "db.m6g.large": "116.07",
    "db.m6g.xlarge": "232.14",
    "db.m6g.2xlarge": "464.28",
    "db.m6g.4xlarge": "928.56",
    "db.m7g.large": "122.64",
    "db.m7g.xlarge": "246.01",
    "db.m7g.2xlarge": "492.02",
    "db.m7g.4xlarge": "984.04",
    "db.m8g.large": "122.64",
    "db.m8g.xlarge": "246.01",
    "db.m8g.2xlarge": "492.02",
    "db.m8g.4xlarge": "984.04",
    "db.r6g.large": "164.25",
    "db.r6g.xlarge": "328.50",
    "db.r6g.2xlarge": "656.27",
    "db.r6g.4xlarge": "1312.54",
    "db.r7g.large": "174.47",
    "db.r7g.xlarge": "348.94",
    "db.r7g.2xlarge": "697.88",
    "db.r7g.4xlarge": "1395.76",
    "db.r8g.large": "174.47",
    "db.r8g.xlarge": "348.94",
    "db.r8g.2xlarge": "697.88",
    "db.r8g.4xlarge": "1395.76",
}
AURORA_CLASSES = {  # standard, I/O-Optimized
    "db.t4g.medium": ("53.29", "69.35"),
    "db.t4g.large": ("106.58", "138.70"),
    "db.r6g.large": ("189.80", "246.74"),
    "db.r6g.xlarge": ("378.87", "492.75"),
    "db.r6g.2xlarge": ("757.74", "984.77"),
    "db.r6g.4xlarge": ("1515.48", "1970.27"),
    "db.r6g.8xlarge": ("3030.96", "3940.54"),
    "db.r7g.large": ("201.48", "262.07"),
    "db.r7g.xlarge": ("403.69", "524.87"),
    "db.r7g.2xlarge": ("807.38", "1049.74"),
    "db.r7g.4xlarge": ("1614.03", "2098.02"),
    "db.r7g.8xlarge": ("3228.06", "4196.77"),
    "db.r8g.large": ("201.48", "262.07"),
    "db.r8g.xlarge": ("402.96", "524.14"),
    "db.r8g.2xlarge": ("805.92", "1047.55"),
    "db.r8g.4xlarge": ("1611.84", "2095.10"),
    "db.r8g.8xlarge": ("3223.68", "4190.93"),
}
HOSTS = {"t4g.nano": "3.07", "t4g.micro": "6.13", "t4g.small": "12.26", "t4g.medium": "24.53"}
BIG = Usage(vectors=25_000_000, metadata_bytes=0, queries=1_000_000, vectors_written=1_000_000)


def by_key(made):
    """The first line at each price."""
    return {line.price.key: line for line in reversed(made.lines)}


@pytest.mark.parametrize("kind", RDS_CLASSES)
def test_rds_classes(kind):
    line = by_key(bill(rds(instanceClass=kind)))[f"rds.{kind}"]
    assert (line.item, line.quantity, line.usd) == (f"{kind} RDS instance", 730, d(RDS_CLASSES[kind]))


@pytest.mark.parametrize("kind", AURORA_CLASSES)
@pytest.mark.parametrize("tier", [0, 1])
def test_aurora_classes(kind, tier):
    key, storage = (("aurora", "aurora"), ("aurora-iopt1", "aurora-iopt1"))[tier]
    line = by_key(bill(cluster(storageType=storage), member(instanceClass=kind)))[f"{key}.{kind}"]
    assert (line.quantity, line.usd) == (730, d(AURORA_CLASSES[kind][tier]))


@pytest.mark.parametrize("kind", HOSTS)
def test_hosts(kind):
    made = bill(make("aws:ec2/instance:Instance", instanceType=kind, rootBlockDevice={"volumeSize": 8}))
    assert {key: line.usd for key, line in by_key(made).items()} == {
        f"ec2.{kind}": d(HOSTS[kind]),
        "ebs.gp3": d("0.64"),
    }


def alarm(**inputs):
    return make("aws:cloudwatch/metricAlarm:MetricAlarm", **inputs)


def proxied(*behind):
    names = {"aws:rds/instance:Instance": "dbInstanceIdentifier", "aws:rds/cluster:Cluster": "dbClusterIdentifier"}
    proxy = make("aws:rds/proxy:Proxy", "proxy")
    references = {names[r.type]: (r.urn,) for r in behind if r.type in names} | {"dbProxyName": (proxy.urn,)}
    return (*behind, make("aws:rds/proxyTarget:ProxyTarget", "target", references=references), proxy)


FUNCTION = "aws:lambda/function:Function"
INDEX = make("aws:s3/vectorsIndex:VectorsIndex", dimension=1024)
INDEX_LINES = {
    # 25 million × 4,096 bytes are 95.3674 GB; a million vectors written are 3.8147 GB.
    "s3vectors.storage": "5.72",
    "s3vectors.put": "0.76",
    "s3vectors.query": "2.50",
    # A million queries: 100,000 vectors are 372.529 TB, 9.9 million 36,880.37 TB, 15 million 55,879.35 TB.
    "s3vectors.processed.first": "1.49",
    "s3vectors.processed.next": "73.76",
    "s3vectors.processed.rest": "22.35",
}
CASES = [  # (resources, usage, {price: dollars})
    (
        [make("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=[None, None])],
        Usage(),
        {"vpc.endpoint": "14.60"},
    ),
    (
        [make("aws:ec2/instance:Instance", instanceType="t4g.nano", associatePublicIpAddress=True)],
        Usage(),
        {"vpc.ipv4": "3.65", "ebs.gp3": "0.64"},
    ),
    ([make("aws:kms/key:Key")], Usage(), {"kms.key": "1.00"}),
    ([make("aws:secretsmanager/secret:Secret")], Usage(), {"secrets.secret": "0.40"}),
    (
        [cluster(), member()],
        Usage(storage_gb=250, io_millions=12),
        {"aurora.acu": "4.80", "aurora.storage": "25.00", "aurora.io": "2.40"},
    ),
    (
        [cluster(storageType="aurora-iopt1"), member()],
        Usage(storage_gb=250),
        {"aurora-iopt1.acu": "6.40", "aurora-iopt1.storage": "56.25"},
    ),
    ([rds(storageType="gp2", allocatedStorage=100)], Usage(), {"rds.gp2": "11.50"}),
    ([rds(allocatedStorage=400, iops=14000)], Usage(), {"rds.gp3": "46.00", "rds.gp3.iops": "40.00"}),
    (
        [rds(storageType="io1", allocatedStorage=100, iops=1000)],
        Usage(),
        {"rds.io1": "12.50", "rds.io1.iops": "100.00"},
    ),
    (
        [rds(storageType="io2", allocatedStorage=200, iops=1500)],
        Usage(),
        {"rds.io2": "25.00", "rds.io2.iops": "150.00"},
    ),
    (proxied(rds(instanceClass="db.r7g.2xlarge")), Usage(), {"proxy.vcpu": "87.60"}),
    (proxied(cluster(), member()), Usage(), {"proxy.acu": "87.60"}),
    ([rds(databaseInsightsMode="advanced", instanceClass="db.r8g.xlarge")], Usage(), {"insights.vcpu": "36.50"}),
    ([cluster(databaseInsightsMode="advanced", least=0.5), member()], Usage(), {"insights.acu": "1.14"}),
    (
        [make("aws:cloudwatch/logGroup:LogGroup", retentionInDays=90)],
        Usage(logs_gb=8),
        {"logs.ingest": "4.00", "logs.storage": "0.72"},
    ),
    ([alarm(period=300)], Usage(), {"cloudwatch.alarm": "0.10"}),
    ([alarm(period=10)], Usage(), {"cloudwatch.alarm.high-resolution": "0.30"}),
    ([make("aws:cloudwatch/compositeAlarm:CompositeAlarm")], Usage(), {"cloudwatch.alarm.composite": "0.50"}),
    (
        [make("aws:cloudwatch/dashboard:Dashboard", f"d{n}") for n in range(5)],
        Usage(),
        {"cloudwatch.dashboard": "6.00"},
    ),
    ([make("aws:cloudwatch/logMetricFilter:LogMetricFilter")], Usage(), {"cloudwatch.metric": "0.30"}),
    ([INDEX], BIG, INDEX_LINES),
    (
        [make(FUNCTION, architectures=["arm64"], memorySize=512)],
        Usage(queries=5_000_000),
        {"lambda.arm64.requests": "1.00", "lambda.arm64": "6.67"},
    ),
    (
        [make(FUNCTION, memorySize=1024)],
        Usage(queries=5_000_000, function_seconds=1),
        {"lambda.x86_64.requests": "1.00", "lambda.x86_64": "83.33"},
    ),
    ([make(FUNCTION, tracingConfig={"mode": "Active"})], Usage(queries=300_000), {"xray.traces": "1.50"}),
    # 10 million tokens of each model; 730 sweeps and 1,042 calls for 100,000 rows.
    *(
        (
            [worker(model)],
            Usage(embedded_rows=100_000, tokens_of_a_row=100),
            {f"bedrock.{model}": usd},
        )
        for model, usd in {
            "amazon.titan-embed-text-v1": "1.00",
            "amazon.titan-embed-text-v2:0": "0.20",
            "amazon.titan-embed-image-v1": "8.00",
            "cohere.embed-english-v3": "1.00",
            "cohere.embed-multilingual-v3": "1.00",
            "cohere.embed-v4:0": "1.20",
            "amazon.nova-2-multimodal-embeddings-v1:0": "1.35",
        }.items()
    ),
    # 5,000 s for the rows and 146 for 730 sweeps, with 1 GB; five metrics in all hours.
    (
        [worker("amazon.titan-embed-text-v2:0"), hourly()],
        Usage(),
        {"lambda.arm64": "0.07", "cloudwatch.metric": "1.50"},
    ),
    # 657,000 requests.
    ([make("aws:lambda/eventSourceMapping:EventSourceMapping")], Usage(), {"sqs.standard": "0.26"}),
    # 73 of 730 hours: a tenth of seven metrics.
    (
        [make(FUNCTION, environment={"variables": {"VECTORDB_INDEX_ARNS": "[]"}})],
        Usage(active_hours=73),
        {"cloudwatch.metric": "0.21"},
    ),
]


def test_sweeps_keep_a_cluster_awake_that_could_pause():
    """690 hours that are not active, 330 s of each at 0.5 ACU."""
    line = "Aurora, kept awake by sweeps"
    assert used(bill(cluster(), member(), hourly()))[line] == d("3.80")
    assert line not in used(bill(cluster(least=0.5), member(), hourly()))
    quick = make("aws:scheduler/schedule:Schedule", "quick", scheduleExpression="rate(1 minute)")
    assert used(bill(cluster(), member(), quick))[line] == d("41.40")


def test_no_figure_is_invented_for_a_model_without_a_price():
    made = bill(worker("amazon.titan-embed-text-v2:0", "acme.embed-v9"))
    assert [one.reason for one in made.unpriced] == [
        "the price of acme.embed-v9 is not known: look at https://aws.amazon.com/bedrock/pricing/, and add it to vectordb/cost/prices.json"
    ]
    assert {key for key in by_key(made) if key.startswith("bedrock.")} == {"bedrock.amazon.titan-embed-text-v2:0"}
    unknown = make(
        "aws:lambda/function:Function",
        "worker",
        handler="embedder.handler.handle",
        environment={"variables": {"VECTORDB_MODELS": None}},
    )
    assert "unknown before the deployment" in bill(unknown).unpriced[0].reason


def test_what_a_function_is_not_paid_for():
    made = bill(make(FUNCTION, tracingConfig={"mode": "PassThrough"}, environment={"variables": {"X": "y"}}))
    assert {"xray.traces", "cloudwatch.metric"} & by_key(made).keys() == set()


def test_the_bridge_writes_as_many_metrics_as_are_paid():
    source = (Path(__file__).parents[3] / "lambda/bridge/metrics.py").read_text(encoding="utf-8")
    units = next(
        node for node in ast.parse(source).body if isinstance(node, ast.Assign) and node.targets[0].id == "_UNITS"
    )
    assert len(units.value.keys) == BRIDGE_METRICS


RATES = {
    "vpc.endpoint.data": ("0.01", "GB", make("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface")),
    "kms.requests": ("0.03", "10,000 requests", make("aws:kms/key:Key")),
    "secrets.calls": ("0.05", "10,000 calls", rds(manageMasterUserPassword=True)),
    "aurora.backup": ("0.021", "GB-month", cluster()),
    "aurora.data-api": ("0.35", "million requests", cluster(enableHttpEndpoint=True)),
    "rds.backup": ("0.095", "GB-month", rds()),
    "s3vectors.returned": ("0.01", "GB", INDEX),
    "s3.storage": ("0.023", "GB-month", make("aws:s3/bucket:Bucket")),
    "sqs.standard": ("0.4", "million requests", make("aws:sqs/queue:Queue")),
    "sqs.fifo": ("0.5", "million requests", make("aws:sqs/queue:Queue", fifoQueue=True)),
    "sns.publish": ("0.5", "million requests", make("aws:sns/topic:Topic")),
    "sns.email": ("2", "100,000 messages", make("aws:sns/topic:Topic")),
    "eventbridge.custom": ("1", "million events", make("aws:cloudwatch/eventRule:EventRule", eventPattern="{}")),
    "eventbridge.schedule": ("1", "million invocations", make("aws:scheduler/schedule:Schedule")),
}


@pytest.mark.parametrize(("resources", "usage", "expected"), CASES)
def test_by_hand(resources, usage, expected):
    made = by_key(bill(*resources, usage=usage))
    assert {key: made[key].usd for key in expected} == {key: d(usd) for key, usd in expected.items()}


@pytest.mark.parametrize("key", RATES)
def test_rates_are_named_and_add_nothing(key):
    usd, unit, resource = RATES[key]
    line = by_key(bill(resource))[key]
    assert (line.group, line.quantity, line.usd, line.price.usd, line.price.unit) == ("rate", None, 0, d(usd), unit)
    assert urn(resource.type, resource.name) in line.urns


def test_no_price_is_left_untested():
    tested = {f"rds.{kind}" for kind in RDS_CLASSES} | {f"ec2.{kind}" for kind in HOSTS} | set(RATES)
    tested |= {f"{tier}.{kind}" for kind in AURORA_CLASSES for tier in ("aurora", "aurora-iopt1")}
    tested |= {key for _, _, expected in CASES for key in expected}
    assert tested == set(current().table)


def test_the_file_is_dated_and_every_price_has_a_source():
    prices = current()
    assert (prices.region, prices.hours) == ("us-east-1", 730)
    assert len(prices.date.split("-")) == 3
    assert {price.source for price in prices.table.values()} == set(prices.sources)
    assert all(source.page.startswith("https://") and source.read for source in prices.sources.values())
