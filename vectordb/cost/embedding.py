"""The embedding pipeline: its worker, its models, Lambda's poller, and what its sweeps cost a database that pauses."""

import json
import re
from decimal import Decimal

from vectordb.cost import aurora
from vectordb.cost.capacity import LEAST_CAPACITY
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

HANDLER = "embedder.handler.handle"
SCHEDULE = "aws:scheduler/schedule:Schedule"
MILLION = Decimal(1_000_000)
METRICS = 5
"""That the worker writes with its log at each sweep, of one vectorizer: Pending and Coverage, each with the vectorizer's name and
without, and Sweeps (lambda/embedder/metrics.py). The others are written while there is something to say."""
PAGE = "https://aws.amazon.com/bedrock/pricing/"
ROWS_OF_A_CALL = 96
IDLE_POLLS = Decimal(15) * 60
"""Requests an hour of an idle mapping: five pollers, fewer only where there is no maximum concurrency (Lambda Developer Guide, scaling
behavior for SQS event source mappings), each waiting for 20 s, the longest that SQS lets one wait (docs/assumptions.md, 104)."""
RESUME_SECONDS = 30
"""As components/embedding/schedule.py has it."""


def is_worker(resource: Resource) -> bool:
    """Whether a function is the embedding worker."""
    return resource.inputs.get("handler") == HANDLER


def worker(resource: Resource, sheet: Sheet, variables: dict[str, object]) -> tuple[Decimal, Decimal]:
    """Its models and metrics; returns the calls of a month, and the seconds that they last together."""
    usage = sheet.usage
    rows, sweeps = usage.exact("embedded_rows"), _sweeps(sheet)
    models = _models(variables)
    if models is None:
        sheet.no_price(resource, "its models are unknown before the deployment, and so are the prices of their tokens")
    for model in models or ():
        tokens = rows * usage.exact("tokens_of_a_row") / len(models or ()) / MILLION
        if (price := f"bedrock.{model}") in sheet.prices:
            sheet.used(resource, f"tokens of {model}", tokens, price)
        else:
            sheet.no_price(
                resource, f"the price of {model} is not known: look at {PAGE}, and add it to vectordb/cost/prices.json"
            )
    if models and len(models) > 1:
        sheet.note(resource, "the rows are taken to be shared equally by its models.")
    if "VECTORDB_EMBED_ENDPOINTS" in variables:
        sheet.note(resource, "servers of models in the VPC are not counted.")
    if "VECTORDB_EMBED_BATCH" in variables:
        sheet.note(resource, "tokens of batch inference cost half of what is counted.")
    hours = min(sheet.prices.hours, sweeps) or usage.exact("active_hours")
    sheet.used(resource, "the worker's own metrics", METRICS * hours / sheet.prices.hours, "cloudwatch.metric")
    seconds = rows * usage.exact("worker_seconds_of_a_row") + sweeps * usage.exact("function_seconds")
    return rows / ROWS_OF_A_CALL + sweeps, seconds


def poller(resource: Resource, sheet: Sheet) -> None:
    """Lambda asks a queue without end, whether there is anything or not."""
    sheet.used(resource, "SQS requests of Lambda's pollers", IDLE_POLLS * sheet.prices.hours / MILLION, "sqs.standard")


def awake(schedule: Resource, sheet: Sheet) -> None:
    """Each sweep wakes a cluster that has paused, and it pauses again only after a while."""
    minutes = interval(schedule)
    for cluster in sheet.of_type(aurora.CLUSTER):
        scaling = cluster.inputs.get("serverlessv2ScalingConfiguration")
        if minutes is None or not isinstance(scaling, dict) or scaling.get("minCapacity") != 0:
            continue
        idle = Decimal(str(scaling.get("secondsUntilAutoPause") or 300)) + RESUME_SECONDS
        share = min(Decimal(1), idle / (60 * minutes))
        hours = (sheet.prices.hours - sheet.usage.exact("active_hours")) * share
        sheet.used(schedule, "Aurora, kept awake by sweeps", hours * LEAST_CAPACITY, "aurora.acu")


def interval(schedule: Resource) -> Decimal | None:
    """The minutes between two runs; none of a schedule that is not a rate in minutes."""
    found = re.fullmatch(r"rate\((\d+) minutes?\)", str(schedule.inputs.get("scheduleExpression")))
    return Decimal(found[1]) if found else None


def _models(variables: dict[str, object]) -> list[str] | None:
    """By their ids; None where they are not known."""
    try:
        return list(json.loads(str(variables.get("VECTORDB_MODELS", "[]"))))
    except ValueError:
        return None


def _sweeps(sheet: Sheet) -> Decimal:
    """In a month."""
    intervals = [minutes for one in sheet.of_type(SCHEDULE) if (minutes := interval(one))]
    return sum((sheet.prices.hours * 60 / minutes for minutes in intervals), Decimal(0))
