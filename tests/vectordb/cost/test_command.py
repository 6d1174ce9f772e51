import json


def test_json(vectordb):
    run = vectordb("cost", "--json", "--storage-gb", "20", "--active-hours", "10")
    assert (run.returncode, run.stderr) == (0, "")
    made = json.loads(run.stdout)
    costs = {(line["part"], line["item"]): line["usd"] for line in made["lines"] if line["usd"] is not None}
    assert costs == {
        ("door", "interface endpoints, each zone"): 14.6,
        ("key", "customer key"): 1.0,
        ("store", "Aurora Serverless v2, paused when idle"): 1.2,
        ("store", "Aurora storage"): 2.0,
        ("store", "Aurora I/O"): 0.2,
    }
    assert made["total"] == 19.0
    assert made["autoPause"]["saved"] == 43.2  # 720 h × 0.5 ACU × 0.12, for 365 + 5 - 10 ACU-hours
    assert [(one["type"], one["reason"]) for one in made["notPriced"]] == [
        ("aws:ec2/natGateway:NatGateway", "nothing is known of the price of this type")
    ]
    assert made["notes"][0].startswith("The prices are those of us-east-1; in eu-west-1")
    assert "s3cr3t" not in run.stdout


def test_table_and_markdown(vectordb):
    run = vectordb("cost")
    assert run.returncode == 0
    for expected in (
        "shop / dev, a month",
        "Aurora Serverless v2, paused when idle",
        "40 ACU-hours",
        "In all",
        "21.60",
        "Auto-pause saves 41.40: 4.80 instead of 46.20",
        "Not priced: nat (aws:ec2/natGateway:NatGateway): nothing is known of the price of this type.",
        "List prices of us-east-1",
    ):
        assert expected in run.stdout
    run = vectordb("cost", "--markdown")
    assert "| door | interface endpoints, each zone | 1,460 hours | 0.01 / hour | 14.60 |" in run.stdout
    assert "| **in all** |  |  |  | **21.60** |" in run.stdout


def test_the_plan_carries_the_bill(vectordb):
    run = vectordb("plan", "--json")
    made = json.loads(run.stdout)
    assert made["cost"]["total"] == 21.6
    assert "21.60 USD a month: 15.60 whatever the use, 6.00 by assumed use. 1 not priced." in " ".join(
        run.stderr.split()
    )


def test_errors_say_what_to_do(vectordb):
    run = vectordb("cost", "--active-hours", "731")
    assert (run.returncode, run.stdout) == (2, "")
    assert "Give --active-hours from 0 to 730." in run.stderr
    run = vectordb("cost", "--write-docs")
    assert run.returncode == 2
    assert "README.md does not exist." in " ".join(run.stderr.split())
