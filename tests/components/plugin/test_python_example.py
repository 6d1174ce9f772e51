"""The Python example: a program of one's own below a checkout, planned with the checkout's policies."""

from collections import Counter

import pytest

from tests.components.recorded import ROOT
from vectordb.errors import VectordbError
from vectordb.plan import analyzer, plan, stack_configuration

FOLDER = ROOT / "examples" / "python"


@pytest.mark.usefixtures("one_pack")
def test_it_plans_without_a_violation():
    made = plan.make(stack_configuration.read(FOLDER, "dev"))
    assert made.pack == "vectordb"
    assert made.violations == ()
    assert Counter(r.type.rpartition(":")[2] for r in made.recording.components()) == Counter(
        ["Encryption", "Network", "RdsDatabase", "Bastion"]
    )
    assert {r.name for r in made.recording.resources if "securityGroupIngressRule" in r.type} == {
        "bastion-to-database-ingress", "bastion-to-ssm-ingress", "bastion-to-ssmmessages-ingress",
    }  # fmt: skip


def test_the_nearest_pack_judges(tmp_path):
    program = tmp_path / "infrastructure" / "search"
    program.mkdir(parents=True)
    with pytest.raises(VectordbError, match=r"There is no policy pack for .*infrastructure/search"):
        analyzer.nearest(program)
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    assert analyzer.nearest(program) == tmp_path / "policy"
    (program / "policy").mkdir()  # not a pack
    assert analyzer.nearest(program) == tmp_path / "policy"
    (program / "policy" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    assert analyzer.nearest(program) == program / "policy"


@pytest.mark.parametrize(("example", "language"), [("yaml", "yaml"), ("typescript", "nodejs")])
def test_programs_in_other_languages_are_pulumis_to_run(example, language):
    with pytest.raises(VectordbError, match=rf"runtime is {language}; vectordb runs Python programs") as refused:
        stack_configuration.read(ROOT / "examples" / example, "dev")
    assert "--policy-pack" in refused.value.remedy
