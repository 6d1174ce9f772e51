"""Answers that are the same in every local stack: what moto does not know, and what has no state here.

EC2's DescribeVpcBlockPublicAccessOptions says what a new account says: off. Bedrock's GetFoundationModelAvailability says
that the models are usable, for those that the stand-in embeds with are.
"""

import re

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.wire import Request, Response, answer

_MODEL = re.compile(r"/foundation-model-availability/([^/]+)")
_XML = "text/xml;charset=UTF-8"


def find(request: Request, operation: str) -> Response | None:
    """The answer, None for what is not settled.

    Args:
        request: as it came.
        operation: the API's name of it, where the protocol tells.
    """
    if (request.service, operation) == ("ec2", "DescribeVpcBlockPublicAccessOptions"):
        return _block_public_access(request.region)
    model = _MODEL.fullmatch(request.path)
    if model is not None and request.method == "GET":
        return answer(
            {
                "modelId": model[1],
                "agreementAvailability": {"status": "AVAILABLE"},
                "authorizationStatus": "AUTHORIZED",
                "entitlementAvailability": "AVAILABLE",
                "regionAvailability": "AVAILABLE",
            }
        )
    return None


def _block_public_access(region: str) -> Response:
    fields = {
        "awsAccountId": ACCOUNT,
        "awsRegion": region,
        "state": "default-state",
        "internetGatewayBlockMode": "off",
        "managedBy": "account",
        "exclusionsAllowed": "allowed",
    }
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = (
        '<DescribeVpcBlockPublicAccessOptionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<vpcBlockPublicAccessOptions>{inside}</vpcBlockPublicAccessOptions>"
        "</DescribeVpcBlockPublicAccessOptionsResponse>"
    )
    return Response(body.encode(), content_type=_XML)
