"""Which metadata keys are searchable by their text: textSearchConfigurations, in CreateIndex and afterwards.

They are kept with the index's settings under "textSearch": metadata key → {"language": code or None, "active": when its
backfill is done, in seconds since 1970}. What has been acknowledged is on disk as a whole, and the words themselves are
read again from the vectors after a start.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

from vectordb.local.emulator.s3vectors.parameters import choice, constraint, invalid, items, structure, text
from vectordb.local.emulator.s3vectors.text.analysis import LANGUAGES
from vectordb.local.emulator.wire import ServiceError

Parameters = Mapping[str, Any]
Configurations = dict[str, dict[str, Any]]

MEMBER = "textSearchConfigurations"
MOST_KEYS = 10
LONGEST_KEY = 63
STATUSES = ("ACTIVE", "BUILDING")

BACKFILL_VARIABLE = "VECTORDB_EMULATOR_BACKFILL_SECONDS"
"""How long an added configuration is BUILDING."""
_BACKFILL_SECONDS = 0.2


def backfill_seconds() -> float:
    """What the environment says, or a fifth of a second: long enough to be seen by who polls."""
    return float(os.environ.get(BACKFILL_VARIABLE, _BACKFILL_SECONDS))


def read(parameters: Parameters, path: str, *, active: float) -> Configurations:
    """The configurations of a request, by metadata key.

    Args:
        parameters: the structure that holds textSearchConfigurations.
        path: of that structure, for messages.
        active: when they begin to answer.

    Raises:
        ServiceError: ValidationException.
    """
    configurations: Configurations = {}
    for position, given in enumerate(items(parameters, MEMBER, 0, MOST_KEYS)):
        key = _key(given, f"{path}/{MEMBER}/{position}")
        language = choice(given, "language", LANGUAGES, default=LANGUAGES[0]) if given.get("language") else None
        choice(given, "status", STATUSES, default=STATUSES[0])  # GetIndex returns it; in a request it says nothing
        if key in configurations:
            raise invalid(f"{path}/{MEMBER}", f"The metadata key '{key}' has more than one text search configuration")
        configurations[key] = {"language": language, "active": active}
    return configurations


def updated(stored: Configurations, parameters: Parameters, *, active: float) -> Configurations:
    """What an UpdateMetadataConfiguration makes of the stored configurations.

    Raises:
        ServiceError: ValidationException or ConflictException.
    """
    if (parameters.get("add") is None) == (parameters.get("delete") is None):
        raise invalid("add", "Must specify either add or delete but not both")
    if parameters.get("add") is not None:
        return _added(stored, read(structure(parameters, "add"), "add", active=active))
    return _deleted(stored, structure(parameters, "delete"))


def shown(stored: Configurations) -> list[dict[str, str]]:
    """As GetIndex shows them."""
    return [
        {
            "metadataKey": key,
            **({"language": kept["language"]} if kept["language"] else {}),
            "status": "ACTIVE" if is_active(kept) else "BUILDING",
        }
        for key, kept in stored.items()
    ]


def is_active(configuration: Mapping[str, Any]) -> bool:
    """Whether it answers queries."""
    return bool(time.time() >= configuration["active"])


def _added(stored: Configurations, given: Configurations) -> Configurations:
    for key in given:
        if key in stored:
            raise ServiceError(
                "ConflictException", f"The metadata key '{key}' has a text search configuration already", 409
            )
    together = {**stored, **given}
    if len(together) > MOST_KEYS:
        raise invalid(
            f"add/{MEMBER}", f"An index has at most {MOST_KEYS} text search configurations, not {len(together)}"
        )
    return together


def _deleted(stored: Configurations, parameters: Parameters) -> Configurations:
    path = f"delete/{MEMBER}"
    keys = [_key(given, f"{path}/{position}") for position, given in enumerate(items(parameters, MEMBER, 1, MOST_KEYS))]
    if len(set(keys)) != len(keys):
        raise invalid(path, "A metadata key is given twice")
    for key in keys:
        if key not in stored:
            raise invalid(path, f"The metadata key '{key}' has no text search configuration")
    return {key: kept for key, kept in stored.items() if key not in keys}


def _key(given: Any, path: str) -> str:
    if not isinstance(given, dict):
        raise constraint(path, "be a structure")
    return text(given, "metadataKey", 1, LONGEST_KEY)
