"""A text in chunks that a model takes, with nothing lost: `chunks` is the way in."""

from embedder.chunking.cutting import Chunk, TooLongError, chunks
from embedder.chunking.plan import Plan, PlanError

__all__ = ["Chunk", "Plan", "PlanError", "TooLongError", "chunks"]
