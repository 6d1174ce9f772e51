"""Loads configurations as the engine hands them over, and collects what is said about those that are refused."""

import json

import pytest

from components.config import ConfigurationError, load

VPC = "vpc-0123456789abcdef0"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
EXISTING = {"vpcId": VPC, "subnetIds": SUBNETS}
RETENTION = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"


def wire(**keys):
    return {f"vectordb:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}


def refused(**keys) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load(wire(**keys))
    first, *lines = str(error.value).splitlines()
    assert first == "The stack's configuration cannot be used:"
    assert all(line.startswith("  vectordb") for line in lines)
    return [line.strip() for line in lines]


def network(**keys):
    return load(wire(network=keys)).network


def database(**keys):
    return load(wire(database=keys)).database
