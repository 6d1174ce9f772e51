"""Other services that could hold the same data are not public, and speak TLS."""

import json
from collections.abc import Iterator, Mapping

from pulumi_policy import Severity

from isolation.checks import every, is_not_false, is_one_of, is_true, none_true, on
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule

_private = none_true("publiclyAccessible")


def _outside_vpc(resource: Resource) -> Iterator[Finding]:
    if resource.at("vpcOptions").absent:
        yield Finding("vpcOptions", "is absent, so that its endpoint is public")


def _serverless_network(resource: Resource) -> Iterator[Finding]:
    policy = resource.at("policy")
    if resource.at("type").text != "network" or policy.text is None:
        return
    try:
        rules = Property(policy.path, json.loads(policy.text))
    except (ValueError, RecursionError):
        yield Finding(policy.path, "is a string that is no network policy")
        return
    for rule in rules.each():
        if isinstance(rule.value, Mapping) and rule.at("AllowFromPublic").truth is not False:
            yield Finding(f"{rule.path}.AllowFromPublic", "is not false")


PUBLIC_SEARCH = ResourceRule(
    id="search-and-studio-not-public",
    title="No search domain, graph or studio answers on the internet.",
    severity=Severity.CRITICAL,
    remedy="Put it into the isolated subnets and switch its public access off.",
    why=(
        "An isolated database is of little use when its content is also in a search domain, a graph, a time series or a "
        "studio with a public address. Several of these are public when nothing is said: OpenSearch domains without "
        "vpcOptions, SageMaker domains (OpenSearch Service Developer Guide, VPC support; SageMaker API, CreateDomain)."
    ),
    frameworks=Frameworks(
        fsbp=("ES.2", "Opensearch.2"),
        cdk_nag=("AwsSolutions-OS1",),
        checkov=("CKV_AWS_137",),
    ),
    checks=on(
        {
            "elasticsearch/domain": _outside_vpc,
            "mwaa/environment": every(is_one_of("PRIVATE_ONLY", default="PRIVATE_ONLY"), "webserverAccessMode"),
            "neptunegraph/graph": none_true("publicConnectivity"),
            "opensearch/domain": _outside_vpc,
            "opensearch/serverlessSecurityPolicy": _serverless_network,
            "rds/shardGroup": _private,
            "sagemaker/domain": every(is_one_of("VpcOnly", default="PublicInternetOnly"), "appNetworkAccessType"),
            "timestreaminfluxdb/dbCluster": _private,
            "timestreaminfluxdb/dbInstance": _private,
        }
    ),
)


def _domain_tls(resource: Resource) -> Iterator[Finding]:
    options = resource.at("domainEndpointOptions")
    yield from is_true(options.at("enforceHttps"))
    policy = options.at("tlsSecurityPolicy")
    if policy.text is not None and "TLS-1-0" in policy.text:
        yield Finding(policy.path, "admits TLS 1.0", "Name a policy that starts at TLS 1.2.")
    yield from is_true(resource.at("nodeToNodeEncryption", "enabled"))


def _broker_tls(resource: Resource) -> Iterator[Finding]:
    transit = resource.at("encryptionInfo", "encryptionInTransit")
    # What is left out is TLS between clients and brokers, and true between brokers (Amazon MSK API, EncryptionInTransit).
    yield from is_one_of("TLS", default="TLS")(transit.at("clientBroker"))
    yield from is_not_false(transit.at("inCluster"))


def _replication_group(resource: Resource) -> Iterator[Finding]:
    yield from is_true(resource.at("transitEncryptionEnabled"))
    mode = resource.at("transitEncryptionMode")
    if mode.text == "preferred":
        yield Finding(mode.path, "also takes connections without TLS", "Set it to required.")


def _cache(resource: Resource) -> Iterator[Finding]:
    # A node of a replication group has that one's setting.
    if resource.at("replicationGroupId").absent:
        yield from is_true(resource.at("transitEncryptionEnabled"))


# Engines of DMS that are databases with TLS of their own (AWS DMS User Guide, using SSL with AWS DMS).
_MIGRATED = frozenset(
    {"aurora", "aurora-postgresql", "db2", "docdb", "mariadb", "mongodb", "mysql", "postgres", "sqlserver"}
)


def _migration(resource: Resource) -> Iterator[Finding]:
    if resource.at("engineName").text in _MIGRATED:
        yield from is_one_of("require", "verify-ca", "verify-full", default="none")(resource.at("sslMode"))


def _demands(name: str, *good: str, default_is_good: bool) -> Check:
    """A check of a parameter group: the parameter, if it is there, has one of the values `good`."""

    def check(resource: Resource) -> Iterator[Finding]:
        parameters = resource.at("parameters")
        named = [each for each in parameters.each() if (each.at("name").text or "").casefold() == name]
        for parameter in named:
            value = parameter.at("value")
            text = value.text or str(value.truth if value.truth is not None else value.number)
            if not value.unknown and text.casefold() not in good:
                yield Finding(value.path, f"of {name} does not demand TLS")
        if not named and not default_is_good and parameters.whole:
            yield Finding(parameters.path, f"leaves {name} to its default, which depends on the version")

    return check


STORE_TLS = ResourceRule(
    id="data-service-requires-tls",
    title="Other services that could hold the data refuse clear text.",
    severity=Severity.HIGH,
    remedy="Demand TLS in the property or parameter that is named.",
    why=(
        "Caches, brokers, search domains and warehouses answer clear text unless they are told not to, and inside a VPC "
        "too the traffic passes hosts of others (ElastiCache User Guide, in-transit encryption; Amazon MSK Developer Guide, "
        "encryption in transit; Amazon Redshift Management Guide, configuring security options for connections)."
    ),
    frameworks=Frameworks(
        fsbp=("ElastiCache.5", "ES.8", "Opensearch.8", "Redshift.2", "MSK.1"),
        cdk_nag=("AwsSolutions-AEC3", "AwsSolutions-OS2"),
        checkov=("CKV_AWS_30", "CKV_AWS_83", "CKV_AWS_90", "CKV_AWS_105", "CKV_AWS_202", "CKV_AWS_239"),
    ),
    checks=on(
        {
            "dax/cluster": every(is_one_of("TLS", default="NONE"), "clusterEndpointEncryptionType"),
            "dms/endpoint": _migration,
            "docdb/clusterParameterGroup": _demands(
                "tls", "enabled", "tls1.2+", "tls1.3+", "fips-140-3", default_is_good=True
            ),
            "elasticache/cluster": _cache,
            "elasticache/replicationGroup": _replication_group,
            "elasticsearch/domain": _domain_tls,
            "memorydb/cluster": every(is_not_false, "tlsEnabled"),
            "msk/cluster": _broker_tls,
            "neptune/clusterParameterGroup": _demands("neptune_enforce_ssl", "1", default_is_good=True),
            "opensearch/domain": _domain_tls,
            "redshift/parameterGroup": _demands("require_ssl", "true", "1", default_is_good=False),
        }
    ),
)


# ---- OpenSearch, if there ever is one


def _audit(resource: Resource) -> Iterator[Finding]:
    kinds = [each.at("logType") for each in resource.at("logPublishingOptions").elements()]
    if not resource.at("logPublishingOptions").unknown and not any(
        kind.unknown or kind.text == "AUDIT_LOGS" for kind in kinds
    ):
        yield Finding("logPublishingOptions", "publishes no audit logs")
    security = resource.at("advancedSecurityOptions")
    yield from is_true(security.at("enabled"))
    if security.at("anonymousAuthEnabled").truth is True:
        yield Finding(f"{security.path}.anonymousAuthEnabled", "lets anonymous callers in")


SEARCH_ACCESS = ResourceRule(
    id="search-domain-controlled",
    title="Search domains know who searches, and write it down.",
    severity=Severity.MEDIUM,
    remedy="Enable advancedSecurityOptions and publish AUDIT_LOGS.",
    why=(
        "Without fine-grained access control whoever reaches a domain reads every index of it; without audit logs nobody "
        "knows who did (OpenSearch Service Developer Guide, fine-grained access control; monitoring audit logs)."
    ),
    frameworks=Frameworks(
        fsbp=("ES.5", "Opensearch.5", "Opensearch.7"),
        checkov=("CKV_AWS_317", "CKV2_AWS_52"),
    ),
    checks=on({"opensearch/domain": _audit, "elasticsearch/domain": _audit}),
)
