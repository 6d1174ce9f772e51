"""Compiles to byte code what the command line, the program and the stand-ins import, by importing it."""

import importlib
import sys
from pathlib import Path

from vectordb.errors import VectordbError
from vectordb.local.emulator.moto_mount import PRELOADED
from vectordb.plan import plan, stack_configuration

MODULES = (
    "vectordb.cli.app",
    "vectordb.plan.summary",
    "vectordb.database.run",
    "vectordb.local.supervisor",
    "vectordb.local.lifecycle",
    "vectordb.local.proxy",
    "vectordb.local.emulator.__main__",
    "vectordb.local.emulator.server",
    "vectordb.local.emulator.application",
    "vectordb.local.example.tour",
    "waitress.server",
    "moto.moto_server.werkzeug_app",
    *(f"moto.{service}.urls" for service in PRELOADED),
    "numpy",
    "tokenizers",
    "pulumi.policy",
    "pulumi_policy",
)

for module in MODULES:
    try:
        importlib.import_module(module)
    except ImportError as error:  # an extra that is not installed; its commands say so themselves
        print(f"not compiled: {module} ({error})", file=sys.stderr)
try:
    # pulumi_aws imports a service when the program first uses it: so does a run of the program.
    plan.record(stack_configuration.read(Path.cwd(), "dev"))
except VectordbError as error:
    print(f"not compiled: the program ({error.message})", file=sys.stderr)
