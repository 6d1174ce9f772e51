"""Which models of Amazon Bedrock this function may ask: VECTORDB_MODELS, a JSON list of model ids; none without it."""

import functools
import json
import os

from protocol import BridgeError

VARIABLE = "VECTORDB_MODELS"


def allowed() -> frozenset[str]:
    """The models. Raises BridgeError BridgeMisconfigured when the variable is unusable."""
    return _allowed(os.environ.get(VARIABLE, ""))


@functools.lru_cache(maxsize=1)
def _allowed(text: str) -> frozenset[str]:
    try:
        models = json.loads(text or "[]")
    except ValueError:
        models = None
    if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
        raise BridgeError("BridgeMisconfigured", f"the function's variable {VARIABLE} is not a JSON list of model ids")
    return frozenset(models)
