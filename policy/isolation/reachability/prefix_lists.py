"""The addresses of the prefix lists that a plan declares."""

from isolation.reachability.blocks import NOWHERE, Blocks, block, joined
from isolation.reachability.names import Names, Reference
from isolation.rule import Resource

LIST, ENTRY = "ec2/managedPrefixList", "ec2/managedPrefixListEntry"


class PrefixLists:
    """Each list with its entries, inline and standalone."""

    def __init__(self, names: Names, found: dict[str, list[Resource]]) -> None:
        self._blocks: dict[str, Blocks] = {}
        self._known: dict[str, bool] = {}
        for resource in found.get(LIST, ()):
            entries = resource.at("entries")
            cidrs = [entry.at("cidr") for entry in entries.each()]
            self._blocks[resource.urn] = joined(block(cidr.value) for cidr in cidrs)
            self._known[resource.urn] = entries.whole
        for resource in found.get(ENTRY, ()):
            cidr = resource.at("cidr")
            for name in names.one(resource, "prefixListId", LIST).names & self._blocks.keys():
                self._blocks[name] |= block(cidr.value)
                self._known[name] = self._known[name] and not cidr.unknown

    def of(self, lists: Reference) -> tuple[Blocks, bool]:
        """The known addresses of lists, and whether these are all: lists of AWS's or other stacks' are not known."""
        known = lists.certain and all(self._known.get(name, False) for name in lists.names)
        return joined(self._blocks.get(name, NOWHERE) for name in lists.names), known

    def declares(self, name: str) -> bool:
        """Whether a list is in the plan."""
        return name in self._blocks
