"""The local stack's S3 Vectors, asked without HTTP."""

from io import BytesIO

from vectordb.local.emulator.s3vectors.service import S3Vectors
from vectordb.local.emulator.wire import Request, Response, ServiceError


def answered(vectors: S3Vectors, operation: str, body: bytes, authorization: str) -> Response:
    """The answer to a POST of `body` to the operation, errors included."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/{operation}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "HTTP_AUTHORIZATION": authorization,
    }
    try:
        return vectors.handle(operation, Request(environ))
    except ServiceError as error:
        return error.response()
