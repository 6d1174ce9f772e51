"""The plan in one line, and in a handful of numbers."""

from dataclasses import dataclass
from decimal import Decimal

from vectordb.plan.report.difference import Difference
from vectordb.plan.report.facts import UNPROVEN
from vectordb.plan.report.grade import Grade, counted
from vectordb.plan.report.model import Report


@dataclass(frozen=True)
class Number:
    """One number of the first screen."""

    label: str
    value: str
    grade: Grade
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """One sentence and its grade."""

    sentence: str
    grade: Grade


def doors(report: Report) -> Verdict:
    """Whether anything can be reached from outside."""
    facts = report.facts
    if facts is None:
        return Verdict(f"It is not known what can reach the database. {report.problem}".rstrip(), Grade.LOOK)
    if facts.doors:
        return Verdict(f"{counted(len(facts.doors), 'way')} in from outside", Grade.BAD)
    if facts.unproven:
        said = f"No way in from outside is known; {counted(len(facts.unproven), 'question')} could not be settled"
        return Verdict(said, Grade.LOOK)
    if not facts.interfaces:
        return Verdict("No door to the internet: nothing in this plan has a network interface", Grade.GOOD)
    return Verdict(
        f"No door to the internet: none of {facts.interfaces:,} network interfaces can be reached", Grade.GOOD
    )


def whole(report: Report) -> Verdict:
    """The worst of everything, in one sentence for the top."""
    inside = doors(report)
    undeclared = [flow for flow in report.facts.flows if not flow.declared] if report.facts else []
    unproven = [flow for flow in report.facts.flows if flow.encryption == UNPROVEN] if report.facts else []
    parts = [inside.sentence]
    if undeclared:
        parts.append(f"{counted(len(undeclared), 'flow')} that nobody declared")
    if unproven:
        parts.append(f"{counted(len(unproven), 'flow')} not proven to be encrypted")
    if report.mandatory:
        parts.append(f"{counted(len(report.mandatory), 'mandatory violation')}: nothing like this can be deployed")
    bad = bool(report.mandatory or undeclared or unproven) or inside.grade is Grade.BAD
    if report.weakened:
        parts.append(weakened(report))
    if bad and inside.grade is Grade.GOOD:
        parts = [*parts[1:], *parts[:1]]  # good news does not open a bad verdict
        parts = [parts[0], *(part[:1].lower() + part[1:] for part in parts[1:])]
    milder = Grade.LOOK if report.weakened and inside.grade is Grade.GOOD else inside.grade
    return Verdict("; ".join(parts).removesuffix(".") + ".", Grade.BAD if bad else milder)


def weakened(report: Report) -> str:
    """How many policies the configuration has taken out of force; empty when it has none."""
    count = len(report.weakened)
    return f"{count:,} {'policy is' if count == 1 else 'policies are'} disabled or advisory" if count else ""


def numbers(report: Report, difference: Difference | None) -> list[Number]:
    """The first screen's numbers."""
    facts = report.facts
    ways = len(facts.doors) if facts else None
    blank = sum(one.blank for one in facts.to_check) if facts else None
    others = len(facts.to_check) - (blank or 0) if facts else 0
    advisory = len(report.findings) - len(report.mandatory)
    change = difference.cost if difference else None
    return [
        Number("Ways in from outside", _or_unknown(ways), doors(report).grade),
        Number(
            "Mandatory violations",
            f"{len(report.mandatory):,}",
            Grade.BAD if report.mandatory else Grade.LOOK if report.weakened else Grade.GOOD,
            "; ".join(filter(None, (f"{advisory:,} advisory" if advisory else "", weakened(report)))),
        ),
        Number("Waivers", f"{len(report.waivers):,}", Grade.LOOK if report.waivers else Grade.GOOD),
        Number("To be checked at up", _or_unknown(blank), Grade.PLAIN, f"and {others:,} identifiers" if others else ""),
        Number(
            "USD a month",
            f"{report.cost.total:,.2f}",
            Grade.PLAIN,
            f"{signed(change)}" if change is not None else "",
        ),
    ]


def signed(usd: Decimal) -> str:
    """`+1.50`, `-1.50`, `±0.00`."""
    return f"{'+' if usd > 0 else '-' if usd < 0 else '±'}{abs(usd):,.2f}"


def _or_unknown(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"
