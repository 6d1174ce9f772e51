"""boto3 clients of the emulator. They have an endpoint and credentials of their own: none can reach AWS."""

import http.client
import json
import threading
import urllib.parse
from typing import Any

import boto3
from botocore.config import Config

from vectordb.local.state import Credentials


class Clients:
    """One client a service, made when it is first asked for; safe to use from several threads."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials) -> None:
        self._lock = threading.Lock()
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}
        self._settings: dict[str, Any] = {
            "endpoint_url": endpoint,
            "config": Config(
                max_pool_connections=16,
                retries={"mode": "standard", "max_attempts": 2},
                user_agent="vectordb",  # botocore's own takes it a tenth of each call to put together, twice
            ),
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

    def assign(self, access_key: str, role: str, session: str) -> None:
        """Tell the emulator that calls with this access key are made with a role, as a session of this name.

        Raises:
            RuntimeError: the emulator does not take it, with what it says.
        """
        self._own("POST", "principals", {"accessKey": access_key, "role": role, "session": session})

    def register_cluster(self, arn: str, *, enabled: bool, host: str, port: int, certificate: str) -> None:
        """Tell the emulator where the database of a cluster is, and whether it has a Data API.

        Raises:
            RuntimeError: the emulator does not take it, with what it says.
        """
        cluster = {"arn": arn, "enabled": enabled, "host": host, "port": port, "certificate": certificate}
        self._own("POST", "clusters", cluster)

    def calls(self) -> list[dict[str, Any]]:
        """The emulator's record of the last calls (`emulator.authorization.calls.Call`)."""
        found: list[dict[str, Any]] = self._own("GET", "calls")
        return found

    def _own(self, method: str, page: str, document: dict[str, Any] | None = None) -> Any:
        parts = urllib.parse.urlsplit(self._endpoint)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            connection.request(method, f"/_vectordb/{page}", None if document is None else json.dumps(document))
            response = connection.getresponse()
            said = response.read()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"The emulator answered {response.status} to {method} {page}: {said.decode()}")
        return json.loads(said)
