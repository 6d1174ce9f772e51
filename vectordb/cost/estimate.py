"""From resources, assumptions and prices to a month's bill. Nothing here reads a file or asks anybody."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from vectordb.cost import aurora, database, embedding, functions, keys, network, observing, proxy, vectors
from vectordb.cost.capacity import LEAST_CAPACITY, SERVERLESS
from vectordb.cost.free import is_free
from vectordb.cost.line import Group, Line, cents, merged
from vectordb.cost.prices import Prices
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet
from vectordb.cost.usage import Usage

Pricer = Callable[[Resource, Sheet], None]

PRICED: Mapping[str, Pricer] = MappingProxyType(
    {
        "aws:appautoscaling/policy:Policy": observing.scaling_policy,
        "aws:appautoscaling/target:Target": aurora.kept_readers,
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": observing.composite_alarm,
        "aws:cloudwatch/eventRule:EventRule": functions.rule,
        observing.DASHBOARD: observing.dashboard,
        observing.LOG_GROUP: observing.logs,
        "aws:cloudwatch/logMetricFilter:LogMetricFilter": observing.metric_filter,
        "aws:cloudwatch/metricAlarm:MetricAlarm": observing.alarm,
        observing.FLOW_LOG: observing.logs,
        "aws:ec2/instance:Instance": network.instance,
        "aws:ec2/vpcEndpoint:VpcEndpoint": network.endpoint,
        "aws:kms/key:Key": keys.key,
        "aws:kms/replicaKey:ReplicaKey": keys.key,
        "aws:lambda/eventSourceMapping:EventSourceMapping": embedding.poller,
        "aws:lambda/function:Function": functions.function,
        aurora.CLUSTER: aurora.cluster,
        aurora.INSTANCE: aurora.instance,
        database.INSTANCE: database.instance,
        "aws:rds/proxy:Proxy": proxy.proxy,
        "aws:s3/bucket:Bucket": vectors.bucket,
        "aws:s3/bucketV2:BucketV2": vectors.bucket,
        "aws:s3/vectorsIndex:VectorsIndex": vectors.index,
        "aws:scheduler/schedule:Schedule": functions.schedule,
        "aws:secretsmanager/secret:Secret": keys.secret,
        "aws:sns/topic:Topic": functions.topic,
        "aws:sqs/queue:Queue": functions.queue,
        "aws:ssm/parameter:Parameter": functions.parameter,
    }
)
"""Type → the function that knows its price."""


@dataclass(frozen=True)
class AutoPause:
    """What it saves that idle instances pause, in US dollars a month.

    Attributes:
        instances: how many can pause.
        always_on: what their capacity would cost with the least minimum that does not pause, 0.5 ACU.
        paused: what it costs under the assumptions.
    """

    instances: int
    always_on: Decimal
    paused: Decimal

    @property
    def saved(self) -> Decimal:
        """The difference."""
        return self.always_on - self.paused


@dataclass(frozen=True)
class Unpriced:
    """A resource that costs, or may cost, something that the total does not hold."""

    urn: str
    type: str
    reason: str


@dataclass(frozen=True)
class Estimate:
    """A month's bill.

    Attributes:
        region: of the stack.
        usage: the assumptions.
        prices: the prices that were used.
        lines: fixed ones, then those of use, then rates; the dearest part first in each.
        auto_pause: what pausing saves; none when nothing can pause.
        unpriced: what is missing from the total.
        free: type → how many resources of it cost nothing.
        notes: what a reader needs to know of single resources.
    """

    region: str
    usage: Usage
    prices: Prices
    lines: tuple[Line, ...]
    auto_pause: AutoPause | None
    unpriced: tuple[Unpriced, ...]
    free: Mapping[str, int]
    notes: tuple[str, ...]

    def sum(self, group: Group) -> Decimal:
        """US dollars a month of one group of lines."""
        return sum((line.usd for line in self.lines if line.group == group), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """US dollars a month: exactly the sum of the lines."""
        return sum((line.usd for line in self.lines), Decimal("0.00"))

    def as_json(self) -> dict[str, Any]:
        """Plain data; dollars are numbers with two decimals."""
        pause = self.auto_pause
        return {
            "currency": "USD",
            "region": self.region,
            "prices": {"date": self.prices.date, "region": self.prices.region},
            "total": float(self.total),
            "fixed": float(self.sum(Group.FIXED)),
            "use": float(self.sum(Group.USE)),
            "lines": [_line(line) for line in self.lines],
            "autoPause": pause
            and {
                "instances": pause.instances,
                "alwaysOn": float(pause.always_on),
                "paused": float(pause.paused),
                "saved": float(pause.saved),
            },
            "assumptions": {
                name: {"value": float(value), "unit": unit, "meaning": text}
                for name, value, unit, text in self.usage.described()
            },
            "notPriced": [{"urn": one.urn, "type": one.type, "reason": one.reason} for one in self.unpriced],
            "free": dict(self.free),
            "notes": list(self.notes),
        }


def estimate(resources: Iterable[Resource], usage: Usage, prices: Prices, region: str) -> Estimate:
    """The bill of `resources` in `region`, with the list prices that `prices` holds, whatever region they are of."""
    sheet = Sheet(resources, usage, prices)
    free: Counter[str] = Counter()
    for resource in sheet.resources:
        pricer = PRICED.get(resource.type)
        if pricer is not None:
            pricer(resource, sheet)
        elif is_free(resource.type):
            free[resource.type] += 1
        else:
            sheet.no_price(resource, "nothing is known of the price of this type")
    pause = _auto_pause(sheet)
    notes = list(dict.fromkeys(sheet.notes))
    if region != prices.region:
        notes.insert(
            0, f"The prices are those of {prices.region}; in {region} they differ by a few per cent up to a third."
        )
    return Estimate(
        region=region,
        usage=usage,
        prices=prices,
        lines=merged(sheet.lines),
        auto_pause=pause,
        unpriced=tuple(Unpriced(resource.urn, resource.type, reason) for resource, reason in sheet.unpriced),
        free=MappingProxyType(dict(sorted(free.items()))),
        notes=tuple(notes),
    )


def _auto_pause(sheet: Sheet) -> AutoPause | None:
    instances, always_on, paused = 0, Decimal(0), Decimal(0)
    hours = sheet.usage.exact("active_hours")
    for instance in sheet.of_type(aurora.INSTANCE):
        of = sheet.referred(instance, "clusterIdentifier", aurora.CLUSTER, "clusterIdentifier")
        if instance.inputs.get("instanceClass") != SERVERLESS or of is None or not aurora.pauses(of, sheet):
            continue
        price, busy = aurora.price_of_capacity(of, sheet), aurora.busy_capacity(of, sheet)
        instances += 1
        paused += hours * busy * price
        always_on += (sheet.prices.hours * LEAST_CAPACITY + hours * (busy - LEAST_CAPACITY)) * price
    if not instances:
        return None
    return AutoPause(instances, cents(always_on), cents(paused))


def _line(line: Line) -> dict[str, Any]:
    return {
        "part": line.part,
        "item": line.item,
        "group": line.group.value,
        "resources": list(line.urns),
        "quantity": None if line.quantity is None else float(line.quantity),
        "unit": line.price.unit,
        "price": float(line.price.usd),
        "priceKey": line.price.key,
        "usd": None if line.quantity is None else float(line.usd),
    }
