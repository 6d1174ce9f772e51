"""What holds for every workflow of this repository, whatever it does: GitHub's schema, and how not to be taken over."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))

DEPENDABOT = ROOT / ".github" / "dependabot.yml"

MAY_WRITE = {
    "preview.yml comment": {"pull-requests", "security-events"},
    "compliance.yml tell": {"issues"},
}
"""The jobs that may change something of the repository, and what."""

BECOME_A_ROLE = {
    "preview.yml preview",
    "deploy.yml dev",
    "deploy.yml review",
    "deploy.yml prod",
    "compliance.yml check",
}
"""The jobs that get a token for AWS; each is in an environment, which the role's trust names."""

GLUE = {'cat build/report/*.md >> "$GITHUB_STEP_SUMMARY"'}
"""Steps of the shell that are no `make` target, since they mean nothing outside of a workflow."""


@cache
def loaded(file):
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in read.items()}


def jobs():
    return {f"{file.name} {name}": job for file in WORKFLOWS for name, job in loaded(file)["jobs"].items()}


def steps():
    """(Where, step) of every workflow and action."""
    found = [(name, step) for name, job in jobs().items() for step in job["steps"]]
    return found + [(file.parent.name, step) for file in ACTIONS for step in loaded(file)["runs"]["steps"]]


def test_there_are_workflows():
    assert {file.stem for file in WORKFLOWS} == {"preview", "deploy", "compliance", "dependency-review", "test"}


@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", WORKFLOWS), ("github-actions", ACTIONS), ("dependabot", [DEPENDABOT])]
)
def test_githubs_schema(schema, files):
    import jsonschema
    from check_jsonschema.builtin_schemas import get_builtin_schema

    described = get_builtin_schema(f"vendor.{schema}")
    validator = jsonschema.validators.validator_for(described)(described)
    assert [error.message for file in files for error in validator.iter_errors(loaded(file))] == []
    assert list(validator.iter_errors({"jobs": {}}))


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not on PATH")
def test_actionlint():
    done = subprocess.run(["actionlint", *map(str, WORKFLOWS)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_action_is_pinned_to_a_commit_and_says_which_version():
    for file in [*WORKFLOWS, *ACTIONS]:
        uses = re.findall(r"uses: (\S+)(.*)", file.read_text(encoding="utf-8"))
        wrong = [
            name
            for name, rest in uses
            if not re.fullmatch(r"\./\.github/actions/[a-z-]+", name)
            and not (re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name) and re.fullmatch(r" # v\d+\.\d+\.\d+", rest))
        ]
        assert wrong == [], file.name


def test_what_is_pinned_is_moved():
    (updates,) = loaded(DEPENDABOT)["updates"]
    assert updates["package-ecosystem"] == "github-actions"
    assert updates["directories"] == ["/", "/.github/actions/*"]


def test_one_action_has_one_version():
    pinned = {re.sub("@.*", "", step["uses"]): set() for _, step in steps() if "@" in step.get("uses", "")}
    for _, step in steps():
        if "@" in step.get("uses", ""):
            name, _, commit = step["uses"].partition("@")
            pinned[name].add(commit)
    assert {name: commits for name, commits in pinned.items() if len(commits) > 1} == {}


def test_no_fork_runs_with_our_secrets():
    for file in WORKFLOWS:
        triggers = loaded(file)["on"]
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers), file.name
    for name, job in jobs().items():
        if name.startswith("preview.yml") and (name in MAY_WRITE or name in BECOME_A_ROLE):
            assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"], name


def test_nothing_may_more_than_it_needs():
    for file in WORKFLOWS:
        assert loaded(file)["permissions"] == {}, file.name
    for name, job in jobs().items():
        granted = dict(job["permissions"])
        assert granted.pop("contents") == "read", name
        assert granted.pop("id-token", None) == ("write" if name in BECOME_A_ROLE else None), name
        assert {key for key, value in granted.items() if value == "write"} == MAY_WRITE.get(name, set()), name
        assert not (name in BECOME_A_ROLE and name in MAY_WRITE), name


def test_a_role_is_for_an_environment():
    for name in BECOME_A_ROLE:
        job = jobs()[name]
        assert job["environment"]["name"] in ("preview", "check", "dev", "prod"), name
        # What a pull request brings along may run in `preview` before anybody has read it, and nowhere else.
        assert (job["environment"]["name"] == "preview") == name.startswith("preview.yml"), name
        (deployer,) = [step for step in job["steps"] if step.get("uses") == "./.github/actions/deployer"]
        assert deployer["with"]["role"] == "${{ vars.AWS_ROLE }}", name
    assert jobs()["deploy.yml prod"]["environment"]["name"] == "prod"
    assert jobs()["deploy.yml prod"]["needs"] == "review"


def test_what_may_write_runs_no_code_of_the_pull_request():
    checkout, *_ = jobs()["preview.yml comment"]["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_no_key_is_kept():
    for file in [*WORKFLOWS, *ACTIONS]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"secrets\.|aws-access-key-id|AWS_SECRET|PULUMI_ACCESS_TOKEN|\b[A-Z]{4}[A-Z0-9]{16}\b", text
        ), file.name
    for name, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name


def test_no_text_of_others_becomes_a_command():
    """An expression in `run` is pasted into the script before the shell reads it; in `env` it stays a value."""
    assert [(name, step["run"]) for name, step in steps() if "${{" in step.get("run", "")] == []


def test_whatever_does_work_is_a_make_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name, step in steps():
        if (script := step.get("run")) and script not in GLUE:
            assert (match := re.fullmatch(r"make ([a-z-]+)( [a-z]+=\S+)*", script)), (name, script)
            assert match[1] in targets, (name, script)


def test_jobs_end_and_do_not_pile_up():
    assert [name for name, job in jobs().items() if not 0 < job["timeout-minutes"] <= 60] == []
    waits = {
        file.stem: loaded(file)["concurrency"]["cancel-in-progress"] for file in WORKFLOWS if file.stem != "deploy"
    }
    assert waits == {"preview": True, "dependency-review": True, "test": True, "compliance": False}
    for name in ("dev", "prod"):
        # What has to wait for an approval must not keep dev from being deployed.
        waiting = jobs()[f"deploy.yml {name}"]["concurrency"]
        assert waiting == {"group": f"deploy-{name}", "cancel-in-progress": False}


def test_the_cli_is_of_the_sdks_version():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (asked,) = [s["with"]["pulumi-version"] for _, s in steps() if s.get("uses", "").startswith("pulumi/actions@")]
    assert f"pulumi=={asked} " in lock


def test_the_page_requires_checks_that_there_are():
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    required = re.findall(r"`([^`]+)`", page[page.index("and the checks") : page.index("Have an owner approve")])
    names = {re.sub(r"\$\{\{.*?\}\}", "*", job.get("name", "")) for job in jobs().values()}
    assert len(required) >= 7
    assert [
        check for check in required if not any(re.fullmatch(name.replace("*", r"[\w.]+"), check) for name in names)
    ] == []
