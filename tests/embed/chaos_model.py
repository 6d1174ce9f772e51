"""A model whose vectors say which model they are of, whose answers are in no order, and that tells somebody what it is asked."""

import random
from collections.abc import Callable
from typing import Any

from tests.embed.model import Model, vector


def told(model: str, text: str) -> list[float]:
    """The vector of a text by a model, whose name ends in -<dimension>."""
    return vector(f"{model}: {text}", int(model.rpartition("-")[2]))


class ChaosModel(Model):
    """An endpoint in OpenAI's form; `meddle` is called with the texts before they are answered."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: Callable[[list[str]], None] = lambda _: None

    def answer(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Raises RefusedError."""
        model, texts = document["model"], document["input"]
        self.embed(texts, 1)
        self.meddle(texts)
        data = [{"index": index, "embedding": told(model, text)} for index, text in enumerate(texts)]
        random.shuffle(data)
        return {"data": data}
