"""Encrypted traffic and encrypted data as facts: what proves it for each flow and each data store of a plan.

proof      what a proof is, and how keys and flags give one
databases  TLS that PostgreSQL and its proxies insist on
refusals   policies that refuse requests over clear text
volumes    volumes of EBS
flows      the proof of each flow
stores     the proofs of each data store
"""
