"""The policy pack: `pulumi preview --policy-pack policy`. Everything else is in the package `isolation` beside it."""

from isolation.registry import RULES
from isolation.serving.crossguard import OWN_POLICIES
from isolation.serving.pack import Pack
from isolation.serving.servicer import serve

serve(Pack(RULES, OWN_POLICIES), "vectordb")
