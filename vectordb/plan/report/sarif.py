"""The findings as SARIF 2.1.0, for code scanning: one rule for each policy, one result for each finding.

A plan's finding is about a resource, and code scanning wants a file: it is the one whose class registers the resource's component, the
program itself where there is no component, and Pulumi.yaml where there is no program. The resource is the logical location.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vectordb.plan.report.model import Finding, Report, Rule, name_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_TOOL = "vectordb plan"
_PAGES = "https://www.pulumi.com/docs/insights/policy/"
"""Where policy packs are explained; a rule whose page has an address names its own."""
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""GitHub: above 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, below low (SARIF support for code scanning)."""
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_CLASS = re.compile(r"^class (?P<name>\w+)\b", re.MULTILINE)


def log(report: Report, program: Path) -> dict[str, Any]:
    """The whole log.

    Args:
        report: of the plan.
        program: the folder of the program; locations are relative to the checkout that it is in.
    """
    known = {rule.id: rule for rule in report.rules}
    names = sorted({*known, *(finding.policy for finding in report.findings)})
    places = declarations(repository(program), program)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": _TOOL,
                        "informationUri": _PAGES,
                        "rules": [_rule(known.get(name) or _unexplained(name, report), report) for name in names],
                    }
                },
                "automationDetails": {"id": f"vectordb-plan/{report.project}/{report.stack}"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, names.index(finding.policy), places) for finding in report.findings],
            }
        ],
    }


def declarations(root: Path, program: Path) -> dict[str, tuple[str, int]]:
    """Class of a component → the file that declares it, relative to `root`, and its line; "" → the program.

    A component's type ends with the name of its class (components/component.py).
    """
    found: dict[str, tuple[str, int]] = {}
    for file in (*sorted(program.glob("components/**/*.py")), *sorted(program.glob("*.py"))):
        text = file.read_text(encoding="utf-8", errors="replace")
        for match in _CLASS.finditer(text):
            found.setdefault(match["name"], (_relative(file, root), text.count("\n", 0, match.start()) + 1))
    main = program / "__main__.py"
    return {**found, "": (_relative(main if main.is_file() else program / "Pulumi.yaml", root), 1)}


def repository(folder: Path) -> Path:
    """The checkout that `folder` is in, to which code scanning's paths are relative; without one, `folder` itself."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _rule(rule: Rule, report: Report) -> dict[str, Any]:
    help_ = f"**What to do:** {rule.remedy}" if rule.remedy else rule.title
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in re.split(r"\W+", rule.id)),
        "shortDescription": {"text": rule.title or rule.id},
        "fullDescription": {"text": rule.title or rule.id},
        "helpUri": report.page(rule.id) or _PAGES,
        "help": {"text": help_.replace("**", ""), "markdown": help_},
        "defaultConfiguration": {"level": _LEVELS.get(rule.severity, "warning")},
        "properties": {
            "security-severity": _SCORES.get(rule.severity, "5.5"),
            "precision": "very-high",
            "tags": ["security"],
        },
    }


def _unexplained(name: str, report: Report) -> Rule:
    """A policy of which the pack says nothing: the severity is that of its findings."""
    severity = next((finding.severity for finding in report.findings if finding.policy == name), "")
    return Rule(name, name.replace("-", " ").capitalize(), severity, "", "", "")


def _result(finding: Finding, rule: int, places: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    file, line = _place(finding.urn, places)
    level = _LEVELS.get(finding.severity, "warning") if finding.mandatory else "note"
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line},
        }
    }
    if finding.urn:
        location["logicalLocations"] = [
            {"name": name_of(finding.urn), "fullyQualifiedName": finding.urn, "kind": "resource"}
        ]
    return {
        "ruleId": finding.policy,
        "ruleIndex": rule,
        "level": "error" if finding.mandatory and level == "note" else level,
        "message": {"text": _told(finding)},
        "locations": [location],
        "partialFingerprints": {"resourceAndRule/v1": _fingerprint(finding)},
    }


def _told(finding: Finding) -> str:
    """The message, with the resource's name if it does not say it."""
    return finding.message if finding.resource in finding.message else f"{finding.resource}: {finding.message}"


def _fingerprint(finding: Finding) -> str:
    """The same for the same finding in every run and stack: rule, resource, and the message without numbers."""
    parts = finding.urn.split("::", 2)
    message = re.sub(r"\d+", "#", finding.message)
    return hashlib.sha256("\n".join((finding.policy, parts[-1], message)).encode()).hexdigest()[:32]


def _place(urn: str, places: Mapping[str, tuple[str, int]]) -> tuple[str, int]:
    """Of the innermost component whose class is known; a URN names the types of all components above a resource."""
    parts = urn.split("::")
    if urn.startswith("urn:") and len(parts) > 2:  # noqa: PLR2004 - the types are a URN's third part
        for kind in reversed(parts[2].split("$")):
            if kind.rpartition(":")[2] in places:
                return places[kind.rpartition(":")[2]]
    return places[""]
