"""How much computing power a database instance is: what proxies and Database Insights are paid by."""

import re
from decimal import Decimal

SERVERLESS = "db.serverless"
LEAST_CAPACITY = Decimal("0.5")
"""ACU of a serverless instance that is not paused (Amazon Aurora User Guide, aurora-serverless-v2.setting-capacity)."""
_VCPUS = {"micro": 2, "small": 2, "medium": 1, "large": 2, "xlarge": 4}


def vcpus(instance_class: str) -> int | None:
    """Virtual CPUs of a class of AWS's Graviton families; none when the class is not of that form."""
    match = re.fullmatch(r"db\.([a-z])\d+[a-z]*\.(?:(micro|small|medium|large|xlarge)|(\d+)xlarge)", instance_class)
    if match is None:
        return None
    family, size, multiple = match.groups()
    if multiple:
        return 4 * int(multiple)
    return 2 if (family, size) == ("t", "medium") else _VCPUS[size]
