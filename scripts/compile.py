"""Compiles to byte code what the command line, the program and the stand-ins import, by importing it."""

import importlib
import sys

MODULES = (
    "vectordb.cli.app",
    "vectordb.plan.plan",
    "vectordb.plan.summary",
    "vectordb.database.migrate",
    "vectordb.local.supervisor",
    "vectordb.local.lifecycle",
    "vectordb.local.proxy",
    "vectordb.local.emulator.__main__",
    "vectordb.local.example.tour",
    "pulumi.policy",
    "pulumi_policy",
    "pulumi_command",
    "components.bastion",
    "components.config",
    "components.database",
    "components.encryption",
    "components.lambda_bridge",
    "components.network",
    "components.sql_schema",
    "components.vector_store",
)

sys.path.insert(0, ".")
for module in MODULES:
    try:
        importlib.import_module(module)
    except ImportError as error:  # an extra that is not installed; its commands say so themselves
        print(f"not compiled: {module} ({error})", file=sys.stderr)
