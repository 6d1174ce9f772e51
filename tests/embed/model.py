"""The model server of the tests is the benchmark's."""

from vectordb.bench.embedding.model import POISON, Model, RefusedError, Server, vector

__all__ = ["POISON", "Model", "RefusedError", "Server", "vector"]
