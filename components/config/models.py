"""Models of Amazon Bedrock: how they are called, and the ones that make vectors of text."""

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType

# Bedrock API, InvokeModel, modelId: provider.model, then :version; a geography in front makes it an inference profile.
_MODEL = re.compile(r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}([.:][a-z0-9-]{1,63})*")
_GEOGRAPHIES = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "sa", "global")

EMBEDDING_MODELS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "amazon.titan-embed-text-v2:0": (256, 512, 1024),
        "amazon.titan-embed-text-v1": (1536,),
        "amazon.titan-embed-g1-text-02": (1536,),
        "cohere.embed-english-v3": (1024,),
        "cohere.embed-multilingual-v3": (1024,),
        "cohere.embed-v4:0": (256, 512, 1024, 1536),
    }
)
"""Model → the dimensions that it can give (Bedrock User Guide, model parameters of Titan and Cohere embeddings)."""


def is_model(text: str) -> bool:
    """Whether a text has the form of a model's id."""
    return _MODEL.fullmatch(text) is not None


def foundation_model(text: str) -> str:
    """The foundation model behind an inference profile's id; the text itself when it names none."""
    geography, _, model = text.partition(".")
    return model if geography in _GEOGRAPHIES else text


def check_embedding_model(text: str) -> str:
    """`text`, when it is an embedding model that the bridge can ask.

    Inference profiles are refused: they carry the text to other regions, and their use takes permissions there.

    Raises:
        ValueError: in words, with the nearest model.
    """
    if text in EMBEDDING_MODELS:
        return text
    if (model := foundation_model(text)) != text:
        meant = f"; write '{model}'" if model in EMBEDDING_MODELS else ""
        raise ValueError(f"is an inference profile, which carries texts to other regions{meant}. Allowed: {_allowed()}")
    near = difflib.get_close_matches(text, EMBEDDING_MODELS, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"is no embedding model that the bridge knows{meant} Allowed: {_allowed()}")


def _allowed() -> str:
    return ", ".join(EMBEDDING_MODELS)
