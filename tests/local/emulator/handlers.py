"""A module of handlers that do one thing each, and how to call them."""

import base64
import json

MODULE = """
import decimal, json, logging, os, sys, time

import inside.helper

print("loading")


def echo(event, context):
    print("called with", event)
    return event


def describe(event, context):
    return {
        "environment": dict(os.environ),
        "path": sys.path,
        "modules": sorted(sys.modules),
        "folder": os.getcwd(),
        "helper": inside.helper.NAME,
        "context": {
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "request": context.aws_request_id,
            "group": context.log_group_name,
            "stream": context.log_stream_name,
            "remaining": context.get_remaining_time_in_millis(),
            "client": context.client_context and context.client_context.custom,
        },
        "pid": os.getpid(),
        "price": decimal.Decimal("1.5"),
    }


def site_packages(event, context):
    found = {}
    for name in ("numpy", "boto3", "moto", "pip"):
        try:
            __import__(name)
            found[name] = True
        except ImportError:
            found[name] = False
    return found


def fail(event, context):
    raise ValueError("boom " + event["why"])


def logged(event, context):
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("mine").info("said %s", "something")
    print("to stderr", file=sys.stderr)


def leave(event, context):
    print("leaving")
    sys.exit(event["status"])


def die(event, context):
    os.kill(os.getpid(), 9)


def unserialisable(event, context):
    return {1, 2}


def sleep(event, context):
    print("sleeping")
    time.sleep(event["seconds"])
    return os.getpid()


def chatter(event, context):
    while True:
        print("x" * 1000)


def large(event, context):
    return "x" * event["size"]


def talkative(event, context):
    print("y" * 300_000)
    return "done"
"""
FILES = {"main.py": MODULE, "inside/__init__.py": "", "inside/helper.py": "NAME = 'helper'"}


def invoke(client, function, event=None, **options):
    """(payload, answer)."""
    answer = client.invoke(FunctionName=function, Payload=json.dumps({} if event is None else event), **options)
    return json.loads(answer["Payload"].read() or b"null"), answer


def tail(answer):
    return base64.b64decode(answer["LogResult"]).decode()
