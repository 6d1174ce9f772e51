"""Which provider a model has. One more is one file here, one line below, and one test."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from embedder.errors import SettingsError
from embedder.limits import Limits
from embedder.providers import (
    cohere_v3,
    cohere_v4,
    http_endpoint,
    nova_multimodal,
    titan_multimodal,
    titan_text_v1,
    titan_text_v2,
)
from embedder.providers.provider import Provider

FAMILIES: dict[str, tuple[Any, Any]] = {
    "titan-text-v1": (titan_text_v1, titan_text_v1.TitanTextV1),
    "titan-text-v2": (titan_text_v2, titan_text_v2.TitanTextV2),
    "titan-multimodal": (titan_multimodal, titan_multimodal.TitanMultimodal),
    "cohere-v3": (cohere_v3, cohere_v3.CohereV3),
    "cohere-v4": (cohere_v4, cohere_v4.CohereV4),
    "nova-multimodal": (nova_multimodal, nova_multimodal.NovaMultimodal),
}
"""Family → the module that says its MODELS, DIMENSIONS and LIMITS, and its provider."""
HTTP = "http"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
"""It becomes part of an address."""
_PROFILE = re.compile(r"^(?:arn:.*/)?(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?(?=amazon\.|cohere\.)")
"""What stands before a model's id in an inference profile's id or ARN."""


def found(
    model: str, dimension: int | None, settings: Mapping[str, Any] | None = None, origins: Sequence[str] = ()
) -> Provider:
    """The provider of a model.

    Args:
        model: a model's id, the id or ARN of an inference profile, or an endpoint's name of a model.
        dimension: of the vectors; None for the model's default.
        settings: "provider" (`http` for an endpoint), "family" (where the id does not say it), texts, characters and tokens (limits
            that are less than the model's), and an endpoint's own.
        origins: that an endpoint may have.

    Raises:
        SettingsError: nobody knows the model, or it does not make vectors of that dimension.
    """
    settings = settings or {}
    family = settings.get("family") or (HTTP if settings.get("provider") == HTTP else _family(model))
    if family == HTTP:
        if dimension is None:
            raise SettingsError("an HTTP endpoint needs the dimension of its vectors")
        return http_endpoint.made(model, dimension, settings, origins)
    if family not in FAMILIES:
        raise SettingsError(f"the model {model!r} is not known; known are {', '.join(known())}, and provider http")
    module, provider = FAMILIES[family]
    length = module.DIMENSIONS[0] if dimension is None else dimension
    if length not in module.DIMENSIONS:
        raise SettingsError(
            f"{model} makes vectors of {', '.join(map(str, module.DIMENSIONS))} dimensions, not {length}"
        )
    region = settings.get("region")
    if region is not None and not (isinstance(region, str) and _REGION.fullmatch(region)):
        raise SettingsError("embedding.region must be a region's name, such as eu-central-1")
    made: Provider = provider(model, length, _least(module.LIMITS, settings), region)
    return made


def _least(limits: Limits, settings: Mapping[str, Any]) -> Limits:
    """A model's limits, or what the database says when that is less."""
    least = {}
    for name in ("texts", "characters", "tokens"):
        own, given = getattr(limits, name), settings.get(name)
        least[name] = min(own, given) if type(given) is int and given > 0 else own
    return limits._replace(**least)


def known() -> list[str]:
    """The ids of all models of Bedrock that have a provider."""
    return [model for module, _ in FAMILIES.values() for model in module.MODELS]


def _family(model: str) -> str | None:
    own = _PROFILE.sub("", model)
    return next((name for name, (module, _) in FAMILIES.items() if own in module.MODELS), None)
