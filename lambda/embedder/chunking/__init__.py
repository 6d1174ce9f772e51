"""A text in chunks that a model takes, with nothing lost: `chunks` is the way in."""

from embedder.chunking.cutting import Before, Chunk, Stored, TooLongError, chunks
from embedder.chunking.plan import Plan, PlanError

__all__ = ["Before", "Chunk", "Plan", "PlanError", "Stored", "TooLongError", "chunks"]
