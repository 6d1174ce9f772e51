"""Which models the worker asks: of Bedrock by their ids, others over HTTPS inside the VPC."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from components.config.models import foundation_model
from components.config.section import Section, refuse

WORKER_MODELS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "amazon.titan-embed-text-v1": (1536,),
        "amazon.titan-embed-text-v2:0": (256, 512, 1024),
        "amazon.titan-embed-image-v1": (256, 384, 1024),
        "cohere.embed-english-v3": (1024,),
        "cohere.embed-multilingual-v3": (1024,),
        "cohere.embed-v4:0": (256, 512, 1024, 1536),
        "amazon.nova-2-multimodal-embeddings-v1:0": (256, 384, 1024, 3072),
    }
)
"""Model of Bedrock that the worker speaks → the dimensions that it gives; the same as in embed.model (sql/)."""

_ORIGIN = r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
_HTTPS_PORT, _LEAST_OPEN_PORT, _HIGHEST_PORT = 443, 1024, 65535


class ModelEndpoint(Section):
    """A server of models inside the VPC."""

    origin: str
    security_group_id: Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
    token: str | None = None
    token_key: str | None = None
    ca_certificate: str | None = None

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        port = int(value.rpartition(":")[2]) if re.fullmatch(r".*:[0-9]+", value) else _HTTPS_PORT
        if not re.fullmatch(_ORIGIN, value) or not 0 < port <= _HIGHEST_PORT:
            raise ValueError(
                f"{value!r} is no origin; write scheme, host and port in lower case and nothing after them: "
                "'https://models.internal:8443'"
            )
        if port != _HTTPS_PORT and port < _LEAST_OPEN_PORT:
            raise ValueError(
                f"{value!r}: the subnets' network ACL lets port 443 pass, and those from 1024 up; serve it on one"
            )
        return value.removesuffix(f":{_HTTPS_PORT}")

    @field_validator("token")
    @classmethod
    def _is_secret(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:\S+", value
        ):
            raise ValueError("is the ARN of a secret of AWS Secrets Manager, not the token itself")
        return value

    @field_validator("token_key")
    @classmethod
    def _is_key(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/\S+", value):
            raise ValueError("is the ARN of the KMS key that the token's secret is encrypted with")
        return value

    @field_validator("ca_certificate")
    @classmethod
    def _is_pem(cls, value: str | None) -> str | None:
        if value is not None and not value.strip().startswith("-----BEGIN CERTIFICATE-----"):
            raise ValueError("is a certificate in PEM: it begins with -----BEGIN CERTIFICATE-----")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "ModelEndpoint":
        if self.token_key and not self.token:
            raise ValueError(
                "tokenKey is the key of the token's secret, and there is no token; name one, or leave it out"
            )
        return self

    @property
    def port(self) -> int:
        """The TCP port of the origin."""
        _, _, port = self.origin.removeprefix("https://").partition(":")
        return int(port or _HTTPS_PORT)

    @property
    def variable_bytes(self) -> int:
        """What it takes of the worker's variables (components/embedding/pipeline.py)."""
        told = {"origin": self.origin, "secret": self.token, "ca": self.ca_certificate}
        return len(json.dumps({key: value for key, value in told.items() if value}, separators=(",", ":"))) + 1


class EmbeddingModel(Section):
    """Which model makes the vectors, and how many numbers each has."""

    model: Annotated[str, Field(min_length=1)]
    dimension: Annotated[int, Field(ge=1, le=16000)] | None = None
    normalize: bool | None = None
    url: str | None = None
    document_prefix: str | None = None
    query_prefix: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "EmbeddingModel":
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        if self.url is not None:
            if not re.fullmatch(rf"{_ORIGIN}(/\S*)?", self.url):
                yield f"url {self.url!r} is none; write where embeddings are asked for: 'https://models.internal:8443/v1/embeddings'"
            if self.dimension is None:
                yield f"dimension is missing: how many numbers {self.model!r} gives is known for Bedrock's models only"
            return
        if self.document_prefix is not None or self.query_prefix is not None:
            yield "documentPrefix and queryPrefix belong to a model with url; Bedrock's are told what a text is by their API"
        try:
            given = WORKER_MODELS[check_worker_model(self.model)]
        except ValueError as error:
            yield f"model {self.model!r} {error}"
            return
        if self.dimension is not None and self.dimension not in given:
            wanted = self.dimension
            nearest = min(given, key=lambda one: abs(one - wanted))
            yield (
                f"model {self.model!r} gives {', '.join(map(str, given))} numbers, and dimension is {wanted}; "
                f"the nearest is {nearest}"
            )

    @property
    def numbers(self) -> int:
        """How many numbers each vector has; of a model of Bedrock the most that it gives, unless said otherwise."""
        return self.dimension or max(WORKER_MODELS.get(self.model, (0,)))

    @property
    def origin(self) -> str | None:
        """Of the url, as `ModelEndpoint` has it; None of Bedrock."""
        found = re.match(_ORIGIN, self.url or "")
        return found[0].removesuffix(f":{_HTTPS_PORT}") if found else None

    def declared(self) -> dict[str, Any]:
        """As embed.checked_embedding takes it."""
        dimension = {"dimension": self.dimension} if self.dimension else {}
        if self.url is not None:
            known = {"document": self.document_prefix, "query": self.query_prefix}
            prefixes = {kind: prefix for kind, prefix in known.items() if prefix}
            where = {"provider": "http", "url": self.url, **({"prefixes": prefixes} if prefixes else {})}
            return {**where, "model": self.model, "normalize": bool(self.normalize), **dimension}
        return {"provider": "bedrock", "model": self.model, "normalize": self.normalize is not False, **dimension}


def check_worker_model(text: str) -> str:
    """`text`, when it is a model of Bedrock that the worker speaks.

    Raises:
        ValueError: in words, with the nearest one.
    """
    if text in WORKER_MODELS:
        return text
    allowed = ", ".join(WORKER_MODELS)
    if (model := foundation_model(text)) != text:
        meant = f"; write '{model}'" if model in WORKER_MODELS else ""
        raise ValueError(f"is an inference profile, which carries texts to other regions{meant}. Allowed: {allowed}")
    near = difflib.get_close_matches(text, WORKER_MODELS, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"is no embedding model that the worker knows{meant} Allowed: {allowed}")
