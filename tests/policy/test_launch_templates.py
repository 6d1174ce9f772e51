"""Launch templates are of the stack, wherever they are named."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN, resource

__all__ = ["stage"]

RULE = "launch-template-declared"
FOREIGN = "names a launch template that this stack does not make"
CONFIGS = "launchTemplateConfigs[0].launchTemplateSpecification"
MIXED = "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
PLACES = [
    ("ec2/instance", lambda name: {"launchTemplate": {"id": name}}, "launchTemplate.id"),
    ("ec2/spotInstanceRequest", lambda name: {"launchTemplate": {"name": name}}, "launchTemplate.name"),
    ("eks/nodeGroup", lambda name: {"launchTemplate": {"name": name}}, "launchTemplate.name"),
    ("autoscaling/group", lambda name: {"launchTemplate": {"id": name}}, "launchTemplate.id"),
    ("autoscaling/group", lambda name: {"mixedInstancesPolicy": {"launchTemplate": {"launchTemplateSpecification": {"launchTemplateName": name}}}}, f"{MIXED}.launchTemplateName"),
    ("ec2/fleet", lambda name: {"launchTemplateConfigs": [{"launchTemplateSpecification": {"launchTemplateId": name}}]}, f"{CONFIGS}.launchTemplateId"),
    ("ec2/spotFleetRequest", lambda name: {"launchTemplateConfigs": [{"launchTemplateSpecification": {"name": name}}]}, f"{CONFIGS}.name"),
    ("batch/computeEnvironment", lambda name: {"computeResources": {"launchTemplate": {"launchTemplateId": name}}}, "computeResources.launchTemplate.launchTemplateId"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "naming", "where"), PLACES)
def test_a_template_of_somebody_else_is_found(path: str, naming: Any, where: str, stage: Stage) -> None:
    own = stage.make("ec2/launchTemplate", "own", {"name": "own-template"})

    def user(name: Any) -> Resource:
        return resource(path, naming(name), "user")

    assert judged(RULE, [own, user("lt-0123456789abcdef0")]) == [("user", where, FOREIGN)]
    assert judged(RULE, hidden([own, user("lt-0123456789abcdef0")])) == [("user", where, FOREIGN)]
    assert judged(RULE, [own, user("lt-0123456789abcdef0")], templates=["lt-0123456789abcdef0"]) == []
    assert judged(RULE, [own, user("own-template"), user(UNKNOWN), resource(path, {}), user(None)]) == []
    assert judged(RULE, [own, user("id-of-own")]) == ([] if stage.is_update else [("user", where, FOREIGN)])
    assert len(judged(RULE, [own, *(user("lt-1") for _ in range(300))])) == 300
