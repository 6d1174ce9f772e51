"""The policies judge a deployed stack as they judged its plan: at `up` every id is known, and a rule finds its resources by them."""

import pytest

from tests.engine.test_preview import STACKS, pack_of

pytestmark = pytest.mark.long

SHAPES: list[tuple[str, str, dict[str, object]]] = [(stack, folder, {}) for stack, folder in STACKS[1:]]
SHAPES.append(("dev", ".", {"embedding": {"models": ["amazon.titan-embed-text-v2:0"]}}))


@pytest.mark.parametrize(
    ("stack", "folder", "keys"),
    SHAPES,
    ids=["-".join([*keys, folder, stack]).strip(".-") for stack, folder, keys in SHAPES],
)
def test_what_is_deployed_passes_the_policies_and_stays(tmp_path, stack, folder, keys):
    from tests.engine.surroundings import surrounded

    with surrounded(tmp_path, stack, folder) as surroundings:
        pulumi, policies = surroundings.pulumi, pack_of(surroundings.project.folder, stack, folder)
        surroundings.project.configure(**keys)
        pulumi.environment["VECTORDB_PYTHON"] = "true"  # the SQL of a stack is the business of test_stack.py
        ran = pulumi("up", "--yes", "--skip-preview", *policies)
        assert ran.code == 0, ran.output
        again = pulumi("up", "--yes", "--skip-preview", *policies, "--expect-no-changes")
        assert (again.code, again.steps()) == (0, {}), again.output
        judged = pulumi.plain("policy", "analyze", "--stack", stack, *policies)
        assert judged.code == 0, judged.output
