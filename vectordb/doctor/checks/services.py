"""What AWS says of the database, and what SQL reaches through it: functions, indexes, queues, models."""

import json
import re
from typing import Any

import psycopg

from vectordb.doctor.context import Context, Subject
from vectordb.doctor.findings import DeniedError, Finding, failed, ok, warning
from vectordb.errors import VectordbError

QUEUE = "queueUrl"
DEAD_LETTERS = "deadLetterQueueUrl"
MODELS = "bedrockModels"
EMBEDDING_MODELS = "embeddingModels"
WORKER = "workerArn"
"""Names of the stack's outputs that say what there is to look at."""

_STILL = {"available", "backing-up", "storage-optimization"}
_DOWN = {"stopped", "stopping", "failed", "deleting", "inaccessible-encryption-credentials", "storage-full"}
_READING = {"Enabled", "Enabling", "Creating", "Updating"}
"""States of an event source mapping (Lambda API, EventSourceMappingConfiguration)."""
_PROFILE = re.compile(r"^(us|eu|apac|jp|au|ca|global|us-gov)\.")
"""An inference profile's geography before the model's id."""

_LETTER = "vectordb-doctor"
"""A key that no index has: asking for it goes the whole way and carries nothing."""
_ASK = "SELECT found FROM s3vl.get_vectors(ARRAY[%s], %s, NULL, false, false)"


def database_state(context: Context) -> Finding:
    """RDS says that the database is available, and no parameter waits for a restart."""
    found = _database(context)
    name = context.subject.identifier
    status = str(found.get("Status") or found.get("DBInstanceStatus") or "unknown")
    if status in _DOWN:
        kind = "cluster" if context.subject.is_cluster else "instance"
        start = f"aws rds start-db-{kind} --db-{kind}-identifier {name} --region {context.settings.region}"
        return failed(
            f"{name} is {status}", f"Start it: {start}" if status == "stopped" else "See its events in the RDS console."
        )
    waiting = [
        str(one.get("DBInstanceIdentifier") or one.get("DBParameterGroupName"))
        for one in (*found.get("DBClusterMembers", ()), *found.get("DBParameterGroups", ()))
        if "pending-reboot" in (one.get("DBClusterParameterGroupStatus"), one.get("ParameterApplyStatus"))
    ]
    if waiting:
        return warning(
            f"{name} is {status}; parameters wait for a restart of {', '.join(waiting)}",
            f"aws rds reboot-db-instance --db-instance-identifier {waiting[0] if context.subject.is_cluster else name}",
        )
    if status not in _STILL:
        return warning(f"{name} is {status}", "It is being changed: wait, then run it again.")
    return ok(f"{name} is {status}, PostgreSQL {found.get('EngineVersion', 'of unknown version')}")


def wants_roles(subject: Subject) -> bool:
    """Whether SQL calls anything of AWS."""
    return bool(_features(subject))


def role_associations(context: Context) -> Finding:
    """The database has a role for each feature that its SQL uses, and can assume it."""
    found = {str(role.get("FeatureName")): role for role in _database(context).get("AssociatedRoles", ())}
    wanted = _features(context.subject)
    missing = [feature for feature in wanted if feature not in found]
    if missing:
        return failed(
            f"no role for {', '.join(missing)} at {context.subject.identifier}",
            "Somebody took it away: `pulumi up --refresh` puts it back.",
        )
    states = {feature: str(found[feature].get("Status", "ACTIVE")) for feature in wanted}
    roles = ", ".join(f"{feature}: {found[feature].get('RoleArn')}" for feature in wanted)
    if "INVALID" in states.values():
        return failed(
            f"the database cannot assume the role for {', '.join(f for f, s in states.items() if s == 'INVALID')} ({roles})",
            "Its trust policy must name rds.amazonaws.com, with this database's ARN as the source: `pulumi up --refresh`.",
        )
    if set(states.values()) - {"ACTIVE"}:
        return warning(
            f"{roles}: {', '.join(sorted(set(states.values())))}", "RDS is at work: wait, then run it again."
        )
    return ok(roles)


def has_bridge(subject: Subject) -> bool:
    """Whether the stack has the function."""
    return bool(subject.settings.function_arn)


def bridge(context: Context) -> Finding:
    """The database calls the function, and it answers: `s3vl.validate_config()`."""
    row = (
        context.sql().execute("SELECT is_valid, error_message, response_time_ms FROM s3vl.validate_config()").fetchone()
    )
    valid, message, took = row or (False, "s3vl.validate_config() returned no row", 0)
    if not valid:
        problem, _, hint = str(message).partition("HINT: ")
        return failed(problem, hint or "Look into the function's log.")
    return ok(f"{context.settings.function_arn.partition(':function:')[2]} answered in {took} ms")


def has_indexes(subject: Subject) -> bool:
    """Whether the stack has S3 Vectors indexes."""
    return subject.settings.indexes != "[]"


def vector_indexes(context: Context) -> Finding:
    """The indexes are there, with the dimension and metric that SQL was told, and the declared keys are searched by words."""
    problems, fine, unsearched = [], [], []
    for index in _indexes(context):
        try:
            found = context.ask("s3vectors", "get_index", f"look at the index {index['name']}", indexArn=index["arn"])[
                "index"
            ]
        except DeniedError:
            raise
        except VectordbError as error:
            if "NotFoundException" not in error.message:
                raise
            problems.append(f"{index['name']} is gone ({index['arn']})")
            continue
        wrong = [
            f"{key} {found.get(theirs)} instead of {index[key]}"
            for key, theirs in (("dimension", "dimension"), ("metric", "distanceMetric"))
            if index.get(key) is not None and found.get(theirs) != index[key]
        ]
        if wrong:
            problems.append(f"{index['name']} has {' and '.join(wrong)}")
        searched, missing = _full_text(index, found)
        unsearched += missing
        words = f", by words: {', '.join(searched)}" if searched else ""
        fine.append(f"{index['name']} ({found.get('dimension')}, {found.get('distanceMetric')}{words})")
    if problems:
        return failed(
            "; ".join(problems), "`pulumi up --refresh` makes what is gone, empty: its vectors have to be loaded again."
        )
    if unsearched:
        return warning(
            f"{', '.join(fine)}; {'; '.join(unsearched)}",
            f"`vectordb indexes apply {'--local' if context.subject.local else '--stack …'}` configures it, and waits.",
        )
    return ok(", ".join(fine))


def _full_text(index: dict[str, Any], found: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The declared keys that can be searched by words, and in words what cannot."""
    configured = {
        one["metadataKey"]: one
        for one in (found.get("metadataConfiguration") or {}).get("textSearchConfigurations", ())
    }
    searched, missing = [], []
    for wanted in index.get("fullTextKeys", ()):
        one = configured.get(wanted["key"])
        if one is None:
            missing.append(f"{index['name']} does not search {wanted['key']} by words")
        elif one.get("language") != wanted.get("language"):
            missing.append(f"{index['name']} searches {wanted['key']} in another language than declared")
        elif one.get("status", "ACTIVE") != "ACTIVE":
            missing.append(f"{index['name']} is still building {wanted['key']}")
        else:
            searched.append(wanted["key"])
    return searched, missing


def s3_vectors(context: Context) -> Finding:
    """SQL reaches S3 Vectors through the function, for each index: a key that does not exist is asked for.

    Vectors of tenants are not shown to a login that is bound to none, which is no broken link: such an index is described. An index of
    a vectorizer is open to its worker and to administrators alone.
    """
    connection, reached = context.sql(), []
    for index in _indexes(context):
        name = str(index["name"])
        try:
            try:
                connection.execute(_ASK, (_LETTER, name))
                reached.append(name)
            except psycopg.errors.InsufficientPrivilege:
                if not index.get("tenantKey"):
                    raise
                connection.execute("SELECT dimension FROM s3vl.describe_index(%s)", (name,))
                reached.append(f"{name} (described: its vectors are those of other tenants)")
            except psycopg.errors.WrongObjectType:
                reached.append(f"{name} (known: a vectorizer's, and searched through it)")
        except psycopg.Error as error:
            diag = error.diag
            return failed(
                f"{name}: {diag.message_primary or error} {diag.message_detail or ''}",
                diag.message_hint or "Look into the function's log.",
            )
    return ok(f"reached through SQL: {', '.join(reached)}")


def has_queue(subject: Subject) -> bool:
    """Whether the stack has a queue of tickets, or of what failed."""
    return bool(subject.outputs.get(QUEUE) or subject.outputs.get(DEAD_LETTERS))


def queue(context: Context) -> Finding:
    """The worker reads the pipeline's queue, and nothing lies among the dead letters."""
    outputs = context.subject.outputs
    waiting, under_way = _messages(context, str(outputs[QUEUE])) if outputs.get(QUEUE) else (0, 0)
    dead = sum(_messages(context, str(outputs[DEAD_LETTERS]))) if outputs.get(DEAD_LETTERS) else 0
    said = f"{waiting} waiting, {under_way} under way, {dead} dead"
    if dead:
        # They cannot be moved back: a queue of dead letters whose source is Lambda, too, is refused (SQS API, StartMessageMoveTask).
        return failed(
            said,
            "They carry no data, and a sweep does their work. The worker's log says why they failed; when that is mended: "
            f"aws sqs purge-queue --queue-url {outputs[DEAD_LETTERS]}",
        )
    if problem := _unread(context):
        return failed(f"{said}; {problem}", "Put the worker's event source mapping back: pulumi up --refresh")
    if waiting and not under_way:
        return warning(
            said, "Nobody reads the queue: look at the worker's event source mapping, whether it is enabled."
        )
    return ok(said)


def _unread(context: Context) -> str:
    """What keeps the worker from the queue's messages, as Lambda says it; empty for nothing, and where there is no queue."""
    outputs = context.subject.outputs
    if not outputs.get(QUEUE) or not outputs.get(WORKER):
        return ""
    found = context.ask(
        "lambda",
        "list_event_source_mappings",
        "look at what sends messages to the worker",
        FunctionName=str(outputs[WORKER]),
    )["EventSourceMappings"]
    if not found:
        return "nothing takes messages from it to the worker"
    state, last = str(found[0].get("State")), str(found[0].get("LastProcessingResult") or "")
    if state not in _READING:
        return f"what takes its messages to the worker is {state.lower()}"
    return last if last.startswith("PROBLEM") else ""


def has_models(subject: Subject) -> bool:
    """Whether the stack names Bedrock models: for SQL itself, for the worker, or for texts that are searched in an index."""
    return bool(_models(subject))


def _models(subject: Subject) -> list[str]:
    of_indexes = [row["model"] for row in json.loads(subject.settings.indexes) if row.get("model")]
    of_sql, of_worker = (subject.outputs.get(name) or () for name in (MODELS, EMBEDDING_MODELS))
    return list(dict.fromkeys(map(str, [*of_sql, *of_worker, *of_indexes])))


def bedrock_models(context: Context) -> Finding:
    """The account may use the configured models: authorised, agreed to, offered in the region."""
    models = _models(context.subject)
    wrong = []
    for model in models:
        found = context.ask(
            "bedrock",
            "get_foundation_model_availability",
            f"ask for access to the model {model}",
            modelId=_PROFILE.sub("", model),
        )
        lacking = [
            word
            for word, good in (
                ("not agreed to", found.get("agreementAvailability", {}).get("status") == "AVAILABLE"),
                ("not authorised", found.get("authorizationStatus") == "AUTHORIZED"),
                ("not entitled", found.get("entitlementAvailability") == "AVAILABLE"),
                (f"not in {context.settings.region}", found.get("regionAvailability") == "AVAILABLE"),
            )
            if not good
        ]
        if lacking:
            wrong.append(f"{model} is {', '.join(lacking)}")
    if wrong:
        return failed(
            "; ".join(wrong),
            "Once, as somebody with aws-marketplace:Subscribe, call the model in the Bedrock console's playground: the first call of "
            "a third party's model (Cohere's) makes the agreement, and workers have no right to.",
        )
    return ok(f"usable: {', '.join(models)}")


def _features(subject: Subject) -> list[str]:
    features = ["Lambda"] if subject.settings.function_arn else []
    return [*features, *(["Bedrock"] if subject.is_cluster and subject.outputs.get(MODELS) else [])]


def _database(context: Context) -> dict[str, Any]:
    """RDS's description, asked for once."""

    def describe() -> dict[str, Any]:
        name, doing = context.subject.identifier, f"ask RDS about {context.subject.identifier}"
        if context.subject.is_cluster:
            answer = context.ask("rds", "describe_db_clusters", doing, DBClusterIdentifier=name)
            return dict(answer["DBClusters"][0])
        answer = context.ask("rds", "describe_db_instances", doing, DBInstanceIdentifier=name)
        return dict(answer["DBInstances"][0])

    return context.board.once("database", describe)


def _indexes(context: Context) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(context.settings.indexes)
    return found


def _messages(context: Context, url: str) -> tuple[int, int]:
    """Waiting and under way."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = context.ask("sqs", "get_queue_attributes", f"look at the queue {url}", QueueUrl=url, AttributeNames=names)
    return tuple(int(found["Attributes"].get(name, 0)) for name in names)  # type: ignore[return-value]
