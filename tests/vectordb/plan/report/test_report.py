"""What the report says, before it is written as anything."""

import pytest

from tests.vectordb.plan.report import example
from tests.vectordb.plan.report.conftest import compared, report_of
from vectordb.plan.report import drawing, facts, html, layout, reach, sections, verdict
from vectordb.plan.report.grade import Grade
from vectordb.plan.report.uses import Use, uses


@pytest.mark.parametrize(
    ("plan", "sentence", "grade"),
    [
        (example.quiet(), "No door to the internet: none of 6 network interfaces can be reached.", Grade.GOOD),
        (
            example.faulty(),
            (
                "1 way in from outside; 2 flows that nobody declared; 1 flow not proven to be encrypted; "
                "1 mandatory violation: nothing like this can be deployed."
            ),
            Grade.BAD,
        ),
        (
            example.quiet() | {"facts": None, "factsProblem": "The pack failed."},
            "It is not known what can reach the database. The pack failed.",
            Grade.LOOK,
        ),
    ],
)
def test_the_verdict(plan, sentence, grade):
    assert verdict.whole(report_of(plan)) == verdict.Verdict(sentence, grade)


def test_good_news_does_not_open_a_bad_verdict():
    plan = example.quiet() | {"policies": example.faulty()["policies"]}
    said = "1 mandatory violation: nothing like this can be deployed; no door to the internet: none of 6 network interfaces can be reached."
    assert verdict.whole(report_of(plan)) == verdict.Verdict(said, Grade.BAD)


def test_a_plan_that_was_judged_less_is_no_good_news():
    plan = example.quiet() | {"rules": [example.rule("a", "disabled"), example.rule("b", configured={"days": 1})]}
    said = "No door to the internet: none of 6 network interfaces can be reached; 1 policy is disabled or advisory."
    assert verdict.whole(report_of(plan)) == verdict.Verdict(said, Grade.LOOK)
    assert verdict.numbers(report_of(plan), None)[1].detail == "1 policy is disabled or advisory"
    assert sections.policies(report_of(plan)).notes == (
        "Not in force by the configuration of the policies: a (disabled). About a.",
        "Configured otherwise than by default: b (days = 1).",
    )


@pytest.mark.parametrize("place", ["unproven", "errors"])
def test_what_is_not_settled_is_no_good_news(place):
    plan = example.quiet()
    (plan["facts"]["exposure"] if place == "unproven" else plan["facts"])[place] = ["The routes are not known."]
    assert verdict.doors(report_of(plan)).grade is Grade.LOOK


def test_what_reaches_the_database_undeclared_flows_first():
    first, second = reach.ways(report_of(example.faulty()))
    assert (first.who, first.flow.port, first.flow.declared, first.logins) == (
        "Instance report-job",
        "tcp 5432-5439",
        False,
        (),
    )
    assert (second.who, second.before) == ("Bastion bastion-instance", ("Anybody (0.0.0.0/0)",))


def test_people_come_through_the_bastion_and_a_role_from_where_it_is():
    plan = example.quiet()
    assert reach.ways(report_of(plan))[0].logins == ("users-vectordb_app as vectordb_app",)
    user = "arn:aws:rds-db:us-east-1:123456789012:dbuser:*/worker"
    plan["facts"]["access"] = [
        example.grant("bastion-role", ["rds-db:*"], [user]),
        example.grant("worker-role", ["s3:*"], ["*"]),
    ]
    assert reach.ways(report_of(plan))[0].logins == ("bastion-role as worker",)
    assert list(map(str, reach.logins(report_of(plan).facts))) == ["bastion-role as worker"]


def test_a_plan_without_a_database_and_one_that_nothing_reaches():
    assert sections.reaching(report_of(example.empty())).empty == "There is no database in this plan."
    plan = example.quiet()
    plan["facts"]["flows"] = []
    assert sections.reaching(report_of(plan)).empty == "Nothing reaches it over the network."


def test_public_statements_come_first_and_names_stand_for_identifiers():
    plan = example.faulty()
    plan["facts"]["access"].append(
        example.grant("${bastion-role.arn}", ["s3:GetObject"], ["${database-cluster.arn}/x", "${aws:userid}"])
    )
    section = sections.access(report_of(plan))
    assert section.rows[0].group == "* (everyone)"
    assert [text.value for text in section.rows[-1].cells[2]] == [
        "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-X/vectordb_app"
    ]
    shown = [text.value for row in section.rows for cell in row.cells for text in cell]
    assert {"database-cluster/x", "${aws:userid}"} <= set(shown)


@pytest.mark.parametrize(
    "data", [None, [], 1, {}, {"flows": 3, "nodes": [1], "exposure": []}, {"flows": [{"encryption": "no"}]}]
)
def test_malformed_facts_are_empty_and_never_proven(data):
    read = facts.read(data)
    assert not any(flow.proven for flow in read.flows)
    assert read.doors == ()


def test_the_drawing_has_every_node_and_is_told_in_words():
    report = report_of(example.faulty())
    svg = drawing.svg(report.facts)
    for name in (
        "bastion-instance",
        "database-cluster",
        "report-job",
        "ssmmessages",
        "The internet",
        "us-east-1b 10.20.64.0/18",
    ):
        assert name in svg
    assert "! 5432-5439" in svg
    assert "Bastion bastion-instance reaches Aurora cluster database-cluster on tcp 5432" in drawing.words(report.facts)


def test_boxes_do_not_overlap_and_lie_inside():
    for plan in (example.quiet(), example.faulty(), example.huge(100)):
        placed = layout.arrange(report_of(plan).facts)
        boxes = [box for box in placed.boxes if box.nodes]
        for one in boxes:
            assert one.x >= 0
            assert one.x + layout.BOX_WIDTH <= placed.width
            assert one.y + one.height <= placed.height
            for other in boxes:
                apart = (
                    abs(one.x - other.x) >= layout.BOX_WIDTH
                    or one.y + one.height <= other.y
                    or other.y + other.height <= one.y
                )
                assert one is other or apart


def test_what_is_alike_is_one_box_and_what_is_too_much_is_counted():
    plan = example.quiet()
    labels = [[node.id for node in box.nodes] for box in layout.arrange(report_of(plan).facts).boxes]
    assert ["ssm", "ssmmessages"] in labels
    for number in range(60):
        plan["facts"]["nodes"].append(example.node(f"n{number}", f"Instance n{number}", "instance"))
        plan["facts"]["flows"].append(example.flow(f"n{number}", "database", str(number)))
    report = report_of(plan)
    assert drawing.hidden(report.facts) > 0
    assert f"{drawing.hidden(report.facts):,} more are in the table of flows only" in html.page(report)


def test_the_same_page_twice():
    assert html.page(*compared(example.faulty())) == html.page(*compared(example.faulty()))


def test_the_page_asks_for_nothing():
    page = html.page(*compared(example.faulty()))
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert " style=" not in page


def test_identifiers_of_the_plans_own_resources_are_not_counted_as_unknown():
    plan = example.quiet()
    (unknown,) = plan["facts"]["to_check"]
    plan["facts"]["to_check"] += [unknown | {"refers_to": ["encryption-key"]}, unknown | {"presumed": True}]
    report = report_of(plan)
    number = verdict.numbers(report, None)[3]
    assert (number.value, number.detail) == ("1", "and 2 identifiers")
    groups = [row.group for row in sections.to_check(report).rows]
    assert groups == ["Nothing is known of it", "Judged already, with made-up identifiers", "Identifiers"]


def test_what_a_role_may_use_outside_of_the_vpc_is_behind_the_endpoint():
    """The database's role comes from its association; an index, a queue and a model have no node until somebody may use them."""
    plan = example.quiet()
    lives = "vectordb:index:LambdaBridge$aws:"
    function, role = (
        f"{example.U}{lives}lambda/function:Function::bridge",
        f"{example.U}{lives}iam/role:Role::bridge-role",
    )
    index = f"{example.U}{lives}s3/vectorsIndex:VectorsIndex::docs"
    plan["resources"] += [
        {
            "urn": function,
            "type": "aws:lambda/function:Function",
            "inputs": {"name": "shop-bridge"},
            "propertyDependencies": {"role": [role]},
        },
        {"urn": index, "type": "aws:s3/vectorsIndex:VectorsIndex", "inputs": {"indexName": "texts"}},
        {
            "urn": f"{example.U}a:A::a",
            "type": "a:A",
            "propertyDependencies": {"dbClusterIdentifier": [example.CLUSTER], "roleArn": [example.ROLE]},
        },
    ]
    plan["facts"]["nodes"].append(
        example.node("bridge", "Lambda function bridge", "function", [function], subnets=(), vpc="")
    )
    plan["facts"]["access"] = [
        example.grant(
            "bastion-role",
            ["lambda:InvokeFunction"],
            ["arn:aws:lambda:us-east-1:123456789012:function:shop-bridge:live"],
        ),
        example.grant(
            "bridge-role", ["s3vectors:QueryVectors"], ["arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/texts"]
        ),
        example.grant(
            "bridge-role", ["bedrock:InvokeModel"], ["arn:aws:bedrock:us-east-1::foundation-model/amazon.titan"]
        ),
        example.grant("bridge-role", ["kms:Decrypt"], ["encryption-key"]),
    ]
    found, used = uses(report_of(plan))
    assert sorted(used) == [
        Use("bastion", "bridge"), Use("bridge", "Bedrock model amazon.titan"), Use("bridge", index), Use("lambda", "bridge"),
    ]  # fmt: skip
    assert found.nodes[index].label == "Vector index docs"
    assert "Endpoint lambda may use Lambda function bridge" in drawing.words(found, used)
    assert drawing.svg(found, used).count('class="flow use"') == 4
