"""The objects of a job, in moto's S3, read and written in the name of the job's role."""

from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.gate import RefusedError
from vectordb.local.emulator.authorization.principals import Session

SERVICE = "bedrock.amazonaws.com"


class InaccessibleError(Exception):
    """A job that cannot reach its objects; the message is the job's."""


class Objects:
    """Of one job.

    Args:
        acting: judges what the role may; everything where nothing is judged.
        role: the job's service role.
    """

    def __init__(self, acting: Acting, role: str, region: str) -> None:
        self._acting = acting
        self._session = Session(role, "BedrockModelInvocationJob")
        self._region = region
        self._partition = partition_of(region)

    def listed(self, bucket: str, prefix: str) -> dict[str, bytes]:
        """The objects below a prefix, or the one of that name. Raises InaccessibleError."""
        self._check("s3:ListBucket", bucket)
        keys = [key for key in self._bucket(bucket).keys if key.startswith(prefix)]
        found = {}
        for key in sorted(keys):
            self._check("s3:GetObject", f"{bucket}/{key}")
            found[key] = bytes(self._backend().get_object(bucket, key).value)
        return found

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object. Raises InaccessibleError."""
        self._bucket(bucket)
        self._check("s3:PutObject", f"{bucket}/{key}")
        self._backend().put_object(bucket, key, body)

    def _bucket(self, name: str) -> Any:
        found = self._backend().buckets.get(name)
        if found is None:
            raise InaccessibleError(f"The bucket {name} does not exist.")
        return found

    def _backend(self) -> Any:
        from moto.s3.models import s3_backends

        return s3_backends[ACCOUNT][self._partition]

    def _check(self, action: str, resource: str) -> None:
        wanted = Asked((action,), (f"arn:{self._partition}:s3:::{resource}",))
        try:
            self._acting.check(SERVICE, self._session, wanted, self._region, each=False)
        except RefusedError as refused:
            raise InaccessibleError(
                f"Access denied when trying to reach s3://{resource}: {refused.message}"
            ) from refused
