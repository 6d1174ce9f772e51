"""The rules of this pack, in the order in which they are reported."""

from typing import Final

from isolation.rule import Rule
from isolation.rules.account_guards import ACCOUNT_GUARDS
from isolation.rules.accounts import OTHER_ACCOUNTS, SHARED_WITH_DECLARED
from isolation.rules.buckets import ACLS, BLOCKED, BUCKET_KEY, COMPLETE_BUCKETS, OWNERSHIP, REPLICATION, WEBSITES
from isolation.rules.data_services import PUBLIC_SEARCH, SEARCH_ACCESS, STORE_TLS
from isolation.rules.database_logins import IAM_LOGINS, MANAGED_PASSWORDS
from isolation.rules.database_observability import ENHANCED_MONITORING, INSIGHTS, INSIGHTS_KEY, LOGS_EXPORTED
from isolation.rules.database_protocols import PROXY_LOGS, STRONG_PROTOCOLS
from isolation.rules.database_recovery import (
    BACKED_UP,
    DELETION_PROTECTED,
    FINAL_SNAPSHOT,
    KEPT_BACKUPS,
    TAGGED_SNAPSHOTS,
)
from isolation.rules.database_tls import DATABASE_TLS
from isolation.rules.database_upkeep import CERTIFICATE_AUTHORITY, MASTER_NAME, MINOR_UPGRADES
from isolation.rules.encryption import FLOWS_ENCRYPTED, STORES_ENCRYPTED
from isolation.rules.endpoints import ENDPOINT_GROUPS, ENDPOINT_HAS_POLICY, ENDPOINT_NAMES, ENDPOINT_POLICIES
from isolation.rules.environment_tls import ENVIRONMENT_TLS
from isolation.rules.function_reach import DEAD_LETTERS, FUNCTIONS_IN_VPC
from isolation.rules.functions import (
    ENVIRONMENT_KEY,
    ENVIRONMENT_SECRETS,
    EVENT_SOURCES,
    RUNTIME_SUPPORTED,
    TRACED,
)
from isolation.rules.gateways import DEFAULT_NETWORKS, INTERNET_GATEWAYS
from isolation.rules.guard_changes import GUARD_CHANGES
from isolation.rules.identities import BROAD_POLICIES, LASTING_CREDENTIALS
from isolation.rules.identity_policies import ESCALATIONS, INVERSIONS, WIDE_RESOURCES, WILDCARD_ACTIONS
from isolation.rules.instances import FORWARDING, METADATA, PROFILES, SHARED_IMAGES, SHELLS
from isolation.rules.keys import DELETION_WINDOW, LOCKOUT, ROTATED, SINGLE_REGION
from isolation.rules.launch_templates import LAUNCH_TEMPLATES
from isolation.rules.load_balancers import ENCRYPTED_LISTENERS, PUBLIC_LOAD_BALANCERS
from isolation.rules.log_groups import LOG_GROUPS
from isolation.rules.messages import CLEAR_TEXT_REFUSED, MESSAGE_KEYS, QUEUE_DEAD_LETTERS, SUBSCRIPTIONS
from isolation.rules.network_acls import NETWORK_ACL_ANSWERS, NETWORK_ACL_EGRESS, NETWORK_ACL_INGRESS, SUBNET_ACLS
from isolation.rules.operations import ALARMS_HEARD, LOG_KEYS, PUBLIC_SHARING, RETENTION, SESSIONS
from isolation.rules.other_environments import OTHER_ENVIRONMENTS
from isolation.rules.other_networks import ENDPOINT_SERVICES, LATTICE, OTHER_NETWORKS, TRANSIT_GATEWAYS
from isolation.rules.own_parts import OWN_PARTS
from isolation.rules.prefix_lists import INGRESS_PREFIX_LISTS, PREFIX_LIST_ENTRIES
from isolation.rules.protection import NOT_FORCED, PROTECTED
from isolation.rules.public_addresses import IPV6, PUBLIC_ADDRESSES
from isolation.rules.public_endpoints import PUBLIC_DATABASES, PUBLIC_FUNCTIONS, PUBLIC_STORES
from isolation.rules.public_services import PRIVATE_APIS, PUBLIC_SERVICES
from isolation.rules.reachability import FLOWS_AS_DECLARED, NO_WAY_IN
from isolation.rules.resource_policies import (
    PUBLIC_GRANTS,
    PUBLIC_POLICIES,
    READABLE_POLICIES,
    UNSOURCED_SERVICES,
)
from isolation.rules.routes import DECLARED_ROUTES, INTERNET_ROUTES, SUBNET_TABLES
from isolation.rules.secrets import CHECKED_POLICIES, CLEAR_PARAMETERS, RECOVERABLE, ROTATED_SECRETS, SECRET_KEYS
from isolation.rules.security_group_egress import EGRESS_PREFIX_LISTS, SECURITY_GROUP_EGRESS
from isolation.rules.security_group_rules import DESCRIPTIONS, RULES_IN_ONE_PLACE, SECURITY_GROUP_PORTS
from isolation.rules.security_groups import FOREIGN_GROUPS, SECURITY_GROUP_INGRESS
from isolation.rules.services import SERVICES
from isolation.rules.sessions import FIXED_TARGETS, NAMED_DOCUMENTS
from isolation.rules.storage import CUSTOMER_KEYS, STORAGE_ENCRYPTED
from isolation.rules.stray_credentials import STRAY_CREDENTIALS, WRITTEN_SECRETS
from isolation.rules.transport_policies import TRANSPORT_POLICIES
from isolation.rules.trust import CONFUSED_DEPUTIES, FEDERATED_TRUST, WIDE_TRUST
from isolation.rules.unread import COMMANDS, IGNORED_CHANGES, OTHER_PROVIDERS, PROVIDERS, TEMPLATES
from isolation.rules.user_data import USER_DATA
from isolation.rules.vpcs import (
    FLOW_LOG_TRAFFIC,
    FLOW_LOGS,
    VPC_CIDRS,
    VPC_DEFAULTS_EMPTY,
    VPC_DEFAULTS_NOT_EXTENDED,
    VPC_DEFAULTS_TAKEN,
    VPC_NAMES,
)
from isolation.rules.ways_around import DATABASE_FEATURES, SHARES_WITHIN, WAYS_FOR_DATA, WAYS_FOR_IDENTITIES

RULES: Final[tuple[Rule, ...]] = (
    SECURITY_GROUP_INGRESS,
    FOREIGN_GROUPS,
    SECURITY_GROUP_EGRESS,
    EGRESS_PREFIX_LISTS,
    SECURITY_GROUP_PORTS,
    DESCRIPTIONS,
    RULES_IN_ONE_PLACE,
    PREFIX_LIST_ENTRIES,
    INGRESS_PREFIX_LISTS,
    NETWORK_ACL_INGRESS,
    NETWORK_ACL_EGRESS,
    NETWORK_ACL_ANSWERS,
    SUBNET_ACLS,
    INTERNET_GATEWAYS,
    INTERNET_ROUTES,
    DECLARED_ROUTES,
    SUBNET_TABLES,
    OTHER_NETWORKS,
    OWN_PARTS,
    TRANSIT_GATEWAYS,
    ENDPOINT_SERVICES,
    LATTICE,
    PUBLIC_ADDRESSES,
    IPV6,
    PUBLIC_DATABASES,
    PUBLIC_STORES,
    PUBLIC_FUNCTIONS,
    PUBLIC_SERVICES,
    PRIVATE_APIS,
    PUBLIC_LOAD_BALANCERS,
    ENCRYPTED_LISTENERS,
    DEFAULT_NETWORKS,
    VPC_DEFAULTS_TAKEN,
    VPC_DEFAULTS_EMPTY,
    VPC_DEFAULTS_NOT_EXTENDED,
    VPC_CIDRS,
    VPC_NAMES,
    FLOW_LOGS,
    FLOW_LOG_TRAFFIC,
    ENDPOINT_POLICIES,
    ENDPOINT_HAS_POLICY,
    ENDPOINT_NAMES,
    ENDPOINT_GROUPS,
    METADATA,
    SHELLS,
    PROFILES,
    FORWARDING,
    USER_DATA,
    LAUNCH_TEMPLATES,
    SHARED_IMAGES,
    ACCOUNT_GUARDS,
    TEMPLATES,
    OTHER_PROVIDERS,
    SERVICES,
    WAYS_FOR_IDENTITIES,
    WAYS_FOR_DATA,
    SHARES_WITHIN,
    COMMANDS,
    IGNORED_CHANGES,
    PROVIDERS,
    STORAGE_ENCRYPTED,
    CUSTOMER_KEYS,
    DATABASE_TLS,
    STRONG_PROTOCOLS,
    PROXY_LOGS,
    DATABASE_FEATURES,
    TRANSPORT_POLICIES,
    IAM_LOGINS,
    MANAGED_PASSWORDS,
    PUBLIC_SEARCH,
    STORE_TLS,
    SEARCH_ACCESS,
    DELETION_PROTECTED,
    BACKED_UP,
    FINAL_SNAPSHOT,
    KEPT_BACKUPS,
    TAGGED_SNAPSHOTS,
    PROTECTED,
    NOT_FORCED,
    LOGS_EXPORTED,
    ENHANCED_MONITORING,
    INSIGHTS,
    INSIGHTS_KEY,
    CERTIFICATE_AUTHORITY,
    MINOR_UPGRADES,
    MASTER_NAME,
    PUBLIC_POLICIES,
    PUBLIC_GRANTS,
    UNSOURCED_SERVICES,
    SHARED_WITH_DECLARED,
    OTHER_ACCOUNTS,
    READABLE_POLICIES,
    WIDE_TRUST,
    FEDERATED_TRUST,
    CONFUSED_DEPUTIES,
    WILDCARD_ACTIONS,
    WIDE_RESOURCES,
    INVERSIONS,
    ESCALATIONS,
    GUARD_CHANGES,
    BROAD_POLICIES,
    LASTING_CREDENTIALS,
    ENVIRONMENT_SECRETS,
    OTHER_ENVIRONMENTS,
    STRAY_CREDENTIALS,
    WRITTEN_SECRETS,
    ENVIRONMENT_TLS,
    ENVIRONMENT_KEY,
    TRACED,
    RUNTIME_SUPPORTED,
    EVENT_SOURCES,
    FUNCTIONS_IN_VPC,
    DEAD_LETTERS,
    MESSAGE_KEYS,
    SUBSCRIPTIONS,
    CLEAR_TEXT_REFUSED,
    QUEUE_DEAD_LETTERS,
    BLOCKED,
    ACLS,
    OWNERSHIP,
    WEBSITES,
    BUCKET_KEY,
    REPLICATION,
    COMPLETE_BUCKETS,
    ROTATED,
    DELETION_WINDOW,
    SINGLE_REGION,
    LOCKOUT,
    SECRET_KEYS,
    CLEAR_PARAMETERS,
    RECOVERABLE,
    CHECKED_POLICIES,
    ROTATED_SECRETS,
    RETENTION,
    LOG_KEYS,
    LOG_GROUPS,
    ALARMS_HEARD,
    SESSIONS,
    FIXED_TARGETS,
    NAMED_DOCUMENTS,
    PUBLIC_SHARING,
    NO_WAY_IN,
    FLOWS_AS_DECLARED,
    FLOWS_ENCRYPTED,
    STORES_ENCRYPTED,
)
