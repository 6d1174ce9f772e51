"""Where the pricing functions write what they find, and from where they read inputs that may be unknown."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from vectordb.cost.line import Group, Line
from vectordb.cost.prices import Prices
from vectordb.cost.resource import Resource
from vectordb.cost.usage import Usage

_ABSENT = object()


class Sheet:
    """Lines, remarks and what has no price, of one estimate."""

    def __init__(self, resources: Iterable[Resource], usage: Usage, prices: Prices) -> None:
        self.resources = tuple(resources)
        self.usage = usage
        self.prices = prices
        self.lines: list[Line] = []
        self.notes: list[str] = []
        self.unpriced: list[tuple[Resource, str]] = []

    def fixed(self, resource: Resource, item: str, quantity: Decimal | int, price: str) -> None:
        """`quantity` units of the price `price`, every month."""
        self._line(resource, item, Group.FIXED, Decimal(quantity), price)

    def hourly(self, resource: Resource, item: str, quantity: Decimal | int, price: str) -> None:
        """`quantity` units in each hour of the month."""
        self.fixed(resource, item, quantity * self.prices.hours, price)

    def used(self, resource: Resource, item: str, quantity: Decimal, price: str) -> None:
        """`quantity` units under the assumptions of this estimate; where those come to nothing, the rate stays."""
        if quantity:
            self._line(resource, item, Group.USE, quantity, price)
        else:
            self.rate(resource, item, price)

    def rate(self, resource: Resource, item: str, price: str) -> None:
        """A price whose quantity nothing is assumed of."""
        self._line(resource, item, Group.RATE, None, price)

    def note(self, resource: Resource, text: str) -> None:
        """A remark that a reader of the total needs."""
        self.notes.append(f"{resource.name}: {text}")

    def no_price(self, resource: Resource, reason: str) -> None:
        """Say that (a part of) a resource costs money and is not in the total."""
        self.unpriced.append((resource, reason))

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of one type, in the plan's order."""
        return [resource for resource in self.resources if resource.type == kind]

    def referred(self, resource: Resource, key: str, kind: str, names: str) -> Resource | None:
        """The resource of type `kind` that the input `key` points to: by dependency, or by its own input `names`."""
        urns, text = resource.references.get(key, ()), resource.inputs.get(key)
        for other in self.of_type(kind):
            if other.urn in urns or (text is not None and other.inputs.get(names) == text):
                return other
        return None

    def number(self, resource: Resource, key: str, default: Decimal | int, within: str = "") -> Decimal:
        """A number of 0 or more from the inputs; an unknown one is `default`, and said so."""
        value = self._read(resource, key, within)
        if value is _ABSENT:
            return Decimal(default)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
            return Decimal(str(value))
        self._unknown(resource, key, str(default))
        return Decimal(default)

    def text(self, resource: Resource, key: str, default: str) -> str:
        """A word from the inputs; an unknown one is `default`, and said so."""
        value = self._read(resource, key)
        if isinstance(value, str):
            return value or default
        if value is not _ABSENT:
            self._unknown(resource, key, default or "nothing")
        return default

    def flag(self, resource: Resource, key: str, *, default: bool) -> bool:
        """A truth value from the inputs; an unknown one is true, and said so: rather too dear than too cheap."""
        value = self._read(resource, key)
        if isinstance(value, bool):
            return value
        if value is _ABSENT:
            return default
        self._unknown(resource, key, "true")
        return True

    def entries(self, resource: Resource, key: str, default: int) -> list[Any]:
        """A list from the inputs; an unknown one has `default` unknown entries, and is said to."""
        value = self._read(resource, key)
        if isinstance(value, list):
            return value
        if value is _ABSENT:
            return []
        self._unknown(resource, key, f"{default}")
        return [None] * default

    def _read(self, resource: Resource, key: str, within: str = "") -> Any:
        inputs: Any = resource.inputs
        if within:
            inputs = inputs.get(within, {})
            if not isinstance(inputs, Mapping):
                return None
        return inputs.get(key, _ABSENT)

    def _unknown(self, resource: Resource, key: str, assumed: str) -> None:
        self.note(resource, f"{key} is unknown before the deployment; {assumed} assumed.")

    def _line(self, resource: Resource, item: str, group: Group, quantity: Decimal | None, price: str) -> None:
        if quantity != 0:
            self.lines.append(Line(resource.part, item, group, quantity, self.prices[price], (resource.urn,)))
