"""boto3 clients of the emulator. They have an endpoint and credentials of their own: none can reach AWS."""

import threading
from typing import Any

import boto3
from botocore.config import Config

from vectordb.local.state import Credentials


class Clients:
    """One client a service, made when it is first asked for; safe to use from several threads."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._settings: dict[str, Any] = {
            "endpoint_url": endpoint,
            "config": Config(max_pool_connections=16, retries={"mode": "standard", "max_attempts": 2}),
        }
        self._session = boto3.Session(
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            region_name=region,
        )

    def __call__(self, service: str) -> Any:
        """The client of `service`, as boto3 names it."""
        with self._lock:  # making clients is not thread-safe, using them is
            if service not in self._made:
                self._made[service] = self._session.client(service, **self._settings)
            return self._made[service]
