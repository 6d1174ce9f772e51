"""The body is what CloudWatch takes: places that do not overlap, metrics that exist, structure as documented."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from components.observability import costs
from components.observability.dashboard import body
from components.observability.widgets import lay_out, text
from tests.components.observability import documented
from tests.components.observability.shapes import DEV, PROD, shapes

ARNS = [f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a-{number}" for number in range(22)]

# CloudWatch API Reference, dashboard body structure: what each widget's properties may and must hold.
PROPERTIES = {
    "text": ({"markdown"}, {"background"}),
    "alarm": ({"alarms"}, {"title", "sortBy", "states"}),
    "log": ({"region", "query"}, {"title", "view", "stacked"}),
    "metric": (
        {"region", "metrics"},
        {
            "accountId", "annotations", "legend", "liveData", "period", "setPeriodToTimeRange", "singleValueFullPrecision",
            "sparkline", "stacked", "stat", "table", "timezone", "title", "trend", "view", "yAxis",
        },
    ),
}  # fmt: skip
OPTIONS = {"color", "expression", "hidden", "id", "label", "period", "region", "stat", "visible", "yAxis"}
MOST_WIDGETS, MOST_METRICS_OF_A_WIDGET, MOST_METRICS = 500, 500, 2500


def faults(document, shape):
    """Everything that is wrong with a body, in words."""
    found = [f"{key} is no key of a body" for key in document.keys() - {"start", "periodOverride", "widgets"}]
    if len(document["widgets"]) > MOST_WIDGETS:
        found.append("too many widgets")
    for widget in document["widgets"]:
        found += _structure(widget)
        if widget["type"] == "metric":
            found += _metrics(widget["properties"], shape)
    if sum(len(w["properties"].get("metrics", [])) for w in document["widgets"]) > MOST_METRICS:
        found.append("too many metrics")
    return found + [
        f"overlap: {one['properties']} {other['properties']}"
        for one, other in itertools.combinations(document["widgets"], 2)
        if _overlap(one, other)
    ]


def _overlap(one, other):
    return (
        one["x"] < other["x"] + other["width"]
        and other["x"] < one["x"] + one["width"]
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


def _structure(widget):
    if widget.keys() != {"type", "x", "y", "width", "height", "properties"}:
        yield f"keys {sorted(widget)}"
    if not (0 <= widget["x"] <= 23 and widget["width"] >= 1 and widget["x"] + widget["width"] <= 24):
        yield f"outside the grid: {widget}"
    if not (widget["y"] >= 0 and 1 <= widget["height"] <= 1000):
        yield f"outside the rows: {widget}"
    must, may = PROPERTIES[widget["type"]]
    properties = widget["properties"].keys()
    if not must <= properties <= must | may:
        yield f"{widget['type']} with {sorted(properties)}"
    if widget["type"] == "alarm" and not 1 <= len(widget["properties"]["alarms"]) <= 100:
        yield "an alarm widget takes 1 to 100 alarms"


def _searched(expression):
    """CloudWatch User Guide, search expression syntax: SEARCH('{Namespace,Dimension,...} terms', 'statistic')."""
    if not expression.startswith("SEARCH("):
        return
    form = r"""SEARCH\('\{([^,}]+),([^}]+)\} FunctionName="([^"]+)" MetricName="([^"]+)"', '(Maximum|Minimum)'\)"""
    parts = re.fullmatch(form, expression)
    if parts is None:
        yield f"not a search: {expression}"
    else:
        yield from filter(None, [documented.wrong(parts[1], parts[4], dict.fromkeys(parts[2].split(",")), {})])


def _metrics(properties, shape):
    databases = {d["identifier"]: d for d in shape["databases"]}
    if properties["region"] != shape["region"]:
        yield "another region"
    if properties["view"] not in ("timeSeries", "singleValue"):
        yield properties["view"]
    if not 1 <= len(properties["metrics"]) <= MOST_METRICS_OF_A_WIDGET:
        yield f"{properties['title']}: {len(properties['metrics'])} metrics"
    options = [entry[-1] if isinstance(entry[-1], dict) else {} for entry in properties["metrics"]]
    ids = [option["id"] for option in options if "id" in option]
    if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", name) for name in ids):
        yield f"ids {ids}"
    for entry, option in zip(properties["metrics"], options, strict=True):
        if not option.keys() <= OPTIONS:
            yield f"options {sorted(option)}"
        if "expression" in option:
            yield from _searched(option["expression"])
            unknown = set(re.findall(r"\b[a-z]\w*", re.sub(r"'[^']*'", "", option["expression"]))) - set(ids)
            if len(entry) != 1 or unknown:
                yield f"{option['expression']} uses {sorted(unknown)}"
            continue
        namespace, name, *pairs = entry[: len(entry) - bool(option)]
        yield from filter(
            None, [documented.wrong(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)), databases)]
        )
    if all(option.get("visible") is False for option in options):
        yield f"{properties['title']} shows nothing"


@settings(max_examples=100, deadline=None)
@given(shapes())
def test_any_shape(shape):
    document = body(shape, "vectordb dev", ARNS)
    assert faults(document, shape) == []
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("shape", [DEV, PROD])
def test_named_shapes(shape):
    assert faults(body(shape, "vectordb dev", ARNS), {"queues": [], **shape}) == []


def broken(change):
    document = json.loads(json.dumps(body(PROD, "t", ARNS)))
    change(document["widgets"])
    return faults(document, PROD)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda w: w[4].update(x=0), "overlap"),
        (lambda w: w[3].update(x=20), "outside the grid"),
        (lambda w: w[3]["properties"].update(region="us-east-1"), "another region"),
        (lambda w: w[3]["properties"].update(titel="x"), "metric with"),
        (lambda w: w[3]["properties"]["metrics"][0].__setitem__(2, "InstanceId"), "has no dimensions"),
        (lambda w: w[3]["properties"]["metrics"][0].__setitem__(1, "FreeLocalStorage"), "has no FreeLocalStorage"),
        (lambda w: w[3]["properties"]["metrics"][0].__setitem__(1, "Free"), "is not documented"),
        (lambda w: w[7]["properties"]["metrics"][0][0].update(expression="q*2"), "uses ['q']"),
    ],
)
def test_the_validator_finds(change, fault):
    assert any(fault in found for found in broken(change)), broken(change)


def titles(document):
    return [w["properties"].get("title") or w["properties"]["markdown"].split("\n")[0] for w in document["widgets"]]


def test_the_small_stack_from_top_to_bottom():
    assert titles(body(DEV, "vectordb dev", ARNS[:8])) == [
        "# vectordb dev",
        "Alarms",
        "## database: Aurora cluster `vectordb-dev-database-1`, 0 to 4 ACU, pauses when idle",
        "Capacity",
        "Connections",
        "Memory",
        "Load: sessions that work, and that wait",
        "How long storage takes",
        "Pages found in memory",
        "Storage",
        "Oldest transaction id that no vacuum has frozen",
        "Traffic with clients",
        "## bridge: function `vectordb-dev-bridge`",
        "Calls, and how many failed",
        "How long a call takes",
        "At the same time",
        "bridge: calls of S3 Vectors and Bedrock",
        "bridge: how long they take",
        "bridge: refused, and answered from the cache",
        "## bastion: instance `i-0123`",
        "Failed status checks",
        "Traffic of the tunnels",
        "CPU",
        "## cost: what is paid by use",
        "database: capacity, every hour",
        "database: capacity in the time shown",
        "database: I/O that storage type aurora bills",
        "Endpoints: data processed",
        "## log: what went wrong",
        "Errors, newest first",
        "## further",
    ]


def test_a_section_appears_with_what_it_shows():
    bare = {key: DEV[key] for key in ("account", "region", "partition", "key_arn")}
    assert titles(body(bare, "t")) == ["# t", "## further"]
    queue = [{"name": "embedding", "queue_name": "q", "dead_letter_name": "d"}]
    assert "## embedding: queue `q`" in titles(body({**bare, "queues": queue}, "t"))


def widget(document, title):
    return next(w["properties"] for w in document["widgets"] if w["properties"].get("title") == title)


def test_thresholds_are_those_of_the_alarms():
    document = body(DEV, "t")
    assert widget(document, "How long a call takes")["annotations"]["horizontal"] == [
        {"label": "alarm", "value": 16000, "color": "#d62728"},
        {"label": "time limit", "value": 20000, "color": "#9467bd"},
    ]
    assert [line["value"] for line in widget(document, "Connections")["annotations"]["horizontal"]] == [658, 823]
    assert widget(document, "Capacity")["annotations"]["horizontal"][0]["value"] == 4


def test_percentiles_of_the_bridge():
    assert [entry[-1]["stat"] for entry in widget(body(DEV, "t"), "How long a call takes")["metrics"]] == [
        "p50",
        "p95",
        "p99",
    ]


def test_the_bridges_own_metrics_are_shown_for_the_bridge():
    document = body(DEV, "t")
    calls = widget(document, "bridge: calls of S3 Vectors and Bedrock")["metrics"]
    dimension = ["FunctionName", "vectordb-dev-bridge"]
    assert [entry[:-1] for entry in calls] == [
        ["VectorDB/Bridge", name, *dimension] for name in ("ServiceCalls", "Pages", "Retries")
    ]
    shares = widget(document, "bridge: refused, and answered from the cache")["metrics"]
    # Neither is written while it is zero.
    assert [entry[0]["expression"] for entry in shares[:2]] == ["100*FILL(errors,0)/calls", "100*FILL(hits,0)/calls"]
    another = {**DEV, "functions": [{**DEV["functions"][0], "name": "worker", "bridge": False}]}
    assert "VectorDB/Bridge" not in json.dumps(body(another, "t"))


def test_capacity_is_multiplied_by_the_number_of_instances_and_its_price():
    shown = widget(body(PROD, "t"), "database: capacity, every hour")
    assert shown["metrics"][0] == [
        {"expression": "acu*2*PERIOD(acu)/3600*0.12", "id": "usd", "label": "USD", "color": "#ff7f0e"}
    ]
    assert shown["period"] == 3600
    whole = widget(body(PROD, "t"), "database: capacity in the time shown")
    assert whole["setPeriodToTimeRange"] is True
    assert [entry[0]["expression"] for entry in whole["metrics"][:2]] == [
        "acu*2*PERIOD(acu)/3600",
        "acu*2*PERIOD(acu)/3600*0.12",
    ]
    optimised = {**DEV, "databases": [{**DEV["databases"][0], "acu_hour_usd": 0.156}]}
    assert "*0.156" in json.dumps(body(optimised, "t"))


def test_prices_are_those_of_the_price_list():
    listed = json.loads((Path(__file__).parents[3] / "vectordb/cost/prices.json").read_text())["prices"]
    assert float(listed["aurora.acu"]["usd"]) == costs.ACU_HOUR_USD
    assert float(listed["vpc.endpoint.data"]["usd"]) == costs.ENDPOINT_GB_USD


def test_widgets_that_do_not_fit_begin_a_row_and_sections_begin_below():
    placed = lay_out(
        [[text("a", width=8, height=2), text("b", width=16), text("c", width=16), text("d", width=9)], [text("e")]]
    )
    assert [(w["x"], w["y"], w["width"], w["height"]) for w in placed] == [
        (0, 0, 8, 2),
        (8, 0, 16, 1),
        (0, 2, 16, 1),
        (0, 3, 9, 1),
        (0, 4, 24, 1),
    ]


def test_more_than_a_hundred_alarms_take_several_widgets():
    shown = [
        w["properties"]["alarms"]
        for w in body(DEV, "t", [f"arn:{n}" for n in range(201)])["widgets"]
        if w["type"] == "alarm"
    ]
    assert [len(alarms) for alarms in shown] == [100, 100, 1]


@pytest.mark.parametrize(
    ("partition", "region", "domain"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
    ],
)
def test_links_lead_to_the_partitions_consoles(partition, region, domain):
    markdown = body({**DEV, "partition": partition, "region": region}, "t")["widgets"][-1]["properties"]["markdown"]
    assert f"[Database Insights (top waits, top statements)]({domain}cloudwatch/" in markdown


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({**DEV, "partition": "aws-iso"}, "partition is 'aws-iso'. Allowed: aws, aws-cn, aws-us-gov"),
        ({**DEV, "vpc_id": ""}, "endpoints are given without vpc_id"),
        ({**DEV, "log_groups": ["g"] * 51}, "log_groups has 51 names; one query takes 50"),
    ],
)
def test_refused(shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        body(shape, "t")


def test_a_full_page_stays_small():
    """As CloudWatch documents no limit of the body's size, this is the project's own."""
    assert len(json.dumps(body(PROD, "vectordb prod", ARNS), separators=(",", ":"))) < 32_768
