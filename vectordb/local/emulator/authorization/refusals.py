"""How each service says no: AWS's protocols differ in status, code and form."""

from xml.sax.saxutils import escape

from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

_XML = "text/xml"
_DENIED, _UNKNOWN_CLIENT = "AccessDeniedException", "UnrecognizedClientException"
# The query protocol's names, which are older, and S3's.
_QUERY_CODES = {
    _DENIED: "AccessDenied",
    _UNKNOWN_CLIENT: "InvalidClientTokenId",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
}
_S3_CODES = {
    _DENIED: "AccessDenied",
    _UNKNOWN_CLIENT: "InvalidAccessKeyId",
    "MissingAuthenticationTokenException": "AccessDenied",
}


def error(service: str, code: str, message: str, status: int = 403) -> ServiceError:
    """For the services that are answered here."""
    return ServiceError(code, message, status, message_member="Message" if service == "lambda" else "message")


def response(request: Request, code: str, message: str, request_id: str, status: int = 403) -> Response:
    """For a service that moto answers, in the form of the request."""
    if request.header("X-Amz-Target"):
        # The JSON protocols answer 400 to every mistake of a client.
        return answer({"__type": code, "message": message, "Message": message}, 400 if status < 500 else status)  # noqa: PLR2004 - where the server's own begin
    if request.service == "s3":
        body = f"<Error><Code>{_S3_CODES.get(code, code)}</Code><Message>{escape(message)}</Message></Error>"
        return Response(body.encode(), status, content_type="application/xml")
    if request.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        said = f"<Code>{_QUERY_CODES.get(code, code)}</Code><Message>{escape(message)}</Message>"
        body = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        return Response(body.encode(), status, content_type=_XML)
    return error(request.service, code, message, status).response()
