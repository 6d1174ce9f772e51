"""`vectordb plan` as a user runs it: exit codes, what is printed where, and the JSON that others read."""

import json

from tests.components.recorded import ROOT
from vectordb.plan.recording import UNKNOWN


def test_a_sound_program(vectordb):
    done = vectordb("plan")
    assert done.returncode == 0, done.stderr
    assert "part (Part)" in done.stdout
    assert "2 resources in 1 components." in done.stdout
    assert "✓ No violation" in done.stdout


def test_an_open_door_is_named_with_its_remedy_and_is_in_the_file_of_json(vectordb, project):
    (project / "Pulumi.dev.yaml").write_text("config:\n  shop:cidr: 0.0.0.0/1\n")
    done = vectordb("plan", "--json", "plan.json")
    assert done.returncode == 1
    assert "✗ part-rule" in done.stdout
    assert (
        "urn:pulumi:dev::shop::shop:index:Part$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::part-rule"
        in (done.stdout.replace("\n", ""))
    )
    assert "0.0.0.0/1" in done.stdout
    (violation,) = json.loads((project / "plan.json").read_text())["policies"]
    assert violation["urn"].endswith("::part-rule")
    assert violation["enforcement"] == "mandatory"


def test_json_alone_is_on_standard_output_and_the_talk_is_not_and_it_is_the_same_text_twice(vectordb):
    done = vectordb("plan", "--json")
    plan = json.loads(done.stdout)
    assert "✓ No violation" in done.stderr
    assert (plan["project"], plan["stack"], plan["policies"]) == ("shop", "dev", [])
    assert plan["outputs"] == {"hidden": "[secret]"}
    rule = next(r for r in plan["resources"] if r["name"] == "part-rule")
    group = next(r for r in plan["resources"] if r["name"] == "part-group")
    assert rule == {
        "urn": rule["urn"],
        "type": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "name": "part-rule",
        "custom": True,
        "parent": "urn:pulumi:dev::shop::shop:index:Part::part",
        "dependencies": [group["urn"]],
        "propertyDependencies": {
            "cidrIpv4": [], "description": [], "fromPort": [], "ipProtocol": [], "securityGroupId": [group["urn"]], "toPort": [],
        },
        "protect": False,
        "ignoreChanges": [],
        "aliases": [],
        "inputs": {
            "cidrIpv4": "10.0.0.0/8", "description": "who", "fromPort": 5432, "ipProtocol": "tcp", "securityGroupId": UNKNOWN, "toPort": 5432,
        },
    }  # fmt: skip
    assert vectordb("plan", "--json").stdout == done.stdout


def test_a_program_that_fails_says_so(vectordb, project):
    (project / "__main__.py").write_text("import pulumi\nraise pulumi.RunError('no such thing')\n")
    done = vectordb("plan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: no such thing\n"


def test_a_program_with_a_mistake_keeps_its_trace(vectordb, project):
    (project / "__main__.py").write_text("1 / 0\n")
    done = vectordb("plan")
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "__main__.py" in done.stderr


def test_outside_of_a_project(vectordb, tmp_path_factory):
    done = vectordb("plan", cwd=tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 2
    assert "no Pulumi.yaml here or above" in done.stderr


def test_a_pack_that_cannot_start(vectordb, project):
    (project / "policy").unlink()
    (project / "policy").mkdir()
    (project / "policy" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (project / "policy" / "__main__.py").write_text("raise SystemExit('broken pack')\n")
    done = vectordb("plan")
    assert done.returncode == 2
    assert "The policy pack did not start" in done.stderr
    assert "broken pack" in done.stderr


def test_bad_configuration_of_the_real_program(vectordb, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    for name in ("__main__.py", "Pulumi.yaml", "components", "policy", "lambda", "sql"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "Pulumi.dev.yaml").write_text("config:\n  vectordb:indexes: [{name: docs, dimension: 5000}]\n")
    done = vectordb("plan", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: The stack's configuration cannot be used:",
        "  vectordb:indexes[0].dimension: 5000 is out of range. Allowed: 1 to 4096.",
    ]


def test_every_report_in_one_run(vectordb, project):
    """The facts of a real program reach each file, an older base is proved too, and a comment has standard output to itself."""
    (project / "Pulumi.dev.yaml").write_text("config:\n  shop:cidr: 0.0.0.0/0\n")
    (project / "base.json").write_text('{"resources": []}')
    files = ("--json", "plan.json", "--html", "plan.html", "--sarif", "plan.sarif")
    done = vectordb("plan", "--diff", "base.json", "--markdown", "-", *files)
    assert done.returncode == 1
    assert done.stdout.startswith("<!-- vectordb plan shop/dev -->\n## ❌ `shop / dev`: ")
    assert "Since base.json: 2 added." in done.stderr
    assert '<h2 id="changes-title">What changes since base.json</h2>' in (project / "plan.html").read_text()
    (result, *_) = json.loads((project / "plan.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("__main__.py", 4)
    facts = json.loads((project / "plan.json").read_text())["facts"]
    assert (facts["version"], facts["exposure"]["open"]) == (1, [])


def test_a_failure_leaves_the_files_as_they_were(vectordb, project):
    (project / "plan.html").write_text("before")
    (project / "__main__.py").write_text("1 / 0\n")
    assert vectordb("plan", "--html", "plan.html").returncode == 2
    assert (project / "plan.html").read_text() == "before"
