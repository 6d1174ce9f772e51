"""The clusters that have a Data API here, and how each is reached."""

import threading
from dataclasses import dataclass
from typing import Any

from vectordb.local.emulator.wire import ServiceError


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster.

    Attributes:
        arn: of the cluster.
        enabled: whether its HTTP endpoint is on.
        host: the endpoint's name, which its certificate is checked against.
        port: of its TLS front on 127.0.0.1.
        certificate: PEM file of the authority that vouches for the name.
        call_seconds: how long a call may take; AWS's limit by default.
        idle_seconds: how long a transaction may wait for its next call; AWS's limit by default.
    """

    arn: str
    enabled: bool
    host: str
    port: int
    certificate: str
    call_seconds: float = 45.0
    idle_seconds: float = 180.0


class Clusters:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Cluster] = {}

    def register(self, document: dict[str, Any]) -> None:
        """Take a cluster in, in place of an earlier one of its ARN.

        Raises:
            ServiceError: a member is missing or unknown.
        """
        try:
            cluster = Cluster(**document)
        except TypeError as error:
            raise ServiceError("ValidationException", f"This is no cluster: {error}") from error
        with self._lock:
            self._known[cluster.arn] = cluster

    def get(self, arn: str) -> Cluster:
        """The cluster.

        Raises:
            ServiceError: there is none, or its endpoint is off, which AWS tells in the same words.
        """
        with self._lock:
            found = self._known.get(arn)
        if found is None or not found.enabled:
            raise ServiceError("HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}")
        return found
