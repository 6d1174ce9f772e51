"""The comment: short enough whatever the plan, safe whatever it holds, the answer first."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.vectordb.plan.report import example
from tests.vectordb.plan.report.conftest import compared, report_of
from vectordb.plan.report import html, markdown, model

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = "x|y`z``<img src=x onerror=alert(1)>@team #12 [a](https://e.example) ![i](http://e) **b** www.e.example ~~s~~ $x$ &copy; <!-- --> \u202e"


def test_the_first_lines():
    report, changes = compared(example.faulty())
    lines = markdown.comment(report, changes).splitlines()
    assert lines[0] == "<!-- vectordb plan shop/dev -->"
    assert lines[1].startswith(
        "## ❌ `shop / dev`: 1 way in from outside; 2 flows that nobody declared; 1 flow not proven"
    )
    assert lines[5] == "| ❌ **1** | ❌ **1** (1 advisory) | ⚠️ **1** | **1** | **103.37** (+78.40) |"


def test_the_answer_comes_before_the_changes_and_they_before_the_rest():
    text = markdown.comment(*compared(example.faulty()))
    titles = re.findall(r"^#{3,4} (.*)$|<summary><b>(.*?)</b>", text, re.MULTILINE)
    assert ["".join(title) for title in titles] == [
        "What reaches the database", "Ways in from outside", "Exposure", "Access", "Encryption", "Cost", "Policies",
        "Policies", "Flows", "Access", "Stores and keys", "To be checked at up", "Resources that change", "Cost",
    ]  # fmt: skip


def test_a_quiet_plan_folds_everything_but_the_answer():
    text = markdown.comment(report_of(example.quiet()))
    assert re.findall(r"^#{3,4} (.*)$", text, re.MULTILINE) == ["What reaches the database"]
    assert "| <b>Bastion bastion-instance</b> | Aurora cluster database-cluster | `tcp 5432` |" in text
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("count", [200, 2000])
def test_it_is_never_too_long_and_says_what_is_missing(count):
    text = markdown.comment(*compared(example.huge(count)))
    assert len(text.encode()) <= 60_000
    assert "left out: the page that" in text
    assert text.count("<details>") == text.count("</details>")


def test_the_least_important_goes_first():
    text = markdown.comment(report_of(example.huge(400)))
    assert "rows are left out" in text.partition("<b>Cost</b>")[2]
    first = text.partition("### What reaches the database")[2].partition("\n#")[0]
    assert first.count("undeclared") >= 20
    assert first.partition("<details>")[0].count("undeclared") == 10


def test_names_are_neither_links_nor_images_nor_html():
    """As a CommonMark parser with tables sees it: a row has its cells, and every tag is one of ours."""
    tokens = PARSER.parse(markdown.comment(*compared(example.huge(20))))
    inline = [token for block in tokens for token in block.children or ()]
    assert not {"link_open", "image", "em_open", "s_open"} & {token.type for token in inline}
    assert {token.content for token in inline if token.type == "html_inline"} <= {"<sub>", "</sub>", "<b>", "</b>"}
    blocks = {line for token in tokens if token.type == "html_block" for line in re.findall("<[^>]+>", token.content)}
    assert blocks == {
        "<!-- vectordb plan shop/dev -->",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<b>",
        "</b>",
    }
    cells = [token.type for token in tokens if token.type in ("th_open", "td_open", "tr_open", "table_open")]
    for table in " ".join(cells).split("table_open")[1:]:
        assert len({row.count("_open") for row in table.split("tr_open")[1:]}) == 1
    mentions = [token.content for token in inline if token.type == "text" and re.search(r"@[A-Za-z]", token.content)]
    assert mentions == []


@given(st.text() | st.just(NASTY))
def test_a_code_span_is_one_cell_and_ends_where_it_should(value):
    span = markdown.code(value)
    assert "\n" not in span
    assert not re.search(r"(?<!\\)\|", span)
    if span:
        fence = re.match("`+", span)[0]
        assert span.endswith(fence)
        inner = span[len(fence) : -len(fence)]
        assert fence not in re.findall("`+", inner)


def test_a_finding_leads_to_the_page_of_its_policy_where_that_can_be_read():
    plan, place = example.faulty(), "https://git.example/a/b/blob/1/"
    plan["rules"][0]["page"] = "docs/policies/a).md"
    report = model.read(plan, pages=place)
    assert f"| [`no-public-ingress`]({place}docs/policies/a%29.md) |" in markdown.comment(report)
    assert f'<a href="{place}docs/policies/a%29.md"><code' in html.page(report)
    assert place not in html.page(report_of(plan)) + markdown.comment(report_of(plan))


def test_a_sentence_keeps_what_is_typed():
    assert markdown.sentence("Run `vectordb plan`, not *that*.") == "Run `vectordb plan`, not \\*that\\*."
    assert markdown.sentence("a ` alone") == "a \\` alone"


@pytest.mark.parametrize("written", [markdown.prose, markdown.sentence])
@given(value=st.text() | st.just(NASTY) | st.text("`|\\ a@*"))
def test_prose_is_one_cell_without_markup(written, value):
    text = written(value)
    assert "\n" not in text
    (paragraph, *rest) = PARSER.parse(f"| a | b |\n| --- | --- |\n| {text} | end |")
    inline = [token for block in (paragraph, *rest) for token in block.children or ()]
    assert {token.type for token in inline} <= {"text", "text_special", "code_inline"}
    assert [token.type for token in rest].count("td_open") == 2
    shown = "".join(token.content for token in inline if token.type == "text")
    assert not re.search(r"[@#]\w", shown)


def test_links_are_not_made_of_prose():
    assert markdown.prose("see https://e.example and WWW.e.example") == "see https\\://e.example and WWW\\.e.example"
    assert markdown.prose("- item") == "&#45; item"
    assert markdown.prose("1. item") == "&#49;. item"


def test_a_marker_is_one_comment_whatever_the_project_is_called():
    assert markdown.marker(report_of(example.quiet() | {"project": "a --> b"})) == "<!-- vectordb plan a-b/dev -->"


def test_the_diagram():
    text = markdown.comment(report_of(example.faulty()))
    diagram = text.partition("```mermaid\n")[2].partition("\n```")[0]
    assert diagram.startswith("flowchart LR\n")
    assert '-.->|"undeclared tcp 5432-5439, unproven"|' in diagram
    assert "```mermaid" not in markdown.comment(report_of(example.huge(400)))
