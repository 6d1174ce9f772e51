"""Rules that hold a stack isolated and encrypted.

reading     unknown-safe access to a resource's properties
addresses   facts about CIDR blocks
documents   facts about policy documents
rule        what a rule is, and what it finds
stack       all resources of a stack, and what refers to what
rules/      one idea a file
registry    the rules of this pack
crossguard  the one place that turns rules into Pulumi's policies

Nothing here imports more than the standard library and pulumi_policy: the pack runs in its own process, which the Pulumi
CLI starts in this folder's parent.
"""
