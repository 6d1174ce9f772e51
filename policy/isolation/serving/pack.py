"""The rules with what a stack configured: what they find, less what is waived, and what becomes of the waivers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

from isolation.rule import Finding, Resource, ResourceRule, Rule, StackRule
from isolation.serving import configuration
from isolation.serving.waivers import Waiver
from isolation.stack import Stack

THE_STACK = Resource("", "The stack", "", {})
"""What a stack rule's finding is about when it is about no resource."""


def _today() -> date:
    return datetime.now(UTC).date()


class Pack:
    """Rules and their configuration. Requests come from several threads at once.

    Args:
        rules: in the order in which they are reported.
        others: names of the policies beside the rules.
        today: the day that waivers are held against.
    """

    def __init__(self, rules: Iterable[Rule], others: Iterable[str] = (), today: Callable[[], date] = _today) -> None:
        self.rules = tuple(rules)
        self._others, self._today = tuple(others), today
        self._used: set[tuple[Waiver, str, str]] = set()
        self.configure({})

    def configure(self, given: Mapping[str, Mapping[str, object]]) -> None:
        """Take a configuration in place of the one before; what is wrong with it is in `configuration`."""
        self.configuration = configuration.read(self.rules, given, self._others)

    def settings(self, rule: Rule) -> Mapping[str, object]:
        return self.configuration.rules[rule.id].settings

    def of_resource(self, rule: ResourceRule, resource: Resource) -> Iterator[Finding]:
        """What a rule finds about a resource that has the rule's `settings`, without what is waived."""
        return (finding for finding in rule.findings(resource) if not self._waived(rule, resource, finding))

    def of_stack(self, rule: StackRule, stack: Stack) -> Iterator[tuple[Resource, Finding]]:
        """What a rule finds about a stack that has the rule's `settings`, without what is waived."""
        for found, finding in rule.findings(stack):
            resource = found or THE_STACK
            if not self._waived(rule, resource, finding):
                yield resource, finding

    def repairs(self, rule: ResourceRule, resource: Resource) -> dict[str, object]:
        """What the rule would set, by property: only what it finds, and only what is safe to set."""
        repairs = rule.repairs.get(resource.type)
        if not repairs:
            return {}
        found = {finding.path for finding in self.of_resource(rule, resource)}
        return {path: value for path, value in repairs.items() if path in found}

    def _waived(self, rule: Rule, resource: Resource, finding: Finding) -> bool:
        waived = False
        for waiver in self.configuration.rules[rule.id].waivers:
            if waiver.covers(resource, finding):
                self._used.add((waiver, resource.urn, f"{_subject(resource, finding)} {finding.problem}."))
                waived = waived or waiver.days_left(self._today()) >= 0
        return waived

    def waivers(self) -> Iterator[tuple[str, str]]:
        """A URN, or none, and a sentence about each use of a waiver since the last time, and each waiver without one."""
        used, self._used = self._used, set()
        today = self._today()
        for waiver, urn, sentence in sorted(used, key=lambda use: (str(use[0]), *use[1:])):
            yield urn, f"{sentence} {_standing(waiver, today)} Owner: {waiver.owner}. Reason: {waiver.reason}"
        for configured in self.configuration.rules.values():
            for waiver in configured.waivers:
                if waiver not in {use[0] for use in used}:
                    yield "", f"{waiver} meets no finding: it can go."
        for sentence in self.configuration.no_waivers:
            yield "", sentence


def _subject(resource: Resource, finding: Finding) -> str:
    return f"{resource.name}: {finding.path}" if finding.path else resource.name


def _standing(waiver: Waiver, today: date) -> str:
    left = waiver.days_left(today)
    if left < 0:
        return f"The waiver of {waiver.rule} expired on {waiver.expires}: it waives nothing."
    days = "1 day" if left == 1 else f"{left} days"
    return f"Waived for {waiver.rule} until {waiver.expires} ({days} left)."
