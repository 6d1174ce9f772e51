"""The rules of this pack, in the order in which they are reported."""

from typing import Final

from isolation.rule import Rule
from isolation.rules.database_logins import IAM_LOGINS, MANAGED_PASSWORDS
from isolation.rules.database_tls import DATABASE_TLS
from isolation.rules.gateways import DEFAULT_NETWORKS, INTERNET_GATEWAYS
from isolation.rules.network_acls import NETWORK_ACL_INGRESS
from isolation.rules.prefix_lists import INGRESS_PREFIX_LISTS, PREFIX_LIST_ENTRIES
from isolation.rules.public_addresses import PUBLIC_ADDRESSES
from isolation.rules.public_endpoints import PUBLIC_DATABASES, PUBLIC_FUNCTIONS, PUBLIC_LOAD_BALANCERS
from isolation.rules.routes import INTERNET_ROUTES
from isolation.rules.security_groups import SECURITY_GROUP_INGRESS
from isolation.rules.storage import CUSTOMER_KEYS, STORAGE_ENCRYPTED
from isolation.rules.transport_policies import TRANSPORT_POLICIES

RULES: Final[tuple[Rule, ...]] = (
    SECURITY_GROUP_INGRESS,
    PREFIX_LIST_ENTRIES,
    INGRESS_PREFIX_LISTS,
    NETWORK_ACL_INGRESS,
    INTERNET_GATEWAYS,
    INTERNET_ROUTES,
    PUBLIC_ADDRESSES,
    PUBLIC_DATABASES,
    PUBLIC_FUNCTIONS,
    PUBLIC_LOAD_BALANCERS,
    DEFAULT_NETWORKS,
    STORAGE_ENCRYPTED,
    CUSTOMER_KEYS,
    DATABASE_TLS,
    TRANSPORT_POLICIES,
    IAM_LOGINS,
    MANAGED_PASSWORDS,
)
