import pytest

from tests.vectordb.cost.stack import bill, cluster, d, lines, make, member, rds, urn, used
from tests.vectordb.cost.test_every_price import proxied
from vectordb.cost.usage import Usage
from vectordb.errors import VectordbError

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"


def test_a_development_stack_comes_to_about_33_dollars():
    """Three endpoints in one zone, a bastion, a cluster that pauses, one key, one index."""
    made = bill(
        *[
            make(ENDPOINT, f"network-{n}", "network", vpcEndpointType="Interface", subnetIds=[None])
            for n in ("ssm", "ssmmessages", "lambda")
        ],
        make(ENDPOINT, "network-s3", "network", vpcEndpointType="Gateway"),
        make("aws:ec2/instance:Instance", "bastion", instanceType="t4g.nano", rootBlockDevice={"volumeSize": 8}),
        cluster(manageMasterUserPassword=True),
        member(),
        make("aws:kms/key:Key"),
        make("aws:s3/vectorsIndex:VectorsIndex", dimension=1024),
        usage=Usage(metadata_bytes=0, vectors_written=0, queries=0, io_millions=0),
    )
    assert made.total == d("33.04")  # a million vectors of 1,024 numbers are 3.81 GB: 0.23
    assert (made.sum("fixed"), made.sum("use")) == (d("27.01"), d("6.03"))
    endpoints = made.lines[0]
    assert (endpoints.part, endpoints.quantity, endpoints.usd) == ("network", 2190, d("21.90"))
    assert endpoints.urns == tuple(urn(ENDPOINT, f"network-{n}") for n in ("ssm", "ssmmessages", "lambda"))
    assert made.unpriced == ()


def test_what_pauses_is_paid_by_the_active_hour_and_what_does_not_by_its_minimum():
    assert lines(bill(cluster(), member()))["Aurora Serverless v2, paused when idle"] == ("use", 40, d("4.80"))
    busy = Usage(active_hours=100, average_capacity=3)
    awake = lines(bill(cluster(least=0.5), member(), member("reader"), usage=busy))
    assert awake["Aurora Serverless v2, minimum capacity"] == ("fixed", 730, d("87.60"))
    assert awake["Aurora Serverless v2, above the minimum"] == ("use", 500, d("60.00"))
    idle = lines(bill(cluster(least=2), member()))
    assert idle["Aurora Serverless v2, minimum capacity"] == ("fixed", 1460, d("175.20"))
    assert idle["Aurora Serverless v2, above the minimum"] == ("rate", None, 0)


def test_capacity_ends_where_the_cluster_ends():
    made = bill(cluster(most=4), member(), usage=Usage(average_capacity=100))
    assert lines(made)["Aurora Serverless v2, paused when idle"] == ("use", 160, d("19.20"))
    assert (made.auto_pause.always_on, made.auto_pause.paused) == (d("60.60"), d("19.20"))
    assert made.notes == ("cluster: it grows to its maxCapacity, 4 ACU, and not to the 100 assumed.",)
    behind = bill(*proxied(cluster(least=1, most=10), member()), usage=Usage(average_capacity=100))
    assert used(behind)["RDS Proxy, at least 8 ACU"] == d("109.50")
    assert bill(cluster(most=4), member(), usage=Usage(average_capacity=4)).notes == ()


def test_auto_pause_saves_the_minimum_of_the_idle_hours():
    pause = bill(cluster(), member(), member("reader")).auto_pause
    # Two instances: 730 h × 0.5 ACU, and 40 h × 0.5 ACU more; against 40 h × 1 ACU.
    assert (pause.instances, pause.always_on, pause.paused, pause.saved) == (2, d("92.40"), d("9.60"), d("82.80"))
    assert bill(cluster(least=0.5), member()).auto_pause is None
    assert bill(cluster(), member(instanceClass="db.r8g.large")).auto_pause is None
    always = bill(cluster(), member(), usage=Usage(active_hours=730, average_capacity=0)).auto_pause
    assert always.saved == 0


def test_multi_az_is_paid_twice():
    made = used(bill(rds(multiAz=True, allocatedStorage=100)))
    assert made == {"db.t4g.small RDS instance, Multi-AZ": d("46.72"), "gp3 storage, Multi-AZ": d("23.00")}


def test_gp3_includes_operations_by_its_size():
    assert "gp3 provisioned IOPS" not in used(bill(rds(allocatedStorage=100, iops=3000)))
    assert used(bill(rds(allocatedStorage=399, iops=4000)))["gp3 provisioned IOPS"] == d("20.00")
    striped = bill(rds(allocatedStorage=400, iops=12000, storageThroughput=500))
    assert used(striped) == {"db.t4g.small RDS instance": d("23.36"), "gp3 storage": d("46.00")}
    assert striped.unpriced == ()


def test_a_provisioned_cluster_and_its_monitoring():
    made = used(bill(cluster(), member(instanceClass="db.r8g.large", monitoringInterval=1)))
    assert made["db.r8g.large Aurora instance"] == d("201.48")
    assert made["Enhanced Monitoring, log events"] == d("8.04")  # 16.07 GB × 0.50
    of_the_cluster = bill(cluster(monitoringInterval=60), member(), member("reader"))
    assert used(of_the_cluster)["Enhanced Monitoring, log events"] == d("0.27")
    minute = used(bill(rds(monitoringInterval=60)))
    assert minute["Enhanced Monitoring, log events"] == d("0.14")


def test_the_history_of_performance_that_is_paid_for_is_reported():
    made = bill(rds(performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=31))
    assert [one.reason for one in made.unpriced] == ["Performance Insights history of more than seven days"]
    assert bill(rds(performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=7)).unpriced == ()


def test_insights_of_capacity_are_paid_as_capacity_is():
    made = lines(bill(cluster(databaseInsightsMode="advanced", least=1), member(), usage=Usage(average_capacity=9)))
    assert made["Database Insights Advanced"] == ("fixed", 730, d("2.28"))
    assert made["Database Insights Advanced, by capacity"] == ("use", 320, d("1.00"))
    assert (
        "Database Insights Advanced, of a class"
        in bill(rds(databaseInsightsMode="advanced", instanceClass=None)).unpriced[1].reason
    )


def test_a_proxy_is_paid_by_what_stands_behind_it():
    assert used(bill(*proxied(rds())))["RDS Proxy, at least 2 vCPUs"] == d("21.90")
    both = used(bill(*proxied(cluster(least=1), member(), member("reader", instanceClass="db.r8g.4xlarge"))))
    assert both["RDS Proxy, at least 8 ACU"] == d("87.60")
    assert both["RDS Proxy, at least 2 vCPUs"] == d("175.20")
    heavy = bill(*proxied(cluster(least=1), member(), member("reader")), usage=Usage(average_capacity=6))
    assert used(heavy)["RDS Proxy, at least 8 ACU"] == d("131.40")
    assert used(bill(make("aws:rds/proxy:Proxy")))["RDS Proxy, at least 2 vCPUs"] == d("21.90")
    assert "keeps cluster from pausing" in " ".join(bill(*proxied(cluster(), member())).notes)


def test_an_alarm_is_paid_by_its_metrics():
    queries = [
        {"id": "a", "metric": {"period": 60}},
        {"id": "b", "metric": {"period": 60}},
        {"id": "c", "expression": "a/b"},
    ]
    made = used(bill(make("aws:cloudwatch/metricAlarm:MetricAlarm", metricQueries=queries)))
    assert made == {"alarms": d("0.20")}


def test_all_log_groups_share_one_amount():
    made = bill(
        make("aws:cloudwatch/logGroup:LogGroup", "a", "bridge", retentionInDays=30),
        make("aws:cloudwatch/logGroup:LogGroup", "b", "database", retentionInDays=60),
        make("aws:ec2/flowLog:FlowLog", "c", "network"),
        usage=Usage(logs_gb=10),
    )
    assert [(line.part, line.usd) for line in made.lines] == [("logs", d("5.00")), ("logs", d("0.60"))]
    assert used(bill(make("aws:ec2/flowLog:FlowLog"))) == {
        "CloudWatch Logs of all groups, taken in": d("0.50"),
        "CloudWatch Logs of all groups, kept": d("0.03"),
    }


def test_the_reader_that_scaling_always_keeps_is_paid_for():
    target = make(
        "aws:appautoscaling/target:Target",
        "readers",
        references={"resourceId": (urn("aws:rds/cluster:Cluster", "cluster"),)},
        minCapacity=1,
    )
    writer = member(instanceClass="db.r8g.large")
    alone = bill(cluster(), writer, target)
    assert used(alone)["db.r8g.large Aurora instance"] == d("402.96")  # 2 × 730 × 0.276
    assert alone.notes == ("readers: readers that auto scaling always keeps, and that are counted: 1.",)
    planned = bill(cluster(), writer, member("reader", instanceClass="db.r8g.large"), target)
    assert used(planned)["db.r8g.large Aurora instance"] == d("402.96")
    assert planned.notes == ()
    assert used(bill(target)) == {}


def test_scaling_makes_alarms():
    made = bill(make("aws:appautoscaling/policy:Policy", policyType="TargetTrackingScaling"))
    assert used(made) == {"alarms of the scaling policy": d("0.20")}
    assert "readers that it adds" in made.notes[0]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (make("aws:rds/globalCluster:GlobalCluster"), "nothing is known of the price of this type"),
        (make("aws:ec2/natGateway:NatGateway"), "nothing is known of the price of this type"),
        (rds(engine="mysql"), "only PostgreSQL has prices here, this one is mysql"),
        (cluster(dbClusterInstanceClass="db.m7g.large"), "only Aurora PostgreSQL clusters have prices here"),
        (rds(instanceClass="db.x9z.large"), "no price for the RDS class db.x9z.large"),
        (rds(instanceClass=None), "no price for the RDS class (unknown)"),
        (rds(storageThroughput=500), "provisioned throughput of the storage"),
        (rds(storageType="standard"), "no price for storage of type standard"),
        (member(of="elsewhere"), "its cluster is not in this plan, so its capacity is unknown"),
        (make("aws:ec2/instance:Instance", instanceType="m9.large"), "no price for the instance type m9.large"),
        (make(ENDPOINT, vpcEndpointType="GatewayLoadBalancer"), "endpoints of type GatewayLoadBalancer have no price"),
        (make("aws:ssm/parameter:Parameter", tier="Advanced"), "parameters of tier Advanced"),
        (make("aws:ec2/flowLog:FlowLog", logDestinationType="s3"), "flow logs that go to another place"),
    ],
)
def test_what_has_no_price_is_named(resource, reason):
    made = bill(resource)
    assert [(one.urn, one.type) for one in made.unpriced] == [(resource.urn, resource.type)]
    assert made.unpriced[0].reason.startswith(reason)


def test_free_types_are_counted():
    made = bill(make("aws:ec2/subnet:Subnet", "a"), make("aws:ec2/subnet:Subnet", "b"), make("aws:iam/role:Role"))
    assert dict(made.free) == {"aws:ec2/subnet:Subnet": 2, "aws:iam/role:Role": 1}
    assert (made.total, made.lines, made.unpriced) == (0, (), ())


def test_unknown_values_are_assumed_and_said():
    made = bill(make(ENDPOINT, vpcEndpointType="Interface", subnetIds=None))
    assert used(made) == {"interface endpoints, each zone": d("7.30")}
    assert made.notes == ("one: subnetIds is unknown before the deployment; 1 assumed.",)
    assert bill(rds(multiAz=None)).notes == ("rds: multiAz is unknown before the deployment; true assumed.",)
    assert used(bill(make("aws:s3/vectorsIndex:VectorsIndex", dimension=None)))["S3 Vectors storage"] == d("0.26")


def test_another_region_says_whose_prices_these_are():
    assert (
        bill(make("aws:kms/key:Key"), region="eu-central-1").notes[0].startswith("The prices are those of us-east-1;")
    )
    assert bill(make("aws:kms/key:Key")).notes == ()


def test_json():
    made = bill(make("aws:kms/key:Key", "key", "encryption"), make("aws:new/thing:Thing", "thing")).as_json()
    assert made["total"] == 1.0
    assert made["lines"][0] == {
        "part": "encryption",
        "item": "customer key",
        "group": "fixed",
        "resources": [urn("aws:kms/key:Key", "key")],
        "quantity": 1.0,
        "unit": "key",
        "price": 1.0,
        "priceKey": "kms.key",
        "usd": 1.0,
    }
    assert made["lines"][1]["usd"] is None
    assert made["autoPause"] is None
    assert made["notPriced"][0]["type"] == "aws:new/thing:Thing"
    assert made["assumptions"]["active_hours"]["value"] == 40.0


@pytest.mark.parametrize(
    "wrong", [{"vectors": -1}, {"logs_gb": float("nan")}, {"storage_gb": float("inf")}, {"active_hours": 731}]
)
def test_impossible_assumptions_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(VectordbError, match=name):
        Usage(**wrong)
