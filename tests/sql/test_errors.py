"""Wrong arguments and refusals of the service: an SQLSTATE of their kind, and what to do."""

import pytest

from tests.sql.cases import READS, SQL, failure
from tests.sql.doubles import index_arn, refused

# --- arguments


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("query_vectors(NULL, 'many')", "22004", "query_vector must not be NULL"),
        ("query_vectors(NULL::vector, 'many')", "22004", "query_vector must not be NULL"),
        ("query_vectors(NULL::float8[], 'many')", "22004", "query_vector must not be NULL"),
        ("query_vectors('[0,0]', 'many', top_k => NULL)", "22004", "top_k must not be NULL"),
        ("query_vectors('[0,0]', 'many', return_metadata => NULL)", "22004", "return_metadata must not be NULL"),
        ("query_vectors('[0,0]', 'many', top_k => 0)", "22023", "top_k must be from 1 to 10000, not 0"),
        ("query_vectors('[0,0]', 'many', top_k => 10001)", "22023", "top_k must be from 1 to 10000, not 10001"),
        ("query_vectors('[0,0]', 'many', top_k => -1)", "22023", "top_k must be from 1 to 10000, not -1"),
        ("query_vectors('[0,0]')", "22023", "give either index_name or index_arn; none was given"),
        ("query_vectors('[0,0]', 'many', 'arn:x')", "22023", "give either index_name or index_arn; both were given"),
        (
            "query_vectors('[0,0]', index_arn => 'many')",
            "22023",
            "index_arn must be an ARN; a name goes into index_name",
        ),
        ("query_vectors('[0,0,0]', 'many')", "22023", "query_vector has 3 dimensions, the index 'many' has 2"),
        (
            "query_vectors(array_fill(1.0, ARRAY[4097]), 'many')",
            "22023",
            "query_vector has 4097 dimensions; S3 Vectors has at most 4096",
        ),
        (
            "query_vectors('[0,0]', 'many', metadata_filter => '[1]')",
            "22023",
            "metadata_filter must be a JSON object, not array",
        ),
        (
            "query_vectors('[0,0]', 'many', metadata_filter => 'null')",
            "22023",
            "metadata_filter must be a JSON object, not null",
        ),
        ("query_vectors('[0,0]', 'unknown')", "42704", "the index 'unknown' is not registered"),
        ("query_vectors('[0,0]', '''; DROP TABLE x')", "42704", "the index '''; DROP TABLE x' is not registered"),
        ("get_vectors(NULL, 'many')", "22004", "vector_ids must not be NULL"),
        ("get_vectors('{NULL}', 'many')", "22023", "vector_ids must not contain NULL"),
        ("get_vectors('{a,NULL}', 'many')", "22023", "vector_ids must not contain NULL"),
        ("get_vectors(ARRAY['a', ''], 'many')", "22023", "each of vector_ids must have 1 to 1024 characters"),
        (
            "get_vectors(ARRAY[repeat('x', 1025)], 'many')",
            "22023",
            "each of vector_ids must have 1 to 1024 characters",
        ),
        ("get_vectors('{a}', 'many', NULL, NULL)", "22004", "include_vector_data must not be NULL"),
        ("get_vectors('{a}', 'many', NULL, true, NULL)", "22004", "include_metadata must not be NULL"),
        ("get_vectors('{a}')", "22023", "give either index_name or index_arn; none was given"),
        ("list_vectors()", "22023", "give either index_name or index_arn; none was given"),
        ("list_vectors(index_name => 'many', max_results => 0)", "22023", "max_results must be from 1 to 1000, not 0"),
        (
            "list_vectors(index_name => 'many', max_results => 1001)",
            "22023",
            "max_results must be from 1 to 1000, not 1001",
        ),
        ("list_vectors(index_name => 'many', max_results => NULL)", "22004", "max_results must not be NULL"),
        ("list_vectors(index_name => 'many', return_data => NULL)", "22004", "return_data must not be NULL"),
        ("list_vectors(index_name => 'many', return_metadata => NULL)", "22004", "return_metadata must not be NULL"),
        ("resolve_index_arn(NULL)", "22004", "index_name_param must not be NULL"),
        ("resolve_index_arn('unknown')", "42704", "the index 'unknown' is not registered"),
    ],
)
def test_wrong_arguments_are_refused_before_any_call(database, app, call, state, message):
    """Defect 11 of the sample: its ERRCODE was no condition's name, so the error path failed itself."""
    found, said, _, _ = failure(app, f"SELECT * FROM s3vl.{call}")
    assert (found, said) == (state, f"s3vl.{call.partition('(')[0]}: {message}")
    assert database.lambda_.events == []


@pytest.mark.parametrize(
    ("vector", "state"),
    [
        ("ARRAY[]::float8[]", "22000"),
        ("ARRAY['NaN', 1]::float8[]", "22000"),
        ("ARRAY['Infinity', 1]::float8[]", "22000"),
        ("ARRAY[1, NULL]::float8[]", "22004"),
        ("ARRAY[1e39, 1]::float8[]", "22000"),
        ("ARRAY[[1, 2], [3, 4]]::float8[]", "22000"),
        ("'no vector'", "22P02"),
        ("'[1,2'", "22P02"),
        ("'{1,x}'", "22P02"),
        ("'[1,70000]'::halfvec", "22003"),
    ],
)
def test_what_is_no_vector_is_a_data_exception(database, app, vector, state):
    found, _, _, _ = failure(app, f"SELECT * FROM s3vl.query_vectors({vector}, 'many')")
    assert found == state
    assert database.lambda_.events == []


def test_an_arn_that_is_not_registered_is_refused_and_not_repeated(database, app):
    """Only registered indexes can be reached, whatever the function's role would allow."""
    for arn in (index_arn("secret"), index_arn("demo-index", region="eu-west-1"), "arn:aws:s3:::bucket"):
        for call in ("query_vectors('[0,0]', index_arn => %s)", "query_vectors('[0,0]', %s)", "list_vectors(%s)"):
            state, message, _, hint = failure(app, f"SELECT * FROM s3vl.{call}", arn)
            assert (state, message.split(": ")[1]) == ("42704", "the index of that ARN is not registered")
            assert "list_indexes" in hint
    assert database.lambda_.events == []


# --- refusals of the service


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [
        ("ValidationException", 400, "22023"),
        ("AccessDeniedException", 403, "42501"),
        ("NotFoundException", 404, "42704"),
        ("ConflictException", 409, "55000"),
        ("ServiceQuotaExceededException", 402, "53000"),
        ("TooManyRequestsException", 429, "53400"),
        ("RequestTimeoutException", 408, "58000"),
        ("InternalServerException", 500, "58000"),
        ("ServiceUnavailableException", 503, "58000"),
        ("KmsDisabledException", 400, "55000"),
        ("KmsInvalidKeyUsageException", 400, "55000"),
        ("KmsInvalidStateException", 400, "55000"),
        ("KmsNotFoundException", 400, "55000"),
        ("ExpiredTokenException", 403, "58000"),
        ("InvalidSignatureException", 403, "58000"),
        ("UnrecognizedClientException", 403, "42501"),
        ("SomethingNewException", 400, "58000"),
    ],
)
def test_the_service_s_refusals(database, app, code, status, state):
    database.vectors.refusal = (code, "this is why", status)
    for read in READS:
        found, message, detail, hint = failure(app, read)
        name = read.split("FROM ")[1].partition("(")[0]
        assert (found, message) == (state, f"{name}: {code}: this is why")
        assert detail == "Request id of the service: s3-request-1. Request id of the function: lambda-request-1."
        assert len(hint) > 8


def test_every_error_of_the_services_models_has_its_sqlstate(database):
    """The models are the SDK's own, so an error that AWS adds is noticed here."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    used = {
        "s3vectors": (
            "QueryVectors",
            "GetVectors",
            "ListVectors",
            "PutVectors",
            "DeleteVectors",
            "GetIndex",
            "ListIndexes",
        ),
        "bedrock-runtime": ("InvokeModel",),
    }
    named = {
        shape.name
        for service, operations in used.items()
        for operation in operations
        for shape in ServiceModel(Loader().load_service_model(service, "service-2"))
        .operation_model(operation)
        .error_shapes
    }
    known = {code for (code,) in database.as_admin("SELECT code FROM s3vl.refusals()")}
    assert {"KmsNotFoundException", "ModelNotReadyException"} <= named <= known


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [
        ("ThrottlingException", 429, "53400"),
        ("ModelNotReadyException", 429, "55000"),
        ("ModelTimeoutException", 408, "58000"),
        ("ModelErrorException", 424, "58000"),
        ("ResourceNotFoundException", 404, "42704"),
        ("AccessDeniedException", 403, "42501"),
        ("ValidationException", 400, "22023"),
        ("ServiceQuotaExceededException", 400, "53000"),
    ],
)
def test_the_model_s_refusals(database, app, code, status, state):
    database.vectors.before = lambda operation, _: refused(code, "why", status) if operation == "InvokeModel" else None
    found, message, detail, hint = failure(app, "SELECT * FROM s3vl.search_text('words', 'demo-index')")
    assert (found, message) == (state, f"s3vl.search_text: {code}: Amazon Bedrock: why")
    assert "s3-request-1" in detail
    assert hint


def test_every_error_of_the_function_has_its_sqlstate(database):
    import re
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "lambda/bridge"
    raised = set(re.findall(r"BridgeError\(\s*\"(\w+)\"", "".join(path.read_text() for path in folder.glob("*.py"))))
    assert {"InvalidRequest", "DeadlineExceeded", "UnexpectedError", "ModelNotAllowed"} <= raised
    known = {code for (code,) in database.as_admin("SELECT code FROM s3vl.refusals()")}
    assert raised <= known


def test_arns_are_shown_to_administrators_only(database, app):
    text = f"User: arn:aws:sts::123456789012:assumed-role/x is not authorized on resource: {index_arn('demo-index')} because"
    database.vectors.refusal = ("AccessDeniedException", text, 403)
    _, message, detail, hint = failure(app, READS[0])
    assert message == (
        "s3vl.query_vectors: AccessDeniedException: User: (ARN withheld) is not authorized on resource: (ARN withheld) because"
    )
    assert "arn:" not in detail + hint
    with database.login("operator") as operator:
        assert failure(operator, READS[0])[1] == f"s3vl.query_vectors: AccessDeniedException: {text}"
        operator.execute("SET ROLE vectordb_reader")  # it is who logged in that counts
        assert failure(operator, READS[0])[1] == f"s3vl.query_vectors: AccessDeniedException: {text}"


def test_a_wrong_token_is_an_argument(app):
    found, message, _, _ = failure(app, "SELECT * FROM s3vl.list_vectors(index_name => 'many', next_token => '')")
    assert (found, message) == (
        "22023",
        "s3vl.list_vectors: InvalidRequest: next_token must be a string of 1 to 2048 characters",
    )


# --- the file's own list


def test_every_sqlstate_is_in_the_list_at_the_head_of_the_file():
    """sql/repeatable/11_bridge_errors.sql says what a program may meet, and what to do then."""
    import re

    head, _, body = (SQL / "repeatable/11_bridge_errors.sql").read_text().partition("SET LOCAL ROLE")
    listed = set(re.findall(r"^--   ([0-9A-Z]{5})  ", head, re.MULTILINE))
    files = body + "".join(path.read_text() for path in sorted((SQL / "repeatable").glob("1[2-9]_*.sql")))
    raised = set(re.findall(r"'((?:[0-9]{2}|S3)[0-9A-Z]{3})'", files)) - {"22021", "3F000", "42883", "22P02", "S3V00"}
    conditions = {
        "null_value_not_allowed": "22004",
        "invalid_parameter_value": "22023",
        "untranslatable_character": "22P05",
        "insufficient_privilege": "42501",
        "undefined_object": "42704",
        "wrong_object_type": "42809",
        "object_not_in_prerequisite_state": "55000",
        "array_subscript_error": "S3V01",  # caught again by its caller, as an answer of another shape
    }
    raised |= {conditions[name] for name in re.findall(r"ERRCODE = '([a-z_]+)'", files)}
    assert raised <= listed, raised - listed
    assert {"42809", "53400", "S3V01", "22P05"} <= raised


# --- a write that ended in the middle


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0, "None of 9 vectors is known to be written. Request id: r."),
        (4, "4 of 9 vectors were written: the first 4 of vector_ids, from 'a' to 'd'. Request id: r."),
    ],
)
def test_a_partial_write_keeps_its_state_and_says_how_far_it_came(database, done, expected):
    with database.login("operator") as operator:
        found = failure(
            operator,
            "SELECT s3vl.raise_partial('s3vl.put_vectors', 'written', %s, 9, 'a', 'd', '53400',"
            " 's3vl.put_vectors: TooManyRequestsException: slow down', 'Request id: r.', 'Wait.')",
            done,
        )
    assert found == (
        "53400",
        "s3vl.put_vectors: TooManyRequestsException: slow down",
        expected,
        "Calling it again with all of them is safe: a vector is put, and deleted, by its key. Wait.",
    )
