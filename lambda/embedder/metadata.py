"""What goes with a vector in S3 Vectors: the row's declared columns, within the service's limits (Amazon S3 User Guide, limitations)."""

import json
from collections.abc import Collection, Mapping
from typing import Any

MOST_BYTES = 40 * 1024
MOST_FILTERABLE_BYTES = 2048


class MetadataError(Exception):
    """A row's metadata cannot be stored; the message names columns and sizes, no values."""


def storable(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """As the service takes it: without what is null, or an empty list."""
    found: dict[str, Any] = {}
    for name, value in sorted((given or {}).items()):
        kept = [item for item in value if item is not None] if isinstance(value, list) else value
        if kept is not None and kept != []:
            found[name] = kept
    return found


def compact(value: Any) -> str:
    """JSON without a blank, characters as they are: so the service counts its bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check(metadata: Mapping[str, Any], non_filterable: Collection[str]) -> None:
    """Raises MetadataError when it is too large."""
    if _size(metadata) <= MOST_FILTERABLE_BYTES:
        return
    filterable = {name: value for name, value in metadata.items() if name not in non_filterable}
    for part, most, called in (
        (metadata, MOST_BYTES, "in all"),
        (filterable, MOST_FILTERABLE_BYTES, "filterable"),
    ):
        if (size := _size(part)) > most:
            largest = max(part, key=lambda name: _size(part[name]))
            raise MetadataError(
                f"the row's metadata has {size} bytes {called}, at most {most} are allowed; the largest is {largest!r} "
                f"with {_size(part[largest])}"
            )


def _size(value: Any) -> int:
    return len(compact(value).encode("utf-8", "replace"))
