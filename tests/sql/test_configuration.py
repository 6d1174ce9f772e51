"""configure, validate_config, the registry, and what the deployment does with them."""

import time

import psycopg
import pytest
from psycopg import errors

from tests.sql.doubles import FUNCTION_ARN, Answer, index_arn

QUERY = "SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 1)"
DEPLOYMENT = ["repeatable/90_deployment.sql"]


@pytest.fixture
def operator(database):
    """An administrator whose changes are undone."""
    with database.login("operator") as connection, connection.transaction(force_rollback=True):
        yield connection


# --- the sample's set-up, as its README has it


def test_the_sample_s_set_up_runs_unchanged(database, operator):
    arn = "arn:aws:lambda:us-west-2:123456789012:function:s3vl-vector-query"
    assert operator.execute(f"SELECT s3vl.configure('{arn}', 'us-west-2')").fetchone() == (True,)
    assert operator.execute("SELECT * FROM s3vl.validate_config()").fetchone()[:4] == (True, arn, "us-west-2", None)
    bucket = "arn:aws:s3vectors:us-west-2:123456789012:bucket/s3vl-bucket-xyz/index/s3vl-index-5d"
    assert operator.execute(f"SELECT s3vl.register_index('another-demo', '{bucket}')").fetchone() == (True,)
    rows = operator.execute("SELECT * FROM s3vl.list_indexes()").fetchall()
    assert ("another-demo", bucket, None, "s3vl-bucket-xyz", "us-west-2", "123456789012") in [row[:6] for row in rows]
    assert operator.execute(f"SELECT s3vl.configure('{arn}', 'us-west-2', 60)").fetchone() == (True,)
    assert operator.execute("SELECT timeout_seconds FROM s3vl.config").fetchall() == [(60,)]
    assert set(database.lambda_.functions) == {arn}


# --- configure


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:eu-west-1:123456789012:function:bridge",
        "arn:aws:lambda:eu-west-1:123456789012:function:bridge:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:bridge:$LATEST",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:bridge:7",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:bridge",
        "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:bridge",
    ],
)
def test_region_and_partition_come_from_the_arn(operator, arn):
    """Defects 9 and 10 of the sample: us-west-2 and arn:aws: for everyone."""
    operator.execute("SELECT s3vl.configure(%s)", (arn,))
    row = operator.execute("SELECT lambda_arn, aws_region, timeout_seconds FROM s3vl.config").fetchall()
    assert row == [(arn, arn.split(":")[3], 30)]


@pytest.mark.parametrize(
    ("arguments", "state", "message"),
    [
        ("NULL", "22004", "lambda_arn must not be NULL"),
        (f"'{FUNCTION_ARN}', NULL, NULL", "22004", "timeout_seconds must not be NULL"),
        ("''", "22023", "'' is not the ARN of a Lambda function"),
        ("'bridge'", "22023", "'bridge' is not the ARN of a Lambda function"),
        ("'arn:aws:s3:::x'", "22023", "'arn:aws:s3:::x' is not the ARN of a Lambda function"),
        (f"'{FUNCTION_ARN}', 'eu-west-1'", "22023", "aws_region is 'eu-west-1' but the function is in 'us-east-1'"),
        (f"'{FUNCTION_ARN}', timeout_seconds => 0", "22023", "timeout_seconds must be from 1 to 900, not 0"),
        (f"'{FUNCTION_ARN}', 'us-east-1', 901", "22023", "timeout_seconds must be from 1 to 900, not 901"),
    ],
)
def test_configure_refuses(operator, arguments, state, message):
    with pytest.raises(psycopg.Error) as caught:
        operator.execute(f"SELECT s3vl.configure({arguments})")
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == (state, f"s3vl.configure: {message}")


def test_configure_warns_when_the_function_does_not_answer(database, operator):
    said = []
    operator.add_notice_handler(lambda diagnostic: said.append((diagnostic.severity, diagnostic.message_primary)))
    with database.lambda_.behaving(lambda event: Answer(b'{"statusCode": 200}')):
        assert operator.execute("SELECT s3vl.configure(%s)", (FUNCTION_ARN,)).fetchone() == (True,)
    assert [severity for severity, _ in said] == ["WARNING"]
    assert said[0][1].startswith(
        "the function is configured but does not answer as it should: s3vl.validate_config: "
        "the answer is not the bridge function's: it has no protocol version\nDETAIL: Nothing of the answer was used.\nHINT: "
    )


# --- validate_config


def test_a_valid_configuration(database, app):
    cursor = app.execute("SELECT * FROM s3vl.validate_config()")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("is_valid", 16),
        ("lambda_arn", 25),
        ("aws_region", 25),
        ("error_message", 25),
        ("response_time_ms", 23),
    ]
    ((is_valid, arn, region, message, milliseconds),) = cursor.fetchall()
    assert (is_valid, arn, region, message) == (True, None, "us-east-1", None)  # the ARN is for administrators
    assert 0 <= milliseconds < 1000
    assert database.vectors.calls == []


def test_an_invalid_configuration_is_a_row_and_no_error(database, app):
    def slow(event):
        time.sleep(0.25)
        return Answer(b"")

    with database.lambda_.behaving(slow):
        ((is_valid, _, region, message, milliseconds),) = app.execute("SELECT * FROM s3vl.validate_config()").fetchall()
    assert (is_valid, region) == (False, "us-east-1")
    assert message.startswith("s3vl.validate_config: the database could not call the function\nDETAIL: ")
    assert "\nHINT: " in message
    assert 250 <= milliseconds < 1500
    with database.login("operator") as operator, database.lambda_.down():
        row = operator.execute("SELECT is_valid, lambda_arn FROM s3vl.validate_config()").fetchone()
    assert row == (False, FUNCTION_ARN)


def test_times_are_whole(database):
    """Defect 8 of the sample: extract(milliseconds …) of 62.5 s is 2500."""
    rows = database.as_admin(
        "SELECT s3vl.elapsed_ms(t, t + '62.5 s'), s3vl.elapsed_ms(t, t + '3 days 2 h'), s3vl.elapsed_ms(t, t) FROM now() AS t"
    )
    assert rows == [(62_500, 266_400_000, 0)]


def test_settings_of_time_are_read_in_every_form(database):
    for text, expected in {
        "3000": 3000,
        "250ms": 250,
        "30s": 30_000,
        "15min": 900_000,
        "1h": 3_600_000,
        "": None,
        "x": None,
    }.items():
        assert database.as_admin("SELECT s3vl.milliseconds(%s)", text) == [(expected,)], text


def test_without_a_configuration(database, operator):
    operator.execute("DELETE FROM s3vl.config")
    row = operator.execute("SELECT * FROM s3vl.validate_config()").fetchone()
    assert row[:3] == (False, None, None)
    assert row[3].startswith("s3vl.validate_config: no function is configured\nHINT: The deployment does it")
    assert row[4] is None
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match=r"s3vl\.query_vectors: no function is configured"):
        operator.execute(QUERY)
    assert database.lambda_.events == []


# --- the registry


@pytest.mark.parametrize("name", ["demo-index", "a1", "0index", "v1.2", "Big_Name", "x" * 64])
def test_names_that_the_service_or_the_sample_allow(operator, name):
    operator.execute("SELECT s3vl.register_index(%s, %s, 'for a test')", (name, index_arn("other")))
    row = operator.execute(
        "SELECT index_arn, description, is_active FROM s3vl.list_indexes() WHERE index_name = %s", (name,)
    )
    assert row.fetchone() == (index_arn("other"), "for a test", True)
    assert operator.execute("SELECT s3vl.resolve_index_arn(%s)", (name,)).fetchone() == (index_arn("other"),)
    assert operator.execute("SELECT s3vl.resolve_index_arn(%s)", (index_arn("other"),)).fetchone() == (
        index_arn("other"),
    )


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b"])
def test_indexes_of_every_partition(operator, partition):
    arn = index_arn("i.1", partition=partition, region="xx-north-1")
    operator.execute("SELECT s3vl.register_index('i.1', %s)", (arn,))
    row = operator.execute(
        "SELECT bucket_name, region, account_id FROM s3vl.list_indexes() WHERE index_name = 'i.1'"
    ).fetchone()
    assert row == ("vectordb-dev", "xx-north-1", "123456789012")


@pytest.mark.parametrize(
    ("name", "arn", "state"),
    [
        (None, index_arn("x12"), "22004"),
        ("x12", None, "22004"),
        ("x", index_arn("x12"), "22023"),
        ("", index_arn("x12"), "22023"),
        ("-x12", index_arn("x12"), "22023"),
        ("x12\n", index_arn("x12"), "22023"),
        ("x" * 65, index_arn("x12"), "22023"),
        ("arn:aws:x", index_arn("x12"), "22023"),
        ("x12", "", "22023"),
        ("x12", "arn:aws:s3vectors:us-east-1:12345:bucket/b-1/index/x12", "22023"),
        ("x12", "arn:aws:s3vectors:us-east-1:123456789012:bucket/b-1", "22023"),
        ("x12", "arn:aws:s3:us-east-1:123456789012:bucket/b-1/index/x12", "22023"),
        ("x12", index_arn("x12") + "/", "22023"),
    ],
)
def test_register_refuses(operator, name, arn, state):
    with pytest.raises(psycopg.Error) as caught:
        operator.execute("SELECT s3vl.register_index(%s, %s)", (name, arn))
    assert caught.value.sqlstate == state


def test_registering_again_changes_the_index_and_keeps_its_description(operator):
    operator.execute("SELECT s3vl.register_index('demo-index', %s, 'five dimensions')", (index_arn("demo-index"),))
    operator.execute("SELECT s3vl.register_index('demo-index', %s)", (index_arn("demo-index"),))
    row = "SELECT index_arn, description, dimension FROM s3vl.index_registry WHERE index_name = 'demo-index'"
    assert operator.execute(row).fetchone() == (index_arn("demo-index"), "five dimensions", 5)
    operator.execute("SELECT s3vl.register_index('demo-index', %s)", (index_arn("other"),))
    assert operator.execute(row).fetchone() == (index_arn("other"), "five dimensions", None)


def test_columns_are_the_sample_s(app):
    cursor = app.execute("SELECT * FROM s3vl.list_indexes()")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("index_name", 25),
        ("index_arn", 25),
        ("description", 25),
        ("bucket_name", 25),
        ("region", 25),
        ("account_id", 25),
        ("created_at", 1114),
        ("updated_at", 1114),
        ("is_active", 16),
    ]


# --- the deployment


def test_a_second_deployment_does_nothing(database):
    assert database.apply() == []


def test_the_deployment_registers_and_deactivates(database, app):
    from tests.sql.cases import DECLARED

    database.as_admin("SELECT s3vl.register_index('by-hand', %s)", index_arn("by-hand"))
    try:
        assert database.apply(indexes=[index for index in DECLARED if index["name"] != "many"]) == DEPLOYMENT
        assert (
            "repeatable/90_deployment.sql: NOTICE: the index 'many' is declared no more: deactivated" in database.said
        )
        rows = app.execute("SELECT index_name, is_active FROM s3vl.list_indexes()").fetchall()
        active = ["by-hand", "copies", "demo-index", "empty", "tenants", "wide"]
        assert rows == [*((name, True) for name in active), ("many", False)]
        for statement in (QUERY, "SELECT s3vl.resolve_index_arn('many')"):
            with pytest.raises(errors.ObjectNotInPrerequisiteState, match="the index 'many' is deactivated") as caught:
                app.execute(statement)
            assert "vectordb:indexes" in caught.value.diag.message_hint
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            app.execute("SELECT * FROM s3vl.list_vectors(%s)", (index_arn("many"),))
        assert database.apply() == DEPLOYMENT
        assert app.execute(QUERY).fetchone() == ("0",)
    finally:
        database.as_admin("DELETE FROM s3vl.index_registry WHERE index_name = 'by-hand'")
        database.apply()


def test_the_deployment_without_a_function(database, app):
    try:
        assert database.apply(function_arn="") == DEPLOYMENT
        with pytest.raises(errors.ObjectNotInPrerequisiteState, match="no function is configured"):
            app.execute(QUERY)
    finally:
        assert database.apply() == DEPLOYMENT
    assert app.execute(QUERY).fetchone() == ("0",)


def test_the_deployment_when_the_function_is_down_warns(database, app):
    other = FUNCTION_ARN.replace(":live", ":next")
    try:
        with database.lambda_.down():
            assert database.apply(function_arn=other) == DEPLOYMENT
        assert any("WARNING: the function is configured but does not answer" in line for line in database.said)
    finally:
        database.apply()


def test_the_deployment_refuses_what_is_no_arn(database, app):
    from vectordb.errors import VectordbError

    with pytest.raises(VectordbError, match="is not the ARN of an S3 Vectors index"):
        database.apply(indexes=[{"name": "x12", "arn": "arn:aws:s3:::x", "dimension": 2, "metric": "cosine"}])
    with pytest.raises(VectordbError, match="is not the ARN of a Lambda function"):
        database.apply(function_arn="arn:aws:lambda:us-east-1:123456789012:layer:x")
    assert database.apply() == []
    assert app.execute(QUERY).fetchone() == ("0",)
