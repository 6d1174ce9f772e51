"""What the workflows' steps run: the commands of the `make` targets, and the scripts with doubles of what they call."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOUBLE = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in *--jq*) [ -z "$ANSWER" ] || echo "$ANSWER" ;; esac
for word; do case "$word" in body=@*) cat "${word#body=@}" >>"$CALLS" ;; esac; done
"""


@pytest.fixture
def run(tmp_path):
    """Runs a script; what it said to `gh` and how it ended."""
    (tmp_path / "gh").write_text(DOUBLE)
    (tmp_path / "gh").chmod(0o755)

    def run(script, *arguments, answer=""):
        calls = tmp_path / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "ANSWER": answer,
            "GITHUB_REPOSITORY": "octo-org/vectordb",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "7",
            "PULL_REQUEST": "12",
        }
        done = subprocess.run(["sh", str(ROOT / "scripts" / script), *arguments], env=environment, check=False)
        return calls.read_text(), done.returncode

    return run


@pytest.mark.parametrize(
    ("last", "call"),
    [
        ("", "api --silent --method POST repos/octo-org/vectordb/issues/12/comments"),
        ("99", "api --silent --method PATCH repos/octo-org/vectordb/issues/comments/99"),
    ],
)
def test_a_report_is_one_comment_that_is_kept_up_to_date(run, tmp_path, last, call):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "dev.md").write_text("What reaches the database: `$(touch pwned)`\n")
    calls, code = run("comment.sh", str(tmp_path / "report"), answer=last)
    assert code == 0
    assert call in calls
    assert "<!-- vectordb-report-dev -->\nWhat reaches the database: `$(touch pwned)`\n" in calls
    assert 'select(.user.login == "github-actions[bot]"' in calls


def test_a_comment_says_when_what_judges_has_changed(run, tmp_path):
    """Of the names in a pull request, which anybody may choose, only those that the script knows are repeated."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "dev.md").write_text("What reaches the database\n")
    changed = "policy/`@everyone`.py\npolicy/flows.toml\nMakefile\ncomponents/Makefile\nvectordbx/a.py\n.github/workflows/a.yml"
    calls, code = run("comment.sh", str(tmp_path / "report"), answer=changed)
    assert code == 0
    assert "api --paginate repos/octo-org/vectordb/pulls/12/files" in calls
    warning = (
        "> [!WARNING]\n> This pull request changes what judges it: `.github/` `Makefile` `policy/`. Read that first.\n"
    )
    assert f"<!-- vectordb-report-dev -->\n{warning}\nWhat reaches" in calls


def test_a_link_in_the_reports_folder_is_not_followed(run, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "dev.md").symlink_to("/proc/self/environ")
    assert run("comment.sh", str(tmp_path / "report"))[1] == 1


def test_without_a_report_there_is_no_comment(run, tmp_path):
    (tmp_path / "report").mkdir()
    calls, code = run("comment.sh", str(tmp_path / "report"))
    assert (code, "POST" in calls) == (1, False)


@pytest.mark.parametrize(
    ("result", "number", "said", "code"),
    [
        ("success", "", [], 0),
        ("success", "4", ["issue close 4"], 0),
        ("failure", "", ["label create compliance", "issue create --title"], 1),
        ("failure", "4", ["issue comment 4 --body"], 1),
    ],
)
def test_one_issue_tells_of_drift(run, result, number, said, code):
    calls, ended = run("tell.sh", result, answer=number)
    assert ended == code
    asked, *rest = [line for line in calls.splitlines() if line.startswith(("issue", "label"))]
    assert asked.startswith("issue list --label compliance --state open --app github-actions")
    assert [line.startswith(words) for line, words in zip(rest, said, strict=True)] == [True] * len(said)
    assert not said or "https://github.example/octo-org/vectordb/actions/runs/7" in calls


PACK = "--policy-pack policy --policy-pack-config policy/config.prod.json"


@pytest.mark.parametrize(
    ("target", "command"),
    [
        (["preview"], f'pulumi preview --stack "prod" {PACK} --diff'),
        (["preview", "saved=plan.json"], f'pulumi preview --stack "prod" {PACK} --diff --save-plan "plan.json"'),
        (["deploy"], f'pulumi up --stack "prod" {PACK} --yes'),
        (["deploy", "saved=plan.json"], f'pulumi up --stack "prod" {PACK} --yes --plan "plan.json"'),
        (["drift"], 'pulumi refresh --stack "prod" --preview-only --expect-no-changes --diff'),
        (["compliance"], f'pulumi policy analyze --stack "prod" {PACK}'),
    ],
    ids=" ".join,
)
def test_a_target_is_one_command(target, command):
    printed = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/installed", "stack=prod", *target],
        cwd=ROOT,
        # Under `make test` the outer make would have the inner one say where it is.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == command


VECTORDB = """#!/bin/sh
echo "$PWD: $*" >>"$CALLS"
previous=; for word; do [ "$previous" != --json ] || echo '{}' >"$word"; previous=$word; done
exit "$CODE"
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_report_compares_with_the_base_and_ends_as_the_plan_does(tmp_path, code):
    """The base's program is planned in a work tree of its own, which does not stay."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "vectordb").write_text(VECTORDB)
    (tmp_path / ".venv" / "bin" / "vectordb").chmod(0o755)
    (tmp_path / "program").write_text("first")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["add", "program"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    environment = {"PATH": os.environ["PATH"], "CALLS": str(tmp_path / "calls"), "CODE": str(code)}
    script = ["sh", str(ROOT / "scripts" / "report.sh"), "prod", "HEAD"]
    done = subprocess.run(script, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == code
    before, after = (tmp_path / "calls").read_text().splitlines()
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    base = tmp_path / "build" / f"prod-at-{commit.strip()}.json"
    assert before == f"{tmp_path}/build/base: plan --stack prod --json {base}"
    written = " ".join(
        f"--{kind} build/report/prod.{end}"
        for kind, end in (("json", "json"), ("markdown", "md"), ("html", "html"), ("sarif", "sarif"))
    )
    assert after == f"{tmp_path}: plan --stack prod {written} --diff {base}"
    assert not (tmp_path / "build" / "base").exists()
