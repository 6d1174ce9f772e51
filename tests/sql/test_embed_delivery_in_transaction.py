"""Delivery in_transaction: the database asks the model before the row is written (aws_ml, on Aurora)."""

from collections.abc import Iterator

import pytest

from tests.embed.model import RefusedError
from tests.sql.cases import failure
from tests.sql.embed_delivery import TITAN, Stage

ABORT = "embed.deliver_in_transaction(on_failure => 'abort')"
ENQUEUE = "embed.deliver_in_transaction()"
COLUMN = "embed.to_column('embedding')"
CREATE = f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', embedding => {TITAN}, destination => {COLUMN}, delivery => {ENQUEUE})"


@pytest.fixture
def aurora(stage: Stage) -> Iterator[Stage]:
    """With aws_ml, as its error says how."""
    stage.bench.run(
        "CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE; GRANT USAGE ON SCHEMA aws_bedrock TO vectordb_owner;"
        " GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock TO vectordb_owner"
    )
    yield stage
    stage.bench.clear()
    stage.bench.run("DROP EXTENSION aws_ml")


def test_a_row_has_its_vector_when_it_is_written(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one'), (2, 't', 'two'), (3, 't', NULL), (4, 't', '  ')")
    assert aurora.vectors() == {1: "right", 2: "right", 3: "none", 4: "none"}
    assert aurora.models_asked == 2
    assert aurora.settled()
    aurora.bench.run("UPDATE app.docs SET body = 'uno' WHERE id = 1")
    aurora.bench.run("UPDATE app.docs SET views = 3, title = 'x'")
    aurora.bench.run("UPDATE app.docs SET body = NULL WHERE id = 2")
    aurora.bench.run("DELETE FROM app.docs WHERE id = 4")
    assert aurora.vectors() == {1: "right", 2: "none", 3: "none"}
    assert aurora.models_asked == 3
    assert aurora.settled()
    assert (aurora.asked, aurora.bells) == ([], [])


def test_upserts_new_keys_and_two_statements_of_one_transaction(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    with aurora.bench.owner.transaction():
        aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        aurora.bench.run(
            "INSERT INTO app.docs VALUES (1, 't', 'uno'), (2, 't', 'due')"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        )
        aurora.bench.run("UPDATE app.docs SET body = 'one' WHERE id = 1")
    assert aurora.vectors() == {1: "right", 2: "right"}
    assert aurora.settled()
    # The vector goes along with the row, but which row it is of has to be written: a worker does.
    aurora.bench.run("UPDATE app.docs SET id = 9 WHERE id = 2")
    aurora.work({"sweep": True})
    assert aurora.vectors() == {1: "right", 9: "right"}
    assert aurora.settled()


def test_rows_above_the_limit_are_queued(aurora: Stage) -> None:
    aurora.docs("embed.deliver_in_transaction('abort', row_limit => 3)", COLUMN)
    aurora.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 10) AS n")
    assert aurora.models_asked == 3
    assert list(aurora.vectors().values()) == ["right"] * 3 + ["none"] * 7
    assert len(aurora.bench.work()) == 7
    assert aurora.answer_bells() == 7
    assert set(aurora.vectors().values()) == {"right"}
    assert aurora.settled()
    # The next statement has its own, and rows that change lose the vector of what they were.
    aurora.bench.run("UPDATE app.docs SET body = 'other ' || id")
    assert aurora.models_asked == 6
    assert sorted(aurora.vectors().values()) == ["none"] * 7 + ["right"] * 3


def test_a_row_that_comes_back_to_what_it_was_does_not_count_as_embedded_again(aurora: Stage) -> None:
    aurora.docs("embed.deliver_in_transaction('abort', row_limit => 1)", COLUMN)
    aurora.bench.run(
        "DO $$ BEGIN INSERT INTO app.docs VALUES (1, 't', 'one'); UPDATE app.docs SET body = 'two';"
        " UPDATE app.docs SET body = 'one'; END $$"
    )
    assert aurora.models_asked == 1
    assert aurora.vectors() == {1: "none"}
    assert aurora.bench.work() == [(1, "[1]", "u")]
    aurora.answer_bells()
    assert aurora.settled()


def test_what_a_loop_writes_counts_together(aurora: Stage) -> None:
    aurora.docs("embed.deliver_in_transaction('abort', row_limit => 3)", COLUMN)
    aurora.bench.run(
        "DO $$ BEGIN FOR n IN 1..5 LOOP INSERT INTO app.docs VALUES (n, 't', 'body ' || n); END LOOP; END $$"
    )
    assert aurora.models_asked == 3


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (RefusedError(403, "AccessDeniedException", "You don't have access to the model"), "class configuration"),
        (RefusedError(429, "ThrottlingException", "Too many requests"), "class throttle"),
        (RefusedError(400, "ValidationException", "Malformed input request: secret"), "class poison"),
    ],
    ids=["access", "throttled", "poison"],
)
def test_the_model_fails(aurora: Stage, failing: RefusedError, said: str) -> None:
    aurora.docs(ABORT, COLUMN)
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    aurora.model.failing = failing
    told = failure(aurora.bench.owner, "UPDATE app.docs SET body = 'secret'")
    assert told[:3] == (
        "EMB01",
        "the vectorizer docs could not embed what was written: Bedrock did not embed the text (SQLSTATE 39000)",
        said,
    )
    assert aurora.vectors() == {1: "right"}
    aurora.deliver(ENQUEUE)
    aurora.models_asked = 0
    aurora.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two'), (3, 't', 'three')")
    aurora.bench.run("UPDATE app.docs SET body = 'uno' WHERE id = 1")
    # One failure in a statement is enough; a row never keeps the vector of what it was.
    assert aurora.models_asked == 2
    assert aurora.vectors() == {1: "none", 2: "none", 3: "none"}
    assert len(aurora.bench.work()) == 3
    aurora.model.failing = None
    aurora.answer_bells()
    aurora.work({"sweep": True})
    assert aurora.vectors() == {1: "right", 2: "right", 3: "right"}
    assert aurora.settled()


def test_another_dimension_is_refused(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    aurora.bench.run("CREATE OR REPLACE FUNCTION app.x() RETURNS int LANGUAGE sql RETURN 1")
    embed = aurora.model.embed
    aurora.model.embed = lambda texts, dimension: [row[:5] for row in embed(texts, dimension)]  # type: ignore[method-assign]
    assert failure(aurora.bench.owner, "INSERT INTO app.docs VALUES (1, 't', 'one')")[:3] == (
        "EMB01",
        "the vectorizer docs could not embed what was written: the model gave 5 dimensions instead of 256",
        "class configuration",
    )


def test_bedrock_is_down(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    with aurora.bench.database.lambda_.down():
        told = failure(aurora.bench.owner, "INSERT INTO app.docs VALUES (1, 't', 'one')")
        assert told[0] == "EMB01"
        assert told[2] == "class transient"
        aurora.deliver(ENQUEUE)
        aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert aurora.work({"sweep": True})["rows"] == 1
    assert aurora.settled()


def test_rolled_back(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    with aurora.bench.owner.transaction():
        aurora.bench.run("SAVEPOINT a; INSERT INTO app.docs VALUES (1, 't', 'one'); ROLLBACK TO a")
        aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'uno')")
    assert aurora.vectors() == {1: "right"}
    with aurora.bench.owner.transaction(force_rollback=True):
        aurora.bench.run("UPDATE app.docs SET body = 'x'")
    assert aurora.vectors() == {1: "right"}
    assert aurora.settled()


def test_what_the_tables_own_triggers_make_of_a_row_is_embedded(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    aurora.bench.run(
        "CREATE FUNCTION app.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := upper(NEW.body); RETURN NEW; END $$;"
        "CREATE TRIGGER m_shout BEFORE INSERT OR UPDATE ON app.docs FOR EACH ROW EXECUTE FUNCTION app.shout()"
    )
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert aurora.vectors() == {1: "right"}
    assert aurora.settled()
    # One that comes after ours: the vector is of another text, and the row stays queued.
    aurora.bench.run("ALTER TRIGGER m_shout ON app.docs RENAME TO zzz_shout")
    aurora.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert aurora.vectors()[2] == "wrong"
    assert aurora.bench.work() == [(1, "[2]", "u")]
    aurora.answer_bells()
    assert aurora.vectors()[2] == "right"
    assert aurora.settled()


def test_to_it_and_from_it_while_rows_are_written(aurora: Stage) -> None:
    aurora.docs("embed.deliver_scheduled()", COLUMN)
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    aurora.deliver(ENQUEUE)
    aurora.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert aurora.vectors() == {1: "none", 2: "right"}
    aurora.deliver("embed.deliver_sync_lambda()")
    assert aurora.bench.value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_embed_%'") == 0
    aurora.bench.run("INSERT INTO app.docs VALUES (3, 't', 'three')")
    assert len(aurora.asked) == 1
    aurora.work({"sweep": True})
    assert aurora.vectors() == {1: "right", 2: "right", 3: "right"}
    assert aurora.settled()


def test_a_question_is_asked_of_bedrock(aurora: Stage) -> None:
    aurora.docs(ABORT, COLUMN)
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'alpha'), (2, 't', 'beta')")
    assert aurora.bench.run("SELECT key, round(distance::numeric, 4) FROM embed.search_text('docs', 'beta', 1)") == [
        ([2], 0)
    ]
    assert aurora.asked == []


@pytest.mark.parametrize(
    ("model", "purpose", "wanted"),
    [
        ("amazon.titan-embed-text-v1", "document", {"inputText": "x"}),
        ("amazon.titan-embed-text-v2:0", "query", {"inputText": "x", "dimensions": 8, "normalize": True}),
        (
            "amazon.titan-embed-image-v1",
            "document",
            {"inputText": "x", "embeddingConfig": {"outputEmbeddingLength": 8}},
        ),
        (
            "cohere.embed-english-v3",
            "query",
            {"texts": ["x"], "input_type": "search_query", "truncate": "NONE", "embedding_types": ["float"]},
        ),
        (
            "us.cohere.embed-v4:0",
            "document",
            {
                "texts": ["x"],
                "input_type": "search_document",
                "truncate": "NONE",
                "embedding_types": ["float"],
                "output_dimension": 8,
            },
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            "query",
            {
                "schemaVersion": "nova-multimodal-embed-v1",
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "TEXT_RETRIEVAL",
                    "embeddingDimension": 8,
                    "text": {"truncationMode": "NONE", "value": "x"},
                },
            },
        ),
        ("other.model", "document", None),
    ],
)
def test_requests_are_the_workers(stage: Stage, model: str, purpose: str, wanted: object) -> None:
    embedding = f'{{"model": "{model}", "dimension": 8}}'
    assert stage.bench.value("SELECT embed.model_request(%s, 'x', %s)", embedding, purpose) == wanted


@pytest.mark.parametrize(
    "answer",
    [
        '{"embedding": [3, 4]}',
        '{"embeddings": {"float": [[3, 4]]}}',
        '{"embeddings": [[3, 4]]}',
        '{"embeddings": [{"embedding": [3, 4]}]}',
    ],
)
def test_answers_of_every_form(stage: Stage, answer: str) -> None:
    for normalize, wanted in (("true", "[0.6,0.8]"), ("false", "[3,4]")):
        embedding = f'{{"dimension": 2, "normalize": {normalize}}}'
        assert stage.bench.value("SELECT embed.model_vector(%s, %s)::text", embedding, answer) == wanted
    assert (
        failure(stage.bench.owner, "SELECT embed.model_vector('{\"dimension\": 2}', '{\"embedding\": [0, 0]}')")[0]
        == "EMB01"
    )


def test_refused_where_it_cannot_be(stage: Stage) -> None:
    stage.bench.docs()
    stage.bench.run("ALTER TABLE app.docs ADD COLUMN embedding public.vector(256)")
    told = failure(stage.bench.owner, CREATE)
    assert told[:2] == (
        "55000",
        "embed.create_vectorizer: in_transaction needs the extension aws_ml, and vectordb_owner must be allowed to use it",
    )
    assert told[3].startswith("As the master: CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE; ")
    for parts, problem in (
        ("template => 'x $chunk'", "in_transaction takes no template"),
        (
            "embedding => embed.bedrock('amazon.titan-embed-text-v2:0', 256, region => 'eu-west-1')",
            "in_transaction asks models in the database's own region only",
        ),
        (
            "embedding => embed.http('http://model.test', 'fake', 256)",
            "in_transaction asks models of Amazon Bedrock, not http",
        ),
    ):
        given = {"embedding": TITAN} if "embedding" not in parts else {}
        arguments = ", ".join([parts, *(f"{key} => {value}" for key, value in given.items())])
        assert failure(
            stage.bench.owner,
            f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', destination => {COLUMN}, delivery => {ENQUEUE}, {arguments})",
        )[:2] == ("22023", f"embed.create_vectorizer: {problem}")


def test_refused_without_the_grant_which_other_modes_do_not_need(aurora: Stage) -> None:
    aurora.docs("embed.deliver_event()", COLUMN)
    aurora.bench.run(
        "REVOKE USAGE ON SCHEMA aws_bedrock FROM vectordb_owner;"
        " REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock FROM vectordb_owner"
    )
    aurora.deliver("embed.deliver_sync_lambda()")
    assert failure(aurora.bench.owner, f"SELECT embed.alter_vectorizer('docs', delivery => {ABORT})")[0] == "55000"
    aurora.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert aurora.vectors() == {1: "right"}


@pytest.mark.parametrize("mode", [ABORT, "embed.deliver_sync_lambda('abort')"], ids=["in_transaction", "sync_lambda"])
def test_partitions_and_other_isolation_levels(aurora: Stage, mode: str) -> None:
    aurora.bench.run(
        "CREATE TABLE app.docs (part text, id bigint, body text, embedding public.vector(256), PRIMARY KEY (part, id))"
        " PARTITION BY LIST (part)"
    )
    aurora.bench.run("CREATE TABLE app.docs_a PARTITION OF app.docs FOR VALUES IN ('a')")
    aurora.bench.run("CREATE TABLE app.docs_b PARTITION OF app.docs FOR VALUES IN ('b')")
    aurora.bench.vectorizer(embedding=TITAN, destination=COLUMN, delivery=mode, backfill="'none'")
    aurora.bench.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM app.docs")
    aurora.bench.run("INSERT INTO app.docs VALUES ('a', 1, 'one'), ('b', 2, 'two')")
    aurora.bench.run("UPDATE app.docs_a SET body = 'uno'; COMMIT")
    assert aurora.vectors() == {1: "right", 2: "right"}
    assert aurora.settled()
