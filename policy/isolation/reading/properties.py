"""Unknown-safe reading of a resource's properties.

During a preview a value may be unknown. The SDK's proxies raise when such a value is touched, which ends the whole
policy for that resource with an advisory note: one unknown would hide every violation beside it. `Property` reads
element by element instead, over the SDK's proxies and over plain dicts and lists alike.

What a rule does with an unknown: the value itself is not judged (it is judged again at `up`, before the resource is
made), but an exemption has to be known, so that no unknown excuses a violation that is known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final

from pulumi_policy import deserialize, proxy

UNKNOWN: Final = object()
"""Stands for a value that only the deployment will know."""

_SENTINELS: Final = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)

_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (NoneType, "absent"),
    (str, "a string"),
    ((int, float), "a number"),
    (Mapping, "an object"),
    (Sequence, "a list"),
)


@dataclass(frozen=True, slots=True)
class Property:
    """A value of a resource's inputs, and where it stands, as in `ingress[0].cidrBlocks[1]`."""

    path: str
    value: object
    """Plain, or the SDK's proxy; None when absent, `UNKNOWN` when unknown."""

    @property
    def unknown(self) -> bool:
        return self.value is UNKNOWN

    @property
    def absent(self) -> bool:
        return self.value is None

    @property
    def given(self) -> bool:
        """Neither absent nor unknown."""
        return not (self.absent or self.unknown)

    @property
    def text(self) -> str | None:
        """The value when it is a string, else None."""
        return self.value if isinstance(self.value, str) else None

    @property
    def truth(self) -> bool | None:
        """The value when it is a boolean or a boolean's name, as some of AWS's own shapes spell it, else None."""
        if isinstance(self.value, bool):
            return self.value
        return {"true": True, "false": False}.get(self.value.casefold()) if isinstance(self.value, str) else None

    @property
    def number(self) -> int | None:
        """The value when it is a whole number, or the decimal digits of one, else None. The wire carries doubles."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return int(self.value) if float(self.value).is_integer() else None
        return int(self.value) if isinstance(self.value, str) and re.fullmatch("[0-9]{1,9}", self.value) else None

    @property
    def described(self) -> str:
        """The class of the value and never the value, which may be a secret; booleans are named."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return next((name for kind, name in _KINDS if isinstance(self.value, kind)), "of another kind")

    @property
    def whole(self) -> bool:
        """Whether nothing within it is unknown."""
        if isinstance(self.value, Mapping):
            return all(self.at(key).whole for key in self.value)
        if isinstance(self.value, Sequence) and not isinstance(self.value, str | bytes):
            return all(element.whole for element in self.elements())
        return not self.unknown

    def at(self, *keys: str) -> "Property":
        """The property below this one, key by key; unknown below an unknown, absent below anything but an object.

        An empty string is absent: the provider takes it so for whatever is optional.
        """
        found = self
        for key in keys:
            path = f"{found.path}.{key}" if found.path else key
            if found.unknown:
                found = Property(path, UNKNOWN)
            elif isinstance(found.value, Mapping):
                value = _read(found.value, key)
                found = Property(path, None if value == "" else value)
            else:
                found = Property(path, None)
        return found

    def elements(self) -> Iterator["Property"]:
        """The elements of a list, unknown and null ones too. Anything else that is given counts as one element."""
        if isinstance(self.value, Sequence) and not isinstance(self.value, str | bytes):
            for index in range(len(self.value)):
                yield Property(f"{self.path}[{index}]", _read(self.value, index))
        elif self.given:
            yield self

    def each(self) -> Iterator["Property"]:
        """The known elements."""
        return (element for element in self.elements() if element.given)

    def select(self, pattern: str) -> Iterator["Property"]:
        """The properties at a pattern such as `networkInterfaces[].associatePublicIpAddress`; `[]` is each known element."""
        head, many, rest = pattern.partition("[].")
        found = self.at(*head.split("."))
        if not many:
            yield found
            return
        for element in found.each():
            yield from element.select(rest)


def is_unknown(value: object) -> bool:
    """Whether a value as it stands in a resource's properties is Pulumi's sentinel for something unknown."""
    return value is UNKNOWN or (isinstance(value, str) and value in _SENTINELS)


def _read(container: "Mapping[str, object] | Sequence[object]", key: str | int) -> object:
    try:
        value: object = container[key]  # type: ignore[index]  # a mapping is asked by name, a list by number
    except proxy.UnknownValueError:
        return UNKNOWN
    except LookupError:
        return None
    if is_unknown(value):
        return UNKNOWN
    if isinstance(value, Mapping) and _read(value, deserialize.SPECIAL_SIG_KEY) == deserialize.SPECIAL_SECRET_SIG:
        return _read(value, "value")
    return value
