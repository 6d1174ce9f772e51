"""Lambda functions, and other places that have an environment."""

import json

from tests.policy.cases.case import Case
from tests.policy.support import UNKNOWN

_FUNCTION = "lambda/function"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"


def _environment(**variables: object) -> dict[str, object]:
    return {"environment": {"variables": variables}}


_KEY_RULE = "function-environment-customer-key"
_KEYS = [
    Case(_KEY_RULE, _FUNCTION, _environment(HOST="db"), (("kmsKeyArn", "is absent"),)),
    Case(_KEY_RULE, _FUNCTION, {"environment": {"variables": UNKNOWN}}, (("kmsKeyArn", "is absent"),)),
    Case(_KEY_RULE, _FUNCTION, _environment(HOST="db") | {"kmsKeyArn": "alias/aws/lambda"}, (("kmsKeyArn", "names a key that AWS manages"),)),
    Case(_KEY_RULE, _FUNCTION, _environment(HOST="db") | {"kmsKeyArn": _KEY}),
    Case(_KEY_RULE, _FUNCTION, _environment(HOST="db") | {"kmsKeyArn": UNKNOWN}),
    Case(_KEY_RULE, _FUNCTION, _environment()),
    Case(_KEY_RULE, _FUNCTION, {}),
]  # fmt: skip

_SECRET_RULE = "function-environment-no-secrets"
_FORMS = {
    "KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\ncorrect horse",
    "DATABASE_URL": "postgresql://app:correct horse@db.internal:5432/docs".replace(" ", "-"),
    "DSN": "host=db password=correct-horse",
    "GIT": "ghp_" + "a1B2" * 9,
    "CHAT": "xoxb-1234567890-abcdef",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
}
_NAMED = (
    "DB_PASSWORD",
    "PGPASSWORD",
    "apiKey",
    "API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "authToken",
    "SECRET",
    "client_secret",
)
_HARMLESS = {
    "SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:one",
    "DB_PASSWORD": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:one",
    "API_KEY": "/vectordb/api-key",
    "TOKEN_COUNT": "4096",
    "MAX_TOKENS": "4096",
    "PASSWORD": UNKNOWN,
    "TOKEN": "",
    "SECRET": "true",
    "MODELS": "[]",
    "URL": "https://user@example.org",
    "PASSWORDLESS": "yes please",
}


def _held(name: str) -> tuple[tuple[str, str], ...]:
    return ((f"environment.variables.{name}", "holds a credential"),)


_SECRETS = [
    *(Case(_SECRET_RULE, _FUNCTION, _environment(**{name: text}), _held(name)) for name, text in _FORMS.items()),
    *(Case(_SECRET_RULE, _FUNCTION, _environment(**{name: "correct horse"}), _held(name)) for name in _NAMED),
    Case(_SECRET_RULE, _FUNCTION, _environment(OTHER=UNKNOWN, DB_PASSWORD="correct horse"), _held("DB_PASSWORD")),
    *(Case(_SECRET_RULE, _FUNCTION, _environment(**{name: text})) for name, text in _HARMLESS.items()),
    Case(_SECRET_RULE, _FUNCTION, {}),
]  # fmt: skip

_TRACE_RULE = "function-traced"
_TRACES = [
    Case(_TRACE_RULE, _FUNCTION, {}, (("tracingConfig.mode", "is absent, and PassThrough by default"),)),
    Case(_TRACE_RULE, _FUNCTION, {"tracingConfig": {"mode": "PassThrough"}}, (("tracingConfig.mode", "is a string, not Active"),)),
    Case(_TRACE_RULE, _FUNCTION, {"tracingConfig": {"mode": "Active"}}),
    Case(_TRACE_RULE, _FUNCTION, {"tracingConfig": UNKNOWN}),
    Case(_TRACE_RULE, _FUNCTION, {}, settings={"required": False}),
]  # fmt: skip

_RUNTIME_RULE, _DEPRECATED = "function-runtime-supported", "names a runtime that is deprecated"
_RUNTIMES = [
    *(Case(_RUNTIME_RULE, _FUNCTION, {"runtime": name}, (("runtime", _DEPRECATED),)) for name in ("python3.8", "python2.7", "nodejs16.x", "go1.x", "Python3.9")),
    Case(_RUNTIME_RULE, _FUNCTION, {"runtime": "python3.13"}, (("runtime", _DEPRECATED),), settings={"deprecated": ["python3.13"]}),
    Case(_RUNTIME_RULE, _FUNCTION, {"runtime": "python3.13"}),
    Case(_RUNTIME_RULE, _FUNCTION, {"runtime": UNKNOWN}),
    Case(_RUNTIME_RULE, _FUNCTION, {"packageType": "Image"}),
]  # fmt: skip

_SOURCE_RULE, _SOURCE = "function-event-source-private", "lambda/eventSourceMapping"
_BROKERS = {"selfManagedEventSource": {"endpoints": {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example.org:9092"}}}
_INTERNET = (("selfManagedEventSource", "is reached over the internet: no subnet of a VPC is named"),)
_SOURCES = [
    Case(_SOURCE_RULE, _SOURCE, _BROKERS, _INTERNET),
    Case(_SOURCE_RULE, _SOURCE, _BROKERS | {"sourceAccessConfigurations": [{"type": "SASL_SCRAM_512_AUTH", "uri": UNKNOWN}]}, _INTERNET, about_absence=True),
    Case(_SOURCE_RULE, _SOURCE, _BROKERS | {"sourceAccessConfigurations": [{"type": "VPC_SUBNET", "uri": "subnet:subnet-1"}]}),
    Case(_SOURCE_RULE, _SOURCE, {"eventSourceArn": UNKNOWN}),
]  # fmt: skip

_OTHER_RULE, _HOLDS = "environment-no-secrets", "holds a credential"
_PASSWORD = {"name": "DB_PASSWORD", "value": "correct horse"}
_HOST = {"name": "DB_HOST", "value": "db.internal"}
_NAMED_SECRET = {"name": "DB_PASSWORD", "type": "SECRETS_MANAGER", "value": "vectordb/password"}


def _task(*variables: dict[str, str]) -> dict[str, str]:
    return {"containerDefinitions": json.dumps([{"name": "one", "environment": list(variables)}])}


def _build(*variables: object) -> dict[str, object]:
    return {"environment": {"environmentVariables": list(variables)}}


_OTHERS = [
    Case(_OTHER_RULE, "ecs/taskDefinition", _task(_HOST, _PASSWORD), (("containerDefinitions[0].environment[1].value", _HOLDS),)),
    Case(_OTHER_RULE, "batch/jobDefinition", {"containerProperties": json.dumps({"environment": [_PASSWORD]})}, (("containerProperties.environment[0].value", _HOLDS),)),
    Case(_OTHER_RULE, "codebuild/project", _build(_PASSWORD), (("environment.environmentVariables[0].value", _HOLDS),)),
    Case(_OTHER_RULE, "codebuild/project", _build(_NAMED_SECRET, _PASSWORD | {"type": "PLAINTEXT"}), (("environment.environmentVariables[1].value", _HOLDS),)),
    Case(_OTHER_RULE, "dms/endpoint", {"password": "correct horse"}, (("password", _HOLDS),)),
    Case(_OTHER_RULE, "glue/connection", {"connectionProperties": {"PASSWORD": "correct horse"}}, (("connectionProperties.PASSWORD", _HOLDS),)),
    Case(_OTHER_RULE, "glue/job", {"defaultArguments": {"--api_key": "correct horse"}}, (("defaultArguments.--api_key", _HOLDS),)),
    Case(_OTHER_RULE, "ecs/taskDefinition", _task(_HOST)),
    Case(_OTHER_RULE, "ecs/taskDefinition", {"containerDefinitions": "{"}),
    Case(_OTHER_RULE, "ecs/taskDefinition", {"containerDefinitions": UNKNOWN}),
    Case(_OTHER_RULE, "batch/jobDefinition", {"containerProperties": "7"}),
    Case(_OTHER_RULE, "codebuild/project", _build(_NAMED_SECRET)),
    Case(_OTHER_RULE, "dms/endpoint", {"secretsManagerArn": UNKNOWN}),
    Case(_OTHER_RULE, "glue/connection", {"connectionProperties": {"SECRET_ID": "vectordb"}}),
]  # fmt: skip

CASES = [*_OTHERS, *_KEYS, *_SECRETS, *_TRACES, *_RUNTIMES, *_SOURCES]
