"""Rules that hold a stack isolated and encrypted.

reading/        facts about values: properties, CIDR blocks, policy documents, credentials
rule            what a rule is, and what it finds
stack           all resources of a stack, and what refers to what
checks, declared, matching    what rules are made of
rules/          one idea a file
registry        the rules of this pack
reachability/   what can reach what, as a graph
encryption/     what proves that traffic and data are encrypted
access/         who may do what: every policy of a stack, as rows
loading         a stack from a plan or a state, as JSON
facts/          what is known of it, as JSON: `python -m isolation`
serving/        what a stack configures, and the SDK's interface

Nothing here imports more than the standard library and pulumi_policy: the pack runs in its own process, which the Pulumi
CLI starts in this folder's parent.
"""
