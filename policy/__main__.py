"""The policy pack: `pulumi preview --policy-pack policy`. Everything else is in the package `isolation` beside it."""

from isolation.crossguard import OWN_POLICIES
from isolation.pack import Pack
from isolation.registry import RULES
from isolation.servicer import serve

serve(Pack(RULES, OWN_POLICIES), "vectordb")
