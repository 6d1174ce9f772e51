"""What a provider of embeddings is: how a model is asked, and what its answers say. It does no input or output itself."""

from array import array
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from embedder.errors import CallError
from embedder.limits import Limits

Vector = array  # of typecode "f"


class Purpose(StrEnum):
    """What a text is; some models embed questions and what answers them differently."""

    DOCUMENT = "document"
    QUERY = "query"


class Request(NamedTuple):
    """One call."""

    path: str
    """Of the service, from its slash on; of an HTTP endpoint, its whole address."""
    body: bytes


class Answer(NamedTuple):
    """What a call gave: a vector for each text, in the texts' order."""

    vectors: "list[array[float]]"
    tokens: int | None
    """That the service counted; None where it does not say."""


class Provider(Protocol):
    """One model, at one dimension."""

    @property
    def model(self) -> str:
        """The id that is asked, and that quota is kept for."""

    @property
    def service(self) -> str:
        """Who is asked: bedrock-runtime (signed) or http."""

    @property
    def region(self) -> str | None:
        """Where it is asked; None for the worker's own region."""

    @property
    def dimension(self) -> int:
        """Numbers in each vector."""

    @property
    def limits(self) -> Limits:
        """Of a call and of a text."""

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:
        """The call for 1 to limits.texts texts."""

    def answer(self, body: bytes, texts: int) -> Answer:
        """The vectors of an answer with status 200. Raises CallError for what is none."""

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        """What an answer with another status means."""
