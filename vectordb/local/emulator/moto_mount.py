"""moto's server as one WSGI application, imported in the background: it takes about a second, and nobody should wait for it.

Left out: what moto leaves out, and EC2's tables of instance types, which nothing here asks for. State is in memory and ends with the process. Header names with an underscore (S3 user
metadata) do not reach it, because WSGI servers drop them.
"""

import functools
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from vectordb.local.emulator.wire import StartResponse

# moto's name of a service → botocore's, in the order in which a deployment asks for them. ssm is slow to import (it reads
# EC2's models), so it is late.
PRELOADED = {
    "sts": "sts",
    "iam": "iam",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "logs": "logs",
    "awslambda": "lambda",
    "sqs": "sqs",
    "s3": "s3",
    "ssm": "ssm",
    "events": "events",
    "cloudwatch": "cloudwatch",
    "sns": "sns",
    "rds": "rds",
}
FIRST = ("sts", "iam", "kms", "secretsmanager", "logs", "awslambda")
"""What every deployment uses, before our own services are loaded."""

_ONE_AT_A_TIME = frozenset({"iam", "sts", "kms", "secretsmanager", "awslambda", "rds", "ssm", "cloudwatch"})
"""moto's state has no locks: a call that looks for a role fails when another makes one meanwhile. Those that are not named here
may wait, or run functions, whose own calls of these would then wait for them."""

_log = logging.getLogger(__name__)


class MotoMount:
    """Dispatches to moto's application for a service, made at the service's first request or before.

    Args:
        when_imported: called once with moto importable, before the first request reaches it.
    """

    def __init__(self, when_imported: Callable[[], None] = lambda: None) -> None:
        # One thread at a time imports moto's modules: several of them import each other, and Python resolves such a cycle
        # between threads by handing one of them a half-made module.
        self._lock = threading.RLock()
        self._turn = threading.Lock()
        self._dispatcher: Any = None
        self._when_imported = when_imported
        self.loaded: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            dispatcher = self._make_dispatcher()
            application = dispatcher.get_application(environ)
            service = next((name for name, made in dispatcher.app_instances.items() if made is application), "")
        with self._turn if service in _ONE_AT_A_TIME else nullcontext():
            reply: Iterable[bytes] = application(environ, start_response)
        return reply

    def imported(self) -> None:
        """Return when moto is importable and prepared."""
        with self._lock:
            self._make_dispatcher()

    def preload(self, services: Iterable[str] = PRELOADED) -> None:
        """Import the services one after the other; requests go between them."""
        for service in services:
            with self._lock:
                dispatcher = self._make_dispatcher()
                if service not in dispatcher.app_instances:
                    dispatcher.app_instances[service] = dispatcher.create_app(service)
                if service not in self.loaded:
                    self._read_model(PRELOADED[service])
                    self.loaded.append(service)

    @staticmethod
    def _read_model(service: str) -> None:
        # moto reads the API's model at the first answer, which takes 30 ms.
        from moto.core.utils import get_service_model

        get_service_model(service)

    def _make_dispatcher(self) -> Any:
        if self._dispatcher is None:
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            _without_instance_types()
            _each_model_once()
            self._when_imported()
            self._dispatcher = DomainDispatcherApplication(create_backend_app)
            _log.debug("moto is imported")
        return self._dispatcher


def _without_instance_types() -> None:
    """ssm imports EC2's models, which read 30 MB of JSON for it: most of the second that starting moto takes."""
    from moto.utilities import utils

    load = utils.load_resource

    def load_resource(resource: str) -> Any:
        if resource == "ec2/resources/instance_types.json":
            return {}
        return [] if resource.startswith("ec2/resources/instance_type_offerings/") else load(resource)

    utils.load_resource = load_resource


def _each_model_once() -> None:
    """moto makes a session of boto3 wherever it wants a list of regions, and each reads the models of services anew."""
    from botocore.loaders import JSONFileLoader

    once = functools.cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _, file_path: once(file_path)
