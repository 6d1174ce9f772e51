"""The s3vectors API over HTTP: paths and verbs to operations. What is left out stands in the package's docstring."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vectordb.local.emulator.s3vectors.catalogue import Catalogue
from vectordb.local.emulator.s3vectors.control import Control
from vectordb.local.emulator.s3vectors.data import Data
from vectordb.local.emulator.s3vectors.text import configuration
from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

LARGEST_REQUEST = 20 * 1024 * 1024


class S3Vectors:
    """The service over a folder.

    Args:
        folder: where buckets, indexes and vectors are kept.
        backfill_seconds: how long a text search configuration that is added to an index is BUILDING; by default what
            VECTORDB_EMULATOR_BACKFILL_SECONDS says, or 0.2.
    """

    def __init__(self, folder: Path, *, backfill_seconds: float | None = None) -> None:
        self.catalogue = Catalogue(folder)
        seconds = configuration.backfill_seconds() if backfill_seconds is None else backfill_seconds
        self._control = Control(self.catalogue, backfill_seconds=seconds)
        self._operations: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any] | Response]] = {
            **self._control.operations(),
            **Data(self._control).operations(),
        }

    def handle(self, operation: str, request: Request) -> Response:
        """Run one operation (`routes` names them).

        Raises:
            ServiceError: a modelled error.
        """
        try:
            return self._handle(operation, request)
        except UnicodeEncodeError as error:
            raise ServiceError(
                "SerializationException", f"The request holds what is no text: {error.reason}"
            ) from error

    def close(self) -> None:
        """Close the files."""
        self.catalogue.close()

    def _handle(self, operation: str, request: Request) -> Response:
        if request.length() > LARGEST_REQUEST:
            raise ServiceError("ValidationException", f"The request is larger than {LARGEST_REQUEST} bytes")
        if operation in self._operations:
            result = self._operations[operation](request.parameters(), request.region)
            return result if isinstance(result, Response) else answer(result)
        arn = request.path.removeprefix("/tags/")
        if operation == "TagResource":
            return answer(self._control.tag(arn, request.parameters()))
        if operation == "UntagResource":
            return answer(self._control.untag(arn, request.query("tagKeys")))
        return answer(self._control.list_tags(arn))
