"""Public services, load balancers, and resources that make others."""

from tests.policy.cases.case import ABSENT_FALSE, Case
from tests.policy.support import UNKNOWN

_RULE = "no-public-service"
_NAMED = {"names": ["thing"]}
_EDGE = [
    ("cloudfront/distribution", "is a public distribution"),
    ("cloudfront/multitenantDistribution", "is a public distribution"),
    ("cloudfront/distributionTenant", "is a public distribution"),
    ("cloudfront/vpcOrigin", "lets CloudFront reach into a VPC"),
    ("globalaccelerator/accelerator", "is a public accelerator"),
    ("globalaccelerator/customRoutingAccelerator", "is a public accelerator"),
    ("globalaccelerator/endpointGroup", "puts an accelerator in front of an endpoint"),
    ("globalaccelerator/customRoutingEndpointGroup", "puts an accelerator in front of an endpoint"),
    ("dsql/cluster", "is a database with a public endpoint"),
    ("lightsail/instancePublicPorts", "opens ports of a machine with a public address"),
    ("lightsail/instance", "is a machine with a public address"),
    ("lightsail/containerService", "is a public service"),
    ("lightsail/lb", "is a public load balancer"),
    ("lightsail/staticIp", "is a public address"),
    ("lightsail/distribution", "is a public distribution"),
    ("ec2clientvpn/endpoint", "is a public VPN endpoint"),
    ("ec2clientvpn/networkAssociation", "joins a subnet to a public VPN endpoint"),
    ("verifiedaccess/endpoint", "is a public Verified Access endpoint"),
    ("transfer/webApp", "is a public web application"),
    ("apigatewayv2/api", "is a public API"),
    ("apigatewayv2/domainName", "is the public name of an API"),
    ("apigatewayv2/vpcLink", "lets APIs reach into a VPC"),
    ("apigateway/vpcLink", "lets APIs reach into a VPC"),
    ("appsync/api", "is a public API"),
    ("amplify/app", "is a public application"),
    ("elasticbeanstalk/environment", "is a public environment"),
    ("iot/domainConfiguration", "is the public name of a broker"),
]
_TYPES = "endpointConfiguration.types"
_SERVICES = [
    *(Case(_RULE, type_, {}, (("", what),)) for type_, what in _EDGE),
    Case(_RULE, "cloudfront/distribution", {}, settings=_NAMED),
    Case(_RULE, "apigateway/restApi", {}, ((_TYPES, "is absent, which makes it a public API"),)),
    Case(_RULE, "apigateway/restApi", {"endpointConfiguration": {"types": "REGIONAL"}}, ((_TYPES, "makes it a public API"),)),
    Case(_RULE, "apigateway/domainName", {"endpointConfiguration": {"types": "EDGE"}}, ((_TYPES, "makes it a public name"),)),
    Case(_RULE, "appsync/graphQLApi", {}, (("visibility", "is absent, and GLOBAL by default"),)),
    Case(_RULE, "appsync/graphQLApi", {"visibility": "GLOBAL"}, (("visibility", "is not PRIVATE"),)),
    Case(_RULE, "apprunner/service", {}, (("networkConfiguration.ingressConfiguration.isPubliclyAccessible", "is absent, and true by default"),)),
    Case(_RULE, "transfer/server", {}, (("endpointType", "is absent, and PUBLIC by default"),)),
    Case(_RULE, "transfer/server", {"endpointType": "VPC", "endpointDetails": {"addressAllocationIds": [UNKNOWN]}}, (("endpointDetails.addressAllocationIds", "gives the server public addresses"),)),
    Case(_RULE, "apigateway/restApi", {"endpointConfiguration": {"types": "PRIVATE"}}),
    Case(_RULE, "apigateway/restApi", {"endpointConfiguration": UNKNOWN}),
    Case(_RULE, "apigateway/domainName", {}, settings=_NAMED),
    Case(_RULE, "appsync/graphQLApi", {"visibility": "PRIVATE"}),
    Case(_RULE, "apprunner/service", {"networkConfiguration": {"ingressConfiguration": {"isPubliclyAccessible": False}}}),
    Case(_RULE, "transfer/server", {"endpointType": "VPC", "endpointDetails": {"vpcId": UNKNOWN}}),
    Case(_RULE, "transfer/server", {}, settings=_NAMED),
]  # fmt: skip

_INTERNAL = "load-balancer-internal"
_BALANCERS = ("lb/loadBalancer", "alb/loadBalancer", "elb/loadBalancer", "elasticloadbalancingv2/loadBalancer", "elasticloadbalancing/loadBalancer", "applicationloadbalancing/loadBalancer")  # fmt: skip
_BALANCED = [
    *(Case(_INTERNAL, type_, {}, (("internal", ABSENT_FALSE),)) for type_ in _BALANCERS),
    Case(_INTERNAL, "lb/loadBalancer", {"internal": False}, (("internal", "is false, not true"),)),
    Case(_INTERNAL, "lb/loadBalancer", {"loadBalancerType": UNKNOWN}, (("internal", ABSENT_FALSE),)),
    Case(_INTERNAL, "lb/loadBalancer", {"internal": True}),
    Case(_INTERNAL, "lb/loadBalancer", {"loadBalancerType": "gateway"}),
]  # fmt: skip

_TLS = "load-balancer-encrypted"
_LISTENERS = ("lb/listener", "alb/listener", "elasticloadbalancingv2/listener", "applicationloadbalancing/listener")
_HTTP = {"port": 80, "protocol": "HTTP"}
_REDIRECT = {"defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}]}
_CLEAR = "takes clear text"
_OLD = "takes TLS 1.1 or older, or is not one of AWS's policies"
_NO_POLICY = "is absent, so that a default policy decides which TLS versions pass"
_ENCRYPTED = [
    *(Case(_TLS, type_, _HTTP, (("protocol", _CLEAR),)) for type_ in _LISTENERS),
    Case(_TLS, "lb/listener", {"port": 80}, (("protocol", "is absent, and HTTP by default"),)),
    Case(_TLS, "lb/listener", _HTTP | {"defaultActions": [{"type": "forward"}]}, (("protocol", _CLEAR),)),
    Case(_TLS, "lb/listener", _HTTP | {"defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTP"}}]}, (("protocol", _CLEAR),)),
    Case(_TLS, "lb/listener", {"protocol": "HTTPS"}, (("sslPolicy", _NO_POLICY),)),
    Case(_TLS, "lb/listener", {"protocol": "TLS", "sslPolicy": "ELBSecurityPolicy-2016-08"}, (("sslPolicy", _OLD),)),
    Case(_TLS, "alb/listener", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-0-2021-06"}, (("sslPolicy", _OLD),)),
    *(
        Case(_TLS, type_, {"listeners": [{"lbProtocol": "https", "instanceProtocol": "ssl"}, {"lbProtocol": "TCP", "instanceProtocol": "http"}]}, (("listeners[1].lbProtocol", _CLEAR), ("listeners[1].instanceProtocol", _CLEAR)))
        for type_ in ("elb/loadBalancer", "elasticloadbalancing/loadBalancer")
    ),
    Case(_TLS, "lb/targetGroup", {"port": 80, "protocol": "HTTP"}, (("protocol", "sends clear text to the targets"),)),
    Case(_TLS, "alb/targetGroup", {"protocol": "http"}, (("protocol", "sends clear text to the targets"),)),
    Case(_TLS, "lb/targetGroup", {"protocol": "TCP"}),
    Case(_TLS, "alb/targetGroup", {"protocol": UNKNOWN}),
    Case(_TLS, "lb/listener", _HTTP | _REDIRECT),
    Case(_TLS, "lb/listener", {}),
    Case(_TLS, "lb/listener", {"port": 5432, "protocol": "TCP"}),
    Case(_TLS, "lb/listener", {"port": 80, "protocol": UNKNOWN}),
    Case(_TLS, "alb/listener", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
    Case(_TLS, "alb/listener", {"protocol": "TLS", "sslPolicy": "ELBSecurityPolicy-FS-1-2-Res-2020-10"}),
    Case(_TLS, "alb/listener", {"protocol": "HTTPS", "sslPolicy": UNKNOWN}),
    Case(_TLS, "elb/loadBalancer", {"listeners": [{"lbProtocol": "SSL", "instanceProtocol": "ssl"}]}),
]  # fmt: skip

_TEMPLATES = "no-resources-in-templates"
_MADE = [
    *(
        Case(_TEMPLATES, f"cloudformation/{name}", {}, (("", "makes resources from a template"),))
        for name in ("stack", "stackSet", "stackInstances", "stackSetInstance")
    ),
    Case(_TEMPLATES, "servicecatalog/provisionedProduct", {}, (("", "makes resources from a product"),)),
    Case(_TEMPLATES, "cloudcontrol/resource", {}, (("", "makes a resource of any type"),)),
    Case(_TEMPLATES, "cloudformation/stack", {}, settings=_NAMED),
]  # fmt: skip

CASES = [*_SERVICES, *_BALANCED, *_ENCRYPTED, *_MADE]
