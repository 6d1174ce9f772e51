"""Writes docs/policies/<id>.md and the table in docs/policies.md from the rules themselves. `make docs` runs it."""

import json
from pathlib import Path
from textwrap import fill

from isolation.registry import RULES
from isolation.rule import ResourceRule, Rule, Setting
from isolation.serving.schemas import allowed

INDEX = Path("docs/policies.md")
FOLDER = Path("docs/policies")
BEGIN = "<!-- rules: written by `make docs` -->"
END = "<!-- end of rules -->"
_WIDTH = 128

_WAIVER = """    {{
      "{id}": {{
        "waivers": [
          {{
            "resource": "the resource's name or URN, * for any characters",
            "property": "the property that the finding names; without it, any",
            "owner": "who answers for it",
            "reason": "why it is right for now",
            "expires": "YYYY-MM-DD"
          }}
        ]
      }}
    }}
"""


def page(rule: Rule) -> str:
    """The page of one rule, Markdown."""
    parts = [
        f"# {rule.id}",
        rule.title,
        _facts(rule),
        *(["## Why", fill(rule.why, _WIDTH, break_on_hyphens=False)] if rule.why else []),
        "## What to do",
        fill(rule.remedy, _WIDTH, break_on_hyphens=False),
        *_remediation(rule),
        *_settings(rule),
        "## To let a finding pass for a while",
        f"In the file that `--policy-pack-config` names ([how it works](../policies.md#waivers)):\n\n{_WAIVER.format(id=rule.id)}",
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _facts(rule: Rule) -> str:
    return "\n".join(f"- **{name}**: {value}" for name, value in _fact_rows(rule))


def _fact_rows(rule: Rule) -> list[tuple[str, str]]:
    if isinstance(rule, ResourceRule):
        types = ", ".join(f"`{token.split(':')[1]}`" for token in rule.checks)
        judged = [("Judges", "each resource by itself, before it is made"), ("Types", types)]
    else:
        judged = [("Judges", "facts across resources, at the end of a preview and of an update")]
    controls = ", ".join(rule.frameworks.labels()) or "none that corresponds"
    return [("Severity", rule.severity.value), *judged, ("Public catalogues", controls)]


def _remediation(rule: Rule) -> list[str]:
    if not isinstance(rule, ResourceRule) or not rule.repairs:
        return []
    rows = [
        f"- `{token.split(':')[1]}`: `{path}` becomes `{json.dumps(value)}`"
        for token, repairs in rule.repairs.items()
        for path, value in repairs.items()
    ]
    intro = 'With `"enforcementLevel": "remediate"` the rule sets what it finds instead of refusing it:'
    return ["## Remediation", "\n".join([intro, "", *rows])]


def _settings(rule: Rule) -> list[str]:
    if not rule.settings:
        return []
    rows = ["| setting | default | allowed | what it decides |", "|---|---|---|---|", *map(_setting, rule.settings)]
    return ["## Settings", "\n".join(rows)]


def _setting(setting: Setting) -> str:
    cells = (f"`{setting.name}`", f"`{json.dumps(setting.default)}`", allowed(setting.schema), setting.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table() -> str:
    """Every rule, in the order in which they are reported."""
    rows = ["| rule | severity | what holds | public catalogues |", "|---|---|---|---|"]
    for rule in RULES:
        controls = ", ".join(rule.frameworks.labels())
        rows.append(f"| [{rule.id}](policies/{rule.id}.md) | {rule.severity.value} | {rule.title} | {controls} |")
    return "\n".join(rows)


def index(text: str) -> str:
    """The text of docs/policies.md with the table as it is now.

    Raises:
        ValueError: it has no place for the table, or several.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{INDEX} must have {BEGIN} and {END}, once each.")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def write(root: Path) -> None:
    """Write all of it below `root`; pages of rules that there are no more go."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    for file in set(folder.glob("*.md")) - {folder / f"{rule.id}.md" for rule in RULES}:
        file.unlink()
    for rule in RULES:
        (folder / f"{rule.id}.md").write_text(page(rule), encoding="utf-8")
    text = (root / INDEX).read_text(encoding="utf-8")
    (root / INDEX).write_text(index(text), encoding="utf-8")


if __name__ == "__main__":
    write(Path())
    print(f"{INDEX} and {len(RULES)} pages in {FOLDER} are written.")
