"""The operator's command line, and what it needs."""

import os

__version__ = "0.1.0"

# Pulumi brings gRPC, whose handlers for a fork run in the child of every Popen that has a preexec_fn: they wake its
# threads there, and the first that finds its files closed aborts the child before it has become the command.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
