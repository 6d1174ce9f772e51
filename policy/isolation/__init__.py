"""Rules that hold a stack isolated and encrypted.

reading     unknown-safe access to a resource's properties
addresses   facts about CIDR blocks
documents, conditions, actions    facts about policy documents
access/     who may do what: every policy of a stack, as rows
reachability/  what can reach what: the graph of a stack's networks, and its flows
encryption/    what proves that flows and data stores are encrypted
rule        what a rule is, and what it finds
stack       all resources of a stack, and what refers to what
rules/      one idea a file
registry    the rules of this pack
schemas, configuration, waivers   what a stack says about the rules
pack        the rules with their configuration
loading, unknowns, facts          `python -m isolation`: facts about a plan or a state, as JSON
crossguard, servicer              the places that know the SDK: rules as Pulumi's policies, and how they are served

Nothing here imports more than the standard library and pulumi_policy: the pack runs in its own process, which the Pulumi
CLI starts in this folder's parent.
"""
