"""The pack's proof in a process of its own: every way in which it may not come."""

import pytest

from vectordb.plan import facts


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("import sys; print('{\"version\": 1, \"read\": %d}' % len(sys.stdin.read()))", facts.Answer({"version": 1, "read": 15})),
        ("raise SystemExit('no plan')", facts.Answer(None, "`python -m isolation` failed: no plan")),
        ("raise SystemExit(3)", facts.Answer(None, "`python -m isolation` failed: it said nothing.")),
        ("print('[]')", facts.Answer(None, "`python -m isolation` wrote no JSON object.")),
        ("print('{')", facts.Answer(None, "`python -m isolation` wrote no JSON object.")),
    ],
)  # fmt: skip
def test_what_comes_back(tmp_path, program, answer):
    (tmp_path / "isolation").mkdir()
    (tmp_path / "isolation" / "__init__.py").write_text("")
    (tmp_path / "isolation" / "__main__.py").write_text(program)
    with facts.started(tmp_path) as prover:
        prover.begin({"shop": "dev"})
        assert prover.answer() == answer


def test_a_pack_that_proves_nothing_and_a_plan_that_never_came(tmp_path):
    with facts.started(tmp_path) as prover:
        assert prover.answer().facts is None
        prover.begin({})
        assert prover.answer().as_json() == {
            "factsProblem": "The policy pack has no `isolation` module that proves facts."
        }


def test_a_process_that_got_no_plan_does_not_stay(tmp_path):
    (tmp_path / "isolation").mkdir()
    (tmp_path / "isolation" / "__main__.py").write_text("import sys; sys.stdin.read()")
    with facts.started(tmp_path) as prover:
        process = prover._process
    assert process.returncode is not None
