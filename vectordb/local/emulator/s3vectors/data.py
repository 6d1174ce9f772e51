"""Vectors: put, get, list, delete; `query` has the searches."""

import json
from collections.abc import Callable

from vectordb.local.emulator.numbers import vector_json
from vectordb.local.emulator.s3vectors.catalogue import Resource
from vectordb.local.emulator.s3vectors.control import Answer, Control, Parameters, not_found
from vectordb.local.emulator.s3vectors.pages import decode_position, encode_position
from vectordb.local.emulator.s3vectors.parameters import flag, integer, invalid, items, text
from vectordb.local.emulator.s3vectors.query import Queries, non_filterable
from vectordb.local.emulator.s3vectors.records import check_key, read_records
from vectordb.local.emulator.s3vectors.store import IndexClosedError, Segment, Stored, VectorIndex
from vectordb.local.emulator.wire import Response

MOST_PUT = 500
MOST_GET = 100
MOST_DELETED = 500
MOST_LISTED = 1000
LISTED_BY_DEFAULT = 500
PAGE_BYTES = 1_000_000
"""A page of ListVectors stops at 1 MB processed (API reference)."""


class Data:
    """The data plane over the control plane's indexes."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._queries = Queries(control.catalogue)

    def operations(self) -> dict[str, Callable[[Parameters, str], Answer | Response]]:
        """Operation name → function of the parameters and the region."""
        return {
            "PutVectors": self.put,
            "GetVectors": self.get,
            "ListVectors": self.list,
            "DeleteVectors": self.delete,
            "QueryVectors": self.query,
        }

    def put(self, parameters: Parameters, region: str) -> Answer:
        records = items(parameters, "vectors", 1, MOST_PUT)
        resource, vectors = self._index(parameters, region)
        keys, rows, metadata = read_records(records, vectors.dimension, vectors.metric, non_filterable(resource))
        try:
            vectors.put(keys, rows, metadata)
        except IndexClosedError as error:
            raise not_found("The specified index could not be found") from error
        return {}

    def delete(self, parameters: Parameters, region: str) -> Answer:
        keys = _keys(parameters, MOST_DELETED)
        _, vectors = self._index(parameters, region)
        try:
            vectors.delete(keys)
        except IndexClosedError as error:
            raise not_found("The specified index could not be found") from error
        return {}

    def get(self, parameters: Parameters, region: str) -> Response:
        keys = _keys(parameters, MOST_GET)
        _, vectors = self._index(parameters, region)
        return _vectors(parameters, vectors.get(keys))

    def list(self, parameters: Parameters, region: str) -> Response:
        most = integer(parameters, "maxResults", 1, MOST_LISTED, default=LISTED_BY_DEFAULT)
        segment = _segment(parameters)
        token = text(parameters, "nextToken", 1, 2048, default="")
        after = decode_position(token) if token else ""
        _, vectors = self._index(parameters, region)
        found, last = vectors.page(after, most, PAGE_BYTES, segment)
        return _vectors(parameters, found, encode_position(last) if last else "")

    def query(self, parameters: Parameters, region: str) -> Answer:
        return self._queries.answer(parameters, self._control.index(parameters, region))

    def _index(self, parameters: Parameters, region: str) -> tuple[Resource, VectorIndex]:
        resource = self._control.index(parameters, region)
        return resource, self._control.catalogue.vectors(resource)


def _vectors(parameters: Parameters, found: list[Stored], token: str = "") -> Response:
    with_data, with_metadata = flag(parameters, "returnData"), flag(parameters, "returnMetadata")
    vectors = []
    for stored in found:
        members = [f'"key":{json.dumps(stored.key)}']
        if with_data:
            members.append(f'"data":{{"float32":{vector_json(stored.row)}}}')
        if with_metadata:
            members.append(f'"metadata":{json.dumps(stored.metadata)}')
        vectors.append(f"{{{','.join(members)}}}")
    following = f',"nextToken":{json.dumps(token)}' if token else ""
    return Response(f'{{"vectors":[{",".join(vectors)}]{following}}}'.encode())


def _keys(parameters: Parameters, most: int) -> list[str]:
    return [check_key(key, f"keys/{position}") for position, key in enumerate(items(parameters, "keys", 1, most))]


def _segment(parameters: Parameters) -> Segment:
    given = [parameters.get("segmentCount"), parameters.get("segmentIndex")]
    if given == [None, None]:
        return Segment()
    if None in given:
        raise invalid("segmentCount", "segmentCount and segmentIndex must be given together")
    count = integer(parameters, "segmentCount", 1, 16)
    return Segment(integer(parameters, "segmentIndex", 0, count - 1), count)
