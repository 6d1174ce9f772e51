"""The table of what cannot change in place, against the provider's classes and what the program makes."""

from tests.components.models import provider
from tests.components.models.table import TABLE
from vectordb.plan.replacement import HOLDS_DATA, INTERRUPTS, REPLACES

IN_PLACE = {"aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions"}
"""Types of which everything changes in place (terraform-provider-aws, vpc_block_public_access_options.go)."""


def test_every_type_has_a_row():
    assert set(REPLACES) == (set(TABLE) - IN_PLACE) | {"command:local:Command"}


def test_every_property_of_a_row_exists():
    wrong = {
        (kind, key)
        for kind, keys in REPLACES.items()
        for key in keys
        if key.partition(".")[0] not in provider.input_types(kind)
    }
    assert wrong == set()


def test_what_holds_data_and_what_interrupts_are_properties_that_exist():
    assert set(HOLDS_DATA) <= set(REPLACES)
    assert [key for kind, key in INTERRUPTS if key not in provider.input_types(kind)] == []
    assert [(kind, key) for kind, key in INTERRUPTS if key in REPLACES[kind]] == []
