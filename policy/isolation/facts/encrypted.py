"""The data stores of a plan as plain data."""

from typing import Any

from isolation.encryption.stores import stores
from isolation.stack import Stack


def facts(stack: Stack) -> dict[str, Any]:
    """`stores`: each with its kind, its key and what proves it, at rest and in transit."""
    return {
        "stores": [
            {
                "resource": store.resource.urn,
                "name": store.name,
                "kind": store.kind,
                "at_rest": {"state": store.at_rest.state, "key": store.at_rest.key, "by": store.at_rest.by},
                "in_transit": {"state": store.in_transit.state, "by": store.in_transit.by},
            }
            for store in stores(stack)
        ]
    }
