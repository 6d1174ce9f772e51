"""The policy pack: `pulumi preview --policy-pack policy`. Everything else is in the package `isolation` beside it."""

from pulumi_policy import EnforcementLevel, PolicyPack

from isolation.crossguard import policies
from isolation.registry import RULES

# The constructor serves the rules over gRPC until the process is ended.
PolicyPack("vectordb", policies(RULES), EnforcementLevel.MANDATORY)
