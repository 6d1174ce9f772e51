"""The objects of a job: written whole, read by ranges, listed and deleted (Amazon S3 API: PutObject, GetObject, ListObjectsV2, DeleteObject)."""

import html
import re
from typing import NamedTuple
from urllib.parse import quote

from embedder.batch.calls import call, origin
from embedder.errors import CallError

_OBJECT = re.compile(r"<Contents>.*?<Key>([^<]*)</Key>.*?<Size>([0-9]+)</Size>.*?</Contents>", re.DOTALL)
GONE = frozenset({"NoSuchKey", "Http404"})
PAST_THE_END = frozenset({"InvalidRange", "Http416"})


class Listed(NamedTuple):
    """An object."""

    key: str
    size: int


class Bucket:
    """One bucket.

    Args:
        owner: account that it must belong to: a name that another account took is refused (S3 User Guide, bucket owner condition).
    """

    def __init__(self, name: str, owner: str, region: str) -> None:
        self.name = name
        self._region = region
        self._origin = origin("s3", region, name)
        self._owner = {"x-amz-expected-bucket-owner": owner}

    def put(self, key: str, body: bytes) -> None:
        """Write an object. Raises CallError."""
        call("s3", self._region, "PUT", self._url(key), body, self._owner | {"Content-Type": "application/jsonl"})

    def read(self, key: str, start: int, length: int) -> bytes:
        """So many bytes from there on, fewer at the end, none behind it. Raises CallError."""
        try:
            headers = self._owner | {"Range": f"bytes={start}-{start + length - 1}"}
            return call("s3", self._region, "GET", self._url(key), b"", headers).body
        except CallError as error:
            if error.code in PAST_THE_END:
                return b""
            raise

    def listed(self, prefix: str) -> list[Listed]:
        """The first 1,000 objects below a prefix, by key: a job has far fewer. Raises CallError."""
        url = f"{self._origin}/?list-type=2&prefix={quote(prefix, safe='')}"
        answer = call("s3", self._region, "GET", url, b"", self._owner).body.decode()
        return [Listed(html.unescape(key), int(size)) for key, size in _OBJECT.findall(answer)]

    def delete(self, key: str) -> None:
        """Delete an object, if it is there. Raises CallError."""
        call("s3", self._region, "DELETE", self._url(key), b"", self._owner)

    def _url(self, key: str) -> str:
        return f"{self._origin}/{quote(key)}"
