"""Encrypted traffic and encrypted data as facts: what proves it for each flow and each data store of a plan."""
