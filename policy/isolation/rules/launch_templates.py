"""What starts instances names a launch template that is checked."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, strings
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, StackRule
from isolation.stack import Stack

_TEMPLATE: Final = "ec2/launchTemplate"
_SETTING: Final = identifiers("templates", "The ids or names of templates beyond the stack that somebody has read.")

# Where each names a template. The identifier stands in a property of the same meaning with one of three names.
_USERS: Final = {
    "ec2/instance": "launchTemplate",
    "ec2/spotInstanceRequest": "launchTemplate",
    "eks/nodeGroup": "launchTemplate",
    "autoscaling/group": "launchTemplate",
    "ec2/fleet": "launchTemplateConfigs[].launchTemplateSpecification",
    "ec2/spotFleetRequest": "launchTemplateConfigs[].launchTemplateSpecification",
    "batch/computeEnvironment": "computeResources.launchTemplate",
}
_MIXED: Final = "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
_KEYS: Final = ("id", "name", "launchTemplateId", "launchTemplateName")


def _named(resource: Resource, pattern: str) -> Iterator[Property]:
    """The known identifiers of the templates that a resource names at `pattern`."""
    for template in resource.select(pattern):
        for key in _KEYS:
            if (identifier := template.at(key)).given:
                yield identifier


def _foreign(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    known = set(strings(stack.settings, _SETTING.name))
    for template in stack.of(_TEMPLATE):
        known |= {text for key in ("id", "name") if (text := template.at(key).text) is not None}
    for path, pattern in _USERS.items():
        for resource in stack.of(path):
            for place in (pattern, _MIXED) if path == "autoscaling/group" else (pattern,):
                for identifier in _named(resource, place):
                    if identifier.text not in known:
                        yield (
                            resource,
                            Finding(identifier.path, "names a launch template that this stack does not make"),
                        )


LAUNCH_TEMPLATES = StackRule(
    id="launch-template-declared",
    title="Instances are started from launch templates of the same stack, which are checked.",
    severity=Severity.MEDIUM,
    remedy="Declare the template as an aws.ec2.LaunchTemplate in this stack, or name it in the setting templates.",
    why=(
        "A template decides the public address, the metadata options, the disks, the key and the user data of what it starts "
        "(Amazon EC2 User Guide, Launch templates). Of one that is made elsewhere the plan shows an id."
    ),
    settings=(_SETTING,),
    check=_foreign,
)
