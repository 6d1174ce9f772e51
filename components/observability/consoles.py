"""Where to look further: links into AWS's consoles."""

from typing import cast

from components.observability.monitored import ObservabilityArgs
from components.observability.widgets import Widget, text

CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Partition → its consoles' domain (AWS Management Console, getting started; GovCloud and China guides)."""


def links(known: ObservabilityArgs) -> Widget:
    """A line of links.

    Raises:
        ValueError: a partition that has no console known here.
    """
    region, partition = cast("str", known["region"]), cast("str", known["partition"])
    if partition not in CONSOLES:
        raise ValueError(f"partition is {partition!r}. Allowed: {', '.join(CONSOLES)}")
    domain = CONSOLES[partition]
    regional = f"https://{region}.{domain}"
    pages = {
        "Database Insights (top waits, top statements)": f"{regional}/cloudwatch/home?region={region}#database-insights",
        "Databases": f"{regional}/rds/home?region={region}#databases:",
        "Events of the databases": f"{regional}/rds/home?region={region}#event-list:",
        "Log groups": f"{regional}/cloudwatch/home?region={region}#logsV2:log-groups",
        "Vector buckets": f"{regional}/s3/vector-buckets?region={region}",
        "Sessions": f"{regional}/systems-manager/session-manager/sessions?region={region}",
        "Bill": f"https://{domain}/cost-management/home#/cost-explorer",
        "Budgets": f"https://{domain}/costmanagement/home#/budgets",
    }
    return text("## further\n" + " · ".join(f"[{name}]({page})" for name, page in pages.items()), height=2)
