"""describe_index and remote_indexes: what the service itself says."""

from datetime import UTC, datetime

import pytest

from tests.sql.answers import answering, arguments, refused_when
from tests.sql.cases import DECLARED, failure
from tests.sql.doubles import BUCKET, index_arn

DESCRIBE = "SELECT * FROM s3vl.describe_index('demo-index')"
WRONG = "it does not describe the index"
DESCRIBED = {
    "name": "demo-index",
    "bucket": BUCKET,
    "dimension": 5,
    "metric": "cosine",
    "data_type": "float32",
    "mode": "ENHANCED",
    "non_filterable_keys": ["body"],
    "full_text_keys": [{"key": "body", "language": None, "status": "BUILDING"}],
    "encryption": "aws:kms",
    "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "created_at": 1760000000.5,
}


def test_one_row_from_the_service(database, app):
    cursor = app.execute(DESCRIBE)
    assert [column.name for column in cursor.description] == [
        "registered_name",
        "service_name",
        "bucket_name",
        "dimension",
        "metric",
        "data_type",
        "index_mode",
        "non_filterable_keys",
        "full_text_keys",
        "encryption",
        "kms_key_arn",
        "created_at",
    ]
    (row,) = cursor.fetchall()
    assert row[:11] == (
        "demo-index",
        "demo-index",
        BUCKET,
        5,
        "cosine",
        "float32",
        "ENHANCED",
        [],
        [{"key": "body", "language": "en", "status": "ACTIVE"}],
        "AES256",
        None,
    )
    assert abs((datetime.now(UTC) - row[11]).total_seconds()) < 3600
    assert database.vectors.calls == [("GetIndex", {"indexArn": index_arn("demo-index")})]


def test_the_key_is_for_administrators(database, app):
    with database.lambda_.behaving(answering([DESCRIBED, DESCRIBED])):
        assert app.execute(DESCRIBE).fetchone() == (
            "demo-index",
            "demo-index",
            BUCKET,
            5,
            "cosine",
            "float32",
            "ENHANCED",
            ["body"],
            DESCRIBED["full_text_keys"],
            "aws:kms",
            None,
            datetime(2025, 10, 9, 8, 53, 20, 500_000, tzinfo=UTC),
        )
        assert database.as_admin("SELECT kms_key_arn FROM s3vl.describe_index('demo-index')") == [
            ("arn:aws:kms:us-east-1:123456789012:key/k",)
        ]


def test_by_arn(app):
    arn = index_arn("many")
    rows = app.execute("SELECT registered_name, metric, dimension FROM s3vl.describe_index(index_arn => %s)", (arn,))
    assert rows.fetchall() == [("many", "euclidean", 2)]


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"bucket": ""},
        {"name": "many"},
        {"bucket": "another"},
        {"dimension": None},
        {"dimension": "five"},
        {"metric": None},
        {"data_type": None},
        {"non_filterable_keys": None},
        {"non_filterable_keys": "body"},
        {"full_text_keys": None},
        {"full_text_keys": {}},
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": 1e300},
    ],
    ids=str,
)
def test_nonsense_is_no_description(database, app, change):
    assert refused_when(database, app, DESCRIBE, answering([DESCRIBED | change])) == ("S3V01", WRONG)


def test_an_empty_answer_is_no_description(database, app):
    assert refused_when(database, app, DESCRIBE, answering([{}])) == ("S3V01", WRONG)


def test_what_is_refused_before_the_call(database, app):
    assert failure(app, "SELECT * FROM s3vl.describe_index('nowhere')")[0] == "42704"
    assert failure(app, "SELECT * FROM s3vl.describe_index()")[0] == "22023"
    assert failure(app, "SELECT * FROM s3vl.describe_index('private')")[0] == "42501"
    assert database.lambda_.events == []


def test_the_indexes_of_the_registered_buckets(database):
    database.vectors.create("not-registered", 4)
    try:
        rows = database.as_admin(
            "SELECT bucket_name, service_name, index_arn, registered_as, created_at > now() - interval '1 hour'"
            " FROM s3vl.remote_indexes() ORDER BY 2"
        )
    finally:
        database.vectors._ask("DeleteIndex", {"indexArn": index_arn("not-registered")})
    names = [index["name"] for index in DECLARED]
    assert rows == [
        (BUCKET, name, index_arn(name), name if name in names else None, True)
        for name in sorted([*names, "not-registered"])
    ]
    assert len(database.lambda_.events) == 1


def test_page_after_page(database):
    listed = [{"name": f"i{n}", "arn": index_arn(f"i-{n}"), "created_at": 1.0} for n in range(3)]
    pages = [{"bucket": "b", "indexes": [one], "next_token": token} for one, token in zip(listed, "xy", strict=False)]
    with database.lambda_.behaving(answering([*pages, {"bucket": "b", "indexes": listed[2:], "next_token": None}])):
        rows = database.as_admin("SELECT service_name FROM s3vl.remote_indexes()")
    assert rows == [("i0",), ("i1",), ("i2",)]
    assert [asked["next_token"] for asked in arguments(database)] == [None, "x", "y"]


@pytest.mark.parametrize(
    "results",
    [
        [{}],
        [{"bucket": "b", "next_token": None}],
        [{"bucket": None, "indexes": [], "next_token": None}],
        [{"bucket": "b", "indexes": {}, "next_token": None}],
        [{"bucket": "b", "indexes": [{"name": "x"}], "next_token": None}],
        [{"bucket": "b", "indexes": [{"name": "x", "arn": "", "created_at": 1}], "next_token": None}],
        [{"bucket": "b", "indexes": [], "next_token": "t"}] * 2,
    ],
)
def test_nonsense_is_no_list(database, results):
    with database.login("operator") as operator:
        problem = "it does not list a bucket's indexes"
        assert refused_when(database, operator, "SELECT * FROM s3vl.remote_indexes()", answering(results)) == (
            "S3V01",
            problem,
        )


def test_remote_indexes_are_for_administrators(app):
    assert failure(app, "SELECT * FROM s3vl.remote_indexes()")[0] == "42501"
