"""No service of AWS's puts a public name in front of the network."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, presence_unless, strings
from isolation.reading.documents import NoDocumentError, is_public, statements
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack

_SETTING: Final = "names"

# What stands at the edge of AWS whatever its properties say.
_ALWAYS: Final = {
    "cloudfront/distribution": "is a public distribution",
    "cloudfront/multitenantDistribution": "is a public distribution",
    "cloudfront/distributionTenant": "is a public distribution",
    "cloudfront/vpcOrigin": "lets CloudFront reach into a VPC",
    "globalaccelerator/accelerator": "is a public accelerator",
    "globalaccelerator/customRoutingAccelerator": "is a public accelerator",
    "globalaccelerator/endpointGroup": "puts an accelerator in front of an endpoint",
    "globalaccelerator/customRoutingEndpointGroup": "puts an accelerator in front of an endpoint",
    "dsql/cluster": "is a database with a public endpoint",
    "lightsail/instancePublicPorts": "opens ports of a machine with a public address",
    "lightsail/instance": "is a machine with a public address",
    "lightsail/containerService": "is a public service",
    "lightsail/lb": "is a public load balancer",
    "lightsail/staticIp": "is a public address",
    "lightsail/distribution": "is a public distribution",
    "ec2clientvpn/endpoint": "is a public VPN endpoint",
    "ec2clientvpn/networkAssociation": "joins a subnet to a public VPN endpoint",
    "verifiedaccess/endpoint": "is a public Verified Access endpoint",
    "transfer/webApp": "is a public web application",
    "apigatewayv2/api": "is a public API",
    "apigatewayv2/domainName": "is the public name of an API",
    "apigatewayv2/vpcLink": "lets APIs reach into a VPC",
    "apigateway/vpcLink": "lets APIs reach into a VPC",
    "appsync/api": "is a public API",
    "amplify/app": "is a public application",
    "elasticbeanstalk/environment": "is a public environment",
    "iot/domainConfiguration": "is the public name of a broker",
}


def _endpoint_types(what: str) -> Check:
    """A check that an API, or its domain name, has endpoints of type PRIVATE and no other."""

    def check(resource: Resource) -> Iterator[Finding]:
        if resource.name in _names(resource):
            return
        types = resource.at("endpointConfiguration", "types")
        kinds = list(types.elements())
        if not types.unknown and not kinds:
            yield Finding("endpointConfiguration.types", f"is absent, which makes it {what}")
        for kind in kinds:
            if kind.given and kind.text != "PRIVATE":
                yield Finding(kind.path, f"makes it {what}")

    return check


def _names(resource: Resource) -> list[str]:
    return strings(resource.settings, _SETTING)


def _graph(resource: Resource) -> Iterator[Finding]:
    visibility = resource.at("visibility")
    if resource.name not in _names(resource) and not visibility.unknown and visibility.text != "PRIVATE":
        yield Finding(visibility.path, "is absent, and GLOBAL by default" if visibility.absent else "is not PRIVATE")


def _app_runner(resource: Resource) -> Iterator[Finding]:
    flag = resource.at("networkConfiguration", "ingressConfiguration", "isPubliclyAccessible")
    if resource.name not in _names(resource) and not flag.unknown and flag.truth is not False:
        yield Finding(flag.path, "is absent, and true by default" if flag.absent else f"is {flag.described}, not false")


def _transfer(resource: Resource) -> Iterator[Finding]:
    if resource.name in _names(resource):
        return
    kind = resource.at("endpointType")
    if not kind.unknown and kind.text not in ("VPC", "VPC_ENDPOINT"):
        yield Finding(kind.path, "is absent, and PUBLIC by default" if kind.absent else "is not VPC")
    addresses = resource.at("endpointDetails", "addressAllocationIds")
    if any(True for _ in addresses.elements()):
        yield Finding(addresses.path, "gives the server public addresses")


PUBLIC_SERVICES = ResourceRule(
    id="no-public-service",
    title="No service puts a public name in front of the network.",
    severity=Severity.CRITICAL,
    remedy="Remove it, or make it private; if it belongs to the system, give its name in the setting names.",
    why=(
        "A distribution, an accelerator, an API or a VPN endpoint has its public address at AWS's edge and not in the VPC, so "
        "that no gateway, route or security group of the VPC shows it: VPC origins and VPC links reach private subnets "
        "without any of these (Amazon CloudFront Developer Guide, Restrict access with VPC origins; API Gateway Developer "
        "Guide, VPC links)."
    ),
    settings=(identifiers(_SETTING, "The names of resources that are meant to be public."),),
    frameworks=Frameworks(checkov=("CKV_AWS_164",)),
    checks={
        **{aws(path): presence_unless(what, _SETTING) for path, what in _ALWAYS.items()},
        aws("apigateway/restApi"): _endpoint_types("a public API"),
        aws("apigateway/domainName"): _endpoint_types("a public name"),
        aws("appsync/graphQLApi"): _graph,
        aws("apprunner/service"): _app_runner,
        aws("transfer/server"): _transfer,
    },
)


def _is_private(api: Resource) -> bool:
    return "PRIVATE" in {kind.text for kind in api.at("endpointConfiguration", "types").each()}


def _opens(policy: Property) -> bool:
    """Whether a known policy lets everybody in who reaches any endpoint of API Gateway's, from whatever VPC."""
    try:
        return any(is_public(statement) for statement in statements(policy))
    except NoDocumentError:
        return True


def _without_policy(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    attached: dict[str, list[tuple[Resource, Property]]] = {}
    for holder in stack.of("apigateway/restApiPolicy"):
        for api in stack.referenced(holder, "restApiId", "apigateway/restApi"):
            attached.setdefault(api.urn, []).append((holder, holder.at("policy")))
    for api in filter(_is_private, stack.of("apigateway/restApi")):
        policies = [(api, api.at("policy")), *attached.get(api.urn, [])]
        if all(policy.absent for _, policy in policies):
            yield api, Finding("policy", "is absent")
        for holder, policy in policies:
            if policy.given and _opens(policy):
                yield holder, Finding(policy.path, "lets everybody in, from whatever VPC")


PRIVATE_APIS = StackRule(
    id="private-api-has-policy",
    title="A private API names the VPC or the endpoint that it admits.",
    severity=Severity.HIGH,
    remedy="Give it a policy that allows execute-api:Invoke under a condition on aws:SourceVpce or aws:SourceVpc.",
    why=(
        "Private means reachable through an endpoint for API Gateway, and each account has such endpoints: without a condition "
        "on the VPC or the endpoint, other accounts' are as good as this one's (API Gateway Developer Guide, Private REST "
        "APIs: resource policies)."
    ),
    check=_without_policy,
)
