"""Security groups, their rules, and prefix lists."""

from tests.policy.cases.case import PUBLIC, Case
from tests.policy.support import UNKNOWN

_PORTS = {"protocol": "tcp", "fromPort": 443, "toPort": 443}
_IP = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}

_INGRESS_RULE = "security-group-ingress-private"
_GROUP = "ec2/securityGroup"
_DEFAULT = "ec2/defaultSecurityGroup"
_LEGACY = "ec2/securityGroupRule"
_INGRESS = "vpc/securityGroupIngressRule"
_EGRESS = "vpc/securityGroupEgressRule"

_ADMITTED = [
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}, (("ingress[0].cidrBlocks[1]", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["0.0.0.0/1", "128.0.0.0/1"]}]}, (("ingress[0].cidrBlocks[0]", f"is 0.0.0.0/1, {PUBLIC}"), ("ingress[0].cidrBlocks[1]", f"is 128.0.0.0/1, {PUBLIC}"))),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS, _PORTS | {"ipv6CidrBlocks": ["::/0"]}]}, (("ingress[1].ipv6CidrBlocks[0]", f"is ::/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["everywhere"]}]}, (("ingress[0].cidrBlocks[0]", "is a string that is no CIDR block"),)),
    Case(_INGRESS_RULE, _GROUP, {"ingress": _PORTS | {"cidrBlocks": "0.0.0.0/0"}}, (("ingress.cidrBlocks", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.20.0.0/16", "10.30.0.0/16"]}]}, (("ingress[0].cidrBlocks[1]", f"is 10.30.0.0/16, {PUBLIC}"),), settings={"privateCidrs": ["10.20.0.0/16"]}),
    Case(_INGRESS_RULE, _DEFAULT, {"ingress": [_PORTS | {"cidrBlocks": ["0.0.0.1/0"]}]}, (("ingress[0].cidrBlocks[0]", f"is 0.0.0.1/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _LEGACY, _PORTS | {"type": "ingress", "cidrBlocks": ["8.0.0.0/8"]}, (("cidrBlocks[0]", f"is 8.0.0.0/8, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _LEGACY, _PORTS | {"type": "ingress", "ipv6CidrBlocks": ["2000::/3"]}, (("ipv6CidrBlocks[0]", f"is 2000::/3, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _LEGACY, _PORTS | {"type": UNKNOWN, "cidrBlocks": ["0.0.0.0/0"]}, (("cidrBlocks[0]", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _INGRESS, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, (("cidrIpv4", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _INGRESS, {"ipProtocol": "-1", "cidrIpv6": "::ffff:0:0/96"}, (("cidrIpv6", f"is ::ffff:0:0/96, {PUBLIC}"),)),
    Case(_INGRESS_RULE, _INGRESS, _IP | {"cidrIpv4": "100.64.0.0/10"}, (("cidrIpv4", f"is 100.64.0.0/10, {PUBLIC}"),), settings={"privateCidrs": ["10.0.0.0/8", "no block"]}),
    Case(_INGRESS_RULE, _GROUP, {"egress": [_PORTS | {"cidrBlocks": ["0.0.0.0/0"]}]}),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.0.0.0/16"], "ipv6CidrBlocks": ["fd00::/8"], "securityGroups": ["sg-1"]}]}),
    Case(_INGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.20.0.0/15"]}]}, settings={"privateCidrs": ["10.20.0.0/16", "10.21.0.0/16"]}),
    Case(_INGRESS_RULE, _DEFAULT, {}),
    Case(_INGRESS_RULE, _LEGACY, _PORTS | {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}),
    Case(_INGRESS_RULE, _LEGACY, _PORTS | {"type": "ingress", "sourceSecurityGroupId": "sg-1"}),
    Case(_INGRESS_RULE, _INGRESS, _IP | {"referencedSecurityGroupId": "sg-1"}),
]  # fmt: skip

_FOREIGN_RULE = "security-group-of-own-account"
_FOREIGN = "names a security group of another account"
_SOURCES = [
    Case(_FOREIGN_RULE, _GROUP, {"ingress": [_PORTS | {"securityGroups": ["sg-1", "123456789012/sg-2"]}]}, (("ingress[0].securityGroups[1]", _FOREIGN),)),
    Case(_FOREIGN_RULE, _DEFAULT, {"ingress": [_PORTS | {"securityGroups": [UNKNOWN, "123456789012/sg-2"]}]}, (("ingress[0].securityGroups[1]", _FOREIGN),)),
    Case(_FOREIGN_RULE, _LEGACY, {"type": "ingress", "sourceSecurityGroupId": "123456789012/sg-2"}, (("sourceSecurityGroupId", _FOREIGN),)),
    Case(_FOREIGN_RULE, _INGRESS, _IP | {"referencedSecurityGroupId": "123456789012/sg-2"}, (("referencedSecurityGroupId", _FOREIGN),), settings={"accounts": ["210987654321"]}),
    Case(_FOREIGN_RULE, _INGRESS, _IP | {"referencedSecurityGroupId": "123456789012/sg-2"}, settings={"accounts": ["123456789012"]}),
    Case(_FOREIGN_RULE, _INGRESS, _IP | {"referencedSecurityGroupId": "sg-2"}),
    Case(_FOREIGN_RULE, _LEGACY, {"type": "egress", "sourceSecurityGroupId": "123456789012/sg-2"}),
    Case(_FOREIGN_RULE, _GROUP, {"ingress": [{"self": True}]}),
    Case(_FOREIGN_RULE, _DEFAULT, {"ingress": UNKNOWN}),
]  # fmt: skip

_EGRESS_RULE = "security-group-egress-private"
_LET_OUT = [
    Case(_EGRESS_RULE, _GROUP, {"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"], "ipv6CidrBlocks": ["::/0"]}]}, (("egress[0].cidrBlocks[0]", f"is 0.0.0.0/0, {PUBLIC}"), ("egress[0].ipv6CidrBlocks[0]", f"is ::/0, {PUBLIC}"))),
    Case(_EGRESS_RULE, _DEFAULT, {"egress": [_PORTS | {"cidrBlocks": ["64.0.0.0/2"]}]}, (("egress[0].cidrBlocks[0]", f"is 64.0.0.0/2, {PUBLIC}"),)),
    Case(_EGRESS_RULE, _LEGACY, _PORTS | {"type": "egress", "cidrBlocks": ["52.216.0.0/15"]}, (("cidrBlocks[0]", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_EGRESS_RULE, _EGRESS, _IP | {"cidrIpv4": "128.0.0.0/1"}, (("cidrIpv4", f"is 128.0.0.0/1, {PUBLIC}"),)),
    Case(_EGRESS_RULE, _EGRESS, _IP | {"cidrIpv6": "8000::/1"}, (("cidrIpv6", f"is 8000::/1, {PUBLIC}"),)),
    Case(_EGRESS_RULE, _EGRESS, _IP | {"cidrIpv4": "10.0.0.0/16"}, (("cidrIpv4", f"is 10.0.0.0/16, {PUBLIC}"),), settings={"privateCidrs": ["10.20.0.0/16"]}),
    Case(_EGRESS_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["0.0.0.0/0"]}], "egress": []}),
    Case(_EGRESS_RULE, _LEGACY, _PORTS | {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]}),
    Case(_EGRESS_RULE, _EGRESS, _IP | {"cidrIpv4": UNKNOWN, "prefixListId": "pl-63a5400a"}),
    Case(_EGRESS_RULE, _DEFAULT, {}),
]  # fmt: skip

_PORT_RULE = "security-group-ports-named"
_EVERY = "is every protocol"
_RANGE = "and toPort are a range of ports, or all of them"
_UNNAMED = "is a port that the setting ports does not name"
_SHELL = "is a port of a shell, of files or of mail"
_NAMED_PORTS = [
    Case(_PORT_RULE, _GROUP, {"ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0}], "egress": [{"protocol": "all"}]}, (("ingress[0].protocol", _EVERY), ("egress[0].protocol", _EVERY))),
    Case(_PORT_RULE, _GROUP, {"ingress": [{"protocol": -1}, {"fromPort": 443}]}, (("ingress[0].protocol", _EVERY), ("ingress[1].protocol", "is absent"))),
    Case(_PORT_RULE, _DEFAULT, {"ingress": [_PORTS | {"fromPort": 0, "toPort": 65535}]}, (("ingress[0].fromPort", _RANGE),)),
    Case(_PORT_RULE, _LEGACY, {"protocol": "TCP", "fromPort": 22, "toPort": 22}, (("fromPort", _SHELL),)),
    Case(_PORT_RULE, _LEGACY, {"protocol": "tcp", "fromPort": 8080, "toPort": 8080}, (("fromPort", _SHELL),), settings={"refusedPorts": [8080]}),
    Case(_PORT_RULE, _LEGACY, {"protocol": "icmp", "fromPort": 8, "toPort": 0}, (("protocol", "is neither TCP nor UDP"),)),
    Case(_PORT_RULE, _INGRESS, {"ipProtocol": "6", "fromPort": 5432, "toPort": 5433}, (("fromPort", _RANGE),)),
    Case(_PORT_RULE, _INGRESS, {"ipProtocol": "tcp"}, (("fromPort", _RANGE),)),
    Case(_PORT_RULE, _EGRESS, {"ipProtocol": "udp", "fromPort": "445", "toPort": 445}, (("fromPort", _SHELL),)),
    Case(_PORT_RULE, _EGRESS, _IP, (("fromPort", _UNNAMED),), settings={"ports": [5432]}),
    Case(_PORT_RULE, _GROUP, {"ingress": [_PORTS], "egress": [_PORTS | {"fromPort": 5432.0, "toPort": "5432"}]}),
    Case(_PORT_RULE, _DEFAULT, {}),
    Case(_PORT_RULE, _LEGACY, {"protocol": UNKNOWN, "fromPort": 0, "toPort": 65535}),
    Case(_PORT_RULE, _INGRESS, {"ipProtocol": "tcp", "fromPort": UNKNOWN, "toPort": 443}),
    Case(_PORT_RULE, _EGRESS, {"ipProtocol": "udp", "fromPort": 53, "toPort": 53}),
    Case(_PORT_RULE, _EGRESS, {"ipProtocol": "tcp", "fromPort": 8080, "toPort": 8080}),
    Case(_PORT_RULE, _INGRESS, {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}, settings={"refusedPorts": []}),
]  # fmt: skip

_TEXT_RULE = "security-group-described"
_PROVIDERS = "is the provider's default, which says nothing"
_TEXT = {"description": "who talks to whom"}
_DESCRIBED = [
    Case(_TEXT_RULE, _GROUP, {"ingress": [_PORTS | _TEXT]}, (("description", "is absent"),)),
    Case(_TEXT_RULE, _GROUP, {"description": "Managed by Pulumi"}, (("description", _PROVIDERS),)),
    Case(_TEXT_RULE, _GROUP, {"description": "managed by Terraform "}, (("description", _PROVIDERS),)),
    Case(_TEXT_RULE, _GROUP, {"description": "  "}, (("description", "says nothing"),)),
    Case(_TEXT_RULE, _GROUP, _TEXT | {"ingress": [_PORTS], "egress": [_PORTS | {"description": 7}]}, (("ingress[0].description", "is absent"), ("egress[0].description", "is a number"))),
    Case(_TEXT_RULE, _DEFAULT, {"ingress": [_PORTS]}, (("ingress[0].description", "is absent"),)),
    Case(_TEXT_RULE, _LEGACY, _PORTS, (("description", "is absent"),)),
    Case(_TEXT_RULE, _INGRESS, _IP | {"description": ""}, (("description", "is absent"),)),
    Case(_TEXT_RULE, _EGRESS, _IP, (("description", "is absent"),)),
    Case(_TEXT_RULE, _GROUP, _TEXT | {"ingress": [_PORTS | _TEXT]}),
    Case(_TEXT_RULE, _GROUP, {"description": UNKNOWN}),
    Case(_TEXT_RULE, _DEFAULT, {}),
    Case(_TEXT_RULE, _LEGACY, _PORTS | _TEXT),
]  # fmt: skip

_LIST = "ec2/managedPrefixList"
_LISTS = [
    Case("prefix-list-private", _LIST, {"entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "52.216.0.0/15"}]}, (("entries[1].cidr", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case("prefix-list-private", _LIST, {"entries": [{"cidr": "10.0.0.0/8"}]}, (("entries[0].cidr", f"is 10.0.0.0/8, {PUBLIC}"),), settings={"privateCidrs": ["10.0.0.0/9"]}),
    Case("prefix-list-private", "ec2/managedPrefixListEntry", {"cidr": "::/0"}, (("cidr", f"is ::/0, {PUBLIC}"),)),
    Case("prefix-list-private", _LIST, {"entries": [{"cidr": "10.0.0.0/8"}]}),
    Case("prefix-list-private", "ec2/managedPrefixListEntry", {"cidr": "172.16.0.0/12"}),
]  # fmt: skip

CASES = [*_ADMITTED, *_SOURCES, *_LET_OUT, *_NAMED_PORTS, *_DESCRIBED, *_LISTS]
